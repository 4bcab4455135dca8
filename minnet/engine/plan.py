"""How a training step runs forward and backward through a network.

The plan is worked out once, and anew only when something of a layer was set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minnet.constraints import Constraint
from minnet.engine.shapes import layer_shapes
from minnet.foundation.checks import Array, Shape
from minnet.foundation.strict import is_own
from minnet.layers import Layer
from minnet.layers.base import Memo
from minnet.regularizers import Regularizer


class BackwardStep(NamedTuple):
    """The way back through one of the model's steps."""

    number: int  # outputs[number] is its input, outputs[number + 1] its output
    step: Layer
    learns: bool  # whether its weights want a gradient
    goes_on: bool  # whether something below it learns


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
    steps
        What runs, in order.
    backward
        The way back, from the last step down to the lowest that learns.
    in_training
        For each step: whether it is given a memo. A frozen one is not, and so it runs as it does
        in inference.
    has_gradient
        For each step: whether its weights want a gradient.
    changes_in_training
        The numbers of the steps that are in training and compute something else than in inference.
    lowest_learning
        The number of the lowest step that learns; below it no gradient is needed.
    cacheable
        How many of the first steps give the same output for the same input, update after update.
    penalties
        What is added to the loss and to the gradient for the weights of trainable layers.
    bounds
        What is done to the weights of trainable layers after each update.
    output_shape
        The shape of one prediction; None where that of the input was not given.
    own_classes
        Whether a layer, a penalty or a constraint is of a user's class.
    """

    layers: tuple[Layer, ...]
    last: Layer | None
    steps: tuple[Layer, ...]
    backward: tuple[BackwardStep, ...]
    in_training: tuple[bool, ...]
    has_gradient: tuple[bool, ...]
    changes_in_training: tuple[int, ...]
    lowest_learning: int
    cacheable: int
    penalties: tuple[Penalty, ...]
    bounds: tuple[Bound, ...]
    output_shape: Shape | None
    own_classes: bool


def make_plan(layers: Sequence[Layer], input_shape: Shape | None = None) -> Plan:
    """Return the plan for these layers, whose input has samples of this shape."""
    steps: list[Layer] = []
    in_training: list[bool] = []
    has_gradient: list[bool] = []
    changes_in_training: list[int] = []
    penalties: list[Penalty] = []
    bounds: list[Bound] = []
    for layer in layers:
        for step in layer.steps():
            if layer.trainable and step.training_differs:
                changes_in_training.append(len(steps))
            steps.append(step)
            in_training.append(layer.trainable)
            has_gradient.append(layer.trainable and bool(step.parameters))
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
        BackwardStep(i, steps[i], has_gradient[i], i > lowest)
        for i in range(len(steps) - 1, lowest - 1, -1)
    ]
    return Plan(
        tuple(layers),
        steps[-1] if steps else None,
        tuple(steps),
        tuple(backward),
        tuple(in_training),
        tuple(has_gradient),
        tuple(changes_in_training),
        lowest,
        min([lowest, *changes_in_training]),
        tuple(penalties),
        tuple(bounds),
        None if input_shape is None else layer_shapes(layers, input_shape)[-1],
        any(map(is_own, [*layers, *steps, *(p[-1] for p in penalties), *(b[-1] for b in bounds)])),
    )


def run_forward(steps: Sequence[Layer], x: Array, memos: Sequence[Memo | None]) -> list[Array]:
    """Return the outputs [x, y1, y2, …] of steps that are run one after the other."""
    outputs = [x]
    for step, memo in zip(steps, memos, strict=True):
        x = step.forward(x, memo)
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
    for i, step, learns, goes_on in way_back:
        x, y, memo = outputs[i - start], outputs[i - start + 1], memos[i]
        if learns:
            step.gradient(x, y, dy, memo)
        if goes_on:
            dy = step.backward(x, y, dy, memo)
