"""The same step on one screen: a formula and its arrays for each step, and nothing by hand."""

from __future__ import annotations

from collections.abc import Iterator

from minnet.teaching.explain.blocks import Block, Formulas, Heading, Matrices, Shown, same
from minnet.teaching.explain.digits import LOSS_DIGITS, number
from minnet.teaching.explain.formulas import Computation, LayerFormulas
from minnet.teaching.explain.losses import loss_formulas
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.optimizers import update_formulas
from minnet.teaching.explain.words import gradient, names, of, output, symbol
from minnet.teaching.explain.zeros import exact_gradient

SHORT_DIGITS = 3
"""Significant digits, so that more arrays fit beside each other."""


def tell_short(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """Forward, loss, backward and update, a few lines each."""
    before, after = (number(loss, LOSS_DIGITS) for loss in (numbers.loss, numbers.new_loss))
    yield Heading(3, f"One step of {numbers.model!r}: loss {before} → {after} (dA is ∂L/∂A)")
    yield from _forward(numbers, explained)
    yield from _loss(numbers)
    yield from _backward(numbers, explained)
    yield from _update(numbers, explained)


def _last(computation: Computation, i: int) -> str:
    """The formula that runs, under the names of the whole network."""
    return computation.formulas[-1].named(names(i)).text.partition(", which")[0].strip()


def _band(title: str, formulas: list[str], shown: list[Shown]) -> Iterator[Block]:
    line = f"{title}: {',  '.join(formulas)}" if formulas else title
    yield Formulas([same(line)])
    yield Matrices(
        [matrix._replace(worked=None, digits=SHORT_DIGITS) for matrix in shown], close=True
    )


def _forward(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """A band for each step with weights, with the steps after it that have none.

    What comes out of a band stands in the next, as what goes into it, and the prediction at the
    loss.
    """
    shown = [Shown(output(-1), numbers.steps[0].x)]
    formulas: list[str] = []
    title = ""
    for i, (step, f) in enumerate(zip(numbers.steps, explained, strict=True)):
        if step.layer.parameters and title:
            yield from _band(title, formulas, shown[:-1])
            shown, formulas, title = shown[-1:], [], ""
        title = title or f"→ {step.name}"
        formulas.append(_last(f.y, i))
        weights = step.layer.parameters
        shown += [Shown(symbol(name, f.symbols), step.weights[name]) for name in weights]
        shown.append(Shown(output(i), step.y))
    yield from _band(title, formulas, shown[:-1])


def _loss(numbers: Numbers) -> Iterator[Block]:
    last = len(numbers.steps) - 1
    start = loss_formulas(numbers)
    dy = gradient(output(numbers.top))
    yield from _band(
        "loss",
        [_last(start.per_sample, last), _last(start.gradient, last)],
        [
            Shown(output(last), numbers.prediction),
            Shown(same("t"), numbers.target),
            Shown(same("L[n]"), numbers.losses),
            Shown(dy, numbers.loss_gradient),
        ],
    )


def _backward(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """From the top down, a band for each step with weights, with the steps below it."""
    lowest = min(i for i, step in enumerate(numbers.steps) if step.has_gradient)
    shown: list[Shown] = []
    formulas: list[str] = []
    title = ""
    for i in range(numbers.top, lowest - 1, -1):
        step, f = numbers.steps[i], explained[i]
        if step.gradients and title:
            below = shown.pop() if numbers.steps[i + 1].dx is not None else None
            yield from _band(title, formulas, shown)
            shown, formulas, title = [below] if below else [], [], ""
        title = title or f"← {step.name}"
        for name in step.gradients:
            formulas.append(_last(f.gradients[name], i))
            array = exact_gradient(numbers.steps, i, name)
            shown.append(Shown(gradient(symbol(name, f.symbols)), array))
        if step.dx is not None:
            formulas.append(_last(f.dx, i))
            shown.append(Shown(gradient(output(i - 1)), step.dx))
    yield from _band(title, formulas, shown)


def _update(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    symbols = {step.name: f.symbols for step, f in zip(numbers.steps, explained, strict=True)}
    learned = [weight for weight in numbers.weights.values() if not weight.frozen]
    shown = []
    for weight in learned:
        short = weight.name.rpartition(".")[2]
        name = symbol(short, symbols[weight.layer])
        label = of("new", same(f"{weight.layer}.{name.text}"))
        shown.append(Shown(label, weight.new))
    update = ";  ".join(formula.text for formula in update_formulas(numbers.optimizer))
    yield from _band(f"update by {type(numbers.optimizer).__name__}", [update], shown)
