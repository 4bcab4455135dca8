"""Weights moved between Keras and minnet by `set_weights` predict the same, both ways.

    pip install tensorflow && python benchmarks/keras_weights.py

Then both train from the same weights on the same batches, and the losses are compared.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import minnet
from minnet.optimizers import SGD

rng = np.random.default_rng(0)
x = rng.random((256, 784), dtype=np.float32)
y = rng.integers(10, size=(256, 1))


def keras_model() -> keras.Model:
    """Dense, batch normalisation, dropout and two more Dense."""
    return keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(32, activation="tanh"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def minnet_model() -> minnet.Sequential:
    """The same."""
    layers = minnet.layers
    return minnet.Sequential(
        [
            layers.Dense(64, activation="relu", input_dim=784),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(32, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )


theirs, ours = keras_model(), minnet_model()
theirs.set_weights([w + rng.normal(0, 0.05, w.shape) ** 2 for w in theirs.get_weights()])
ours.set_weights(theirs.get_weights())
worst = np.abs(ours.predict(x) - theirs.predict(x, verbose=0)).max()
print(f"Keras → minnet: predictions differ by at most {worst:.1e}")
back = keras_model()
back.set_weights(ours.get_weights())
worst_back = np.abs(back.predict(x, verbose=0) - theirs.predict(x, verbose=0)).max()
print(f"minnet → Keras: predictions differ by at most {worst_back:.1e}")

ours, theirs = minnet_model(), keras_model()
theirs.layers[2].rate = ours.layers[2].rate = 0.0  # dropout draws different masks
theirs.set_weights(ours.get_weights())
theirs.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
ours.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
settings = {"batch_size": 32, "epochs": 5, "shuffle": False, "verbose": 0}
theirs_losses = theirs.fit(x, y, **settings).history["loss"]
our_losses = ours.fit(x, y, **settings).history["loss"]
print("loss of Keras: ", *(f"{loss:.6f}" for loss in theirs_losses))
print("loss of minnet:", *(f"{loss:.6f}" for loss in our_losses))
if worst > 1e-6 or worst_back > 1e-6 or not np.allclose(theirs_losses, our_losses, rtol=1e-4):
    raise SystemExit("they differ")
