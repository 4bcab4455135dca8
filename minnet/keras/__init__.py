"""Keras' namespace on minnet's engine: published programs for a stack of layers run.

`import keras` and `from tensorflow import keras` become `from minnet import keras`; elsewhere in an
import line `keras` becomes `minnet.keras`. The objects are minnet's own.
"""

from __future__ import annotations

from minnet.keras import (
    activations,
    backend,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
    words,
)
from minnet.keras.layers import Input
from minnet.keras.models import Sequential

__all__ = [
    "Input",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]

words.install()

__getattr__ = words.answering(__name__)
