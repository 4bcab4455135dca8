"""How weights start: random numbers whose size suits the layer's width, and constants.

Each initializer is called as `initializer(shape, rng)` and returns float64 numbers; the layer casts
them. For W of shape (D, M), fan_in is D and fan_out is M: how many terms are summed on the way
forward and on the way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, Shape, generator, number
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


class Initializer(Configurable):
    """Makes the first values of a weight.

    One of your own needs one function::

        @minnet.register
        class Alternating(Initializer):
            def draw(self, shape, rng):
                return rng.choice([-0.1, 0.1], shape)
    """

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        """A float64 array of this shape, drawn from `rng`; both are checked first.

        A number in the place of `rng` is a seed; NumPy's global generator is never used.
        """
        name = type(self).__name__
        if shape != ():
            shape = check_shape(shape, f"{name}'s shape")
        return self.draw(shape, generator(rng, f"{name}'s rng"))

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """A float64 array of this shape, drawn from `rng`."""
        raise NotImplementedError(f"{type(self).__name__} has no draw(shape, rng).")


@register
class Zeros(Initializer):
    """All zeros: for biases. Weights of equal value would learn equally and stay equal."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape)


@register
class Ones(Initializer):
    """All ones."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.ones(shape)


@register
class Constant(Initializer):
    """All the same value.

    Parameters
    ----------
    value
        The value.

    Examples
    --------
    >>> Constant(0.1)((2,), np.random.default_rng(0))
    array([0.1, 0.1])
    """

    value: float = setting(number)

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(shape, self.value)


@register
class RandomNormal(Initializer):
    """Normal numbers N(mean, stddev²). Keras' default: stddev 0.05; Nielsen's book uses 1.

    Parameters
    ----------
    mean, stddev
        Of the distribution; stddev is 0 or more.
    """

    mean: float = setting(number)
    stddev: float = setting(number, minimum=0.0)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.stddev, shape)


@register
class RandomUniform(Initializer):
    """Uniform numbers from minval to maxval. Keras' default: ±0.05.

    Parameters
    ----------
    minval, maxval
        The bounds, in this order.
    """

    minval: float = setting(number)
    maxval: float = setting(number)

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval, self.maxval = minval, maxval

    def _check_together(self, name: str, value: Any) -> None:
        bounds = {**vars(self), name: value}
        if bounds.keys() >= {"minval", "maxval"}:
            number(bounds["maxval"], "RandomUniform's maxval", minimum=bounds["minval"])

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)


class _Scaled(Initializer):
    """Numbers of mean 0 whose variance is set by the layer's width."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        """The variance of the numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no variance(fan_in, fan_out).")


class _Uniform(_Scaled):
    """U(−a, a) has the variance a²/3, so a = √(3 variance)."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        limit = math.sqrt(3.0 * self.variance(*fans(shape)))
        return rng.uniform(-limit, limit, shape)


class _TruncatedNormal(_Scaled):
    """A normal cut off at two standard deviations, then widened to have the variance asked for.

    So does Keras; the papers have a plain normal. Numbers beyond the cut are drawn again.
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        stddev = math.sqrt(self.variance(*fans(shape))) / TRUNCATED_STDDEV
        values = rng.standard_normal(shape)
        while (outside := np.abs(values) > 2.0).any():
            values[outside] = rng.standard_normal(int(outside.sum()))
        return values * stddev


TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of a standard normal cut off at ±2: √(1 − 4 φ(2) / (2 Φ(2) − 1))."""


class _Glorot(_Scaled):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class _He(_Scaled):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class _Lecun(_Scaled):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


@register
class GlorotUniform(_Glorot, _Uniform):
    """Uniform with the variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010).

    So the numbers are uniform in ±√(6 / (fan_in + fan_out)). A sum of fan_in terms keeps its
    variance where each weight has 1 / fan_in, and gradients keep theirs on the way back with
    1 / fan_out; this is the middle. It fits where slopes are about 1, as with tanh. The default of
    `Dense`, as in Keras.

    Examples
    --------
    >>> W = GlorotUniform()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W).max() < (6 / 150) ** 0.5), bool(abs(W.var() * 75 - 1) < 0.05)
    (True, True)
    """


@register
class GlorotNormal(_Glorot, _TruncatedNormal):
    """Truncated normal with the variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""


@register
class HeUniform(_He, _Uniform):
    """Uniform with the variance 2 / fan_in (He et al., 2015): for ReLU, which halves signals."""


@register
class HeNormal(_He, _TruncatedNormal):
    """Truncated normal with the variance 2 / fan_in (He et al., 2015): for ReLU."""


@register
class LecunUniform(_Lecun, _Uniform):
    """Uniform with the variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998)."""


@register
class LecunNormal(_Lecun, _TruncatedNormal):
    """Truncated normal with the variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998)."""


def fans(shape: Shape) -> tuple[int, int]:
    """fan_in and fan_out of an array of weights, as in Keras.

    D and M of (D, M). Axes before the last two are a field that every output looks at, such as a
    convolution's window, and multiply both. A vector has its length as both.

    >>> fans((784, 32)), fans((5,)), fans((3, 3, 16, 32))
    ((784, 32), (5, 5), (144, 288))
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


INITIALIZERS: dict[str, Callable[[], Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "zeros": Zeros,
    "ones": Ones,
}
