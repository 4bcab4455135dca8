"""The training loop: epochs, validation, and what is remembered of them.

A step itself stands in `models.py` (`_run_step`, `apply_gradient`), the batches in `batches.py`,
and what is checked before the first step in `settings.py`.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet import threads
from minnet.batches import PREDICT_ROWS, Batches, Data, Features
from minnet.callbacks import Callback, Logs, Progress, progress
from minnet.checks import Array, DivergedError
from minnet.history import History
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
        with _whole_steps() as interrupted, np.errstate(all="ignore"):
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
            finally:
                _each(begun, lambda callback: callback.on_train_end(dict(logs)))
                model._memos = []
                self._remember(before)
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
        before = _Snapshot(model)
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
        if not (_is_finite(model.theta) and _is_finite(model.state)):
            raise self._diverged(before, epoch, number_, "The weights left the finite numbers")
        if not all(map(_is_finite, model._require_compiled().slots.values())):
            raise self._diverged(before, epoch, number_, "What the optimizer remembers overflowed")
        done = min(len(self.data), (number_ + 1) * self.settings.batch_size)
        logs = {"loss": total / done}
        logs.update(figures.results())
        if self.validation is not None:
            v = self.validation
            x, start = self.features.of(v.x, "validation")
            found = evaluate(model, x, v.target, v.weight, PREDICT_ROWS, start)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _diverged(self, before: _Snapshot, epoch: int, step: int, what: str) -> DivergedError:
        """The error for a training that left the finite numbers; the model is put back."""
        model = self.model
        updates = model._require_compiled()
        ran = model._steps[len(model._steps) - len(model.outputs) + 1 :]
        names = [
            *(
                f"the output of {s.label}"
                for s, y in zip(ran, model.outputs[1:], strict=True)
                if not _is_finite(y)
            ),
            *(name for name, array in model.named_arrays().items() if not _is_finite(array)),
        ]
        place = f" The first that is not finite is {names[0]}." if names else ""
        update = max(self.first_update, updates.iterations - 1)
        own = updates.optimizer.rate
        learning = [layer.label for layer in model._layers if layer.trainable and layer.weights]
        rate = max((updates.rates.get(name, own)(update) for name in learning), default=0.0)
        smaller = f"a smaller learning rate, such as {rate / 10:g}, " if rate else ""
        before.restore(model)
        return DivergedError(
            f"{what} in epoch {epoch + 1}, step {step + 1}, at learning rate {rate:g}.{place} The "
            f"model is back where it was before this epoch. Try {smaller}inputs scaled to about 1, "
            "or clipping: global_clipnorm=1."
        )


class _Snapshot:
    """A model's numbers at the start of an epoch, to go back to when it diverges."""

    def __init__(self, model: Sequential) -> None:
        updates = model._require_compiled()
        self.theta, self.state = model.theta.copy(), model.state.copy()
        self.slots = {slot: values.copy() for slot, values in updates.slots.items()}
        self.counts, self.iterations = dict(updates.counts), updates.iterations

    def restore(self, model: Sequential) -> None:
        updates = model._require_compiled()
        model.theta[...], model.state[...] = self.theta, self.state
        for slot, values in updates.slots.items():
            values[...] = self.slots.get(slot, model._require_optimizer().initial(slot))
        updates.counts.update({name: self.counts.get(name, 0) for name in updates.counts})
        updates.iterations = self.iterations
        updates.forget_runs()


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


def _each(callbacks: Sequence[Callback], call: Callable[[Callback], None]) -> None:
    """Call all, then raise the first error, so that one callback cannot rob another of its end."""
    errors = []
    for callback in callbacks:
        try:
            call(callback)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


class _whole_steps:  # noqa: N801 - reads as a phrase: with _whole_steps()
    """Hold Ctrl-C back until the step under way is whole; the value raises it then.

    Works in the main thread, and only where Python's own handler is in place.
    """

    def __enter__(self) -> Callable[[], None]:
        self._noted = False
        self._ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._ours:
            signal.signal(signal.SIGINT, self._note)
        return self._check

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True

    def _check(self) -> None:
        if self._noted:
            self._noted = False
            raise KeyboardInterrupt

    def __exit__(self, *error: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if error[0] is None:
            self._check()


def _is_finite(array: Array) -> bool:
    return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())
