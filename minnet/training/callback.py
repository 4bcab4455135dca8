"""The hooks by which anybody takes part in a fit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from minnet.foundation.checks import short
from minnet.foundation.strict import Strict, is_minnets
from minnet.foundation.words import did_you_mean

Logs = dict[str, float]
"""What a hook is told: the name of each figure, such as "loss" or "val_accuracy", and its value."""

HOOKS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_gradient",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_epoch_end",
    "on_train_end",
)
"""In the order in which a fit calls them."""

LARGEST_COUNT = 2**53
"""A float64 holds each whole number up to there; nobody counts as far."""


class Hooks:
    """What a fit calls, and when; each does nothing here."""

    changes_model: ClassVar[bool] = True
    """Whether a hook may freeze layers or change weights: what depends on these is then looked at
    anew in every step."""

    unfreezes: ClassVar[bool] = False
    """Whether a hook may unfreeze layers, as any of a user's own may."""

    in_checkpoints: ClassVar[bool] = True
    """Whether a checkpoint keeps its state, and a resumed fit has to have it as well."""

    fit: Any = None

    other_hooks: ClassVar[tuple[str, ...]] = ()
    """Names that a class may have beside those of fit's: somebody else calls them."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not is_minnets(cls):
            cls.unfreezes = True
        for name in vars(cls):
            if name.startswith("on_") and name not in (*HOOKS, *cls.other_hooks):
                raise TypeError(
                    f"A callback takes hooks that fit calls: {', '.join(HOOKS)}. Got "
                    f"{cls.__name__}.{name}, which nobody would call.{did_you_mean(name, HOOKS)}"
                )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, however the training ended: Ctrl-C and errors included."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0.

        Examples
        --------
        >>> class Show(Callback):
        ...     def on_epoch_begin(self, epoch, logs):
        ...         print(f"epoch {epoch}, {self.fit.history}")
        """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; `logs` has the loss and the metrics."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step, counted from 0 in each epoch."""

    def on_gradient(self, batch: int, logs: Logs | None = None) -> None:
        """After the loss and the gradient of a training step, before the update.

        `self.model.grad` may be looked at, and changed; `logs` has this batch's loss.
        """

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step; `logs` has this batch's loss.

        Examples
        --------
        >>> class Show(Callback):
        ...     def on_train_batch_end(self, batch, logs):
        ...         print(f"step {batch}: {logs['loss']:.3f}")
        """

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before the validation of an epoch.

        Examples
        --------
        >>> class Show(Callback):
        ...     def on_test_begin(self, logs):
        ...         print("now the validation data")
        """

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After the validation of an epoch; `logs` has its figures, without "val_".

        Examples
        --------
        >>> class Show(Callback):
        ...     def on_test_end(self, logs):
        ...         print(f"on validation data: {logs['loss']:.3f}")
        """

    def has_hook(self, hook: str) -> bool:
        """Return whether it does something at this hook, so that nothing is called in vain."""
        return getattr(type(self), hook) is not getattr(Hooks, hook) or hook in vars(self)

    def get_state(self) -> dict[str, Any]:
        """Return what is to be remembered between hooks, for a `Checkpoint`."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember again what `get_state` gave."""


class Participant(Hooks):
    """One of fit's own, which does something besides learning, by the hooks of a callback."""

    changes_model = False


class Callback(Hooks, Strict):
    """Hooks that `fit` calls; override those you need.

    `self.model` is the model, `self.fit` the fit under way (`self.fit.history`, `self.fit.epoch`),
    and `self.params` has epochs, steps, samples, batch_size and metrics, the names of the figures
    that each epoch's logs will have. To end the training set `self.model.stop_training = True`.
    Freezing layers or changing weights in a hook is fine, and acts from the next step on.

    What fit itself does besides learning (putting a diverged model back, recording, showing
    progress, writing checkpoints, …) takes part by the same hooks, in one list with yours:
    `model.show_training_loop(callbacks)` prints who does what when.

    A `Checkpoint` keeps what callbacks remember, so that a resumed fit goes on with it. Nothing
    has to be written for that where all attributes are numbers, text, lists, tuples, dicts,
    arrays or random generators. What two callbacks hold together is one thing again in the resumed
    fit, and so is what a callback holds of the model: its generator, or an array such as `layer.W`.
    Anything else is refused before the training begins. Then say what changes during a fit, and
    how it is put back::

        class Best(Callback):
            def __init__(self, log):
                self.log, self.best = log, math.inf         # log is an open file

            def get_state(self):
                return {"best": self.best}

            def set_state(self, state):
                self.best = state["best"]

    A resumed fit calls `on_train_begin`, then `set_state`, and `on_epoch_begin` only for epochs
    that had not begun.

    Raises
    ------
    TypeError
        A class with a hook that no fit calls, such as `on_epoch_ends`; a hook that does not take
        what fit gives it, when a fit begins.

    Arguments of its methods
    ------------------------
    epoch, batch
        The number of the epoch, and of the training step in it, from 0.
    logs : dict
        Name → figure, such as "loss" and "val_accuracy"; empty where none is known yet.
    state : dict
        What `get_state` gave.

    Examples
    --------
    >>> from minnet import Sequential
    >>> from minnet.layers import Dense
    >>> class Diary(Callback):
    ...     steps, largest = 0, 0.0
    ...
    ...     def on_train_begin(self, logs):
    ...         print(f"{self.params['epochs']} epochs at most")
    ...
    ...     def on_train_batch_begin(self, batch, logs):
    ...         self.steps += 1
    ...
    ...     def on_gradient(self, batch, logs):
    ...         self.largest = max(self.largest, float(abs(self.model.grad).max()))
    ...
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.model.stop_training = epoch == 1
    ...
    ...     def on_train_end(self, logs):
    ...         print(f"{self.steps} steps, the steepest slope {self.largest:.0f}")
    >>> model = Sequential([Dense(1, input_dim=1)], seed=0)
    >>> model.set_weights([[[1.0]], [0.0]])
    >>> model.compile("sgd", "mse")
    >>> model.fit([[1.0]], [3.0], epochs=9, verbose=0, callbacks=[Diary()]).epoch
    9 epochs at most
    2 steps, the steepest slope 4
    [0, 1]
    """

    model: Any
    params: dict[str, Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "changes_model" not in vars(cls):  # what the class above does not do, this one may
            cls.changes_model = True

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the fit under way, which a copy has no share in."""
        return {name: value for name, value in vars(self).items() if name != "fit"}

    def get_state(self) -> dict[str, Any]:
        """Return what this callback remembers between hooks, for a `Checkpoint`: all attributes."""
        given = ("model", "fit", "params")
        return {name: value for name, value in vars(self).items() if name not in given}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember again what `get_state` gave."""
        if is_minnets(type(self)):
            check_state(state, {name: type(value) for name, value in self.get_state().items()})
        for name in state:
            if name in ("model", "fit", "params") or callable(getattr(type(self), name, None)):
                raise ValueError(f"{name} is nothing that it remembers")
        for name, value in state.items():
            setattr(self, name, value)


def check_state(state: Any, kinds: Mapping[str, Any]) -> None:
    """Raise ValueError where a state that was read from a file lacks a name, or has other kinds.

    Parameters
    ----------
    kinds
        The class of each value, or several; an int has to be 0 or more, and to count something. A
        class below the one that asks may remember more.
    """
    if not isinstance(state, dict) or not kinds.keys() <= state.keys():
        raise ValueError(f"it has {short(state)} where {', '.join(kinds)} should be")
    for name, kind in kinds.items():
        value = state[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{name} is {short(value)}")
        if type(value) is int and not 0 <= value <= LARGEST_COUNT:
            raise ValueError(f"{name} is {short(value)}")


def check_hooks(callback: Callback) -> None:
    """Raise where a user's hook does not take what fit gives it."""
    kind = type(callback)
    own = {n for c in kind.__mro__ if not is_minnets(c) for n in vars(c)} | set(vars(callback))
    for name in sorted(own):
        if name not in HOOKS or not callable(getattr(callback, name)):
            continue
        numbered = "epoch" in name or "batch" in name or name == "on_gradient"
        try:
            inspect.signature(getattr(callback, name)).bind(*([0, {}] if numbered else [{}]))
        except TypeError as error:
            takes = "(self, number, logs)" if numbered else "(self, logs)"
            raise TypeError(
                f"{kind.__name__}.{name} takes {takes}. Got another signature: {error}."
            ) from None
        except ValueError:  # a function of C, which has no signature
            pass
