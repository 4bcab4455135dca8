"""Samples and targets, checked against a network before it computes with them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.engine.shapes import draw_end, layer_shapes
from minnet.engine.stack import Stack
from minnet.foundation.checks import (
    Array,
    Shape,
    as_array,
    finite,
    in_full,
    same_length,
    shaped,
    warn,
)
from minnet.foundation.columns import check_columns
from minnet.foundation.rounding import is_too_coarse
from minnet.foundation.rows import warn_of_other_order
from minnet.foundation.targets import check_weight
from minnet.losses import Loss

FAR_OUT = 1e4
"""Samples are looked at so from this size on, such as time stamps and numbers of customers."""


class Data:
    """Samples, targets and weights that were checked and fit the model.

    Attributes
    ----------
    x : (N, …) ndarray
        In the model's dtype; a memmap as it is.
    target : (N, …) ndarray
        As the loss computes with it.
    weight : (N,) ndarray or None
    x_range : list of float
        The smallest and the largest number of x, which the check comes by anyway.
    """

    def __init__(self, x: Array, target: Array, weight: Array | None, x_range: list[float]) -> None:
        self.x, self.target, self.weight, self.x_range = x, target, weight, x_range

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, rows: slice) -> Data:
        """Return some of the rows, as views."""
        weight = None if self.weight is None else self.weight[rows]
        return Data(self.x[rows], self.target[rows], weight, self.x_range)


def check_data(
    stack: Stack,
    loss: Loss,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    whose: str = "",
    output_shape: Shape | None = None,
) -> Data:
    """Return x, y and the weights as training computes with them; the model stays as it is.

    Parameters
    ----------
    whose
        What stands before "x" and "y" in errors, such as "validation ".
    output_shape
        The shape of one prediction; None where the model is not built.

    Raises
    ------
    ValueError, TypeError
        Shapes that do not fit, NaN or infinity, targets that the loss does not take.
    """
    dtype, input_shape, given = stack.dtype, stack.built_for, x
    if output_shape is None and not stack.layers:
        stack.require_built()
    if input_shape is None:
        input_shape = as_array(x, f"{whose}x").shape[1:]
    try:
        x, x_range = check_x(stack, x, input_shape, f"{whose}x")
    except ValueError as error:
        if _are_swapped(x, y, input_shape):
            raise ValueError(f"{error}. y has that shape: are {whose}x and y swapped?") from None
        raise
    if max(-x_range[0], x_range[1]) > FAR_OUT and not isinstance(x, np.memmap):
        is_too_coarse(x, dtype, f"{whose}x")  # and says so
    if output_shape is None:
        output_shape = layer_shapes(stack.layers, input_shape, len(x))[-1]
    target = _check_target(stack, loss, y, input_shape, output_shape, f"{whose}y")
    same_length(x, target, (f"{whose}x", f"{whose}y"))
    if given is not x:  # of pandas, perhaps
        warn_of_other_order(given, y, (f"{whose}x", f"{whose}y"))
        warn_of_other_order(given, sample_weight, (f"{whose}x", f"{whose}sample_weight"))
    finite(target, f"{whose}y", dtype)
    weight = None
    if sample_weight is not None:
        weight = check_weight(sample_weight, len(x), f"{whose}sample_weight")
        finite(weight, f"{whose}sample_weight", dtype)
        weight = weight.astype(dtype, copy=False)
        if not weight.any():
            warn(f"{whose}sample_weight is 0 for every sample, so there is nothing to learn from.")
    if (target.dtype.kind != "i" or target.ndim > 1) and not is_too_coarse(
        target, dtype, f"{whose}y"
    ):
        target = target.astype(dtype, copy=False)
    if not isinstance(x, np.memmap):
        x = x.astype(dtype, copy=False)
    return Data(x, target, weight, x_range)


def _are_swapped(x: Any, y: Any, input_shape: Shape) -> bool:
    """Whether y is an array of the shape that x should have, and x is not."""
    shapes = getattr(x, "shape", ()), getattr(y, "shape", ())
    return shapes[0][:1] == shapes[1][:1] and shapes[1][1:] == input_shape != shapes[0][1:]


def _check_target(
    stack: Stack, loss: Loss, y: Any, input_shape: Shape, output_shape: Shape, who: str
) -> Array:
    """Return y as the loss computes with it; where its shape does not fit, the network is drawn."""
    if stack.class_names is not None:
        _check_known_classes(stack.class_names, y, output_shape, who)
    try:
        return loss.check_target(y, output_shape, who)
    except ValueError as error:
        came = as_array(y, who)
        if came.shape[1:] in ((), (1,), output_shape):
            raise
        shapes = [input_shape, *layer_shapes(stack.layers, input_shape)]
        raise ValueError(f"{error} {draw_end(stack.layers, shapes, came)}") from None


def check_x(
    stack: Stack, x: Any, input_shape: Shape, who: str = "x", *, empty: bool = False
) -> tuple[Array, list[float]]:
    """Return x as samples of this shape, all finite, and its range, [smallest, largest]."""
    if stack.columns is not None:
        check_columns(stack.columns, x, who)
    x = shaped(as_array(x, who), input_shape, who, empty=empty, drawn=stack.draw_misfit)
    low, high = x_range = value_range(x)
    largest = _largest(stack.dtype)
    if not (low >= -largest and high <= largest):  # so a NaN, which compares as False, is caught
        finite(x, who, stack.dtype)  # tells where
    return x, x_range


def value_range(x: Array) -> list[float]:
    """Return the smallest and the largest number: both NaN where x holds a NaN, or nothing."""
    if not x.size:
        return [math.nan, math.nan]
    rows = max(1, 2**16 // x[0].size)  # so few numbers are read from memory once, not twice
    if len(x) <= rows:
        return [float(x.item(x.argmin())), float(x.item(x.argmax()))]  # min costs one row more
    pieces = [x[i : i + rows] for i in range(0, len(x), rows)]
    low = np.min([np.minimum.reduce(piece, axis=None) for piece in pieces])
    high = np.max([np.maximum.reduce(piece, axis=None) for piece in pieces])
    return [float(low), float(high)]  # Python's min and max may lose a NaN


@functools.cache
def _largest(dtype: np.dtype[Any]) -> float:
    """Return the largest number that a dtype holds."""
    return float(np.finfo(dtype).max)


def _check_known_classes(class_names: Sequence[str], y: Any, output_shape: Shape, who: str) -> None:
    """Refuse labels beyond the named classes, with those names: they are of another task."""
    if output_shape != (len(class_names),) or len(class_names) == 1:
        return
    labels = as_array(y, who)
    if labels.size and labels.min() == 1 and labels.max() == len(class_names):
        return  # counted from 1: the loss tells
    if labels.size == len(labels) and labels.size and labels.max() >= len(class_names):
        raise ValueError(
            f"{who} contains {in_full(labels.max())}, and this model knows {len(class_names)} "
            f"classes: {class_names[0]}…{class_names[-1]}. Fitting a new task? Call replace_head "
            "first."
        )
