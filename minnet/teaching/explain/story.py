"""How one training step is told: forward, loss, backward, update, and whether the loss fell."""

from __future__ import annotations

from collections.abc import Iterator

from minnet.teaching.explain.backward import tell_backward
from minnet.teaching.explain.blocks import Block, Heading, Prose
from minnet.teaching.explain.digits import DIGITS, LARGEST, is_cut
from minnet.teaching.explain.forward import tell_forward, tell_loss
from minnet.teaching.explain.layers import layer_formulas
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.update import tell_outcome, tell_update
from minnet.teaching.explain.words import output, samples


def tell(numbers: Numbers) -> list[Block]:
    """The whole explanation, block by block."""
    formulas = [layer_formulas(step) for step in numbers.steps]
    return [
        *_opening(numbers),
        *tell_forward(numbers, formulas),
        *tell_loss(numbers),
        *tell_backward(numbers, formulas),
        *tell_update(numbers, formulas),
        *tell_outcome(numbers),
    ]


def _opening(numbers: Numbers) -> Iterator[Block]:
    N = len(numbers.prediction)
    path = " → ".join(f"{step.name} → {output(i).text}" for i, step in enumerate(numbers.steps))
    yield Heading(1, f"One training step of {numbers.model!r}, with its numbers")
    yield Prose(f"{samples(N)}, one a row, go this way: x → {path}, the prediction.")
    yield Prose(f"Loss: {numbers.loss_function!r}. Optimizer: {numbers.optimizer!r}.")
    frozen = list(dict.fromkeys(w.layer for w in numbers.weights.values() if w.frozen))
    if frozen:
        yield Prose(
            f"Frozen: {', '.join(frozen)}. What is frozen runs as in inference, its weights get no "
            "gradient, and they are not updated."
        )
    yield Prose(
        "Notation: dA stands for ∂L/∂A, the gradient of the loss L with respect to A, and has A's "
        "shape. x W is a matrix product, ⊙ multiplies entry by entry, Aᵀ is A with rows and "
        "columns swapped, and A[i, j] counts from 0."
    )
    yield Prose(_precision(numbers))
    if N > LARGEST:
        yield Prose(
            f"The batch has {N:,} rows, and sums run over all of them, shown or not. A batch of 3 "
            "or 4 rows can be followed by hand."
        )


def _precision(numbers: Numbers) -> str:
    sentence = (
        f"Numbers are shown with {DIGITS} significant digits (an exact 0 as 0, a matrix of whole "
        "numbers as such), and computed with all."
    )
    outputs = [step.y for step in numbers.steps]
    arrays = [numbers.steps[0].x, *outputs, *(w.value for w in numbers.weights.values())]
    if not any(map(is_cut, arrays)):
        return sentence
    cut = f"Of more than {LARGEST} rows or columns, the first three and the last are shown."
    return f"{sentence} {cut}"
