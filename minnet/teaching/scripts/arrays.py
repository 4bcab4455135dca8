"""Changes of an array in a formula: another one, its transpose, a derivative, another index."""

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
    evaluated,
    floats_of,
    parsed,
    text_of,
)


def of_array(node: ast.expr, scope: Scope, helpers: Mapping[str, Any]) -> Iterator[Local]:
    """Another array of the same shape, a transpose, a derivative around it."""
    value = evaluated(node, scope)
    text = text_of(node)
    if isinstance(value, np.ndarray):
        for name, array in arrays_of(scope):
            if array.shape == value.shape and name != text and array is not value:
                cost = 1.8
                words = f"{text} stands where {name} belongs"
                words += _which(name)
                yield "wrong", words, cost, parsed(name)
                yield (
                    "factor",
                    f"the factor {name} is missing at {text}",
                    2.7,
                    parsed(f"({text} * {name})"),
                )
            elif array.shape == value.shape[::-1] and value.ndim == 2 and name != text:
                words = f"{text} stands where {name}.T belongs{_which(name)}"
                yield "wrong", words, 2.4, parsed(name + ".T")
            elif array.ndim == value.ndim and name != text and array.ndim:
                yield "wrong", f"{text} stands where {name} belongs", 2.3, parsed(name)
        yield _squared(value, text)
        if value.size and np.all((value >= 0) & (value <= 1)):
            yield "wrong", f"{text} stands where 1 − {text} belongs", 1.9, parsed(f"(1 - {text})")
        if value.dtype.kind == "f" and np.any(value < 0):
            words = f"{text} stands where its sign belongs, which is the slope of |{text}|"
            yield "wrong", words, 2.0, parsed(f"np.sign({text})")
        yield from _of_row(node, scope)
        yield from _of_list(node, scope)
        if value.ndim == 2:
            yield from _through_weights(text, value.shape, scope)
            yield (
                "transposed",
                f"{text} stands where {text}.T belongs: the transpose is missing",
                1.3,
                parsed(f"{text}.T"),
            )
        for name, _, derivative in derivatives(value.shape, scope, helpers):
            yield (
                "wrong",
                f"the derivative {derivative} is missing at {text}",
                2.6,
                parsed(f"({text} * {name})"),
            )
        yield from _handed_to(helpers, text)
    elif isinstance(value, (float, np.floating, int)) and not isinstance(value, bool):
        for name, _ in floats_of(scope):
            if name != text:
                yield "wrong", f"{text} stands where {name} belongs", 2.2, parsed(name)
        if not isinstance(value, int):
            yield _squared(value, text)
            yield "wrong", f"{text} stands where 1 − {text} belongs", 2.3, parsed(f"(1 - {text})")
            yield from _handed_to(helpers, text)
        if isinstance(node, ast.Attribute) and text.startswith("self."):
            for key, other in vars(scope.get("self", 0)).items() if "self" in scope else ():
                if isinstance(other, (float, np.floating)) and f"self.{key}" != text:
                    yield (
                        "wrong",
                        f"{text} stands where self.{key} belongs",
                        2.2,
                        parsed(f"self.{key}"),
                    )


def _squared(value: Any, text: str) -> Local:
    """The square in the place of a number or an array."""
    words = f"the square of {text} is missing: {text}**2 belongs there{_as_in(value, text)}"
    return "wrong", words, 1.7, parsed(f"{text}**2")


def _handed_to(helpers: Mapping[str, Any], text: str) -> Iterator[Local]:
    """What a function of the file makes of it."""
    for helper in helpers:
        words = f"{helper} is missing: {helper}({text}) belongs where {text} stands"
        yield "wrong", words, 2.6, parsed(f"{helper}({text})")


def _of_row(node: ast.expr, scope: Scope) -> Iterator[Local]:
    """The sum over all rows in the place of one row."""
    if isinstance(node, ast.Subscript) and isinstance(evaluated(node.slice, scope), int):
        rows = evaluated(node.value, scope)
        if isinstance(rows, np.ndarray) and rows.ndim == 2:
            words = (
                f"{text_of(node)} is that of one sample: the sum over all of them, "
                f"{text_of(node.value)}.sum(axis=0), belongs there"
            )
            yield "bias-not-summed", words, 1.8, parsed(f"{text_of(node.value)}.sum(axis=0)")


def _of_list(node: ast.expr, scope: Scope) -> Iterator[Local]:
    """The same entry of another list of arrays, as of the z of all layers beside their a."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
        return
    own, index = text_of(node.value), text_of(node.slice)
    if not _are_arrays(evaluated(node.value, scope)):
        return
    for name, value in scope.items():
        if name != own and _are_arrays(value):
            text = f"{name}[{index}]"
            yield "wrong", f"{text_of(node)} stands where {text} belongs", 1.9, parsed(text)


def _are_arrays(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(isinstance(entry, np.ndarray) for entry in value)
    )


def of_index(node: ast.AST) -> Iterator[Local]:
    """Another key of a dict, the next layer's index."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
        return
    index = node.slice
    if isinstance(index, ast.Tuple):
        return
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        return  # other arrays of the scope are tried as such
    for step in (1, -1):
        fresh = ast.Subscript(node.value, _of_next(index, step), ast.Load())
        other = "another size" if text_of(node.value).endswith(".shape") else "the wrong layer"
        words = f"{text_of(node)} is of {other}: {text_of(fresh)} belongs there"
        yield "wrong", words, 1.9, fresh


def _of_next(index: ast.expr, step: int) -> ast.expr:
    """The index so many layers on, also in a key that is made of one, such as f"Z{l}"."""
    fresh = copy.deepcopy(index)
    for node in ast.walk(fresh):
        if isinstance(node, ast.FormattedValue):
            node.value = _moved(node.value, step)
            return fresh
        if isinstance(node, ast.Call) and text_of(node.func) == "str" and node.args:
            node.args[0] = _moved(node.args[0], step)
            return fresh
    return _moved(index, step)


def _moved(number: ast.expr, step: int) -> ast.expr:
    """A number and a step, as one writes it: l − 1, and not l − 2 + 1."""
    if isinstance(number, ast.Constant) and isinstance(number.value, int):
        return ast.Constant(number.value + step)
    if isinstance(number, ast.BinOp) and isinstance(number.right, ast.Constant):
        shift, added = number.right.value, isinstance(number.op, ast.Add)
        if isinstance(shift, int) and (added or isinstance(number.op, ast.Sub)):
            number, step = number.left, step + (shift if added else -shift)
    if step == 0:
        return number
    return binary(number, ast.Add() if step > 0 else ast.Sub(), ast.Constant(abs(step)))


def of_swapped(statement: ast.stmt) -> Iterator[tuple[str, str, float, ast.stmt]]:
    """The two indices of an entry the other way round: w[j][i] for w[i][j], here or all over."""
    entries: dict[str, list[int]] = {}
    nodes = list(ast.walk(statement))
    for number, node in enumerate(nodes):
        if isinstance(node, ast.Subscript) and (array := _of_two(node)):
            entries.setdefault(array, []).append(number)
    for array, numbers in entries.items():
        for chosen in [numbers, *([n] for n in numbers if len(numbers) > 1)]:
            fresh = copy.deepcopy(statement)
            swapped = [node for n, node in enumerate(ast.walk(fresh)) if n in chosen]
            for node in swapped:
                _swap(node)
            words = (
                f"the indices of {array} are the wrong way round: {text_of(swapped[0])} belongs "
                f"where {text_of(nodes[chosen[0]])} stands"
            )
            yield "transposed", words, 1.4 + 0.1 * (chosen is not numbers), fresh


def _of_two(node: ast.Subscript) -> str:
    """What has two indices that are not the same: w of w[i][j] or of w[i, j]; "" for others."""
    array, pair = node.value, [node.slice]
    if isinstance(node.slice, ast.Tuple):
        pair = node.slice.elts
    elif isinstance(node.value, ast.Subscript):
        array, pair = node.value.value, [node.value.slice, node.slice]
    texts = {text_of(index) for index in pair}
    plain = all(isinstance(i, (ast.Name, ast.BinOp, ast.Constant)) for i in pair)
    keys = any(isinstance(i, ast.Constant) and isinstance(i.value, str) for i in pair)
    return text_of(array) if len(pair) == len(texts) == 2 and plain and not keys else ""


def _swap(node: Any) -> None:
    if isinstance(node.slice, ast.Tuple):
        node.slice.elts.reverse()
    else:
        node.slice, node.value.slice = node.value.slice, node.slice


def _through_weights(text: str, shape: tuple[int, ...], scope: Scope) -> Iterator[Local]:
    """The gradient of the next layer, taken back through its weights."""
    arrays = [(n, a) for n, a in arrays_of(scope) if a.ndim == 2]
    deltas = [(n, a) for n, a in arrays if re.search(r"(^|\.)(d|e|grad|g)", n.lower())]
    weights = [(n, a) for n, a in arrays if re.search(r"w|theta|syn|kernel", n.lower())]
    for d, delta in deltas[:12]:
        for w, weight in weights[:12]:
            if d == w or text in (d, w):
                continue
            for product, fits in (
                (f"{d} @ {w}.T", delta.shape[1] == weight.shape[1]),
                (f"{w}.T @ {d}", delta.shape[0] == weight.shape[0]),
            ):
                if fits:
                    yield (
                        "wrong",
                        f"{text} stands where {product} belongs: the gradient comes back through "
                        f"the weights {w} of the next layer",
                        2.65,
                        parsed(f"({product})"),
                    )


def _as_in(value: Any, text: str) -> str:
    inside = np.size(value) and np.all(np.abs(value) <= 1)
    return f", as in the derivative of tanh, 1 − {text}²" if inside else ""


def _which(name: str) -> str:
    """What an array is, where its name tells."""
    if re.search(r"hat|norm", name):
        return ", which is x̂, the normalised x"
    if re.fullmatch(r"(self\.)?(x\w?|inputs?|a_?prev|layer_?0|l0|a0)(\.t)?", name.lower()):
        return ": the input of the layer, not its output"
    return ""
