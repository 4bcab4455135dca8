"""Run a reproduction over several seeds, say how far it is, and print what came."""

from __future__ import annotations

import json
import os
import statistics
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from minnet import datasets
from minnet.course.reproductions import REPRODUCTIONS
from minnet.course.reproductions.reproduction import (
    Figure,
    Outcome,
    Reproduction,
    SeedResult,
)
from minnet.datasets.digits import Split
from minnet.foundation.processes import Map, check_jobs, run_all
from minnet.foundation.tables import Table
from minnet.foundation.words import did_you_mean

SEEDS = 5
"""Fewer say little about the spread."""

ALL = "all"

WIDTH = 100
"""Of the lines under a table."""

EVERY = 10.0
"""Seconds between two lines on how far a run is."""


def listing() -> str:
    """All reproductions: what, from where, whether MNIST is needed, and about how long."""
    rows = [
        [r.name, r.title, r.cited, "MNIST" if r.mnist else "–", r.duration]
        for r in REPRODUCTIONS.values()
    ]
    heading = ["name", "what", "source", "needs", "takes about"]
    notes = [
        "",
        f"The times are for {SEEDS} seeds on one core. Run one: python -m minnet reproduce spiral. "
        f"Run all: python -m minnet reproduce {ALL}.",
    ]
    return str(Table(heading, rows, title="Published figures to reproduce", notes=notes))


def find(names: Sequence[str]) -> list[Reproduction]:
    """The reproductions of these names, each once.

    Raises
    ------
    ValueError
        There is none of such a name; the message has the nearest.
    """
    if ALL in names:
        return list(REPRODUCTIONS.values())
    for name in names:
        if name not in REPRODUCTIONS:
            raise ValueError(
                f"reproduce takes one of {', '.join(REPRODUCTIONS)}, or {ALL}. Got {name!r}."
                f"{did_you_mean(name, [*REPRODUCTIONS, ALL])}"
            )
    return [REPRODUCTIONS[name] for name in dict.fromkeys(names)]


def mnist(folder: str | None) -> Split:
    """MNIST from a folder that holds its files or a subfolder `mnist`; see `datasets.mnist`."""
    if folder is not None and (inner := Path(folder) / "mnist").is_dir():
        folder = str(inner)
    try:
        return datasets.mnist(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} On this command line path= is --data FOLDER.") from None


def reproduce(
    names: Sequence[str],
    *,
    seeds: int = SEEDS,
    data: str | None = None,
    report: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    map: Map | None = None,  # noqa: A002 - what it is called where it comes from
    out: TextIO | None = None,
    log: TextIO | None = None,
) -> bool:
    """Run reproductions, print what came, and return whether all are in their bands.

    Parameters
    ----------
    names
        Of reproductions, or "all".
    seeds
        How many: 0, 1, 2, …
    data
        The folder with MNIST; None for where `datasets.mnist` looks.
    report
        A JSON file to write to, or None.
    jobs
        How many seeds run at a time, each in a process of its own; 1 runs them in this one. The
        figures are the same. A seed that fails is named and left out.
    map
        Instead of jobs, what maps a function over a list, as for `transfer.compare`.
    out, log
        Where results and progress are printed; standard output and standard error by default.

    Raises
    ------
    ValueError
        A name or a number that does not fit, or a file of MNIST that is damaged.
    FileNotFoundError
        There is no MNIST, or no folder for the report; nothing was run.
    """
    out, log = out or sys.stdout, log or sys.stderr
    chosen = find(names)
    if seeds < 1:
        raise ValueError(f"--seeds takes a whole number, 1 or more. Got {seeds}.")
    jobs = check_jobs(jobs, map, "reproduce")
    if report is not None and not Path(report).absolute().parent.is_dir():
        raise FileNotFoundError(
            f"--json takes a file in a folder that is there. Got {os.fspath(report)}. Make the "
            "folder first."
        )
    split = mnist(data) if any(r.mnist for r in chosen) else None
    outcomes: list[Outcome] = []
    for reproduction in chosen:
        outcome = run(reproduction, range(seeds), split, log, jobs=jobs, map=map)
        outcomes.append(outcome)
        print(described(outcome), file=out, flush=True)
        if report is not None:
            facts = {o.reproduction.name: o.facts() for o in outcomes}
            text = json.dumps(facts, indent=1, ensure_ascii=False)
            Path(report).write_text(text + "\n", "utf-8")
    return all(outcome.in_band for outcome in outcomes)


def run(
    reproduction: Reproduction,
    seeds: Sequence[int],
    data: Split | None,
    log: TextIO,
    *,
    jobs: int = 1,
    map: Map | None = None,  # noqa: A002
) -> Outcome:
    """Run it with each seed; those that fail are named and left out."""
    name, apart, done = reproduction.name, jobs > 1 or map is not None, [0]

    def advance() -> None:
        done[0] += 1
        if apart:  # a run elsewhere tells only that it is done
            print(f"{name}: {done[0]} of {len(seeds)} seeds done", file=log, flush=True)

    given = (reproduction, data, None if apart else ProgressLines(log))
    runs = {f"{name}, seed {seed}": (seed, i + 1, len(seeds)) for i, seed in enumerate(seeds)}
    results = run_all(_run_seed, given, runs, jobs=jobs, map=map, advance=advance)
    return Outcome(reproduction, [runs[one][0] for one in results], list(results.values()))


def _run_seed(
    given: tuple[Reproduction, Split | None, ProgressLines | None], item: tuple[int, int, int]
) -> SeedResult:
    """One seed, here or in another process."""
    (reproduction, data, progress), (seed, number, count) = given, item
    if progress is None:
        return reproduction.run(seed, data, lambda line: None)
    progress.head = f"{reproduction.name}, seed {seed} ({number} of {count})"
    return reproduction.run(seed, data, progress)


class ProgressLines:
    """Prints how far a run is, at most every ten seconds.

    Attributes
    ----------
    head
        What is under way.
    """

    def __init__(self, log: TextIO, every: float = EVERY) -> None:
        self.head = ""
        self._log, self._every = log, every
        self._last = time.monotonic()

    def __call__(self, line: str) -> None:
        """A line on where the run is, which is printed where the last one is long enough ago."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            print(f"{self.head}: {line}", file=self._log, flush=True)


# --- what is printed ------------------------------------------------------------------------------


def described(outcome: Outcome) -> str:
    """What came: a table of the figures, why the bands are what they are, and the lesson."""
    r = outcome.reproduction
    heading = [
        "figure",
        " published",
        " mean",
        " from",
        " to",
        " band",
        "median in it",
        "each seed",
    ]
    rows = [_row(outcome, figure) for figure in r.figures]
    reasons: dict[str, list[str]] = {}
    for figure in r.figures:
        reasons.setdefault(figure.why, []).append(figure.name)
    lines = [
        "",
        f"Source: {r.source}.",
        f"Theirs: {r.published_setup}.",
        f"Ours: {r.our_setup}.",
        *(
            f"The band{'' if len(reasons) == 1 else ' of ' + '; '.join(names)}: {why}."
            for why, names in reasons.items()
        ),
        *(
            f"Seed {seed}: {remark}."
            for seed, run in zip(outcome.seeds, outcome.runs, strict=True)
            for remark in run.remarks
        ),
        *([] if len(outcome.seeds) >= SEEDS else [f"{SEEDS} seeds or more show the spread."]),
        f"{r.name} is {'' if outcome.in_band else 'NOT '}in the band.",
        f"What one learns: {r.lesson}",
        "",
    ]
    text = [line for long in lines for line in textwrap.wrap(long, WIDTH) or [""]]
    return str(Table(heading, rows, title=f"{r.name}: {r.title}", notes=text))


def _row(outcome: Outcome, figure: Figure) -> list[str]:
    values = outcome.values(figure)
    inside = sum(value in figure for value in values)
    published = figure.published
    return [
        figure.name,
        published if isinstance(published, str) else "–" if published is None else f"{published:g}",
        figure.text(statistics.mean(values)),
        figure.text(min(values)),
        figure.text(max(values)),
        f"{figure.low:g} to {figure.high:g}",
        f"{'yes' if outcome.holds(figure) else 'NO'}, {inside} of {len(values)} seeds",
        " ".join(figure.text(value) for value in values),
    ]
