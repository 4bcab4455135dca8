"""Cost against work: samples, width, depth, batch; data larger than memory; checking of inputs.

    python benchmarks/scaling.py [samples] [width] [depth] [batch] [memmap] [checking] [--quick]
                                 [--rounds 3] [--gigabytes 4] [--threads 1]

- samples: time per sample of a fit of 784-32-10, batch 32, from 1,000 to 320,000 samples, beside
  the time that the gathering of those batches takes alone.
- width, depth, batch: time per step of 784-W-10, of 784 and L hidden layers of 64, and of
  784-128-64-10 at batch B, each beside its bare matrix products.
- memmap: fit on a `numpy.memmap` of 4 GB: how far the process's own (anonymous) memory grows, by
  /proc/self/status, and time per sample beside the same rows in memory, once the file is cached.
- checking: the share of what comes before the first step, and of the checks by profile, in a fit
  of five epochs.

Nothing but NumPy is needed. Sizes of one row are measured in turns, `--rounds` times after one
round to warm up; the smallest time counts.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import harness
import numpy as np
from peers import Array, Minnet, Peer, Products, Weights, Work

import minnet
from minnet.callbacks import Callback
from minnet.foundation.tables import Table

BASE = Work((784, 32, 10), batch=32, rows=6_400, epochs=1)
SAMPLES = (1_000, 3_200, 10_000, 32_000, 100_000, 320_000)
WIDTHS = (8, 32, 128, 512, 2_048)
DEPTHS = (1, 2, 4, 8, 16, 32)
BATCHES = (8, 32, 128, 512, 2_048)

FLAT, OWN_MB, SHARE = 1.3, 100.0, 0.03
"""Bars: largest time per sample over smallest; growth of own memory; checks of five epochs."""


class Task:
    """A fit from the first weights, for the clock, which counts the fit alone."""

    def __init__(self, kind: type[Peer], work: Work, x: Array, y: Array) -> None:
        self.peer, self.work = kind(work), work
        self.peer.take(x, y)

    def seconds(self) -> float:
        """Of one fit."""
        self.peer.start(self.work.weights())
        begin = time.perf_counter()
        self.peer.fit(self.work.epochs)
        return time.perf_counter() - begin


def smallest(
    tasks: Mapping[Any, Task], rounds: int, repeats: Mapping[Any, int] | None = None
) -> dict[Any, float]:
    """The smallest seconds of each task, in turns, after a round to warm up.

    With repeats, a round of a task is the mean of so many, for tasks that are short.
    """
    seconds: dict[Any, list[float]] = {key: [] for key in tasks}
    for round_ in range(rounds + 1):
        for key in harness.rotated(list(tasks), round_):
            count = 1 if repeats is None else repeats[key]
            seconds[key].append(sum(tasks[key].seconds() for _ in range(count)) / count)
    return {key: min(times[1:]) for key, times in seconds.items()}


# --- samples --------------------------------------------------------------------------------------


class Gathering(Peer):
    """The batches of a fit in random order, and nothing else."""

    label = "gathering"

    def start(self, weights: Weights) -> None:
        self.buffer = np.empty((self.work.batch, self.x.shape[1]), self.x.dtype)

    def fit(self, epochs: int, shuffle: bool = True) -> None:
        x, size = self.x, self.work.batch
        for _ in range(epochs):
            order = self.order(shuffle)
            for begin in range(0, len(order), size):
                rows = order[begin : begin + size]
                x.take(rows, axis=0, out=self.buffer[: len(rows)], mode="clip")


def samples(rounds: int, quick: bool) -> dict[str, Any]:
    """Time per sample, with gathering apart."""
    sizes = [size for size in SAMPLES if not quick or size <= 100_000]
    work = replace(BASE, rows=sizes[-1], epochs=2 if quick else 5)
    x, y = work.data()
    repeats = {size: max(1, 32_000 // size) for size in sizes}
    fit, alone = (
        smallest({n: Task(kind, work, x[:n], y[:n]) for n in sizes}, rounds, repeats)
        for kind in (Minnet, Gathering)
    )
    figures = {
        size: {
            name: seconds[size] / size / work.epochs * 1e6
            for name, seconds in (("fit", fit), ("gather", alone))
        }
        for size in sizes
    }
    rows = [
        [f"{size:,}", f"{f['fit']:.2f}", f"{f['gather']:.2f}", f"{f['fit'] - f['gather']:.2f}"]
        for size, f in figures.items()
    ]
    fits_ = [f["fit"] for f in figures.values()]
    spread = max(fits_) / min(fits_)
    rest = [f["fit"] - f["gather"] for f in figures.values()]
    print(
        Table(
            [" samples", " fit, µs a sample", " gathering alone", " the rest"],
            rows,
            title=f"\nsamples: {work.name}, batch {work.batch}, {work.epochs} epochs",
            notes=[
                f"largest over smallest {spread:.2f}, bar ≤ {FLAT}: {harness.met(spread <= FLAT)}; "
                f"without gathering {max(rest) / min(rest):.2f}"
            ],
        )
    )
    return {"figures": figures, "spread": spread}


# --- width, depth, batch --------------------------------------------------------------------------


def shapes(title: str, works: Mapping[int, Work], rounds: int) -> dict[str, Any]:
    """Time per step of each network, beside its products, and how it grows at the large end."""
    fits, products = {}, {}
    for size, work in works.items():
        x, y = work.data()
        fits[size] = Task(Minnet, work, x, y)
        products[size] = Task(Products, work, x, y)
    fit, bare = smallest(fits, rounds), smallest(products, rounds)
    figures = {
        size: {
            "fit": fit[size] / work.steps * 1e6,
            "products": bare[size] / work.steps * 1e6,
            "multiplications": multiplications(work),
        }
        for size, work in works.items()
    }
    rows = [
        [
            f"{size:,}",
            f"{f['multiplications'] / 1e6:,.2f}",
            f"{f['fit']:,.1f}",
            f"{f['products']:,.1f}",
            f"{f['fit'] / f['products']:.2f}",
            f"{f['fit'] / works[size].batch:.2f}",
        ]
        for size, f in figures.items()
    ]
    *_, (a, f), (b, g) = figures.items()
    slope = np.log(g["fit"] / f["fit"]) / np.log(g["multiplications"] / f["multiplications"])
    heading = [f" {title}", " million multiplications", " fit, µs a step", " products", " ratio"]
    print(
        Table(
            [*heading, " µs a sample"],
            rows,
            title=f"\n{title}",
            notes=[f"from {a:,} to {b:,} time grows as multiplications to the power {slope:.2f}"],
        )
    )
    return {"figures": figures, "slope": slope}


def multiplications(work: Work) -> int:
    """Of the matrix products of one step: two for the first layer, three for each other."""
    pairs = list(zip(work.widths[:-1], work.widths[1:], strict=True))
    return work.batch * sum((2 if i == 0 else 3) * D * M for i, (D, M) in enumerate(pairs))


def width(rounds: int, quick: bool) -> dict[str, Any]:
    """784-W-10 at batch 32."""
    rows = 640 if quick else 1_920
    works = {W: replace(BASE, widths=(784, W, 10), rows=rows) for W in WIDTHS}
    return shapes("width", works, rounds)


def depth(rounds: int, quick: bool) -> dict[str, Any]:
    """784 and L hidden layers of 64 at batch 32."""
    rows = 1_280 if quick else 3_840
    works = {L: replace(BASE, widths=(784, *[64] * L, 10), rows=rows) for L in DEPTHS}
    return shapes("depth", works, rounds)


def batch(rounds: int, quick: bool) -> dict[str, Any]:
    """784-128-64-10 at batch B."""
    rows = 4_096 if quick else 8_192
    works = {B: replace(BASE, widths=(784, 128, 64, 10), batch=B, rows=rows) for B in BATCHES}
    return shapes("batch", works, rounds)


# --- data larger than memory ----------------------------------------------------------------------


def own_memory() -> float:
    """Anonymous resident memory of this process, in MB; pages of files are not in it."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no RssAnon here.")


def fit_on_file(path: str, rows: int, fits: int, in_memory: bool) -> tuple[list[float], float]:
    """Seconds of each fit, and the most that anonymous memory grew by; for a process of its own."""
    work = replace(BASE, batch=128, rows=rows)
    shape = (rows, work.widths[0])
    y = np.random.default_rng(1).integers(work.widths[-1], size=rows)
    x: Array = np.memmap(path, np.float32, "r", shape=shape)
    if in_memory:
        x = np.fromfile(path, np.float32).reshape(shape)
    Task(Minnet, work, x[:1_280], y[:1_280]).seconds()  # what any first fit imports and allocates
    task = Task(Minnet, work, x, y)
    before, seen, done = own_memory(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.append(own_memory() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = [task.seconds() for _ in range(fits)]
    done.set()
    watcher.join()
    return seconds, max(seen)


def memmap(rounds: int, quick: bool, gigabytes: float) -> dict[str, Any]:
    """Fit on a file, beside the same rows in memory."""
    if not Path("/proc/self/status").exists():
        print("\nmemmap is left out: this system has no /proc/self/status")
        return {}
    gigabytes = min(gigabytes, 0.5) if quick else gigabytes
    rows = int(gigabytes * 1e9 / 4 / BASE.widths[0])
    by_source: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.f4"
        block = np.random.default_rng(0).random((20_000, BASE.widths[0]), dtype=np.float32)
        with path.open("wb") as file:
            for begin in range(0, rows, len(block)):
                block[: rows - begin].tofile(file)
        context = multiprocessing.get_context("spawn")
        for name, in_memory in (("memmap", False), ("in memory", True)):
            with context.Pool(1) as pool:  # one after another: 4 GB fit beside the file's cache
                seconds, grown = pool.apply(fit_on_file, (str(path), rows, 2, in_memory))
            by_source[name] = {
                "seconds": seconds,
                "per_sample": min(seconds) / rows,
                "grown_mb": grown,
            }
    ratio = by_source["memmap"]["per_sample"] / by_source["in memory"]["per_sample"]
    grown = by_source["memmap"]["grown_mb"]
    print(
        f"\nmemmap: {rows:,} rows, {gigabytes:g} GB, 784-32-10, batch 128, 1 epoch, best of 2\n"
        + "".join(
            f"{name:<10} {f['per_sample'] * 1e6:6.2f} µs a sample, anonymous memory grows by "
            f"{f['grown_mb']:,.0f} MB\n"
            for name, f in by_source.items()
        )
        + f"ratio {ratio:.2f}, bar ≤ {FLAT}: {harness.met(ratio <= FLAT)}; "
        f"{grown:.0f} MB, bar < {OWN_MB:g}: {harness.met(grown < OWN_MB)}"
    )
    return {**by_source, "ratio": ratio}


# --- checking of inputs ---------------------------------------------------------------------------


class Clock(Callback):
    """When training begins and ends inside `fit`."""

    def on_train_begin(self, logs: Any) -> None:
        self.begin = time.perf_counter()

    def on_train_end(self, logs: Any) -> None:
        self.end = time.perf_counter()


def is_check(function: tuple[str, int, str]) -> bool:
    """Whether a function of a profile, (file, line, name), looks at what the user passed."""
    file, _, name = function
    if Path(minnet.__file__).parent not in Path(file).parents:
        return False
    checking = ("checks.py", "targets.py", "ends.py", "inputs.py")
    return Path(file).name in checking or name.lstrip("_").startswith("check")


def checked_share(profile: cProfile.Profile) -> float:
    """The share of checks in all that was profiled; a check that a check calls counts once."""
    entries: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    inside = sum(
        times[3]  # cumulative
        for function, (*_, callers) in entries.items()
        if is_check(function)
        for caller, times in callers.items()
        if not is_check(caller)
    )
    return inside / sum(entry[2] for entry in entries.values())


def checking(rounds: int, quick: bool) -> dict[str, Any]:
    """The share of what `fit` does but train, in five epochs."""
    rows, by_count = [], {}
    for count in (1_000, 6_400, 60_000):
        work = replace(BASE, rows=count, epochs=5)
        peer = Minnet(work)
        peer.take(*work.data())
        peer.start(work.weights())
        best = (np.inf, np.inf, np.inf)
        for _ in range(rounds + 1):
            clock, begin = Clock(), time.perf_counter()
            peer.model.fit(peer.x, peer.y, work.batch, epochs=5, verbose=0, callbacks=[clock])
            end = time.perf_counter()
            best = min(best, (end - begin, clock.begin - begin, end - clock.end))
        profile = cProfile.Profile()
        profile.runcall(peer.fit, 5)
        whole, before, after = best
        share = checked_share(profile)
        by_count[count] = {"seconds": whole, "before": before, "after": after, "profile": share}
        rows.append(
            [
                f"{count:,}",
                f"{whole * 1e3:,.1f}",
                f"{before * 1e3:.2f}",
                f"{before / whole:.2%}",
                f"{share:.2%}",
                f"{after / whole:.2%}",
                harness.met(before / whole <= SHARE),
            ]
        )
    heading = [" samples", " fit, ms", " before the first step, ms", " share", " checks by profile"]
    heading += [" after the last step", f"bar ≤ {SHARE:.0%}"]
    print(Table(heading, rows, title=f"\nchecking: {BASE.name}, batch {BASE.batch}, 5 epochs"))
    return by_count


# --- all of it ------------------------------------------------------------------------------------


PARTS: dict[str, Callable[[int, bool], dict[str, Any]]] = {
    "samples": samples,
    "width": width,
    "depth": depth,
    "batch": batch,
    "checking": checking,
}


def picture(results: Mapping[str, Any]) -> Path:
    """Time against size with both axes logarithmic; a straight line is a power."""
    from matplotlib.figure import Figure

    parts = [name for name in ("samples", "width", "depth", "batch") if name in results]
    figure = Figure(figsize=(4.2 * len(parts), 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        figures = results[name]["figures"]
        other = "gather" if name == "samples" else "products"
        for name in ("fit", other):
            axes.loglog(list(figures), [f[name] for f in figures.values()], "o-", label=name)
        axes.set(xlabel=name, ylabel="µs a sample" if name == "samples" else "µs a step")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    return harness.save_picture(figure, "scaling")


def main(arguments: Sequence[str] | None = None) -> None:
    """The parts that were asked for, the file and the picture."""
    parser = harness.parser(__doc__, peers=(), rounds=3)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}, memmap; all by default")
    parser.add_argument("--gigabytes", type=float, default=4.0, help="of the memmap")
    options = parser.parse_args(arguments)
    parts = options.parts or [*PARTS, "memmap"]
    if unknown := set(parts) - {*PARTS, "memmap"}:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    threads = harness.limit_threads(options.threads)
    print(f"threads: {threads}")
    results: dict[str, Any] = {
        name: PARTS[name](options.rounds, options.quick) for name in parts if name != "memmap"
    }
    if "memmap" in parts:
        results["memmap"] = memmap(options.rounds, options.quick, options.gigabytes)
    print(harness.write("scaling", {"threads": threads, **results}))
    if {"samples", "width", "depth", "batch"} & set(parts):
        print(picture(results))


if __name__ == "__main__":
    main()
