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
from minnet.metrics.means import RMSE, MeanLoss

OF_LOSSES = {
    "sparse_categorical_crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "huber": "huber",
    "log_cosh": "log_cosh",
    "mape": "mape",
    "mean_absolute_percentage_error": "mape",
    "msle": "msle",
    "mean_squared_logarithmic_error": "msle",
    "poisson": "poisson",
    "cosine_similarity": "cosine_similarity",
    "hinge": "hinge",
    "squared_hinge": "squared_hinge",
    "categorical_hinge": "categorical_hinge",
    "kl_divergence": "kl_divergence",
}
"""Name of a figure → the loss that it is the mean of."""

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
    "root_mean_squared_error": RMSE,
    "r2_score": R2Score,
    **{name: partial(MeanLoss, loss, name=name) for name, loss in OF_LOSSES.items()},
    "precision": Precision,
    "recall": Recall,
    "auc": AUC,
    "true_positives": TruePositives,
    "false_positives": FalsePositives,
    "true_negatives": TrueNegatives,
    "false_negatives": FalseNegatives,
}
"""Name → metric. As in Keras, the name that was asked for is the name in logs and `History`."""
