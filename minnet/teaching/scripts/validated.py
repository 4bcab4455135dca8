"""A number that is called a loss of validation and is computed of the data for training."""

from __future__ import annotations

import ast
import re

from minnet.teaching.scripts.checking import Section
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.programs import Program

KEPT_BACK = r"val|valid|validation|test|dev"

MEASURE = r"loss|cost|err|error|mse|rmse|mae|acc|accuracy|score"

NAME = re.compile(rf"(({KEPT_BACK})_?({MEASURE})|({MEASURE})_?({KEPT_BACK}))", re.IGNORECASE)

WORD = re.compile(rf"(?<![a-z])({KEPT_BACK})(?![a-z])", re.IGNORECASE)
"""Data that are kept back; `evaluate` is no such word."""


def verdict(program: Program) -> Section | None:
    """What is wrong with a loss of validation, where the data of that name are there, unused."""
    nodes = list(ast.walk(program.tree))
    made = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for node in nodes:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
            continue
        if not NAME.fullmatch(target.id):
            continue
        used = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        if any(WORD.search(name) for name in used):
            continue
        kind = re.search(KEPT_BACK, target.id, re.IGNORECASE)
        swaps = {n: re.sub("train", kind[0] if kind else "", n) for n in used if "train" in n}
        if len(swaps) < 2 or not set(swaps.values()) <= made:
            continue
        text = ast.unparse(node)
        right = text
        for name, other in swaps.items():
            right = re.sub(rf"\b{re.escape(name)}\b", other, right)
        finding = BlockFinding(
            "wrong",
            f"it is computed of the data for training, {', '.join(sorted(swaps))}, so it says "
            f"nothing of data that the weights never saw. Line {node.lineno}: the line is "
            f"`{text}`; `{right}` belongs there.",
        )
        return Section(f"what is measured in line {node.lineno}", {target.id: [finding]})
    return None
