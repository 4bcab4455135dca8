"""The ways of learning a new task that a comparison sets side by side, each a training.

All have the same samples and make the same number of updates, with Adam and cross-entropy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minnet.datasets.digits import draw_per_class
from minnet.engine.selection import head_index
from minnet.foundation.checks import Array
from minnet.layers import Dense, Flatten, Layer
from minnet.models import Sequential
from minnet.optimizers import Adam
from minnet.transfer.report import SCRATCH

ARMS = (
    "zero-shot",
    SCRATCH,
    "linear on the inputs",
    "random frozen features",
    "head only",
    "fine-tune all",
    "head then all",
)
"""The ways that `compare` knows, in the order of its table."""

NEW_HEAD_RATE = 1e-2
"""Adam's rate for a fresh head on features that stand still; ten times Adam's default (Kingma and
Ba, 2015), since one layer alone is a convex problem."""

ALL_RATE = 1e-3
"""Adam's default, for all layers together: a tenth of the head's rate."""

SCRATCH_RATES = (1e-3, 3e-3, 1e-2)
"""What scratch may choose from: Adam's default, and two larger rates."""

HEAD_SHARE = 2 / 3
"""The part of the epochs that "head then all" gives to the head alone."""

Samples = tuple[Array, Array]
"""x and y."""


@dataclass(frozen=True)
class Task:
    """What every way is given."""

    base: Sequential
    head: tuple[Layer, ...]
    classes: int
    epochs: int
    batch_size: int
    x: Array
    y: Array
    x_test: Array
    y_test: Array

    def draw(self, per_class: int | None, seed: int) -> Samples:
        """So many samples of each class, or all."""
        if per_class is None:
            return self.x, self.y
        rows = draw_per_class(self.y, per_class, np.random.default_rng(seed))
        return self.x[rows], self.y[rows]


@dataclass(frozen=True)
class ScratchSetting:
    """One way to train from scratch."""

    divisor: int  # of the base's widths
    rate: float

    def __str__(self) -> str:
        widths = "the base's widths" if self.divisor == 1 else f"widths divided by {self.divisor}"
        return f"{widths}, learning rate {self.rate:g}"


def scratch_settings(task: Task) -> list[ScratchSetting]:
    """What scratch is tuned over, the usual setting first."""
    hidden = [layer.units for layer in _body(task.base) if isinstance(layer, Dense)]
    divisors = (1, 4) if hidden and min(hidden) >= 8 else (1,)
    return [ScratchSetting(divisor, rate) for divisor in divisors for rate in SCRATCH_RATES]


def train(task: Task, arm: str, setting: ScratchSetting, samples: Samples, seed: int) -> Sequential:
    """A model trained in one of the ways; all make the same number of updates."""
    rng = np.random.default_rng(seed)
    if arm == SCRATCH:
        return _fit(task, _fresh(task, rng, setting.divisor), samples, setting.rate)
    if arm == "linear on the inputs":
        return _fit(task, _linear(task, rng), samples, NEW_HEAD_RATE)
    if arm == "random frozen features":
        model = _fresh(task, rng, 1)
    else:
        model = task.base.replace_head(*task.head, seed=rng)
    model.unfreeze()
    if arm == "fine-tune all":
        return _fit(task, model, samples, ALL_RATE)
    model.freeze(slice(0, len(_body(task.base))))
    if arm != "head then all":
        return _fit(task, model, samples, NEW_HEAD_RATE)
    first = round(HEAD_SHARE * task.epochs)
    _fit(task, model, samples, NEW_HEAD_RATE, first)
    model.unfreeze()
    return _fit(task, model, samples, ALL_RATE, task.epochs - first)


def _fit(
    task: Task, model: Sequential, samples: Samples, rate: float, epochs: int | None = None
) -> Sequential:
    model.compile(Adam(rate), "cross_entropy", ["accuracy"])
    model.fit(*samples, task.batch_size, task.epochs if epochs is None else epochs, verbose=0)
    return model


def _body(model: Sequential) -> list[Layer]:
    return list(model.layers)[: head_index(model.layers)]


def _fresh(task: Task, rng: np.random.Generator, divisor: int) -> Sequential:
    """The base's architecture with fresh weights, its Dense layers narrower if wanted."""
    model = Sequential(seed=rng, dtype=task.base.dtype.name)
    for layer in (*_body(task.base), *task.head):
        config = layer.get_config()
        if divisor > 1 and isinstance(layer, Dense) and layer not in task.head:
            config["units"] = layer.units // divisor
        model.add(type(layer).from_config(config))
    model.build(task.base.input_shape)
    return model


def _linear(task: Task, rng: np.random.Generator) -> Sequential:
    model = Sequential(seed=rng, dtype=task.base.dtype.name)
    if len(task.base.input_shape) > 1:
        model.add(Flatten())
    model.add(Dense(task.classes, activation="softmax"))
    model.build(task.base.input_shape)
    return model


def accuracy_of(model: Sequential, samples: Samples) -> float:
    """The share of the samples whose class the model predicts."""
    x, y = samples
    return float(np.mean(model.predict(x).argmax(axis=1) == y))


def accuracy_on_old_task(
    base: Sequential, model: Sequential, arm: str, old: Samples
) -> float | None:
    """The old head on the new layers, on the old task: what is left of it."""
    if arm not in ("head only", "fine-tune all", "head then all"):
        return None
    both = base.copy()
    for layer, changed in zip(_body(both), model.layers, strict=False):
        layer.set_weights(changed.get_weights())
    return accuracy_of(both, old)
