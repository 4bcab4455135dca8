"""Loss and metrics, gathered batch by batch: of an epoch, and of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.engine.network import Network
from minnet.foundation.checks import Array
from minnet.losses import mean
from minnet.metrics import Metric, Weighted
from minnet.training.callback import Logs

PREDICT_ROWS = 1024
"""Rows that are predicted at a time."""


def goes_up(model: Network, figure: str, mode: str, who: str) -> bool:
    """Return whether more of a figure is better, by the class of its metric.

    Parameters
    ----------
    figure
        As the logs have it, with or without "val_".
    mode
        "min" or "max" decides; "auto" asks the metric.
    who
        Who wants to know, for the error where nobody says.
    """
    if mode != "auto":
        return mode == "max"
    name = figure.removeprefix("val_")
    if name == "loss":
        return False
    metric = next((one for one in model.compiled.metrics if one.name == name), None)
    if metric is None or metric.direction not in ("up", "down"):
        kind = "its metric" if metric is None else type(metric).__name__
        raise ValueError(
            f'{who}\'s mode="auto" takes a figure whose metric says where better is. Got '
            f'{figure!r}, and {kind} does not say. Write mode="min" or mode="max", or '
            f'direction = "down" or "up" in the class.'
        )
    return metric.direction == "up"


class Figures:
    """The metrics of an epoch or an evaluation, gathered batch by batch."""

    def __init__(self, metrics: Sequence[Metric], statistics: list[Array] | None = None) -> None:
        self.metrics = metrics
        self.statistics: list[Array] = [] if statistics is None else statistics

    def add(self, prediction: Array, target: Array, weight: Array | None = None) -> None:
        """Count a batch in."""
        new = [
            metric.statistics(prediction, target)
            if weight is None or not isinstance(metric, Weighted)
            else metric.weighted_statistics(prediction, target, weight)
            for metric in self.metrics
        ]
        if self.statistics:
            both = zip(self.metrics, self.statistics, new, strict=True)
            new = [metric.merge(old, more) for metric, old, more in both]
        self.statistics = new

    def results(self) -> Logs:
        """Return each metric's figure, by name."""
        both = zip(self.metrics, self.statistics, strict=True)
        return {metric.name: metric.result(statistics) for metric, statistics in both}


class EpochSoFar:
    """What is gathered of the epoch under way.

    Attributes
    ----------
    order : Generator or None
        The generator as it was before it drew the order of the batches, where a checkpoint may
        need it.
    rows : (N,) ndarray or None
        The order of the samples; None where they are not shuffled.
    step, steps
        How many training steps are done, and how many there are.
    samples
        How many samples those had.
    total
        Σ of the losses times the samples.
    figures : Figures
        The metrics.
    """

    def __init__(
        self,
        order: np.random.Generator | None,
        rows: Array | None,
        steps: int,
        figures: Figures,
        step: int = 0,
        samples: int = 0,
        total: float = 0.0,
    ) -> None:
        self.order, self.rows, self.figures = order, rows, figures
        self.step, self.steps, self.samples, self.total = step, steps, samples, total

    @property
    def left(self) -> range:
        """The numbers of the training steps that are left."""
        return range(self.step, self.steps)

    def add(
        self, loss: float, prediction: Array, target: Array, weight: Array | None = None
    ) -> None:
        """Count a training step in."""
        self.step += 1
        self.total += loss * len(prediction)
        self.samples += len(prediction)
        if self.figures.metrics:
            self.figures.add(prediction, target, weight)

    def get_state(self) -> dict[str, Any]:
        """Return it for a checkpoint; the order of the rows can be drawn again."""
        return {
            "order": self.order,
            "step": self.step,
            "samples": self.samples,
            "total": self.total,
            "figures": self.figures.statistics,
        }

    def logs(self) -> Logs:
        """Return the loss and the metrics, means over the samples so far."""
        return {"loss": self.total / self.samples, **self.figures.results()}


@np.errstate(all="ignore")  # what is not finite shows in the figures
def evaluate(
    model: Network,
    x: Array,
    target: Array,
    weight: Array | None,
    rows: int,
    start: int = 0,
) -> Logs:
    """Return the loss and the metrics in inference mode; nothing is checked.

    Parameters
    ----------
    x : (N, …) ndarray
        The input of the model's step number `start`.
    rows
        How many rows go through the model at a time.
    """
    loss, last = model.compiled.loss, model.steps[-1]
    total, figures = 0.0, Figures(model.metrics)
    for i in range(0, len(x), rows):
        xb, t = x[i : i + rows], target[i : i + rows]
        if start == 0:
            xb = xb.astype(model.dtype, copy=False)
        outputs = model.forward(xb, start=start)
        if len(outputs) > 1 and loss.is_fused_with(last):
            losses = loss.fused(outputs[-2], outputs[-1], t)[0]
        else:
            losses = loss.per_sample(outputs[-1], t)
        w = None if weight is None else weight[i : i + rows]
        total += mean(losses, w) * len(xb)
        figures.add(outputs[-1], t, w)
    return {"loss": total / len(x) + model.penalty(), **figures.results()}
