"""The story of the way back: the chain rule, step by step, from the loss down."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.explain.blocks import Block, Heading, Math, Matrices, Prose, Shown, same
from minnet.teaching.explain.digits import LARGEST, first_nonzero, number
from minnet.teaching.explain.formulas import Computation, LayerFormulas
from minnet.teaching.explain.forward import beside, computed, example, title
from minnet.teaching.explain.losses import loss_formulas
from minnet.teaching.explain.numbers import Numbers, Step
from minnet.teaching.explain.words import (
    SLOPE,
    TERMS,
    gradient,
    named,
    names,
    output,
    slope,
    symbol,
)
from minnet.teaching.explain.zeros import cancelled


def tell_backward(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """The gradient of the loss, then of every step down to the lowest that learns."""
    steps, top = numbers.steps, numbers.top
    lowest = min(i for i, step in enumerate(steps) if step.has_gradient)
    yield Heading(2, "3. Backward: the chain rule, from the loss down")
    yield Prose(
        "Going down, each step multiplies the gradient that it is handed by its own derivative. "
        "What it is handed is all it needs to know of everything above."
    )
    if top > lowest:
        yield Prose(_chain(top, lowest))
    yield from _from_the_loss(numbers)
    for section, i in enumerate(range(top, lowest - 1, -1), 2):
        yield Heading(3, f"3.{section}  {title(steps[i])}", steps[i].name)
        yield from _through(steps, i, explained[i])
    unneeded = gradient(output(lowest - 1)).text
    below = ", ".join(step.name for step in steps[:lowest])
    why = f"nothing below learns ({below})" if below else "below is only x, which is not learned"
    yield Prose(f"Here the way back ends: {why}, so {unneeded} is never computed.")


def _chain(top: int, lowest: int) -> str:
    """∂L/∂ of the lowest output, as one product."""
    factors = [slope(i).text for i in range(top, lowest, -1)]
    if len(factors) > TERMS:
        factors = [*factors[:2], "…", factors[-1]]
    product = " · ".join([f"∂L/∂{output(top).text}", *factors])
    return f"All of it in one line: ∂L/∂{output(lowest).text} = {product}."


def _from_the_loss(numbers: Numbers) -> Iterator[Block]:
    """What the way back starts with."""
    last, start = len(numbers.steps) - 1, loss_formulas(numbers).gradient
    together = f", together with {numbers.steps[last].name}" if numbers.fused else ""
    yield Heading(3, f"3.1  the loss{together}", numbers.steps[last].name)
    yield named(start.formulas, last)
    dy = gradient(output(numbers.top))
    if numbers.sample_weight is not None:
        yield Prose(f"Each row n of {dy.text} is multiplied by the weight w[n] of its sample.")
    shown = [Shown(output(last), numbers.prediction), Shown(same("t"), numbers.target)]
    shown += beside(start, last)
    yield Matrices([*shown, computed(dy, numbers.loss_gradient, start, last)])
    yield from example(start, numbers.loss_gradient, last)


def _through(steps: list[Step], i: int, formulas: LayerFormulas) -> Iterator[Block]:
    """The gradients of a step's weights, then of its input, if anything below needs that."""
    step, marks = steps[i], names(i)
    above = [] if step.dy is None else [Shown(marks["@dy"], step.dy)]
    if step.weights and not step.in_training:
        yield Prose(
            f"{step.name} is frozen: its weights get no gradient, but the way down needs dx."
        )
    for name, array in step.gradients.items():
        computation = formulas.gradients[name]
        yield named(computation.formulas, i)
        symbol_of_it = gradient(symbol(name, formulas.symbols))
        result = computed(symbol_of_it, array, computation, i)
        why = cancelled(steps, i, name)
        if why:
            result = Shown(symbol_of_it, np.zeros_like(array))
        yield Matrices([*beside(computation, i), *above, result])
        if why:
            yield Prose(f"{symbol_of_it.text} is 0: {why} {_left_by_rounding(array)}".strip())
            continue
        yield from example(computation, array, i)
        yield from _silent(step, i, name, symbol_of_it)
    if step.dx is None:
        return
    computation = formulas.dx
    yield named(computation.formulas, i)
    curve = (
        []
        if step.slope is None
        else [Shown(SLOPE, step.slope, Computation(by_hand=formulas.slope).worked)]
    )
    shown = [*above, *beside(Computation(beside=curve), i), *beside(computation, i)]
    yield Matrices([*shown, computed(marks["@dx"], step.dx, computation, i)])
    if step.slope is not None:  # that of the number that is worked below
        slope_there = Computation(by_hand=formulas.slope).worked(first_nonzero(step.dx))
        yield from (line.named(marks) for line in slope_there)
    yield from example(computation, step.dx, i)
    if step.slope is not None and not np.all(step.slope):
        yield Prose(
            f"A 0 in {slope(i).text} stands where the curve is flat: whatever comes from above, "
            "nothing goes back through it."
        )


def _left_by_rounding(array: Array) -> str:
    size = float(np.max(np.abs(array), initial=0.0))
    if size == 0.0:
        return ""
    return f"(The run itself has up to {number(size)} there, which is what rounding left.)"


def _silent(step: Step, i: int, name: str, result: Math) -> Iterator[Prose]:
    """Why whole rows or columns of dW are 0, where that is so."""
    array, dy = step.gradients[name], step.dy
    if array.ndim != 2 or dy is None or step.x.ndim != 2:
        return
    columns = [j for j in range(array.shape[1]) if not dy[:, j].any()]
    rows = [k for k in range(array.shape[0]) if not step.x[:, k].any()]
    marks = names(i)
    if columns:
        yield Prose(
            f"{result.text} is 0 in {_counted('column', columns)}: nothing comes back to "
            f"{'this output' if len(columns) == 1 else 'these outputs'}, since {marks['@dy'].text} "
            "is 0 there in every row."
        )
    if rows:
        yield Prose(
            f"{result.text} is 0 in {_counted('row', rows)}: {marks['@x'].text} is 0 there in "
            "every sample, and a weight on an input of 0 has no say."
        )


def _counted(noun: str, indices: list[int]) -> str:
    """ "column 2", "columns 0 and 2", "31 of the columns"."""
    if len(indices) > LARGEST:
        return f"{len(indices):,} {noun}s"
    *before, last = map(str, indices)
    return f"{noun}s {', '.join(before)} and {last}" if before else f"{noun} {last}"
