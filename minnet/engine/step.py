"""One training step: x forward to the loss, its gradient back to the weights, then the update::

    x ──forward──▶ outputs [x, y1, y2, …, yL] ──loss──▶ L, dL/dyL
    grad ◀──gradient, backward── from the last step down to the lowest trainable one
    theta ◀──optimizer── run by run, only what is trainable; then after_step

A *training step* is one update. The *steps* of a model are what runs: a Dense with an activation is
two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers.base import Memo
from minnet.losses import mean

if TYPE_CHECKING:
    from minnet.engine.updates import Run
    from minnet.layers import Layer
    from minnet.models import Sequential

Forward = Callable[[Array, Memo | None], Array]


class Back(NamedTuple):
    """The way back through one layer."""

    number: int  # outputs[number] is its input, outputs[number + 1] its output
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


def run_forward(calls: Sequence[Forward], x: Array, memos: Sequence[Memo | None]) -> list[Array]:
    """The outputs [x, y1, y2, …] of layers that are run one after the other."""
    outputs = [x]
    for call, memo in zip(calls, memos, strict=True):
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
    """The training step of a model: planned once, then made with one batch after another.

    The plan holds the steps' methods, what is frozen, the penalties and the runs of theta. Looking
    these up for each batch would be a tenth of the time on a small network. A plan does not see
    later changes to them; learning rates are read at each update. `fit` plans anew for each epoch,
    when a layer was frozen or unfrozen, and for each batch where a callback of the user's has a
    batch hook. Nothing is checked.

    Parameters
    ----------
    model
        Compiled and built.
    rng
        What layers such as Dropout draw from.
    start
        The first of the model's steps to run, where the batches are what the steps below it gave.
    """

    def __init__(self, model: Sequential, rng: np.random.Generator, start: int = 0) -> None:
        updates, loss = model._require_compiled(), model._require_loss()
        model._require_built()
        route, layers = model._route(), model._steps[start:]
        self.model, self.route, self.rng = model, route, rng
        self.loss, self.updates = loss, updates
        self.attributes = vars(model)  # written to directly: __setattr__ would check in every step
        self.skipped: list[Memo | None] = [None] * start
        self.trains, self.penalties = route.trains[start:], route.penalties
        self.forwards = [layer.forward for layer in layers]
        self.fused = bool(layers) and loss.is_fused_with(layers[-1])
        on_the_way = layers[:-1] if self.fused else layers
        self.way_back = way_back(on_the_way, route.learns[start:], route.lowest - start)
        self.runs: tuple[Run, ...] | None = None  # planned by the first update

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
        self.attributes["outputs"] = outputs
        self.attributes["_memos"] = self.skipped + memos
        return value

    def update(self) -> None:
        """Move theta along `grad`, then let layers write what a finished step changes."""
        if self.runs is None:
            model = self.model
            self.runs = self.updates.runs(model._layers, model.theta, model.grad)
        self.updates.apply(self.runs)
        if self.route.differs:
            self.model._write_states()
