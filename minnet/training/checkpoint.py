"""Checkpoints: a fit in a file, so that a stopped one can be resumed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from minnet.files import store
from minnet.foundation.checks import Array, choice, integer
from minnet.foundation.registry import Config
from minnet.training.callback import Callback, Logs
from minnet.training.fit_file import describe_fit

if TYPE_CHECKING:
    from pathlib import Path


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

    changes_model = False

    path: Path
    every: str | int
    keep: int

    def __init__(
        self, path: str | os.PathLike[str], every: str | int = "epoch", keep: int = 1
    ) -> None:
        self.path = store.check_path(path, "Checkpoint")
        if isinstance(every, str):
            every = choice(every, ("epoch",), "Checkpoint's every")
        else:
            every = integer(every, "Checkpoint's every", minimum=1)
        self.every = every
        self.keep = integer(keep, "Checkpoint's keep", minimum=1)
        self._start()

    def _start(self) -> None:
        self._newest: int | None = None  # steps of the file at `path`, if this run wrote it
        self._older: list[int] = []

    def get_state(self) -> dict[str, Any]:
        return {"newest": self._newest, "older": list(self._older)}

    def set_state(self, state: dict[str, Any]) -> None:
        self._newest = integer(state["newest"], "the steps of a checkpoint", minimum=0)
        self._older = [integer(n, "an older checkpoint's steps", minimum=0) for n in state["older"]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.changes_model = True  # one of a user's own may do anything

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._start()
        store.check_path(self.path, "Checkpoint")
        self._describe()  # what no file can hold is refused now, and not after an epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.every != "epoch" and self.fit.updates_done % int(self.every) == 0:
            self.save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if self.every == "epoch" or last:
            self.save()

    def save(self) -> None:
        """Write what the fit has done so far."""
        done, newest, older = self.fit.updates_done, self._newest, self._older
        before = self.get_state()
        if newest is not None and newest != done and self.keep > 1 and self.path.exists():
            older = [*older, newest]
        dropped = max(0, len(older) - self.keep + 1)
        self._newest, self._older = done, older[dropped:]
        try:
            config, arrays = self._describe()
            if newest is not None and newest in self._older:
                store.keep_as(self.path, self._numbered(newest), "Checkpoint")
            for updates in older[:dropped]:
                self._numbered(updates).unlink(missing_ok=True)
            store.save(self.path, config, arrays)
        except BaseException:
            self._newest, self._older = before["newest"], before["older"]
            raise

    def _numbered(self, updates: int) -> Path:
        return self.path.with_name(f"{self.path.stem}-{updates}{self.path.suffix}")

    def _describe(self) -> tuple[Config, dict[str, Array]]:
        if self.fit is None:
            raise RuntimeError("A Checkpoint is called by fit. Use fit(callbacks=[Checkpoint(…)]).")
        return describe_fit(self.fit, self.get_state())
