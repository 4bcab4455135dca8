"""Layers that change the shape of a sample, and none of its numbers."""

from __future__ import annotations

import math
from typing import Any, Unpack, cast

from minnet.foundation.checks import Array, Shape, batch_shape, integer, short
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo


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


def _target(value: Any, who: str) -> Shape:
    """A shape of which one axis may be -1, as a tuple of ints."""
    if not isinstance(value, (tuple, list)) or not value:
        raise TypeError(f"{who} takes a shape such as (28, 28). Got {short(value)}.")
    axes = tuple(integer(size, f"Each axis of {who}") for size in value)
    if any(size < 1 and size != -1 for size in axes) or axes.count(-1) > 1:
        raise ValueError(f"{who} takes sizes of 1 or more, and -1 once at most. Got {axes}.")
    return axes


@register
class Reshape(Layer):
    """Each sample gets another shape, its numbers in the same order, the last axis fastest.

    Shapes: x (N, ...), y (N, *target_shape), with as many numbers. y shares memory with x where
    NumPy can do that.

    The numbers stay what they are, so dx is dy in the shape of x.

    Parameters
    ----------
    target_shape
        The shape of one sample of y; one axis may be -1, for as much as is left.

    Examples
    --------
    >>> import numpy as np
    >>> Reshape((2, -1)).forward(np.array([[1, 2, 3, 4, 5, 6]]))
    array([[[1, 2, 3],
            [4, 5, 6]]])
    """

    training_differs = False

    target_shape: Shape = setting(_target)

    def __init__(self, target_shape: Shape, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.target_shape = target_shape

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        target = self.target_shape
        size, given = math.prod(input_shape), math.prod(n for n in target if n != -1)
        fits = size % given == 0 if -1 in target else size == given
        if not fits:
            count = f"a multiple of {given}" if -1 in target else given
            raise ValueError(
                f"{self.label} takes samples of {count} numbers, for the shape {target}. Got "
                f"{batch_shape(input_shape)}, which has {size}."
            )
        return tuple(size // given if n == -1 else n for n in target)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x.reshape(len(x), *self.compute_output_shape(x.shape[1:]))

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy.reshape(x.shape)


@register
class Input(Configurable):
    """The shape of one sample, as the first entry of a model. It is no layer: nothing runs.

    Parameters
    ----------
    shape
        Without the batch; 784 means (784,).

    Raises
    ------
    ValueError
        An axis of length 0, or a negative one.
    TypeError
        What is no whole number, and no tuple of them.

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
