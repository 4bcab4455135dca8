"""An explanation as plain text, for 100 columns."""

from __future__ import annotations

import textwrap

from minnet.teaching.explain.blocks import (
    Block,
    Formulas,
    Heading,
    Matrices,
    Prose,
    Shown,
    Worked,
)
from minnet.teaching.explain.digits import aligned, cells, shape

WIDTH = 100
INDENT = "    "


def render(story: list[Block]) -> str:
    """All blocks, one below the other, with a blank line between them."""
    text, before = "", None
    for block in story:
        if before is not None:  # numbers worked by hand one after the other stand close
            close = isinstance(block, Worked) and isinstance(before, Worked)
            close = close or (isinstance(block, Matrices) and block.close)
            text += "\n" if close else "\n\n"
        text += "\n".join(line.rstrip() for line in _lines(block))
        before = block
    return text


def _wrap(unbroken: str, width: int, first: str = "", following: str = "") -> list[str]:
    """Broken between words only: 1e-05 is one."""
    return textwrap.wrap(
        unbroken,
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(level, title):
            mark = {1: "═", 2: "─"}.get(level)
            return (
                [title] if mark is None else [title, mark * (WIDTH if level == 2 else len(title))]
            )
        case Prose(sentences):
            return _wrap(sentences, WIDTH - len(INDENT), "  ", "  ")
        case Formulas(formulas):
            return [line for math in formulas for line in _wrapped(math.text)]
        case Matrices(shown, close):
            return _side_by_side(shown, close)
        case Worked(left, right):
            return _worked(left.text, [math.text for math in right])
    raise TypeError(f"No such block: {block!r}")


def _wrapped(formula: str) -> list[str]:
    """A formula in the indent, broken where it is too long."""
    bare = formula.lstrip()
    own = INDENT + " " * (len(formula) - len(bare))
    return _wrap(bare, WIDTH, own, own + INDENT)


def _side_by_side(shown: list[Shown], close: bool) -> list[str]:
    """Matrices beside each other, in as many bands as the width asks for."""
    bands: list[list[list[str]]] = [[]]
    for matrix in shown:
        box = _box(matrix)
        used = sum(len(other[0]) + 3 for other in bands[-1])
        if bands[-1] and len(INDENT) + used + len(box[0]) > WIDTH:
            bands.append([])
        bands[-1].append(box)
    lines: list[str] = []
    for band in bands:
        if lines and not close:
            lines.append("")
        for i in range(max(map(len, band))):
            row = [box[i] if i < len(box) else " " * len(box[0]) for box in band]
            lines.append(INDENT + "   ".join(row))
    return lines


def _box(shown: Shown) -> list[str]:
    """The symbol with the shape, and the rows in brackets, all of one width."""
    lines = [f"{shown.symbol.text} {shape(shown.array)}"]
    lines += [f"[ {'  '.join(row)} ]" for row in aligned(cells(shown.array, shown.digits))]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _worked(left: str, right: list[str]) -> list[str]:
    """left = a, and = b, = c below it, with the equals signs in one column."""
    one = f"{INDENT}{left} = {' = '.join(right)}"
    if len(one) <= WIDTH:
        return [one]
    start, room = f"{INDENT}{left}", WIDTH - len(INDENT) - len(left) - 3
    lines: list[str] = []
    for expression in right:
        for i, piece in enumerate(_wrap(expression, room) or [""]):
            lines.append(f"{start} {'=' if i == 0 else ' '} {piece}")
            start = " " * len(start)
    return lines
