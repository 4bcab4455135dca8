"""Learning-rate schedules: the rate as a function of the number of the update, counted from 0.

Any function of one int will do; these can be saved with a model.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from minnet.foundation.checks import boolean, integer, number, rate_or_schedule, short
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


def _counted(rate: Callable[..., float]) -> Callable[..., float]:
    """Return the formula of a schedule, called with the number of an update."""

    @functools.wraps(rate)
    def call(self: Any, step: int) -> float:
        if type(step) is not int or step < 0:
            number(step, f"{type(self).__name__}'s step", minimum=0.0)
        return rate(self, step)

    return call


class Schedule(Configurable):
    """The contract of a schedule.

    One of your own needs one function, of the number of the update, from 0::

        @minnet.register
        class Sawtooth(Schedule):
            def __call__(self, step):
                return 0.1 / (1 + step % 100)

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        An argument of another type, or one that this schedule does not have.

    Examples
    --------
    >>> from minnet.schedules import CosineDecay
    >>> rate = CosineDecay(0.1, 100)
    >>> [round(rate(step), 3) for step in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _counted(vars(cls)["__call__"])  # type: ignore[method-assign]

    def __call__(self, step: int) -> float:
        """The learning rate of update number `step`, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(step).")


@register
class ExponentialDecay(Schedule):
    """η_s = η₀ · rate^(s / decay_steps), or in stairs with the quotient rounded down.

    Parameters
    ----------
    initial_learning_rate
        η₀, 0 or more.
    decay_steps
        After how many updates the rate has been multiplied once.
    decay_rate
        By how much, above 0.
    staircase
        Whether the rate changes only every `decay_steps` updates.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    initial_learning_rate: float = setting(number, minimum=0.0)
    decay_steps: int = setting(integer, minimum=1)
    decay_rate: float = setting(number, above=0.0)
    staircase: bool = setting(boolean)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps, self.decay_rate, self.staircase = decay_steps, decay_rate, staircase

    def __call__(self, step: int) -> float:
        power = step // self.decay_steps if self.staircase else step / self.decay_steps
        try:
            return self.initial_learning_rate * self.decay_rate**power
        except OverflowError:  # a decay_rate above 1; the optimizer refuses infinity
            return math.inf if self.initial_learning_rate else 0.0


def _numbers(value: Any, who: str, *, each: Callable[..., Any]) -> list[Any]:
    """The boundaries or the values of a PiecewiseConstantDecay."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"PiecewiseConstantDecay's boundaries and values take lists. Got {short(value)}."
        )
    return [each(item, f"Each of {who}", minimum=0) for item in value]


@register
class PiecewiseConstantDecay(Schedule):
    """A rate that changes at given updates: `values[i]` up to and including `boundaries[i]`.

    Parameters
    ----------
    boundaries
        Numbers of updates, rising.
    values
        Rates, one more than boundaries.

    Examples
    --------
    >>> steps = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> steps(100), steps(101), steps(5000)
    (0.1, 0.01, 0.001)
    """

    boundaries: Sequence[int] = setting(_numbers, each=integer)
    values: Sequence[float] = setting(_numbers, each=number)

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        self.boundaries, self.values = boundaries, values

    def _check_together(self, name: str, value: Any) -> None:
        lists = {**vars(self), name: value}
        who, boundaries, values = type(self).__name__, lists["boundaries"], lists.get("values")
        if sorted(set(boundaries)) != boundaries:
            raise ValueError(f"{who}'s boundaries take rising numbers. Got {boundaries}.")
        if values is not None and len(values) != len(boundaries) + 1:
            raise ValueError(
                f"{who}'s values take one more number than the boundaries. Got {len(values)} "
                f"values for {len(boundaries)} boundaries."
            )

    def __call__(self, step: int) -> float:
        return self.values[bisect.bisect_left(self.boundaries, step)]


@register
class CosineDecay(Schedule):
    """Half a wave of the cosine, from η₀ down to α η₀ (Loshchilov and Hutter, 2017).

    η_s = η₀ [α + (1 − α) (1 + cos(π s / S)) / 2] with S = decay_steps, and α η₀ after that.

    Parameters
    ----------
    initial_learning_rate
        η₀, 0 or more.
    decay_steps
        S, 1 or more.
    alpha
        α, the part of the rate that is left at the end, from 0 to 1.

    Examples
    --------
    >>> CosineDecay(0.1, decay_steps=100)(50)
    0.05
    """

    initial_learning_rate: float = setting(number, minimum=0.0)
    decay_steps: int = setting(integer, minimum=1)
    alpha: float = setting(number, minimum=0.0, maximum=1.0)

    def __init__(self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps, self.alpha = decay_steps, alpha

    def __call__(self, step: int) -> float:
        done = min(step, self.decay_steps) / self.decay_steps
        wave = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * wave)


@register
class LinearWarmup(Schedule):
    """A rate that rises in equal steps, and then follows another schedule from its start.

    Update number s < W has the rate η (s + 1) / W, where η is what `then` begins with, so the
    first update already moves and number W − 1 has the full rate (Goyal et al., 2017).

    Parameters
    ----------
    warmup_steps
        W, 1 or more.
    then
        A rate, or a schedule that counts from the end of the warm-up.

    Examples
    --------
    >>> warm = LinearWarmup(4, then=0.1)
    >>> warm(0), warm(3), warm(100)
    (0.025, 0.1, 0.1)
    """

    warmup_steps: int = setting(integer, minimum=1)
    then: float | Callable[[int], float] = setting(rate_or_schedule)

    def __init__(self, warmup_steps: int, then: float | Callable[[int], float]) -> None:
        self.warmup_steps, self.then = warmup_steps, then

    def _follows(self, name: str, value: Any) -> bool:
        return name == "then" and isinstance(self.then, Schedule)

    def __call__(self, step: int) -> float:
        if step >= self.warmup_steps:
            return self._then(step - self.warmup_steps)
        return self._then(0) * (step + 1) / self.warmup_steps

    def _then(self, step: int) -> float:
        if isinstance(self.then, float):
            return self.then
        return number(self.then(step), f"LinearWarmup's then at its step {step}", minimum=0.0)


@register
class OneCycle(Schedule):
    """Up to the largest rate and down to nearly nothing, once, in half waves of the cosine.

    Smith and Topin (2018). From η_max / div_factor up to η_max in the first part of the updates,
    then down to η_max / (div_factor · final_div_factor); that rate is kept afterwards. The numbers
    are PyTorch's `OneCycleLR`; fastai has 0.25, 25 and 1e5.

    Parameters
    ----------
    max_learning_rate
        η_max, above 0.
    total_steps
        Updates of the whole cycle, 2 or more: epochs times batches.
    pct_start
        The part of them in which the rate rises, between 0 and 1.
    div_factor, final_div_factor
        See above; 1 or more.

    Examples
    --------
    >>> rate = OneCycle(0.1, total_steps=100)
    >>> round(rate(0), 6), round(rate(29), 6), rate(99) < 1e-6
    (0.004, 0.1, True)
    """

    max_learning_rate: float = setting(number, above=0.0)
    total_steps: int = setting(integer, minimum=2)
    pct_start: float = setting(number, above=0.0, below=1.0)
    div_factor: float = setting(number, minimum=1.0)
    final_div_factor: float = setting(number, minimum=1.0)

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        self.max_learning_rate, self.total_steps = max_learning_rate, total_steps
        self.pct_start = pct_start
        self.div_factor, self.final_div_factor = div_factor, final_div_factor

    def __call__(self, step: int) -> float:
        first = self.max_learning_rate / self.div_factor
        peak = max(1.0, self.pct_start * self.total_steps - 1.0)
        end = max(peak + 1.0, self.total_steps - 1.0)
        if step <= peak:
            return _half_wave(first, self.max_learning_rate, step / peak)
        done = min(1.0, (step - peak) / (end - peak))
        return _half_wave(self.max_learning_rate, first / self.final_div_factor, done)


def _half_wave(start: float, end: float, done: float) -> float:
    """From start to end along half a wave of the cosine."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * done))


@register
class InverseTimeDecay(Schedule):
    """η_s = η₀ / (1 + rate · s / decay_steps), or in stairs with the quotient rounded down.

    Robbins and Monro (1951) showed that rates that fall like 1/s let noisy steps converge.

    Parameters
    ----------
    initial_learning_rate
        η₀, 0 or more.
    decay_steps
        After how many updates the denominator has grown by the rate.
    decay_rate
        The rate, 0 or more.
    staircase
        Whether η changes only every `decay_steps` updates.

    Examples
    --------
    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.05
    """

    initial_learning_rate: float = setting(number, minimum=0.0)
    decay_steps: int = setting(integer, minimum=1)
    decay_rate: float = setting(number, minimum=0.0)
    staircase: bool = setting(boolean)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps, self.decay_rate, self.staircase = decay_steps, decay_rate, staircase

    def __call__(self, step: int) -> float:
        done = step // self.decay_steps if self.staircase else step / self.decay_steps
        return float(self.initial_learning_rate / (1.0 + self.decay_rate * done))


@register
class InverseScaling(Schedule):
    """η_s = η₀ / (1 + s)^power: with power 0.5 the inverse square root, with 1 that of s itself.

    scikit-learn's "invscaling", which counts samples and sets the rate at the end of each epoch.
    Robbins and Monro (1951) showed that noisy steps converge where the powers are above 0.5 and
    up to 1.

    Parameters
    ----------
    initial_learning_rate
        η₀, 0 or more.
    power
        0 or more. scikit-learn's default: 0.5.

    Examples
    --------
    >>> rate = InverseScaling(0.1)
    >>> rate(0), rate(3), rate(24)
    (0.1, 0.05, 0.02)
    """

    initial_learning_rate: float = setting(number, minimum=0.0)
    power: float = setting(number, minimum=0.0)

    def __init__(self, initial_learning_rate: float, power: float = 0.5) -> None:
        self.initial_learning_rate, self.power = initial_learning_rate, power

    def __call__(self, step: int) -> float:
        try:
            return float(self.initial_learning_rate / (1.0 + step) ** self.power)
        except OverflowError:  # a denominator beyond all numbers
            return 0.0


@register
class PolynomialDecay(Schedule):
    """From η₀ down to η_end: η_s = η_end + (η₀ − η_end) (1 − s / S)^power, and η_end after S.

    With `cycle` it does not stay there: S becomes the next multiple of itself that s has not
    passed, so that the rate jumps up and falls again, each time more slowly.

    Parameters
    ----------
    initial_learning_rate
        η₀, 0 or more.
    decay_steps
        S, 1 or more.
    end_learning_rate
        η_end, 0 or more. Keras' default: 0.0001.
    power
        Above 0; 1, Keras' default, is a straight line.
    cycle
        See above.

    Examples
    --------
    >>> rate = PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0, power=2.0)
    >>> rate(5), rate(10), rate(99)
    (0.025, 0.0, 0.0)
    """

    initial_learning_rate: float = setting(number, minimum=0.0)
    decay_steps: int = setting(integer, minimum=1)
    end_learning_rate: float = setting(number, minimum=0.0)
    power: float = setting(number, above=0.0)
    cycle: bool = setting(boolean)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle = end_learning_rate, power, cycle

    def __call__(self, step: int) -> float:
        total = self.decay_steps
        if self.cycle:
            total *= max(1, math.ceil(step / total))
        left = 1.0 - min(step, total) / total
        span = self.initial_learning_rate - self.end_learning_rate
        return float(self.end_learning_rate + span * left**self.power)
