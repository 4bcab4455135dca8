"""Which of the numbers of a run is the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, proportional
from minnet.teaching.scripts.common import same_as
from minnet.teaching.scripts.names import OVER_CALLS, loss_rank


def proves(analysis: Analysis) -> bool:
    """Whether all gradients are right, of which two have several entries and are not 0."""
    telling = [b for b in analysis.blocks if b.value.size > 1 and np.any(b.measured)]
    return len(telling) > 1 and all(block.right for block in analysis.blocks)


def is_inside(key: str, keys: Sequence[str], slopes: Mapping[str, Array]) -> bool:
    """Whether it is a part of what a function of the loss gives: the cost without its penalty."""
    function, _, name = key.partition(":")
    if not function or not name:
        return False
    for column, other in enumerate(keys):
        whole = other.startswith(f"{function}()") and loss_rank(other) >= 2
        if whole and any(np.any(s[:, column]) for s in slopes.values()):
            return True
    return False


def score_of(analysis: Analysis, rank: int, moved: int) -> tuple[Any, ...]:
    """How likely it is the loss: by its name's rank, and by how many gradients it explains.

    `moved` says how many weights change it: a term of the loss knows few of them.
    """
    right = sum(block.right for block in analysis.blocks)
    share = sum(block.right or proportional(block) is not None for block in analysis.blocks)
    whole = right == len(analysis.blocks)
    ratios = [c for c in map(proportional, analysis.blocks) if c is not None]
    alike = max((same_as(c, ratios) for c in ratios), default=0)
    if not analysis.explicit:  # the loss for which most are the same factor of what was measured
        right = sum(abs(abs(c) - 1.0) < 1e-4 for c in ratios)
    summed = analysis.loss.endswith(OVER_CALLS)  # of two that explain as much, that of all samples
    blocks = len(analysis.blocks)
    sure = (rank >= 2, rank, right, summed, alike, share, whole, blocks)
    return (analysis.explicit, analysis.explicit and moved, *sure)


def movers(slopes: Mapping[str, Array], column: int) -> int:
    """How many weights change a number."""
    sizes = [float(np.abs(s[:, column]).max(initial=0.0)) for s in slopes.values()]
    return sum(size > 1e-9 * max(sizes) for size in sizes)
