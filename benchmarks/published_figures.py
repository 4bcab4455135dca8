"""Networks on MNIST whose test accuracy is known: does minnet reach it?

    MINNET_DATA=... python benchmarks/published_figures.py

- 784-128-64-10, ReLU, Adam, batch 64, 5 epochs, 3 seeds: at least 97.2 % on the mean is expected.
- M. Nielsen, Neural Networks and Deep Learning, chapter 3: 784-30-10, sigmoid, cross-entropy,
  learning rate 0.5, batch 10, weights from N(0, 1), 30 epochs: 95.33 % published.

About three minutes.
"""

from __future__ import annotations

import numpy as np

import minnet
from minnet.initializers import RandomNormal
from minnet.layers import Dense
from minnet.optimizers import SGD

x, y, x_test, y_test = minnet.datasets.mnist()


def middle_sized(seed: int) -> float:
    """784-128-64-10 under Adam."""
    model = minnet.Sequential(
        [
            Dense(128, activation="relu", input_dim=784),
            Dense(64, activation="relu"),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, batch_size=64, epochs=5, verbose=0)
    return 100 * model.evaluate(x_test, y_test)["accuracy"]


def nielsen(seed: int) -> float:
    """784-30-10 as in the book: ten sigmoid outputs, each with its own cross-entropy.

    The book's cost is a sum over the ten outputs; `binary_crossentropy` is their mean, so the
    learning rate is ten times the book's.
    """
    normal = RandomNormal(stddev=1.0)
    settings = {
        "activation": "sigmoid",
        "kernel_initializer": normal,
        "bias_initializer": normal,
    }
    model = minnet.Sequential(
        [Dense(30, input_dim=784, **settings), Dense(10, **settings)], seed=seed
    )
    model.compile(SGD(0.5 * 10), "binary_crossentropy")
    model.fit(x, minnet.datasets.one_hot(y, 10), batch_size=10, epochs=30, verbose=0)
    return 100 * float(np.mean(model.predict(x_test).argmax(axis=1) == y_test))


for network, seeds in ((middle_sized, range(3)), (nielsen, range(3))):
    figures = [network(seed) for seed in seeds]
    print(
        f"{network.__doc__.splitlines()[0]} test accuracy {np.mean(figures):.2f} % "
        f"({', '.join(f'{figure:.2f}' for figure in figures)})",
        flush=True,
    )
