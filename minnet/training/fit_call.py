"""How a fit was called, as plain values: what a resumed fit is held to."""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minnet.engine.inputs import Data
from minnet.engine.network import Network
from minnet.files.states import pack
from minnet.foundation.checks import Array, short
from minnet.foundation.registry import Config, Configurable, to_config
from minnet.foundation.strict import is_own
from minnet.training.arguments import FitArguments
from minnet.training.callback import Callback

START_ONLY = ("kernel_initializer", "bias_initializer", "input_shape", "input_dim", "name")
"""Settings of a layer that matter before its weights exist, and not for a resumed fit."""

LISTED = 20
"""Items of a list that are told in words."""

LONGEST_WORDS = 400
"""Characters of words for a value."""

HASH_BYTES = 2**22
"""Bytes of data that are hashed at a time, about."""


def describe_call(
    model: Network,
    arguments: FitArguments,
    callbacks: Sequence[Callback],
    data: Data,
    validation: Data | None,
) -> Config:
    """All that a fit's bits depend on and that the caller decides, as plain values."""
    return {
        "model": model_parts(model),
        "trainable": [layer.trainable for layer in model.layers],
        "batch_size": arguments.batch_size,
        "shuffle": arguments.shuffle,
        "seed": _seed(arguments.seed),
        "learning_rate": _rates(arguments.learning_rate),
        "callbacks": [_described(callback) for callback in callbacks],
        **_hashes(data, "", model.dtype),
        **_hashes(validation, "validation ", model.dtype),
    }


def model_parts(model: Network) -> Config:
    """Architecture and hyper-parameters, without the weights."""
    layers = {}
    for layer in model.layers:
        described = to_config(layer)
        kept = {k: v for k, v in described["config"].items() if k not in START_ONLY}
        layers[layer.label] = {**described, "config": kept}
    return {
        "dtype": model.dtype.name,
        "input shape": list(model.input_shape),
        "layers": list(layers),
        "layer": layers,
        "optimizer": to_config(model.optimizer),
        "loss": to_config(model.loss),
        "metrics": to_config(model.metrics),
    }


def check_generators(model: Network) -> None:
    """Refuse parts of one's own with a random generator of their own, which no file keeps."""
    compiled = model.compiled
    things = (*model.layers, *model.steps, compiled.loss, *compiled.metrics)
    for thing in filter(is_own, things):
        for name, value in vars(thing).items():
            older = type(value).__name__ == "RandomState"  # NumPy's, of before 2019
            if older or isinstance(value, (np.random.Generator, random.Random)):
                who = f"{getattr(thing, 'label', type(thing).__name__)}.{name}"
                raise TypeError(
                    "A checkpoint takes a model that draws from the fit's generator. Got "
                    f'{who}, a generator of its own. Draw from memo["rng"], as Dropout does.'
                )


def _seed(seed: Any) -> Any:
    if isinstance(seed, np.random.Generator):
        return _generator_kind(seed)
    return None if seed is None else int(seed)


def _generator_kind(rng: np.random.Generator) -> str:
    """A generator in words: where it is in its sequence is told by the state of the fit."""
    return f"a generator of {type(rng.bit_generator).__name__}"


def _rates(learning_rate: Any) -> Any:
    if isinstance(learning_rate, dict):
        return {short(layers, 200): _rates(rate) for layers, rate in learning_rate.items()}
    if learning_rate is None or isinstance(learning_rate, Configurable):
        return to_config(learning_rate)
    if callable(learning_rate):
        raise TypeError(
            "A checkpoint takes a learning_rate that can be told from another: a number or a "
            f"schedule. Got the function {short(learning_rate)}. Write a Schedule with "
            "@minnet.register above it."
        )
    return float(learning_rate)


def _described(callback: Callback) -> Config:
    """The class of a callback and what it was made with."""
    made_with = {
        name: _plain(getattr(callback, name), f"{type(callback).__name__}.{name}")
        for name in inspect.signature(type(callback)).parameters
        if hasattr(callback, name)
    }
    return {"class": type(callback).__qualname__, "config": made_with}


def _plain(value: Any, who: str) -> Any:
    """A value to be compared, not to be read back: arrays by hash, other objects by class."""
    if isinstance(value, Configurable):
        return repr(value)
    if isinstance(value, np.random.Generator):
        return _generator_kind(value)
    arrays: dict[str, Array] = {}
    try:
        packed = pack(value, arrays, "", who)
    except TypeError:
        return type(value).__qualname__
    return [packed, [_sha256(array) for array in arrays.values()]] if arrays else packed


def _hashes(data: Data | None, whose: str, dtype: Any) -> Config:
    """x, y and weights by shape and hash, in the dtype in which the model sees them."""
    names = (f"{whose}x", f"{whose}y", f"{whose}sample weights")
    if data is None:
        return dict.fromkeys(names)
    arrays = ((data.x, dtype), (data.target, None), (data.weight, None))
    return {
        name: None if array is None else f"{array.shape}, SHA-256 {_sha256(array, kind)}"
        for name, (array, kind) in zip(names, arrays, strict=True)
    }


def _sha256(array: Array, dtype: Any = None) -> str:
    """The hash of all numbers in this dtype, a piece at a time: a memmap is never read whole."""
    import hashlib

    dtype = array.dtype if dtype is None else dtype
    sha = hashlib.sha256(str(dtype).encode())
    array = np.atleast_1d(array)
    rows = max(1, HASH_BYTES // max(1, array[:1].nbytes))
    for i in range(0, len(array), rows):
        piece = np.ascontiguousarray(array[i : i + rows], dtype)
        sha.update(piece.reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def differences(path: str, here: Any, there: Any) -> Iterator[str]:
    """Where two plain values differ, each in words."""
    if isinstance(here, dict) and isinstance(there, dict):
        if here.keys() == there.keys() == {"class", "config"}:
            if here["class"] == there["class"]:
                yield from differences(path, here["config"], there["config"])
            else:
                yield f"{path} {here['class']}, there {there['class']}"
            return
        if here.get("layers") != there.get("layers"):
            yield f"layers {words(here.get('layers'))}, there {words(there.get('layers'))}"
            return
        for name in [*here, *(name for name in there if name not in here)]:
            deeper = name if path in ("", "model", "layer") else f"{path}.{name}"
            yield from differences(deeper, here.get(name), there.get(name))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for i, (a, b) in enumerate(zip(here, there, strict=True)):
            yield from differences(f"{path}[{i}]", a, b)
    elif type(here) is not type(there) or here != there:
        yield f"{path} {words(here)}, there {words(there)}"


def words(value: Any) -> str:
    """A plain value in a few words."""
    if isinstance(value, dict) and value.keys() == {"class", "config"}:
        text = f"{value['class']}(…)"
    elif isinstance(value, dict):
        text = ", ".join(f"{name} {words(item)}" for name, item in [*value.items()][:LISTED])
    elif isinstance(value, list):
        more = [f"and {len(value) - LISTED:,} more"] if len(value) > LISTED else []
        text = f"[{', '.join([*map(words, value[:LISTED]), *more])}]"
    else:
        text = value if isinstance(value, str) else short(value)
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)  # the start of a hash will do
    return text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…"
