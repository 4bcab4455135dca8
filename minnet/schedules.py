"""Learning-rate schedules: the rate as a function of the number of the update, counted from 0.

Any function of one int will do; these can be saved with a model.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence

from minnet.foundation.checks import boolean, integer, number, short
from minnet.foundation.registry import Configurable, register


class Schedule(Configurable):
    """The contract of a schedule."""

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

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        who = "ExponentialDecay's"
        self.initial_learning_rate = number(
            initial_learning_rate, f"{who} initial_learning_rate", minimum=0.0
        )
        self.decay_steps = integer(decay_steps, f"{who} decay_steps", minimum=1)
        self.decay_rate = number(decay_rate, f"{who} decay_rate", above=0.0)
        self.staircase = boolean(staircase, f"{who} staircase")

    def __call__(self, step: int) -> float:
        power = step // self.decay_steps if self.staircase else step / self.decay_steps
        try:
            return self.initial_learning_rate * self.decay_rate**power
        except OverflowError:  # a decay_rate above 1; the optimizer refuses infinity
            return math.inf if self.initial_learning_rate else 0.0


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

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        who = "PiecewiseConstantDecay's"
        if not isinstance(boundaries, (list, tuple)) or not isinstance(values, (list, tuple)):
            raise TypeError(
                f"{who} boundaries and values take lists. Got {short(boundaries)} and "
                f"{short(values)}."
            )
        self.boundaries = [integer(b, f"Each of {who} boundaries", minimum=0) for b in boundaries]
        self.values = [number(v, f"Each of {who} values", minimum=0.0) for v in values]
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"{who} boundaries take rising numbers. Got {self.boundaries}.")
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{who} values take one more number than the boundaries. Got {len(self.values)} "
                f"values for {len(self.boundaries)} boundaries."
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

    def __init__(self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0) -> None:
        who = "CosineDecay's"
        self.initial_learning_rate = number(
            initial_learning_rate, f"{who} initial_learning_rate", minimum=0.0
        )
        self.decay_steps = integer(decay_steps, f"{who} decay_steps", minimum=1)
        self.alpha = number(alpha, f"{who} alpha", minimum=0.0, maximum=1.0)

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

    def __init__(self, warmup_steps: int, then: float | Callable[[int], float]) -> None:
        self.warmup_steps = integer(warmup_steps, "LinearWarmup's warmup_steps", minimum=1)
        if isinstance(then, type):
            raise TypeError(
                f"LinearWarmup's then takes a number or a schedule. Got the class {then.__name__} "
                f"itself. Call it: {then.__name__}(…)."
            )
        self.then: float | Callable[[int], float] = (
            then if callable(then) else number(then, "LinearWarmup's then", minimum=0.0)
        )

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

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        who = "OneCycle's"
        self.max_learning_rate = number(max_learning_rate, f"{who} max_learning_rate", above=0.0)
        self.total_steps = integer(total_steps, f"{who} total_steps", minimum=2)
        self.pct_start = number(pct_start, f"{who} pct_start", above=0.0, below=1.0)
        self.div_factor = number(div_factor, f"{who} div_factor", minimum=1.0)
        self.final_div_factor = number(final_div_factor, f"{who} final_div_factor", minimum=1.0)

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
