"""Functions that are handed over as objects, with their source where it can be had.

So that the lines of a function can be looked at, and changed, it is made anew from its source among
the names that it sees. Without a source it runs as it is.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from minnet.teaching.scripts.replays import Unit

DEEP = 4
"""Calls from function to function that are followed."""


def sources_of(functions: Sequence[Callable[..., Any]]) -> tuple[list[ast.stmt], dict[str, Any]]:
    """Return the definitions of functions and of those that they call, and the names they see.

    A function whose source is not found is a name only.
    """
    definitions: dict[str, ast.stmt] = {}
    names: dict[str, Any] = {}
    waiting = [(getattr(f, "__name__", "f"), f, 0) for f in functions]
    trees: dict[str, ast.Module] = {}
    while waiting:
        name, function, depth = waiting.pop(0)
        if isinstance(function, MethodType):
            function = function.__func__
        function = inspect.unwrap(function)
        if not isinstance(function, FunctionType):
            names.setdefault(name, function)
            continue
        seen = {**_seen(function)}
        for key, value in seen.items():
            names.setdefault(key, value)
        names[name] = function
        statement = _statement(name, function, trees)
        if statement is None or name in definitions:
            continue
        definitions[name] = statement
        if depth < DEEP:
            for key, value in seen.items():
                near = isinstance(value, FunctionType) and (
                    value.__code__.co_filename == function.__code__.co_filename
                )
                if near and key not in definitions:
                    waiting.append((key, value, depth + 1))
    return list(definitions.values()), names


def _seen(function: FunctionType) -> dict[str, Any]:
    """The globals and the variables around it that a function uses, and its defaults' values."""
    needed = {}
    inner = [c for c in function.__code__.co_consts if inspect.iscode(c)]
    used = {*function.__code__.co_names, *(n for c in inner for n in c.co_names)}
    for name in used:
        if name in function.__globals__:
            needed[name] = function.__globals__[name]
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        try:
            needed[name] = cell.cell_contents
        except ValueError:  # an empty cell
            continue
    return needed


def _statement(name: str, function: FunctionType, trees: dict[str, ast.Module]) -> ast.stmt | None:
    file, line = function.__code__.co_filename, function.__code__.co_firstlineno
    if file not in trees:
        try:
            text = inspect.getsource(inspect.getmodule(function) or function)
            if Path(file).is_file():
                text = Path(file).read_text("utf-8")
            trees[file] = ast.parse(text)
        except (OSError, TypeError, SyntaxError, UnicodeDecodeError):
            return None
    plain, lambdas = [], []
    for node in ast.walk(trees[file]):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == line and node.name == function.__name__:
                plain.append(node)
        elif isinstance(node, ast.Lambda) and node.lineno == line:
            lambdas.append(node)
    if plain:
        if "super()" in ast.unparse(plain[0]) or plain[0].decorator_list:
            return None
        definition = plain[0]
        return _defined(name, definition.args, definition.body, definition)
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    fitting = [node for node in lambdas if tuple(a.arg for a in node.args.args) == arguments]
    codes = {ast.unparse(node) for node in fitting}
    if len(codes) != 1 or function.__name__ != "<lambda>":
        return None
    node = fitting[0]
    return _defined(name, node.args, [ast.copy_location(ast.Return(node.body), node.body)], node)


def _defined(
    name: str, arguments: ast.arguments, body: list[ast.stmt], at: ast.expr | ast.stmt
) -> ast.stmt:
    function = ast.FunctionDef(
        name, arguments, body, [], None, lineno=at.lineno, col_offset=at.col_offset
    )
    return ast.fix_missing_locations(ast.copy_location(function, at))


def unit_of_functions(
    title: str, functions: dict[str, Callable[..., Any]], lines: Sequence[str], variables: Any
) -> Unit:
    """Return a unit that runs lines with functions under the names that the lines call them by."""
    definitions: list[ast.stmt] = []
    base: dict[str, Any] = {}
    for name, function in functions.items():
        own, names = sources_of([function])
        base = {**names, **base}
        title_of = getattr(function, "__name__", "")
        renamed = []
        for statement in own:
            if isinstance(statement, ast.FunctionDef) and statement.name == title_of:
                statement.name = name
            renamed.append(statement)
        known = {getattr(s, "name", "") for s in definitions}
        definitions += [s for s in renamed if getattr(s, "name", "") not in known]
        base[name] = function
    body = ast.parse("\n".join(lines)).body
    for node in body:
        ast.increment_lineno(node, 1_000_000)
    data = {
        k: v
        for k, v in base.items()
        if isinstance(v, (np.ndarray, int)) and not isinstance(v, bool) and k not in variables
    }
    base = {k: v for k, v in base.items() if k not in data}
    return Unit(title, definitions, body, {**data, **variables}, base=base, alone=False)
