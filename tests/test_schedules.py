"""Schedules at their edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearWarmup,
    OneCycle,
    PiecewiseConstantDecay,
    Schedule,
)

steps = st.integers(0, 10_000)


@given(step=steps)
def test_exponential_decay(step: int) -> None:
    assert ExponentialDecay(0.2, 100, 0.5)(step) == pytest.approx(0.2 * 0.5 ** (step / 100))
    stairs = ExponentialDecay(0.2, 100, 0.5, staircase=True)(step)
    assert stairs == pytest.approx(0.2 * 0.5 ** (step // 100))


def test_piecewise_constant_decay_changes_after_each_boundary() -> None:
    schedule = PiecewiseConstantDecay([2, 5], [0.1, 0.01, 0.001])
    assert [schedule(s) for s in range(7)] == [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001]


def test_cosine_decay_begins_whole_is_half_in_the_middle_and_ends_at_alpha() -> None:
    schedule = CosineDecay(0.4, 100, alpha=0.25)
    assert schedule(0) == pytest.approx(0.4)
    assert schedule(50) == pytest.approx(0.4 * (0.25 + 0.75 / 2))
    assert schedule(100) == schedule(10**6) == pytest.approx(0.1)


@given(a=steps, b=steps)
def test_cosine_decay_never_rises(a: int, b: int) -> None:
    schedule = CosineDecay(0.1, 1_000)
    assert schedule(min(a, b)) >= schedule(max(a, b))


def test_warm_up_moves_at_once_and_hands_over_to_the_start_of_the_next() -> None:
    schedule = LinearWarmup(4, then=ExponentialDecay(0.8, 10, 0.5))
    assert [schedule(s) for s in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert schedule(14) == pytest.approx(0.4)
    assert LinearWarmup(2, then=0.1)(9) == 0.1
    assert LinearWarmup(2, then=lambda step: 0.3)(2) == 0.3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ExponentialDecay(-1, 10, 0.5), ValueError, "initial_learning_rate"),
        (lambda: ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps"),
        (lambda: ExponentialDecay(0.1, 10, 0.0), ValueError, "decay_rate"),
        (lambda: PiecewiseConstantDecay([5, 2], [1, 1, 1]), ValueError, "rising"),
        (lambda: PiecewiseConstantDecay([5], [1.0]), ValueError, "one more number"),
        (lambda: PiecewiseConstantDecay(5, [1.0]), TypeError, "take lists"),  # type: ignore
        (lambda: CosineDecay(0.1, 10, alpha=1.5), ValueError, "alpha"),
        (lambda: CosineDecay(math.nan, 10), ValueError, "initial_learning_rate"),
        (lambda: LinearWarmup(0, 0.1), ValueError, "warmup_steps"),
        (lambda: LinearWarmup(3, -0.1), ValueError, "then"),
        (lambda: LinearWarmup(3, CosineDecay), TypeError, "Call it: CosineDecay"),  # type: ignore
        (lambda: LinearWarmup(1, lambda s: math.inf)(1), ValueError, "then at its step 0"),
    ],
)
def test_what_is_refused(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_schedule_without_a_formula_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Schedule has no __call__"):
        Schedule()(0)


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing() -> None:
    rate = OneCycle(1.0, total_steps=101, pct_start=0.5, div_factor=10, final_div_factor=100)
    seen = [rate(step) for step in range(101)]
    peak = max(range(101), key=seen.__getitem__)
    assert 48 <= peak <= 51
    assert seen[0] == pytest.approx(0.1)
    assert seen[peak] == pytest.approx(1.0, abs=1e-3)
    assert seen[100] == rate(10**6) == pytest.approx(0.001)
    assert sorted(seen[: peak + 1]) == seen[: peak + 1]
    assert sorted(seen[peak:], reverse=True) == seen[peak:]


@given(total=st.integers(2, 50), start=st.floats(0.01, 0.99), step=steps)
def test_one_cycle_stays_between_its_ends(total: int, start: float, step: int) -> None:
    rate = OneCycle(0.1, total, start)(step)
    assert 0.1 / 25 / 1e4 * 0.999 <= rate <= 0.1 * 1.001


@pytest.mark.parametrize(
    "arguments",
    [(0.0, 10), (0.1, 1), (0.1, 10, 0.0), (0.1, 10, 1.0), (0.1, 10, 0.3, 0.5)],
)
def test_one_cycle_refuses(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="OneCycle's"):
        OneCycle(*arguments)  # type: ignore[arg-type]
