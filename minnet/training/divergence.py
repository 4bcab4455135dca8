"""A training that leaves the finite numbers: where it did, why, and the way back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minnet.engine.updates import norm
from minnet.foundation.checks import Array, DivergedError

if TYPE_CHECKING:
    from minnet.models import Sequential

LARGE_INPUT = 100.0
"""Inputs beyond this are named as a cause; `fit` warns of them, too."""

GROWN = 10.0
"""So many times larger than at the start of the fit, weights are named as running away."""

STEEP = 100.0
"""Outputs so many times larger than a layer's input are named as exploding."""


class Snapshot:
    """A model's numbers at the start of an epoch, to go back to when it diverges."""

    def __init__(self, model: Sequential) -> None:
        updates = model._require_compiled()
        self.theta, self.state = model.theta.copy(), model.state.copy()
        self.slots = {slot: values.copy() for slot, values in updates.slots.items()}
        self.counts, self.iterations = dict(updates.counts), updates.iterations

    def restore(self, model: Sequential) -> None:
        """Put everything back: weights, statistics, and what the optimizer remembers."""
        updates = model._require_compiled()
        model.theta[...], model.state[...] = self.theta, self.state
        for slot, values in updates.slots.items():
            values[...] = self.slots.get(slot, model._require_optimizer().initial(slot))
        updates.counts.update({name: self.counts.get(name, 0) for name in updates.counts})
        updates.iterations = self.iterations
        updates.forget_runs()


class Fault(NamedTuple):
    """Something that is not finite, in words, and the layer that it belongs to."""

    what: str
    layer: str | None


def is_finite(array: Array) -> bool:
    """Whether all numbers are; the sum tells in one pass, unless it overflows itself."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def trouble(model: Sequential) -> str | None:
    """What has left the finite numbers between two steps, in words; None where all is well."""
    updates = model._require_compiled()
    if is_finite(model.theta) and is_finite(model.state):
        fine = all(map(is_finite, updates.slots.values()))
        return None if fine else "What the optimizer remembers overflowed"
    return "The weights left the finite numbers"


def diverged(
    model: Sequential,
    before: Snapshot,
    what: str,
    *,
    epoch: int,
    step: int,
    first_update: int,
    first_size: float,
    back: str,
) -> DivergedError:
    """The error for a fit that left the finite numbers; the model is put back.

    Parameters
    ----------
    what
        What was noticed: the loss before an update, or the weights after it.
    epoch, step
        Where, both from 0.
    first_update
        The number of the fit's first update, which schedules are asked for at the earliest.
    first_size
        The size of the largest weight when the fit began.
    back
        Where the model is afterwards, in words.
    """
    at_loss = what.startswith("The loss")
    if at_loss and step and not is_finite(model.theta):  # the update before it was the fault
        what, step = "The weights left the finite numbers", step - 1
    elif not at_loss and not is_finite(model.grad):
        what = "The gradient left the finite numbers"
    with np.errstate(all="ignore"):
        fault = _first_fault(model, what)
        cause = _likely_cause(model, what, is_finite(before.theta), first_size)
        rate, size = _rate(model, first_update), gradient_norm(model)
    before.restore(model)
    smaller = f"a smaller learning rate, such as {rate / 10:g}, " if rate else ""
    return DivergedError(
        f"{what} in epoch {epoch + 1}, step {step + 1}, at learning rate {rate:g}. The first that "
        f"is not finite is {fault.what}. The model is back where it was {back}. Try {smaller}"
        "inputs scaled to about 1, or clipping: global_clipnorm=1. "
        f"Likely cause: {cause} (The gradient's norm: {size:.3g}.)",
        epoch=epoch,
        step=step,
        layer=fault.layer,
        learning_rate=rate,
        gradient_norm=size,
    )


def check_batch(model: Sequential, loss: float) -> None:
    """Refuse to step from a batch whose loss or gradient is not finite; nothing has changed yet."""
    if math.isfinite(loss) and is_finite(model.grad):
        return
    what = f"The loss of this batch is {loss:g}"
    if math.isfinite(loss):
        what = "The gradient of this batch is not finite"
    with np.errstate(all="ignore"):
        fault = _first_fault(model, what)
        cause = _likely_cause(model, what, True, largest(model.theta))
        rate, size = _rate(model, 0), gradient_norm(model)
    fix = "Try a smaller learning rate, or inputs scaled to about 1."
    if not is_finite(model.theta):
        fix = "An earlier step spoilt the weights: load a saved model, or call reset()."
    raise DivergedError(
        f"{what}, so no step was made. The first that is not finite is {fault.what}. {fix} "
        f"Likely cause: {cause} (The gradient's norm: {size:.3g}.)",
        step=model._require_compiled().iterations,
        layer=fault.layer,
        learning_rate=rate,
        gradient_norm=size,
    )


def gradient_norm(model: Sequential) -> float:
    """‖g‖ over all that is trainable; infinite, or NaN, where the gradient is."""
    grad = model.grad  # that of frozen layers is 0
    if not is_finite(grad):
        return math.nan if bool(np.isnan(grad).any()) else math.inf
    return norm(model._require_compiled().runs(model._layers, model.theta, grad))


def _rate(model: Sequential, first_update: int) -> float:
    """The largest learning rate of the last update, over what is trainable."""
    updates = model._require_compiled()
    update, own = max(first_update, updates.iterations - 1), updates.optimizer.rate
    learning = [layer.label for layer in model._layers if layer.trainable and layer.weights]
    return max((updates.rates.get(name, own)(update) for name in learning), default=0.0)


def _first_fault(model: Sequential, what: str) -> Fault:
    """In the order in which a step computes: weights, outputs upwards, gradients downwards."""
    loss = [Fault("the loss itself", None)] if what.startswith("The loss") else []
    arrays = [
        Fault(f"{layer.label}.{name}", layer.label)
        for layer in model._layers
        for name, array in layer.arrays().items()
        if not is_finite(array)
    ]
    ran = model._steps[len(model._steps) - len(model.outputs) + 1 :]
    outputs = [
        Fault(f"the {power}output of {step.label}", step.within or step.label)
        for power in ("", "square of the ")
        if loss or not power
        for step, y in zip(ran, model.outputs[1:], strict=True)
        if not is_finite(y * y if power else y)
    ]
    gradients = [
        Fault(f"the gradient of {layer.label}.{name}", layer.label)
        for layer in reversed(model._layers)
        for name in layer.weights
        if not is_finite(getattr(layer, "d" + name))
    ]
    slots = [Fault(f"the optimizer's {name}", None) for name in _spoilt_slots(model)]
    if what.startswith("The gradient"):
        return gradients[0]
    return [*arrays, *outputs, *loss, *slots][0]


def _spoilt_slots(model: Sequential) -> list[str]:
    """Slot and layer of what the optimizer remembers and is not finite."""
    updates = model._require_compiled()
    return [
        f"{slot} of {name}"
        for slot, values in updates.slots.items()
        for name, place in updates._layout.items()
        if not is_finite(values[place])
    ]


def _likely_cause(model: Sequential, what: str, was_finite: bool, first_size: float) -> str:
    """The likeliest cause in a sentence, by the evidence that the failed step left."""
    if not was_finite:
        return "the weights were not finite before; a callback wrote into them."
    outputs = model.outputs
    sizes = [largest(y) for y in outputs]
    whole = len(outputs) == len(model._steps) + 1  # else they begin with kept features
    if whole and sizes[0] > LARGE_INPUT:
        return f"the inputs, which go up to {sizes[0]:.3g}."
    if first_size > STEEP:
        return f"the weights, which were as large as {first_size:.3g} before."
    size = largest(model.theta)
    if size > GROWN * first_size:
        return f"the learning rate; the largest weight grew from {first_size:.3g} to {size:.3g}."
    for i in range(1, len(sizes)):
        if sizes[i] > STEEP * max(1.0, sizes[i - 1]):
            label = model._steps[len(model._steps) - len(outputs) + i].label
            return f"exploding outputs; {label} makes {sizes[i]:.3g} out of {sizes[i - 1]:.3g}."
    if what.startswith("The loss") and all(map(is_finite, outputs)):
        return (
            "the loss, of finite predictions: a logarithm of 0, a division by 0, or a square "
            "that overflows."
        )
    if what.startswith("What the optimizer"):
        return "a gradient so large that its square overflows."
    return "steps that are too large."


def largest(array: Array) -> float:
    """max |a|, infinity where something is not finite."""
    size = max(float(array.max(initial=0.0)), -float(array.min(initial=0.0)))
    return size if math.isfinite(size) else math.inf
