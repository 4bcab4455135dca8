"""One change of a line that makes a wrong gradient right: what was written, and what belongs there.

The lines of a student's code are changed one at a time, in the ways in which students go wrong: a
sign, a factor, a transpose, an axis, another array of the same shape, a derivative left out or
taken of another array, a penalty, an order. Each changed program is run, and its gradients are
held against the measured ones. A change that makes them right says what was computed and what
belongs there, and it is proved by having been run.
"""

from __future__ import annotations

import ast
import copy
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.teaching.scripts.arrays import of_index, of_swapped
from minnet.teaching.scripts.parts import counts_of_rows, of_compare, of_node
from minnet.teaching.scripts.penalties import of_penalty
from minnet.teaching.scripts.programs import NOTE
from minnet.teaching.scripts.scopes import (
    POOL,
    SLOPES,
    Scope,
    binary,
    evaluated,
    parsed,
    pool_values,
    small_numbers,
    text_of,
)
from minnet.teaching.scripts.values import is_numeric
from minnet.teaching.scripts.wholes import of_whole
from minnet.teaching.scripts.windows import of_counts, of_repeated


@dataclass
class Edit:
    """A change of one statement.

    Attributes
    ----------
    line
        Its line in the file.
    kind
        What sort of mistake it mends, as in `KINDS` of the detective where there is one.
    words
        What is wrong, as a sentence.
    before, after
        The statement as it was, and as it is right.
    cost
        How far-fetched it is; of several that mend as much the smallest is told.
    """

    line: int
    kind: str
    words: str
    before: str
    after: str
    cost: float
    new: ast.stmt
    old: ast.stmt


def disturbed(statement: ast.stmt, scope: Scope) -> Iterator[Edit]:
    """The statement with other numbers, to see what depends on it."""
    value = getattr(statement, "value", None)
    if value is None:
        return
    parts = [value]
    if isinstance(value, (ast.Tuple, ast.List)):
        parts = list(value.elts)
    elif isinstance(value, ast.Dict):
        parts = list(value.values)
    for factor in parts:
        number = evaluated(factor, scope)
        nothing = is_numeric(number) and not np.any(number)
        if isinstance(number, (int, np.integer)) and not isinstance(number, bool):
            new: ast.expr = binary(factor, ast.Mult(), ast.Constant(2))
            if number == 0:
                new = ast.Constant(1)
        elif nothing:
            new = binary(factor, ast.Add(), ast.Constant(1.37))
        elif number is None or isinstance(number, (float, np.floating, np.ndarray)):
            new = binary(factor, ast.Mult(), ast.Constant(1.37))
        else:
            continue
        yield Edit(
            statement.lineno, "", "", "", "", 0.0, _replaced(statement, factor, new), statement
        )


def edits(
    statement: ast.stmt,
    scope: Scope,
    helpers: Mapping[str, Any],
    samples: frozenset[int] | None = None,
    pool: Sequence[str] = (),
) -> Iterator[Edit]:
    """All changes of a simple statement that are tried, the likely ones first.

    Parameters
    ----------
    scope
        The variables before the statement.
    helpers
        The functions of the file, by name.
    samples
        What the number of samples may be, if that is known.
    pool
        Expressions of arrays that stand elsewhere in the same function, such as `zs[-l]`.
    """
    scope = {**scope, POOL: pool_values(pool, scope)}
    seen = {ast.unparse(statement)}
    before = ast.unparse(statement)
    for kind, words, cost, new in _variants(statement, scope, helpers):
        try:
            text = ast.unparse(ast.fix_missing_locations(new))
        except Exception:  # noqa: S112 - a tree that is no program
            continue
        if text not in seen:
            seen.add(text)
            if kind == "sum-vs-mean" and samples is not None:
                number = re.search(r"\(?= (\d+)\)", words)
                if number and int(number[1]) not in samples:
                    kind, cost = "factor", cost + 0.7
                    words = _without_samples(words)
            old, fresh = _as_written(before), _as_written(text)
            yield Edit(statement.lineno, kind, words, old, fresh, cost, new, statement)


def _as_written(text: str) -> str:
    """A line as it stands in the file, without the notes that are taken in it."""
    return ast.unparse(_WithoutNotes().visit(ast.parse(text))) if NOTE in text else text


class _WithoutNotes(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        return node.args[1] if getattr(node.func, "id", "") == NOTE else node


def _without_samples(words: str) -> str:
    """The words for a size that is not that of the batch."""
    words = words.replace(
        "the 1/N of the mean over the samples is missing: divide by",
        "the division by the size is missing:",
    )
    return words.replace(
        "it is divided by the number of samples once too often",
        "it is divided by a size once too often",
    )


Variant = tuple[str, str, float, ast.stmt]


def _variants(statement: ast.stmt, scope: Scope, helpers: Mapping[str, Any]) -> Iterator[Variant]:
    value = getattr(statement, "value", None)
    if value is None:
        return
    yield from of_repeated(statement, scope)
    yield from of_counts(statement, scope)
    yield from of_penalty(statement, scope)
    yield from of_swapped(statement)
    if isinstance(statement, ast.AugAssign):
        yield from _operators_of_update(statement)
    if isinstance(statement, ast.Assign) and isinstance(
        statement.targets[0], (ast.Subscript, ast.Name)
    ):
        new_statement = ast.AugAssign(statement.targets[0], ast.Add(), statement.value)
        words = (
            f"{text_of(statement.targets[0])} is overwritten each time, where it is to be added "
            "to: += belongs there (the sum over the samples is missing)"
        )
        yield "bias-not-summed", words, 1.9, ast.copy_location(new_statement, statement)
    if isinstance(statement, ast.Return) and isinstance(value, (ast.Tuple, ast.Dict)):
        parts = value.elts if isinstance(value, ast.Tuple) else value.values
        expressions = [p for p in parts if not isinstance(p, (ast.Name, ast.Constant))]
    elif isinstance(value, (ast.Tuple, ast.Dict)):
        expressions = list(value.elts if isinstance(value, ast.Tuple) else value.values)
    else:
        expressions = [value]
    for expression in expressions:
        if not isinstance(expression, ast.expr):
            continue
        whole = evaluated(expression, scope)
        if isinstance(whole, (bool, str, dict)):
            continue
        fetched = isinstance(expression, (ast.Name, ast.Subscript, ast.Attribute))
        if isinstance(whole, (int, np.integer)):
            if isinstance(expression, ast.Constant) and isinstance(statement, ast.AugAssign):
                for kind, words, cost, new in counts_of_rows(expression, scope):
                    yield kind, words, cost, _replaced(statement, expression, new)
            for node in ast.walk(expression):
                for kind, words, cost, new in of_index(node):
                    yield kind, words, cost + 1.0, _replaced(statement, node, new)
            continue
        for kind, words, cost, new in of_whole(expression, whole, statement, scope, helpers):
            if fetched and isinstance(statement, ast.Assign) and not _is_gradient(statement):
                cost += 1.0
            yield kind, words, cost, _replaced(statement, expression, new)
        for node in ast.walk(expression):
            if isinstance(node, ast.expr) and not _within_index(expression, node):
                for kind, words, cost, new in of_node(node, scope, helpers):
                    yield kind, words, cost, _replaced(statement, node, new)
        for node in ast.walk(expression):
            for kind, words, cost, new in of_index(node):
                yield kind, words, cost, _replaced(statement, node, new)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if isinstance(target, ast.Subscript):
        for node in ast.walk(target.slice):
            if isinstance(node, ast.Compare):
                for kind, words, cost, new in of_compare(node, scope):
                    yield kind, words, cost, _replaced(statement, node, new)
        if isinstance(target.slice, ast.Compare) and isinstance(value, ast.Constant):
            yield from _slopes_at(target, scope)


def _slopes_at(target: ast.Subscript, scope: Scope) -> Iterator[Variant]:
    """The slope of a leaky ReLU for a number that is put where the unit was off."""
    for name in [*scope.get(SLOPES, {}), *dict(small_numbers(scope))]:
        words = (
            f"the slope of the leaky ReLU is missing where it is off: times {name} belongs there"
        )
        yield "wrong-mask", words, 1.9, ast.AugAssign(target, ast.Mult(), parsed(name))


def _is_gradient(statement: ast.Assign) -> bool:
    return bool(re.search(r"(^|[^a-z])(d|grad|delta|g)", text_of(statement.targets[0]), re.I))


def _replaced(statement: ast.stmt, old: ast.AST, new: ast.AST) -> ast.stmt:
    """The statement with another node in the place of one."""

    class Put(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return ast.copy_location(new, node) if node is old else self.generic_visit(node)

        def generic_visit(self, node: ast.AST) -> Any:
            fresh = copy.copy(node)
            for name, field in ast.iter_fields(node):
                if isinstance(field, list):
                    items = [self.visit(x) if isinstance(x, ast.AST) else x for x in field]
                    setattr(fresh, name, items)
                elif isinstance(field, ast.AST):
                    setattr(fresh, name, self.visit(field))
            return fresh

    done: ast.stmt = Put().visit(statement)
    return done


def _within_index(expression: ast.expr, node: ast.AST) -> bool:
    """Whether a node is the key or index of a subscript, which is no formula."""
    for parent in ast.walk(expression):
        if isinstance(parent, ast.Subscript) and any(n is node for n in ast.walk(parent.slice)):
            return True
    return False


def _operators_of_update(statement: ast.AugAssign) -> Iterator[Variant]:
    new = copy.copy(statement)
    if isinstance(statement.op, (ast.Add, ast.Sub)):
        new.op = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()
        yield "sign", "the sign is the other way round", 1.0, new
        plain = ast.copy_location(ast.Assign([statement.target], statement.value), statement)
        target = text_of(statement.target)
        yield "not-filled", f"it is added to {target}, where {target} = belongs", 2.5, plain


def replaced_in(tree: Sequence[ast.stmt], old: ast.stmt, new: ast.stmt) -> list[ast.stmt]:
    """The statements with another in the place of one, however deep; the rest is shared."""

    def walk(node: Any) -> Any:
        if node is old:
            return new
        fresh = None
        for name, field in ast.iter_fields(node):
            if isinstance(field, list):
                items = [
                    walk(x) if isinstance(x, (ast.stmt, ast.excepthandler)) else x for x in field
                ]
                if any(a is not b for a, b in zip(items, field, strict=True)):
                    fresh = fresh or copy.copy(node)
                    setattr(fresh, name, items)
        return fresh or node

    return [walk(statement) for statement in tree]


class Deadline:
    """How long a search may go on, in seconds of the processor (a busy machine takes longer)."""

    def __init__(self, seconds: float, late: float | None = None) -> None:
        """`late`: when it is over by the clock that only goes forward; at thrice the seconds."""
        self.end = time.process_time() + seconds
        self.late = time.monotonic() + 3 * seconds if late is None else late
        self.seconds = seconds

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return time.process_time() > self.end or time.monotonic() > self.late
