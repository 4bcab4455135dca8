"""Axes in the wrong order before a reshape or behind it, where all shapes fit all the same."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from minnet.teaching.scripts.scopes import Local, Scope, evaluated, text_of

MOST = 4
"""Axes of an array whose orders are tried."""


def of_axes(node: ast.Call, scope: Scope) -> Iterator[Local]:
    """Another order of the axes at a reshape or a transpose."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in ("reshape", "transpose"):
        return
    numpy = text_of(node.func.value) in ("np", "numpy")
    if numpy and not node.args:
        return
    inner = node.args[0] if numpy else node.func.value
    handed = list(node.args[1:] if numpy else node.args)
    value = evaluated(inner, scope)
    if not isinstance(value, np.ndarray) or not 2 <= value.ndim <= MOST:
        return
    orders = [p for p in permutations(range(value.ndim)) if list(p) != sorted(p)]
    if node.func.attr == "reshape":
        yield from _before(node, inner, value.shape, orders, numpy)
        if not numpy:
            yield from _behind(node, handed)
    elif value.ndim > 2:
        for order in orders:
            words = f"the axes are in the wrong order: {_name(order)} belongs there"
            yield "transposed", words, 1.5, _turned(inner, order)


def _before(
    node: ast.Call,
    inner: ast.expr,
    shape: tuple[int, ...],
    orders: Sequence[tuple[int, ...]],
    numpy: bool,
) -> Iterator[Local]:
    """The array turned round before it is reshaped."""
    for order in orders:
        if [shape[i] for i in order if shape[i] > 1] == [n for n in shape if n > 1]:
            continue  # only axes of length 1 change their places
        turned = _turned(inner, order)
        new = copy.copy(node)
        if numpy:
            new.args = [turned, *node.args[1:]]
        else:
            new.func = ast.Attribute(turned, "reshape", ast.Load())
        words = (
            f"the reshape fits, but it mixes the axes up: those of {text_of(inner)} are in another "
            f"order than it takes them in, so that {_name(order)} belongs before it"
        )
        yield "transposed", words, 1.6, new


def _behind(node: ast.Call, handed: list[ast.expr]) -> Iterator[Local]:
    """The array reshaped to its axes in another order, and turned round to this one."""
    lengths = handed[0].elts if len(handed) == 1 and isinstance(handed[0], ast.Tuple) else handed
    if not 3 <= len(lengths) <= MOST:
        return
    for order in permutations(range(len(lengths))):
        if list(order) == sorted(order):
            continue
        new = copy.copy(node)
        new.args = [lengths[i] for i in order]
        back = tuple(int(i) for i in np.argsort(order))
        words = (
            "the reshape fits, but it mixes the axes up: they come in another order, so that it "
            f"takes reshape({', '.join(text_of(lengths[i]) for i in order)}), and "
            f"{_name(back)} behind it"
        )
        yield "transposed", words, 1.65, _turned(new, back)


def _name(order: Sequence[int]) -> str:
    return ".T" if len(order) == 2 else f"transpose{tuple(order)}"


def _turned(array: ast.expr, order: Sequence[int]) -> ast.expr:
    """`array.transpose(order)`; of two axes, `array.T`."""
    if len(order) == 2:
        return ast.Attribute(array, "T", ast.Load())
    axes: list[ast.expr] = [ast.Constant(i) for i in order]
    return ast.Call(ast.Attribute(array, "transpose", ast.Load()), axes, [])
