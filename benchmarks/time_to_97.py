"""Time to 97 % test accuracy on MNIST, in minnet and every peer that is installed.

    pip install -e ".[bench]"
    MINNET_DATA=… python benchmarks/time_to_97.py [--quick] [--peers minnet torch …] [--rounds 5]
                                                  [--threads 1]

784-128-64-10, ReLU, Adam at 0.001, batch 64. A round is a seed: the same first weights for all,
another order of the rows for each. After each epoch the test images are looked at, and the clock
stands still meanwhile; time is that of the whole epochs up to the first with 97 %. One epoch goes
before everything and is not counted, so that compiling is not. The loop by hand leaves out the last
half batch of an epoch.
"""

from __future__ import annotations

import os

import harness
import numpy as np
from peers import PEERS, Work

from minnet.foundation.tables import Table

WORK = Work((784, 128, 64, 10), batch=64, rows=60_000, epochs=1, source="mnist")
GOAL, MOST_EPOCHS = 0.97, 12


def main() -> None:
    """Check, train with each seed, print, write."""
    able = [key for key in PEERS if key != "products"]
    options = harness.parser(__doc__, able, rounds=5).parse_args()
    if not os.environ.get("MINNET_DATA"):
        print("Nothing is measured: set MINNET_DATA to the folder that has MNIST in mnist/.")
        return
    seeds = range(min(options.rounds, 2) if options.quick else options.rounds)
    threads = harness.limit_threads(options.threads)
    workers = harness.start(options.peers)
    facts = harness.everyone(workers, "prepare", WORK)
    checked = harness.check(workers, WORK)
    for worker in workers.values():
        worker.ask("fit")
    runs: dict[str, list[dict[str, list[float]]]] = {key: [] for key in workers}
    for seed in seeds:
        for key in harness.rotated(list(workers), seed):
            runs[key].append(workers[key].ask("time_to", GOAL, MOST_EPOCHS, seed))
    for worker in workers.values():
        worker.end()
    rows = []
    ours = np.median([run["seconds"][-1] for run in runs.get("minnet", [])] or [np.nan])
    for key, of_peer in runs.items():
        there = [run["seconds"][-1] for run in of_peer if run["accuracies"][-1] >= GOAL]
        epochs = [len(run["seconds"]) - 1 for run in of_peer]
        middle = np.median([run["seconds"][-1] for run in of_peer])
        rows.append(
            [
                PEERS[key].label,
                f"{len(there)} of {len(of_peer)}",
                " ".join(map(str, epochs)),
                f"{min(there, default=np.nan):.2f}",
                f"{middle:.2f}",
                f"{middle / ours:.2f}",
            ]
        )
    heading = ["peer", " reached", "epochs", " min s", " median s", " median ÷ minnet's"]
    title = f"{WORK.name}, batch {WORK.batch}, to {GOAL:.0%} on MNIST; threads: {threads}"
    print(Table(heading, rows, title=title))
    everything = {"threads": threads, "peers": facts, "same_work": checked, "runs": runs}
    print(harness.write("time_to_97", everything))
    print(picture(runs, title))


def picture(runs: dict[str, list[dict[str, list[float]]]], title: str) -> str:
    """Test accuracy against seconds of training, a line for each seed."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).subplots()
    for number, (key, of_peer) in enumerate(runs.items()):
        for run in of_peer:
            label = PEERS[key].label if run is of_peer[0] else None
            settings = {
                "color": f"C{number}",
                "lw": 2.5 if key == "minnet" else 1.0,
                "label": label,
            }
            axes.plot(run["seconds"][1:], run["accuracies"][1:], "o-", ms=3, **settings)
    axes.axhline(GOAL, color="k", lw=0.8, ls="--")
    axes.set(xscale="log", xlabel="seconds of training", ylabel="test accuracy", title=title)
    axes.legend()
    return str(harness.save_picture(figure, "time_to_97"))


if __name__ == "__main__":
    main()
