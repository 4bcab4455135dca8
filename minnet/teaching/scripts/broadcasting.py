"""An error of all pairs: n outputs in a column less n targets in a row make n times n numbers."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from minnet.teaching.scripts.blocks import Analysis
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import ERRORS, TARGETS
from minnet.teaching.scripts.scopes import Scope, evaluated, text_of

FEWEST = 3
"""Samples; with fewer the shapes may agree by chance."""


def of_pairs(analysis: Analysis) -> BlockFinding | None:
    """The finding on the first difference that holds each output against every target."""
    scope: dict[tuple[str, int], Any] = {}
    run = analysis.unit.run(analysis.put, scope=scope)
    names = {k: v for k, v in run.names.items() if not k.startswith("__")}
    for owner, statement in statements(analysis.unit):
        here = scope.get((owner, statement.lineno))
        if here is None:
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                finding = _of_difference(statement, node, {**names, **here})
                if finding is not None:
                    return finding
    return None


def _of_difference(statement: ast.stmt, node: ast.BinOp, scope: Scope) -> BlockFinding | None:
    sides = (node.left, node.right)
    shapes = [np.shape(evaluated(side, scope)) for side in sides]
    row = next((i for i, shape in enumerate(shapes) if len(shape) == 1), None)
    if row is None or shapes[1 - row] != (shapes[row][0], 1) or shapes[row][0] < FEWEST:
        return None
    texts = [text_of(side) for side in sides]
    targets = [text for text in texts if TARGETS.match(text)]
    stored = [text_of(t) for t in getattr(statement, "targets", [])]
    if not targets and not any(ERRORS.search(name) for name in stored):
        return None
    if any(word in text for text in texts for word in ("None", "newaxis", "expand_dims")):
        return None  # on purpose
    column = texts[1 - row]
    return BlockFinding(
        "wrong",
        f"line {statement.lineno}: {column} has shape (n, 1) and {texts[row]} has (n,), so "
        f"`{text_of(node)}` is an array of (n, n): every output less every target, and not each "
        f"less its own. Bring both to one shape, with {texts[row]}.reshape(-1, 1).",
    )
