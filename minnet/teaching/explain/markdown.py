"""An explanation as Markdown, with LaTeX that notebooks, GitHub and most wikis draw."""

from __future__ import annotations

import re

from minnet.teaching.explain.blocks import (
    Block,
    Formulas,
    Heading,
    Matrices,
    Prose,
    Shown,
    Worked,
)
from minnet.teaching.explain.digits import cells, latex, shape

MARKS = {"…": r"\cdots", "⋮": r"\vdots", "⋱": r"\ddots"}


def render(story: list[Block]) -> str:
    """All blocks, with a blank line between them."""
    return "\n\n".join(_block(block) for block in story) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, title):
            return f"{'#' * (level + 1)} {escape(title)}"
        case Prose(sentences):
            return escape(sentences)
        case Formulas(formulas):
            return "\n\n".join(_display(math.latex) for math in formulas)
        case Matrices(shown, _):
            return "\n\n".join(_display(_matrix(matrix)) for matrix in shown)
        case Worked(left, right):
            lines = [f"{left.latex} &= {right[0].latex}", *(f"&= {m.latex}" for m in right[1:])]
            return _display(
                r"\begin{aligned}" + "\n" + " \\\\\n".join(lines) + "\n" + r"\end{aligned}"
            )
    raise TypeError(f"No such block: {block!r}")


def _display(tex: str) -> str:
    return f"$$\n{tex}\n$$"


def _matrix(shown: Shown) -> str:
    rows = [
        " & ".join(MARKS.get(c) or latex(c) for c in row)
        for row in cells(shown.array, shown.digits)
    ]
    size = shape(shown.array).replace(",)", ")").replace(", ", r" \times ").strip("()")
    under = (
        rf"\underset{{{size}}}{{{shown.symbol.latex}}} = " if size else f"{shown.symbol.latex} = "
    )
    return under + r"\begin{bmatrix}" + "\n" + " \\\\\n".join(rows) + "\n" + r"\end{bmatrix}"


def escape(plain: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", plain)
