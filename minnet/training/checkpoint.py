"""Checkpoints: a fit in a file, so that a stopped one can be resumed."""

from __future__ import annotations

import contextlib
import math
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from minnet.files import store
from minnet.foundation.checks import (
    Array,
    ModelFileError,
    boolean,
    choice,
    integer,
    number,
    text,
    warn,
)
from minnet.foundation.registry import Config
from minnet.foundation.words import did_you_mean
from minnet.training.callback import Callback, Logs, check_state
from minnet.training.figures import goes_up
from minnet.training.fit_file import describe_fit

if TYPE_CHECKING:
    from pathlib import Path


_PUT_IN = re.compile(r"\{[A-Za-z_]\w*(:[^{}]*)?\}")
"""What other programs put the epoch or a figure in for, such as {epoch:02d}."""


class Kept(NamedTuple):
    """An older checkpoint: its steps, and which file of that number it is.

    Its SHA-256 is empty where this run did not write it; nor does it remove it then.
    """

    updates: int
    copy: int
    sha256: str


class Checkpoint(Callback):
    """Write the model and the state of the fit to a file, so that a stopped fit can be resumed.

    `fit(..., resume=path)` goes on from there to the same bits as a fit that was never stopped;
    `minnet.load(path)` reads the file as a model. Each save replaces the file whole or not at
    all, so whatever stops the process, `path` is one good checkpoint. It comes after all other
    callbacks, wherever it stands in their list.

    With `monitor` the file is the fit as it was after its best epoch so far: `minnet.load` reads
    the best model, and a fit that is resumed from it goes on from that epoch. To resume from where
    a process was stopped, have another Checkpoint without it. `EarlyStopping` gives the best
    weights back to the model in memory.

    Parameters
    ----------
    path
        Written exactly there: nothing is put in for {epoch}, and such a name is refused. A file
        that is there is replaced at the first save.
    every
        "epoch", or a number of steps. At the end of the last epoch it saves in any case.
    keep
        How many files stay: `path` is the newest, and the older ones have the number of steps
        before the suffix, such as `run-300.npz`. Only files that this run wrote are ever replaced
        or removed, or that the run wrote which it resumes: where another file has such a name, it
        stays, and the checkpoint is `run-300-2.npz`.
    monitor
        The figure by which the best epoch is told, such as "val_loss". None writes the last state.
    mode
        "min" or "max": whether less or more of it is better. "auto" asks the metric's class, and
        takes less of a loss.
    save_best_only
        Whether only the best epoch is written: by default where there is a monitor, which is
        "val_loss" if none is named, as in Keras.

    Attributes
    ----------
    best, best_epoch
        The best figure, where one is monitored, and the epoch of it (from 0).

    Raises
    ------
    ValueError
        A number or a word that is none of these; when the fit begins, a figure that nobody reports.
    TypeError
        An argument of another type.
    ModelFileError
        When the fit begins, its folder is not there; later, the file cannot be written.

    Notes
    -----
    When the fit begins, the data are read once more for their SHA-256, about a second for every
    1.5 GB; that is how a resumed fit knows other data. Keras has `BackupAndRestore`, which
    deletes its file at the end, and `ModelCheckpoint` (`save_freq`, `monitor`, `save_best_only`);
    Lightning's has `every_n_train_steps` and `save_top_k`.

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

    changes_model = False

    path: Path
    every: str | int
    keep: int
    monitor: str | None
    mode: str
    best: float
    best_epoch: int | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: str | int = "epoch",
        keep: int = 1,
        *,
        monitor: str | None = None,
        mode: str = "auto",
        save_best_only: bool | None = None,
    ) -> None:
        self.path = store.check_path(path, "Checkpoint")
        if _PUT_IN.search(self.path.name):
            raise ValueError(
                f"Checkpoint takes the name of one file, in which nothing is put in. Got "
                f"{self.path.name!r}. Use keep=3: older files have their steps in the name."
            )
        if isinstance(every, str):
            every = choice(every, ("epoch",), "Checkpoint's every")
        else:
            every = integer(every, "Checkpoint's every", minimum=1)
        self.every = every
        self.keep = integer(keep, "Checkpoint's keep", minimum=1)
        if monitor is not None:
            monitor = text(monitor, "Checkpoint's monitor", kind="a figure's name", empty=False)
        if save_best_only is not None:
            save_best_only = boolean(save_best_only, "Checkpoint's save_best_only")
        self.monitor = monitor or ("val_loss" if save_best_only else None)
        self.mode = choice(mode, ("auto", "min", "max"), "Checkpoint's mode")
        if self.monitor is None and self.mode != "auto":
            raise ValueError(
                f"Checkpoint's mode is about a monitor. Got mode={mode!r} and none. Write "
                'monitor="val_loss".'
            )
        if self.monitor is not None and save_best_only is False:
            raise ValueError(
                "Checkpoint's monitor tells which epoch to write. Got save_best_only=False, which "
                "writes each. Leave one of them out."
            )
        if self.monitor is not None and self.every != "epoch":
            raise ValueError(
                f"A Checkpoint with a monitor writes at the end of epochs. Got every={every!r}. "
                "Leave it out."
            )
        self._up = self.mode == "max"
        self._start()

    def _start(self) -> None:
        self._newest: int | None = None  # steps of the file at `path`, if this run wrote it
        self._older: list[Kept] = []
        self._warned = False
        self.best, self.best_epoch = -math.inf if self._up else math.inf, None

    def get_state(self) -> dict[str, Any]:
        return {"newest": self._newest, "older": [list(kept) for kept in self._older]}

    def set_state(self, state: dict[str, Any]) -> None:
        check_state(state, {"newest": int, "older": list})
        kinds = {"updates": int, "copy": int, "sha256": str}
        older = [Kept(*kept) for kept in state["older"]]
        for kept in older:
            check_state(kept._asdict(), kinds)
        self._newest, self._older = state["newest"], older

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.changes_model = True  # one of a user's own may do anything

    def goes_on(
        self, resumed: str, state: dict[str, Any], best: dict[str, tuple[str, float, int | None]]
    ) -> None:
        """Go on after a fit was resumed.

        Parameters
        ----------
        resumed
            The file from which it was.
        state
            What the Checkpoint that wrote it remembered: this one goes on with it if it writes
            there, too.
        best
            Path → monitor, best figure and best epoch of those that keep the best epoch.
        """
        if not self.path.exists():
            return
        if self.path.samefile(resumed):
            self.set_state(state)
        monitor, figure, epoch = best.get(self._path_text, (None, 0.0, None))
        if monitor == self.monitor is not None and epoch is not None:
            self.best = number(figure, "a best figure")
            self.best_epoch = integer(epoch, "a best epoch", minimum=0)

    # --- hooks ------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.fit is None:
            raise RuntimeError("A Checkpoint is called by fit. Use fit(callbacks=[Checkpoint(…)]).")
        if self.monitor is not None:
            check_monitor(self.monitor, self.params["metrics"], "Checkpoint")
            self._up = goes_up(self.model, self.monitor, self.mode, "Checkpoint")
        self._start()
        store.check_path(self.path, "Checkpoint")
        store.check(*self._describe())  # what no file can hold is refused before an epoch is lost

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.every != "epoch" and self.fit.updates_done % int(self.every) == 0:
            self.save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.monitor is not None:
            self._save_if_best(epoch, (logs or {})[self.monitor])
            return
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if self.every == "epoch" or last:
            self.save()

    def _save_if_best(self, epoch: int, figure: float) -> None:
        if figure > self.best if self._up else figure < self.best:
            before = self.best, self.best_epoch
            self.best, self.best_epoch = float(figure), epoch
            try:
                self.save()
            except BaseException:
                self.best, self.best_epoch = before
                raise

    # --- saving -----------------------------------------------------------------------------------

    def save(self) -> None:
        """Write what the fit has done so far."""
        done, before = self.fit.updates_done, (self._newest, self._older)
        try:
            if self.keep > 1 and self._newest not in (None, done) and self.path.exists():
                self._older = [*self._older, self._keep(self._newest or 0)]
            self._newest = done
            store.save(self.path, *self._describe())
        except BaseException:
            self._newest, self._older = before
            raise
        while len(self._older) >= self.keep:  # the file lists them still: it may end here
            self._remove(self._older[0])
            self._older = self._older[1:]
        self._warn_of_others()

    def _warn_of_others(self) -> None:
        """Warn once where a file of another's has the name of an older checkpoint."""
        for updates, copy, _ in self._older if not self._warned else ():
            if copy > 1:
                self._warned = True
                warn(
                    f"{self._numbered(updates)} was there, and this fit did not write it: it stays "
                    f"as it is. The checkpoint of that step is {self._numbered(updates, copy)}."
                )
                break

    def _keep(self, updates: int) -> Kept:
        """Give the file at `path` a name with its steps, if none like it has that name.

        One has where the same training is run once more: what the first run left then stays.
        """
        sha256, copy = store.file_hash(self.path), 1
        while not store.keep_as(self.path, other := self._numbered(updates, copy), "Checkpoint"):
            with contextlib.suppress(ModelFileError, KeyError, TypeError):
                if _of_the_fit(other) == _of_the_fit(self.path):
                    return Kept(updates, copy, "")
            copy += 1
        return Kept(updates, copy, sha256)

    def _remove(self, kept: Kept) -> None:
        """Remove an older checkpoint: the very file that was written, and of this fit."""
        path = self._numbered(kept.updates, kept.copy)
        with contextlib.suppress(ModelFileError, OSError, KeyError, TypeError):
            if not path.is_symlink() and store.file_hash(path) == kept.sha256:
                training = store.description_of(path)["config"]["training"]
                if training["call"] == self.fit.call:
                    path.unlink()

    def _numbered(self, updates: int, copy: int = 1) -> Path:
        which = f"{updates}" if copy == 1 else f"{updates}-{copy}"
        return self.path.with_name(f"{self.path.stem}-{which}{self.path.suffix}")

    @property
    def _path_text(self) -> str:
        """The path as text that any file can hold, whatever bytes are in it."""
        return os.fsencode(self.path).decode(errors="backslashreplace")

    def _describe(self) -> tuple[Config, dict[str, Array]]:
        checkpoints = [one for one in self.fit.participants if isinstance(one, Checkpoint)]
        best = {
            one._path_text: (one.monitor, one.best, one.best_epoch)
            for one in checkpoints
            if one.monitor is not None
        }
        states = {"checkpoint": self.get_state(), **({"best": best} if best else {})}
        return describe_fit(self.fit, states)


def _of_the_fit(path: Path) -> object:
    """All that is in a checkpoint, but for what it says of the files beside it."""
    description = store.description_of(path)
    config, arrays = description["config"], description["arrays"]
    training = config.pop("training")
    training["state"].pop("checkpoint")
    return config, training, arrays


def check_monitor(monitor: str, figures: list[str], who: str) -> None:
    """Raise ValueError where the fit reports no such figure."""
    if monitor not in figures:
        unvalidated = monitor.startswith("val_") and not any(f.startswith("val_") for f in figures)
        hint = (
            " Give fit validation_data or validation_split."
            if unvalidated
            else did_you_mean(monitor, figures)
        )
        raise ValueError(
            f"{who} takes a monitor that the fit reports: {', '.join(figures)}. Got {monitor!r}."
            f"{hint}"
        )
