"""The model "mnist-8x8": how it was made from MNIST, and how to bring an image to its input.

Made by `python -m minnet.pretrained.mnist_8x8 OUTPUT`, which needs MNIST (see
`minnet.datasets.mnist`). The UCI digits took no part in it.

A training gives the same bits on the same machine with the same minnet. The weights that ship came
from a processor with AVX2, and from an Adam that rounded in another order, so a training of today
ends at other weights, as good as these. They are rounded to float16, which
changes none of the answers to MNIST's 70,000 images and to the 5,620 UCI digits. When only the
format of the file is new,
`python -m minnet.pretrained.mnist_8x8 OUTPUT OLDER` trains nothing: it takes the weights and the
provenance of an older file, whatever its format, and needs no MNIST.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minnet.datasets import mnist
from minnet.foundation.checks import Array, as_array, finite
from minnet.layers import Dense, Dropout
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.pretrained.half_precision import save_in_half_precision

NAME = "mnist-8x8"
SEED = 0

PREPROCESSING = (
    "from minnet.pretrained.mnist_8x8 import preprocess: ink above 100/255 is 1, crop to the ink, "
    "stretch to 32 rows with the width in proportion (at most 32), centre, threshold at 1/2, mean "
    "of each 4×4 block; 8×8 numbers from 0 to 1, by rows"
)


def preprocess(images: Any) -> Array:
    """Bring images of digits to the form of the UCI digits: 8×8 numbers from 0 to 1.

    Ink brighter than 100/255 counts. The image is cropped to it and stretched, by linear
    interpolation, to 32 rows and to columns in proportion (at most 32), in the middle of a 32×32
    sheet; that is cut to 0 and 1 at one half, and each 4×4 block is averaged. So position and
    size no longer matter, as in the forms that the UCI digits come from.

    Parameters
    ----------
    images : (N, H, W) or (H, W) array, or (N, 784)
        Bright ink on dark paper: whole numbers from 0 to 255, floats from 0 to 1, or booleans.

    Returns
    -------
    (N, 64) float32 ndarray

    Raises
    ------
    ValueError
        Another shape or range, or an image without ink, by its row.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((28, 28), np.uint8)
    >>> image[4:24, 13:15] = 255
    >>> preprocess(image).shape
    (1, 64)
    """
    ink = _ink(images)
    blank = ~ink.any(axis=(1, 2))
    if blank.any():
        raise ValueError(
            f"preprocess takes images with ink in them. Got none in row {int(np.argmax(blank))}."
        )
    small = np.empty((len(ink), 8, 8), np.float32)
    for n, image in enumerate(ink):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
        height, width = box.shape
        new_width = max(4, min(32, round(32 * width / height)))
        left = (32 - new_width) // 2
        sheet = np.zeros((32, 32), bool)
        stretched = _stretch(height, 32) @ box @ _stretch(width, new_width).T
        sheet[:, left : left + new_width] = stretched > 0.5
        small[n] = sheet.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    return small.reshape(-1, 64)


def _ink(images: Any) -> Array:
    """(N, H, W) booleans: where there is ink."""
    array = as_array(images, "images")
    finite(array, "images")
    if array.ndim == 2 and array.shape[1] == 784:
        array = array.reshape(-1, 28, 28)
    elif array.ndim == 2 and array.shape[1] == 64 != len(array):
        raise ValueError(
            f"preprocess takes images, which it brings to 64 numbers each. Got {array.shape}, rows "
            "that have 64 already. Give such rows to the model as they are."
        )
    elif array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise ValueError(
            f"preprocess takes images of shape (N, 28, 28) or (N, 784). Got {np.shape(images)}."
        )
    return array > (100 / 255 if full_ink(array) == 1 else 100)


def full_ink(images: Array) -> int:
    """The number of a pixel full of ink: 1 among floats and booleans, 255 among whole numbers.

    Raises
    ------
    ValueError
        There are pixels below 0 or above that.
    """
    top = 1 if images.dtype.kind in "fb" else 255
    if images.size and (images.min() < 0 or images.max() > top):
        raise ValueError(
            "preprocess takes floats from 0 to 1, or whole numbers from 0 to 255. Got "
            f"{images.dtype} from {images.min():g} to {images.max():g}. Divide floats by their "
            "range."
        )
    return top


@cache
def _stretch(size: int, to: int) -> Array:
    """(to, size) weights of linear interpolation between the centres of `size` pixels."""
    centres = np.clip((np.arange(to) + 0.5) * size / to - 0.5, 0, size - 1)
    left = np.minimum(centres.astype(int), max(0, size - 2))
    to_the_right = centres - left
    weights = np.zeros((to, size), np.float32)
    weights[np.arange(to), left] = 1 - to_the_right
    weights[np.arange(to), np.minimum(left + 1, size - 1)] += to_the_right
    return weights


def untrained(seed: int = SEED) -> Sequential:
    """Return the model before its training: 64-256-128-10, ReLU, dropout 0.2, Adam 1e-3."""
    model = Sequential(
        [
            Dense(256, activation="relu", input_dim=64),
            Dropout(0.2),
            Dense(128, activation="relu"),
            Dropout(0.2),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
        name=NAME,
    )
    model.compile(optimizer=Adam(1e-3), loss="cross_entropy", metrics=["accuracy"])
    model.class_names = [str(digit) for digit in range(10)]
    model.preprocessing = PREPROCESSING
    return model


def make(seed: int = SEED) -> Sequential:
    """Train the model on MNIST: batches of 64, 8 epochs.

    Parameters
    ----------
    seed
        For the weights, the order and dropout. The model that ships has 0.
    """
    x, y, x_test, y_test = mnist()
    model = untrained(seed)
    model.fit(preprocess(x), y, batch_size=64, epochs=8, verbose=2)
    print("MNIST test:", model.evaluate(preprocess(x_test), y_test))
    return model


def with_weights_of(path: str | Path) -> Sequential:
    """Return the model with the weights and the provenance of an older file of any format.

    Parameters
    ----------
    path
        A file with this model, which `minnet.load` may refuse for its format. NumPy reads it.

    Raises
    ------
    ValueError
        Its arrays are not those of this model.
    """
    model = untrained()
    weights = model.named_arrays()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "minnet.json"}
        config = json.loads(file["minnet.json"].tobytes())["config"]
    if arrays.keys() != weights.keys() or not all(
        array.shape == weights[name].shape and np.can_cast(array.dtype, weights[name].dtype)
        for name, array in arrays.items()
    ):
        raise ValueError(f"with_weights_of takes a file with the arrays of {NAME}. Got {path}.")
    for name, array in weights.items():
        array[...] = arrays[name]
    model.provenance = config["provenance"]
    return model


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("python -m minnet.pretrained.mnist_8x8 OUTPUT [OLDER]")
    made = with_weights_of(sys.argv[2]) if len(sys.argv) == 3 else make()
    save_in_half_precision(made, sys.argv[1])
