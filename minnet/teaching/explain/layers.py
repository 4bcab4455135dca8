"""How minnet's layers are explained, one after another; a layer of your own can stand here as well.

Activations that treat every number by itself are in `curves.py` in part, what draws something anew
is in `noise.py`, batch normalization in `normalization.py`, convolution and pooling in `images.py`.
Each function is handed a step as it ran, in training mode or frozen, and returns its formulas:
forward, backward with the chain rule spelt out, and one number of each result by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minnet.layers import (
    ELU,
    GELU,
    Dense,
    Flatten,
    LeakyReLU,
    Linear,
    ReLU,
    Rescaling,
    Reshape,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.teaching.explain import images, noise, normalization
from minnet.teaching.explain.blocks import Index, Math, Source, Worked, same
from minnet.teaching.explain.curves import Pattern, chain_rule, curve, either, slopes
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
    calculation,
    entry,
    gradient,
    sources,
    sum_of_products,
    symbol,
    value,
)

ELSEWHERE = (images, noise, normalization)
"""Files whose explanations belong to these."""


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


def _one_output(step: Step) -> Callable[[Index], Worked]:
    """One number of y by hand."""
    W, b = step.weights["W"], step.weights.get("b")

    def work(index: Index) -> Worked:
        n, j = index
        terms: list[tuple[Factor, ...]] = [
            (entry(X, step.x, n, k), entry(symbol("W"), W, k, j)) for k in range(len(W))
        ]
        if b is not None:
            terms.append((entry(symbol("b"), b, j),))
        return sum_of_products(at(Y, n, j), terms, step.y[n, j])

    return work


def _one_weight(step: Step, name: str) -> Callable[[Index], Worked] | None:
    """One number of dW or db by hand, if the way back came here for it."""
    dy = step.dy
    if dy is None or name not in step.gradients:
        return None

    def work(index: Index) -> Worked:
        terms: list[tuple[Factor, ...]] = []
        for n in range(len(dy)):
            from_above = entry(DY, dy, n, index[-1])
            terms.append(
                (entry(X, step.x, n, index[0]), from_above) if name == "W" else (from_above,)
            )
        left = at(gradient(symbol(name)), *index)
        return sum_of_products(left, terms, step.gradients[name][index])

    return work


def _one_input(step: Step) -> Callable[[Index], Worked] | None:
    """One number of dx by hand, if the way back went on below."""
    W, dy, dx = step.weights["W"], step.dy, step.dx
    if dy is None or dx is None:
        return None

    def work(index: Index) -> Worked:
        n, k = index
        terms = [(entry(DY, dy, n, j), entry(symbol("W"), W, k, j)) for j in range(W.shape[1])]
        return sum_of_products(at(DX, n, k), terms, dx[n, k])

    return work


# --- layers without weights -----------------------------------------------------------------------


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
                r"(\delta_{jk} - @y[n,k]), \quad"
                r" \delta_{jk} = 1 \text{ where } j = k, \text{ else } 0",
            ),
            Math(
                "@dx[n, k] = @y[n, k] · (@dy[n, k] − Σ_j @dy[n, j] @y[n, j])",
                r"@dx[n,k] = @y[n,k] \Big(@dy[n,k] - \sum_j @dy[n,j]\, @y[n,j]\Big)",
            ),
            beside={Y: step.y},
            by_hand=_one_logit(step),
        ),
        about="Each row becomes probabilities that sum to 1, so each output depends on every "
        "input of its row. (The largest input of a row is subtracted from it first: that changes "
        "no probability, and no exp can overflow.)",
    )


def _one_probability(step: Step) -> Callable[[Index], Worked] | None:
    """One probability by hand, where its row fits a line."""
    if step.x.ndim != 2 or step.x.shape[1] > TERMS:
        return None

    def work(index: Index) -> Worked:
        n, k = index
        row = [value(logit, bracketed=False) for logit in step.x[n]]
        below = (
            " + ".join(f"exp({v.text})" for v in row),
            " + ".join(f"e^{{{v.latex}}}" for v in row),
        )
        return Worked(
            at(Y, n, k),
            [
                Math(
                    f"exp({row[k].text}) / ({below[0]})",
                    rf"\frac{{e^{{{row[k].latex}}}}}{{{below[1]}}}",
                ),
                value(step.y[n, k], bracketed=False),
            ],
            (Source(X, (n, None)),),
        )

    return work


def _one_logit(step: Step) -> Callable[[Index], Worked] | None:
    """One number of softmax's dx by hand, where the way back goes through it and fits a line."""
    dy, dx = step.dy, step.dx
    if dy is None or dx is None or dx.ndim != 2 or dx.shape[1] > TERMS:
        return None

    def work(index: Index) -> Worked:
        n, k = index
        y, above = entry(Y, step.y, n, k), entry(DY, dy, n, k)
        pairs = [(entry(DY, dy, n, j), entry(Y, step.y, n, j)) for j in range(dx.shape[1])]
        operands = [y.value, above.value, *(number.value for pair in pairs for number in pair)]

        def write(shown: list[Math]) -> Math:
            products = [
                Math(f"{a.text}·{p.text}", rf"{a.latex} \cdot {p.latex}")
                for a, p in zip(shown[2::2], shown[3::2], strict=True)
            ]
            text, tex = (" + ".join(side) for side in zip(*products, strict=True))
            first, second = shown[:2]
            return Math(
                f"{first.text}·({second.text} − ({text}))",
                rf"{first.latex} \cdot \big({second.latex} - ({tex})\big)",
            )

        def compute(v: list[float]) -> float:
            return v[0] * (v[1] - sum(a * b for a, b in zip(v[2::2], v[3::2], strict=True)))

        used = sources([y, above, *(number for pair in pairs for number in pair)])
        return calculation(at(DX, n, k), operands, write, compute, dx[n, k], used)

    return work


# --- activations that treat every number by itself ------------------------------------------------


@explains(ReLU)
def relu(step: Step) -> LayerFormulas:
    """y = max(x, 0)."""
    return curve(
        step,
        Math("@y = max(@x, 0)", r"@y = \max(@x, 0)"),
        slope=("1 where @x > 0, else 0", r"1 \text{ where } @x > 0, \text{ else } 0"),
        slope_at=slopes(step, ("1", "1"), ("0", "0")),
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
        slope_at=slopes(step, ("1", "1"), (s, s)),
        one=either(step, ("@x", "@x"), (f"{s}·@x", rf"{s} \cdot @x")),
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
        slope_at=slopes(step, ("1", "1"), (f"@y + {a}", f"@y + {a}")),
        one=either(step, ("@x", "@x"), (f"{a}·(exp(@x) − 1)", rf"{a} \cdot (e^{{@x}} - 1)")),
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
    """y = ½ x (1 + tanh u), or x Φ(x)."""
    layer: Any = step.layer
    if not layer.approximate:
        return curve(
            step,
            Math("@y = @x Φ(@x)", r"@y = @x\, \Phi(@x)"),
            Math(
                "Φ(@x) = ½ (1 + erf(@x/√2))",
                r"\Phi(@x) = \tfrac{1}{2}(1 + \mathrm{erf}(@x/\sqrt{2}))",
            ),
            slope=(
                "Φ(@x) + @x exp(−@x²/2) / √(2π)",
                r"\Phi(@x) + @x\, \frac{e^{-@x^2/2}}{\sqrt{2\pi}}",
            ),
        )
    return curve(
        step,
        Math("@y = ½ @x (1 + tanh u)", r"@y = \tfrac{1}{2}\, @x\, (1 + \tanh u)"),
        Math("u = √(2/π) (@x + 0.044715 @x³)", r"u = \sqrt{2/\pi}\,(@x + 0.044715\, @x^3)"),
        slope=(
            "½ (1 + tanh u) + ½ @x (1 − tanh² u) · ∂u/∂@x",
            r"\tfrac{1}{2}(1 + \tanh u) + \tfrac{1}{2}\, @x\, (1 - \tanh^2 u)\,"
            r"\frac{\partial u}{\partial @x}",
        ),
        slope_at=lambda index: (_slope_of_gelu(float(step.x[index])), None),
    )


def _slope_of_gelu(x: float) -> Pattern:
    root = math.sqrt(2 / math.pi)
    u = value(root * (x + 0.044715 * x**3), bracketed=False)
    du = value(root * (1 + 3 * 0.044715 * x * x))
    return (
        f"½·(1 + tanh({u.text})) + ½·@x·(1 − tanh({u.text})²)·{du.text}",
        rf"\tfrac{{1}}{{2}}(1 + \tanh({u.latex})) + \tfrac{{1}}{{2}} \cdot @x \cdot "
        rf"(1 - \tanh({u.latex})^2) \cdot {du.latex}",
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
