"""What an explanation is made of, before anybody decides how it looks.

A story is a list of blocks; `text.py`, `html.py` and `markdown.py` each draw all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from minnet.foundation.checks import Array
from minnet.teaching.explain.digits import DIGITS


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


Index = tuple[int, ...]


class Heading(NamedTuple):
    """A title, of the step or the weight that it is `about`; level 1 is the whole explanation's."""

    level: int
    text: str
    about: str = ""


class Prose(NamedTuple):
    """One or more sentences."""

    text: str


class Formulas(NamedTuple):
    """Formulas, one below the other."""

    lines: list[Math]


class Source(NamedTuple):
    """The numbers of an array that another number is made of.

    `entries` has a number for each axis, a range, or None for all along it: `(0, None)` is the
    first row, and `(range(3), 0)` the first three numbers of the first column.
    """

    symbol: Math
    entries: tuple[int | range | None, ...]

    def named(self, names: Mapping[str, Math]) -> Source:
        """With the marks in the symbol replaced."""
        return Source(self.symbol.named(names), self.entries)


class Worked(NamedTuple):
    """One number by hand: what it is, and the expressions that it equals, down to its value.

    `sources` are the numbers that it is made of, for a page that can point at them.
    """

    left: Math
    right: list[Math]
    sources: tuple[Source, ...] = ()

    def named(self, names: Mapping[str, Math]) -> Worked:
        """With the marks replaced, everywhere."""
        return Worked(
            self.left.named(names),
            [side.named(names) for side in self.right],
            tuple(source.named(names) for source in self.sources),
        )


class Shown(NamedTuple):
    """An array under its symbol; `worked` works the number at an index by hand."""

    symbol: Math
    array: Array
    worked: Callable[[Index], list[Worked]] | None = None
    digits: int = DIGITS

    def named(self, names: Mapping[str, Math]) -> Shown:
        """With the marks in the symbol replaced."""
        return self._replace(symbol=self.symbol.named(names))


class Matrices(NamedTuple):
    """Arrays, side by side as far as there is room; `close` to what stands above them or not."""

    shown: list[Shown]
    close: bool = False


Block = Heading | Prose | Formulas | Matrices | Worked
