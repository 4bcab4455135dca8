"""Keras' `Model`: the layers that were called one on another, from an input to an output.

A model is a stack here, so what lies between the two has to be a chain: each layer is called on
what one other gives. Several models may be made of one chain, such as an autoencoder and its
encoder: layers that stand in both are one (see `sharing`).
"""

from __future__ import annotations

from typing import Any

from minnet.foundation.checks import Array, short
from minnet.keras import words
from minnet.keras.layers import Input
from minnet.keras.nesting import Entries, HoldsModels
from minnet.keras.sharing import are_one
from minnet.keras.variables import Symbolic, sample_shape


class BeginsWithInput(HoldsModels):
    """A stack whose first entry is its `Input`, as in a model of Keras that is no `Sequential`."""

    _begins: Input | None = None

    @property
    def counts_input(self) -> bool:
        """Whether its first entry is an `Input`; set when it is read from a file that says so."""
        return self._begins is not None

    @counts_input.setter
    def counts_input(self, value: bool) -> None:
        self.begin_with(Input(self.input_shape))

    def begin_with(self, first: Input) -> None:
        """Take the `Input` that the layers were called on."""
        self._begins = first
        first.models.add(self)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the `Input` out: a copy is a plain stack."""
        return {name: value for name, value in super().__getstate__().items() if name != "_begins"}

    @property
    def layers(self) -> Any:
        """The `Input` and what was put on it; going through them leaves the `Input` out."""
        layers = super().layers
        if self._begins is None:
            return layers
        return Entries(list(layers), [self._begins, *layers[:]])


class Views:
    """Several outputs of a stack, to look at: `predict` gives a list of arrays.

    Parameters
    ----------
    models
        One for each output.
    """

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> list[Array]:
        """The outputs for x, (N, …) each."""
        return [model.predict(x, batch_size) for model in self.models]

    def __call__(self, x: Any, training: bool | None = False) -> list[Any]:
        return [model(x, training=training) for model in self.models]

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_":
            raise AttributeError(f"{type(self).__name__} has no {name}.")
        return words.Missing(f"{name} of a model with several outputs", words.SEVERAL_OUTPUTS)


class Part(words.Missing):
    """`Model`: called, what lies between an input and an output; derived from, a class by `call`.

    Parameters
    ----------
    name, sentence
        See `words.Missing`.
    kind
        The class of the models that it makes.
    known
        Of which class is what counts as a `Model`.
    below
        What a class derives from that derives from `Model`.
    """

    def __init__(self, name: str, sentence: str, kind: Any, known: Any, below: Any) -> None:
        super().__init__(name, sentence)
        self._kind, self._known, self._below = kind, known, below

    def __mro_entries__(self, bases: Any) -> Any:
        return (self._below,)

    def __call__(self, inputs: Any = None, outputs: Any = None, name: str | None = None) -> Any:
        """Return the layers from one to another, shared with where they stand.

        `Model(model.input, model.get_layer("code").output)` predicts the output of that layer.
        """
        if inputs is None or outputs is None:
            self._refuse()
        if isinstance(outputs, (list, tuple)) and len(outputs) > 1:
            return Views([self(inputs, output) for output in outputs])
        first, between = layers_between(inputs, outputs, self._sentence)
        model = self._kind([Input(sample_shape(first)), *between], name=name)
        model.begin_with(first)
        return model

    def from_config(self, config: Any) -> Any:
        """Return the model that `get_config` described, with fresh weights."""
        return self._known.from_config(config)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._known)


def layers_between(inputs: Any, outputs: Any, sentence: str) -> tuple[Input, list[Any]]:
    """Return the `Input` of a model, and the layers from there to an output.

    Raises
    ------
    NotImplementedError
        No chain of layers leads there.
    """
    first, last = _end(inputs), _end(outputs)
    between = None if first is None or last is None else _between(first, last)
    if not between:
        given = f"{short(inputs)} and {short(outputs)}"
        raise NotImplementedError(
            f"Model takes an Input, and what layers on top of it give. Got {given}. {sentence}"
        )
    return first if isinstance(first, Input) else Input(sample_shape(first)), between


def _end(value: Any) -> Any:
    """An `Input`, or the input or output of something; None for anything else."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, (Symbolic, Input)) else None


def _between(first: Any, last: Any) -> list[Any] | None:
    """Layers and models from one end to the other; None where no chain leads there."""
    above: list[Any] = []
    while not _is_same(first, last):
        if isinstance(last, Input):
            return None
        if last.below is None:
            wholes = [*_wholes(first), *_wholes(last)]
            inside = [_within(whole, first, last) for whole in wholes]
            below = next((layers for layers in inside if layers is not None), None)
            return None if below is None else [*below, *above]
        above.insert(0, last.source)
        last = last.below
    return above


def _is_same(one: Any, other: Any) -> bool:
    """Whether two ends are one, such as `model.input`, asked for twice."""
    if one is other:
        return True
    if isinstance(one, Input) or isinstance(other, Input):
        begins, end = (one, other) if isinstance(one, Input) else (other, one)
        return (
            isinstance(end, Symbolic)
            and end.side == "input"
            and any(end.source is model for model in begins.models)
        )
    return (one.source, one.side, one.below) == (other.source, other.side, other.below)


def _wholes(first: Any) -> list[HoldsModels]:
    """The models that begin at an end, or that it stands in."""
    if isinstance(first, Input):
        return list(first.models)
    return [first.source] if isinstance(first.source, HoldsModels) else []


def _within(whole: HoldsModels, first: Any, last: Symbolic) -> list[Any] | None:
    """The layers of a model from one end to the other; None where it is no part of it."""
    stack = list(whole.layers)
    start, end = _position(whole, stack, first), _position(whole, stack, last)
    if start is None or end is None or start >= end:
        return None
    return stack[start:end]


def _position(whole: HoldsModels, stack: list[Any], end: Any) -> int | None:
    """How many layers of a model lie below an input or an output; None where it is not in it."""
    if isinstance(end, Input):
        return 0 if whole in end.models else None
    if end.source is whole:
        return 0 if end.side == "input" else len(stack)
    below = next((i for i, layer in enumerate(stack) if are_one(layer, end.source)), None)
    return below if below is None or end.side == "input" else below + 1
