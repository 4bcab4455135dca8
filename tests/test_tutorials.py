"""The tutorials keep one form, say how long they take, and the first five take an hour at most.

The reading time is an estimate: 200 words of prose a minute, 20 lines of code a minute. Prose is
what stands in markdown cells, headings and formulas included. Code is every line that is not blank,
not a comment, no import and no `assert`. Not counted are exercises, sections with a star (`4.*`),
which can wait for a second reading, and cells with the tag `hide-input`, which are folded away.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import minnet

FOLDER = Path(minnet.__file__).parents[1] / "tutorials"
TUTORIALS = sorted(FOLDER.glob("[0-9]*.py"))
FIRST_FIVE = [path for path in TUTORIALS if path.name[:2] <= "04"]
WORDS_A_MINUTE, LINES_A_MINUTE, MINUTES = 200, 20, 60
HIDDEN = 'tags=["hide-input"]'
BEFORE = r"^# \*Before this one: ([^*]*?)\. Reading time: (\d+) minutes?\.\*$"

each_tutorial = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
pytestmark = pytest.mark.skipif(not TUTORIALS, reason="minnet is installed without its tutorials")


@dataclass
class Cell:
    """One cell, or the part of a markdown cell under one heading."""

    kind: str
    text: str
    starred: bool


def cells(source: str) -> list[Cell]:
    """The cells of a script; a markdown cell is cut at its headings."""
    first, *pieces = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    assert not first.strip()
    found, starred = [], False
    for kind, body in zip(pieces[::2], pieces[1::2], strict=True):
        if kind.strip() != "[markdown]":
            found.append(Cell(kind.strip(), body, starred))
            continue
        text = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        for part in re.split(r"^(?=#+ )", text, flags=re.MULTILINE):
            if part.startswith("#"):
                starred = re.match(r"## \d+\.\* ", part) is not None
            if part.strip():
                found.append(Cell("[markdown]", part, starred))
    return found


def headings(source: str) -> list[str]:
    return [
        cell.text.split("\n")[0]
        for cell in cells(source)
        if cell.kind == "[markdown]" and cell.text.startswith("#")
    ]


def lines_of_code(code: str) -> int:
    tree = ast.parse(code)
    skipped = {
        line
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in skipped
        for number, line in enumerate(code.split("\n"), start=1)
    )


def main_path(source: str) -> list[Cell]:
    """What has no star, is no exercise and no drawing."""
    return [
        cell
        for cell in cells(source)
        if not cell.starred and HIDDEN not in cell.kind and not cell.text.startswith("## Exercises")
    ]


def minutes(source: str) -> float:
    path = main_path(source)
    words = sum(
        len(cell.text.replace("#", "").split()) for cell in path if cell.kind == "[markdown]"
    )
    lines = sum(lines_of_code(cell.text) for cell in path if cell.kind != "[markdown]")
    return words / WORDS_A_MINUTE + lines / LINES_A_MINUTE


def test_the_estimate_counts_what_its_docstring_says() -> None:
    prose, code = "word " * 199, "x = 1\n" * 19
    source = (
        f"# %% [markdown]\n# # {prose}\n# last\n\n# %%\nimport os\n\n# why\n{code}x = 2\n"
        f"assert (\n    x\n)\n# %% {HIDDEN}\n{code}# %% [markdown]\n# ## 1.* {prose}\n# %%\n{code}"
        f"# %% [markdown]\n# {prose}\n#\n# ## Exercises\n#\n# 1. {prose}\n"
    )
    assert minutes(source) == 2.0


@each_tutorial
def test_a_title_comes_first(path: Path) -> None:
    first, *others = headings(path.read_text("utf-8"))
    assert re.match(r"# \S", first)
    assert cells(path.read_text("utf-8"))[0].text.startswith(first)
    assert all(heading.startswith("##") for heading in others)


@each_tutorial
def test_numbered_sections_are_in_order(path: Path) -> None:
    numbers = [
        int(match[1])
        for heading in headings(path.read_text("utf-8"))
        if (match := re.match(r"## (\d+)\.\*? \S", heading))
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    assert not [h for h in headings(path.read_text("utf-8")) if "*" in h.split()[1][:-1]]


@each_tutorial
def test_it_ends_with_three_exercises(path: Path) -> None:
    last = cells(path.read_text("utf-8"))[-1]
    assert last.text.startswith("## Exercises\n")
    assert re.findall(r"^(\d+)\. ", last.text, re.MULTILINE) == ["1", "2", "3"]


@each_tutorial
def test_it_says_where_its_pictures_are(path: Path) -> None:
    source = path.read_text("utf-8")
    if ".savefig(" in source:
        said = re.findall(r'^print\(f"Pictures?[^:"]*: (.*)"\)$', source, re.MULTILINE)
        assert len(said) == 1
        assert path.name[:2] in said[0]
        assert "resolve()" in said[0]


def names(code: str) -> tuple[set[str], set[str]]:
    """The names that this code gives a value to, and those that it reads."""
    given, read = set(), set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            given.add(node.name)
        elif isinstance(node, ast.arg):
            given.add(node.arg)
        elif isinstance(node, ast.alias):
            given.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            given.add(node.name)
        elif isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else given).add(node.id)
    return given, read


@each_tutorial
def test_the_main_path_needs_no_starred_section(path: Path) -> None:
    known = {*dir(builtins), "__file__", "__name__"}
    for cell in main_path(path.read_text("utf-8")):
        if cell.kind != "[markdown]":
            given, read = names(cell.text)
            known |= given
            assert read <= known, sorted(read - known)


@each_tutorial
def test_it_says_what_comes_before_and_how_long_it_takes(path: Path) -> None:
    source = path.read_text("utf-8")
    (cell, *_) = cells(source)
    running = re.sub(r"\n(?=[^\n#*])", " ", cell.text)
    ((before, stated),) = re.findall(BEFORE.replace("# ", ""), running, re.MULTILINE)
    assert int(stated) == round(minutes(source)), f"{minutes(source):.1f} minutes"
    numbers = re.findall(r"\b\d\d\b", before)
    assert numbers or before == "nothing"
    for number in numbers:
        assert any(other.name.startswith(number) for other in TUTORIALS)
        assert number != path.name[:2]


def test_the_first_five_take_an_hour_at_most() -> None:
    assert len(FIRST_FIVE) == 5
    total = sum(minutes(path.read_text("utf-8")) for path in FIRST_FIVE)
    assert total <= MINUTES, f"{total:.1f} minutes"


def test_the_first_one_has_fifteen_lines_and_promises_all_the_others() -> None:
    source = TUTORIALS[0].read_text("utf-8")
    code = [cell.text for cell in main_path(source) if cell.kind != "[markdown]"]
    assert sum(map(lines_of_code, code)) == 15
    table = "".join(line for line in source.split("\n") if line.startswith("# | "))
    for path in TUTORIALS[1:]:
        assert path.name[:2] in table


def test_the_figures_of_mnist_are_those_that_were_measured() -> None:
    source = next(path for path in TUTORIALS if path.name.startswith("06")).read_text("utf-8")
    (quoted,) = re.findall(r"^ON_MNIST = (.*)$", source, re.MULTILINE)
    record = json.loads((FOLDER.parent / "benchmarks" / "reproductions.json").read_text("utf-8"))
    measured = [f["values"] for f in record["nielsen-first-epoch"]["figures"].values()]
    assert ast.literal_eval(quoted) == {
        depth: (min(values), max(values)) for depth, values in enumerate(measured, 1)
    }


@each_tutorial
def test_no_figure_is_closed_since_a_notebook_would_not_show_it(path: Path) -> None:
    assert "plt.close(" not in path.read_text("utf-8")
