"""Small models with data, for tests of training."""

from __future__ import annotations

import numpy as np

from minnet.callbacks import Callback
from minnet.layers import Dense
from minnet.models import Sequential
from minnet.optimizers import SGD


def regression(seed=0, N=10, optimizer=None, units=2):
    """A float64 model of two layers with the mean squared error, x and y."""
    rng = np.random.default_rng(seed)
    model = Sequential(
        [Dense(4, activation="tanh", input_dim=3), Dense(units)], seed=seed, dtype="float64"
    )
    model.compile(optimizer=optimizer or SGD(0.1), loss="mse", metrics=["mae"])
    return model, rng.standard_normal((N, 3)), rng.standard_normal((N, units))


def classifier(seed=0, N=20, K=3, **options):
    """A model of two layers with cross-entropy, x and labels."""
    rng = np.random.default_rng(seed)
    model = Sequential(
        [Dense(4, activation="tanh", input_dim=3), Dense(K, activation="softmax")],
        seed=seed,
        **options,
    )
    model.compile(optimizer="adam", loss="cross_entropy", metrics=["accuracy"])
    return model, rng.standard_normal((N, 3)), rng.integers(K, size=N)


def everything(model):
    """All that a fit changes, as bytes."""
    updates = model.updates
    slots = b"".join(values.tobytes() for values in updates.slots.values())
    return model.theta.tobytes() + model.state.tobytes() + slots, updates.iterations


def gradient_of(model, x, y, weight=None):
    """The gradient of a batch, as a copy."""
    model.loss_and_gradient(x, y, weight)
    return model.grad.copy()


class Counting(Callback):
    """A student's callback: remembers, has a generator, and changes the fit by them."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.seen, self.losses, self.smallest = {}, [], (np.float32(9), None)

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.seen[batch] = self.seen.get(batch, 0) + 1
        self.smallest = min(self.smallest, (np.float32(logs["loss"]), batch), key=lambda t: t[0])
        if len(self.losses) % 5 == 0:
            rate = self.model.optimizer.learning_rate
            if isinstance(rate, float):
                self.model.optimizer.learning_rate = rate * self.rng.uniform(0.9, 1.0)


def bits(model, callbacks=()):
    """All that a resumed fit must have as one that was never stopped, as plain values and bytes."""
    updates, history = model.updates, model.history
    return {
        "arrays": {name: array.tobytes() for name, array in model.named_arrays().items()},
        "slots": {name: values.tobytes() for name, values in updates.slots.items()},
        "counts": (updates.iterations, dict(updates.counts)),
        "optimizer": repr(model.optimizer),
        "generator": repr(model.rng.bit_generator.state),
        "layers": [(repr(layer), layer.trainable, layer.origin) for layer in model.layers],
        "history": (history.history, history.epoch, history.params, str(history.receipt)),
        "provenance": model.provenance["trainings"],
        "stopped": model.stop_training,
        "callbacks": [
            {k: _text(v) for k, v in vars(c).items() if k not in ("model", "params")}
            for c in callbacks
        ],
    }


def _text(value):
    """A value in full; a generator by its state."""
    return repr(value.bit_generator.state if isinstance(value, np.random.Generator) else value)
