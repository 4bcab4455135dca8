"""Schedules at their edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.optimizers import SGD
from minnet.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    InverseTimeDecay,
    LinearWarmup,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
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


# --- edges ----------------------------------------------------------------------------------------


def test_the_rates_that_keras_documents_for_its_steps() -> None:
    # 1.0 for the first 100001 updates, 0.5 for the next 10000, 0.1 for any additional ones
    rate = PiecewiseConstantDecay([100_000, 110_000], [1.0, 0.5, 0.1])
    assert [rate(s) for s in (0, 100_000, 100_001, 110_000, 110_001)] == [1.0, 1.0, 0.5, 0.5, 0.1]


def test_stairs_change_at_the_step_itself() -> None:
    rate = ExponentialDecay(1.0, 10, 0.5, staircase=True)
    assert [rate(s) for s in (0, 9, 10, 19, 20)] == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_exponential_decay_by_hand() -> None:
    # 0.4 · 0.25^(5/10) = 0.4 · 0.5
    rate = ExponentialDecay(0.4, 10, 0.25)
    assert [rate(s) for s in (0, 5, 10)] == pytest.approx([0.4, 0.2, 0.1])


def test_a_rate_that_grows_beyond_all_numbers_is_refused_by_the_optimizer() -> None:
    assert ExponentialDecay(0.0, 1, 10.0)(10**6) == 0.0
    assert ExponentialDecay(0.1, 1, 10.0)(10**6) == math.inf
    with pytest.raises(ValueError, match="The schedule of SGD at step 1000000 takes a finite"):
        SGD(ExponentialDecay(0.1, 1, 10.0)).rate(10**6)


def test_cosine_decay_by_hand() -> None:
    # cos(π/3) = 1/2: 0.8 · (0.1 + 0.9 · 0.75); cos(2π/3) = −1/2: 0.8 · (0.1 + 0.9 · 0.25)
    rate = CosineDecay(0.8, 30, alpha=0.1)
    assert rate(10) == pytest.approx(0.8 * (0.1 + 0.9 * 0.75))
    assert rate(20) == pytest.approx(0.8 * (0.1 + 0.9 * 0.25))
    assert rate(29) > rate(30) == rate(31) == pytest.approx(0.08)


def test_without_an_alpha_the_cosine_ends_at_nothing() -> None:
    assert CosineDecay(0.8, 30)(30) == 0.0
    assert CosineDecay(0.8, 30, alpha=1.0)(17) == pytest.approx(0.8)


def test_a_warm_up_of_one_step_is_none() -> None:
    rate = LinearWarmup(1, then=PiecewiseConstantDecay([1], [0.4, 0.2]))
    assert [rate(s) for s in range(4)] == [0.4, 0.4, 0.4, 0.2]


def test_a_warm_up_before_a_cosine_counts_from_its_own_end() -> None:
    cosine = CosineDecay(0.5, 8, alpha=0.2)
    rate = LinearWarmup(5, then=cosine)
    assert [rate(5 + s) for s in range(10)] == [cosine(s) for s in range(10)]
    assert [rate(s) for s in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_one_cycle_by_hand() -> None:
    # from 0.04 at 0 to 1 at 9 and 4e-6 at 19; at 3, cos(π/3) = 1/2: 1 − 0.96 · 0.75 = 0.28
    rate = OneCycle(1.0, 20, pct_start=0.5)
    assert rate(0) == pytest.approx(1 / 25)
    assert rate(3) == pytest.approx(0.28)
    assert rate(9) == pytest.approx(1.0)
    assert rate(14) == pytest.approx((1 + 4e-6) / 2)
    assert rate(19) == rate(20) == pytest.approx(4e-6)


BAD = (-1.0, math.nan, math.inf)


@pytest.mark.parametrize("bad", BAD)
def test_negative_and_endless_numbers_are_refused_wherever_a_rate_is_meant(bad: float) -> None:
    for make, message in [
        (lambda: ExponentialDecay(bad, 5, 0.5), "ExponentialDecay's initial_learning_rate takes"),
        (lambda: ExponentialDecay(0.1, 5, bad), "ExponentialDecay's decay_rate takes"),
        (lambda: PiecewiseConstantDecay([3], [0.1, bad]), "Each of .* values takes"),
        (lambda: CosineDecay(bad, 5), "CosineDecay's initial_learning_rate takes"),
        (lambda: CosineDecay(0.1, 5, bad), "CosineDecay's alpha takes"),
        (lambda: LinearWarmup(3, bad), "LinearWarmup's then takes"),
        (lambda: LinearWarmup(3, lambda step: bad)(0), "LinearWarmup's then at its step 0 takes"),
        (lambda: LinearWarmup(3, lambda step: bad)(7), "LinearWarmup's then at its step 4 takes"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialDecay(0.1, 2.5, 0.5), "decay_steps takes a whole number"),
        (lambda: ExponentialDecay(0.1, 2, 0.5, staircase=1), "staircase takes True or False"),
        (lambda: ExponentialDecay("0.1", 2, 0.5), "initial_learning_rate takes a number"),
        (lambda: CosineDecay(0.1, True), "decay_steps takes a whole number"),
        (lambda: PiecewiseConstantDecay([1.5], [0.1, 0.2]), "boundaries takes a whole number"),
        (lambda: LinearWarmup(2.0, 0.1), "warmup_steps takes a whole number"),
        (lambda: LinearWarmup(2, "0.1"), "then takes a number"),
    ],
)
def test_what_is_of_another_kind_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_boundaries_rise_and_begin_at_0_or_later() -> None:
    with pytest.raises(ValueError, match=r"rising numbers. Got \[3, 3\]"):
        PiecewiseConstantDecay([3, 3], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="0 or more"):
        PiecewiseConstantDecay([-1], [0.1, 0.2])
    assert PiecewiseConstantDecay([0], [0.1, 0.2])(1) == 0.2


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ("fast", r" takes a number or a schedule\. Got 'fast'\. Use 0\.01\.$"),
        (CosineDecay, r" takes a number or a schedule\. Got the class CosineDecay itself"),
        (lambda: 0.1, r" takes a number, or a function of one: the number of the update"),
    ],
)
def test_what_follows_a_warmup_is_checked_as_an_optimizers_rate(rate, message) -> None:
    with pytest.raises(TypeError, match=rf"^LinearWarmup's then{message}"):
        LinearWarmup(3, rate)
    with pytest.raises(TypeError, match=rf"^SGD's learning_rate{message}"):
        SGD(rate)


# --- inverse time and polynomials, with the figures of Keras' tests -------------------------------


@pytest.mark.parametrize(
    ("schedule", "step", "rate"),
    [
        (InverseTimeDecay(0.1, 10, 0.96), 0, 0.1),
        (InverseTimeDecay(0.1, 10, 0.96), 5, 0.1 / 1.48),
        (InverseTimeDecay(0.1, 10, 0.96), 10, 0.1 / 1.96),
        (InverseTimeDecay(0.1, 10, 0.96, staircase=True), 9, 0.1),
        (InverseTimeDecay(0.1, 10, 0.96, staircase=True), 10, 0.1 / 1.96),
        (InverseScaling(0.1), 0, 0.1),
        (InverseScaling(0.1), 99, 0.01),
        (InverseScaling(0.1, power=1.0), 4, 0.02),
        (InverseScaling(0.1, power=0.0), 4, 0.1),
        (InverseScaling(0.1, power=400.0), 10**6, 0.0),
        (PolynomialDecay(0.05, 10, 0.0), 5, 0.025),
        (PolynomialDecay(0.05, 10, 0.001), 5, 0.0255),
        (PolynomialDecay(0.05, 10, 0.001), 10, 0.001),
        (PolynomialDecay(0.05, 10, 0.001), 15, 0.001),
        (PolynomialDecay(0.05, 10, 0.001, cycle=True), 15, 0.049 * 0.25 + 0.001),
        (PolynomialDecay(0.05, 10, 0.001, power=0.5), 5, 0.049 * 0.5**0.5 + 0.001),
        (PolynomialDecay(0.05, 10, 0.001, 0.5, cycle=True), 15, 0.049 * 0.25**0.5 + 0.001),
        (PolynomialDecay(0.001, 10, cycle=True), 0, 0.001),
    ],
)
def test_rates_of_the_other_decays(schedule, step: int, rate: float) -> None:
    assert schedule(step) == pytest.approx(rate, rel=1e-12)


def test_settings_of_the_other_decays() -> None:
    assert PolynomialDecay(0.1, 5).end_learning_rate == 1e-4
    with pytest.raises(ValueError, match="InverseTimeDecay's decay_rate"):
        InverseTimeDecay(0.1, 5, -1.0)
    with pytest.raises(ValueError, match="InverseScaling's power"):
        InverseScaling(0.1, -1.0)
    with pytest.raises(ValueError, match="PolynomialDecay's power"):
        PolynomialDecay(0.1, 5, power=0.0)
