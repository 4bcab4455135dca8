"""A loss that nobody computes: which one a wrong gradient was meant for.

Where the gradients are right, or a factor of what is right, for one of the losses that a program's
outputs and targets imply, that is the one. Where they are right for none, the one is meant with
which a single change of a line makes all of them right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from minnet.teaching.scripts.blocks import Analysis, Block, differs, proportional, tells
from minnet.teaching.scripts.mending import Search
from minnet.teaching.scripts.names import ERRORS, loss_rank


def in_words(key: str) -> str:
    """A loss by the names of its arrays, without the functions that they are in."""
    return re.sub(r"[\w.<>]+:(?=\w)", "", key).replace(":", "")


MOST = 4
"""Losses that are tried."""


def in_doubt(analysis: Analysis) -> bool:
    """Whether no loss is computed, and no gradient is right for one that is implied.

    What is called by a single letter may be a loss or anything, and so may what is printed.
    """
    if (
        analysis.explicit
        and not is_shown(analysis)
        and not re.fullmatch(r"(.*:)?[el]", analysis.loss)
    ):
        return False
    if not analysis.explicit and (any(map(_is_of_another, analysis.blocks)) or _others(analysis)):
        return True
    if any(block.value.size > 1 for block in analysis.blocks):  # one entry is always a multiple
        sure = is_error(analysis.loss)
        return not any(tells(b) and _explained(b, sure) for b in analysis.blocks)
    ratios = [abs(c) for c in map(proportional, analysis.blocks) if c is not None]
    return not any(abs(c - d) <= 1e-4 * abs(c) for i, c in enumerate(ratios) for d in ratios[:i])


def is_shown(analysis: Analysis) -> bool:
    """Whether what is taken for the loss is only printed, and another is implied."""
    return analysis.explicit and analysis.implied is not None and loss_rank(analysis.loss) < 2


def _is_of_another(block: Block) -> bool:
    """Whether it learns by another loss, of which nothing is known: a second head with a target."""
    return not np.any(block.measured) and block.analytic is not None and bool(block.analytic.any())


def _others(analysis: Analysis) -> list[str]:
    """Weights that the loss knows nothing of, and another one does that is of other targets."""
    errors = [
        i
        for i, key in enumerate(analysis.scalars)
        if is_error(key) and _target(key) != _target(analysis.loss)
    ]
    if not _target(analysis.loss):
        return []
    known = {block.path for block in analysis.blocks}
    return [
        path
        for path, slopes in analysis.slopes.items()
        if path in analysis.updates and path not in known and np.any(slopes[:, errors])
    ]


def _target(key: str) -> str:
    """What an implied loss holds its outputs against, without the function that it is in."""
    return _held_against(key).split(":")[-1]


def _output(key: str) -> str:
    """What an implied loss holds against a target, without the function that it is in."""
    named = re.search(r"\(([^ ]+) − |−Σ log ([^ ]+)| log ([^ ]+) \+", key)
    return next(filter(None, named.groups())).split(":")[-1] if named else ""


def _held_against(key: str) -> str:
    """The key of the target of an implied loss, or "" where it has none."""
    named = re.search(r" − ([^ ]+)\)²| at ([^ ,]+)|\(([^ ]+) log", key)
    return next(filter(None, named.groups())) if named else ""


def _explained(block: Block, sure: bool) -> bool:
    """Whether its gradient is a multiple of what was measured.

    Of a loss that is not sure a negative multiple says nothing: it may be climbed on purpose.
    """
    c = proportional(block)
    multiple = c is not None and (sure or c > 0)
    return block.right or multiple


def is_error(key: str) -> bool:
    """Whether a loss is of outputs and targets, or of what is called their error."""
    return is_pair(key) or bool(re.match(r"½ Σ \S*(err|diff|resid)", key))


def is_pair(key: str) -> bool:
    """Whether a loss is of outputs and targets."""
    return key.startswith(("½ Σ (", "−Σ"))


def _moves(analysis: Analysis) -> Callable[[str], bool]:
    """Tells of a key whether the weights change what is there, which they do to no target."""
    unit = analysis.unit.leaving_out(analysis.stop)
    here, there = (unit.run({p: c * v for p, v in analysis.put.items()}) for c in (1.0, 1.1))

    def moves(key: str) -> bool:
        values = [r.get(key if ":" in key else f":{key}") for r in (here, there)]
        return not any(v is None for v in values) and differs(*values)

    return moves


def likely(analysis: Analysis) -> list[str]:
    """Losses that may be meant, the likeliest first: of outputs and targets, of an error.

    Those of a pair come first whose difference the code has as an error.
    """
    moves = _moves(analysis)
    keys: dict[bytes, tuple[int, str]] = {}  # by the slopes: one array may have several names
    errors = set()
    for column, key in enumerate(analysis.scalars):
        if not is_error(key) or moves(_held_against(key)) or ERRORS.search(_output(key)):
            continue
        slopes = np.concatenate([s[:, column] for s in analysis.slopes.values()])
        if np.isfinite(slopes).all() and all(
            np.any(s[:, column]) for s in analysis.slopes.values()
        ):
            known = slopes.round(9).tobytes()
            if not is_pair(key):
                errors.add(known)
            if known not in keys or is_pair(key) > is_pair(keys[known][1]):
                keys[known] = column, key
    outputs = {_output(keys[known][1]) for known in errors}
    ranked = []
    for column, key in keys.values():
        word = re.sub(r"[^a-z_ ]", " ", key.lower())
        hidden = bool(re.search(r"hidden|l1|a1|h1|layer_?1", word))
        ranked.append((hidden, not is_pair(key), _output(key) not in outputs, column, key))
    return [key for *_, key in sorted(ranked)][:MOST]


def with_loss(analysis: Analysis, key: str) -> Analysis:
    """The analysis by another of the numbers that were measured."""
    column = analysis.scalars.index(key)
    blocks = []
    for block in analysis.blocks:
        fresh = replace(block, measured=analysis.slopes[block.path][:, column], bent=None)
        fresh.right = fresh.agrees(fresh.analytic)
        blocks.append(fresh)
    return replace(analysis, blocks=blocks, loss=key)


def meant(analysis: Analysis, seconds: float) -> Analysis | None:
    """The analysis by the loss with which one change makes all gradients right, or None.

    Where there is none, what is shown is the loss as before.
    """
    before = analysis if is_shown(analysis) else None
    analysis = (before and before.implied) or analysis
    keys = likely(analysis)
    for key in keys:
        other = with_loss(analysis, key)
        search = Search(other, seconds / len(keys))
        search.of_loss = False
        mended = search.run()
        if len(mended) == 1 and mended[0].paths == {b.path for b in other.wrong}:
            return other
    return before
