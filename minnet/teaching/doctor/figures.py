"""What a cure has to make smaller: a loss, the share of a class that is missed, a count of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.losses import mean
from minnet.models import Sequential
from minnet.teaching.doctor.cures import Treated
from minnet.teaching.doctor.patient import (
    LOOKED_AT,
    classes_of,
    forward,
    loss_of,
    predicted_classes,
)

Measure = Callable[[Sequential, Treated], float]


class CureFigure(NamedTuple):
    """What a cure has to make smaller.

    Attributes
    ----------
    name
        In words.
    of
        Trained model, what it was trained with → the figure.
    trained
        Whether it is measured after updates, or counted in the data at once.
    whole
        Whether all rows are needed.
    """

    name: str
    of: Measure
    trained: bool = True
    whole: bool = False


# --- figures --------------------------------------------------------------------------------------


def training_loss(model: Sequential, treated: Treated) -> float:
    """The loss on the rows, in the units of the y that came."""
    x, target = checked(model, treated.x[:LOOKED_AT], treated.y[:LOOKED_AT])
    return _loss(model, x, target, treated, in_training=True)


def predicting_loss(model: Sequential, treated: Treated) -> float:
    """The loss as `evaluate` gives it: with running statistics."""
    x, target = checked(model, treated.x[:LOOKED_AT], treated.y[:LOOKED_AT])
    return _loss(model, x, target, treated, in_training=False)


def validation_loss(model: Sequential, treated: Treated) -> float:
    """The loss on the validation rows."""
    vx, vy = treated.settings["validation_data"][:2]
    x, target = checked(model, vx[:LOOKED_AT], vy[:LOOKED_AT])
    return _loss(model, x, target, treated, in_training=False)


def missed(label: int) -> Measure:
    """The share of the rows of a class that are taken for others."""

    def share(model: Sequential, treated: Treated) -> float:
        x, target = checked(model, treated.x, treated.y)
        labels, _ = classes_of(model, target)
        if labels is None or not (labels == label).any():
            return math.nan
        prediction = forward(model, x[labels == label])[-1]
        chosen = predicted_classes(prediction, model.compiled.loss.from_logits)
        return float((chosen != label).mean())

    return share


def checked(model: Sequential, x: Array, y: Array) -> tuple[Array, Array]:
    """x and y as training computes with them."""
    data = model.checked_data(x, y)
    return np.asarray(data.x), data.target


def _loss(
    model: Sequential, x: Array, target: Array, treated: Treated, *, in_training: bool
) -> float:
    outputs = forward(model, x) if in_training else model.forward(x)
    if treated.restore is None:
        return loss_of(model, outputs, target)
    prediction = treated.restore(outputs[-1].astype(np.float64))
    return mean(model.compiled.loss.per_sample(prediction, treated.restore(target)))


LOSS = CureFigure("the loss", training_loss)
ALL_ROWS_LOSS = CureFigure("the loss", training_loss, whole=True)
LOSS_PREDICTING = CureFigure("the loss as it predicts", predicting_loss)
VALIDATION_LOSS = CureFigure("the validation loss", validation_loss, whole=True)
