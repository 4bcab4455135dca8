"""The command `python -m minnet exercises`: files to the student, and what is right in them."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from minnet.course.exercises.files import Exercise, find, put_aside, write_new
from minnet.course.exercises.inspection import (
    DONE,
    MEGABYTES,
    SECONDS,
    TO_DO,
    WRONG,
    Assignment,
    CheckResult,
    inspect,
)
from minnet.course.exercises.keys import check_key
from minnet.course.exercises.own import Sheets, sheets
from minnet.course.exercises.reports import REPORTS, hints_of, key_of, shown
from minnet.foundation.checks import choice, number
from minnet.foundation.tables import Table

FOLDER = "exercises"
"""Where the files go, unless another folder is named."""

INSTALL = (
    "The exercises are checked with Hypothesis, which is not installed. Install it:\n\n"
    "    python -m pip install hypothesis"
)


class Copied(NamedTuple):
    """An exercise, and where the student has it."""

    exercise: Exercise
    path: Path


def run(
    names: Sequence[str] = (),
    *,
    folder: str = FOLDER,
    again: bool = False,
    seconds: float = SECONDS,
    megabytes: float = MEGABYTES,
    hints: str | None = None,
    own: str | None = None,
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
    megabytes
        How much memory the student's code may take.
    hints
        "none", "idea" or "full"; None for what the class has set, see `reports`.
    own
        A folder with a teacher's own exercises, see `own.py`; None for minnet's.

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
    limits = _limits(seconds, megabytes)
    if again and not names:
        raise ValueError("--again takes the names of what to start over. Got none. Try: dense.")
    among = sheets(own)
    folder = _where(folder, among)
    asked = _asked(names, folder, among)
    if again:
        for _, path in asked:
            if path.exists():
                print(f"What you had is kept in {put_aside(path)}.")
    new = [sheet for sheet in asked if write_new(sheet.path, sheet.exercise.with_gaps())]
    if new:
        print(_copied(new, folder, own))
    old = [sheet for sheet in asked if sheet not in new]
    if importlib.util.find_spec("hypothesis") is None:
        print(INSTALL)
        return 1
    if not old:
        return 1
    results = list(_inspected(asked, among, limits))
    again_with = _command("{}", folder, own)
    return _told(results, asked, among, bool(names), again_with, hints or hints_of(folder))


def report(
    form: str,
    names: Sequence[str] = (),
    *,
    folder: str = FOLDER,
    seconds: float = SECONDS,
    megabytes: float = MEGABYTES,
    hints: str | None = None,
    own: str | None = None,
) -> str:
    """Check what is asked for, and return a report in this form; files that are missing are to do.

    Parameters
    ----------
    form
        "json", "junit" or "gradescope".
    names, folder, seconds, megabytes, hints, own
        As for `run`. Nothing is copied.

    Raises
    ------
    ValueError
        A form, a name or a level of hints that there is not.
    RuntimeError
        Hypothesis is not installed, or the checks cannot be started.
    """
    write = REPORTS[choice(form, list(REPORTS), "--report")]
    folder = _where(folder, sheets(own))
    results = grade(names, folder=folder, seconds=seconds, megabytes=megabytes, own=own)
    return write(results, hints or hints_of(folder))


def grade(
    names: Sequence[str] = (),
    *,
    folder: str = FOLDER,
    seconds: float = SECONDS,
    megabytes: float = MEGABYTES,
    own: str | None = None,
) -> list[CheckResult]:
    """What came of the check of each function, in order; files that are missing are to do.

    Parameters
    ----------
    names, folder, seconds, megabytes, own
        As for `run`. Nothing is copied.

    Raises
    ------
    ValueError, RuntimeError
        As for `report`.
    """
    if importlib.util.find_spec("hypothesis") is None:
        raise RuntimeError(INSTALL)
    limits = _limits(seconds, megabytes)
    among = sheets(own)
    asked = _asked(names, folder, among)
    there = [sheet for sheet in asked if sheet.path.exists()]
    checked = {(result.path, result.gap): result for result in _inspected(there, among, limits)}
    return [
        checked.get((str(path), gap), CheckResult(str(path), gap, TO_DO, _missing(path)))
        for exercise, path in asked
        for gap in exercise.gaps
    ]


def _missing(path: Path) -> str:
    """What a report says of a file that was not handed in, at least under its name."""
    others = sorted(other.name for other in path.parent.glob("*.py"))
    instead = f" There {'is' if len(others) == 1 else 'are'} {', '.join(others)}." if others else ""
    return f"There is no {path.name}.{instead}"


def solutions(
    to: str, *, key: str | None = None, folder: str = FOLDER, own: str | None = None
) -> str:
    """Write the solutions into a folder; files that are there stay as they are.

    Parameters
    ----------
    to
        Where they go.
    key
        The teacher's key file, see `keys.py`.
    folder
        Where the class has its `minnet.toml`, if it has one.
    own
        As for `run`.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    ValueError
        No key, or not the one that the class has set.
    OSError
        A file cannot be written.
    """
    check_key(key, key_of(folder))
    among = sheets(own).exercises
    written = [e.file for e in among if write_new(Path(to, e.file), e.solved())]
    kept = [e.file for e in among if e.file not in written]
    are = "solution is" if len(written) == 1 else "solutions are"
    lines = [f"{len(written)} {are} in {to}."] if written else []
    if kept:
        lines.append(f"Already in {to}, and left as they are: {', '.join(kept)}.")
    return "\n".join(lines)


def _where(folder: str, among: Sheets) -> str:
    """The folder of the files: this one for those who have gone into it, else the one named."""
    here = any(Path(exercise.file).exists() for exercise in among.exercises)
    return "." if folder == FOLDER and here and not Path(folder).exists() else folder


class Limits(NamedTuple):
    """What a student's code may take for one function."""

    seconds: float
    megabytes: float


def _limits(seconds: float, megabytes: float) -> Limits:
    return Limits(
        number(seconds, "--seconds", above=0), number(megabytes, "--megabytes", minimum=50)
    )


def _asked(names: Sequence[str], folder: str, among: Sheets) -> list[Copied]:
    """The exercises that are meant, each once."""
    every = [Copied(exercise, Path(folder, exercise.file)) for exercise in among.exercises]
    return list(dict.fromkeys(_sheet(name, folder, among) for name in names)) or every


def _inspected(asked: Sequence[Copied], among: Sheets, limits: Limits) -> Iterator[CheckResult]:
    """The check of every function in these files."""
    assignments = [Assignment(str(path), gap) for exercise, path in asked for gap in exercise.gaps]
    if not assignments:
        return iter(())
    return inspect(
        assignments,
        limits.seconds,
        gaps=among.gaps(),
        private=() if among.folder is None else (among.folder,),
        megabytes=limits.megabytes,
    )


def _sheet(name: str, folder: str, among: Sheets) -> Copied:
    """The exercise that is meant, and its file: the very one, if a path was given."""
    exercise = find(name, among.exercises)
    path = Path(name)
    given = path.suffix == ".py" and (path.exists() or len(path.parts) > 1)
    if given and not path.exists():
        raise ValueError(f"exercises takes a file that is there. Got {name!r}, which is not.")
    return Copied(exercise, path if given else Path(folder, exercise.file))


def _command(name: str, folder: str, own: str | None) -> str:
    """What to type for one exercise."""
    here = folder == "." and not Path(FOLDER).exists()  # where it is found without a word
    where = "" if folder == FOLDER or here else f" --folder {shlex.quote(folder)}"
    among = "" if own is None else f" --sheets {shlex.quote(own)}"
    return f"python -m minnet exercises {name}{among}{where}"


def _copied(new: Sequence[Copied], folder: str, own: str | None) -> str:
    """What to do with new files."""
    exercise, path = new[0]
    names = str(path) if len(new) == 1 else f"{path} … {new[-1].path.name}"
    headline = f"Copied {len(new)} file{'s' if len(new) > 1 else ''}: {names}."
    return (
        f"{headline}\n\n"
        f"Open {path} in an editor. Each function in it says what it computes, with the\n"
        "formula, the shapes and an example; write it in place of `raise NotImplementedError`.\n"
        f"Then check it:\n\n    {_command(exercise.name, folder, own)}\n\n"
        "Without a name all are checked.\n"
    )


def _told(
    results: Sequence[CheckResult],
    asked: Sequence[Copied],
    among: Sheets,
    named: bool,
    command: str,
    hints: str,
) -> int:
    """Print a table, what is wrong, and what is next."""
    print(_table(results))
    wrong = [result for result in results if result.state == WRONG]
    told: list[CheckResult] = []
    for result in wrong if named else wrong[:1]:
        if not any(v.path == result.path and v.text == result.text for v in told):
            print(f"\n{_location(result)}\n{shown(result, hints)}".rstrip())
            told.append(result)
    if not named and len(wrong) > 1:
        print(f"\nMore is wrong: {', '.join(v.gap for v in wrong[1:])}. To see it:")
        print(f"\n    {command.format(wrong[1].gap)}")
    print(f"\n{_next(results, asked, among.exercises)}")
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


def _next(
    results: Sequence[CheckResult], asked: Sequence[Copied], among: Sequence[Exercise]
) -> str:
    """How many are done, and where to go on."""
    done = sum(result.state == DONE for result in results)
    count = f"{done} of {len(results)} done."
    to_do = next((result for result in results if result.state == TO_DO), None)
    if done == len(results):
        after = asked[-1].exercise.number
        if len(asked) == len(among) or after == len(among):
            return count
        return f"{count} The next is {among[after].file}."
    if to_do is not None and not any(result.state == WRONG for result in results):
        return f"{count} Next: {to_do.gap}, {to_do.path}:{to_do.line}."
    return count
