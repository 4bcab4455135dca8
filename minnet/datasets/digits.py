"""Real handwriting that ships with minnet: the UCI digits, 8×8 pixels each.

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning
Repository, CC BY 4.0. 43 people wrote digits on forms; 30 of them wrote the 3,823 training samples
and the other 13 the 1,797 test samples. Each pixel is the count (0 to 16) of dark points in a
4×4 block of a 32×32 bitmap.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, generator, integer, is_collection, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused

Split = tuple[Array, Array, Array, Array]
"""x, y, x_test, y_test: what every loader returns."""


@named
@seed_unmoved_where_refused
def digits(*, per_class: int | None = None, classes: Any = None, seed: Any = None) -> Split:
    """The UCI digits: 3,823 training and 1,797 test samples, by different writers.

    Parameters
    ----------
    per_class
        Keep only this many training samples of each class, drawn by `seed`.
    classes
        Keep only these digits, in training and test, and **relabel them from 0** in the order
        given: with classes=[5, 6, 7, 8, 9] a five has the label 0.
    seed
        For the draw; needed with `per_class` if a run is to repeat.

    Returns
    -------
    x : (N, 64) float32 ndarray
        Rows of an 8×8 image one after the other, from 0 (paper) to 1 (ink).
    y : (N,) int ndarray
        Labels.
    x_test, y_test
        The same for the test samples; `per_class` leaves them alone.

    Raises
    ------
    ValueError
        An unknown class, or one that has fewer samples than are asked for.

    Examples
    --------
    >>> x, y, x_test, y_test = digits(per_class=5, seed=0)
    >>> x.shape, x_test.shape
    ((50, 64), (1797, 64))
    """
    rng = generator(seed)
    x, y, x_test, y_test = (array.copy() for array in _load())
    if classes is not None:
        wanted = _check_classes(classes)
        x, y = _only(x, y, wanted)
        x_test, y_test = _only(x_test, y_test, wanted)
    if per_class is not None:
        rows = draw_per_class(y, integer(per_class, "per_class", minimum=1), rng)
        x, y = x[rows], y[rows]
    return x, y, x_test, y_test


def draw_per_class(y: Array, per_class: int, rng: np.random.Generator) -> Array:
    """The rows of `per_class` samples of each label, in random order.

    Raises
    ------
    ValueError
        A label has fewer samples.
    """
    by_label = {label: np.flatnonzero(y == label) for label in np.unique(y)}
    for label, of_label in by_label.items():
        if len(of_label) < per_class:
            raise ValueError(
                f"per_class takes at most what each class has. Got {per_class}, and label {label} "
                f"has {len(of_label)} samples. Use fewer."
            )
    rows = [rng.choice(of_label, per_class, replace=False) for of_label in by_label.values()]
    return rng.permutation(np.concatenate(rows))


def _check_classes(classes: Any) -> list[int]:
    if not is_collection(classes):
        raise TypeError(f"classes takes a list of digits. Got {short(classes)}. Use [0, 1].")
    wanted = [integer(digit, "Each of classes", minimum=0) for digit in classes]
    if not wanted or max(wanted) > 9 or len(set(wanted)) < len(wanted):
        raise ValueError(f"classes takes different digits from 0 to 9. Got {short(wanted)}.")
    return wanted


def _only(x: Array, y: Array, wanted: list[int]) -> tuple[Array, Array]:
    """The samples of these classes, relabelled from 0 in this order."""
    new = np.full(10, -1)
    new[wanted] = np.arange(len(wanted))
    kept = new[y] >= 0
    return x[kept], new[y[kept]]


@cache
def _load() -> Split:
    file = resources.files("minnet.datasets") / "data" / "uci-digits.npz"
    with resources.as_file(file) as path:
        x, y, x_test, y_test = unpack(path)
    return _scaled(x), y.astype(np.intp), _scaled(x_test), y_test.astype(np.intp)


def _scaled(counts: Array) -> Array:
    return (counts / np.float32(16)).astype(np.float32)


# --- the file that ships ------------------------------------------------------------------------
#
# It holds all first pixels, then all second pixels and so on, each in an order in which like stands
# by like, and compressed as small numbers that vary at random: a quarter less than by image.


def _in_order(x: Array, y: Array, pixel: int) -> Array:
    """The order of the samples in which this pixel is stored.

    By their labels, then by the pixels above it and to its left, which stand in the file before it.
    """
    none = np.zeros(len(x), np.uint16)
    above = x[:, pixel - 8] if pixel >= 8 else none
    left = x[:, pixel - 1] if pixel % 8 else none
    return np.argsort((y.astype(np.uint16) * 17 + above) * 17 + left, kind="stable")


def pack(folder: str | Path, to: str | Path) -> None:
    """Make the file that ships with minnet from `optdigits.tra` and `optdigits.tes`.

    Parameters
    ----------
    folder
        Where the two files of the UCI repository are; the first line of each is a heading.
    to
        The npz file to write, of about 110 kB.
    """
    arrays: dict[str, Any] = {}
    for name, suffix in (("tra", ""), ("tes", "_test")):
        path = Path(folder) / f"optdigits.{name}"
        table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.uint8)
        x, y = table[:, :64], table[:, 64]
        pixels = np.stack([x[_in_order(x, y, pixel), pixel] for pixel in range(64)])
        deflate = zlib.compressobj(9, strategy=zlib.Z_FILTERED)
        stream = deflate.compress(pixels.tobytes()) + deflate.flush()
        arrays["pixels" + suffix], arrays["y" + suffix] = np.frombuffer(stream, np.uint8), y
    np.savez_compressed(to, **arrays)


def unpack(path: str | Path) -> Split:
    """Return the counts from 0 to 16 and the labels in a file that `pack` made.

    Parameters
    ----------
    path
        The npz file.
    """
    arrays = []
    with np.load(path) as file:
        for suffix in ("", "_test"):
            stream, y = file["pixels" + suffix], file["y" + suffix]
            raw = zlib.decompressobj().decompress(stream.tobytes(), 64 * len(y))
            pixels = np.frombuffer(raw, np.uint8).reshape(64, len(y))
            x = np.empty((len(y), 64), np.uint8)
            for pixel in range(64):
                x[_in_order(x, y, pixel), pixel] = pixels[pixel]
            arrays += [x, y]
    x, y, x_test, y_test = arrays
    return x, y, x_test, y_test
