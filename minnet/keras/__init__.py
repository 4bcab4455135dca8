"""Keras' namespace on minnet's engine: published programs for a stack of layers run.

`import keras` and `from tensorflow import keras` become `from minnet import keras`; elsewhere in an
import line `keras` or `tensorflow.keras` becomes `minnet.keras`, and `scikeras.wrappers` becomes
`minnet.keras.wrappers`. Nothing else is touched. The objects are minnet's own: a
`minnet.keras.Sequential` is a `minnet.Sequential`, so `explain_step`, `diagnose`,
`check_gradients`, `freeze` and `minnet.transfer` work on it. This room holds names, the order of
arguments and defaults; every formula is in the core.

Behind this door things mean what they mean in Keras:

| | here, as in Keras | elsewhere in minnet |
|---|---|---|
| a loss or a metric, called | (y_true, y_pred) | (prediction, target) |
| `evaluate` | a list, or one number | numbers with names |
| `train_on_batch` | the loss, with the metrics in a list | the loss |
| Adam's, AdamW's ε | 1e-7, beside √v | 1e-8, beside √v̂ |
| `EarlyStopping(restore_best_weights=)` | False | True |
| a batch's logs in a callback | means over the epoch so far, with the metrics | the batch's loss |
| figures that a callback writes into an epoch's logs | come into the history | are lost |
| `build(shape)` | the batch comes first | the shape of one sample |
| a string as a metric | the figure's name in logs | the metric's own name |
| `activation="leaky_relu"` | slope 0.2 | slope 0.3 |
| a model as a layer of another | taken; `model.layers[0]` is that model | refused |
| layers put into a second model | one with the first's: see `sharing.py` | copies |
| a name that two layers were given | the second gets a number | refused |
| the first entry of a model by `Model` | its Input; a copy's is its first layer | no such model |
| `model.outputs` | `[model.output]`, a shape | what the last step computed |
| a class below `Model` | its `call` says which layers are called; in that order | refused |

Where Keras' way is a trap, minnet's stays:

| | Keras | here |
|---|---|---|
| a change of `trainable` | acts at the next `compile` | acts at once; what is frozen stays so |
| a frozen layer | dropout stays active | runs in inference mode |
| a loss that is no number any more | training goes on | `DivergedError`; the last finite epoch |
| a callback's monitor that nobody reports | ignored | refused |
| accuracy where the loss takes logits | yes above 0.5 | yes above 0 |
| "accuracy" with the binary cross-entropy | the largest output's | each output for itself |
| softmax twice, logits as probabilities | taken | refused |
| labels that no class has, NaN in x | taken | refused |
| `regularizers.get("l1_l2")` | no penalty | 0.01 and 0.01 |
| Dense on x of shape (N, T, D) | acts on the last axis | refused: `Flatten()` is missing |
| layers without a name | "dense", "dense_1", … | "dense_1", "dense_2", … in each model |
| `set_random_seed` | seeds Python and NumPy, too | seeds models that are made afterwards |
| `model.save("model.keras")` | Keras' format | minnet's, with one warning |
| 1 − β₂ᵗ in Adam | of β₂ in float32, 1.3e-5 off | in float64; a loss differs by some 1e-6 |
| BCE of a saturated sigmoid | clips on PyTorch; logits on TensorFlow | from the logits |
| BCE of a softmax | TensorFlow reads its logits as a sigmoid's | of its probabilities |
| a metric object used in two models | its first epoch has the other's samples | its own |
| shapes: `model.input_shape`, `output_shape` | (None, 784) | (784,); `model.input.shape` has None |

Layers that are called one on another are a stack as well: `Model(inputs, outputs)` takes a chain
(see `parts.py`), and so does a class below `Model`, whose `call` calls them (see `calls.py`). What
is not there (layers that join, recurrence, …) says so where it is used: `words.py` has one sentence
for each name.
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
    ops,
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
from minnet.keras.models import Model as Model
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
    "ops",
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
