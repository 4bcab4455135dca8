"""The story of the way back: the chain rule, step by step, from the loss down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import Dense
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
from minnet.teaching.explain.forward import title
from minnet.teaching.explain.layers import recipe
from minnet.teaching.explain.losses import loss_recipe, one_gradient
from minnet.teaching.explain.words import (
    TERMS,
    Factor,
    at,
    gradient,
    named,
    output,
    place,
    slope,
    sum_of_products,
    symbol,
    value,
)

if TYPE_CHECKING:
    from minnet.teaching.explain.numbers import Explanation, Step


def tell_backward(run: Explanation) -> Iterator[Block]:
    """The gradient of the loss, then of every step down to the lowest that learns."""
    last = len(run.steps) - 1
    top = last - 1 if run.fused else last  # the highest step that has a dy
    lowest = min(i for i, step in enumerate(run.steps) if step.learns)
    yield Heading(2, "3. Backward: the chain rule, from the loss down")
    yield Prose(
        "Going down, each step multiplies the gradient that it is handed by its own derivative. "
        "What it is handed is all it needs to know of everything above."
    )
    if top > lowest:
        yield Prose(_chain(top, lowest))
    together = f", together with {run.steps[last].name}" if run.fused else ""
    yield Heading(3, f"3.1  the loss{together}")
    yield named(loss_recipe(run).gradient, last)
    dy = gradient(output(top))
    if run.sample_weight is not None:
        yield Prose(f"Each row n of {dy.text} is multiplied by the weight w[n] of its sample.")
    above = _dy(run.steps[top])
    shown = [Shown(output(last), run.prediction), Shown(same("t"), run.target)]
    yield Matrices([*shown, Shown(dy, above)])
    where = place(above)
    one = one_gradient(run, where)
    if one is not None:
        yield Worked(at(dy, *where), [one, value(above[where], bracketed=False)])
    for part, i in enumerate(range(top, lowest - 1, -1), 2):
        yield Heading(3, f"3.{part}  {title(run.steps[i])}")
        yield from _through(run.steps[i], i)
    unneeded = gradient(output(lowest - 1)).text
    below = ", ".join(step.name for step in run.steps[:lowest])
    why = f"nothing below learns ({below})" if below else "below is only x, which is not learned"
    yield Prose(f"Here the way back ends: {why}, so {unneeded} is never computed.")


def _chain(top: int, lowest: int) -> str:
    """∂L/∂ of the lowest output, as one product."""
    factors = [slope(i).text for i in range(top, lowest, -1)]
    if len(factors) > TERMS:
        factors = [*factors[:2], "…", factors[-1]]
    product = " · ".join([f"∂L/∂{output(top).text}", *factors])
    return f"All of it in one line: ∂L/∂{output(lowest).text} = {product}."


def _some(shown: list[Shown], name: Math, array: Array | None) -> list[Shown]:
    return shown if array is None else [*shown, Shown(name, array)]


def _through(step: Step, i: int) -> Iterator[Block]:
    found = recipe(step)
    x, dx, dy = output(i - 1), gradient(output(i - 1)), gradient(output(i))
    above = _some([], dy, step.dy)
    dense = found.known and isinstance(step.layer, Dense)
    if step.weights and not step.trains:
        yield Prose(
            f"{step.name} is frozen: its weights get no gradient, but the way down needs dx."
        )
    for name, array in step.gradients.items():
        yield named(found.gradients[name], i)
        before = [Shown(x, step.x)] if (dense and name == "W") or not found.known else []
        before += [part for part in found.kept if name == "gamma" and part.symbol.text == "x̂"]
        yield Matrices([*before, *above, Shown(gradient(symbol(name)), array)])
        if dense:
            yield _one_weight(step, i, name)
    if step.dx is None:
        return
    yield named(found.backward, i)
    if step.slope is not None:
        above.append(Shown(slope(i), step.slope))
    if dense:
        above.append(Shown(symbol("W"), step.weights["W"]))
    above += [part for part in found.kept if part.symbol.text == "m"]
    yield Matrices([*above, Shown(dx, step.dx)])
    if dense:
        yield _one_input(step, i)


def _dy(step: Step) -> Array:
    """dy of a step that the way back went through, which has one."""
    return np.empty(0) if step.dy is None else step.dy


def _one_weight(step: Step, i: int, name: str) -> Worked:
    """One number of dW or db by hand."""
    x, dy, above = output(i - 1), gradient(output(i)), _dy(step)
    array = step.gradients[name]
    where = place(array)
    terms: list[tuple[Factor, ...]] = []
    for n in range(len(above)):
        from_above = Factor(at(dy, n, where[-1]), above[n, where[-1]])
        if name == "W":
            terms.append((Factor(at(x, n, where[0]), step.x[n, where[0]]), from_above))
        else:
            terms.append((from_above,))
    return sum_of_products(at(gradient(symbol(name)), *where), terms, array[where])


def _one_input(step: Step, i: int) -> Worked:
    """One number of dx by hand."""
    dx, dy, W = gradient(output(i - 1)), gradient(output(i)), step.weights["W"]
    array, above = np.asarray(step.dx), _dy(step)
    n, k = place(array)
    terms = [
        (Factor(at(dy, n, j), above[n, j]), Factor(at(symbol("W"), k, j), W[k, j]))
        for j in range(W.shape[1])
    ]
    return sum_of_products(at(dx, n, k), terms, array[n, k])
