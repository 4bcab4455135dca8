"""The formulas of every layer, forward and backward, with the chain rule spelt out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minnet.layers import (
    ELU,
    GELU,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.teaching.explain.blocks import Math, Shown, means, own_words, same
from minnet.teaching.explain.words import gradient, place, symbol, tex_text

if TYPE_CHECKING:
    from minnet.teaching.explain.numbers import Step


@dataclass
class Recipe:
    """How a step is computed.

    Attributes
    ----------
    forward
        From x to y.
    backward
        The chain rule for ∂L/∂x, down to the formula that runs.
    gradients
        Weight name → the same for its gradient.
    kept
        What the forward pass found out on the way, and the way back needs.
    about
        A sentence more, where a formula does not say everything.
    one
        How one number of y comes from the number of x in its place, `@x`, where that fits a line.
    known
        Whether the formulas are minnet's; those of a student's own layer are not known.
    """

    forward: list[Math]
    backward: list[Math]
    gradients: dict[str, list[Math]] = field(default_factory=dict)
    kept: list[Shown] = field(default_factory=list)
    about: str = ""
    one: Math | None = None
    known: bool = True


def recipe(step: Step) -> Recipe:
    """The formulas of a step, as it ran: in training mode, or frozen."""
    for known, make in RECIPES.items():
        if _is(step.layer, known):
            return make(step)
    return _own(step)


def _is(layer: Layer, known: type[Layer]) -> bool:
    patched = {"forward", "backward", "gradient"} & set(vars(layer))
    return means(type(layer), known) and not patched


def is_entrywise(layer: Layer) -> bool:
    """Whether every number of y depends on the number of x in the same place, and on no other."""
    return any(_is(layer, known) for known in ENTRYWISE)


# --- layers with weights --------------------------------------------------------------------------


def _dense(step: Step) -> Recipe:
    bias = "b" in step.layer.weights
    gradients = {
        "W": [
            Math(
                "∂L/∂W[i, j] = Σ_n ∂L/∂@y[n, j] · ∂@y[n, j]/∂W[i, j] = Σ_n @dy[n, j] · @x[n, i]",
                r"\frac{\partial L}{\partial W[i,j]} = \sum_n \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial W[i,j]} = \sum_n @dy[n,j] \cdot @x[n,i]",
            ),
            Math("dW = @xᵀ @dy", r"\mathrm{d}W = @x^{\top}\, @dy"),
        ]
    }
    if bias:
        gradients["b"] = [
            Math(
                "∂L/∂b[j] = Σ_n ∂L/∂@y[n, j] · ∂@y[n, j]/∂b[j] = Σ_n @dy[n, j] · 1",
                r"\frac{\partial L}{\partial b[j]} = \sum_n \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial b[j]} = \sum_n @dy[n,j] \cdot 1",
            ),
            Math("db = sum of the rows of @dy", r"\mathrm{d}b = \sum_n @dy[n]"),
        ]
    return Recipe(
        forward=[same("@y = @x W + b" if bias else "@y = @x W")],
        backward=[
            Math(
                "∂L/∂@x[n, i] = Σ_j ∂L/∂@y[n, j] · ∂@y[n, j]/∂@x[n, i] = Σ_j @dy[n, j] · W[i, j]",
                r"\frac{\partial L}{\partial @x[n,i]} = \sum_j \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial @x[n,i]} = \sum_j @dy[n,j] \cdot W[i,j]",
            ),
            Math("@dx = @dy Wᵀ", r"@dx = @dy\, W^{\top}"),
        ],
        gradients=gradients,
    )


def _batch_normalization(step: Step) -> Recipe:
    layer: Any = step.layer
    epsilon = f"{layer.epsilon:g}"
    scale, center = "gamma" in layer.weights, "beta" in layer.weights
    output = Math(
        "@y = " + "γ ⊙ " * scale + "x̂" + " + β" * center,
        "@y = " + r"\gamma \odot " * scale + r"\hat{x}" + r" + \beta" * center,
    )
    factor = Math("γ s", r"\gamma\, s") if scale else same("s")
    root = Math(f"s = 1 / √(σ² + {epsilon})", rf"s = \frac{{1}}{{\sqrt{{\sigma^2 + {epsilon}}}}}")
    standard = Math("x̂ = (@x − μ) ⊙ s", r"\hat{x} = (@x - \mu) \odot s")
    through = Math(
        f"∂L/∂x̂ = {'@dy ⊙ γ' if scale else '@dy'}, and x̂ depends on @x",
        r"\frac{\partial L}{\partial \hat{x}} = @dy" + (r" \odot \gamma" if scale else ""),
    )
    gradients = {
        "gamma": [
            Math(
                "∂L/∂γ[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂γ[d] = Σ_n @dy[n, d] · x̂[n, d]",
                r"\frac{\partial L}{\partial \gamma[d]} = \sum_n @dy[n,d] \cdot \hat{x}[n,d]",
            )
        ],
        "beta": [
            Math(
                "∂L/∂β[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂β[d] = Σ_n @dy[n, d] · 1",
                r"\frac{\partial L}{\partial \beta[d]} = \sum_n @dy[n,d] \cdot 1",
            )
        ],
    }
    gradients = {name: lines for name, lines in gradients.items() if name in layer.weights}
    if not step.trains:
        return Recipe(
            forward=[root, standard, output],
            backward=[
                through,
                Math(f"@dx = {factor.text} ⊙ @dy", rf"@dx = {factor.latex} \odot @dy"),
            ],
            gradients=gradients,
            about="Frozen, so μ and σ² are the running statistics moving_mean and "
            "moving_variance: constants.",
        )
    kept = [
        Shown(Math("μ", r"\mu"), step.memo["mean"]),
        Shown(Math("σ²", r"\sigma^2"), step.memo["variance"]),
        Shown(same("s"), step.memo["s"]),
        Shown(Math("x̂", r"\hat{x}"), step.memo["x_hat"]),
    ]
    return Recipe(
        forward=[
            Math("μ = mean of each column of @x", r"\mu[d] = \frac{1}{N} \sum_n @x[n,d]"),
            Math(
                "σ² = mean of (@x − μ)² of each column",
                r"\sigma^2[d] = \frac{1}{N} \sum_n (@x[n,d] - \mu[d])^2",
            ),
            root,
            standard,
            output,
        ],
        backward=[
            Math(
                f"{through.text} directly, by way of μ, and by way of σ²:",
                through.latex,
            ),
            Math(
                f"@dx = {factor.text} ⊙ (@dy − mean of @dy − x̂ ⊙ mean of (@dy ⊙ x̂))",
                rf"@dx = {factor.latex} \odot \Big(@dy - \frac{{1}}{{N}} \sum_n @dy[n] - "
                r"\hat{x} \odot \frac{1}{N} \sum_n (@dy[n] \odot \hat{x}[n])\Big)",
            ),
        ],
        gradients=gradients,
        kept=kept,
        about="The statistics μ and σ² are the batch's own, one number for each column; "
        "means are over the rows.",
    )


# --- layers without weights -----------------------------------------------------------------------


def _dropout(step: Step) -> Recipe:
    layer: Any = step.layer
    rate = f"{layer.rate:g}"
    if not step.trains:
        return Recipe(
            [same("@y = @x")],
            [Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")],
            about="Frozen, so nothing is dropped.",
        )
    return Recipe(
        forward=[Math(f"@y = m ⊙ @x / (1 − {rate})", rf"@y = \frac{{m \odot @x}}{{1 - {rate}}}")],
        backward=[
            _local(f"m / (1 − {rate})", rf"\frac{{m}}{{1 - {rate}}}"),
            Math(f"@dx = m ⊙ @dy / (1 − {rate})", rf"@dx = \frac{{m \odot @dy}}{{1 - {rate}}}"),
        ],
        kept=[Shown(same("m"), step.memo["mask"])],
        about=f"The mask m is 0 with probability {rate}, drawn anew for each step; the division "
        "makes up for what is dropped. The way back meets the same mask.",
    )


def _flatten(step: Step) -> Recipe:
    return Recipe(
        forward=[
            Math(
                "@y = @x, each sample as one row, its last axis running fastest",
                r"@y = \mathrm{reshape}(@x)",
            )
        ],
        backward=[
            Math(
                "∂@y/∂@x = 1 for each number in its place: @dx = @dy, in the shape of @x",
                r"@dx = \mathrm{reshape}(@dy)",
            )
        ],
        about="No number changes, only its place.",
    )


def _softmax(step: Step) -> Recipe:
    return Recipe(
        forward=[
            Math(
                "@y[n, k] = exp(@x[n, k]) / Σ_j exp(@x[n, j])",
                r"@y[n,k] = \frac{e^{@x[n,k]}}{\sum_j e^{@x[n,j]}}",
            )
        ],
        backward=[
            Math(
                "∂L/∂@x[n, k] = Σ_j ∂L/∂@y[n, j] · ∂@y[n, j]/∂@x[n, k]",
                r"\frac{\partial L}{\partial @x[n,k]} = \sum_j \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial @x[n,k]}",
            ),
            Math(
                "             = Σ_j @dy[n, j] · @y[n, j] (δ_jk − @y[n, k]), "
                "where δ_jk is 1 for j = k, else 0",
                r"\phantom{\frac{\partial L}{\partial @x[n,k]}} = \sum_j @dy[n,j] \cdot @y[n,j]\,"
                r"(\delta_{jk} - @y[n,k])",
            ),
            Math(
                "@dx[n, k] = @y[n, k] · (@dy[n, k] − Σ_j @dy[n, j] @y[n, j])",
                r"@dx[n,k] = @y[n,k] \Big(@dy[n,k] - \sum_j @dy[n,j]\, @y[n,j]\Big)",
            ),
        ],
        about="Each row becomes probabilities that sum to 1, so each output depends on every "
        "input of its row. (The largest input of a row is subtracted from it first: that changes "
        "no probability, and no exp can overflow.)",
    )


def _local(slope: str, latex: str) -> Math:
    """The chain rule of a step that treats every number by itself."""
    return Math(
        f"∂L/∂@x = ∂L/∂@y ⊙ ∂@y/∂@x, and ∂@y/∂@x = {slope}",
        r"\frac{\partial L}{\partial @x} = \frac{\partial L}{\partial @y} \odot "
        r"\frac{\partial @y}{\partial @x}, \qquad \frac{\partial @y}{\partial @x} = " + latex,
    )


def _entrywise(
    forward: tuple[str, str], slope: tuple[str, str], one: tuple[str, str] | None = None
) -> Callable[[Step], Recipe]:
    """The recipe of an activation, from its formula, its derivative, and its value as a line."""

    def make(step: Step) -> Recipe:
        return Recipe(
            forward=[Math(*forward)],
            backward=[
                _local(*slope),
                Math("@dx = @dy ⊙ ∂@y/∂@x", r"@dx = @dy \odot \frac{\partial @y}{\partial @x}"),
            ],
            one=None if one is None else Math(*one),
        )

    return make


def _leaky_relu(step: Step) -> Recipe:
    layer: Any = step.layer
    s = f"{layer.negative_slope:g}"
    return _entrywise(
        (f"@y = @x where @x > 0, else {s} @x", rf"@y = \max(@x, 0) + {s} \min(@x, 0)"),
        (f"1 where @x > 0, else {s}", rf"1 \text{{ where }} @x > 0, \text{{ else }} {s}"),
        ("@x", "@x") if _is_positive(step) else (f"{s}·@x", rf"{s} \cdot @x"),
    )(step)


def _elu(step: Step) -> Recipe:
    layer: Any = step.layer
    a = f"{layer.alpha:g}"
    return _entrywise(
        (
            f"@y = @x where @x > 0, else {a} (exp(@x) − 1)",
            rf"@y = @x \text{{ where }} @x > 0, \text{{ else }} {a}\,(e^{{@x}} - 1)",
        ),
        (f"1 where @x > 0, else @y + {a}", rf"1 \text{{ where }} @x > 0, \text{{ else }} @y + {a}"),
        ("@x", "@x")
        if _is_positive(step)
        else (f"{a}·(exp(@x) − 1)", rf"{a} \cdot (e^{{@x}} - 1)"),
    )(step)


def _is_positive(step: Step) -> bool:
    """Whether the number that is worked by hand is above 0."""
    return bool(step.x[place(step.y)] > 0)


def _gelu(step: Step) -> Recipe:
    found = _entrywise(
        ("@y = ½ @x (1 + tanh u)", r"@y = \tfrac{1}{2}\, @x\, (1 + \tanh u)"),
        (
            "½ (1 + tanh u) + ½ @x (1 − tanh² u) · ∂u/∂@x",
            r"\tfrac{1}{2}(1 + \tanh u) + \tfrac{1}{2}\, @x\, (1 - \tanh^2 u)\,"
            r"\frac{\partial u}{\partial @x}",
        ),
    )(step)
    found.forward.append(
        Math("u = √(2/π) (@x + 0.044715 @x³)", r"u = \sqrt{2/\pi}\,(@x + 0.044715\, @x^3)")
    )
    return found


ENTRYWISE: dict[type[Layer], Callable[[Step], Recipe]] = {
    ReLU: _entrywise(
        ("@y = max(@x, 0)", r"@y = \max(@x, 0)"),
        ("1 where @x > 0, else 0", r"1 \text{ where } @x > 0, \text{ else } 0"),
        ("max(@x, 0)", r"\max(@x, 0)"),
    ),
    LeakyReLU: _leaky_relu,
    ELU: _elu,
    Softplus: _entrywise(
        ("@y = log(1 + exp(@x))", r"@y = \log(1 + e^{@x})"),
        ("1 − exp(−@y), the sigmoid of @x", r"1 - e^{-@y}"),
        ("log(1 + exp(@x))", r"\log(1 + e^{@x})"),
    ),
    GELU: _gelu,
    Sigmoid: _entrywise(
        ("@y = 1 / (1 + exp(−@x))", r"@y = \frac{1}{1 + e^{-@x}}"),
        ("@y ⊙ (1 − @y)", r"@y \odot (1 - @y)"),
        ("1 / (1 + exp(−@x))", r"\frac{1}{1 + e^{-@x}}"),
    ),
    Tanh: _entrywise(
        ("@y = tanh(@x)", r"@y = \tanh(@x)"),
        ("1 − @y²", r"1 - @y^2"),
        ("tanh(@x)", r"\tanh(@x)"),
    ),
    Linear: _entrywise(("@y = @x", "@y = @x"), ("1", "1")),
}
"""Activations that treat every number by itself."""

RECIPES: dict[type[Layer], Callable[[Step], Recipe]] = {
    Dense: _dense,
    BatchNormalization: _batch_normalization,
    Dropout: _dropout,
    Flatten: _flatten,
    Softmax: _softmax,
    **ENTRYWISE,
}
"""Class → its formulas. A subclass counts as long as it changes none of them."""


def _own(step: Step) -> Recipe:
    """A student's own layer: its docstring, and the names of what ran."""
    kind = step.kind
    words = own_words(step.layer)
    return Recipe(
        forward=[_call("@y", kind, "forward", "@x")],
        backward=[
            Math(
                "∂L/∂@x = ∂L/∂@y · ∂@y/∂@x, as its own backward computes it",
                r"\frac{\partial L}{\partial @x} = \frac{\partial L}{\partial @y} \cdot "
                r"\frac{\partial @y}{\partial @x}",
            ),
            _call("@dx", kind, "backward", "@x, @y, @dy"),
        ],
        gradients={
            name: [_call(f"d{name}", kind, "gradient", "@x, @y, @dy")]
            for name in step.layer.weights
        },
        kept=[Shown(symbol(name), array) for name, array in step.memo.items()],
        about=f"In its own words: {words}"
        if words
        else "A layer of your own, without a docstring.",
        known=False,
    )


def _call(result: str, kind: str, method: str, arguments: str) -> Math:
    """result = Kind.method(arguments)."""
    left = result
    if not result.startswith("@"):
        left = gradient(symbol(result[1:])).latex
    return Math(
        f"{result} = {kind}.{method}({arguments})",
        f"{left} = {tex_text(f'{kind}.{method}')}({arguments})",
    )
