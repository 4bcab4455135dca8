"""What an explanation is made of, before anybody decides how it looks.

A story is a list of blocks; `text.py`, `html.py` and `markdown.py` each draw all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from minnet.foundation.checks import Array


class Math(NamedTuple):
    """A formula, as text and as LaTeX.

    `@x`, `@y`, `@dx` and `@dy` stand for a step's input and output and for ∂L/∂ of them; they get
    the names that these have in the whole network.
    """

    text: str
    latex: str

    def named(self, names: Mapping[str, Math]) -> Math:
        """With the marks replaced, each by its name."""
        return Math(
            _replace(self.text, {mark: name.text for mark, name in names.items()}),
            _replace(self.latex, {mark: name.latex for mark, name in names.items()}),
        )

    def in_names(self, names: Mapping[str, str]) -> str:
        """The text alone, with the marks replaced."""
        return _replace(self.text, names)


def _replace(formula: str, names: Mapping[str, str]) -> str:
    for mark in sorted(names, key=len, reverse=True):  # @dx before @x
        formula = formula.replace(mark, names[mark])
    return formula


def same(symbol: str) -> Math:
    """A formula that is written alike as text and as LaTeX."""
    return Math(symbol, symbol)


class Heading(NamedTuple):
    """A title; level 1 is the whole explanation's."""

    level: int
    text: str


class Prose(NamedTuple):
    """One or more sentences."""

    text: str


class Formulas(NamedTuple):
    """Formulas, one below the other."""

    lines: list[Math]


class Shown(NamedTuple):
    """An array under its symbol."""

    symbol: Math
    array: Array

    def named(self, names: Mapping[str, Math]) -> Shown:
        """With the marks in the symbol replaced."""
        return Shown(self.symbol.named(names), self.array)


class Matrices(NamedTuple):
    """Arrays, side by side as far as there is room."""

    shown: list[Shown]


class Worked(NamedTuple):
    """One number by hand: what it is, and the expressions that it equals, down to its value."""

    left: Math
    right: list[Math]

    def named(self, names: Mapping[str, Math]) -> Worked:
        """With the marks replaced, on both sides."""
        return Worked(self.left.named(names), [side.named(names) for side in self.right])


Block = Heading | Prose | Formulas | Matrices | Worked
