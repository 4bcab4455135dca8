"""Changes of where numbers go: repeated indices, the largest of a window, kernels turned round."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from minnet.teaching.scripts.scopes import (
    Local,
    Scope,
    arrays_of,
    binary,
    evaluated,
    parsed,
    text_of,
)

LARGEST = (
    "of a window only the largest entry got through forward, so only it gets the gradient back, "
    "and here every entry gets it: times "
)

TURNS = re.compile(r"(^|\.)(flip|rot90|flipud|fliplr)$")
"""Functions that turn an array round."""

SIDE = 5
"""The largest side of a window of pooling that is looked for."""


def of_repeated(statement: ast.stmt, scope: Scope) -> Iterator[tuple[str, str, float, ast.stmt]]:
    """D[ids] += v where ids has a number twice: NumPy adds it once, and np.add.at twice."""
    numpy = next((name for name, value in scope.items() if value is np), None)
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Add, ast.Sub)):
        target: ast.expr = statement.target
        sign = "+=" if isinstance(statement.op, ast.Add) else "-="
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, sign = statement.targets[0], "="
    else:
        return
    if numpy is None or not isinstance(target, ast.Subscript):
        return
    index = evaluated(target.slice, scope)
    if not _repeats(index):
        return
    array, ids = text_of(target.value), text_of(target.slice)
    function = f"{numpy}.{'subtract' if sign == '-=' else 'add'}.at"
    words = (
        f"{ids} has an index more than once, and {text_of(target)} {sign} takes each index once: "
        f"{function} adds up all that comes to one index"
    )
    call = f"{function}({array}, {ids}, {text_of(statement.value)})"
    yield "bias-not-summed", words, 0.8, ast.copy_location(ast.Expr(parsed(call)), statement)


def _repeats(index: Any) -> bool:
    """Whether an index of whole numbers has one more than once."""
    columns = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(c, (np.ndarray, list, int, np.integer)) for c in columns):
        return False
    try:
        wide = np.broadcast_arrays(*(np.asarray(c) for c in columns))
    except ValueError:
        return False
    if wide[0].ndim == 0 or any(c.dtype.kind not in "iu" for c in wide):
        return False
    rows = np.stack([c.ravel() for c in wide], axis=1)
    return len(np.unique(rows, axis=0)) < len(rows)


def of_counts(statement: ast.stmt, scope: Scope) -> Iterator[tuple[str, str, float, ast.stmt]]:
    """G[range(N), y] −= 1, where as many belong as the row of G has ones."""
    if not isinstance(statement, (ast.AugAssign, ast.Assign)):
        return
    target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    number = evaluated(statement.value, scope)
    if not isinstance(target, ast.Subscript) or not isinstance(number, (int, float)):
        return
    if abs(number) != 1:
        return
    array = evaluated(target.value, scope)
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 2
        or not isinstance(target.slice, ast.Tuple)
    ):
        return
    for axis, rows in ((1, target.slice.elts[0]), (0, target.slice.elts[-1])):
        if np.shape(evaluated(rows, scope)) != (array.shape[1 - axis],):
            continue
        sign = "-" if number < 0 else ""
        many = f"{sign}{text_of(target.value)}.sum(axis={axis})"
        words = (
            f"{text_of(statement.value)} stands where {many} belongs: as many as the others "
            "of the row are"
        )
        new = copy.copy(statement)
        new.value = parsed(many)
        yield "wrong", words, 1.4, new


def of_largest(
    node: ast.expr, value: Any, statement: ast.stmt, scope: Scope, target: str
) -> Iterator[Local]:
    """Max pooling on the way back: times 1 at the largest entry of a window, and 0 beside it."""
    goal: ast.expr | None = None
    if isinstance(statement, ast.AugAssign):
        goal = statement.target
    if isinstance(statement, ast.Assign):
        goal = statement.targets[0]
    if isinstance(goal, ast.Subscript):
        yield from _of_one_window(node, goal, scope)
    shape = np.shape(value)
    for name, array in arrays_of(scope):
        if np.shape(array) != shape or name == target or array.dtype.kind != "f":
            continue
        for axes in _axes(name, shape):
            largest = f"({name} == {name}.max(axis={axes}, keepdims=True))"
            yield "wrong-mask", LARGEST + largest, 2.2, binary(node, ast.Mult(), parsed(largest))
        if len(shape) not in (3, 4) or "np" not in scope:
            continue
        for other, smaller in arrays_of(scope):
            if np.ndim(smaller) != len(shape) or smaller.size >= array.size:
                continue
            steps = [n // m if m and n % m == 0 else 0 for n, m in zip(shape, smaller.shape)]  # noqa: B905
            if not all(1 <= step <= SIDE for step in steps):
                continue
            widened = other
            for axis, step in enumerate(steps):
                widened = f"np.repeat({widened}, {step}, axis={axis})" if step > 1 else widened
            largest = f"({name} == {widened})"
            if np.any(evaluated(parsed(largest), scope)):
                words = LARGEST + largest
                yield "wrong-mask", words, 2.2, binary(node, ast.Mult(), parsed(largest))


def _axes(name: str, shape: tuple[int, ...]) -> Iterator[Any]:
    """The axes that may be those of a window."""
    if len(shape) in (5, 6):
        for i in range(1, len(shape) - 2):
            if 1 < shape[i] <= SIDE and 1 < shape[i + 2] <= SIDE:
                yield (i, i + 2)
    if len(shape) >= 2 and re.search(r"col|window|patch|block", name, re.I):
        if 1 < shape[-1] <= SIDE * SIDE:
            yield -1
        if 1 < shape[-2] <= SIDE and 1 < shape[-1] <= SIDE:
            yield (-2, -1)


def _of_one_window(node: ast.expr, goal: ast.Subscript, scope: Scope) -> Iterator[Local]:
    whole, window = evaluated(goal.value, scope), evaluated(goal, scope)
    if not isinstance(whole, np.ndarray) or not isinstance(window, np.ndarray) or window.ndim < 2:
        return
    if not (1 < max(window.shape[-2:]) <= SIDE):
        return
    over = "" if window.ndim == 2 else "axis=(-2, -1), keepdims=True"
    for name, array in arrays_of(scope):
        if np.shape(array) == whole.shape and name != text_of(goal.value):
            there = text_of(ast.Subscript(parsed(name), goal.slice, ast.Load()))
            largest = f"({there} == {there}.max({over}))"
            yield "wrong-mask", LARGEST + largest, 2.2, binary(node, ast.Mult(), parsed(largest))


def of_turned(node: ast.expr, scope: Scope) -> Iterator[Local]:
    """A patch or kernel that is turned round, as it is."""
    inner: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        slices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(s, ast.Slice) and text_of(s) == "::-1" for s in slices):
            inner = copy.copy(node)
            kept = [ast.Slice() if text_of(s) == "::-1" else s for s in slices]
            inner.slice = ast.Tuple(kept, ast.Load()) if len(kept) > 1 else kept[0]
            plain = all(isinstance(s, ast.Slice) and text_of(s) == ":" for s in kept)
            inner = node.value if plain else inner
    elif isinstance(node, ast.Call) and node.args and TURNS.search(text_of(node.func)):
        inner = node.args[0]
    if inner is not None and isinstance(evaluated(node, scope), np.ndarray):
        words = (
            f"{text_of(node)} is turned round, and stands where {text_of(inner)} belongs: forward "
            "lays the kernel over x as it is"
        )
        yield "wrong", words, 1.2, inner


def of_diagonal(node: ast.Call, scope: Scope) -> Iterator[Local]:
    """The diagonal of softmax's Jacobian, where the rest of it belongs, too."""
    if text_of(node.func).split(".")[-1] not in ("diag", "diagflat") or len(node.args) != 1:
        return
    numpy = text_of(node.func).rpartition(".")[0]
    shape = np.shape(evaluated(node.args[0], scope))
    for name, array in arrays_of(scope):
        if np.shape(array) != shape or len(shape) != 1 or array.dtype.kind != "f":
            continue
        if np.all(array > 0) and abs(float(array.sum()) - 1.0) < 1e-9 and numpy:
            words = (
                "softmax's Jacobian has its diagonal alone, but each of its outputs depends on "
                f"every input: the rest, −{name}ᵢ {name}ⱼ, is missing"
            )
            jacobian = f"({numpy}.diag({name}) - {numpy}.outer({name}, {name}))"
            yield "diagonal-jacobian", words, 1.3, parsed(jacobian)
