"""Optimizers, in the order in which to read them: the contract, the textbook's, later ones."""

from collections.abc import Callable

from minnet.optimizers.base import LearningRate, Optimizer, OptimizerArguments
from minnet.optimizers.textbook import SGD, Adagrad, Adam, AdamW, RMSprop
from minnet.optimizers.variants import Adadelta, Adamax, Nadam

__all__ = [  # noqa: RUF022 - in reading order, not in the alphabet's
    "LearningRate",
    "Optimizer",
    "OptimizerArguments",
    "SGD",
    "RMSprop",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adadelta",
    "Adamax",
    "Nadam",
    "OPTIMIZERS",
]

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "adadelta": Adadelta,
    "adamax": Adamax,
    "nadam": Nadam,
}
"""The name that `compile` takes for each optimizer, with its default settings."""
