"""Small models with data, for tests of training."""

from __future__ import annotations

import numpy as np

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
