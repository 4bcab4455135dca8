"""What is called while a model trains: Keras' hooks, early stopping, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from types import NoneType
from typing import Any

import numpy as np

from minnet.foundation.checks import (
    Array,
    boolean,
    choice,
    did_you_mean,
    finite,
    integer,
    number,
    short,
    text,
    warn,
)
from minnet.foundation.registry import Configurable
from minnet.foundation.strict import setting
from minnet.training.callback import Callback, Logs, check_state
from minnet.training.checkpoint import Checkpoint
from minnet.training.progress import Progress

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "GradualUnfreezing",
    "LambdaCallback",
    "Logs",
    "Progress",
    "RecordWeights",
]


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
        on_gradient: Callable[..., Any] | None = None,
    ) -> None:
        for name, hook in {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            "on_gradient": on_gradient,
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
        epoch = (int, NoneType)
        check_state(
            state,
            {
                "best": Real,
                "to_beat": Real,
                "best_epoch": epoch,
                "stopped_epoch": epoch,
                "waited": int,
                "kept": (tuple, NoneType),
            },
        )
        vectors = (self.model.theta, self.model.state)
        if state["kept"] is not None:
            for kept, vector in zip(state["kept"], vectors, strict=True):
                if not isinstance(kept, np.ndarray) or kept.shape != vector.shape:
                    raise ValueError(f"the best weights are {short(kept)}")
                finite(kept, "EarlyStopping's best weights", vector.dtype)
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

    def get_state(self) -> dict[str, Any]:
        return {"every": self.every, "lowest": self.lowest}

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
