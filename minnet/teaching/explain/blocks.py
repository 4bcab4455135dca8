"""What an explanation is made of, before anybody decides how it looks.

A story is a list of blocks; `text.py`, `html.py` and `markdown.py` each draw all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

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


class Matrices(NamedTuple):
    """Arrays, side by side as far as there is room."""

    shown: list[Shown]


class Worked(NamedTuple):
    """One number by hand: what it is, and the expressions that it equals, down to its value."""

    left: Math
    right: list[Math]


Block = Heading | Prose | Formulas | Matrices | Worked


NO_FORMULA = {"build", "compute_output_shape", "get_config", "check_target", "check_last"}
"""Methods that a subclass may have anew without computing anything else."""


def means(kind: type, known: type) -> bool:
    """Whether a class computes what a known one does: it is the same, or changes no formula."""
    return issubclass(kind, known) and all(
        inspect.getattr_static(kind, name) is function
        for name, function in vars(known).items()
        if inspect.isfunction(function) and not name.startswith("__") and name not in NO_FORMULA
    )


def own_words(thing: Any) -> str | None:
    """The first sentence of a student's own docstring, on one line, or None."""
    doc = inspect.cleandoc(vars(type(thing)).get("__doc__") or "")
    first = " ".join(doc.split("\n\n")[0].split())
    return first or None
