"""A copy of a model with another head, for another task."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.engine.originals import origin_of_copy
from minnet.engine.selection import head_index
from minnet.layers import Dense, Layer


def with_other_head(model: Any, layers: Sequence[Layer], rng: np.random.Generator) -> Any:
    """Return a copy of a `Network` with these layers in the place of its head.

    Raises
    ------
    RuntimeError
        The model is not built.
    ValueError
        There are no layers.
    """
    model.require_built()
    if not layers:
        raise ValueError(
            "replace_head takes the layers of the new head, such as Dense(5). Got none."
        )
    new = copy.deepcopy(model)  # a subclass's constructor would add layers of its own
    body = head_index(model.layers)
    while len(new.layers) > body:
        new.pop()
    for layer, source in zip(new.layers, model.layers, strict=False):
        layer.origin = origin_of_copy(source)
    new.train_as(None)
    new.class_names = None
    new.seed_anew(rng)
    for layer in layers:
        new.check_new(layer)
    fresh = [layer.anew() for layer in layers]
    dense = [layer for layer in fresh if isinstance(layer, Dense)]
    if dense and dense[-1].name is None:
        dense[-1].name = "head"
    for layer in fresh:
        new.add(layer)
    return new
