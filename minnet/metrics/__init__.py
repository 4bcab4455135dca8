"""Metrics: figures for people. The contract and the usual ones, then those of decisions."""

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
    confusion_matrix,
)

__all__ = [  # noqa: RUF022 - in reading order, not in the alphabet's
    "Metric",
    "BinaryAccuracy",
    "Accuracy",
    "TopKCategoricalAccuracy",
    "MAE",
    "MSE",
    "R2Score",
    "confusion_matrix",
    "TruePositives",
    "FalsePositives",
    "TrueNegatives",
    "FalseNegatives",
    "Precision",
    "Recall",
    "AUC",
    "METRICS",
]

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
