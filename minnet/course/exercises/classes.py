"""A class at once: a folder with a folder for each student, graded into reports and a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from minnet.course.exercises.course import grade
from minnet.course.exercises.inspection import DONE, MEGABYTES, SECONDS, TO_DO, CheckResult
from minnet.course.exercises.reports import REPORTS, hints_of
from minnet.foundation.checks import choice
from minnet.foundation.tables import Table

ENDINGS = {"json": "json", "junit": "xml", "gradescope": "json"}
"""Form of a report → how its file's name ends."""


def grade_class(
    form: str,
    names: Sequence[str] = (),
    *,
    submissions: str,
    output: str,
    seconds: float = SECONDS,
    megabytes: float = MEGABYTES,
    hints: str | None = None,
    own: str | None = None,
) -> str:
    """Check each student's folder, write a report for each, and `scores.csv` for all.

    Parameters
    ----------
    form, names, seconds, megabytes, hints, own
        As for `course.report`.
    submissions
        A folder with a folder for each student, in which the exercises are.
    output
        The folder for the reports, `alice.json` and so on.

    Returns
    -------
    str
        A table of the scores, and which files are missing.

    Raises
    ------
    ValueError
        A folder without students; otherwise as for `course.report`.
    OSError
        A file cannot be written.
    """
    write = REPORTS[choice(form, list(REPORTS), "--report")]
    folder = Path(submissions)
    students = sorted(path for path in folder.glob("*") if path.is_dir())
    if not students:
        raise ValueError(
            f"--class takes a folder with a folder for each student. Got {submissions}, which has "
            "none. Unpack the submissions there."
        )
    target = Path(output)
    target.mkdir(parents=True, exist_ok=True)
    level = hints or hints_of(folder)  # the class's settings, not those that a student hands in
    rows, missing = [], []
    results: list[CheckResult] = []
    for student in students:
        results = grade(names, folder=str(student), seconds=seconds, megabytes=megabytes, own=own)
        path = target / f"{student.name}.{ENDINGS[form]}"
        path.write_text(write(results, level) + "\n", encoding="utf-8")
        points = [int(result.state == DONE) for result in results]
        absent = {result.text for result in results if result.state == TO_DO and result.text}
        missing += [f"{student.name}: {text}" for text in sorted(absent)]
        rows.append([student.name, *map(str, points), str(sum(points))])
    head = ["student", *(result.gap for result in results), "score"]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    (target / "scores.csv").write_text(text.getvalue(), encoding="utf-8")
    scores = Table(["student", f" of {len(results)}"], [[row[0], row[-1]] for row in rows])
    told = [str(scores), "\n".join(missing), f"{len(rows)} reports and scores.csv are in {output}."]
    return "\n\n".join(filter(None, told))
