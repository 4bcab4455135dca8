"""Update rules from their steps alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.teaching.scripts.rules import RIGHT, WRONG, Rule, directions, judge

NUMBERS = [0.9, 0.99, 1e-8, 0.05]


def steps(rule: Rule, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The moves and the gradients of five steps by a rule."""
    rng = np.random.default_rng(seed)
    gradients = [rng.normal(size=(3, 2)) for _ in range(5)]
    with np.errstate(all="ignore"):
        return [0.05 * u for u in directions(rule, gradients, 0.9, 0.99, 1e-8)], gradients


@given(st.sampled_from(RIGHT), st.integers(0, 1000))
def test_right_rules_are_right(rule: Rule, seed: int) -> None:
    moves, gradients = steps(rule, seed)
    verdict = judge(moves, gradients, NUMBERS)
    assert verdict is not None
    assert verdict[1] is None


@pytest.mark.parametrize("rule", WRONG, ids=lambda rule: f"{rule.name}: {rule.words[:40]}")
def test_one_mistake_is_wrong(rule: Rule) -> None:
    moves, gradients = steps(rule, 0)
    verdict = judge(moves, gradients, NUMBERS, name=rule.name, remembers=True)
    assert verdict is not None
    # without ε nothing changes here, and a v of before is a momentum of another size
    if not rule.no_epsilon:
        assert verdict[1] is not None, verdict


@given(st.sampled_from(RIGHT), st.integers(0, 1000))
def test_a_step_uphill_is_wrong(rule: Rule, seed: int) -> None:
    moves, gradients = steps(rule, seed)
    verdict = judge([-move for move in moves], gradients, NUMBERS)
    assert verdict is not None
    assert verdict[1] is not None
    assert verdict[1].kind == "sign"
