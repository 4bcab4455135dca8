"""The arrays and numbers in a program's variables: where each is, and how to put another there.

A weight may be a variable, an entry of a dict or a list, or an attribute of an object of a class
that the student wrote. `slots` walks through all of these and gives each a path, which is also the
expression under which the student knows it: `W1`, `params['W1']`, `net.layers[0].W`.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.closures import CELLS, STUDENT, Cells, copy_inner, is_inner

DEPTH = 9
"""How deep a weight may lie."""

MANY = 400
"""How many entries of one list or dict are looked at."""

PAIRS = 8
"""How many of a longer list's tuples are looked at: they are samples, and no weights."""

LARGE = 200_000
"""Arrays with more numbers than this are shared and not copied: they are data."""


class Slot(NamedTuple):
    """An array or a number of the program."""

    path: str
    value: Any
    put: Callable[[Any], None]

    @property
    def array(self) -> Array:
        """The value as an array, whatever it is."""
        return np.asarray(self.value)


def is_number(value: Any) -> bool:
    """Whether it is a float, Python's or NumPy's."""
    return isinstance(value, (float, np.floating)) and not isinstance(value, bool)


def is_numeric(value: Any) -> bool:
    """Whether it is an array of numbers or a float."""
    return is_number(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu")


def is_own(value: Any) -> bool:
    """Whether it is an object of a class that the student wrote."""
    return type(value).__module__ == STUDENT and hasattr(value, "__dict__")


def slots(variables: Mapping[str, Any], depth: int = DEPTH) -> Iterator[Slot]:
    """All arrays and floats that can be reached so deep, each once, by its shortest path."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any, Callable[[Any], None], int]] = [
        (str(name), value, _setter(variables, name), 0)
        for name, value in variables.items()
        if not str(name).startswith("__")
    ]
    while waiting:
        later = []
        for path, value, put, level in waiting:
            if is_numeric(value):
                if isinstance(value, np.ndarray):
                    if id(value) in seen:
                        continue
                    seen.add(id(value))
                yield Slot(path, value, put)
            elif level < depth and id(value) not in seen:
                seen.add(id(value))
                if is_inner(value):  # forward and backward hold the same W
                    held = [(n, c) for n, c in Cells(value).full() if id(c) not in seen]
                    seen.update(id(cell) for _, cell in held)
                    later += [(*_in_cell(path, value, n), level + 1) for n, _ in held]
                else:
                    later += [(*child, level + 1) for child in _children(path, value, put)]
        waiting = later


def generators(variables: Mapping[str, Any], depth: int = DEPTH) -> Iterator[Any]:
    """All of NumPy's generators of random numbers that can be reached so deep, old and new."""
    seen: set[int] = set()
    waiting = [value for name, value in variables.items() if not str(name).startswith("__")]
    for _ in range(depth):
        later = []
        for value in waiting:
            if id(value) in seen:
                continue
            seen.add(id(value))
            if type(value).__module__.startswith("numpy.random") and hasattr(value, "normal"):
                yield value
            elif not is_numeric(value):
                later += [child for _, child, _ in _children("", value, _nowhere)]
        waiting = later


def _nowhere(value: Any) -> None:
    """Put nothing."""


def _children(
    path: str, value: Any, whole: Callable[[Any], None]
) -> list[tuple[str, Any, Callable[[Any], None]]]:
    """What a value holds; `whole` puts another in the place of the value itself."""
    if isinstance(value, dict):
        items = list(value.items())[:MANY]
        return [(f"{path}[{k!r}]", v, _setter(value, k)) for k, v in items]
    if isinstance(value, (list, tuple)):
        most = PAIRS if len(value) > 2 * PAIRS and _is_samples(value[0]) else MANY
        if isinstance(value, tuple):  # it cannot be changed: one anew takes its place
            now = [value]
            return [
                (f"{path}[{i}]", v, _in_tuple(now, i, whole)) for i, v in enumerate(value[:most])
            ]
        return [(f"{path}[{i}]", v, _setter(value, i)) for i, v in enumerate(value[:most])]
    if is_own(value):
        attributes = [(k, v) for k, v in list(vars(value).items())[:MANY] if not _kin(value, v)]
        return [(f"{path}.{k}", v, _attribute(value, k)) for k, v in attributes]
    return []


def _is_samples(value: Any) -> bool:
    """Whether an entry of a list is a sample, or a batch of such, as [(x, y), …] is."""
    batch = isinstance(value, list) and bool(value) and isinstance(value[0], tuple)
    return batch or isinstance(value, tuple)


def _in_cell(path: str, function: Any, name: str) -> tuple[str, Any, Callable[[Any], None]]:
    cells = Cells(function)
    return f"{CELLS}({path})[{name!r}]", cells[name], _setter(cells, name)


def _kin(owner: Any, value: Any) -> bool:
    """Whether it holds objects like its owner: what a node of a graph was made of, and hands on."""
    inside: Sequence[Any] = value[:PAIRS] if isinstance(value, (list, tuple)) else ()
    if is_inner(value):
        inside = [cell.cell_contents for _, cell in Cells(value).full()]
    return any(type(one).__qualname__ == type(owner).__qualname__ for one in inside)


def _setter(container: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        container[key] = value

    return put


def _in_tuple(
    now: list[tuple[Any, ...]], index: int, whole: Callable[[Any], None]
) -> Callable[[Any], None]:
    """A function that makes a tuple anew with another entry; `now` holds the one that stands."""

    def put(value: Any) -> None:
        entries = (*now[0][:index], value, *now[0][index + 1 :])
        kind = type(now[0])
        now[0] = kind(*entries) if hasattr(kind, "_fields") else entries
        whole(now[0])

    return put


def _attribute(owner: Any, name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        setattr(owner, name, value)

    return put


def assign(slot: Slot, value: Array) -> None:
    """Put other numbers there, in place where that keeps all that share them together."""
    if isinstance(slot.value, np.ndarray):
        if slot.value.dtype.kind == "f" and slot.value.shape == value.shape:
            slot.value[...] = value
        else:
            slot.put(np.array(value))
    else:
        slot.put(float(value))


def as_it_becomes(variables: dict[str, Any], after: Mapping[str, Any]) -> None:
    """Make a whole number that a pass turns into a float, or into an array of them, one at once.

    `b = 0` is a bias as `b = 0.0` is.
    """
    for name, value in list(variables.items()):
        then = after.get(name)
        if type(value) is int:
            if is_number(then):
                variables[name] = float(value)
            elif isinstance(then, np.ndarray) and then.dtype.kind == "f" and then.ndim:
                variables[name] = np.full(then.shape, float(value))
        elif isinstance(value, dict) and isinstance(then, dict):
            as_it_becomes(value, then)
        elif is_own(value) and type(value).__name__ == type(then).__name__:
            as_it_becomes(vars(value), vars(then))


def is_data(value: Any) -> bool:
    """Whether a variable holds something to be kept, and not a piece of the program.

    A function that was made by another may hold weights.
    """
    return is_inner(value) or not isinstance(
        value, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, np.ufunc)
    )


def copied(
    variables: Mapping[str, Any],
    replaced: Mapping[int, Any] | None = None,
    names: dict[str, Any] | None = None,
) -> Any:
    """The variables once more, with all that they hold, so that nothing done to them comes back.

    Parameters
    ----------
    replaced
        What stands in the place of some objects, by their id.
    names
        The functions that inner ones belong to from now on.
    """
    memo: dict[int, Any] = dict(replaced or {})
    for value in list(variables.values()):
        if isinstance(value, np.ndarray) and value.size > LARGE:
            memo.setdefault(id(value), value)
    copy_inner(variables, memo, names)
    copies = {}
    for name, value in variables.items():
        try:
            copies[name] = copy.deepcopy(value, memo)
        except Exception:  # a generator, an open file: it is shared
            copies[name] = value
    return copies


def reclassed(variables: Any, classes: Mapping[str, type]) -> None:
    """Let objects be of the classes that stand in `classes`, which may have other methods."""
    seen: set[int] = set()
    waiting = list(variables.values())
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            waiting += list(value.values())[:MANY]
        elif isinstance(value, (list, tuple)):
            waiting += list(value)[:MANY]
        elif is_own(value):
            kind = classes.get(type(value).__name__)
            if kind is not None and kind is not type(value):
                value.__class__ = kind
            waiting += list(vars(value).values())[:MANY]
        elif isinstance(value, types.MethodType):
            waiting.append(value.__self__)


def with_rows(variables: Mapping[str, Any], rows: int, fewer: int, kept: set[str]) -> Any:
    """A copy in which every array with an axis of `rows` is cut to `fewer`, and every such int.

    The rows are taken from all over, so that no class is left out where they are sorted. An array
    of two names is cut for both. The arrays at the paths in `kept` stay as they are: they
    are weights. Return None where nothing is to be cut.
    """
    chosen = np.linspace(0, rows - 1, fewer).astype(int)
    cut: dict[int, Any] = {}
    for slot in slots(variables):
        shape = np.shape(slot.value)
        if slot.path not in kept and rows in shape:
            cut[id(slot.value)] = np.take(slot.value, chosen, axis=shape.index(rows))
    copies = copied(variables, cut)
    shorter = bool(cut)
    for name, value in list(copies.items()):
        if type(value) is int and value == rows:
            copies[name] = fewer
        elif isinstance(value, list) and len(value) == rows and rows and not is_own(value[0]):
            copies[name] = [value[i] for i in chosen]
            shorter = True
        elif is_own(value):
            for attribute, number in list(vars(value).items()):
                if type(number) is int and number == rows:
                    setattr(value, attribute, fewer)
    return copies if shorter else None
