"""Samples on their way into training: batches, and what frozen layers make of them once a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.training.history import History

if TYPE_CHECKING:
    from minnet.models import Sequential
    from minnet.training.settings import Settings

PREDICT_ROWS = 1024
"""Rows that are predicted at a time."""

FEATURE_BYTES = 2**30
"""Features of a frozen part are kept up to this size, and recomputed batch by batch above it."""


class Data:
    """Samples, targets and weights that were checked and fit the model."""

    def __init__(self, x: Array, target: Array, weight: Array | None) -> None:
        self.x, self.target, self.weight = x, target, weight

    def __len__(self) -> int:
        return len(self.x)

    def part(self, rows: slice) -> Data:
        """Some of the rows, as views."""
        weight = None if self.weight is None else self.weight[rows]
        return Data(self.x[rows], self.target[rows], weight)


class Batches:
    """The rows of an epoch in batches, gathered into buffers that are reused.

    Iterating gives (rows, x, target, weight) for each batch. The buffers belong to this epoch:
    a batch is overwritten by the next one.
    """

    def __init__(self, x: Array, data: Data, settings: Settings, dtype: Any) -> None:
        self.N, self.dtype = len(data), dtype
        self.size = min(settings.batch_size, self.N)  # buffers need no more rows than there are
        self.order = settings.rng.permutation(self.N) if settings.shuffle else None
        self.first = 0  # the first batch to give: those before it were seen before a resume
        self.replace(x)
        self._target = self._column(data.target)
        self._weight = None if data.weight is None else self._column(data.weight)

    def replace(self, x: Array) -> None:
        """Take the rows from this array from now on."""
        self.gather = _gatherer(x, self.size, self.order is not None, self.dtype)

    def _column(self, array: Array) -> Callable[[slice, Any], Array]:
        """What gives a batch's part of this array, by its place in the epoch and its rows."""
        if array.ndim == 1:  # a number a sample: put in order once an epoch
            ordered = array if self.order is None else array.take(self.order)
            return lambda place, rows: ordered[place]
        gather = _gatherer(array, self.size, self.order is not None)
        return lambda place, rows: gather(rows)

    def __iter__(self) -> Iterator[tuple[Any, Array, Array, Array | None]]:
        size, order, target, weight = self.size, self.order, self._target, self._weight
        for begin in range(self.first * size, self.N, size):
            place = slice(begin, begin + size)
            rows = place if order is None else order[place]
            w = None if weight is None else weight(place, rows)
            yield rows, self.gather(rows), target(place, rows), w


def _gatherer(array: Array, size: int, shuffled: bool, dtype: Any = None) -> Callable[[Any], Array]:
    """What gives rows of this array, in one dtype; the next rows may overwrite them."""
    array = np.asarray(array)  # a memmap's view costs less at each call
    dtype = np.dtype(dtype or array.dtype)
    if not shuffled:
        return lambda rows: array[rows].astype(dtype, copy=False)
    buffer = np.empty((size, *array.shape[1:]), dtype)
    # of an array in any other order take would first copy the whole
    if array.dtype == dtype and array.flags.c_contiguous:
        take = array.take  # mode="clip" spares it a second buffer, as rows are in range
        return lambda rows: take(rows, 0, buffer[: len(rows)], "clip")

    def gather(rows: Any) -> Array:
        batch = buffer[: len(rows)]
        batch[...] = array[rows]
        return batch

    return gather


class Features:
    """What the frozen first steps make of x, computed once for a fit.

    When the lowest steps give the same output every time (they are frozen, or have nothing to
    learn), that output is kept, and training starts above them. It is computed anew when a
    callback froze, unfroze or changed weights.
    """

    def __init__(self, model: Sequential, history: History) -> None:
        self.model, self.history = model, history
        # name → copies of the arrays that they depend on, features
        self._kept: dict[str, tuple[list[Array], Array]] = {}
        self._fixed = 0

    def of(self, x: Array, name: str) -> tuple[Array, int]:
        """The input for the steps from a number on, and that number: (x, 0) without features."""
        model = self.model
        fixed = model._route().fixed
        if not self._arrays(fixed):
            return x, 0
        if fixed != self._fixed:
            self._kept, self._fixed = {}, fixed
        if self.hold(name):
            self.history.features_saved += len(x)
            return self._kept[name][1], fixed
        self._kept.pop(name, None)
        first = model._predict(x[:1], 0, fixed)
        if first.nbytes * len(x) > FEATURE_BYTES:
            return x, 0
        features = np.empty((len(x), *first.shape[1:]), first.dtype)
        for i in range(0, len(x), PREDICT_ROWS):
            features[i : i + PREDICT_ROWS] = model._predict(x[i : i + PREDICT_ROWS], 0, fixed)
        self._kept[name] = [array.copy() for array in self._arrays(fixed)], features
        return features, fixed

    def hold(self, name: str) -> bool:
        """Whether features of this name are kept and what they depend on is as it was."""
        if name not in self._kept or self._fixed > self.model._route().fixed:
            return False
        return all(map(np.array_equal, self._kept[name][0], self._arrays(self._fixed)))

    def _arrays(self, fixed: int) -> list[Array]:
        return [array for step in self.model._steps[:fixed] for array in step.arrays().values()]
