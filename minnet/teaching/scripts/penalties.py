"""The gradient of a penalty on a bias that the cost leaves out."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.blocks import ratio
from minnet.teaching.scripts.scopes import Scope, binary, evaluated, parsed, small_numbers, text_of

LEAVE_OUT = "is not penalised in the cost, and the gradient is to leave it out as well"
"""What is said of such a bias."""

BIAS = re.compile(
    r"(^|[._\[\"'])(b|bs|bias\w*|intercept|beta_?0|theta_?0|w_?0)_?\d*[\"'\]]*$", re.I
)
"""How a bias is called."""


def is_bias(name: str) -> bool:
    """Whether an expression is called like a bias, or like an entry of a list of such."""
    return bool(BIAS.search(name) or BIAS.search(re.sub(r"\[-?\w+\]$", "", name)))


Variant = tuple[str, str, float, ast.stmt]


def of_penalty(statement: ast.stmt, scope: Scope) -> Iterator[Variant]:
    """The statement with a penalty that spares a bias: an entry, a column, or a block."""
    if not isinstance(statement, (ast.Assign, ast.AugAssign)):
        return
    yield from _in_step(statement, scope)
    for term, array, value in list(_penalties(statement, scope)):
        name = text_of(array)
        for bias, spared, inside, zeros in _parts(name, value.shape):
            words = f"{bias} {LEAVE_OUT}"
            if isinstance(statement, ast.AugAssign) and term is statement.value:
                if isinstance(statement.target, (ast.Name, ast.Attribute)):
                    target = parsed(f"{text_of(statement.target)}{inside}")
                    target.ctx = ast.Store()  # type: ignore[attr-defined]
                    new = copy.copy(statement)
                    new.target = target  # type: ignore[assignment]
                    new.value = _put(term, array, parsed(spared))
                    yield "factor", words, 1.1, new
            elif "np" in scope:
                yield "factor", words, 1.2, _with(statement, array, parsed(zeros))
        if is_bias(name):
            words = f"{name} {LEAVE_OUT}: {text_of(term)} is one too many"
            yield from _without(statement, term, words)
        elif isinstance(array, ast.Subscript) or isinstance(statement.value, ast.ListComp):
            for shape in (f"{name}.ndim > 1", f"min({name}.shape) > 1"):
                words = f"a bias {LEAVE_OUT}: only matrices of weights have a penalty there"
                product = binary(term, ast.Mult(), parsed(f"({shape})"))
                yield "factor", words, 1.3, _with(statement, term, product)


def _in_step(statement: ast.Assign | ast.AugAssign, scope: Scope) -> Iterator[Variant]:
    """The update of a weight by a rate times a gradient, with a penalty of that weight in it."""
    if isinstance(statement, ast.AugAssign):
        target, op, step = statement.target, statement.op, statement.value
    else:
        target, whole = statement.targets[0], statement.value  # type: ignore[assignment]
        if not isinstance(whole, ast.BinOp) or text_of(whole.left) != text_of(target):
            return
        op, step = whole.op, whole.right
    if not isinstance(op, (ast.Add, ast.Sub)) or not isinstance(step, ast.BinOp):
        return
    name = text_of(target)
    if not isinstance(step.op, ast.Mult) or is_bias(name) or evaluated(target, scope) is None:
        return
    back: ast.operator = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
    for rate, gradient in ((step.left, step.right), (step.right, step.left)):
        if not isinstance(evaluated(rate, scope), float):
            continue
        for number, _ in small_numbers(scope):
            if number in text_of(step):
                continue
            for times in (number, f"2 * {number}"):
                sign = "−" if isinstance(back, ast.Sub) else "+"
                words = (
                    "the gradient of the penalty (regularisation, weight decay) is missing: "
                    f"{sign} {times} * {name}"
                )
                sum_ = binary(gradient, back, parsed(f"{times} * {name}"))
                yield "factor", words, 1.7, _with(statement, gradient, sum_)


def _penalties(
    statement: ast.Assign | ast.AugAssign, scope: Scope
) -> Iterator[tuple[ast.expr, ast.expr, Array]]:
    """The terms that are a number times an array, with that array."""
    sums = [n for n in ast.walk(statement.value) if _is_sum(n)]
    terms = [side for node in sums for side in (node.left, node.right)]  # type: ignore[attr-defined]
    if isinstance(statement, ast.AugAssign):
        terms.append(statement.value)
    for term in terms:
        value = evaluated(term, scope)
        number = isinstance(value, (float, np.floating))
        if not isinstance(term, ast.BinOp) or not (number or isinstance(value, np.ndarray)):
            continue
        for node in ast.walk(term):
            if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                continue
            array = evaluated(node, scope)
            if number and isinstance(array, float) and is_bias(text_of(node)):
                yield term, node, np.asarray(array)
                break
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size:
                continue
            if array.shape == np.shape(value) and _is_multiple(value, array):
                yield term, node, array
                break


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _is_multiple(value: Array, array: Array) -> bool:
    flat = np.asarray(value, float).reshape(-1)
    return not np.any(array) or ratio(flat, array.reshape(-1), 1e-9) is not None


def _parts(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, str, str, str]]:
    """What may be the bias in an array: it, the rest, how the rest is had, and zeros for it."""
    if max(shape, default=0) < 2 or len(shape) not in (1, 2):
        return
    if len(shape) == 1:
        yield f"{name}[0]", f"{name}[1:]", "[1:]", f"np.r_[0, {name}[1:]]"
        yield f"{name}[-1]", f"{name}[:-1]", "[:-1]", f"np.r_[{name}[:-1], 0]"
        return
    rows, columns = (f"np.zeros((1, {shape[1]}))", f"np.zeros(({shape[0]}, 1))")
    if shape[0] > 1:
        yield f"{name}[0]", f"{name}[1:]", "[1:]", f"np.r_[{rows}, {name}[1:]]"
        yield f"{name}[-1]", f"{name}[:-1]", "[:-1]", f"np.r_[{name}[:-1], {rows}]"
    if shape[1] > 1:
        yield f"{name}[:, 0]", f"{name}[:, 1:]", "[:, 1:]", f"np.c_[{columns}, {name}[:, 1:]]"
        yield f"{name}[:, -1]", f"{name}[:, :-1]", "[:, :-1]", f"np.c_[{name}[:, :-1], {columns}]"


def _without(
    statement: ast.Assign | ast.AugAssign, term: ast.expr, words: str
) -> Iterator[Variant]:
    if isinstance(statement, ast.AugAssign) and term is statement.value:
        yield "factor", words, 1.1, ast.copy_location(ast.Pass(), statement)
    for node in ast.walk(statement.value):
        if _is_sum(node) and node.right is term:  # type: ignore[attr-defined]
            yield "factor", words, 1.1, _with(statement, node, node.left)  # type: ignore[attr-defined]
        elif _is_sum(node) and node.left is term and isinstance(node.op, ast.Add):  # type: ignore[attr-defined]
            yield "factor", words, 1.1, _with(statement, node, node.right)  # type: ignore[attr-defined]


class _OneNode(ast.NodeTransformer):
    def __init__(self, number: int, new: ast.expr) -> None:
        self.number, self.new, self.count = number, new, -1

    def visit(self, node: ast.AST) -> Any:
        self.count += 1
        if self.count == self.number:
            return self.new
        return self.generic_visit(node)


def _put(tree: ast.AST, old: ast.AST, new: ast.expr) -> ast.expr:
    """A copy of a tree with another node in the place of one."""
    number = list(_in_order(tree)).index(old)
    done: ast.expr = _OneNode(number, copy.deepcopy(new)).visit(copy.deepcopy(tree))
    return done


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from _in_order(child)


def _with(statement: ast.Assign | ast.AugAssign, old: ast.AST, new: ast.expr) -> ast.stmt:
    fresh = copy.copy(statement)
    fresh.value = _put(statement.value, old, new)
    return fresh
