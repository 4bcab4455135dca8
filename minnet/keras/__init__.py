"""Keras' namespace on minnet's engine: published programs for a stack of layers run.

`import keras` and `from tensorflow import keras` become `from minnet import keras`; elsewhere in an
import line `keras` becomes `minnet.keras`. The objects are minnet's own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from minnet.foundation.version import __version__ as __version__

if TYPE_CHECKING:
    from minnet.keras import datasets

from minnet.keras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    saving,
    utils,
    words,
)
from minnet.keras.initializers import Initializer
from minnet.keras.layers import Input, Layer
from minnet.keras.losses import Loss
from minnet.keras.metrics import Metric
from minnet.keras.models import Sequential
from minnet.keras.optimizers import Optimizer
from minnet.keras.regularizers import Regularizer

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "saving",
    "utils",
]

words.install()

_answer = words.answering(__name__)


def __getattr__(name: str) -> Any:
    """Import what not every program needs when it is asked for; answer for what is not there."""
    if name in ("datasets", "wrappers"):
        return importlib.import_module(f"minnet.keras.{name}")
    return _answer(name)
