"""The training loop: batches, epochs, validation, and what is remembered of them.

A step itself stands in `models.py` (`_run_step`, `apply_gradient`).
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.callbacks import Callback, Logs, Progress, progress
from minnet.checks import Array, DivergedError, integer, number, short, warn
from minnet.history import History
from minnet.losses import mean
from minnet.metrics import Metric
from minnet.provenance import add_training, data_hash, input_range, widened
from minnet.receipts import Before
from minnet.selection import select

if TYPE_CHECKING:
    from minnet.models import Sequential
    from minnet.updates import Rate

PREDICT_ROWS = 1024
"""Rows that are predicted at a time."""

FEATURE_BYTES = 2**30
"""Features of a frozen part are kept up to this size, and recomputed batch by batch above it."""


@dataclass(frozen=True)
class Settings:
    """How `Sequential.fit` was called; its docstring explains each."""

    batch_size: int
    epochs: int
    verbose: str | int
    callbacks: Sequence[Callback]
    validation_split: float
    validation_data: Sequence[Any] | None
    shuffle: bool
    class_weight: dict[int, float] | None
    sample_weight: Any
    learning_rate: Any
    rng: np.random.Generator


@dataclass(frozen=True)
class Data:
    """Samples, targets and weights that were checked and fit the model."""

    x: Array
    target: Array
    weight: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def part(self, rows: slice) -> Data:
        """Some of the rows, as views."""
        weight = None if self.weight is None else self.weight[rows]
        return Data(self.x[rows], self.target[rows], weight)


def fit(model: Sequential, settings: Settings, x: Any, y: Any) -> History:
    """Check everything, then train; see `Sequential.fit`."""
    model._check_trainable()
    shown = progress(settings.verbose)
    callbacks = _check_callbacks(settings.callbacks)
    rates = _rates(model, settings.learning_rate)
    data, validation, found = _prepare(model, settings, x, y)
    if not model._busy.acquire(blocking=False):
        raise RuntimeError("The model is being trained already. Wait for that fit, or use copy().")
    try:
        updates = model._require_compiled()
        updates.rates = rates
        loop = _Loop(model, settings, data, validation, found, callbacks, shown)
        return loop.run()
    finally:
        updates.rates = {}
        model._busy.release()


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
                "learning_rate": _said(self.settings.learning_rate),
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
                batches.x, start = self.data.x, 0
                xb = batches.gather(rows)
            loss = model._run_step(xb, target, weight, rng, start)
            if not math.isfinite(loss):
                raise self._diverged(before, epoch, number_, f"The loss became {loss:g}")
            model.apply_gradient()
            total += loss * len(xb)
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


class Batches:
    """The rows of an epoch in batches, gathered into buffers that are reused.

    Iterating gives (rows, x, target, weight) for each batch. The buffers belong to this epoch:
    a batch is overwritten by the next one.
    """

    def __init__(self, x: Array, data: Data, settings: Settings, dtype: Any) -> None:
        self.x, self.data, self.dtype = x, data, dtype
        self.size = settings.batch_size
        self.order = settings.rng.permutation(len(data)) if settings.shuffle else None
        self._buffers: dict[str, Array] = {}

    def __iter__(self) -> Iterator[tuple[Any, Array, Array, Array | None]]:
        N, data = len(self.data), self.data
        for begin in range(0, N, self.size):
            end = min(begin + self.size, N)
            rows = slice(begin, end) if self.order is None else self.order[begin:end]
            weight = None if data.weight is None else self._take(data.weight, rows, "weight")
            yield rows, self.gather(rows), self._take(data.target, rows, "target"), weight

    def gather(self, rows: Any) -> Array:
        """These rows of x, in the model's dtype."""
        return self._take(self.x, rows, "x")

    def _take(self, array: Array, rows: Any, name: str) -> Array:
        dtype = self.dtype if name == "x" else array.dtype
        if isinstance(rows, slice):
            return np.asarray(array[rows]).astype(dtype, copy=False)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape[1:] != array.shape[1:]:
            buffer = self._buffers[name] = np.empty((self.size, *array.shape[1:]), dtype)
        buffer = buffer[: len(rows)]
        # mode="clip" spares take a second buffer, as rows are in range; of an array in any other
        # order take would first copy the whole
        if array.dtype == dtype and array.flags.c_contiguous:
            array.take(rows, axis=0, out=buffer, mode="clip")
        else:
            buffer[...] = array[rows]
        return buffer


class Features:
    """What the frozen first steps make of x, computed once for a fit.

    When the lowest steps give the same output every time (they are frozen, or have nothing to
    learn), that output is kept, and training starts above them. It is computed anew when a
    callback froze, unfroze or changed weights.
    """

    def __init__(self, model: Sequential, history: History) -> None:
        self.model, self.history = model, history
        # name → copies of the arrays that they depend on, features
        self._kept: dict[str, tuple[list[Array], Array]] = {}
        self._fixed = 0

    def of(self, x: Array, name: str) -> tuple[Array, int]:
        """The input for the steps from a number on, and that number: (x, 0) without features."""
        model = self.model
        fixed = model._route().fixed
        if not self._arrays(fixed):
            return x, 0
        if fixed != self._fixed:
            self._kept, self._fixed = {}, fixed
        if self.hold(name):
            self.history.features_saved += len(x)
            return self._kept[name][1], fixed
        self._kept.pop(name, None)
        first = model._predict(x[:1], 0, fixed)
        if first.nbytes * len(x) > FEATURE_BYTES:
            return x, 0
        features = np.empty((len(x), *first.shape[1:]), first.dtype)
        for i in range(0, len(x), PREDICT_ROWS):
            features[i : i + PREDICT_ROWS] = model._predict(x[i : i + PREDICT_ROWS], 0, fixed)
        self._kept[name] = [array.copy() for array in self._arrays(fixed)], features
        return features, fixed

    def hold(self, name: str) -> bool:
        """Whether features of this name are kept and what they depend on is as it was."""
        if name not in self._kept or self._fixed > self.model._route().fixed:
            return False
        return all(map(np.array_equal, self._kept[name][0], self._arrays(self._fixed)))

    def _arrays(self, fixed: int) -> list[Array]:
        return [array for step in self.model._steps[:fixed] for array in step.arrays().values()]


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


def _prepare(
    model: Sequential, settings: Settings, x: Any, y: Any
) -> tuple[Data, Data | None, list[float]]:
    """Training and validation data, checked, and the smallest and largest number of x."""
    split = number(settings.validation_split, "fit's validation_split", minimum=0.0, below=1.0)
    if split and settings.validation_data is not None:
        raise ValueError("fit takes validation_data or validation_split. Got both.")
    if settings.validation_data is not None and (
        not isinstance(settings.validation_data, (tuple, list))
        or len(settings.validation_data) not in (2, 3)
    ):
        raise TypeError(
            "fit's validation_data takes (x, y) or (x, y, sample_weight). "
            f"Got {_described(settings.validation_data)}."
        )
    data = Data(*model._check_data(x, y, settings.sample_weight))
    check_metrics(model, data.target)
    found = input_range(data.x)
    model._warn_of_other_scale(data.x, found)
    if model.provenance["input_range"] is None:
        _warn_of_scale(model, found)
    validation = None
    if split:
        kept = int(len(data) * split + 1e-9)
        if not 0 < kept < len(data):
            raise ValueError(
                f"fit's validation_split takes a share that leaves rows on both sides. Got "
                f"{split:g} of {len(data)} rows, which is {kept}. Use more data or another share."
            )
        data, validation = data.part(slice(0, -kept)), data.part(slice(len(data) - kept, None))
    elif settings.validation_data is not None:
        vx, vy, *vw = settings.validation_data
        validation = Data(*model._check_data(vx, vy, vw[0] if vw else None, "validation "))
        check_metrics(model, validation.target, "validation y")
    if settings.class_weight is not None:
        weight = _class_weights(model, data.target, settings.class_weight)
        weight = weight if data.weight is None else weight * data.weight
        data = Data(data.x, data.target, weight.astype(model.dtype))
    return data, validation, found


def check_metrics(model: Sequential, target: Array, who: str = "y") -> None:
    """Refuse targets that one of the metrics has no answer for, before anything is trained."""
    for metric in model.metrics:
        metric.check_target(target, model.output_shape, who)


def _class_weights(model: Sequential, target: Array, class_weight: Any) -> Array:
    """The weight of each sample by its class."""
    if not isinstance(class_weight, dict):
        raise TypeError(f"fit's class_weight takes {{class: weight}}. Got {short(class_weight)}.")
    if target.ndim == 2 and target.shape[1] > 1 and np.allclose(target.sum(axis=1), 1.0, atol=1e-3):
        labels, K = target.argmax(axis=1), target.shape[1]
    elif target.ndim == 2 and np.isin(target, (0, 1)).all():
        labels, K = target[:, 0].astype(np.intp), 2
    elif target.ndim == 1 and target.dtype.kind == "i":
        labels, K = target, model.output_shape[-1]
    else:
        raise ValueError(
            "fit's class_weight takes class labels or one-hot rows in y. Got other numbers. "
            "Use sample_weight."
        )
    table = np.ones(K)
    for key, value in class_weight.items():
        label = integer(key, "Each class of fit's class_weight", minimum=0)
        if label >= K:
            raise ValueError(f"fit's class_weight takes classes 0 to {K - 1}. Got {label}.")
        table[label] = number(value, f"fit's class_weight of class {label}", minimum=0.0)
    weights: Array = table[labels]
    return weights


def _warn_of_scale(model: Sequential, found: list[float]) -> None:
    """Warn once of inputs such as raw 0–255 pixels, unless a first layer normalises them."""
    if type(model._steps[0]).__name__ == "BatchNormalization":
        return
    largest = max(abs(found[0]), abs(found[1]))
    if largest > 100.0:
        warn(
            f"x has values up to {largest:g}, and networks learn badly from such numbers. Scale "
            "it first: x / 255 for pixels, or minnet.datasets.standardize(x)."
        )


def _rates(model: Sequential, learning_rate: Any) -> dict[str, Rate]:
    """Layer name → learning rate, for what fit's `learning_rate` names."""
    if learning_rate is None:
        return {}
    start = model._require_compiled().iterations
    layers = [layer for layer in model._layers if layer.weights]
    if not isinstance(learning_rate, dict):
        rate = _rate(learning_rate, start, "fit's learning_rate")
        return {layer.label: rate for layer in layers}
    if not learning_rate:
        raise ValueError("fit's learning_rate takes {layer: number}. Got an empty dict.")
    rates: dict[str, Rate] = {}
    for selector, value in learning_rate.items():
        named = select(model._layers, selector, "fit's learning_rate")
        trainable = [layer for layer in named if layer.trainable and layer.weights]
        if not trainable:
            raise ValueError(
                f"fit's learning_rate takes layers that learn. Got {short(selector)}, which is "
                f"frozen or has no weights. Unfreeze it first: model.unfreeze({short(selector)})."
            )
        rate = _rate(value, start, f"fit's learning_rate of {short(selector)}")
        for layer in trainable:
            if layer.label in rates:
                raise ValueError(
                    f"fit's learning_rate takes one rate for each layer. Got two for {layer.label}."
                )
            rates[layer.label] = rate
    return rates


def _rate(value: Any, start: int, who: str) -> Rate:
    if isinstance(value, type):
        raise TypeError(
            f"{who} takes a number or a schedule. Got the class {value.__name__} itself. "
            f"Call it: {value.__name__}(…)."
        )
    if callable(value):
        return lambda step: number(value(step - start), f"{who} at step {step - start}", minimum=0)
    if not isinstance(value, (Real, np.ndarray)):
        raise TypeError(
            f"{who} takes a number, a schedule or {{layer: number}}. Got {short(value)}. Use 0.01."
        )
    constant = number(value, who, minimum=0.0)
    return lambda step: constant


def _check_callbacks(callbacks: Any) -> list[Callback]:
    if isinstance(callbacks, Callback):
        raise TypeError(
            f"fit's callbacks takes a list. Got one {type(callbacks).__name__}. Use "
            f"callbacks=[{type(callbacks).__name__}(…)]."
        )
    if callbacks is not None and not isinstance(callbacks, (list, tuple)):
        raise TypeError(
            f"fit's callbacks takes a list of Callback objects. Got {short(callbacks)}. "
            "Use [EarlyStopping(…)]."
        )
    checked: list[Callback] = list(callbacks or ())
    for callback in checked:
        if not isinstance(callback, Callback):
            hint = f" Call it: {callback.__name__}()." if isinstance(callback, type) else ""
            raise TypeError(f"fit's callbacks takes Callback objects. Got {short(callback)}.{hint}")
    return checked


def _said(learning_rate: Any) -> str | None:
    """What fit's `learning_rate` was, in words for the model's card."""
    if learning_rate is None:
        return None
    return short(learning_rate, 200)


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


def _described(value: Any) -> str:
    """A tuple or list by its length, anything else as it would be typed."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return short(value)


def _is_finite(array: Array) -> bool:
    return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())
