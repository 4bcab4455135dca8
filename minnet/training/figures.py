"""Loss and metrics, gathered batch by batch: of an epoch, and of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from minnet.engine.network import PREDICT_ROWS, Network
from minnet.foundation.borders import figure_of, one_a_sample, sums_of
from minnet.foundation.checks import Array, integer
from minnet.foundation.strict import is_own
from minnet.foundation.words import did_you_mean
from minnet.losses import mean
from minnet.metrics import Metric, Weighted
from minnet.training.callback import Logs


def rows_at_a_time(batch_size: Any) -> int:
    """Return how many rows evaluate and predict run at a time, from their `batch_size`."""
    return PREDICT_ROWS if batch_size is None else integer(batch_size, "batch_size", minimum=1)


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


class Evaluation(tuple[float, ...]):
    """What `evaluate` returns: the loss, then the metrics, as numbers that also have names.

    So `loss, accuracy = model.evaluate(x, y)` and `model.evaluate(x, y)["accuracy"]` both work.
    Iteration gives the numbers. Without metrics there is one, which `float` takes.

    Parameters
    ----------
    figures
        Name → number, the loss first.

    Examples
    --------
    >>> result = Evaluation({"loss": 0.25, "accuracy": 0.9})
    >>> loss, accuracy = result
    >>> result["accuracy"], result[1], "accuracy" in result, result
    (0.9, 0.9, True, Evaluation(loss=0.25, accuracy=0.9))
    """

    _names: tuple[str, ...]

    def __new__(cls, figures: Mapping[str, float]) -> Self:
        """Take the numbers, in the order of the mapping."""
        evaluation = super().__new__(cls, figures.values())
        evaluation._names = tuple(figures)
        return evaluation

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (dict(self.items()),)

    def keys(self) -> tuple[str, ...]:
        """Return the names, "loss" first."""
        return self._names

    def values(self) -> tuple[float, ...]:
        """Return the numbers, the loss first."""
        return tuple(self)

    def items(self) -> tuple[tuple[str, float], ...]:
        """Return the names with their numbers."""
        return tuple(zip(self._names, self, strict=True))

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._names:
            raise KeyError(
                f'evaluate returned {", ".join(self._names)}. Got "{key}".'
                + did_you_mean(key, self._names)
            )
        return super().__getitem__(self._names.index(key))

    def __contains__(self, thing: object) -> bool:
        return thing in self._names if isinstance(thing, str) else super().__contains__(thing)

    def __float__(self) -> float:
        if len(self) != 1:
            raise TypeError(
                f"float takes one number. Got {', '.join(self._names)} from evaluate. Take the "
                f'one that you mean: result["{self._names[-1]}"].'
            )
        return self[0]

    def __format__(self, specification: str) -> str:
        return format(float(self), specification) if specification else repr(self)

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(f'{name}={number!r}' for name, number in self.items())})"


class Figures:
    """Loss and metrics of an epoch or an evaluation, gathered batch by batch.

    Attributes
    ----------
    total
        Σ of the losses times the samples.
    samples
        How many samples those had.
    statistics
        What each metric knows of them.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        total: float = 0.0,
        samples: int = 0,
        statistics: list[Array] | None = None,
    ) -> None:
        self.metrics, self.total, self.samples = metrics, total, samples
        self.statistics: list[Array] = [] if statistics is None else statistics

    def of_batch(
        self, prediction: Array, target: Array, weight: Array | None = None
    ) -> list[Array]:
        """Return what each metric knows of a batch."""
        statistics = [
            metric.statistics(prediction, target)
            if weight is None or not isinstance(metric, Weighted)
            else metric.weighted_statistics(prediction, target, weight)
            for metric in self.metrics
        ]
        for metric, came in zip(self.metrics, statistics, strict=True):
            if is_own(metric):  # a batch of one row may give something else
                sums_of(metric, came, divided=type(metric).result is Metric.result)
        return statistics

    def add(self, loss: float, samples: int, new: list[Array]) -> None:
        """Count a batch in: its loss, its samples, and what the metrics know of it."""
        self.total += loss * samples
        self.samples += samples
        if self.statistics:
            both = zip(self.metrics, self.statistics, new, strict=True)
            new = [metric.merge(old, more) for metric, old, more in both]
        self.statistics = new

    def results(self) -> Logs:
        """Return the loss, a mean over the samples, and each metric's figure, by name."""
        both = zip(self.metrics, self.statistics, strict=True)
        figures = {
            metric.name: figure_of(metric, metric.result(statistics)) for metric, statistics in both
        }
        return {"loss": self.total / self.samples, **figures}


class EpochSoFar:
    """How far the epoch under way has come.

    Attributes
    ----------
    order : Generator or None
        The generator as it was before it drew the order of the batches, where a checkpoint may
        need it.
    rows : (N,) ndarray or None
        The order of the samples; None where they are not shuffled.
    step, steps
        How many training steps are done, and how many there are.
    figures : Figures
        Those of the steps that are done.
    """

    def __init__(
        self,
        order: np.random.Generator | None,
        rows: Array | None,
        steps: int,
        figures: Figures,
        step: int = 0,
    ) -> None:
        self.order, self.rows, self.figures = order, rows, figures
        self.step, self.steps = step, steps

    @classmethod
    def from_state(
        cls, state: dict[str, Any], metrics: Sequence[Metric], rows: Array | None, steps: int
    ) -> Self:
        """Return the epoch that `get_state` described, with the order of its rows."""
        figures = Figures(metrics, state["total"], state["samples"], state["figures"])
        return cls(state["order"], rows, steps, figures, state["step"])

    def get_state(self) -> dict[str, Any]:
        """Return it for a checkpoint; the order of the rows can be drawn again."""
        return {
            "order": self.order,
            "step": self.step,
            "samples": self.figures.samples,
            "total": self.figures.total,
            "figures": self.figures.statistics,
        }


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
    figures = Figures(model.metrics)
    for i in range(0, len(x), rows):
        xb, t = x[i : i + rows], target[i : i + rows]
        if start == 0:
            xb = xb.astype(model.dtype, copy=False)
        outputs = model.forward(xb, start=start)
        if len(outputs) > 1 and loss.is_fused_with(last):
            losses = loss.fused(outputs[-2], outputs[-1], t)[0]
        else:
            losses = loss.per_sample(outputs[-1], t)
            if is_own(loss):
                one_a_sample(loss, "per_sample", outputs[-1], losses)
        w = None if weight is None else weight[i : i + rows]
        figures.add(mean(losses, w), len(xb), figures.of_batch(outputs[-1], t, w))
    logs = figures.results()
    return {**logs, "loss": logs["loss"] + model.penalty()}
