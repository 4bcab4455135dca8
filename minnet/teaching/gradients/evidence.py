"""What the detective goes by: analytic and measured gradients of one array, side by side.

Everything is had from experiments on a scene: two random gradients from above, another batch size,
another width, and, for a layer, one output at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from minnet.foundation.checks import Array, Shape
from minnet.teaching.gradients.measuring import Entry, Measured, measure
from minnet.teaching.gradients.scenes import PRISTINE, Answer, Circumstances, Scene

MEASURED_ENTRIES = 64
"""Entries of an array that are measured."""

OUTPUTS = 40
"""Outputs that are looked at one at a time."""


def near(a: Array, b: Array, scale: float, tolerance: float) -> bool:
    """Whether two arrays agree within the tolerance, relative to a scale."""
    return np.shape(a) == np.shape(b) and bool(
        np.all(np.abs(a - b) <= tolerance * max(scale, 1e-300))
    )


class View:
    """One array of a scene, measured at some of its entries."""

    def __init__(self, scene: Scene, variable: str, rng: np.random.Generator) -> None:
        self.scene, self.variable = scene, variable
        values = scene.values[variable]
        self.shape: Shape = values.shape
        chosen = np.arange(values.size)
        if len(chosen) > MEASURED_ENTRIES:
            chosen = np.sort(rng.choice(len(chosen), MEASURED_ENTRIES, False))
        more = scene.suspects.get(variable)
        self.index = chosen if more is None else np.union1d(chosen, [more])  # flat
        self.dys = [_spread(rng, scene.y.shape) for _ in range(2)]

    @cached_property
    def positions(self) -> list[Shape]:
        """Where the measured entries are, as indices of the array."""
        return [tuple(map(int, np.unravel_index(i, self.shape))) for i in self.index]

    @cached_property
    def measured(self) -> Measured:
        """The slopes of every output along every entry that is measured."""
        entries = [Entry(self.variable, position) for position in self.positions]
        return measure(self.scene.make, entries, None)

    @cached_property
    def jacobian(self) -> Array:
        """The slopes as (entries, outputs)."""
        return self.measured.slopes.reshape(len(self.index), -1)

    @cached_property
    def use(self) -> Array:
        """Which of the entries no kink is too near to."""
        bent = np.broadcast_to(self.measured.bent, self.measured.slopes.shape)
        good: Array = np.array(~bent.reshape(len(self.index), -1).any(axis=1))
        return good if good.any() else ~good

    @property
    def tolerance(self) -> float:
        """What counts as equal, relative to the largest number."""
        return max(3.0 * self.measured.tolerance, 1e-6)

    def numerical(self, dy: Array) -> Array:
        """The measured gradient for dy, at the entries in use."""
        slopes: Array = self.jacobian @ dy.ravel()
        return slopes[self.use]

    def at(self, gradient: Array) -> Array:
        """A whole gradient at the entries in use."""
        measured: Array = np.asarray(gradient).ravel()[self.index]
        return measured[self.use]

    def ask(self, dy: Array, how: Circumstances) -> Array | None:
        """The analytic gradient for dy, whole, or None where there is none of the right shape."""
        answer = self.scene.answer(dy, how)
        if self.variable in answer.errors:  # perhaps of another weight than this one
            answer = self.scene.answer(dy, replace(how, capture=True))
        gradient = answer.gradients.get(self.variable)
        return gradient if gradient is not None and gradient.shape == self.shape else None

    def right(self, how: Circumstances) -> bool:
        """Whether the analytic gradient is right for both gradients from above."""
        for dy in self.dys:
            n, a = self.numerical(dy), self.ask(dy, how)
            largest = float(np.abs(self.jacobian).max(initial=0.0))
            scale = max(float(np.abs(n).max(initial=0.0)), 1e-7 * largest)
            floor = self.rounding + 1e-14 * largest * float(np.abs(dy).sum())
            if a is None or not np.isfinite(a).all():
                return False
            if not np.all(np.abs(self.at(a) - n) <= self.measured.tolerance * scale + floor):
                return False
        return True

    @cached_property
    def rounding(self) -> float:
        """What rounding may do to a gradient that is nothing else."""
        return float(np.max(self.measured.rounding, initial=0.0)) * self.scene.y.size + 1e-14


@dataclass
class Probes:
    """The scene's answers to one output at a time, of either sign."""

    outputs: Array  # flat indices
    plus: list[Answer]
    minus: list[Answer]

    @classmethod
    def of(cls, scene: Scene, rng: np.random.Generator) -> Probes:
        """Ask for up to `OUTPUTS` outputs."""
        size = scene.y.size
        outputs = np.arange(size) if size <= OUTPUTS else np.sort(rng.choice(size, OUTPUTS, False))
        plus, minus = [], []
        for o in outputs:
            dy = (np.arange(size) == o).astype(np.float64).reshape(scene.y.shape)
            plus.append(scene.answer(dy, PRISTINE))
            minus.append(scene.answer(-dy, PRISTINE))
        return cls(outputs, plus, minus)

    def analytic(self, view: View, *, minus: bool = False) -> Array | None:
        """What the code says for the view's entries and these outputs: (entries, outputs)."""
        answers = self.minus if minus else self.plus
        columns = []
        for answer in answers:
            gradient = answer.gradients.get(view.variable)
            if gradient is None or gradient.shape != view.shape:
                return None
            columns.append(gradient.ravel()[view.index] * (-1.0 if minus else 1.0))
        return np.array(columns).T


def _spread(rng: np.random.Generator, shape: Shape) -> Array:
    """Random numbers of both signs, none near 0, so that what they scale can be told."""
    return np.asarray(rng.uniform(0.4, 1.6, shape) * rng.choice([-1.0, 1.0], shape))


def ratio(a: Array, n: Array, tolerance: float) -> float | None:
    """c where a = c n all over, or None."""
    power = float(n @ n)
    if a.shape != n.shape or power == 0.0:
        return None
    c = float(a @ n) / power
    scale = max(float(np.abs(a).max()), abs(c) * float(np.abs(n).max()))
    return c if near(a, c * n, scale, tolerance) else None
