"""How minnet's losses are explained, one after another: Lₙ, and the gradient of the mean.

Each function is handed all numbers of a training step. In a fused pair `@x` are the logits; `@y` is
the prediction always, and t the targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.losses import (
    EPSILON,
    BinaryCrossEntropy,
    CrossEntropy,
    MeanAbsoluteError,
    MeanSquaredError,
)
from minnet.teaching.explain import regression
from minnet.teaching.explain.blocks import Index, Math, Source, Worked, same
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
from minnet.teaching.explain.words import DX, DY, TERMS, X, Y, at, calculation, value

ELSEWHERE = (regression,)
"""Files whose explanations belong to these."""


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
            by_hand=_one_mean(numbers, Math("(", "("), Math(")²", ")^2")),
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
            by_hand=_one_mean(numbers, same("|"), same("|")),
        ),
        gradient=Computation(
            Math(
                "∂|e|/∂e = sign(e): 1 above the target, −1 below it, 0 on it",
                r"\frac{\partial |e|}{\partial e} = \mathrm{sign}(e)",
            ),
            Math("@dy = sign(@y − t) / (N M)", r"@dy = \frac{\mathrm{sign}(@y - t)}{N M}"),
            by_hand=_one_sign(numbers),
        ),
        about=_outputs(numbers),
    )


def _one_sign(numbers: Numbers) -> Callable[[Index], Worked]:
    """One number of the gradient of |p − t| by hand."""

    def work(index: Index) -> Worked:
        p, t = value(numbers.prediction[index], bracketed=False), value(numbers.target[index])
        size = numbers.prediction.size
        text = f"sign({p.text} − {t.text}) / {size}"
        tex = rf"\mathrm{{sign}}({p.latex} - {t.latex}) / {size}"
        if numbers.sample_weight is not None:
            weight = value(numbers.sample_weight[index[0]])
            text, tex = f"{weight.text}·{text}", rf"{weight.latex} \cdot {tex}"
        return Worked(
            at(DY, *index),
            [Math(text, tex), value(numbers.loss_gradient[index], bracketed=False)],
            (Source(Y, index), Source(same("t"), index)),
        )

    return work


def _one_mean(numbers: Numbers, opening: Math, closing: Math) -> Callable[[Index], Worked | None]:
    """L[n], the mean of (p − t)² or of |p − t|, where that fits a line."""

    def work(index: Index) -> Worked | None:
        (n,) = index
        p, t = numbers.prediction[n].ravel(), np.ravel(numbers.target[n])
        if p.size > TERMS:
            return None
        pairs = [(value(a, bracketed=False), value(b)) for a, b in zip(p, t, strict=True)]
        terms = [f"{opening.text}{a.text} − {b.text}{closing.text}" for a, b in pairs]
        tex = [f"{opening.latex}{a.latex} - {b.latex}{closing.latex}" for a, b in pairs]
        mean = Math(terms[0], tex[0])
        if len(pairs) > 1:
            mean = Math(
                f"({' + '.join(terms)}) / {p.size}", rf"\frac{{{' + '.join(tex)}}}{{{p.size}}}"
            )
        right = [mean, value(numbers.losses[n], bracketed=False)]
        return Worked(at(same("L"), n), right, _rows(n, numbers))

    return work


def _rows(n: int, numbers: Numbers) -> tuple[Source, ...]:
    """Row n of the prediction, and of the targets."""
    return tuple(
        Source(name, (n, *(None,) * (array.ndim - 1)))
        for name, array in ((Y, numbers.prediction), (same("t"), numbers.target))
    )


# --- losses of probabilities ----------------------------------------------------------------------


@explains(CrossEntropy)
def cross_entropy(numbers: Numbers) -> LossFormulas:
    """−log of the right class's probability, by logits where they are at hand."""
    loss: Any = numbers.loss_function
    labels = numbers.target.ndim == 1
    target = Math("one_hot(t)", r"\mathrm{one\_hot}(t)") if labels else same("t")
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
                by_hand=_one_logarithm(numbers),
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
            by_hand=_one_logarithm(numbers),
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
                r" \cdot p[n,j]\,(\delta_{jk} - p[n,k]), \quad"
                r" \delta_{jk} = 1 \text{ where } j = k, \text{ else } 0",
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


def _one_logarithm(numbers: Numbers) -> Callable[[Index], Worked | None]:
    """L[n] = −log p of a label; of rows all terms would count, and the smallest p is cut off."""
    loss: Any = numbers.loss_function

    def work(index: Index) -> Worked | None:
        (n,) = index
        p, t = numbers.prediction[n].ravel(), numbers.target[n]
        if loss.from_logits or np.ndim(t) or p[t] < EPSILON:
            return None
        right = value(p[t], bracketed=False)
        return Worked(
            at(same("L"), n),
            [
                Math(f"−log @y[{n}, {t}]", rf"-\log @y[{n}, {t}]"),
                Math(f"−log({right.text})", rf"-\log({right.latex})"),
                value(numbers.losses[n], bracketed=False),
            ],
            (Source(Y, (n, int(t))), Source(same("t"), (n,))),
        )

    return work


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
                ),
                by_hand=_one_answer(numbers),
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
            ),
            beside=None if not numbers.fused else {X: numbers.steps[-1].x},
            by_hand=_one_answer_of_logits(numbers),
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


def _one_answer(numbers: Numbers) -> Callable[[Index], Worked | None]:
    """L[n] from probabilities, where that fits a line and none is cut off."""

    def work(index: Index) -> Worked | None:
        (n,) = index
        p, t = numbers.prediction[n].ravel(), np.ravel(numbers.target[n])
        if p.size * 2 > TERMS or min(p.min(), 1 - p.max()) < EPSILON:
            return None

        def write(shown: list[Math]) -> Math:
            terms = [
                Math(
                    f"{b.text}·log({a.text}) + (1 − {b.text})·log(1 − {a.text})",
                    rf"{b.latex} \log({a.latex}) + (1 - {b.latex}) \log(1 - {a.latex})",
                )
                for a, b in zip(shown[::2], shown[1::2], strict=True)
            ]
            text, tex = (" + ".join(side) for side in zip(*terms, strict=True))
            over = "" if p.size == 1 else f" / {p.size}"
            return Math(f"−({text}){over}", f"-({tex}){over}")

        def compute(v: list[float]) -> float:
            pairs = zip(v[::2], v[1::2], strict=True)
            terms = [b * _log(a) + (1 - b) * _log(1 - a) for a, b in pairs]
            return -sum(terms) / len(terms)

        operands = [number for pair in zip(p, t, strict=True) for number in pair]
        left, loss = at(same("L"), n), numbers.losses[n]
        return calculation(left, operands, write, compute, loss, _rows(n, numbers))

    return work


def _one_answer_of_logits(numbers: Numbers) -> Callable[[Index], Worked | None]:
    """L[n] from logits, where that fits a line."""
    logits = numbers.steps[-1].x if numbers.fused else numbers.prediction

    def work(index: Index) -> Worked | None:
        (n,) = index
        z, t = logits[n].ravel(), np.ravel(numbers.target[n])
        if z.size * 2 > TERMS:
            return None

        def write(shown: list[Math]) -> Math:
            terms = []
            for number, (a, b) in zip(z, zip(shown[::2], shown[1::2], strict=True), strict=True):
                size = Math(a.text.strip("()-"), a.latex.strip("()-"))
                top = size if number > 0 else same("0")
                terms.append(
                    Math(
                        f"{top.text} − {a.text}·{b.text} + log(1 + exp(−{size.text}))",
                        rf"{top.latex} - {a.latex} \cdot {b.latex} + "
                        rf"\log(1 + e^{{-{size.latex}}})",
                    )
                )
            text, tex = (" + ".join(side) for side in zip(*terms, strict=True))
            if z.size == 1:
                return Math(text, tex)
            return Math(f"({text}) / {z.size}", rf"\frac{{{tex}}}{{{z.size}}}")

        def compute(v: list[float]) -> float:
            pairs = zip(v[::2], v[1::2], strict=True)
            terms = [max(a, 0) - a * b + _log(1 + math.exp(-abs(a))) for a, b in pairs]
            return sum(terms) / len(terms)

        operands = [number for pair in zip(z, t, strict=True) for number in pair]
        _, target = _rows(n, numbers)
        used = Source(X if numbers.fused else Y, (n, *(None,) * (logits.ndim - 1))), target
        return calculation(at(same("L"), n), operands, write, compute, numbers.losses[n], used)

    return work


def _log(number: float) -> float:
    """The logarithm; of 0 and less, which digits that are left out may make, not a number."""
    return math.log(number) if number > 0 else math.nan


# --- what several of them share -------------------------------------------------------------------


def _one_difference(
    numbers: Numbers, *, factor: Math | None = None, rows: bool = False
) -> Callable[[Index], Worked]:
    """One number of the gradient by hand, where p − t, divided by their count, is all of it.

    `rows`: a row of K probabilities is one answer, and not M of them.
    """
    factor = factor or same("")
    start = numbers.loss_gradient

    def work(index: Index) -> Worked:
        n, *column = index
        p = value(numbers.prediction[index], bracketed=False)
        labels = rows and numbers.target.ndim == 1
        if labels:
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
            (Source(Y, index), Source(same("t"), (n,) if labels else index)),
        )

    return work


def _outputs(numbers: Numbers) -> str:
    N, size = len(numbers.prediction), numbers.prediction.size
    return (
        f"N = {N} {'sample' if N == 1 else 'samples'}, M = {size // N} "
        f"{'output' if size == N else 'outputs'}."
    )
