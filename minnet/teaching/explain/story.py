"""How one training step is told: forward, loss, backward, update, and whether the loss fell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minnet.teaching.explain.backward import tell_backward
from minnet.teaching.explain.blocks import Block, Heading, Prose
from minnet.teaching.explain.digits import DIGITS, LARGEST, is_cut
from minnet.teaching.explain.forward import tell_forward, tell_loss
from minnet.teaching.explain.layers import layer_formulas
from minnet.teaching.explain.numbers import Numbers
from minnet.teaching.explain.short import tell_short
from minnet.teaching.explain.update import tell_outcome, tell_update
from minnet.teaching.explain.words import output, samples

CHAPTERS = ("forward", "loss", "backward", "update", "outcome")
"""What a chapter is called by those who want it alone."""


def tell(numbers: Numbers, chapter: str | None = None, *, short: bool = False) -> list[Block]:
    """The whole explanation, block by block; one chapter of it, or one layer; or its short form."""
    formulas = [layer_formulas(step) for step in numbers.steps]
    if short:
        return list(tell_short(numbers, formulas))
    if chapter is not None and chapter not in CHAPTERS:
        return _about_layer(tell(numbers), chapter)
    tellers: dict[str, Callable[[], Iterator[Block]]] = {
        "forward": lambda: tell_forward(numbers, formulas),
        "loss": lambda: tell_loss(numbers),
        "backward": lambda: tell_backward(numbers, formulas),
        "update": lambda: tell_update(numbers, formulas),
        "outcome": lambda: tell_outcome(numbers),
    }
    if chapter is not None:
        return list(tellers[chapter]())
    return [*_opening(numbers), *(block for told in tellers.values() for block in told())]


def _about_layer(story: list[Block], layer: str) -> list[Block]:
    """What is said of this layer, of its activation, and of its weights, in all chapters."""
    kept: list[Block] = []
    chapter: Heading | None = None
    about = False
    for block in story:
        if isinstance(block, Heading):
            chapter = block if block.level == 2 else chapter
            about = block.about == layer or block.about.startswith(f"{layer}.")
            if about and chapter is not None:
                kept.append(chapter)
                chapter = None
        if about:
            kept.append(block)
    return kept


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
