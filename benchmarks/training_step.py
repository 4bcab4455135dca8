"""One training step of minnet against the same step written by hand in plain NumPy.

    python benchmarks/training_step.py

784-32-10, ReLU, softmax with cross-entropy, Adam, batch 32, float32. By hand means one flat vector
of weights with views into it, and nothing that is not needed. Both run the same batches in the same
order from the same weights; the losses are compared. Rounds alternate. A round of minnet is a whole
`fit` of some epochs, with all that it checks and remembers once (about 2 ms here).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import minnet
from minnet.layers import Dense

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--samples", type=int, default=6_400)
parser.add_argument("--epochs", type=int, default=5)
OPTIONS = parser.parse_args()
BATCH, D, M, K = 32, 784, 32, 10

rng = np.random.default_rng(0)
x = rng.random((OPTIONS.samples, D), dtype=np.float32)
y = rng.integers(K, size=OPTIONS.samples)


def by_hand(theta: np.ndarray) -> Callable[[np.ndarray], float]:
    """An epoch of hand-written training: order of rows → mean loss."""
    sizes = [D * M, M, M * K, K]
    edges = np.cumsum([0, *sizes])
    grad, m, v, scratch, root = (np.zeros_like(theta) for _ in range(5))
    shapes = [(D, M), (M,), (M, K), (K,)]

    def views(vector: np.ndarray) -> list[np.ndarray]:
        return [
            vector[a:b].reshape(shape)
            for a, b, shape in zip(edges[:-1], edges[1:], shapes, strict=True)
        ]

    (W1, b1, W2, b2), (dW1, db1, dW2, db2) = views(theta), views(grad)
    rows_of_batch = np.arange(BATCH)
    t = 0

    def epoch(order: np.ndarray) -> float:
        nonlocal t
        total = 0.0
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            xb, yb = x[rows], y[rows]
            h = np.maximum(xb @ W1 + b1, 0.0)
            z = h @ W2 + b2
            z -= z.max(axis=1, keepdims=True)
            e = np.exp(z)
            s = e.sum(axis=1, keepdims=True)
            total += float((np.log(s[:, 0]) - z[rows_of_batch, yb]).sum())
            dz = e / s
            dz[rows_of_batch, yb] -= 1.0
            dz /= BATCH
            np.matmul(h.T, dz, out=dW2)
            dz.sum(axis=0, out=db2)
            dh = dz @ W2.T
            dh *= h > 0
            np.matmul(xb.T, dh, out=dW1)
            dh.sum(axis=0, out=db1)
            t += 1
            m[...] *= 0.9
            np.multiply(grad, 0.1, out=scratch)
            m[...] += scratch
            v[...] *= 0.999
            np.multiply(grad, grad, out=scratch)
            scratch[...] *= 0.001
            v[...] += scratch
            correction = math.sqrt(1 - 0.999**t)
            np.sqrt(v, out=root)
            root[...] += 1e-8 * correction
            np.divide(m, root, out=scratch)
            scratch[...] *= 1e-3 * correction / (1 - 0.9**t)
            theta[...] -= scratch
        return total / len(order)

    return epoch


model = minnet.Sequential(
    [Dense(M, activation="relu", input_dim=D), Dense(K, activation="softmax")], seed=0
)
model.compile("adam", "sparse_categorical_crossentropy")
hand = by_hand(model.theta.copy())
steps = OPTIONS.epochs * OPTIONS.samples / BATCH


def timed(epoch: Callable[[], float]) -> tuple[float, float]:
    """Microseconds a step, and the loss."""
    begin = time.perf_counter()
    loss = epoch()
    return (time.perf_counter() - begin) / steps * 1e6, loss


def ours_of(seed: int) -> float:
    """The loss of the last epoch."""
    return model.fit(x, y, epochs=OPTIONS.epochs, verbose=0, seed=seed).history["loss"][-1]


def theirs_of(seed: int) -> float:
    """The same by hand."""
    rng = np.random.default_rng(seed)
    return [hand(rng.permutation(OPTIONS.samples)) for _ in range(OPTIONS.epochs)][-1]


ours, theirs = [], []
for round_ in range(OPTIONS.rounds):
    a, loss_a = timed(partial(ours_of, round_))
    b, loss_b = timed(partial(theirs_of, round_))
    if not math.isclose(loss_a, loss_b, rel_tol=1e-4):
        raise SystemExit(f"not the same work: loss {loss_a} and {loss_b} in round {round_}")
    ours.append(a)
    theirs.append(b)
print(f"784-32-10, batch 32, {OPTIONS.rounds} rounds of {steps:.0f} steps, microseconds a step")
for name, times in (("minnet fit", ours), ("by hand", theirs)):
    print(f"{name:<12} min {min(times):7.1f}   median {np.median(times):7.1f}")
print(
    f"{'ratio':<12} min {min(ours) / min(theirs):7.2f}   "
    f"median {np.median(ours) / np.median(theirs):7.2f}"
)
