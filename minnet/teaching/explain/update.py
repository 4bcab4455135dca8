"""The story's end: the update of every weight, and what became of the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minnet.foundation.checks import Array
from minnet.optimizers import Optimizer
from minnet.teaching.explain.blocks import (
    Block,
    Formulas,
    Heading,
    Index,
    Math,
    Matrices,
    Prose,
    Shown,
    Source,
    Worked,
)
from minnet.teaching.explain.digits import LOSS_DIGITS, latex, number, plain
from minnet.teaching.explain.formulas import LayerFormulas
from minnet.teaching.explain.numbers import Numbers, Step, UpdatedNumber, Weight
from minnet.teaching.explain.optimizers import (
    by_hand,
    optimizer_formulas,
    settings,
    update_formulas,
)
from minnet.teaching.explain.words import (
    at,
    calculation,
    entry,
    gradient,
    largest,
    of,
    sources,
    symbol,
    value,
)
from minnet.teaching.explain.zeros import cancelled

QUARTER = (0.2, 0.3)
"""How near to a quarter the gap of half a step has to come to be called one."""

ROUNDING = 1e-13
"""What rounding leaves of two float64 losses that should be equal, relative to them."""


def tell_update(numbers: Numbers, explained: list[LayerFormulas]) -> Iterator[Block]:
    """The optimizer's formula, then every weight by it."""
    optimizer = numbers.optimizer
    learned = [weight for weight in numbers.weights.values() if not weight.frozen]
    alike = len({(weight.learning_rate, weight.t) for weight in learned}) == 1
    yield Heading(2, f"4. Update: {type(optimizer).__name__} moves the weights")
    about = optimizer_formulas(optimizer).about
    yield Prose(
        f"θ is any one weight, g its gradient, Δ what is added to a weight. {about}".strip()
    )
    yield Formulas(update_formulas(optimizer))
    rate = _rate(learned[0]) if alike else "η and t stand with each weight"
    yield Prose(f"Here {'; '.join([rate, ', '.join(settings(optimizer))]).removesuffix('; ')}.")
    yield from _clipping(numbers)
    frozen = ", ".join(weight.name for weight in numbers.weights.values() if weight.frozen)
    if frozen:
        yield Prose(f"Frozen, so not updated, every bit as it was: {frozen}.")
    layers = {step.name: (step, f) for step, f in zip(numbers.steps, explained, strict=True)}
    order = {step.name: i for i, step in enumerate(numbers.steps)}
    for section, weight in enumerate(learned, 1):
        yield Heading(3, f"4.{section}  {weight.name}", weight.name)
        if not alike:
            yield Prose(f"Here {_rate(weight)}.")
        short = weight.name.rpartition(".")[2]
        if cancelled(numbers.steps, order[weight.layer], short):
            yield Prose(
                "Its gradient is exactly 0, as the way back showed; what stands here is what "
                "rounding left, as the optimizer got it. Adam and RMSprop, which divide by its "
                "size, may make a whole step of it. Batch normalization takes it out again."
            )
        yield from _one_weight(weight, *layers[weight.layer], optimizer)
    yield from _states(numbers, explained, len(learned) + 1)


def _rate(weight: Weight) -> str:
    return (
        f"the learning rate is η = {plain(weight.learning_rate or 0.0)}, and this is update number "
        f"t = {weight.t}"
    )


def _clipping(numbers: Numbers) -> Iterator[Block]:
    limit, size = numbers.optimizer.global_clipnorm, numbers.gradient_norm
    if limit is None:
        yield from _other_clipping(numbers.optimizer)
        return
    yield Worked(
        Math("‖g‖ over all that is trainable", r"\lVert g \rVert"), [value(size, bracketed=False)]
    )
    if size > limit:
        yield Prose(
            f"That is above global_clipnorm = {plain(limit)}, so g is scaled down to this norm "
            f"first: g ← g · {plain(limit)} / ‖g‖, which is {number(limit / size)} g."
        )
    else:
        yield Prose(f"That is not above global_clipnorm = {plain(limit)}, so g stays as it is.")


def _other_clipping(optimizer: Optimizer) -> Iterator[Block]:
    """What clipnorm and clipvalue do, which is to each array; the clipped ones stand below."""
    if optimizer.clipnorm is not None:
        c = plain(optimizer.clipnorm)
        yield Prose(
            f"Each array's gradient whose norm is above clipnorm = {c} is scaled down to that norm "
            f"first: g ← g · {c} / ‖g‖."
        )
    if optimizer.clipvalue is not None:
        c = plain(optimizer.clipvalue)
        yield Prose(f"Each number of g is cut off at −{c} and {c} first, by clipvalue = {c}.")


def _one_weight(
    weight: Weight, step: Step, formulas: LayerFormulas, optimizer: Optimizer
) -> Iterator[Block]:
    """A weight, its gradient and its slots, before and after, and one number by hand."""
    short = weight.name.rpartition(".")[2]
    name = symbol(short, formulas.symbols)
    g = gradient(name)
    array, handed = weight.gradient, weight.clipped_gradient
    if array is None or handed is None:
        return
    if weight.penalty_gradient is not None:
        yield Prose(f"{g.text} is the sum of the data's gradient and the penalty's.")
        yield Matrices(
            [
                Shown(of("data's", g), step.gradients[short]),
                Shown(of("penalty's", g), weight.penalty_gradient),
                Shown(g, array),
            ]
        )
    shown = [Shown(name, weight.value)]
    if np.array_equal(array, handed):
        shown.append(Shown(g, array))
    else:
        shown.append(Shown(of("clipped", g), handed))
    yield Matrices(shown)
    symbols = optimizer_formulas(optimizer).symbols
    bound = weight.constraint is not None

    def work(index: Index) -> list[Worked]:
        number_of_it = _updated(weight, handed, index)
        used = (Source(name, index), Source(shown[1].symbol, index))
        slots = [Source(of("old", symbol(slot, symbols)), index) for slot in weight.slots]
        return [line._replace(sources=(*used, *slots)) for line in by_hand(optimizer, number_of_it)]

    for slot, before in weight.slots.items():
        sign = symbol(slot, symbols)
        new = Shown(of("new", sign), weight.new_slots[slot], _lines_of(sign, work))
        yield Matrices([Shown(of("old", sign), before), new])
    delta = Math(f"Δ{name.text}", rf"\Delta {name.latex}")
    yield Matrices(
        [
            Shown(delta, weight.delta, _change_by_hand(weight, name, delta)),
            Shown(of("new", name), weight.new, None if bound else work),
        ]
    )
    index = largest(handed)
    if weight.constraint is not None:
        yield Prose(
            f"The update is followed by {weight.constraint!r}, which brings {name.text} into its "
            "bounds: the change and the new values are after both."
        )
        return
    updated, worked = _updated(weight, handed, index), work(index)
    if worked:
        where = f"[{', '.join(map(str, index))}]" if index else ""
        yield Prose(
            f"By hand, for θ = {name.text}{where}, whose gradient is the largest shown, "
            f"g = {number(updated.g)}:"
        )
        yield from worked


def _lines_of(sign: Math, work: Callable[[Index], list[Worked]]) -> Callable[[Index], list[Worked]]:
    """Of an update by hand the lines that make one slot."""
    return lambda index: [line for line in work(index) if line.left == sign]


def _change_by_hand(weight: Weight, name: Math, delta: Math) -> Callable[[Index], list[Worked]]:
    """One number of new − old."""

    def work(index: Index) -> list[Worked]:
        used = entry(of("new", name), weight.new, *index), entry(name, weight.value, *index)
        return [
            calculation(
                at(delta, *index),
                [factor.value for factor in used],
                lambda v: Math(f"{v[0].text} − {v[1].text}", f"{v[0].latex} - {v[1].latex}"),
                lambda v: v[0] - v[1],
                weight.delta[index],
                sources(used),
            )
        ]

    return work


def _updated(weight: Weight, handed: Array, index: Index) -> UpdatedNumber:
    """The number at this index, with its gradient as the optimizer got it, and its slots."""
    return UpdatedNumber(
        theta=float(weight.value[index]),
        new=float(weight.new[index]),
        g=float(handed[index]),
        slots={slot: float(values[index]) for slot, values in weight.slots.items()},
        new_slots={slot: float(values[index]) for slot, values in weight.new_slots.items()},
        learning_rate=weight.learning_rate or 0.0,
        t=weight.t or 1,
    )


def _states(numbers: Numbers, explained: list[LayerFormulas], section: int) -> Iterator[Block]:
    """Running statistics, which are not learned but move at the end of a step."""
    moved = [s for s in numbers.states.values() if not np.array_equal(s.value, s.new)]
    if not moved:
        return
    yield Heading(3, f"4.{section}  What is kept and not learned")
    yield Prose("They are not learned: a finished step writes them.")
    for formulas in explained:
        if formulas.states:
            yield Prose(formulas.states)
    for state in moved:
        name = symbol(state.name)
        yield Matrices([Shown(name, state.value), Shown(of("new", name), state.new)])


# --- what became of the loss ----------------------------------------------------------------------


def tell_outcome(numbers: Numbers) -> Iterator[Block]:
    """The loss promised to first order, the loss that came, and the gap between them."""
    yield Heading(2, "5. What the gradient promised, and what came")
    yield Prose(
        "The gradient is the slope of L. If L were a straight line, it would change by ∇L·Δθ, the "
        "sum over all weights of gradient times change. A curved L has more terms, with its second "
        "derivatives H:"
    )
    yield Formulas(
        [
            Math(
                "L(θ + Δθ) = L + ∇L·Δθ + ½ Δθᵀ H Δθ + …",
                r"L(\theta + \Delta\theta) = L + \nabla L \cdot \Delta\theta"
                r" + \tfrac{1}{2} \Delta\theta^{\top} H \Delta\theta + \cdots",
            )
        ]
    )
    change = numbers.predicted_loss - numbers.loss
    promised, after = numbers.predicted_loss, numbers.new_loss
    yield _line("loss before", r"\text{loss before}", number(numbers.loss, LOSS_DIGITS))
    yield _line("∇L·Δθ", r"\nabla L \cdot \Delta\theta", number(change))
    yield _line("loss promised", r"\text{loss promised}", number(promised, LOSS_DIGITS))
    yield _line("loss after", r"\text{loss after}", number(after, LOSS_DIGITS))
    yield _line("gap", r"\text{gap}", number(numbers.gap))
    yield Prose(
        "The loss after is of the same batch"
        + (" with the same dropout masks" if any("mask" in s.memo for s in numbers.steps) else "")
        + ". The gap is the loss after minus the loss promised, run in float64 so that rounding "
        "does not blur it."
    )
    yield Prose(_why(numbers))
    verdict = _verdict(numbers, change)
    if verdict:
        yield Prose(verdict)


def _line(text: str, tex: str, shown: str) -> Worked:
    return Worked(Math(text.ljust(13), tex), [Math(shown, latex(shown))])


def _why(numbers: Numbers) -> str:
    """What the gap is made of, by the gap that half the step leaves."""
    change = numbers.predicted_loss - numbers.loss
    if abs(numbers.gap) <= ROUNDING * (abs(numbers.loss) + abs(change)):
        return "The gap is no more than rounding: along this step the loss is a straight line."
    share = numbers.half_gap / numbers.gap
    measured = (
        f"Half the step leaves a gap of {number(numbers.half_gap)}, which is {number(share)} of "
        "the whole step's. "
    )
    if QUARTER[0] <= share <= QUARTER[1]:
        bend = (
            "upwards, so the slope was steepest at the start"
            if numbers.gap > 0
            else "downwards, so the slope grew on the way"
        )
        return (
            f"{measured}The second-order term ½ Δθᵀ H Δθ leaves a quarter, since Δθ stands in it "
            f"twice: that is what the gap is. The loss bends {bend}."
        )
    return (
        f"{measured}The second-order term ½ Δθᵀ H Δθ alone would leave a quarter, since Δθ stands "
        "in it twice. So this step is long enough for terms of higher order to count, or it "
        "crosses a kink, such as ReLU's at 0."
    )


def _verdict(numbers: Numbers, change: float) -> str:
    if change > 0:
        return (
            "The gradient promised a higher loss: the optimizer did not go downhill on this batch, "
            "as momentum or weight decay can have it."
        )
    if numbers.new_loss > numbers.loss:
        return (
            "The loss rose although the gradient pointed down: the step was too long for the "
            "slope to hold. Try a smaller learning rate."
        )
    return ""
