"""A teacher's own exercises: the example of the page for teachers, and what is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from minnet.__main__ import main
from minnet.course.exercises import course, own

EXAMPLE = Path(__file__).parent / "own"
PAGE = Path(__file__).parents[3] / "docs" / "teachers.md"


def code(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["exercises", *arguments])
    return left.value.code


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_sheets_are_handed_out_and_checked(capsys):
    assert code("--sheets", str(EXAMPLE)) == 1
    file = Path("exercises", "01_huber.py")
    text = file.read_text(encoding="utf-8")
    told = capsys.readouterr().out
    assert f"python -m minnet exercises huber --sheets {EXAMPLE}\n" in told  # for the teacher
    assert "#     python -m doctest 01_huber.py\n" in text  # a student has no sheets
    assert "minnet exercises" not in text
    assert "raise NotImplementedError  # your code here" in text
    assert "np.where" not in text
    gap = "raise NotImplementedError  # your code here"
    file.write_text(text.replace(gap, "return difference**2 / 2"), encoding="utf-8")
    capsys.readouterr()
    assert code("--sheets", str(EXAMPLE)) == 1
    told = capsys.readouterr().out
    assert "huber is wrong" in told
    assert "beyond δ the loss is a straight line" in " ".join(told.split())


def test_its_own_solutions_are_right():
    main(["exercises", "--new-key", "teacher.key"])
    main(["exercises", "--sheets", str(EXAMPLE), "--solutions", "solved", "--key", "teacher.key"])
    assert code("--sheets", str(EXAMPLE), "--folder", "solved") == 0


def test_a_student_cannot_read_them():
    main(["exercises", "--new-key", "teacher.key"])
    course.solutions("hand", key="teacher.key", own=str(EXAMPLE))
    path = Path("hand", "01_huber.py")
    reads = f"text = open({str(EXAMPLE / 'huber.py')!r}).read()\n"
    path.write_text(reads + path.read_text(encoding="utf-8"), encoding="utf-8")
    (result,) = course.grade(folder="hand", own=str(EXAMPLE))
    assert result.state == "wrong"
    assert "where the solutions are" in result.text


def changed(tmp_path, sheet=None, trials=None):
    folder = tmp_path / "sheets"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("huber.py", sheet), ("huber_trials.py", trials)):
        if text == "":
            (folder / name).unlink()
        elif text is not None:
            (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("sheet", "trials", "words"),
    [
        ("def f(x):\n    return x\n", None, "Got huber.py, which has none"),
        (None, "", "Write huber_trials.py"),
        (None, "GAPS = ()", "Got none for huber"),
        (None, "1 / 0", "Got ZeroDivisionError in huber_trials.py"),
        ("", None, "which has none. See"),
    ],
)
def test_what_is_missing_is_named(tmp_path, sheet, trials, words):
    with pytest.raises(ValueError, match=words):
        own.sheets(changed(tmp_path, sheet, trials)).gaps()


def test_a_function_that_is_there_twice(tmp_path):
    folder = changed(tmp_path)
    (folder / "second.py").write_text((folder / "huber.py").read_text("utf-8"), encoding="utf-8")
    with pytest.raises(ValueError, match="Got huber twice, the second time in second"):
        own.sheets(folder)


@pytest.mark.skipif(not PAGE.exists(), reason="the page for teachers is not there")
def test_the_page_for_teachers_shows_this_example():
    blocks = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert blocks == [
        (EXAMPLE / name).read_text("utf-8") for name in ("huber.py", "huber_trials.py")
    ]


@pytest.mark.skipif(not PAGE.exists(), reason="the page for teachers is not there")
def test_the_page_for_teachers_states_the_reading_times_of_the_tutorials():
    stated = dict(re.findall(r"\b(\d\d) [^|,;()]*?\((\d+)\)", PAGE.read_text("utf-8")))
    folder = PAGE.parents[1] / "tutorials"
    for number, minutes in stated.items():
        (path,) = folder.glob(f"{number}_*.py")
        head = path.read_text("utf-8")[:1000].replace("\n# ", " ")
        assert f"Reading time: {minutes} minute" in head, path.name
    assert len(stated) > 15
