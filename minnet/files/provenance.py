"""Where a model comes from: what it was trained on and how, kept in its file.

A model keeps this as plain values, `model.provenance`:

- `input_range`: the smallest and the largest number of all inputs that `fit` was given.
- `trainings`: one entry for each fit, or for several alike: samples, data hash, settings, figures.
- `parent`: name and file hash of the model that its layers were taken from, or of its own file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, warn

HASHED_ROWS = 100
"""Rows, spread evenly, that stand for the data in its hash: exact for small data, fast for all."""

KEPT = 50
"""Trainings that are remembered; older ones are dropped."""

OTHER_SCALE = 3.0
"""Inputs so many times larger than any before are of another scale: 0–255 instead of 0–1 is 255."""

ENOUGH_ROWS = 32
"""Fewer rows than this may be small by chance."""


def empty() -> dict[str, Any]:
    """Of a model that was never trained."""
    return {"input_range": None, "trainings": [], "parent": None}


def checked(described: Any) -> dict[str, Any]:
    """What a file says, where it is in this form."""
    known, trainings, parent = (described[key] for key in ("input_range", "trainings", "parent"))
    if known is not None and not (len(known) == 2 and all(isinstance(n, float) for n in known)):
        raise ValueError("the input range is not two numbers")
    wanted = {"epochs", "samples", "data_sha256", "batch_size", "optimizer", "loss"}
    wanted |= {"learning_rate", "frozen", "figures"}
    if not all(training.keys() == wanted for training in trainings):
        raise ValueError("a training is not described in full")
    if parent is not None and parent.keys() != {"name", "sha256"}:
        raise ValueError("the parent is not a name and a hash")
    return {"input_range": known, "trainings": trainings, "parent": parent}


def data_hash(x: Array, y: Array) -> str:
    """SHA-256 of the shapes, and of up to `HASHED_ROWS` rows of x and y spread evenly."""
    import hashlib

    sha = hashlib.sha256(f"{x.shape} {x.dtype} {y.shape} {y.dtype}".encode())
    rows = np.linspace(0, len(x) - 1, min(len(x), HASHED_ROWS)).astype(np.intp)
    for array in (x, y):
        sha.update(array[rows].tobytes())
    return sha.hexdigest()


def input_range(x: Array) -> list[float]:
    """The smallest and the largest number: both NaN where x holds a NaN, or nothing at all."""
    if not x.size:
        return [math.nan, math.nan]
    rows = max(1, 2**16 // x[0].size)  # so few numbers are read from memory once, not twice
    if len(x) <= rows:
        return [float(x.item(x.argmin())), float(x.item(x.argmax()))]  # min costs one row more
    pieces = [x[i : i + rows] for i in range(0, len(x), rows)]
    low = np.min([np.minimum.reduce(piece, axis=None) for piece in pieces])
    high = np.max([np.maximum.reduce(piece, axis=None) for piece in pieces])
    return [float(low), float(high)]  # Python's min and max may lose a NaN


def widened(known: list[float] | None, new: list[float]) -> list[float]:
    """The range of both."""
    return new if known is None else [min(known[0], new[0]), max(known[1], new[1])]


def warn_of_other_scale(known: list[float], new: list[float], rows: int) -> bool:
    """Warn where inputs are on another scale than what a model was trained on. Whether they are.

    Parameters
    ----------
    known, new
        The range in training, and that of so many rows now.
    """
    before, now = max(-known[0], known[1]), max(-new[0], new[1])  # the larger of |low| and |high|
    larger = now > OTHER_SCALE * before
    smaller = rows >= ENOUGH_ROWS and 0.0 < now < before / OTHER_SCALE
    if larger or smaller:
        warn(
            f"x goes from {new[0]:g} to {new[1]:g}, and the model was trained on inputs from "
            f"{known[0]:g} to {known[1]:g}. Prepare x as that data was prepared: model.card() "
            "says how."
        )
    return larger or smaller


def add_training(trainings: list[dict[str, Any]], new: dict[str, Any]) -> None:
    """Append a training; one that differs from the last by its epochs and figures joins it."""
    if trainings:
        last = trainings[-1]
        passing = ("epochs", "figures")
        if {k: v for k, v in last.items() if k not in passing} == {
            k: v for k, v in new.items() if k not in passing
        }:
            last["epochs"] += new["epochs"]
            last["figures"] = new["figures"]
            return
    trainings.append(new)
    del trainings[:-KEPT]


def card(name: str, lines: list[tuple[str, str]], provenance: dict[str, Any]) -> str:
    """The model's card as text: what is known of it and where it comes from."""
    text = [f"Model {name!r}"]
    known = provenance["input_range"]
    facts = [*lines, ("inputs", "not trained yet" if known is None else _range(known))]
    parent = provenance["parent"]
    if parent is not None:
        facts.append(("from the file", f"{parent['name']}, SHA-256 {parent['sha256'][:16]}…"))
    width = max(len(key) for key, _ in facts)
    text += [f"{key.ljust(width)}  {value}" for key, value in facts]
    for i, training in enumerate(provenance["trainings"], 1):
        figures = ", ".join(f"{k} {v:.4g}" for k, v in training["figures"].items())
        frozen = ", ".join(training["frozen"])
        text.append(
            f"training {i}: {training['epochs']} epochs of {training['samples']:,} samples "
            f"(data SHA-256 {training['data_sha256'][:16]}…), batches of {training['batch_size']}, "
            f"{training['optimizer']}, {training['loss']}"
            + (f", learning_rate={training['learning_rate']}" if training["learning_rate"] else "")
            + (f"; frozen: {frozen}" if frozen else "")
            + (f"; in the last epoch {figures}" if figures else "")
        )
    return "\n".join(text)


def _range(known: list[float]) -> str:
    return f"{known[0]:g} to {known[1]:g} in training"
