"""The formulas of every optimizer, and one number of the update by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from minnet.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop
from minnet.teaching.explain.blocks import Math, Worked, means, own_words
from minnet.teaching.explain.digits import latex, number, plain
from minnet.teaching.explain.words import tex_text

DECAY = Math(r"θ ← θ − η λ θ", r"\theta \leftarrow \theta - \eta \lambda \theta")


class Entry(NamedTuple):
    """One number of the weights at its update.

    `slots` and `new_slots` are what the optimizer remembered of it before and after.
    """

    theta: float
    new: float
    g: float
    slots: dict[str, float]
    new_slots: dict[str, float]
    rate: float
    t: int


def update_formulas(optimizer: Optimizer) -> tuple[list[Math], str]:
    """The formulas of one update, in order, and a sentence about them."""
    lines = [DECAY] if optimizer.weight_decay else []
    known = _known(optimizer)
    if known is None:
        kind, words = type(optimizer).__name__, own_words(optimizer)
        call = Math(
            f"θ ← {kind}.update(θ, g, …)",
            rf"\theta \leftarrow {tex_text(f'{kind}.update')}(\theta, g, \ldots)",
        )
        about = (
            f"In its own words: {words}"
            if words
            else "An optimizer of your own, without a docstring."
        )
        return [*lines, call], about
    return [*lines, *FORMULAS[known](optimizer)], ""


def by_hand(optimizer: Optimizer, entry: Entry) -> list[Worked]:
    """The update of one number, with its numbers; nothing for an optimizer of a student's own."""
    known = _known(optimizer)
    if known is None:
        return []
    theta, worked = entry.theta, []
    if optimizer.weight_decay:
        theta -= entry.rate * optimizer.weight_decay * theta
        worked.append(
            _line(
                _THETA,
                f"{_n(entry.theta)} − {plain(entry.rate)}·{plain(optimizer.weight_decay)}·"
                f"{_n(entry.theta, factor=True)}",
                theta,
                "after the decay",
            )
        )
    return worked + WORKED[known](optimizer, entry._replace(theta=theta))


def settings(optimizer: Optimizer) -> list[str]:
    """The hyper-parameters beside the learning rate, by symbol."""
    found = []
    for name, symbol in SYMBOLS.items():
        value: Any = getattr(optimizer, name, None)
        if isinstance(value, float) and not (name in ("momentum", "weight_decay") and not value):
            found.append(f"{symbol} = {plain(value)}")
    return found


SYMBOLS = {
    "momentum": "μ",
    "rho": "ρ",
    "beta_1": "β₁",
    "beta_2": "β₂",
    "epsilon": "ε",
    "weight_decay": "λ",
}


def _known(optimizer: Optimizer) -> type[Optimizer] | None:
    if "update" in vars(optimizer) or type(optimizer).decay is not Optimizer.decay:
        return None
    return next((known for known in FORMULAS if means(type(optimizer), known)), None)


_THETA = Math("θ", r"\theta")
_M, _V, _S = (Math(name, name) for name in "mvs")
_G, _SQUARES = Math("G", "G"), Math("S", "S")
_M_HAT, _V_HAT = Math("m̂", r"\hat{m}"), Math("v̂", r"\hat{v}")


def _n(value: float, *, factor: bool = False) -> str:
    """A number in an expression, in brackets where a minus would stand behind another sign."""
    shown = number(value)
    return f"({shown})" if factor and shown.startswith("-") else shown


def _line(left: Math, expression: str, value: float, remark: str = "") -> Worked:
    """left = expression = value; the LaTeX follows from the text."""
    result = number(value)
    said = f"   ({remark})" if remark else ""
    tex = rf"{latex(result)}" + (rf" \quad \text{{({remark})}}" if remark else "")
    return Worked(left, [Math(expression, as_latex(expression)), Math(result + said, tex)])


def as_latex(expression: str) -> str:
    """An expression of numbers as LaTeX.

    >>> print(as_latex("0.9·(-0.1) − 2.000e-05 / √(0.5 + 1e-07)"))
    0.9 \\cdot (-0.1) - 2.000 \\cdot 10^{-5} / \\sqrt{0.5 + 1 \\cdot 10^{-7}}
    """
    tex = re.sub(r"√\(((?:[^()]|\([^()]*\))*)\)|√([\d.e+-]+)", _root, expression)
    tex = re.sub(r"(\d)e([+-]\d+)", lambda m: rf"{m[1]} \cdot 10^{{{int(m[2])}}}", tex)
    return tex.replace("·", r" \cdot ").replace("−", "-").replace("²", "^2")


def _root(match: re.Match[str]) -> str:
    return rf"\sqrt{{{match[1] or match[2]}}}"


# --- the optimizers -------------------------------------------------------------------------------


def _sgd(optimizer: Any) -> list[Math]:
    if not optimizer.momentum:
        return [Math("θ ← θ − η g", r"\theta \leftarrow \theta - \eta\, g")]
    velocity = Math("v ← μ v − η g", r"v \leftarrow \mu v - \eta\, g")
    if optimizer.nesterov:
        return [
            velocity,
            Math(
                "θ ← θ + μ v − η g, with the v just made",
                r"\theta \leftarrow \theta + \mu v - \eta\, g",
            ),
        ]
    return [velocity, Math("θ ← θ + v", r"\theta \leftarrow \theta + v")]


def _sgd_by_hand(optimizer: Any, e: Entry) -> list[Worked]:
    rate, g = plain(e.rate), _n(e.g, factor=True)
    if not optimizer.momentum:
        return [_line(_THETA, f"{_n(e.theta)} − {rate}·{g}", e.new)]
    mu = plain(optimizer.momentum)
    v = e.new_slots["v"]
    velocity = _line(_V, f"{mu}·{_n(e.slots['v'], factor=True)} − {rate}·{g}", v)
    if optimizer.nesterov:
        step = f"{_n(e.theta)} + {mu}·{_n(v, factor=True)} − {rate}·{g}"
    else:
        step = f"{_n(e.theta)} + {_n(v, factor=True)}"
    return [velocity, _line(_THETA, step, e.new)]


def _rmsprop(optimizer: Any) -> list[Math]:
    lines = [Math("s ← ρ s + (1 − ρ) g²", r"s \leftarrow \rho s + (1 - \rho)\, g^2")]
    root, tex = "√(s + ε)", r"\sqrt{s + \varepsilon}"
    if optimizer.centered:
        lines.append(Math("m ← ρ m + (1 − ρ) g", r"m \leftarrow \rho m + (1 - \rho)\, g"))
        root, tex = "√(s − m² + ε)", r"\sqrt{s - m^2 + \varepsilon}"
    if optimizer.momentum:
        return [
            *lines,
            Math(f"v ← μ v + η g / {root}", rf"v \leftarrow \mu v + \frac{{\eta\, g}}{{{tex}}}"),
            Math("θ ← θ − v", r"\theta \leftarrow \theta - v"),
        ]
    return [
        *lines,
        Math(f"θ ← θ − η g / {root}", rf"\theta \leftarrow \theta - \frac{{\eta\, g}}{{{tex}}}"),
    ]


def _rmsprop_by_hand(optimizer: Any, e: Entry) -> list[Worked]:
    rho, rest, g = plain(optimizer.rho), plain(1.0 - optimizer.rho), _n(e.g, factor=True)
    s = e.new_slots["s"]
    worked = [_line(_S, f"{rho}·{_n(e.slots['s'])} + {rest}·{g}²", s)]
    inside, variance = _n(s), s
    if optimizer.centered:
        m = e.new_slots["m"]
        worked.append(_line(_M, f"{rho}·{_n(e.slots['m'], factor=True)} + {rest}·{g}", m))
        inside, variance = f"{_n(s)} − {_n(m, factor=True)}²", max(s - m * m, 0.0)
    root = math.sqrt(variance + optimizer.epsilon)
    worked.append(
        _line(Math("root", r"\text{root}"), f"√({inside} + {plain(optimizer.epsilon)})", root)
    )
    step = f"{plain(e.rate)}·{g} / {_n(root)}"
    if optimizer.momentum:
        v = e.new_slots["v"]
        mu = plain(optimizer.momentum)
        worked.append(_line(_V, f"{mu}·{_n(e.slots['v'], factor=True)} + {step}", v))
        step = _n(v, factor=True)
    return [*worked, _line(_THETA, f"{_n(e.theta)} − {step}", e.new)]


def _adagrad(optimizer: Any) -> list[Math]:
    return [
        Math("s ← s + g²", r"s \leftarrow s + g^2"),
        Math(
            "θ ← θ − η g / √(s + ε)",
            r"\theta \leftarrow \theta - \frac{\eta\, g}{\sqrt{s + \varepsilon}}",
        ),
    ]


def _adagrad_by_hand(optimizer: Any, e: Entry) -> list[Worked]:
    g, s = _n(e.g, factor=True), e.new_slots["s"]
    epsilon = plain(optimizer.epsilon)
    return [
        _line(_S, f"{_n(e.slots['s'])} + {g}²", s),
        _line(_THETA, f"{_n(e.theta)} − {plain(e.rate)}·{g} / √({_n(s)} + {epsilon})", e.new),
    ]


def _adam(optimizer: Any) -> list[Math]:
    return [
        Math("G ← β₁ G + g", r"G \leftarrow \beta_1 G + g"),
        Math("S ← β₂ S + g²", r"S \leftarrow \beta_2 S + g^2"),
        Math("m̂ = G (1 − β₁) / (1 − β₁ᵗ)", r"\hat{m} = G\, \frac{1 - \beta_1}{1 - \beta_1^t}"),
        Math("v̂ = S (1 − β₂) / (1 − β₂ᵗ)", r"\hat{v} = S\, \frac{1 - \beta_2}{1 - \beta_2^t}"),
        Math(
            "θ ← θ − η m̂ / (√v̂ + ε)",
            r"\theta \leftarrow \theta - \frac{\eta\, \hat{m}}{\sqrt{\hat{v}} + \varepsilon}",
        ),
    ]


def _adam_by_hand(optimizer: Any, e: Entry) -> list[Worked]:
    g = _n(e.g, factor=True)
    G, S = e.new_slots["G"], e.new_slots["S"]
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    first, second = 1.0 - beta_1**e.t, 1.0 - beta_2**e.t
    m_hat, v_hat = G * (1.0 - beta_1) / first, S * (1.0 - beta_2) / second

    return [
        _line(_G, f"{plain(beta_1)}·{_n(e.slots['G'], factor=True)} + {g}", G),
        _line(_SQUARES, f"{plain(beta_2)}·{_n(e.slots['S'], factor=True)} + {g}²", S),
        _line(_M_HAT, f"{_n(G, factor=True)}·{plain(1.0 - beta_1)} / {_n(first)}", m_hat),
        _line(_V_HAT, f"{_n(S, factor=True)}·{plain(1.0 - beta_2)} / {_n(second)}", v_hat),
        _line(
            _THETA,
            f"{_n(e.theta)} − {plain(e.rate)}·{_n(m_hat, factor=True)} / "
            f"(√{_n(v_hat)} + {plain(optimizer.epsilon)})",
            e.new,
        ),
    ]


FORMULAS: dict[type[Optimizer], Callable[[Any], list[Math]]] = {
    SGD: _sgd,
    RMSprop: _rmsprop,
    Adagrad: _adagrad,
    Adam: _adam,
}
"""Class → its formulas; AdamW is Adam with a decay, and finds Adam's."""

WORKED: dict[type[Optimizer], Callable[[Any, Entry], list[Worked]]] = {
    SGD: _sgd_by_hand,
    RMSprop: _rmsprop_by_hand,
    Adagrad: _adagrad_by_hand,
    Adam: _adam_by_hand,
}
