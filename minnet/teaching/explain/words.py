"""What all chapters of the story share: names, and one number by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from minnet.foundation.checks import Array
from minnet.teaching.explain.blocks import Formulas, Math, Worked, same
from minnet.teaching.explain.digits import latex, number, shown_indices
from minnet.teaching.explain.typesetting import formula, tex_text

TERMS = 5
"""The most terms that a sum is written out with; of more, the first two and the last."""

GREEK = {"gamma": Math("γ", r"\gamma"), "beta": Math("β", r"\beta")}

X, Y, DX, DY = (same(mark) for mark in ("@x", "@y", "@dx", "@dy"))
"""The marks for a step's own arrays, until they are named."""


def output(i: int) -> Math:
    """The name of what comes out of step number i, from 0; what goes into the first is x."""
    return same("x") if i < 0 else Math(f"y{i + 1}", f"y_{{{i + 1}}}")


def gradient(of: Math) -> Math:
    """∂L/∂ of something, as dA."""
    return Math(f"d{of.text}", rf"\mathrm{{d}}{of.latex}")


def slope(i: int) -> Math:
    """∂y/∂x of step number i."""
    x, y = output(i - 1), output(i)
    return Math(f"∂{y.text}/∂{x.text}", rf"\frac{{\partial {y.latex}}}{{\partial {x.latex}}}")


def symbol(name: str, symbols: Mapping[str, str] | None = None) -> Math:
    """A weight's, a state's or a slot's name as it stands in formulas, by these symbols if any."""
    if symbols and name in symbols:
        return formula(symbols[name])
    if name in GREEK:
        return GREEK[name]
    return same(name) if len(name) == 1 else Math(name, tex_text(name))


def names(i: int) -> dict[str, Math]:
    """What the marks in the formulas of step number i stand for."""
    x, y = output(i - 1), output(i)
    return {"@x": x, "@y": y, "@dx": gradient(x), "@dy": gradient(y)}


def named(formulas: list[Math], i: int) -> Formulas:
    """The formulas of step number i, under the names that the whole network has."""
    return Formulas([formula.named(names(i)) for formula in formulas])


def of(word: str, name: Math) -> Math:
    """A symbol with a word before it, such as "new W"."""
    return Math(f"{word} {name.text}", rf"\text{{{word} }} {name.latex}")


def first_nonzero(array: Array) -> tuple[int, ...]:
    """The index of the first entry that is shown and not 0: a 0 shows nothing."""
    shown = shown_indices(array)
    return next((index for index in shown if array[index] != 0), shown[0])


def largest(array: Array) -> tuple[int, ...]:
    """The index of the entry that is farthest from 0, of those that are shown."""
    return max(shown_indices(array), key=lambda index: abs(float(array[index])))


def at(name: Math, *indices: int) -> Math:
    """One entry of an array: `y1[0, 2]`."""
    inside = ", ".join(map(str, indices))
    return Math(f"{name.text}[{inside}]", f"{name.latex}[{inside}]")


class Factor(NamedTuple):
    """A number with its name."""

    name: Math
    value: Any


def value(of_entry: Any, *, bracketed: bool = True) -> Math:
    """A number, in brackets where its minus would stand behind another sign."""
    shown = number(of_entry)
    if bracketed and shown.startswith("-"):
        return Math(f"({shown})", f"({latex(shown)})")
    return Math(shown, latex(shown))


def sum_of_products(left: Math, terms: Sequence[tuple[Factor, ...]], result: Any) -> Worked:
    """left = a·b + c·d + … in symbols, then in numbers, then what came out."""
    kept: list[tuple[Factor, ...] | None] = [*terms]
    last = 2 if len(terms[-1]) < len(terms[0]) else 1  # a bias stands behind the last product
    if len(terms) - last + 1 > TERMS:
        kept = [*terms[:2], None, *terms[-last:]]

    def line(write: Callable[[Factor], Math]) -> Math:
        products = [
            Math("…", r"\cdots")
            if term is None
            else Math(
                "·".join(write(factor).text for factor in term),
                r" \cdot ".join(write(factor).latex for factor in term),
            )
            for term in kept
        ]
        return Math(
            " + ".join(product.text for product in products),
            " + ".join(product.latex for product in products),
        )

    return Worked(
        left,
        [
            line(lambda factor: factor.name),
            line(lambda factor: value(factor.value, bracketed=factor is not terms[0][0])),
            value(result, bracketed=False),
        ],
    )


def samples(N: int) -> str:
    """ "1 sample", "3 samples"."""
    return "1 sample" if N == 1 else f"{N:,} samples"
