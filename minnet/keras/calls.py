"""The layers that a `call` of one's own calls, one on another.

minnet differentiates no code. A `call` that only hands what one layer gives to the next needs none:
it runs once, on an `Input` in the place of x, and each layer notes what it was called on.
"""

from __future__ import annotations

import inspect
from typing import Any

from minnet import layers as core
from minnet import models
from minnet.foundation.checks import Shape, short
from minnet.foundation.registry import to_config
from minnet.keras import words
from minnet.keras.layers import Input
from minnet.keras.nesting import Entries
from minnet.keras.parts import layers_between
from minnet.keras.sharing import are_one

ONLY_IN_TRAINING = (core.Dropout, core.AlphaDropout, core.GaussianDropout, core.GaussianNoise)
"""Layers that pass x on as it is where a model only predicts."""


def called_by(model: Any, shape: Shape) -> list[Any]:
    """Return the layers and models that the `call` of a model calls on x of this shape.

    A layer that only training calls (`if training: x = self.dropout(x)`) is among them where it
    does nothing otherwise, since minnet knows by itself when a dropout drops.

    Raises
    ------
    NotImplementedError
        It does more than call one layer on another, or something else in training.
    """
    if "training" not in inspect.signature(model.call).parameters:
        return _called(model, shape, {})
    always = _called(model, shape, {"training": False})
    chain = _called(model, shape, {"training": True})
    plain = [one for one in chain if not isinstance(one, ONLY_IN_TRAINING)]
    same = [one for one in always if not isinstance(one, ONLY_IN_TRAINING)]
    if len(plain) != len(same) or not all(map(_do_the_same, plain, same)):
        raise NotImplementedError(
            f"{type(model).__name__}.call calls the same layers in training and in prediction, "
            f"besides Dropout and noise. Got {_named(plain)} in training, and {_named(same)} "
            "otherwise. Call them in both: a layer knows which it is."
        )
    return chain if len(chain) >= len(always) else always


def _called(model: Any, shape: Shape, training: dict[str, bool]) -> list[Any]:
    """What one run calls."""
    who, first = f"{type(model).__name__}.call", Input(shape)
    try:
        last = model.call(first, **training)
    except TypeError as error:
        raise NotImplementedError(
            f"{who} takes x, and calls one layer on another. Got an error: {error}. {words.CALLED}"
        ) from error
    if isinstance(last, (list, tuple, dict)):
        raise NotImplementedError(
            f"{who} returns what its last layer gives. Got {short(last)}. {words.SEVERAL_OUTPUTS}"
        )
    return layers_between(first, last, words.CALLED)[1]


def _do_the_same(one: Any, other: Any) -> bool:
    """Whether two layers are one, or have no weights and the same settings: made in the `call`."""
    if are_one(one, other):
        return True
    plain = [layer for layer in (one, other) if isinstance(layer, core.Layer)]
    if len(plain) < 2 or type(one) is not type(other) or one.arrays() or other.arrays():
        return False
    described = [to_config(layer) for layer in plain]
    for layer in described:
        layer["config"]["name"] = ""
    return bool(described[0] == described[1])


def _named(chain: list[Any]) -> str:
    return ", ".join(one.name or type(one).__name__ for one in chain)


def in_attributes(whole: Any) -> Entries:
    """Return the layers and models that are attributes of a model, or stand in lists there."""
    entries: list[Any] = []
    values = [value for name, value in vars(whole).items() if name[0] != "_"]
    while values:
        value = values.pop(0)
        if isinstance(value, (list, tuple)):
            values = [*value, *values]
        elif isinstance(value, dict):
            values = [*value.values(), *values]
        elif isinstance(value, (core.Layer, models.Sequential)):
            entries.append(value)
    each = [one.layers if isinstance(one, models.Sequential) else [one] for one in entries]
    return Entries([layer for layers in each for layer in layers], entries)
