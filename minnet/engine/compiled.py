"""How a network is trained: optimizer, loss, metrics, and what the optimizer remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, ClassVar

from minnet.engine.ends import check_end, check_probabilities
from minnet.engine.updates import Updates
from minnet.engine.vectors import ParameterVectors
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
    """Return what these names and objects mean; `CompiledStack.compile` explains them."""
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


class CompiledStack(ParameterVectors):
    """A stack of layers that knows how it is trained, and that one fit at a time trains it."""

    read_only: ClassVar[dict[str, str]] = {
        **ParameterVectors.read_only,
        **dict.fromkeys(("optimizer", "loss", "updates"), "Use compile(optimizer=…, loss=…)."),
        "metrics": "Use compile(…, metrics=[…]).",
    }

    _compiled: Compiled | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._training = Lock()
        super().__init__(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out that a fit of this model is under way."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_training"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._training = Lock()
        super().__setstate__(state)

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | Loss | None = None,
        metrics: Sequence[str | Metric] = (),
    ) -> None:
        """Choose how the model is trained; what an optimizer remembered is dropped.

        Parameters
        ----------
        optimizer
            A name such as "adam", or an `Optimizer`.
        loss
            A name such as "cross_entropy", or a `Loss`.
        metrics
            A list of names such as "accuracy", or of `Metric`.

        Raises
        ------
        ValueError
            An unknown name; softmax applied twice; a loss that does not suit the last layer.
        TypeError
            Something else than a name or an object of that kind; metrics that are no list.
        RuntimeError
            The model is being trained.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(3, activation="softmax", input_dim=2)], seed=0)
        >>> model.compile("adam", "cross_entropy", ["accuracy"])
        >>> model.optimizer.learning_rate, model.is_compiled
        (0.001, True)
        """
        self.refuse_in_fit("compile")
        chosen = compiled(optimizer, loss, metrics)
        chosen.check_end(self.steps, self.output_shape if self.built else None)
        self.train_as(chosen)

    def train_as(self, chosen: Compiled | None) -> None:
        """Be trained so from now on; what does not suit the layers is refused by the next fit."""
        self._compiled = chosen

    @property
    def compiled(self) -> Compiled:
        """How the model is trained: optimizer, loss, metrics, and what the optimizer remembers.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        """
        if self._compiled is None:
            hint = "Call compile(optimizer='adam', loss='cross_entropy') first."
            raise RuntimeError(f"The model is not compiled. {hint}")
        return self._compiled

    @property
    def is_compiled(self) -> bool:
        """Whether the model knows how it is trained."""
        return self._compiled is not None

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer that `compile` was given."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Loss | None:
        """The loss that `compile` was given."""
        return None if self._compiled is None else self._compiled.loss

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that `compile` was given."""
        return [] if self._compiled is None else self._compiled.metrics

    @property
    def updates(self) -> Updates | None:
        """What the optimizer remembers of this model."""
        return None if self._compiled is None else self._compiled.updates

    def refuse_in_fit(self, method: str) -> None:
        """Raise RuntimeError while a fit of this model is under way."""
        if self._training.locked():
            raise RuntimeError(
                f"{method} cannot be called while the model is trained: the fit goes on with the "
                "optimizer, the loss and the metrics with which it began. Call it after the fit."
            )

    @contextmanager
    def training_alone(self) -> Iterator[None]:
        """Refuse a second fit while inside.

        Raises
        ------
        RuntimeError
            The model is being trained already.
        """
        if not self._training.acquire(blocking=False):
            raise RuntimeError(
                "The model is being trained already. Wait for that fit, or use copy()."
            )
        try:
            yield
        finally:
            self._training.release()
