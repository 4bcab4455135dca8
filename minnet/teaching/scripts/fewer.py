"""A unit with fewer samples, which runs as well and more quickly."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from minnet.teaching.scripts.blocks import differs
from minnet.teaching.scripts.names import leaf, loss_rank, scalars_of
from minnet.teaching.scripts.replays import Unit
from minnet.teaching.scripts.values import with_rows

FEW = 12
"""Samples that are enough."""


def sample_counts(unit: Unit, weights: set[str]) -> list[int]:
    """What the number of samples may be: lengths that several arrays of data share."""
    counts: dict[int, int] = {}
    for path, slot in unit.slots().items():
        if path in weights or not isinstance(slot.value, np.ndarray) or not slot.value.ndim:
            continue
        for size in set(slot.value.shape):
            target = re.match(r"^(y|t|target|label)", leaf(path)[0], re.I)
            data = re.match(r"^(x|inputs?|data|features)", leaf(path)[0], re.I)
            counts[size] = counts.get(size, 0) + (3 if target else 2 if data else 1)
    for value in unit.variables.values():
        if isinstance(value, (list, tuple)) and len(value) > 2:
            counts[len(value)] = counts.get(len(value), 0) + 2
    shapes = {n for p, s in unit.slots().items() if p in weights for n in np.shape(s.value)}
    ordered = sorted(counts, key=lambda n: (-(counts[n] - 2 * (n in shapes)), -n))
    return [n for n in ordered if n > 2 and counts[n] >= 3]


def smaller(unit: Unit, held: Collection[str] = ()) -> Unit:
    """The unit with fewer samples, where it runs as well with them, so that it is quick.

    `held` has the paths of weights that do not move in it.
    """
    first = unit.run()
    if first.error is not None:
        return unit
    weights = {p for p, s in unit.slots().items() if differs(s.value, first.get(":" + p))}
    weights |= set(held)
    for rows in sample_counts(unit, weights)[:1]:
        if rows <= 2 * FEW:
            return unit
        other = with_fewer(unit, rows, FEW, weights)
        if other is not None:
            return other
    return unit


def with_fewer(unit: Unit, rows: int, fewer: int, weights: set[str]) -> Unit | None:
    """The unit over the first samples only, or None where it does not run with them.

    A number of samples that stands in the code as a number has no fewer.
    """
    if rows in unit.numbers(held=False):
        return None
    variables = with_rows(unit.variables, rows, fewer, weights)
    if variables is None:
        return None
    other = Unit(
        unit.title,
        unit.definitions,
        unit.body,
        variables,
        unit.old,
        unit.alone,
        unit.base,
        unit.state,
        unit.owner,
    )
    run = other.run()
    if run.error is not None:
        return None
    numbers = [v for k, v in scalars_of(run).items() if loss_rank(k) >= 2]
    return other if all(np.isfinite(v) for v in numbers) else None
