"""Penalties that hardly change a gradient, since the weights are small when a training begins."""

from __future__ import annotations

import numpy as np

from minnet.teaching.scripts.blocks import Analysis, Block, fits, ratio
from minnet.teaching.scripts.replays import Unit
from minnet.teaching.scripts.values import assign, copied, is_numeric, slots

PLAIN = 0.02
"""Of a gradient, a penalty's share that nothing else is mistaken for."""

SEEN = 1e-7
"""The least share that central differences see."""

ENTRIES = 6
"""So many are not the same multiple of their weights by chance."""

SPREAD = 1.0
"""Of weights at most, so that no unit is stuck at its ends."""


def penalty_of(block: Block, tolerance: float = 2e-2) -> float | None:
    """c where a gradient is c times the weights more than what was measured, or None."""
    if block.analytic is None or block.value.size < ENTRIES:
        return None
    if not fits(block.analytic, block.value):
        return None
    difference = block.at(block.analytic) - block.measured
    if not np.abs(difference).max() > SEEN * np.abs(block.measured).max():
        return None
    return ratio(difference, block.at(block.value), tolerance)


def with_larger_weights(analysis: Analysis) -> Unit | None:
    """The unit with weights so large that such a penalty is plain; None where there is none."""
    if not analysis.explicit:
        return None
    factors = {}
    for block in analysis.blocks:
        c = penalty_of(block)
        if c is None:
            continue
        share = abs(c) * np.abs(block.at(block.value)).max() / np.abs(block.measured).max()
        largest = SPREAD / float(np.std(block.value) + 1e-12)
        if share < PLAIN and largest > 2.0:
            factors[block.path] = min(10 * PLAIN / share, largest)
    if not factors:
        return None
    variables = copied(analysis.unit.variables)
    for slot in list(slots(variables)):
        if slot.path in factors and is_numeric(slot.value):
            assign(slot, analysis.put[slot.path] * factors[slot.path])
    return analysis.unit.beginning_with(variables, analysis.unit.state)


def shows(there: Analysis | None, analysis: Analysis) -> bool:
    """Whether, with larger weights, all that is wrong is a penalty, and of the same loss."""
    return (
        there is not None
        and there.loss == analysis.loss
        and {b.path for b in there.blocks} == {b.path for b in analysis.blocks}
        and bool(there.wrong)
        and all(penalty_of(block, 1e-3) is not None for block in there.wrong)
    )
