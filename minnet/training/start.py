"""The beginning of a fit: all is checked, and the list of those who take part is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.engine.borders import try_own_classes
from minnet.engine.network import Network
from minnet.engine.refusals import Undo, UndoAll
from minnet.engine.updates import Rate
from minnet.foundation.checks import DivergedError
from minnet.training.arguments import FitArguments, check_decay, fit_data, learning_rates
from minnet.training.checkpoint import Checkpoint
from minnet.training.divergence import CheckEpoch, Rollback, largest
from minnet.training.features import KeepFeatures
from minnet.training.fit import Fit
from minnet.training.fit_call import check_generators, describe_call
from minnet.training.fit_file import FitFile, read
from minnet.training.history import History, RecordHistory
from minnet.training.hooks import CheckLayers, TellFollowers
from minnet.training.process import WholeSteps, suited_to
from minnet.training.receipts import RecordTraining, WriteReceipt
from minnet.training.resuming import resumed


def run_fit(model: Network, arguments: FitArguments, x: Any, y: Any) -> History:
    """Check everything, then train; see `Sequential.fit`."""
    updates = model.compiled.updates
    file = None if arguments.resume is None else read(arguments.resume)
    model.require_trainable(None if file is None else file.flags(model))
    rates = {} if arguments.learning_rate is None else own_rates(model, arguments, file)
    undo = Undo(model, arguments.rng)
    if not model.built or arguments.callbacks or model.runs_own_code:
        undo = UndoAll(model, arguments.rng, arguments.callbacks)
    fit = None
    try:
        data, validation = fit_data(model, arguments, x, y)
        if model.compiled.optimizer.weight_decay > 0.0:
            check_decay(model, rates)
        if model.runs_own_code:
            try_own_classes(model, data)
        with model.training_alone(), WholeSteps() as whole_steps:
            fit = Fit(
                model,
                data,
                validation,
                batch_size=arguments.batch_size,
                epochs=arguments.epochs,
                shuffle=arguments.shuffle,
                rng=model.rng if arguments.rng is None else arguments.rng,
                rates=rates,
            )
            take_part(fit, arguments, file, whole_steps)
            sizes = [w.size for layer in model.layers for w in layer.gradients().values()]
            threads = suited_to(fit.batch_size * max(sizes))
            if rates:
                updates.take_rates(rates)
            try:
                with threads, np.errstate(all="ignore"):
                    return fit.run()
            finally:
                model.tell_written()
    except Exception as error:
        if fit is None or not (fit.has_moved or isinstance(error, DivergedError)):
            undo.restore()
        raise
    finally:
        updates.rates = {}


def own_rates(model: Network, arguments: FitArguments, file: FitFile | None) -> dict[str, Rate]:
    """Return the learning rates of layers that hold for this fit, by the layers' names."""
    first, flags = model.compiled.updates.iterations, [one.trainable for one in model.layers]
    if file is not None:
        first, flags = file.states["fit"]["first_update"], file.flags(model)
    unfreezing = any(callback.unfreezes for callback in arguments.callbacks)
    return learning_rates(model.layers, flags, arguments.learning_rate, first, unfreezing)


def take_part(
    fit: Fit, arguments: FitArguments, file: FitFile | None, whole_steps: WholeSteps
) -> None:
    """List all who take part in a fit, in the order in which each hook calls them.

    Those who follow the layers come first, as others may look at them. Then the weights are looked
    at, so that nobody hears of figures that are not finite. What the user's callbacks change comes
    before the snapshot and the features that may depend on it, and all of that before the
    checkpoints: those of the best epoch first, which the others' files know of. The receipt
    compares what everybody left behind. Resume begins when all others have begun, and Ctrl-C goes
    on when the step is whole.
    """
    model, callbacks = fit.model, arguments.callbacks
    rollback, receipt = Rollback(largest(model.theta)), WriteReceipt(model.layers)
    fit.stateful = {"rollback": rollback, "receipt": receipt}
    if callbacks or file is not None or model.plan().cacheable:
        fit.stateful["features"] = KeepFeatures()
    checkpoints = [one for one in callbacks if isinstance(one, Checkpoint)]
    checkpoints.sort(key=lambda one: one.monitor is None)
    others = [one for one in callbacks if not isinstance(one, Checkpoint)]
    fit.user_callbacks = [one for one in others if one.in_checkpoints]
    fit.keeps_order = bool(checkpoints)
    if checkpoints or file is not None:
        check_generators(model)
        fit.call = describe_call(model, arguments, fit.user_callbacks, fit.data, fit.validation)
    followed = callbacks or any(layer.follower is not None for layer in model.layers)
    fit.participants = [
        *([TellFollowers()] if followed else []),
        CheckEpoch(rollback),
        RecordHistory(),
        *others,
        *([CheckLayers(model)] if callbacks else []),
        *([] if arguments.shown is None else [arguments.shown]),
        rollback,
        *([fit.stateful["features"]] if "features" in fit.stateful else []),
        *checkpoints,
        receipt,
        RecordTraining(arguments.learning_rate),
        *([] if file is None else [resumed(fit, file, arguments)]),
        whole_steps,
    ]
