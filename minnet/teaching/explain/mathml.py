"""Formulas as MathML, which browsers draw by themselves, from the LaTeX that explanations use."""

from __future__ import annotations

import re
from html import escape

from minnet.teaching.explain.blocks import Math
from minnet.teaching.explain.typesetting import FUNCTIONS

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?(?:e[-+]?\d+)?|[^\W\d_]|\s+|.", re.DOTALL)

LETTERS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "varepsilon": "ε",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "varphi": "φ",
    "phi": "φ",
    "omega": "ω",
    "Delta": "Δ",
    "nabla": "∇",
    "partial": "∂",
    "infty": "∞",
    "top": "⊤",
}
SIGNS = {
    "cdot": "·",
    "odot": "⊙",
    "times": "×",
    "leftarrow": "←",
    "le": "≤",
    "ge": "≥",
    "ldots": "…",
    "cdots": "⋯",
    "lVert": "‖",
    "rVert": "‖",
    "sum": "∑",
    "prod": "∏",
    "Big": "",
    "big": "",
}
SPACES = {r"\,": "0.17em", r"\;": "0.28em", r"\ ": "0.33em", r"\quad": "1em", r"\qquad": "2em"}
LIMITS = ("∑", "∏")


class _UnknownError(ValueError):
    """A command that is not known here."""


def inline(formula: Math) -> str:
    """A formula in a line of text; its text form where its LaTeX is beyond what is known here.

    >>> inline(Math("y1", "y_1"))
    '<math><msub><mi>y</mi><mn>1</mn></msub></math>'
    """
    row = _row_of(formula.latex)
    return escape(formula.text) if row is None else f"<math>{row}</math>"


def display(formula: Math) -> str:
    """A formula on a line of its own."""
    row = _row_of(formula.latex)
    if row is None:
        return f"<div>{escape(formula.text)}</div>"
    return f'<math display="block">{row}</math>'


def _row_of(latex: str) -> str | None:
    tokens = [mark for mark in TOKEN.findall(latex) if mark.strip()]
    if r"\text" in latex:  # the spaces in words count
        tokens = TOKEN.findall(latex)
    try:
        reader = _Reader(tokens)
        row = reader.row()
    except (_UnknownError, IndexError):
        return None
    return row if reader.finished else None


class _Reader:
    """The tokens of a formula, read once from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def finished(self) -> bool:
        """Whether all tokens are read."""
        return self.at == len(self.tokens)

    def row(self) -> str:
        """Everything up to the brace that closes this group, or to the end."""
        elements: list[str] = []
        while not self.finished and self.tokens[self.at] != "}":
            mark = self.next()
            if mark in "^_":
                base = elements.pop() if elements else "<mi></mi>"
                elements.append(self.with_script(base, mark))
            elif mark.strip():
                elements.append(self.element(mark))
        return "".join(elements)

    def next(self) -> str:
        """The next mark."""
        self.at += 1
        return self.tokens[self.at - 1]

    def group(self) -> str:
        """One argument: a group in braces, or a single element."""
        mark = self.next()
        while not mark.strip():
            mark = self.next()
        if mark != "{":
            return self.element(mark)
        inside = self.row()
        self.next()
        return f"<mrow>{inside}</mrow>"

    def words(self) -> str:
        """The letters of a group in braces, spaces included."""
        letters, mark = "", self.next()
        if mark != "{":
            raise _UnknownError
        while (mark := self.next()) != "}":
            letters += mark.removeprefix("\\")
        return letters

    def with_script(self, base: str, mark: str) -> str:
        """A base with an index, a power, or both."""
        first = self.group()
        other = self.tokens[self.at] if not self.finished else ""
        under = any(f"<mo>{sign}</mo>" == base for sign in LIMITS)
        if other in ("^", "_") and other != mark:
            self.next()
            below, above = (first, self.group()) if mark == "_" else (self.group(), first)
            kind = "munderover" if under else "msubsup"
            return f"<{kind}>{base}{below}{above}</{kind}>"
        kind = ("munder" if under else "msub") if mark == "_" else "msup"
        return f"<{kind}>{base}{first}</{kind}>"

    def element(self, mark: str) -> str:
        """One element, with its arguments if it has any."""
        name = mark[1:]
        if mark == "{":
            inside = self.row()
            self.next()
            return f"<mrow>{inside}</mrow>"
        if mark in SPACES:
            return f'<mspace width="{SPACES[mark]}"></mspace>'
        if mark.startswith("\\"):
            return self.command(name)
        if mark[0].isdigit():
            return f"<mn>{mark}</mn>"
        if mark.isalpha():
            return f"<mi>{mark}</mi>"
        return f"<mo>{escape(mark.replace('-', '−'))}</mo>"

    def command(self, name: str) -> str:
        """What a command draws."""
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in SIGNS:
            return f"<mo>{SIGNS[name]}</mo>" if SIGNS[name] else ""
        if name in FUNCTIONS:
            return f'<mi>{name}</mi><mspace width="0.17em"></mspace>'
        if name in ("frac", "tfrac"):
            above, below = self.group(), self.group()
            return f"<mfrac>{above}{below}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.group()}</msqrt>"
        if name == "hat":
            return f'<mover accent="true">{self.group()}<mo>^</mo></mover>'
        if name == "phantom":
            return f"<mphantom>{self.group()}</mphantom>"
        if name == "mathrm":
            return f'<mi mathvariant="normal">{escape(self.words())}</mi>'
        if name == "text":
            words = self.words().replace(" ", "\N{NO-BREAK SPACE}")
            return f"<mtext>{escape(words)}</mtext>"
        if len(name) == 1 and not name.isalpha():
            return f"<mo>{escape(name)}</mo>"
        raise _UnknownError
