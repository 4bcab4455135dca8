"""Callbacks: Keras' hooks and classes on minnet's fit."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minnet import callbacks as core
from minnet.foundation.checks import integer, short
from minnet.foundation.strict import is_minnets
from minnet.foundation.words import did_you_mean
from minnet.keras import words
from minnet.keras.names import only
from minnet.training.callback import Logs
from minnet.training.figures import goes_up

__getattr__ = words.answering(__name__)

OTHER_HOOKS = (
    *("on_batch_begin", "on_batch_end", "on_predict_begin", "on_predict_end"),
    *("on_test_batch_begin", "on_test_batch_end"),
    *("on_predict_batch_begin", "on_predict_batch_end"),
)
"""Hooks of Keras that minnet's fit does not call: two short names, and those of `evaluate` and
`predict`, which call them where they are given callbacks."""


class Callback(core.Callback):
    """Hooks that `fit`, `evaluate` and `predict` call; override those you need.

    As in Keras, the logs of a batch are means over the epoch so far, with the metrics. A validation
    within a fit has no batches: `on_test_batch_*` are called by `evaluate(…, callbacks=[…])`.
    """

    other_hooks: ClassVar[tuple[str, ...]] = OTHER_HOOKS

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if is_minnets(cls):
            return
        own = vars(cls)
        for name in ("begin", "end"):
            hook = own.get(f"on_train_batch_{name}") or own.get(f"on_batch_{name}")
            if hook is not None:
                setattr(cls, f"on_train_batch_{name}", hook if name == "begin" else _so_far(hook))
        if "on_epoch_end" in own:
            cls.on_epoch_end = _into_history(own["on_epoch_end"])  # type: ignore[method-assign]

    def set_model(self, model: Any) -> None:
        """Take the model; fit does so itself."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what a fit is made of; fit does so itself."""
        self.params = params

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """`on_train_batch_begin`, by its short name."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """`on_train_batch_end`, by its short name."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate`."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`."""


class WhichEpochs(Callback):
    """Number the epochs of a fit from another number than 0, and leave out validations.

    Parameters
    ----------
    first
        The number of the first epoch: `fit(initial_epoch=)`.
    validated
        A number, for each so many epochs, or the numbers of those to validate, from 1:
        `fit(validation_freq=)`.
    """

    first: int
    validated: Any

    def __init__(self, first: Any = 0, validated: Any = 1) -> None:
        self.first = integer(first, "fit's initial_epoch", minimum=0)
        if isinstance(validated, (list, tuple, set, frozenset, range)):
            who = "Each epoch of fit's validation_freq"
            self.validated = [integer(epoch, who, minimum=1) for epoch in validated]
        else:
            self.validated = integer(validated, "fit's validation_freq", minimum=1)

    def get_state(self) -> dict[str, Any]:
        return {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.fit.epoch = self.first
        self._validation = self.fit.validation

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        number, chosen = epoch + 1, self.validated
        due = number in (chosen if isinstance(chosen, list) else range(0, number + 1, chosen))
        self.fit.validation = self._validation if due else None


def _not_validated(callback: Any, logs: Logs | None) -> bool:
    """Whether a callback's figure is one of the validation, which this epoch is without."""
    return callback.monitor not in (logs or {}) and callback.monitor in callback.params["metrics"]


def _so_far(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return the hook of a batch, called with the means over the epoch so far."""

    @functools.wraps(hook)
    def on_train_batch_end(self: Any, batch: int, logs: Logs | None = None) -> None:
        fit = self.fit
        so_far = {} if fit is None or fit.so_far is None else fit.so_far.figures.results()
        hook(self, batch, {**(logs or {}), **so_far})

    return on_train_batch_end


def _into_history(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return the hook of an epoch; figures that it writes into its logs come into the history."""

    @functools.wraps(hook)
    def on_epoch_end(self: Any, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        known = set(logs)
        hook(self, epoch, logs)
        for name in [name for name in logs if name not in known]:
            figure = logs.pop(name)
            if self.fit is not None:
                self.fit.history.history.setdefault(name, []).append(figure)

    return on_epoch_end


class LambdaCallback(core.LambdaCallback):
    """A callback made of functions, also by the short names of a batch's hooks."""

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        *,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(
            on_epoch_begin,
            on_epoch_end,
            on_train_begin,
            on_train_end,
            on_train_batch_begin or on_batch_begin,
        )
        if (end := on_train_batch_end or on_batch_end) is not None:
            called = _so_far(lambda _, batch, logs: end(batch, logs))
            self.on_train_batch_end = functools.partial(called, self)  # type: ignore[method-assign]


class Figures(dict[str, list[float]]):
    """The figures of a fit, one number an epoch; a name that is not there is answered in words."""

    def __missing__(self, name: Any) -> Any:
        raise KeyError(
            f"history has {', '.join(self) or 'nothing'}. Got {name!r}.{did_you_mean(name, self)}"
        )


class History(Callback):
    """The figures of each epoch, as `fit` returns them anyway."""

    history: dict[str, list[float]]
    epoch: list[int]

    def __init__(self) -> None:
        self.history, self.epoch = {}, []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class EarlyStopping(core.EarlyStopping):
    """Stop when the monitored figure no longer improves; the last weights stay by default."""

    in_files: ClassVar[Any] = core.EarlyStopping

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self._verbose = verbose
        super().__init__(
            monitor,
            abs(min_delta),
            patience,
            mode,
            baseline,
            restore_best_weights,
            start_from_epoch,
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not _not_validated(self, logs):
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._verbose and self.stopped_epoch is not None:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
            if self.restore_best_weights and self.best_epoch is not None:
                print(f"Restoring model weights from the end of epoch {self.best_epoch + 1}.")
        super().on_train_end(logs)
        if self.stopped_epoch is None:
            self.stopped_epoch = 0  # as in Keras, where nothing stopped the training


def _record_rate(fit: Any, rate: float) -> None:
    """Write the rate of an epoch into the fit's history, as Keras does."""
    rates = fit.history.history.setdefault("learning_rate", [])
    if len(rates) < len(fit.history.epoch):  # one number an epoch
        rates.append(rate)


class ReduceLROnPlateau(core.ReduceLROnPlateau):
    """Lower the learning rate when the monitored figure no longer improves."""

    in_files: ClassVar[Any] = core.ReduceLROnPlateau

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self._verbose = verbose
        super().__init__(monitor, factor, patience, mode, min_delta, cooldown, min_lr)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        before = float(self.model.optimizer.learning_rate)
        _record_rate(self.fit, before)
        if _not_validated(self, logs):
            return
        super().on_epoch_end(epoch, logs)
        now = float(self.model.optimizer.learning_rate)
        if self._verbose and now != before:
            print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {now}.")


class LearningRateScheduler(Callback):
    """Set the rate before each epoch: `schedule(epoch)`, or `schedule(epoch, rate)`.

    Parameters
    ----------
    schedule
        A function of the number of the epoch, from 0, and perhaps of the rate that holds.
    verbose
        1 prints the rate.
    """

    schedule: Callable[..., Any]
    verbose: int

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def get_state(self) -> dict[str, Any]:
        return {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        before = float(self.model.optimizer.learning_rate)
        rate = self.schedule(epoch, before) if self._takes_rate() else self.schedule(epoch)
        if not isinstance(rate, (float, int, np.floating, np.ndarray)):
            raise TypeError(
                f"LearningRateScheduler's schedule returns a number. Got {short(rate)} for epoch "
                f"{epoch}."
            )
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def _takes_rate(self) -> bool:
        try:
            inspect.signature(self.schedule).bind(0, 0.0)
        except (TypeError, ValueError):  # a function of the epoch alone
            return False
        return True

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        _record_rate(self.fit, float(self.model.optimizer.learning_rate))


class ModelCheckpoint(Callback):
    """Save the model, or its weights, after each epoch, or after the best so far.

    To go on with a fit that was cut off, use `minnet.callbacks.Checkpoint`, which keeps the rest.

    Parameters
    ----------
    filepath
        May hold {epoch:02d} and the names of figures, such as {val_loss:.2f}.
    monitor, mode
        The figure that says which epoch is best, and where better is.
    verbose
        1 prints what is saved.
    save_best_only
        Whether only an epoch that is better than all before is saved.
    save_weights_only
        Whether the weights alone are saved.
    save_freq
        "epoch", or after so many batches.
    initial_value_threshold
        A figure that has to be beaten at first.
    """

    filepath: str
    monitor: str
    verbose: int
    save_best_only: bool
    save_weights_only: bool
    mode: str
    save_freq: Any
    initial_value_threshold: float | None
    best: float

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
        *,
        period: int = 1,
    ) -> None:
        only("ModelCheckpoint", "Each epoch is looked at.", period=(period, 1))
        self.filepath, self.monitor, self.verbose = str(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.mode, self.save_freq = mode, save_freq
        self.initial_value_threshold = initial_value_threshold
        self.best, self._up, self._batches = math.inf, False, 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches, figures = 0, self.params["metrics"]
        self._name(0, dict.fromkeys(figures, 0.0))
        if not self.save_best_only:
            return
        if self.monitor not in figures:
            raise ValueError(
                "ModelCheckpoint takes a monitor that the fit reports: "
                f"{', '.join(figures)}. Got {self.monitor!r}."
            )
        up = goes_up(self.model, self.monitor, self.mode, "ModelCheckpoint")
        if up != self._up or math.isinf(self.best):
            self._up, self.best = up, -math.inf if up else math.inf
        if self.initial_value_threshold is not None and math.isinf(self.best):
            self.best = self.initial_value_threshold

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq != "epoch":
            self._batches += 1
            if self._batches % int(self.save_freq) == 0:
                self._save(self.fit.epoch, self.fit.so_far.figures.results())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        skipped = self.save_best_only and _not_validated(self, logs)
        if self.save_freq == "epoch" and not skipped:
            self._save(epoch, logs or {})

    def _name(self, epoch: int, logs: Mapping[str, float]) -> str:
        """The file's name, with the epoch and the figures put in."""
        names = {**logs, "epoch": epoch + 1}
        try:
            return self.filepath.format(**names)
        except (LookupError, ValueError, AttributeError):
            raise ValueError(
                f"ModelCheckpoint's filepath takes figures that are reported then: "
                f"{', '.join(names)}. Got {self.filepath!r}."
            ) from None

    def _save(self, epoch: int, logs: Logs) -> None:
        from pathlib import Path

        path = Path(self._name(epoch, logs))
        if self.save_best_only:
            figure, before = logs[self.monitor], self.best
            if not (figure > before if self._up else figure < before):
                self._say(epoch, f"{self.monitor} did not improve from {before:.5f}")
                return
            self.best = figure
            change = f"{self.monitor} improved from {before:.5f} to {figure:.5f}"
            self._say(epoch, f"{change}, saving model to {path}")
        else:
            self._say(epoch, f"saving model to {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose:
            print(f"Epoch {epoch + 1}: {text}")


class CSVLogger(Callback):
    """Write the figures of each epoch as a line of a file.

    Parameters
    ----------
    filename, separator
        The file, and what stands between two figures.
    append
        Whether to go on with a file that is there.
    """

    filename: str
    separator: str
    append: bool

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = str(filename), separator, append
        self._names: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from pathlib import Path

        path = Path(self.filename)
        there = self.append and path.exists() and path.stat().st_size > 0
        self._names = ["epoch", *sorted(self.params["metrics"])]
        if not there:
            self._write("w", self._names)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        figures: dict[str, Any] = {**(logs or {}), "epoch": epoch}
        self._write("a", [figures.get(name, "NA") for name in self._names])

    def _write(self, mode: str, row: list[Any]) -> None:
        import csv
        from pathlib import Path

        with Path(self.filename).open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=self.separator).writerow(row)


class TerminateOnNaN(Callback):
    """End the training without an error where the loss leaves the finite numbers.

    Keras leaves the NaN in the weights. minnet puts them back to the last epoch that was finite,
    and raises `DivergedError`; where this callback is given, `fit` returns the history instead.
    """
