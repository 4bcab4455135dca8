"""A layer on its way into a stack: a name, a shape that fits, and its weights."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from minnet.engine.shapes import layer_shapes
from minnet.foundation.checks import Shape
from minnet.foundation.registry import snake_case
from minnet.layers import Layer


def free_name(layer: Layer, number: int, taken: Container[str | None]) -> str:
    """Return a name for a layer, by its class and a number from this one on."""
    stem = snake_case(type(layer))
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def find_name(layer: Layer, number: int, taken: Container[str | None]) -> str:
    """Return a name for a layer that has none, or one that gives way; else refuse it."""
    if layer.name is None or layer.named_by_model:
        return free_name(layer, number, taken)
    raise ValueError(
        f"Each layer of a model takes a name of its own. Got a second {layer.name!r}. "
        "Give one of them another: layer = layer.copy(); layer.name = …"
    )


def is_found_name(layer: Layer) -> bool:
    """Whether a layer's name is such as `free_name` finds, as far as one can tell."""
    stem, _, number = str(layer.name).rpartition("_")
    return stem == snake_case(type(layer)) and number.isdecimal()


def shape_above(layer: Layer, shape: Shape, below: Sequence[Layer], input_shape: Shape) -> Shape:
    """Return the shape of a sample that a layer gives; where it does not fit, all are drawn."""
    try:
        return layer_shapes([layer], shape)[-1]
    except ValueError:
        layer_shapes([*below, layer], input_shape)
        raise


def build(layer: Layer, shape: Shape, dtype: Any, rng: np.random.Generator) -> None:
    """Create the weights of a layer that has none, for samples of this shape."""
    if layer.built and layer.built_for is not None:
        return
    if not layer.built or not layer.arrays():
        layer.dtype = dtype
        layer.build(shape, rng)
        if not layer.built:
            missing = [n for n in (*layer.parameters, *layer.states) if n not in layer.arrays()]
            raise ValueError(
                f"{layer.label}.build creates all its weights by add_weight. Got none "
                f"named {', '.join(missing)}."
            )
    layer.built_for = shape
    layer.tell("built")
