"""What frozen layers make of the samples, computed once for a fit."""

from __future__ import annotations

import zlib
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from minnet.constraints import Constraint
from minnet.engine.network import PREDICT_ROWS
from minnet.engine.plan import Plan
from minnet.foundation.checks import Array
from minnet.foundation.strict import is_minnets
from minnet.initializers import Initializer
from minnet.layers import Layer
from minnet.regularizers import Regularizer
from minnet.training.callback import Logs, Participant

FEATURE_BYTES = 2**30
"""Features of a frozen part are kept up to this size, and recomputed batch by batch above it."""


READ_NUMBERS = 2**20
"""So many numbers of x, or a few more, are read before each epoch where a callback of the user's
may write into it; of a larger x, rows at equal distances. To read all would take longer than to
train a head."""


KNOWN = {"regularizers", "constraints", "_drawn"}
"""Attributes of a layer that its output does not depend on."""

NUMBERS: tuple[type, ...] = (int, float, complex, np.generic, np.dtype, np.ndarray)
FIXED = (*NUMBERS, str, bytes, NoneType, Initializer, Regularizer, Constraint)
"""What cannot change unseen; of the last three no output depends."""


class Sources(NamedTuple):
    """What features depend on: settings, by how often any was set, and arrays."""

    settings: list[int]
    arrays: list[Array]


class KeepFeatures(Participant):
    """Start the training above the lowest steps where these give the same output every time.

    They do where they are frozen, or have nothing to learn. Their output is kept, and computed anew
    when a callback froze, unfroze or changed what it depends on.
    """

    def __init__(self) -> None:
        # "x" or "validation" → what the features depend on, and the features
        self._kept: dict[str, tuple[Sources, Array]] = {}
        self._count = 0  # of the steps that made them
        self._plan: Plan | None = None  # in which they were seen to hold
        self._read: dict[str, int] = {}  # "x" or "validation" → the checksum of its numbers

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.fit.take_inputs(*self._features(self.fit.data.x, "x"))
        self._plan = self.fit.model.plan()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if self.fit.start and (
            self.fit.others_change_model or self.fit.model.plan() is not self._plan
        ):
            self._plan = self.fit.model.plan()
            if not self._hold("x"):
                self.fit.take_inputs(self.fit.data.x)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self.fit.validation_inputs = self._features(self.fit.validation.x, "validation")

    def get_state(self) -> dict[str, Any]:
        """Return whether features are in use in the epoch under way."""
        start = self.fit.start if self.fit.so_far is not None else 0
        return {"start": start if start and self._hold("x") else 0}

    def set_state(self, state: dict[str, Any]) -> None:
        if state["start"]:
            self.on_epoch_begin(self.fit.epoch)

    def _features(self, x: Array, name: str) -> tuple[Array, int]:
        """Return the input for the steps from a number on, and that number."""
        model, count = self.fit.model, self._cacheable()
        if not self._sources(count).arrays:
            return x, 0
        if count != self._count:
            self._kept, self._count = {}, count
        if any(one.unfreezes for one in self.fit.user_callbacks):  # one that may write into x
            read = _checksum(x)
            if read != self._read.get(name):
                self._kept.pop(name, None)
            self._read[name] = read
        if self._hold(name):
            self.fit.history.features_saved += len(x)
            return self._kept[name][1], count
        self._kept.pop(name, None)
        first = model.run(x[:1], 0, count)
        if first.nbytes * len(x) > FEATURE_BYTES:
            return x, 0
        features = np.empty((len(x), *first.shape[1:]), first.dtype)
        for i in range(0, len(x), PREDICT_ROWS):
            features[i : i + PREDICT_ROWS] = model.run(x[i : i + PREDICT_ROWS], 0, count)
        settings, arrays = self._sources(count)
        self._kept[name] = Sources(settings, [array.copy() for array in arrays]), features
        return features, count

    def _cacheable(self) -> int:
        """Return how many of the first steps need not run again.

        None where the model's own step of training may do anything, and none above a layer of
        one's own that holds a list, a generator or an object: it may have changed unseen.
        """
        model = self.fit.model
        if model.has_own_step:
            return 0
        steps = model.steps[: model.plan().cacheable]
        return next((i for i, step in enumerate(steps) if not _shows_changes(step)), len(steps))

    def _hold(self, name: str) -> bool:
        """Whether features of this name are kept and what they depend on is as it was."""
        if name not in self._kept or self._count > self._cacheable():
            return False
        then, now = self._kept[name][0], self._sources(self._count)
        return then.settings == now.settings and all(map(np.array_equal, then.arrays, now.arrays))

    def _sources(self, count: int) -> Sources:
        """Return what the features of the first steps depend on: their arrays and settings."""
        steps = self.fit.model.steps[:count]
        return Sources(
            [step.revision - step.freeze_count for step in steps],
            [array for step in steps for array in _arrays_of(step)],
        )


def _checksum(x: Array) -> int:
    """Return a number that tells whether these were changed: all, or rows from end to end."""
    row = max(1, x[:1].size)
    every = max(1, len(x) * row // READ_NUMBERS)
    return zlib.crc32(np.ascontiguousarray(x[::every]).tobytes())


def _arrays_of(step: Layer) -> list[Array]:
    """Return all arrays that a step holds; a layer of one's own may hold more than its weights."""
    if is_minnets(type(step)):
        return list(step.arrays().values())
    return [value for value in vars(step).values() if isinstance(value, np.ndarray)]


def _shows_changes(step: Layer) -> bool:
    """Whether all that a step holds is seen to change: by being set, or by its numbers."""
    return is_minnets(type(step)) or all(
        name in KNOWN or _is_fixed(value) for name, value in vars(step).items()
    )


def _is_fixed(value: Any) -> bool:
    """Whether a value cannot change but by being set anew, or is an array, which is compared."""
    if isinstance(value, tuple):
        return all(map(_is_fixed, value))
    return isinstance(value, FIXED)
