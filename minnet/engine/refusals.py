"""A call that is refused leaves a network as it was: not built, its generator not moved."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minnet.foundation.registry import Configurable
from minnet.foundation.undo import Before, attributes_before
from minnet.layers.base import attributes_of, put_back


class Undo:
    """What a call that minnet's own classes make changes of a `Network` before its first update.

    Parameters
    ----------
    model
        Built.
    rng
        Another generator that the call draws from, if there is one.
    """

    def __init__(self, model: Any, rng: np.random.Generator | None = None) -> None:
        self.model, self.rng, self.columns = model, model.rng, model.columns
        self.history, self.stop_training = model.history, model.stop_training
        self.warned = model.told_of_originals, model.scale_checked
        bits = [one.bit_generator for one in (model.rng, rng) if one is not None]
        self.generator_states = [(one, one.state) for one in bits]

    def restore(self) -> None:
        """Put it back."""
        model = self.model
        model.rng, model.columns = self.rng, self.columns
        model.history, model.stop_training = self.history, self.stop_training
        model.told_of_originals, model.scale_checked = self.warned
        for bits, state in self.generator_states:
            bits.state = state


class UndoAll(Undo):
    """The same of a model that is not built, or where a user's own code runs: all of it.

    Parameters
    ----------
    callbacks
        Who may write to arrays, so that their numbers are kept as well, and remember things.
    """

    def __init__(
        self, model: Any, rng: np.random.Generator | None = None, callbacks: Sequence[Any] = ()
    ) -> None:
        super().__init__(model, rng)
        self.parts, self.put_callbacks_back = Before(*_parts(model)), attributes_before(*callbacks)
        both = callbacks and model.built
        self.numbers = (model.theta.copy(), model.state.copy()) if both else None
        self.built, self.input_shape = model.built, model.built_for
        self.layers, self.attributes = model.layers, attributes_of(model.layers)
        self.provenance = copy.deepcopy(model.provenance)

    def restore(self) -> None:
        """Put it back."""
        model = self.model
        put_back(self.layers, self.attributes)
        self.parts.put_back()
        model.rebuild_as(self.layers, self.input_shape, anew=not self.built)
        if not self.built and model.is_compiled:
            model.compiled.forget()
        super().restore()
        model.provenance = self.provenance
        if self.numbers is not None and self.numbers[0].size == model.theta.size:
            model.theta[...], model.state[...] = self.numbers
            model.tell_written()
        self.put_callbacks_back()


def _parts(model: Any) -> list[Any]:
    """What has settings besides the layers: optimizer, loss, metrics, penalties, activations."""
    inside = [value for layer in model.layers for value in vars(layer).values()]
    parts = [value for value in inside if isinstance(value, Configurable)]
    compiled = [model.optimizer, model.loss, *model.metrics] if model.is_compiled else []
    return [*parts, *compiled]


@contextmanager
def unchanged_where_refused(model: Any) -> Iterator[None]:
    """Put a `Network` back where what is done inside raises, so that the call leaves no trace."""
    if model.built:
        draws = model.plan().changes_in_training  # dropout moves the generator
        rng, state = model.rng, model.rng.bit_generator.state if draws else None
        try:
            yield
        except BaseException:
            if state is not None:
                rng.bit_generator.state = state
            raise
        return
    undo = UndoAll(model)
    try:
        yield
    except BaseException:
        undo.restore()
        raise
