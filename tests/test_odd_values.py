"""Odd values for each parameter of everything public: a right answer, or nothing has changed.

A sample in plain pytest, all of them with --slow; `python -m tests.odd_values` prints them.
"""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from minnet.foundation.checks import integer
from minnet.layers import Dense
from minnet.models import Sequential
from tests import odd_values
from tests.odd_values import CALLS, ODD, Call, all_attempts, attempt, in_own_words, state_of

SLOW_TO_MAKE = ("plots.", "datasets.glyphs", "transfer.compare")
"""Calls that take long where the odd value is fine."""

SAMPLE = 12
"""Attempts for each call in plain pytest."""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path) -> Iterator[None]:
    """Files go where nobody minds."""
    with contextlib.chdir(tmp_path):
        yield


def faults(call: Call, attempts: list[tuple[str, str]]) -> list[str]:
    """What is wrong with some attempts, in words."""
    outcomes = [attempt(call, parameter, odd) for parameter, odd in attempts]
    return [str(outcome) for outcome in outcomes if outcome.kind.isupper()]


def sample(call: Call) -> list[tuple[str, str]]:
    """Some attempts, the same every time."""
    attempts = all_attempts(call)
    count = 2 if call.name.startswith(SLOW_TO_MAKE) else SAMPLE
    return random.Random(zlib.crc32(call.name.encode())).sample(attempts, min(count, len(attempts)))


def test_there_are_fifty_odd_values_and_more() -> None:
    assert len(ODD) >= 50


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_each_call_is_fine_without_an_odd_value(call: Call) -> None:
    function, _ = call.prepare()
    with odd_values.quiet():
        function(**call.arguments())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_odd_values_are_refused_in_words_or_answered(call: Call) -> None:
    assert faults(call, sample(call)) == []


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_all_odd_values_are_refused_in_words_or_answered(call: Call) -> None:
    attempts = all_attempts(call)
    if call.name.startswith(SLOW_TO_MAKE):
        attempts = attempts[:: len(SLOW_TO_MAKE) * 4]
    assert faults(call, attempts) == []


# --- the look itself ------------------------------------------------------------------------------


def raised(call) -> BaseException:
    with pytest.raises(BaseException) as caught:
        call()
    return caught.value


def test_words_of_python_and_numpy_are_seen() -> None:
    assert in_own_words(raised(lambda: integer("a", "It")))
    assert not in_own_words(raised(lambda: int("a")))
    assert not in_own_words(raised(lambda: np.zeros(3) + np.zeros(2)))
    assert not in_own_words(raised(lambda: Dense(3).forward(np.ones((1, 3)))))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.rng.random(),
        lambda model: model.freeze([0]),
        lambda model: model.layers[0].W.__setitem__((0, 0), 5.0),
        lambda model: setattr(model, "preprocessing", "none"),
        lambda model: setattr(model.optimizer, "beta_1", 0.5),
        lambda model: model.pop(),
    ],
)
def test_what_has_changed_is_seen(change) -> None:
    model = odd_values.model()
    before = state_of(model)
    assert state_of(model) == before
    model.predict(odd_values.X)
    assert state_of(model) == before
    change(model)
    assert state_of(model) != before


def test_a_call_that_changes_what_it_refuses_is_named() -> None:
    def prepare():
        model = odd_values.model()

        def refuse(x) -> None:
            model.rng.random()
            integer(x, "It")

        return refuse, model

    outcome = attempt(Call("own", prepare, ("x",)), "x", "text")
    assert outcome.kind == "CHANGED"
    assert isinstance(odd_values.model(), Sequential)
