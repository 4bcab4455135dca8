"""Which of the numbers of a run is the loss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, proportional
from minnet.teaching.scripts.common import same_as
from minnet.teaching.scripts.names import OVER_CALLS, loss_rank
from minnet.teaching.scripts.roles import is_watched

GIVEN = 12
"""Numbers of any name that are tried as the loss."""

MANY = 4
"""Weights of one number each that are not right by chance."""


def by_any_name(keys: Sequence[str], known: Analysis | None) -> list[int]:
    """The columns of numbers that may be the loss, whatever they are called.

    Those of functions where no loss is known. In code that goes by single numbers the error of a
    unit is called one, too; where no gradient is right for it, all variables are tried.
    """
    form = r":\w+|[^½−]*\(\).*"
    if known is not None:
        single = all(block.value.size == 1 for block in known.blocks)
        if not single or any(b.right for b in known.blocks) or not is_watched(known.loss, False):
            return []
        form = r":\w+|[^½−:]*\(\)"
    given = [i for i, key in enumerate(keys) if re.fullmatch(form, key)]
    return sorted(given, key=lambda i: keys[i].startswith(":"))[:GIVEN]


def proves(analysis: Analysis, many: int) -> bool:
    """Whether all gradients are right, of which two have several entries and are not 0.

    Of single numbers so many have to be right, and all have to change it.
    """
    telling = [b for b in analysis.blocks if np.any(b.measured)]
    large = [b for b in telling if b.value.size > 1]
    if large:
        return len(large) > 1 and all(block.right for block in analysis.blocks)
    right = sum(b.right for b in telling)
    return len(telling) == len(analysis.blocks) and many <= right >= min(MANY, len(telling))


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
