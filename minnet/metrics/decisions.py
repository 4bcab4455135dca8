"""Metrics of yes-or-no decisions: how many of each kind, precision, recall and the area (AUC)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np

from minnet.foundation.checks import (
    Array,
    Shape,
    batch_shape,
    boolean,
    choice,
    in_full,
    integer,
    number,
    short,
)
from minnet.foundation.registry import Config, register
from minnet.foundation.strict import setting
from minnet.foundation.targets import check_from_0_to_1, in_shape
from minnet.layers.activations import Sigmoid
from minnet.metrics.figures import Metric


class _Decisions(Metric):
    """Compares outputs that say yes or no with targets of 1 or 0, in one shape."""

    one_shape = True
    of_classes = True
    yes_or_no = True

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        in_shape(target, output_shape, self.name, who)
        check_from_0_to_1(
            target,
            f"{self.name} takes {who} of 0 or 1, one for each output",
            "For labels of classes use one-hot rows.",
        )


class _Counts(_Decisions):
    """Counts decisions: statistics are TP, FP, TN and FN.

    An output says yes above the threshold; a target counts as 1 above 0.5.
    """

    threshold: float | None = setting(number, optional=True)
    class_id: int | None = setting(integer, minimum=0, optional=True)

    def __init__(
        self,
        threshold: float | None = None,
        class_id: int | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.threshold, self.class_id = threshold, class_id

    def for_logits(self) -> Self:
        if self.threshold is not None:
            return self
        metric = copy.copy(self)
        metric.threshold = 0.0
        return metric

    def check_target(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        super().check_target(target, output_shape, who)
        if self.class_id is not None and self.class_id >= output_shape[-1]:
            raise ValueError(
                f"{self.name} takes predictions (N, K) with K above class_id = {self.class_id}. "
                f"Got {batch_shape(output_shape)}."
            )

    def statistics(self, prediction: Array, target: Array) -> Array:
        """TP, FP, TN and FN: yes where it is 1, yes where it is 0, no where it is 0 or 1."""
        yes, true = self._decided(prediction, target)
        tp, fp = np.count_nonzero(yes & true), np.count_nonzero(yes & ~true)
        fn = np.count_nonzero(true) - tp
        return np.array([tp, fp, true.size - tp - fp - fn, fn], dtype=np.float64)

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        yes, true = self._decided(prediction, target)
        rows = [kind.reshape(len(kind), -1).sum(axis=1) for kind in _kinds(yes, true)]
        return np.array([(weight.astype(np.float64) * counts).sum() for counts in rows])

    def _decided(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Where an output says yes, and where the target is 1, of the outputs that count."""
        if self.class_id is not None:
            prediction, target = prediction[..., self.class_id], target[..., self.class_id]
        return prediction > (0.5 if self.threshold is None else self.threshold), target > 0.5


def _kinds(yes: Array, true: Array) -> tuple[Array, ...]:
    """Which decisions are TP, FP, TN and FN."""
    return yes & true, yes & ~true, ~yes & ~true, ~yes & true


@register
class TruePositives(_Counts):
    """How many of N · M outputs say yes where the target is 1.

    Parameters
    ----------
    threshold
        An output says yes above it; 0.5 for probabilities (Keras' default), 0 for logits.
    class_id
        The one output of a row that counts, such as that of the class that matters; None for all.
    name
        The name in logs.

    Examples
    --------
    >>> TruePositives()([0.9, 0.6, 0.2, 0.1], [1, 0, 1, 0])
    1.0
    """

    name = "true_positives"
    direction = "up"

    def result(self, statistics: Array) -> float:
        return float(statistics[0])


@register
class FalsePositives(_Counts):
    """How many of N · M outputs say yes where the target is 0.

    Parameters
    ----------
    threshold, class_id, name
        See `TruePositives`.

    Examples
    --------
    >>> FalsePositives()([0.9, 0.6, 0.7, 0.1], [1, 0, 0, 0])
    2.0
    """

    name = "false_positives"
    direction = "down"

    def result(self, statistics: Array) -> float:
        return float(statistics[1])


@register
class TrueNegatives(_Counts):
    """How many of N · M outputs say no where the target is 0.

    Parameters
    ----------
    threshold, class_id, name
        See `TruePositives`.

    Examples
    --------
    >>> TrueNegatives()([0.9, 0.6, 0.2, 0.1], [1, 0, 1, 0])
    1.0
    """

    name = "true_negatives"
    direction = "up"

    def result(self, statistics: Array) -> float:
        return float(statistics[2])


@register
class FalseNegatives(_Counts):
    """How many of N · M outputs say no where the target is 1.

    Parameters
    ----------
    threshold, class_id, name
        See `TruePositives`.

    Examples
    --------
    >>> FalseNegatives()([0.9, 0.3, 0.2, 0.1], [1, 1, 1, 0])
    2.0
    """

    name = "false_negatives"
    direction = "down"

    def result(self, statistics: Array) -> float:
        return float(statistics[3])


@register
class Precision(_Counts):
    """TP / (TP + FP): the share of those that are called positive and are.

    0 where nothing is called positive, as in Keras and scikit-learn.

    Parameters
    ----------
    threshold, class_id, name
        See `TruePositives`.

    Examples
    --------
    >>> Precision()([0.9, 0.6, 0.2, 0.1], [1, 0, 1, 0])
    0.5
    """

    name = "precision"
    direction = "up"

    def result(self, statistics: Array) -> float:
        tp, fp, _, _ = statistics
        return float(_share(tp, tp + fp))


@register
class Recall(_Counts):
    """TP / (TP + FN): the share of the positives that are found.

    0 where there are no positives, as in Keras and scikit-learn.

    Parameters
    ----------
    threshold, class_id, name
        See `TruePositives`.

    Examples
    --------
    >>> round(Recall()([0.9, 0.6, 0.2, 0.1], [1, 1, 1, 0]), 3)
    0.667
    """

    name = "recall"
    direction = "up"

    def result(self, statistics: Array) -> float:
        tp, _, _, fn = statistics
        return float(_share(tp, tp + fn))


def _share(count: Array, whole: Array) -> Array:
    """count / whole, and 0 where there is no whole."""
    return np.where(whole > 0, count / np.where(whole > 0, whole, 1.0), 0.0)


def _between(value: Any, who: str) -> list[float]:
    """Thresholds from 0 to 1 as a list of floats."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise TypeError(f"{who} takes a list of numbers from 0 to 1. Got {short(value)}.")
    return [number(t, f"Each of {who}", minimum=0.0, maximum=1.0) for t in value]


@register
class AUC(_Decisions):
    """The area under a curve of the decisions at all thresholds, so that none has to be chosen.

    ROC: the recall TP / (TP + FN) over the share FP / (FP + TN) of the negatives that are called
    positive. The area is the probability that a positive has a higher output than a negative: 0.5
    is guessing, 1 perfect. PR: the precision over the recall.

    The curve is taken at T thresholds t_i = i / (T − 1), the first a little below 0 and the last a
    little above 1, so that batches can be added up. Between two of them the ROC curve is straight
    (the trapezoidal rule). On the PR curve TP and FP grow in proportion, so the precision follows a
    hyperbola (Davis and Goadrich, 2006); with p = TP + FP, the slope s = ΔTP / Δp, and TP and p at
    the higher threshold, a piece is s (ΔTP + (TP − s p) log((p + Δp) / p)) / (TP + FN). Both as in
    Keras. Outputs whose order no threshold sees count as equal, so for outputs close together
    choose more thresholds.

    Parameters
    ----------
    num_thresholds
        T, 2 or more. Keras' default: 200.
    curve
        "ROC" (Keras' default) or "PR".
    summation_method
        How the pieces are added up: "interpolation" (Keras' default), as above; "minoring" or
        "majoring", by rectangles of each piece's lower or higher end, which bound the area.
    thresholds
        Thresholds between 0 and 1 instead of evenly spaced ones; the two ends are added.
    from_logits
        Whether outputs are logits, which a sigmoid makes probabilities first. (Keras' argument; so
        is it in a model whose loss takes logits.)
    name
        The name in logs.

    Raises
    ------
    ValueError
        Outputs that are no probabilities.

    Examples
    --------
    >>> round(AUC()([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 6)
    0.75
    """

    name = "auc"
    direction = "up"

    num_thresholds: int = setting(integer, minimum=2)
    curve: str = setting(choice, names=("ROC", "PR"))
    summation_method: str = setting(choice, names=("interpolation", "minoring", "majoring"))
    thresholds: list[float] | None = setting(_between, optional=True)
    from_logits: bool = setting(boolean)

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        from_logits: bool = False,
        *,
        summation_method: str = "interpolation",
        thresholds: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.num_thresholds, self.curve, self.from_logits = num_thresholds, curve, from_logits
        self.summation_method = summation_method
        self.thresholds = cast("list[float] | None", thresholds)

    def takes_probabilities(self) -> bool:
        return not self.from_logits

    def get_config(self) -> Config:
        """Leave out what most do not use."""
        rare = {"summation_method": "interpolation", "thresholds": None, "from_logits": False}
        config = super().get_config()
        return {n: value for n, value in config.items() if n not in rare or value != rare[n]}

    def for_logits(self) -> Self:
        metric = copy.copy(self)
        metric.from_logits = True
        return metric

    def all_thresholds(self) -> Array:
        """Return t_i, (T,)."""
        if self.thresholds is not None:
            return np.array([-1e-7, *sorted(self.thresholds), 1.0 + 1e-7])
        t = np.linspace(0.0, 1.0, self.num_thresholds)
        t[0], t[-1] = -1e-7, 1.0 + 1e-7
        return t

    def statistics(self, prediction: Array, target: Array) -> Array:
        """TP and FP at each threshold: a (2, T) array."""
        return self.weighted_statistics(prediction, target, np.ones(len(prediction)))

    def weighted_statistics(self, prediction: Array, target: Array, weight: Array) -> Array:
        p, true = prediction.ravel(), target.ravel() > 0.5
        weights = np.repeat(weight.astype(np.float64), prediction[:1].size)
        if self.from_logits:
            p = Sigmoid().forward(p)
        outside = (p < 0) | (p > 1)
        if outside.any():
            raise ValueError(
                f"{self.name} takes probabilities, from 0 to 1. Got "
                f"{in_full(p[outside.argmax()])}. End the model in a sigmoid or a softmax, or use "
                "AUC(from_logits=True)."
            )
        thresholds = self.all_thresholds()
        below = np.searchsorted(thresholds, p, side="left")  # how many thresholds p is above
        T = len(thresholds)
        counts = [np.bincount(below[of], weights[of], T + 1) for of in (true, ~true)]
        # above threshold i are those that are above more than i of them
        return np.array([c[::-1].cumsum()[::-1][1:] for c in counts], dtype=np.float64)

    def result(self, statistics: Array) -> float:
        tp, fp = statistics  # falling from all to none
        if self.summation_method != "interpolation":
            return self._by_rectangles(tp, fp)
        if self.curve == "ROC":
            x, y = _share(fp, fp[:1]), _share(tp, tp[:1])
            return float(((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum())
        p = tp + fp
        gained = tp[:-1] - tp[1:]
        slope = _share(gained, p[:-1] - p[1:])
        start = tp[1:] - slope * p[1:]
        between = (p[:-1] > 0) & (p[1:] > 0)
        ratio = np.where(between, p[:-1], 1.0) / np.where(between, p[1:], 1.0)
        return float(_share(slope * (gained + start * np.log(ratio)), tp[:1]).sum())

    def _by_rectangles(self, tp: Array, fp: Array) -> float:
        """Σ |Δx| min(y) or max(y) of each piece's two ends."""
        if self.curve == "ROC":
            x, y = _share(fp, fp[:1]), _share(tp, tp[:1])
        else:
            x, y = _share(tp, tp[:1]), _share(tp, tp + fp)
        pick = np.minimum if self.summation_method == "minoring" else np.maximum
        return float(((x[:-1] - x[1:]) * pick(y[:-1], y[1:])).sum())
