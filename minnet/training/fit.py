"""The training loop: epochs, batches, loss, update, tell.

Everything else that a fit does is done by its participants, which have the hooks of a callback:
`start.py` lists them, and `show_loop` prints who takes part where.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet.engine.inputs import Data
from minnet.engine.network import PREDICT_ROWS, Network
from minnet.engine.updates import Rate
from minnet.files.generators import set_generator
from minnet.foundation.checks import Array, warn
from minnet.foundation.registry import Config
from minnet.training.batches import batches, gatherer
from minnet.training.callback import HOOKS, Callback, Hooks, Logs, Participant
from minnet.training.divergence import Ruin
from minnet.training.figures import EpochSoFar, Figures, evaluate
from minnet.training.history import History

IN_EVERY_STEP = ("on_train_batch_begin", "on_gradient", "on_train_batch_end")


class Fit:
    """One fit under way: it owns what changes while a model trains.

    Attributes
    ----------
    model
        Compiled and built.
    data, validation
        Checked.
    take, start
        What gives the x of a batch by its rows, and the number of the model's step that it is the
        input of.
    batch_size, steps
        Samples of a batch, no more than there are, and batches of an epoch.
    shuffle, keeps_order
        Whether each epoch draws an order, and whether a checkpoint wants the generator from before.
    validation_inputs : tuple of ndarray and int
        The x of the validation, and the number of the first step to run on it.
    participants : list of Hooks
        Who is told, in this order.
    user_callbacks
        Those of the user's, but for checkpoints; a checkpoint keeps their states by place.
    listeners
        For each hook, those who have it.
    stateful
        Those of fit's own whose states a checkpoint keeps, by name.
    call
        How fit was called, in plain values, where a checkpoint needs it.
    others_change_model
        Whether one of them may freeze layers or change weights between two steps.
    params
        What the fit is made of: epochs, steps, samples, batch_size, and the figures' names.
    history : History
    rng
        What the order of the batches and dropout are drawn from.
    rates
        The learning rates of layers that fit was given, by name.
    epoch, epochs
        How many epochs are done, and how many there are.
    so_far, finished : EpochSoFar or None
        The epoch under way, and the one before it.
    first_update
        How many updates the model had before.
    ruin
        What a training that diverged had ruined before; None where it did not diverge.
    """

    def __init__(
        self,
        model: Network,
        data: Data,
        validation: Data | None,
        *,
        batch_size: int,
        epochs: int,
        shuffle: bool,
        rng: np.random.Generator,
        rates: dict[str, Rate] | None = None,
    ) -> None:
        self.model, self.data, self.validation, self.rng = model, data, validation, rng
        self.shuffle, self.keeps_order, self.rates = shuffle, False, rates or {}
        self.batch_size = min(batch_size, len(data))  # buffers need no more rows than there are
        self.epoch, self.epochs, self.steps = 0, epochs, -(-len(data) // batch_size)
        self.history = History(
            epochs=epochs, steps=self.steps, samples=len(data), batch_size=batch_size
        )
        figures = ["loss", *(metric.name for metric in model.compiled.metrics)]
        if validation is not None:
            figures += [f"val_{name}" for name in figures]
        self.params = {**self.history.params, "metrics": figures}
        self.first_update = model.compiled.updates.iterations
        self.ruin: Ruin | None = None
        self.so_far: EpochSoFar | None = None
        self.finished: EpochSoFar | None = None
        self.participants: list[Hooks] = []
        self.user_callbacks: list[Callback] = []
        self.stateful: dict[str, Participant] = {}
        self.call: Config = {}
        self.others_change_model = self.warned_of_figures = False
        self.listeners: dict[str, list[Any]] = {}
        self.take_inputs(data.x)
        self.validation_inputs = (data.x if validation is None else validation.x, 0)

    def take_inputs(self, x: Array, start: int = 0) -> None:
        """Take the x of each batch from this array, and go in with it at the step `start`."""
        self.take = gatherer(x, self.batch_size, self.shuffle, self.model.dtype)
        self.start = start

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> History:
        """Train, epoch by epoch."""
        model = self.model
        model.history, model.stop_training = self.history, False
        begun: list[Hooks] = []
        try:
            self.begin(begun)
            while self.goes_on:
                logs = self.run_epoch()
                self.epoch, self.finished, self.so_far = self.epoch + 1, self.so_far, None
                self.tell("on_epoch_end", logs, self.epoch - 1)
        except BaseException as error:
            for other in self.end(begun):
                error.add_note(f"on_train_end then raised {other!r}.")
            raise
        errors = self.end(begun)
        if errors:
            raise errors[0]
        return self.history

    def run_epoch(self) -> Logs:
        """Train on all batches, or on those that are left, and return the figures."""
        model, rng = self.model, self.rng
        so_far = self.so_far = self.so_far or self.begin_epoch()
        begins, gradients, ends = (self.listeners[hook] for hook in IN_EVERY_STEP)
        left = range(so_far.step, so_far.steps)
        for rows, target, weight in batches(self.data, so_far.rows, self.batch_size, left):
            step = so_far.step
            for tell in begins:
                tell(step, {})
            loss = model.run_batch(self.take(rows), target, weight, rng, self.start)
            prediction = model.training_step.outputs[-1]
            for tell in gradients:
                tell(step, {"loss": loss})
            statistics = so_far.figures.of_batch(prediction, target, weight)
            model.run_update()  # only now: a metric that refuses the batch has moved nothing
            so_far.step += 1
            so_far.figures.add(loss, len(prediction), statistics)
            for tell in ends:
                tell(step, {"loss": loss})
            if model.stop_training:
                break
        logs = so_far.figures.results()
        return logs if self.validation is None else logs | self.validate(self.validation)

    def begin_epoch(self) -> EpochSoFar:
        """Draw the order of an epoch's batches, once everybody is told."""
        self.tell("on_epoch_begin", {}, self.epoch)
        order = copy.deepcopy(self.rng) if self.keeps_order else None
        rows = self.rng.permutation(len(self.data)) if self.shuffle else None
        return EpochSoFar(order, rows, self.steps, Figures(self.model.compiled.metrics))

    def validate(self, data: Data) -> Logs:
        """Return the figures on the validation data."""
        self.tell("on_test_begin", {})
        x, start = self.validation_inputs
        figures = evaluate(self.model, x, data.target, data.weight, PREDICT_ROWS, start)
        self.tell("on_test_end", figures)
        return {f"val_{name}": figure for name, figure in figures.items()}

    # --- going on another time ------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what changes while the fit runs, for a checkpoint."""
        model, history, so_far = self.model, self.history, self.so_far
        return {
            "epoch": self.epoch,
            "stop": model.stop_training,
            "first_update": self.first_update,
            "rng": self.rng,
            "model_rng": None if self.rng is model.rng else model.rng,
            "history": history.history,
            "epochs": history.epoch,
            "features_saved": history.features_saved,
            "rates_hold": bool(model.compiled.updates.rates) or not self.rates,
            "so_far": None if so_far is None else so_far.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave; the generators that callers hold go on, too."""
        model, history, rng = self.model, self.history, state["rng"]
        shared, seeded = state["model_rng"] is None, self.rng is not model.rng
        model_rng = rng if shared else state["model_rng"]
        if not set_generator(model.rng, model_rng):
            model.rng = model_rng
        if shared:
            self.rng = model.rng
        elif not (seeded and set_generator(self.rng, rng)):
            self.rng = rng
        history.history, history.epoch = state["history"], state["epochs"]
        history.features_saved = state["features_saved"]
        model.stop_training = state["stop"]
        model.compiled.updates.take_rates(self.rates if state["rates_hold"] else {})
        self.epoch, self.first_update = state["epoch"], state["first_update"]
        epoch = state["so_far"]
        if epoch is not None:  # its order is drawn again
            rng, N = copy.deepcopy(epoch["order"]), len(self.data)
            rows = rng.permutation(N) if self.shuffle else None
            steps = epoch["step"] if model.stop_training else self.steps
            self.so_far = EpochSoFar.from_state(epoch, model.compiled.metrics, rows, steps)
        elif model.stop_training:
            self.epochs = self.epoch

    # --- telling --------------------------------------------------------------------------------

    def tell(self, hook: str, logs: Logs, *number: int) -> None:
        """Call this hook of all, with the number of the epoch and the figures."""
        for tell in self.listeners[hook]:
            given = dict(logs)
            tell(*number, given)
            if hook == "on_epoch_end" and len(given) > len(logs):
                self._warn_of_figures(tell, [name for name in given if name not in logs])

    def _warn_of_figures(self, tell: Any, names: list[str]) -> None:
        """Warn once of a callback that writes figures into its copy of the logs."""
        if not self.warned_of_figures:
            self.warned_of_figures = True
            who = type(getattr(tell, "__self__", tell)).__name__
            warn(
                f"{who}.on_epoch_end wrote {', '.join(map(str, names))} into logs, which are its "
                "own copy: neither the history nor another callback has it. Write a Metric for "
                "such a figure, or keep it in the callback."
            )

    def begin(self, begun: list[Hooks]) -> None:
        """Tell everybody that the training begins, and note in the list who has begun."""
        for one in self.participants:
            if one.fit is not None:
                raise RuntimeError(
                    f"A callback takes part in one fit at a time. Got a {type(one).__name__} that "
                    "is in another. Make a second one."
                )
        for one in self.participants:
            one.fit = self
            if isinstance(one, Callback):
                one.model, one.params = self.model, dict(self.params)
        begun += [one for one in self.participants if not isinstance(one, Callback)]
        for one in self.participants:
            begun.append(one)
            if one.has_hook("on_train_begin"):
                one.on_train_begin({})
        for hook in HOOKS:
            hearing = [one for one in self.participants if one.has_hook(hook)]
            self.listeners[hook] = [getattr(one, hook) for one in hearing]
            if hook in IN_EVERY_STEP:
                self.others_change_model |= any(one.changes_model for one in hearing)

    def end(self, begun: Sequence[Hooks]) -> list[Exception]:
        """Tell all of these, so that one cannot rob another of its end; return what they raised."""
        self.model.training_step.memos = []
        logs, errors = self.logs, []
        for one in self.participants:
            if one.has_hook("on_train_end") and any(one is other for other in begun):
                try:
                    one.on_train_end(dict(logs))
                except Exception as error:
                    errors.append(error)
            if one.fit is self:
                one.fit = None
        return errors

    @property
    def steps_of_epoch(self) -> int:
        """How many training steps the epoch under way has made, or between two epochs the last."""
        epoch = self.so_far or self.finished
        return 0 if epoch is None else epoch.step

    @property
    def goes_on(self) -> bool:
        """Whether there is an epoch to train, or one that was cut short to finish."""
        stopped = self.model.stop_training and self.so_far is None
        return self.epoch < self.epochs and not stopped

    @property
    def has_moved(self) -> bool:
        """Whether an update was made, now or before this fit was resumed."""
        updates = self.model.compiled.updates
        done = bool(self.history.epoch) or self.steps_of_epoch > 0
        return done or updates.iterations != self.first_update

    @property
    def updates_done(self) -> int:
        """How many training steps are done, with those of epochs that were cut short."""
        return self.epoch * self.steps + (0 if self.so_far is None else self.so_far.step)

    @property
    def logs(self) -> Logs:
        """The figures of the last epoch that is done."""
        return {name: values[-1] for name, values in self.history.history.items()}
