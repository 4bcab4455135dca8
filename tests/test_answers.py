"""Every tutorial that has answers has all three, and they hold what its exercises state."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.course import tutorials

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
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
