"""The patient: a copy of the model with its data, and the measurements that are made on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.layers import Layer, Sigmoid
from minnet.layers.base import Memo
from minnet.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError, mean
from minnet.models import Sequential
from minnet.optimizers import Optimizer
from minnet.teaching.shuffling import shuffled_batches

LOOKED_AT = 512
"""Rows that are sent through the network to look at its insides."""

FLOPS = 4e8
"""Multiplications and additions that one trial may cost: a tenth of a second or so."""


class Patient(NamedTuple):
    """A model that may be harmed, and the data it is to learn from.

    Attributes
    ----------
    model
        A compiled, built copy.
    x, target : (N, …) ndarray
        As training computes with them.
    labels : (N,) ndarray or None
        Classes, where the targets are classes.
    classes
        K, or 0.
    validation : (x, target, labels) or None
    rows : (≤ LOOKED_AT,) ndarray
        Drawn rows, to look at.
    """

    model: Sequential
    x: Array
    target: Array
    labels: Array | None
    classes: int
    validation: tuple[Array, Array, Array | None] | None
    batch_size: int
    shuffle: bool
    rng: np.random.Generator
    rows: Array

    @property
    def loss(self) -> Loss:
        """The model's loss."""
        return self.model.compiled.loss

    @property
    def untrained(self) -> bool:
        """Whether the model was not trained since it was made, by `fit` or by single steps."""
        model = self.model
        return not (model.provenance["trainings"] or model.compiled.updates.iterations)

    @property
    def updates_made(self) -> int:
        """How many updates the model has behind it, by what it remembers of its trainings."""
        model = self.model
        batches = max(1, math.ceil(len(self.x) / self.batch_size))
        trained: int = sum(entry["epochs"] for entry in model.provenance["trainings"]) * batches
        return model.compiled.updates.iterations or trained


class Signal(NamedTuple):
    """What one step did with a batch: its input, its output, and ∂L/∂output."""

    step: Layer
    x: Array
    y: Array
    dy: Array


def has_kernel(layer: Layer) -> bool:
    """Whether the layer mixes its inputs by a matrix, as Dense does."""
    return any(getattr(layer, name).ndim >= 2 for name in layer.parameters)


def classes_of(model: Sequential, target: Array) -> tuple[Array | None, int]:
    """The labels in a target and the number of classes; None and 0 where it has none."""
    loss, outputs = model.compiled.loss, model.output_shape
    if target.ndim == 1 and target.dtype.kind == "i":
        return target, outputs[-1]
    if target.ndim != 2:
        return None, 0
    M = target.shape[1]
    if M > 1 and isinstance(loss, CrossEntropy):
        return target.argmax(axis=1), M
    zero_or_one = bool(((target == 0) | (target == 1)).all())
    if M > 1 and zero_or_one and bool((target.sum(axis=1) == 1).all()):
        return target.argmax(axis=1), M
    yes_or_no = isinstance(loss, BinaryCrossEntropy) or isinstance(model.steps[-1], Sigmoid)
    if M == 1 and zero_or_one and yes_or_no:
        return target[:, 0].astype(np.intp), 2
    return None, 0


def predicted_classes(prediction: Array, from_logits: bool) -> Array:
    """The class of each row of a prediction."""
    if prediction.shape[1] == 1:
        labels: Array = (prediction[:, 0] > (0.0 if from_logits else 0.5)).astype(np.intp)
        return labels
    best: Array = prediction.argmax(axis=1)
    return best


def baseline(patient: Patient) -> float:
    """The loss of the best prediction that is the same for every row; NaN for a loss unknown."""
    t = patient.target
    if isinstance(patient.loss, CrossEntropy):
        K = patient.classes
        p = np.bincount(t, minlength=K) / len(t) if t.ndim == 1 else t.mean(axis=0)
        p = p[p > 0]
        return float(-(p * np.log(p)).sum())
    if isinstance(patient.loss, BinaryCrossEntropy):
        p = np.clip(t.mean(axis=0, dtype=np.float64), 1e-12, 1 - 1e-12)
        return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).mean())
    if isinstance(patient.loss, MeanSquaredError):
        return float(t.astype(np.float64).var(axis=0).mean())
    constant = np.median(t, axis=0)
    return mean(patient.loss.per_sample(np.broadcast_to(constant, t.shape).astype(t.dtype), t))


def forward(model: Sequential, x: Array, rng: np.random.Generator | None = None) -> list[Array]:
    """The outputs of all steps, with the batch's own mean and variance; with dropout given a rng.

    Running statistics lag behind weights that were moved by a few steps only.
    """
    return model.forward(x, _memos(model, rng))


def _memos(model: Sequential, rng: np.random.Generator | None = None) -> list[Memo | None]:
    trains = model.plan().in_training
    return [
        ({} if rng is None else {"rng": rng}) if on and (step.states or rng is not None) else None
        for step, on in zip(model.steps, trains, strict=True)
    ]


def loss_of(model: Sequential, outputs: Sequence[Array], target: Array) -> float:
    """The loss of these outputs, without penalties."""
    loss = model.compiled.loss
    if len(outputs) > 1 and loss.is_fused_with(model.steps[-1]):
        return mean(loss.fused(outputs[-2], outputs[-1], target)[0])
    return mean(loss.per_sample(outputs[-1], target))


def evaluate(model: Sequential, x: Array, target: Array) -> float:
    """The loss on x, as `forward` runs it."""
    return loss_of(model, forward(model, x), target)


def signals(model: Sequential, x: Array, target: Array) -> list[Signal]:
    """The outputs of all steps and the gradients with respect to them, frozen steps included."""
    loss, steps = model.compiled.loss, model.steps
    memos = _memos(model)
    outputs = model.forward(x, memos)
    stop = len(steps)
    if stop and loss.is_fused_with(steps[-1]):
        stop -= 1
        dy = loss.fused(outputs[-2], outputs[-1], target)[1]
    else:
        dy = loss.gradient(outputs[-1], target)
    from_the_top = []
    for i in range(stop - 1, -1, -1):
        from_the_top.append(Signal(steps[i], outputs[i], outputs[i + 1], dy))
        if i:
            dy = steps[i].backward(outputs[i], outputs[i + 1], dy, memos[i])
    return from_the_top[::-1]


class ShortTraining(NamedTuple):
    """A short training on a copy.

    Attributes
    ----------
    model
        The trained copy.
    loss
        Its loss on the rows it was trained on; infinite where it left the finite numbers.
    worst
        The largest loss of a batch on the way.
    steps
        Updates made.
    moved
        ‖change‖ / ‖weights‖ of the first update.
    """

    model: Sequential
    loss: float
    worst: float
    steps: int
    moved: float


def train_briefly(
    model: Sequential,
    x: Array,
    target: Array,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    rate: float,
    optimizer: Optimizer | None = None,
) -> ShortTraining:
    """Train a copy for some steps at a constant rate; its own optimizer by default."""
    model = model.copy()
    rng = np.random.default_rng(seed)
    if optimizer is not None:
        model.compiled.switch_optimizer(optimizer)
    model.compiled.optimizer.learning_rate = bearable(model, rate)
    moved, worst = 0.0, 0.0
    before = model.theta.copy()
    for step, rows in zip(range(steps), shuffled_batches(len(x), batch_size, rng), strict=False):
        loss = model.run_batch(x[rows], target[rows], None, rng)
        if not math.isfinite(loss):
            return ShortTraining(model, math.inf, math.inf, step, moved)
        worst = max(worst, loss)
        model.run_update()
        if step == 0:
            moved = ratio(norm(model.theta - before), norm(before))
    loss = evaluate(model, x[:LOOKED_AT], target[:LOOKED_AT])
    loss = loss if math.isfinite(loss) else math.inf
    return ShortTraining(model, loss, worst, steps, moved)


def affordable(model: Sequential, batch_size: int, wanted: int, times: float = 1.0) -> int:
    """How many of the wanted steps a trial may take, by the work of one: 6 P per row.

    `times` is how much more than usual a trial may cost.
    """
    work = 6.0 * max(1, model.theta.size) * batch_size
    return int(min(wanted, max(12, times * FLOPS / work)))


def peak_rate(model: Sequential) -> float:
    """The optimizer's rate; of a schedule the largest it will come to."""
    optimizer = model.compiled.optimizer
    if isinstance(optimizer.learning_rate, float):
        return optimizer.learning_rate
    updates = np.unique(np.geomspace(1, 10_000, 60).astype(int)) - 1
    return max(optimizer.rate(int(done)) for done in updates)


def bearable(model: Sequential, rate: float) -> float:
    """The rate, or the largest that the optimizer's weight decay lets it have."""
    decay = getattr(model.compiled.optimizer, "weight_decay", 0.0)
    return min(rate, 1.0 / decay) if decay else rate


def norm(array: Array) -> float:
    """‖a‖, without overflow in float32."""
    flat: Any = array.astype(np.float64).ravel()
    return math.sqrt(float(np.dot(flat, flat)))


def ratio(a: float, b: float) -> float:
    """a / b, infinite where b is 0 and a is not."""
    return a / b if b else (math.inf if a else 0.0)
