"""minnet: neural networks in plain NumPy, for people who are learning how they work."""

from minnet import (
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    plots,
    pretrained,
    regularizers,
    schedules,
    teaching,
    transfer,
)
from minnet.checks import DivergedError, ModelFileError
from minnet.metrics import confusion_matrix
from minnet.models import Sequential, load
from minnet.pretrained import load_pretrained
from minnet.rate_finder import find_learning_rate
from minnet.registry import register
from minnet.teaching import Doctor, check_gradients, diagnose, explain_step

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "models",
    "layers",
    "Sequential",
    "initializers",
    "losses",
    "optimizers",
    "schedules",
    "regularizers",
    "metrics",
    "confusion_matrix",
    "callbacks",
    "load",
    "datasets",
    "pretrained",
    "load_pretrained",
    "transfer",
    "find_learning_rate",
    "plots",
    "teaching",
    "explain_step",
    "check_gradients",
    "diagnose",
    "Doctor",
    "register",
    "DivergedError",
    "ModelFileError",
]
