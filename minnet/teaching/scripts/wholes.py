"""Changes of a whole right-hand side: a sign, a factor, a derivative, a penalty, a sum."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minnet.teaching.scripts.scopes import (
    Local,
    Scope,
    arrays_of,
    binary,
    derivatives,
    floats_of,
    parsed,
    sizes,
    small_numbers,
    text_of,
)
from minnet.teaching.scripts.windows import of_largest


def of_whole(
    node: ast.expr, value: Any, statement: ast.stmt, scope: Scope, helpers: Mapping[str, Any]
) -> Iterator[Local]:
    """Changes of a whole right-hand side: its sign, a factor, a derivative, a penalty, a sum."""
    target = ""
    if isinstance(statement, ast.Assign):
        target = text_of(statement.targets[0])
    elif isinstance(statement, ast.AugAssign):
        target = text_of(statement.target)
    yield (
        "sign",
        "the sign is the other way round (a minus too many, or one that is missing)",
        1.0,
        ast.UnaryOp(ast.USub(), node),
    )
    first = node
    while isinstance(first, ast.BinOp) and not isinstance(first.op, (ast.Add, ast.Sub)):
        first = first.left
    if isinstance(first, ast.UnaryOp) and isinstance(first.op, ast.USub):
        words = "the minus at its beginning is one too many"
        yield "sign", words, 0.9, _put_for(node, first, first.operand)
    if isinstance(node, ast.ListComp):
        yield from _unused(node, target)
    yield from _of_activation(node, statement, helpers)
    for number in (2, 3, 4):
        yield (
            "factor",
            f"the factor {number} is missing",
            1.6,
            binary(ast.Constant(number), ast.Mult(), node),
        )
        spread = re.search(r"repeat|kron|tile", text_of(node))  # as the mean of a window goes back
        each = f": of a window of {number} each entry has 1/{number} of the mean" if spread else ""
        yield (
            "factor",
            f"it is {number} times too large: the factor 1/{number} is missing{each}",
            1.5 if spread else 1.6,
            binary(node, ast.Div(), ast.Constant(number)),
        )
    if value is None or not isinstance(value, (np.ndarray, float, np.floating)):
        return
    shape = np.shape(value)
    if not np.any(value):  # the zeros of the start
        return
    for name, size in sizes(scope):
        divisor = parsed(name)
        yield (
            "sum-vs-mean",
            f"the 1/N of the mean over the samples is missing: divide by {name} (= {size})",
            1.3,
            binary(node, ast.Div(), divisor),
        )
        yield (
            "sum-vs-mean",
            f"it is divided by the number of samples once too often ({name} = {size})",
            1.5,
            binary(node, ast.Mult(), divisor),
        )
    for name, _, derivative in derivatives(shape, scope, helpers):
        yield (
            "wrong-mask" if ">" in name else "wrong",
            f"the derivative {derivative} is missing: the gradient goes back through the "
            f"activation (or mask) without being multiplied by {name}",
            2.0 + 0.002 * len(name),
            binary(node, ast.Mult(), parsed(name)),
        )
    if not shape:
        for name, _ in floats_of(scope):
            yield (
                "factor",
                f"the factor {name} is missing",
                2.3,
                binary(node, ast.Mult(), parsed(name)),
            )
    else:
        for name, array in arrays_of(scope):
            if np.shape(array) == shape and name != target:
                yield (
                    "factor",
                    f"the factor {name} is missing",
                    2.35,
                    binary(node, ast.Mult(), parsed(name)),
                )
    first = node
    while isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Mult, ast.Div)):
        first = first.left
        for name, _, derivative in derivatives(shape, scope, helpers):
            new = binary(first, ast.Mult(), parsed(name))
            words = f"the derivative is wrong: that {derivative.rstrip(',')} belongs there"
            yield "wrong", words, 2.5 + 0.002 * len(name), new
    for name, rate in small_numbers(scope):
        if 0 < rate < 1:
            yield (
                "factor",
                f"the division by {name} is missing",
                2.2,
                binary(node, ast.Div(), parsed(name)),
            )
            yield (
                "factor",
                f"the factor {name} is missing",
                2.2,
                binary(node, ast.Mult(), parsed(name)),
            )
            yield (
                "factor",
                f"the factor 1 − {name} is missing",
                2.4,
                binary(node, ast.Mult(), parsed(f"(1 - {name})")),
            )
    if len(shape) == 2 and shape[0] == shape[1]:
        yield (
            "transposed",
            "the matrix is transposed: rows and columns are the wrong way round",
            1.2,
            ast.Attribute(node, "T", ast.Load()),
        )
    if len(shape) >= 1:
        for axis in range(len(shape)):
            for keep in ("", ", keepdims=True"):
                yield (
                    "bias-not-summed",
                    f"the sum over the samples is missing: .sum(axis={axis}{keep})",
                    2.0,
                    parsed(f"({text_of(node)}).sum(axis={axis}{keep})"),
                )
    for name, array in arrays_of(scope):
        if np.shape(array) != shape or not shape or name == target:
            continue
        for symbol in ["", *(n for n, _ in small_numbers(scope))]:
            for factor in _penalty_forms(symbol, scope):
                times = f"{factor} * {name}" if factor else name
                if not factor and not re.search(r"w|theta|param", name, re.I):
                    continue
                words = (
                    "the gradient of the penalty (regularisation, weight decay) is missing: + "
                    f"{times}"
                )
                yield (
                    "factor",
                    words,
                    2.6 + 0.02 * len(factor),
                    binary(node, ast.Add(), parsed(times)),
                )
    yield from _other_ways(node, shape, target, scope)
    if "np" in scope:  # a penalty that spares the bias in the first column or entry
        yield from _spared(node, shape, target, scope)
    for name, array in arrays_of(scope):  # through the weights of the next layer
        if np.ndim(array) == 2 and len(shape) == 2:
            dy = f"({text_of(node)})"  # may have braces, as f"W{l}" has
            for product in (parsed(f"{dy} @ {name}.T"), parsed(f"{name}.T @ {dy}")):
                yield "wrong", f"it does not go back through the weights {name}", 3.0, product
    yield from of_largest(node, value, statement, scope, target)
    if len(shape) >= 1:
        yield from _of_softmax(shape, target, scope)
    if len(shape) in (1, 2):
        yield from _of_error(node, shape, target, scope)
    if len(shape) == 2:
        yield from _of_statistics(f"({text_of(node)})", shape, scope)


def _of_activation(
    node: ast.expr, statement: ast.stmt, helpers: Mapping[str, Any]
) -> Iterator[Local]:
    """A derivative of z that is called with the activation a = f(z), or the other way round."""
    written = text_of(node)
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and len(n.args) == 1]
    texts = [text_of(call) for call in calls]
    for call, text in zip(calls, texts, strict=True):
        if texts.count(text) > 1:
            given, function = text_of(call.args[0]), text_of(call.func)
            words = (
                f"{function} is applied twice: {given} is a value of {function} already where this "
                f"is called, so that {given} belongs where {text} stands"
            )
            yield "wrong", words, 1.8, parsed(written.replace(text, f"({given})"))
    if not isinstance(statement, ast.Return) or calls:
        return
    nodes = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    names = [n.id for n in nodes]
    bound = {n.id for n in nodes if isinstance(n.ctx, ast.Store)}  # by a comprehension
    for name in sorted({n for n in names if names.count(n) > 1} - bound):
        for helper in helpers:
            words = (
                f"{helper} is missing: this is called with what goes into it, so that "
                f"{helper}({name}) belongs where {name} stands"
            )
            yield "wrong", words, 2.2, _Called(name, helper).visit(parsed(written))


class _Called(ast.NodeTransformer):
    """Puts a call of a function with a name in the place of the name."""

    def __init__(self, name: str, function: str) -> None:
        self.name, self.function = name, function

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return parsed(f"{self.function}({self.name})") if node.id == self.name else node


def _unused(node: ast.ListComp, target: str) -> Iterator[Local]:
    """A list made anew of itself and another, in which the sums of before are not used."""
    loop = node.generators[0]
    call = loop.iter
    if not isinstance(loop.target, ast.Tuple) or not isinstance(call, ast.Call):
        return
    used = {n.id for n in ast.walk(node.elt) if isinstance(n, ast.Name)}
    for name, source in zip(loop.target.elts, call.args, strict=False):
        if isinstance(name, ast.Name) and name.id not in used and text_of(source) == target:
            words = (
                f"{name.id} is not used, so {target} has the last sample alone: {name.id} + … "
                "belongs there (the sum over the samples is missing)"
            )
            added = binary(ast.Name(name.id, ast.Load()), ast.Add(), node.elt)
            yield "bias-not-summed", words, 1.2, ast.ListComp(added, node.generators)


def _put_for(node: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """A product with another in the place of its first factor."""
    if node is old:
        return new
    fresh = copy.copy(node)
    fresh.left = _put_for(fresh.left, old, new)  # type: ignore[attr-defined]
    return fresh


def _of_statistics(n: str, shape: tuple[int, ...], scope: Scope) -> Iterator[Local]:
    """Normalisation of columns or of rows: what x's mean and variance add."""
    for axis, over in ((0, "axis=0"), (1, "axis=-1")):
        extra = 0.05 * axis
        mean = f"{n}.mean({over}, keepdims=True)"
        for name, array in arrays_of(scope):
            if np.shape(array) != shape:
                continue
            known = bool(re.search(r"hat|norm|^.?[xz]n$", name))
            share = f"{name} * ({n} * {name}).mean({over}, keepdims=True)"
            yield (
                "diagonal-jacobian",
                "the variance is taken for a constant, but it depends on x too: "
                f"− x̂ mean(dy x̂) is missing, with x̂ = {name}",
                (1.4 if known else 3.0) + extra,
                parsed(f"{n} - {share}"),
            )
            yield (
                "diagonal-jacobian",
                "mean and variance are taken for constants, but they depend on x too: "
                f"− mean(dy) − x̂ mean(dy x̂) is missing, with x̂ = {name}",
                (1.45 if known else 3.1) + extra,
                parsed(f"{n} - {mean} - {share}"),
            )
        yield (
            "diagonal-jacobian",
            "the mean is taken for a constant, but it depends on x too: − mean(dy) is missing",
            3.0 + extra,
            parsed(f"{n} - {mean}"),
        )


def _of_softmax(shape: tuple[int, ...], target: str, scope: Scope) -> Iterator[Local]:
    """What comes back through a softmax, where only its diagonal was taken."""
    arrays = [(n, a) for n, a in arrays_of(scope) if np.shape(a) == shape and n != target]
    for name, p in arrays:
        if p.dtype.kind != "f" or not np.all(p > 0):
            continue
        ways = range(len(shape) - 1, -1, -1)
        axis = next((i for i in ways if np.allclose(p.sum(axis=i), 1.0)), None)
        if axis is None:
            continue
        for d, _ in arrays:
            if d != name and GRADIENT.search(d):
                yield (
                    "diagonal-jacobian",
                    "the softmax is taken for its diagonal alone, but each of its outputs depends "
                    f"on every input: {name} ({d} − Σ {d} {name}) belongs there",
                    2.3,
                    parsed(f"{name} * ({d} - ({d} * {name}).sum(axis={axis}, keepdims=True))"),
                )


def _of_error(node: ast.expr, shape: tuple[int, ...], target: str, scope: Scope) -> Iterator[Local]:
    """The error p − t, which a cross-entropy sends back through the softmax or sigmoid below it."""
    arrays = [(n, a) for n, a in arrays_of(scope) if np.shape(a) == shape and n != target]
    targets = [n for n, a in arrays if np.isin(a, (0, 1)).all() and np.any(a)]
    for p, value in arrays:
        if value.dtype.kind != "f" or not np.all((value > 0) & (value < 1)):
            continue
        for t in targets:
            for number in ("", *(n for n, _ in sizes(scope))):
                error = f"({p} - {t}) / {number}" if number else f"{p} - {t}"
                yield (
                    "wrong",
                    f"{error} belongs where {text_of(node)} stands: of a cross-entropy and the "
                    "softmax or sigmoid below it the error is what comes back",
                    2.3,
                    parsed(f"({error})"),
                )


GRADIENT = re.compile(r"(^|[._\[\"'])(d|grad|delta|g_|back|up)\w*", re.IGNORECASE)


def _other_ways(
    node: ast.expr, shape: tuple[int, ...], target: str, scope: Scope
) -> Iterator[Local]:
    """What comes back by another way: the next step of a sequence, or a branch."""
    if not GRADIENT.search(target):
        return
    written = text_of(node)
    for name, array in arrays_of(scope):
        other = name != target and name not in written
        if np.shape(array) == shape and other and GRADIENT.search(name):
            yield (
                "wrong",
                f"the term + {name} is missing: what comes back by that way belongs to it, too",
                2.7,
                binary(node, ast.Add(), parsed(name)),
            )


def _penalty_forms(rate: str, scope: Scope) -> list[str]:
    if not rate:
        return [""]
    names = [name for name, _ in sizes(scope)][:3]
    return [
        rate,
        f"2 * {rate}",
        *(f"{rate} / {n}" for n in names),
        *(f"2 * {rate} / {n}" for n in names[:1]),
    ]


def _spared(node: ast.expr, shape: tuple[int, ...], target: str, scope: Scope) -> Iterator[Local]:
    for name, array in arrays_of(scope):
        if np.shape(array) != shape or len(shape) not in (1, 2) or shape[-1] < 2 or name == target:
            continue
        spared = f"np.r_[0, {name}[1:]]"
        if len(shape) == 2:
            spared = f"np.c_[np.zeros(len({name})), {name}[:, 1:]]"
        for symbol, _ in small_numbers(scope):
            for factor in _penalty_forms(symbol, scope):
                words = (
                    "the gradient of the penalty (regularisation, weight decay) is missing: + "
                    f"{factor} * {name} without the bias"
                )
                yield "factor", words, 2.9, binary(node, ast.Add(), parsed(f"{factor} * {spared}"))
