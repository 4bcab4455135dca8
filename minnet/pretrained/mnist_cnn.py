"""The model "mnist-cnn": a small LeNet for 28×28 images, how it was made, and its input.

Made by `python -m minnet.pretrained.mnist_cnn OUTPUT`, which needs MNIST (see
`minnet.datasets.mnist`). The seed, the rate and the number of epochs were set before the first
run. The test images, the typefaces and the UCI digits took no part in it. The weights that ship are
rounded to float16, which changes none of the answers to MNIST's 70,000 images, and one of those to
the 5,620 UCI digits at 28×28, where two classes had 0.482.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from minnet.datasets import mnist
from minnet.foundation.checks import Array, as_array, finite
from minnet.layers import Conv2D, Dense, Flatten, MaxPooling2D
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.pretrained.half_precision import save_in_half_precision
from minnet.pretrained.mnist_8x8 import full_ink
from minnet.schedules import OneCycle

NAME = "mnist-cnn"
SEED, EPOCHS, BATCH_SIZE, MOST = 0, 9, 64, 5e-3

PREPROCESSING = (
    "from minnet.pretrained.mnist_cnn import preprocess: bright ink on dark paper, 28×28 pixels "
    "from 0 to 1, with an axis for the one channel"
)


def preprocess(images: Any) -> Array:
    """Bring images of 28×28 pixels to the form that the model takes: from 0 to 1, one channel.

    Parameters
    ----------
    images : (N, 28, 28) or (28, 28) array, (N, 28, 28, 1), or (N, 784)
        Bright ink on dark paper: whole numbers from 0 to 255, floats from 0 to 1, or booleans.

    Returns
    -------
    (N, 28, 28, 1) float32 ndarray

    Raises
    ------
    ValueError
        Another shape or range.

    Examples
    --------
    >>> preprocess(np.full((28, 28), 255)).shape
    (1, 28, 28, 1)
    """
    array = as_array(images, "images")
    finite(array, "images")
    one = array.shape == (28, 28)
    if not one and array.shape[1:] not in ((784,), (28, 28), (28, 28, 1)):
        raise ValueError(
            f"preprocess takes images of shape (N, 28, 28) or (N, 784). Got {array.shape}. Bring "
            "them to 28×28 pixels first."
        )
    return (array.reshape(-1, 28, 28, 1) / np.float32(full_ink(array))).astype(np.float32)


def untrained(seed: int = SEED) -> Sequential:
    """Return the model before its training: 6 and 16 filters 5×5, then 120-84-10, with ReLU.

    After LeNet-5 (LeCun et al., 1998), with max pooling and ReLU as is usual today.
    """
    model = Sequential(
        [
            Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
            MaxPooling2D(),
            Conv2D(16, 5, activation="relu"),
            MaxPooling2D(),
            Flatten(),
            Dense(120, activation="relu"),
            Dense(84, activation="relu"),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
        name=NAME,
    )
    model.class_names = [str(digit) for digit in range(10)]
    model.preprocessing = PREPROCESSING
    return model


def make(seed: int = SEED, epochs: int = EPOCHS) -> Sequential:
    """Train the model on MNIST: Adam with a one-cycle rate, batches of 64.

    Parameters
    ----------
    seed
        For the weights and the order. The model that ships has 0.
    """
    x, y, x_test, y_test = mnist()
    model = untrained(seed)
    steps = epochs * -(-len(x) // BATCH_SIZE)
    model.compile(Adam(OneCycle(MOST, steps)), loss="cross_entropy", metrics=["accuracy"])
    model.fit(preprocess(x), y, batch_size=BATCH_SIZE, epochs=epochs, verbose=2)
    print("MNIST test:", model.evaluate(preprocess(x_test), y_test))
    return model


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m minnet.pretrained.mnist_cnn OUTPUT")
    save_in_half_precision(make(), sys.argv[1])
