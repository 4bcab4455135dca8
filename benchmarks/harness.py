"""How the benchmarks measure: processes, rounds, the check of the work, bars, tables, files.

Each peer lives in a process of its own, which does nothing until it is told to over a pipe. A round
asks each of them once, one after another, and the next round begins with the next of them: what
else the machine does, and how warm it is, falls on all alike.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from peers import PEERS, Peer, Weights, Work, cores, loss_and_accuracy

import minnet
from minnet.foundation.tables import Table

RESULTS = Path(__file__).parent / "results"

REST = 0.05
"""Seconds before each measurement, for threads of the one before that still look for work."""

QUICK_ROUNDS = 3

CHECKED_STEPS = 10
"""Updates after which the peers are compared; later, rounding grows into differences of its own."""

SAME_LOSS, SAME_WAY = 1e-5, 1e-3
"""Differences that rounding explains: of the loss, and of the weights as a share of their way."""


# --- processes ------------------------------------------------------------------------------------


class PeerError(RuntimeError):
    """A peer's process raised this."""


class Worker:
    """A peer in a process of its own.

    Parameters
    ----------
    key
        Which of `PEERS`.

    Raises
    ------
    PeerError
        The process came to an error; the text has its traceback.
    """

    def __init__(self, key: str) -> None:
        self.key, self.label = key, PEERS[key].label
        context = multiprocessing.get_context("spawn")
        self.pipe, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(far_end, key), daemon=True)
        before = dict(os.environ)
        os.environ.update(PEERS[key].environment)
        try:
            self.process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        far_end.close()

    def tell(self, task: str, *arguments: Any) -> None:
        """Begin a task without waiting for its end."""
        self.pipe.send((task, arguments))

    def answer(self) -> Any:
        """Wait for the end of the task that was told."""
        try:
            error, value = self.pipe.recv()
        except (EOFError, ConnectionError):
            raise PeerError(f"{self.label}: the process ended without a word.") from None
        if error:
            raise PeerError(f"{self.label}: {error}")
        return value

    def ask(self, task: str, *arguments: Any) -> Any:
        """A task and its answer."""
        self.tell(task, *arguments)
        return self.answer()

    def end(self) -> None:
        """Let the process go."""
        self.pipe.close()
        self.process.join(timeout=5)
        if self.process.is_alive():
            self.process.kill()


def _serve(pipe: Connection, key: str) -> None:
    """What a worker's process does: task after task, until the pipe is closed."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # frameworks say on the error stream what processor they found
    tasks = Tasks(PEERS[key])
    while True:
        try:
            task, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("", getattr(tasks, task)(*arguments)))
        except Exception:
            pipe.send((traceback.format_exc(), None))


class Tasks:
    """What a worker can be told to do."""

    def __init__(self, kind: type[Peer]) -> None:
        self.kind = kind

    def prepare(self, work: Work) -> dict[str, Any]:
        """Make the peer for this work; which versions and how many threads it has."""
        self.work, self.weights = work, work.weights()
        self.x, self.y = work.data()
        self.peer = self.kind(work)
        self.peer.take(self.x, self.y)
        versions = {name: sys.modules[name].__version__ for name in self.kind.packages}
        return {"versions": versions, "threads": self.peer.threads(), "cores": cores()}

    def check(self, steps: int) -> Weights:
        """The weights after some steps on the first rows, in their order."""
        rows = steps * self.work.batch
        self.peer.take(self.x[:rows], self.y[:rows])
        self.peer.start(self.weights)
        self.peer.fit(1, shuffle=False)
        self.peer.take(self.x, self.y)
        return self.peer.weights()

    def fit(self) -> dict[str, float]:
        """Wall-clock and processor seconds of one fit from the first weights."""
        self.peer.start(self.weights)
        busy, begin = time.process_time(), time.perf_counter()
        self.peer.fit(self.work.epochs)
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, "busy": time.process_time() - busy}

    def predict(self, least: float = 0.1) -> dict[str, float]:
        """Microseconds for `predict` of one row, over calls that take so many seconds together."""
        row, calls, begin = self.peer.own(self.x[:1]), 0, time.perf_counter()
        while (seconds := time.perf_counter() - begin) < least:
            for _ in range(20):
                self.peer.predict(row)
            calls += 20
        return {"microseconds": seconds / calls * 1e6}

    def predictions(self, rows: int) -> np.ndarray:
        """Probabilities of the first rows, by the weights that all begin at."""
        self.peer.start(self.weights)
        return np.asarray(self.peer.predict(self.peer.own(self.x[:rows])))

    def time_to(self, accuracy: float, epochs: int, seed: int) -> dict[str, Any]:
        """Seconds of training, and accuracy on MNIST's test images, after each epoch up to a goal.

        The clock stands still while the test images are looked at.
        """
        x_test, y_test = minnet.datasets.mnist()[2:]
        self.peer.start(self.work.weights(seed))
        seconds, accuracies = [0.0], [0.0]
        while len(seconds) <= epochs and accuracies[-1] < accuracy:
            begin = time.perf_counter()
            self.peer.fit(1)
            seconds.append(seconds[-1] + time.perf_counter() - begin)
            accuracies.append(loss_and_accuracy(self.peer.weights(), x_test, y_test)[1])
        return {"seconds": seconds, "accuracies": accuracies}

    def result(self) -> tuple[float, float] | None:
        """Loss and accuracy on the rows after the last fit."""
        weights = self.peer.weights()
        return loss_and_accuracy(weights, self.x, self.y) if weights else None


def limit_threads(threads: int | None) -> str:
    """Give every process that is started from here on so many cores; says what holds.

    Without a number each peer does what it does by default on this machine, which is what its
    users get. With one, the cores themselves are taken away, where the system can do that, so
    that it holds for threads of every kind alike and not only where a library has a switch for it.
    """
    if threads is None:
        return f"each peer's default, {cores()} cores"
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    return f"{threads} for every peer"


def start(keys: Sequence[str]) -> dict[str, Worker]:
    """A process for each peer that is installed; says which are left out, and why."""
    workers = {}
    for key in keys:
        if absent := PEERS[key].missing():
            print(f"{PEERS[key].label} is left out: {' and '.join(absent)} not installed")
        else:
            workers[key] = Worker(key)
    return workers


# --- rounds ---------------------------------------------------------------------------------------


def everyone(workers: Mapping[str, Worker], task: str, *arguments: Any) -> dict[str, Any]:
    """The same task for all of them at once, where nothing is timed."""
    for worker in workers.values():
        worker.tell(task, *arguments)
    return {key: worker.answer() for key, worker in workers.items()}


def rotated(keys: Sequence[str], round_: int) -> list[str]:
    """The order of a round: another one begins each time."""
    k = round_ % len(keys)
    return [*keys[k:], *keys[:k]]


def rounds(workers: Mapping[str, Worker], count: int, task: str = "fit") -> dict[str, list[Any]]:
    """What each worker answers in each round, after one round to warm up that is not kept."""
    answers: dict[str, list[Any]] = {key: [] for key in workers}
    for round_ in range(count + 1):
        for key in rotated(list(workers), round_):
            time.sleep(REST)
            answer = workers[key].ask(task)
            if round_:
                answers[key].append(answer)
    return answers


class NotTheSameWorkError(RuntimeError):
    """A peer came to other weights than the first one."""


def same_work(trained: Mapping[str, Weights], work: Work) -> dict[str, dict[str, float]]:
    """How far each peer's weights are from the first peer's, after the same steps.

    Returns
    -------
    dict
        Peer → its loss, the relative difference of that loss, and the distance of the weights as
        a share of the way from where they began; peers that learn nothing are not in it.

    Raises
    ------
    NotTheSameWorkError
        The differences are more than rounding.
    """
    learning = {key: weights for key, weights in trained.items() if weights}
    x, y = work.data()
    x, y = x[:1_000], y[:1_000]
    first = next(iter(learning), None)
    table: dict[str, dict[str, float]] = {}
    for key, weights in learning.items():
        loss = loss_and_accuracy(weights, x, y)[0]
        other, ours, begin = map(flat, (weights, learning[first], work.weights()))
        way = float(np.linalg.norm(other - ours) / np.linalg.norm(ours - begin))
        base = table[first]["loss"] if table else loss
        table[key] = {"loss": loss, "loss_differs": abs(loss / base - 1.0), "way_differs": way}
        if not (table[key]["loss_differs"] <= SAME_LOSS and way <= SAME_WAY):
            raise NotTheSameWorkError(
                f"{PEERS[key].label} does not do the same work as {PEERS[first].label} on "
                f"{work.name}: loss {loss:.7f} and {base:.7f}, weights apart by {way:.2%} of their "
                "way."
            )
    return table


def flat(weights: Weights) -> np.ndarray:
    """All weights as one vector in float64."""
    return np.concatenate([array.ravel() for array in weights]).astype(np.float64)


def check(workers: Mapping[str, Worker], work: Work) -> dict[str, dict[str, float]]:
    """Hold that all workers do the same work, and say so; `same_work` has the details."""
    steps = min(CHECKED_STEPS, work.rows // work.batch)
    table = same_work(everyone(workers, "check", steps), work)
    if len(table) > 1:
        losses = max(row["loss_differs"] for row in table.values())
        ways = max(row["way_differs"] for row in table.values())
        print(
            f"same work: after {steps} steps from the same weights on the same rows the losses of "
            f"{len(table)} peers differ by at most {losses:.1e}, the weights by {ways:.1e} of "
            "their way"
        )
    return table


# --- bars and tables ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """What minnet's time has to be, beside a peer's.

    Parameters
    ----------
    faster
        The peer's time is at least so many times minnet's; or
    within
        minnet's time is at most so many times the peer's.
    """

    faster: float | None = None
    within: float | None = None

    def __str__(self) -> str:
        return f"≥ {self.faster:g}" if self.within is None else f"≥ 1/{self.within:g}"

    def met(self, ratio: float) -> bool:
        """Whether the peer's time over minnet's is enough."""
        return ratio >= (self.faster or 0.0 if self.within is None else 1.0 / self.within)

    def verdict(self, *ratios: float) -> str:
        """In a word, for the ratios of the minima, of the medians, …: all of them count."""
        met = [self.met(ratio) for ratio in ratios]
        return "met" if all(met) else "in doubt" if any(met) else "missed"


def met(is_met: bool) -> str:
    """The word for a bar that is one number."""
    return "met" if is_met else "missed"


def step_times(
    answers_of: Mapping[str, Sequence[Mapping[str, float]]], steps: int
) -> dict[str, Any]:
    """Peer → minimum and median microseconds a step, and the cores that it kept busy."""
    return {
        key: {
            "min": min(r["seconds"] for r in answers) / steps * 1e6,
            "median": float(np.median([r["seconds"] for r in answers])) / steps * 1e6,
            "busy": sum(r["busy"] for r in answers) / sum(r["seconds"] for r in answers),
        }
        for key, answers in answers_of.items()
    }


def ratios(times: Mapping[str, Mapping[str, float]], key: str, to: str) -> list[float] | None:
    """The times of one peer over another's, of minima and of medians; None without the other."""
    if to not in times:
        return None
    return [times[key][which] / times[to][which] for which in ("min", "median")]


def times_table(
    times: Mapping[str, Mapping[str, float]],
    bars: Mapping[str, Bar],
    results: Mapping[str, tuple[float, float] | None],
    notes: Sequence[str] = (),
) -> Table:
    """Step times, ratios to minnet and to the bare products, the bars, and what was learned."""
    rows = []
    for key, t in times.items():
        to_minnet, to_products = (ratios(times, key, other) for other in ("minnet", "products"))
        bar, result = bars.get(key), results.get(key)
        rows.append(
            [
                PEERS[key].label,
                f"{t['min']:,.1f}",
                f"{t['median']:,.1f}",
                *(("", "") if to_minnet is None else (f"{r:.2f}" for r in to_minnet)),
                "" if to_products is None else f"{to_products[0]:.2f}",
                "" if bar is None else str(bar),
                "" if bar is None or to_minnet is None else bar.verdict(*to_minnet),
                f"{t['busy']:.1f}",
                *(("", "") if result is None else (f"{result[0]:.3f}", f"{result[1]:.3f}")),
            ]
        )
    heading = ["peer", " min µs", " median µs", " min ÷ minnet's", " median ÷ minnet's"]
    heading += [" min ÷ products'", " bar", "verdict", " cores busy", " loss after", " accuracy"]
    used = [i for i in range(len(heading)) if i == 0 or any(row[i] for row in rows)]
    return Table([heading[i] for i in used], [[row[i] for i in used] for row in rows], notes=notes)


# --- a whole comparison ---------------------------------------------------------------------------


def parser(
    doc: str | None, peers: Iterable[str] = PEERS, rounds: int = 10
) -> argparse.ArgumentParser:
    """The options that every script has, and `--peers` where there are some."""
    options = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if peers := list(peers):
        options.add_argument("--peers", nargs="+", choices=peers, default=peers)
    options.add_argument("--rounds", type=int, default=rounds, help="after one to warm up")
    options.add_argument("--threads", type=int, help="cores for each process; default: all")
    options.add_argument("--quick", action="store_true", help="fewer rounds, less work")
    return options


def compare(
    name: str, works: Sequence[Work], bars: Mapping[str, Mapping[str, Bar]], options: Any
) -> None:
    """Check, measure, print and write: step times of all peers on each work.

    Parameters
    ----------
    name
        Of the files in `results/`.
    bars
        Name of a work → peer → bar.
    options
        What `parser` parsed.
    """
    count = min(options.rounds, QUICK_ROUNDS) if options.quick else options.rounds
    threads = limit_threads(options.threads)
    workers = start(options.peers)
    networks, groups = {}, {}
    for work in works:
        if options.quick:
            work = replace(work, epochs=(work.epochs + 1) // 2)
        facts = everyone(workers, "prepare", work)
        title = f"{work.name}, batch {work.batch}"
        print(f"\n{title}: {count} rounds of {work.steps} steps; threads: {threads}", flush=True)
        checked = check(workers, work)
        answers = rounds(workers, count)
        results = everyone(workers, "result")
        times = groups[title] = step_times(answers, work.steps)
        of_peers = ", ".join(f"{PEERS[key].label} {fact['threads']}" for key, fact in facts.items())
        wanted = bars.get(work.name, {})
        notes = [f"threads: {of_peers}"]
        print(times_table(times, wanted, results, notes), flush=True)
        networks[work.name] = {
            "work": asdict(work),
            "steps": work.steps,
            "peers": facts,
            "same_work": checked,
            "rounds": answers,
            "times": times,
            "results": results,
            "bars": verdicts(times, wanted),
        }
    for worker in workers.values():
        worker.end()
    print(write(name, {"threads": threads, "networks": networks}))
    print(bar_picture(name, groups, f"{name.replace('_', ' ')}; threads: {threads}"))


def verdicts(
    times: Mapping[str, Mapping[str, float]], bars: Mapping[str, Bar]
) -> dict[str, dict[str, Any]]:
    """Peer → its bar, the ratios of minima and medians to minnet's, and the verdict."""
    by_peer = {}
    for key, bar in bars.items():
        if key in times and (to_minnet := ratios(times, key, "minnet")) is not None:
            verdict = bar.verdict(*to_minnet)
            by_peer[key] = {"bar": str(bar), "ratios": to_minnet, "verdict": verdict}
    return by_peer


# --- files ----------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What this was measured on."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "minnet": minnet.__version__,
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """The processor's name, as the system calls it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def write(name: str, facts: Mapping[str, Any]) -> Path:
    """Facts as JSON in `benchmarks/results/`, with the machine that they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **facts}, indent=1) + "\n", "utf-8")
    return path


def bar_picture(name: str, groups: Mapping[str, Mapping[str, Any]], title: str) -> Path:
    """Median step times as bars, a panel for each group, minnet's in a colour of its own."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(groups), 4.2), layout="constrained")
    for axes, (group, times) in zip(
        figure.subplots(1, len(groups), squeeze=False)[0], groups.items(), strict=True
    ):
        keys = list(times)[::-1]
        medians = [times[key]["median"] for key in keys]
        colours = ["tab:orange" if key == "minnet" else "tab:gray" for key in keys]
        drawn = axes.barh([PEERS[key].label for key in keys], medians, color=colours)
        axes.bar_label(drawn, [f"{m:,.0f}" for m in medians], padding=3)
        axes.plot([times[key]["min"] for key in keys], range(len(keys)), "k|", label="minimum")
        axes.set(title=group, xlabel="µs a step, median")
        axes.margins(x=0.25)
    axes.legend(loc="lower right")
    figure.suptitle(title)
    return save_picture(figure, name)


def save_picture(figure: Any, name: str) -> Path:
    """A figure as a file in `benchmarks/results/`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.png"
    figure.savefig(path, dpi=120)
    return path
