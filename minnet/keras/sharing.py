"""Layers that stand in several models at once, kept equal.

In Keras a layer that is put into a second model is the same object in both. minnet gives every
model one vector of weights, so it is a copy here, and behind this door copies of one origin are
*twins*:

- `trainable` is one flag for all of them, at once, and so is every other setting.
- After each call that writes weights or running statistics (`fit`, `train_on_batch`, `set_weights`,
  `load_weights`, `reset`, an assignment to `layer.kernel`, `adapt`, …) they hold the same numbers,
  by a copy. Within a fit that is so at the end of each epoch, before callbacks look, and after each
  step where a callback has a hook for it.
- One that is built takes the numbers of a twin that has some.

Layers become twins by `add`, or in a list. Those of `clone_model`, `copy`, `replace_head` and
pickle stay apart. Writing into a part of an array (`layer.W[0] = 1`) is no call, and nobody hears
of it: assign the whole.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Container, Iterable
from typing import Any

from minnet import models as core
from minnet.engine.building import is_found_name
from minnet.foundation.checks import Shape, batch_shape
from minnet.keras.names import refuse_keras_own
from minnet.layers import Layer


class Twins:
    """Layers of one origin. It is the follower of each, and brings to the others what one has."""

    def __init__(self) -> None:
        self._layers: list[weakref.ref[Layer]] = []
        self._telling = False

    @classmethod
    def of(cls, layer: Layer) -> Twins:
        """Return those of a layer, which may be alone so far."""
        twins = layer.follower
        if not isinstance(twins, Twins):
            twins = cls()
            twins.join(layer)
        return twins

    def join(self, layer: Layer) -> None:
        """Let a layer be one of them."""
        layer.follower = self
        self._layers.append(weakref.ref(layer))

    def others(self, layer: Layer) -> list[Layer]:
        """Return the twins of a layer, without it."""
        self._layers = [known for known in self._layers if known() is not None]
        alive = [known() for known in self._layers]
        return [one for one in alive if one is not None and one is not layer]

    def __call__(self, layer: Layer, name: str) -> None:
        """Hear of what was set or written, and bring it to the others."""
        if self._telling:  # they tell of what they are given
            return
        self._telling = True
        try:
            if name == "built":
                self._take_numbers(layer)
            else:
                for other in self.others(layer):
                    if name == "weights":
                        copy_numbers(layer, other)
                    else:
                        setattr(other, name, getattr(layer, name))
        finally:
            self._telling = False

    def _take_numbers(self, layer: Layer) -> None:
        """Give a layer that was just built the numbers of a twin that has some."""
        for other in self.others(layer):
            if other.built and other.arrays():
                if not copy_numbers(other, layer):
                    raise ValueError(
                        f"{layer.label} is one layer in several models, and takes x of shape "
                        f"{batch_shape(other.built_for or ())}, for which it was built in another. "
                        f"Got {batch_shape(layer.built_for or ())}. Make a layer of its own here."
                    )
                return


def copy_numbers(source: Layer, target: Layer) -> bool:
    """Copy all arrays of a layer into another; return whether they have the same shapes."""
    given, arrays = source.arrays(), target.arrays()
    if [array.shape for array in given.values()] != [array.shape for array in arrays.values()]:
        return False
    for name, array in arrays.items():
        array[...] = given[name]
    return True


def _origin(layer: Any) -> int:
    """Return a number that twins have in common."""
    twins = getattr(layer, "follower", None)
    return id(twins if isinstance(twins, Twins) else layer)


def are_one(one: Any, other: Any) -> bool:
    """Whether two layers are the same, or twins."""
    return one is other or _origin(one) == _origin(other)


class SharesLayers(core.Sequential):
    """A model whose layers may stand in other models as well, as twins."""

    def add_all(self, layers: Iterable[Any]) -> None:
        """Put layers on top of the stack; one that has a twin in it is in it already."""
        new = list(layers)
        origins = {_origin(layer) for layer in self.layers}
        for layer in new:
            refuse_keras_own(layer, "A model's list of layers")
            if isinstance(layer, Layer) and _origin(layer) in origins:
                raise ValueError(
                    f"{layer.label} is in this model already, and a layer has one place. "
                    "Add a copy: layer.copy(), under another name."
                )
            origins.add(_origin(layer))
        super().add_all(new)

    def take_copy(self, layer: Layer) -> Layer:
        """Return a twin of a layer of another model."""
        new = layer.copy()
        new.origin = f"shared with {layer.owner}"
        Twins.of(layer).join(new)
        return new

    def find_name(self, layer: Layer, number: int, taken: Container[str | None]) -> str:
        """Return a name for a layer: one that its user gave gets a number where it is taken."""
        if layer.name is None or is_found_name(layer):
            layer.named_by_model = True
            return super().find_name(layer, number, taken)
        stem = re.sub(r"_\d+$", "", layer.name) if layer.named_by_model else layer.name
        number = 1
        while f"{stem}_{number}" in taken:
            number += 1
        return f"{stem}_{number}"

    def find_input_shape(self) -> Shape | None:
        """Return what the first layer is built for in another model."""
        first = next(iter(self.layers), None)
        if first is None or not isinstance(first.follower, Twins):
            return None
        others = first.follower.others(first)
        return next((one.built_for for one in others if one.built_for is not None), None)
