"""A fit in a file: what a checkpoint holds, and reading it back.

A checkpoint is a model's file with more in `config["training"]`:

- `call`: how fit was called, in plain values, and hashes of the data. A resumed fit is called in
  the same way, or it is refused and told the difference.
- `state`: what changes while a fit runs, besides the model: the fit's own state, those of its
  participants, and what the user's callbacks remember.
- `environment`: the versions that the bits depend on.

The order of an epoch's batches is not kept but drawn again, so the generator is kept twice: as it
is now, and as it was when the epoch began.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.network import Network
from minnet.files import saving, store
from minnet.files.saving import FIT
from minnet.files.states import Packing, Unpacking
from minnet.foundation.checks import Array, ModelFileError, short
from minnet.foundation.registry import Config
from minnet.foundation.version import __version__
from minnet.training.callback import Callback, check_state
from minnet.training.fit import Fit
from minnet.training.sharing import shared_generators


def environment(model: Network) -> dict[str, str]:
    """Return what the bits of a training depend on besides the call; the BLAS matters, too."""
    several = {"processes": str(model.processes)} if model.processes > 1 else {}
    versions = {"minnet": __version__, "numpy": np.__version__, "machine": platform.machine()}
    return {**versions, **several}


def shared_arrays(model: Network) -> dict[str, Array]:
    """Return the arrays of a model that a callback may keep as its own, by their names in files."""
    vectors = {"theta": model.theta, "grad": model.grad, "state": model.state}
    gradients = {
        f"{layer.name}.d{name}": array
        for layer in model.layers
        for name, array in layer.gradients().items()
    }
    return {**vectors, **model.named_arrays(), **gradients}


# --- writing --------------------------------------------------------------------------------------


def describe_fit(fit: Fit, checkpoints: dict[str, Any]) -> tuple[Config, dict[str, Array]]:
    """Return the model and the fit as plain values and named arrays.

    Parameters
    ----------
    checkpoints
        "checkpoint": the state of the Checkpoint that writes it; "best": those of all that keep the
        best epoch, by their paths.
    """
    own = {name: participant.get_state() for name, participant in fit.stateful.items()}
    config, arrays = saving.describe(fit.model, include_optimizer=True)
    of_fit: dict[str, Array] = {}
    packing = Packing(of_fit, FIT, shared_arrays(fit.model))
    states = {"fit": fit.get_state(), **own, **checkpoints}
    if groups := shared_generators(fit):
        states["shared"] = {"generators": groups}
    remembered = [_state_of(callback) for callback in fit.user_callbacks]
    for state in states.values():
        packing.look_at(state, "what fit remembers")
    for callback, state in zip(fit.user_callbacks, remembered, strict=True):
        with _advised(callback):
            for name, value in state.items():
                packing.look_at(value, f"{type(callback).__name__}.{name}")
    packed: Config = {
        owner: {name: packing.pack(value, f"fit's {name}") for name, value in state.items()}
        for owner, state in states.items()
    }
    packed["callbacks"] = [
        _pack_callback(callback, state, packing)
        for callback, state in zip(fit.user_callbacks, remembered, strict=True)
    ]
    config["training"] = {"call": fit.call, "state": packed, "environment": environment(fit.model)}
    return config, {**arrays, **of_fit}


def _state_of(callback: Callback) -> dict[str, Any]:
    state = callback.get_state()
    if not isinstance(state, dict):
        raise TypeError(f"{type(callback).__name__}.get_state gives a dict. Got {short(state)}.")
    return {str(name): value for name, value in state.items()}


def _pack_callback(callback: Callback, state: dict[str, Any], packing: Packing) -> Any:
    name = type(callback).__name__
    with _advised(callback):
        return {"dict": [[k, packing.pack(v, f"{name}.{k}")] for k, v in state.items()]}


@contextmanager
def _advised(callback: Callback) -> Iterator[None]:
    """Add to what no file holds how the callback could tell what it remembers."""
    name = type(callback).__name__
    try:
        yield
    except TypeError as error:
        raise TypeError(
            f"{error} Write get_state and set_state in {name}, for what changes during a fit."
        ) from None


# --- reading --------------------------------------------------------------------------------------


class FitFile(NamedTuple):
    """A checkpoint that was read: its model, and the call and the states of its fit.

    Attributes
    ----------
    states
        Owner → what it remembers, by name.
    callback_states
        What the user's callbacks remember, in their order.
    packed, arrays
        The same as the file has it, to be unpacked for the running program.
    """

    path: str
    model: Network
    call: Config
    environment: dict[str, str]
    states: dict[str, Any]
    callback_states: list[dict[str, Any]]
    packed: Config
    arrays: Mapping[str, Array]

    def flags(self, model: Network) -> list[bool]:
        """Return whether each layer was trainable when the fit began, or of another model is."""
        flags = [bool(flag) for flag in self.call["trainable"]]
        now = [layer.trainable for layer in model.layers]
        return flags if len(flags) == len(now) else now

    @property
    def epochs_begun(self) -> int:
        """How many epochs have begun."""
        state = self.states["fit"]
        epochs: int = state["epoch"] + (state["so_far"] is not None)
        return epochs


def read(path: Any) -> FitFile:
    """Return the checkpoint at this path.

    Raises
    ------
    TypeError
        The path is no path.
    ModelFileError
        No file, or not one that a Checkpoint wrote.
    """
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
    with saving.refusing(f"{shown} describes no fit that minnet can resume"):
        model = Network(seed=0, dtype=saving.dtype_of(config))
        saving.load_into(model, config, arrays)
        _check_keys(training, {"call", "state", "environment"})
        packed, call, versions = training["state"], training["call"], training["environment"]
        of_fit = {name: array for name, array in arrays.items() if name.startswith(FIT)}
        unpacking = Unpacking(of_fit, shared_arrays(model))
        states = unpack_states(unpacking, packed)
        if not isinstance(packed["callbacks"], list):
            raise ValueError("what it says of the callbacks is no list of dicts")
        callback_states = [unpacking.unpack(state) for state in packed["callbacks"]]
        if unpacking.left:
            raise ValueError(f"nothing in it is made of {next(iter(unpacking.left))}")
        _check_states(model, states)
        if not all(isinstance(state, dict) for state in callback_states):
            raise ValueError("what it says of the callbacks is no list of dicts")
        if not model.is_compiled or config["updates"] is None:
            raise ValueError("it does not say how its model is trained")
        if not isinstance(call, dict) or not isinstance(call["trainable"], list):
            raise ValueError("it does not say how its fit was called")
        if not all(type(flag) is bool for flag in call["trainable"]):
            raise ValueError("it does not say what was frozen")
        if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
            raise ValueError("its versions are no texts")
        return FitFile(shown, model, call, versions, states, callback_states, packed, of_fit)


def unpack_states(unpacking: Unpacking, packed: Config) -> dict[str, Any]:
    """Return what all but the callbacks remember, by owner and name."""
    for owner, state in packed.items() if isinstance(packed, dict) else [("it", packed)]:
        if owner != "callbacks" and not isinstance(state, dict):
            raise ValueError(f"what {short(owner)} remembers is {short(state)}")
    return {
        owner: {name: unpacking.unpack(value) for name, value in state.items()}
        for owner, state in packed.items()
        if owner != "callbacks"
    }


def _check_keys(value: Any, keys: set[str]) -> None:
    if not isinstance(value, dict) or value.keys() != keys:
        raise ValueError(f"it has {short(value)} where {', '.join(sorted(keys))} should be")


def _check_states(model: Network, states: dict[str, Any]) -> None:
    """Refuse what is of another kind than fit takes: a file may hold anything."""
    generator = np.random.Generator  # here, so that importing minnet does not import numpy.random
    wanted: dict[str, dict[str, Any]] = {
        "fit": {
            "epoch": int,
            "stop": bool,
            "first_update": int,
            "rng": generator,
            "model_rng": (generator, NoneType),
            "history": dict,
            "epochs": list,
            "features_saved": int,
            "rates_hold": bool,
            "so_far": (dict, NoneType),
        },
        "rollback": {"largest_weight": float},
        "receipt": {"weights": dict, "hashes": dict},
        "features": {"start": int},
    }
    optional = {"best", "shared"} & states.keys()
    _check_keys(states, {*wanted, "checkpoint", *optional})
    for owner, kinds in wanted.items():
        _check_keys(states[owner], set(kinds))
        check_state(states[owner], kinds)
    fit, receipt = states["fit"], states["receipt"]
    for group in states.get("shared", {}).get("generators", []):
        if not isinstance(group, list) or not all(isinstance(name, str) for name in group):
            raise ValueError(f"its generators are shared by {short(group)}")
    if len(fit["epochs"]) != fit["epoch"] or fit["epochs"] != list(range(fit["epoch"])):
        raise ValueError("its history has gaps")
    if not all(isinstance(n, str) and isinstance(v, list) for n, v in fit["history"].items()):
        raise ValueError("its history is not made of lists")
    if fit["so_far"] is not None:
        number = (float, np.floating)  # as a student's step gives the loss
        kinds = {"order": generator, "step": int, "samples": int, "total": number, "figures": list}
        check_state(fit["so_far"], kinds)
    sizes = {layer.label: sum(w.size for w in layer.gradients().values()) for layer in model.layers}
    for name, weights in receipt["weights"].items():
        if not isinstance(weights, np.ndarray) or weights.shape != (sizes.get(name),):
            raise ValueError(f"its receipt has other weights of {short(name)}")
        if weights.dtype != model.dtype:
            raise ValueError(f"its receipt has weights of {weights.dtype}")
    if not all(isinstance(text, str) for pair in receipt["hashes"].items() for text in pair):
        raise ValueError("its receipt has hashes that are no texts")
