"""A training that leaves the finite numbers: where it did, why, and the way back."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.inputs import Data
from minnet.engine.network import Network
from minnet.engine.updates import norm
from minnet.foundation.checks import Array, DivergedError
from minnet.training.callback import Logs, Participant

LARGE_INPUT = 100.0
"""Inputs beyond this are named as a cause; `fit` warns of them, too."""

GROWN = 10.0
"""So many times larger than at the start of the fit, weights are named as running away."""

RUINED = 100.0
"""An epoch whose loss is so many times that of the fit's first step has ruined the model."""

TRIALS = 16
"""Rates that are tried, at most: four tenths of tenths, then thousandths."""

TRIAL_STEPS = 20
"""Steps in which a smaller rate is tried, before it is advised."""

STEEP = 100.0
"""Outputs so many times larger than a layer's input are named as exploding."""


class Snapshot:
    """A model's numbers at the start of an epoch, to go back to when it diverges."""

    def __init__(self, model: Network) -> None:
        updates = model.compiled.updates
        self.theta, self.state = model.theta.copy(), model.state.copy()
        self.slots = {slot: values.copy() for slot, values in updates.slots.items()}
        self.counts, self.iterations = dict(updates.counts), updates.iterations

    def restore(self, model: Network) -> None:
        """Put everything back: weights, statistics, and what the optimizer remembers."""
        updates = model.compiled.updates
        model.theta[...], model.state[...] = self.theta, self.state
        for slot, values in updates.slots.items():
            values[...] = self.slots.get(slot, updates.optimizer.initial(slot))
        counts = {name: self.counts.get(name, 0) for name in updates.counts}
        updates.set_counts(counts, self.iterations)


class Ruin(NamedTuple):
    """What a training that diverged had ruined, for those who keep weights of its epochs."""

    epoch: int | None  # the first of those at its end whose loss was ruined
    theta: Array | None  # weights after an epoch, which the first step of the next showed to be


class Rollback(Participant):
    """Put the model back when its training leaves the finite numbers: to the last sane epoch.

    That is where the epoch began, unless the one before had ruined the model already: then where
    the last one began that had not. The whole model goes back, and what the optimizer remembers;
    layers that were frozen all the time keep every bit.

    The loss is looked at in every step, before the update; the weights once an epoch, by
    `CheckEpoch`, and before a checkpoint is written.
    """

    largest_weight: float
    snapshot: Snapshot | None
    snapshot_time: str
    snapshot_epoch: int
    ruin: Ruin

    def __init__(self, largest_weight: float) -> None:
        self.largest_weight = largest_weight  # when the fit began
        self.snapshot: Snapshot | None = None
        self.snapshot_time, self.snapshot_epoch = "before this epoch", 0
        self._previous: tuple[Snapshot, int] | None = None  # until an epoch's first step is sane
        self._epoch = 0
        self.ruin, self._began_finite = Ruin(None, None), True
        self._first_loss: float | None = None  # of this fit
        self._sane = True  # whether the last epoch left the model so

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._previous = None
        if self._sane or self.snapshot is None:
            if self.snapshot is not None and epoch > self.snapshot_epoch:
                self._previous = self.snapshot, self.snapshot_epoch
            self.snapshot, self.snapshot_epoch = Snapshot(self.fit.model), epoch
            self.snapshot_time = "before this epoch"
        elif self.snapshot_time == "before this epoch":
            self.snapshot_time = f"before epoch {self._epoch + 1}, the last that was sane"
        self._epoch = epoch

    def on_gradient(self, batch: int, logs: Logs | None = None) -> None:
        if not logs:
            return
        loss = logs["loss"]
        if self._previous is not None:  # the first step of an epoch tells how it was begun
            if self._ruined(loss) and self.snapshot is not None:
                self.ruin = self.ruin._replace(theta=self.snapshot.theta)
                self._began_finite = is_finite(self.snapshot.theta)
                self.snapshot, self.snapshot_epoch = self._previous
                epoch = self.snapshot_epoch + 1
                self.snapshot_time = f"before epoch {epoch}, the last that was sane"
            self._previous = None
        if not math.isfinite(loss):
            raise self._diverged(f"The loss became {loss:g}", batch)
        if self._first_loss is None:
            self._first_loss = loss

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._sane = not self._ruined((logs or {}).get("loss", math.nan))
        if self._sane:
            self.ruin = Ruin(None, None)
        elif self.ruin.epoch is None:
            self.ruin = self.ruin._replace(epoch=epoch)

    def _ruined(self, loss: float) -> bool:
        """Whether a loss is that of a model which this fit has ruined."""
        first = self._first_loss
        return not (math.isfinite(loss) and (first is None or loss <= RUINED * max(first, 0.0)))

    def check(self) -> None:
        """Raise DivergedError, with the model put back, where a number is not finite."""
        if self.snapshot is not None and (symptom := trouble(self.fit.model)):
            raise self._diverged(symptom, self.fit.steps_of_epoch - 1)

    def get_state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, which is not written where the training diverged."""
        self.check()
        return {"largest_weight": self.largest_weight}

    def set_state(self, state: dict[str, Any]) -> None:
        self.largest_weight = state["largest_weight"]
        self.snapshot, self.snapshot_time = Snapshot(self.fit.model), "when it was resumed"
        self._epoch = self.snapshot_epoch = self.fit.epoch

    def _diverged(self, symptom: str, step: int) -> DivergedError:
        """Put the model back, and return the error that tells where and why."""
        model, snapshot = self.fit.model, self.snapshot
        if snapshot is None:
            raise RuntimeError("Rollback takes part in a fit. Got no step of one.")
        at_loss = symptom.startswith("The loss")
        if at_loss and step and not is_finite(model.theta):  # the update before it was the fault
            symptom, step = "The weights left the finite numbers", step - 1
        elif not at_loss and not is_finite(model.grad):
            symptom = "The gradient left the finite numbers"
        with np.errstate(all="ignore"):
            fault = _first_fault(model, symptom)
            finite_before = is_finite(snapshot.theta) and self._began_finite
            cause = _likely_cause(model, symptom, finite_before, self.largest_weight)
            rate, size = _rate(model, self.fit.first_update), gradient_norm(model)
        snapshot.restore(model)
        self.fit.ruin = self.ruin
        calmer = self._calmer_rate(rate) if rate else None
        smaller = f"a smaller learning rate, such as {calmer:g}, " if calmer else ""
        return DivergedError(
            f"{symptom} in epoch {self._epoch + 1}, step {step + 1}, at learning rate {rate:g}. "
            f"The first that is not finite is {fault.words}. The model is back where it was "
            f"{self.snapshot_time}. Try {smaller}inputs scaled to about 1, or clipping: "
            f"global_clipnorm=1. Likely cause: {cause} (The gradient's norm: {size:.3g}.)",
            epoch=self._epoch,
            step=step,
            layer=fault.layer,
            learning_rate=rate,
            gradient_norm=size,
        )

    def _calmer_rate(self, rate: float) -> float:
        """Return a smaller rate at which the model does not diverge at once, by a trial on a copy.

        Without one a tenth: where the copy cannot be made, or where no rate would help.
        """
        fit, calmer = self.fit, rate / 10.0
        data, size = fit.data, fit.batch_size
        for trial in range(TRIALS):
            try:
                if stays_calm(fit.model.copy(), data, size, calmer):
                    return calmer
            except Exception:  # a user's own step may need what a copy has not
                return rate / 10.0
            calmer /= 10.0 if trial < 4 else 1000.0
        return rate / 10.0


def stays_calm(model: Network, data: Data, batch_size: int, rate: float) -> bool:
    """Return whether some steps at this rate do not make the loss much larger; trains the model."""
    model.compiled.optimizer.learning_rate = rate
    first = last = math.nan
    rng = np.random.default_rng(0)
    for step in range(TRIAL_STEPS):
        start = step * batch_size % len(data)
        rows = data.rows(slice(start, start + batch_size))
        x = np.asarray(rows.x, model.dtype)
        last = model.run_batch(x, rows.target, rows.weight, rng)
        first = last if step == 0 else first
        if not (math.isfinite(last) and last <= GROWN * max(first, 0.0)):
            return False
        model.run_update()
    return trouble(model) is None


class CheckEpoch(Participant):
    """Look at the weights after an epoch, before anybody hears of its figures."""

    rollback: Rollback

    def __init__(self, rollback: Rollback) -> None:
        self.rollback = rollback

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.rollback.check()


class Fault(NamedTuple):
    """Something that is not finite, in words, and the layer that it belongs to."""

    words: str
    layer: str | None


def is_finite(array: Array) -> bool:
    """Whether all numbers are; the sum of their squares tells in one pass, unless it overflows."""
    return math.isfinite(np.vdot(array, array).real) or bool(np.isfinite(array).all())


def trouble(model: Network) -> str | None:
    """What has left the finite numbers between two steps, in words; None where all is well."""
    updates = model.compiled.updates
    if is_finite(model.theta) and is_finite(model.state):
        fine = all(map(is_finite, updates.slots.values()))
        return None if fine else "What the optimizer remembers overflowed"
    return "The weights left the finite numbers"


def check_batch(model: Network, loss: float) -> None:
    """Refuse to step from a batch whose loss or gradient is not finite; nothing has changed yet."""
    if not (math.isfinite(loss) and is_finite(model.grad)):
        raise _spoilt_batch(model, loss)


def _spoilt_batch(model: Network, loss: float) -> DivergedError:
    """Return the error for a batch that no step is made from."""
    symptom = f"The loss of this batch is {loss:g}"
    if math.isfinite(loss):
        symptom = "The gradient of this batch is not finite"
    with np.errstate(all="ignore"):
        fault = _first_fault(model, symptom)
        cause = _likely_cause(model, symptom, True, largest(model.theta))
        rate, size = _rate(model, 0), gradient_norm(model)
    fix = "Try a smaller learning rate, or inputs scaled to about 1."
    if not is_finite(model.theta):
        fix = "An earlier step spoilt the weights: load a saved model, or call reset()."
    return DivergedError(
        f"{symptom}, so no step was made. The first that is not finite is {fault.words}. {fix} "
        f"Likely cause: {cause} (The gradient's norm: {size:.3g}.)",
        step=model.compiled.updates.iterations,
        layer=fault.layer,
        learning_rate=rate,
        gradient_norm=size,
    )


def gradient_norm(model: Network) -> float:
    """‖g‖ over all that is trainable; infinite, or NaN, where the gradient is."""
    grad = model.grad  # that of frozen layers is 0
    if not is_finite(grad):
        return math.nan if bool(np.isnan(grad).any()) else math.inf
    return norm([group.grad for group in model.update_groups()])


def _rate(model: Network, first_update: int) -> float:
    """The largest learning rate of the last update, over what is trainable."""
    updates = model.compiled.updates
    update, own = max(first_update, updates.iterations - 1), updates.optimizer.rate
    learning = [layer.label for layer in model.layers if layer.trainable and layer.parameters]
    return max((updates.rates.get(name, own)(update) for name in learning), default=0.0)


def _first_fault(model: Network, symptom: str) -> Fault:
    """In the order in which a step computes: weights, outputs upwards, gradients downwards."""
    loss = [Fault("the loss itself", None)] if symptom.startswith("The loss") else []
    arrays = [
        Fault(f"{layer.label}.{name}", layer.label)
        for layer in model.layers
        for name, array in layer.arrays().items()
        if not is_finite(array)
    ]
    ran = model.steps[len(model.steps) - len(model.training_step.outputs) + 1 :]
    outputs = [
        Fault(f"the {power}output of {step.label}", step.within or step.label)
        for power in ("", "square of the ")
        if loss or not power
        for step, y in zip(ran, model.training_step.outputs[1:], strict=True)
        if not is_finite(y * y if power else y)
    ]
    gradients = [
        Fault(f"the gradient of {layer.label}.{name}", layer.label)
        for layer in reversed(model.layers)
        for name in layer.parameters
        if not is_finite(getattr(layer, "d" + name))
    ]
    slots = [Fault(f"the optimizer's {name}", None) for name in _spoilt_slots(model)]
    if symptom.startswith("The gradient"):
        return gradients[0]
    return [*arrays, *outputs, *loss, *slots][0]


def _spoilt_slots(model: Network) -> list[str]:
    """Slot and layer of what the optimizer remembers and is not finite."""
    updates = model.compiled.updates
    return [
        f"{slot} of {name}"
        for slot, values in updates.slots.items()
        for name, numbers in updates.slices.items()
        if not is_finite(values[numbers])
    ]


def _likely_cause(model: Network, symptom: str, was_finite: bool, first_size: float) -> str:
    """The likeliest cause in a sentence, by the evidence that the failed step left."""
    if not was_finite:
        return "the weights were not finite before; a callback wrote into them."
    outputs = model.training_step.outputs
    sizes = [largest(y) for y in outputs]
    whole = len(outputs) == len(model.steps) + 1  # else they begin with kept features
    if whole and sizes[0] > LARGE_INPUT:
        return f"the inputs, which go up to {sizes[0]:.3g}."
    if first_size > STEEP:
        return f"the weights, which were as large as {first_size:.3g} before."
    size = largest(model.theta)
    if size > GROWN * first_size:
        return f"the learning rate; the largest weight grew from {first_size:.3g} to {size:.3g}."
    for i in range(1, len(sizes)):
        if sizes[i] > STEEP * max(1.0, sizes[i - 1]):
            label = model.steps[len(model.steps) - len(outputs) + i].label
            return f"exploding outputs; {label} makes {sizes[i]:.3g} out of {sizes[i - 1]:.3g}."
    if symptom.startswith("The loss") and all(map(is_finite, outputs)):
        return (
            "the loss, of finite predictions: a logarithm of 0, a division by 0, or a square "
            "that overflows."
        )
    if symptom.startswith("What the optimizer"):
        return "a gradient so large that its square overflows."
    return "steps that are too large."


def largest(array: Array) -> float:
    """max |a|, infinity where something is not finite."""
    size = max(float(array.max(initial=0.0)), -float(array.min(initial=0.0)))
    return size if math.isfinite(size) else math.inf
