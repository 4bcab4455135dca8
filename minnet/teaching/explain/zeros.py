"""Gradients that are exactly 0 whatever the numbers are, so that rounding is all that is left."""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import BatchNormalization, Linear, Normalization, Rescaling
from minnet.teaching.explain.numbers import Step

SHIFTS = {"b", "beta"}
"""Weights that add the same number to every row of a column."""

KEEPS_COLUMNS = (Linear, Normalization, Rescaling)
"""Steps that shift and scale each column, and do nothing else."""


def cancelled(steps: list[Step], i: int, name: str) -> str:
    """Why the gradient of this weight of step number i is exactly 0, or nothing."""
    step = steps[i]
    if name not in SHIFTS or step.y.ndim != 2 or step.weights[name].shape != step.y.shape[1:]:
        return ""
    for above in steps[i + 1 :]:
        if isinstance(above.layer, BatchNormalization) and above.in_training:
            return (
                f"{above.name} subtracts the mean of each column, and with it whatever is added "
                "to the whole column. So no such bias changes the loss; β does its work there."
            )
        if not isinstance(above.layer, KEEPS_COLUMNS):
            return ""
    return ""


def exact_gradient(steps: list[Step], i: int, name: str) -> Array:
    """The gradient of a weight of step number i, with 0 where rounding is all that is left."""
    array = steps[i].gradients[name]
    return np.zeros_like(array) if cancelled(steps, i, name) else array
