"""A model as a description and named arrays, for files, and back.

`store.py` knows how a file is written and read safely; this module knows what of a model goes
into it: the architecture, the arrays by name, what is frozen, class names, preprocessing, how it
was compiled, and what its optimizer remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from minnet.engine.network import Network
from minnet.engine.shapes import drawing, layer_shapes
from minnet.files import provenance, store
from minnet.foundation import checks
from minnet.foundation.checks import Array, ModelFileError, Shape, integer
from minnet.foundation.registry import Config, from_config, to_config
from minnet.foundation.tables import Table
from minnet.initializers import Initializer, Zeros
from minnet.layers import Input, Layer

FORM_ONLY = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "name",
    "input_shape",
)
"""Settings of a layer that change how it starts or trains, and not what it computes."""

SLOTS = "optimizer["
"""Begins the names of the slots' arrays; a layer's name has no bracket, so no layer's array can."""

FIT = "fit["
"""Begins the names of the arrays that only a resumed fit needs."""


def save(model: Network, path: str | PathLike[str], *, include_optimizer: bool) -> None:
    """Write a model to one file."""
    config, arrays = describe(model, include_optimizer=include_optimizer)
    store.save(path, config, arrays)


def describe(model: Network, *, include_optimizer: bool) -> tuple[Config, dict[str, Array]]:
    """The model as plain values and named arrays."""
    model.require_built()
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
            for layer in model.layers
        ],
        "class_names": model.class_names,
        "preprocessing": to_config(model.preprocessing),
        "provenance": to_config(model.provenance),
        "compile": None,
        "updates": None,
        "training": None,  # of a checkpoint: what `resuming.py` needs to go on
    }
    if model.is_compiled:
        config["compile"] = {
            "optimizer": to_config(model.optimizer),
            "loss": to_config(model.loss),
            "metrics": to_config(model.metrics),
        }
        if include_optimizer:
            updates = model.compiled.updates
            model.update_groups()  # gives the slots theta's layout
            config["updates"] = {"iterations": updates.iterations, "counts": dict(updates.counts)}
            for slot, values in updates.slots.items():
                arrays[f"{SLOTS}{slot}]"] = values
    return config, arrays


def load_into(model: Network, config: Config, arrays: Mapping[str, Array]) -> None:
    """Turn an empty model into the one that was described."""
    if not config["layers"]:
        raise ValueError("it has no layers")
    model.add(Input(checks.shape(config["input_shape"], "input_shape")))
    for described in config["layers"]:
        layer = from_config({"class": described["class"], "config": described["config"]})
        if not isinstance(layer, Layer):
            raise ValueError(f"a model is made of layers, not of a {type(layer).__name__}")
        layer.name = described["name"]
        _add(model, layer, arrays)
        layer.trainable = described["trainable"]
        layer.origin = str(described["origin"])
    model.class_names, model.preprocessing = config["class_names"], config["preprocessing"]
    model.provenance = provenance.checked(config["provenance"])
    if config["compile"] is not None:
        Network.compile(model, **from_config(config["compile"]))
    wanted = model.named_arrays()
    if config["updates"] is not None:
        if not model.is_compiled:
            raise ValueError("it is not compiled, and has an optimizer's state")
        updates = model.compiled.updates
        model.update_groups()  # gives the slots theta's layout
        iterations = integer(config["updates"]["iterations"], "iterations", minimum=0)
        counts = config["updates"]["counts"]
        if counts.keys() != updates.counts.keys():
            raise ValueError("the optimizer's counts are of other layers")
        counts = {n: integer(c, "an update count", minimum=0) for n, c in counts.items()}
        updates.set_counts(counts, iterations)
        wanted |= {f"{SLOTS}{slot}]": values for slot, values in updates.slots.items()}
    model_alone = config["training"] is None
    kept = {name: a for name, a in arrays.items() if model_alone or not name.startswith(FIT)}
    _match(wanted, kept)
    for name, array in wanted.items():
        array[...] = kept[name]


def _add(model: Network, layer: Layer, arrays: Mapping[str, Array]) -> None:
    """Add a layer that may create the arrays of the file alone, before it takes any memory."""

    def add_weight(
        name: str, shape: Shape, initializer: Initializer, rng: np.random.Generator
    ) -> None:
        saved = arrays.get(f"{layer.name}.{name}")
        if saved is None or saved.shape != shape:
            came = "none" if saved is None else saved.shape
            raise ValueError(f"{layer.name}.{name} has shape {shape}, and in the file {came}")
        type(layer).add_weight(layer, name, shape, Zeros(), rng)

    layer.add_weight = add_weight  # type: ignore[method-assign]
    try:
        model.add(layer)
    finally:
        del layer.add_weight


def load_weights(model: Network, path: str | PathLike[str]) -> Table:
    """Copy the arrays of a file into a model of the same architecture: all or none."""
    from pathlib import Path

    config, arrays = store.load(path)
    try:
        saved_layers = [(described["name"], _formula(described)) for described in config["layers"]]
    except (KeyError, TypeError, AttributeError):
        raise ModelFileError(f"{path} is no minnet model: it describes no layers.") from None
    try:
        known = provenance.checked(config["provenance"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelFileError(f"{path} does not say rightly where its model comes from.") from None
    known["parent"] = {"name": str(config.get("name")), "sha256": store.file_hash(path)}
    own_layers = [_formula(to_config(layer)) for layer in model.layers]
    wanted = model.named_arrays()
    kept = {name: array for name, array in arrays.items() if not name.startswith((SLOTS, FIT))}
    refused = f"{path} does not fit this model; nothing was loaded."
    try:
        table = _match(wanted, kept)
    except ValueError as error:
        drawn = _draw_misfit(model, kept)
        raise ModelFileError(f"{refused}\n{error}\n{drawn}") from None
    for (name, saved), here in zip(saved_layers, own_layers, strict=False):
        if saved != here:
            raise ModelFileError(f"{refused} Its layer {name!r} is {saved}, here it is {here}.")
    if len(saved_layers) != len(own_layers):
        raise ModelFileError(
            f"{refused} It has {len(saved_layers)} layers, this model {len(own_layers)}."
        )
    for name, array in wanted.items():
        array[...] = kept[name]
    for layer in model.layers:
        layer.origin = Path(path).name
    model.provenance = known
    return table


def _draw_misfit(model: Network, came: Mapping[str, Array]) -> str:
    """The network up to the first layer whose arrays are not those of the file."""
    shapes = [model.input_shape, *layer_shapes(model.layers, model.input_shape)]
    for i, layer in enumerate(model.layers):
        for name, array in layer.arrays().items():
            saved = came.get(f"{layer.label}.{name}")
            if saved is None or saved.shape != array.shape:
                saved_shape = "none" if saved is None else saved.shape
                mark = f"{name} is {array.shape}, in the file {saved_shape}"
                return drawing(model.layers, shapes[: i + 1], mark=mark)
    return drawing(model.layers, shapes)


def _formula(described: Any) -> str:
    """A described layer as text, with the settings that matter for what it computes."""
    if not isinstance(described, dict):
        return repr(described)
    settings = described["config"].items()
    shown = ", ".join(f"{k}={_formula(v)}" for k, v in settings if k not in FORM_ONLY)
    return f"{described['class']}({shown})"


def _match(wanted: Mapping[str, Array], came: Mapping[str, Array]) -> Table:
    """A table of both sides; it is the error where names, shapes or precision do not fit.

    The words are `transfer_weights`': NEW is in the model alone, UNUSED in the file alone.
    """
    rows, fits = [], True
    for name in [*wanted, *(name for name in came if name not in wanted)]:
        here = wanted[name].shape if name in wanted else None
        there = came[name].shape if name in came else None
        verdict = "LOADED" if here == there else "MISMATCH"
        verdict = "NEW" if there is None else "UNUSED" if here is None else verdict
        if verdict == "LOADED" and not np.can_cast(came[name].dtype, wanted[name].dtype):
            verdict = f"MISMATCH: {came[name].dtype} would lose digits"
        fits = fits and verdict == "LOADED"
        rows.append([name, _shape(there), _shape(here), verdict])
    table = Table(["array", "in the file", "in the model", ""], rows)
    if not fits:
        raise ValueError(str(table).replace("LOADED", "fits"))
    return table


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else str(shape)
