"""Do one thing after another to a model, at random, and hold its copies against each other.

`python -m tests.sequences` tries 5,000 sequences, in about a quarter of an hour; `--sequences`.
After each operation a copy, a pickled copy and a model that was saved and loaded predict the same
bits, and an epoch later they are the same, all of them, to the bit, or refuse in the same words.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import minnet
from minnet.engine.shapes import layer_shapes
from minnet.foundation.checks import ModelFileError
from minnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Softmax,
)
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.metrics import R2Score, TopKCategoricalAccuracy
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from minnet.schedules import CosineDecay, ExponentialDecay

N, D, STEPS = 12, 3, 16

REFUSED = (ValueError, TypeError, RuntimeError, AttributeError, ArithmeticError)
"""What a model says to an operation that does not suit it."""

LAYERS = [
    lambda: Dense(4, activation="relu"),
    lambda: Dense(3, activation=LeakyReLU(0.1), kernel_regularizer="l2"),
    lambda: Dense(3, activation="softmax"),
    lambda: Dense(2, use_bias=False),
    lambda: Dense(1, activation="sigmoid", bias_initializer="ones"),
    lambda: BatchNormalization(momentum=0.8),
    lambda: Dropout(0.3),
    lambda: Activation("tanh"),
    lambda: ReLU(),
    lambda: Softmax(),
    lambda: Flatten(),
    lambda: Dense(3, name="head"),
]
OPTIMIZERS = [
    lambda: "adam",
    lambda: SGD(0.05, 0.9, nesterov=True),
    lambda: SGD(ExponentialDecay(0.1, 5, 0.5)),
    lambda: Adam(CosineDecay(0.02, 9), global_clipnorm=0.5),
    lambda: AdamW(0.01),
    lambda: RMSprop(0.002, momentum=0.5, centered=True),
    lambda: Adagrad(0.1, weight_decay=0.1),
]
LOSSES = [
    lambda: "cross_entropy",
    lambda: CrossEntropy(from_logits=True),
    lambda: "mse",
    lambda: "mae",
    lambda: BinaryCrossEntropy(from_logits=True),
    lambda: "binary_crossentropy",
]
METRICS = [
    list,
    lambda: ["accuracy"],
    lambda: ["mae", "r2_score"],
    lambda: [TopKCategoricalAccuracy(2)],
]
ENDS = [
    (3, "softmax", "cross_entropy", ["accuracy"]),
    (3, None, "mse", ["mae", "r2_score"]),
    (1, "sigmoid", "binary_crossentropy", ["accuracy"]),
    (2, "softmax", CrossEntropy(), []),
]
SETTINGS: list[tuple[str, Any]] = [
    ("learning_rate", 0.003),
    ("learning_rate", 30.0),
    ("learning_rate", CosineDecay(0.01, 5)),
    ("learning_rate", lambda step: 0.01),
    ("weight_decay", 0.05),
    ("beta_1", 0.5),
    ("momentum", 0.3),
    ("global_clipnorm", 0.1),
    ("epsilon", 1e-6),
    ("rate", 0.6),
    ("negative_slope", 0.4),
    ("from_logits", True),
    ("input_shape", (7,)),
    ("units", 9),
    ("name", "other"),
    ("trainable", False),
    ("initial_learning_rate", 0.2),
    ("l2", 0.2),
    ("threshold", 0.1),
    ("k", 1),
]

few = st.integers(0, 6)


class Sequences(RuleBasedStateMachine):
    """A model to which operations are done, and the check after each."""

    folder: Path

    @initialize(
        seed=st.integers(0, 99),
        built=st.sampled_from([True, True, True, False]),
        double=st.booleans(),
        body=st.lists(st.sampled_from(LAYERS), max_size=3, unique=True),
        end=st.sampled_from(ENDS),
        optimizer=st.sampled_from(OPTIMIZERS),
    )
    def begin(self, seed, built, double, body, end, optimizer):
        """A model that can be trained, more often than not."""
        units, activation, loss, metrics = end
        first = Dense(4, activation="tanh", input_dim=D if built else None)
        layers = [first, *(make() for make in body), Dense(units, activation)]
        self.model = Sequential(layers, seed=seed, dtype="float64" if double else "float32")
        self.x = np.random.default_rng(seed).standard_normal((N, D))
        with contextlib.suppress(*REFUSED):
            self.model.compile(optimizer(), loss, metrics)

    # --- operations -------------------------------------------------------------------------------

    @rule(make=st.sampled_from(LAYERS))
    def add(self, make):
        with contextlib.suppress(*REFUSED):
            self.model.add(make())

    @rule(make=st.lists(st.sampled_from(LAYERS), max_size=3))
    def add_some_of_another(self, make):
        """Layers that belong to another model are copied with their weights."""
        with contextlib.suppress(*REFUSED):
            other = Sequential([Dense(4, input_dim=D), *(one() for one in make)], seed=1)
            self.model.add(other.layers[-1])

    @rule()
    def pop(self):
        with contextlib.suppress(*REFUSED):
            self.model.pop()

    @rule(index=few)
    def freeze(self, index):
        with contextlib.suppress(*REFUSED):
            self.model.freeze(index)

    @rule()
    def freeze_the_body(self):
        with contextlib.suppress(*REFUSED):
            self.model.freeze("all_but_head")

    @rule()
    def unfreeze(self):
        with contextlib.suppress(*REFUSED):
            self.model.unfreeze()

    @rule(
        optimizer=st.sampled_from(OPTIMIZERS),
        loss=st.sampled_from(LOSSES),
        metrics=st.sampled_from(METRICS),
    )
    def compile(self, optimizer, loss, metrics):
        with contextlib.suppress(*REFUSED):
            self.model.compile(optimizer(), loss(), metrics())

    @rule(epochs=st.integers(1, 2), seed=st.integers(0, 9))
    def fit(self, epochs, seed):
        with contextlib.suppress(*REFUSED):
            self.model.fit(self.x, self.y(), 5, epochs=epochs, verbose=0, seed=seed)

    @rule()
    def train_on_batch(self):
        with contextlib.suppress(*REFUSED):
            self.model.train_on_batch(self.x[:4], self.y()[:4])

    @rule(which=st.sampled_from(SETTINGS), index=few)
    def set(self, which, index):
        """A setting of the first thing that has it, from a layer on."""
        name, value = which
        model = self.model
        things = [*model.layers[index:], *model.steps, model.optimizer, model.loss, *model.metrics]
        things += [getattr(one, "kernel_regularizer", None) for one in model.layers]
        things += [getattr(model.optimizer, "learning_rate", None)]
        thing = next((one for one in things if hasattr(one, name)), None)
        with contextlib.suppress(*REFUSED):
            if thing is not None:
                setattr(thing, name, value)

    @rule(metric=st.sampled_from([R2Score, TopKCategoricalAccuracy]))
    def append_a_metric(self, metric):
        with contextlib.suppress(*REFUSED):
            self.model.metrics.append(metric())

    @rule(names=st.none() | st.lists(st.sampled_from("abcd"), max_size=4, unique=True))
    def name_classes(self, names):
        with contextlib.suppress(*REFUSED):
            self.model.class_names = names

    @rule(make=st.sampled_from(LAYERS), seed=st.integers(0, 9))
    def replace_head(self, make, seed):
        with contextlib.suppress(*REFUSED):
            self.model = self.model.replace_head(make(), seed=seed)

    @rule(seed=st.integers(0, 9))
    def reset(self, seed):
        with contextlib.suppress(*REFUSED):
            self.model.reset(seed)

    @rule(factor=st.sampled_from([0.5, -1.0, 3.0]))
    def set_weights(self, factor):
        with contextlib.suppress(*REFUSED):
            self.model.set_weights([factor * w for w in self.model.get_weights()])

    @rule(with_optimizer=st.booleans())
    def save_and_load(self, with_optimizer):
        with contextlib.suppress(*REFUSED):
            self.model.save(self.path, include_optimizer=with_optimizer)
            self.model = minnet.load(self.path, seed=1)

    @rule()
    def load_weights(self):
        with contextlib.suppress(*REFUSED):
            self.model.save_weights(self.path)
            self.model.load_weights(self.path)

    @rule()
    def copy(self):
        self.model = self.model.copy()

    @rule()
    def pickle(self):
        with contextlib.suppress(*REFUSED, pickle.PicklingError):  # a function in its place
            self.model = pickle.loads(pickle.dumps(self.model))

    # --- the check --------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        return self.folder / "model.npz"

    def y(self, model: Sequential | None = None) -> Any:
        """Targets that suit the loss and the outputs, where any do."""
        model = self.model if model is None else model
        try:
            (outputs,) = layer_shapes(model.layers, (D,))[-1]
        except (ValueError, IndexError):
            outputs = 1
        if isinstance(model.loss, CrossEntropy):
            return np.arange(N) % max(2, outputs)
        if isinstance(model.loss, BinaryCrossEntropy):
            return np.resize(np.arange(N) % 2, (N, outputs))
        return np.resize(self.x, (N, outputs))

    @invariant()
    def copies_are_alike(self):
        model = self.model
        copies = {"a copy": model.copy()}
        with contextlib.suppress(AttributeError, pickle.PicklingError):  # a lambda as a rate
            copies["a pickled one"] = pickle.loads(pickle.dumps(model))
        if (loaded := self.loaded()) is not None:
            copies["a loaded one"] = loaded
        first, *others = copies.values()
        for name, other in zip([*copies][1:], others, strict=True):
            assert outcome(other, self.predicted) == outcome(first, self.predicted), name
        after = {name: outcome(one, self.an_epoch_later) for name, one in copies.items()}
        for name, result in after.items():
            assert result == after["a copy"], name

    def loaded(self) -> Sequential | None:
        """The model as it comes back from a file; None where it is refused as it may be."""
        model = self.model
        fine = model.built and all(np.isfinite(v).all() for v in (model.theta, model.state))
        rate = getattr(model.optimizer, "learning_rate", 0.0)
        is_function = callable(rate) and not isinstance(rate, minnet.schedules.Schedule)
        try:
            model.save(self.path)
        except (RuntimeError, TypeError, ModelFileError) as error:
            if fine and not is_function and "finite numbers" not in str(error):
                raise
            return None
        return minnet.load(self.path, seed=3)

    def predicted(self, model: Sequential) -> object:
        return model.predict(self.x).tobytes()

    def an_epoch_later(self, model: Sequential) -> object:
        y = self.y(model)
        history = model.fit(self.x, y, batch_size=5, verbose=0, seed=5)
        figures = {name: repr(values) for name, values in history.history.items()}
        updates = model.updates
        slots = {name: values.tobytes() for name, values in updates.slots.items()}
        counts = updates.iterations, dict(updates.counts)
        return model.theta.tobytes(), model.state.tobytes(), slots, counts, figures


def outcome(model: Sequential, act: Any) -> object:
    """What comes of it, or the error in words."""
    try:
        return act(model)
    except REFUSED as error:
        return f"{type(error).__name__}: {error}"


def try_sequences(count: int) -> None:
    """Try so many sequences; raises with the shortest that fails."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(os, "fsync"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        Sequences.folder = Path(folder)
        options = settings(max_examples=count, stateful_step_count=STEPS)
        run_state_machine_as_test(Sequences, settings=options)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=5_000)
    arguments = parser.parse_args()
    settings.register_profile("sequences", deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("sequences")
    try_sequences(arguments.sequences)
    print(f"{arguments.sequences:,} sequences of up to {STEPS} operations, and all copies alike.")


if __name__ == "__main__":
    main()
