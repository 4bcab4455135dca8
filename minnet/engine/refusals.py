"""A call that is refused leaves a network as it was: not built, its generator not moved."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minnet.foundation.registry import Configurable
from minnet.foundation.undo import Before
from minnet.layers.base import attributes_of, put_back


class Undo:
    """What a `Network` was before a call, but for the numbers of its arrays.

    Parameters
    ----------
    numbers
        Whether these are kept as well: where somebody else may write to them.
    """

    def __init__(self, model: Any, *, numbers: bool = False) -> None:
        self.parts = Before(*_parts(model))
        self.numbers = (model.theta.copy(), model.state.copy()) if numbers and model.built else None
        self.model, self.built, self.input_shape = model, model.built, model.built_for
        self.rng, self.generator_state = model.rng, model.rng.bit_generator.state
        self.layers, self.attributes = model.layers, attributes_of(model.layers)
        self.columns = model.columns
        self.history, self.stop_training = model.history, model.stop_training
        self.told_of_originals = model.told_of_originals
        self.scale_checked, self.provenance = model.scale_checked, copy.deepcopy(model.provenance)

    def restore(self) -> None:
        """Put it back."""
        model = self.model
        put_back(self.layers, self.attributes)
        self.parts.put_back()
        model.rebuild_as(self.layers, self.input_shape, anew=not self.built)
        if not self.built and model.is_compiled:
            model.compiled.forget()
        model.rng, model.columns = self.rng, self.columns
        model.rng.bit_generator.state = self.generator_state
        model.history, model.stop_training = self.history, self.stop_training
        model.told_of_originals = self.told_of_originals
        model.scale_checked, model.provenance = self.scale_checked, self.provenance
        if self.numbers is not None and self.numbers[0].size == model.theta.size:
            model.theta[...], model.state[...] = self.numbers
            model.tell_written()


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
    undo = Undo(model)
    try:
        yield
    except BaseException:
        undo.restore()
        raise
