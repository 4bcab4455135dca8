"""The formulas of every loss, and of its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minnet.losses import (
    EPSILON,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
)
from minnet.teaching.explain.blocks import Math, means, own_words, same
from minnet.teaching.explain.words import TERMS, tex_text, value

if TYPE_CHECKING:
    from minnet.teaching.explain.numbers import Explanation


@dataclass
class LossRecipe:
    """How a loss is computed: Lₙ, why so, and the gradient that starts the way back.

    In a fused pair `@x` are the logits; `@y` is the prediction always.
    """

    per_sample: list[Math]
    gradient: list[Math]
    about: str = ""


def loss_recipe(step: Explanation) -> LossRecipe:
    """The formulas of the loss, as it ran."""
    for known, make in LOSS_RECIPES.items():
        if means(type(step.loss_function), known):
            return make(step)
    kind = type(step.loss_function).__name__
    words = own_words(step.loss_function)
    return LossRecipe(
        [
            Math(
                f"L[n] = {kind}.per_sample(@y, t)",
                f"L[n] = {tex_text(f'{kind}.per_sample')}(@y, t)",
            )
        ],
        [Math(f"@dy = {kind}.gradient(@y, t)", f"@dy = {tex_text(f'{kind}.gradient')}(@y, t)")],
        f"In its own words: {words}" if words else "A loss of your own, without a docstring.",
    )


def _squared(step: Explanation) -> LossRecipe:
    return LossRecipe(
        [
            Math(
                "L[n] = 1/M Σ_m (@y[n, m] − t[n, m])²",
                r"L[n] = \frac{1}{M} \sum_m (@y[n,m] - t[n,m])^2",
            )
        ],
        [
            Math(
                "∂L/∂@y[n, m] = 1/(N M) · ∂(@y[n, m] − t[n, m])²/∂@y[n, m]",
                r"\frac{\partial L}{\partial @y[n,m]} = \frac{1}{N M} \cdot "
                r"\frac{\partial (@y[n,m] - t[n,m])^2}{\partial @y[n,m]}",
            ),
            Math("@dy = 2 (@y − t) / (N M)", r"@dy = \frac{2\,(@y - t)}{N M}"),
        ],
        _outputs(step),
    )


def _absolute(step: Explanation) -> LossRecipe:
    return LossRecipe(
        [
            Math(
                "L[n] = 1/M Σ_m |@y[n, m] − t[n, m]|",
                r"L[n] = \frac{1}{M} \sum_m |@y[n,m] - t[n,m]|",
            )
        ],
        [
            Math(
                "∂|e|/∂e = sign(e): 1 above the target, −1 below it, 0 on it",
                r"\frac{\partial |e|}{\partial e} = \mathrm{sign}(e)",
            ),
            Math("@dy = sign(@y − t) / (N M)", r"@dy = \frac{\mathrm{sign}(@y - t)}{N M}"),
        ],
        _outputs(step),
    )


def _cross_entropy(step: Explanation) -> LossRecipe:
    labels = step.target.ndim == 1
    target = Math("one_hot(t)", r"\mathrm{onehot}(t)") if labels else same("t")
    said = (
        "The targets t are labels; one_hot(t) has a 1 in the column of each label, else 0. "
        if labels
        else "The targets t are rows that sum to 1. "
    )
    if step.fused or step.loss_function.from_logits:
        z = same("@x" if step.fused else "@y")
        dz = "@dx" if step.fused else "@dy"
        p = same("@y") if step.fused else Math("softmax(@y)", r"\mathrm{softmax}(@y)")
        return LossRecipe(
            [_from_logits(z.text, labels)],
            [
                Math(
                    f"∂L/∂{z.text}[n, k] = Σ_j ∂L/∂p[n, j] · ∂p[n, j]/∂{z.text}[n, k]",
                    rf"\frac{{\partial L}}{{\partial {z.text}[n,k]}} = \sum_j "
                    r"\frac{\partial L}{\partial p[n,j]} \cdot "
                    rf"\frac{{\partial p[n,j]}}{{\partial {z.text}[n,k]}}",
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
            ],
            said
            + (
                "Softmax and cross-entropy are computed together, from the logits @x, and p = @y. "
                "Apart, the logarithm would meet a p that rounded to 0, and the way back would "
                "divide by it; together, log and exp cancel, and so do p and 1/p."
                if step.fused
                else "The loss applies softmax itself, p = softmax(@y), together with the "
                "logarithm, so that log and exp cancel, and nothing is divided by a p that "
                "rounded to 0."
            ),
        )
    return LossRecipe(
        [
            Math("L[n] = −log @y[n, t[n]]", r"L[n] = -\log @y[n, t[n]]")
            if labels
            else Math("L[n] = −Σ_k t[n, k] log @y[n, k]", r"L[n] = -\sum_k t[n,k] \log @y[n,k]")
        ],
        [
            Math(
                "∂(−t log p)/∂p = −t/p, for each class k of each row n",
                r"\frac{\partial (-t \log p)}{\partial p} = -\frac{t}{p}",
            ),
            Math(
                f"@dy = −{target.text} / (N @y)",
                rf"@dy = -\frac{{{target.latex}}}{{N\, @y}}",
            ),
        ],
        said + "The last step is not minnet's own Softmax, so it is not fused with the loss: the "
        "way back goes through it. Probabilities below 1e-7 count as 1e-7, with gradient 0.",
    )


def _from_logits(z: str, labels: bool) -> Math:
    if labels:
        return Math(
            f"L[n] = log Σ_k exp({z}[n, k]) − {z}[n, t[n]], which is −log p[n, t[n]]",
            rf"L[n] = \log \sum_k e^{{{z}[n,k]}} - {z}[n,t[n]] = -\log p[n,t[n]]",
        )
    return Math(
        f"L[n] = Σ_k t[n, k] (log Σ_j exp({z}[n, j]) − {z}[n, k]), "
        "which is −Σ_k t[n, k] log p[n, k]",
        rf"L[n] = \sum_k t[n,k] \Big(\log \sum_j e^{{{z}[n,j]}} - {z}[n,k]\Big)"
        r" = -\sum_k t[n,k] \log p[n,k]",
    )


def _binary_cross_entropy(step: Explanation) -> LossRecipe:
    if step.fused or step.loss_function.from_logits:
        z, dz = ("@x", "@dx") if step.fused else ("@y", "@dy")
        p = same("@y") if step.fused else Math("sigmoid(@y)", r"\mathrm{sigmoid}(@y)")
        return LossRecipe(
            [
                Math(
                    f"L[n] = 1/M Σ_m (max(z, 0) − z t + log(1 + exp(−|z|))) for z = {z}[n, m], "
                    "t = t[n, m]",
                    rf"L[n] = \frac{{1}}{{M}} \sum_m \Big(\max(z, 0) - z\,t + \log(1 + e^{{-|z|}})"
                    rf"\Big), \quad z = {z}[n,m],\ t = t[n,m]",
                )
            ],
            [
                Math(
                    f"∂L/∂{z} = ∂L/∂p · ∂p/∂{z} = (p − t) / (p (1 − p)) / (N M) · p (1 − p), "
                    "where p (1 − p) cancels",
                    rf"\frac{{\partial L}}{{\partial {z}}} = \frac{{\partial L}}{{\partial p}} "
                    rf"\cdot \frac{{\partial p}}{{\partial {z}}} = "
                    r"\frac{p - t}{p\,(1 - p)\, N M} \cdot p\,(1 - p)",
                ),
                Math(
                    f"{dz} = ({p.text} − t) / (N M)",
                    rf"{dz} = \frac{{{p.latex} - t}}{{N M}}",
                ),
            ],
            (
                "Sigmoid and binary cross-entropy are computed together, from the logits @x, and "
                "p = @y. This L[n] is −t log p − (1 − t) log(1 − p), in a form where no logarithm "
                "meets a 0 and no exp overflows; on the way back p (1 − p) cancels. "
                if step.fused
                else "The loss applies sigmoid itself, p = sigmoid(@y), together with the "
                "logarithm: in this form no logarithm meets a 0, and p (1 − p) cancels. "
            )
            + _outputs(step),
        )
    return LossRecipe(
        [
            Math(
                "L[n] = −1/M Σ_m (t log p + (1 − t) log(1 − p)) for p = @y[n, m], t = t[n, m]",
                r"L[n] = -\frac{1}{M} \sum_m \big(t \log p + (1 - t) \log(1 - p)\big),"
                r" \quad p = @y[n,m],\ t = t[n,m]",
            )
        ],
        [
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
        ],
        "The last step is not minnet's own Sigmoid, so it is not fused with the loss: the way back "
        "goes through it. Probabilities are kept 1e-7 away from 0 and 1; beyond, the gradient "
        "is 0. " + _outputs(step),
    )


def one_loss(step: Explanation) -> list[Math]:
    """L[0] with its numbers, where that fits a line."""
    p, t = step.prediction[0].ravel(), step.target[0]
    known = [kind for kind in LOSS_RECIPES if means(type(step.loss_function), kind)]
    if not known or step.loss_function.from_logits:
        return []
    if known[0] is CrossEntropy:
        if np.ndim(t) or p[t] < EPSILON:  # of rows all terms count; the smallest p is cut off
            return []
        right = value(p[t], bracketed=False)
        return [
            Math(f"−log @y[0, {t}]", rf"-\log @y[0, {t}]"),
            Math(f"−log({right.text})", rf"-\log({right.latex})"),
        ]
    if known[0] is BinaryCrossEntropy or p.size > TERMS:
        return []
    pairs = [(value(a, bracketed=False), value(b)) for a, b in zip(p, np.ravel(t), strict=True)]
    squared = known[0] is MeanSquaredError
    opening, closing, power = ("(", ")", "²") if squared else ("|", "|", "")
    terms = [f"{opening}{a.text} − {b.text}{closing}{power}" for a, b in pairs]
    tex = [f"{opening}{a.latex} - {b.latex}{closing}{'^2' if squared else ''}" for a, b in pairs]
    if len(pairs) == 1:
        return [Math(terms[0], tex[0])]
    return [Math(f"({' + '.join(terms)}) / {p.size}", rf"\frac{{{' + '.join(tex)}}}{{{p.size}}}")]


def one_gradient(step: Explanation, where: tuple[int, ...]) -> Math | None:
    """One number of the gradient that the way back starts with, where p − t is all of it."""
    squared = means(type(step.loss_function), MeanSquaredError)
    if not (step.fused or squared):
        return None
    n, *rest = where
    rows = means(type(step.loss_function), CrossEntropy)  # a row is one answer, and not M of them
    labels = rows and step.target.ndim == 1
    p = value(step.prediction[where], bracketed=False)
    t = value(step.target[n] if labels else step.target[where])
    if labels:
        t = same("1" if step.target[n] == rest[0] else "0")
    count = len(step.prediction) if rows else step.prediction.size
    factor = "2·" if squared else ""
    weight = None if step.sample_weight is None else value(step.sample_weight[n])
    text = f"{factor}({p.text} − {t.text}) / {count}"
    tex = rf"{'2 ' if squared else ''}({p.latex} - {t.latex}) / {count}"
    if weight is not None:
        text, tex = f"{weight.text}·{text}", rf"{weight.latex} \cdot {tex}"
    return Math(text, tex)


def _outputs(step: Explanation) -> str:
    N = len(step.prediction)
    return f"N = {N} {'sample' if N == 1 else 'samples'}, M = {step.prediction.size // N} " + (
        "output." if step.prediction.size == N else "outputs."
    )


LOSS_RECIPES: dict[type[Loss], Callable[[Explanation], LossRecipe]] = {
    MeanSquaredError: _squared,
    MeanAbsoluteError: _absolute,
    CrossEntropy: _cross_entropy,
    BinaryCrossEntropy: _binary_cross_entropy,
}
"""Class → its formulas. A subclass counts as long as it changes none of them."""
