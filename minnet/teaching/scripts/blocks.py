"""A weight of a student's program, what the program says its gradient is, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.values import is_numeric

TOLERANCE = 2e-5
"""Of the largest entry of a block; central differences are good to about 1e-8."""

BY_A_KINK = 0.55
"""Of the change of slope inside a step: a kink there moves a central difference by half of it."""


@dataclass
class Block:
    """A weight, what the program says its gradient is, and what was measured.

    Attributes
    ----------
    path, label
        Its expression in the program, and the short name.
    entries
        The flat indices that were measured.
    measured
        The slopes there.
    analytic
        The whole gradient by the code, or None.
    key
        Where in a run that is found; "" if it is what the update subtracted, over `rate`.
    bend, bent
        How much the slope changes inside a step, and where that is so much that it tells nothing.
    """

    path: str
    label: str
    value: Array
    entries: Array
    measured: Array
    analytic: Array | None = None
    key: str = ""
    rate: float | None = None
    sign: float = 1.0
    bent: Array | None = None
    bend: Array | float = 0.0
    right: bool = False
    update: Array | None = None
    note: str = ""

    def at(self, gradient: Array) -> Array:
        """A gradient at the entries that were measured."""
        return np.asarray(gradient, float).reshape(-1)[self.entries]

    def agrees(self, gradient: Array | None) -> bool:
        """Whether a gradient is what was measured."""
        if gradient is None or not fits(gradient, self.value):
            return False
        scale = float(np.abs(self.measured).max(initial=0.0))
        return self.distance(gradient) <= TOLERANCE * max(scale, 1e-7) + 1e-9

    def distance(self, gradient: Array) -> float:
        """How far a gradient is from what was measured, in its worst entry."""
        a = self.at(gradient)
        difference = np.abs(a - self.measured)
        if self.bent is not None and not self.bent.all():
            difference = (difference - BY_A_KINK * self.bend)[~self.bent]
        return float(difference.max(initial=0.0)) if np.isfinite(a).all() else np.inf


def fits(gradient: Any, value: Array) -> bool:
    """Whether it has the shape of a weight, up to axes of length 1, which broadcast."""
    shape = np.shape(gradient)
    if shape == value.shape:
        return True
    squeezed = tuple(n for n in shape if n != 1)
    return squeezed == tuple(n for n in value.shape if n != 1) and len(shape) <= value.ndim


def tells(block: Block) -> bool:
    """Whether it is no chance that a gradient is a multiple of what was measured.

    One number is always one, and so are the two of a softmax over two classes, which sum to 0.
    """
    n = block.measured
    largest = float(np.abs(n).max(initial=0.0))
    return largest > 0 and n.size > 1 and not (n.size == 2 and abs(n.sum()) < 1e-6 * largest)


@dataclass
class Analysis:
    """A unit with its loss and its blocks."""

    unit: Unit
    put: dict[str, Array]
    blocks: list[Block]
    loss: str  # a key of a run, or "" for one that the program does not compute
    updates: dict[str, set[int]]
    explicit: bool = True
    scalars: list[str] = field(default_factory=list)
    slopes: dict[str, Array] = field(default_factory=dict)
    only: set[str] = field(default_factory=set)
    order: bool = True  # False: the gradients are right once no weight changes on the way
    common: float | None = None
    cut: dict[str, str] = field(default_factory=dict)  # what is said of arrays of whole numbers
    left_over: dict[str, str] = field(default_factory=dict)  # what is said of old gradients
    stated: str = ""  # what is said of a cost that the gradients are not of
    implied: Analysis | None = None  # by a loss that is not computed, where one is

    @property
    def stop(self) -> frozenset[int]:
        """The lines that change a weight."""
        return frozenset().union(*self.updates.values()) if self.updates else frozenset()

    @property
    def wrong(self) -> list[Block]:
        """The blocks that are not right."""
        return [block for block in self.blocks if not block.right]

    def gradients(self, run: Run) -> dict[str, Array | None]:
        """The gradient of each block by a run."""
        return {block.path: gradient_of(block, run, self.put) for block in self.blocks}


def explains_some(analysis: Analysis) -> bool:
    """Whether some gradients are right for the loss, and not by chance."""
    return any(block.right and tells(block) for block in analysis.blocks)


def gradient_of(block: Block, run: Run, put: Mapping[str, Array]) -> Array | None:
    """What a run says the gradient of a block is."""
    if block.key:
        value = run.get(block.key)
        if value is None or not is_numeric(value):
            return None
        signed: Array = block.sign * np.asarray(value, float)
        return signed
    after = run.get(":" + block.path)
    if after is None or np.shape(after) != block.value.shape:
        return None
    moved: Array = (block.value - np.asarray(after, float)) / (block.rate or 1.0)
    return moved


def differs(a: Any, b: Any) -> bool:
    """Whether two numbers or arrays of a shape are not the same."""
    if b is None or not is_numeric(b) or np.shape(a) != np.shape(b):
        return False
    return is_numeric(a) and not np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


def ratio(a: Array, n: Array, tolerance: float = 3e-5) -> float | None:
    """c where a = c n all over, or None."""
    power = float(n @ n)
    if power == 0.0 or not np.isfinite(a).all():
        return None
    c = float(a @ n) / power
    size = max(abs(c) * float(np.abs(n).max()), float(np.abs(a).max()))
    return c if np.all(np.abs(a - c * n) <= tolerance * size) and c != 0.0 else None


def proportional(block: Block) -> float | None:
    """c where the code's gradient is c times what was measured."""
    if block.analytic is None or not fits(block.analytic, block.value):
        return None
    return ratio(block.at(block.analytic), block.measured)
