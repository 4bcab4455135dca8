"""Numbers at the ends of their range, and several threads at once."""

from __future__ import annotations

import copy
import threading

import numpy as np

from minnet import Sequential
from minnet.callbacks import LambdaCallback
from minnet.layers import (
    ELU,
    GELU,
    BatchNormalization,
    Dense,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.faults import Scene, case, works

G, C = "Numbers", "Concurrency"


def everywhere(size: float):
    """All activations and their gradients are finite at ±size, with both dtypes and no warning."""
    for dtype in ("float32", "float64"):
        big = min(size, float(np.finfo(dtype).max) / 4)
        x = np.array([[big, -big, 0.0, 1.0], [-big, -big, big, big]], dtype)
        for layer in (ReLU(), LeakyReLU(), ELU(), Sigmoid(), Tanh(), Softplus(), GELU(), Softmax()):
            y = layer.forward(x)
            dx = layer.backward(x, y, np.ones_like(x))
            if not (np.isfinite(y).all() and np.isfinite(dx).all() and y.dtype == dtype):
                return f"not {layer!r}" == ""
    return True


def logits(size: float):
    """Both losses from logits are finite, labels and one-hot rows alike."""
    z = np.array([[size, -size], [-size, size]])
    values = [
        CrossEntropy(from_logits=True)(z[:1], [1]),
        CrossEntropy(from_logits=True)(z[:1], [[0, 1]]),
        CrossEntropy(from_logits=True)(z, [0, 1]),
        BinaryCrossEntropy(from_logits=True)(z[:1, :1], [0]),
        BinaryCrossEntropy(from_logits=True)(z[:1, 1:], [1]),
    ]
    return np.isfinite(values).all()


for size in (1e4, 1e308):
    works(
        G, f"activations at ±{size:g} (finite, no warning)", lambda s, size=size: everywhere(size)
    )
    works(G, f"logits ±{size:g} (finite, no warning)", lambda s, size=size: logits(size))
works(
    G,
    "probabilities of exactly 0 and 1",
    lambda s: np.isfinite(
        [
            CrossEntropy()([[1, 0]], [1]),
            BinaryCrossEntropy()([[0.0], [1.0]], [1, 0]),
            BinaryCrossEntropy().gradient(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]])).sum(),
        ]
    ).all(),
)
works(
    G,
    "sigmoid(±1000)",
    lambda s: Sigmoid()([[1000, -1000]]).tolist() == [[1.0, 0.0]],
)
works(G, "denormals", lambda s: bool(s.model.fit(s.x * 1e-42, s.y, verbose=0).epoch))


def many(s: Scene):
    """10^6 + 3 updates into Adam's life each optimizer still moves, and stays finite."""
    for optimizer in (Adam(), AdamW(), RMSprop(), Adagrad(), SGD(momentum=0.9)):
        for dtype in ("float32", "float64"):
            theta = np.ones(4, dtype)
            slots = tuple(np.full(4, optimizer.initial(n), dtype) for n in optimizer.slots)
            grad = np.array([1.0, -1e-20, 1e15, 0.0], dtype)
            before = theta.copy()
            for t in range(10**6, 10**6 + 3):
                optimizer.update(theta, grad, slots, t, 0.01, np.empty(4, dtype))
            if not (np.isfinite(theta).all() and theta[0] < before[0] and theta.dtype == dtype):
                return False
    return True


works(G, "Adam after 10^6 steps", many)


def exploding(s: Scene):
    model = s.model.copy()
    model.fit(s.x, s.y, 4, epochs=9, verbose=0, learning_rate=1e30)


case(G, "an exploding loss (layer, epoch, step, likely cause)", exploding,
     r"epoch \d+, step \d+, at learning rate.*dense_", ArithmeticError)  # fmt: skip


def threads(s: Scene):
    """Eight threads predict what one does."""
    x = np.random.default_rng(1).random((500, 3))
    wanted, got = s.model.predict(x), [None] * 8

    def run(i):
        got[i] = all(np.array_equal(s.model.predict(x), wanted) for _ in range(20))

    pool = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    return all(got)


def again(s: Scene):
    """A second fit inside a first."""
    model = s.model.copy()
    inside = LambdaCallback(on_train_batch_end=lambda b, logs: model.fit(s.x, s.y, verbose=0))
    model.fit(s.x, s.y, verbose=0, callbacks=[inside])


def independent(s: Scene):
    twin, before = copy.deepcopy(s.model), s.model.theta.copy()
    twin.fit(s.x, s.y, epochs=2, verbose=0)
    return np.array_equal(s.model.theta, before) and not np.array_equal(twin.theta, before)


works(C, "two threads predict (same results)", threads)
case(C, "two fits at once", again, r"being trained already", RuntimeError)
works(C, "deepcopy is independent", independent)

DETERMINISM = "Determinism"


def trained(seed=3):
    rng = np.random.default_rng(0)
    x, y = rng.random((50, 3)), rng.integers(3, size=50)
    model = Sequential(
        [Dense(8, "gelu", input_dim=3), BatchNormalization(), Dense(3, "softmax")], seed=seed
    )
    model.compile(Adam(), "cross_entropy")
    model.fit(x, y, 8, epochs=3, verbose=0)
    return model.theta.tobytes() + model.state.tobytes()


works(DETERMINISM, "same seed, same bits", lambda s: trained() == trained() != trained(4))
