"""`.keras` files, read in NumPy alone: no Keras, no code, no pickle.

A `.keras` file is a zip archive of `metadata.json`, `config.json` (the layers) and
`model.weights.h5`, an HDF5 file in which the arrays of a layer lie at `layers/<kind>[_n]/vars/0…`,
n counted among the layers of that kind. `hdf5.py` reads that.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

import numpy as np

from minnet.exchange.hdf5 import FormError, Group, Hdf5
from minnet.exchange.keras_graphs import chain
from minnet.files import description, disk, foreign
from minnet.files.archive import MAX_FILE
from minnet.foundation.checks import Array, ModelFileError, short

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


class KerasLayer(NamedTuple):
    """A layer as Keras describes it, with its arrays in Keras' order."""

    kind: str
    config: Mapping[str, Any]
    arrays: Sequence[Array]
    entry: Mapping[str, Any]  # what stands around the config, such as `registered_name`


class KerasFile(NamedTuple):
    """What a `.keras` file holds.

    `config` is all of `config.json`: `config["compile_config"]`, if it is there, says how Keras
    trained the model. `layers` are those of the models inside of one another, one after the other.
    """

    name: str
    config: dict[str, Any]
    layers: list[KerasLayer]
    input_shape: Any


def read(path: str | os.PathLike[str], who: str = "from_keras") -> KerasFile:
    """Return what a `.keras` file holds, with nothing made of it yet.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or no `.keras` file.
    """
    source = disk.as_path(path, who)
    name = str(source)
    with disk.reading(source, who) as file:
        described, weights = _members(file, name)
    config = _config(described, name)
    try:
        walker = _Weights(Hdf5(weights), name)
        layers = list(walker.layers(config["config"], config["class_name"], ""))
    except FormError as error:
        raise _damaged(name, f"in its {WEIGHTS} {error}") from None
    inner = config["config"]
    return KerasFile(str(inner.get("name", "")), config, layers, input_shape_of(inner))


def read_weights(
    path: str | os.PathLike[str], config: Mapping[str, Any], who: str
) -> list[KerasLayer]:
    """Return the arrays of a `.weights.h5` file for a `Sequential` of this description.

    Parameters
    ----------
    config
        `{"layers": [{"class_name": …, "config": {…}}, …]}`: the file itself does not say which
        layers there are, and names are not looked at, as in Keras.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or of an older form.
    """
    source = disk.as_path(path, who)
    name = str(source)
    with disk.reading(source, who) as file:
        size = file.seek(0, 2)
        file.seek(0)
        data = b"" if size > MAX_FILE else file.read()
    try:
        opened = Hdf5(data)
        if not isinstance(opened.get("layers"), Group):
            raise ModelFileError(
                f"{name} is no file of weights as Keras 3 writes them. In Keras, load it into its "
                "model, and write it again: keras_model.save_weights('again.weights.h5')."
            )
        walker = _Weights(opened, name, named=False)
        return list(walker.layers(config, "Sequential", ""))
    except FormError as error:
        raise _damaged(name, str(error)) from None


def _damaged(name: str, why: str) -> ModelFileError:
    return ModelFileError(f"{name} is damaged or no .keras file: {why}. Use another copy of it.")


def _members(file: IO[bytes], name: str) -> tuple[bytes, bytes]:
    """The description and the weights, each checked by its checksum and no larger than the file."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(4)
    if not start.startswith(b"PK") and (kind := foreign.kind_of(file, name)):
        raise ModelFileError(f"{name} is no .keras file: {kind}")
    try:
        with zipfile.ZipFile(file) as opened:
            members = opened.infolist()
            names = [member.filename for member in members]
            if f"{description.NAME}.npy" in names:
                raise ModelFileError(f"{name} is minnet's own. minnet.load reads it.")
            missing = [key for key in (CONFIG, METADATA, WEIGHTS) if names.count(key) != 1]
            if missing and (kind := foreign.kind_of_archive(names, name)) and CONFIG not in names:
                raise ModelFileError(f"{name} is no .keras file. {kind}")
            if missing:
                raise _damaged(name, f"it has no {missing[0]}, or two")
            by_name = {member.filename: member for member in members}
            text, weights = by_name[CONFIG], by_name[WEIGHTS]
            if text.file_size > description.MAX_BYTES:
                raise _damaged(name, f"its {CONFIG} is too large")
            stored = weights.compress_type == zipfile.ZIP_STORED
            if not stored or weights.file_size > min(size, MAX_FILE):
                raise _damaged(name, f"its {WEIGHTS} is not stored as Keras stores it")
            if text.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _damaged(name, f"its {CONFIG} is compressed in another way")
            return opened.read(text), opened.read(weights)
    except (ModelFileError, MemoryError):
        raise
    except Exception:  # zipfile meets bad bytes with errors of many kinds
        raise _damaged(name, "it is cut off, or its directory cannot be read") from None


def _config(data: bytes, name: str) -> dict[str, Any]:
    """What `config.json` says, of a limited size and depth, with finite numbers."""

    def refuse(word: str) -> float:
        raise ValueError(word)

    try:
        text = data.decode()
        values, depth = description.values_and_depth(text)
        if values > description.MAX_VALUES or depth > description.MAX_DEPTH:
            raise _damaged(name, f"its {CONFIG} is too large")
        config = json.loads(text, parse_constant=refuse)
    except ModelFileError:
        raise
    except (ValueError, RecursionError):
        raise _damaged(name, f"its {CONFIG} is not JSON") from None
    if not (
        isinstance(config, dict)
        and isinstance(config.get("class_name"), str)
        and isinstance(config.get("config"), dict)
    ):
        raise _damaged(name, f"its {CONFIG} describes no model")
    return config


def input_shape_of(config: Mapping[str, Any]) -> Any:
    """What a model's config says of the shape of its input, with the batch; None if nothing."""
    entries = config.get("layers")
    first = entries[0] if isinstance(entries, list) and entries else {}
    inner = first.get("config") if isinstance(first, dict) else None
    if isinstance(inner, dict):
        for key in ("batch_shape", "batch_input_shape"):
            if inner.get(key) is not None:
                return inner[key]
        if isinstance(inner.get("layers"), list):
            return input_shape_of(inner) or config.get("build_input_shape")
    return config.get("build_input_shape")


def snake_case(kind: str) -> str:
    """Return Keras' name for a class in its files: `leaky_re_lu` for LeakyReLU."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class _Weights:
    """The HDF5 file with the arrays of the layers."""

    def __init__(self, opened: Hdf5, name: str, *, named: bool = True) -> None:
        self.opened, self.name, self.named = opened, name, named
        self.total = 0  # bytes of all arrays so far

    def layers(self, config: Any, kind: str, path: str) -> Iterator[KerasLayer]:
        """The layers of a model, and of the models in it, each with its arrays."""
        try:
            entries = chain(config, kind, self.name)
        except ValueError as error:
            raise ModelFileError(str(error)) from None
        numbers: Counter[str] = Counter()
        paths = {}
        for entry in config["layers"]:  # counted as they are listed, and run as they are chained
            stem = snake_case(entry["class_name"])
            number = numbers[stem]
            numbers[stem] += 1
            paths[id(entry)] = f"{path}layers/{stem}{f'_{number}' if number else ''}"
        for entry in entries:
            inner, at = entry["config"], paths[id(entry)]
            if isinstance(inner.get("layers"), list):
                yield from self.layers(inner, entry["class_name"], f"{at}/")
            else:
                arrays = self._arrays(f"{at}/vars", inner.get("name"))
                yield KerasLayer(entry["class_name"], inner, arrays, entry)

    def _arrays(self, path: str, layer: Any) -> list[Array]:
        """The arrays at a path, 0, 1, …, of the layer of this name."""
        group = self.opened.get(path)
        if group is None:
            return []
        if not isinstance(group, Group):
            raise _damaged(self.name, f"{short(path)} is no group")
        owner = group.texts.get("name", layer)
        if owner != layer and self.named:
            raise _damaged(self.name, f"{short(path)} holds {short(owner)} and not {short(layer)}")
        names = sorted(group.members, key=lambda n: (len(n), n))
        if names != [str(i) for i in range(len(names))]:
            raise _damaged(self.name, f"{short(path)} holds {short(names)}")
        return [self._array(f"{path}/{n}") for n in names]

    def _array(self, path: str) -> Array:
        """One array, of finite numbers."""
        array = self.opened.get(path)
        if not isinstance(array, np.ndarray):
            raise _damaged(self.name, f"{short(path)} is no array")
        self.total += array.nbytes
        if self.total > len(self.opened.data):
            raise _damaged(self.name, f"{short(path)} lies where another array lies")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelFileError(f"{self.name} has NaN or infinity in {short(path)}.")
        return array.astype("float32") if array.dtype == np.float16 else array
