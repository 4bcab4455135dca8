"""Bounds that weights are brought back into after every update.

A penalty in `regularizers` pulls by way of the gradient; a constraint is a projection: whatever an
update did, the weights end within the bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, as_array, integer, number
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


class Constraint(Configurable):
    """The contract of a constraint.

    Shapes: weights (D, M) in, and the same shape out.

    One of your own needs one function, `project`, and `@minnet.register` above it if it is to be
    saved.

    Raises
    ------
    ValueError
        A number out of range, or an axis that the weights do not have.
    TypeError
        An argument of another type, or one that this constraint does not have.

    Arguments of its methods
    ------------------------
    weights : (D, M) ndarray
        An array that is learned, of any shape.

    Examples
    --------
    >>> class Bounded(Constraint):
    ...     def project(self, weights):
    ...         return np.clip(weights, -1, 1)
    >>> Bounded()([[0.5, -2.0]])
    array([[ 0.5, -1. ]])
    """

    def __call__(self, weights: Array) -> Array:
        """Return the weights within the bounds, in their shape; a new array."""
        with np.errstate(all="ignore"):  # NaN and infinity stay as they are, to be seen
            if type(weights) is not np.ndarray or weights.dtype.kind not in "fc":
                weights = as_array(weights, f"{type(self).__name__}'s weights").astype(np.float64)
            return self.project(weights)

    def project(self, weights: Array) -> Array:
        """Return the nearest weights that keep the bounds; `weights` is not written to."""
        raise NotImplementedError(f"{type(self).__name__} has no project(weights).")


def _norms(weights: Array, axis: int) -> Array:
    """‖w‖ along this axis, which stays with length 1; no square overflows."""
    if not -weights.ndim <= axis < weights.ndim:
        raise ValueError(f"A constraint along axis {axis} takes more axes than {weights.shape}.")
    size = np.abs(weights)
    largest = size.max(axis=axis, keepdims=True, initial=0)
    largest[largest == 0] = 1
    norms: Array = largest * np.sqrt(np.square(size / largest).sum(axis=axis, keepdims=True))
    return norms


def _scaled(weights: Array, norms: Array, wanted: Array) -> Array:
    """w · wanted / ‖w‖, and w itself where it has that norm or is 0."""
    as_it_is = (norms == wanted) | (norms == 0)
    return weights * np.where(as_it_is, 1, wanted / np.where(norms == 0, 1, norms))


@register
class MaxNorm(Constraint):
    """w ← w · c / ‖w‖ where ‖w‖ > c, for the weights that go into each unit.

    What is within the bound stays to the bit. (Keras divides by ‖w‖ + 1e-7, which shrinks all
    weights by as much of themselves, every update.)

    Source: Srebro and Shraibman (2005), "Rank, trace-norm and max-norm"; with dropout, as here, in
    Srivastava et al. (2014), where c is 3 to 4.

    Parameters
    ----------
    max_value
        c, 0 or more. Keras' default: 2.
    axis
        The axis along which a norm is taken: 0 (Keras' default) for the columns of W, which are
        the weights into each unit.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.1], [4.0, 0.2]]))
    array([[0.6, 0.1],
           [0.8, 0.2]])
    """

    max_value: float = setting(number, minimum=0.0)
    axis: int = setting(integer)

    def __init__(self, max_value: float = 2.0, axis: int = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def project(self, weights: Array) -> Array:
        norms = _norms(weights, self.axis)
        return _scaled(weights, norms, np.minimum(norms, self.max_value))


@register
class UnitNorm(Constraint):
    """w ← w / ‖w‖, for the weights that go into each unit; weights that are all 0 stay so.

    Parameters
    ----------
    axis
        See `MaxNorm`.

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0], [4.0]]))
    array([[0.6],
           [0.8]])
    """

    axis: int = setting(integer)

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis

    def project(self, weights: Array) -> Array:
        norms = _norms(weights, self.axis)
        return _scaled(weights, norms, np.ones_like(norms))


@register
class MinMaxNorm(Constraint):
    """w ← w · n / ‖w‖ with n = r clip(‖w‖, a, b) + (1 − r) ‖w‖, for the weights into each unit.

    With r = 1 the norm is brought between a and b at once, with less that part of the way.

    Parameters
    ----------
    min_value, max_value
        a and b, 0 or more, in this order. Keras' defaults: 0 and 1.
    rate
        r, from 0 to 1. Keras' default: 1.
    axis
        See `MaxNorm`.

    Examples
    --------
    >>> MinMaxNorm(1.0, 2.0, rate=0.5)(np.array([[3.0, 0.3], [4.0, 0.4]]))
    array([[2.1 , 0.45],
           [2.8 , 0.6 ]])
    """

    min_value: float = setting(number, minimum=0.0)
    max_value: float = setting(number, minimum=0.0)
    rate: float = setting(number, minimum=0.0, maximum=1.0)
    axis: int = setting(integer)

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0
    ) -> None:
        self.min_value, self.max_value = min_value, max_value
        self.rate, self.axis = rate, axis

    def _check_together(self, name: str, value: Any) -> None:
        bounds = {**vars(self), name: value}
        if bounds.keys() >= {"min_value", "max_value"}:
            number(bounds["max_value"], "MinMaxNorm's max_value", minimum=bounds["min_value"])

    def project(self, weights: Array) -> Array:
        norms = _norms(weights, self.axis)
        bounded = np.clip(norms, self.min_value, self.max_value)
        return _scaled(weights, norms, self.rate * bounded + (1.0 - self.rate) * norms)


@register
class NonNeg(Constraint):
    """w ← max(w, 0).

    Source: Lee and Seung (1999), "Learning the parts of objects by non-negative matrix
    factorization", on what weights that only add are good for.

    Examples
    --------
    >>> NonNeg()(np.array([-1.0, 0.5]))
    array([0. , 0.5])
    """

    def project(self, weights: Array) -> Array:
        bounded: Array = np.maximum(weights, 0)
        return bounded


CONSTRAINTS: dict[str, Callable[[], Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}
