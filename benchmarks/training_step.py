"""One training step of minnet, of every peer that is installed, by hand, and its products alone.

    pip install -e ".[bench]"
    python benchmarks/training_step.py [--quick] [--network 784-32-10 …] [--peers minnet torch …]
                                       [--rounds 10] [--threads 1]

Three networks, ReLU, softmax with cross-entropy, Adam, float32. A time is that of a whole `fit`,
shuffling, gathering of batches and all that is done once included, divided by its steps; the bare
products gather nothing. Data lie in memory in each peer's own arrays, uniform in [0, 1) with random
labels, and every fit begins at the same weights. No peer reads the loss back within an epoch, and
none counts metrics. Before anything is timed, all must come to the same weights after the same
steps.

A ratio is a peer's time over minnet's. A bar is met when the ratio of the minima and that of the
medians both reach it, and in doubt when one does.
"""

from __future__ import annotations

import harness
from harness import Bar
from peers import Work

NETWORKS = {
    work.name: work
    for work in (
        Work((784, 32, 10), batch=32, rows=6_400, epochs=5),
        Work((784, 128, 64, 10), batch=64, rows=6_400, epochs=5),
        Work((784, 512, 512, 10), batch=128, rows=12_800, epochs=2),
    )
}

BARS = {
    "784-32-10": {
        "keras": Bar(faster=7.0),
        "torch": Bar(faster=4.0),
        "sklearn": Bar(faster=2.2),
        "keras-jax": Bar(faster=1.3),
        "jax": Bar(faster=0.6),
        "hand": Bar(faster=0.97),
    },
    "784-128-64-10": {
        "keras": Bar(faster=3.5),
        "torch": Bar(faster=2.0),
        "sklearn": Bar(faster=1.6),
        "keras-jax": Bar(faster=1.0),
        "jax": Bar(faster=0.7),
        "hand": Bar(faster=0.97),
    },
    "784-512-512-10": {
        "keras": Bar(faster=1.4),
        "torch": Bar(faster=1.2),
        "torch-fused": Bar(faster=1.0),
        "sklearn": Bar(faster=1.5),
        "hand": Bar(faster=0.97),
        "products": Bar(within=1.6),
    },
}
"""The least that minnet has to reach beside each peer, on two cores."""


if __name__ == "__main__":
    parser = harness.parser(__doc__)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    options = parser.parse_args()
    harness.compare("training_step", [NETWORKS[name] for name in options.network], BARS, options)
