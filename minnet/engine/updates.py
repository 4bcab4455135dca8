"""What an optimizer remembers of a model, and which parts of `theta` it moves.

An optimizer is a formula and its hyper-parameters. The slots that it needs (Adam's m and v, …) and
the count of updates belong to the model and are kept here, in `theta`'s layout. Adjacent trainable
layers with the same rate and the same count form one *group*, which is updated by one call for each
piece of theta that fits the processor's cache.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.borders import first_update
from minnet.engine.plan import Plan
from minnet.engine.vectors import ParameterVectors
from minnet.foundation.checks import Array
from minnet.layers.base import Layer
from minnet.optimizers import Optimizer
from minnet.optimizers.base import USUAL_NAMES

CACHE_NUMBERS = 65536
"""Numbers to a piece of theta, 256 KB in float32: the processor's caches hold them, and the work on
them outweighs the calls."""

CLEAR_EVERY = 64
"""Updates between two looks at the slots for numbers that are too small; see `clear_subnormal`."""

Rate = Callable[[int], float]
"""Number of the update (from 0) → learning rate."""


class Piece(NamedTuple):
    """A part of theta with everything that belongs to it."""

    theta: Array
    grad: Array
    slots: tuple[Array, ...]
    scratch: Array
    decaying: tuple[Array, ...]  # those parts of theta that weight decay acts on


class UpdateGroup(NamedTuple):
    """Adjacent trainable layers that are updated together."""

    names: tuple[str, ...]
    rate: Rate | None  # None: the optimizer's own
    grad: Array
    arrays: tuple[Array, ...]  # grad again, array by array, each as one row of numbers
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
    slices
        Layer name → its numbers in theta.
    rates
        Layer name → a rate of its own for the fit that is running.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.slots: dict[str, Array] = {}
        self.counts: dict[str, int] = {}
        self.iterations = 0
        self.rates: dict[str, Rate] = {}
        self.slices: dict[str, slice] = {}
        # whose slots these are, and how often that layer had been frozen or unfrozen
        self._owners: dict[str, tuple[Layer, int]] = {}
        self._plan: Plan | None = None  # that of the groups, whose rates were these
        self._grouped_rates: dict[str, Rate] = {}
        self._tried = False  # whether one update of the optimizer was looked at
        self._excluded: tuple[str, ...] = ()
        self._rates_set = optimizer.rates_set
        self._key: tuple[Any, ...] | None = None  # the layout's vector and what else it hangs on
        self._groups: tuple[UpdateGroup, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        # The groups are views into a theta that is not copied; rates belong to the fit under way.
        left_out: dict[str, Any] = {
            "_plan": None,
            "_key": None,
            "_groups": (),
            "rates": {},
            "_grouped_rates": {},
        }
        return {**vars(self), **left_out}

    def take_rates(self, rates: dict[str, Rate]) -> None:
        """Let these rates, by layer, hold until somebody sets the optimizer's."""
        self.rates, self._rates_set = rates, self.optimizer.rates_set

    def drop_outdated_rates(self) -> None:
        """Let the optimizer's rate hold where it was set after these were taken."""
        if self.rates and self._rates_set != self.optimizer.rates_set:
            self.rates = {}

    def constant_rate(self, layers: Sequence[Layer]) -> float | None:
        """Return the one rate of these layers, if it is one number; None for a schedule or several.

        A layer without a rate of its own has the optimizer's.
        """
        self.drop_outdated_rates()
        rate = self.optimizer.learning_rate
        common = rate if isinstance(rate, float) else None
        numbers = {
            getattr(self.rates[layer.label], "constant", None)
            if layer.label in self.rates
            else common
            for layer in layers
        } or {common}
        return numbers.pop() if len(numbers) == 1 else None

    def set_counts(self, counts: dict[str, int], iterations: int) -> None:
        """Go on from these counts of updates, by layer and altogether."""
        self.counts, self.iterations = counts, iterations
        self._plan = self._key = None

    def groups(self, plan: Plan, vectors: ParameterVectors) -> tuple[UpdateGroup, ...]:
        """Return what one update moves, worked out anew when a layer was frozen or added."""
        optimizer = self.optimizer
        if self.rates and self._rates_set != optimizer.rates_set:
            self.drop_outdated_rates()
        excluded = optimizer.excluded_from_weight_decay
        if (
            plan is not self._plan
            or self.rates != self._grouped_rates
            or excluded is not self._excluded
        ):
            theta, rates = vectors.theta, dict(self.rates)
            self._excluded = excluded
            key = (theta, [layer.freeze_count for layer in plan.layers], rates, excluded)
            known = self._key  # holds theta itself: an id may be another's later
            if known is None or theta is not known[0] or key[1:] != known[1:]:
                check_excluded(plan.layers, optimizer)
                self._realign_slots(plan.layers, theta)
                self._groups = tuple(self._find_groups(plan.layers, theta, vectors.grad))
            self._plan, self._grouped_rates, self._key = plan, rates, key
        return self._groups

    def apply(self, groups: tuple[UpdateGroup, ...]) -> None:
        """Update these groups once: all that is trainable."""
        optimizer = self.optimizer
        rates = [(group.rate or optimizer.rate)(self.iterations) for group in groups]
        if optimizer.global_clipnorm is not None:
            clip([group.grad for group in groups], optimizer.global_clipnorm)
        elif optimizer.clipnorm is not None:
            for group in groups:
                for array in group.arrays:
                    clip([array], optimizer.clipnorm)
        elif optimizer.clipvalue is not None:
            for group in groups:
                clip_values(group.grad, optimizer.clipvalue)
        decays, counts, update = optimizer.weight_decay > 0.0, self.counts, optimizer.update
        if not self._tried:
            self._tried, update = True, first_update(optimizer)
        if decays:
            for learning_rate in rates:
                optimizer.check_decay(learning_rate)
        for learning_rate, (names, _, _, _, pieces) in zip(rates, groups, strict=True):
            t = counts[names[0]] + 1
            for theta, gradient, slots, scratch, decaying in pieces:
                if decays:
                    for theta_of_weight in decaying:
                        optimizer.decay(theta_of_weight, learning_rate)
                update(theta, gradient, slots, t, learning_rate, scratch)
            for name in names:
                counts[name] = t
        self.iterations += 1
        if self.iterations % CLEAR_EVERY == 0:
            for values in self.slots.values():
                clear_subnormal(values)

    def _realign_slots(self, layers: Sequence[Layer], theta: Array) -> None:
        """Give the slots theta's present layout; what is new or was frozen starts afresh."""
        old_slices, old_slots = self.slices, self.slots
        self.slices = slices_by_layer(layers)
        self.slots = {
            slot: np.full(theta.size, self.optimizer.initial(slot), theta.dtype)
            for slot in self.optimizer.slots
        }
        counts = dict.fromkeys(self.slices, 0)
        owners = {layer.label: (layer, layer.freeze_count) for layer in layers}
        for name, rows in self.slices.items():
            old_rows = old_slices.get(name)
            if old_rows is None or _size(old_rows) != _size(rows):
                continue
            layer, freeze_count = self._owners.get(name, (None, 0))
            if layer is not owners[name][0] or freeze_count != owners[name][1]:
                continue
            counts[name] = self.counts.get(name, 0)
            for slot, values in self.slots.items():
                values[rows] = old_slots[slot][old_rows]
        self.counts, self._owners = counts, owners

    def _find_groups(
        self, layers: Sequence[Layer], theta: Array, grad: Array
    ) -> Iterator[UpdateGroup]:
        group: list[Layer] = []
        for layer in [layer for layer in layers if layer.parameters]:
            if group and not (layer.trainable and self._alike(group[-1], layer)):
                yield self._group(group, theta, grad)
                group = []
            if layer.trainable:
                group.append(layer)
        if group:
            yield self._group(group, theta, grad)

    def _alike(self, a: Layer, b: Layer) -> bool:
        return self.counts[a.label] == self.counts[b.label] and self.rates.get(
            a.label
        ) == self.rates.get(b.label)

    def _group(self, layers: list[Layer], theta: Array, grad: Array) -> UpdateGroup:
        names = tuple(layer.label for layer in layers)
        start, stop = self.slices[names[0]].start, self.slices[names[-1]].stop
        slots = [self.slots[slot] for slot in self.optimizer.slots]
        count = max(1, math.ceil((stop - start) / CACHE_NUMBERS))
        edges = [start + (stop - start) * i // count for i in range(count + 1)]
        scratch = np.empty(-(-(stop - start) // count), theta.dtype)
        decaying = [(start, stop)]
        if self._excluded:
            decaying = decaying_ranges(layers, start, self.optimizer.decays)
        pieces = tuple(
            Piece(
                theta[a:b],
                grad[a:b],
                tuple(values[a:b] for values in slots),
                scratch[: b - a],
                tuple(theta[max(a, c) : min(b, d)] for c, d in decaying if max(a, c) < min(b, d)),
            )
            for a, b in itertools.pairwise(edges)
        )
        arrays = tuple(
            gradient.reshape(-1) for layer in layers for gradient in layer.gradients().values()
        )
        return UpdateGroup(names, self.rates.get(names[0]), grad[start:stop], arrays, pieces)


def clear_subnormal(values: Array) -> None:
    """Set to 0, in place, what is below the dtype's smallest normal number (1.2e-38 in float32).

    Where a gradient is 0 for long, as at a pixel that is mostly black or in a ReLU that is dead,
    what an optimizer remembers shrinks by β with each update, but never reaches 0: 0.9 times the
    smallest number there is rounds to itself. Most processors compute with such numbers many times
    more slowly, and as part of a step they change nothing.
    """
    np.copyto(values, 0.0, where=np.abs(values) < np.finfo(values.dtype).tiny)


def slices_by_layer(layers: Sequence[Layer]) -> dict[str, slice]:
    """Return each layer's numbers in theta, by name, for layers with weights."""
    slices, start = {}, 0
    for layer in layers:
        size = sum(int(getattr(layer, name).size) for name in layer.parameters)
        if layer.parameters:
            slices[layer.label] = slice(start, start + size)
        start += size
    return slices


def check_excluded(layers: Sequence[Layer], optimizer: Optimizer) -> None:
    """Refuse names that are excluded from weight decay and are no weight's."""
    weights = [(layer.label, name) for layer in layers for name in layer.parameters]
    for pattern in optimizer.excluded_from_weight_decay:
        named = any(optimizer.is_named(pattern, *weight) for weight in weights)
        if not named and pattern not in USUAL_NAMES:
            raise ValueError(
                "exclude_from_weight_decay takes names of weights. Got "
                f"{pattern!r}. Weights: {', '.join(f'{a}.{b}' for a, b in weights)}."
            )


def decaying_ranges(
    layers: Sequence[Layer], start: int, decays: Callable[[str, str], bool]
) -> list[tuple[int, int]]:
    """Return which numbers of theta decay, of adjacent layers that begin at a number.

    Parameters
    ----------
    decays
        Whether the weight of this layer and this name does.
    """
    ranges = []
    for layer in layers:
        for name in layer.parameters:
            stop = start + int(getattr(layer, name).size)
            if decays(layer.label, name):
                ranges.append((start, stop))
            start = stop
    return ranges


def _size(numbers: slice) -> int:
    size: int = numbers.stop - numbers.start
    return size


def norm(gradients: Sequence[Array]) -> float:
    """Return ‖g‖ over these vectors together."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = math.sqrt(sum(float(np.dot(g, g)) for g in gradients))
        if size < math.inf:
            return size
        # The squares are beyond the dtype's numbers: divide by the largest before squaring.
        largest = max(float(np.abs(g).max()) for g in gradients)
        scaled = [g / largest for g in gradients]
        return largest * math.sqrt(sum(float(np.dot(g, g)) for g in scaled))


def clip(gradients: Sequence[Array], largest: float) -> None:
    """Scale these vectors to g · c / ‖g‖ where their norm together is above c."""
    size = norm(gradients)
    if size > largest:
        for g in gradients:
            np.multiply(g, largest / size, out=g)


def clip_values(gradient: Array, largest: float) -> None:
    """Cut every number off at −c and c; what is not finite stays so, to be seen."""
    np.clip(gradient, -largest, largest, out=gradient, where=np.isfinite(gradient))
