"""What convolution and frozen filters are worth, on draws that were fixed before the first run.

    MINNET_DATA=... python benchmarks/convolution_claims.py [moved] [digits] [letters]

- moved: ten labels a class of MNIST as it is, tested on digits moved by up to 3 pixels: a network
  with convolution and pooling, and three dense ones. Seeds 0 to 9.
- digits: the shipped "mnist-cnn" → the UCI digits brought to 28×28, at 5 labels a class.
- letters: the same → letters A–J drawn from typefaces, at 5 labels a class.

The last two are `transfer.compare`'s: frozen filters against the same network from scratch, and
against a dense layer on the pixels. About half an hour for all.
"""

from __future__ import annotations

import sys

import numpy as np

import minnet
from minnet import transfer
from minnet.datasets.digits import draw_per_class
from minnet.foundation.checks import Array
from minnet.foundation.tables import Table
from minnet.layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D

SEEDS = range(10)
MOVES = 3
EPOCHS = 100


def convolution() -> list[Layer]:
    """Two convolutions with pooling: what is looked for anywhere is found anywhere."""
    return [
        Conv2D(8, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D(),
        Conv2D(16, 5, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dense(64, activation="relu"),
        Dense(10, activation="softmax"),
    ]


def dense(*widths: int, dropout: float = 0.0) -> list[Layer]:
    """Dense layers on the pixels."""
    layers: list[Layer] = [Flatten(input_shape=(28, 28, 1))]
    for width in widths:
        layers.append(Dense(width, activation="relu"))
        if dropout:
            layers.append(Dropout(dropout))
    return [*layers, Dense(10, activation="softmax")]


NETWORKS = {
    "convolution": convolution,
    "dense 128": lambda: dense(128),
    "dense 256-128": lambda: dense(256, 128),
    "dense 512-256, dropout": lambda: dense(512, 256, dropout=0.3),
}


def moved_by(x: Array, seed: int) -> Array:
    """Each image moved by up to `MOVES` pixels either way, with paper coming in."""
    rng = np.random.default_rng(seed)
    moved = np.zeros_like(x)
    for image, target, (down, right) in zip(
        x, moved, rng.integers(-MOVES, MOVES + 1, (len(x), 2)), strict=True
    ):
        rows, columns = x.shape[1] - abs(down), x.shape[2] - abs(right)
        a, b, c, d = max(0, down), max(0, right), max(0, -down), max(0, -right)
        target[a : a + rows, b : b + columns] = image[c : c + rows, d : d + columns]
    return moved


def moved() -> None:
    """Convolution against dense layers, on digits that were moved after the training."""
    x, y, x_test, y_test = minnet.datasets.mnist()
    x, x_test = x.reshape(-1, 28, 28, 1), x_test.reshape(-1, 28, 28, 1)
    rows = []
    for name, layers in NETWORKS.items():
        as_trained, elsewhere = [], []
        for seed in SEEDS:
            few = draw_per_class(y, 10, np.random.default_rng(seed))
            model = minnet.Sequential(layers(), seed=seed)
            model.compile("adam", "cross_entropy", ["accuracy"])
            model.fit(x[few], y[few], epochs=EPOCHS, verbose=0, seed=seed)
            test = slice(seed, None, 5)  # 2,000 of the test images
            as_trained.append(model.evaluate(x_test[test], y_test[test])["accuracy"])
            shifted = moved_by(x_test[test], seed)
            elsewhere.append(model.evaluate(shifted, y_test[test])["accuracy"])
        rows.append(
            [
                name,
                *(
                    f"{100 * np.mean(a):.1f} ± {100 * np.std(a):.1f}"
                    for a in (as_trained, elsewhere)
                ),
            ]
        )
        print(rows[-1], flush=True)
    print(Table(["network", " in place", f" moved by up to {MOVES}"], rows, title="% right"))


def enlarged(x: Array) -> Array:
    """The 8×8 UCI digits as 28×28 images: each pixel 3×3 wide, with a margin of 2."""
    large = np.kron(x.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    return np.pad(large, [(0, 0), (2, 2), (2, 2)])[..., None]


def framed(x: Array) -> Array:
    """The 20×20 images of typefaces, with a margin of 4."""
    return np.pad(x.reshape(-1, 20, 20), [(0, 0), (4, 4), (4, 4)])[..., None]


def digits() -> None:
    """MNIST's filters on the UCI digits."""
    x, y, x_test, y_test = minnet.datasets.digits()
    _compare(enlarged(x), y, enlarged(x_test), y_test)


def letters() -> None:
    """MNIST's filters on letters."""
    x, y, x_test, y_test = minnet.datasets.glyphs("ABCDEFGHIJ", 2_000, seed=0, n_test=1_000)
    _compare(framed(x), y, framed(x_test), y_test)


def _compare(x: Array, y: Array, x_test: Array, y_test: Array) -> None:
    base = minnet.load_pretrained("mnist-cnn")
    report = transfer.compare(
        base, x, y, x_test, y_test, per_class=5, seeds=10, main="head only", verbose=2
    )
    print(report)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["moved", "digits", "letters"]:
        print(f"\n== {name}")
        {"moved": moved, "digits": digits, "letters": letters}[name]()
