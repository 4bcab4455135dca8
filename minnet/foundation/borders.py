"""What a user's own formulas give back, looked at where minnet takes it over.

A loss that sums over the wrong axis would train, and show a figure that is not the loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array, is_masked, short


def array_of(owner: object, method: str, result: Any, shape: tuple[int, ...], hint: str) -> Array:
    """Return what a formula gave, an array of numbers of this shape.

    Parameters
    ----------
    owner, method
        Whose formula it is, and its name.
    hint
        What to write.
    """
    who = f"{getattr(owner, 'label', type(owner).__name__)}.{method}"
    masked = is_masked(result)  # whose sums would leave numbers out
    if not isinstance(result, np.ndarray) or masked or result.dtype.kind not in "biufc":
        raise TypeError(f"{who} returns an array of shape {shape}. Got {short(result)}. {hint}")
    if result.shape != shape:
        raise ValueError(f"{who} returns an array of shape {shape}. Got {result.shape}. {hint}")
    return result


def one_a_sample(loss: object, method: str, prediction: Array, result: Any) -> Array:
    """Return the losses of N samples, one for each."""
    hint = "Sum or average over all axes but the first: minnet takes the mean over the samples."
    return array_of(loss, method, result, (len(prediction),), hint)


def like(owner: object, method: str, array: Array, result: Any, name: str = "A gradient") -> Array:
    """Return a gradient, or what else is named, in the shape of the array that it belongs to."""
    hint = f"{name} {'have' if name.endswith('s') else 'has'} the shape of the array."
    return array_of(owner, method, result, array.shape, hint)


def sums_of(metric: object, result: Any, *, divided: bool) -> Array:
    """Return the statistics of a batch.

    Parameters
    ----------
    divided
        Whether the inherited `result` divides the first by the second.
    """
    who = f"{type(metric).__name__}.statistics"
    if not isinstance(result, np.ndarray) or result.ndim == 0 or result.dtype.kind not in "biuf":
        raise TypeError(
            f"{who} returns an array of what is to be known of a batch, such as a sum and a count: "
            f"np.array([errors.sum(), errors.size]). Got {short(result)}. The figure itself is "
            "made by result(statistics)."
        )
    if divided and len(result) != 2:
        raise ValueError(
            f"{who} returns two statistics, a sum and a count, since the figure is the first by "
            f"the second. Got {len(result)}. For another figure write result(statistics)."
        )
    return result


def figure_of(owner: object, result: Any, method: str = "result") -> float:
    """Return a figure, one number."""
    numbers = (int, float, np.number, np.ndarray)
    if np.ndim(result) != 0 or not isinstance(result, numbers):
        who = f"{type(owner).__name__}.{method}"
        raise TypeError(f"{who} returns one number. Got {short(result)}. Write float(…).")
    return float(result)
