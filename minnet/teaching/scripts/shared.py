"""A weight that is used more than once, and whose gradient has the part of one use alone.

Tied weights of an autoencoder, the two branches of a siamese net, an embedding that is used to read
and to write: the gradient is the sum over all uses. What is missing then is a product of two arrays
at hand, or a sum of one, and it is found by its numbers.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import TOLERANCE, Analysis, Block, fits, gradient_of
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.repairs import replaced_in
from minnet.teaching.scripts.scopes import arrays_of, evaluated, parsed, text_of

MOST = 300_000
"""Entries of an array that is looked at."""

Scopes = Mapping[tuple[str, int], Any]


def of_block(analysis: Analysis, block: Block, scopes: Scopes) -> BlockFinding | None:
    """The part of a gradient that is missing, where it is a product or a sum of arrays at hand.

    `scopes` has the variables before each line, by the function and the line.
    """
    if block.analytic is None or not fits(block.analytic, block.value) or block.value.size < 2:
        return None
    missing = block.measured - block.at(block.analytic)
    size = float(np.abs(block.measured).max(initial=0.0))
    if not np.isfinite(missing).all() or np.count_nonzero(np.abs(missing) > 1e-6 * size) < 2:
        return None
    for (owner, line), scope in scopes.items():
        for statement in _at(analysis, line):
            for expression in _expressions(statement):
                value = evaluated(expression, {"np": np, "numpy": np, **scope})
                if not _is_same(value, block.analytic):
                    continue
                later = [v for (o, n), v in scopes.items() if o == owner and n > line]
                for where in (scope, *later[-1:]):
                    text = _term(block, missing, size, where)
                    if text is not None:
                        finding = _told(analysis, block, statement, expression, text)
                        if finding is not None:
                            return finding
    return None


def _at(analysis: Analysis, line: int) -> Iterator[ast.stmt]:
    plain = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
    for statement in [*analysis.unit.body, *analysis.unit.definitions]:
        for node in ast.walk(statement):
            if isinstance(node, plain) and node.lineno == line:
                yield node


def _expressions(statement: ast.stmt) -> list[ast.expr]:
    """The expressions whose values a statement hands on."""
    value = getattr(statement, "value", None)
    if isinstance(value, (ast.Tuple, ast.List)):
        return value.elts
    if isinstance(value, ast.Dict):
        return value.values
    return [value] if isinstance(value, ast.expr) else []


def _is_same(value: Any, gradient: Array) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.shape == np.shape(gradient)
        and np.allclose(value, gradient, rtol=1e-9, atol=1e-15)
    )


def _term(block: Block, missing: Array, size: float, scope: Mapping[str, Any]) -> str | None:
    """The shortest expression of arrays at hand with the numbers that are missing."""
    fitting = [
        text
        for text, numbers in _terms(block, scope)
        if np.all(np.abs(numbers - missing) <= TOLERANCE * size)
    ]
    return min(fitting, key=len, default=None)


def _terms(block: Block, scope: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """Products and sums that have the shape of a block, at the entries that were measured."""
    own = [(n, a) for n, a in arrays_of(scope) if 0 < a.size <= MOST and a.dtype.kind in "fiub"]
    arrays = [(n, a.astype(float)) for n, a in own if a.ndim in (1, 2)]
    shape = block.value.shape
    if len(shape) == 2:
        rows, columns = np.unravel_index(block.entries, shape)
        for name, a in arrays:
            for other, b in arrays:
                if a.ndim == b.ndim == 2:
                    if (a.shape[1], b.shape[1]) == shape and len(a) == len(b):
                        yield f"{name}.T @ {other}", (a[:, rows] * b[:, columns]).sum(axis=0)
                    if (len(a), len(b)) == shape and a.shape[1] == b.shape[1]:
                        yield f"{name} @ {other}.T", (a[rows] * b[columns]).sum(axis=1)
                    if (len(a), b.shape[1]) == shape and a.shape[1] == len(b):
                        product = (a[rows] * b[:, columns].T).sum(axis=1)
                        yield f"{name} @ {other}", product
                elif a.ndim == b.ndim == 1 and (len(a), len(b)) == shape:
                    yield f"np.outer({name}, {other})", a[rows] * b[columns]
        yield from _scattered(block, scope)
    flat = block.value.size
    for name, a in arrays:
        for axis in range(2 if a.ndim == 2 else 0):
            if a.shape[1 - axis] == flat and flat in shape and flat == max(shape):
                keep = ", keepdims=True" if len(shape) == 2 else ""
                if len(shape) == 1 or shape[axis] == 1:
                    yield f"{name}.sum(axis={axis}{keep})", a.sum(axis=axis)[block.entries]


def _scattered(block: Block, scope: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """What comes back to the rows of a table that were looked up by their numbers."""
    own = [(n, a) for n, a in arrays_of(scope) if 0 < a.size <= MOST]
    rows, columns = block.value.shape
    for name, ids in own:
        if ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= rows:
            continue
        for other, back in own:
            if back.dtype.kind == "f" and back.shape == (*ids.shape, columns):
                whole = np.zeros(block.value.shape)
                np.add.at(whole, ids, back)
                text = f"np.eye({rows})[{name}].T @ {other}"
                if ids.ndim > 1:
                    flat = f"{other}.reshape(-1, {columns})"
                    text = f"np.eye({rows})[{name}.ravel()].T @ {flat}"
                yield text, whole.reshape(-1)[block.entries]


def _told(
    analysis: Analysis, block: Block, statement: ast.stmt, expression: ast.expr, text: str
) -> BlockFinding | None:
    """The finding, where the line with the missing part makes the gradient right."""
    words = (
        f"{block.label} is used more than once, and its gradient is the sum over all uses: the "
        f"part {text} is missing."
    )
    new = copy.copy(statement)
    added = ast.BinOp(expression, ast.Add(), parsed(text))
    value = getattr(statement, "value", None)
    if value is expression:
        new.value = added  # type: ignore[attr-defined]
    else:
        whole: Any = copy.copy(value)
        name = "values" if isinstance(whole, ast.Dict) else "elts"
        setattr(whole, name, [added if e is expression else e for e in getattr(whole, name)])
        new.value = whole  # type: ignore[attr-defined]
    ast.fix_missing_locations(new)
    edited = tuple(
        replaced_in(body, statement, new)
        for body in (analysis.unit.definitions, analysis.unit.body)
    )
    run = analysis.unit.run(analysis.put, edited=edited)  # type: ignore[arg-type]
    mended = run.error is None and block.agrees(gradient_of(block, run, analysis.put))
    if mended:
        words += (
            f" Line {statement.lineno}: the line is `{text_of(statement)}`; with `{text_of(new)}` "
            f"{block.label} agrees with what was measured."
        )
    elif run.error is None:
        return None
    else:  # an array of the product is made further down
        words += f" Add it to what line {statement.lineno} computes, `{text_of(statement)}`."
    return BlockFinding("wrong", words)
