"""Changes of a part of a formula: an operation, a call, a comparison, a constant."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from minnet.teaching.scripts.arrays import of_array
from minnet.teaching.scripts.axes import of_axes
from minnet.teaching.scripts.scopes import (
    TANHS,
    Local,
    Scope,
    arrays_of,
    binary,
    derivatives,
    evaluated,
    parsed,
    sizes,
    small_numbers,
    text_of,
)
from minnet.teaching.scripts.windows import of_diagonal, of_turned

ONCE = "is there once, and belongs there once for each of"
"""In the words of a change that multiplies by a count."""


def of_node(node: ast.expr, scope: Scope, helpers: Mapping[str, Any]) -> Iterator[Local]:
    """Changes of a part of a formula."""
    product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    if product or (isinstance(node, ast.Call) and text_of(node.func).endswith(("dot", "matmul"))):
        yield from _without_derivative(node, scope, helpers)
    if factors(node) is not None:
        yield from _another_derivative(node, scope, helpers)
        yield from _without_tanh(node, scope)
    yield from of_turned(node, scope)
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node, scope)
    elif isinstance(node, ast.Lambda) and len(node.args.args) == 1:
        given = node.args.args[0].arg
        new = ast.Lambda(node.args, binary(node.body, ast.Mult(), parsed(given)))
        words = f"the factor {given} is missing: the chain rule multiplies by what comes from above"
        yield "wrong", words, 1.9, new
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", "the minus is one too many", 1.0, node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from _of_constant(node)
        yield from counts_of_rows(node, scope)
    elif isinstance(node, ast.Compare):
        yield from of_compare(node, scope)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, scope, helpers)
        yield from of_axes(node, scope)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield (
            "transposed",
            f"{text_of(node)} stands where {text_of(node.value)} belongs: the transpose is one too "
            "many",
            1.2,
            node.value,
        )
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(
        getattr(node, "ctx", None), ast.Load
    ):
        yield from of_array(node, scope, helpers)


def _without_derivative(
    node: ast.expr, scope: Scope, helpers: Mapping[str, Any]
) -> Iterator[Local]:
    """A product inside of another, as what comes back through the weights, times a derivative."""
    value = evaluated(node, scope)
    if isinstance(value, np.ndarray) and value.ndim == 2:
        for name, _, derivative in derivatives(value.shape, scope, helpers):
            yield (
                "wrong",
                f"the derivative {derivative} is missing: what comes back through the weights is "
                f"multiplied by {name}",
                2.45 + 0.002 * len(name),
                binary(node, ast.Mult(), parsed(name)),
            )


def _without_tanh(node: ast.expr, scope: Scope) -> Iterator[Local]:
    """A product times the derivative of a tanh that is nowhere in the code."""
    for text, call in scope.get(TANHS, {}).items():
        value = evaluated(call, scope)
        if isinstance(value, np.ndarray) and value.shape == np.shape(evaluated(node, scope)):
            words = f"the derivative of tanh, 1 − {text}², is missing at {text_of(node)}"
            yield "wrong", words, 1.6, binary(node, ast.Mult(), parsed(f"(1 - {text} ** 2)"))


def factors(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The two sides of an elementwise product, written as * or as np.multiply, or None."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return node.left, node.right
    multiply = isinstance(node, ast.Call) and text_of(node.func).split(".")[-1] == "multiply"
    if multiply and isinstance(node, ast.Call) and len(node.args) == 2:
        return node.args[0], node.args[1]
    return None


def _another_derivative(
    node: ast.expr, scope: Scope, helpers: Mapping[str, Any]
) -> Iterator[Local]:
    """Another derivative than the one that belongs there, as a factor of a product."""
    sides = factors(node)
    if sides is None:
        return
    value = evaluated(node, scope)
    if not isinstance(value, (np.ndarray, float, np.floating)):
        return
    pairs = [(sides[0], sides[1]), (sides[1], sides[0])]
    inner = factors(sides[0])
    if inner is not None:  # (delta * a) * (1 - a)
        pairs.append((inner[0], binary(inner[1], ast.Mult(), sides[1])))
    for rest, written in pairs:
        if isinstance(written, (ast.Name, ast.Constant, ast.Attribute)) or _is_product(written):
            continue
        for name, _, derivative in derivatives(np.shape(value), scope, helpers):
            yield (
                "wrong",
                f"the derivative is wrong: that {derivative.rstrip(',')} belongs where "
                f"{text_of(written)} stands",
                2.5 + 0.002 * len(name),
                binary(rest, ast.Mult(), parsed(name)),
            )


def _is_product(node: ast.expr) -> bool:
    """Whether matrices are multiplied in it, so that it is what comes back through weights."""
    return any(
        isinstance(n, ast.MatMult)
        or (isinstance(n, ast.Attribute) and n.attr in ("dot", "matmul", "einsum"))
        for n in ast.walk(node)
    )


def _of_operation(node: ast.BinOp, scope: Scope) -> Iterator[Local]:
    left, right = node.left, node.right
    a, r = text_of(left), text_of(right)
    if isinstance(node.op, (ast.Add, ast.Sub)) and isinstance(evaluated(node, scope), np.ndarray):
        words = f"the product of {a} and {r} belongs there"
        yield "wrong", words, 2.3, binary(left, ast.Mult(), right)
    if isinstance(node.op, ast.Sub):
        yield (
            "sign",
            f"the sign is the other way round: {r} − {a} belongs where {a} − {r} stands",
            0.9,
            binary(right, ast.Sub(), left),
        )
        yield (
            "sign",
            f"the sign is wrong: a plus belongs before {r}",
            1.4,
            binary(left, ast.Add(), right),
        )
        yield "wrong", f"− {r} is one too many", 2.4, left
        if isinstance(left, ast.Constant) and left.value == 1 and isinstance(right, ast.Call):
            words = f"the factor {r} is missing: the derivative of the sigmoid is s (1 − s)"
            yield "wrong", words, 1.8, binary(right, ast.Mult(), node)
            words = f"the square is missing: the derivative of tanh is 1 − {r}²"
            squared = binary(right, ast.Pow(), ast.Constant(2))
            yield "wrong", words, 1.8, binary(left, ast.Sub(), squared)
        if isinstance(evaluated(left, scope), np.ndarray):
            for name, terms in sizes(scope):
                words = f"{a} {ONCE} the {name} (= {terms}) terms that are summed"
                many = binary(parsed(name), ast.Mult(), left)
                yield "wrong", words, 2.05, binary(many, ast.Sub(), right)
    elif isinstance(node.op, ast.Add):
        yield (
            "sign",
            f"the sign is wrong: a minus belongs before {r}",
            1.4,
            binary(left, ast.Sub(), right),
        )
        minus = binary(ast.UnaryOp(ast.USub(), left), ast.Add(), right)
        yield "sign", f"the sign is wrong: a minus belongs before {a}", 1.45, minus
        yield "wrong", f"+ {r} is one too many", 2.4, left
        yield "wrong", f"{a} + is one too many", 2.5, right
        for number in (2, 0.5):
            word = "half of it" if number == 0.5 else "twice that"
            yield (
                "factor",
                f"the factor of {r} is wrong: {word} belongs there",
                1.9,
                binary(left, ast.Add(), binary(ast.Constant(number), ast.Mult(), right)),
            )
        for name, _ in sizes(scope):
            yield (
                "factor",
                f"{r} is not divided by the number of samples, {name}",
                2.0,
                binary(left, ast.Add(), binary(right, ast.Div(), parsed(name))),
            )
            yield (
                "factor",
                f"{r} is divided by the number of samples, {name}, once too often",
                2.1,
                binary(left, ast.Add(), binary(right, ast.Mult(), parsed(name))),
            )
    elif isinstance(node.op, ast.Mult):
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            both = text_of(binary(left.right, ast.Mult(), right))
            yield (
                "wrong",
                f"the derivative {both} is one too many: it is there twice, or cancels with that "
                "of the loss, as with a cross-entropy",
                2.05,
                left.left,
            )
        yield _too_many(r, left, 2.0, scope, right)
        yield _too_many(a, right, 2.0, scope, left)
        yield (
            "wrong",
            "an elementwise product * stands where the matrix product @ belongs",
            1.5,
            binary(left, ast.MatMult(), right),
        )
        yield (
            "wrong",
            "an elementwise product * stands where the matrix product @ belongs",
            1.7,
            binary(left, ast.MatMult(), ast.Attribute(right, "T", ast.Load())),
        )
        yield (
            "wrong",
            "an elementwise product * stands where the matrix product @ belongs",
            1.7,
            binary(ast.Attribute(left, "T", ast.Load()), ast.MatMult(), right),
        )
        yield (
            "factor",
            f"it is multiplied by {r}, where it is to be divided",
            2.0,
            binary(left, ast.Div(), right),
        )
    elif isinstance(node.op, ast.Div):
        size = dict(sizes(scope)).get(r)
        kind = "sum-vs-mean" if size or "shape" in r or "len" in r else "factor"
        words = f"the division by {r} is one too many"
        if kind == "sum-vs-mean":
            words += ": the 1/N of the mean over the samples is there twice"
        yield kind, words, 1.5, left
        yield (
            "factor",
            f"it is divided by {r}, where it is to be multiplied",
            2.2,
            binary(left, ast.Mult(), right),
        )
        for name, number in sizes(scope):
            if name != r:
                yield (
                    "sum-vs-mean",
                    f"it is divided by {r}, where the number of samples, {name} (= {number}), "
                    "belongs",
                    1.7,
                    binary(left, ast.Div(), parsed(name)),
                )
    elif isinstance(node.op, ast.Pow):
        for power in (1, 2):
            yield (
                "wrong",
                f"the power of {a} is wrong: {power} belongs there",
                1.6,
                binary(left, ast.Pow(), ast.Constant(power)),
            )
        yield "wrong", f"the square of {a} is one too many", 1.8, left
    elif isinstance(node.op, ast.MatMult):
        yield from _of_product(left, right, lambda a, b: binary(a, ast.MatMult(), b))


def _too_many(text: str, rest: ast.expr, cost: float, scope: Scope, node: ast.expr) -> Local:
    if re.search(r"1 - |\*\* ?2|prime|deriv|> 0|mask", text):
        return (
            "wrong",
            f"the derivative {text} is one too many: it is there twice, or belongs to another "
            "layer",
            cost,
            rest,
        )
    if isinstance(node, ast.Constant):
        return "factor", f"the factor {text} is one too many", 1.5, rest
    return "factor", f"the factor {text} is one too many", cost, rest


def _of_product(
    left: ast.expr, right: ast.expr, make: Callable[[ast.expr, ast.expr], ast.expr]
) -> Iterator[Local]:
    """Transposes and the order of a matrix product."""
    for a, b, words in (
        (_turned(left), right, f"{text_of(_turned(left))} belongs where {text_of(left)} stands"),
        (left, _turned(right), f"{text_of(_turned(right))} belongs where {text_of(right)} stands"),
        (right, left, "the two matrices are the wrong way round"),
        (_turned(left), _turned(right), "both matrices are transposed"),
        (_turned(right), _turned(left), "the product is transposed"),
        (_turned(right), left, "the matrices are the wrong way round, and one is transposed"),
        (right, _turned(left), "the matrices are the wrong way round, and one is transposed"),
    ):
        yield "transposed", f"a transpose is wrong: {words}", 1.3, make(a, b)
    plain = [
        _turned(n) if text_of(n).endswith((".T", ".transpose()")) else n for n in (left, right)
    ]
    for a, b in dict.fromkeys([(left, right), (left, plain[1]), (plain[0], right)]):
        words = "a matrix product stands where the elementwise product * belongs"
        yield "wrong", words, 1.6, binary(a, ast.Mult(), b)


def _turned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    turned = isinstance(node, ast.Call) and not node.args
    if turned and isinstance(node.func, ast.Attribute) and node.func.attr == "transpose":  # type: ignore[attr-defined]
        return node.func.value  # type: ignore[attr-defined]
    return ast.Attribute(node, "T", ast.Load())


def _of_constant(node: ast.Constant) -> Iterator[Local]:
    value: Any = node.value
    for new in {0, 1, 2, value + 1, value - 1, value / 2, value * 2, -value} - {value}:
        if new == value:
            continue
        new = int(new) if float(new).is_integer() and isinstance(value, int) else new
        yield (
            "factor",
            f"the constant {value} is wrong: {new:g} belongs there",
            1.7,
            ast.Constant(new),
        )


def counts_of_rows(node: ast.Constant, scope: Scope) -> Iterator[Local]:
    """A number where one for each row belongs, such as how many margins a row is over."""
    for name, array in arrays_of(scope):
        if array.ndim == 1 and array.size > 1 and array.dtype.kind in "iu":
            yield (
                "wrong",
                f"{node.value!r} stands where {name} belongs, which has a number for each row",
                2.4,
                parsed(name),
            )


def of_compare(node: ast.Compare, scope: Scope) -> Iterator[Local]:
    """Changes of a comparison: the other way round, or of another array."""
    flipped: dict[type, type] = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE}
    if len(node.ops) == 1 and type(node.ops[0]) in flipped:
        new = ast.Compare(node.left, [flipped[type(node.ops[0])]()], node.comparators)
        value = evaluated(node.left, scope)
        if isinstance(value, (int, np.integer)):  # a count, such as the number of a layer
            return
        yield "wrong-mask", "the mask is the wrong way round", 1.2, new
        for name, array in arrays_of(scope):
            if np.shape(array) == np.shape(value) and name != text_of(node.left):
                words = (
                    f"the mask is taken of the wrong array: {name} belongs where "
                    f"{text_of(node.left)} stands"
                )
                yield (
                    "wrong-mask",
                    words,
                    1.6,
                    ast.Compare(parsed(name), node.ops, node.comparators),
                )
                yield "wrong-mask", words, 1.9, ast.Compare(parsed(name), new.ops, node.comparators)
                closed = {ast.Lt: ast.LtE, ast.Gt: ast.GtE}.get(type(node.ops[0]))
                if closed is not None:  # a ReLU's output is never below 0
                    other = ast.Compare(parsed(name), [closed()], node.comparators)
                    yield "wrong-mask", words, 1.7, other


def _of_call(node: ast.Call, scope: Scope, helpers: Mapping[str, Any]) -> Iterator[Local]:
    name = text_of(node.func)
    short = name.split(".")[-1]
    is_function = re.fullmatch(r"((np|numpy)\.)?\w+", name)  # np.sum(x), and not x.sum()
    yield from of_diagonal(node, scope)
    for keyword in node.keywords:
        if keyword.arg == "dtype" and "int" in text_of(keyword.value):
            new = copy.copy(node)
            new.keywords = [k for k in node.keywords if k is not keyword]
            words = (
                "the array is of integers, so what is put into it is truncated to whole numbers: "
                "everything behind the point is lost"
            )
            yield "wrong", words, 0.8, new
    if short in ("zeros_like", "empty_like", "ones_like") and len(node.args) == 1:
        new = copy.copy(node)
        new.keywords = [ast.keyword("dtype", ast.Name("float", ast.Load()))]
        words = (
            f"the array is made like {text_of(node.args[0])}, which may be of integers: what is "
            "put into it is truncated to whole numbers then"
        )
        yield "wrong", words, 0.8, new
    if short == "ones":
        words = f"ones stand where zeros belong in {text_of(node)}: a constant is added there"
        zeros = parsed(re.sub(r"ones$", "zeros", name))
        yield "factor", words, 1.3, ast.Call(zeros, node.args, node.keywords)
    if short in ("sum", "mean"):
        function = copy.copy(node)
        other = "mean" if short == "sum" else "sum"
        if isinstance(node.func, ast.Attribute):
            function.func = ast.Attribute(node.func.value, other, ast.Load())
            words = (
                "a mean stands where the sum belongs: the 1/N is there once too often"
                if short == "mean"
                else "a sum stands where the mean over the samples belongs: the 1/N is missing"
            )
            yield "sum-vs-mean", words, 1.4, function
    if short in ("sum", "mean", "max", "var", "std"):
        axes: tuple[int | None, ...] = (0, 1, None)
        for axis in axes:
            for keep in (False, True):
                new = copy.copy(node)
                new.keywords = [k for k in node.keywords if k.arg not in ("axis", "keepdims")]
                new.args = node.args[: 1 if is_function else 0]
                if axis is not None:
                    new.keywords.append(ast.keyword("axis", ast.Constant(axis)))
                if keep:
                    new.keywords.append(ast.keyword("keepdims", ast.Constant(True)))
                where = "all axes" if axis is None else f"axis={axis}"
                words = f"the {short} goes along the wrong axis: {where} belongs there"
                if keep and axis is not None:
                    words += ", with keepdims=True"
                yield "bias-not-summed", words, 1.5, new
        if short == "sum":
            inner = node.args[0] if node.args and is_function else getattr(node.func, "value", None)
            if isinstance(inner, ast.expr):
                yield "bias-not-summed", "the sum is one too many", 2.5, inner
    if short == "dot" or short == "matmul":
        if len(node.args) == 2:
            yield from _of_product(
                node.args[0], node.args[1], lambda a, b: ast.Call(node.func, [a, b], [])
            )
        elif len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            yield from _of_product(
                node.func.value, node.args[0], lambda a, b: binary(a, ast.MatMult(), b)
            )
    if short == "where" and len(node.args) == 3:
        yield from _of_where(node, scope)
    if short == "multiply" and len(node.args) == 2:
        yield from _of_operation(binary(node.args[0], ast.Mult(), node.args[1]), scope)
    if short in ("abs", "absolute", "fabs") and node.args:
        words = (
            f"{name} stands where np.sign belongs, which is the slope of |{text_of(node.args[0])}|"
        )
        yield "wrong", words, 1.6, parsed(f"np.sign({text_of(node.args[0])})")
    if short in ("square", "abs", "exp", "log", "sqrt", "tanh") and node.args:
        yield "wrong", f"{name} is one too many", 2.2, node.args[0]
    if short == "transpose" and isinstance(node.func, ast.Attribute):
        yield (
            "transposed",
            f"{text_of(node)} stands where {text_of(node.func.value)} belongs: the transpose is "
            "one too many",
            1.2,
            node.func.value,
        )
    if isinstance(node.func, ast.Name) and node.func.id in helpers and node.args:
        for helper in helpers:
            if helper != node.func.id:
                words = f"{node.func.id} stands where {helper} belongs"
                yield "wrong", words, 1.8, ast.Call(ast.Name(helper, ast.Load()), node.args, [])
        yield "wrong", f"{node.func.id} is one too many", 2.1, node.args[0]
        for keyword in node.keywords:
            if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
                flipped = not keyword.value.value
                new = copy.copy(node)
                new.keywords = [
                    k if k is not keyword else ast.keyword(k.arg, ast.Constant(flipped))
                    for k in node.keywords
                ]
                yield "wrong", f"{keyword.arg} is to be {not keyword.value.value}", 1.4, new
        if len(node.args) == 1 and not node.keywords:
            for flag in _flags(helpers[node.func.id]):
                new = copy.copy(node)
                new.keywords = [ast.keyword(flag, ast.Constant(True))]
                yield (
                    "wrong",
                    f"it calls {node.func.id} itself where its derivative belongs: {flag}=True is "
                    "missing",
                    1.4,
                    new,
                )


def _of_where(node: ast.Call, scope: Scope) -> Iterator[Local]:
    """The slope that a leaky unit has where it is off, or another number there."""
    for at, other in ((2, 1), (1, 2)):
        written, beside = node.args[at], node.args[other]
        plain = isinstance(written, ast.Constant)
        for name, _ in small_numbers(scope):
            if name in text_of(written):
                continue
            whole = beside if plain else written
            texts = (
                [name, f"{name} * {text_of(whole)}"] if plain else [f"{name} * {text_of(whole)}"]
            )
            for text in texts:
                new = copy.copy(node)
                new.args = [parsed(text) if i == at else a for i, a in enumerate(node.args)]
                yield (
                    "wrong-mask",
                    f"the slope is wrong where the unit is {'off' if at == 2 else 'on'}: {text} "
                    f"belongs where {text_of(written)} stands, as in the derivative of a leaky "
                    "ReLU",
                    1.9,
                    new,
                )
    new = copy.copy(node)
    new.args = [node.args[0], node.args[2], node.args[1]]
    yield "wrong-mask", "the mask is the wrong way round", 1.4, new


def _flags(function: Any) -> list[str]:
    names = getattr(getattr(function, "__code__", None), "co_varnames", ())[:3]
    return [n for n in names if re.search("deriv|grad|prime", n)]
