"""Layers that change the shape of a sample, and none of its numbers."""

from __future__ import annotations

import math
from typing import cast

from minnet.foundation.checks import Array, Shape
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, Memo


@register
class Flatten(Layer):
    """Each sample becomes one row of numbers, its last axis running fastest.

    y_n,(i·b + j) = x_nij for samples of shape (a, b), and so on for more axes.

    Shapes: x (N, a, b, ...), y (N, a·b·...). y shares memory with x where NumPy can do that.

    The numbers stay what they are, so dx is dy in the shape of x.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten().forward(np.array([[[1, 2], [3, 4]]]))
    array([[1, 2, 3, 4]])
    """

    training_differs = False

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy.reshape(x.shape)


@register
class Input(Configurable):
    """The shape of one sample, as the first entry of a model. It is no layer: nothing runs.

    Parameters
    ----------
    shape
        Without the batch; 784 means (784,).

    Examples
    --------
    >>> Input(784)
    Input((784,))
    >>> Input(shape=(28, 28)).shape
    (28, 28)
    """

    shape: Shape = setting(check_shape)

    def __init__(self, shape: Shape | int) -> None:
        self.shape = cast("Shape", shape)  # an int becomes a tuple
