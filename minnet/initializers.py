"""How weights start: random numbers whose size suits the layer's width, and constants.

Each initializer is called as `initializer(shape, rng)` and returns float64 numbers; the layer casts
them. For W of shape (D, M), fan_in is D and fan_out is M: how many terms are summed on the way
forward and on the way back.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.foundation.checks import (
    Array,
    Shape,
    as_array,
    choice,
    generator,
    instance,
    number,
    short,
)
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting


class Initializer(Configurable):
    """Makes the first values of a weight.

    Shapes: the array has the shape that is asked for, such as (D, M) for a Dense.

    One of your own needs one function, `draw`, and `@minnet.register` above it if it is to be
    saved.

    Raises
    ------
    ValueError
        A number out of range, or a shape that this initializer does not fill.
    TypeError
        An argument of another type, or one that this initializer does not have.

    Arguments of its methods
    ------------------------
    shape
        That of the array of weights, such as (D, M).
    rng
        The generator to draw from.

    Examples
    --------
    >>> class Alternating(Initializer):
    ...     def draw(self, shape, rng):
    ...         return rng.choice([-0.1, 0.1], shape)
    >>> Alternating()((4,), np.random.default_rng(0))
    array([ 0.1,  0.1,  0.1, -0.1])
    >>> from minnet.initializers import HeNormal
    >>> HeNormal()((784, 32), np.random.default_rng(0)).shape
    (784, 32)
    """

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        """A float64 array of this shape, drawn from `rng`; both are checked first.

        A number in the place of `rng` is a seed; NumPy's global generator is never used.
        """
        name = type(self).__name__
        if not (isinstance(shape, tuple) and shape == ()):
            shape = check_shape(shape, f"{name}'s shape")
        generator_used = generator(rng, f"{name}'s rng")
        largest = np.iinfo(np.intp).max // 8
        if math.prod(shape) > largest:
            raise ValueError(
                f"{name}'s shape takes up to {largest:.2g} numbers. Got {short(shape)}."
            )
        return self.draw(shape, generator_used)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """A float64 array of this shape, drawn from `rng`."""
        raise NotImplementedError(f"{type(self).__name__} has no draw(shape, rng).")


@register
class Zeros(Initializer):
    """All zeros: for biases. Weights of equal value would learn equally and stay equal.

    Examples
    --------
    >>> Zeros()((2,), np.random.default_rng(0))
    array([0., 0.])
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape)


@register
class Ones(Initializer):
    """All ones.

    Examples
    --------
    >>> Ones()((2,), np.random.default_rng(0))
    array([1., 1.])
    """

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

    Examples
    --------
    >>> W = RandomNormal(stddev=0.1)((100, 100), np.random.default_rng(0))
    >>> bool(abs(W.mean()) < 0.01), bool(abs(W.std() - 0.1) < 0.01)
    (True, True)
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

    Examples
    --------
    >>> W = RandomUniform(0.0, 2.0)((100, 100), np.random.default_rng(0))
    >>> bool(W.min() >= 0), bool(W.max() <= 2), bool(abs(W.mean() - 1) < 0.05)
    (True, True, True)
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


class _CutNormal(_Scaled):
    """A normal cut off at two standard deviations, then widened to have the variance asked for.

    So does Keras; the papers have a plain normal. Numbers beyond the cut are drawn again.
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        stddev = math.sqrt(self.variance(*fans(shape))) / TRUNCATED_STDDEV
        return truncated_normal(shape, rng) * stddev


def truncated_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Return standard normal numbers, those beyond ±2 drawn again.

    Parameters
    ----------
    shape
        Of the array, such as (D, M).
    rng
        The generator that the numbers are drawn from.

    Returns
    -------
    ndarray
        Of this shape, all between −2 and 2.

    Raises
    ------
    ValueError
        A negative axis.

    Examples
    --------
    >>> bool(abs(truncated_normal((1000,), np.random.default_rng(0))).max() <= 2)
    True
    """
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values


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
class GlorotNormal(_Glorot, _CutNormal):
    """Truncated normal with the variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010).

    Examples
    --------
    >>> W = GlorotNormal()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W.var() / (2 / 150) - 1) < 0.05)
    True
    """


@register
class HeUniform(_He, _Uniform):
    """Uniform with the variance 2 / fan_in (He et al., 2015): for ReLU, which halves signals.

    Examples
    --------
    >>> W = HeUniform()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W.var() / (2 / 100) - 1) < 0.05)
    True
    """


@register
class HeNormal(_He, _CutNormal):
    """Truncated normal with the variance 2 / fan_in (He et al., 2015): for ReLU.

    Examples
    --------
    >>> W = HeNormal()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W.var() / (2 / 100) - 1) < 0.05)
    True
    """


@register
class LecunUniform(_Lecun, _Uniform):
    """Uniform with the variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998).

    Examples
    --------
    >>> W = LecunUniform()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W.var() / (1 / 100) - 1) < 0.05)
    True
    """


@register
class LecunNormal(_Lecun, _CutNormal):
    """Truncated normal with the variance 1 / fan_in (LeCun et al., Efficient BackProp, 1998).

    Examples
    --------
    >>> W = LecunNormal()((100, 50), np.random.default_rng(0))
    >>> bool(abs(W.var() / (1 / 100) - 1) < 0.05)
    True
    """


@register
class TruncatedNormal(Initializer):
    """Normal numbers N(mean, stddev²) of which those beyond mean ± 2 stddev are drawn again.

    So their own standard deviation is 0.88 stddev, as in Keras.

    Parameters
    ----------
    mean, stddev
        Of the normal before it is cut; stddev is 0 or more. Keras' defaults: 0 and 0.05.

    Examples
    --------
    >>> W = TruncatedNormal(stddev=0.1)((100, 50), np.random.default_rng(0))
    >>> bool(abs(W).max() <= 0.2), bool(abs(W.std() / 0.1 - 0.88) < 0.02)
    (True, True)
    """

    mean: float = setting(number)
    stddev: float = setting(number, minimum=0.0)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * truncated_normal(shape, rng)


MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


@register
class VarianceScaling(Initializer):
    """Numbers of mean 0 and variance scale / n, where n is the layer's width.

    The family of the others: Glorot is scale 1 with the mean of both widths, He is 2 with fan_in,
    LeCun 1 with fan_in.

    Parameters
    ----------
    scale
        Above 0. Keras' default: 1.
    mode
        n: "fan_in" (Keras' default), "fan_out", or "fan_avg", the mean of the two.
    distribution
        "truncated_normal" (Keras' default; cut off at two standard deviations, then widened to the
        variance), "untruncated_normal" or "uniform".

    Examples
    --------
    >>> W = VarianceScaling(2.0, "fan_avg", "uniform")((300, 100), np.random.default_rng(0))
    >>> bool(abs(W.var() - 2 / 200) < 0.0002), bool(abs(W).max() < (3 * 0.01) ** 0.5)
    (True, True)
    """

    scale: float = setting(number, above=0.0)
    mode: str = setting(choice, names=MODES)
    distribution: str = setting(choice, names=DISTRIBUTIONS)

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
    ) -> None:
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def stddev(self, shape: Shape) -> float:
        """√(scale / n), the standard deviation of the numbers.

        Parameters
        ----------
        shape
            That of the array of weights: (D, M) has n = D for "fan_in" and M for "fan_out".

        Raises
        ------
        TypeError
            What is no shape.

        Examples
        --------
        >>> VarianceScaling(2.0).stddev((200, 10))  # He et al.: √(2 / D)
        0.1
        """
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        return math.sqrt(self.scale / n)

    def limit(self, shape: Shape) -> float:
        """√(3 scale / n), the a of the uniform U(−a, a), whose variance is a²/3.

        Parameters
        ----------
        shape
            As in `stddev`.

        Raises
        ------
        TypeError
            What is no shape.

        Examples
        --------
        >>> round(VarianceScaling(2.0).limit((600, 10)), 3)
        0.1
        """
        return math.sqrt(3.0) * self.stddev(shape)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if self.distribution == "uniform":
            limit = self.limit(shape)
            return rng.uniform(-limit, limit, shape)
        stddev = self.stddev(shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, stddev, shape)
        return truncated_normal(shape, rng) * (stddev / TRUNCATED_STDDEV)


@register
class Orthogonal(Initializer):
    """A random matrix whose columns, or rows where these are fewer, are orthonormal.

    So it changes no length on the way through, and no signal grows or fades in a deep linear
    network. It is the Q of a normal matrix A = Q R, each column with the sign that makes R's
    diagonal positive, without which Q would not be uniform among all such matrices. Axes before the
    last count as one.

    Source: Saxe, McClelland and Ganguli (2014), "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks".

    Parameters
    ----------
    gain
        What the matrix is multiplied by. Keras' default: 1.

    Examples
    --------
    >>> W = Orthogonal()((4, 2), np.random.default_rng(0))
    >>> abs((W.T @ W).round(12))
    array([[1., 0.],
           [0., 1.]])
    """

    gain: float = setting(number)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if not shape:
            raise ValueError("Orthogonal's shape takes at least one axis. Got ().")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@register
class Identity(Initializer):
    """The identity matrix, for W of two axes: y begins as x.

    Parameters
    ----------
    gain
        What the matrix is multiplied by. Keras' default: 1.

    Examples
    --------
    >>> Identity()((2, 3), np.random.default_rng(0))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    gain: float = setting(number)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity's shape takes two axes. Got {shape}.")
        return self.gain * np.eye(*shape)


class FromFunction(Initializer):
    """A function of one's own, called as `function(shape, rng)`.

    A function with an argument `dtype` and none named `rng`, as Keras wants it, is called as
    `function(shape, dtype="float64")`, and one with a single argument as `function(shape)`. No file
    can hold it: write a class with `draw(shape, rng)`, under `@minnet.register`, instead.

    Parameters
    ----------
    function
        It returns an array of the shape that it is given.

    Examples
    --------
    >>> FromFunction(lambda shape, rng: np.full(shape, 0.5))((2,), np.random.default_rng(0))
    array([0.5, 0.5])
    """

    cannot_be_saved = (
        "A file holds no functions, and an initializer is one. Write it as a class with "
        "draw(shape, rng), under @minnet.register."
    )

    function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        names = _arguments(self.function)
        drawn = (shape,) if len(names) == 1 else (shape, rng)
        as_keras = "dtype" in names and "rng" not in names
        values = self.function(shape, dtype="float64") if as_keras else self.function(*drawn)
        return as_array(values, "What the initializer's function returns").astype(np.float64)


def _arguments(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments; of one in C that does not tell them, its shape."""
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # such as numpy.zeros of NumPy 2.0
        return ["shape"]


def initializer(value: str | Initializer | Callable[..., Any], who: str) -> Initializer:
    """Return an initializer: the value itself, the one of this name, or a function's.

    Parameters
    ----------
    value
        A name such as "he_normal", an `Initializer`, or a function of (shape, rng).
    who
        Whose it is, for the message.

    Raises
    ------
    ValueError
        No initializer has this name.
    TypeError
        It is none of the three.

    Examples
    --------
    >>> initializer("he_normal", "Dense's kernel_initializer")
    HeNormal()
    """
    if inspect.isfunction(value):
        return FromFunction(value)
    return instance(value, Initializer, INITIALIZERS, who)


def fans(shape: Shape) -> tuple[int, int]:
    """fan_in and fan_out of an array of weights, as in Keras.

    D and M of (D, M). Axes before the last two are a field that every output looks at, such as a
    convolution's window, and multiply both. A vector has its length as both.

    >>> fans((784, 32)), fans((5,)), fans((3, 3, 16, 32))
    ((784, 32), (5, 5), (144, 288))

    Parameters
    ----------
    shape
        Of an array of weights.

    Raises
    ------
    TypeError
        What has no length.
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
    "constant": Constant,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "orthogonal": Orthogonal,
    "identity": Identity,
}
