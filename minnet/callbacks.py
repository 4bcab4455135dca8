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
    finite,
    integer,
    number,
    short,
    text,
    warn,
)
from minnet.foundation.registry import Configurable
from minnet.foundation.strict import setting
from minnet.foundation.words import did_you_mean
from minnet.training.callback import Callback, Logs, check_state
from minnet.training.checkpoint import Checkpoint
from minnet.training.figures import goes_up
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
    "ReduceLROnPlateau",
]


class LambdaCallback(Callback):
    """A callback made of functions, one for each hook that is wanted.

    What the functions keep elsewhere is in no checkpoint, so a resumed fit warns of it; a class
    with attributes is better there.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end, on_train_begin, on_train_end
    on_train_batch_begin, on_train_batch_end, on_gradient
        Functions with the arguments of `Callback`'s hook of that name, or None.

    Raises
    ------
    TypeError
        What is given for a hook cannot be called.

    Examples
    --------
    >>> say = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> say.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    unfreezes = True

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


class _Watching(Callback, Configurable):
    """A callback that follows one of the fit's figures, and knows where better is."""

    monitor: str = setting(text, kind="a figure's name")
    min_delta: float = setting(number, minimum=0.0)
    patience: int = setting(integer, minimum=0)
    mode: str = setting(choice, names=("auto", "min", "max"))

    best: float
    _up: bool = False

    def _follows(self, name: str, value: Any) -> bool:
        under_way = self.fit is not None
        return under_way and name in ("monitor", "mode") and value != getattr(self, name)

    def _begin(self) -> None:
        """Look which way is better, once the fit's figures are known."""
        self._check_monitor(self.params["metrics"])
        self._up = goes_up(self.model, self.monitor, self.mode, type(self).__name__)
        self.best = -math.inf if self._up else math.inf

    def _check_monitor(self, figures: Iterable[str]) -> None:
        if self.monitor not in figures:
            validated = any(figure.startswith("val_") for figure in figures)
            hint = (
                " Give fit validation_data or validation_split."
                if self.monitor.startswith("val_") and not validated
                else did_you_mean(self.monitor, figures)
            )
            raise ValueError(
                f"{type(self).__name__} takes a monitor that the fit reports: "
                f"{', '.join(figures)}. Got {self.monitor!r}.{hint}"
            )

    def _gain(self, value: float, over: float) -> float:
        """How much better the figure is than another."""
        return value - over if self._up else over - value


class EarlyStopping(_Watching):
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
        "min", "max", or "auto": where the metric says that better is (`Metric.direction`), and
        down for the loss. A metric that does not say is refused.
    baseline
        A value that has to be beaten at all. (In Keras an epoch that does not beat it is not
        remembered as the best one either; here the best epoch's weights come back in any case.)
    restore_best_weights
        Whether the model gets the weights of its best epoch back, however the training ends.
        True here; Keras' default, False, keeps the last weights. The whole model goes back: a
        layer that was frozen all the time has these bits anyway, and one that a callback froze
        after the best epoch gets the bits that it had in that epoch.
    start_from_epoch
        Epochs before this one are not looked at.

    Attributes
    ----------
    best, best_epoch
        The best figure and the epoch of it (from 0).
    stopped_epoch
        The epoch at which training was stopped, or None.

    Raises
    ------
    ValueError
        A number out of range, another mode, or, when the fit begins, a figure that nobody
        reports or that does not say where better is.
    TypeError
        An argument of another type.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> from minnet.models import Sequential
    >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> stop = EarlyStopping("loss", min_delta=1.0, patience=2)  # nothing is better by so much
    >>> history = model.fit([[1.0]], [2.0], epochs=9, verbose=0, callbacks=[stop])
    >>> len(history.epoch), stop.best_epoch
    (3, 0)
    """

    baseline: float | None = setting(number, optional=True)
    restore_best_weights: bool = setting(boolean)
    start_from_epoch: int = setting(integer, minimum=0)

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
        self.best = -math.inf if mode == "max" else math.inf
        self._start()

    def _follows(self, name: str, value: Any) -> bool:
        return super()._follows(name, value) or (name == "baseline" and value != self.baseline)

    def _start(self) -> None:
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
        self._begin()
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self._check_monitor(logs)
        if epoch < self.start_from_epoch:
            return
        value = logs[self.monitor]
        if self._gain(value, self.best) > self.min_delta:
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self._kept = (self.model.theta.copy(), self.model.state.copy())
            if self._gain(value, self._to_beat) > self.min_delta:
                self._waited = 0
                return
        self._waited += 1
        if self._waited >= max(1, self.patience):
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._kept is not None:
            theta, state = self._kept
            if theta.size == self.model.theta.size and not self._is_ruined(theta):
                self.model.theta, self.model.state = theta, state
            self._kept = None

    def _is_ruined(self, theta: Array) -> bool:
        """Whether the training diverged, and its best epoch had ruined the model already."""
        ruin = None if self.fit is None else self.fit.ruin
        if ruin is None or self.best_epoch is None:
            return False
        later = ruin.epoch is not None and self.best_epoch >= ruin.epoch
        return later or (ruin.theta is not None and np.array_equal(theta, ruin.theta))


class ReduceLROnPlateau(_Watching):
    """Lower the learning rate when the monitored figure no longer improves: Keras' callback.

    After `patience` epochs without improvement, η ← max(factor · η, min_lr). It sets the
    optimizer's rate, which holds after the fit, too; where `fit` was given a rate, that one is
    lowered, and from then on the optimizer's holds. A schedule, or rates by layer, is refused.

    Parameters
    ----------
    monitor, mode
        See `EarlyStopping`.
    factor
        What the rate is multiplied by, above 0 and below 1. Keras' default: 0.1.
    patience
        How many epochs without improvement are waited for. Keras' default: 10.
    min_delta
        How much better counts as better. Keras' default: 0.0001.
    cooldown
        How many epochs after a reduction are not counted.
    min_lr
        The smallest rate.

    Raises
    ------
    ValueError
        A number out of range, another mode, or, when the fit begins, a figure that nobody
        reports, or a rate that is a schedule or goes by layers.
    TypeError
        An argument of another type.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> from minnet.models import Sequential
    >>> from minnet.optimizers import SGD
    >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
    >>> model.compile(SGD(0.0), "mse")  # nothing moves, so nothing improves
    >>> model.optimizer.learning_rate = 1e-30
    >>> lower = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    >>> history = model.fit([[1.0]], [2.0], epochs=3, verbose=0, callbacks=[lower])
    >>> model.optimizer.learning_rate
    5e-31
    """

    factor: float = setting(number, above=0.0, below=1.0)
    cooldown: int = setting(integer, minimum=0)
    min_lr: float = setting(number, minimum=0.0)

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.monitor, self.factor, self.patience, self.mode = monitor, factor, patience, mode
        self.min_delta, self.cooldown, self.min_lr = min_delta, cooldown, min_lr
        self.best = -math.inf if mode == "max" else math.inf
        self._waited = self._cooling = 0

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self._waited, "cooling": self._cooling}

    def set_state(self, state: dict[str, Any]) -> None:
        check_state(state, {"best": Real, "waited": int, "cooling": int})
        self.best, self._waited, self._cooling = state["best"], state["waited"], state["cooling"]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        self._waited = self._cooling = 0
        self._rate()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self._check_monitor(logs)
        if self._cooling:
            self._cooling -= 1
            self._waited = 0
        value = logs[self.monitor]
        if self._gain(value, self.best) > self.min_delta:
            self.best, self._waited = value, 0
        elif not self._cooling:
            self._waited += 1
            rate = self._rate()
            if self._waited >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self._cooling, self._waited = self.cooldown, 0

    def _rate(self) -> float:
        """The rate that holds now, for all that learns."""
        learning = [one for one in self.model.layers if one.trainable and one.parameters]
        rate = self.model.compiled.updates.constant_rate(learning)
        if rate is None:
            raise ValueError(
                "ReduceLROnPlateau takes a fit with one learning rate, a number. Got a schedule or "
                "rates by layer. Leave one of the two out."
            )
        return float(rate)


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

    Raises
    ------
    ValueError
        A number below 1, or, when the fit begins, a layer that the model does not have.
    TypeError
        An argument of another type.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> from minnet.models import Sequential
    >>> model = Sequential([Dense(4, input_dim=1), Dense(4), Dense(1)], seed=0)
    >>> model.freeze("all_but_head")
    >>> model.compile("adam", "mse")
    >>> _ = model.fit([[1.0]], [2.0], epochs=2, verbose=0, callbacks=[GradualUnfreezing()])
    >>> [layer.trainable for layer in model.layers]
    [False, True, True]
    """

    unfreezes = True

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
        layers = list(self.model.layers)
        for i in range(len(layers) - 1, self._end - 1, -1):
            if not layers[i].trainable:
                layers[i].trainable = True
                if layers[i].parameters:
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
