"""Bringing data into the form that networks learn well from."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, integer, short
from minnet.foundation.strict import named


@named
def one_hot(y: Any, classes: int) -> Array:
    """Rows with a 1 at the label and 0 elsewhere.

    Parameters
    ----------
    y : (N,) or (N, 1) array
        Labels from 0 to classes − 1.
    classes
        K.

    Returns
    -------
    (N, K) float32 ndarray

    Raises
    ------
    ValueError
        A label that is no whole number from 0 to classes − 1, in which row, or another shape.
    TypeError
        What is no array of numbers.

    Examples
    --------
    >>> one_hot([0, 2], classes=3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    K = integer(classes, "one_hot's classes", minimum=1)
    labels = as_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"one_hot takes labels of shape (N,). Got {labels.shape}.")
    finite(labels, "y")
    bad = (labels != np.floor(labels)) | (labels < 0) | (labels >= K)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"one_hot takes whole labels 0 to {K - 1}. Got {labels[row]} in row {row}."
        )
    rows = np.zeros((len(labels), K), dtype=np.float32)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1.0
    return rows


@named
def standardize(x_train: Any, *others: Any) -> tuple[Array, ...]:
    """Columns of mean 0 and standard deviation 1, by the statistics of the first array alone.

    All arrays are shifted and scaled alike, so nothing of the test data leaks into training.
    A column that is constant in the first array is only shifted. Any other comes out with
    deviation 1, however far from 0 it is, such as time stamps.

    Parameters
    ----------
    x_train : (N, D) array
        Where means and standard deviations are taken from.
    others : (N', D) arrays
        Test data, validation data, …

    Returns
    -------
    tuple of float32 ndarrays (float64 for float64)

    Raises
    ------
    ValueError
        Another shape than (N, D), another number of columns, or NaN or infinity.
    TypeError
        What is no array of numbers.

    Examples
    --------
    >>> standardize([[0.0, 5.0], [2.0, 5.0]], [[1.0, 6.0]])
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([[0., 1.]]))
    """
    arrays: list[Array] = []
    for i, value in enumerate((x_train, *others)):
        who = "x_train" if i == 0 else f"standardize's array number {i + 1}"
        array = as_array(value, who)
        finite(array, who)
        if array.ndim < 2 or (i == 0 and len(array) == 0):
            raise ValueError(f"standardize takes samples in rows, (N, D). Got {array.shape}.")
        if arrays and array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"standardize takes arrays of the same columns. Got {arrays[0].shape} and "
                f"{array.shape}."
            )
        arrays.append(array)
    first = arrays[0]
    constant = first.max(axis=0) == first.min(axis=0)
    # In units of a power of two near each column's largest number: exact, and no square overflows.
    largest = np.abs(first.astype(np.float64)).max(axis=0)
    unit = np.ldexp(1.0, np.maximum(np.frexp(largest)[1] - 1, -1000))
    # Counted from the first row, since far from 0 rounding hides how little a column varies.
    shifted = _shifted(first, first[0], unit)
    mean, deviation = shifted.mean(axis=0), shifted.std(axis=0)
    deviation[constant] = 1.0 / unit[constant]
    return tuple(
        ((_shifted(a, first[0], unit) - mean) / deviation).astype(
            np.float64 if a.dtype == np.float64 else np.float32
        )
        for a in arrays
    )


def _shifted(array: Array, start: Array, unit: Array) -> Array:
    """(a − start) / unit in float64; whole numbers of 8 bytes keep all of their digits."""
    wide = np.longdouble if array.dtype.kind in "iu" and array.dtype.itemsize == 8 else np.float64
    difference: Array = array.astype(wide) / unit - start.astype(wide) / unit
    return difference.astype(np.float64)


@named
def unit_length(x: Any, axis: int = -1, order: int = 2) -> Array:
    """Numbers along an axis divided by their length, x / ‖x‖; where all are 0 they stay so.

    For data whose direction counts and not its size, such as words of a text. (Pixels, whose size
    says how bright they are, are better divided by 255.)

    Parameters
    ----------
    x : array
        Of any shape.
    axis
        The axis along which a length is taken; by default each row's.
    order
        2 for Euclid's length √Σ x², 1 for Σ |x|.

    Raises
    ------
    ValueError
        An axis that x does not have, another order, or NaN or infinity.
    TypeError
        What is no array of numbers.

    Examples
    --------
    >>> unit_length([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = as_array(x, "unit_length's x")
    finite(array, "unit_length's x")
    if integer(order, "unit_length's order") not in (1, 2):
        raise ValueError(f"unit_length's order takes 1 or 2. Got {short(order)}.")
    if not -array.ndim <= integer(axis, "unit_length's axis") < array.ndim:
        raise ValueError(f"unit_length's axis takes one of x {array.shape}. Got {axis}.")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    largest = np.abs(array).max(axis=axis, keepdims=True, initial=0.0)  # a square may overflow
    array = array / np.where(largest == 0, 1, largest)
    length = np.linalg.norm(array, ord=order, axis=axis, keepdims=True)
    unit: Array = array / np.where(length == 0, 1, length)
    return unit
