"""Gradients that are added to those of the pass before, since nothing sets them back to 0."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, differs, fits, gradient_of
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import leaf, likeness
from minnet.teaching.scripts.repairs import replaced_in
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.scopes import evaluated, parsed
from minnet.teaching.scripts.values import is_numeric


def verdicts(analysis: Analysis, snapshots: Sequence[Any]) -> dict[str, BlockFinding]:
    """What is said of weights by their paths whose gradients are left over from pass to pass.

    The weight moved in the pass before, its gradient begins this pass with what that one left, and
    is another by just as much as what it begins with.
    """
    if not analysis.updates:
        return {}
    pairs = [snapshots[i : i + 2] for i in range(min(2, len(snapshots) - 1))]
    return next(filter(None, (_of_pair(analysis, pair) for pair in pairs)), {})


def _of_pair(analysis: Analysis, snapshots: Sequence[Any]) -> dict[str, BlockFinding]:
    """The verdicts by the starts of two passes, one after the other."""
    unit = analysis.unit.beginning_with(snapshots[1].variables, snapshots[1].state)
    held: dict[str, list[str]] = {}
    more: dict[str, Array] = {}
    weights = {block.path for block in analysis.blocks}
    rng = np.random.default_rng(11)
    slots = {p: s for p, s in unit.slots().items() if p not in weights and is_numeric(s.value)}
    for block in analysis.blocks:
        if not block.key or not _moved(block, snapshots):
            continue
        for path, slot in slots.items():
            called = block.key == ":" + path or likeness(block.path, ":" + path) >= 3
            if called and fits(slot.value, block.value) and np.any(slot.value):
                more.setdefault(path, rng.normal(size=np.shape(slot.value)))
                held.setdefault(block.path, []).append(path)
    if not more:
        return {}
    other = {path: np.asarray(slots[path].value, float) + more[path] for path in more}
    still = unit.leaving_out(analysis.stop)
    here, there, whole = still.run(), still.run(other), unit.run()
    if here.error is not None or there.error is not None or whole.error is not None:
        return {}
    stale: dict[str, str] = {}
    for block in analysis.blocks:
        if not differs(evaluated(parsed(block.path), unit.variables), whole.get(":" + block.path)):
            continue
        for path in held.get(block.path, []):
            if not differs(slots[path].value, here.get(":" + path)):
                continue  # nothing is added to it: it is data
            if _is_by_as_much(block, here, there, more[path]):
                stale[block.path] = path
    return {
        block.path: BlockFinding("stale", _told(analysis, block, stale, unit, other))
        for block in analysis.blocks
        if block.path in stale
    }


def _moved(block: Block, snapshots: Sequence[Any]) -> bool:
    """Whether the first pass changed a weight."""
    first, second = (evaluated(parsed(block.path), s.variables) for s in snapshots[:2])
    return differs(first, second)


def _is_by_as_much(block: Block, here: Run, there: Run, more: Array) -> bool:
    one, two = gradient_of(block, here, {}), gradient_of(block, there, {})
    if one is None or two is None or np.size(one) != more.size or np.size(two) != more.size:
        return False
    return np.allclose(block.sign * (two - one).reshape(-1), more.reshape(-1), rtol=1e-6)


def _told(
    analysis: Analysis, block: Block, stale: dict[str, str], unit: Unit, other: dict[str, Array]
) -> str:
    name = leaf(stale[block.path])[0]
    name = stale[block.path] if name.isdigit() else name
    text = (
        "its gradient is added to what the pass before left there, and not set back to 0: each "
        f"step takes the sum of all gradients so far. Set {name} to 0 before each pass, or after "
        "the step."
    )
    words = re.findall(r"\w+", stale[block.path])
    for statement, new in _assigning(analysis.unit, words):
        edited: Any = tuple(
            replaced_in(body, statement, new)
            for body in (analysis.unit.definitions, analysis.unit.body)
        )
        first = analysis.unit.run(analysis.put, edited=edited)
        gradient = gradient_of(block, first, analysis.put)
        if first.error is not None or block.analytic is None or gradient is None:
            continue
        if not np.array_equal(gradient, np.asarray(block.analytic)):
            continue
        here, there = unit.run(edited=edited), unit.run(other, edited=edited)
        if here.error is None and not differs(
            gradient_of(block, here, {}), gradient_of(block, there, {})
        ):
            return (
                f"{text} Line {statement.lineno}: the line is `{ast.unparse(statement)}`; with "
                f"`{ast.unparse(new)}` it is the gradient of this pass alone."
            )
    return text


def _assigning(unit: Unit, words: Sequence[str]) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Lines that add to a gradient, each with one that puts it there alone."""
    for _, statement in statements(unit):
        target: ast.expr
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
            target, value = statement.target, statement.value
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.BinOp):
            target, sum_ = statement.targets[0], statement.value
            value = sum_.right
            if not isinstance(sum_.op, ast.Add) or ast.unparse(sum_.left) != ast.unparse(target):
                continue
        else:
            continue
        if set(re.findall(r"\w+", ast.unparse(target))) & (set(words) - {"self"}):
            new = ast.Assign([target], value)
            yield statement, ast.fix_missing_locations(ast.copy_location(new, statement))
