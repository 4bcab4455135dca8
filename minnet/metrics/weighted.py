"""Metrics in which each sample counts as its weight says."""

from __future__ import annotations

from typing import Self

import numpy as np

from minnet.foundation.checks import Array, Shape, instance
from minnet.foundation.registry import register
from minnet.metrics.by_name import METRICS
from minnet.metrics.figures import Metric


@register
class Weighted(Metric):
    """Another metric, in which each sample counts as its weight says: Σ wₙ … / Σ wₙ.

    The weights are those that `fit` and `evaluate` are given, by `sample_weight` or
    `class_weight`; without any, this is the metric itself. Keras' `weighted_metrics=["mae"]` of
    `compile` is `metrics=[Weighted("mae")]`. (The loss is Σ wₙ Lₙ / N, as in Keras.)

    Weights that are 0 for every sample leave nothing to take a mean of: `fit` and `evaluate` refuse
    them before anything is trained. (In Keras the figure is 0.) The figure of an epoch that was
    stopped before any sample counted is NaN.

    Parameters
    ----------
    metric
        A metric, or its name. One of your own has `weighted_statistics`.
    name
        The name in logs; by default the metric's with "weighted_" before it.

    Examples
    --------
    >>> import numpy as np
    >>> mae = Weighted("mae")
    >>> mae.name
    'weighted_mae'
    >>> statistics = mae.weighted_statistics(
    ...     np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]), np.array([3.0, 1.0])
    ... )
    >>> mae.result(statistics)
    0.5
    """

    metric: Metric

    def __init__(self, metric: str | Metric, *, name: str | None = None) -> None:
        self.metric = instance(metric, Metric, METRICS, "Weighted's metric")
        if type(self.metric).weighted_statistics is Metric.weighted_statistics:
            raise TypeError(
                f"Weighted takes a metric with weighted_statistics. Got {self.metric!r}. Write "
                "weighted_statistics(prediction, target, weight) in its class."
            )
        super().__init__(name=f"weighted_{self.metric.name}" if name is None else name)
        self.direction, self.one_shape = self.metric.direction, self.metric.one_shape
        self.yes_or_no = self.metric.yes_or_no

    def takes_probabilities(self) -> bool:
        return self.metric.takes_probabilities()

    def _is_usual(self, name: str) -> bool:
        return name == "name" and self.name == f"weighted_{self.metric.name}"

    def for_logits(self) -> Self:
        return type(self)(self.metric.for_logits(), name=self.name)

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        self.metric.check_target(target, output_shape, who)

    def statistics(self, prediction: Array, target: Array) -> Array:
        return self.metric.statistics(prediction, target)

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        counted = weight != 0
        if counted.any() and not counted.all():  # what does not count may be beyond all numbers
            prediction, target, weight = prediction[counted], target[counted], weight[counted]
        return self.metric.weighted_statistics(prediction, target, weight)

    def check_weight(self, weight: Array | None, who: str = "sample_weight") -> None:
        """Refuse weights of which none is above 0."""
        if weight is not None and not weight.any():
            raise ValueError(
                f"{self.name} takes weights of which some are above 0. Got {who} of 0 for "
                f"each of {len(weight)} samples. Leave the metric out, or the weights."
            )

    def merge(self, a: Array, b: Array) -> Array:
        return self.metric.merge(a, b)

    def result(self, statistics: Array) -> float:
        with np.errstate(invalid="ignore"):  # 0/0, where no sample counted
            return self.metric.result(statistics)
