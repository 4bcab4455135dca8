"""The training loop: epochs, validation, and what is remembered of them.

A step itself stands in `models.py` (`_run_step`, `apply_gradient`), the batches in `batches.py`,
and what is checked before the first step in `settings.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet import threads
from minnet.batches import PREDICT_ROWS, Batches, Data, Features
from minnet.callbacks import Callback, Logs, Progress, progress
from minnet.checks import Array, DivergedError
from minnet.divergence import Snapshot, diverged, largest, trouble
from minnet.history import History
from minnet.interrupts import whole_steps
from minnet.losses import mean
from minnet.metrics import Metric
from minnet.provenance import add_training, data_hash, widened
from minnet.receipts import Before
from minnet.settings import Settings, check_callbacks, learning_rates, prepare, said

if TYPE_CHECKING:
    from minnet.models import Sequential


def fit(model: Sequential, settings: Settings, x: Any, y: Any) -> History:
    """Check everything, then train; see `Sequential.fit`."""
    model._check_trainable()
    shown = progress(settings.verbose)
    callbacks = check_callbacks(settings.callbacks)
    rates = learning_rates(model, settings.learning_rate)
    data, validation, found = prepare(model, settings, x, y)
    if not model._busy.acquire(blocking=False):
        raise RuntimeError("The model is being trained already. Wait for that fit, or use copy().")
    try:
        updates = model._require_compiled()
        updates.rates = rates
        loop = _Loop(model, settings, data, validation, found, callbacks, shown)
        with threads.suited_to(_largest_product(model, min(settings.batch_size, len(data)))):
            return loop.run()
    finally:
        updates.rates = {}
        model._busy.release()


def _largest_product(model: Sequential, N: int) -> int:
    """How many multiplications the largest matrix product of a step has: N · D · M."""
    sizes = [int(getattr(layer, name).size) for layer in model._layers for name in layer.weights]
    return N * max(sizes)


class _Loop:
    """One fit under way."""

    def __init__(
        self,
        model: Sequential,
        settings: Settings,
        data: Data,
        validation: Data | None,
        found: list[float],
        callbacks: list[Callback],
        shown: Progress | None,
    ) -> None:
        self.input_range = found
        self.model, self.settings, self.data, self.validation = model, settings, data, validation
        size = settings.batch_size
        self.params = {
            "epochs": settings.epochs,
            "steps": math.ceil(len(data) / size),
            "samples": len(data),
            "batch_size": size,
        }
        self.callbacks = [*callbacks, *([] if shown is None else [shown])]
        self.batch_begins = _that_override(self.callbacks, "on_train_batch_begin")
        self.batch_ends = _that_override(self.callbacks, "on_train_batch_end")
        self.watched = any(
            callback is not shown for callback in self.batch_begins + self.batch_ends
        )
        self.history = History(**self.params)
        self.features = Features(model, self.history)
        self.first_update = model._require_compiled().iterations
        self.first_size = largest(model.theta)

    def run(self) -> History:
        model = self.model
        model.history = self.history
        model.stop_training = False
        figures = ["loss", *(metric.name for metric in model.metrics)]
        if self.validation is not None:
            figures += [f"val_{name}" for name in figures]
        for callback in self.callbacks:
            callback.model, callback.params = model, {**self.params, "metrics": figures}
        logs: Logs = {}
        begun: list[Callback] = []
        before = Before(model._layers)
        errors: list[Exception] = []
        with whole_steps() as interrupted, np.errstate(all="ignore"):
            try:
                for callback in self.callbacks:
                    begun.append(callback)
                    callback.on_train_begin({})
                for epoch in range(self.settings.epochs):
                    for callback in self.callbacks:
                        callback.on_epoch_begin(epoch, {})
                    logs = self._epoch(epoch, interrupted)
                    self.history.add(epoch, logs)
                    for callback in self.callbacks:
                        callback.on_epoch_end(epoch, dict(logs))
                    interrupted()
                    if model.stop_training:
                        break
            except BaseException as error:
                ending = _each(begun, lambda callback: callback.on_train_end(dict(logs)))
                for other in ending:
                    error.add_note(f"on_train_end then raised {other!r}.")
                raise
            else:
                errors = _each(begun, lambda callback: callback.on_train_end(dict(logs)))
            finally:
                model._memos = []
                self._remember(before)
        if errors:
            raise errors[0]
        return self.history

    def _remember(self, before: Before) -> None:
        """Say in the history what moved, and in the model what it was trained on."""
        model, history, data = self.model, self.history, self.data
        history.receipt = before.receipt(model._layers)
        if not history.epoch:
            return
        known = model.provenance
        known["input_range"] = widened(known["input_range"], self.input_range)
        add_training(
            known["trainings"],
            {
                "epochs": len(history.epoch),
                "samples": len(data),
                "data_sha256": data_hash(data.x, data.target),
                "batch_size": self.settings.batch_size,
                "optimizer": repr(model.optimizer),
                "loss": repr(model.loss),
                "learning_rate": said(self.settings.learning_rate),
                "frozen": [layer.label for layer in model._layers if not layer.trainable],
                "figures": {
                    name: values[-1]
                    for name, values in history.history.items()
                    if math.isfinite(values[-1])
                },
            },
        )

    def _epoch(self, epoch: int, interrupted: Callable[[], None]) -> Logs:
        model, rng = self.model, self.settings.rng
        before = Snapshot(model)
        x, start = self.features.of(self.data.x, "x")
        total, figures = 0.0, Figures(model.metrics)
        batches = Batches(x, self.data, self.settings, model.dtype)
        for number_, (rows, xb, target, weight) in enumerate(batches):
            for callback in self.batch_begins:
                callback.on_train_batch_begin(number_, {})
            if start and self.watched and not self.features.hold("x"):
                batches.replace(self.data.x)
                xb, start = batches.gather(rows), 0
            loss = model._run_step(xb, target, weight, rng, start)
            if not math.isfinite(loss):
                raise self._diverged(before, epoch, number_, f"The loss became {loss:g}")
            model.apply_gradient()
            total += loss * len(xb)
            if model.metrics:
                figures.add(model.outputs[-1], target)
            for callback in self.batch_ends:
                callback.on_train_batch_end(number_, {"loss": loss})
            interrupted()
            if model.stop_training:
                break
        if wrong := trouble(model):
            raise self._diverged(before, epoch, number_, wrong)
        done = min(len(self.data), (number_ + 1) * self.settings.batch_size)
        logs = {"loss": total / done}
        logs.update(figures.results())
        if self.validation is not None:
            v = self.validation
            x, start = self.features.of(v.x, "validation")
            found = evaluate(model, x, v.target, v.weight, PREDICT_ROWS, start)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _diverged(self, before: Snapshot, epoch: int, step: int, what: str) -> DivergedError:
        return diverged(
            self.model,
            before,
            what,
            epoch=epoch,
            step=step,
            first_update=self.first_update,
            first_size=self.first_size,
            back="before this epoch",
        )


@np.errstate(all="ignore")  # what is not finite shows in the figures
def evaluate(
    model: Sequential,
    x: Array,
    target: Array,
    weight: Array | None,
    rows: int,
    start: int = 0,
) -> Logs:
    """Loss and metrics in inference mode, over batches of any size alike; nothing is checked."""
    loss = model._require_loss()
    last = model._steps[-1]
    total, figures = 0.0, Figures(model.metrics)
    for i in range(0, len(x), rows):
        xb = x[i : i + rows]
        if start == 0:
            xb = xb.astype(model.dtype, copy=False)
        outputs = model.forward(xb, start=start)
        t = target[i : i + rows]
        if len(outputs) > 1 and loss.is_fused_with(last):
            losses = loss.fused(outputs[-2], outputs[-1], t)[0]
        else:
            losses = loss.per_sample(outputs[-1], t)
        total += mean(losses, None if weight is None else weight[i : i + rows]) * len(xb)
        figures.add(outputs[-1], t)
    return {"loss": total / len(x) + model.penalty(), **figures.results()}


class Figures:
    """The metrics of an epoch or an evaluation, gathered batch by batch."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics
        self._kept: list[Array] = []

    def add(self, prediction: Array, target: Array) -> None:
        """Count a batch in."""
        new = [metric.statistics(prediction, target) for metric in self.metrics]
        if self._kept:
            new = [m.merge(a, b) for m, a, b in zip(self.metrics, self._kept, new, strict=True)]
        self._kept = new

    def results(self) -> Logs:
        """Metric name → figure."""
        return {m.name: m.result(k) for m, k in zip(self.metrics, self._kept, strict=True)}


def _that_override(callbacks: Sequence[Callback], hook: str) -> list[Callback]:
    """The callbacks that have this hook, so that a step calls nothing in vain."""
    return [
        callback
        for callback in callbacks
        if getattr(type(callback), hook) is not getattr(Callback, hook) or hook in vars(callback)
    ]


def _each(callbacks: Sequence[Callback], call: Callable[[Callback], None]) -> list[Exception]:
    """Call all, whatever some raise, so that one callback cannot rob another of its end."""
    errors = []
    for callback in callbacks:
        try:
            call(callback)
        except Exception as error:
            errors.append(error)
    return errors
