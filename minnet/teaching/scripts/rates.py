"""The rate of an update by the line that it stands in, where no name tells it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from minnet.teaching.scripts.blocks import Block
from minnet.teaching.scripts.names import scalars_of
from minnet.teaching.scripts.replays import Run, Unit


def rates_for(block: Block, blocks: Sequence[Block], known: Sequence[float]) -> list[float]:
    """The rates that an update may be of: those that are known, and 1.

    A single number is any step by some rate, so it has no other than one by which others are right.
    """
    rates = [r for r in known if r > 0]
    moves = [(b, b.update) for b in blocks if b is not block and b.update is not None]
    if block.value.size == 1 and any(b.agrees(move / r) for b, move in moves for r in rates):
        return rates
    return [*rates, 1.0]


def written_rates(unit: Unit, updates: Mapping[str, set[int]], run: Run) -> list[float]:
    """The positive numbers that a line multiplies by what it takes from a weight."""
    lines = frozenset().union(*updates.values()) if updates else frozenset()
    named: dict[str, float] = {}
    for key, value in scalars_of(run).items():
        named.setdefault(re.split(r"[:.]", key)[-1], value)
    rates = []
    for statement in [*unit.definitions, *unit.body]:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Assign, ast.AugAssign)) and node.lineno in lines:
                factors = [f if isinstance(f, float) else named.get(f) for f in _factors(node)]
                rates += [r for r in factors if r is not None and r > 0]
    return list(dict.fromkeys(rates))


def _factors(statement: ast.Assign | ast.AugAssign) -> Iterator[str | float]:
    """The names and numbers that begin a product which is taken from something, or added."""
    terms = [statement.value] if isinstance(statement, ast.AugAssign) else []
    for node in ast.walk(statement.value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            terms.append(node.right)
    for term in terms:
        while isinstance(term, ast.BinOp) and isinstance(term.op, (ast.Mult, ast.MatMult, ast.Div)):
            term = term.left
        if isinstance(term, ast.Name):
            yield term.id
        elif isinstance(term, ast.Attribute):
            yield term.attr
        elif isinstance(term, ast.Constant) and isinstance(term.value, float):
            yield term.value
