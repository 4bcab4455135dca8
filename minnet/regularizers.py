"""Penalties on weights, added to the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minnet.foundation.checks import Array, as_array, number
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


class Regularizer(Configurable):
    """A penalty on one array of weights, and its gradient."""

    def __call__(self, weights: Array) -> float:
        """The penalty, in the units of the loss."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(weights).")

    def gradient(self, weights: Array) -> Array:
        """The penalty's gradient with respect to the weights, in their shape."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient(weights).")


def _array(weights: Array) -> Array:
    """Weights that need not be an array yet; complex ones pass."""
    return weights if isinstance(weights, np.ndarray) else as_array(weights, "L2's weights")


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
        flat = _array(weights).ravel()
        penalty: float = (self.l2 * np.dot(flat, flat)).item()
        return penalty

    def gradient(self, weights: Array) -> Array:
        return (2.0 * self.l2) * _array(weights)


REGULARIZERS: dict[str, Callable[[], Regularizer]] = {"l2": L2}
