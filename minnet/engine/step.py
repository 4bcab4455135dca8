"""One training step: x forward to the loss, its gradient back to the weights, then the update::

    x ──forward──▶ outputs [x, y1, y2, …, yL] ──loss──▶ L, dL/dyL
    grad ◀──gradient, backward── from the last step down to the lowest that learns
    theta ◀──optimizer── group by group, only what is trainable; then constraints and after_step

A *training step* is one update. The *steps* of a model are what runs: a Dense with an activation is
two of them. How a training step runs through them is its plan, in `plan.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minnet.engine.plan import Plan, run_backward, run_forward
from minnet.engine.updates import Updates
from minnet.engine.vectors import ParameterVectors
from minnet.foundation.borders import like, one_a_sample
from minnet.foundation.checks import Array
from minnet.foundation.strict import is_own
from minnet.layers.base import Memo
from minnet.losses import Loss, mean


class Batch(NamedTuple):
    """Samples that were checked, on their way into a training step."""

    x: Array
    target: Array
    weight: Array | None
    rng: np.random.Generator


class TrainingStep:
    """What a training step leaves behind until the next: its outputs, and memos until the update.

    Attributes
    ----------
    batch
        A batch that was checked, on its way through a `loss_and_gradient` of one's own.
    outputs
        [x, y1, …, yL], beginning with the input of the first step that ran.
    memos
        One for each of the model's steps; none before the first step and after an update.
    checked, tried
        The plan and what was compiled, when they were seen to suit each other, and when a user's
        own classes were tried.
    """

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.outputs: list[Array] = []
        self.memos: list[Memo | None] = []
        self.checked: tuple[object, object] = (None, None)
        self.tried: tuple[object, ...] = ()

    def compute(
        self,
        plan: Plan,
        loss: Loss,
        x: Array,
        target: Array,
        weight: Array | None,
        rng: np.random.Generator,
        start: int = 0,
    ) -> float:
        """Return the loss of one batch and fill the gradients; `minnet.parallel` shares it out."""
        return loss_and_gradient(plan, loss, self, x, target, weight, rng, start)


def loss_and_gradient(
    plan: Plan,
    loss: Loss,
    memory: TrainingStep,
    x: Array,
    target: Array,
    weight: Array | None,
    rng: np.random.Generator,
    start: int = 0,
) -> float:
    """Return the loss of one batch; fill the gradients, and keep the outputs and the memos.

    Nothing is checked.

    Parameters
    ----------
    memory
        The outputs and the memos are kept there.
    x, target, weight
        The batch.
    rng
        What layers such as Dropout draw from.
    start
        The number of the model's step that x is the input of.
    """
    memos: list[Memo | None] = [{"rng": rng} if on else None for on in plan.in_training]
    if start:
        memos[:start] = [None] * start  # these have run, as in inference
    outputs = run_forward(plan.steps[start:], x, memos[start:])
    y, way_back = outputs[-1], plan.backward
    if len(outputs) > 1 and plan.last is not None and loss.is_fused_with(plan.last):
        losses, dy = loss.fused(outputs[-2], y, target)
        way_back = way_back[1:]
    else:
        losses, dy = loss.per_sample(y, target), loss.gradient(y, target)
        if is_own(loss):  # a batch of one row may have another shape
            one_a_sample(loss, "per_sample", y, losses)
            like(loss, "gradient", y, dy)
    if weight is not None:
        dy *= weight.reshape(-1, *[1] * (dy.ndim - 1))
        if not np.isfinite(dy.sum()):
            dy[weight == 0] = 0.0  # a sample that does not count may be beyond all numbers
    run_backward(way_back, outputs, dy, memos, start)
    value = mean(losses, weight)
    for array, gradient, regularizer in plan.penalties:
        value += regularizer(array)
        gradient += regularizer.gradient(array)
    memory.outputs, memory.memos = outputs, memos
    return value


def apply_gradient(
    plan: Plan, updates: Updates, vectors: ParameterVectors, memory: TrainingStep
) -> None:
    """Move theta along the gradient into its bounds, and let layers write what they keep."""
    updates.apply(updates.groups(plan, vectors))
    for weight, constraint in plan.bounds:
        weight[...] = constraint(weight)
    memos, memory.memos = memory.memos, []
    if memos:  # none: no batch was seen since the last update
        for i in plan.changes_in_training:
            memo = memos[i]
            if memo is not None:
                plan.steps[i].after_step(memo)
