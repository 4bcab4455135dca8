"""The training loop: epochs, validation, and what is remembered of them.

A step itself stands in `step.py`, the batches in `batches.py`, and what is checked before the
first step in `settings.py`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.callbacks import Callback, Checkpoint, Logs, Progress, progress
from minnet.engine.step import TrainingStep
from minnet.files.provenance import add_training, data_hash, widened
from minnet.foundation.checks import Array, DivergedError
from minnet.foundation.registry import Config
from minnet.losses import mean
from minnet.metrics import Metric
from minnet.training import resuming, threads
from minnet.training.batches import PREDICT_ROWS, Batches, Data, Features
from minnet.training.divergence import Snapshot, diverged, largest, trouble
from minnet.training.history import History
from minnet.training.interrupts import whole_steps
from minnet.training.receipts import Before
from minnet.training.resuming import Resumed
from minnet.training.settings import Settings, check_callbacks, learning_rates, prepare, said

if TYPE_CHECKING:
    from minnet.models import Sequential


def fit(model: Sequential, settings: Settings, x: Any, y: Any) -> History:
    """Check everything, then train; see `Sequential.fit`."""
    updates = model._require_compiled()
    resumed = None if settings.resume is None else resuming.read(model, settings.resume)
    first = updates.iterations if resumed is None else resumed.state["first_update"]
    with resuming.frozen_as(model, None if resumed is None else resumed.call["trainable"]):
        model._check_trainable()
        shown = progress(settings.verbose)
        callbacks = check_callbacks(settings.callbacks)
        rates = learning_rates(model, settings.learning_rate, first)
    data, validation, found = prepare(model, settings, x, y)
    if not model._busy.acquire(blocking=False):
        raise RuntimeError("The model is being trained already. Wait for that fit, or use copy().")
    try:
        loop = Loop(model, settings, data, validation, found, callbacks, shown, first)
        if resumed is not None or loop.checkpoints:
            loop.call = resuming.call(model, settings, loop.theirs, data, validation)
        if resumed is not None:
            resuming.check(resumed, model, settings, loop.call)
            loop.call = resumed.call  # what is frozen, and the seed, as the fit began with them
        updates.rates = rates
        with threads.suited_to(_largest_product(model, min(settings.batch_size, len(data)))):
            return loop.run(resumed)
    finally:
        updates.rates = {}
        model._busy.release()


def _largest_product(model: Sequential, N: int) -> int:
    """How many multiplications the largest matrix product of a step has: N · D · M."""
    sizes = [int(getattr(layer, name).size) for layer in model._layers for name in layer.weights]
    return N * max(sizes)


class Part:
    """What is gathered of the epoch under way."""

    def __init__(
        self,
        order: np.random.Generator | None,
        start: int,
        total: float = 0.0,
        figures: list[Array] | None = None,
    ) -> None:
        self.order = order  # the generator as it was before it drew the order of the batches
        self.start = start  # the step that the batches go into first: above 0 with kept features
        self.total = total  # Σ of loss times rows
        self.figures: list[Array] = [] if figures is None else figures


class Loop:
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
        first_update: int,
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
        self.theirs = [c for c in callbacks if not isinstance(c, Checkpoint)]
        self.checkpoints = [c for c in callbacks if isinstance(c, Checkpoint)]
        self.shown = shown
        self.callbacks = [*self.theirs, *([] if shown is None else [shown]), *self.checkpoints]
        self.batch_begins = _that_override(self.callbacks, "on_train_batch_begin")
        self.batch_ends = _that_override(self.callbacks, "on_train_batch_end")
        self.watched = any(  # hooks of theirs, which may change the model: our own do not
            callback is not shown and type(callback) is not Checkpoint
            for callback in self.batch_begins + self.batch_ends
        )
        self.history = History(**self.params)
        self.features = Features(model, self.history)
        self.first_update = first_update
        self.first_size = largest(model.theta)
        self.before = Before(model._layers)
        self.call: Config = {}  # how fit was called, for checkpoints
        self.part = Part(None, 0)
        self.snapshot: Snapshot | None = None
        self.back = "before this epoch"  # where a fit that diverges is put back to

    def run(self, resumed: Resumed | None = None) -> History:
        """Train, from the start or from a checkpoint."""
        model = self.model
        model.history = self.history
        model.stop_training = False
        figures = ["loss", *(metric.name for metric in model.metrics)]
        if self.validation is not None:
            figures += [f"val_{name}" for name in figures]
        for callback in self.callbacks:
            callback.model, callback.params = model, {**self.params, "metrics": figures}
        for checkpoint in self.checkpoints:
            checkpoint.describe = self.describe
        logs: Logs = {}
        begun: list[Callback] = []
        errors: list[Exception] = []
        with whole_steps() as interrupted, np.errstate(all="ignore"):
            try:
                for callback in self.callbacks:
                    begun.append(callback)
                    callback.on_train_begin({})
                epochs = range(self.settings.epochs)
                part: dict[str, Any] | None = None
                if resumed is not None:
                    epochs, part = self._go_on(resumed)
                    logs = {name: values[-1] for name, values in self.history.history.items()}
                for epoch in epochs:
                    if part is None:
                        for callback in self.callbacks:
                            callback.on_epoch_begin(epoch, {})
                    logs = self._epoch(epoch, interrupted, part)
                    part = None
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
                for checkpoint in self.checkpoints:
                    checkpoint.describe = None
                self._remember()
        if errors:
            raise errors[0]
        return self.history

    def describe(
        self, epoch: int, step: int, checkpoint: dict[str, Any]
    ) -> tuple[Config, dict[str, Array]]:
        """What a checkpoint holds where all before this step of this epoch are done."""
        if self.snapshot is not None and (wrong := trouble(self.model)):
            done = epoch * self.params["steps"] + step - 1
            raise self._diverged(self.snapshot, *divmod(done, self.params["steps"]), wrong)
        if self.part.start and self.watched and not self.features.hold("x"):
            self.part.start = 0  # a callback has just changed what they depend on
        return resuming.describe(self, epoch, step, checkpoint)

    def _go_on(self, resumed: Resumed) -> tuple[range, dict[str, Any] | None]:
        """Restore all; the epochs that are left, and what there is of the first of them."""
        resuming.restore(self, resumed)
        epoch, step, part = (resumed.state[name] for name in ("epoch", "step", "part"))
        if self.shown is not None:
            self.shown.goes_on(epoch, step)
        if part is None:
            last = epoch if self.model.stop_training else self.settings.epochs
            return range(epoch, last), None
        return range(epoch, self.settings.epochs), {**part, "step": step}

    def _remember(self) -> None:
        """Say in the history what moved, and in the model what it was trained on."""
        model, history, data = self.model, self.history, self.data
        history.receipt = self.before.receipt(model._layers)
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

    def _epoch(
        self, epoch: int, interrupted: Callable[[], None], resumed: dict[str, Any] | None
    ) -> Logs:
        model, rng = self.model, self.settings.rng
        before = self.snapshot = Snapshot(model)
        self.back = "before this epoch" if resumed is None else "when it was resumed"
        step = 0 if resumed is None else resumed["step"]
        batches, figures = self._begin(resumed)
        part, start, number_ = self.part, self.part.start, step - 1
        training_step = TrainingStep(model, rng, start)
        own = not model.apply_gradient.__module__.startswith("minnet.")  # a student's in its place
        for number_, (rows, xb, target, weight) in enumerate(batches, step):
            for callback in self.batch_begins:
                callback.on_train_batch_begin(number_, {})
            # a hook may have changed what the plan holds, and other code what is frozen
            if self.watched or model._route() is not training_step.route:
                if start and not self.features.hold("x"):
                    batches.replace(self.data.x)
                    xb, start = batches.gather(rows), 0
                    part.start = 0
                training_step = TrainingStep(model, rng, start)
            loss = training_step.loss_and_gradient(xb, target, weight)
            if not math.isfinite(loss):
                raise self._diverged(before, epoch, number_, f"The loss became {loss:g}")
            if own:
                model.apply_gradient()
            else:
                training_step.update()
            part.total += loss * len(xb)
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
        logs = {"loss": part.total / done}
        logs.update(figures.results())
        if self.validation is not None:
            v = self.validation
            x, start = self.features.of(v.x, "validation")
            found = evaluate(model, x, v.target, v.weight, PREDICT_ROWS, start)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _begin(self, resumed: dict[str, Any] | None) -> tuple[Batches, Figures]:
        """The batches of an epoch in their order, and the figures that are gathered in `part`."""
        model, settings, x, start = self.model, self.settings, self.data.x, 0
        if resumed is None:
            # a copy, for checkpoints: the permutation that comes now is drawn anew by a resumed fit
            order = copy.deepcopy(settings.rng) if self.checkpoints else None
            x, start = self.features.of(x, "x")
            self.part = Part(order, start)
            batches = Batches(x, self.data, settings, model.dtype)
        else:
            order = resumed["order"]
            if resumed["start"]:
                x, start = self.features.of(x, "x")
            self.part = Part(order, start, resumed["total"], resumed["figures"])
            again = settings._replace(rng=copy.deepcopy(order))
            batches = Batches(x, self.data, again, model.dtype)
            batches.first = self.params["steps"] if model.stop_training else resumed["step"]
        return batches, Figures(model.metrics, self.part.figures)

    def _diverged(self, before: Snapshot, epoch: int, step: int, what: str) -> DivergedError:
        return diverged(
            self.model,
            before,
            what,
            epoch=epoch,
            step=step,
            first_update=self.first_update,
            first_size=self.first_size,
            back=self.back,
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

    def __init__(self, metrics: Sequence[Metric], kept: list[Array] | None = None) -> None:
        self.metrics = metrics
        self._kept: list[Array] = [] if kept is None else kept

    def add(self, prediction: Array, target: Array) -> None:
        """Count a batch in."""
        new = [metric.statistics(prediction, target) for metric in self.metrics]
        if self._kept:
            new = [m.merge(a, b) for m, a, b in zip(self.metrics, self._kept, new, strict=True)]
        self._kept[:] = new

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
