"""The smallest counterexample to a student's function, found with Hypothesis, and what it shows.

Which mistake it is, is not read from the counterexample alone, where several mistakes may give the
same numbers: the function is called on many arguments, and a known mistake is named if it gives the
same on all of them.
"""

from __future__ import annotations

import functools
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from minnet.course.exercises.judging import (
    FaultError,
    Given,
    Student,
    compare,
    fresh,
    near,
    silence,
)
from minnet.course.exercises.wording import WRAP, arguments, rows, show
from minnet.teaching.scripts.answers import mending_change

EXAMPLES = 30
"""Arguments that are drawn for one trial: the spaces are small."""

SAMPLES = 25
"""Arguments on which mistakes are told apart."""

RESTLESS = (
    "The same call gives other results when it is made again. Does the function keep something "
    "between calls, or draw random numbers that it was not given?"
)

UNREADABLE = "something that cannot be compared with what is expected"

PRINTED = 5
"""Lines of a student's own print that are shown."""

Judge = Callable[[Student, Given], None]
"""Calls the student's function with the arguments, and raises a `FaultError` if it is wrong."""


class Trial(NamedTuple):
    """One thing that is tried.

    Attributes
    ----------
    arguments
        What is drawn for a call.
    judge
        What is asked of the call.
    """

    arguments: st.SearchStrategy[Given]
    judge: Judge


class KnownMistake(NamedTuple):
    """A mistake that can be recognised: the wrong formula, and what to say of it."""

    hint: str
    formula: Callable[..., Any]


@dataclass(frozen=True)
class Gap:
    """A function that students write.

    Attributes
    ----------
    reference
        The solution.
    returns
        What its results are called.
    formula
        What to look at again, where no mistake is recognised.
    trials
        One after the other; the first that fails is told.
    mistakes
        The first that fits is named.
    """

    reference: Callable[..., Any]
    returns: tuple[str, ...]
    formula: str
    trials: tuple[Trial, ...]
    mistakes: tuple[KnownMistake, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.reference.__name__

    @property
    def names(self) -> tuple[str, ...]:
        """Its arguments."""
        return tuple(inspect.signature(self.reference).parameters)


def expecting(expected: Callable[..., Any], *returns: str) -> Judge:
    """A judge that expects what another function gives for the same arguments."""

    def judge(student: Student, given: Given) -> None:
        compare(student(given), expected(**given), returns)

    return judge


def counterexample(gap: Gap, student: Student) -> str:
    """What is wrong with a student's function, in words; nothing if it is right.

    Raises
    ------
    NotWrittenError
        The gap is not filled.
    """
    for trial in gap.trials:
        failure = smallest(trial, student)
        if failure is None:
            continue
        given, fault, flaky = failure
        lines = [("called with", arguments(given)), ("it gave", fault.came)]
        lines.append(("expected", fault.expected or _answer(gap, given)))
        if student.printed.strip():
            shown = student.printed.strip().splitlines()[:PRINTED]
            lines.append(("it printed", "\n".join(shown)))
        advice = flaky or hint(gap, trial, student, fault)
        lines.append(("hint", textwrap.fill(advice, WRAP, break_on_hyphens=False)))
        return rows(lines)
    return ""


def _answer(gap: Gap, given: Given) -> str:
    """What the solution gives."""
    right = Student(gap.reference, gap.names)(given)
    if len(gap.returns) == 1:
        return show(right)
    return "\n".join(f"{n} = {show(r)}" for n, r in zip(gap.returns, right, strict=True))


def smallest(trial: Trial, student: Student) -> tuple[Given, FaultError, str] | None:
    """The smallest arguments on which a trial fails, what was wrong, and a word on flakiness."""
    failures: list[tuple[Given, FaultError]] = []

    @_calm(Phase.generate, Phase.shrink)
    @given(trial.arguments)
    def attempt(drawn: Given) -> None:
        try:
            trial.judge(student, drawn)
        except FaultError as fault:
            failures.append((drawn, fault))
        except Exception as error:  # a result that no judge thought of
            message = f"{type(error).__name__}: {error}"
            failures.append((drawn, FaultError(UNREADABLE, hint=message)))
        else:
            return
        raise FaultError("wrong")  # from one line, whatever it was, so that all of it shrinks

    try:
        attempt()
    except FaultError:
        return (*failures[-1], "")
    except Flaky:
        return (*failures[-1], RESTLESS)
    return None


def _calm(*phases: Phase) -> Callable[[Any], Any]:
    """Settings with which nothing is printed or stored, and every run is the same."""
    return settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=EXAMPLES,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


class Evidence(NamedTuple):
    """What mistakes are told apart by: what comes of the same arguments, for one trial of a gap.

    Attributes
    ----------
    drawn
        The arguments.
    right
        What the solution gives.
    wrong
        The mistakes that show in them, with what they give.
    """

    drawn: list[Given]
    right: list[Any]
    wrong: list[tuple[KnownMistake, list[Any]]]


@functools.cache
def evidence(gap: Gap, trial: Trial) -> Evidence:
    """Results on many arguments; every run draws the same."""
    drawn: list[Given] = []

    @_calm(Phase.generate)
    @given(trial.arguments)
    def note(one: Given) -> None:
        drawn.append(one)

    note()
    drawn = drawn[-SAMPLES:]  # the first are the smallest, which tell the least

    def results(function: Callable[..., Any]) -> list[Any]:
        student = Student(function, gap.names)
        return [student.raw(one) for one in drawn]

    right = results(gap.reference)
    wrong = [(mistake, results(mistake.formula)) for mistake in gap.mistakes]
    return Evidence(drawn, right, [pair for pair in wrong if not _alike(pair[1], right)])


def _alike(came: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(near(a, b) for a, b in zip(came, others, strict=True))


def hint(gap: Gap, trial: Trial, student: Student, fault: FaultError) -> str:
    """The mistake in words, where it is recognised, or the formula to look at again."""
    drawn, right, wrong = evidence(gap, trial)
    came = [student.raw(one) for one in drawn]
    if any(not isinstance(result, Exception) for result in came):
        for mistake, results in wrong:
            if _alike(came, results):
                return mistake.hint
    restless = not _alike(came, [student.raw(one) for one in drawn])
    return (
        fault.hint
        or (RESTLESS if restless else "")
        or _likeness(gap, drawn, came, right, fault)
        or _line(student, drawn, right)
        or f"Look at the formula again: {gap.formula}."
    )


def _line(student: Student, drawn: Sequence[Given], right: Sequence[Any]) -> str:
    """The line with a mistake in it, and what stands there for what belongs there."""
    given = [{name: fresh(value) for name, value in one.items()} for one in drawn]
    with silence():
        edit = mending_change(student.function, given, lambda i, came: near(came, right[i]))
    if edit is None:
        return ""
    return f"Look at `{edit.before.splitlines()[0]}`: {edit.words}."


def _likeness(
    gap: Gap, drawn: Sequence[Given], came: Sequence[Any], right: Sequence[Any], fault: FaultError
) -> str:
    """What the results have to do with the right ones, on all arguments alike."""
    if len(gap.returns) > 1:
        if all(
            isinstance(a, (tuple, list)) and near(a[::-1], b)
            for a, b in zip(came, right, strict=True)
        ):
            return f"The results are in another order: return {', '.join(gap.returns)}."
        if fault.index is None or any(
            not isinstance(a, (tuple, list)) or len(a) != len(gap.returns) for a in came
        ):
            return ""
        came = [a[fault.index] for a in came]
        right = [b[fault.index] for b in right]
    if _alike(came, right):
        return ""  # what is wrong shows on other arguments alone
    name = gap.returns[fault.index or 0]
    if not all(isinstance(b, (float, np.ndarray)) for b in right):
        return ""
    if any(not isinstance(a, (float, np.ndarray)) or np.asarray(a).dtype.kind != "f" for a in came):
        return ""
    if all(np.ndim(b) == 2 and near(a, np.transpose(b)) for a, b in zip(came, right, strict=True)):
        return f"{name} is the transpose of what it should be."
    if all(_finite(b) and not _finite(a) for a, b in zip(came, right, strict=True)):
        return f"{name} is not finite: a division by 0, a logarithm of 0, or an overflow."
    factors = list(_factors(came, right))
    lengths = [_rows(given) for given in drawn]
    known = [(f, N) for f, N in zip(factors, lengths, strict=True) if f is not None]
    if not known or any(math.isnan(f) for f, _ in known):
        return ""
    first = known[0][0]
    if all(math.isclose(f, first, rel_tol=1e-5) for f, _ in known):
        if math.isclose(first, -1.0):
            return f"{name} has the wrong sign."
        return "" if first == 0 else f"{name} is {first:.4g} times what it should be."
    if all(N and math.isclose(f, N, rel_tol=1e-5) for f, N in known):
        return f"{name} is N times what it should be: divide by N, the number of rows."
    if all(N and math.isclose(f * N, 1, rel_tol=1e-5) for f, N in known):
        return f"{name} is N times too small: there is a division by N too much."
    return ""


def _finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def _factors(came: Sequence[Any], right: Sequence[Any]) -> Iterator[float | None]:
    """came / right where that is one number, NaN where it is none, None where both are 0."""
    for a, b in zip(came, right, strict=True):
        if np.shape(a) != np.shape(b) or not _finite(a):
            yield math.nan
            continue
        a, b = np.ravel(a), np.ravel(b)
        if not np.any(b):
            yield None if not np.any(a) else math.nan
            continue
        largest = int(np.argmax(np.abs(b)))
        factor = float(a[largest] / b[largest])
        yield factor if near(a, factor * b) else math.nan


def _rows(given: Given) -> int | None:
    """N: the length of the first array with rows."""
    return next((len(v) for v in given.values() if isinstance(v, np.ndarray) and v.ndim == 2), None)
