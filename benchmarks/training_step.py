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

from dataclasses import replace

import harness
from harness import Bar
from peers import PEERS, Work

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
        "jax": Bar(faster=0.7),
        "hand": Bar(within=1.1),
    },
    "784-128-64-10": {
        "keras": Bar(faster=3.5),
        "torch": Bar(faster=1.6),
        "sklearn": Bar(faster=1.6),
        "keras-jax": Bar(faster=1.0),
        "jax": Bar(faster=0.7),
        "hand": Bar(within=1.1),
    },
    "784-512-512-10": {
        "keras": Bar(faster=1.4),
        "torch": Bar(faster=1.2),
        "torch-fused": Bar(faster=1.0),
        "sklearn": Bar(faster=1.5),
        "hand": Bar(within=1.05),
        "products": Bar(within=1.6),
    },
}
"""The least that minnet has to reach beside each peer, on two cores."""


def main() -> None:
    """Check, measure, print, write."""
    parser = harness.parser(__doc__, PEERS, default_rounds=10)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    options = parser.parse_args()
    count = min(options.rounds, 3) if options.quick else options.rounds
    threads = harness.limit_threads(options.threads)
    workers = harness.start(options.peers)
    found, groups = {}, {}
    for name in options.network:
        work = NETWORKS[name]
        if options.quick:
            work = replace(work, epochs=(work.epochs + 1) // 2)
        facts = harness.everyone(workers, "prepare", work)
        checked = harness.check(workers, work)
        answers = harness.rounds(workers, count)
        times = harness.step_times(answers, work.steps)
        title = (
            f"\n{name}, batch {work.batch}: {count} rounds of {work.steps} steps; "
            f"threads: {threads}"
        )
        said = {key: fact["threads"] for key, fact in facts.items()}
        print(harness.times_table(times, BARS[name], said, title), flush=True)
        groups[f"{name}, batch {work.batch}"] = times
        found[name] = {
            "steps": work.steps,
            "peers": facts,
            "same_work": checked,
            "rounds": answers,
            "times": times,
            "results": harness.everyone(workers, "result"),
        }
    for worker in workers.values():
        worker.end()
    print(harness.write("training_step", {"threads": threads, "networks": found}))
    print(harness.bar_picture("training_step", groups, f"A training step; threads: {threads}"))


if __name__ == "__main__":
    main()
