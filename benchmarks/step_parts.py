"""Where the time between a loop by hand and `fit` goes, on a small network.

    python benchmarks/step_parts.py [--quick] [--network 784-32-10 …] [--rounds 40] [--threads 1]

The same training five times, each a little nearer to `fit` than the one before:

- by hand: one loop with all arrays made beforehand, as in `peers.py`;
- a function for each formula: the same lines, but each gives a new array, as a layer has to;
- minnet's layers in a row: their `forward`, `backward` and `gradient`, and the loss;
- a model's step: `run_batch` and `apply_gradient`; memos, penalties, schedules, counts of layers;
- fit: hooks, Ctrl-C, divergence, and what is done once a fit, such as the checks.

All in one process, with one thread of matrix products unless `--threads` says more (package
threadpoolctl), in a new random order each round, and all have to come to the same weights first.
What stands between two lines is the price of what the second can do and the first cannot.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import harness
import numpy as np
from peers import BETA_1, BETA_2, EPSILON, RATE, Array, ByHand, Minnet, Peer, Weights, Work
from training_step import NETWORKS

import minnet
from minnet.foundation.tables import Table
from minnet.losses import mean


class ByFunction(Peer):
    """The formulas as functions that give new arrays, and minnet's Adam on one vector."""

    label = "a function for each formula"

    def start(self, weights: Weights) -> None:
        model = Minnet(self.work).model  # for its vectors alone
        model.set_weights(weights)
        self.adam = minnet.optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON)
        model.compile(self.adam, "cross_entropy")
        (group,) = model.update_groups()
        self.pieces, self.layers, self.t = group.pieces, model.layers, 0

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        B, K = self.work.batch, self.work.widths[-1]
        ones, starts = np.ones(B, np.float32), np.arange(B) * K
        layers = [(layer.W, layer.b, layer.dW, layer.db) for layer in self.layers]

        def affine(x: Array, W: Array, b: Array) -> Array:
            y: Array = np.dot(x, W)
            y += b
            return y

        def relu(x: Array) -> Array:
            y: Array = np.maximum(x, 0.0)
            return y

        def softmax(x: Array) -> Array:
            y: Array = x - np.maximum.reduce(x, axis=1, keepdims=True)
            np.exp(y, out=y)
            y /= np.add.reduce(y, axis=1, keepdims=True)
            return y

        def cross_entropy(y: Array, target: Array) -> tuple[float, Array]:
            own = starts + target
            p, dz = y.take(own), y * (1.0 / B)
            dz.put(own, (p - 1.0) * (1.0 / B))
            return -float(np.add.reduce(np.log(p))) / B, dz

        def gradients(x: Array, dy: Array, dW: Array, db: Array) -> None:
            np.dot(x.T, dy, out=dW)
            np.dot(ones, dy, out=db)

        total, xb = 0.0, np.empty((B, self.x.shape[1]), np.float32)
        for _ in range(epochs):
            order = self.order(shuffle)
            target = self.y[order]
            for begin in range(0, len(order) // B * B, B):
                self.x.take(order[begin : begin + B], 0, xb, "clip")
                h = [xb]
                for W, b, _, _ in layers[:-1]:
                    h.append(relu(affine(h[-1], W, b)))
                y = softmax(affine(h[-1], *layers[-1][:2]))
                loss, dy = cross_entropy(y, target[begin : begin + B])
                for i in range(len(layers) - 1, -1, -1):
                    gradients(h[i], dy, *layers[i][2:])
                    if i:
                        dy = np.dot(dy, layers[i][0].T) * (h[i] > 0.0)
                total += loss
                self.t += 1
                for theta, grad, slots, scratch, _ in self.pieces:
                    self.adam.update(theta, grad, slots, self.t, RATE, scratch)

    def weights(self) -> Weights:
        return [array.copy() for layer in self.layers for array in layer.get_weights()]


class InARow(Minnet):
    """The layers' own functions one after another, their results in a list."""

    label = "minnet's layers in a row"

    def batches(self, epochs: int, shuffle: bool) -> Iterator[tuple[Array, Array]]:
        """Every batch of every epoch."""
        xb = np.empty((self.work.batch, self.x.shape[1]), np.float32)
        for _ in range(epochs):
            order = self.order(shuffle)
            target = self.y[order]
            for begin in range(0, len(order) // len(xb) * len(xb), len(xb)):
                rows = slice(begin, begin + len(xb))
                yield self.x.take(order[rows], 0, xb, "clip"), target[rows]

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        steps, updates, fused = self.model.steps, self.model.updates, self.model.loss.fused
        forwards = [step.forward for step in steps]
        way = self.model.plan().backward[1:]  # softmax and loss are one
        (group,) = self.model.update_groups()
        update, total = updates.optimizer.update, 0.0
        with np.errstate(all="ignore"):
            for t, (x, target) in enumerate(self.batches(epochs, shuffle), updates.iterations + 1):
                outputs = [x]
                for forward in forwards:
                    outputs.append(forward(outputs[-1]))
                losses, dy = fused(outputs[-2], outputs[-1], target)
                for i, step, learns, goes_on in way:
                    if learns:
                        step.gradient(outputs[i], outputs[i + 1], dy)
                    if goes_on:
                        dy = step.backward(outputs[i], outputs[i + 1], dy)
                total += mean(losses)
                for theta, grad, slots, scratch, _ in group.pieces:
                    update(theta, grad, slots, t, RATE, scratch)
        updates.iterations = t


class Planned(InARow):
    """The model's own step for each batch."""

    label = "a model's step"

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        model, rng, total = self.model, self.rng, 0.0
        with np.errstate(all="ignore"):
            for x, target in self.batches(epochs, shuffle):
                total += model.run_batch(x, target, None, rng)
                model.run_update()


KINDS: tuple[type[Peer], ...] = (ByHand, ByFunction, InARow, Planned, Minnet)


def measured(work: Work, rounds: int) -> dict[str, dict[str, float]]:
    """Label → least and median microseconds a step, once all did the same work."""
    x, y = work.data()
    ways: dict[str, Peer] = {kind.label: kind(work) for kind in KINDS}
    for peer in ways.values():
        peer.take(x[: 10 * work.batch], y[: 10 * work.batch])
        peer.start(work.weights())
        peer.fit(1, shuffle=False)
    same_weights({label: peer.weights() for label, peer in ways.items()}, work.weights())
    for peer in ways.values():
        peer.take(x, y)
    times: dict[str, list[float]] = {label: [] for label in ways}
    for _ in range(rounds):
        for label in random.sample(list(ways), len(ways)):
            begin = time.perf_counter()
            ways[label].fit(work.epochs)
            times[label].append((time.perf_counter() - begin) / work.steps * 1e6)
    return {
        label: {"min": min(seconds), "median": float(np.median(seconds))}
        for label, seconds in times.items()
    }


def same_weights(trained: dict[str, Weights], begin: Weights) -> None:
    """Raise unless all went the same way, up to rounding."""
    first = harness.flat(next(iter(trained.values())))
    way = np.linalg.norm(first - harness.flat(begin))
    for label, weights in trained.items():
        apart = float(np.linalg.norm(harness.flat(weights) - first) / way)
        if not apart <= harness.SAME_WAY:
            raise harness.NotTheSameWorkError(f"{label} is {apart:.2%} of the way apart")


def table(times: dict[str, dict[str, float]]) -> Table:
    """The times, and what each line adds to the one above it."""
    rows, (first, *_) = [], times.values()
    for (label, t), before in zip(times.items(), [None, *times.values()], strict=False):
        rows.append(
            [
                label,
                f"{t['min']:.1f}",
                f"{t['median']:.1f}",
                "" if before is None else f"{t['min'] - before['min']:+.1f}",
                f"{t['min'] / first['min']:.2f}",
                f"{t['median'] / first['median']:.2f}",
            ]
        )
    return Table(["", " min µs", " median µs", " adds", " min ÷ hand's", " median ÷ hand's"], rows)


if __name__ == "__main__":
    parser = harness.parser(__doc__, peers=(), rounds=40)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS)[:2])
    options = parser.parse_args()
    import threadpoolctl

    times, threads = {}, options.threads or 1
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        for name in options.network:
            rounds = min(options.rounds, 10) if options.quick else options.rounds
            times[name] = measured(NETWORKS[name], rounds)
            print(
                f"\n{name}, batch {NETWORKS[name].batch}: {rounds} rounds, BLAS threads: {threads}"
            )
            print(table(times[name]))
    print(harness.write("step_parts", {"threads": threads, "times": times}))
