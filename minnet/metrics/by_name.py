"""Metrics by the names under which `compile` takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from minnet.metrics.decisions import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from minnet.metrics.figures import (
    MAE,
    MSE,
    Accuracy,
    BinaryAccuracy,
    Metric,
    R2Score,
    TopKCategoricalAccuracy,
)

METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "acc": partial(Accuracy, name="acc"),
    "categorical_accuracy": partial(Accuracy, name="categorical_accuracy"),
    "sparse_categorical_accuracy": partial(Accuracy, name="sparse_categorical_accuracy"),
    "binary_accuracy": BinaryAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": partial(
        TopKCategoricalAccuracy, name="sparse_top_k_categorical_accuracy"
    ),
    "mae": MAE,
    "mean_absolute_error": partial(MAE, name="mean_absolute_error"),
    "mse": MSE,
    "mean_squared_error": partial(MSE, name="mean_squared_error"),
    "r2_score": R2Score,
    "precision": Precision,
    "recall": Recall,
    "auc": AUC,
    "true_positives": TruePositives,
    "false_positives": FalsePositives,
    "true_negatives": TrueNegatives,
    "false_negatives": FalseNegatives,
}
"""Name → metric. As in Keras, the name that was asked for is the name in logs and `History`."""
