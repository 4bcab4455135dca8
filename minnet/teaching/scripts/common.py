"""Factors and penalties that several gradients have in common, where no loss is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minnet.teaching.scripts.blocks import Analysis, Block, fits, proportional, ratio
from minnet.teaching.scripts.replays import Unit


def same_as(c: float, others: Sequence[float]) -> int:
    """How many factors are the same."""
    return sum(abs(c - d) <= 1e-4 * abs(c) for d in others)


def of_mean(unit: Unit, c: float, others: Sequence[float]) -> float:
    """Of a factor and another that as many blocks have, that of the mean where one is of the sum.

    The number of samples is the length of some array or list.
    """
    lengths = {len(v) for v in unit.variables.values() if isinstance(v, (list, tuple))}
    lengths |= {n for s in unit.slots().values() for n in np.shape(s.value)[:2]}
    means = [
        d
        for d in others
        if 0 < d < c and same_as(d, others) == same_as(c, others) and _is_length(c / d, lengths)
    ]
    return min(means, default=c)


def _is_length(size: float, lengths: set[int]) -> bool:
    return size > 2 and round(size) in lengths and abs(size - round(size)) < 1e-4 * size


def rate_of(block: Block, rates: Sequence[float], blocks: Sequence[Block]) -> float | None:
    """The rate that makes a right gradient of an update, or one of the factor that others have.

    The others are those whose gradients have a name.
    """
    if block.update is None:
        return None
    right = next((r for r in rates if block.agrees(block.update / r)), None)
    c = ratio(block.at(block.update), block.measured)
    if right is not None or c is None:
        return right
    factors = [f for f in (proportional(b) for b in blocks if b.key) if f is not None]
    return next((r for r in rates if same_as(c / r, factors)), None)


def penalized(analysis: Analysis) -> None:
    """Count gradients as right that have a penalty in them: a loss that is implied has none.

    All have the same share of their weights, and it is known where the others are right, which
    have no penalty.
    """
    shares = {}
    for block in analysis.blocks:
        if block.right or block.analytic is None or block.value.size < 3:
            continue
        if fits(block.analytic, block.value):
            c = ratio(block.at(block.analytic) - block.measured, block.at(block.value), 1e-4)
            if c is not None and c > 0:
                shares[block.path] = c
    known = list(shares.values())
    if not any(block.right for block in analysis.blocks) or not known:
        return
    if max(known) - min(known) > 1e-4 * max(known):
        return
    axes = {block.value.ndim for block in analysis.blocks if block.path in shares}
    for block in analysis.blocks:
        if block.path in shares or (not block.right and block.value.ndim in axes):
            block.measured = block.measured + known[0] * block.at(block.value)
        if block.path in shares:
            block.right, block.note = True, "penalty"
