"""Where a model comes from: what it was trained on and how, kept in its file.

A model keeps this as plain values, `model.provenance`:

- `input_range`: the smallest and the largest number of all inputs that `fit` was given.
- `trainings`: one entry for each fit, or for several alike: samples, data hash, settings, figures.
- `parent`: name and file hash of the model that its layers were taken from, or of its own file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.engine.network import Network
from minnet.foundation.checks import Array, warn
from minnet.foundation.columns import Name

HASHED_ROWS = 100
"""Rows, spread evenly, that stand for the data in its hash: exact for small data, fast for all."""

KEPT = 50
"""Trainings that are remembered; older ones are dropped."""

OTHER_SCALE = 3.0
"""Inputs so many times larger than any before are of another scale: 0–255 instead of 0–1 is 255."""

ENOUGH_ROWS = 32
"""Fewer rows than this may be small by chance."""

SCALINGS = {
    "x / 255": (1 / 255, 0.0),
    "x / 256": (1 / 256, 0.0),
    "x / 255 - 0.5": (1 / 255, -0.5),
    "x / 127.5 - 1": (1 / 127.5, -1.0),
    "(x - 128) / 128": (1 / 128, -1.0),
}
"""What programs do to pixels from 0 to 255 → the factor and the summand."""


def empty() -> dict[str, Any]:
    """Of a model that was never trained."""
    return {"input_range": None, "trainings": [], "parent": None}


_TEXT, _COUNT = (str,), (int,)
_TRAINING: dict[str, tuple[type, ...]] = {
    "epochs": _COUNT,
    "samples": _COUNT,
    "data_sha256": _TEXT,
    "batch_size": _COUNT,
    "optimizer": _TEXT,
    "loss": _TEXT,
    "learning_rate": (str, type(None)),
    "frozen": (list,),
    "figures": (dict,),
}
"""What is known of a training, and of which kinds."""


def checked(described: Any) -> dict[str, Any]:
    """What a file says, where it is in this form.

    Raises
    ------
    KeyError, ValueError
        It is not.
    """
    if not isinstance(described, dict):
        raise ValueError("where it comes from is not described")
    known, trainings, parent = (described[key] for key in ("input_range", "trainings", "parent"))
    if known is not None and not (
        isinstance(known, list) and len(known) == 2 and all(isinstance(n, float) for n in known)
    ):
        raise ValueError("the input range is not two numbers")
    if not isinstance(trainings, list) or not all(map(_is_training, trainings)):
        raise ValueError("a training is not described in full")
    if parent is not None and not _is_of(parent, {"name": _TEXT, "sha256": _TEXT}):
        raise ValueError("the parent is not a name and a hash")
    return {"input_range": known, "trainings": trainings, "parent": parent}


def columns(described: Any) -> list[Name] | None:
    """Return the names of the columns that a file says the model was trained on.

    Raises
    ------
    ValueError
        They are no names, or one is there twice.
    """
    names = described.get("columns")
    if names is None:
        return None
    kinds = {type(name) for name in names} if isinstance(names, list) else set()
    if kinds not in ({str}, {int}) or len(set(names)) < len(names):
        raise ValueError("the columns are not different names")
    return list(names)


def counts_input(described: Any) -> bool:
    """Return whether a file says that the Input counts as the first entry.

    Raises
    ------
    ValueError
        It says something else than true.
    """
    counts = described.get("counts_input", False)
    if not isinstance(counts, bool):
        raise ValueError("whether the Input counts is not true or false")
    return counts


def _is_of(value: Any, kinds: dict[str, tuple[type, ...]]) -> bool:
    """Whether a dict has these keys and no others, with values of these kinds."""
    return (
        isinstance(value, dict)
        and value.keys() == kinds.keys()
        and all(type(value[name]) in kinds[name] for name in kinds)
    )


def _is_training(value: Any) -> bool:
    return (
        _is_of(value, _TRAINING)
        and all(value[name] >= 0 for name in ("epochs", "samples", "batch_size"))
        and all(isinstance(name, str) for name in value["frozen"])
        and all(type(figure) in (int, float) for figure in value["figures"].values())
    )


def data_hash(x: Array, y: Array) -> str:
    """SHA-256 of the shapes, and of up to `HASHED_ROWS` rows of x and y spread evenly."""
    import hashlib

    sha = hashlib.sha256(f"{x.shape} {x.dtype} {y.shape} {y.dtype}".encode())
    rows = np.linspace(0, len(x) - 1, min(len(x), HASHED_ROWS)).astype(np.intp)
    for array in (x, y):
        sha.update(array[rows].tobytes())
    return sha.hexdigest()


def check_scale(model: Network, x_range: list[float], rows: int) -> None:
    """Warn once where inputs are on another scale than what the model was trained on.

    Before the first training it is asked whether they were scaled twice.

    Parameters
    ----------
    x_range
        The smallest and the largest number of x, which has so many rows.
    """
    known = model.provenance["input_range"]
    if not rows or model.scale_checked:
        return
    if known is None:
        formula = scaled_again(x_range)
        if formula is not None:
            model.scale_checked = True
            warn(
                f"x goes from {x_range[0]:g} to {x_range[1]:g}, as numbers from 0 to 1 do after "
                f"{formula}, which is meant for pixels from 0 to 255. The images of "
                "minnet.datasets are from 0 to 1 already: leave that line out."
            )
        return
    largest_known, largest = max(-known[0], known[1]), max(-x_range[0], x_range[1])
    larger = largest > OTHER_SCALE * largest_known
    smaller = rows >= ENOUGH_ROWS and 0.0 < largest < largest_known / OTHER_SCALE
    if larger or smaller:
        model.scale_checked = True
        warn(
            f"x goes from {x_range[0]:g} to {x_range[1]:g}, and the model was trained on inputs "
            f"from {known[0]:g} to {known[1]:g}. Prepare x as that data was prepared: "
            "model.card() says how."
        )


def scaled_again(x_range: list[float]) -> str | None:
    """Return the scaling of pixels that numbers from 0 to 1 seem to have been put through.

    It is told only where both ends are met to rounding, which no other data does but by chance.

    >>> scaled_again([0.0, 1 / 255])
    'x / 255'
    >>> scaled_again([0.0, 1.0])
    """
    for formula, (factor, summand) in SCALINGS.items():
        ends = (summand, factor + summand)
        if max(abs(a - b) for a, b in zip(x_range, ends, strict=True)) < 1e-4 * factor:
            return formula
    return None


def add_training(known: dict[str, Any], new: dict[str, Any], x_range: list[float]) -> None:
    """Write down a training on inputs of this range, the smallest and the largest.

    One that differs from the last by its epochs and figures joins it.
    """
    before, trainings = known["input_range"] or x_range, known["trainings"]
    known["input_range"] = [min(before[0], x_range[0]), max(before[1], x_range[1])]
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
