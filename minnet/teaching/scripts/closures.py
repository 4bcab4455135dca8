"""Functions made inside of functions, and the variables of the outer one that they hold.

A layer may be a pair of functions that share W and b, and a model may be one that keeps all of its
weights. Such variables lie in the cells of a function; `Cells` gives them by name, and a copy of
the functions has cells of its own.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Iterator, Mapping
from typing import Any

STUDENT = "__student__"
"""The name of the module that a student's file is run as."""

CELLS = "__minnet_cells__"
"""The name of `Cells` where paths are looked up."""

MOST = 400
"""Functions that are looked for."""


class Cells:
    """The variables that a function holds, by name: `Cells(forward)["W"]`."""

    def __init__(self, function: Any) -> None:
        self.cells = dict(
            zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        )

    def __getitem__(self, name: str) -> Any:
        return self.cells[name].cell_contents

    def __setitem__(self, name: str, value: Any) -> None:
        self.cells[name].cell_contents = value

    def full(self) -> Iterator[tuple[str, Any]]:
        """The names that have a value, with their cells."""
        for name, cell in self.cells.items():
            if cell != types.CellType():
                yield name, cell


def is_inner(value: Any) -> bool:
    """Whether it is a function that the student wrote inside of another."""
    own = isinstance(value, types.FunctionType) and value.__module__ == STUDENT
    return own and "<locals>" in value.__qualname__


def copy_inner(
    variables: Mapping[str, Any], memo: dict[int, Any], names: dict[str, Any] | None = None
) -> None:
    """Put into `memo` a copy of each inner function that the variables hold, with cells of its own.

    Parameters
    ----------
    memo
        What `copy.deepcopy` takes for copies by the id of what they are of.
    names
        Where the student's functions stand that the copies belong to: they call these, and their
        code is what is written in them. Without it the code stays as it is.
    """
    inner = [f for f in _inner_in(variables) if id(f) not in memo and not _of_a_graph(f)]
    if not inner:
        return
    codes = _codes_in(names) if names is not None else {}
    cells: dict[int, tuple[Any, Any]] = {}
    for function in inner:
        code = _same_in(codes, function.__code__)
        held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if not held.keys() >= set(code.co_freevars):  # a line that is left out may use fewer
            code = function.__code__
        closure = [held[name] for name in code.co_freevars]
        for cell in closure:
            cells.setdefault(id(cell), (cell, types.CellType()))
        fresh = types.FunctionType(
            code,
            function.__globals__ if names is None else names,
            function.__name__,
            function.__defaults__,
            tuple(cells[id(cell)][1] for cell in closure),
        )
        fresh.__qualname__, fresh.__kwdefaults__ = function.__qualname__, function.__kwdefaults__
        fresh.__module__ = function.__module__
        for name, value in vars(function).items():
            setattr(fresh, name, value)
        memo[id(function)] = fresh
    for cell, new in cells.values():
        if cell == types.CellType():
            continue
        content = cell.cell_contents
        try:
            new.cell_contents = copy.deepcopy(content, memo)
        except Exception:  # a generator, an open file: it is shared
            new.cell_contents = content


def _of_a_graph(function: Any) -> bool:
    """Whether it holds objects of the student's: a node hands its gradient on to others by it.

    The next pass makes nodes and functions anew, and copies of those before only part them.
    """
    return any(kind.__module__ == STUDENT for kind in _held_by(function))


def _held_by(function: Any) -> set[type]:
    """The types of what its cells hold."""
    return {type(cell.cell_contents) for _, cell in Cells(function).full()}


def _inner_in(variables: Mapping[str, Any]) -> list[Any]:
    """The inner functions that can be reached from some variables.

    Nodes of a graph are not walked: there are thousands of them, one behind the other. A node has
    a function that holds others of its class.
    """
    seen: set[int] = set()
    nodes: set[type] = set()
    inner: list[Any] = []
    waiting = list(variables.values())
    while waiting and len(inner) < MOST:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if is_inner(value):
            inner.append(value)
            waiting += [cell.cell_contents for _, cell in Cells(value).full()]
        elif isinstance(value, dict):
            waiting += list(value.values())[:MOST]
        elif isinstance(value, (list, tuple)):
            waiting += list(value)[:MOST]
        elif type(value).__module__ == STUDENT and type(value) not in nodes:
            own = list(getattr(value, "__dict__", {}).values())[:MOST]
            if any(type(value) in _held_by(one) for one in own if is_inner(one)):
                nodes.add(type(value))
            else:
                waiting += own
    return inner


def _position(code: types.CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _column(code: types.CodeType) -> int:
    """Where its first expression stands: an activation and its derivative may share a line."""
    columns = [column for _, _, column, _ in code.co_positions() if column]
    return min(columns, default=0)


def _same_in(
    codes: Mapping[tuple[str, int], list[types.CodeType]], code: types.CodeType
) -> types.CodeType:
    """The code that stands in the same place, or the code itself."""
    there = codes.get(_position(code), [])
    if len(there) > 1:
        there = [c for c in there if _column(c) == _column(code)]
    return there[0] if len(there) == 1 else code


def _codes_in(names: Mapping[str, Any]) -> dict[tuple[str, int], list[types.CodeType]]:
    """The code of the functions inside of functions, by their qualified names and lines."""
    codes: dict[tuple[str, int], list[types.CodeType]] = {}
    waiting: list[types.CodeType] = []
    for value in list(names.values()):
        if isinstance(value, types.FunctionType) and value.__module__ == STUDENT:
            waiting.append(value.__code__)
        elif isinstance(value, type) and value.__module__ == STUDENT:
            methods = [getattr(m, "__func__", m) for m in vars(value).values()]
            waiting += [m.__code__ for m in methods if isinstance(m, types.FunctionType)]
    while waiting:
        for constant in waiting.pop().co_consts:
            if isinstance(constant, types.CodeType):
                codes.setdefault(_position(constant), []).append(constant)
                waiting.append(constant)
    return codes
