"""Objects as they were, to be put back where a call is refused half-way."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from minnet.foundation.checks import Array

F = TypeVar("F", bound=Callable[..., Any])


class Before:
    """What some objects are now, so that they can be put back, whatever is done to them.

    That is their attributes, and what these hold: minnet's own objects and those of classes below
    them, lists, dicts, sets and tuples, arrays and random generators, each once. They stay the same
    objects. What others hold, such as an open file, is left alone.

    Parameters
    ----------
    objects
        Models, callbacks, generators, …

    Examples
    --------
    >>> numbers = {"a": [1, 2]}
    >>> before = Before(numbers)
    >>> numbers["a"].append(3)
    >>> before.put_back()
    >>> numbers
    {'a': [1, 2]}
    """

    def __init__(self, *objects: Any) -> None:
        self._undo: list[Callable[[], object]] = []
        self._known: dict[int, object] = {}  # kept, so that no two have one identity
        arrays: list[Array] = []
        waiting = list(objects)
        while waiting:
            one = waiting.pop()
            if id(one) not in self._known:
                self._known[id(one)] = one
                if isinstance(one, np.ndarray):
                    arrays.append(one)
                else:
                    waiting += self._remember(one)
        for array in arrays:
            if id(_owner(array)) not in self._known or array.base is None:
                self._remember_array(array)

    def put_back(self) -> None:
        """Make everything what it was."""
        for undo in self._undo:
            undo()

    def _remember(self, one: Any) -> list[Any]:
        """Keep what an object holds itself; return what is to be kept of the things it holds."""
        if isinstance(one, tuple):
            return list(one)
        if isinstance(one, list):
            items = list(one)
            self._undo.append(lambda: list.__setitem__(one, slice(None), items))
            return items
        if isinstance(one, set):
            self._undo.append(functools.partial(_refill, one, set(one)))
            return []
        if isinstance(one, dict):
            return self._remember_dict(one)
        if isinstance(one, np.random.Generator):
            bits, state = one.bit_generator, one.bit_generator.state
            self._undo.append(lambda: setattr(bits, "state", state))
            return []
        if _is_minnets(type(one)) and hasattr(one, "__dict__"):
            return self._remember_dict(vars(one))
        return []

    def _remember_dict(self, one: dict[Any, Any]) -> list[Any]:
        items = dict(one)
        self._undo.append(functools.partial(_refill, one, items))
        return list(items.values())

    def _remember_array(self, array: Array) -> None:
        """Keep an array's numbers; what is read-only or on disk stays as it is."""
        if array.flags.writeable and not isinstance(array, np.memmap):
            numbers = array.copy()
            self._undo.append(lambda: np.copyto(array, numbers))


def attributes_before(*objects: Any) -> Callable[[], None]:
    """Return what gives objects the attributes that they have now, and no others.

    Lists, dicts and sets among these get their items back; what they hold stays as it is then.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one = SimpleNamespace(seen=[1])
    >>> put_back = attributes_before(one)
    >>> one.seen.append(2)
    >>> one.more = 3
    >>> put_back()
    >>> one
    namespace(seen=[1])
    """
    kept: list[tuple[Any, Any]] = []
    for one in objects:
        kept.append((vars(one), dict(vars(one))))
        held = [value for value in vars(one).values() if isinstance(value, (list, dict, set))]
        kept += [(value, copy.copy(value)) for value in held]

    def put_back() -> None:
        for value, items in kept:
            if isinstance(value, list):
                value[:] = items
            else:
                _refill(value, items)

    return put_back


def seed_unmoved_where_refused(function: F) -> F:
    """Put a generator that is given as `seed` back where the call raises."""
    position = list(inspect.signature(function).parameters).index("seed")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        seed = args[position] if len(args) > position else kwargs.get("seed")
        if not isinstance(seed, np.random.Generator):
            return function(*args, **kwargs)
        state = seed.bit_generator.state
        try:
            return function(*args, **kwargs)
        except Exception:
            seed.bit_generator.state = state
            raise

    return cast("F", call)


def _refill(one: Any, items: Any) -> None:
    """Give a dict or a set these items and no others."""
    one.clear()
    one.update(items)


def _owner(array: Array) -> Array:
    """The array whose memory this one is a view of, or itself."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _is_minnets(kind: type) -> bool:
    """Whether a class is minnet's own, or below one that is."""
    return any(base.__module__.split(".")[0] == "minnet" for base in kind.__mro__)
