"""What is called while a model trains: Keras' hooks, early stopping, progress."""

from __future__ import annotations

import importlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from numbers import Integral
from typing import TYPE_CHECKING, Any

from minnet.files import store
from minnet.foundation.checks import (
    Array,
    boolean,
    choice,
    did_you_mean,
    integer,
    number,
    short,
    text,
    warn,
)
from minnet.foundation.registry import Config, Configurable
from minnet.foundation.strict import Strict, setting

if TYPE_CHECKING:
    from pathlib import Path

    from minnet.models import Sequential

Logs = dict[str, float]

Describe = Callable[[int, int, dict[str, Any]], tuple[Config, dict[str, Array]]]
"""From epoch, step and a Checkpoint's own state to what its file holds; `fit` provides it."""


class Callback(Strict):
    """Hooks that `fit` calls; override those you need.

    `self.model` is the model, `self.params` has epochs, steps, samples, batch_size and metrics, the
    names of the figures that each epoch's logs will have. To end the training set
    `self.model.stop_training = True`. Freezing layers or changing weights in a hook is fine, and
    acts from the next step on.

    A `Checkpoint` keeps what callbacks remember, so that a resumed fit goes on with it. Nothing
    has to be written for that where all attributes are numbers, text, lists, tuples, dicts,
    arrays or random generators; any other is refused before the training begins. Then say what
    changes during a fit, and how it is put back::

        class Best(Callback):
            def __init__(self, log):
                self.log, self.best = log, math.inf         # log is an open file

            def get_state(self):
                return {"best": self.best}

            def set_state(self, state):
                self.best = state["best"]

    A resumed fit calls `on_train_begin`, then `set_state`, and `on_epoch_begin` only for epochs
    that had not begun.
    """

    model: Sequential
    params: dict[str, Any]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, however the training ended: Ctrl-C and errors included."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; `logs` has the loss and the metrics."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step, counted from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step; `logs` has this batch's loss."""

    def get_state(self) -> dict[str, Any]:
        """What this callback remembers between hooks, for a `Checkpoint`: here all attributes."""
        return {k: value for k, value in vars(self).items() if k not in ("model", "params")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember again what `get_state` gave."""
        vars(self).update(state)


class LambdaCallback(Callback):
    """A callback made of functions, one for each hook that is wanted.

    What the functions keep elsewhere is in no checkpoint, so a resumed fit warns of it; a class
    with attributes is better there.

    Examples
    --------
    >>> say = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> say.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
    ) -> None:
        for name, hook in {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }.items():
            if hook is not None:
                if not callable(hook):
                    raise TypeError(f"LambdaCallback's {name} takes a function. Got {hook!r}.")
                setattr(self, name, hook)

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        warn(
            "What the functions of a LambdaCallback keep is in no checkpoint: they go on with what "
            "they find. Write a Callback with attributes if they remember anything."
        )


class EarlyStopping(Callback, Configurable):
    """Stop when the monitored figure no longer improves, and go back to the best weights.

    Parameters
    ----------
    monitor
        The name of a figure in the logs, such as "val_loss".
    min_delta
        How much better counts as better.
    patience
        How many epochs without improvement are waited for. As in Keras, 0 and 1 both stop at the
        first epoch that is not better.
    mode
        "min", "max", or "auto": by the name, up for accuracies and r2_score, else down.
    baseline
        A value that has to be beaten at all.
    restore_best_weights
        Whether the model gets the weights of its best epoch back, however the training ends.
        True here; Keras' default, False, keeps the last weights.
    start_from_epoch
        Epochs before this one are not looked at.

    Attributes
    ----------
    best, best_epoch
        The best figure and the epoch of it (from 0).
    stopped_epoch
        The epoch at which training was stopped, or None.
    """

    monitor: str = setting(text, kind="a figure's name")
    min_delta: float = setting(number, minimum=0.0)
    patience: int = setting(integer, minimum=0)
    mode: str = setting(choice, names=("auto", "min", "max"))
    baseline: float | None = setting(number, optional=True)
    restore_best_weights: bool = setting(boolean)
    start_from_epoch: int = setting(integer, minimum=0)

    best: float
    best_epoch: int | None
    stopped_epoch: int | None

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor, self.min_delta, self.patience = monitor, min_delta, patience
        self.mode, self.baseline = mode, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._start()

    def _follows(self, name: str, value: Any) -> bool:
        if name in ("monitor", "mode"):
            return _goes_up(**{"monitor": self.monitor, "mode": self.mode, name: value}) != self._up
        return name == "baseline" and value != self.baseline

    def _start(self) -> None:
        self._up = _goes_up(self.monitor, self.mode)
        self.best = -math.inf if self._up else math.inf
        self._to_beat = self.best if self.baseline is None else self.baseline
        self.best_epoch = self.stopped_epoch = None
        self._waited = 0
        self._kept: tuple[Any, Any] | None = None

    def get_state(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "to_beat": self._to_beat,
            "best_epoch": self.best_epoch,
            "stopped_epoch": self.stopped_epoch,
            "waited": self._waited,
            "kept": self._kept,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self._to_beat = state["best"], state["to_beat"]
        self.best_epoch, self.stopped_epoch = state["best_epoch"], state["stopped_epoch"]
        self._waited, self._kept = state["waited"], state["kept"]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._start()
        self._check_monitor(self.params["metrics"])

    def _check_monitor(self, figures: Iterable[str]) -> None:
        if self.monitor not in figures:
            hint = (
                " Give fit validation_data or validation_split."
                if self.monitor.startswith("val_")
                else did_you_mean(self.monitor, figures)
            )
            raise ValueError(
                f"EarlyStopping takes a monitor that the fit reports: {', '.join(figures)}. "
                f"Got {self.monitor!r}.{hint}"
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self._check_monitor(logs)
        if epoch < self.start_from_epoch:
            return
        value = logs[self.monitor]
        gain = value - self.best if self._up else self.best - value
        if gain > self.min_delta:
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self._kept = (self.model.theta.copy(), self.model.state.copy())
            beats = value - self._to_beat if self._up else self._to_beat - value
            if beats > self.min_delta:
                self._waited = 0
                return
        self._waited += 1
        if self._waited >= max(1, self.patience):
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._kept is not None:
            theta, state = self._kept
            if theta.size == self.model.theta.size:
                self.model.theta, self.model.state = theta, state
            self._kept = None


def _goes_up(monitor: str, mode: str) -> bool:
    """Whether more of a figure is better."""
    return mode == "max" or (mode == "auto" and monitor.endswith(("accuracy", "acc", "r2_score")))


class GradualUnfreezing(Callback, Configurable):
    """Unfreeze one more layer from the top every so many epochs (Howard and Ruder, 2018).

    Freeze first, such as `model.freeze("all_but_head")`. ULMFiT unfreezes a layer an epoch; layers
    without weights are unfrozen together with the layer above them.

    Parameters
    ----------
    every
        Epochs between one layer and the next; also those before the first.
    lowest
        The name of the last layer to unfreeze; those below stay frozen. None unfreezes all.
    """

    every: int = setting(integer, minimum=1)
    lowest: str | None = setting(text, kind="a name", optional=True)

    def __init__(self, every: int = 1, lowest: str | None = None) -> None:
        self.every, self.lowest = every, lowest

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._end = (
            0 if self.lowest is None else self.model.layers.index(self.model.get_layer(self.lowest))
        )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if epoch == 0 or epoch % self.every:
            return
        layers = self.model.layers
        for i in range(len(layers) - 1, self._end - 1, -1):
            if not layers[i].trainable:
                layers[i].trainable = True
                if layers[i].weights:
                    break


class RecordWeights(Callback):
    """Keep a copy of all weights before the first epoch and after each one.

    For pictures of the way that a training went: `minnet.plots.loss_surface` and `animate` take
    this object. It keeps (epochs + 1) · P numbers, and starts over with each fit.

    Attributes
    ----------
    thetas : list of (P,) ndarray
        `thetas[0]` is from before the training, `thetas[e]` from after epoch e.
    states : list of ndarray
        The model's `state` (running statistics) at the same times.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> from minnet.models import Sequential
    >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> record = RecordWeights()
    >>> history = model.fit([[1.0]], [2.0], epochs=3, verbose=0, callbacks=[record])
    >>> len(record.thetas), record.thetas[0].shape
    (4, (2,))
    """

    thetas: list[Array]
    states: list[Array]

    def __init__(self) -> None:
        self.thetas, self.states = [], []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.thetas, self.states = [], []
        self._keep()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._keep()

    def _keep(self) -> None:
        self.thetas.append(self.model.theta.copy())
        self.states.append(self.model.state.copy())


class Checkpoint(Callback):
    """Write the model and the state of the fit to a file, so that a stopped fit can be resumed.

    `fit(..., resume=path)` goes on from there to the same bits as a fit that was never stopped;
    `minnet.load(path)` reads the file as a model. Each save replaces the file whole or not at
    all, so whatever stops the process, `path` is one good checkpoint. It comes after all other
    callbacks, wherever it stands in their list. For the best weights use `EarlyStopping`, whose
    memory is in the checkpoint: this is the last state, which alone can be resumed.

    Parameters
    ----------
    path
        Written exactly there. A file that is there is replaced at the first save.
    every
        "epoch", or a number of steps. At the end of the last epoch it saves in any case.
    keep
        How many files stay: `path` is the newest, and the older ones have the number of steps
        before the suffix, such as `run-300.npz`.

    Notes
    -----
    When the fit begins, the data are read once more for their SHA-256, about a second for every
    1.5 GB; that is how a resumed fit knows other data. Keras has `BackupAndRestore`, which
    deletes its file at the end, and `ModelCheckpoint` (`save_freq`); Lightning's has
    `every_n_train_steps` and `save_top_k`.

    Examples
    --------
    >>> import tempfile
    >>> from minnet import Sequential
    >>> from minnet.layers import Dense
    >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/run.npz"
    ...     _ = model.fit([[1.0]], [2.0], epochs=3, callbacks=[Checkpoint(path)], verbose=0)
    ...     model.fit([[1.0]], [2.0], epochs=5, resume=path, verbose=0).epoch
    [0, 1, 2, 3, 4]
    """

    path: Path
    every: str | int
    keep: int
    describe: Describe | None

    def __init__(
        self, path: str | os.PathLike[str], every: str | int = "epoch", keep: int = 1
    ) -> None:
        self.path = store.check_path(path, "Checkpoint")
        if isinstance(every, str):
            every = choice(every, ("epoch",), "Checkpoint's every")
        else:
            every = integer(every, "Checkpoint's every", minimum=1)
            # only then, so that a fit which saves once an epoch has no hook to call at each step
            self.__dict__["on_train_batch_end"] = self._after_step
        self.every = every
        self.keep = integer(keep, "Checkpoint's keep", minimum=1)
        self.describe = None
        self._start()

    def _start(self) -> None:
        self._newest: int | None = None  # steps of the file at `path`, if this run wrote it
        self._older: list[int] = []

    def get_state(self) -> dict[str, Any]:
        return {"newest": self._newest, "older": list(self._older)}

    def set_state(self, state: dict[str, Any]) -> None:
        self._newest = integer(state["newest"], "the steps of a checkpoint", minimum=0)
        self._older = [integer(n, "an older checkpoint's steps", minimum=0) for n in state["older"]]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._start()
        store.check_path(self.path, "Checkpoint")
        self._describe(0, 0)  # what no file can hold is said now, and not after an epoch

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def _after_step(self, batch: int, logs: Logs | None = None) -> None:
        if (self._epoch * self.params["steps"] + batch + 1) % int(self.every) == 0:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if self.every == "epoch" or last:
            self._save(epoch + 1, 0)

    def _save(self, epoch: int, step: int) -> None:
        """Save when all before this step of this epoch are done."""
        done = epoch * self.params["steps"] + step
        before, last, older = self.get_state(), self._newest, self._older
        if last is not None and last != done and self.keep > 1 and self.path.exists():
            older = [*older, last]
        dropped = max(0, len(older) - self.keep + 1)
        self._newest, self._older = done, older[dropped:]
        try:
            config, arrays = self._describe(epoch, step)
            if last is not None and last in self._older:
                store.keep_as(self.path, self._numbered(last), "Checkpoint")
            for number_ in older[:dropped]:
                self._numbered(number_).unlink(missing_ok=True)
            store.save(self.path, config, arrays)
        except BaseException:
            self._newest, self._older = before["newest"], before["older"]
            raise

    def _numbered(self, steps: int) -> Path:
        return self.path.with_name(f"{self.path.stem}-{steps}{self.path.suffix}")

    def _describe(self, epoch: int, step: int) -> tuple[Config, dict[str, Array]]:
        if self.describe is None:
            raise RuntimeError("A Checkpoint is called by fit. Use fit(callbacks=[Checkpoint(…)]).")
        return self.describe(epoch, step, self.get_state())


class Progress(Callback):
    """What `fit` shows: a tqdm bar if tqdm is installed and wanted, else a line an epoch.

    Output that cannot be written (a closed pipe) is given up without a word: it must not cost
    anybody a training.
    """

    def __init__(self, *, bar: bool) -> None:
        self._tqdm = _tqdm() if bar else None
        self._bar: Any = None
        self._open = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        tqdm = self._tqdm
        if tqdm is not None:
            total = self.params["epochs"] * self.params["steps"]
            self._write(lambda: setattr(self, "_bar", tqdm(total=total, unit="step")))

    def goes_on(self, epoch: int, step: int) -> None:
        """Say where a resumed fit goes on, in numbers from 0."""
        self._began = time.perf_counter()
        if self._tqdm is not None:
            done = epoch * self.params["steps"] + step
            self._write(lambda: self._bar.update(done))
        self.say(f"Resumed at epoch {epoch + 1}, step {step + 1}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._tqdm is not None:
            self._write(lambda: self._bar.update())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        text = f"Epoch {epoch + 1}/{self.params['epochs']}"
        if self._tqdm is not None:
            self._write(lambda: self._bar.set_description_str(text, refresh=False))
            self._write(lambda: self._bar.set_postfix_str(line(logs or {})))
        else:
            seconds = time.perf_counter() - self._began
            self.say(f"{text} - {seconds:.1f}s - {line(logs or {})}")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._tqdm is not None:
            self._write(lambda: self._bar.close())

    def say(self, text: str) -> None:
        """Print a line, where there is no bar that it would tear apart."""
        if self._tqdm is None:
            self._write(lambda: print(text, flush=True))

    def _write(self, write: Callable[[], object]) -> None:
        if self._open:
            try:
                write()
            except (OSError, ValueError, AttributeError):  # a closed pipe, file, or no stdout
                self._open = False


def line(logs: Logs) -> str:
    """The figures of an epoch in one line.

    >>> line({"loss": 0.51234, "accuracy": 0.9})
    'loss: 0.5123 - accuracy: 0.9000'
    """
    return " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())


def progress(verbose: object) -> Progress | None:
    """What shows the progress for fit's `verbose`: nothing for 0."""
    if isinstance(verbose, str) and verbose == "auto":
        return Progress(bar=bool(sys.stderr) and hasattr(sys.stderr, "isatty") and _is_terminal())
    if isinstance(verbose, Integral) and verbose in (0, 1, 2):
        return None if verbose == 0 else Progress(bar=verbose == 1)
    raise ValueError(f'fit\'s verbose takes 0, 1, 2 or "auto". Got {short(verbose)}.')


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except ValueError:  # closed
        return False


def _tqdm() -> Any:
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
