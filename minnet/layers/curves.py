"""More activations: the curves that came after ReLU, and cheap ones in the place of older ones.

They keep what `activations.py` says of its own. Only `Exponential` cannot take numbers of any size:
its values are beyond all numbers where x is large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape
from minnet.foundation.registry import register
from minnet.initializers import Initializer, initializer
from minnet.layers.activations import Sigmoid, Softplus
from minnet.layers.base import Layer, LayerArguments, Memo

sigmoid = Sigmoid().forward
softplus = Softplus().forward


@register
class SELU(Layer):
    """Scaled exponential linear unit: y = s x where x > 0, else s α (eˣ - 1).

    Shapes: x and y alike, (N, ...).

    dy/dx = s where x > 0, else s α eˣ, which is y + s α.

    s and α are such that an x with mean 0 and variance 1 gives a y with mean 0 and variance 1, so
    a deep network of SELUs standardizes itself, with `lecun_normal` weights and `AlphaDropout`.
    They solve E[y] = 0 and E[y²] = 1 for a standard normal x.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter (2017), "Self-normalizing neural networks",
    equation 2, with its numbers.

    Examples
    --------
    >>> SELU().forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-1.1113,  0.    ,  2.1014]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        positive = np.where(x.real > 0, x, 0)
        y: Array = SCALE * (positive + ALPHA * np.expm1(x - positive))  # x - positive = min(x, 0)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * np.where(x.real > 0, SCALE, y + SCALE * ALPHA)
        return dx


SCALE = 1.0507009873554804934193349852946
"""s, SELU's slope where x > 0."""

ALPHA = 1.6732632423543772848170429916717
"""α of SELU."""


@register
class SiLU(Layer):
    """Sigmoid linear unit, or swish: y = x σ(x), with the sigmoid σ(x) = 1 / (1 + e⁻ˣ).

    Shapes: x and y alike, (N, ...).

    dy/dx = σ(x) + x σ(x) (1 - σ(x)) = σ(x) + y (1 - σ(x)).

    Source: Hendrycks and Gimpel (2016), "Gaussian error linear units", who name it;
    Elfwing, Uchibe and Doya (2018), "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning"; Ramachandran, Zoph and Le (2017), "Searching for
    activation functions", who call it swish, with a factor of 1 in the sigmoid.

    Examples
    --------
    >>> SiLU().forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-0.2689,  0.    ,  1.7616]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x * sigmoid(x)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        s = sigmoid(x)
        dx: Array = dy * (s + y * (1 - s))
        return dx


@register
class Mish(Layer):
    """y = x tanh(softplus(x)), with softplus(x) = log(1 + eˣ).

    Shapes: x and y alike, (N, ...).

    With t = tanh(softplus(x)), and the sigmoid σ as the derivative of softplus,
    dy/dx = t + x (1 - t²) σ(x).

    Source: Misra (2020), "Mish: a self regularized non-monotonic activation function".

    Examples
    --------
    >>> Mish().forward(np.array([[-1.0, 0.0, 2.0]])).round(4)
    array([[-0.3034,  0.    ,  1.944 ]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x * np.tanh(softplus(x))
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        t = np.tanh(softplus(x))
        dx: Array = dy * (t + x * ((1 - t * t) * sigmoid(x)))
        return dx


@register
class ReLU6(Layer):
    """A ReLU that ends at 6: y = min(max(x, 0), 6).

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 where 0 < x < 6, else 0 (at 0 and at 6 too, where there is no derivative).

    Source: Krizhevsky (2010), "Convolutional deep belief networks on CIFAR-10", with the 6.

    Examples
    --------
    >>> ReLU6().forward(np.array([[-1.0, 2.0, 9.0]]))
    array([[0., 2., 6.]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = np.where(x.real > 0, np.where(x.real < 6, x, 6), np.where(np.isnan(x), x, 0))
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * ((x.real > 0) & (x.real < 6))
        return dx


@register
class HardSigmoid(Layer):
    """A sigmoid of three straight pieces: y = x / 6 + 1/2, cut off at 0 and 1.

    Shapes: x and y alike, (N, ...).

    dy/dx = 1/6 where -3 < x < 3, else 0.

    Source: the 6 and the 3 are those of Howard et al. (2019), "Searching for MobileNetV3", of
    Keras 3 and of PyTorch. (Keras 2 had 0.2 x + 1/2.)

    Examples
    --------
    >>> HardSigmoid().forward(np.array([[-4.0, 0.0, 1.5]]))
    array([[0.  , 0.5 , 0.75]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        z = np.where(x.real > -3, np.where(x.real < 3, x, 3), np.where(np.isnan(x), x, -3))
        y: Array = (z + 3) / 6
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * ((x.real > -3) & (x.real < 3)) / 6
        return dx


hard_sigmoid = HardSigmoid().forward


@register
class HardSiLU(Layer):
    """A SiLU without exponentials, or hard swish: y = x h(x), with `HardSigmoid` as h.

    Shapes: x and y alike, (N, ...).

    dy/dx = x / 3 + 1/2 where -3 < x < 3, as y = x² / 6 + x / 2 there; 1 where x ≥ 3, else 0.

    Source: Howard et al. (2019), "Searching for MobileNetV3", who call it h-swish.

    Examples
    --------
    >>> HardSiLU().forward(np.array([[-1.5, 0.0, 1.5, 4.0]]))
    array([[-0.375,  0.   ,  1.125,  4.   ]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x * hard_sigmoid(x)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * np.where((x.real > -3) & (x.real < 3), x / 3 + 0.5, x.real >= 3)
        return dx


@register
class Softsign(Layer):
    """A curve from -1 to 1 with long tails: y = x / (1 + |x|).

    Shapes: x and y alike, (N, ...).

    dy/dx = 1 / (1 + |x|)²: for x > 0 that is ((1 + x) - x) / (1 + x)², and for x < 0 likewise.

    Source: Turian, Bergstra and Bengio (2009), "Quadratic features and deep architectures for
    chunking".

    Examples
    --------
    >>> Softsign().forward(np.array([[-1.0, 0.0, 3.0]]))
    array([[-0.5 ,  0.  ,  0.75]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = x / (1 + np.where(x.real > 0, x, -x))  # not np.abs: it loses the imaginary part
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        slope = 1 / (1 + np.where(x.real > 0, x, -x))
        dx: Array = dy * slope * slope
        return dx


@register
class Exponential(Layer):
    """y = eˣ, for outputs that are counts or rates, and above 0.

    Where eˣ is beyond the largest number (x above 88 in float32), y is infinite.

    Shapes: x and y alike, (N, ...).

    dy/dx = eˣ = y.

    Examples
    --------
    >>> Exponential().forward(np.array([[-1.0, 0.0, 1.0]])).round(4)
    array([[0.3679, 1.    , 2.7183]])
    """

    training_differs = False

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        with np.errstate(over="ignore"):
            y: Array = np.exp(x)
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy * y
        return dx


@register
class PReLU(Layer):
    """A leaky ReLU that learns its slopes: y = x where x > 0, else α x, with one α for each unit.

    Shapes: x and y alike, (N, ...); alpha has the shape of one sample.

    With sums over the N samples of a batch, at x = 0 the left slope:

    - ∂L/∂x_nd = dy_nd where x_nd > 0, else α_d dy_nd
    - ∂L/∂α_d = Σ_n dy_nd min(x_nd, 0), since y_nd = max(x_nd, 0) + α_d min(x_nd, 0)

    Source: He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers".

    Parameters
    ----------
    alpha_initializer
        How α starts: zeros, Keras' default, so that the layer starts as a ReLU. The paper has
        0.25, `Constant(0.25)`.

    Examples
    --------
    >>> layer = PReLU()
    >>> layer.build((3,), np.random.default_rng(0))
    >>> layer.alpha = [0.5, 0.5, 0.5]
    >>> layer.forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[-0.5,  0. ,  2. ]])
    """

    parameters = ("alpha",)
    training_differs = False

    alpha_initializer: Initializer

    alpha: Array
    dalpha: Array

    def __init__(
        self,
        alpha_initializer: str | Initializer | Callable[..., Any] = "zeros",
        **common: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**common)
        self.alpha_initializer = initializer(alpha_initializer, "PReLU's alpha_initializer")

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        self.add_weight("alpha", input_shape, self.alpha_initializer, rng)

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return np.where(x.real > 0, x, self.alpha * x)

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return np.where(x.real > 0, dy, self.alpha * dy)

    def gradient(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> None:
        np.sum(np.where(x.real > 0, 0, dy * x), axis=0, out=self.dalpha)
