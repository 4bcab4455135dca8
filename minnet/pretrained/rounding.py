"""Weights of fewer digits, so that a model that ships takes less room in a package."""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array
from minnet.models import Sequential


def rounded(numbers: Array, bits: int) -> Array:
    """Return numbers with so many significant bits: of float32's 24, float16 keeps 11.

    A number is m · 2ᵉ with 1/2 ≤ |m| < 1, and m becomes a whole number of 2⁻ᵇⁱᵗˢ. The bytes behind
    are 0 then. They take no room where a file is compressed, and a package is.

    >>> rounded(np.array([0.3, -1.3, 0.0], np.float32), 4).tolist()
    [0.3125, -1.25, 0.0]
    """
    m, e = np.frexp(numbers)
    nearest: Array = np.ldexp(np.rint(np.ldexp(m, bits)), e - bits)
    return nearest.astype(numbers.dtype)


def round_weights(model: Sequential, bits: int) -> None:
    """Round all weights of a model in place."""
    model.theta[...] = rounded(model.theta, bits)
