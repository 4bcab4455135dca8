"""Losses: how far a prediction is from its target, and which way it has to move.

A loss is the mean over the N samples of a batch; with sample weights it is Σ wₙ Lₙ / N, as in
Keras. `per_sample` is Lₙ, `gradient` is ∂L/∂prediction of the mean, so 1/N is in it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minnet.foundation.checks import Array, Shape, as_array, batch_shape, boolean, finite, warn
from minnet.foundation.registry import Configurable, register
from minnet.foundation.strict import setting
from minnet.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from minnet.layers.base import Layer


class Loss(Configurable):
    """The contract of a loss.

    A loss of your own has two formulas, and `minnet.register` above it if it is to be saved::

        @minnet.register
        class Huber(Loss):
            def per_sample(self, prediction, target):       # (N, M), (N, M) → (N,)
                ...

            def gradient(self, prediction, target):         # ∂(mean of per_sample)/∂prediction
                ...
    """

    from_logits: bool = False
    """Whether predictions are logits, so that the loss applies softmax or sigmoid itself."""

    fuses: ClassVar[type[Layer] | None] = None
    """The activation that, as a model's last step, is computed together with this loss."""

    def per_sample(self, prediction: Array, target: Array) -> Array:
        """Lₙ for each row, of shape (N,)."""
        raise NotImplementedError(f"{type(self).__name__} has no per_sample(prediction, target).")

    def gradient(self, prediction: Array, target: Array) -> Array:
        """∂L/∂prediction for L = Σ Lₙ / N, in the prediction's shape."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient(prediction, target).")

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        """Lₙ and ∂L/∂z for y = activation(z), for the activation that `fuses` names."""
        raise NotImplementedError(f"{type(self).__name__} has no fused(z, y, target).")

    def is_fused_with(self, step: Layer) -> bool:
        """Whether loss and last step are computed together: for exactly these two classes.

        A subclass of either, such as a student's own softmax, is really run.
        """
        return (
            self.fuses is not None
            and type(step) is self.fuses
            and not self.from_logits
            and type(self) in (CrossEntropy, BinaryCrossEntropy)
        )

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """The target as this loss computes with it, one row for each sample.

        Here: numbers in the prediction's shape. `(N,)` and `(N, 1)` mean the same and are
        aligned, so that a difference is never broadcast to `(N, N)`.
        """
        y = as_array(target, who)
        aligned = _align(y, output_shape)
        if aligned is None:
            hint = ""
            if y.ndim == 1 or y.shape[1:] == (1,):
                K = output_shape[-1]
                hint = (
                    f" For class labels use cross-entropy, or minnet.datasets.one_hot({who}, {K})."
                )
            elif output_shape == (1,):
                hint = " The last layer has one output; give it as many as y has columns."
            raise ValueError(
                f"{type(self).__name__} takes {who} of shape {batch_shape(output_shape)}, as the "
                f"predictions. Got {y.shape}.{hint}"
            )
        finite(aligned, who)
        return aligned

    def check_last(self, step: Layer) -> None:
        """Refuse or warn where the model's last step does not suit this loss."""

    def __call__(self, prediction: Any, target: Any, sample_weight: Any = None) -> float:
        """The loss of a batch, checked first; in nats for the cross-entropies.

        Parameters
        ----------
        prediction : (N, …) array
        target : (N, …) array
        sample_weight : (N,) array or None
        """
        prediction = as_array(prediction, "prediction")
        if prediction.ndim == 1:
            prediction = prediction.reshape(-1, 1)
        if prediction.dtype.kind != "f":
            prediction = prediction.astype(np.float64)
        finite(prediction, "prediction")
        target = self.check_target(target, prediction.shape[1:], "target")
        if len(target) != len(prediction) or len(target) == 0:
            raise ValueError(
                f"{type(self).__name__} takes one target for each prediction, and at least one. "
                f"Got {len(prediction)} predictions and {len(target)} targets."
            )
        weight = None if sample_weight is None else check_weight(sample_weight, len(prediction))
        with np.errstate(over="ignore"):  # a loss beyond all numbers is inf
            return mean(self.per_sample(prediction, target), weight)


def _of_shape(prediction: Array, target: Array) -> Array:
    """The target in the prediction's shape: `(N,)` is never broadcast against `(N, 1)`."""
    if prediction.shape == target.shape:
        return target
    aligned = _align(target, prediction.shape[1:])
    if aligned is None or len(aligned) != len(prediction):
        raise ValueError(
            f"A loss takes predictions and targets of one shape. Got {prediction.shape} and "
            f"{target.shape}. Call the loss itself, loss(prediction, target), to have both checked."
        )
    return aligned


def _align(y: Array, output_shape: Shape) -> Array | None:
    """y as (N, *output_shape), or None where it does not fit."""
    if y.ndim >= 1 and y.shape[1:] == output_shape:
        return y
    if y.ndim == 1 and output_shape == (1,):
        return y.reshape(-1, 1)
    return None


def check_weight(sample_weight: Any, N: int, who: str = "sample_weight") -> Array:
    """The weights of N samples as (N,), finite and not negative."""
    weight = as_array(sample_weight, who)
    if weight.shape == (N, 1):
        weight = weight[:, 0]
    if weight.shape != (N,):
        raise ValueError(
            f"{who} takes one number for each sample, shape ({N},). Got {weight.shape}."
        )
    finite(weight, who)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(f"{who} takes numbers that are 0 or more. Got {weight[row]} in row {row}.")
    return weight


def mean(losses: Array, weight: Array | None = None) -> float:
    """Σ wₙ Lₙ / N as a Python number."""
    total = np.add.reduce(losses) if weight is None else np.dot(weight, losses)
    value: float = total.item() / len(losses)
    if value == math.inf and weight is None:  # the sum overflows before the mean does
        value = np.add.reduce(losses / len(losses)).item()
    return value


@register
class MeanSquaredError(Loss):
    """The mean squared error L = 1/N Σ_n 1/M Σ_m (p_nm − t_nm)².

    Shapes: prediction p (N, M), target t (N, M); M outputs are averaged, as in Keras and PyTorch.
    Textbooks often write half of this or sum over m, which scales the learning rate.

    ∂L/∂p_nm = 2 (p_nm − t_nm) / (N M).

    Examples
    --------
    >>> MeanSquaredError()([[1.0], [2.0]], [1.0, 4.0])
    2.0
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - _of_shape(prediction, target)
        squares: Array = (error * error).mean(axis=tuple(range(1, error.ndim)))
        return squares

    def gradient(self, prediction: Array, target: Array) -> Array:
        return (prediction - _of_shape(prediction, target)) * (2.0 / prediction.size)

    def check_last(self, step: Layer) -> None:
        if isinstance(step, Softmax):
            warn(
                "Softmax with the mean squared error learns slowly: where the network is surest "
                "and wrong, its gradient vanishes. Use loss='cross_entropy'."
            )


@register
class MeanAbsoluteError(Loss):
    """The mean absolute error L = 1/N Σ_n 1/M Σ_m |p_nm − t_nm|.

    ∂L/∂p_nm = sign(p_nm − t_nm) / (N M), and 0 where the two are equal.

    Examples
    --------
    >>> MeanAbsoluteError()([[1.0], [2.0]], [1.0, 4.0])
    1.0
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        error = prediction - _of_shape(prediction, target)
        sizes: Array = (error * _sign(error)).mean(axis=tuple(range(1, error.ndim)))
        return sizes

    def gradient(self, prediction: Array, target: Array) -> Array:
        return _sign(prediction - _of_shape(prediction, target)) * (1.0 / prediction.size)


def _sign(error: Array) -> Array:
    """−1, 0 or 1 by the real part; np.sign would lose the imaginary one."""
    sign: Array = np.sign(error.real)
    return sign


@register
class CrossEntropy(Loss):
    """The cross-entropy L = −1/N Σ_n Σ_k t_nk log p_nk of K classes, in nats.

    Targets are integer labels (N,) or (N, 1), or one-hot (or soft) rows (N, K) that sum to 1;
    with labels only the term of the right class is left, L_n = −log p_n,y. Keras' names
    "sparse_categorical_crossentropy" and "categorical_crossentropy" both mean this class.

    After a softmax p = exp(z) / Σ exp(z) the two are computed together, from the logits z::

        L_n = log Σ_k exp(z_nk) − z_n,y        ∂L/∂z_nk = (p_nk − t_nk) / N

    since ∂log p_y/∂z_k = [k = y] − p_k. In this form nothing overflows and no logarithm meets a
    zero, whereas the separate form divides by p on the way back.

    Without a softmax before it, ∂L/∂p_nk = −t_nk / (N p_nk). Probabilities below 1e-7 count as
    1e-7 (Keras' epsilon); the gradient there is 0, as that of any constant.

    Parameters
    ----------
    from_logits
        Whether predictions are logits z, for a model without a softmax at its end.

    Examples
    --------
    >>> CrossEntropy()([[0.5, 0.5]], [1])
    0.6931471805599453
    >>> CrossEntropy(from_logits=True)([[1000.0, 0.0]], [1])
    1000.0
    """

    fuses = Softmax

    from_logits: bool = setting(boolean)

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def per_sample(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return self.fused(prediction, softmax(prediction), target)[0]
        p = np.where(prediction.real > EPSILON, prediction, EPSILON)
        if target.ndim == 1:
            return -np.log(p[np.arange(len(p)), target])
        losses: Array = -np.add.reduce(target * np.log(p), axis=1)
        return losses

    def gradient(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return self.fused(prediction, softmax(prediction), target)[1]
        N = len(prediction)
        clipped = prediction.real <= EPSILON
        p = np.where(clipped, EPSILON, prediction)
        if target.ndim == 1:
            dp = np.zeros_like(p)
            rows = np.arange(N)
            dp[rows, target] = (-1.0 / N) / p[rows, target]
        else:
            dp = target * (-1.0 / N) / p
        dp[clipped] = 0.0
        return dp

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        N = len(z)
        if target.ndim == 2:
            total = np.add.reduce(target, axis=1, keepdims=True)  # 1, up to rounding
            losses: Array = -np.add.reduce(target * _log_softmax(z, y), axis=1)
            return losses, (y * total - target) * (1.0 / N)
        own = _row_starts(y.shape) + target  # where each row's own class stands, row after row
        p = y.take(own)
        dz = y.copy()
        dz.put(own, p - 1.0)
        dz *= 1.0 / N
        if p.real.item(p.real.argmin()) > 1e-30:
            return -np.log(p), dz
        return -_log_softmax(z, y).take(own), dz  # some p is too small for its logarithm

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """Labels as integers (N,), or rows (N, K) that sum to 1."""
        y = as_array(target, who)
        if len(output_shape) != 1 or output_shape[0] < 2:
            raise ValueError(
                f"CrossEntropy takes predictions of shape (N, K) for K = 2 or more classes. Got "
                f"{batch_shape(output_shape)}. For one output use sigmoid and binary_crossentropy."
            )
        K = output_shape[0]
        if y.ndim == 2 and y.shape[1] == K:
            return _check_rows(y, who)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise ValueError(
                f"CrossEntropy takes {who} as labels of shape (N,) or rows of shape (N, {K}). "
                f"Got {y.shape}."
            )
        return check_labels(y, K, who)

    def check_last(self, step: Layer) -> None:
        if self.from_logits:
            if isinstance(step, Softmax):
                raise ValueError(
                    "CrossEntropy(from_logits=True) takes logits and applies softmax itself. Got a "
                    "model that ends in softmax, so it would be applied twice. Drop one of them."
                )
            _check_logits(self, step)
        elif not isinstance(step, Softmax) and _is_minnets(step):
            raise ValueError(
                "CrossEntropy takes probabilities. Got a model that ends in "
                f"{step.label} ({type(step).__name__}), not in softmax. Add activation='softmax', "
                "or use CrossEntropy(from_logits=True)."
            )

    def __call__(self, prediction: Any, target: Any, sample_weight: Any = None) -> float:
        if self.from_logits:
            _warn_of_probabilities(prediction)
        else:
            _check_probabilities(prediction, rows=True)
        return super().__call__(prediction, target, sample_weight)


@functools.lru_cache(maxsize=64)
def _row_starts(shape: Shape) -> Array:
    """0, K, 2K, …: where the rows of (N, K) begin, made once for each size of a batch."""
    starts = np.arange(shape[0]) * shape[1]
    starts.flags.writeable = False
    return starts


def _log_softmax(z: Array, y: Array) -> Array:
    """log y_nk = z_nk − z_ni + log y_ni with i the row's largest, since y_ni is never small."""
    rows, i = np.arange(len(z)), z.real.argmax(axis=1)
    logs: Array = z - z[rows, i][:, None] + np.log(y[rows, i])[:, None]
    if logs.dtype.kind == "f":  # −inf, from logits farther apart than numbers go, times 0 is NaN
        np.maximum(logs, np.finfo(logs.dtype).min, out=logs)
    return logs


@register
class BinaryCrossEntropy(Loss):
    """The cross-entropy of yes-or-no outputs, averaged over M of them, in nats.

    L = −1/(N M) Σ_n Σ_m [t_nm log p_nm + (1 − t_nm) log(1 − p_nm)] for targets t in [0, 1].

    After a sigmoid p = 1 / (1 + exp(−z)) the two are computed together, from the logits z::

        L_nm = max(z, 0) − z t + log(1 + exp(−|z|))        ∂L/∂z_nm = (p_nm − t_nm) / (N M)

    Without a sigmoid before it, ∂L/∂p_nm = (p − t) / (p (1 − p)) / (N M). Probabilities are kept
    1e-7 away from 0 and 1 (Keras' epsilon); the gradient beyond is 0.

    Parameters
    ----------
    from_logits
        Whether predictions are logits z, for a model without a sigmoid at its end.

    Examples
    --------
    >>> BinaryCrossEntropy()([[0.5]], [1])
    0.6931471805599453
    >>> BinaryCrossEntropy(from_logits=True)([[-1000.0]], [1])
    1000.0
    """

    fuses = Sigmoid

    from_logits: bool = setting(boolean)

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def per_sample(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return self._from_logits(prediction, target)
        target = _of_shape(prediction, target)
        low, high = _bounds(prediction)
        p = np.where(prediction.real < low, low, np.where(prediction.real > high, high, prediction))
        terms = target * np.log(p) + (1.0 - target) * np.log(1.0 - p)
        losses: Array = -terms.mean(axis=tuple(range(1, terms.ndim)))
        return losses

    def gradient(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            target = _of_shape(prediction, target)
            return (_sigmoid(prediction) - target) * (1.0 / prediction.size)
        target = _of_shape(prediction, target)
        low, high = _bounds(prediction)
        p = prediction
        inside = (p.real >= low) & (p.real <= high)
        safe = np.where(inside, p, 0.5)
        dp: Array = inside * (safe - target) / (safe * (1.0 - safe)) * (1.0 / p.size)
        return dp

    def fused(self, z: Array, y: Array, target: Array) -> tuple[Array, Array]:
        return self._from_logits(z, target), (y - target) * (1.0 / z.size)

    @staticmethod
    def _from_logits(z: Array, target: Array) -> Array:
        target = _of_shape(z, target)
        positive = z.real > 0
        size = np.where(positive, z, -z)  # |z|; np.abs would lose the imaginary part
        terms = np.where(positive, z, 0.0) - z * target + np.log1p(np.exp(-size))
        losses: Array = terms.mean(axis=tuple(range(1, terms.ndim)))
        return losses

    def check_target(self, target: Any, output_shape: Shape, who: str = "y") -> Array:
        """Numbers from 0 to 1 in the prediction's shape."""
        y = super().check_target(target, output_shape, who)
        bad = (y < 0) | (y > 1)
        if bad.any():
            place = tuple(int(i[0]) for i in np.nonzero(bad))
            raise ValueError(
                f"BinaryCrossEntropy takes {who} from 0 to 1. Got {y[place]} in row {place[0]}. "
                "For more than two classes use softmax and cross_entropy."
            )
        return y

    def check_last(self, step: Layer) -> None:
        if self.from_logits:
            if isinstance(step, Sigmoid):
                raise ValueError(
                    "BinaryCrossEntropy(from_logits=True) takes logits and applies sigmoid itself. "
                    "Got a model that ends in sigmoid, so it would be applied twice. Drop one."
                )
            _check_logits(self, step)
        elif isinstance(step, Softmax):
            warn(
                "Softmax with the binary cross-entropy counts every class twice, once as itself "
                "and once as not the others. Use loss='cross_entropy'."
            )
        elif not isinstance(step, Sigmoid) and _is_minnets(step):
            raise ValueError(
                "BinaryCrossEntropy takes probabilities. Got a model that ends in "
                f"{step.label} ({type(step).__name__}), not in sigmoid. Add activation='sigmoid', "
                "or use BinaryCrossEntropy(from_logits=True)."
            )

    def __call__(self, prediction: Any, target: Any, sample_weight: Any = None) -> float:
        if not self.from_logits:
            _check_probabilities(prediction, rows=False)
        return super().__call__(prediction, target, sample_weight)


EPSILON = 1e-7
"""How near to 0 a probability may come in a loss that takes probabilities: Keras' value."""

_softmax, _sigmoid_step = Softmax(), Sigmoid()


def softmax(z: Array) -> Array:
    """Row by row exp(z) / Σ exp(z), stable: the formula of the layer `Softmax`."""
    return _softmax.forward(z)


def _sigmoid(z: Array) -> Array:
    return _sigmoid_step.forward(z)


def _bounds(p: Array) -> tuple[float, float]:
    """The nearest to 0 and to 1 that a probability may come; 1 − 1e-7 exists in float32 too."""
    return EPSILON, float(p.real.dtype.type(1.0) - p.real.dtype.type(EPSILON))


def _is_minnets(step: Layer) -> bool:
    """Whether minnet knows what this step gives; a student's own layer may give anything."""
    return type(step).__module__.split(".")[0] == __name__.split(".")[0]


def check_labels(y: Array, K: int, who: str = "y") -> Array:
    """Labels (N,) as integers from 0 to K − 1."""
    if y.dtype.kind == "f":
        finite(y, who)
        broken = y != np.floor(y)
        if broken.any():
            row = int(np.argmax(broken))
            raise ValueError(
                f"{who} takes whole labels 0 to {K - 1}. Got {y[row]} in row {row}. For numbers "
                "rather than classes use loss='mse'."
            )
    bad = (y < 0) | (y >= K)
    if bad.any():
        row = int(np.argmax(bad))
        fix = (
            f"Labels start at 0: use {who} - 1."
            if y.min() == 1 and y.max() == K
            else (
                f"For a model of {int(y.max()) + 1} classes replace the head, or map the labels to "
                f"0…{K - 1}."
                if 0 <= y.min() <= y.max() < 1e6
                else "Drop or relabel such rows."
            )
        )
        raise ValueError(
            f"{who} takes labels 0 to {K - 1}, since the model has {K} classes. Got "
            f"{y[row]:g} in row {row}. {fix}"
        )
    return y.astype(np.intp)


def _check_rows(y: Array, who: str) -> Array:
    finite(y, who)
    sums = y.sum(axis=1)
    bad = (np.abs(sums - 1.0) > 1e-3) | (y < 0).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"CrossEntropy takes rows of {who} that are 0 or more and sum to 1. Row {row} has the "
            f"sum {sums[row]:g} and the smallest entry {y[row].min():g}. For several yes-or-no "
            "answers a row use sigmoid and binary_crossentropy."
        )
    return y


def _check_logits(loss: Loss, step: Layer) -> None:
    """Refuse what makes probabilities, and warn of what cuts logits off, before from_logits."""
    who = f"{type(loss).__name__}(from_logits=True)"
    if isinstance(step, (Sigmoid, Softmax)):
        raise ValueError(
            f"{who} takes logits, of any size and sign. Got a model that ends in {step.label}, "
            "whose outputs are probabilities. Drop that activation, or from_logits."
        )
    if isinstance(step, (ReLU, Tanh)):
        warn(
            f"{who} takes logits, of any size and sign, and {step.label} cuts them off. Leave the "
            "last layer without an activation."
        )


def _warn_of_probabilities(prediction: Any) -> None:
    """Warn of rows that sum to 1 where logits are taken."""
    p = as_array(prediction, "prediction")
    if p.ndim == 2 and p.size and p.min() >= 0.0 and np.allclose(p.sum(axis=1), 1.0, atol=1e-6):
        warn(
            "CrossEntropy(from_logits=True) takes logits, and every row of the prediction sums to "
            "1, as probabilities do. For probabilities use CrossEntropy()."
        )


def _check_probabilities(prediction: Any, *, rows: bool) -> None:
    p = as_array(prediction, "prediction")
    name = "CrossEntropy" if rows else "BinaryCrossEntropy"
    if p.size and (p.min() < 0 or p.max() > 1):
        raise ValueError(
            f"{name} takes probabilities from 0 to 1. Got {p.min():g} to {p.max():g}. For logits "
            f"use {name}(from_logits=True)."
        )
    if rows and p.ndim == 2 and p.size and np.abs(p.sum(axis=1) - 1.0).max() > 1e-3:
        row = int(np.argmax(np.abs(p.sum(axis=1) - 1.0)))
        raise ValueError(
            f"{name} takes rows of probabilities that sum to 1. Row {row} has the sum "
            f"{p[row].sum():g}. For logits use {name}(from_logits=True)."
        )


LOSSES: dict[str, Callable[[], Loss]] = {
    "cross_entropy": CrossEntropy,
    "sparse_categorical_crossentropy": CrossEntropy,
    "categorical_crossentropy": CrossEntropy,
    "binary_crossentropy": BinaryCrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
}
