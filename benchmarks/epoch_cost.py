"""What an epoch costs beyond its steps, and from what size on two threads are faster than one.

    python benchmarks/epoch_cost.py [epoch] [threads] [--rounds 9] [--busy]

- epoch: 128-10 with Adam, as transfer with few labels trains it: one batch of 32 rows an epoch,
  and ten. A step is a ninth of the difference, and an epoch's cost is what is left of the first.
  Beside it the loops by hand: one with all its arrays made beforehand, and one in the lines that a
  textbook prints. And 50 rows in batches of 32, beside the sum of such a loop on 32 rows and one on
  18, which draws one order too many.
- threads: a step of networks on both sides of `SMALL` in `training/process.py`, with one and with
  two threads of matrix products (needs threadpoolctl), in one process. `--busy` has another program
  multiply matrices on one core meanwhile, as a browser or a second training would.

Before each measurement is a pause, since threads of the one before keep a core for a while, and the
order changes with each round. The smallest time of all rounds counts, and for threads the median,
too, since two of them wait for each other now and then.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import harness
import numpy as np
from peers import ByHand, Minnet, Peer, Textbook, Work

from minnet.foundation.tables import Table
from minnet.training import process

EPOCHS = 200
BEYOND, FIFTY = 35.0, 1.2
"""Bars: µs of an epoch beyond its steps; times as long as by hand."""

WORKS = (
    Work((784, 32, 10), 32, 3200, 2),
    Work((784, 64, 10), 32, 3200, 2),
    Work((784, 128, 64, 10), 32, 3200, 2),
    Work((784, 128, 64, 10), 64, 6400, 2),
    Work((784, 256, 128, 10), 32, 3200, 2),
    Work((784, 256, 128, 10), 64, 6400, 2),
    Work((784, 512, 10), 64, 3200, 2),
    Work((784, 512, 512, 10), 128, 6400, 2),
)
"""What is trained with one and with two threads, in the order of its largest product."""


def fit_of(kind: type[Peer], work: Work) -> Callable[[], float]:
    """What gives the seconds of one fit from the first weights."""
    peer, weights = kind(work), work.weights()
    peer.take(*work.data())

    def seconds() -> float:
        peer.start(weights)
        begin = time.perf_counter()
        peer.fit(work.epochs)
        return time.perf_counter() - begin

    return seconds


def measured(tasks: Mapping[Any, Callable[[], float]], rounds: int) -> dict[Any, list[float]]:
    """The seconds of each, with pauses, in a new order each round, after one to warm up."""
    times: dict[Any, list[float]] = {key: [] for key in tasks}
    for round_ in range(rounds + 1):
        for key in random.sample(list(tasks), len(tasks)):
            time.sleep(harness.REST)
            seconds = tasks[key]()
            if round_:
                times[key].append(seconds)
    return times


def epoch(rounds: int) -> dict[str, Any]:
    """µs of an epoch beyond its steps."""
    kinds = (Minnet, ByHand, Textbook)
    ways = {(kind.label, rows): (kind, rows, 32) for kind in kinds for rows in (32, 320)}
    ways |= {(kind.label, 18): (kind, 18, 18) for kind in kinds[1:]}
    ways[Minnet.label, 50] = Minnet, 50, 32
    tasks: dict[Any, Callable[[], float]] = {
        key: fit_of(kind, Work((128, 10), batch, rows, EPOCHS))
        for key, (kind, rows, batch) in ways.items()
    }
    tasks["once"] = fit_of(Minnet, Work((128, 10), 32, 32, 1))
    times = {key: 1e6 * min(each) / EPOCHS for key, each in measured(tasks, rounds).items()}
    table, beyond, fifty = [], {}, {}
    for label in (kind.label for kind in kinds):
        one, ten = times[label, 32], times[label, 320]
        step = (ten - one) / 9
        beyond[label] = one - step
        ours, sum_ = times[Minnet.label, 50], one + times.get((label, 18), 0.0)
        if label != Minnet.label:
            fifty[label] = ours / sum_
        both = f"{sum_:.0f}" if label in fifty else f"{ours:.0f}"
        share = f"{fifty[label]:.2f}" if label in fifty else ""
        cells = (f"{number:.0f}" for number in (one, ten, step, one - step))
        table.append([label, *cells, both, share])
    heading = ["", " 32 rows", " 320 rows", " a step", " beyond its steps", " 50 rows"]
    once = times["once"] - times[Minnet.label, 32] / EPOCHS
    notes = [
        f"beyond its steps, bar ≤ {BEYOND:g}: {harness.met(beyond[Minnet.label] <= BEYOND)}; "
        f"{once:.1f} of it are what minnet does once a fit, shared among {EPOCHS} epochs"
    ]
    notes += [
        f"50 rows beside {label}, bar ≤ {FIFTY}: {harness.met(share <= FIFTY)}"
        for label, share in fifty.items()
    ]
    title = "128-10, Adam, batches of 32: µs an epoch"
    print(Table([*heading, " minnet ÷"], table, title=title, notes=notes))
    return {"beyond": beyond, "fifty": fifty}


def threads(rounds: int, busy: bool = False) -> dict[str, Any]:
    """µs a step with one and with two threads."""
    pools = importlib.import_module("threadpoolctl").ThreadpoolController()

    def limited(work: Work, count: int) -> Callable[[], float]:
        seconds = fit_of(Minnet, work)

        def run() -> float:
            with pools.limit(limits=count, user_api="blas"), whole_choice():
                return seconds()

        return run

    tasks = {(work, n): limited(work, n) for work in WORKS for n in (1, 2)}
    with another_program() if busy else contextlib.nullcontext():
        times = measured(tasks, rounds)
        load = how_busy()
    rows = []
    for work in WORKS:
        one, two = ([1e6 * s / work.steps for s in times[work, n]] for n in (1, 2))
        size = work.batch * max(D * M for D, M in itertools.pairwise(work.widths))
        rows.append(
            [
                f"{work.name}, {work.batch}",
                f"{size:,}",
                *(f"{of(each):.0f}" for of in (min, np.median) for each in (one, two)),
                *(f"{of(two) / of(one):.2f}" for of in (min, np.median)),
                "one" if size <= process.SMALL else "all",
            ]
        )
    beside = "another program multiplies matrices beside it" if busy else load
    heading = ["network, batch", " largest product", " one, least µs", " two", " one, median µs"]
    heading += [" two", " two ÷ one, least", " median", "a fit takes"]
    title = f"\nthreads of matrix products; {os.cpu_count()} cores, {beside}"
    print(Table(heading, rows, title=title))
    return {"rows": rows}


@contextlib.contextmanager
def another_program() -> Iterator[None]:
    """A program beside this one that keeps one core busy with matrix products."""
    code = "import numpy as np; a = np.ones((300, 300), np.float32)\nwhile True: a @ a"
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    program = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **one_thread})
    try:
        time.sleep(1.0)
        yield
    finally:
        program.kill()
        program.wait()


def how_busy() -> str:
    """How busy the machine was, where it tells."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load not known"


@contextlib.contextmanager
def whole_choice() -> Any:
    """Let the number of threads be ours: a fit of a small network would set its own."""
    before, process.SMALL = process.SMALL, 0
    try:
        yield
    finally:
        process.SMALL = before


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="epoch|threads", default=["epoch", "threads"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--busy", action="store_true", help="another program beside `threads`")
    options = parser.parse_args()
    for name in options.parts:
        if name == "epoch":
            epoch(options.rounds)
        else:
            threads(options.rounds, options.busy)
