"""Losses: how far a prediction is from its target, and which way it has to move.

The contract and the four that every book has, then those of numbers and those of margins.
"""

from minnet.losses.by_name import LOSSES
from minnet.losses.margins import CategoricalHinge, Hinge, KLDivergence, SquaredHinge
from minnet.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from minnet.losses.textbook import (
    EPSILON,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    mean,
    softmax,
)

__all__ = [  # noqa: RUF022 - in reading order, not in the alphabet's
    "Loss",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "CrossEntropy",
    "BinaryCrossEntropy",
    "Huber",
    "LogCosh",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "CosineSimilarity",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
    "KLDivergence",
    "mean",
    "softmax",
    "EPSILON",
    "LOSSES",
]
