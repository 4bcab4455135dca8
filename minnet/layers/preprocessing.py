"""Layers that prepare data as the first step of a model, so that a saved model has them inside."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minnet.foundation.checks import Array, Shape, as_array, finite, number, samples, short
from minnet.foundation.registry import register
from minnet.foundation.rounding import is_too_coarse
from minnet.foundation.strict import named, setting
from minnet.initializers import Ones, Zeros
from minnet.layers.base import Layer, LayerArguments, Memo


@register
class Rescaling(Layer):
    """y = s x + o, with two numbers that are given: `Rescaling(1 / 255)` makes 0…255 into 0…1.

    Shapes: x and y alike, (N, ...).

    ∂L/∂x = s dy.

    Parameters
    ----------
    scale
        s.
    offset
        o. Keras' default: 0.

    Examples
    --------
    >>> Rescaling(1 / 127.5, offset=-1).forward(np.array([[0.0, 127.5, 255.0]]))
    array([[-1.,  0.,  1.]])
    """

    training_differs = False
    rescales = True

    scale: float = setting(number)
    offset: float = setting(number)

    def __init__(self, scale: float, offset: float = 0.0, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.scale, self.offset = scale, offset

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return x * self.scale + self.offset

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        return dy * self.scale


def _axis(value: Any, who: str) -> int | None:
    """The last axis, or None for all of them."""
    if value is None or (isinstance(value, int) and value == -1):
        return value
    raise ValueError(
        f"{who} takes -1, for statistics of each column, or None, for one mean and one variance. "
        f"Got {short(value)}."
    )


@register
class Normalization(Layer):
    """y = (x - μ) / σ, with the mean and the variance of data that were shown to it once.

    `adapt(x)` takes μ and σ² from the training data, before training; they are saved with the
    model, so that it takes raw numbers wherever it goes. Training changes neither. Before `adapt`,
    μ = 0 and σ² = 1, and y = x. (`BatchNormalization` takes its statistics from each batch, and
    learns a scale and an offset besides.)

    Shapes: x and y alike, (N, ..., D); mean and variance (D,), or (1,) with axis=None.

    ∂L/∂x = dy / σ, since μ and σ are constants.

    σ is the root of σ², and at least 1e-7, as in Keras: a column of equal numbers becomes 0. σ² is
    Σ (x - μ)² / N, in float64.

    Parameters
    ----------
    axis
        -1, Keras' default: a mean and a variance for each entry of the last axis, over all others.
        None: one for all numbers together.

    Examples
    --------
    >>> layer = Normalization()
    >>> layer.adapt([[1.0, 10.0], [3.0, 30.0]])
    >>> layer.mean, layer.variance
    (array([ 2., 20.], dtype=float32), array([  1., 100.], dtype=float32))
    >>> layer(np.array([[2.0, 40.0]], dtype="float32"))
    array([[0., 2.]], dtype=float32)
    """

    states = ("mean", "variance")
    not_negative = ("variance",)
    training_differs = False
    rescales = True

    axis: int | None = setting(_axis)

    mean: Array
    variance: Array

    def __init__(self, axis: int | None = -1, **common: Unpack[LayerArguments]) -> None:
        super().__init__(**common)
        self.axis = axis

    def _is_settled(self, name: str) -> bool:
        return name == "axis" or super()._is_settled(name)

    @property
    def changes_nothing(self) -> bool:
        """Whether it hands on what it is given, as before `adapt`.

        >>> Normalization(input_shape=(2,)).changes_nothing
        True
        """
        return not self.built or bool((self.mean == 0).all() and (self.variance == 1).all())

    def build(self, input_shape: Shape, rng: np.random.Generator) -> None:
        shape = (1,) if self.axis is None else input_shape[-1:]
        self.add_weight("mean", shape, Zeros(), rng)
        self.add_weight("variance", shape, Ones(), rng)

    @named
    def adapt(self, x: Any) -> None:
        """Take the mean and the variance of these samples; what was there before is forgotten.

        Parameters
        ----------
        x : (N, ..., D) array
            All training samples; (N,) counts as (N, 1).

        Raises
        ------
        ValueError, TypeError
            No samples, NaN or infinity, or samples of another shape than the model's.
        """
        who = f"{self.label}.adapt's x"
        x = as_array(x, who)
        if x.ndim == 1:
            x = x.reshape(-1, 1)
        x = samples(x, self.expects or x.shape[1:], who)
        finite(x, who, self.dtype)
        axes = None if self.axis is None else tuple(range(x.ndim - 1))
        mean = x.mean(axis=axes, dtype=np.float64)
        variance = np.square(x - mean).mean(axis=axes)
        is_too_coarse(x, self.dtype, who)  # and says so
        if not variance.max(initial=0.0) <= np.finfo(self.dtype).max:
            raise ValueError(
                f"{who} takes samples whose variance {self.dtype} can hold. Got a variance of "
                f"{variance.max():g}. Divide x by its largest number first."
            )
        if not self.built:
            self.build(x.shape[1:], np.random.default_rng(0))
            self.built_for = x.shape[1:]
        self.mean[...], self.variance[...] = mean, variance
        self.tell("weights")

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        y: Array = (x - self.mean) / self._sigma()
        return y

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        dx: Array = dy / self._sigma()
        return dx

    def _sigma(self) -> Array:
        sigma: Array = np.maximum(np.sqrt(self.variance), 1e-7)
        return sigma

    def redraw(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Keep the statistics: they come from data, and no seed draws them."""
