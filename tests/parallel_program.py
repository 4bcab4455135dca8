"""Programs that `tests/test_parallel.py` starts on several processes: `mpiexec -n 2 python …`.

    python -m tests.parallel_program NAME FOLDER

Process 0 writes what came out into the folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from minnet import Sequential
from minnet.callbacks import Callback, Checkpoint
from minnet.layers import Dense
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from minnet.parallel import DataParallel
from minnet.regularizers import L2

OPTIMIZERS: dict[str, Optimizer] = {
    "SGD": SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.01),
    "RMSprop": RMSprop(1e-3, centered=True, global_clipnorm=0.1),
    "Adagrad": Adagrad(0.05, clipnorm=0.1),
    "Adam": Adam(1e-2, global_clipnorm=0.1),
    "AdamW": AdamW(1e-2, weight_decay=0.01, clipnorm=0.05),
}
EPOCHS = 50  # of four batches: 200 steps


def data() -> tuple[Any, Any]:
    """101 rows: batches of 32, and one of 5."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(101, 6)), rng.integers(0, 3, 101)


def model(optimizer: Optimizer, dtype: str = "float64") -> Sequential:
    layers = [
        Dense(12, activation="tanh", kernel_regularizer=L2(1e-3), input_dim=6),
        Dense(3, activation="softmax"),
    ]
    new = Sequential(layers, seed=0, dtype=dtype)
    new.compile(optimizer, "cross_entropy", ["accuracy"])
    return new


def fit(new: Sequential, epochs: int = EPOCHS, **settings: Any) -> None:
    weights = {0: 2.0, 2: 0.5}
    settings = {"verbose": 0, "class_weight": weights, "batch_size": 32, **settings}
    new.fit(*data(), epochs=epochs, **settings)


def optimizers(folder: Path) -> None:
    """Weights after 200 steps with every optimizer, and whether they are alike on all processes."""
    weights = {}
    for name, optimizer in OPTIMIZERS.items():
        shared = DataParallel(model(optimizer))
        fit(shared)
        alike = shared.team.tell(shared.theta.tobytes())
        assert len(set(alike)) == 1, name
        weights[name] = shared.theta
    if shared.rank == 0:
        np.savez(folder / "weights.npz", **weights)
        (folder / "size.txt").write_text(str(shared.processes), "utf-8")


class Announces(Callback):
    """Tells its process's number once an epoch, then waits a little, so that it can be killed."""

    def __init__(self, folder: Path, rank: int) -> None:
        self._folder, self._rank = str(folder), rank

    def get_state(self) -> dict[str, Any]:
        return {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        (Path(self._folder) / f"process-{self._rank}.txt").write_text(str(os.getpid()), "utf-8")
        time.sleep(0.02)


def runs_long(folder: Path) -> None:
    """A long training with a checkpoint after every epoch."""
    shared = DataParallel(model(Adam(1e-2)))
    callbacks = [Announces(folder, shared.rank), Checkpoint(folder / "run.npz")]
    fit(shared, 100_000, callbacks=callbacks)


def resumes(folder: Path) -> None:
    """Goes on with it for five epochs."""
    shared = DataParallel(model(Adam(1e-2)))
    epochs = json.loads((folder / "epochs.json").read_text("utf-8"))
    callbacks = [Announces(folder, shared.rank)]
    fit(shared, epochs, callbacks=callbacks, resume=folder / "run.npz")
    shared.save(folder / "resumed.npz")


class Raises(Callback):
    """Fails on process 1 alone, in the third epoch."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.rank == 1 and epoch == 2:
            raise ValueError("the disk is full")


def raises_on_one(folder: Path) -> None:
    shared = DataParallel(model(Adam(1e-2)))
    fit(shared, 10, callbacks=[Checkpoint(folder / "run.npz"), Raises(shared.rank)])


def raises_outside(folder: Path) -> None:
    shared = DataParallel(model(Adam(1e-2)))
    if shared.rank == 1:
        raise ValueError("a file is missing")
    fit(shared, 10)


def raises_on_all(folder: Path) -> None:
    shared = DataParallel(model(Adam(1e-2)))
    try:
        shared.fit(np.ones((5, 7)), np.ones(5))
    except ValueError:
        fit(shared, 1)  # an error of all can be caught, and all go on
        if shared.rank == 0:
            print("goes on")
    shared.fit(np.ones((5, 7)), np.ones(5))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    globals()[sys.argv[1]](Path(sys.argv[2]))
