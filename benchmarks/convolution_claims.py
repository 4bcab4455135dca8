"""What convolution and frozen filters are worth, on draws that were fixed before the first run.

    MINNET_DATA=... python benchmarks/convolution_claims.py [moved] [digits] [letters] [...]

- moved: ten labels a class of MNIST as it is, tested on digits moved by up to 3 pixels: a network
  with convolution and pooling, and three dense ones. Seeds 0 to 9.
- digits: the shipped "mnist-cnn" → the UCI digits brought to 28×28, at 5 labels a class.
- letters: the same → letters A–J drawn from typefaces, at 5 labels a class.

- digits_moved: the UCI digits, tested on images moved by exactly two pixels.
- font_digits, font_letters: digits, and letters A–J, drawn at 28×28 (`glyphs(size=28)`).
- cut: a new head on the output of each layer of "mnist-cnn", on these five.

All but the first and the last are `transfer.compare`'s: frozen filters against the same network
from scratch, and against a dense layer on the pixels. The last three were added when the first
three had been run, and before their own first run. About five minutes for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

import minnet
from minnet import transfer
from minnet.datasets.digits import Split, draw_per_class
from minnet.foundation.checks import Array
from minnet.foundation.tables import Table
from minnet.layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from minnet.optimizers import Adam

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


def digits() -> Split:
    """The UCI digits."""
    x, y, x_test, y_test = minnet.datasets.digits()
    return enlarged(x), y, enlarged(x_test), y_test


def letters() -> Split:
    """Letters from typefaces, with a margin."""
    x, y, x_test, y_test = minnet.datasets.glyphs("ABCDEFGHIJ", 2_000, seed=0, n_test=1_000)
    return framed(x), y, framed(x_test), y_test


def digits_moved() -> Split:
    """The UCI digits; those to be tested on are moved by two pixels, one of eight ways each."""
    x, y, x_test, y_test = digits()
    ways = [(down, right) for down in (-2, 0, 2) for right in (-2, 0, 2) if (down, right) != (0, 0)]
    chosen = np.random.default_rng(0).integers(len(ways), size=len(x_test))
    pairs = zip(x_test, chosen, strict=True)
    return x, y, np.stack([np.roll(image, ways[way], (0, 1)) for image, way in pairs]), y_test


def fonts(classes: str) -> Split:
    """Characters drawn at MNIST's size."""
    x, y, x_test, y_test = minnet.datasets.glyphs(classes, 2_000, seed=0, n_test=1_000, size=28)
    return x.reshape(-1, 28, 28, 1), y, x_test.reshape(-1, 28, 28, 1), y_test


TASKS: dict[str, Callable[[], Split]] = {
    "digits": digits,
    "letters": letters,
    "digits_moved": digits_moved,
    "font_digits": lambda: fonts("0123456789"),
    "font_letters": lambda: fonts("ABCDEFGHIJ"),
}


def compared(data: Split) -> None:
    """MNIST's filters on another task."""
    base = minnet.load_pretrained("mnist-cnn")
    report = transfer.compare(base, *data, per_class=5, seeds=10, main="head only", verbose=2)
    print(report)


def cut() -> None:
    """A new head on each layer's output: where is the best one to cut?"""
    base = minnet.load_pretrained("mnist-cnn")
    layers = [layer.name for layer in base.layers if layer.name != "flatten_1"][:-1]
    rows = []
    for task, load in TASKS.items():
        x, y, x_test, y_test = load()
        means = []
        for name in layers:
            seen = [base.features(a, upto=name).reshape(len(a), -1) for a in (x, x_test)]
            right = []
            for seed in SEEDS:
                few = draw_per_class(y, 5, np.random.default_rng(seed))
                head = minnet.Sequential([Dense(10, activation="softmax")], seed=seed)
                head.compile(Adam(1e-2), "cross_entropy", ["accuracy"])
                head.fit(seen[0][few], y[few], epochs=150, verbose=0, seed=seed)
                right.append(head.evaluate(seen[1], y_test)["accuracy"])
            means.append(f"{100 * np.mean(right):.1f} ± {100 * np.std(right):.1f}")
        rows.append([task, *means])
        print(rows[-1], flush=True)
    print(Table(["task", *(f" {name}" for name in layers)], rows, title="% right, a head on"))


if __name__ == "__main__":
    for name in sys.argv[1:] or ["moved", *TASKS, "cut"]:
        print(f"\n== {name}")
        if name in TASKS:
            compared(TASKS[name]())
        else:
            {"moved": moved, "cut": cut}[name]()
