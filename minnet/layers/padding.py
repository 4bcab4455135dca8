"""A margin around an image, for networks that write it as a layer of its own."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, integer, short
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo
from minnet.layers.windows import expect_images


def _margins(value: Any, who: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows above and below, columns left and right; one number, or two, stand for all."""
    sides = value if isinstance(value, (tuple, list)) else (value, value)
    if len(sides) != 2:
        raise ValueError(
            f"{who} takes one number, two, (rows, columns), or ((above, below), (left, right)). "
            f"Got {short(value)}."
        )
    above, below, left, right = (
        integer(number, who, minimum=0)
        for side in sides
        for number in (_two(side, who) if isinstance(side, (tuple, list)) else (side, side))
    )
    return (above, below), (left, right)


def _two(side: Any, who: str) -> Any:
    if len(side) != 2:
        raise ValueError(f"{who} takes two numbers a side, as (above, below). Got {short(side)}.")
    return side


@register
class ZeroPadding2D(Layer):
    """Images with rows and columns of zeros around them.

    Shapes: x (N, H, W, C), y (N, above + H + below, left + W + right, C). Channels come last.

    y_n,(p + above),(q + left),c = x_npqc, and 0 in the margin.

    The margin is no number of x, so ∂L/∂x_npqc = dy_n,(p + above),(q + left),c. (`Conv2D` with
    padding "same" brings its own margin.)

    Parameters
    ----------
    padding
        How many rows and columns: one number for all sides, (rows, columns), or
        ((above, below), (left, right)).

    Examples
    --------
    >>> x = np.array([[1, 2], [3, 4]]).reshape(1, 2, 2, 1)
    >>> ZeroPadding2D(((0, 1), (2, 0))).forward(x)[0, ..., 0]
    array([[0, 0, 1, 2],
           [0, 0, 3, 4],
           [0, 0, 0, 0]])
    """

    training_differs = False

    takes = "images"
    padding: tuple[tuple[int, int], tuple[int, int]] = setting(_margins)

    def __init__(self, padding: Any = ((1, 1), (1, 1)), **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.padding = padding

    @property
    def kind(self) -> str:
        (above, below), (left, right) = self.padding
        return f"ZeroPadding2D {above}+{below}, {left}+{right}"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        H, W, C = expect_images(self.label, input_shape)
        return (sum(self.padding[0]) + H, sum(self.padding[1]) + W, C)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return np.pad(x, ((0, 0), *self.padding, (0, 0)))

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        (above, _), (left, _) = self.padding
        return dy[:, above : above + x.shape[1], left : left + x.shape[2]]
