"""A model inside a model: its layers are put in one by one, and counted as one.

Keras keeps the inner model as an entry of the outer one's list. Here the layers of both are one
stack, those of the inner model as twins (see `sharing`), so that each step, plan and file of minnet
is that of a stack. `model.layers[0]`, `len(model.layers)`, `pop` and `get_layer` count as Keras
does, so that `model.layers[0].trainable = False` freezes the whole inner model; going through
`model.layers` goes through all layers. A copy, and a model from a file, is a plain stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from minnet import models as core
from minnet.engine.selection import Layers
from minnet.foundation.checks import Array
from minnet.keras.sharing import SharesLayers
from minnet.layers import Layer


class Inner(NamedTuple):
    """A model that was put into another, and the layers that stand there for its own."""

    model: core.Sequential
    layers: list[Layer]


class Entries(Layers):
    """All layers of a model, to go through; counted and indexed as Keras does, by entries."""

    def __init__(self, layers: Iterable[Layer], entries: list[Any]) -> None:
        super().__init__(layers)
        self._entries = entries

    def __getitem__(self, i: Any) -> Any:
        return self._entries[i]

    def __len__(self) -> int:
        return len(self._entries)


class HoldsModels(SharesLayers):
    """A model that takes models as it takes layers."""

    _inner: tuple[Inner, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the inner models out: the layers of a copy have no twins in them."""
        return {name: value for name, value in super().__getstate__().items() if name != "_inner"}

    @property
    def layers(self) -> list[Layer]:
        """What was added, in order; a copy of the list."""
        layers, entries = super().layers, []
        if not self._inner:
            return layers
        models = {id(inner.layers[0]): inner for inner in self._inner}
        left = list(layers)
        while left:
            inner = models.get(id(left[0]))
            entries.append(left[0] if inner is None else inner.model)
            del left[: 1 if inner is None else len(inner.layers)]
        return Entries(layers, entries)

    def add_all(self, layers: Iterable[Any]) -> None:
        """Put layers on top of the stack, and those of models in their places."""
        flat: list[Any] = []
        came: list[tuple[core.Sequential, slice]] = []
        for one in layers:
            if isinstance(one, core.Sequential):
                if hasattr(one, "call") and not one.built:
                    raise ValueError(
                        f"{one.name} knows its layers when it has run its call. Got it before. "
                        f"Build it first: {one.name}.build((None, D)), for D inputs."
                    )
                own = list(one.layers)
                came.append((one, slice(len(flat), len(flat) + len(own))))
                flat += own
            else:
                flat.append(one)
        super().add_all(flat)
        stack = list(self.layers)
        added = sum(isinstance(one, Layer) for one in flat)
        start = len(stack) - added - (len(flat) - added)  # an Input is no layer, and comes first
        for model, at in came:
            if own := stack[start + at.start : start + at.stop]:
                self._inner = (*self._inner, Inner(model, own))

    def pop(self) -> Any:
        """Take the top entry off and return it: a layer, or a whole model."""
        if not self._inner or self._inner[-1].layers[-1] is not list(self.layers)[-1]:
            return super().pop()
        *others, inner = self._inner
        self._inner = tuple(others)
        for _ in inner.layers:
            super().pop()
        return inner.model

    def require_trainable(self, flags: Sequence[bool] | None = None) -> None:
        """Raise where a training would change nothing, or leave out what an inner model got."""
        for inner in self._inner:
            there, here = len(list(inner.model.layers)), len(inner.layers)
            if there != here:
                raise ValueError(
                    f"{inner.model.name!r} had {here} layers when it was put into {self.name!r}. "
                    f"Got {there} since. Put it in when it is whole: pop it, and add it again."
                )
        super().require_trainable(flags)

    def get_layer(self, name: Any) -> Any:
        """The layer, or the inner model, of this name or of this index among the entries."""
        entries = self.layers
        counted = isinstance(entries, Entries) and isinstance(name, int)
        if counted and -len(entries) <= name < len(entries):
            return entries[name]
        named = [inner.model for inner in self._inner if inner.model.name == name]
        return named[0] if named else super().get_layer(name)

    def features(self, x: Any, upto: Any = None) -> Array:
        """The input of the head, or the output of a layer or an inner model."""
        named = [inner.layers[-1].name for inner in self._inner if inner.model.name == upto]
        return super().features(x, named[0] if named else upto)
