"""Dropout: a network that cannot count on any one of its numbers."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, number
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo


@register
class Dropout(Layer):
    """In training, a random part of the numbers is set to 0, and the others grow to make up for it.

    y_ni = m_ni x_ni / (1 - rate), where m_ni is 0 with probability `rate`, else 1. The division
    keeps the mean of y at x, so that inference, which drops nothing, is y = x ("inverted" dropout).

    Shapes: x and y alike, (N, ...). Without a memo, y is x itself, not a copy.

    ∂L/∂x_ni = dy_ni · m_ni / (1 - rate): only what was kept has a gradient. The mask m is drawn
    once from `memo["rng"]` and kept in `memo["mask"]`, so `backward` meets the mask of `forward`.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a simple
    way to prevent neural networks from overfitting". A frozen layer drops nothing.

    Parameters
    ----------
    rate
        The probability that a number is dropped: 0 or more, below 1. The paper has 0.5 for hidden
        units and 0.2 for inputs.

    Examples
    --------
    >>> layer, x = Dropout(0.5), np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> layer.forward(x)
    array([[1., 2., 3., 4.]])
    >>> memo = {"rng": np.random.default_rng(6)}
    >>> layer.forward(x, memo)
    array([[0., 4., 6., 0.]])
    >>> memo["mask"]
    array([[False,  True,  True, False]])
    """

    rate: float = setting(number, minimum=0, below=1)

    def __init__(
        self,
        rate: float,
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.rate = rate

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x if memo is None else self._drop(x, memo)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy if memo is None else self._drop(dy, memo)

    def _drop(self, x: Array, memo: Memo) -> Array:
        if "mask" not in memo:
            # float32 for every dtype of x, so that a check in float64 has the mask of the training
            memo["mask"] = memo["rng"].random(x.shape, dtype=np.float32) >= self.rate
        y = x * (1 / (1 - self.rate))
        y *= memo["mask"]
        return y
