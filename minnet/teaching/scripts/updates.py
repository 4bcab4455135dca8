"""The update of a loop held to the formulas, by the passes that were seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts import rules
from minnet.teaching.scripts.blocks import Analysis, Block, differs, fits, gradient_of
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.names import scalars_of
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.scopes import evaluated, parsed
from minnet.teaching.scripts.values import is_numeric

FIRST = 6
"""Passes whose steps are looked at."""

MANY = 200
"""Entries of a block whose steps are looked at: a rule is the same for all."""


def verdicts(analysis: Analysis, snapshots: Sequence[Any]) -> dict[str, list[BlockFinding]]:
    """What is said of the update by a label; nothing where it is right, or cannot be seen."""
    if len(snapshots) < 4 or not analysis.updates:
        return {}
    unit = analysis.unit
    block = _one_with_update(analysis)
    if block is None or not block.key:
        return {}
    moves: list[Array] = []
    gradients: list[Array] = []
    run: Run | None = None
    for snapshot in snapshots[:FIRST]:
        one = Unit(
            unit.title,
            unit.definitions,
            unit.body,
            snapshot.variables,
            unit.old,
            unit.alone,
            unit.base,
            snapshot.state,
            unit.owner,
        )
        run = one.run()
        # a variable that is left of a loop over the layers may name the weight, too
        before = evaluated(parsed(block.path), one.variables)
        after = run.get(":" + block.path)
        if run.error is not None or not is_numeric(before) or after is None:
            return {}
        start = np.asarray(before, float)
        own = Block(
            block.path,
            block.label,
            start,
            block.entries,
            block.measured,
            key=block.key,
            sign=block.sign,
        )
        gradient = gradient_of(own, run, {})
        if gradient is None or not fits(gradient, start) or np.shape(after) != start.shape:
            return {}
        moves.append(start - np.asarray(after, float))
        gradients.append(np.reshape(gradient, start.shape))
    numbers = [*_numbers_in(unit), *(scalars_of(run).values() if run else ())]
    named = {k.split(":")[-1].split(".")[-1]: v for k, v in scalars_of(run).items()} if run else {}
    lines = sorted(analysis.updates.get(block.path, ()))
    name = unit.owner or ""
    verdict = rules.judge(
        moves, gradients, numbers, " ".join(_words_of(unit)), remembers(analysis, block), named
    )
    if verdict is None:
        return {}
    rule, finding = verdict
    if finding is None:
        return {} if rule == "SGD" else {f"update ({rule})": []}
    at = f", line {lines[0]}" if lines else ""
    label = f"update ({rule}{at})" if not name else f"update in {name} ({rule}{at})"
    return {label: [finding]}


def _words_of(unit: Unit) -> list[str]:
    return [s.name for s in unit.definitions if isinstance(s, ast.ClassDef)]


def _one_with_update(analysis: Analysis) -> Block | None:
    known = [b for b in analysis.blocks if b.path in analysis.updates and b.key]
    return max(known, key=lambda b: b.value.size, default=None)


def _numbers_in(unit: Unit) -> list[float]:
    """The numbers that stand in the code."""
    values = []
    for statement in [*unit.definitions, *unit.body]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                values.append(node.value)
    return values


# --- what an update remembers ---------------------------------------------------------------------


def remembers(analysis: Analysis, block: Block) -> bool:
    """Whether a pass keeps something of a weight's gradient, or its step goes by what is kept.

    By its name alone nothing is a memory: a number called momentum is none, nor are the running
    averages of a layer, which know nothing of the layers after it. What an update remembers depends
    on all that the gradient depends on.
    """
    unit, put = analysis.unit, analysis.put
    weights = {b.path for b in analysis.blocks}
    named = [(p, s) for p, s in unit.slots().items() if p not in weights and _is_memory(p)]
    if not named:
        return False
    here = unit.run(put)
    for path, slot in named:
        after = here.get(":" + path)
        if not is_numeric(slot.value) or after is None or not is_numeric(after):
            continue
        if not (fits(after, block.value) or fits(slot.value, block.value)):
            continue
        value = np.asarray(slot.value, float)
        there = unit.run({**put, path: 1.1 * value + 0.01})
        if there.error is not None:
            continue
        if differs(here.get(":" + block.path), there.get(":" + block.path)):
            return True  # it is read, and not kept
        if not differs(slot.value, after) and np.shape(slot.value) == np.shape(after):
            continue  # it lies there unused
        if not differs(after, there.get(":" + path)) and _is_read(analysis, path, value):
            continue  # with a factor of 0
        if _is_of_gradient(analysis, block, path, here):
            return True
    return False


def _is_memory(path: str) -> bool:
    """Whether it, or what it lies in, is called like a velocity."""
    return any(
        re.match(r"^(v|vel|velocity|velocities|moment\w*|v_?[wWbdt]\w*|m_?[wWbdt]\w*)$", name)
        for name in re.findall(r"\w+", path)
    )


def _is_read(analysis: Analysis, path: str, value: Array) -> bool:
    """Whether its new value is made with the old one, be it with a factor of 0."""
    lost = analysis.unit.run({**analysis.put, path: np.full_like(value, np.nan)})
    after = lost.get(":" + path)
    return after is not None and bool(np.isnan(np.asarray(after, float)).any())


def _is_of_gradient(analysis: Analysis, block: Block, path: str, here: Run) -> bool:
    """Whether it is another wherever the gradient is."""
    gradient = gradient_of(block, here, analysis.put)
    for other in analysis.blocks:
        put = {**analysis.put, other.path: 1.1 * other.value + 0.01}
        there = analysis.unit.run(put)
        if there.error is not None:
            continue
        moved = differs(gradient, gradient_of(block, there, put))
        if moved and not differs(here.get(":" + path), there.get(":" + path)):
            return False
    return True
