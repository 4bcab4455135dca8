"""The frozen file of today's format: a checkpoint in the middle of an epoch, and how it was made.

`python -m tests.frozen_file` writes it, once for each format; then it never changes, and the tests
hold every later minnet to it: it loads as a model, predicts, trains on, and its fit is resumed. The
figures that they hold it to come from the training, so they stay when the format changes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from minnet.callbacks import Checkpoint, EarlyStopping
from minnet.files.description import FORMAT_VERSION
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.models import Sequential
from minnet.optimizers import Adam
from tests.small_models import Counting

FILE = Path(__file__).parent / "fixtures" / f"format-{FORMAT_VERSION}.npz"

X = np.linspace(-1, 1, 60).reshape(20, 3)
Y = np.arange(20) % 3
CALL = {"batch_size": 8, "epochs": 3, "verbose": 0}
STEPS = 5
"""Steps that the file has behind it: all three of its first epoch, and two of its second."""


class Stopped(Exception):
    """The end of the fit, before the step after the checkpoint's."""


class Stopping(Checkpoint):
    """A checkpoint after which the fit ends."""

    def on_train_batch_begin(self, batch, logs=None):
        if self.path.exists():
            raise Stopped


def model() -> Sequential:
    """A model with weights, a state, dropout, slots, and words about its data."""
    layers = [
        Dense(4, activation="relu", input_dim=3),
        BatchNormalization(momentum=0.9),
        Dropout(0.25),
        Dense(3, activation="softmax", name="head"),
    ]
    made = Sequential(layers, seed=0, name="frozen")
    made.compile(Adam(0.01, beta_1=0.8), "cross_entropy", metrics=["accuracy"])
    made.class_names = ["no", "yes", "perhaps"]
    made.preprocessing = "divide by 255"
    return made


def callbacks() -> list:
    """New ones with a memory, which the file holds."""
    return [EarlyStopping("loss", patience=3), Counting()]


def write(path: Path) -> None:
    """Fit until a checkpoint is in the middle of an epoch, and stop."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(Stopped):
        model().fit(X, Y, **CALL, callbacks=[*callbacks(), Stopping(path, every=STEPS)])


if __name__ == "__main__":
    write(FILE)
    print(FILE)
