"""What a comparison found: its numbers, its verdict in words, a table and a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.foundation.printing import printable
from minnet.foundation.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCRATCH = "scratch"

MATTERS = 0.01
"""A difference smaller than one point of accuracy is called none, however certain it is."""

# Student's t, 97.5 % quantile, for 1, 2, … degrees of freedom.
_T = """
12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131 2.120
2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 2.056 2.052 2.048 2.045
"""
QUANTILES = tuple(float(t) for t in _T.split())


class Verdict(NamedTuple):
    """Whether one way of transfer was better than training from scratch, seed by seed.

    Attributes
    ----------
    word
        "HELPS", "HURTS" or "MAKES NO DIFFERENCE".
    difference
        Mean accuracy minus that of scratch, from −1 to 1.
    margin
        Half the width of the 95 % interval of that mean: t · s / √seeds.
    wins, seeds
        In how many of the draws the transferred network was better.

    Examples
    --------
    >>> print(Verdict("HELPS", difference=0.1, margin=0.02, wins=5, seeds=5).word)
    HELPS
    """

    word: str
    difference: float
    margin: float
    wins: int
    seeds: int

    def __str__(self) -> str:
        points = f"{100 * self.difference:+.1f} ± {100 * self.margin:.1f} points"
        word = self.word
        if self.word[:5] == "MAKES" and abs(self.difference) >= MATTERS:
            word += f" that {self.seeds} draws could tell"
        return printable(
            f"{word}: {points} (95 % interval), better in {self.wins} of {self.seeds} draws"
        )


def judge(transferred: Array | Sequence[float], scratch: Array | Sequence[float]) -> Verdict:
    """The verdict on accuracies of the same draws.

    HELPS or HURTS takes three draws or more, and a mean difference of at least a point (`MATTERS`)
    whose 95 % interval, by Student's t on the paired differences, does not hold 0. (Two draws are
    equal by chance too often, since an accuracy changes by whole samples.)
    """
    differences = np.subtract(transferred, scratch)
    n = len(differences)
    difference = float(differences.mean())
    margin = math.inf
    if n > 1:
        quantile = QUANTILES[min(n - 2, len(QUANTILES) - 1)]
        margin = quantile * float(differences.std(ddof=1)) / math.sqrt(n)
    word = "MAKES NO DIFFERENCE"
    if n > 2 and abs(difference) >= MATTERS and abs(difference) > margin:
        word = "HELPS" if difference > 0 else "HURTS"
    return Verdict(word, difference, margin, int((differences > 0).sum()), n)


class SeedRun(NamedTuple):
    """One training: which way, how many labels of each class, which draw, and what came of it."""

    arm: str
    per_class: int
    seed: int
    accuracy: float
    old_accuracy: float | None  # on the old task afterwards, with the old head


@dataclass
class Report:
    """What `compare` found.

    Attributes
    ----------
    runs : list of SeedRun
        All numbers: arm, per_class, seed, accuracy, old_accuracy.
    main
        The way that the verdict is about, chosen before anything was run.
    settings
        Labels of each class → what scratch was tuned to.
    old_before
        The base's accuracy on its old task, or None.
    notes
        What has to be said besides.

    Examples
    --------
    >>> runs = [SeedRun("scratch", 5, seed, 0.8 + seed / 100, None) for seed in range(5)]
    >>> runs += [SeedRun("head only", 5, seed, 0.9, None) for seed in range(5)]
    >>> report = Report(runs, "head only", {5: "Adam, 0.003"})
    >>> report.verdict().word, report.accuracies("scratch", 5).shape
    ('HELPS', (5,))
    >>> report.table().rows
    [['scratch', '82.0 ± 1.6'], ['head only', '90.0 ± 0.0']]
    """

    runs: list[SeedRun]
    main: str
    settings: dict[int, str]
    old_before: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def arms(self) -> list[str]:
        """The ways that were compared."""
        return list(dict.fromkeys(run.arm for run in self.runs))

    @property
    def labels(self) -> list[int]:
        """The label budgets: samples of each class."""
        return sorted({run.per_class for run in self.runs})

    def accuracies(self, arm: str, per_class: int) -> Array:
        """The test accuracies of one way at one budget, seed by seed.

        Parameters
        ----------
        arm
            One of `arms`.
        per_class
            One of `labels`.

        Returns
        -------
        (S,) ndarray
            One for each of S seeds.

        Raises
        ------
        ValueError
            A way or a budget that was not tried.
        """
        if arm not in self.arms or per_class not in self.labels:
            raise ValueError(self._not_tried("accuracies", arm, per_class))
        return self._of(arm, per_class)

    def _of(self, arm: str, per_class: int) -> Array:
        """Return the accuracies of a way at a budget, none where it was not tried."""
        return np.array(
            [run.accuracy for run in self.runs if run.arm == arm and run.per_class == per_class]
        )

    def verdict(self, per_class: int | None = None, arm: str | None = None) -> Verdict:
        """Whether transfer was better than scratch.

        Parameters
        ----------
        per_class
            The label budget; the smallest by default.
        arm
            The way of transfer; `main` by default.

        Raises
        ------
        ValueError
            A way or a budget that was not tried.
        """
        budget = self.labels[0] if per_class is None else per_class
        scratch = self._of(SCRATCH, budget)
        return judge(self._all_seeds(arm or self.main, budget, len(scratch)), scratch)

    def _all_seeds(self, arm: str, per_class: int, seeds: int) -> Array:
        accuracies = self._of(arm, per_class)
        if not len(accuracies):
            raise ValueError(self._not_tried("verdict", arm, per_class))
        return np.broadcast_to(accuracies, seeds) if len(accuracies) == 1 else accuracies

    def _not_tried(self, who: str, arm: str, per_class: int) -> str:
        """Return the message for a way or a budget that is not among the runs."""
        return (
            f"{who} takes an arm and a budget of this comparison: {', '.join(self.arms)}; "
            f"{', '.join(map(str, self.labels))}. Got {arm!r} and {per_class}."
        )

    def worth(self, per_class: int) -> tuple[float, bool] | None:
        """How many times the labels scratch needs to be as good as transfer at this budget.

        Parameters
        ----------
        per_class
            The budget: one of `labels`.

        Returns
        -------
        (factor, reached)
            `reached` is False where scratch was worse at every budget that was tried, and the
            true factor is larger. None where scratch is as good at this budget.

        Raises
        ------
        ValueError
            A budget that was not tried.

        Examples
        --------
        >>> runs = [SeedRun("scratch", n, 0, 0.5 + n / 20, None) for n in (1, 2, 4)]
        >>> Report([*runs, SeedRun("head only", 1, 0, 0.6, None)], "head only", {}).worth(1)
        (2.0, True)
        """
        goal = self._all_seeds(self.main, per_class, 1).mean()
        labels = [n for n in self.labels if n >= per_class]
        curve = [float(self.accuracies(SCRATCH, n).mean()) for n in labels]
        if curve[0] >= goal or len(labels) < 2:
            return None
        for i in range(1, len(labels)):
            if curve[i] >= goal:  # between two budgets, along the logarithm of the labels
                share = (goal - curve[i - 1]) / (curve[i] - curve[i - 1])
                n = labels[i - 1] * (labels[i] / labels[i - 1]) ** share
                return float(n / per_class), True
        return labels[-1] / per_class, False

    def lines(self) -> list[str]:
        """The verdict in words, for each budget, with its evidence.

        Examples
        --------
        >>> runs = [SeedRun("scratch", 5, seed, 0.8, None) for seed in range(3)]
        >>> runs += [SeedRun("head only", 5, seed, 0.7 + seed / 100, None) for seed in range(3)]
        >>> Report(runs, "head only", {}).lines()[0][:63]
        '5 labels a class: transfer (head only) HURTS: -9.0 ± 2.5 points'
        """
        sentences = []
        for n in self.labels:
            line = f"{n} labels a class: transfer ({self.main}) {self.verdict(n)}"
            if self.verdict(n).word == "HELPS" and (worth := self.worth(n)) is not None:
                factor, reached = worth
                line += (
                    f"; worth {'about' if reached else 'more than'} {factor:.1f} times the labels"
                )
            sentences.append(line + ".")
        return sentences

    def table(self) -> Table:
        """Mean and standard deviation of each way at each budget."""
        old = self.old_before is not None
        heading = ["", *(f" {n} labels a class" for n in self.labels)]
        first = self.labels[0]
        heading += [f" old task afterwards ({first} labels)"] if old else []
        rows = []
        for arm in self.arms:
            row = [arm, *(_mean_and_spread(self.accuracies(arm, n)) for n in self.labels)]
            if old:
                after = [
                    run.old_accuracy
                    for run in self.runs
                    if (run.arm, run.per_class) == (arm, first) and run.old_accuracy is not None
                ]
                row.append(_mean_and_spread(np.array(after)) if after else "")
            rows.append(row)
        notes = [*self.lines()]
        if old:
            notes.append(f"The old task before: {100 * (self.old_before or 0):.1f}.")
        for n, setting in self.settings.items():
            notes.append(f"Scratch at {n} labels a class was tuned to {setting}.")
        seeds = len({run.seed for run in self.runs})
        title = f"Test accuracy in percent, mean ± standard deviation of {seeds} draws"
        return Table(heading, rows, title=title, notes=[*notes, *self.notes])

    def __str__(self) -> str:
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw accuracy against labels, one line for each way. Returns the Axes.

        Parameters
        ----------
        ax
            Where to draw; new ones if None.

        Raises
        ------
        TypeError
            What is no Axes of Matplotlib.

        Examples
        --------
        >>> runs = [SeedRun(way, 5, 0, 0.8, None) for way in ("scratch", "head only")]
        >>> Report(runs, "head only", {}).plot().get_xlabel()[:36]
        'labelled samples of each class (bars'
        """
        from minnet import plots

        seeds = max(len(self.accuracies(SCRATCH, n)) for n in self.labels)
        accuracies = {
            arm: np.stack([self._all_seeds(arm, n, seeds) for n in self.labels])
            for arm in self.arms
        }
        axes: Axes = plots.label_efficiency(self.labels, accuracies, ax=ax)
        return axes


def _mean_and_spread(values: Array) -> str:
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    return f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1):.1f}"
