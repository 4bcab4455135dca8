"""Losses of numbers, beside the mean squared and the mean absolute error: less moved by outliers,
by size, or by direction."""

from __future__ import annotations

import math

import numpy as np

from minnet.foundation.checks import Array, Shape, number
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.losses.textbook import EPSILON, Loss, over_outputs


def _sign(x: Array) -> Array:
    """−1, 0 or 1 by the real part; np.sign would lose the imaginary one."""
    sign: Array = np.sign(x.real)
    return sign


@register
class Huber(Loss):
    """Squares of small errors, sizes of large ones: L = 1/(N M) Σ h(e), with e = p − t.

    h(e) = ½ e² where |e| ≤ δ, else δ |e| − ½ δ²; at δ both have the value ½ δ² and the slope δ.

    ∂L/∂p_nm = e_nm cut off at ±δ, / (N M): no single target pulls harder than δ.

    Source: Huber (1964), "Robust estimation of a location parameter".

    Parameters
    ----------
    delta
        δ, above 0. Keras' and PyTorch's default: 1.

    Examples
    --------
    >>> Huber()([[1.0], [2.0]], [1.5, 5.0])
    1.3125
    """

    delta: float = setting(number, above=0.0)

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        size = error * _sign(error)
        inside = size.real <= self.delta
        square = np.where(inside, error, 0.0)  # what is outside may overflow as a square
        return over_outputs(
            np.where(inside, 0.5 * square * square, self.delta * (size - 0.5 * self.delta))
        )

    def gradient(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        slope: Array = np.clip(error, -self.delta, self.delta) * (1.0 / prediction.size)
        return slope


@register
class LogCosh(Loss):
    """The logarithm of the hyperbolic cosine: L = 1/(N M) Σ log cosh e, with e = p − t.

    About ½ e² for small errors, and |e| − log 2 for large ones, without a corner between. Above 1
    it is computed as |e| + log(1 + exp(−2|e|)) − log 2, which is the same and cannot overflow;
    below as log(1 + 2 sinh² ½e), which is the same and loses no digit of a small error.

    ∂L/∂p_nm = tanh(e_nm) / (N M), since d log cosh e / de = sinh e / cosh e.

    Examples
    --------
    >>> round(LogCosh()([[1.0], [2.0]], [1.0, 4.0]), 4)
    0.6625
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        size = error * _sign(error)
        far = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
        near = np.log1p(2.0 * np.sinh(0.5 * np.where(size.real < 1.0, error, 0.0)) ** 2)
        return over_outputs(np.where(size.real < 1.0, near, far))

    def gradient(self, prediction: Array, target: Array) -> Array:
        slope: Array = np.tanh(prediction - target) * (1.0 / prediction.size)
        return slope


@register
class MeanAbsolutePercentageError(Loss):
    """The mean error in percent of the target: L = 100/(N M) Σ |p − t| / |t|.

    A target of 0 has no percents; |t| below 1e-7 counts as 1e-7 (Keras' epsilon), so such targets
    outweigh all others.

    ∂L/∂p_nm = 100 sign(p_nm − t_nm) / |t_nm| / (N M).

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[1.0], [3.0]], [2.0, 4.0])
    37.5
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - target
        return over_outputs(100.0 * (error * _sign(error) / self._size(target)))

    def gradient(self, prediction: Array, target: Array) -> Array:
        slope: Array = _sign(prediction - target) / self._size(target)
        return slope * (100.0 / prediction.size)

    @staticmethod
    def _size(target: Array) -> Array:
        size: Array = np.maximum(np.abs(target), EPSILON)
        return size


@register
class MeanSquaredLogarithmicError(Loss):
    """The mean squared error of logarithms: L = 1/(N M) Σ (log(1 + p) − log(1 + t))².

    For targets that span several powers of ten, such as prices: errors count by their ratio.
    Numbers below 1e-7 count as 1e-7 (Keras' epsilon), so none may be below −1; the gradient of such
    predictions is 0.

    ∂L/∂p_nm = 2 (log(1 + p_nm) − log(1 + t_nm)) / (1 + p_nm) / (N M).

    Examples
    --------
    >>> round(MeanSquaredLogarithmicError()([[9.0], [9.0]], [99.0, 9.0]), 4)
    2.6509
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = self._difference(prediction, target)
        return over_outputs(error * error)

    def gradient(self, prediction: Array, target: Array) -> Array:
        inside = prediction.real > EPSILON
        slope = 2.0 * self._difference(prediction, target) / (1.0 + np.where(inside, prediction, 0))
        gradient: Array = inside * slope * (1.0 / prediction.size)
        return gradient

    @staticmethod
    def _difference(prediction: Array, target: Array) -> Array:
        p = np.where(prediction.real > EPSILON, prediction, EPSILON)
        t = np.where(target > EPSILON, target, EPSILON)
        difference: Array = np.log1p(p) - np.log1p(t)
        return difference


@register
class Poisson(Loss):
    """The negative log-likelihood of counts t with the rate p: L = 1/(N M) Σ (p − t log p).

    Without log t!, which no prediction changes. Rates are above 0: end the model in
    activation="exponential" or "softplus". 1e-7 is added to p in the logarithm, as in Keras.

    ∂L/∂p_nm = (1 − t_nm / p_nm) / (N M), which is 0 where p = t.

    Examples
    --------
    >>> round(Poisson()([[2.0], [1.0]], [3.0, 1.0]), 4)
    0.4603
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        return over_outputs(prediction - target * np.log(prediction + EPSILON))

    def gradient(self, prediction: Array, target: Array) -> Array:
        slope: Array = (1.0 - target / (prediction + EPSILON)) * (1.0 / prediction.size)
        return slope


@register
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between prediction and target: L = −1/N Σ_n t̂_n · p̂_n.

    With t̂ = t / ‖t‖ and p̂ = p / ‖p‖: −1 in the same direction, 1 in the opposite one, and the
    lengths do not count. A length below 1e-6 counts as 1e-6, as in Keras.

    Shapes: prediction and target (N, M).

    ∂L/∂p_n = −(t̂_n − (t̂_n · p̂_n) p̂_n) / ‖p_n‖ / N, which is across p_n: moving along it changes
    no angle.

    Examples
    --------
    >>> CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]])
    -1.0
    """

    def check_target(self, target: object, output_shape: Shape, who: str = "y") -> Array:
        """Numbers in the prediction's shape, rows of them."""
        if len(output_shape) != 1:
            raise ValueError(
                f"CosineSimilarity takes predictions of shape (N, M). Got {(..., *output_shape)}. "
                "Flatten them."
            )
        return super().check_target(target, output_shape, who)

    one_shape = True

    def per_sample(self, prediction: Array, target: Array) -> Array:
        cosine: Array = -(_unit(prediction) * _unit(target)).sum(axis=1)
        return cosine

    def gradient(self, prediction: Array, target: Array) -> Array:
        length = _length(prediction)
        p, t = _unit(prediction), _unit(target)
        along = np.where(length.real > SHORTEST, (t * p).sum(axis=1, keepdims=True), 0.0)
        slope: Array = -(t - along * p) / length * (1.0 / len(prediction))
        return slope


SHORTEST = 1e-6
"""A length below it counts as this: the root of Keras' 1e-12."""


def _length(rows: Array) -> Array:
    """‖x_n‖, (N, 1); not by np.linalg.norm, which would lose the imaginary part."""
    largest = np.abs(rows.real).max(axis=1, keepdims=True, initial=1.0)  # a square may overflow
    scaled = rows / largest
    with np.errstate(over="ignore"):  # inf where the length itself is beyond all numbers
        lengths = largest * np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
    return np.where(lengths.real > SHORTEST, lengths, SHORTEST)


def _unit(rows: Array) -> Array:
    """x_n / ‖x_n‖, of vectors whose length itself may be beyond all numbers, too."""
    rows = rows / np.abs(rows.real).max(axis=1, keepdims=True, initial=1.0)
    unit: Array = rows / _length(rows)
    return unit
