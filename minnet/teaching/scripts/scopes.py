"""What stands at a line of a student's code: its arrays, numbers and sizes, as expressions."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.running import value_of

Scope = Mapping[str, Any]


POOL, SLOPES, TANHS = "__pool__", "__slopes__", "__tanhs__"
"""Under these a scope has expressions of a function, slopes of leaky ReLUs, and lonely tanhs."""


def pool_values(pool: Sequence[str], scope: Scope) -> dict[str, Any]:
    """Return the arrays and floats among some expressions."""
    values = {text: evaluated(parsed(text), scope) for text in pool}
    return {k: v for k, v in values.items() if isinstance(v, (np.ndarray, float, np.floating))}


def slopes_of(statements: Sequence[ast.stmt]) -> dict[str, float]:
    """The numbers between 0 and 1 that stand in a call or a choice between two, by their text."""
    slopes: dict[str, float] = {}
    for statement in statements:
        for node in ast.walk(statement):
            where = isinstance(node, ast.Call) and re.search("where|maximum", text_of(node.func))
            if where or isinstance(node, ast.IfExp):
                for inner in ast.walk(node):
                    number = inner.value if isinstance(inner, ast.Constant) else None
                    if isinstance(number, float) and 0 < number < 1:
                        slopes.setdefault(f"{number!r}", number)
    return dict(list(slopes.items())[:3])


def tanhs_of(statements: Sequence[ast.stmt]) -> dict[str, ast.Call]:
    """The calls of a tanh in the code of which no square, as in its derivative, stands there."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    squared = {
        text_of(node.left)
        for node in nodes
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    }
    calls = [n for n in nodes if isinstance(n, ast.Call) and len(n.args) == 1]
    calls = [call for call in calls if re.search(r"(^|\.)tanh$", text_of(call.func))]
    return {text_of(call): call for call in calls if text_of(call) not in squared}


def pool_of(function: Sequence[ast.stmt]) -> list[str]:
    """The expressions of arrays that stand in some statements: names with an index or attribute.

    Of an entry of a list, the one before and the one behind it are among them, and the entries at
    the same place of other lists.
    """
    names: dict[str, None] = {}
    beside: dict[str, None] = {}
    lists: dict[str, None] = {}
    indices: dict[str, None] = {}
    for statement in function:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Subscript, ast.Attribute)):
                text = text_of(node)
                if "(" not in text and not re.search(
                    r"\.(T|shape|size|dot|sum|copy)$|^np\.|:", text
                ):
                    names.setdefault(text)
                    beside.update(dict.fromkeys(_beside(node)))
            if isinstance(node, ast.Subscript) and isinstance(
                node.value, (ast.Name, ast.Attribute)
            ):
                lists.setdefault(text_of(node.value))
                if re.fullmatch(r"-?[a-z]( [+-] 1)?", text_of(node.slice)):
                    indices.setdefault(text_of(node.slice))
    across = [f"{one}[{index}]" for index in indices for one in lists]
    return list(dict.fromkeys([*list(names)[:40], *list(beside)[:12], *across[:24]]))


def _beside(node: ast.expr) -> Iterator[str]:
    """The entries beside one whose index is a name, or a name and 1: hs[t] and hs[t + 2]."""
    index = getattr(node, "slice", None)
    step = 0
    if isinstance(index, ast.BinOp) and text_of(index.right) == "1":
        step = 1 if isinstance(index.op, ast.Add) else -1
        index = index.left
    if isinstance(node, ast.Subscript) and isinstance(index, ast.Name):
        for other in (step - 1, step + 1):
            more = f" {'+' if other > 0 else '-'} {abs(other)}" if other else ""
            yield f"{text_of(node.value)}[{index.id}{more}]"


def evaluated(node: ast.expr, scope: Scope) -> Any:
    """The value of an expression without calls that may do something, or None."""
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Await, ast.Yield, ast.NamedExpr)):
            return None
        if isinstance(inner, ast.Call) and re.search(
            r"rand|shuffle|append|print|seed", ast.unparse(inner.func)
        ):
            return None
    try:
        expression = ast.Expression(copy.deepcopy(node))
        for inner in ast.walk(expression):
            if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)):
                inner.ctx = ast.Load()
        ast.fix_missing_locations(expression)
        with np.errstate(all="ignore"):
            return value_of(compile(expression, "<part>", "eval"), dict(scope))
    except Exception:  # it cannot be had at this point
        return None


def parsed(text: str) -> ast.expr:
    """Return an expression as a tree."""
    return ast.parse(text, mode="eval").body


def text_of(node: ast.AST) -> str:
    """Return a tree as text."""
    return ast.unparse(node)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.BinOp:
    """Return an operation on two expressions."""
    return ast.BinOp(left, operator, right)


Local = tuple[str, str, float, ast.AST]


def sizes(scope: Scope) -> list[tuple[str, int]]:
    """Expressions for the number of samples: ints, and lengths of arrays."""
    sizes: dict[str, int] = {}
    for name, value in scope.items():
        if (
            isinstance(value, (int, np.integer))
            and not isinstance(value, bool)
            and 2 <= value < 10**7
        ):
            sizes[name] = int(value)
    for name, value in list(scope.items()):
        if isinstance(value, np.ndarray) and value.ndim:
            for axis, size in enumerate(value.shape[:2]):
                if size > 1 and size not in sizes.values():
                    sizes[f"{name}.shape[{axis}]"] = size
        elif name == "self":
            for key, array in list(getattr(value, "__dict__", {}).items())[:30]:
                if isinstance(array, np.ndarray) and array.ndim:
                    for axis, size in enumerate(array.shape[:2]):
                        if size > 1 and size not in sizes.values():
                            sizes[f"self.{key}.shape[{axis}]"] = size
        elif (
            isinstance(value, (list, tuple)) and len(value) > 1 and len(value) not in sizes.values()
        ):
            sizes[f"len({name})"] = len(value)
    for name, array in arrays_of(scope)[:20]:
        if array.size > 1 and array.size not in sizes.values():
            sizes[f"{name}.size"] = int(array.size)
    return list(sizes.items())[:14]


def small_numbers(scope: Scope) -> list[tuple[str, float]]:
    """Hyper-parameters: floats, also of `self`."""
    pairs = [
        (name, float(v))
        for name, v in scope.items()
        if isinstance(v, (float, np.floating)) and v not in (0.0, 1.0)
    ]
    for name, value in scope.items():
        if name == "self" and hasattr(value, "__dict__"):
            pairs += [
                (f"self.{k}", float(v))
                for k, v in vars(value).items()
                if isinstance(v, float) and v not in (0.0, 1.0)
            ]
    return [(n, v) for n, v in pairs if not n.startswith("_")][:8]


def arrays_of(scope: Scope) -> list[tuple[str, Array]]:
    """Expressions for the arrays at hand: variables, entries of dicts and tuples, attributes."""
    arrays: list[tuple[str, Array]] = []
    plainly = {n: v for n, v in scope.items() if isinstance(v, np.ndarray)}
    for name, value in {**plainly, **scope}.items():  # what has a name of its own comes first
        if name.startswith("__"):
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            arrays.append((name, value))
        elif isinstance(value, dict):
            arrays += [
                (f"{name}[{k!r}]", v)
                for k, v in list(value.items())[:30]
                if isinstance(v, np.ndarray)
            ]
        elif isinstance(value, (list, tuple)):
            arrays += [
                (f"{name}[{i}]", v) for i, v in enumerate(value[:12]) if isinstance(v, np.ndarray)
            ]
        elif type(value).__module__ == "__student__" or name == "self":
            arrays += [
                (f"{name}.{k}", v)
                for k, v in list(getattr(value, "__dict__", {}).items())[:40]
                if isinstance(v, np.ndarray)
            ]
    pool = scope.get(POOL, {})
    as_written = {id(value) for value in pool.values()}  # acts[i] is said, and not acts[1]
    arrays = [(n, a) for n, a in arrays if not (re.search(r"\[\d+\]$", n) and id(a) in as_written)]
    known = {name for name, _ in arrays}
    for name, value in pool.items():
        if (
            isinstance(value, np.ndarray)
            and name not in known
            and name.replace('"', "'") not in known
        ):
            arrays.append((name, value))
    return arrays[:70]


def floats_of(scope: Scope) -> list[tuple[str, float]]:
    """Expressions for the floats at hand."""
    own = [(n, v) for n, v in scope.items() if isinstance(v, (float, np.floating))]
    pool = [(n, v) for n, v in scope.get(POOL, {}).items() if isinstance(v, (float, np.floating))]
    return [(n, float(v)) for n, v in [*own, *pool] if not n.startswith("_")][:40]


def _floats_beside(name: str, scope: Scope) -> Iterator[tuple[str, float]]:
    """Expressions for the floats that stand at the place of D[l] in other lists and dicts."""
    entry = re.fullmatch(r".+(\[[^\[\]]+\])", name)
    if entry is None:
        return
    for other, value in scope.items():
        if isinstance(value, (list, dict)) and not other.startswith("_"):
            beside = other + entry[1]
            number = evaluated(parsed(beside), {**scope, **scope.get(POOL, {})})
            if isinstance(number, float):
                yield beside, number


def derivatives(
    shape: tuple[int, ...], scope: Scope, helpers: Mapping[str, Any]
) -> Iterator[tuple[str, Array, str]]:
    """Derivatives of activations at the arrays of a shape, and masks."""
    prime = [h for h in helpers if re.search(r"prime|deriv|grad|_d$|^d_|^d[a-z]+$", h)]
    for name, array in arrays_of(scope):
        if np.shape(array) != shape and np.size(array) != 1:
            continue
        if np.shape(array) != shape:
            continue
        inside = array.dtype.kind == "f" and array.size and np.all(np.abs(array) <= 1)
        if inside and np.all(array >= 0) and not np.isin(array, (0, 1)).all():
            yield f"({name} * (1 - {name}))", array, f"of the sigmoid, {name} (1 − {name}),"
        if inside:
            yield f"(1 - {name}**2)", array, f"of tanh, 1 − {name}²,"
        elif "np" in scope and array.dtype.kind == "f":  # it is what went into the activation
            yield f"(1 - np.tanh({name})**2)", array, f"of tanh at {name}"
        yield f"({name} > 0)", array, f"of ReLU (the mask {name} > 0, 0 where the unit was off)"
        slopes = [*small_numbers(scope)[:3], *scope.get(SLOPES, {}).items()]
        for rate, number in slopes if "np" in scope else ():
            if 0 < number < 1 and not inside:
                slope = f"np.where({name} > 0, 1, {rate})"
                yield slope, array, f"of a leaky ReLU (1 where {name} > 0, {rate} where it is not)"
        if np.isin(array, (0, 1)).all() or re.search(r"mask|drop|^D\d|keep", name):
            yield name, array, f"of dropout (the mask {name})"
            for rate, number in [*small_numbers(scope)[:3], *_floats_beside(name, scope)]:
                if 0 < number < 1:
                    for kept in (rate, f"(1 - {rate})"):
                        scaled = f"({name} / {kept})"
                        yield scaled, array, f"of dropout (the mask {name} over {kept})"
        for helper in prime:
            yield f"{helper}({name})", array, f"{helper}({name})"
        for helper in [
            h for h in helpers if re.search(r"sigm|logistic|expit", h) and h not in prime
        ]:
            there = f"{helper}({name})"
            yield f"({there} * (1 - {there}))", array, f"of the sigmoid at {name}"
    for name, number in floats_of(scope):
        if shape == ():
            yield (
                f"({name} * (1 - {name}))",
                np.asarray(number),
                f"of the sigmoid, {name} (1 − {name}),",
            )
            yield f"(1 - {name}**2)", np.asarray(number), f"of tanh, 1 − {name}²,"
            yield f"({name} > 0)", np.asarray(number), f"of ReLU (the mask {name} > 0)"
            for helper in prime:
                yield f"{helper}({name})", np.asarray(number), f"{helper}({name})"


def bound(statement: ast.stmt, scope: Scope, names: dict[str, Any]) -> None:
    """Put into `names` what a simple assignment binds, as far as that can be had."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return
    target = statement.targets[0]
    value = evaluated(statement.value, scope)
    if value is None:
        return
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Tuple) and isinstance(value, (tuple, list)):
        for target_part, one in zip(target.elts, value, strict=False):
            if isinstance(target_part, ast.Name):
                names[target_part.id] = one
