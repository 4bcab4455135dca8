"""Going on with a fit as if it had never stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minnet.engine.network import Network
from minnet.files import provenance
from minnet.foundation.checks import ModelFileError, warn
from minnet.foundation.registry import Config, to_config
from minnet.training.arguments import FitArguments
from minnet.training.callback import Logs, Participant
from minnet.training.checkpoint import Checkpoint
from minnet.training.fit import Fit
from minnet.training.fit_call import START_ONLY, differences, model_parts, words
from minnet.training.fit_file import FitFile, environment
from minnet.training.progress import Progress


def resumed(fit: Fit, file: FitFile, arguments: FitArguments) -> Resume:
    """Return the participant that resumes a fit from its file, if that is the fit.

    From then on the fit was called as it was at its beginning: the file tells what is frozen.
    """
    check_resumed(file, fit.model, arguments, fit.call)
    fit.call = file.call
    return Resume(file)


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
        raise ModelFileError(
            f"fit's resume takes the fit that wrote {file.path}. Got {'; '.join(differing)}. Call "
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
    if file.environment != environment():
        warn(
            f"{file.path} was written with {words(file.environment)}, and this is "
            f"{words(environment())}. The fit goes on, but its last digits may differ from those "
            "of one that was never stopped."
        )


def _without(values: Config, names: Sequence[str]) -> Config:
    return {name: value for name, value in values.items() if name not in names}


def _layout(model: Network) -> object:
    return [(name, array.shape) for name, array in model.named_arrays().items()]


class Resume(Participant):
    """Make the model and the fit what they were when a checkpoint was written.

    It comes after all others, which have begun by then.
    """

    file: FitFile

    def __init__(self, file: FitFile) -> None:
        self.file = file

    def on_train_begin(self, logs: Logs | None = None) -> None:
        fit, states = self.fit, self.file.states
        _restore_model(fit.model, self.file.model)
        fit.set_state(states["fit"])
        for callback, state in zip(fit.user_callbacks, self.file.callback_states, strict=True):
            callback.set_state(state)
        for name, participant in fit.stateful.items():
            participant.set_state(states[name])
        for participant in fit.participants:
            if isinstance(participant, Checkpoint):
                path = participant.path
                if path.exists() and path.samefile(self.file.path):
                    participant.set_state(states["checkpoint"])
            if isinstance(participant, Progress):
                participant.goes_on(fit.epoch, 0 if fit.so_far is None else fit.so_far.step)


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
    """Set the hyper-parameters that a callback had changed."""
    now, then = to_config(here)["config"], to_config(there)["config"]
    for name, value in then.items():
        if name not in START_ONLY and value != now.get(name):
            setattr(here, name, getattr(there, name))
