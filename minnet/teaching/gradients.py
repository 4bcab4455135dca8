"""Gradient checking: analytic gradients held against numerical ones.

The derivative of a function that takes complex numbers can be had without any difference of
nearby values, and so without cancellation: f(x + ih) = f(x) + ih f'(x) − h² f''(x)/2 − …, so
f'(x) = Im f(x + ih) / h up to h², which for h = 1e-20 is nothing (Squire and Trapp, 1998; Lyness
and Moler, 1967). Code that loses the imaginary part (`np.abs`, a cast to float, …) is checked by
central differences instead: f'(x) ≈ (f(x + h) − f(x − h)) / 2h, good to about nine digits.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minnet.checks import Array, as_array, finite, generator, same_length, short
from minnet.layers.base import Layer, Memo, bind
from minnet.losses import Loss, mean
from minnet.models import Sequential
from minnet.strict import named

COMPLEX_STEP = 1e-20
CENTRAL_STEP = 1e-5
COMPLEX_TOLERANCE = 1e-7
CENTRAL_TOLERANCE = 1e-5
"""Largest error, relative to the largest gradient, that counts as right. Below 1e-7 a gradient is
fine and above 1e-2 wrong (the CS231n course notes' rule); central differences themselves have
errors up to about 1e-6 in float64."""

EPSILON = 1e-15
"""What rounding does to a float64, relative to it, in a sum of a few terms."""

JUNK = math.pi
"""What gradients are filled with first, so that one that is not written, or added to, shows."""

LIMIT = 2000
"""Entries that are checked; of more, as many are drawn from each array, small ones whole."""


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check found.

    Attributes
    ----------
    ok
        Whether analytic and numerical gradients agree.
    max_relative_error
        max |analytic − numerical| / max |numerical| over all entries that were checked; 0 where
        the difference is no more than what rounding does to the number that is differentiated.
    worst
        The entry that differs most, such as `dense_2.W[3, 4]`.
    analytic, numerical
        The gradient at that entry, by the code and by measurement.
    method
        "complex step" or "central differences".
    checked, total
        How many entries were checked, of how many.
    """

    ok: bool
    max_relative_error: float
    worst: str
    analytic: float
    numerical: float
    method: str
    checked: int
    total: int

    def __str__(self) -> str:
        verdict = "The gradients are right" if self.ok else "The gradients are WRONG"
        return (
            f"{verdict}: largest error {self.max_relative_error:.1e} of the largest gradient, at "
            f"{self.worst} (by the code {self.analytic:.6g}, measured {self.numerical:.6g}). "
            f"{self.checked:,} of {self.total:,} entries checked by {self.method}."
        )

    __repr__ = __str__


class _Part(NamedTuple):
    """One array to vary, in place, and its analytic gradient."""

    name: str
    values: Array
    gradient: Array


class _Case(NamedTuple):
    """What is varied, and the number that depends on it."""

    parts: list[_Part]
    measure: Callable[[], Any]

    def entries(self, places: list[list[tuple[int, ...]]]) -> list[_Entry]:
        """These places of each part, one after the other."""
        return [
            (part, place)
            for part, chosen in zip(self.parts, places, strict=True)
            for place in chosen
        ]


_Entry = tuple[_Part, tuple[int, ...]]
"""A single number, by its array and its place in it."""

_Maker = Callable[[Any], _Case]
"""Makes the case in a dtype: complex128 for complex steps, float64 for central differences."""


@named
def check_gradients(
    target: Any, x: Any, y: Any = None, *, seed: int | np.random.Generator = 0
) -> GradientReport:
    """Whether gradients are right, by complex step or central differences, on a copy.

    Parameters
    ----------
    target
        A compiled model (checked through its loss, with y); a layer (with a random gradient from
        above; built for x if it is not); a loss (x is the prediction, y the target); or a pair of
        functions (f, gradient_of_f), where f(x) is a number and gradient_of_f(x) has x's shape.
    x : (N, …) array
        A small batch: a few rows are enough.
    y : (N, …) array
        The targets, for a model or a loss.
    seed
        For the gradient from above, dropout, and which entries are drawn of more than 2,000.

    Returns
    -------
    GradientReport

    Raises
    ------
    RuntimeError
        A model that is not compiled.
    TypeError
        The target is of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from minnet.layers import Tanh
    >>> check_gradients(Tanh(), np.array([[0.5, -1.0]])).ok
    True
    >>> report = check_gradients((lambda x: (x**3).sum(), lambda x: 2 * x**2), [1.0, 2.0])
    >>> report.ok, report.worst
    (False, 'x[1]')
    """
    rng = generator(seed)
    with np.errstate(all="ignore"):
        if isinstance(target, Sequential):
            make = _of_model(target, x, y, rng)
        elif isinstance(target, Layer):
            make = _of_layer(target, x, rng)
        elif isinstance(target, Loss):
            make = _of_loss(target, x, y)
        elif isinstance(target, (tuple, list)) and len(target) == 2 and all(map(callable, target)):
            make = _of_functions(target[0], target[1], x)
        else:
            raise TypeError(
                "check_gradients takes a compiled model, a layer, a loss, or a pair of functions "
                f"(f, gradient_of_f). Got {short(target)}."
            )
        return _compare(make, rng)


def _compare(make: _Maker, rng: np.random.Generator) -> GradientReport:
    case = make(np.float64)
    rounding: Any = EPSILON * abs(complex(case.measure()))  # errors with plain numbers come here
    places, total = _draw(case.parts, rng)
    entries = case.entries(places)
    analytic = np.array([part.gradient[place].real for part, place in entries])
    method, tolerance = "complex step", COMPLEX_TOLERANCE
    case = make(np.complex128)
    numerical = _complex_step(case.entries(places), case.measure)
    if numerical is not None and np.abs(numerical).max() > rounding:
        rounding = 0.0  # only a gradient that is nothing but rounding is forgiven it
    if numerical is None or not _error(analytic, numerical, rounding) <= tolerance:
        # Before anybody is accused: code may lose the imaginary part without a word.
        case = make(np.float64)
        entries = case.entries(places)
        steps = CENTRAL_STEP * np.array(
            [max(1.0, abs(part.values[place])) for part, place in entries]
        )
        central = _central_differences(entries, steps, case.measure)
        lost = EPSILON * abs(complex(case.measure())) / steps
        if numerical is None or not _error(central, numerical, lost) <= CENTRAL_TOLERANCE:
            method, tolerance, numerical = "central differences", CENTRAL_TOLERANCE, central
            rounding = lost
    errors = np.abs(analytic - numerical)
    worst = int(np.argmax(np.where(np.isnan(errors), math.inf, errors)))
    part, place = entries[worst]
    error = _error(analytic, numerical, rounding)
    index = ", ".join(map(str, place))
    return GradientReport(
        ok=error <= tolerance,
        max_relative_error=error,
        worst=f"{part.name}[{index}]" if place else part.name,
        analytic=float(analytic[worst]),
        numerical=float(numerical[worst]),
        method=method,
        checked=len(entries),
        total=total,
    )


def _draw(parts: list[_Part], rng: np.random.Generator) -> tuple[list[list[tuple[int, ...]]], int]:
    """The places to check in each part, and how many places there are."""
    total = sum(part.values.size for part in parts)
    if total == 0:
        raise ValueError(
            "check_gradients takes a model with a weight that is trained. Got none. Unfreeze a "
            "layer, or add a Dense."
        )
    share = total if total <= LIMIT else max(1, LIMIT // len(parts))
    places = []
    for part in parts:
        size = part.values.size
        chosen = range(size) if size <= share else sorted(rng.choice(size, share, replace=False))
        places.append([tuple(map(int, np.unravel_index(i, part.values.shape))) for i in chosen])
    return places, total


def _error(analytic: Array, numerical: Array, rounding: Any) -> float:
    """max |a − n| / max |n|, over the whole vector: single entries may rightly be zero."""
    differences = np.abs(analytic - numerical)
    difference = float(np.max(np.where(differences <= rounding, 0.0, differences)))
    largest = float(np.max(np.abs(numerical)))
    if difference == 0.0:
        return 0.0
    return difference / largest if largest > 0.0 else math.inf


def _complex_step(entries: list[_Entry], measure: Callable[[], Any]) -> Array | None:
    """Im f(x + ih) / h for each entry, or None where the code takes no complex numbers."""
    slopes = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            for part, place in entries:
                kept = part.values[place]
                part.values[place] = kept + 1j * COMPLEX_STEP
                try:
                    value = measure()
                finally:
                    part.values[place] = kept
                slopes.append(complex(value).imag / COMPLEX_STEP)
    except Exception:  # whatever code for real numbers makes of complex ones
        return None
    return np.array(slopes)


def _central_differences(entries: list[_Entry], steps: Array, measure: Callable[[], Any]) -> Array:
    """(f(x + h) − f(x − h)) / 2h for each entry."""
    slopes = []
    for (part, place), h in zip(entries, steps, strict=True):
        kept = part.values[place]
        part.values[place] = kept + h
        above = complex(measure()).real
        part.values[place] = kept - h
        below = complex(measure()).real
        part.values[place] = kept
        slopes.append((above - below) / (2.0 * h))
    return np.array(slopes)


def _of_model(model: Sequential, x: Any, y: Any, rng: np.random.Generator) -> _Maker:
    model = model.copy()
    model.dtype = np.dtype(np.float64)  # before x and y are brought to it
    model._lay_out()
    x, target, _ = model._check_data(x, y, None)
    x = np.asarray(x, np.float64)
    noise = int(rng.integers(2**31))  # the same dropout each time

    def loss(model: Sequential) -> Any:
        return model._run_step(x, target, None, np.random.default_rng(noise))

    def in_dtype(dtype: Any) -> tuple[Sequential, dict[str, tuple[Layer, str]]]:
        """The model in a dtype, and what it learns: name → layer and array."""
        copy = model.copy()
        copy.dtype = np.dtype(dtype)
        copy._lay_out()
        return copy, {
            f"{layer.label}.{name}": (layer, name)
            for layer in copy.layers
            if layer.trainable
            for name in layer.weights
        }

    exact, learned = in_dtype(np.float64)
    exact._grad[...] = JUNK
    loss(exact)
    gradients = {key: getattr(layer, "d" + name) for key, (layer, name) in learned.items()}

    def make(dtype: Any) -> _Case:
        varied, learned = in_dtype(dtype)
        return _Case(
            [
                _Part(key, getattr(layer, name), gradients[key])
                for key, (layer, name) in learned.items()
            ],
            lambda: loss(varied),
        )

    return make


def _of_layer(layer: Layer, x: Any, rng: np.random.Generator) -> _Maker:
    layer = layer.copy()
    x = _batch(x)
    layer.compute_output_shape(x.shape[1:])
    if not layer.built:
        layer.build(x.shape[1:], rng)
    bind([layer], np.float64)
    steps = layer.steps()
    noise = int(rng.integers(2**31))

    def run(steps: tuple[Layer, ...], x: Array) -> tuple[list[Array], list[Memo]]:
        draw = np.random.default_rng(noise)
        outputs = [x]
        memos: list[Memo] = [{"rng": draw} for _ in steps]
        for step, memo in zip(steps, memos, strict=True):
            outputs.append(step.forward(outputs[-1], memo))
        return outputs, memos

    for name in layer.weights:
        getattr(layer, "d" + name)[...] = JUNK
    outputs, memos = run(steps, x)
    dy = upstream = rng.standard_normal(outputs[-1].shape)
    for i in range(len(steps) - 1, -1, -1):
        step, around = steps[i], (outputs[i], outputs[i + 1], dy, memos[i])
        step.gradient(*around)
        dy = _alike(step.backward(*around), outputs[i], f"{step.label}.backward")
    gradients = {name: getattr(layer, "d" + name) for name in layer.weights}

    def make(dtype: Any) -> _Case:
        copy, varied = layer.copy(), x.astype(dtype)
        bind([copy], dtype)
        steps = copy.steps()
        parts = [_Part(f"{copy.label}.{n}", getattr(copy, n), gradients[n]) for n in copy.weights]
        return _Case(
            [*parts, _Part("x", varied, dy)],
            lambda: (upstream * run(steps, varied)[0][-1]).sum(),
        )

    return make


def _of_loss(loss: Loss, x: Any, y: Any) -> _Maker:
    prediction = _batch(x)
    if prediction.ndim == 1:
        prediction = prediction.reshape(-1, 1)
    target = loss.check_target(y, prediction.shape[1:])
    same_length(prediction, target, ("x", "y"))
    who = type(loss).__name__
    gradient = _alike(loss.gradient(prediction.copy(), target), prediction, f"{who}.gradient")
    losses = np.shape(loss.per_sample(prediction, target))
    if losses != (len(prediction),):
        raise ValueError(
            f"{who}.per_sample gives one number for each sample, shape ({len(prediction)},). "
            f"Got {losses}. Take the mean over the other axes only."
        )

    def make(dtype: Any) -> _Case:
        varied = prediction.astype(dtype)
        return _Case(
            [_Part("prediction", varied, gradient)],
            lambda: mean(loss.per_sample(varied, target)),
        )

    return make


def _of_functions(
    f: Callable[[Array], Any], gradient_of_f: Callable[[Array], Any], x: Any
) -> _Maker:
    x = _batch(x)
    gradient = _alike(gradient_of_f(x.copy()), x, "gradient_of_f")

    def make(dtype: Any) -> _Case:
        varied = x.astype(dtype)

        def measure() -> Any:
            value = f(varied.copy())
            if np.size(value) != 1 or np.asarray(value).dtype.kind not in "fciu":
                raise ValueError(f"f gives one number. Got {short(value)}. Sum or average it.")
            return np.asarray(value).item()

        return _Case([_Part("x", varied, gradient)], measure)

    return make


def _batch(x: Any) -> Array:
    """x as a new float64 array of finite numbers, at least one."""
    x = as_array(x, "x")
    if x.size == 0:
        raise ValueError(f"check_gradients takes an x with numbers in it. Got shape {x.shape}.")
    finite(x, "x")
    copy: Array = x.astype(np.float64)
    return copy


def _alike(gradient: Any, x: Array, who: str) -> Array:
    """The gradient as an array, which has to have x's shape."""
    array = np.asarray(gradient)
    if array.dtype.kind not in "fciu":
        raise TypeError(f"{who} gives an array of numbers. Got {short(gradient)}. Return it.")
    if array.shape != x.shape:
        raise ValueError(f"{who} gives an array of x's shape {x.shape}. Got {array.shape}.")
    return array
