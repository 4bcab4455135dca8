"""How one training step is told: forward, loss, backward, update, and whether the loss fell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from minnet.teaching.explain.backward import tell_backward
from minnet.teaching.explain.blocks import Block, Heading, Prose
from minnet.teaching.explain.digits import DIGITS, LARGEST, is_cut
from minnet.teaching.explain.forward import tell_forward, tell_loss
from minnet.teaching.explain.update import tell_outcome, tell_update
from minnet.teaching.explain.words import output, samples

if TYPE_CHECKING:
    from minnet.teaching.explain.numbers import Explanation


def tell(run: Explanation) -> list[Block]:
    """The whole explanation, block by block."""
    return [
        *_opening(run),
        *tell_forward(run),
        *tell_loss(run),
        *tell_backward(run),
        *tell_update(run),
        *tell_outcome(run),
    ]


def _opening(run: Explanation) -> Iterator[Block]:
    N = len(run.prediction)
    path = " → ".join(f"{step.name} → {output(i).text}" for i, step in enumerate(run.steps))
    yield Heading(1, f"One training step of {run.model!r}, with its numbers")
    yield Prose(f"{samples(N)}, one a row, go this way: x → {path}, the prediction.")
    yield Prose(f"Loss: {run.loss_function!r}. Optimizer: {run.optimizer!r}.")
    frozen = list(dict.fromkeys(w.layer for w in run.weights.values() if w.frozen))
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
    yield Prose(_precision(run))
    if N > LARGEST:
        yield Prose(
            f"The batch has {N:,} rows, and sums run over all of them, shown or not. A batch of 3 "
            "or 4 rows can be followed by hand."
        )


def _precision(run: Explanation) -> str:
    said = (
        f"Numbers are shown with {DIGITS} significant digits (an exact 0 as 0, a matrix of whole "
        "numbers as such), and computed with all."
    )
    arrays = [run.steps[0].x, *(s.y for s in run.steps), *(w.value for w in run.weights.values())]
    if any(map(is_cut, arrays)):
        said += f" Of more than {LARGEST} rows or columns, the first three and the last are shown."
    return said
