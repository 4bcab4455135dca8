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

from minnet.checks import Array, as_array, generator, same_length, short
from minnet.layers.base import Layer, bind
from minnet.losses import Loss, mean
from minnet.models import Sequential

COMPLEX_STEP = 1e-20
CENTRAL_STEP = 1e-5
COMPLEX_TOLERANCE = 1e-7
CENTRAL_TOLERANCE = 1e-5
"""Largest error, relative to the largest gradient, that counts as right. Below 1e-7 a gradient is
fine and above 1e-2 wrong (the CS231n course notes' rule); central differences themselves have
errors up to about 1e-6 in float64."""

JUNK = math.pi
"""What gradients are filled with first, so that one that is not written, or added to, shows."""

LIMIT = 2000
"""Entries that are checked; of more, this many are drawn."""


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check found.

    Attributes
    ----------
    ok
        Whether analytic and numerical gradients agree.
    max_relative_error
        max |analytic − numerical| / max |numerical| over all entries that were checked.
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

    def entries(self) -> list[tuple[_Part, tuple[int, ...]]]:
        """Every single number, by its array and its place in it."""
        return [(part, place) for part in self.parts for place in np.ndindex(part.values.shape)]


_Maker = Callable[[Any], _Case]
"""Makes the case in a dtype: complex128 for complex steps, float64 for central differences."""


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
    with np.errstate(all="ignore"):
        return _compare(make, rng)


def _compare(make: _Maker, rng: np.random.Generator) -> GradientReport:
    case = make(np.complex128)
    entries = case.entries()
    total = len(entries)
    if total == 0:
        raise ValueError("check_gradients takes something to vary. Got no weights and no numbers.")
    chosen = range(total) if total <= LIMIT else sorted(rng.choice(total, LIMIT, replace=False))
    entries = [entries[i] for i in chosen]
    analytic = np.array([part.gradient[place].real for part, place in entries])
    method, tolerance = "complex step", COMPLEX_TOLERANCE
    numerical = _complex_step(entries, case.measure)
    if numerical is None or not _error(analytic, numerical) <= tolerance:
        # Before anybody is accused: code may lose the imaginary part without a word.
        case = make(np.float64)
        everything = case.entries()
        central = _central_differences([everything[i] for i in chosen], case.measure)
        if numerical is None or not _error(central, numerical) <= COMPLEX_TOLERANCE * 1e3:
            method, tolerance, numerical = "central differences", CENTRAL_TOLERANCE, central
    errors = np.abs(analytic - numerical)
    worst = int(np.argmax(np.where(np.isnan(errors), math.inf, errors)))
    part, place = entries[worst]
    error = _error(analytic, numerical)
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


def _error(analytic: Array, numerical: Array) -> float:
    """max |a − n| / max |n|, over the whole vector: single entries may rightly be zero."""
    difference = float(np.max(np.abs(analytic - numerical)))
    largest = float(np.max(np.abs(numerical)))
    if difference == 0.0:
        return 0.0
    return difference / largest if largest > 0.0 else math.inf


def _complex_step(
    entries: list[tuple[_Part, tuple[int, ...]]], measure: Callable[[], Any]
) -> Array | None:
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
    except (TypeError, np.exceptions.ComplexWarning):
        return None
    return np.array(slopes)


def _central_differences(
    entries: list[tuple[_Part, tuple[int, ...]]], measure: Callable[[], Any]
) -> Array:
    """(f(x + h) − f(x − h)) / 2h for each entry."""
    slopes = []
    for part, place in entries:
        kept = part.values[place]
        h = CENTRAL_STEP * max(1.0, abs(kept))
        part.values[place] = kept + h
        above = complex(measure()).real
        part.values[place] = kept - h
        below = complex(measure()).real
        part.values[place] = kept
        slopes.append((above - below) / (2.0 * h))
    return np.array(slopes)


def _of_model(model: Sequential, x: Any, y: Any, rng: np.random.Generator) -> _Maker:
    model = model.copy()
    x, target, _ = model._check_data(x, y, None)
    x = x.astype(np.float64)
    noise = int(rng.integers(2**31))  # the same dropout each time

    def measure() -> Any:
        return model._run_step(x, target, None, np.random.default_rng(noise))

    def learned() -> dict[str, tuple[Layer, str]]:
        return {
            f"{layer.label}.{name}": (layer, name)
            for layer in model.layers
            if layer.trainable
            for name in layer.weights
        }

    def in_dtype(dtype: Any) -> None:
        model.dtype = np.dtype(dtype)
        model._lay_out()

    in_dtype(np.float64)
    model._grad[...] = JUNK
    measure()
    gradients = {key: getattr(layer, "d" + name).copy() for key, (layer, name) in learned().items()}

    def make(dtype: Any) -> _Case:
        in_dtype(dtype)
        return _Case(
            [
                _Part(key, getattr(layer, name), gradients[key])
                for key, (layer, name) in learned().items()
            ],
            measure,
        )

    return make


def _of_layer(layer: Layer, x: Any, rng: np.random.Generator) -> _Maker:
    layer = layer.copy()
    x = as_array(x, "x").astype(np.float64)
    if not layer.built:
        layer.build(x.shape[1:], rng)
    bind([layer], np.float64)
    steps = layer.steps()
    noise = int(rng.integers(2**31))

    def run(x: Array) -> tuple[list[Array], list[dict[str, Any]]]:
        draw = np.random.default_rng(noise)
        outputs = [x]
        memos: list[dict[str, Any]] = [{"rng": draw} for _ in steps]
        for step, memo in zip(steps, memos, strict=True):
            outputs.append(step.forward(outputs[-1], memo))
        return outputs, memos

    for name in layer.weights:
        getattr(layer, "d" + name)[...] = JUNK
    outputs, memos = run(x)
    dy = upstream = rng.standard_normal(outputs[-1].shape)
    for i in range(len(steps) - 1, -1, -1):
        steps[i].gradient(outputs[i], outputs[i + 1], dy, memos[i])
        dy = steps[i].backward(outputs[i], outputs[i + 1], dy, memos[i])
    gradients = {name: getattr(layer, "d" + name).copy() for name in layer.weights}
    gradients["x"] = np.broadcast_to(dy, x.shape)

    def make(dtype: Any) -> _Case:
        bind([layer], dtype)
        varied = x.astype(dtype)
        parts = [
            _Part(f"{layer.label}.{n}", getattr(layer, n), gradients[n]) for n in layer.weights
        ]
        return _Case(
            [*parts, _Part("x", varied, gradients["x"])],
            lambda: (upstream * run(varied)[0][-1]).sum(),
        )

    return make


def _of_loss(loss: Loss, x: Any, y: Any) -> _Maker:
    prediction = as_array(x, "x").astype(np.float64)
    if prediction.ndim == 1:
        prediction = prediction.reshape(-1, 1)
    target = loss.check_target(y, prediction.shape[1:])
    same_length(prediction, target, ("x", "y"))
    gradient = loss.gradient(prediction, target)

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
    x = as_array(x, "x").astype(np.float64)
    gradient = np.asarray(gradient_of_f(x.copy()))
    if gradient.shape != x.shape:
        raise ValueError(
            f"gradient_of_f gives an array of x's shape {x.shape}. Got {gradient.shape}."
        )

    def make(dtype: Any) -> _Case:
        varied = x.astype(dtype)

        def measure() -> Any:
            value = f(varied.copy())
            if np.size(value) != 1:
                raise ValueError(
                    f"f gives one number. Got shape {np.shape(value)}. Sum or average it."
                )
            return np.asarray(value).item()

        return _Case([_Part("x", varied, gradient)], measure)

    return make
