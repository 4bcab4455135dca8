"""safetensors files, in NumPy alone: a header in JSON, and numbers one after the other.

    8 bytes     N, the length of the header, little-endian
    N bytes     {"__metadata__": {text: text}, name: {"dtype": "F32", "shape": [4, 3],
                 "data_offsets": [begin, end]}, …}, offsets from the end of the header
    the rest    the arrays, little-endian, the last axis fastest, without gaps

That is the whole format (https://github.com/huggingface/safetensors). A file of `save_safetensors`
holds besides, in its metadata, what the model is and a checksum of all of it, so that it can be
made again without code, and damage is seen.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from minnet.exchange import state_dict
from minnet.exchange.record import Record, a_model
from minnet.files import description, disk, foreign, saving, store
from minnet.files.archive import MAX_AXES, MAX_FILE, MAX_MEMBERS
from minnet.foundation.checks import Array, ModelFileError, short
from minnet.foundation.registry import Config
from minnet.foundation.strict import named
from minnet.foundation.tables import Table
from minnet.models import Sequential

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BF16": "<u2"}
"""The format's names → NumPy's; bfloat16, which NumPy has not, is the upper half of a float32."""

METADATA, DESCRIPTION, CHECKSUM = "__metadata__", "minnet", "sha256"


@named
def save_safetensors(model: Sequential, path: str | os.PathLike[str]) -> Table:
    """Write a model to a safetensors file, which `load_safetensors` makes a model of again.

    Other programs read the arrays, under the names of `model.named_arrays()` and in minnet's layout
    (W is (in, out)). The file replaces an old one whole or not at all.

    Parameters
    ----------
    model
        A built model.
    path
        The file. One that is there is replaced.

    Returns
    -------
    Table
        What was written.

    Raises
    ------
    ModelFileError
        The folder is missing, the disk is full, an array has a NaN, …; what was at the path before
        is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> import minnet
    >>> model = minnet.Sequential([minnet.layers.Dense(2, input_dim=4)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save_safetensors(model, f"{folder}/model.safetensors")
    ...     load_safetensors(f"{folder}/model.safetensors").count_params()
    10
    """
    model = a_model(model, "save_safetensors")
    target = disk.as_path(path, "save_safetensors")
    config, arrays = saving.describe(model, include_optimizer=False)
    store.check(config, arrays)
    text = json.dumps(config, allow_nan=False)
    header = _header({"format": "np", DESCRIPTION: text}, arrays)
    with disk.replacing(target, "save_safetensors", ".safetensors") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for array in arrays.values():
            file.write(_little(array))
        file.flush()
        os.fsync(file.fileno())
    record = Record("save_safetensors", "minnet", target.name)
    for name, array in arrays.items():
        record.array(name, array.shape, name, array.shape, "WRITTEN")
    return record.done()


def _little(array: Array) -> bytes:
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C").tobytes()


def _header(metadata: Mapping[str, str], arrays: Mapping[str, Array]) -> bytes:
    """The header, with a checksum of itself and of the arrays, filled up to a multiple of 8."""
    entries: dict[str, Any] = {METADATA: dict(metadata)}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        kind = "F64" if array.dtype == np.float64 else "F32"
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    digest = _digest(entries)
    for array in arrays.values():
        digest.update(_little(array))
    entries[METADATA][CHECKSUM] = digest.hexdigest()
    text = json.dumps(entries, allow_nan=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _digest(entries: Mapping[str, Any]) -> Any:
    """The SHA-256 of all that the header says but the checksum, to go on with the arrays."""
    metadata = {k: v for k, v in entries.get(METADATA, {}).items() if k != CHECKSUM}
    text = json.dumps({**entries, METADATA: metadata}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode())


@named
def load_safetensors(
    path: str | os.PathLike[str], *, into: Sequential | None = None
) -> Sequential | Table:
    """Return the model of a file that `save_safetensors` wrote, or bring weights into a model.

    With `into`, any safetensors file will do: one with the names of `model.named_arrays()`, in
    minnet's layout, or one with the names of PyTorch (`0.weight`), whose weights of a `Linear` are
    (out, in) and are transposed, always. Such a file keeps no order: modules with words for names
    (`fc1.weight`) go into the layers of those names. float16 and bfloat16 become float32.

    Parameters
    ----------
    into
        A built model of the same architecture: it gets all of the arrays or none.
    path
        The file; nothing in it is run or unpickled.

    Returns
    -------
    Sequential, or Table
        The model, compiled if it was; with `into`, the table of what was done.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or does not fit; of arrays alone, without `into`.

    Examples
    --------
    >>> import tempfile
    >>> import minnet
    >>> model = minnet.Sequential([minnet.layers.Dense(2, input_dim=4)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save_safetensors(model, f"{folder}/model.safetensors")
    ...     again = load_safetensors(f"{folder}/model.safetensors")
    >>> bool((again.theta == model.theta).all())
    True
    """
    if into is not None:
        into = a_model(into, "load_safetensors' into")
    source = disk.as_path(path, "load_safetensors")
    with disk.reading(source, "load_safetensors") as file:
        metadata, arrays = _read(file, str(source))
    if into is not None:
        with saving.refusing(f"{source} does not fit the model; nothing was loaded"):
            return _load_into(into, arrays, source.name)
    config = _described(metadata, arrays, str(source))
    with saving.refusing(f"{source} describes no model that minnet can build"):
        model = Sequential(dtype=saving.dtype_of(config))
        saving.load_into(model, config, arrays)
    model.provenance["parent"] = {"name": model.name, "sha256": store.file_hash(source)}
    return model


def _load_into(model: Sequential, arrays: dict[str, Array], origin: str) -> Table:
    """Bring the arrays of a file into a model, by minnet's names or by PyTorch's."""
    wanted = model.named_arrays()
    if wanted.keys() != arrays.keys() and state_dict.is_torch(arrays):
        return state_dict.fill(model, arrays, "load_safetensors", origin, ordered=False)
    table = saving.match(wanted, arrays)
    model.check_values(arrays)
    for name, array in wanted.items():
        array[...] = arrays[name]
    for layer in model.layers:
        layer.origin = origin
    return table


def _described(metadata: Mapping[str, str], arrays: Mapping[str, Array], name: str) -> Config:
    """What a file says of its model."""
    if DESCRIPTION not in metadata:
        raise ModelFileError(
            f"{name} has arrays and no model: {short(list(arrays), 80)}. Make a model of the same "
            "layers, and bring them into it: load_safetensors(path, into=model)."
        )
    config = _json(metadata[DESCRIPTION], name)
    if not isinstance(config, dict):
        raise _damaged(name, "it describes no model")
    return config


# --- the bytes ------------------------------------------------------------------------------------


def _damaged(name: str, why: str) -> ModelFileError:
    return ModelFileError(
        f"{name} is damaged or no safetensors file: {why}. Use another copy of it."
    )


def _read(file: IO[bytes], name: str) -> tuple[dict[str, str], dict[str, Array]]:
    """Metadata and arrays; no array takes memory before all sizes fit the file's own."""
    size = file.seek(0, 2)
    kind = foreign.kind_of(file, name)
    if kind and "safetensors file. " not in kind:
        raise ModelFileError(f"{name} is no safetensors file: {kind}")
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise _damaged(name, "it is shorter than it says")
    if length > 2 * description.MAX_BYTES or size > MAX_FILE:
        raise _damaged(name, "it is too large")
    data = file.read(length)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _damaged(name, "its header is not text") from None
    entries = _json(text, name)
    if not text.startswith("{") or not isinstance(entries, dict):
        raise _damaged(name, "its header lists no arrays")
    metadata = entries.get(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _damaged(name, "its metadata are not text")
    _check_entries(entries, size - 8 - length, name)
    digest = _digest(entries) if CHECKSUM in metadata else None
    arrays = {}
    for key, entry in sorted(_arrays_of(entries).items(), key=lambda item: item[1]["data_offsets"]):
        raw = np.empty(entry["shape"], DTYPES[entry["dtype"]])
        view = raw.reshape(-1).view(np.uint8).data
        if file.readinto(view) != len(view):  # type: ignore[attr-defined]  # IO lacks readinto
            raise _damaged(name, "it is shorter than it says")
        if digest is not None:
            digest.update(view)
        arrays[key] = _native(raw, entry["dtype"])
    if digest is not None and digest.hexdigest() != metadata[CHECKSUM]:
        raise ModelFileError(
            f"{name} does not match its checksum: it is damaged, or another program changed it. "
            "Use another copy of it; a program that changes the arrays has to leave out "
            f"{CHECKSUM!r} from the metadata."
        )
    for key, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelFileError(f"{name} has NaN or infinity in {key}. Use another copy of it.")
    order = [key for key in entries if key in arrays]
    return metadata, {key: arrays[key] for key in order}


def _native(raw: Array, dtype: str) -> Array:
    """An array as NumPy computes with it; half-precision numbers become float32, exactly."""
    if dtype == "BF16":
        return (raw.astype("uint32") << np.uint32(16)).view("float32")
    if dtype == "F16":
        return raw.astype("float32")
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)


def _arrays_of(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in entries.items() if name != METADATA}


def _check_entries(entries: Mapping[str, Any], size: int, name: str) -> None:
    """Refuse a header whose arrays are not exactly the bytes that there are."""
    arrays = _arrays_of(entries)
    if len(arrays) > MAX_MEMBERS:
        raise _damaged(name, "it has too many arrays")
    spans = []
    for key, entry in arrays.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise _damaged(name, f"its entry {short(key)} is not one")
        dtype, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ModelFileError(
                f"{name} has {short(key)} in {short(dtype)}. minnet takes {', '.join(DTYPES)}. "
                "Convert it where it was written."
            )
        counts = [shape, span]
        if not all(isinstance(c, list) and all(type(n) is int for n in c) for c in counts):
            raise _damaged(name, f"its entry {short(key)} is not one")
        fine = len(span) == 2 and len(shape) <= MAX_AXES and all(0 <= n <= size for n in shape)
        if not fine or span[1] - span[0] != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
            raise _damaged(name, f"{short(key)} does not have the bytes of its shape")
        spans.append(tuple(span))
    begin = 0
    for first, last in sorted(spans):
        if first != begin:
            raise _damaged(name, "its arrays overlap, or there are gaps between them")
        begin = last
    if begin != size:
        raise _damaged(name, "its arrays are not all of it")


def _json(text: str, name: str) -> Any:
    """What a JSON text says: of a limited size, with no key twice, and finite numbers."""
    values, depth = description.values_and_depth(text)
    if values > description.MAX_VALUES or depth > description.MAX_DEPTH:
        raise _damaged(name, "its header is too large")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    def number(word: str) -> float:
        value = float(word)
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return value

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=number, parse_float=number)
    except (ValueError, RecursionError):
        raise _damaged(name, "its header is not JSON") from None
