"""Numbers, arrays and calls in as few characters as say what they are."""

from __future__ import annotations

import numbers
import textwrap
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import short

DIGITS = 4
"""Significant digits of a number, unless two numbers are the same in them."""

WIDTH = 60
"""Characters of an array in one line; a longer one has a line for each row."""

LARGE = 1e8
"""Numbers from here on have an exponent."""

WRAP = 78
"""Characters of a line of prose."""

MOST = 60
"""Entries of an array that is shown whole."""


class Seed(NamedTuple):
    """A generator that is made anew for each call."""

    number: int


def show(value: Any, digits: int = DIGITS) -> str:
    """A value as a student would type it; large arrays by their shape.

    >>> show(np.array([[1000.0, 0.5], [1 / 3, np.nan]]))
    '[[1000, 0.5], [0.3333, nan]]'
    >>> show([np.array([1.0]), True, "relu"]), show(Seed(3))
    ("[[1], True, 'relu']", 'np.random.default_rng(3)')
    """
    if isinstance(value, Seed):
        return f"np.random.default_rng({value.number})"
    if isinstance(value, np.ndarray) and value.ndim:
        return _array(value, digits)
    if isinstance(value, (list, tuple)):
        inner = ", ".join(show(item, digits) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, numbers.Real) or (isinstance(value, np.ndarray) and value.dtype == float):
        return _number(float(value), digits)
    if callable(value):
        return getattr(value, "__name__", "a function")
    return short(value)


def _number(value: float, digits: int) -> str:
    """Without an exponent, as long as that is readable."""
    if abs(value) >= 10**digits and abs(value) < LARGE:
        return f"{value:.0f}"
    return f"{value + 0.0:.{digits}g}"  # −0 is 0


def _array(value: np.ndarray[Any, Any], digits: int) -> str:
    if value.size == 0 or value.size > MOST or value.dtype.kind not in "biuf":
        return f"an array of shape {value.shape}, {value.dtype}"
    line = show(value.tolist(), digits)
    if len(line) <= WIDTH or value.ndim == 1:
        return line
    lines = [show(row.tolist(), digits) for row in value]
    if max(map(len, lines)) < WIDTH / 4:  # several rows in a line
        return textwrap.fill(f"[{', '.join(lines)}]", WIDTH, subsequent_indent=" ")
    return "[" + ",\n ".join(lines) + "]"


def show_apart(came: Any, expected: Any) -> tuple[str, str]:
    """Two values that differ, in so many digits that the difference is seen.

    >>> show_apart(1.00001, 1.0)
    ('1.00001', '1')
    """
    for digits in (DIGITS, 6, 9, 12):
        texts = show(came, digits), show(expected, digits)
        if texts[0] != texts[1]:
            return texts
    return show(came, 17), show(expected, 17)


def rows(pairs: list[tuple[str, str]], indent: str = "    ") -> str:
    """Labels with what belongs to them, one below the other; longer texts hang under themselves.

    >>> print(rows([("gave", "[[1],\\n [2]]"), ("expected", "0")], ""))
    gave      [[1],
               [2]]
    expected  0
    """
    width = max(len(label) for label, _ in pairs) + 2
    lines = []
    for label, text in pairs:
        first, *others = text.splitlines() or [""]
        lines.append(f"{indent}{label.ljust(width)}{first}".rstrip())
        lines += [f"{indent}{' ' * width}{line}" for line in others]
    return "\n".join(lines)


def arguments(given: dict[str, Any]) -> str:
    """The arguments of a call, one a line."""
    width = max(map(len, given))
    indent = "\n" + " " * (width + 3)
    return "\n".join(
        f"{name.ljust(width)} = {show(value).replace(chr(10), indent)}"
        for name, value in given.items()
    )
