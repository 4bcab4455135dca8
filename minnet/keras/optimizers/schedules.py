"""Learning rates that follow the number of the update, with Keras' arguments."""

from __future__ import annotations

from typing import Any, ClassVar

from minnet import schedules as core
from minnet.keras import words
from minnet.keras.names import only

__getattr__ = words.answering(__name__)

LearningRateSchedule = core.Schedule


def _whole(steps: Any) -> Any:
    """Return a number of updates as an int where it is whole: programs write 1e4."""
    return int(steps) if isinstance(steps, float) and steps.is_integer() else steps


class ExponentialDecay(core.ExponentialDecay):
    """η₀ · rate^(s / decay_steps)."""

    in_files: ClassVar[Any] = core.ExponentialDecay

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Any,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(initial_learning_rate, _whole(decay_steps), decay_rate, staircase)


class InverseTimeDecay(core.InverseTimeDecay):
    """η₀ / (1 + rate · s / decay_steps)."""

    in_files: ClassVar[Any] = core.InverseTimeDecay

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Any,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(initial_learning_rate, _whole(decay_steps), decay_rate, staircase)


class PolynomialDecay(core.PolynomialDecay):
    """From η₀ down to the end's rate, by a power of what is left."""

    in_files: ClassVar[Any] = core.PolynomialDecay

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Any,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        steps = _whole(decay_steps)
        super().__init__(initial_learning_rate, steps, end_learning_rate, power, cycle)


class PiecewiseConstantDecay(core.PiecewiseConstantDecay):
    """One rate up to each boundary, and one more."""

    in_files: ClassVar[Any] = core.PiecewiseConstantDecay

    def __init__(self, boundaries: Any, values: Any, name: str | None = None) -> None:
        super().__init__([_whole(boundary) for boundary in boundaries], values)


class CosineDecay(core.CosineDecay):
    """Half a wave of the cosine, from η₀ down to α η₀."""

    in_files: ClassVar[Any] = core.CosineDecay

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Any,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        only(
            "CosineDecay",
            "Use minnet.schedules.LinearWarmup(steps, CosineDecay(…)).",
            warmup_target=(warmup_target, None),
            warmup_steps=(warmup_steps, 0),
        )
        super().__init__(initial_learning_rate, _whole(decay_steps), alpha)
