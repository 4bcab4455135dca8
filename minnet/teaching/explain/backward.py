"""The story of the way back: the chain rule, step by step, from the loss down."""

from __future__ import annotations

from collections.abc import Iterator

from minnet.teaching.explain.blocks import Block, Heading, Matrices, Prose, Shown, same
from minnet.teaching.explain.formulas import LayerFormulas
from minnet.teaching.explain.forward import title
from minnet.teaching.explain.losses import loss_formulas
from minnet.teaching.explain.numbers import Numbers, Step
from minnet.teaching.explain.words import TERMS, gradient, named, names, output, slope, symbol


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
        yield Heading(3, f"3.{section}  {title(steps[i])}")
        yield from _through(steps[i], i, explained[i])
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
    yield Heading(3, f"3.1  the loss{together}")
    yield named(start.formulas, last)
    dy = gradient(output(numbers.top))
    if numbers.sample_weight is not None:
        yield Prose(f"Each row n of {dy.text} is multiplied by the weight w[n] of its sample.")
    shown = [Shown(output(last), numbers.prediction), Shown(same("t"), numbers.target)]
    shown += [beside.named(names(last)) for beside in start.beside]
    yield Matrices([*shown, Shown(dy, numbers.loss_gradient)])
    if start.by_hand is not None:
        yield start.by_hand.named(names(last))


def _through(step: Step, i: int, formulas: LayerFormulas) -> Iterator[Block]:
    """The gradients of a step's weights, then of its input, if anything below needs that."""
    marks = names(i)
    above = [] if step.dy is None else [Shown(marks["@dy"], step.dy)]
    if step.weights and not step.in_training:
        yield Prose(
            f"{step.name} is frozen: its weights get no gradient, but the way down needs dx."
        )
    for name, array in step.gradients.items():
        computation = formulas.gradients[name]
        yield named(computation.formulas, i)
        beside = [shown.named(marks) for shown in computation.beside]
        result = Shown(gradient(symbol(name, formulas.symbols)), array)
        yield Matrices([*beside, *above, result])
        if computation.by_hand is not None:
            yield computation.by_hand.named(marks)
    if step.dx is None:
        return
    computation = formulas.dx
    yield named(computation.formulas, i)
    curve = [] if step.slope is None else [Shown(slope(i), step.slope)]
    beside = [shown.named(marks) for shown in computation.beside]
    yield Matrices([*above, *curve, *beside, Shown(marks["@dx"], step.dx)])
    if computation.by_hand is not None:
        yield computation.by_hand.named(marks)
