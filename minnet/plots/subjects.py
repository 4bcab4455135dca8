"""What pictures are drawn of: models, layers and labels, taken as they behave and not by class.

A model is whatever has the methods that a picture asks of it. It is copied first, so that drawing
leaves its weights, gradients, optimizer and random state as they were.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, is_collection, same_length, short
from minnet.foundation.columns import check_columns


def working_copy(model: Any, who: str, *needs: str) -> Any:
    """A copy of a model to work on, once it was seen to be built and to have these attributes.

    Raises
    ------
    TypeError
        Something is missing, so it is no model, or a class instead of an object.
    RuntimeError
        The model has no weights yet.
    """
    if isinstance(model, type):
        raise TypeError(
            f"{who} takes a model. Got the class {model.__name__} itself. Call it: "
            f"{model.__name__}(…)."
        )
    if not getattr(model, "built", True):
        raise RuntimeError(
            f"{who} takes a model that is built. Got one without weights. Give its first layer "
            "input_dim=…, or fit it first."
        )
    missing = [name for name in needs if not hasattr(model, name)]
    if missing:
        raise TypeError(
            f"{who} takes a model with {', '.join(needs)}. Got {short(model)}, which has no "
            f"{missing[0]}. Put the model first: {who}(model, …)."
        )
    return copy.deepcopy(model)


def samples(x: Any, model: Any, who: str) -> Array:
    """x as the model computes with it: of its shape and dtype, at least one row."""
    check_columns(getattr(model, "columns", None), x, who)
    array = as_array(x, who)
    shape = tuple(getattr(model, "input_shape", array.shape[1:]))
    if array.ndim == 0 or array.shape[1:] != shape or len(array) == 0:
        wanted = ", ".join(["N", *map(str, shape)])
        raise ValueError(
            f"{who} takes shape ({wanted}) with at least one row. Got {array.shape}. "
            "Prepare x as it was for fit."
        )
    finite(array, who)
    cast_to: Array = array.astype(getattr(model, "dtype", array.dtype), copy=False)
    return cast_to


def class_labels(y: Any, who: str) -> Array:
    """Labels from 0 as (N,) whole numbers, from (N,), (N, 1) or one-hot rows (N, K)."""
    array = as_array(y, f"{who}'s y")
    if array.ndim == 2 and array.shape[1] > 1:
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise ValueError(
                f"{who}'s y takes one label for each sample, or one-hot rows. Got {array.shape} "
                "with other numbers. Use y.argmax(axis=1)."
            )
        array = array.argmax(axis=1)
    labels = array.reshape(-1) if array.ndim == 2 else array
    finite(labels, f"{who}'s y")
    if labels.ndim != 1 or len(labels) == 0 or (labels != np.floor(labels)).any():
        raise ValueError(
            f"{who}'s y takes a whole label from 0 for each sample, shape (N,). "
            f"Got an array of shape {array.shape}, {array.dtype}."
        )
    if labels.min() < 0:
        raise ValueError(f"{who}'s y takes labels from 0. Got {labels.min():g}. Count from 0.")
    whole: Array = labels.astype(int)
    return whole


def pair(x: Array, y: Array, who: str) -> None:
    """Raise where x and y are not of the same samples."""
    same_length(x, y, (f"{who}'s x", f"{who}'s y"))


def names_of_classes(class_names: Sequence[str] | None, K: int) -> list[str]:
    """A name for each of K classes; numbers if there are none."""
    if class_names is None:
        return [str(k) for k in range(K)]
    names = list(class_names) if is_collection(class_names) else []
    if len(names) < K:
        raise ValueError(
            f"class_names takes a list of {K} names, one for each class. Got {short(class_names)}."
        )
    return [str(name) for name in names]


def layer_name(layer: Any) -> str:
    """What a layer is called."""
    return str(getattr(layer, "name", None) or type(layer).__name__)


def activation_name(layer: Any) -> str:
    """The class of a layer's activation, or nothing."""
    activation = getattr(layer, "activation", None)
    return "" if activation is None else type(activation).__name__


def weight_arrays(model: Any) -> list[Array]:
    """The learned arrays of all layers, in the order in which they lie in theta."""
    return [
        getattr(layer, name)
        for layer in getattr(model, "layers", ())
        for name in getattr(layer, "parameters", ())
    ]


def weights_to_draw(layer: Any, who: str, choose: str, shape: str) -> tuple[Array, str]:
    """The weights W of a layer, or the array that is given in its place, and what to call it.

    Parameters
    ----------
    choose
        The kind of layer to take, such as "Dense".
    shape
        The argument that gives such a layer its input's shape.

    Raises
    ------
    TypeError
        A model, or a layer without weights W.
    RuntimeError
        The layer is not built.
    """
    if hasattr(layer, "layers"):
        raise TypeError(
            f"{who} takes one layer. Got a model. Choose one of its layers: {who}(model.layers[0])."
        )
    if isinstance(layer, (np.ndarray, list, tuple)):
        return as_array(layer, who), "a layer"
    name = layer_name(layer)
    if not getattr(layer, "built", True):
        raise RuntimeError(
            f"{who} takes a layer that is built. Got {name} without weights. Put it into a "
            f"model whose first layer has {shape}=…"
        )
    if not hasattr(layer, "W"):
        raise TypeError(
            f"{who} takes a layer with weights W, or such an array. Got {short(layer)}. "
            f"Choose a {choose}."
        )
    return as_array(layer.W, who), name


def first_of(count: int, of: int, word: str) -> str:
    """How many of them are drawn.

    >>> first_of(6, 6, "filter"), first_of(1, 1, "filter"), first_of(8, 16, "filter")
    ('6 filters', '1 filter', 'the first 8 of 16 filters')
    """
    plural = f"{word}{'s' if of > 1 else ''}"
    return f"the first {count} of {of} {plural}" if count < of else f"{of} {plural}"
