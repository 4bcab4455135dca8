"""MNIST and Fashion-MNIST: 70,000 images of 28×28, from files on your machine or a download.

MNIST: Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0. Fashion-MNIST: H. Xiao, K. Rasul, R. Vollgraf
(2017); MIT licence. Both come as four files in the IDX format: a head that gives the kind of number
and the size of each axis, then the numbers.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from minnet.datasets.digits import Split
from minnet.foundation.checks import Array, short
from minnet.foundation.strict import named

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
}
"""Of the unpacked files, in the order of `FILES`. Fashion-MNIST has none that were published."""

URLS = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}

GZIP_MD5 = {
    "mnist": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion-mnist": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
}
"""Of the compressed files as they are published, in the order of `FILES`."""

KNOWN = {
    md5: (name, file)
    for table in (MD5, GZIP_MD5)
    for name, md5s in table.items()
    for file, md5 in zip(FILES, md5s, strict=True)
}
"""MD5 → data set and file."""


@named
def mnist(path: str | os.PathLike[str] | None = None) -> Split:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Looked for in `path`; else in the folder that the environment variable `MINNET_DATA` names, or
    its subfolder `mnist`; else in the cache; else downloaded with pooch (`pip install pooch`).
    Other than in Keras, images are rows of 784 numbers from 0 to 1.

    Parameters
    ----------
    path
        A folder with the four IDX files, compressed (.gz) or not.

    Returns
    -------
    x : (60000, 784) float32 ndarray
        From 0 (paper) to 1 (ink).
    y : (60000,) int ndarray
        0 to 9.
    x_test, y_test
        The same for 10,000 test images.

    Raises
    ------
    FileNotFoundError
        The files are nowhere and cannot be downloaded; the message says what to do.
    ValueError
        A file is damaged, or another file than its name says.

    Examples
    --------
    >>> import os
    >>> if "MINNET_DATA" in os.environ:  # without it, the first call downloads 11 MB
    ...     x, y, x_test, y_test = mnist()
    ...     assert x.shape == (60_000, 784) and x_test.shape == (10_000, 784)
    """
    return _load("mnist", path)


@named
def fashion_mnist(path: str | os.PathLike[str] | None = None) -> Split:
    """Fashion-MNIST: 70,000 images of ten kinds of clothes, in MNIST's form; see `mnist`.

    Classes: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
    `MINNET_DATA` names a folder with a subfolder `fashion-mnist`. MD5s were published for the
    compressed files alone; of unpacked ones it is only known that they are whole, and not MNIST's.

    Parameters
    ----------
    path
        A folder with the four IDX files; by default it is looked for as that of `mnist` is.

    Raises
    ------
    FileNotFoundError
        The files are nowhere and cannot be downloaded; the message says what to do.
    ValueError
        A file is damaged, or another file than its name says.

    Examples
    --------
    >>> fashion_mnist("no_such_folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FileNotFoundError: There is no train-images-idx3-ubyte[.gz] in no_such_folder. ...
    """
    return _load("fashion-mnist", path)


def _load(name: str, path: str | os.PathLike[str] | None) -> Split:
    x, y, x_test, y_test = images(name, path)
    return _pixels(x), y.astype(np.intp), _pixels(x_test), y_test.astype(np.intp)


def images(name: str, path: str | os.PathLike[str] | None = None) -> Split:
    """Return the bytes as they are in the files: images (N, 28, 28) from 0 to 255, and labels (N,).

    Parameters
    ----------
    name
        "mnist" or "fashion-mnist".
    path
        See `mnist`.
    """
    folder = _folder(name, path)
    x, y, x_test, y_test = (
        read_idx(_find(folder, file) or folder / file, (name, file)) for file in FILES
    )
    for images, labels in ((x, y), (x_test, y_test)):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"The files in {folder} do not belong together: images {images.shape}, labels "
                f"{labels.shape}."
            )
    return x, y, x_test, y_test


def _pixels(images: Array) -> Array:
    return (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)


def _folder(name: str, path: str | os.PathLike[str] | None) -> Path:
    """Where the four files are; downloads them if they are nowhere."""
    if path is not None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path takes a folder. Got {short(path)}.")
        folder = Path(path)
        for file in FILES:
            if _find(folder, file) is None:
                raise FileNotFoundError(f"There is no {file}[.gz] in {folder}. {_offline(name)}")
        return folder
    places = [cache_folder() / name]
    data = os.environ.get("MINNET_DATA")
    if data:
        places = [Path(data) / name, *([Path(data)] if name == "mnist" else []), *places]
    for folder in places:
        if all(_find(folder, file) for file in FILES):
            return folder
    return _download(name, places[-1])


def cache_folder() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/minnet`, or `~/.cache/minnet`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "minnet"


def _find(folder: Path, file: str) -> Path | None:
    for candidate in (folder / file, folder / f"{file}.gz"):
        if candidate.is_file():
            return candidate
    return None


def _download(name: str, folder: Path) -> Path:
    try:
        pooch = importlib.import_module("pooch")
    except ImportError:
        raise FileNotFoundError(
            f"{name} is not on this machine, and pooch, which downloads it, is not installed: "
            f"python -m pip install pooch. {_offline(name)}"
        ) from None
    try:
        for file, md5 in zip(FILES, GZIP_MD5[name], strict=True):
            pooch.retrieve(f"{URLS[name]}{file}.gz", f"md5:{md5}", fname=f"{file}.gz", path=folder)
    except Exception as error:  # whatever pooch and the network raise
        raise FileNotFoundError(
            f"{name} is not on this machine and could not be downloaded ({error}). {_offline(name)}"
        ) from None
    return folder


def _offline(name: str) -> str:
    files = ", ".join(f"{file}.gz" for file in FILES)
    return (
        f"Offline: put {files} into {cache_folder() / name}, or into any folder and give that as "
        f"path=, or set the environment variable MINNET_DATA to the folder that holds it as "
        f"{name}/."
    )


def read_idx(path: str | os.PathLike[str], published: tuple[str, str] | None = None) -> Array:
    """The array of an IDX file of bytes, compressed (.gz) or not.

    Parameters
    ----------
    published
        The data set and the one of its `FILES` that this has to be, by its MD5; None for any.

    Raises
    ------
    ValueError
        The file is damaged or another one.
    """
    path = Path(path)
    packed = data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = _unpacked(packed)
        except (OSError, EOFError, zlib.error):
            raise ValueError(
                f"{path} is damaged: it is no whole gzip file. Get it again."
            ) from None
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise ValueError(f"{path} is no IDX file of bytes. Get it again.")
    head = 4 + 4 * data[3]
    if len(data) < head:
        raise ValueError(f"{path} is damaged: it ends in its head. Get it again.")
    shape = struct.unpack(f">{data[3]}I", data[4:head])
    promised, there = math.prod(shape), len(data) - head
    if there != promised:
        came = "more" if there > promised and path.suffix == ".gz" else f"{there:,}"
        raise ValueError(
            f"{path} is damaged: its head promises {promised:,} bytes for {shape}, and {came} are "
            "there. Get it again."
        )
    if published is not None:
        _check_published(path, packed, data, published)
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _unpacked(packed: bytes) -> bytes:
    """Return what a gzip file holds, but no more than a byte beyond what its IDX head promises.

    A file of a few kilobytes may unpack to a thousand times as much.
    """
    with gzip.open(io.BytesIO(packed)) as file:
        start = file.read(LONGEST_HEAD)
        if len(start) < LONGEST_HEAD:
            return start
        axes = min(start[3], 4)
        promised = 4 + 4 * axes + math.prod(struct.unpack_from(f">{axes}I", start, 4))
        left = min(promised, LARGEST_RATIO * len(packed)) + 1 - len(start)
        return start + file.read(max(left, 1))


LONGEST_HEAD = 20
"""Bytes of the head of an IDX file with four axes."""

LARGEST_RATIO = 1032
"""Deflate makes no more bytes than this of one."""


def _check_published(path: Path, packed: bytes, data: bytes, published: tuple[str, str]) -> None:
    """Raise where the MD5, of the file or of what is packed in it, is not the published one."""
    md5s = (hashlib.md5(b, usedforsecurity=False).hexdigest() for b in (packed, data))
    known = next((KNOWN[md5] for md5 in md5s if md5 in KNOWN), None)
    if known == published:
        return
    name, file = published
    if known is not None:
        raise ValueError(
            f"{path} should be {file} of {name}. Got {known[1]} of {known[0]}. Put that elsewhere."
        )
    if name in MD5 or path.suffix == ".gz":
        raise ValueError(
            f"{path} is not the file that was published: its MD5 differs. Get it again."
        )
