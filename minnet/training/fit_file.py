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
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.network import Network
from minnet.files import saving, store
from minnet.files.saving import FIT
from minnet.files.states import pack, unpack
from minnet.foundation.checks import Array, ModelFileError, integer, short
from minnet.foundation.registry import Config
from minnet.foundation.version import __version__
from minnet.training.callback import Callback
from minnet.training.fit import Fit


def environment() -> dict[str, str]:
    """Return what the bits of a training depend on besides the call; the BLAS matters, too."""
    return {"minnet": __version__, "numpy": np.__version__, "machine": platform.machine()}


# --- writing --------------------------------------------------------------------------------------


def describe_fit(fit: Fit, checkpoint: dict[str, Any]) -> tuple[Config, dict[str, Array]]:
    """Return the model and the fit as plain values and named arrays.

    Parameters
    ----------
    checkpoint
        The state of the Checkpoint that writes it.
    """
    own = {name: participant.get_state() for name, participant in fit.stateful.items()}
    config, arrays = saving.describe(fit.model, include_optimizer=True)
    of_fit: dict[str, Array] = {}
    states = {"fit": fit.get_state(), **own, "checkpoint": checkpoint}
    packed: Config = {
        owner: {name: pack(value, of_fit, FIT, f"fit's {name}") for name, value in state.items()}
        for owner, state in states.items()
    }
    packed["callbacks"] = [_pack_callback(callback, of_fit) for callback in fit.user_callbacks]
    config["training"] = {"call": fit.call, "state": packed, "environment": environment()}
    return config, {**arrays, **of_fit}


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


class FitFile(NamedTuple):
    """A checkpoint that was read: its model, and the call and the states of its fit."""

    path: str
    model: Network
    call: Config
    environment: dict[str, str]
    states: dict[str, Any]
    callback_states: list[dict[str, Any]]

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
    try:
        model = Network(seed=0, name=str(config["name"]), dtype=config["dtype"])
        saving.load_into(model, config, arrays)
        packed = dict(training["state"])
        callback_states = [unpack(state, arrays) for state in packed.pop("callbacks")]
        states = {
            owner: {name: unpack(value, arrays) for name, value in state.items()}
            for owner, state in packed.items()
        }
        _check_states(states, callback_states)
        call, versions = training["call"], training["environment"]
        if not model.is_compiled or not isinstance(call["trainable"], list):
            raise ValueError("it does not say how its fit was called")
        return FitFile(shown, model, call, versions, states, callback_states)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"its description lacks {error}" if isinstance(error, KeyError) else error
        raise ModelFileError(f"{shown} describes no fit that minnet can resume: {why}") from None


def _check_states(states: dict[str, dict[str, Any]], callback_states: list[Any]) -> None:
    """Refuse what is of another kind than fit takes: a file may hold anything."""
    generator = np.random.Generator  # here, so that importing minnet does not import numpy.random
    wanted: dict[str, dict[str, Any]] = {
        "fit": {
            "stop": bool,
            "rng": generator,
            "model_rng": (generator, NoneType),
            "history": dict,
            "epochs": list,
            "so_far": (dict, NoneType),
        },
        "rollback": {"largest_weight": float},
        "receipt": {"weights": dict, "hashes": dict},
        "features": {"start": int},
        "checkpoint": {},
    }
    for owner, kinds in wanted.items():
        state = states[owner]
        for name, kind in kinds.items():
            if not isinstance(state[name], kind):
                raise ValueError(f"{name} is {short(state[name])}")
    fit = states["fit"]
    for name in ("epoch", "first_update", "features_saved"):
        integer(fit[name], name, minimum=0)
    if len({len(values) for values in [fit["epochs"], *fit["history"].values()]}) > 1:
        raise ValueError("its history has gaps")
    if not all(isinstance(state, dict) for state in callback_states):
        raise ValueError("what it says of the callbacks is no list of dicts")
    so_far = fit["so_far"]
    if so_far is not None:
        kinds = {"order": generator, "step": int, "samples": int, "total": float, "figures": list}
        if so_far.keys() != kinds.keys() or not all(
            isinstance(so_far[name], kind) for name, kind in kinds.items()
        ):
            raise ValueError("what it says of its epoch is not one")
