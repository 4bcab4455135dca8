"""A step that is as many times too long as the batch has samples, where others are divided by that.

The gradients of one kind of weight and of another may be right, and the line that uses them divides
by the length of the batch in one case only. Then the steps have different sizes, and the same line
with the division is tried.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts import steps
from minnet.teaching.scripts.blocks import Analysis, Block, ratio
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.repairs import replaced_in
from minnet.teaching.scripts.scopes import Scope, evaluated, text_of

FEWEST = 3
"""Samples of a batch; with fewer a factor may be anything."""

AWAY = 1e-4
"""How far a factor may be from a whole number."""


def of_batch(analysis: Analysis) -> dict[str, BlockFinding]:
    """What is said of the steps that lack the division by the number of samples, by the path."""
    sizes = {b.path: c for b in analysis.blocks if (c := _size(b)) is not None}
    if len(sizes) < 2:
        return {}
    least = min(sizes.values())
    times = {path: size / least for path, size in sizes.items()}
    long = {path: round(c) for path, c in times.items() if c > FEWEST - 0.5 and _is_whole(c)}
    even = [b for b in analysis.blocks if abs(times.get(b.path, 0.0) - 1.0) < AWAY]
    if not long or len(set(long.values())) != 1 or len(long) + len(even) < len(sizes):
        return {}
    samples = next(iter(long.values()))
    scopes = _scopes(analysis)
    divisors = _divisors(analysis, even, scopes, samples)
    if not divisors:
        return {}
    findings: dict[str, BlockFinding] = {}
    for block in analysis.blocks:
        if block.path in long and block.path not in findings:
            findings.update(_divided(analysis, block, set(long), even, divisors[0], samples))
    return findings if findings.keys() == long.keys() else {}


def _size(block: Block) -> float | None:
    """How many times what was measured a step is; None if it is no multiple of it."""
    if block.update is None:
        return None
    c = ratio(block.at(block.update), block.measured)
    return c if c is not None and c > 0 else None


def _is_whole(c: float) -> bool:
    return abs(c - round(c)) < AWAY * c


def _scopes(analysis: Analysis) -> dict[tuple[str, int], Scope]:
    """The variables before each line."""
    scope: dict[tuple[str, int], Scope] = {}
    analysis.unit.run(analysis.put, scope=scope)
    return scope


def _updates(analysis: Analysis, path: str) -> Iterator[tuple[str, ast.stmt]]:
    lines = analysis.updates.get(path, set())
    for owner, statement in statements(analysis.unit):
        if statement.lineno in lines:
            yield owner, statement


def _divisors(
    analysis: Analysis,
    blocks: list[Block],
    scopes: dict[tuple[str, int], Scope],
    samples: int,
) -> list[str]:
    """What the lines that update some blocks divide by, where it is the number of samples."""
    texts = []
    for block in blocks:
        for owner, statement in _updates(analysis, block.path):
            scope = scopes.get((owner, statement.lineno), {})
            for node in ast.walk(statement):
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                    value = evaluated(node.right, scope)
                    plain = isinstance(value, (int, float, np.integer, np.floating))
                    if plain and abs(float(value) - samples) < 1e-9:
                        texts.append(text_of(node.right))
    return texts


def _divided(
    analysis: Analysis,
    block: Block,
    long: set[str],
    even: list[Block],
    divisor: str,
    samples: int,
) -> dict[str, BlockFinding]:
    """The finding for each block whose step is right once a line divides by the divisor."""
    before = steps.moves(analysis, analysis.unit.run(analysis.put))
    for _, statement in _updates(analysis, block.path):
        for new in _variants(statement, divisor):
            edited = tuple(
                replaced_in(body, statement, new)
                for body in (analysis.unit.definitions, analysis.unit.body)
            )
            run = analysis.unit.run(analysis.put, edited=edited)  # type: ignore[arg-type]
            after = steps.moves(analysis, run) if run.error is None else {}
            if after.keys() != before.keys():
                continue
            mended = {p for p in long if _near(samples * after[p], before[p])}
            kept = all(_near(after[p], before[p]) for p in before if p not in mended)
            if block.path in mended and kept:
                others = ", ".join(b.label for b in even)
                text = (
                    f"its step is not divided by the number of samples, {divisor}, as that of "
                    f"{others} is, so it is as many times too long. Line {statement.lineno}: the "
                    f"line is `{text_of(statement)}`; with `{text_of(new)}` all steps are by the "
                    "mean over the samples."
                )
                return dict.fromkeys(mended, BlockFinding("sum-vs-mean", text))
    return {}


def _variants(statement: ast.stmt, divisor: str) -> Iterator[ast.stmt]:
    """The statement with one of its steps divided."""
    by = ast.parse(divisor, mode="eval").body
    value = getattr(statement, "value", None)
    if value is None:
        return
    if isinstance(statement, ast.AugAssign):
        fresh = copy.copy(statement)
        fresh.value = ast.BinOp(statement.value, ast.Div(), by)
        yield ast.fix_missing_locations(fresh)
    count = sum(_is_sum(node) for node in ast.walk(value))
    for number in range(count):
        new = copy.deepcopy(statement)
        node = [n for n in ast.walk(new.value) if _is_sum(n)][number]  # type: ignore[attr-defined]
        node.right = ast.BinOp(node.right, ast.Div(), by)  # type: ignore[attr-defined]
        yield ast.fix_missing_locations(new)


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _near(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-12))
