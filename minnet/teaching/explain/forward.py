"""The story's first half: from x to the prediction, and how far that is from the targets."""

from __future__ import annotations

from collections.abc import Iterator

from minnet.teaching.explain.blocks import (
    Block,
    Heading,
    Math,
    Matrices,
    Prose,
    Shown,
    Worked,
    same,
)
from minnet.teaching.explain.digits import LOSS_DIGITS, latex, number
from minnet.teaching.explain.formulas import LayerFormulas
from minnet.teaching.explain.losses import loss_formulas
from minnet.teaching.explain.numbers import Numbers, Step
from minnet.teaching.explain.words import TERMS, named, names, output, symbol, value


def title(step: Step) -> str:
    """A step's heading."""
    frozen = ", frozen" if step.weights and not step.in_training else ""
    return f"{step.name} ({step.kind}{frozen})"


def tell_forward(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """Every step's formula, its matrices, and one number by hand."""
    yield Heading(2, "1. Forward: from x to the prediction")
    for i, (step, formulas) in enumerate(zip(numbers.steps, explained, strict=True)):
        yield Heading(3, f"1.{i + 1}  {title(step)}")
        if formulas.about:
            yield Prose(formulas.about)
        yield named(formulas.y.formulas, i)
        if formulas.shapes:
            yield Prose(formulas.shapes)
        used = step.weights
        if step.in_training:
            used = {name: step.weights[name] for name in step.layer.parameters}
        shown = [Shown(symbol(name, formulas.symbols), array) for name, array in used.items()]
        shown += [kept.named(names(i)) for kept in formulas.y.beside]
        yield Matrices([Shown(output(i - 1), step.x), *shown, Shown(output(i), step.y)])
        if formulas.y.by_hand is not None:
            yield formulas.y.by_hand.named(names(i))


def tell_loss(numbers: Numbers) -> Iterator[Block]:
    """The loss of every sample, and their mean."""
    last = len(numbers.steps) - 1
    formulas, weight = loss_formulas(numbers), numbers.sample_weight
    yield Heading(2, f"2. Loss: how far the prediction {output(last).text} is from the targets t")
    yield Prose(Math(formulas.about, "").named(names(last)).text)
    w = Math("", "") if weight is None else Math("w[n] ", r"w[n]\, ")
    total = Math(f"L = 1/N Σ_n {w.text}L[n]", rf"L = \frac{{1}}{{N}} \sum_n {w.latex}L[n]")
    if numbers.penalties:
        total = Math(f"{total.text} + penalties", rf"{total.latex} + \text{{penalties}}")
    yield named([*formulas.per_sample.formulas, total], last)
    shown = [Shown(output(last), numbers.prediction), Shown(same("t"), numbers.target)]
    shown += [beside.named(names(last)) for beside in formulas.per_sample.beside]
    shown.append(Shown(Math("L[n]", "L[n]"), numbers.losses))
    if weight is not None:
        shown.append(Shown(same("w"), weight))
    yield Matrices(shown)
    for name, penalty in numbers.penalties.items():
        regularizer = numbers.regularizers[name]
        yield Prose(
            f"The penalty {regularizer!r} on {name} adds {number(penalty, LOSS_DIGITS)} to the "
            "loss."
        )
    if formulas.per_sample.by_hand is not None:
        yield formulas.per_sample.by_hand.named(names(last))
    yield _total(numbers)


def _total(numbers: Numbers) -> Worked:
    result, N = number(numbers.loss, LOSS_DIGITS), len(numbers.losses)
    if N > TERMS:
        return Worked(same("L"), [Math(result, latex(result))])
    terms = [value(loss) for loss in numbers.losses]
    if numbers.sample_weight is not None:
        factors = [value(weight) for weight in numbers.sample_weight]
        terms = [
            Math(f"{w.text}·{t.text}", rf"{w.latex} \cdot {t.latex}")
            for w, t in zip(factors, terms, strict=True)
        ]
    text, tex = (" + ".join(written) for written in zip(*terms, strict=True))
    if N > 1:
        text, tex = f"({text}) / {N}", rf"\frac{{{tex}}}{{{N}}}"
    for penalty in numbers.penalties.values():
        text, tex = f"{text} + {value(penalty).text}", f"{tex} + {value(penalty).latex}"
    return Worked(same("L"), [Math(text, tex), Math(result, latex(result))])
