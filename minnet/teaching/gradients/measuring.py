"""Derivatives by measurement: what analytic gradients are held against.

The derivative of a function that takes complex numbers can be had without any difference of
nearby values, and so without cancellation: f(x + ih) = f(x) + ih f'(x) − h² f''(x)/2 − …, so
f'(x) = Im f(x + ih) / h up to h², which for h = 1e-20 is nothing (Squire and Trapp, 1998; Lyness
and Moler, 1967). Code that loses the imaginary part (`np.abs`, a cast to float, …) is checked by
central differences instead: f'(x) ≈ (f(x + h) − f(x − h)) / 2h, good to about nine digits.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array, Shape

COMPLEX_STEP = 1e-20
CENTRAL_STEP = 1e-5
COMPLEX_TOLERANCE = 1e-7
FLOAT32_TOLERANCE = 3e-6
CENTRAL_TOLERANCE = 1e-5
"""Largest error, relative to the largest gradient, that counts as right. Below 1e-7 a gradient is
fine and above 1e-2 wrong (the CS231n course notes' rule); a cast to float32 inside a formula
leaves errors of about 2e-7, and central differences themselves of up to about 1e-6 in float64."""

EPSILON = 1e-15
"""What rounding does to a float64, relative to it, in a sum of a few terms."""

KINK = 1e-6
"""How near a kink counts as sitting on it."""


class Measurable(NamedTuple):
    """Arrays that are varied in place, and what depends on them."""

    arrays: Mapping[str, Array]
    measure: Callable[[], Any]


Maker = Callable[[Any], Measurable]
"""Makes it in a dtype: complex128 for complex steps, float64 for central differences."""


class Entry(NamedTuple):
    """What is varied: one number of an array, or, along a direction, all of them together."""

    name: str
    position: Shape = ()
    direction: Array | None = None

    def of(self, array: Array) -> Any:
        """The derivative along this entry, from the gradient with respect to its array."""
        return array[self.position] if self.direction is None else (array * self.direction).sum()

    def moved(self, measurable: Measurable, h: Any) -> Any:
        """What is measured when this entry is moved by h, and moved back afterwards."""
        array = measurable.arrays[self.name]
        where = self.position if self.direction is None else ...
        kept = array[where] if self.direction is None else array.copy()
        array[where] = kept + h * (1.0 if self.direction is None else self.direction)
        try:
            return measurable.measure()
        finally:
            array[where] = kept


@dataclass
class Measured:
    """Slopes along entries: an array whose first axis is theirs, and how far it can be trusted."""

    slopes: Array
    method: str
    tolerance: float
    rounding: Any = 0.0  # errors up to this size are none
    bent: Any = False  # True for entries that a kink is too near to

    def differences(self, analytic: Array) -> Array:
        """|analytic − numerical|, 0 where that is rounding or a kink is near."""
        differences = np.abs(analytic - self.slopes)
        differences = np.where(np.isnan(differences), math.inf, differences)
        return np.where(self.bent | (differences <= self.rounding), 0.0, differences)

    def error(self, analytic: Array) -> float:
        """max |a − n| / max |n|, over the whole vector: single entries may rightly be zero."""
        difference = float(np.max(self.differences(analytic), initial=0.0))
        if difference == 0.0:
            return 0.0
        largest = float(np.max(np.abs(self.slopes)))
        return difference / largest if largest > 0.0 else math.inf

    def agrees(self, analytic: Array) -> bool:
        """Whether the error is within the tolerance."""
        return self.error(analytic) <= self.tolerance


def complex_step(make: Maker, entries: Sequence[Entry]) -> Measured | None:
    """Im f(x + ih) / h for each entry, or None where the code takes no complex numbers."""
    slopes = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            measurable = make(np.complex128)
            for entry in entries:
                value = np.asarray(entry.moved(measurable, 1j * COMPLEX_STEP))
                slopes.append(value.astype(np.complex128).imag / COMPLEX_STEP)
    except Exception:  # whatever code for real numbers makes of complex ones
        return None
    exact = np.array(slopes)
    if not np.isfinite(exact).all():
        return None
    return Measured(exact, "complex step", COMPLEX_TOLERANCE)


def central_differences(make: Maker, entries: Sequence[Entry]) -> Measured:
    """(f(x + h) − f(x − h)) / 2h for each entry."""
    measurable = make(np.float64)
    middle = _real(measurable.measure())
    noise = _noise(measurable, entries[0].name)
    largest = float(np.max(np.abs(middle), initial=0.0))
    noisy = noise > 1e-11 * largest and noise > 1e-13
    step = max(CENTRAL_STEP, noise ** (1 / 3)) if noisy else CENTRAL_STEP
    slopes, steps, bends = [], [], []
    for entry in entries:
        # the point of the step is relative to the number; a direction has entries of about 1
        size = (
            abs(measurable.arrays[entry.name][entry.position]) if entry.direction is None else 1.0
        )
        h = step * max(1.0, float(size))
        above, below = _real(entry.moved(measurable, h)), _real(entry.moved(measurable, -h))
        slopes.append((above - below) / (2.0 * h))
        bends.append(np.abs(above - 2.0 * middle + below) / h)  # right slope − left slope
        steps.append(h)
    slope, bend = np.array(slopes), np.array(bends)
    column = np.array(steps).reshape(-1, *[1] * middle.ndim)
    rounding = (3.0 * noise if noisy else EPSILON * np.abs(middle)) / column
    scale = float(np.max(np.abs(slope), initial=0.0))
    bent = bend > 10.0 * rounding + (0.1 if noisy else 1e-3) * scale * np.maximum(1.0, column)
    tolerance = 3e-3 if noisy else CENTRAL_TOLERANCE
    return Measured(slope, "central differences", tolerance, rounding, bent)


def _real(value: Any) -> Array:
    return np.asarray(value).astype(np.complex128).real


def _noise(measurable: Measurable, name: str) -> float:
    """How much what is measured jumps about, between points so near that it should be straight.

    float64 has 1e-16 of its size; a cast to float32 anywhere inside leaves 3e-8.
    """
    array = measurable.arrays[name]
    direction = np.cos(np.arange(array.size)).reshape(array.shape) * np.maximum(1.0, np.abs(array))
    entry = Entry(name, (), direction)
    t = np.array([-5.0, -4.1, -2.7, -1.3, 0.0, 1.1, 2.3, 3.9, 4.7]) / 5.0
    aside = 1e-4  # where no kink is that the check itself may sit on
    values = np.array([_real(entry.moved(measurable, aside + 3e-7 * moved)).ravel() for moved in t])
    if not np.isfinite(values).all():
        return 0.0
    straight = np.stack([np.ones_like(t), t, t * t], axis=1)
    fit, *_ = np.linalg.lstsq(straight, values, rcond=None)
    return float(np.sqrt(np.mean((values - straight @ fit) ** 2, axis=0)).max(initial=0.0))


def measure(make: Maker, entries: Sequence[Entry], analytic: Array | None) -> Measured:
    """Slopes by complex step, confirmed by central differences before anybody is accused.

    Parameters
    ----------
    analytic
        What the code says they are: where the complex step agrees, nothing has to be confirmed.
    """
    exact = complex_step(make, entries)
    if exact is not None and analytic is not None and np.isfinite(analytic).all():
        value_rounding = EPSILON * float(np.abs(_real(make(np.float64).measure())).max(initial=0.0))
        if float(np.abs(exact.slopes).max(initial=0.0)) <= value_rounding:
            exact.rounding = value_rounding  # only a gradient that is nothing else is forgiven it
        if exact.agrees(analytic):
            return exact
    central = central_differences(make, entries)
    if exact is None or not central.agrees(exact.slopes):
        return central  # code may lose the imaginary part without a word
    exact.bent, exact.tolerance = central.bent, FLOAT32_TOLERANCE
    return exact


def repeats(make: Maker) -> bool:
    """Whether the same numbers give the same value."""
    measurable = make(np.float64)
    return bool(np.array_equal(measurable.measure(), measurable.measure(), equal_nan=True))


def on_a_kink(make: Maker, rng: np.random.Generator) -> bool:
    """Whether the slope in front differs from the slope behind, however near one looks."""
    measurable = make(np.float64)
    kept = {name: array.copy() for name, array in measurable.arrays.items()}
    directions = {name: rng.standard_normal(array.shape) for name, array in kept.items()}

    def at(h: float) -> Array:
        for name, array in measurable.arrays.items():
            array[...] = kept[name] + h * directions[name]
        try:
            return _real(measurable.measure())
        finally:
            for name, array in measurable.arrays.items():
                array[...] = kept[name]

    middle = at(0.0)
    bends, slopes = [], []
    for h in (KINK, KINK / 8):  # a curve's bend goes with h, a kink's stays
        above, below = at(h), at(-h)
        bends.append(np.abs(above - 2.0 * middle + below).ravel() / h)
        slopes.append(np.abs(above - below).ravel() / h)
    scale = max(float(np.max(slopes, initial=0.0)), EPSILON)
    noise = 50.0 * EPSILON * np.abs(middle).ravel() / (KINK / 8)
    bent = (bends[1] > 1e-3 * scale + noise) & (bends[1] > 0.7 * bends[0])
    if not bent.any():
        return False
    return _noise(measurable, next(iter(kept))) <= 1e-12 * max(1.0, float(np.abs(middle).max()))
