"""A model as a description and named arrays, for files, and back.

`storage.py` knows how a file is written and read safely; this module knows what of a model goes
into it: the architecture, the arrays by name, what is frozen, class names, preprocessing, how it
was compiled, and what its optimizer remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet import storage
from minnet.checks import Array, ModelFileError, integer
from minnet.layers import Layer
from minnet.registry import Config, from_config, to_config
from minnet.tables import Table

if TYPE_CHECKING:
    from minnet.models import Sequential

FORM_ONLY = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "name", "input_shape")
"""Settings of a layer that change how it starts or trains, and not what it computes."""


def save(model: Sequential, path: str | PathLike[str], *, include_optimizer: bool) -> None:
    """Write a model to one file."""
    config, arrays = describe(model, include_optimizer=include_optimizer)
    storage.save(path, config, arrays)


def describe(model: Sequential, *, include_optimizer: bool) -> tuple[Config, dict[str, Array]]:
    """The model as plain values and named arrays."""
    model._require_built()
    arrays = dict(model.named_arrays())
    config: Config = {
        "name": model.name,
        "dtype": model.dtype.name,
        "input_shape": list(model.input_shape),
        "layers": [
            {
                **to_config(layer),
                "name": layer.name,
                "trainable": layer.trainable,
                "origin": layer.origin,
            }
            for layer in model._layers
        ],
        "class_names": None if model.class_names is None else list(model.class_names),
        "preprocessing": model.preprocessing,
        "compile": None,
        "updates": None,
    }
    if model.updates is not None:
        config["compile"] = {
            "optimizer": to_config(model.optimizer),
            "loss": to_config(model.loss),
            "metrics": to_config(model.metrics),
        }
        if include_optimizer:
            updates = model.updates
            updates.runs(model._layers, model.theta, model.grad)
            config["updates"] = {"iterations": updates.iterations, "counts": dict(updates.counts)}
            for slot, values in updates.slots.items():
                arrays[f"optimizer.{slot}"] = values
    return config, arrays


def load_into(model: Sequential, config: Config, arrays: Mapping[str, Array]) -> None:
    """Turn an empty model into the one that was described."""
    model.dtype = np.dtype(config["dtype"])
    model._input_shape = tuple(integer(size, "input_shape") for size in config["input_shape"])
    for described in config["layers"]:
        layer = from_config({"class": described["class"], "config": described["config"]})
        if not isinstance(layer, Layer):
            raise ValueError(f"a model is made of layers, not of a {type(layer).__name__}")
        layer.name = described["name"]
        model.add(layer)
    names = model.named_arrays()
    kept = {name: array for name, array in arrays.items() if not name.startswith("optimizer.")}
    _match(names, kept)
    for name, array in names.items():
        array[...] = kept[name]
    for layer, described in zip(model._layers, config["layers"], strict=True):
        layer.trainable = described["trainable"]
        layer.origin = str(described["origin"])
    model.class_names, model.preprocessing = config["class_names"], config["preprocessing"]
    if config["compile"] is not None:
        model.compile(**from_config(config["compile"]))
    if config["updates"] is not None:
        updates = model._require_compiled()
        updates.runs(model._layers, model.theta, model.grad)
        updates.iterations = integer(config["updates"]["iterations"], "iterations", minimum=0)
        counts = config["updates"]["counts"]
        if counts.keys() != updates.counts.keys():
            raise ValueError("the optimizer's counts are of other layers")
        updates.counts = {n: integer(c, "an update count", minimum=0) for n, c in counts.items()}
        for slot, values in updates.slots.items():
            saved = arrays.get(f"optimizer.{slot}")
            if saved is None or saved.shape != values.shape:
                raise ValueError(f"the optimizer's {slot} does not fit")
            values[...] = saved
        updates.forget_runs()


def load_weights(model: Sequential, path: str | PathLike[str]) -> None:
    """Copy the arrays of a file into a model of the same architecture: all or none."""
    config, arrays = storage.load(path)
    try:
        theirs = [_computes(described) for described in config["layers"]]
        names = [described["name"] for described in config["layers"]]
    except (KeyError, TypeError):
        raise ModelFileError(f"{path} is no minnet model: it describes no layers.") from None
    ours = [
        _computes({**to_config(layer), "name": layer.name, "trainable": True, "origin": ""})
        for layer in model._layers
    ]
    kept = {name: array for name, array in arrays.items() if not name.startswith("optimizer.")}
    wanted = model.named_arrays()
    try:
        _match(wanted, kept)
    except ValueError as error:
        raise ModelFileError(
            f"{path} does not fit this model; nothing was loaded.\n{error}"
        ) from None
    for name, a, b in zip(names, theirs, ours, strict=False):
        if a != b:
            raise ModelFileError(
                f"{path} does not fit this model; nothing was loaded. Its layer {name!r} is "
                f"{_words(a)}, here it is {_words(b)}."
            )
    if len(theirs) != len(ours):
        raise ModelFileError(
            f"{path} does not fit this model; nothing was loaded. It has {len(theirs)} layers, "
            f"this model {len(ours)}."
        )
    for name, array in wanted.items():
        array[...] = kept[name]
    for layer in model._layers:
        layer.origin = Path(path).name


def _computes(described: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a described layer computes: its class and the settings that matter for that."""
    settings = {k: v for k, v in described["config"].items() if k not in FORM_ONLY}
    return str(described["class"]), settings


def _words(computes: tuple[str, dict[str, Any]]) -> str:
    name, settings = computes
    return f"{name}({', '.join(f'{k}={_plain(v)}' for k, v in settings.items())})"


def _plain(value: Any) -> str:
    return str(value["class"]) if isinstance(value, dict) and "class" in value else repr(value)


def _match(wanted: Mapping[str, Array], came: Mapping[str, Array]) -> None:
    """Raise, with a table of both sides, where names, shapes or precision do not fit."""
    rows, fits = [], True
    for name in [*wanted, *(name for name in came if name not in wanted)]:
        ours = wanted[name].shape if name in wanted else None
        theirs = came[name].shape if name in came else None
        verdict = "fits" if ours == theirs else "MISMATCH"
        verdict = "MISSING" if theirs is None else "UNKNOWN" if ours is None else verdict
        if verdict == "fits" and not np.can_cast(came[name].dtype, wanted[name].dtype):
            verdict = f"{came[name].dtype} would lose digits"
        fits = fits and verdict == "fits"
        rows.append([name, _shape(ours), _shape(theirs), verdict])
    if not fits:
        raise ValueError(str(Table(["array", "in the model", "in the file", ""], rows)))


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else str(shape)
