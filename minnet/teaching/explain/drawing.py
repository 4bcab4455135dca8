"""The network beside its numbers: a column of circles for x and for what comes out of each step."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from minnet.foundation.checks import Array
from minnet.teaching.explain.blocks import Shown
from minnet.teaching.explain.digits import shown_along
from minnet.teaching.explain.numbers import Numbers, Step
from minnet.teaching.explain.words import gradient, output

ROW, RADIUS = 44, 11
"""How far apart two circles of a column are, and how large one is; SVG's units, about pixels."""

WIDE, NARROW = 92, 46
"""How far a column is from the one before: with weights between them, and without."""

TOP, LEFT, BELOW = 20, 24, 34


class _Column(NamedTuple):
    """The units of a column that are drawn, and where; None stands for those that are left out."""

    units: list[int | None]
    x: int
    heights: list[float]


def drawing(numbers: Numbers) -> str:
    """The whole network as SVG; circles and lines say which numbers they stand for."""
    widths = [_width(numbers.steps[0].x), *(_width(step.y) for step in numbers.steps)]
    columns = [shown_along(width) for width in widths]
    tallest = max(map(len, columns))
    across = [LEFT]
    for step in numbers.steps:
        across.append(across[-1] + (WIDE if _has_matrix(step) else NARROW))
    height = TOP + (tallest - 1) * ROW + BELOW + RADIUS

    down = [
        [TOP + (tallest - len(column)) * ROW / 2 + row * ROW for row in range(len(column))]
        for column in columns
    ]
    lines = "".join(
        f'<g data-edges="{i}">'
        + _lines(
            _keeps_apart(step),
            _Column(columns[i], across[i] + RADIUS, down[i]),
            _Column(columns[i + 1], across[i + 1] - RADIUS, down[i + 1]),
        )
        + "</g>"
        for i, step in enumerate(numbers.steps)
    )
    circles = "".join(
        _circles(i, _Column(column, across[i], down[i]), height) for i, column in enumerate(columns)
    )
    title = escape(
        "The network, from left to right: "
        + ", ".join(f"{output(i - 1).text} with {width}" for i, width in enumerate(widths))
    )
    return (
        f'<svg viewBox="0 0 {across[-1] + LEFT} {height:g}" role="img" aria-label="{title}">'
        f"{lines}{circles}</svg>"
    )


def _width(array: Array) -> int:
    return array.size // len(array)


def _has_matrix(step: Step) -> bool:
    """Whether it has a weight for every pair of an input and an output."""
    pairs = (_width(step.x), _width(step.y))
    return any(weight.shape == pairs for weight in step.weights.values())


def _keeps_apart(step: Step) -> bool | None:
    """Whether each output belongs to one input, or to all; None for patches of images."""
    if _has_matrix(step):
        return False
    patches = any(weight.ndim > 2 for weight in step.weights.values())
    return None if patches or _width(step.x) != _width(step.y) else True


def _lines(apart: bool | None, start: _Column, end: _Column) -> str:
    """The lines of one step: every input to every output, each to its own, or none."""
    return "".join(
        f'<line data-i="{k},{j}" x1="{start.x}" y1="{y1:g}" x2="{end.x}" y2="{y2:g}"/>'
        for k, y1 in zip(start.units, start.heights, strict=True)
        for j, y2 in zip(end.units, end.heights, strict=True)
        if k is not None and j is not None and apart is not None and (k == j or not apart)
    )


def _circles(i: int, column: _Column, height: float) -> str:
    """A column's circles, with dots where some are left out, and its name below."""
    circles = "".join(
        f'<text x="{column.x}" y="{y + 5:g}">⋮</text>'
        if k is None
        else f'<circle data-i="{k}" cx="{column.x}" cy="{y:g}" r="{RADIUS}"/>'
        for k, y in zip(column.units, column.heights, strict=True)
    )
    name = f'<text x="{column.x}" y="{height - 8:g}">{output(i - 1).text}</text>'
    return f'<g data-units="{i}">{circles}{name}</g>'


def units_of(shown: Shown, numbers: Numbers, step: int | None) -> str:
    """Where the numbers of an array are in the drawing: `units:2`, `edges:0`, or nowhere."""
    name = shown.symbol.text
    for i in range(-1, len(numbers.steps)):
        if name in (output(i).text, gradient(output(i)).text):
            return f"units:{i + 1}"
    if step is None:
        return ""
    ran = numbers.steps[step]
    if _has_matrix(ran) and shown.array.shape == (_width(ran.x), _width(ran.y)):
        return f"edges:{step}"
    size = shown.array.size if shown.array.ndim < 2 else shown.array[0].size
    return f"units:{step + 1}" if size == _width(ran.y) else ""
