"""The rows of an epoch in batches, and what gathers them into a buffer that is reused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minnet.engine.inputs import Data
from minnet.foundation.checks import Array


def batches(
    data: Data, order: Array | None, size: int, numbers: range
) -> Iterator[tuple[Any, Array, Array | None]]:
    """Give the rows, the target and the weight of each batch.

    Parameters
    ----------
    order : (N,) ndarray or None
        The numbers of the rows in the order of the epoch; None for the data's own.
    size
        Rows of a batch; the last one may be smaller.
    numbers
        Which batches to give.
    """
    target, weight = data.target, data.weight
    for number in numbers:
        turn = slice(number * size, (number + 1) * size)
        rows = turn if order is None else order[turn]
        yield rows, target[rows], None if weight is None else weight[rows]


def gatherer(array: Array, size: int, shuffled: bool, dtype: Any = None) -> Callable[[Any], Array]:
    """Return what gives rows of this array, in one dtype; the next rows may overwrite them.

    Parameters
    ----------
    size
        Rows of the largest batch.
    shuffled
        Whether rows are asked for by their numbers, or by slices.
    """
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
