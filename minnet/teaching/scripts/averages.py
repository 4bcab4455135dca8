"""Running averages that a pass keeps of what goes forward: they change, and are no weights."""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, differs, fits, ratio
from minnet.teaching.scripts.replays import Run


def without_averages(analysis: Analysis) -> list[Block]:
    """The blocks that are learned.

    A running average keeps a constant part of its old value, as a weight does not, and knows
    nothing of the weights that come after it, as no gradient does.
    """
    unit, put = analysis.unit, analysis.put
    doubtful = [b for b in analysis.blocks if _is_doubtful(b, analysis)]
    here = unit.run(put) if doubtful else None
    if here is None or here.error is not None:
        return analysis.blocks
    averages = [b for b in doubtful if _fades(analysis, b, here)]
    idle: set[str] = set()
    rng = np.random.default_rng(3)
    for other in analysis.blocks if averages else []:
        if not np.any(other.measured) or other in averages:
            continue
        moved = other.value + (0.5 + np.abs(other.value)) * rng.normal(size=other.value.shape)
        there = unit.run({**put, other.path: moved})
        if there.error is None:
            idle |= {
                b.path
                for b in averages
                if not differs(here.get(":" + b.path), there.get(":" + b.path))
            }
    return [b for b in analysis.blocks if b.path not in idle] or analysis.blocks


def _is_doubtful(block: Block, analysis: Analysis) -> bool:
    """Whether it changes by what is not called its gradient, and is not measured."""
    if block.right or block.path not in analysis.updates or block.update is None:
        return False
    if not block.key or block.analytic is None or not fits(block.analytic, block.value):
        return True
    return ratio(_flat(block.update), _flat(block.analytic)) is None


def _fades(analysis: Analysis, block: Block, here: Run) -> bool:
    """Whether a constant part of its old value is in the new one, and less than all of it.

    Of a single number any step leaves such a part; there it is one that the code has.
    """
    change = 0.1 + 0.1 * np.arange(block.value.size).reshape(block.value.shape)
    there = analysis.unit.run({**analysis.put, block.path: block.value + change})
    before, after = here.get(":" + block.path), there.get(":" + block.path)
    if before is None or after is None or np.shape(before) != np.shape(after):
        return False
    kept = (_flat(after) - _flat(before)) / _flat(change)
    if kept.size == 1:
        share, numbers = float(kept[0]), analysis.unit.numbers()
        if not any(min(abs(share - n), abs(1.0 - share - n)) < 1e-9 for n in numbers):
            return False
    return bool(0.0 < kept[0] < 1.0 - 1e-9 and np.allclose(kept, kept[0], rtol=1e-9, atol=1e-12))


def _flat(values: Array) -> Array:
    return np.asarray(values, float).reshape(-1)
