"""The beginning of a fit: all is checked, and the list of those who take part is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.engine.network import Network
from minnet.training.arguments import FitArguments, fit_data, learning_rates
from minnet.training.callback import Callback
from minnet.training.checkpoint import Checkpoint
from minnet.training.divergence import CheckEpoch, Rollback, largest
from minnet.training.features import KeepFeatures
from minnet.training.fit import Fit
from minnet.training.fit_call import describe_call
from minnet.training.fit_file import FitFile, read
from minnet.training.history import History, RecordHistory
from minnet.training.process import WholeSteps, suited_to
from minnet.training.progress import Progress, progress
from minnet.training.receipts import RecordTraining, WriteReceipt
from minnet.training.resuming import Resume, check_resumed


def run_fit(model: Network, arguments: FitArguments, x: Any, y: Any) -> History:
    """Check everything, then train; see `Sequential.fit`."""
    updates = model.compiled.updates
    file = None if arguments.resume is None else read(arguments.resume)
    flags = [layer.trainable for layer in model.layers]
    first_update = updates.iterations
    if file is not None:
        first_update = file.states["fit"]["first_update"]
        if len(file.call["trainable"]) == len(flags):  # else it is another model, refused below
            flags = [bool(flag) for flag in file.call["trainable"]]
    model.require_trainable(flags)
    shown = progress(arguments.verbose)
    rates = learning_rates(model.layers, flags, arguments.learning_rate, first_update)
    data, validation = fit_data(model, arguments, x, y)
    with model.training_alone(), WholeSteps() as whole_steps:
        fit = Fit(
            model,
            data,
            validation,
            batch_size=arguments.batch_size,
            epochs=arguments.epochs,
            shuffle=arguments.shuffle,
            rng=model.rng if arguments.rng is None else arguments.rng,
            keeps_order=any(isinstance(one, Checkpoint) for one in arguments.callbacks),
        )
        take_part(fit, arguments, shown, file, whole_steps)
        updates.rates = rates
        try:
            with suited_to(_largest_product(model, fit.batch_size)), np.errstate(all="ignore"):
                return fit.run()
        finally:
            updates.rates = {}


def take_part(
    fit: Fit,
    arguments: FitArguments,
    shown: Progress | None,
    file: FitFile | None,
    whole_steps: WholeSteps,
) -> None:
    """List the participants of a fit, and see what a checkpoint needs of them."""
    model, callbacks = fit.model, list(arguments.callbacks)
    rollback, receipt = Rollback(largest(model.theta)), WriteReceipt(model.layers)
    features, record = KeepFeatures(), RecordTraining(arguments.learning_rate)
    fit.user_callbacks = [one for one in callbacks if not isinstance(one, Checkpoint)]
    fit.stateful = {"rollback": rollback, "receipt": receipt, "features": features}
    if file is not None or fit.keeps_order:
        fit.call = describe_call(model, arguments, fit.user_callbacks, fit.data, fit.validation)
    last: list[Callback] = [whole_steps]
    if file is not None:
        check_resumed(file, model, arguments, fit.call)
        fit.call = file.call  # what is frozen, and the seed, as the fit began with them
        last = [Resume(file), whole_steps]
    shows = [] if shown is None else [shown]
    keeps = [features] if callbacks or model.plan().cacheable else []
    fit.participants = in_order(rollback, callbacks, shows, keeps, receipt, record, last)


def in_order(
    rollback: Rollback,
    callbacks: Sequence[Callback],
    shows: Sequence[Callback],
    keeps: Sequence[Callback],
    receipt: WriteReceipt,
    record: RecordTraining,
    last: Sequence[Callback],
) -> list[Callback]:
    """Return all who take part in a fit, in the order in which each hook calls them.

    The weights are looked at first, so that nobody hears of figures that are not finite. What the
    user's callbacks change comes before the snapshot and the features that may depend on it, and
    all of that before the checkpoints. The receipt compares what everybody left behind. Resume
    begins when all others have begun, and Ctrl-C goes on when the step is whole.
    """
    checkpoints = [one for one in callbacks if isinstance(one, Checkpoint)]
    others = [one for one in callbacks if not isinstance(one, Checkpoint)]
    return [
        CheckEpoch(rollback),
        RecordHistory(),
        *others,
        *shows,
        rollback,
        *keeps,
        *checkpoints,
        receipt,
        record,
        *last,
    ]


def _largest_product(model: Network, N: int) -> int:
    """Return how many multiplications the largest matrix product of a step has: N · D · M."""
    return N * max(array.size for layer in model.layers for array in layer.gradients().values())
