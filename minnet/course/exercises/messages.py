"""What passes between a check and the process with the student's code: one line of JSON a message.

Values are written out by kind. Nothing is unpickled, since what comes back was made by code that
may want to deceive: it can say any value, and nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from minnet.course.exercises.wording import Seed
from minnet.foundation.checks import short

MOST_BYTES = 2**26
"""Of an array; the right results of exercises have a few hundred."""

DEEP = 20
"""Lists within lists."""


def encode(value: Any, functions: list[Any] | None = None, depth: int = 0) -> list[Any]:
    """A value as lists, texts and numbers; what is of no known kind as its type and its text.

    Parameters
    ----------
    functions
        Functions in the value are added here, and become their index; None: they become texts.

    Examples
    --------
    >>> decode(encode((np.array([1.5, 2.0]), {"a": None, "b": True})))
    (array([1.5, 2. ]), {'a': None, 'b': True})
    """
    if value is None or isinstance(value, (bool, str)):
        return ["plain", value]
    if type(value) is int and value.bit_length() < 1000:
        return ["plain", value]
    if type(value) is float:
        return ["float", repr(value)]
    if type(value) is complex:
        return ["complex", repr(value.real), repr(value.imag)]
    if isinstance(value, Seed):
        return ["seed", value.number]
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.kind in "biufc" and array.nbytes <= MOST_BYTES:
            data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
            kind = "array" if isinstance(value, np.ndarray) else "scalar"
            return [kind, array.dtype.str, list(array.shape), data]
    if isinstance(value, (list, tuple)) and depth < DEEP:
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, *(encode(item, functions, depth + 1) for item in value)]
    if isinstance(value, dict) and depth < DEEP and all(isinstance(key, str) for key in value):
        return ["dict", {key: encode(item, functions, depth + 1) for key, item in value.items()}]
    if callable(value) and functions is not None:
        functions.append(value)
        return ["function", len(functions) - 1]
    return ["other", type(value).__name__, short(value)]


def decode(message: Any, call: Callable[[int], Any] | None = None) -> Any:
    """The value of an encoded one; a `ValueError` if it is none.

    Parameters
    ----------
    call
        Makes a function of its index.
    """
    try:
        return _decoded(message, call)
    except (TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"no message: {short(message)}") from error


def _decoded(message: Any, call: Callable[[int], Any] | None) -> Any:
    kind, *rest = message
    if kind == "plain":
        return rest[0]
    if kind == "float":
        return float(rest[0])
    if kind == "complex":
        return complex(float(rest[0]), float(rest[1]))
    if kind == "seed":
        return Seed(rest[0])
    if kind in ("array", "scalar"):
        dtype = np.dtype(rest[0])
        if dtype.kind not in "biufc":
            raise ValueError(f"no message: {short(message)}")
        data = base64.b64decode(rest[2])
        array = np.frombuffer(data, dtype).reshape(rest[1]).copy()
        return array if kind == "array" else array[()]
    if kind in ("list", "tuple"):
        items = [_decoded(item, call) for item in rest]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {key: _decoded(item, call) for key, item in rest[0].items()}
    if kind == "function" and call is not None:
        return call(rest[0])
    if kind == "other":
        return _stand_in(str(rest[0]), str(rest[1]))
    raise ValueError(f"no message: {short(message)}")


def _stand_in(name: str, text: str) -> Any:
    """An object that is shown as the one that it stands for."""
    return type(name, (), {"__repr__": lambda self: text})()


def send(out: TextIO, **message: Any) -> None:
    """Write one message."""
    out.write(json.dumps(message) + "\n")
    out.flush()
