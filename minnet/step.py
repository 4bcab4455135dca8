"""One training step: x forward to the loss, the gradient back to the weights, the weights along it.

x ──forward──▶ outputs [x, y1, y2, …, yL] ──loss──▶ L, dL/dyL
grad ◀──gradient, backward── from the last step down to the lowest trainable one
theta ◀──optimizer── run by run, only what is trainable; then after_step
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minnet.checks import Array
from minnet.layers.base import Memo
from minnet.losses import mean

if TYPE_CHECKING:
    from minnet.layers import Layer
    from minnet.models import Sequential

Forward = Callable[[Array, Memo | None], Array]


class Back(NamedTuple):
    """The way back through one layer."""

    number: int  # of the layer among those that ran: outputs[number] went in
    gradient: Callable[..., None] | None  # None: it has nothing to learn
    backward: Callable[..., Array] | None  # None: nothing below it learns


def way_back(layers: Sequence[Layer], learns: Sequence[bool], lowest: int) -> list[Back]:
    """From the top of these layers down to the lowest that learns, and no further."""
    return [
        Back(
            i, layers[i].gradient if learns[i] else None, layers[i].backward if i > lowest else None
        )
        for i in range(len(layers) - 1, lowest - 1, -1)
    ]


def run_forward(calls: Iterable[Forward], x: Array, memos: Iterable[Memo | None]) -> list[Array]:
    """The outputs [x, y1, y2, …] of layers that are run one after the other."""
    outputs = [x]
    for call, memo in zip(calls, memos, strict=False):
        x = call(x, memo)
        outputs.append(x)
    return outputs


def run_backward(
    way: Iterable[Back], outputs: Sequence[Array], dy: Array, memos: Sequence[Memo | None]
) -> None:
    """Fill the layers' gradients from dy, the gradient of the loss with respect to their output."""
    for i, gradient, back in way:
        x, y, memo = outputs[i], outputs[i + 1], memos[i]
        if gradient is not None:
            gradient(x, y, dy, memo)
        if back is not None:
            dy = back(x, y, dy, memo)


class TrainingStep:
    """A training step of a model as it stands, ready to be made with one batch after another.

    A step of a small network takes a fifth of a millisecond, of which looking things up for each
    batch would be a tenth. So what was frozen or put in the place of a method since then is seen
    by the next one that is planned. Nothing is checked.

    Parameters
    ----------
    model
        Compiled and built.
    rng
        For dropout.
    start
        The first of the model's steps to run, where the batches are what the steps below it gave.
    """

    def __init__(self, model: Sequential, rng: np.random.Generator, start: int = 0) -> None:
        updates, loss, route = model._require_compiled(), model._require_loss(), model._route()
        layers = model._steps[start:]
        self.rng, self.loss, self.updates = rng, loss, updates
        self.model = vars(model)  # past __setattr__, in every step
        self.skipped: list[Memo | None] = [None] * start
        self.trains, self.penalties = route.trains[start:], route.penalties
        self.forwards = [layer.forward for layer in layers]
        self.fused = bool(layers) and loss.is_fused_with(layers[-1])
        on_the_way = layers[:-1] if self.fused else layers
        self.way_back = way_back(on_the_way, route.learns[start:], route.lowest - start)
        self.runs = updates.runs(model._layers, model.theta, model.grad)
        self.differing = [(i, model._steps[i]) for i in route.differs]

    def loss_and_gradient(self, x: Array, target: Array, weight: Array | None) -> float:
        """The loss of one batch; fills the model's `grad`, `outputs` and memos."""
        memos: list[Memo | None] = [{"rng": self.rng} if on else None for on in self.trains]
        outputs = run_forward(self.forwards, x, memos)
        y = outputs[-1]
        if self.fused:
            losses, dy = self.loss.fused(outputs[-2], y, target)
        else:
            losses, dy = self.loss.per_sample(y, target), self.loss.gradient(y, target)
        if weight is not None:
            dy *= weight.reshape(-1, *[1] * (dy.ndim - 1))
        run_backward(self.way_back, outputs, dy, memos)
        value = mean(losses, weight)
        for array, gradient, regularizer in self.penalties:
            value += regularizer(array)
            gradient += regularizer.gradient(array)
        self.model["outputs"], self.model["_memos"] = outputs, self.skipped + memos
        return value

    def update(self) -> None:
        """Move theta along `grad`, then let layers write what a finished step changes."""
        self.updates.apply(self.runs)
        memos, self.model["_memos"] = self.model["_memos"], []
        for i, layer in self.differing if memos else ():
            if (memo := memos[i]) is not None:
                layer.after_step(memo)
