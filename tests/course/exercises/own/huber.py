"""Huber's loss: squared for small differences, straight for large ones."""

import numpy as np


def huber(difference: np.ndarray, delta: float) -> np.ndarray:
    """Each entry's loss: d² / 2 where |d| ≤ δ, else δ (|d| − δ / 2).

    difference and the result are (N,).

    For example, with δ = 1 a difference of 0.5 costs 0.125, and one of 3 costs 2.5:

    >>> huber(np.array([0.5, 3.0]), 1.0)
    array([0.125, 2.5  ])
    """
    # gap begins
    size = np.abs(difference)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    # gap ends
