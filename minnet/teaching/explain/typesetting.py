"""Formulas that are written as text, such as `@dx = @dy ⊙ (1 − @y²)`, as LaTeX."""

from __future__ import annotations

import re

from minnet.teaching.explain.blocks import Math

SIGNS = {
    "α": r"\alpha ",
    "β": r"\beta ",
    "γ": r"\gamma ",
    "δ": r"\delta ",
    "ε": r"\varepsilon ",
    "η": r"\eta ",
    "θ": r"\theta ",
    "κ": r"\kappa ",
    "λ": r"\lambda ",
    "μ": r"\mu ",
    "ν": r"\nu ",
    "π": r"\pi ",
    "ρ": r"\rho ",
    "σ": r"\sigma ",
    "τ": r"\tau ",
    "φ": r"\varphi ",
    "ω": r"\omega ",
    "Δ": r"\Delta ",
    "Σ": r"\sum ",
    "∂": r"\partial ",
    "·": r" \cdot ",
    "⊙": r" \odot ",
    "−": "-",
    "←": r" \leftarrow ",
    "≤": r" \le ",
    "≥": r" \ge ",
    "∞": r"\infty ",
    "…": r"\ldots ",
    "½": r"\tfrac{1}{2}",
    "ᵀ": r"^{\top}",
    "ᵗ": "^t",
    "²": "^2",
    "³": "^3",
    "₁": "_1",
    "₂": "_2",
}

FUNCTIONS = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"}
"""Functions that LaTeX has a command for; any other word is text."""


def formula(text: str) -> Math:
    r"""A formula that is given as text, with LaTeX made from it sign by sign.

    >>> print(formula("@y = @x ⊙ σ(β ⊙ @x) where @x > 0").latex)
    @y = @x \odot \sigma (\beta \odot @x) \text{ where } @x > 0
    """
    latex = re.sub(r"[#$%&{}]", r"\\\g<0>", text)
    latex = re.sub(r"(?<![@\w])[A-Za-z]{3,}(?:[_.][A-Za-z]+)*", _word, latex)
    latex = re.sub(r"(\w)\N{COMBINING CIRCUMFLEX ACCENT}", r"\\hat{\1}", latex)
    latex = re.sub(r"_(\w{2,})", r"_{\1}", latex)
    return Math(text, re.sub(r" {2,}", " ", as_latex(latex)).strip())


def _word(match: re.Match[str]) -> str:
    word = match[0]
    return rf"\{word}" if word in FUNCTIONS else tex_text(f" {word} ")


def tex_text(name: str) -> str:
    """A name in upright letters; what LaTeX would take for a command becomes a space."""
    letters = re.sub(r"[^\w.]|_", " ", name)
    return rf"\text{{{letters}}}"


def as_latex(expression: str) -> str:
    """An expression of signs and numbers as LaTeX.

    >>> print(as_latex("0.9·(-0.1) − 2.000e-05 / √(0.5 + 1e-07)"))
    0.9 \\cdot (-0.1) - 2.000 \\cdot 10^{-5} / \\sqrt{0.5 + 1 \\cdot 10^{-7}}
    """
    root = r"√\(((?:[^()]|\([^()]*\))*)\)|√([\d.e+-]+)|√(\\hat\{\w\}|@?\w+)"
    latex = re.sub(root, _root, expression)
    latex = re.sub(r"(\d)e([+-]\d+)", lambda m: rf"{m[1]} \cdot 10^{{{int(m[2])}}}", latex)
    for sign, command in SIGNS.items():
        latex = latex.replace(sign, command)
    return latex


def _root(match: re.Match[str]) -> str:
    return rf"\sqrt{{{match[1] or match[2] or match[3]}}}"
