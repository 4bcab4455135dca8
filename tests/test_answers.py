"""Every tutorial that has answers has all three, and they hold what its exercises state."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.course import tutorials
from minnet.foundation.printing import printable

FOLDER = Path(minnet.__file__).parents[1] / "tutorials"
ANSWERS = sorted((FOLDER / "answers").glob("*.py"))

each_answer = pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
pytestmark = pytest.mark.skipif(not ANSWERS, reason="minnet is installed without the answers")


@each_answer
def test_each_of_the_three_is_explained_and_held_by_an_assert(path: Path) -> None:
    source = path.read_text("utf-8")
    assert list(FOLDER.glob(f"{path.stem}_*.py")), "no tutorial has this number"
    assert source.startswith(f"# %% [markdown]\n# # Answers to tutorial {path.stem}, ")
    _, *answers = re.split(r"^# ## (\d)\. \S.*\n", source, flags=re.MULTILINE)
    assert answers[::2] == ["1", "2", "3"]
    for text in answers[1::2]:
        prose, _, code = text.partition("\n# %%\n")
        assert len(prose.split()) > 20
        assert re.search(r"^ *assert ", code, re.MULTILINE)


@each_answer
def test_they_read_aloud_before_anything_is_printed(path: Path) -> None:
    """So they print a text into a file of any encoding, as the tutorials do."""
    top = ast.parse(path.read_text("utf-8")).body
    calls = [i for i, node in enumerate(top) if ast.unparse(node) == "reading.aloud(globals())"]
    assert len(calls) == 1
    before = [node for node in top[: calls[0]] if not isinstance(node, ast.Try)]  # a tool missing
    assert all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in before)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@each_answer
def test_each_character_has_a_plain_one(path: Path, encoding: str, monkeypatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    characters = set(path.read_text("utf-8")) - {"?"}
    lost = [character for character in characters if "?" in printable(character)]
    assert lost == []


@each_answer
def test_they_leave_nothing_behind(path: Path) -> None:
    assert ".savefig(" not in path.read_text("utf-8")


def test_answers_are_not_copied_to_students(tmp_path: Path) -> None:
    tutorials.copy(str(tmp_path))
    copied = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(copied) == len(list(FOLDER.glob("[0-9]*.py")))
    assert not [file for file in copied if "# Answers to tutorial" in file.read_text("utf-8")]


@pytest.mark.slow
@each_answer
def test_they_run_without_a_warning(path: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(FOLDER.parent)}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    environment["PYTHONIOENCODING"] = "ascii"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="ascii",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
