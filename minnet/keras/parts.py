"""Keras' `Model`, of which minnet has one use: a part of a stack, from one layer to another."""

from __future__ import annotations

from typing import Any

from minnet.foundation.checks import Shape
from minnet.keras import words
from minnet.keras.layers import Input
from minnet.keras.nesting import HoldsModels
from minnet.keras.variables import Symbolic
from minnet.layers import Layer


class Part(words.Missing):
    """`Model`: called, a part of a stack; anything else that it is in Keras is not here.

    Parameters
    ----------
    name, sentence
        See `words.Missing`.
    kind
        The class of the models that it makes.
    """

    def __init__(self, name: str, sentence: str, kind: type[HoldsModels]) -> None:
        super().__init__(name, sentence)
        self._kind = kind

    def __call__(self, inputs: Any = None, outputs: Any = None, name: str | None = None) -> Any:
        """Return the layers from one to another of a stack, shared with it.

        `Model(model.input, model.get_layer("code").output)` predicts the output of that layer.
        """
        first, last = _end(inputs), _end(outputs)
        models = [_model_of(one) for one in (first, last)]
        whole = next((model for model in models if model is not None), None)
        inside = None if whole is None else _reach(whole, first, last)
        if inside is None:
            self._refuse()
        shape, layers = inside
        return self._kind([Input(shape), *layers], name=name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._kind)


def _end(value: Any) -> Symbolic | None:
    """The input or the output of something; None for anything else."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Symbolic) else None


def _model_of(end: Symbolic | None) -> HoldsModels | None:
    source = None if end is None else end.source
    return source if isinstance(source, HoldsModels) else None


def _reach(
    whole: HoldsModels, first: Symbolic | None, last: Symbolic | None
) -> tuple[Shape, list[Layer]] | None:
    """The shape that comes into a part of a model, and its layers; None where it is no part."""
    stack = list(whole.layers)
    start, end = _position(whole, stack, first), _position(whole, stack, last)
    if start is None or end is None or start >= end:
        return None
    shape = whole.input_shape
    for layer in stack[:start]:
        shape = layer.compute_output_shape(shape)
    return shape, stack[start:end]


def _position(whole: HoldsModels, stack: list[Layer], end: Symbolic | None) -> int | None:
    """How many layers of a model lie below an input or an output; None where it is not in it."""
    if end is None:
        return None
    if end.source is whole:
        return 0 if end.side == "input" else len(stack)
    below = next((i for i, layer in enumerate(stack) if layer is end.source), None)
    return below if below is None or end.side == "input" else below + 1
