"""How minnet's losses are explained, one after another: Lₙ, and the gradient of the mean.

Each function is handed all numbers of a training step. In a fused pair `@x` are the logits; `@y` is
the prediction always, and t the targets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.losses import (
    EPSILON,
    BinaryCrossEntropy,
    CrossEntropy,
    MeanAbsoluteError,
    MeanSquaredError,
)
from minnet.teaching.explain.blocks import Math, Worked, same
from minnet.teaching.explain.formulas import (
    Computation,
    LossFormulas,
    explained_class,
    explains,
    explanation,
    own_words,
)
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.typesetting import tex_text
from minnet.teaching.explain.words import DX, DY, TERMS, Y, at, first_nonzero, value


def loss_formulas(numbers: Numbers) -> LossFormulas:
    """The formulas of the loss, by the explanation of its class, or else in its own words."""
    kind = explained_class(numbers.loss_function)
    if kind is not None:
        return explanation(kind, numbers, LossFormulas)
    name, words = type(numbers.loss_function).__name__, own_words(numbers.loss_function)
    return LossFormulas(
        per_sample=Computation(
            Math(
                f"L[n] = {name}.per_sample(@y, t)",
                f"L[n] = {tex_text(f'{name}.per_sample')}(@y, t)",
            )
        ),
        gradient=Computation(
            Math(f"@dy = {name}.gradient(@y, t)", f"@dy = {tex_text(f'{name}.gradient')}(@y, t)")
        ),
        about=f"In its own words: {words}" if words else "A loss of your own, without a docstring.",
    )


# --- losses of numbers ----------------------------------------------------------------------------


@explains(MeanSquaredError)
def mean_squared_error(numbers: Numbers) -> LossFormulas:
    """The mean of the squared errors."""
    return LossFormulas(
        per_sample=Computation(
            Math(
                "L[n] = 1/M Σ_m (@y[n, m] − t[n, m])²",
                r"L[n] = \frac{1}{M} \sum_m (@y[n,m] - t[n,m])^2",
            ),
            by_hand=_first_mean(numbers, Math("(", "("), Math(")²", ")^2")),
        ),
        gradient=Computation(
            Math(
                "∂L/∂@y[n, m] = 1/(N M) · ∂(@y[n, m] − t[n, m])²/∂@y[n, m]",
                r"\frac{\partial L}{\partial @y[n,m]} = \frac{1}{N M} \cdot "
                r"\frac{\partial (@y[n,m] - t[n,m])^2}{\partial @y[n,m]}",
            ),
            Math("@dy = 2 (@y − t) / (N M)", r"@dy = \frac{2\,(@y - t)}{N M}"),
            by_hand=_one_difference(numbers, factor=Math("2·", "2 ")),
        ),
        about=_outputs(numbers),
    )


@explains(MeanAbsoluteError)
def mean_absolute_error(numbers: Numbers) -> LossFormulas:
    """The mean of the errors' sizes."""
    return LossFormulas(
        per_sample=Computation(
            Math(
                "L[n] = 1/M Σ_m |@y[n, m] − t[n, m]|",
                r"L[n] = \frac{1}{M} \sum_m |@y[n,m] - t[n,m]|",
            ),
            by_hand=_first_mean(numbers, same("|"), same("|")),
        ),
        gradient=Computation(
            Math(
                "∂|e|/∂e = sign(e): 1 above the target, −1 below it, 0 on it",
                r"\frac{\partial |e|}{\partial e} = \mathrm{sign}(e)",
            ),
            Math("@dy = sign(@y − t) / (N M)", r"@dy = \frac{\mathrm{sign}(@y - t)}{N M}"),
        ),
        about=_outputs(numbers),
    )


def _first_mean(numbers: Numbers, opening: Math, closing: Math) -> Worked | None:
    """L[0], the mean of (p − t)² or of |p − t|, where that fits a line."""
    p, t = numbers.prediction[0].ravel(), np.ravel(numbers.target[0])
    if p.size > TERMS:
        return None
    pairs = [(value(a, bracketed=False), value(b)) for a, b in zip(p, t, strict=True)]
    terms = [f"{opening.text}{a.text} − {b.text}{closing.text}" for a, b in pairs]
    tex = [f"{opening.latex}{a.latex} - {b.latex}{closing.latex}" for a, b in pairs]
    mean = Math(terms[0], tex[0])
    if len(pairs) > 1:
        mean = Math(f"({' + '.join(terms)}) / {p.size}", rf"\frac{{{' + '.join(tex)}}}{{{p.size}}}")
    return Worked(at(same("L"), 0), [mean, value(numbers.losses[0], bracketed=False)])


# --- losses of probabilities ----------------------------------------------------------------------


@explains(CrossEntropy)
def cross_entropy(numbers: Numbers) -> LossFormulas:
    """−log of the right class's probability, by logits where they are at hand."""
    loss: Any = numbers.loss_function
    labels = numbers.target.ndim == 1
    target = Math("one_hot(t)", r"\mathrm{onehot}(t)") if labels else same("t")
    targets = (
        "The targets t are labels; one_hot(t) has a 1 in the column of each label, else 0. "
        if labels
        else "The targets t are rows that sum to 1. "
    )
    if not (numbers.fused or loss.from_logits):
        return LossFormulas(
            per_sample=Computation(
                Math("L[n] = −log @y[n, t[n]]", r"L[n] = -\log @y[n, t[n]]")
                if labels
                else Math(
                    "L[n] = −Σ_k t[n, k] log @y[n, k]", r"L[n] = -\sum_k t[n,k] \log @y[n,k]"
                ),
                by_hand=_first_logarithm(numbers),
            ),
            gradient=Computation(
                Math(
                    "∂(−t log p)/∂p = −t/p, for each class k of each row n",
                    r"\frac{\partial (-t \log p)}{\partial p} = -\frac{t}{p}",
                ),
                Math(
                    f"@dy = −{target.text} / (N @y)", rf"@dy = -\frac{{{target.latex}}}{{N\, @y}}"
                ),
            ),
            about=f"{targets}The last step is not minnet's own Softmax, so it is not fused with "
            "the loss: the way back goes through it. Probabilities below 1e-7 count as 1e-7, with "
            "gradient 0.",
        )
    z, dz = ("@x", "@dx") if numbers.fused else ("@y", "@dy")
    p = Y if numbers.fused else Math("softmax(@y)", r"\mathrm{softmax}(@y)")
    return LossFormulas(
        per_sample=Computation(
            Math(
                f"L[n] = log Σ_k exp({z}[n, k]) − {z}[n, t[n]], which is −log p[n, t[n]]",
                rf"L[n] = \log \sum_k e^{{{z}[n,k]}} - {z}[n,t[n]] = -\log p[n,t[n]]",
            )
            if labels
            else Math(
                f"L[n] = Σ_k t[n, k] (log Σ_j exp({z}[n, j]) − {z}[n, k]), "
                "which is −Σ_k t[n, k] log p[n, k]",
                rf"L[n] = \sum_k t[n,k] \Big(\log \sum_j e^{{{z}[n,j]}} - {z}[n,k]\Big)"
                r" = -\sum_k t[n,k] \log p[n,k]",
            ),
            by_hand=_first_logarithm(numbers),
        ),
        gradient=Computation(
            Math(
                f"∂L/∂{z}[n, k] = Σ_j ∂L/∂p[n, j] · ∂p[n, j]/∂{z}[n, k]",
                rf"\frac{{\partial L}}{{\partial {z}[n,k]}} = \sum_j "
                r"\frac{\partial L}{\partial p[n,j]} \cdot "
                rf"\frac{{\partial p[n,j]}}{{\partial {z}[n,k]}}",
            ),
            Math(
                "             = Σ_j −t[n, j]/(N p[n, j]) · p[n, j] (δ_jk − p[n, k]), "
                "where p[n, j] cancels",
                r"\phantom{\frac{\partial L}{\partial p}} = \sum_j \frac{-t[n,j]}{N\, p[n,j]}"
                r" \cdot p[n,j]\,(\delta_{jk} - p[n,k])",
            ),
            Math(
                f"{dz} = ({p.text} − {target.text}) / N",
                rf"{dz} = \frac{{{p.latex} - {target.latex}}}{{N}}",
            ),
            by_hand=_one_difference(numbers, rows=True) if numbers.fused else None,
        ),
        about=targets
        + (
            "Softmax and cross-entropy are computed together, from the logits @x, and p = @y. "
            "Apart, the logarithm would meet a p that rounded to 0, and the way back would "
            "divide by it; together, log and exp cancel, and so do p and 1/p."
            if numbers.fused
            else "The loss applies softmax itself, p = softmax(@y), together with the "
            "logarithm, so that log and exp cancel, and nothing is divided by a p that "
            "rounded to 0."
        ),
    )


def _first_logarithm(numbers: Numbers) -> Worked | None:
    """L[0] = −log p of a label; of rows all terms would count, and the smallest p is cut off."""
    loss: Any = numbers.loss_function
    p, t = numbers.prediction[0].ravel(), numbers.target[0]
    if loss.from_logits or np.ndim(t) or p[t] < EPSILON:
        return None
    right = value(p[t], bracketed=False)
    return Worked(
        at(same("L"), 0),
        [
            Math(f"−log @y[0, {t}]", rf"-\log @y[0, {t}]"),
            Math(f"−log({right.text})", rf"-\log({right.latex})"),
            value(numbers.losses[0], bracketed=False),
        ],
    )


@explains(BinaryCrossEntropy)
def binary_cross_entropy(numbers: Numbers) -> LossFormulas:
    """The cross-entropy of yes-or-no answers, by logits where they are at hand."""
    loss: Any = numbers.loss_function
    if not (numbers.fused or loss.from_logits):
        return LossFormulas(
            per_sample=Computation(
                Math(
                    "L[n] = −1/M Σ_m (t log p + (1 − t) log(1 − p)) for p = @y[n, m], t = t[n, m]",
                    r"L[n] = -\frac{1}{M} \sum_m \big(t \log p + (1 - t) \log(1 - p)\big),"
                    r" \quad p = @y[n,m],\ t = t[n,m]",
                )
            ),
            gradient=Computation(
                Math(
                    "∂(−t log p − (1 − t) log(1 − p))/∂p = −t/p + (1 − t)/(1 − p) "
                    "= (p − t)/(p (1 − p))",
                    r"\frac{\partial}{\partial p} \big(-t \log p - (1 - t) \log(1 - p)\big) = "
                    r"\frac{p - t}{p\,(1 - p)}",
                ),
                Math(
                    "@dy = (@y − t) / (@y (1 − @y)) / (N M)",
                    r"@dy = \frac{@y - t}{@y\,(1 - @y)\, N M}",
                ),
            ),
            about="The last step is not minnet's own Sigmoid, so it is not fused with the loss: "
            "the way back goes through it. Probabilities are kept 1e-7 away from 0 and 1; beyond, "
            f"the gradient is 0. {_outputs(numbers)}",
        )
    z, dz = ("@x", "@dx") if numbers.fused else ("@y", "@dy")
    p = Y if numbers.fused else Math("sigmoid(@y)", r"\mathrm{sigmoid}(@y)")
    return LossFormulas(
        per_sample=Computation(
            Math(
                f"L[n] = 1/M Σ_m (max(z, 0) − z t + log(1 + exp(−|z|))) for z = {z}[n, m], "
                "t = t[n, m]",
                rf"L[n] = \frac{{1}}{{M}} \sum_m \Big(\max(z, 0) - z\,t + \log(1 + e^{{-|z|}})"
                rf"\Big), \quad z = {z}[n,m],\ t = t[n,m]",
            )
        ),
        gradient=Computation(
            Math(
                f"∂L/∂{z} = ∂L/∂p · ∂p/∂{z} = (p − t) / (p (1 − p)) / (N M) · p (1 − p), "
                "where p (1 − p) cancels",
                rf"\frac{{\partial L}}{{\partial {z}}} = \frac{{\partial L}}{{\partial p}} "
                rf"\cdot \frac{{\partial p}}{{\partial {z}}} = "
                r"\frac{p - t}{p\,(1 - p)\, N M} \cdot p\,(1 - p)",
            ),
            Math(f"{dz} = ({p.text} − t) / (N M)", rf"{dz} = \frac{{{p.latex} - t}}{{N M}}"),
            by_hand=_one_difference(numbers) if numbers.fused else None,
        ),
        about=(
            "Sigmoid and binary cross-entropy are computed together, from the logits @x, and "
            "p = @y. This L[n] is −t log p − (1 − t) log(1 − p), in a form where no logarithm "
            "meets a 0 and no exp overflows; on the way back p (1 − p) cancels. "
            if numbers.fused
            else "The loss applies sigmoid itself, p = sigmoid(@y), together with the "
            "logarithm: in this form no logarithm meets a 0, and p (1 − p) cancels. "
        )
        + _outputs(numbers),
    )


# --- what several of them share -------------------------------------------------------------------


def _one_difference(numbers: Numbers, *, factor: Math | None = None, rows: bool = False) -> Worked:
    """One number of the gradient by hand, where p − t, divided by their count, is all of it.

    `rows`: a row of K probabilities is one answer, and not M of them.
    """
    factor = factor or same("")
    start = numbers.loss_gradient
    n, *column = index = first_nonzero(start)
    p = value(numbers.prediction[index], bracketed=False)
    if rows and numbers.target.ndim == 1:
        t = same("1" if numbers.target[n] == column[0] else "0")
    else:
        t = value(numbers.target[index])
    count = len(numbers.prediction) if rows else numbers.prediction.size
    text = f"{factor.text}({p.text} − {t.text}) / {count}"
    tex = rf"{factor.latex}({p.latex} - {t.latex}) / {count}"
    if numbers.sample_weight is not None:
        weight = value(numbers.sample_weight[n])
        text, tex = f"{weight.text}·{text}", rf"{weight.latex} \cdot {tex}"
    return Worked(
        at(DX if numbers.fused else DY, *index),
        [Math(text, tex), value(start[index], bracketed=False)],
    )


def _outputs(numbers: Numbers) -> str:
    N, size = len(numbers.prediction), numbers.prediction.size
    return (
        f"N = {N} {'sample' if N == 1 else 'samples'}, M = {size // N} "
        f"{'output' if size == N else 'outputs'}."
    )
