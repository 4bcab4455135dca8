"""Activations: one curve each, applied to every number of a batch (softmax: to every row).

Each is a layer without weights, so a formula and its derivative stand together. Where the
derivative is cheaper from y than from x, `backward` takes y. All of them take numbers of any size
without overflow, give back the dtype they are given, and take complex numbers, with which
gradients are checked.
"""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from minnet.foundation.checks import Array, boolean, number
from minnet.foundation.registry import Config, register
from minnet.foundation.strict import setting
from minnet.layers.base import Layer, LayerArguments, Memo
from minnet.layers.error_function import erf


def _positive_part(x: Array) -> Array:
    """max(x, 0), by the real part where x is complex."""
    if x.dtype.kind == "c":
        return np.where(x.real > 0, x, 0)
    y: Array = np.maximum(x, 0)
    return y


@register
class ReLU(Layer):
    """Rectified linear unit: y = max(x, 0), or min(max(x, 0), c), which is flat above c as well.

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 where x > 0 (and x < c), else 0. At the corners, where there is no derivative, 0 is
    taken, as everywhere (TensorFlow, PyTorch).

    Source: Nair and Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".

    Parameters
    ----------
    max_value
        c, above 0; None, the default, for none.

    Examples
    --------
    >>> ReLU().forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[0., 0., 2.]])
    >>> ReLU(1.5).forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[0. , 0. , 1.5]])
    """

    training_differs = False

    max_value: float | None = setting(number, above=0.0, optional=True, default=None)

    def __init__(self, max_value: float | None = None, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.max_value = max_value

    def get_config(self) -> Config:
        """Leave out a bound that is not there: most files have none."""
        config = super().get_config()
        return {n: value for n, value in config.items() if n != "max_value" or value is not None}

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y = _positive_part(x)
        c = self.max_value
        return y if c is None else np.where(y.real < c, y, np.where(np.isnan(y), y, c))

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * (y.real > 0)  # y > 0 just where x > 0
        return dx if self.max_value is None else dx * (y.real < self.max_value)


@register
class LeakyReLU(Layer):
    """A ReLU that lets a part of the negative numbers through: y = x where x > 0, else s x.

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 where x > 0, else s (at x = 0 too).

    Source: Maas, Hannun and Ng (2013), "Rectifier nonlinearities improve neural network acoustic
    models".

    Parameters
    ----------
    negative_slope
        s, 0 or more. 0.3 is Keras' default; the paper has 0.01.

    Examples
    --------
    >>> LeakyReLU(0.5).forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[-0.5,  0. ,  2. ]])
    """

    training_differs = False

    negative_slope: float = setting(number, minimum=0)

    def __init__(
        self,
        negative_slope: float = 0.3,
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.negative_slope = negative_slope

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        positive = _positive_part(x)
        y: Array = positive + self.negative_slope * (x - positive)  # x - positive = min(x, 0)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        positive = dy * (x.real > 0)
        dx: Array = positive + self.negative_slope * (dy - positive)
        return dx


@register
class ELU(Layer):
    """Exponential linear unit: y = x where x > 0, else α (eˣ - 1).

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 where x > 0, else α eˣ, which is y + α.

    Source: Clevert, Unterthiner and Hochreiter (2016), "Fast and accurate deep network learning by
    exponential linear units".

    Parameters
    ----------
    alpha
        α, 0 or more: y goes to -α for very negative x. 1 is the paper's value and Keras' default.

    Examples
    --------
    >>> ELU().forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-0.6321,  0.    ,  2.    ]])
    """

    training_differs = False

    alpha: float = setting(number, minimum=0)

    def __init__(
        self,
        alpha: float = 1.0,
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.alpha = alpha

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        positive = _positive_part(x)
        y: Array = positive + self.alpha * np.expm1(x - positive)  # x - positive = min(x, 0)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        positive = dy * (x.real > 0)
        dx: Array = positive + (dy - positive) * (y + self.alpha)
        return dx


@register
class Softplus(Layer):
    """A ReLU with a rounded corner: y = log(1 + eˣ).

    It is computed as max(x, 0) + log(1 + e^-|x|), which is the same and cannot overflow.

    Shapes: x and y alike, (N, ...).

    dy/dx = eˣ / (1 + eˣ), the sigmoid of x, which is 1 - e⁻ʸ.

    Source: Dugas, Bengio, Bélisle, Nadeau and Garcia (2001), "Incorporating second-order functional
    knowledge for better option pricing".

    Examples
    --------
    >>> Softplus().forward(np.array([[-1.0, 0.0, 1000.0]])).round(4)
    array([[3.133e-01, 6.931e-01, 1.000e+03]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        positive = _positive_part(x)
        y: Array = positive + np.log1p(np.exp(x - positive - positive))  # x - 2 max(x, 0) = -|x|
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * -np.expm1(-y)
        return dx


@register
class GELU(Layer):
    """Gaussian error linear unit: y = x Φ(x), with Φ(x) = P(z ≤ x) for a standard normal z.

    By default in its tanh form, y = ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³), which is
    within 0.0005 of it; by `approximate=False` by the error function, Φ(x) = ½ (1 + erf(x / √2)).

    Shapes: x and y alike, (N, ...).

    dy/dx = Φ(x) + x φ(x), with the normal density φ(x) = exp(-x² / 2) / √(2π). In the tanh form it
    is ½ (1 + tanh u) + ½ x (1 - tanh² u) du/dx, with du/dx = √(2/π) (1 + 3 · 0.044715 x²). Beyond
    |x| = 10, tanh u and erf(x / √2) are ±1 to the last bit, so x is cut off there, and neither x³
    nor x² can overflow.

    Source: Hendrycks and Gimpel (2016), "Gaussian error linear units", with its constants.

    Parameters
    ----------
    approximate
        Whether it is the tanh form. That is the default here, as in GPT-2 and BERT's first code;
        Keras and PyTorch take the error function where nothing is said.

    Examples
    --------
    >>> GELU().forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-0.1588,  0.    ,  1.9546]])
    >>> GELU(approximate=False).forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-0.1587,  0.    ,  1.9545]])
    """

    training_differs = False

    approximate: bool = setting(boolean, default=True)

    def __init__(self, approximate: bool = True, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.approximate = approximate

    def get_config(self) -> Config:
        """Leave out the form where it is the default: most files have it."""
        config = super().get_config()
        return {n: value for n, value in config.items() if n != "approximate" or not value}

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        z = np.clip(x, -10, 10)  # complex numbers are clipped by their real part
        y: Array
        if self.approximate:
            u = ROOT_2_OVER_PI * z * (1 + 0.044715 * z * z)
            y = 0.5 * x * (1 + np.tanh(u))
        else:
            y = 0.5 * x * (1 + erf(ROOT_HALF * z))
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        z = np.clip(x, -10, 10)
        dx: Array
        if self.approximate:
            t = np.tanh(ROOT_2_OVER_PI * z * (1 + 0.044715 * z * z))
            du = ROOT_2_OVER_PI * (1 + 3 * 0.044715 * z * z)
            dx = dy * (0.5 * (1 + t) + 0.5 * z * (1 - t * t) * du)
        else:
            density = 0.5 * ROOT_2_OVER_PI * np.exp(-0.5 * z * z)
            dx = dy * (0.5 * (1 + erf(ROOT_HALF * z)) + z * density)
        return dx


ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
ROOT_HALF = math.sqrt(1 / 2)


@register
class Sigmoid(Layer):
    """The logistic curve from 0 to 1: y = 1 / (1 + e⁻ˣ).

    Shapes: x and y alike, (N, ...).

    dy/dx = e⁻ˣ / (1 + e⁻ˣ)² = y (1 - y).

    Examples
    --------
    >>> Sigmoid().forward(np.array([[-1000.0, 0.0, 1.0]])).round(4)
    array([[0.    , 0.5   , 0.7311]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array
        if x.dtype.kind == "c":  # the same curve; 1 / ∞ is not a number among the complex ones
            y = 0.5 + 0.5 * np.tanh(0.5 * x)
        else:
            with np.errstate(over="ignore"):  # where e⁻ˣ is ∞, y is 0, as it should be
                y = 1 / (1 + np.exp(-x))
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * (y * (1 - y))
        return dx


@register
class Tanh(Layer):
    """The hyperbolic tangent, from -1 to 1: y = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ).

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 - y².

    Examples
    --------
    >>> Tanh().forward(np.array([[-1.0, 0.0, 1.0]])).round(4)
    array([[-0.7616,  0.    ,  0.7616]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = np.tanh(x)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * (1 - y * y)
        return dx


@register
class Softmax(Layer):
    """Each row becomes K probabilities: y_nk = exp(x_nk) / Σ_j exp(x_nj).

    The largest x of a row is subtracted from the row first. That changes nothing, since it divides
    numerator and denominator by the same number, and then no exponential is larger than 1.

    Shapes: x and y (N, K).

    Within a row, ∂y_j/∂x_k = y_j (δ_jk - y_k). So ∂L/∂x_k = Σ_j dy_j ∂y_j/∂x_k
    = y_k (dy_k - Σ_j dy_j y_j).

    Source: Bridle (1990), "Probabilistic interpretation of feedforward classification network
    outputs".

    Examples
    --------
    >>> Softmax().forward(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        top = np.maximum.reduce(x.real, axis=-1, keepdims=True)
        if not top.size or top.item(top.argmax()) < 1e30:
            y: Array = x - top
        else:
            with np.errstate(over="ignore"):  # a gap beyond the largest number: -∞, and exp is 0
                y = x - top
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis=-1, keepdims=True)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = y * (dy - (dy * y).sum(axis=-1, keepdims=True))
        return dx


@register
class Linear(Layer):
    """No activation at all: y = x, and dx = dy. It gives Keras' name "linear" something to mean.

    Shapes: x and y alike, (N, ...). y is x itself, not a copy.

    Examples
    --------
    >>> Linear().forward(np.array([[-1.0, 2.0]]))
    array([[-1.,  2.]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy
