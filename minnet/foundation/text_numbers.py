"""Entries of a table that are no numbers yet, and how they become some.

What a spreadsheet writes is text: with a decimal comma, with gaps, with dates.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np

GAPS = ("", "-", "–", "?", "n/a", "na", "nan", "null", "none")
"""How files spell a value that is missing."""


def to_numbers(entries: list[Any], who: str) -> tuple[Any, str]:
    """Return the entry that is in the way, and how it becomes a number, "" for what is none.

    Parameters
    ----------
    entries
        One column, or all that is no number yet; at least one.
    who
        The variable that holds them, as it is written in code.

    Examples
    --------
    >>> to_numbers(["3", "", "4"], "x")
    ('', 'It is a gap among numbers. Drop or fill such rows first.')
    >>> to_numbers(["3", "4"], "x")
    ('3', 'It is text: use np.array(x, dtype=float).')
    >>> to_numbers(["red", "blue"], "x")
    ('red', '')
    """
    if all(isinstance(entry, np.datetime64) for entry in entries):
        days = '(date - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")'
        return entries[0], f"Make days of a date: {days}."
    if all(isinstance(entry, dt.date) for entry in entries):
        return entries[0], "Make days of a date: date.toordinal()."
    in_the_way = [entry for entry in entries if not reads_as_number(entry)]
    if not in_the_way:
        return entries[0], f"It is text: use np.array({who}, dtype=float)."
    entry = in_the_way[0]
    if not isinstance(entry, str):
        return entry, ""
    if _has_comma(entry):
        return entry, (
            'It is text with a comma. If that is the decimal comma: float(text.replace(",", ".")); '
            'if it stands between thousands: float(text.replace(",", "")).'
        )
    if entry.strip().lower() in GAPS and any(map(_is_like_a_number, entries)):
        return entry, "It is a gap among numbers. Drop or fill such rows first."
    return entry, ""


def reads_as_number(entry: Any) -> bool:
    """Whether it is text of which float() makes a finite number.

    Examples
    --------
    >>> reads_as_number("2e3"), reads_as_number("12,5"), reads_as_number(2.0)
    (True, False, False)
    """
    try:
        return isinstance(entry, str) and math.isfinite(float(entry))
    except ValueError:
        return False


def _has_comma(entry: Any) -> bool:
    """Whether it is text that is a number but for the comma in it, such as 12,5 or 1.234,50."""
    if not isinstance(entry, str) or "," not in entry:
        return False
    digits = entry.replace(".", "").replace(",", ".", 1).replace(",", "")
    return reads_as_number(digits)


def _is_like_a_number(entry: Any) -> bool:
    return reads_as_number(entry) or _has_comma(entry)
