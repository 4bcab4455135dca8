"""The step of one weight that goes up the slope, where its gradient is right.

A gradient that the code adds where it takes away those of the other weights is right itself. The
line of the update is wrong, or one on the way to it, as a velocity's.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import Analysis, Block, fits, gradient_of, proportional, ratio
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import leaf
from minnet.teaching.scripts.repairs import replaced_in
from minnet.teaching.scripts.replays import Run


def uphill(analysis: Analysis, block: Block) -> BlockFinding | None:
    """What is wrong with the sign of a block's step, where the others' go the other way."""
    c = proportional(block)
    if not block.key or block.update is None or c is None or abs(c + 1.0) > 1e-4:
        return None
    usual = {b.sign for b in analysis.blocks if b.key and b.right and b.update is not None}
    if usual != {-block.sign}:
        return None
    name = leaf(block.key.split(":")[-1])[0]
    text = (
        f"its step goes up the slope, the others' go down: {name} is right, and the sign is wrong "
        "where it is used."
    )
    before = moves(analysis, analysis.unit.run(analysis.put))
    for statement, new in _turned(analysis, name):
        edited = tuple(
            replaced_in(body, statement, new)
            for body in (analysis.unit.definitions, analysis.unit.body)
        )
        run = analysis.unit.run(analysis.put, edited=edited)  # type: ignore[arg-type]
        if run.error is not None:
            continue
        gradient = gradient_of(block, run, analysis.put)
        if gradient is None or not np.array_equal(gradient, np.asarray(block.analytic)):
            continue
        after = moves(analysis, run)
        same = all(
            p in after and np.array_equal(after[p], move)
            for p, move in before.items()
            if p != block.path
        )
        if same and block.path in after and _is_minus(after[block.path], before[block.path]):
            text += (
                f" Line {statement.lineno}: the line is `{ast.unparse(statement)}`; with "
                f"`{ast.unparse(new)}` it goes down as the others do."
            )
            break
    return BlockFinding("sign", text)


def instead_of_weights(analysis: Analysis, block: Block) -> BlockFinding | None:
    """What is wrong where a right gradient's step takes the place of the weights.

    Their new values are then a multiple of the gradient, or the step less the old values.
    """
    if not (block.right and block.key and block.value.size > 1) or block.update is None:
        return None
    if block.analytic is None or not fits(block.analytic, block.value):
        return None
    gradient = np.asarray(block.analytic, float).reshape(-1)
    old = block.value.reshape(-1)
    new = old - np.asarray(block.update, float).reshape(-1)
    if ratio(new, gradient) is not None:
        words = "the step takes the place of the weights, and what they were is lost"
    elif ratio(new + old, gradient) is not None:
        words = "the old weights are taken from the step, and not the step from them"
    else:
        return None
    lines = sorted(analysis.updates.get(block.path, ()))
    at = f"line {lines[0]}: " if lines else ""
    text = (
        f"{at}{words}. New weights are the old ones less the rate times the gradient: -= does that."
    )
    return BlockFinding("wrong", text)


def moves(analysis: Analysis, run: Run) -> dict[str, Array]:
    """What a run takes from each weight."""
    taken = {}
    for block in analysis.blocks:
        after = run.get(":" + block.path)
        if after is not None and np.shape(after) == block.value.shape:
            taken[block.path] = block.value - np.asarray(after, float)
    return taken


def _is_minus(a: Array, b: Array) -> bool:
    c = ratio(a.reshape(-1), b.reshape(-1))
    return c is not None and abs(c + 1.0) < 1e-6


def _turned(analysis: Analysis, name: str) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Statements that use a gradient, each with one of its + and − the other way round."""
    for _, statement in statements(analysis.unit):
        value = getattr(statement, "value", None)
        if value is None or not _uses(value, name):
            continue
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Add, ast.Sub)):
            fresh = copy.copy(statement)
            fresh.op = _other(statement.op)
            yield statement, fresh
        count = sum(_is_sum(node) for node in ast.walk(value))
        for number in range(count):
            new = copy.deepcopy(statement)
            node = [n for n in ast.walk(new.value) if _is_sum(n)][number]  # type: ignore[attr-defined]
            if _uses(node.right, name):  # type: ignore[attr-defined]
                node.op = _other(node.op)  # type: ignore[attr-defined]
                yield statement, new


def _uses(value: ast.AST, name: str) -> bool:
    """Whether an expression has a gradient in it, by its name or as an entry of a dict."""
    for node in ast.walk(value):
        if name in (getattr(node, "id", ""), getattr(node, "attr", "")):
            return True
        if isinstance(node, ast.Constant) and node.value == name:
            return True
    return False


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _other(op: ast.operator) -> ast.operator:
    return ast.Sub() if isinstance(op, ast.Add) else ast.Add()
