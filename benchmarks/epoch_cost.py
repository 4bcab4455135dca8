"""What an epoch costs beyond its steps, and from what size on two threads are faster than one.

    python benchmarks/epoch_cost.py [epoch] [threads] [--rounds 9]

- epoch: 128-10 with Adam, as transfer with few labels trains it: one batch of 32 rows an epoch,
  and ten. A step is a ninth of the difference, and an epoch's cost is what is left of the first.
  Beside it the loop by hand. And 50 rows in batches of 32, beside the sum of one loop by hand on 32
  rows and one on 18, which draws one order too many.
- threads: a step of networks on both sides of `SMALL` in `training/process.py`, with one and with
  two threads of matrix products (needs threadpoolctl), in one process.

Before each measurement is a pause, since threads of the one before keep a core for a while, and the
order changes with each round. The smallest time of all rounds counts.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import harness
from peers import ByHand, Minnet, Peer, Work

from minnet.foundation.tables import Table
from minnet.training import process

EPOCHS = 200
BEYOND, FIFTY = 35.0, 1.2
"""Bars: µs of an epoch beyond its steps; times as long as by hand."""

PRODUCTS = ((784, 32, 10), (784, 64, 10), (784, 128, 64, 10), (784, 256, 128, 10), (784, 512, 10))


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


def smallest(tasks: Mapping[Any, Callable[[], float]], rounds: int) -> dict[Any, float]:
    """The smallest seconds of each, with pauses, in changing order, after a round to warm up."""
    best: dict[Any, float] = {}
    for round_ in range(rounds + 1):
        for key in harness.rotated(list(tasks), round_):
            time.sleep(harness.REST)
            seconds = tasks[key]()
            if round_:
                best[key] = min(seconds, best.get(key, seconds))
    return best


def epoch(rounds: int) -> dict[str, Any]:
    """µs of an epoch beyond its steps."""
    sizes = {"one": (32, 32), "ten": (320, 32), "32": (32, 32), "18": (18, 18)}
    works = {name: Work((128, 10), batch, rows, EPOCHS) for name, (rows, batch) in sizes.items()}
    tasks = {
        (kind.label, name): fit_of(kind, works[name])
        for kind in (Minnet, ByHand)
        for name in ("one", "ten")
    }
    tasks |= {("hand", name): fit_of(ByHand, works[name]) for name in ("32", "18")}
    tasks["fifty"] = fit_of(Minnet, Work((128, 10), 32, 50, EPOCHS))
    times = {key: 1e6 * seconds / EPOCHS for key, seconds in smallest(tasks, rounds).items()}
    rows, beyond = [], {}
    for label in (Minnet.label, ByHand.label):
        one, ten = times[label, "one"], times[label, "ten"]
        step = (ten - one) / 9
        beyond[label] = one - step
        rows.append([label, f"{one:.0f}", f"{ten:.0f}", f"{step:.0f}", f"{one - step:.0f}"])
    fifty = times["fifty"] / (times["hand", "32"] + times["hand", "18"])
    print(
        Table(
            ["", " 32 rows", " 320 rows", " a step", " beyond its steps"],
            rows,
            title="128-10, Adam, batches of 32: µs an epoch",
            notes=[
                f"bar ≤ {BEYOND:g}: {harness.met(beyond[Minnet.label] <= BEYOND)}",
                f"50 rows in batches of 32: {fifty:.2f} of the loop by hand, bar ≤ {FIFTY}: "
                f"{harness.met(fifty <= FIFTY)}",
            ],
        )
    )
    return {"beyond": beyond, "fifty": fifty}


def threads(rounds: int) -> dict[str, Any]:
    """µs a step with one and with two threads."""
    pools = importlib.import_module("threadpoolctl").ThreadpoolController()
    works = [Work(widths, 32, 3200, 2) for widths in PRODUCTS]

    def limited(work: Work, count: int) -> Callable[[], float]:
        seconds = fit_of(Minnet, work)

        def run() -> float:
            with pools.limit(limits=count, user_api="blas"), whole_choice():
                return seconds()

        return run

    tasks = {(work.name, n): limited(work, n) for work in works for n in (1, 2)}
    times = smallest(tasks, rounds)
    rows = []
    for work in works:
        one, two = (1e6 * times[work.name, n] / work.steps for n in (1, 2))
        size = work.batch * max(D * M for D, M in zip(work.widths, work.widths[1:], strict=False))
        chosen = "one" if size <= process.SMALL else "all"
        rows.append(
            [work.name, f"{size:,}", f"{one:.0f}", f"{two:.0f}", f"{two / one:.2f}", chosen]
        )
    print(
        Table(
            ["network", " largest product", " one, µs", " two, µs", " two / one", "a fit takes"],
            rows,
            title=f"\nthreads of matrix products; {os.cpu_count()} cores, {how_busy()}",
        )
    )
    return {"rows": rows}


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
    options = parser.parse_args()
    for name in options.parts:
        {"epoch": epoch, "threads": threads}[name](options.rounds)
