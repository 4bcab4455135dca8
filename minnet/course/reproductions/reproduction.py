"""What a reproduction is: a published figure, a network that should reach it, and a band.

A published figure is one run of one program. Another run, with other random numbers, differs; so
each figure has a band, with the reason for it, and the median over the seeds is held to it. The
median, since it stays where it is when one run in five goes wrong; such runs are named.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minnet.callbacks import LambdaCallback
from minnet.datasets.digits import Split
from minnet.foundation.checks import Array
from minnet.models import Sequential

Tell = Callable[[str], None]
"""Takes a line that says how far a run is."""


class SeedResult(NamedTuple):
    """What one seed gave.

    Attributes
    ----------
    values
        Name of a figure → its value.
    remarks
        What went wrong, in words.
    """

    values: Mapping[str, float]
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """A published number, and the band that ours should be in.

    Attributes
    ----------
    name
        What is measured.
    published
        The number, its words where it is printed in words, or None where there is none.
    low, high
        The band, its ends included.
    why
        Why the band is as wide as it is, in one sentence.
    form
        How a value is printed.
    """

    name: str
    published: float | str | None
    low: float
    high: float
    why: str
    form: str = ".2f"

    def __contains__(self, value: object) -> bool:
        """Whether a value, as it is printed, is in the band."""
        return isinstance(value, float) and self.low <= float(self.text(value)) <= self.high

    def text(self, value: float) -> str:
        """A value as it is printed."""
        return format(value, self.form)


@dataclass(frozen=True)
class Reproduction:
    """A network from a book, a course or a paper.

    Attributes
    ----------
    name
        As it is typed: lower-case words with hyphens.
    title
        What is trained, in a line.
    cited
        The source in a few words: author, year, chapter.
    source
        Author, title, year, and where in it.
    duration
        About how long five seeds take on one core.
    mnist
        Whether it needs MNIST.
    published_setup, our_setup
        The set-up as far as it was published, and what is done here.
    figures
        The numbers.
    lesson
        One sentence on what one learns.
    run
        From a seed, MNIST (or None) and a function that says how far it is, to what came.
    """

    name: str
    title: str
    cited: str
    source: str
    duration: str
    mnist: bool
    published_setup: str
    our_setup: str
    figures: tuple[Figure, ...]
    lesson: str
    run: Callable[[int, Split | None, Tell], SeedResult] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What a reproduction gave, over its seeds.

    Attributes
    ----------
    reproduction
        What was run.
    seeds
        The seeds, in their order.
    runs
        What each gave.
    """

    reproduction: Reproduction
    seeds: Sequence[int]
    runs: Sequence[SeedResult]

    def values(self, figure: Figure) -> list[float]:
        """A figure's value for each seed."""
        return [float(run.values[figure.name]) for run in self.runs]

    def holds(self, figure: Figure) -> bool:
        """Whether the median over the seeds is in the band."""
        return statistics.median(self.values(figure)) in figure

    @property
    def in_band(self) -> bool:
        """Whether all figures are in their bands."""
        return all(self.holds(figure) for figure in self.reproduction.figures)

    def facts(self) -> dict[str, Any]:
        """All of it as plain numbers and text, for JSON."""
        return {
            "seeds": list(self.seeds),
            "in_band": self.in_band,
            "figures": {
                figure.name: {
                    "published": figure.published,
                    "band": [figure.low, figure.high],
                    "values": [round(value, 6) for value in self.values(figure)],
                    "in_band": self.holds(figure),
                }
                for figure in self.reproduction.figures
            },
            "remarks": {
                str(seed): list(run.remarks)
                for seed, run in zip(self.seeds, self.runs, strict=True)
                if run.remarks
            },
        }


def needed(data: Split | None, whose: str) -> Split:
    """MNIST, where a reproduction takes it; an error where it was not handed over."""
    if data is None:
        raise ValueError(f"{whose}'s networks take MNIST. Got None. Pass minnet.datasets.mnist().")
    return data


def losses_told(tell: Tell, epochs: int) -> LambdaCallback:
    """The callback that tells the loss after each of so many epochs."""
    return LambdaCallback(
        on_epoch_end=lambda epoch, logs: tell(
            f"epoch {epoch + 1} of {epochs}: loss {logs['loss']:.4f}"
        )
    )


def never_predicted(model: Sequential, x: Array, y: Array) -> list[int]:
    """The classes that occur in y and that the model gives to no row of x."""
    return sorted(set(y.tolist()) - set(model.predict(x).argmax(axis=1).tolist()))
