"""How minnet's layers are explained, one after another; a layer of your own can stand here as well.

Each function is handed a step as it ran, in training mode or frozen, and returns its formulas:
forward, backward with the chain rule spelt out, and one number of each result by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.layers import (
    ELU,
    GELU,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    LeakyReLU,
    Linear,
    Normalization,
    ReLU,
    Rescaling,
    Reshape,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.teaching.explain.blocks import Math, Worked, same
from minnet.teaching.explain.curves import chain_rule, curve, is_positive
from minnet.teaching.explain.digits import plain
from minnet.teaching.explain.formulas import (
    Computation,
    LayerFormulas,
    explained_class,
    explains,
    explanation,
    own_words,
)
from minnet.teaching.explain.numbers import Step
from minnet.teaching.explain.typesetting import tex_text
from minnet.teaching.explain.words import (
    DX,
    DY,
    TERMS,
    Factor,
    X,
    Y,
    at,
    first_nonzero,
    gradient,
    sum_of_products,
    symbol,
    value,
)


def layer_formulas(step: Step) -> LayerFormulas:
    """The formulas of a step, by the explanation of its class, or else in its own words."""
    kind = explained_class(step.layer)
    if kind is None:
        return _in_its_own_words(step)
    formulas = explanation(kind, step, LayerFormulas)
    missing = [name for name in step.layer.parameters if name not in formulas.gradients]
    if missing:
        raise ValueError(
            f"explains({kind.__name__}) takes formulas for the gradient of every weight. Got none "
            f"for {', '.join(missing)}. Add gradients={{{missing[0]!r}: Computation(…)}}."
        )
    return formulas


# --- layers with weights --------------------------------------------------------------------------


@explains(Dense)
def dense(step: Step) -> LayerFormulas:
    """y = x W + b."""
    bias = "b" in step.layer.parameters
    gradients = {
        "W": Computation(
            Math(
                "∂L/∂W[i, j] = Σ_n ∂L/∂@y[n, j] · ∂@y[n, j]/∂W[i, j] = Σ_n @dy[n, j] · @x[n, i]",
                r"\frac{\partial L}{\partial W[i,j]} = \sum_n \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial W[i,j]} = \sum_n @dy[n,j] \cdot @x[n,i]",
            ),
            Math("dW = @xᵀ @dy", r"\mathrm{d}W = @x^{\top}\, @dy"),
            beside={X: step.x},
            by_hand=_one_weight(step, "W"),
        )
    }
    if bias:
        gradients["b"] = Computation(
            Math(
                "∂L/∂b[j] = Σ_n ∂L/∂@y[n, j] · ∂@y[n, j]/∂b[j] = Σ_n @dy[n, j] · 1",
                r"\frac{\partial L}{\partial b[j]} = \sum_n \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial b[j]} = \sum_n @dy[n,j] \cdot 1",
            ),
            Math("db = sum of the rows of @dy", r"\mathrm{d}b = \sum_n @dy[n]"),
            by_hand=_one_weight(step, "b"),
        )
    return LayerFormulas(
        y=Computation(same("@y = @x W + b" if bias else "@y = @x W"), by_hand=_one_output(step)),
        dx=Computation(
            Math(
                "∂L/∂@x[n, i] = Σ_j ∂L/∂@y[n, j] · ∂@y[n, j]/∂@x[n, i] = Σ_j @dy[n, j] · W[i, j]",
                r"\frac{\partial L}{\partial @x[n,i]} = \sum_j \frac{\partial L}{\partial @y[n,j]}"
                r" \cdot \frac{\partial @y[n,j]}{\partial @x[n,i]} = \sum_j @dy[n,j] \cdot W[i,j]",
            ),
            Math("@dx = @dy Wᵀ", r"@dx = @dy\, W^{\top}"),
            beside={symbol("W"): step.weights["W"]},
            by_hand=_one_input(step),
        ),
        gradients=gradients,
        shapes=_shapes(step),
    )


def _shapes(step: Step) -> str:
    N, (D, M) = len(step.x), step.weights["W"].shape
    rows, inputs, outputs = (
        f"{letter} = {count} {noun}{'' if count == 1 else 's'}"
        for letter, count, noun in (("N", N, "row"), ("D", D, "input"), ("M", M, "output"))
    )
    become = "becomes" if N == 1 else "become"
    sentence = f"{rows} of {inputs} {become} {rows} of {outputs}: "
    sentence += f"({N}, {D}) times ({D}, {M}) is ({N}, {M})"
    return sentence + (", and b is added to every row." if "b" in step.weights else ".")


def _one_output(step: Step) -> Worked:
    """One number of y by hand."""
    W, b = step.weights["W"], step.weights.get("b")
    n, j = first_nonzero(step.y)
    terms: list[tuple[Factor, ...]] = [
        (Factor(at(X, n, k), step.x[n, k]), Factor(at(symbol("W"), k, j), W[k, j]))
        for k in range(len(W))
    ]
    if b is not None:
        terms.append((Factor(at(symbol("b"), j), b[j]),))
    return sum_of_products(at(Y, n, j), terms, step.y[n, j])


def _one_weight(step: Step, name: str) -> Worked | None:
    """One number of dW or db by hand, if the way back came here for it."""
    if step.dy is None or name not in step.gradients:
        return None
    array = step.gradients[name]
    index = first_nonzero(array)
    terms: list[tuple[Factor, ...]] = []
    for n in range(len(step.dy)):
        from_above = Factor(at(DY, n, index[-1]), step.dy[n, index[-1]])
        if name == "W":
            terms.append((Factor(at(X, n, index[0]), step.x[n, index[0]]), from_above))
        else:
            terms.append((from_above,))
    return sum_of_products(at(gradient(symbol(name)), *index), terms, array[index])


def _one_input(step: Step) -> Worked | None:
    """One number of dx by hand, if the way back went on below."""
    if step.dy is None or step.dx is None:
        return None
    W = step.weights["W"]
    n, k = first_nonzero(step.dx)
    terms = [
        (Factor(at(DY, n, j), step.dy[n, j]), Factor(at(symbol("W"), k, j), W[k, j]))
        for j in range(W.shape[1])
    ]
    return sum_of_products(at(DX, n, k), terms, step.dx[n, k])


@explains(BatchNormalization)
def batch_normalization(step: Step) -> LayerFormulas:
    """y = γ x̂ + β, by the batch's own statistics, or by the running ones."""
    layer: Any = step.layer
    epsilon = f"{layer.epsilon:g}"
    scale, center = "gamma" in layer.parameters, "beta" in layer.parameters
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
    x_hat = Math("x̂", r"\hat{x}")
    gradients = {}
    if scale:
        gradients["gamma"] = Computation(
            Math(
                "∂L/∂γ[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂γ[d] = Σ_n @dy[n, d] · x̂[n, d]",
                r"\frac{\partial L}{\partial \gamma[d]} = \sum_n @dy[n,d] \cdot \hat{x}[n,d]",
            ),
            beside={x_hat: step.memo["x_hat"]} if step.in_training else None,
        )
    if center:
        gradients["beta"] = Computation(
            Math(
                "∂L/∂β[d] = Σ_n ∂L/∂@y[n, d] · ∂@y[n, d]/∂β[d] = Σ_n @dy[n, d] · 1",
                r"\frac{\partial L}{\partial \beta[d]} = \sum_n @dy[n,d] \cdot 1",
            )
        )
    if not step.in_training:
        return LayerFormulas(
            y=Computation(root, standard, output),
            dx=Computation(
                through, Math(f"@dx = {factor.text} ⊙ @dy", rf"@dx = {factor.latex} \odot @dy")
            ),
            gradients=gradients,
            about="Frozen, so μ and σ² are the running statistics moving_mean and "
            "moving_variance: constants.",
        )
    return LayerFormulas(
        y=Computation(
            Math("μ = mean of each column of @x", r"\mu[d] = \frac{1}{N} \sum_n @x[n,d]"),
            Math(
                "σ² = mean of (@x − μ)² of each column",
                r"\sigma^2[d] = \frac{1}{N} \sum_n (@x[n,d] - \mu[d])^2",
            ),
            root,
            standard,
            output,
            beside={
                Math("μ", r"\mu"): step.memo["mean"],
                Math("σ²", r"\sigma^2"): step.memo["variance"],
                same("s"): step.memo["s"],
                x_hat: step.memo["x_hat"],
            },
        ),
        dx=Computation(
            Math(f"{through.text} directly, by way of μ, and by way of σ²:", through.latex),
            Math(
                f"@dx = {factor.text} ⊙ (@dy − mean of @dy − x̂ ⊙ mean of (@dy ⊙ x̂))",
                rf"@dx = {factor.latex} \odot \Big(@dy - \frac{{1}}{{N}} \sum_n @dy[n] - "
                r"\hat{x} \odot \frac{1}{N} \sum_n (@dy[n] \odot \hat{x}[n])\Big)",
            ),
        ),
        gradients=gradients,
        about="The statistics μ and σ² are the batch's own, one number for each column; "
        "means are over the rows.",
        states=f"{step.name} moves them a little towards the batch's own: moving ← "
        f"{plain(layer.momentum)} moving + {plain(1.0 - layer.momentum)} batch.",
    )


# --- layers without weights -----------------------------------------------------------------------


@explains(Dropout)
def dropout(step: Step) -> LayerFormulas:
    """y = m ⊙ x / (1 − rate)."""
    layer: Any = step.layer
    rate = f"{layer.rate:g}"
    if not step.in_training:
        return LayerFormulas(
            y=Computation(same("@y = @x")),
            dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
            about="Frozen, so nothing is dropped.",
        )
    mask = {"m": step.memo["mask"]}
    return LayerFormulas(
        y=Computation(
            Math(f"@y = m ⊙ @x / (1 − {rate})", rf"@y = \frac{{m \odot @x}}{{1 - {rate}}}"),
            beside=mask,
        ),
        dx=Computation(
            chain_rule(f"m / (1 − {rate})", rf"\frac{{m}}{{1 - {rate}}}"),
            Math(f"@dx = m ⊙ @dy / (1 − {rate})", rf"@dx = \frac{{m \odot @dy}}{{1 - {rate}}}"),
            beside=mask,
        ),
        about=f"The mask m is 0 with probability {rate}, drawn anew for each step; the division "
        "makes up for what is dropped. The way back meets the same mask.",
    )


@explains(AlphaDropout)
def alpha_dropout(step: Step) -> LayerFormulas:
    """y = a (m x + (1 − m) d) + b."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is dropped.")
    mask = {"m": step.memo["mask"]}
    a, b = (plain(float(f"{number:.6g}")) for number in layer.correction())
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y = {a} (m ⊙ @x − (1 − m) 1.7581) + {b}",
                rf"@y = {a}\,(m \odot @x - (1 - m)\, 1.7581) + {b}",
            ),
            beside=mask,
        ),
        dx=Computation(
            chain_rule(f"{a} m", rf"{a}\, m"),
            Math(f"@dx = {a} m ⊙ @dy", rf"@dx = {a}\, m \odot @dy"),
            beside=mask,
        ),
        about=f"The mask m is 0 with probability {layer.rate:g}, drawn anew for each step. What is "
        "dropped becomes SELU's lowest value, and the two numbers bring mean and variance back.",
    )


@explains(GaussianDropout)
def gaussian_dropout(step: Step) -> LayerFormulas:
    """y = x (1 + σ ε)."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is multiplied.")
    noise = {same("e"): step.memo["noise"]}
    sigma = plain(float(f"{(layer.rate / (1 - layer.rate)) ** 0.5:.6g}"))
    return LayerFormulas(
        y=Computation(
            Math(f"@y = @x ⊙ (1 + {sigma} e)", rf"@y = @x \odot (1 + {sigma}\, e)"), beside=noise
        ),
        dx=Computation(
            chain_rule(f"1 + {sigma} e", rf"1 + {sigma}\, e"),
            Math(f"@dx = @dy ⊙ (1 + {sigma} e)", rf"@dx = @dy \odot (1 + {sigma}\, e)"),
            beside=noise,
        ),
        about="The noise e is standard normal, drawn anew for each step; the way back meets it.",
    )


@explains(GaussianNoise)
def gaussian_noise(step: Step) -> LayerFormulas:
    """y = x + σ ε."""
    layer: Any = step.layer
    if not step.in_training:
        return _as_it_is("Frozen, so nothing is added.")
    sigma = plain(layer.stddev)
    return LayerFormulas(
        y=Computation(
            Math(f"@y = @x + {sigma} e", rf"@y = @x + {sigma}\, e"),
            beside={same("e"): step.memo["noise"]},
        ),
        dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
        about="The noise e is standard normal, drawn anew for each step.",
    )


def _as_it_is(about: str) -> LayerFormulas:
    """y = x, and why."""
    return LayerFormulas(
        y=Computation(same("@y = @x")),
        dx=Computation(Math("∂@y/∂@x = 1, so @dx = @dy", r"@dx = @dy")),
        about=about,
    )


@explains(Rescaling)
def rescaling(step: Step) -> LayerFormulas:
    """y = s x + o."""
    layer: Any = step.layer
    s, o = plain(layer.scale), plain(layer.offset)
    return LayerFormulas(
        y=Computation(Math(f"@y = {s} @x + {o}", rf"@y = {s}\, @x + {o}")),
        dx=Computation(
            chain_rule(s, s),
            Math(f"@dx = {s} @dy", rf"@dx = {s}\, @dy"),
        ),
        entrywise=True,
    )


@explains(Normalization)
def normalization(step: Step) -> LayerFormulas:
    """y = (x − μ) / σ, by statistics that were taken once."""
    layer: Any = step.layer
    sigma = np.maximum(np.sqrt(layer.variance), 1e-7)
    return LayerFormulas(
        y=Computation(
            Math("@y = (@x − μ) / σ", r"@y = \frac{@x - \mu}{\sigma}"),
            beside={Math("μ", r"\mu"): np.array(layer.mean), Math("σ", r"\sigma"): sigma},
        ),
        dx=Computation(
            chain_rule("1 / σ", r"\frac{1}{\sigma}"),
            Math("@dx = @dy / σ", r"@dx = \frac{@dy}{\sigma}"),
        ),
        about="The mean μ and the root σ of the variance are those of the data that adapt was "
        "shown: constants.",
    )


@explains(Reshape)
def reshape(step: Step) -> LayerFormulas:
    """y is x with each sample in another shape."""
    return LayerFormulas(
        y=Computation(
            Math(
                f"@y = @x, each sample in the shape {step.y.shape[1:]}",
                r"@y = \mathrm{reshape}(@x)",
            )
        ),
        dx=Computation(
            Math(
                "∂@y/∂@x = 1 for each number in its place: @dx = @dy, in the shape of @x",
                r"@dx = \mathrm{reshape}(@dy)",
            )
        ),
        about="No number changes, only its place.",
    )


@explains(Flatten)
def flatten(step: Step) -> LayerFormulas:
    """y is x with each sample as one row."""
    return LayerFormulas(
        y=Computation(
            Math(
                "@y = @x, each sample as one row, its last axis running fastest",
                r"@y = \mathrm{reshape}(@x)",
            )
        ),
        dx=Computation(
            Math(
                "∂@y/∂@x = 1 for each number in its place: @dx = @dy, in the shape of @x",
                r"@dx = \mathrm{reshape}(@dy)",
            )
        ),
        about="No number changes, only its place.",
    )


@explains(Softmax)
def softmax(step: Step) -> LayerFormulas:
    """y[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j])."""
    return LayerFormulas(
        y=Computation(
            Math(
                "@y[n, k] = exp(@x[n, k]) / Σ_j exp(@x[n, j])",
                r"@y[n,k] = \frac{e^{@x[n,k]}}{\sum_j e^{@x[n,j]}}",
            ),
            by_hand=_one_probability(step),
        ),
        dx=Computation(
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
        ),
        about="Each row becomes probabilities that sum to 1, so each output depends on every "
        "input of its row. (The largest input of a row is subtracted from it first: that changes "
        "no probability, and no exp can overflow.)",
    )


def _one_probability(step: Step) -> Worked | None:
    """One probability by hand, where its row fits a line."""
    if step.x.ndim != 2 or step.x.shape[1] > TERMS:
        return None
    n, k = first_nonzero(step.y)
    row = [value(logit, bracketed=False) for logit in step.x[n]]
    below = " + ".join(f"exp({v.text})" for v in row), " + ".join(f"e^{{{v.latex}}}" for v in row)
    return Worked(
        at(Y, n, k),
        [
            Math(
                f"exp({row[k].text}) / ({below[0]})",
                rf"\frac{{e^{{{row[k].latex}}}}}{{{below[1]}}}",
            ),
            value(step.y[n, k], bracketed=False),
        ],
    )


# --- activations that treat every number by itself ------------------------------------------------


@explains(ReLU)
def relu(step: Step) -> LayerFormulas:
    """y = max(x, 0)."""
    return curve(
        step,
        Math("@y = max(@x, 0)", r"@y = \max(@x, 0)"),
        slope=("1 where @x > 0, else 0", r"1 \text{ where } @x > 0, \text{ else } 0"),
        one=("max(@x, 0)", r"\max(@x, 0)"),
    )


@explains(LeakyReLU)
def leaky_relu(step: Step) -> LayerFormulas:
    """y = x where x > 0, else s x."""
    layer: Any = step.layer
    s = f"{layer.negative_slope:g}"
    return curve(
        step,
        Math(f"@y = @x where @x > 0, else {s} @x", rf"@y = \max(@x, 0) + {s} \min(@x, 0)"),
        slope=(f"1 where @x > 0, else {s}", rf"1 \text{{ where }} @x > 0, \text{{ else }} {s}"),
        one=("@x", "@x") if is_positive(step) else (f"{s}·@x", rf"{s} \cdot @x"),
    )


@explains(ELU)
def elu(step: Step) -> LayerFormulas:
    """y = x where x > 0, else α (exp(x) − 1)."""
    layer: Any = step.layer
    a = f"{layer.alpha:g}"
    return curve(
        step,
        Math(
            f"@y = @x where @x > 0, else {a} (exp(@x) − 1)",
            rf"@y = @x \text{{ where }} @x > 0, \text{{ else }} {a}\,(e^{{@x}} - 1)",
        ),
        slope=(
            f"1 where @x > 0, else @y + {a}",
            rf"1 \text{{ where }} @x > 0, \text{{ else }} @y + {a}",
        ),
        one=("@x", "@x")
        if is_positive(step)
        else (f"{a}·(exp(@x) − 1)", rf"{a} \cdot (e^{{@x}} - 1)"),
    )


@explains(Softplus)
def softplus(step: Step) -> LayerFormulas:
    """y = log(1 + exp(x))."""
    return curve(
        step,
        Math("@y = log(1 + exp(@x))", r"@y = \log(1 + e^{@x})"),
        slope=("1 − exp(−@y), the sigmoid of @x", r"1 - e^{-@y}"),
        one=("log(1 + exp(@x))", r"\log(1 + e^{@x})"),
    )


@explains(GELU)
def gelu(step: Step) -> LayerFormulas:
    """y = ½ x (1 + tanh u)."""
    return curve(
        step,
        Math("@y = ½ @x (1 + tanh u)", r"@y = \tfrac{1}{2}\, @x\, (1 + \tanh u)"),
        Math("u = √(2/π) (@x + 0.044715 @x³)", r"u = \sqrt{2/\pi}\,(@x + 0.044715\, @x^3)"),
        slope=(
            "½ (1 + tanh u) + ½ @x (1 − tanh² u) · ∂u/∂@x",
            r"\tfrac{1}{2}(1 + \tanh u) + \tfrac{1}{2}\, @x\, (1 - \tanh^2 u)\,"
            r"\frac{\partial u}{\partial @x}",
        ),
    )


@explains(Sigmoid)
def sigmoid(step: Step) -> LayerFormulas:
    """y = 1 / (1 + exp(−x))."""
    return curve(
        step,
        Math("@y = 1 / (1 + exp(−@x))", r"@y = \frac{1}{1 + e^{-@x}}"),
        slope=("@y ⊙ (1 − @y)", r"@y \odot (1 - @y)"),
        one=("1 / (1 + exp(−@x))", r"\frac{1}{1 + e^{-@x}}"),
    )


@explains(Tanh)
def tanh(step: Step) -> LayerFormulas:
    """y = tanh(x)."""
    return curve(
        step,
        Math("@y = tanh(@x)", r"@y = \tanh(@x)"),
        slope=("1 − @y²", r"1 - @y^2"),
        one=("tanh(@x)", r"\tanh(@x)"),
    )


@explains(Linear)
def linear(step: Step) -> LayerFormulas:
    """y = x."""
    return curve(step, same("@y = @x"), slope=("1", "1"))


# --- a layer of which minnet knows no formula -----------------------------------------------------


def _in_its_own_words(step: Step) -> LayerFormulas:
    """A student's own layer: its docstring, and the names of what ran."""
    kind, words = step.kind, own_words(step.layer)
    return LayerFormulas(
        y=Computation(
            _call("@y", kind, "forward", "@x"),
            beside={symbol(name): array for name, array in step.memo.items()},
        ),
        dx=Computation(
            Math(
                "∂L/∂@x = ∂L/∂@y · ∂@y/∂@x, as its own backward computes it",
                r"\frac{\partial L}{\partial @x} = \frac{\partial L}{\partial @y} \cdot "
                r"\frac{\partial @y}{\partial @x}",
            ),
            _call("@dx", kind, "backward", "@x, @y, @dy"),
        ),
        gradients={
            name: Computation(
                _call(f"d{name}", kind, "gradient", "@x, @y, @dy"), beside={X: step.x}
            )
            for name in step.layer.parameters
        },
        about=f"In its own words: {words}"
        if words
        else "A layer of your own, without a docstring.",
    )


def _call(result: str, kind: str, method: str, arguments: str) -> Math:
    """result = Kind.method(arguments)."""
    left = result if result.startswith("@") else gradient(symbol(result[1:])).latex
    return Math(
        f"{result} = {kind}.{method}({arguments})",
        f"{left} = {tex_text(f'{kind}.{method}')}({arguments})",
    )
