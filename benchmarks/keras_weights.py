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


of_keras, of_minnet = keras_model(), minnet_model()
of_keras.set_weights([w + rng.normal(0, 0.05, w.shape) ** 2 for w in of_keras.get_weights()])
of_minnet.set_weights(of_keras.get_weights())
worst = np.abs(of_minnet.predict(x) - of_keras.predict(x, verbose=0)).max()
print(f"Keras → minnet: predictions differ by at most {worst:.1e}")
back = keras_model()
back.set_weights(of_minnet.get_weights())
worst_back = np.abs(back.predict(x, verbose=0) - of_keras.predict(x, verbose=0)).max()
print(f"minnet → Keras: predictions differ by at most {worst_back:.1e}")

of_minnet, of_keras = minnet_model(), keras_model()
of_keras.layers[2].rate = of_minnet.layers[2].rate = 0.0  # dropout draws different masks
of_keras.set_weights(of_minnet.get_weights())
of_keras.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
of_minnet.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
settings = {"batch_size": 32, "epochs": 5, "shuffle": False, "verbose": 0}
keras_losses = of_keras.fit(x, y, **settings).history["loss"]
minnet_losses = of_minnet.fit(x, y, **settings).history["loss"]
print("loss of Keras: ", *(f"{loss:.6f}" for loss in keras_losses))
print("loss of minnet:", *(f"{loss:.6f}" for loss in minnet_losses))
if worst > 1e-6 or worst_back > 1e-6 or not np.allclose(keras_losses, minnet_losses, rtol=1e-4):
    raise SystemExit("they differ")
