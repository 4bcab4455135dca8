"""The student's files, and those with the solutions, both made from the sheets."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from minnet.foundation.words import did_you_mean

NAMES = (
    "dense",
    "softmax",
    "cross_entropy",
    "sgd",
    "momentum",
    "adam",
    "dropout",
    "batch_norm",
    "training_loop",
    "freezing",
    "convolution",
    "im2col",
)
"""The sheets, in the order in which they are done."""

GAP = re.compile(r"^( *)# gap begins\n(.*?)^ *# gap ends\n", re.MULTILINE | re.DOTALL)


class Exercise(NamedTuple):
    """One file with gaps.

    Attributes
    ----------
    number
        Counted from 1.
    name
        Of the sheet, such as "softmax".
    gaps
        The functions that are the student's to write, in order.
    text
        The sheet, with solutions and marks.
    own
        Whether it is a teacher's own, which a student cannot check with the command.
    """

    number: int
    name: str
    gaps: tuple[str, ...]
    text: str
    own: bool = False

    @property
    def file(self) -> str:
        """The name of the student's file, such as "02_softmax.py"."""
        return f"{self.number:02d}_{self.name}.py"

    def with_gaps(self) -> str:
        """The student's file: where the solution was, a line that says it is not there yet."""

        def gap(match: re.Match[str]) -> str:
            return f"{match[1]}raise NotImplementedError  # your code here\n"

        if self.own:
            check = (
                "Then try the examples, of which\n"
                f"# nothing is printed if they are right; your teacher tries more:\n"
                f"#     python -m doctest {self.file}"
            )
        else:
            check = f"Then check it:\n#     python -m minnet exercises {self.name}"
        return self._headed(
            GAP.sub(gap, self.text),
            f"Write each function in place of its line `raise NotImplementedError`. {check}",
        )

    def solved(self) -> str:
        """The file with the solutions."""
        return self._headed(GAP.sub(r"\2", self.text), "This is a solution; there are others.")

    def _headed(self, text: str, line: str) -> str:
        end = ast.parse(text).body[0].end_lineno
        lines = text.splitlines()
        return "\n".join([*lines[:end], "", *f"# {line}".splitlines(), *lines[end:]]) + "\n"


def exercise(number: int, name: str, text: str, *, own: bool = False) -> Exercise:
    """The exercise that a sheet's text is."""
    gaps = (
        re.findall(r"^def (\w+)", text[: match.start()], re.MULTILINE)[-1]
        for match in GAP.finditer(text)
    )
    return Exercise(number, name, tuple(gaps), text, own)


@functools.cache
def exercises() -> tuple[Exercise, ...]:
    """All exercises, in order."""
    folder = resources.files("minnet.course.exercises.sheets")
    in_order = []
    for number, name in enumerate(NAMES, 1):
        text = folder.joinpath(f"{name}.py").read_text("utf-8")
        in_order.append(exercise(number, name, text))
    return tuple(in_order)


def find(asked: str, among: Sequence[Exercise] | None = None) -> Exercise:
    """The exercise that a word means: "softmax", "02", "2", "02_softmax.py", a path, a function.

    Parameters
    ----------
    among
        The exercises that can be meant; minnet's own if it is None.

    Raises
    ------
    ValueError
        None is meant; the message has the nearest name.
    """
    among = exercises() if among is None else among
    word = Path(asked).name.lower().removesuffix(".py").replace("-", "_")
    for one in among:
        names = {one.name, one.file.removesuffix(".py"), *one.gaps}
        if word in names or (word.isdecimal() and int(word) == one.number):
            return one
    names = {e.name for e in among} | {gap for e in among for gap in e.gaps}
    raise ValueError(
        f"exercises takes a name, a number or a file. Got {asked!r}.{did_you_mean(word, names)} "
        f"There are {', '.join(f'{e.number:02d} {e.name}' for e in among)}."
    )


def write_new(path: Path, text: str) -> bool:
    """Write a new file; whether it was written, and not there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def put_aside(path: Path) -> Path:
    """Rename a student's file, so that a fresh one can take its place; the name it has now."""
    number = 1
    while (kept := path.with_name(f"{path.stem}_before_{number}.py")).exists():
        number += 1
    return path.replace(kept)
