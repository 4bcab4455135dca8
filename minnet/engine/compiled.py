"""How a network is trained: optimizer, loss, metrics, and what the optimizer remembers."""

from __future__ import annotations

from collections.abc import Sequence

from minnet.engine.ends import check_end, check_probabilities
from minnet.engine.updates import Updates
from minnet.foundation import checks
from minnet.foundation.checks import Array, Shape
from minnet.foundation.strict import is_own
from minnet.layers import Layer
from minnet.losses import LOSSES, CrossEntropy, Loss
from minnet.metrics import METRICS, Metric, Weighted
from minnet.optimizers import OPTIMIZERS, Optimizer


class Compiled:
    """What `compile` was told.

    Attributes
    ----------
    optimizer : Optimizer
    loss : Loss
    metrics : list of Metric
    updates : Updates
        What the optimizer remembers of the model.
    """

    def __init__(self, optimizer: Optimizer, loss: Loss, metrics: list[Metric]) -> None:
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics
        self.updates = Updates(optimizer)
        self._checked: tuple[str, ...] = ()  # what was checked together

    @property
    def own_classes(self) -> bool:
        """Whether one of them is of a user's class."""
        return any(map(is_own, (self.optimizer, self.loss, *self.metrics)))

    def switch_optimizer(self, optimizer: Optimizer) -> None:
        """Update by another optimizer, which remembers nothing yet."""
        self.optimizer, self.updates = optimizer, Updates(optimizer)

    def forget(self) -> None:
        """Forget what the optimizer remembered."""
        self.updates = Updates(self.optimizer)

    def check_end(self, steps: Sequence[Layer], output_shape: Shape | None) -> None:
        """Refuse or warn where loss and layers do not suit each other: once for each stack.

        Parameters
        ----------
        output_shape
            The shape of one prediction; None where the model is not built.
        """
        metrics = metrics_for(self.loss, self.metrics)
        stack = (
            "logits" if self.loss.from_logits else "",
            "" if output_shape is None else "built",
            *(f"{type(step).__name__} {step.label}" for step in steps),
            *(metric.name for metric in metrics if metric.takes_probabilities()),
        )
        if steps and stack != self._checked:
            check_end(steps, output_shape, self.loss)
            check_probabilities(steps, metrics)
            self._checked = stack

    def check_metrics(self, target: Array, output_shape: Shape, who: str = "y") -> None:
        """Refuse targets that one of the metrics has no answer for, before anything is trained.

        Metrics that were put into the list since `compile` are taken as it would have taken them.
        """
        made = metrics_for(self.loss, self.metrics)
        check_names(made)
        for metric in made:
            metric.check_target(target, output_shape, who)
        self.metrics[:] = made

    def check_weight(self, weight: Array | None, who: str = "sample_weight") -> None:
        """Refuse weights that leave a weighted metric nothing to take a mean of."""
        for metric in self.metrics:
            if isinstance(metric, Weighted):
                metric.check_weight(weight, who)


def compiled(
    optimizer: str | Optimizer, loss: str | Loss | None, metrics: Sequence[str | Metric]
) -> Compiled:
    """Return what these names and objects mean; `Network.compile` explains them."""
    optimizer = checks.instance(optimizer, Optimizer, OPTIMIZERS, "compile's optimizer")
    if loss is None:
        raise ValueError(f"compile takes a loss. Got none. Losses: {', '.join(LOSSES)}.")
    loss = checks.instance(loss, Loss, LOSSES, "compile's loss")
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise TypeError(
            f'compile\'s metrics takes a list such as ["accuracy"]. Got {checks.short(metrics)}.'
        )
    made = [checks.instance(m, Metric, METRICS, "Each of compile's metrics") for m in metrics]
    check_names(made)
    return Compiled(optimizer, loss, metrics_for(loss, made))


def metrics_for(loss: Loss, metrics: Sequence[str | Metric]) -> list[Metric]:
    """Return these metrics as they read what the loss reads: logits, scores or anything else."""
    made = [checks.instance(m, Metric, METRICS, "Each of the model's metrics") for m in metrics]
    if loss.from_logits or loss.scores:
        return [_for_logits(metric, loss) for metric in made]
    return made


def _for_logits(metric: Metric, loss: Loss) -> Metric:
    """Return a metric as it reads the logits of this loss."""
    reading = metric.for_logits()
    if isinstance(loss, CrossEntropy) and metric.yes_or_no and repr(reading) != repr(metric):
        raise ValueError(
            f"{metric.name} takes yes-or-no outputs. Got CrossEntropy(from_logits=True), whose "
            'outputs compete. Use "accuracy", or end the model in a softmax.'
        )
    return metric if vars(reading) == vars(metric) else reading  # that it was already


def check_names(metrics: Sequence[Metric]) -> None:
    """Refuse metrics under whose names other figures stand: logs and histories have one a name."""
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise ValueError(f"compile takes each metric once. Got {', '.join(names)}.")
    for metric in metrics:
        if metric.name == "loss" or metric.name.startswith("val_"):
            raise ValueError(
                'compile takes metrics with names other than "loss" and "val_…", which are the '
                f"loss and the figures of the validation data. Got {metric.name!r}. Give it "
                f'another: {type(metric).__name__}(name="my_{metric.name}").'
            )
