"""Metrics: figures for people. The contract and the usual ones, then those of decisions."""

from minnet.metrics.by_name import METRICS
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
from minnet.metrics.means import RMSE, Average, MeanLoss, MeanOfFunction
from minnet.metrics.weighted import Weighted

__all__ = [  # noqa: RUF022 - in reading order, not in the alphabet's
    "Metric",
    "BinaryAccuracy",
    "Accuracy",
    "TopKCategoricalAccuracy",
    "MAE",
    "MSE",
    "RMSE",
    "R2Score",
    "Average",
    "MeanLoss",
    "MeanOfFunction",
    "confusion_matrix",
    "TruePositives",
    "FalsePositives",
    "TrueNegatives",
    "FalseNegatives",
    "Precision",
    "Recall",
    "AUC",
    "Weighted",
    "METRICS",
]
