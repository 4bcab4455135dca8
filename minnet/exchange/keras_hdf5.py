"""Whole models in HDF5 files, as Keras 1, 2 and 3 wrote them (`model.h5`); h5py reads them.

The root has the layers as text, in its attribute `model_config`, and `training_config` says how the
model was trained. The arrays of a layer lie in `model_weights/<its name>`, whose attribute
`weight_names` lists them in order. A file of weights alone has the layers' groups at its root, and
their order in `layer_names`.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minnet.exchange.keras_files import KerasFile, KerasLayer, input_shape_of
from minnet.exchange.keras_graphs import chain
from minnet.files import disk
from minnet.foundation.checks import Array, ModelFileError, short

_HEADINGS = {"optimizer": "optimizer_config", "loss": "loss", "metrics": "metrics"}
"""What a `.keras` file calls how the model was trained → what these files call it."""


def read(path: str | os.PathLike[str], who: str) -> KerasFile:
    """Return what such a file holds, with nothing made of it yet.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or holds weights alone.
    ImportError
        h5py is not installed.
    """
    with _opened(path, who) as (file, name):
        if "model_config" not in file.attrs:
            raise ModelFileError(
                f"{name} holds weights alone, and {who} takes a whole model. Make the model, and "
                "call its load_weights."
            )
        config = _described(file.attrs["model_config"], name)
        if isinstance(config.get("config"), list):  # as Keras 1 had it
            config["config"] = {"layers": config["config"]}
        group = file.get("model_weights", file)
        entries = _entries(config, name)
        layers = [
            KerasLayer(
                entry["class_name"],
                entry["config"],
                _arrays(group, str(entry["config"].get("name")), name),
                entry,
            )
            for entry in entries
        ]
        trained = _described(file.attrs.get("training_config", "{}"), name)
    compiled = {key: _of_keras(trained.get(old)) for key, old in _HEADINGS.items()}
    config["compile_config"] = compiled if trained else None
    inner = config["config"]
    return KerasFile(str(inner.get("name", "")), config, layers, input_shape_of(inner))


def read_arrays(path: str | os.PathLike[str], who: str) -> list[Array]:
    """Return the arrays of all layers of such a file, in order.

    Raises
    ------
    ModelFileError, ImportError
        As for `read`.
    """
    with _opened(path, who) as (file, name):
        group = file.get("model_weights", file)
        names = [_text(layer) for layer in group.attrs.get("layer_names", [])]
        return [array for layer in names for array in _arrays(group, layer, name)]


class _opened:  # noqa: N801 - used as a function
    """The file, open for reading, and its name for messages."""

    def __init__(self, path: str | os.PathLike[str], who: str) -> None:
        self.path, self.who = disk.as_path(path, who), who

    def __enter__(self) -> tuple[Any, str]:
        try:
            h5py = importlib.import_module("h5py")
        except ImportError:
            raise ImportError(
                f"{self.who} reads HDF5 files of older Keras with h5py, which is not installed: "
                "python -m pip install h5py."
            ) from None
        try:
            self.file: Any = h5py.File(self.path, "r")
        except OSError as error:
            raise ModelFileError(
                f"{self.path} is damaged or no HDF5 file: {error}. Use another copy of it."
            ) from None
        return self.file, str(self.path)

    def __exit__(self, *_: object) -> None:
        self.file.close()


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _described(value: Any, name: str) -> dict[str, Any]:
    """What an attribute says in JSON."""
    try:
        described = json.loads(_text(value))
    except ValueError:
        described = None
    if not isinstance(described, dict):
        raise ModelFileError(f"{name} is damaged: its description is not JSON. Use another copy.")
    return described


def _entries(config: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The layers, in the order in which they run."""
    inner, kind = config.get("config"), str(config.get("class_name"))
    try:
        entries = chain(inner, kind, name)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    for entry in entries:
        if isinstance(entry["config"].get("layers"), list):
            raise ModelFileError(
                f"{name} has a model inside of a model, {short(entry['config'].get('name'))}. In "
                "Keras, write it again: keras.models.load_model(…).save('model.keras')."
            )
    yield from entries


def _arrays(group: Any, layer: str, name: str) -> list[Array]:
    """The arrays of a layer, in Keras' order."""
    try:
        at: Any = group.get(layer, None)
        names = [] if at is None else [_text(one) for one in at.attrs.get("weight_names", [])]
        arrays = [np.asarray(at[one]) for one in names]
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ModelFileError(f"{name} is damaged at {short(layer)}: {error}.") from None
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
        raise ModelFileError(f"{name} has NaN or infinity in {short(layer)}.")
    return arrays


def _of_keras(value: Any) -> Any:
    """What describes an object, with the module that newer files write beside its class."""
    if isinstance(value, list):
        return [_of_keras(one) for one in value]
    if not isinstance(value, dict):
        return value
    new = {key: _of_keras(one) for key, one in value.items()}
    return {"module": "keras", **new} if "class_name" in value else new
