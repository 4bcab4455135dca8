"""Batches for a training that is counted in updates and not in epochs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array


def shuffled_batches(N: int, batch_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """The rows of one batch after the other, without an end.

    All N rows come once before any comes again, each time in another order; a batch is never
    smaller than the others, so it may have the end of one order and the beginning of the next.

    Parameters
    ----------
    N
        How many rows there are.
    batch_size
        Rows of each batch; N if that is less.
    rng
        Asked for a new order when the rows of the last one do not fill a batch.

    Examples
    --------
    >>> batches = shuffled_batches(5, 2, np.random.default_rng(0))
    >>> sorted(np.concatenate([next(batches) for _ in range(5)]).tolist())
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    """
    size = min(batch_size, N)
    order = np.empty(0, np.intp)
    while True:
        if len(order) < size:
            order = np.concatenate([order, rng.permutation(N)])
        yield order[:size]
        order = order[size:]
