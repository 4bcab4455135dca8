"""The settings that Keras keeps in its backend; what computes is NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minnet.foundation import checks
from minnet.keras import words

_state: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "seeds": None}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return words.Missing(f"backend.{name}", words.BACKEND.get(name, words.TENSORS))


def backend() -> str:
    """Return what computes."""
    return "numpy"


def clear_session() -> None:
    """Do nothing: minnet keeps no models."""


def floatx() -> str:
    """Return the dtype of new models."""
    return str(_state["floatx"])


def set_floatx(value: str) -> None:
    """Let new models compute in float32 or float64."""
    _state["floatx"] = checks.dtype(value, "set_floatx's value").name


def epsilon() -> float:
    """Return Keras' small number, 1e-7."""
    return float(_state["epsilon"])


def image_data_format() -> str:
    """Return where the channels of an image stand in Keras' data: last."""
    return "channels_last"


def set_random_seed(seed: int) -> None:
    """Let models that are made from now on draw from a generator with this seed.

    NumPy's own generator, and Python's, are left alone.
    """
    _state["seeds"] = checks.generator(seed, "set_random_seed's seed")


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let models that are made inside draw from this seed; None leaves things as they are."""
    before = _state["seeds"]
    if seed is not None:
        set_random_seed(seed)
    try:
        yield
    finally:
        _state["seeds"] = before


def next_seed() -> np.random.Generator | None:
    """Return the generator of the next model; None where no seed was set."""
    seeds = _state["seeds"]
    return None if seeds is None else seeds.spawn(1)[0]
