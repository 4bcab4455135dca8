"""How a training step runs forward and backward through a network.

The plan is worked out once, and anew only when something of a layer was set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from minnet.constraints import Constraint
from minnet.foundation.checks import Array
from minnet.layers import Layer
from minnet.layers.base import Memo
from minnet.regularizers import Regularizer

Forward = Callable[[Array, Memo | None], Array]


class BackwardStep(NamedTuple):
    """The way back through one of the model's steps."""

    number: int  # outputs[number] is the step's input, outputs[number + 1] its output
    gradient: Callable[..., None] | None  # None: it has nothing to learn
    backward: Callable[..., Array] | None  # None: nothing below it learns


class Penalty(NamedTuple):
    """A weight that is penalised, its gradient, and the penalty."""

    weight: Array
    gradient: Array
    regularizer: Regularizer


class Bound(NamedTuple):
    """A weight that is brought into bounds after each update."""

    weight: Array
    constraint: Constraint


class Plan(NamedTuple):
    """How a training step runs through the model's steps, as its layers are frozen now.

    Attributes
    ----------
    layers
        The layers that this is the plan of; `last` is the last of their steps.
    forward
        Each step's `forward`, in order.
    backward
        The way back, from the last step down to the lowest that learns.
    in_training
        For each step: whether it is given a memo. A frozen one is not, and so it runs as it does
        in inference.
    has_gradient
        For each step: whether its weights want a gradient.
    changes_in_training
        The numbers of the steps that are in training and compute something else than in inference,
        and their `after_step`.
    lowest_learning
        The number of the lowest step that learns; below it no gradient is needed.
    cacheable
        How many of the first steps give the same output for the same input, update after update.
    penalties
        What is added to the loss and to the gradient for the weights of trainable layers.
    bounds
        What is done to the weights of trainable layers after each update.
    """

    layers: tuple[Layer, ...]
    last: Layer | None
    forward: tuple[Forward, ...]
    backward: tuple[BackwardStep, ...]
    in_training: tuple[bool, ...]
    has_gradient: tuple[bool, ...]
    changes_in_training: tuple[tuple[int, Callable[[Memo], None]], ...]
    lowest_learning: int
    cacheable: int
    penalties: tuple[Penalty, ...]
    bounds: tuple[Bound, ...]


def make_plan(layers: Sequence[Layer]) -> Plan:
    """Return the plan for these layers."""
    steps: list[Layer] = []
    in_training: list[bool] = []
    has_gradient: list[bool] = []
    changes_in_training: list[tuple[int, Callable[[Memo], None]]] = []
    penalties: list[Penalty] = []
    bounds: list[Bound] = []
    for layer in layers:
        for step in layer.steps():
            if layer.trainable and step.training_differs:
                changes_in_training.append((len(steps), step.after_step))
            steps.append(step)
            in_training.append(layer.trainable)
            has_gradient.append(layer.trainable and bool(step.weights))
        if layer.trainable:
            gradients = layer.gradients()
            penalties += [
                Penalty(getattr(layer, name), gradients[name], regularizer)
                for name, regularizer in layer.regularizers.items()
            ]
            bounds += [
                Bound(getattr(layer, name), constraint)
                for name, constraint in layer.constraints.items()
            ]
    lowest = has_gradient.index(True) if any(has_gradient) else len(steps)
    backward = [
        BackwardStep(
            i,
            steps[i].gradient if has_gradient[i] else None,
            steps[i].backward if i > lowest else None,
        )
        for i in range(len(steps) - 1, lowest - 1, -1)
    ]
    return Plan(
        tuple(layers),
        steps[-1] if steps else None,
        tuple(step.forward for step in steps),
        tuple(backward),
        tuple(in_training),
        tuple(has_gradient),
        tuple(changes_in_training),
        lowest,
        min([lowest, *(i for i, _ in changes_in_training)]),
        tuple(penalties),
        tuple(bounds),
    )


def run_forward(forwards: Sequence[Forward], x: Array, memos: Sequence[Memo | None]) -> list[Array]:
    """Return the outputs [x, y1, y2, …] of steps that are run one after the other."""
    outputs = [x]
    for forward, memo in zip(forwards, memos, strict=True):
        x = forward(x, memo)
        outputs.append(x)
    return outputs


def run_backward(
    way_back: Sequence[BackwardStep],
    outputs: Sequence[Array],
    dy: Array,
    memos: Sequence[Memo | None],
    start: int = 0,
) -> None:
    """Fill the gradients from dy, the gradient of the loss with respect to the last output.

    Parameters
    ----------
    way_back
        The steps, from the top down.
    outputs
        [x, y1, y2, …], beginning with the input of the step number `start`.
    memos
        One for each of the model's steps.
    """
    for i, gradient, backward in way_back:
        x, y, memo = outputs[i - start], outputs[i - start + 1], memos[i]
        if gradient is not None:
            gradient(x, y, dy, memo)
        if backward is not None:
            dy = backward(x, y, dy, memo)
