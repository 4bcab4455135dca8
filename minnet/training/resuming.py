"""Going on with a fit as if it had never stopped: what a checkpoint holds, and what it is held to.

A checkpoint is a model's file with a part more, `config["training"]`:

- `call`: how fit was called, in plain values, and hashes of the data. A resumed fit is called in
  the same way, or it is refused and told the difference.
- `state`: what changes while a fit runs, besides the model: where in which epoch it is, the
  generators, the history, what is gathered of the epoch, what the callbacks remember.
- `place`: the versions that the bits depend on.

The order of an epoch's batches is not kept but drawn again, so the generator is kept twice: as it
is now, and as it was when the epoch began.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import platform
import re
from collections.abc import Iterator, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.callbacks import Callback, Checkpoint
from minnet.files import provenance, saving, store
from minnet.files.saving import FIT
from minnet.files.states import pack, set_generator, unpack
from minnet.foundation.checks import Array, ModelFileError, integer, short, warn
from minnet.foundation.registry import Config, Configurable, to_config
from minnet.foundation.version import __version__
from minnet.training.batches import Data
from minnet.training.settings import Settings

if TYPE_CHECKING:
    from minnet.models import Sequential
    from minnet.training.loop import Loop

START_ONLY = ("kernel_initializer", "bias_initializer", "input_shape", "input_dim", "name")
"""Settings of a layer that matter before its weights exist, and not for a resumed fit."""

PIECE = 2**22
"""Bytes of data that are hashed at a time, about."""


# --- how fit was called ---------------------------------------------------------------------------


def call(
    model: Sequential,
    settings: Settings,
    callbacks: Sequence[Callback],
    data: Data,
    validation: Data | None,
) -> Config:
    """All that a fit's bits depend on and that the caller decides, as plain values."""
    return {
        "model": model_parts(model),
        "trainable": [layer.trainable for layer in model._layers],
        "batch_size": settings.batch_size,
        "shuffle": settings.shuffle,
        "seed": _seed(settings.seed),
        "learning_rate": _rates(settings.learning_rate),
        "callbacks": [_described(callback) for callback in callbacks],
        **_hashes(data, "", model.dtype),
        **_hashes(validation, "validation ", model.dtype),
    }


def model_parts(model: Sequential) -> Config:
    """Architecture and hyper-parameters, without the weights."""
    layers = {}
    for layer in model._layers:
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


def _seed(seed: Any) -> Any:
    if isinstance(seed, np.random.Generator):
        return f"a generator of {type(seed.bit_generator).__name__}"
    return None if seed is None else int(seed)


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
    rows = max(1, PIECE // max(1, array[:1].nbytes))
    for i in range(0, len(array), rows):
        piece = np.ascontiguousarray(array[i : i + rows], dtype)
        sha.update(piece.reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def place() -> dict[str, str]:
    """What the bits of a training depend on besides the call; threads and the build do, too."""
    return {"minnet": __version__, "numpy": np.__version__, "machine": platform.machine()}


# --- writing --------------------------------------------------------------------------------------


def describe(
    loop: Loop, epoch: int, step: int, checkpoint: dict[str, Any]
) -> tuple[Config, dict[str, Array]]:
    """The model and the fit where all before this step of this epoch are done."""
    model, rng = loop.model, loop.settings.rng
    config, arrays = saving.describe(model, include_optimizer=True)
    arrays = dict(arrays)
    kept: dict[str, Array] = {}
    state: dict[str, Any] = {
        "epoch": epoch,
        "step": step,
        "stop": model.stop_training,
        "first_update": loop.first_update,
        "first_size": loop.first_size,
        "before": loop.before.get_state(),
        "history": {k: list(map(float, v)) for k, v in loop.history.history.items()},
        "epochs": loop.history.epoch,
        "features_saved": loop.history.features_saved,
        "rng": rng,
        "model_rng": None if rng is model.rng else model.rng,
        "part": vars(loop.part) if step else None,
        "checkpoint": checkpoint,
    }
    packed = {name: pack(value, kept, FIT, f"fit's {name}") for name, value in state.items()}
    packed["callbacks"] = [_pack_callback(callback, kept) for callback in loop.theirs]
    config["training"] = {"call": loop.call, "state": packed, "place": place()}
    return config, {**arrays, **kept}


def _pack_callback(callback: Callback, arrays: dict[str, Array]) -> Any:
    name = type(callback).__name__
    state = callback.get_state()
    if not isinstance(state, dict):
        raise TypeError(f"{name}.get_state gives a dict. Got {short(state)}.")
    try:
        return {"dict": [[str(k), pack(v, arrays, FIT, f"{name}.{k}")] for k, v in state.items()]}
    except TypeError as error:
        raise TypeError(
            f"{error} Write get_state and set_state in {name}, for what changes during a fit."
        ) from None


# --- reading --------------------------------------------------------------------------------------


class Resumed(NamedTuple):
    """A checkpoint that was read: its model, and the state and the call of its fit."""

    path: str
    model: Sequential
    call: Config
    place: dict[str, str]
    state: dict[str, Any]

    @property
    def begun(self) -> int:
        """How many epochs have begun."""
        epochs: int = self.state["epoch"] + (self.state["step"] > 0)
        return epochs


def read(model: Sequential, path: Any) -> Resumed:
    """The checkpoint at this path; the model is only asked for its class."""
    if isinstance(path, Checkpoint):
        raise TypeError(
            f"fit's resume takes a path. Got a Checkpoint. Use resume={str(path.path)!r}."
        )
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f'fit\'s resume takes a path such as "run.npz". Got {short(path)}.')
    config, arrays = store.load(path, "fit's resume")
    shown = os.fspath(path)
    training = config.get("training")
    if training is None:
        raise ModelFileError(
            f"fit's resume takes a file that a Checkpoint wrote. Got {shown}, which is a model "
            "without a fit. Use minnet.load, and fit without resume."
        )
    try:
        twin = type(model)(seed=0, name=str(config["name"]), dtype=config["dtype"])
        saving.load_into(twin, config, arrays)
        state = {name: unpack(value, arrays) for name, value in training["state"].items()}
        _check_state(state)
        if twin.updates is None or not isinstance(training["call"]["trainable"], list):
            raise ValueError("it does not say how its fit was called")
        return Resumed(shown, twin, training["call"], training["place"], state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"its description lacks {error}" if isinstance(error, KeyError) else error
        raise ModelFileError(f"{shown} describes no fit that minnet can resume: {why}") from None


def _check_state(state: dict[str, Any]) -> None:
    """A file may hold anything: what the fit takes from it is of these kinds."""
    for name in ("epoch", "step", "first_update", "features_saved"):
        integer(state[name], name, minimum=0)
    generator = np.random.Generator  # here, so that importing minnet does not import numpy.random
    wanted: dict[str, Any] = {
        "stop": bool,
        "first_size": float,
        "before": dict,
        "history": dict,
        "epochs": list,
        "rng": generator,
        "model_rng": (generator, NoneType),
        "part": (dict, NoneType),
        "checkpoint": dict,
        "callbacks": list,
    }
    for name, kinds in wanted.items():
        if not isinstance(state[name], kinds):
            raise ValueError(f"{name} is {short(state[name])}")
    if (state["part"] is None) != (state["step"] == 0):
        raise ValueError("what it says of its epoch does not fit together")
    if len({len(values) for values in [state["epochs"], *state["history"].values()]}) > 1:
        raise ValueError("its history has gaps")
    if not all(isinstance(remembered, dict) for remembered in state["callbacks"]):
        raise ValueError("what it says of the callbacks is no list of dicts")
    part = state["part"]
    if part is not None and not (
        part.keys() == {"order", "start", "total", "figures"}
        and isinstance(part["order"], generator)
        and isinstance(part["start"], int)
        and isinstance(part["total"], float)
        and isinstance(part["figures"], list)
    ):
        raise ValueError("what it says of its epoch is not one")


def check(resumed: Resumed, model: Sequential, settings: Settings, here: Config) -> None:
    """Refuse another model, other data or another call, naming every difference.

    A model may have the hyper-parameters of the fit's start, or those of the checkpoint: callbacks
    may have changed them in between.
    """
    there = dict(resumed.call)
    if here["model"] == model_parts(resumed.model):
        there["model"] = here["model"]
    if settings.seed is None:
        there["seed"] = None  # the generator's state is in the file
    passing = ("trainable",)  # the file says what is frozen
    found = list(differences("", _without(here, passing), _without(there, passing)))
    if found:
        raise ModelFileError(
            f"fit's resume takes the fit that wrote {resumed.path}. Got {'; '.join(found)}. Call "
            "compile and fit as they were called then; for anything else load the model and fit "
            "it without resume."
        )
    if _layout(model) != _layout(resumed.model):
        raise ModelFileError(f"{resumed.path} contradicts itself. Use another copy of it.")
    if settings.epochs < resumed.begun:
        raise ModelFileError(
            f"fit's resume takes epochs as the total, {resumed.begun} or more here, since so many "
            f"have begun in {resumed.path}. Got {settings.epochs}."
        )
    if resumed.place != place():
        warn(
            f"{resumed.path} was written with {_said(resumed.place)}, and this is "
            f"{_said(place())}. The fit goes on, but its last digits may differ from those of one "
            "that was never stopped."
        )


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
            yield f"layers {_said(here.get('layers'))}, there {_said(there.get('layers'))}"
            return
        for name in [*here, *(name for name in there if name not in here)]:
            deeper = name if path in ("", "model", "layer") else f"{path}.{name}"
            yield from differences(deeper, here.get(name), there.get(name))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for i, (a, b) in enumerate(zip(here, there, strict=True)):
            yield from differences(f"{path}[{i}]", a, b)
    elif type(here) is not type(there) or here != there:
        yield f"{path} {_said(here)}, there {_said(there)}"


def _said(value: Any) -> str:
    """A plain value in a few words."""
    if isinstance(value, dict) and value.keys() == {"class", "config"}:
        return f"{value['class']}(…)"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    text = value if isinstance(value, str) else short(value)
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)  # the start of a hash will do


def _without(values: Config, names: Sequence[str]) -> Config:
    return {name: value for name, value in values.items() if name not in names}


def _layout(model: Sequential) -> object:
    return [(name, array.shape) for name, array in model.named_arrays().items()]


def restore(loop: Loop, resumed: Resumed) -> None:
    """Make the model and the fit what they were when the checkpoint was written."""
    model, twin, state = loop.model, resumed.model, resumed.state
    for layer, saved in zip(model._layers, twin._layers, strict=True):
        layer.trainable, layer.origin = saved.trainable, saved.origin
        _bring(layer, saved)
    for ours, theirs in (
        (model.optimizer, twin.optimizer),
        (model.loss, twin.loss),
        *zip(model.metrics, twin.metrics, strict=True),
    ):
        _bring(ours, theirs)
    model.theta[...], model.state[...] = twin.theta, twin.state
    updates, kept = model._require_compiled(), twin._require_compiled()
    updates.runs(model._layers, model.theta, model.grad)
    for slot, values in kept.slots.items():
        updates.slots[slot][...] = values
    updates.counts, updates.iterations = dict(kept.counts), kept.iterations
    updates.forget_runs()
    model.provenance = provenance.checked(twin.provenance)
    model.stop_training = state["stop"]
    _restore_generators(loop, state)
    loop.first_size = state["first_size"]
    loop.before.set_state(state["before"])
    history = loop.history
    history.history, history.epoch = state["history"], state["epochs"]
    history.features_saved = state["features_saved"]
    for callback, remembered in zip(loop.theirs, state["callbacks"], strict=True):
        callback.set_state(remembered)
    for checkpoint in loop.checkpoints:
        checkpoint.on_epoch_begin(state["epoch"])
        if checkpoint.path.exists() and checkpoint.path.samefile(resumed.path):
            checkpoint.set_state(state["checkpoint"])


def _bring(ours: Any, theirs: Any) -> None:
    """Set the hyper-parameters that a callback had changed."""
    now, then = to_config(ours)["config"], to_config(theirs)["config"]
    for name, value in then.items():
        if name not in START_ONLY and value != now.get(name):
            setattr(ours, name, getattr(theirs, name))


def _restore_generators(loop: Loop, state: dict[str, Any]) -> None:
    """The model's generator and the fit's, which may be one; those that callers hold go on, too."""
    model, settings, rng = loop.model, loop.settings, state["rng"]
    shared = state["model_rng"] is None
    of_model = rng if shared else state["model_rng"]
    if not set_generator(model.rng, of_model):
        model.rng = of_model
    if shared:
        rng = model.rng
    elif settings.seed is not None and set_generator(settings.rng, rng):
        rng = settings.rng
    loop.settings = settings._replace(rng=rng)


@contextlib.contextmanager
def frozen_as(model: Sequential, flags: Sequence[bool] | None) -> Iterator[None]:
    """For the checks before a resumed fit: with those layers frozen that were when it began."""
    flags_now = [layer._trainable for layer in model._layers]
    if flags is None or len(flags) != len(flags_now):
        yield
        return
    try:
        for layer, flag in zip(model._layers, flags, strict=True):
            layer.__dict__["_trainable"] = bool(flag)
        yield
    finally:
        for layer, flag in zip(model._layers, flags_now, strict=True):
            layer.__dict__["_trainable"] = flag
