"""Sums over the rows of a batch, as right for a million rows as for thirty.

In float32 a sum of N numbers, one after another, may lose N units of its last digit: 1 % of a
million equal ones. So above `FEW_ROWS` rows the sums are made in float64, and products in pieces
or in float64; below, nothing is done that NumPy would not do.
"""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array

FEW_ROWS = 512
"""Up to so many rows, sums are made in the dtype of the numbers."""

MANY_ROWS = 4096
"""Up to so many rows, BLAS multiplies large matrices in one go: it adds up in blocks of its own,
which lose a few units of the last digit."""

PIECE_ROWS = 128
"""Rows of a larger product that are multiplied at a time."""

SMALL, NARROW = 4096, 8
"""A product of fewer numbers, or of a shorter side, BLAS adds up row after row."""


def sum_rows(array: Array, out: Array) -> None:
    """Write Σ_n a_nm into `out`, of shape (M,)."""
    if len(array) <= FEW_ROWS:
        array.sum(axis=0, out=out)
    else:
        out[...] = array.sum(axis=0, dtype=np.result_type(array, np.float64))


def mean_rows(array: Array) -> Array:
    """Return 1/N Σ_n a_nm, of shape (M,), in the array's dtype."""
    if len(array) <= FEW_ROWS:
        mean: Array = array.mean(axis=0)
        return mean
    mean = array.mean(axis=0, dtype=np.result_type(array, np.float64))
    return mean.astype(array.dtype)


def multiply_rows(x: Array, dy: Array, out: Array) -> None:
    """Write xᵀ dy, that is Σ_n x_nd · dy_nm, into `out`, of shape (D, M)."""
    N = len(x)
    in_blocks = N > FEW_ROWS and out.size >= SMALL and min(out.shape) >= NARROW
    if N <= FEW_ROWS or (in_blocks and N <= MANY_ROWS):
        np.matmul(x.T, dy, out=out)
        return
    wide = np.result_type(x, dy, np.float64)
    total = np.zeros(out.shape, wide)
    dtype, size = (x.dtype, PIECE_ROWS) if in_blocks else (wide, MANY_ROWS)
    for i in range(0, N, size):
        rows = slice(i, i + size)
        total += np.dot(x[rows].astype(dtype, copy=False).T, dy[rows].astype(dtype, copy=False))
    out[...] = total
