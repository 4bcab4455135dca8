"""Models that ship with minnet, trained."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from minnet.foundation.checks import short
from minnet.foundation.strict import named
from minnet.foundation.words import did_you_mean
from minnet.models import Sequential, load
from minnet.pretrained.packing import unpack

MODELS = ("mnist-8x8", "mnist-cnn")


@named
def load_pretrained(name: str, *, seed: Any = None) -> Sequential:
    """A trained model that ships with minnet.

    Parameters
    ----------
    name
        "mnist-8x8": 64-256-128-10, trained on MNIST's 60,000 handwritten digits, brought to 8×8
        pixels from 0 to 1 by `minnet.pretrained.mnist_8x8.preprocess`; that module made it.
        "mnist-cnn": two convolutions of 6 and 16 filters with pooling, then 120-84-10, trained on
        MNIST's images of 28×28×1 pixels from 0 to 1; `minnet.pretrained.mnist_cnn` made it.
    seed
        For later fits.

    Raises
    ------
    ValueError
        There is no such model.

    Examples
    --------
    >>> base = load_pretrained("mnist-8x8")
    >>> base.input_shape, base.class_names[:3]
    ((64,), ['0', '1', '2'])
    """
    if not isinstance(name, str):
        raise TypeError(f"load_pretrained takes a model's name. Got {short(name)}.")
    if name not in MODELS:
        raise ValueError(
            f"load_pretrained takes one of {', '.join(MODELS)}. Got {name!r}."
            f"{did_you_mean(name, MODELS)}"
        )
    with _file_of(name) as path:
        model = load(path, seed=seed)
    for layer in model.layers:
        layer.origin = name
    return model


@contextmanager
def _file_of(name: str) -> Iterator[Path]:
    """The file of a model: that of the checkout, or what is packed in a wheel."""
    folder = resources.files("minnet.pretrained")
    saved = folder / f"{name}.npz"
    if saved.is_file():
        with resources.as_file(saved) as path:
            yield path
        return
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, f"{name}.npz")
        path.write_bytes(unpack((folder / f"{name}.xz").read_bytes()))
        yield path
