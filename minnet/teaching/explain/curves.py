"""How activations are explained that treat every number by itself, and how the later ones are."""

from __future__ import annotations

from dataclasses import replace

from minnet.layers import SELU, Exponential, HardSigmoid, Mish, PReLU, ReLU6, SiLU, Softsign
from minnet.teaching.explain.blocks import Math, Worked
from minnet.teaching.explain.digits import plain
from minnet.teaching.explain.formulas import Computation, LayerFormulas, explains
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.words import X, Y, at, first_nonzero, value


def chain_rule(slope: str, latex: str) -> Math:
    """The chain rule of a step that treats every number by itself."""
    return Math(
        f"∂L/∂@x = ∂L/∂@y ⊙ ∂@y/∂@x, and ∂@y/∂@x = {slope}",
        r"\frac{\partial L}{\partial @x} = \frac{\partial L}{\partial @y} \odot "
        r"\frac{\partial @y}{\partial @x}, \qquad \frac{\partial @y}{\partial @x} = " + latex,
    )


def curve(
    step: Step, *forward: Math, slope: tuple[str, str], one: tuple[str, str] | None = None
) -> LayerFormulas:
    """An activation by its formula and its derivative, and how one y follows from its x, `@x`."""
    by_hand = None
    if one is not None:
        index = first_nonzero(step.y)
        right = Math(*one).named({"@x": value(step.x[index])})
        by_hand = Worked(at(Y, *index), [right, value(step.y[index], bracketed=False)])
    return LayerFormulas(
        y=Computation(*forward, by_hand=by_hand),
        dx=Computation(
            chain_rule(*slope),
            Math("@dx = @dy ⊙ ∂@y/∂@x", r"@dx = @dy \odot \frac{\partial @y}{\partial @x}"),
        ),
        entrywise=True,
    )


def is_positive(step: Step) -> bool:
    """Whether the number that is worked by hand is above 0."""
    return bool(step.x[first_nonzero(step.y)] > 0)


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
        one=("1.0507·@x", r"1.0507 \cdot @x")
        if is_positive(step)
        else ("1.7581·(exp(@x) − 1)", r"1.7581 \cdot (e^{@x} - 1)"),
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
        one=("@x·tanh(log(1 + exp(@x)))", r"@x \tanh(\log(1 + e^{@x}))"),
    )


@explains(ReLU6)
def relu6(step: Step) -> LayerFormulas:
    """y = min(max(x, 0), 6)."""
    return curve(
        step,
        Math("@y = min(max(@x, 0), 6)", r"@y = \min(\max(@x, 0), 6)"),
        slope=("1 where 0 < @x < 6, else 0", r"1 \text{ where } 0 < @x < 6, \text{ else } 0"),
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
        one=("min(max(@x / 6 + 0.5, 0), 1)", r"\min(\max(\tfrac{@x}{6} + \tfrac{1}{2}, 0), 1)"),
    )


@explains(Softsign)
def softsign(step: Step) -> LayerFormulas:
    """y = x / (1 + |x|)."""
    return curve(
        step,
        Math("@y = @x / (1 + |@x|)", r"@y = \frac{@x}{1 + |@x|}"),
        slope=("1 / (1 + |@x|)²", r"\frac{1}{(1 + |@x|)^2}"),
        one=("@x / (1 + @x)", r"\frac{@x}{1 + @x}")
        if is_positive(step)
        else ("@x / (1 − @x)", r"\frac{@x}{1 - @x}"),
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
    index = first_nonzero(step.y)
    alpha = plain(float(step.weights["alpha"][index[1:]]))
    formulas = curve(
        step,
        Math(
            "@y = @x where @x > 0, else α ⊙ @x",
            r"@y = @x \text{ where } @x > 0, \text{ else } \alpha \odot @x",
        ),
        slope=("1 where @x > 0, else α", r"1 \text{ where } @x > 0, \text{ else } \alpha"),
        one=("@x", "@x") if is_positive(step) else (f"{alpha}·@x", rf"{alpha} \cdot @x"),
    )
    alpha_gradient = Computation(
        Math(
            "∂L/∂α[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂α[d] = Σ_n @dy[n, d] · min(@x[n, d], 0)",
            r"\frac{\partial L}{\partial \alpha[d]} = \sum_n @dy[n,d] \cdot \min(@x[n,d], 0)",
        ),
        beside={X: step.x},
    )
    return replace(formulas, gradients={"alpha": alpha_gradient}, symbols={"alpha": "α"})
