"""The numbers of one training step, under the names that a student would guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from minnet.constraints import Constraint
from minnet.foundation.checks import Array
from minnet.layers.base import Layer
from minnet.losses import Loss
from minnet.optimizers import Optimizer
from minnet.regularizers import Regularizer


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One element of `model.steps`: what went through it, forward and backward.

    Attributes
    ----------
    name, kind
        Its name, such as "dense_1.relu", and its class, "ReLU".
    layer
        A copy of the step itself, for its settings; its weights are the new ones.
    x, y : (N, …) ndarray
        Its input and its output.
    dy, dx : (N, …) ndarray or None
        ∂L/∂y and ∂L/∂x, as backpropagation handed them on. None where they were not computed: dy
        of a step that is fused with the loss, and all below the lowest layer that learns.
    in_training
        Whether it ran in training mode; a frozen one runs in inference mode.
    has_gradient
        Whether its weights got a gradient.
    weights, gradients : dict of ndarray
        Name → the values it computed with, and ∂(data loss)/∂weight, without penalties.
    memo : dict of ndarray
        What it kept for the way back, such as Dropout's `mask`.
    formula
        Its formula, from x to y.
    slope : (N, …) ndarray or None
        ∂y/∂x, entry by entry, of an activation that treats every number by itself.
    """

    name: str
    kind: str
    layer: Layer
    x: Array
    y: Array
    dy: Array | None
    dx: Array | None
    in_training: bool
    has_gradient: bool
    weights: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    memo: dict[str, Array] = field(default_factory=dict)
    formula: str = ""
    slope: Array | None = None

    def __repr__(self) -> str:
        return f"<{self.name}: {self.formula}; x {self.x.shape}, y {self.y.shape}>"


@dataclass(frozen=True, eq=False, repr=False)
class Weight:
    """One array of weights, and what the step did to it.

    Attributes
    ----------
    name, layer
        Such as "dense_1.W", and the layer's name.
    value, new, delta : ndarray
        Before the update, after it, and the difference new − value.
    gradient : ndarray or None
        ∂L/∂weight, penalties included; None if the layer is frozen.
    penalty_gradient : ndarray or None
        The regularizer's share of it; None without a regularizer.
    clipped_gradient : ndarray or None
        What the optimizer was handed: the gradient, scaled down if `global_clipnorm` acted.
    slots, new_slots : dict of ndarray
        What the optimizer remembers of this array, before and after.
    learning_rate : float or None
        η of this update.
    t : int or None
        The number of this update, from 1.
    constraint
        What brought it into its bounds after the update, if anything does.
    """

    name: str
    layer: str
    value: Array
    new: Array
    delta: Array
    gradient: Array | None
    penalty_gradient: Array | None
    clipped_gradient: Array | None
    slots: dict[str, Array]
    new_slots: dict[str, Array]
    learning_rate: float | None
    t: int | None
    constraint: Constraint | None = None

    @property
    def frozen(self) -> bool:
        """Whether it was left as it is."""
        return self.gradient is None

    def __repr__(self) -> str:
        return f"<{self.name} {self.value.shape}{', frozen' if self.frozen else ''}>"


class UpdatedNumber(NamedTuple):
    """One number of the weights at its update, to be worked by hand.

    `slots` and `new_slots` are what the optimizer remembered of it before and after.
    """

    theta: float
    new: float
    g: float
    slots: dict[str, float]
    new_slots: dict[str, float]
    learning_rate: float
    t: int


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """An array that is kept but not learned, such as a running mean, before and after the step."""

    name: str
    value: Array
    new: Array

    def __repr__(self) -> str:
        return f"<{self.name} {self.value.shape}>"


@dataclass(frozen=True, eq=False, repr=False)
class Numbers:
    """All numbers of one training step.

    Attributes
    ----------
    model
        The model's name.
    steps : list of Step
        What ran, in order: `.steps[0].x`, `.y`, `.dy`, `.dx`, `.formula`, …
    weights : dict of Weight
        `.weights["dense_1.W"].value`, `.gradient`, `.delta`, `.new`, …
    states : dict of State
        `.states["batch_normalization_1.moving_mean"].value`, `.new`
    prediction, target : (N, …) ndarray
        The last step's output, and what it should have been.
    losses : (N,) ndarray
        The loss Lₙ of each sample, without its weight.
    sample_weight : (N,) ndarray or None
        The weight of each sample.
    penalties : dict of float
        `"dense_1.W"` → its penalty, in the units of the loss.
    regularizers : dict of Regularizer
        `"dense_1.W"` → what penalises it.
    loss, new_loss
        L of this batch before and after the update: same batch, same dropout masks, penalties
        included.
    predicted_loss
        L + ∇L·Δθ, what the gradient alone promises.
    gap
        new_loss − predicted_loss, by a run in float64, where rounding does not blur it.
    half_gap
        The same for half the step Δθ/2. Terms of second order leave a quarter of `gap`.
    gradient_norm
        ‖∇L‖ over all that is trainable, before any clipping.
    fused
        Whether the last activation and the loss were computed together.
    loss_function, optimizer
        Copies of the model's own, for their settings.
    """

    model: str
    steps: list[Step]
    weights: dict[str, Weight]
    states: dict[str, State]
    prediction: Array
    target: Array
    losses: Array
    sample_weight: Array | None
    penalties: dict[str, float]
    regularizers: dict[str, Regularizer]
    loss: float
    new_loss: float
    predicted_loss: float
    gap: float
    half_gap: float
    gradient_norm: float
    fused: bool
    loss_function: Loss
    optimizer: Optimizer

    @property
    def top(self) -> int:
        """The index of the highest step that was handed a dy: the last, or below a fused one."""
        return len(self.steps) - (2 if self.fused else 1)

    @property
    def loss_gradient(self) -> Array:
        """What the way back starts with: ∂L/∂prediction, or ∂L/∂logits of a fused pair."""
        return np.asarray(self.steps[self.top].dy)
