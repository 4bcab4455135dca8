"""Predictions and targets in minnet's order, behind the door where Keras' holds."""

import numpy as np
import pytest

from minnet.keras import losses, metrics

LABELS = np.array([0, 1, 1])
SHARES = np.array([0.2, 0.7, 0.9])
ROWS = np.column_stack([1 - SHARES, SHARES])
ONE_HOT = np.eye(2)[LABELS]

TAKES_SHARES = [
    losses.BinaryCrossentropy(),
    losses.binary_crossentropy,
    metrics.BinaryAccuracy(),
    metrics.AUC(),
    metrics.Precision(),
]
TAKES_ROWS = [
    losses.CategoricalCrossentropy(),
    losses.categorical_crossentropy,
    losses.KLDivergence(),
    metrics.CategoricalAccuracy(),
]


def name(figure):
    return getattr(figure, "__name__", type(figure).__name__)


@pytest.mark.parametrize("figure", [*TAKES_SHARES, *TAKES_ROWS], ids=name)
def test_predictions_first_are_told_in_keras_words(figure):
    rows = figure in TAKES_ROWS
    y_true, y_pred = (ONE_HOT, ROWS) if rows else (LABELS, SHARES)
    assert np.isfinite(figure(y_true, y_pred)).all()
    with pytest.raises(
        ValueError,
        match=r"takes \(y_true, y_pred\)\. Got labels .* as y_pred, and outputs .* as y_true\. "
        "Exchange them, or give them by name: y_true=…, y_pred=…$",
    ):
        figure(y_pred, y_true)


def test_both_are_taken_by_name():
    loss = losses.BinaryCrossentropy()
    assert loss(y_pred=SHARES, y_true=LABELS) == loss(LABELS, SHARES)
