"""What all chapters of the story share: names, and one number by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from minnet.foundation.checks import Array
from minnet.teaching.explain.blocks import Formulas, Math, Source, Worked, same
from minnet.teaching.explain.digits import DIGITS, last_digit, latex, number, shown_indices
from minnet.teaching.explain.typesetting import formula, tex_text

TERMS = 5
"""The most terms that a sum is written out with; of more, the first two and the last."""

EXACT = 9
"""Digits that tell every number of float32 from its neighbours."""

GREEK = {"gamma": Math("γ", r"\gamma"), "beta": Math("β", r"\beta")}

X, Y, DX, DY = (same(mark) for mark in ("@x", "@y", "@dx", "@dy"))
"""The marks for a step's own arrays, until they are named."""

SLOPE = Math("∂@y/∂@x", r"\frac{\partial @y}{\partial @x}")


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


def largest(array: Array) -> tuple[int, ...]:
    """The index of the entry that is farthest from 0, of those that are shown."""
    return max(shown_indices(array), key=lambda index: abs(float(array[index])))


def at(name: Math, *indices: int) -> Math:
    """One entry of an array: `y1[0, 2]`."""
    inside = ", ".join(map(str, indices))
    return Math(f"{name.text}[{inside}]", f"{name.latex}[{inside}]")


class Factor(NamedTuple):
    """A number with its name, and the array that it stands in."""

    name: Math
    value: Any
    source: Source


def entry(array_name: Math, array: Array, *index: int) -> Factor:
    """The number of an array at this index."""
    return Factor(at(array_name, *index), array[index], Source(array_name, index))


def sources(factors: Iterable[Factor]) -> tuple[Source, ...]:
    """Where the factors stand: of many in one array, how far they are spread along each axis."""
    indices: dict[Math, list[tuple[int | range | None, ...]]] = {}
    for factor in factors:
        indices.setdefault(factor.source.symbol, []).append(factor.source.entries)
    return tuple(
        Source(name, tuple(_spread(axis) for axis in zip(*several, strict=True)))
        for name, several in indices.items()
    )


def _spread(axis: Sequence[int | range | None]) -> int | range | None:
    """One number, or the range of several."""
    numbers = [number for number in axis if isinstance(number, int)]
    if len(numbers) < len(axis):
        return None
    low, high = min(numbers), max(numbers)
    return low if low == high else range(low, high + 1)


def value(of_entry: Any, digits: int = DIGITS, *, bracketed: bool = True) -> Math:
    """A number, in brackets where its minus would stand behind another sign."""
    shown = number(of_entry, digits)
    if bracketed and shown.startswith("-"):
        return Math(f"({shown})", f"({latex(shown)})")
    return Math(shown, latex(shown))


def with_numbers(pattern: Math, numbers: Mapping[str, Any]) -> Math:
    """An expression with a number for each mark, in brackets only where it has none yet.

    >>> with_numbers(same("exp(@x) + @x + (@x²)"), {"@x": -2.0}).text
    'exp(-2.000) + (-2.000) + ((-2.000)²)'
    """
    inside = {mark: value(number, bracketed=False) for mark, number in numbers.items()}
    around = {mark: value(number) for mark, number in numbers.items()}
    written = pattern
    for mark, shown in inside.items():
        between = re.compile(rf"(?<=[({{|]){mark}(?![²³^])")
        written = Math(
            between.sub(shown.text, written.text),
            between.sub(shown.latex.replace("\\", r"\\"), written.latex),
        )
    return written.named(around)


def sum_of_products(left: Math, terms: Sequence[tuple[Factor, ...]], result: Any) -> Worked:
    """left = a·b + c·d + … in symbols, then in numbers, then what came out.

    Of no terms at all, such as those of a weight that meets nothing but padding, the sum is 0.
    """
    if not terms:
        return Worked(left, [value(result, bracketed=False)])
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
        sources(factor for term in terms for factor in term),
    )


def calculation(
    left: Math,
    operands: Sequence[Any],
    write: Callable[[list[Math]], Math],
    compute: Callable[[list[float]], float],
    result: Any,
    used: tuple[Source, ...] = (),
) -> Worked:
    """left = an expression of numbers = what came out, to be followed with a pocket calculator.

    The numbers get as many digits as it takes to come to the result as it is shown. Where terms
    cancel so far that no number of digits is enough, the result is what rounding left, and that
    is said.
    """
    shown = number(result)
    for digits in range(DIGITS, EXACT + 1):
        came = compute([float(number(operand, digits)) for operand in operands])
        if abs(came - float(shown)) <= 0.505 * last_digit(shown):
            right = value(result, bracketed=False)
            break
    else:
        remark = "the digits that differ are rounding"
        right = Math(f"{shown}   ({remark})", rf"{latex(shown)} \quad \text{{({remark})}}")
    expression = write([value(operand, digits) for operand in operands])
    return Worked(left, [expression, right], used)


def mean_by_hand(
    left: Math,
    terms: Sequence[Sequence[Factor]],
    result: Any,
    pattern: tuple[str, str] = ("{}", "{}"),
    compute: Callable[..., float] = lambda number: number,
) -> Worked:
    """left = the mean of terms, each written by a pattern of its numbers; of many, a few."""
    used, N = sources(factor for term in terms for factor in term), len(terms)
    shown = [*terms] if N <= TERMS else [*terms[:2], terms[-1]]
    size = len(terms[0])

    def write(numbers: list[Math]) -> Math:
        rows = [numbers[k : k + size] for k in range(0, len(numbers), size)]
        texts = [pattern[0].format(*(m.text for m in row)) for row in rows]
        tex = [pattern[1].format(*(m.latex for m in row)) for row in rows]
        if N > TERMS:
            texts.insert(2, "…")
            tex.insert(2, r"\cdots")
        return Math(f"({' + '.join(texts)}) / {N}", rf"\frac{{{' + '.join(tex)}}}{{{N}}}")

    operands = [factor.value for term in shown for factor in term]
    if N > TERMS:
        expression = write([value(operand) for operand in operands])
        return Worked(left, [expression, value(result, bracketed=False)], used)

    def mean(numbers: list[float]) -> float:
        rows = [numbers[k : k + size] for k in range(0, len(numbers), size)]
        return sum(compute(*row) for row in rows) / N

    return calculation(left, operands, write, mean, result, used)


def samples(N: int) -> str:
    """ "1 sample", "3 samples"."""
    return "1 sample" if N == 1 else f"{N:,} samples"
