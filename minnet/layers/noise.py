"""Noise that is there in training alone; `dropout.py` has the noise that all books begin with."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, number
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo
from minnet.layers.curves import ALPHA, SCALE


def _drawn(x: Array, memo: Memo) -> Array:
    """Standard normal numbers in x's shape, drawn once a step and kept in the memo.

    They are drawn in float32 for every dtype of x, so that a check in float64 has the noise of the
    training, and kept in that of x's real part.
    """
    if "noise" not in memo:
        noise = memo["rng"].standard_normal(x.shape, dtype=np.float32)
        memo["noise"] = noise.astype(x.real.dtype)
    drawn: Array = memo["noise"]
    return drawn


@register
class GaussianNoise(Layer):
    """In training, every number is moved by normal noise: y = x + σ ε, with ε from N(0, 1).

    In inference y = x.

    Shapes: x and y alike, (N, ...). Without a memo, y is x itself, not a copy.

    ∂L/∂x = dy, since ε does not depend on x.

    Source: Bishop (1995), "Training with noise is equivalent to Tikhonov regularization". A frozen
    layer adds nothing.

    Parameters
    ----------
    stddev
        σ, 0 or more, in the units of x.

    Examples
    --------
    >>> layer, x = GaussianNoise(0.1), np.array([[1.0, 2.0]])
    >>> layer.forward(x)
    array([[1., 2.]])
    >>> layer.forward(x, {"rng": np.random.default_rng(0)}).round(2)
    array([[1.11, 1.86]])
    """

    stddev: float = setting(number, minimum=0)

    def __init__(self, stddev: float, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.stddev = stddev

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x if memo is None else x + self.stddev * _drawn(x, memo)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy


@register
class GaussianDropout(Layer):
    """In training, every number is multiplied by noise around 1: y = x (1 + σ ε), ε from N(0, 1).

    σ = √(rate / (1 - rate)) is the standard deviation of what `Dropout` multiplies by, which is
    1 / (1 - rate) with probability 1 - rate, else 0. In inference y = x.

    Shapes: x and y alike, (N, ...). Without a memo, y is x itself, not a copy.

    ∂L/∂x_ni = dy_ni (1 + σ ε_ni).

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a simple
    way to prevent neural networks from overfitting", section 10. A frozen layer changes nothing.

    Parameters
    ----------
    rate
        That of the dropout with the same variance: 0 or more, below 1.

    Examples
    --------
    >>> layer, x = GaussianDropout(0.2), np.array([[1.0, 2.0]])
    >>> layer.forward(x)
    array([[1., 2.]])
    >>> layer.forward(x, {"rng": np.random.default_rng(0)}).round(2)
    array([[1.56, 0.61]])
    """

    rate: float = setting(number, minimum=0, below=1)

    def __init__(self, rate: float, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.rate = rate

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x if memo is None else x * self._factor(x, memo)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy if memo is None else dy * self._factor(x, memo)

    def _factor(self, x: Array, memo: Memo) -> Array:
        """1 + σ ε."""
        factor: Array = 1 + math.sqrt(self.rate / (1 - self.rate)) * _drawn(x, memo)
        return factor


@register
class AlphaDropout(Layer):
    """Dropout for `SELU`: what is dropped becomes SELU's lowest value, and all is put right again.

    In training, with d = -s α = -1.7581, the limit of SELU for very negative x, and m_ni, which is
    0 with probability `rate`, else 1::

        y_ni = a (m_ni x_ni + (1 - m_ni) d) + b

    Numbers of mean 0 and variance 1 become, before a and b, numbers of mean rate · d and variance
    (1 - rate) (1 + rate d²), so with

        a = 1 / √((1 - rate) (1 + rate d²))     and     b = -a rate d

    y has mean 0 and variance 1 again. In inference y = x.

    Shapes: x and y alike, (N, ...). Without a memo, y is x itself, not a copy.

    ∂L/∂x_ni = a m_ni dy_ni. The mask m is kept in `memo["mask"]`.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter (2017), "Self-normalizing neural networks".
    A frozen layer drops nothing.

    Parameters
    ----------
    rate
        The probability that a number is dropped: 0 or more, below 1. The paper has 0.05 and 0.1.

    Examples
    --------
    >>> layer, x = AlphaDropout(0.5), np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> layer.forward(x)
    array([[1., 2., 3., 4.]])
    >>> layer.forward(x, {"rng": np.random.default_rng(6)}).round(3)
    array([[-0.779,  2.552,  3.438, -0.779]])
    """

    rate: float = setting(number, minimum=0, below=1)

    def __init__(self, rate: float, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.rate = rate

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        if memo is None:
            return x
        a, b = self.correction()
        y: Array = a * np.where(self._mask(x, memo), x, LOWEST) + b
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        if memo is None:
            return dy
        dx: Array = (self.correction()[0] * dy) * self._mask(x, memo)
        return dx

    def correction(self) -> tuple[float, float]:
        """Return a and b, which bring mean and variance back to 0 and 1."""
        a = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * LOWEST**2))
        return a, -a * self.rate * LOWEST

    def _mask(self, x: Array, memo: Memo) -> Array:
        if "mask" not in memo:
            memo["mask"] = memo["rng"].random(x.shape, dtype=np.float32) >= self.rate
        mask: Array = memo["mask"]
        return mask


LOWEST = -SCALE * ALPHA
"""d: what SELU goes to for very negative x."""
