"""The command `python -m minnet exercises`: files to the student, and what is right in them."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from minnet.course.exercises.files import Exercise, exercises, find, put_aside, write_new
from minnet.course.exercises.inspection import (
    DONE,
    SECONDS,
    TO_DO,
    WRONG,
    Assignment,
    CheckResult,
    inspect,
)
from minnet.course.exercises.reports import REPORTS, hints_of, shown
from minnet.foundation.checks import choice, number
from minnet.foundation.tables import Table

FOLDER = "exercises"
"""Where the files go, unless another folder is named."""

INSTALL = (
    "The exercises are checked with Hypothesis, which is not installed. Install it:\n\n"
    "    python -m pip install hypothesis"
)


class Sheet(NamedTuple):
    """An exercise, and where the student has it."""

    exercise: Exercise
    path: Path


def run(
    names: Sequence[str] = (),
    *,
    folder: str = FOLDER,
    again: bool = False,
    seconds: float = SECONDS,
    hints: str | None = None,
) -> int:
    """Copy what is not there, check what is, and print what to do next.

    Parameters
    ----------
    names
        Exercises by name, number, file or function; all if there are none.
    folder
        Where the files are, or should be.
    again
        Start the named ones over; what was there is kept beside them, under another name.
    seconds
        How long the check of one function may take.
    hints
        "none", "idea" or "full"; None for what the class has set, see `reports`.

    Returns
    -------
    int
        0 if all that was asked for is right, else 1: a code for the shell.

    Raises
    ------
    ValueError
        A name that is none, `again` without names, `seconds` that are no time.
    OSError
        A file cannot be written.
    """
    seconds = number(seconds, "--seconds", above=0)
    if again and not names:
        raise ValueError("--again takes the names of what to start over. Got none. Try: dense.")
    sheets = [_sheet(name, folder) for name in names] or [
        Sheet(exercise, Path(folder, exercise.file)) for exercise in exercises()
    ]
    sheets = list(dict.fromkeys(sheets))
    if again:
        for _, path in sheets:
            if path.exists():
                print(f"What you had is kept in {put_aside(path)}.")
    new = [sheet for sheet in sheets if write_new(sheet.path, sheet.exercise.with_gaps())]
    if new:
        print(_copied(new, folder))
    old = [sheet for sheet in sheets if sheet not in new]
    if not old:
        return 1
    if importlib.util.find_spec("hypothesis") is None:
        print(INSTALL)
        return 1
    return _check(sheets, bool(names), seconds, folder, hints or hints_of(folder))


def report(
    form: str,
    names: Sequence[str] = (),
    *,
    folder: str = FOLDER,
    seconds: float = SECONDS,
    hints: str | None = None,
) -> str:
    """Check what is asked for, and return a report in this form; files that are missing are to do.

    Parameters
    ----------
    form
        "json", "junit" or "gradescope".
    names, folder, seconds, hints
        As for `run`. Nothing is copied.

    Raises
    ------
    ValueError
        A form, a name or a level of hints that there is not.
    RuntimeError
        Hypothesis is not installed, or the checks cannot be started.
    """
    write = REPORTS[choice(form, list(REPORTS), "--report")]
    if importlib.util.find_spec("hypothesis") is None:
        raise RuntimeError(INSTALL)
    seconds = number(seconds, "--seconds", above=0)
    sheets = [_sheet(name, folder) for name in names] or [
        Sheet(exercise, Path(folder, exercise.file)) for exercise in exercises()
    ]
    there = [
        Assignment(str(path), gap)
        for exercise, path in sheets
        if path.exists()
        for gap in exercise.gaps
    ]
    checked = {(result.path, result.gap): result for result in inspect(there, seconds)}
    results = [
        checked.get((str(path), gap), CheckResult(str(path), gap, TO_DO))
        for exercise, path in sheets
        for gap in exercise.gaps
    ]
    return write(results, hints or hints_of(folder))


def solutions(folder: str) -> str:
    """Write the solutions into a folder; files that are there stay as they are.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    written = [e.file for e in exercises() if write_new(Path(folder, e.file), e.solved())]
    kept = [e.file for e in exercises() if e.file not in written]
    are = "solution is" if len(written) == 1 else "solutions are"
    lines = [f"{len(written)} {are} in {folder}."] if written else []
    if kept:
        lines.append(f"Already in {folder}, and left as they are: {', '.join(kept)}.")
    return "\n".join(lines)


def _sheet(name: str, folder: str) -> Sheet:
    """The exercise that is meant, and its file: the very one, if a path was given."""
    exercise = find(name)
    path = Path(name)
    given = path.suffix == ".py" and (path.exists() or len(path.parts) > 1)
    if given and not path.exists():
        raise ValueError(f"exercises takes a file that is there. Got {name!r}, which is not.")
    return Sheet(exercise, path if given else Path(folder, exercise.file))


def _command(name: str, folder: str) -> str:
    """What to type for one exercise."""
    where = "" if folder == FOLDER else f" --folder {shlex.quote(folder)}"
    return f"python -m minnet exercises {name}{where}"


def _copied(new: Sequence[Sheet], folder: str) -> str:
    """What to do with new files."""
    exercise, path = new[0]
    names = str(path) if len(new) == 1 else f"{path} … {new[-1].path.name}"
    headline = f"Copied {len(new)} file{'s' if len(new) > 1 else ''}: {names}."
    return (
        f"{headline}\n\n"
        f"Open {path} in an editor. Each function in it says what it computes, with the\n"
        "formula, the shapes and an example; write it in place of `raise NotImplementedError`.\n"
        f"Then check it:\n\n    {_command(exercise.name, folder)}\n\n"
        "Without a name all are checked.\n"
    )


def _check(sheets: Sequence[Sheet], named: bool, seconds: float, folder: str, hints: str) -> int:
    """Check, and print a table, what is wrong, and what is next."""
    assignments = [Assignment(str(path), gap) for exercise, path in sheets for gap in exercise.gaps]
    results = list(inspect(assignments, seconds))
    print(_table(results))
    wrong = [result for result in results if result.state == WRONG]
    told: list[CheckResult] = []
    for result in wrong if named else wrong[:1]:
        if not any(v.path == result.path and v.text == result.text for v in told):
            print(f"\n{_location(result)}\n{shown(result, hints)}".rstrip())
            told.append(result)
    if not named and len(wrong) > 1:
        print(f"\nMore is wrong: {', '.join(v.gap for v in wrong[1:])}. To see it:")
        print(f"\n    {_command(wrong[1].gap, folder)}")
    print(f"\n{_next(results, sheets)}")
    return 0 if all(result.state == DONE for result in results) else 1


def _location(result: CheckResult) -> str:
    if result.line:
        return f"{result.path}:{result.line}: {result.gap} is wrong."
    return f"{result.path}:"


def _table(results: Sequence[CheckResult]) -> str:
    """A row for each function; the file stands in its first row."""
    table, before = [], ""
    for result in results:
        table.append([result.path if result.path != before else "", result.gap, result.state])
        before = result.path
    return str(Table(["file", "function", "state"], table))


def _next(results: Sequence[CheckResult], sheets: Sequence[Sheet]) -> str:
    """How many are done, and where to go on."""
    done = sum(result.state == DONE for result in results)
    count = f"{done} of {len(results)} done."
    to_do = next((result for result in results if result.state == TO_DO), None)
    if done == len(results):
        after = sheets[-1].exercise.number
        if len(sheets) == len(exercises()) or after == len(exercises()):
            return count
        return f"{count} The next is {exercises()[after].file}."
    if to_do is not None and not any(result.state == WRONG for result in results):
        return f"{count} Next: {to_do.gap}, {to_do.path}:{to_do.line}."
    return count
