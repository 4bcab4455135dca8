"""The catalogue of misconceptions: all that minnet knows by name, in one numbered list.

Three parts: the zoo, whose mistakes `check_gradients` and `diagnose` explain; mistakes that compile
and fit refuse; and those that the exercises recognise. `python -m minnet mistakes` prints it.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from minnet.course.zoo import ZOO
from minnet.course.zoo.facts import FACTS
from minnet.course.zoo.refused import REFUSED
from minnet.course.zoo.showing import code
from minnet.foundation.printing import printable
from minnet.foundation.tables import Table
from minnet.foundation.words import did_you_mean

WIDTH = 88


@dataclass(frozen=True)
class Misconception:
    """One entry.

    Attributes
    ----------
    number
        From 1 on.
    name
        To ask for it by.
    title
        The mistake in one line.
    sees
        What one sees.
    example
        The smallest counterexample: a few lines with the mistake in them.
    question
        What reveals it.
    cure
        What to write instead.
    source
        Where it was met, or what explains it.
    named_by
        What names it: "check_gradients", "diagnose", "compile and fit" or "exercises".
    """

    number: int
    name: str
    title: str
    sees: str
    example: str
    question: str
    cure: str
    source: str
    named_by: str

    def __str__(self) -> str:
        texts = (
            ("one sees", self.sees),
            ("example", self.example),
            ("ask", self.question),
            ("cure", self.cure),
            ("named by", self.named_by),
            ("source", self.source),
        )
        lines = [f"{self.number}. {self.name}: {self.title}"]
        for label, text in texts:
            wrapped = text.splitlines() if "\n" in text else textwrap.wrap(text, WIDTH - 12)
            first, *others = wrapped or [""]
            lines.append(f"   {label.ljust(9)}{first}")
            lines += [f"            {line}".rstrip() for line in others]
        return printable("\n".join(lines))


TOOLS = {"detective": "check_gradients", "doctor": "diagnose"}


@cache
def catalogue() -> tuple[Misconception, ...]:
    """All entries, numbered; those of the exercises where Hypothesis is installed."""
    entries = [*_of_the_zoo(), *_refused(), *_of_the_exercises()]
    return tuple(Misconception(number, *entry) for number, entry in enumerate(entries, 1))


Entry = tuple[str, str, str, str, str, str, str, str]
"""All fields but the number."""


def _of_the_zoo() -> Iterator[Entry]:
    mistakes = sorted(ZOO.values(), key=lambda mistake: mistake.tool)
    for m in mistakes:
        facts = FACTS[m.name]
        shown = code(m.plant(0))
        tool = f"{TOOLS[m.tool]}, as {m.kind}"
        yield m.name, m.title, facts.sees, shown, m.hint, facts.cure, facts.source, tool


def _refused() -> Iterator[Entry]:
    for r in REFUSED:
        sees = f"“{r.says}”"
        yield r.name, r.title, sees, r.code, r.question, r.cure, r.source, "compile and fit"


def _of_the_exercises() -> Iterator[Entry]:
    if importlib.util.find_spec("hypothesis") is None:
        return
    from minnet.course.exercises.trials import GAPS

    for gap in GAPS.values():
        hints = dict.fromkeys(mistake.hint for mistake in gap.mistakes)
        for i, hint in enumerate(hints, 1):
            yield (
                f"{gap.name.replace('_', '-')}-{i}",
                hint,
                f"{gap.name} gives other numbers than the formula does.",
                f"the smallest arguments are found when it is checked: exercises {gap.name}",
                f"Does it say {gap.formula}?",
                gap.formula,
                "a sheet of the exercises",
                f"exercises, in {gap.name}",
            )


def listing() -> str:
    """The whole list, a line each."""
    return _lines(catalogue(), f"{len(catalogue())} misconceptions")


def _lines(entries: Sequence[Misconception], count: str) -> str:
    rows = [[str(e.number), e.name, e.named_by, _short(e.title)] for e in entries]
    title = f"{count}; python -m minnet mistakes NAME shows one"
    return str(Table(["", "name", "named by", "the mistake"], rows, title=title))


def _with_word(word: str) -> list[Misconception]:
    """The entries with this word in their name or title."""
    start = re.compile(rf"\b{re.escape(word)}", re.IGNORECASE)
    return [e for e in catalogue() if word.strip() and start.search(f"{e.name} {e.title}")]


def entry(name: str) -> Misconception:
    """The entry of this name or number.

    Raises
    ------
    ValueError
        There is none.
    """
    entries = {e.name: e for e in catalogue()}
    if name.isdecimal() and 1 <= int(name) <= len(entries):
        return catalogue()[int(name) - 1]
    if name in entries:
        return entries[name]
    raise ValueError(
        f"mistakes takes a name or a number from 1 to {len(entries)}. Got {name!r}."
        f"{did_you_mean(name, entries)} See: python -m minnet mistakes."
    )


def in_full(name: str) -> str:
    """One entry, or a list of those with such a word in them.

    Of the exercises' mistakes the smallest counterexample is searched for.
    """
    known = name.isdecimal() or any(e.name == name for e in catalogue())
    if not known and (near := _with_word(name)):
        return _lines(
            near, f"{len(near)} of {len(catalogue())} misconceptions have “{name}” in them"
        )
    one = entry(name)
    if not one.named_by.startswith("exercises"):
        return str(one)
    from minnet.course.exercises.judging import Student
    from minnet.course.exercises.searching import counterexample
    from minnet.course.exercises.trials import GAPS

    gap = GAPS[one.named_by.rpartition(" ")[2]]
    formula = next(m.formula for m in gap.mistakes if m.hint == one.title)
    told = counterexample(gap, Student(formula, gap.names))
    return str(dataclasses.replace(one, example=told))


def _short(text: str) -> str:
    return textwrap.shorten(text, 90, placeholder=" …")
