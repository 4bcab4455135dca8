"""Penalties on weights, added to the loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from minnet.foundation.checks import Array, as_array, is_masked, number
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


class Regularizer(Configurable):
    """A penalty on one array of weights, and its gradient.

    Shapes: w is an array of weights, such as (D, M); the penalty is one number, its gradient
    has w's shape.

    Raises
    ------
    ValueError
        A number out of range.
    TypeError
        An argument of another type, or one that this regularizer does not have.

    Arguments of its methods
    ------------------------
    weights : (D, M) ndarray
        An array that is learned, of any shape.

    Examples
    --------
    >>> from minnet.regularizers import L2
    >>> L2(0.5)([1.0, 2.0])
    2.5
    >>> L2(0.5).gradient([1.0, 2.0])
    array([1., 2.])
    """

    def __call__(self, weights: Array) -> float:
        """The penalty, in the units of the loss."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(weights).")

    def gradient(self, weights: Array) -> Array:
        """The penalty's gradient with respect to the weights, in their shape."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient(weights).")


def _array(weights: Array, who: str = "L2") -> Array:
    """Weights that need not be an array of floats yet; complex ones pass."""
    floats = isinstance(weights, np.ndarray) and weights.dtype.kind in "fc"
    if floats and not is_masked(weights):
        return weights
    with np.errstate(over="ignore"):  # of a longer float
        numbers = as_array(weights, f"{who}'s weights")
        return numbers.astype(np.float64)  # a uint8 has no square, and no −w


def _penalty(factor: float, weights: Array, terms: Callable[[Array], Array]) -> float:
    """Return λ Σ of the terms: 0 for a λ of 0, and inf only where λ times the sum is beyond all."""
    if factor == 0.0:
        return 0.0  # times a sum beyond all numbers it would be NaN
    with np.errstate(all="ignore"):
        total = terms(weights).sum()  # in pairs, so that of many weights none is lost
        if weights.dtype == np.float32 and not np.isfinite(total):
            total = terms(weights.astype(np.float64)).sum()
        product: float = (factor * total).item()
    return product


@register
class L2(Regularizer):
    """λ Σ w², with the gradient 2 λ w.

    Keras' definition. Textbooks often write λ/2 Σ w², so that their λ is twice this one; Nielsen's
    book writes λ/(2n) Σ w² with n training samples. Only trainable layers are penalised.

    Parameters
    ----------
    l2
        λ, 0 or more. Keras' default: 0.01.

    Examples
    --------
    >>> import numpy as np
    >>> L2(0.5)(np.array([1.0, 2.0])), L2(0.5).gradient(np.array([1.0, 2.0]))
    (2.5, array([1., 2.]))
    """

    l2: float = setting(number, minimum=0.0)

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = l2

    def __call__(self, weights: Array) -> float:
        return _penalty(self.l2, _array(weights), np.square)

    def gradient(self, weights: Array) -> Array:
        return (2.0 * self.l2) * _array(weights)


@register
class L1(Regularizer):
    """λ Σ |w|, with the gradient λ sign(w): +λ where w > 0, −λ where w < 0, and 0 where w = 0.

    The pull is the same however small a weight is, so weights that the data do not need end up at
    0 or flicker around it; L2's pull fades with the weight. |w| has no derivative at 0, where the
    middle of its two slopes is taken, as in Keras. Only trainable layers are penalised.

    Source: Tibshirani (1996), "Regression shrinkage and selection via the lasso".

    Parameters
    ----------
    l1
        λ, 0 or more. Keras' default: 0.01.

    Examples
    --------
    >>> import numpy as np
    >>> L1(0.5)(np.array([1.0, -2.0])), L1(0.5).gradient(np.array([1.0, -2.0, 0.0]))
    (1.5, array([ 0.5, -0.5,  0. ]))
    """

    l1: float = setting(number, minimum=0.0)

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = l1

    def __call__(self, weights: Array) -> float:
        return _penalty(self.l1, _array(weights, "L1"), _size)

    def gradient(self, weights: Array) -> Array:
        slope: Array = self.l1 * np.sign(_array(weights, "L1").real)
        return slope


def _size(weights: Array) -> Array:
    """|w|, by the sign of the real part: np.abs would lose the imaginary one."""
    return np.where(weights.real > 0, weights, -weights)


@register
class L1L2(Regularizer):
    """λ₁ Σ |w| + λ₂ Σ w², with the gradient λ₁ sign(w) + 2 λ₂ w: `L1` and `L2` together.

    Source: Zou and Hastie (2005), "Regularization and variable selection via the elastic net".

    Parameters
    ----------
    l1, l2
        λ₁ and λ₂, 0 or more. Keras' defaults: 0, so that the one that is left out is no penalty.
        The name "l1_l2" stands for 0.01 and 0.01, the defaults of `L1` and of `L2` (in Keras it
        stands for 0 and 0, which is no penalty at all).

    Examples
    --------
    >>> import numpy as np
    >>> L1L2(0.5, 0.25)(np.array([1.0, -2.0])), L1L2(0.5, 0.25).gradient(np.array([1.0, -2.0]))
    (2.75, array([ 1. , -1.5]))
    """

    l1: float = setting(number, minimum=0.0)
    l2: float = setting(number, minimum=0.0)

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = l1, l2

    def __call__(self, weights: Array) -> float:
        weights = _array(weights, "L1L2")
        return _penalty(self.l1, weights, _size) + _penalty(self.l2, weights, np.square)

    def gradient(self, weights: Array) -> Array:
        weights = _array(weights, "L1L2")
        slope: Array = self.l1 * np.sign(weights.real) + (2.0 * self.l2) * weights
        return slope


REGULARIZERS: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": partial(L1L2, 0.01, 0.01),
}
