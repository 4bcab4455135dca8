"""What an optimizer remembers of a model, and which parts of `theta` it moves.

An optimizer is a formula and its hyper-parameters. The slots that it needs (Adam's G and S, …) and
the count of updates belong to the model and are kept here, in `theta`'s layout. Adjacent trainable
layers with the same rate and the same count form one *run* of theta, which is updated by one call,
in pieces that fit the processor's cache.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Layer
from minnet.optimizers import Optimizer

PIECE = 65536
"""Numbers to a piece, 256 KB in float32: the processor's caches hold them, and the work on them
outweighs the calls."""

Rate = Callable[[int], float]
"""Number of the update (from 0) → learning rate."""


class Piece(NamedTuple):
    """A part of theta with everything that belongs to it."""

    theta: Array
    grad: Array
    slots: tuple[Array, ...]
    scratch: Array


class Run(NamedTuple):
    """Adjacent trainable layers that are updated together."""

    names: tuple[str, ...]
    rate: Rate | None  # None: the optimizer's own
    grad: Array
    pieces: tuple[Piece, ...]


class Updates:
    """The slots and step counts of one model under one optimizer.

    Parameters
    ----------
    optimizer
        The formula.

    Attributes
    ----------
    slots
        Slot name → (P,) array in theta's layout.
    counts
        Layer name → updates that this layer has had since it was last unfrozen; Adam's bias
        correction counts with it.
    iterations
        Updates since `compile`; learning-rate schedules count with it.
    rates
        Layer name → a rate of its own for the fit that is running.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.slots: dict[str, Array] = {}
        self.counts: dict[str, int] = {}
        self.iterations = 0
        self.rates: dict[str, Rate] = {}
        self._layout: dict[str, slice] = {}
        self._known: dict[str, tuple[Layer, int]] = {}  # whose slots these are, how often switched
        self._key: object = None
        self._runs: tuple[Run, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        # The runs are views into a theta that is not copied; rates belong to the fit under way.
        return {**self.__dict__, "_key": None, "_runs": (), "rates": {}}

    def forget_runs(self) -> None:
        """Let `runs` work them out anew, after counts were set from outside."""
        self._key = None

    def runs(self, layers: list[Layer], theta: Array, grad: Array) -> tuple[Run, ...]:
        """What one update moves, worked out anew when a layer was frozen, unfrozen or added."""
        key = (id(theta), [layer._switches for layer in layers], self.rates)
        if key != self._key:
            self._lay_out(layers, theta)
            self._runs = tuple(self._find_runs(layers, theta, grad))
            self._key = (*key[:2], dict(self.rates))
        return self._runs

    def apply(self, runs: tuple[Run, ...]) -> None:
        """One update of these runs: all that is trainable."""
        optimizer = self.optimizer
        rates = [(run.rate or optimizer.rate)(self.iterations) for run in runs]
        if optimizer.global_clipnorm is not None:
            clip(runs, optimizer.global_clipnorm)
        decays, counts = optimizer.weight_decay > 0.0, self.counts
        for learning_rate, (names, _, _, pieces) in zip(rates, runs, strict=True):
            t = counts[names[0]] + 1
            for part, gradient, slots, scratch in pieces:
                if decays:
                    optimizer.decay(part, learning_rate)
                optimizer.update(part, gradient, slots, t, learning_rate, scratch)
            for name in names:
                counts[name] = t
        self.iterations += 1

    def _lay_out(self, layers: list[Layer], theta: Array) -> None:
        """Give the slots theta's present layout; what is new or was frozen starts afresh."""
        old_layout, old_slots = self._layout, self.slots
        self._layout = layout(layers)
        self.slots = {
            slot: np.full(theta.size, self.optimizer.initial(slot), theta.dtype)
            for slot in self.optimizer.slots
        }
        counts = dict.fromkeys(self._layout, 0)
        known = {layer.label: (layer, layer._switches) for layer in layers}
        for name, place in self._layout.items():
            before = old_layout.get(name)
            layer, switches = self._known.get(name, (None, 0))
            kept = layer is known[name][0] and switches == known[name][1]
            if before is None or not kept or _size(before) != _size(place):
                continue
            counts[name] = self.counts.get(name, 0)
            for slot, values in self.slots.items():
                values[place] = old_slots[slot][before]
        self.counts, self._known = counts, known

    def _find_runs(self, layers: list[Layer], theta: Array, grad: Array) -> Iterator[Run]:
        group: list[Layer] = []
        for layer in [layer for layer in layers if layer.weights]:
            if group and not (layer.trainable and self._alike(group[-1], layer)):
                yield self._run(group, theta, grad)
                group = []
            if layer.trainable:
                group.append(layer)
        if group:
            yield self._run(group, theta, grad)

    def _alike(self, a: Layer, b: Layer) -> bool:
        return self.counts[a.label] == self.counts[b.label] and self.rates.get(
            a.label
        ) == self.rates.get(b.label)

    def _run(self, group: list[Layer], theta: Array, grad: Array) -> Run:
        names = tuple(layer.label for layer in group)
        start, stop = self._layout[names[0]].start, self._layout[names[-1]].stop
        slots = [self.slots[slot] for slot in self.optimizer.slots]
        count = max(1, math.ceil((stop - start) / PIECE))
        edges = [start + (stop - start) * i // count for i in range(count + 1)]
        scratch = np.empty(-(-(stop - start) // count), theta.dtype)
        pieces = tuple(
            Piece(theta[a:b], grad[a:b], tuple(values[a:b] for values in slots), scratch[: b - a])
            for a, b in itertools.pairwise(edges)
        )
        return Run(names, self.rates.get(names[0]), grad[start:stop], pieces)


def layout(layers: list[Layer]) -> dict[str, slice]:
    """Layer name → its part of theta, for layers with weights."""
    places, start = {}, 0
    for layer in layers:
        size = sum(int(getattr(layer, name).size) for name in layer.weights)
        if layer.weights:
            places[layer.label] = slice(start, start + size)
        start += size
    return places


def _size(place: slice) -> int:
    size: int = place.stop - place.start
    return size


def norm(runs: tuple[Run, ...]) -> float:
    """‖g‖ over all that is trainable."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = math.sqrt(sum(float(np.dot(run.grad, run.grad)) for run in runs))
        if size < math.inf:
            return size
        # The squares are beyond the dtype's numbers: divide by the largest before squaring.
        largest = max(float(np.abs(run.grad).max()) for run in runs)
        parts = [run.grad / largest for run in runs]
        return largest * math.sqrt(sum(float(np.dot(part, part)) for part in parts))


def clip(runs: tuple[Run, ...], largest: float) -> None:
    """Scale the gradient to g · c / ‖g‖ where its norm is above c."""
    size = norm(runs)
    if size > largest:
        for run in runs:
            np.multiply(run.grad, largest / size, out=run.grad)
