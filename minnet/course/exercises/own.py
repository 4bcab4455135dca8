"""A teacher's own exercises: sheets and trials in a folder, in the form of minnet's own.

A folder has two files for each exercise::

    huber.py           the sheet: a docstring, functions with docstrings, and solutions between the
                       comments `# gap begins` and `# gap ends`
    huber_trials.py    GAPS = (Gap(…), …): for each function what is tried, and known mistakes

Students get the sheets with gaps, in the order of the alphabet. They do not need the folder, and
should not have it: the solutions are in it. `tests/course/exercises/own` in minnet's source has an
example.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from minnet.course.exercises.files import Exercise, exercise, exercises

if TYPE_CHECKING:
    from minnet.course.exercises.searching import Gap

ENDING = "_trials"


class Sheets(NamedTuple):
    """Exercises, and what is needed to check them.

    Attributes
    ----------
    exercises
        In order.
    folder
        Where a teacher has them; None for minnet's own.
    """

    exercises: tuple[Exercise, ...]
    folder: Path | None

    def gaps(self) -> Mapping[str, Gap]:
        """Function → what is tried. Needs Hypothesis.

        Raises
        ------
        ValueError
            A file of trials is missing, does not run, or has not all of the functions.
        """
        if self.folder is None:
            from minnet.course.exercises.trials import GAPS

            return GAPS
        tried: dict[str, Gap] = {}
        sys.path.insert(0, str(self.folder))  # trials import the solutions from their sheet
        try:
            for one in self.exercises:
                tried |= _trials(self.folder / f"{one.name}{ENDING}.py", one)
        finally:
            sys.path.remove(str(self.folder))
        return tried


def sheets(folder: str | Path | None) -> Sheets:
    """The exercises in a folder, or minnet's own.

    Raises
    ------
    ValueError
        No folder, no sheet in it, a sheet without gaps, or a function that is there twice.
    """
    if folder is None:
        return Sheets(exercises(), None)
    path = Path(folder)
    files = sorted(file for file in path.glob("*.py") if not file.stem.endswith(ENDING))
    if not files:
        raise ValueError(
            f"--sheets takes a folder with sheets, such as huber.py and huber{ENDING}.py. Got "
            f"{folder}, which has none. See docs/teachers.md."
        )
    own = tuple(
        exercise(number, file.stem, file.read_text(encoding="utf-8"), own=True)
        for number, file in enumerate(files, 1)
    )
    seen: set[str] = set()
    for one in own:
        if not one.gaps:
            raise ValueError(
                f"--sheets takes sheets with gaps. Got {one.name}.py, which has none. Put the "
                "solution between the lines # gap begins and # gap ends."
            )
        twice = seen.intersection(one.gaps)
        if twice:
            raise ValueError(
                f"--sheets takes functions of different names. Got {min(twice)} twice, the second "
                f"time in {one.name}.py. Rename one."
            )
        seen.update(one.gaps)
    return Sheets(own, path.resolve())


def _trials(path: Path, one: Exercise) -> dict[str, Gap]:
    """What one file tries."""
    from minnet.course.exercises.searching import Gap

    if not path.is_file():
        raise ValueError(
            f"--sheets takes a file of trials beside each sheet. Got none for {one.name}.py. Write "
            f"{path.name}."
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as error:
        raise ValueError(
            f"--sheets takes trials that run. Got {type(error).__name__} in {path.name}: {error}."
        ) from error
    given = getattr(module, "GAPS", ())
    tried = {gap.name: gap for gap in given if isinstance(gap, Gap)}
    missing = [name for name in one.gaps if name not in tried]
    if missing:
        raise ValueError(
            f"--sheets takes trials for every gap. Got none for {missing[0]}. Put a Gap for it "
            f"into GAPS, in {path.name}."
        )
    return tried
