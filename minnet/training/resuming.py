"""Going on with a fit as if it had never stopped: all of it is restored, or nothing is changed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minnet.engine.network import Network
from minnet.files import provenance, saving
from minnet.files.states import Unpacking, holds_generator
from minnet.foundation.checks import ModelFileError, short, warn
from minnet.foundation.registry import Config, Configurable, to_config
from minnet.foundation.undo import Before
from minnet.training.arguments import FitArguments
from minnet.training.callback import Callback, Logs, Participant
from minnet.training.checkpoint import Checkpoint
from minnet.training.figures import Figures
from minnet.training.fit import Fit
from minnet.training.fit_call import START_ONLY, differences, model_parts, words
from minnet.training.fit_file import FitFile, environment, shared_arrays, unpack_states
from minnet.training.progress import Progress
from minnet.training.sharing import check_shared

SHOWN = 10
"""How many differences of two fits an error lists."""


def resumed(fit: Fit, file: FitFile, arguments: FitArguments) -> Resume:
    """Return the participant that resumes a fit from its file, if that is the fit.

    From then on the fit was called as it was at its beginning: the file tells what is frozen.
    """
    check_resumed(file, fit.model, arguments, fit.call)
    fit.call = file.call
    return Resume(file, Before(fit.model, fit.rng, *arguments.callbacks))


def check_resumed(file: FitFile, model: Network, arguments: FitArguments, here: Config) -> None:
    """Refuse another model, other data or another call, naming every difference.

    A model may have the hyper-parameters of the fit's start, or those of the checkpoint: callbacks
    may have changed them in between.

    Parameters
    ----------
    here
        How fit was called now.
    """
    there = dict(file.call)
    if here["model"] == model_parts(file.model):
        there["model"] = here["model"]
    if arguments.seed is None:
        there["seed"] = None  # the generator's state is in the file
    left_out = ("trainable",)  # the file tells what is frozen
    differing = list(differences("", _without(here, left_out), _without(there, left_out)))
    if differing:
        more = [f"and {len(differing) - SHOWN:,} more"] if len(differing) > SHOWN else []
        listed = "; ".join([*(words(difference) for difference in differing[:SHOWN]), *more])
        raise ModelFileError(
            f"fit's resume takes the fit that wrote {file.path}. Got {listed}. Call "
            "compile and fit as they were called then; for anything else load the model and fit "
            "it without resume."
        )
    if _layout(model) != _layout(file.model):
        raise ModelFileError(f"{file.path} contradicts itself. Use another copy of it.")
    if arguments.epochs < file.epochs_begun:
        raise ModelFileError(
            f"fit's resume takes epochs as the total, {file.epochs_begun} or more here, since so "
            f"many have begun in {file.path}. Got {arguments.epochs}."
        )
    now = environment(model)
    if file.environment != now:
        warn(
            f"{file.path} was written with {words(file.environment)}, and this is {words(now)}. "
            "The fit goes on, but its last digits may differ from those of one that was never "
            "stopped."
        )


def _without(values: Config, names: Sequence[str]) -> Config:
    return {name: value for name, value in values.items() if name not in names}


def _layout(model: Network) -> object:
    """Of what a model is made, without its settings."""
    compiled = model.compiled
    return (
        [(type(layer), layer.label) for layer in model.layers],
        [(name, array.shape) for name, array in model.named_arrays().items()],
        [type(one) for one in (compiled.optimizer, compiled.loss, *compiled.metrics)],
    )


class Resume(Participant):
    """Make the model and the fit what they were when a checkpoint was written.

    It comes after all others, which have begun by then. Where one of them fails to, or the file
    does, everything is put back.
    """

    file: FitFile
    before: Before | None

    def __init__(self, file: FitFile, before: Before) -> None:
        self.file, self.before = file, before

    def on_train_begin(self, logs: Logs | None = None) -> None:
        with saving.refusing(self._refused):
            _check_progress(self.fit, self.file)
            _restore_model(self.fit.model, self.file.model)
        self._restore_fit()
        self.before = None  # from here on the fit is the one that was stopped

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.before is not None:
            self.before.put_back()

    @property
    def _refused(self) -> str:
        return f"{self.file.path} describes no fit that minnet can resume"

    def _restore_fit(self) -> None:
        fit, file = self.fit, self.file
        unpacking = Unpacking(file.arrays, shared_arrays(self.fit.model))
        with saving.refusing(self._refused):
            states = unpack_states(unpacking, file.packed)
            fit.set_state(states["fit"])
            unpacking.put_in_place_of(states["fit"]["rng"], fit.rng)
            if states["fit"]["model_rng"] is not None:
                unpacking.put_in_place_of(states["fit"]["model_rng"], self.fit.model.rng)
        for callback, packed in zip(fit.user_callbacks, file.packed["callbacks"], strict=True):
            self._restore_callback(callback, packed, unpacking)
        with saving.refusing(self._refused):
            for name, participant in fit.stateful.items():
                participant.set_state(states[name])
            for participant in fit.participants:
                if isinstance(participant, Checkpoint):
                    participant.goes_on(file.path, states["checkpoint"], states.get("best", {}))
        check_shared(fit, states.get("shared", {}).get("generators", []), file.path)
        for participant in fit.participants:
            if isinstance(participant, Progress):
                participant.goes_on(fit.epoch, 0 if fit.so_far is None else fit.so_far.step)

    def _restore_callback(self, callback: Callback, packed: Any, unpacking: Unpacking) -> None:
        """Let a callback remember again; its generators go on, for all who hold them."""
        try:
            live = callback.get_state() if holds_generator(packed) else None
            callback.set_state(unpacking.unpack(packed, live))
        except Warning:
            raise
        except Exception as error:
            name = type(callback).__name__
            raise ModelFileError(
                f"{self._refused}: {name} does not take what a {name} remembered there, and raised "
                f"{type(error).__name__}: {short(str(error), 200)}. Nothing has changed."
            ) from error


def _check_progress(fit: Fit, file: FitFile) -> None:
    """Refuse a state of another fit: in its history, or in the epoch that is under way."""
    state, steps = file.states["fit"], len(fit.model.steps)
    if len(file.callback_states) != len(fit.user_callbacks):
        raise ValueError("it remembers other callbacks")
    for name in fit.params["metrics"] if state["epoch"] else ():
        values = state["history"].get(name)
        if values is None or len(values) != state["epoch"]:
            raise ValueError(f"its history has gaps in {name}")
        if not all(map(_is_number, values)):
            raise ValueError(f"its history has no numbers in {name}")
    if file.states["features"]["start"] > steps:
        raise ValueError("it has features of more steps than there are")
    so_far = state["so_far"]
    if so_far is None:
        return
    if so_far["step"] > fit.steps or bool(so_far["step"]) != bool(so_far["samples"]):
        raise ValueError("its epoch has other steps")
    if so_far["step"] and fit.model.metrics:
        figures = Figures(fit.model.metrics, statistics=copy.deepcopy(so_far["figures"]))
        try:
            prediction = file.model.run(fit.data.x[:1])
            more = figures.of_batch(prediction, fit.data.target[:1])
            figures.add(0.0, 1, more)  # one more sample fits
            figures.results()
        except Exception:  # a student's metric may raise anything
            raise ValueError("what it gathered of its epoch is of other metrics") from None


def _is_number(value: Any) -> bool:
    """Whether a metric can have given this as its figure."""
    return isinstance(value, Real) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _restore_model(model: Network, saved: Network) -> None:
    """Bring weights, settings, what is frozen and what the optimizer remembers."""
    for layer, saved_layer in zip(model.layers, saved.layers, strict=True):
        layer.trainable, layer.origin = saved_layer.trainable, saved_layer.origin
        _bring_settings(layer, saved_layer)
    for here, there in (
        (model.optimizer, saved.optimizer),
        (model.loss, saved.loss),
        *zip(model.metrics, saved.metrics, strict=True),
    ):
        _bring_settings(here, there)
    model.theta[...], model.state[...] = saved.theta, saved.state
    updates, saved_updates = model.compiled.updates, saved.compiled.updates
    model.update_groups()  # gives the slots theta's layout
    for slot, values in saved_updates.slots.items():
        updates.slots[slot][...] = values
    updates.set_counts(dict(saved_updates.counts), saved_updates.iterations)
    model.provenance = provenance.checked(saved.provenance)


def _bring_settings(here: Any, there: Any) -> None:
    """Set the hyper-parameters that a callback had changed, also those of parts of a thing."""
    now, then = to_config(here)["config"], to_config(there)["config"]
    for name, value in then.items():
        if name in START_ONLY or value == now.get(name):
            continue
        own, saved = getattr(here, name), getattr(there, name)
        if isinstance(own, Configurable) and type(own) is type(saved):
            _bring_settings(own, saved)
        else:
            setattr(here, name, saved)
