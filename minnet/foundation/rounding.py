"""Numbers that a dtype cannot tell apart: far from 0 its steps are wide."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array, in_full, warn

FEWEST_STEPS = 128
"""Numbers that vary by fewer steps of the model's dtype are as good as lost by rounding to it."""


def is_too_coarse(array: Array, dtype: np.dtype[Any], who: str) -> bool:
    """Warn where a dtype cannot tell apart what varies far from 0, as time stamps do.

    Returns whether there are such numbers. Targets then stay as they are, so that figures are
    right; the weights cannot learn them.
    """
    if array.dtype.kind not in "iuf" or np.can_cast(array.dtype, dtype) or not array.size:
        return False
    low, high = array.min(axis=0).astype(np.float64), array.max(axis=0).astype(np.float64)
    largest = np.maximum(np.abs(low), np.abs(high))
    step = np.spacing(largest.astype(dtype)).astype(np.float64)
    coarse = (high > low) & (high - low < FEWEST_STEPS * step)
    if not coarse.any():
        return False
    i, y = np.unravel_index(coarse.argmax(), coarse.shape), who.split()[-1]
    column = f" in column {', '.join(map(str, i))}" if len(i) and coarse.size > 1 else ""
    warn(
        f"{who} varies{column} by {in_full((high - low)[i])} at about {in_full(largest[i])}, where "
        f"{dtype} has steps of {step[i]:g}. Subtract the mean first: {y} - {y}.mean(axis=0), or "
        "make the model with dtype='float64'."
    )
    return True
