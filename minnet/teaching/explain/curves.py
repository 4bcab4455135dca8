"""How activations are explained that treat every number by itself, and how the later ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.layers import (
    SELU,
    Exponential,
    HardSigmoid,
    HardSiLU,
    Mish,
    PReLU,
    ReLU6,
    SiLU,
    Softsign,
)
from minnet.teaching.explain.blocks import Index, Math, Worked
from minnet.teaching.explain.digits import plain
from minnet.teaching.explain.formulas import Computation, LayerFormulas, explains
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.words import (
    DX,
    DY,
    SLOPE,
    X,
    Y,
    at,
    entry,
    sources,
    sum_of_products,
    value,
    with_numbers,
)


def chain_rule(slope: str, latex: str) -> Math:
    """The chain rule of a step that treats every number by itself."""
    return Math(
        f"∂L/∂@x = ∂L/∂@y ⊙ ∂@y/∂@x, and ∂@y/∂@x = {slope}",
        r"\frac{\partial L}{\partial @x} = \frac{\partial L}{\partial @y} \odot "
        r"\frac{\partial @y}{\partial @x}, \qquad \frac{\partial @y}{\partial @x} = " + latex,
    )


Pattern = tuple[str, str]
"""An expression of `@x` and `@y`, as text and as LaTeX."""

SlopeAt = Callable[[Index], tuple[Pattern, Pattern | None]]
"""The derivative at one x, and the condition on x under which it holds, if there is one."""


def curve(
    step: Step,
    *forward: Math,
    slope: Pattern,
    one: Pattern | Callable[[Index], Pattern] | None = None,
    slope_at: SlopeAt | None = None,
) -> LayerFormulas:
    """An activation by its formula and its derivative, and how one y follows from its x, `@x`.

    Parameters
    ----------
    slope_at
        The derivative at one x, where it is not `slope` with numbers for `@x` and `@y`.
    """

    def output(index: Index) -> Worked | None:
        if one is None:
            return None
        right = Math(*(one(index) if callable(one) else one))
        x = entry(X, step.x, *index)
        shown = with_numbers(right, {"@x": x.value})
        return Worked(at(Y, *index), [shown, _result(step.y[index])], sources([x]))

    return LayerFormulas(
        y=Computation(*forward, by_hand=output),
        dx=Computation(
            chain_rule(*slope),
            Math("@dx = @dy ⊙ ∂@y/∂@x", r"@dx = @dy \odot \frac{\partial @y}{\partial @x}"),
            by_hand=_chain_by_hand(step),
        ),
        slope=_slope_by_hand(step, slope_at or (lambda index: (slope, None))),
        entrywise=True,
    )


def _result(number: Any) -> Math:
    return value(number, bracketed=False)


def _chain_by_hand(step: Step) -> Callable[[Index], Worked] | None:
    """One number of dx: what comes from above, times the slope there."""
    dy, dx, slope = step.dy, step.dx, step.slope
    if dy is None or dx is None or slope is None:
        return None

    def work(index: Index) -> Worked:
        factors = entry(DY, dy, *index), entry(SLOPE, slope, *index)
        return sum_of_products(at(DX, *index), [factors], dx[index])

    return work


def _slope_by_hand(step: Step, slope_at: SlopeAt) -> Callable[[Index], Worked] | None:
    """One number of ∂y/∂x: the formula with the numbers that stand there."""
    slope = step.slope
    if slope is None:
        return None

    def work(index: Index) -> Worked:
        (text, latex), condition = slope_at(index)
        x, y = entry(X, step.x, *index), entry(Y, step.y, *index)
        used = [factor for factor in (x, y) if factor.name.text[:2] in f"{text} {condition}"]
        text, latex = text.partition(", the ")[0].replace("⊙", "·"), latex.replace("odot", "cdot")
        formula = with_numbers(Math(text, latex), {"@x": x.value, "@y": y.value})
        result = _result(slope[index])
        follows = [formula] if "@" in text and formula != result else []
        if condition is not None:
            holds = Math(*condition).named({"@x": _result(x.value)})
            result = Math(
                f"{result.text}   (since {holds.text})",
                rf"{result.latex} \quad (\text{{since }} {holds.latex})",
            )
        return Worked(at(SLOPE, *index), [*follows, result], sources(used))

    return work


def either(step: Step, above: Pattern, otherwise: Pattern) -> Callable[[Index], Pattern]:
    """The one pattern where x > 0, the other elsewhere."""
    return lambda index: above if step.x[index] > 0 else otherwise


def slopes(
    step: Step, inside: Pattern, outside: Pattern, low: int = 0, high: int | None = None
) -> SlopeAt:
    """The derivative that holds above one x, or between two, and the one that holds elsewhere."""

    def slope_at(index: Index) -> tuple[Pattern, Pattern]:
        x, lowest = step.x[index], plain(low)
        if x <= low:
            return outside, (f"@x ≤ {lowest}", rf"@x \le {low}")
        if high is None:
            return inside, (f"@x > {lowest}", f"@x > {low}")
        if x >= high:
            return outside, (f"@x ≥ {high}", rf"@x \ge {high}")
        return inside, (f"{lowest} < @x < {high}", f"{low} < @x < {high}")

    return slope_at


# --- the later curves -----------------------------------------------------------------------------


@explains(SELU)
def selu(step: Step) -> LayerFormulas:
    """y = s x where x > 0, else s α (exp(x) − 1)."""
    return curve(
        step,
        Math(
            "@y = 1.0507 @x where @x > 0, else 1.7581 (exp(@x) − 1)",
            r"@y = 1.0507\, @x \text{ where } @x > 0, \text{ else } 1.7581\,(e^{@x} - 1)",
        ),
        slope=(
            "1.0507 where @x > 0, else @y + 1.7581",
            r"1.0507 \text{ where } @x > 0, \text{ else } @y + 1.7581",
        ),
        slope_at=slopes(step, ("1.0507", "1.0507"), ("@y + 1.7581", "@y + 1.7581")),
        one=either(
            step,
            ("1.0507·@x", r"1.0507 \cdot @x"),
            ("1.7581·(exp(@x) − 1)", r"1.7581 \cdot (e^{@x} - 1)"),
        ),
    )


@explains(SiLU)
def silu(step: Step) -> LayerFormulas:
    """y = x σ(x)."""
    return curve(
        step,
        Math("@y = @x σ(@x), with σ(@x) = 1 / (1 + exp(−@x))", r"@y = \frac{@x}{1 + e^{-@x}}"),
        slope=("σ(@x) + @y ⊙ (1 − σ(@x))", r"\sigma(@x) + @y \odot (1 - \sigma(@x))"),
        one=("@x / (1 + exp(−@x))", r"\frac{@x}{1 + e^{-@x}}"),
    )


@explains(Mish)
def mish(step: Step) -> LayerFormulas:
    """y = x tanh(log(1 + exp(x)))."""
    return curve(
        step,
        Math("@y = @x tanh(u)", r"@y = @x \tanh u"),
        Math("u = log(1 + exp(@x))", r"u = \log(1 + e^{@x})"),
        slope=(
            "tanh u + @x (1 − tanh² u) · σ(@x)",
            r"\tanh u + @x\, (1 - \tanh^2 u)\, \sigma(@x)",
        ),
        slope_at=lambda index: (_slope_of_mish(step.x[index]), None),
        one=("@x·tanh(log(1 + exp(@x)))", r"@x \tanh(\log(1 + e^{@x}))"),
    )


def _slope_of_mish(x: Any) -> Pattern:
    u = value(np.logaddexp(0.0, x))
    return (
        f"tanh({u.text}) + @x·(1 − tanh({u.text})²)·σ(@x)",
        rf"\tanh({u.latex}) + @x \cdot (1 - \tanh({u.latex})^2) \cdot \sigma(@x)",
    )


@explains(ReLU6)
def relu6(step: Step) -> LayerFormulas:
    """y = min(max(x, 0), 6)."""
    return curve(
        step,
        Math("@y = min(max(@x, 0), 6)", r"@y = \min(\max(@x, 0), 6)"),
        slope=("1 where 0 < @x < 6, else 0", r"1 \text{ where } 0 < @x < 6, \text{ else } 0"),
        slope_at=slopes(step, ("1", "1"), ("0", "0"), high=6),
        one=("min(max(@x, 0), 6)", r"\min(\max(@x, 0), 6)"),
    )


@explains(HardSigmoid)
def hard_sigmoid(step: Step) -> LayerFormulas:
    """y = x / 6 + 1/2, cut off at 0 and 1."""
    return curve(
        step,
        Math(
            "@y = min(max(@x / 6 + 0.5, 0), 1)",
            r"@y = \min(\max(\tfrac{@x}{6} + \tfrac{1}{2}, 0), 1)",
        ),
        slope=(
            "1/6 where −3 < @x < 3, else 0",
            r"\tfrac{1}{6} \text{ where } -3 < @x < 3, \text{ else } 0",
        ),
        slope_at=slopes(step, ("1/6", r"\tfrac{1}{6}"), ("0", "0"), low=-3, high=3),
        one=("min(max(@x / 6 + 0.5, 0), 1)", r"\min(\max(\tfrac{@x}{6} + \tfrac{1}{2}, 0), 1)"),
    )


@explains(HardSiLU)
def hard_silu(step: Step) -> LayerFormulas:
    """y = x h(x), with h(x) = x / 6 + 1/2 cut off at 0 and 1."""
    h = "min(max(@x / 6 + 0.5, 0), 1)", r"\min(\max(\tfrac{@x}{6} + \tfrac{1}{2}, 0), 1)"
    inside = "@x / 3 + 0.5", r"\tfrac{@x}{3} + \tfrac{1}{2}"
    return curve(
        step,
        Math(f"@y = @x ⊙ {h[0]}", rf"@y = @x \odot {h[1]}"),
        slope=(
            f"{inside[0]} where −3 < @x < 3, else 1 where @x > 0, else 0",
            rf"{inside[1]} \text{{ where }} -3 < @x < 3, \text{{ else }} 1 "
            r"\text{ where } @x > 0, \text{ else } 0",
        ),
        slope_at=slopes(step, inside, ("0 or 1", r"0 \text{ or } 1"), low=-3, high=3),
        one=(f"@x·{h[0]}", rf"@x \cdot {h[1]}"),
    )


@explains(Softsign)
def softsign(step: Step) -> LayerFormulas:
    """y = x / (1 + |x|)."""
    return curve(
        step,
        Math("@y = @x / (1 + |@x|)", r"@y = \frac{@x}{1 + |@x|}"),
        slope=("1 / (1 + |@x|)²", r"\frac{1}{(1 + |@x|)^2}"),
        one=either(
            step,
            ("@x / (1 + @x)", r"\frac{@x}{1 + @x}"),
            ("@x / (1 − @x)", r"\frac{@x}{1 - @x}"),
        ),
    )


@explains(Exponential)
def exponential(step: Step) -> LayerFormulas:
    """y = exp(x)."""
    return curve(
        step,
        Math("@y = exp(@x)", r"@y = e^{@x}"),
        slope=("@y", "@y"),
        one=("exp(@x)", r"e^{@x}"),
    )


@explains(PReLU)
def prelu(step: Step) -> LayerFormulas:
    """y = x where x > 0, else α x."""

    def one(index: Index) -> Pattern:
        if step.x[index] > 0:
            return "@x", "@x"
        alpha = plain(float(step.weights["alpha"][index[1:]]))
        return f"{alpha}·@x", rf"{alpha} \cdot @x"

    formulas = curve(
        step,
        Math(
            "@y = @x where @x > 0, else α ⊙ @x",
            r"@y = @x \text{ where } @x > 0, \text{ else } \alpha \odot @x",
        ),
        slope=("1 where @x > 0, else α", r"1 \text{ where } @x > 0, \text{ else } \alpha"),
        slope_at=slopes(step, ("1", "1"), ("α", r"\alpha")),
        one=one,
    )
    alpha_gradient = Computation(
        Math(
            "∂L/∂α[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂α[d] = Σ_n @dy[n, d] · min(@x[n, d], 0)",
            r"\frac{\partial L}{\partial \alpha[d]} = \sum_n @dy[n,d] \cdot \min(@x[n,d], 0)",
        ),
        beside={X: step.x},
    )
    return replace(formulas, gradients={"alpha": alpha_gradient}, symbols={"alpha": "α"})
