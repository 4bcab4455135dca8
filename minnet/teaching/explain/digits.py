"""Numbers as text: how many digits, and which rows and columns of a large matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minnet.foundation.checks import Array

DIGITS = 4
"""Significant digits of a number that is not whole."""

LOSS_DIGITS = 6
"""A loss has more digits than a matrix, since what counts is how little it changes."""

LARGEST = 5
"""Rows and columns that are shown in full; of more, the first three and the last."""


def number(value: Any, digits: int = DIGITS) -> str:
    """The number with so many significant digits; an exact 0 is "0".

    >>> number(0.5), number(-1234.56), number(0.0), number(1.25e-7)
    ('0.5000', '-1235', '0', '1.250e-07')
    """
    value = float(value)
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else str(value)
    return f"{value:#.{digits}g}".removesuffix(".")


def last_digit(shown: str) -> float:
    """The unit of the last digit of a number that was made by `number`.

    >>> last_digit("0.5000"), last_digit("-1.250e-07"), last_digit("0")
    (0.0001, 1e-10, 1e-10)
    """
    mantissa, _, exponent = shown.partition("e")
    if float(mantissa) == 0.0:
        return 1e-10
    return float(f"1e{int(exponent or 0) - len(mantissa.partition('.')[2])}")


def plain(value: float) -> str:
    """A setting such as a learning rate, as it would be typed.

    >>> plain(0.1), plain(1e-08), plain(3.0)
    ('0.1', '1e-08', '3')
    """
    return f"{value:.6g}"


def latex(shown: str) -> str:
    """A number that was made by `number` or `plain`, as LaTeX.

    >>> latex("1.250e-07"), latex("nan"), latex("-inf")
    ('1.250 \\\\cdot 10^{-7}', '\\\\mathrm{nan}', '-\\\\infty')
    """
    if shown in ("nan", "inf", "-inf"):
        return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}[shown]
    mantissa, _, exponent = shown.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def shape(array: Array) -> str:
    """The shape as NumPy writes it."""
    return str(array.shape)


def cells(array: Array, digits: int = DIGITS) -> list[list[str]]:
    """The array as rows of text; larger ones in part, with marks where something is left out.

    One axis makes one row. Of more than two axes the first is kept, and each sample becomes a row.
    """
    flat = array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)
    i, j = shown_along(flat.shape[0]), shown_along(flat.shape[1])
    shown = flat[np.ix_([k for k in i if k is not None], [k for k in j if k is not None])]
    whole = shown.dtype.kind in "biu" or (
        bool(np.isfinite(shown).all())
        and bool((shown == np.floor(shown)).all())
        and bool((np.abs(shown) < 1e6).all())
    )
    texts = iter(str(int(v)) if whole else number(v, digits) for v in shown.ravel())
    return [
        ["⋮" if c is not None else "⋱" for c in j]
        if r is None
        else ["…" if c is None else next(texts) for c in j]
        for r in i
    ]


def table_indices(array: Array) -> list[list[tuple[int | None, ...]]]:
    """The index of each cell of `cells`, row by row, with None along an axis that is cut there."""
    rest = array.shape[1:]
    if array.ndim < 2:
        return [[() if array.ndim == 0 else (k,) for k in shown_along(array.size)]]
    return [
        [
            (n, *((None,) * len(rest) if k is None else map(int, np.unravel_index(k, rest))))
            for k in shown_along(array[0].size)
        ]
        for n in shown_along(len(array))
    ]


def shown_along(size: int) -> list[int | None]:
    """The numbers from 0 that are shown of so many; None stands for those that are left out."""
    if size <= LARGEST:
        return list(range(size))
    return [0, 1, 2, None, size - 1]


def shown_indices(array: Array) -> list[tuple[int, ...]]:
    """The indices of the entries that `cells` shows, in order."""
    if array.ndim == 0:
        return [()]
    if array.ndim == 1:
        return [(k,) for k in shown_along(array.size) if k is not None]
    rest = array.shape[1:]
    return [
        (n, *map(int, np.unravel_index(k, rest)))
        for n in shown_along(len(array))
        for k in shown_along(array[0].size)
        if n is not None and k is not None
    ]


def first_nonzero(array: Array) -> tuple[int, ...]:
    """The index of the first entry that is shown and not 0: a 0 shows nothing."""
    shown = shown_indices(array)
    return next((index for index in shown if array[index] != 0), shown[0])


def is_cut(array: Array) -> bool:
    """Whether `cells` leaves something out."""
    sizes = (array.size,) if array.ndim < 2 else (len(array), array[0].size)
    return max(sizes) > LARGEST


def aligned(rows: list[list[str]]) -> list[list[str]]:
    """The cells padded, so that in each column the decimal points stand below each other."""
    columns = []
    for column in zip(*rows, strict=True):
        halves = [_split(cell) for cell in column]
        left = max(len(a) for a, _ in halves)
        right = max(len(b) for _, b in halves)
        columns.append([a.rjust(left) + b.ljust(right) for a, b in halves])
    return [list(row) for row in zip(*columns, strict=True)]


def _split(cell: str) -> tuple[str, str]:
    """What stands before the decimal point, and the rest."""
    head, point, tail = cell.partition(".")
    return head, point + tail
