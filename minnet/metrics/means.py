"""Metrics that are means of something else: of a loss, of a root, of a function of one's own."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np

from minnet.foundation.checks import Array, Shape, instance, short
from minnet.foundation.registry import register, snake_case
from minnet.losses import LOSSES, CosineSimilarity, Loss
from minnet.metrics.figures import MSE, Metric, binary_exponents, in_units, weighted_sums


@register
class RMSE(MSE):
    """The root of the mean squared error, √(1/(N M) Σ (p − t)²), in the units of the target.

    Parameters
    ----------
    name
        The name in logs.

    Examples
    --------
    >>> round(RMSE()([1.0, 2.0], [1.0, 4.0]), 4)
    1.4142
    """

    name = "root_mean_squared_error"

    def statistics(self, prediction: Array, target: Array) -> Array:
        """Σ (p − t)² in units of 4ᵏ, how many there are, and k: finite wherever the root is."""
        return self.weighted_statistics(prediction, target, np.ones(len(target)))

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        errors = self.errors(prediction, target)
        k = binary_exponents(errors.reshape(-1, 1))
        return np.array([*weighted_sums(np.square(np.ldexp(errors, -k)), weight), *k])

    def merge(self, a: Array, b: Array) -> Array:
        (squares_a, count_a, k_a), (squares_b, count_b, k_b) = a, b
        k = np.maximum(k_a, k_b)
        squares = in_units(squares_a, k_a, k) + in_units(squares_b, k_b, k)
        return np.array([squares, count_a + count_b, k])

    def result(self, statistics: Array) -> float:
        squares, count, k = statistics
        root = math.sqrt(super().result(np.array([squares, count])))
        return float(np.ldexp(root, int(k)))


@register
class MeanLoss(Metric):
    """A loss as a figure: the mean of Lₙ over the samples, without the penalties.

    A cosine similarity is shown with its own sign, where more is better; the loss is its negative.

    Parameters
    ----------
    loss
        A loss, or its name.
    name
        The name in logs; by default the loss's class, such as "binary_cross_entropy".

    Examples
    --------
    >>> MeanLoss("mae")([1.0, 2.0], [1.0, 4.0])
    1.0
    """

    direction: Literal["up", "down"] | None = "down"

    loss: Loss

    def __init__(self, loss: str | Loss, *, name: str | None = None) -> None:
        self.loss = instance(loss, Loss, LOSSES, "MeanLoss's loss")
        super().__init__(name=snake_case(type(self.loss)) if name is None else name)
        self.one_shape = self.loss.one_shape
        self._sign = -1.0 if isinstance(self.loss, CosineSimilarity) else 1.0
        if self._sign < 0:
            self.direction = "up"

    def _is_usual(self, name: str) -> bool:
        return name == "name" and self.name == snake_case(type(self.loss))

    def for_logits(self) -> Self:
        """The same of logits, for the cross-entropies: the model's loss takes them, too."""
        if self.loss.from_logits or not hasattr(type(self.loss), "label_smoothing"):
            return self
        metric = copy.copy(self)
        config = {**self.loss.get_config(), "from_logits": True}
        metric.loss = type(self.loss).from_config(config)
        return metric

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        self.loss.check_target(target, output_shape, who)

    def statistics(self, prediction: Array, target: Array) -> Array:
        return self.weighted_statistics(prediction, target, np.ones(len(prediction)))

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        target = self.loss.check_target(target, prediction.shape[1:])
        losses = self.loss.per_sample(prediction, target).astype(np.float64)
        return np.array([self._sign * (weight * losses).sum(), weight.sum()])


@register
class Average(Metric):
    """The mean of the predictions themselves, whatever the targets: Σ p / (N M).

    Parameters
    ----------
    name
        The name in logs.

    Examples
    --------
    >>> Average()([1.0, 4.0], [0.0, 0.0])
    2.5
    """

    name = "average"

    def statistics(self, prediction: Array, target: Array) -> Array:
        return np.array([prediction.sum(dtype=np.float64), prediction.size])

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        return weighted_sums(prediction, weight)


class MeanOfFunction(Metric):
    """The mean of a function of one's own, called as `function(target, prediction)` for a batch.

    It returns one number for each sample, or for the batch, which then counts as often as the batch
    has samples. The order of its arguments is that of Keras and scikit-learn. No file can hold it:
    write a Metric under `@minnet.register` instead.

    Parameters
    ----------
    function
        Of two arrays.
    name
        The name in logs; by default the function's.

    Examples
    --------
    >>> def largest_error(target, prediction):
    ...     return abs(target - prediction).max(axis=-1)
    >>> metric = MeanOfFunction(largest_error)
    >>> metric.name, metric([[1.0, 2.0]], [[1.0, 4.0]])
    ('largest_error', 2.0)
    """

    cannot_be_saved = (
        "A file holds no functions, and a metric is one. Write it as a Metric with statistics, "
        "under @minnet.register, or compile the model without it before it is saved."
    )

    function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], *, name: str | None = None) -> None:
        self.function = function
        super().__init__(name=getattr(function, "__name__", "function") if name is None else name)

    def statistics(self, prediction: Array, target: Array) -> Array:
        if target.shape != prediction.shape and target.size == prediction.size:
            target = target.reshape(prediction.shape)
        values = np.asarray(self.function(target.copy(), prediction.copy()))  # it may write
        N = len(prediction)
        if values.dtype.kind not in "fiub":
            raise TypeError(
                f"{self.name} returns numbers, one for each sample or for the batch. Got "
                f"{short(values)}."
            )
        one_each = values.shape == prediction.shape[: values.ndim] or values.shape == (N, 1)
        if not one_each and values.size != 1:
            raise ValueError(
                f"{self.name} returns numbers, one for each sample, shape ({N},), or one for the "
                f"batch. Got shape {values.shape}. Take the mean over all axes but the first."
            )
        return np.array([values.mean(dtype=np.float64) * N, N])
