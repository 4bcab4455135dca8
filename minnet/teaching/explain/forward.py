"""The story's first half: from x to the prediction, and how far that is from the targets."""

from __future__ import annotations

from collections.abc import Iterator

from minnet.foundation.checks import Array
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
from minnet.teaching.explain.formulas import Computation, LayerFormulas
from minnet.teaching.explain.losses import loss_formulas
from minnet.teaching.explain.numbers import Numbers, Step
from minnet.teaching.explain.words import TERMS, named, names, output, symbol, value


def beside(computation: Computation, i: int) -> list[Shown]:
    """What is shown with a result of step number i, under the names of the whole network."""
    return [_under_names(shown, i) for shown in computation.beside]


def computed(symbol: Math, array: Array, computation: Computation, i: int) -> Shown:
    """The result of a computation of step number i, each of its numbers to be worked by hand."""
    return _under_names(Shown(symbol, array, computation.worked), i)


def _under_names(shown: Shown, i: int) -> Shown:
    work, marks = shown.worked, names(i)
    if work is None:
        return shown.named(marks)
    return shown.named(marks)._replace(
        worked=lambda index: [line.named(marks) for line in work(index)]
    )


def example(computation: Computation, result: Array, i: int) -> list[Worked]:
    """One number of the result of step number i by hand."""
    return [line.named(names(i)) for line in computation.example(result)]


def title(step: Step) -> str:
    """A step's heading."""
    frozen = ", frozen" if step.weights and not step.in_training else ""
    return f"{step.name} ({step.kind}{frozen})"


def tell_forward(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """Every step's formula, its matrices, and one number by hand."""
    yield Heading(2, "1. Forward: from x to the prediction")
    for i, (step, formulas) in enumerate(zip(numbers.steps, explained, strict=True)):
        yield Heading(3, f"1.{i + 1}  {title(step)}", step.name)
        if formulas.about:
            yield Prose(formulas.about)
        yield named(formulas.y.formulas, i)
        if formulas.shapes:
            yield Prose(formulas.shapes)
        used = step.weights
        if step.in_training:
            used = {name: step.weights[name] for name in step.layer.parameters}
        shown = [Shown(symbol(name, formulas.symbols), array) for name, array in used.items()]
        shown += beside(formulas.y, i)
        yield Matrices(
            [Shown(output(i - 1), step.x), *shown, computed(output(i), step.y, formulas.y, i)]
        )
        yield from example(formulas.y, step.y, i)


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
    shown += beside(formulas.per_sample, last)
    shown.append(computed(Math("L[n]", "L[n]"), numbers.losses, formulas.per_sample, last))
    if weight is not None:
        shown.append(Shown(same("w"), weight))
    yield Matrices(shown)
    for name, penalty in numbers.penalties.items():
        regularizer = numbers.regularizers[name]
        yield Prose(
            f"The penalty {regularizer!r} on {name} adds {number(penalty, LOSS_DIGITS)} to the "
            "loss."
        )
    yield from example(formulas.per_sample, numbers.losses, last)
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
