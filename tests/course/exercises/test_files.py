"""From one source: the student's files and the solutions."""

from __future__ import annotations

import ast
import re

import pytest

from minnet.course.exercises.files import GAP, exercises, find, put_aside, write_new


def test_the_exercises_are_numbered_and_their_gaps_found():
    assert [e.number for e in exercises()] == list(range(1, len(exercises()) + 1))
    assert exercises()[0].file == "01_dense.py"
    assert exercises()[0].gaps == ("dense_forward", "dense_backward", "dense_gradient")


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.name)
def test_nothing_of_a_solution_is_in_the_students_file(exercise):
    gaps = exercise.with_gaps()
    assert "gap begins" not in gaps
    assert gaps.count("raise NotImplementedError  # your code here") == len(exercise.gaps)
    assert f"python -m minnet exercises {exercise.name}" in gaps
    for solution in GAP.findall(exercise.text):
        assert solution[1].strip() not in gaps
    functions = {f.name: f for f in ast.parse(gaps).body if isinstance(f, ast.FunctionDef)}
    for gap in exercise.gaps:
        docstring, *body = functions[gap].body
        assert [ast.unparse(line) for line in body] == ["raise NotImplementedError"]
        assert ">>> " in ast.unparse(docstring), "a worked example"
        assert re.search(r"[=←−]", ast.get_docstring(functions[gap])), "a formula"


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.name)
def test_the_solution_is_the_sheet_without_its_marks(exercise):
    solved = exercise.solved()
    assert "gap" not in re.findall(r"# (\w+) ", solved)
    assert "NotImplementedError" not in solved
    lines = [
        line for line in exercise.text.splitlines() if not re.search("# gap (begins|ends)", line)
    ]
    kept = iter(solved.splitlines())
    assert all(line in kept for line in lines)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("softmax", "softmax"),
        ("Softmax", "softmax"),
        ("02", "softmax"),
        ("2", "softmax"),
        ("02_softmax", "softmax"),
        ("02_softmax.py", "softmax"),
        ("some/where/02_softmax.py", "softmax"),
        ("softmax_backward", "softmax"),
        ("dense_gradient", "dense"),
        ("batch-norm", "batch_norm"),
        ("10", "freezing"),
    ],
)
def test_an_exercise_has_many_names(word, name):
    assert find(word).name == name


@pytest.mark.parametrize(
    ("word", "nearest"), [("sofmax", "softmax"), ("densse", "dense"), ("adma_step", "adam_step")]
)
def test_an_unknown_name_gets_the_nearest(word, nearest):
    with pytest.raises(ValueError, match=rf"Got '{word}'\. Did you mean \"{nearest}\"\? There are"):
        find(word)


def test_a_number_that_is_none():
    with pytest.raises(ValueError, match=r"Got '99'\. There are 01 dense, 02 softmax"):
        find("99")


def test_a_file_is_never_overwritten(tmp_path):
    path = tmp_path / "new" / "a.py"
    assert write_new(path, "mine")
    assert not write_new(path, "yours")
    assert path.read_text() == "mine"


def test_what_is_put_aside_is_never_lost(tmp_path):
    path = tmp_path / "a.py"
    for text in ("first", "second"):
        path.write_text(text)
        put_aside(path)
    assert (tmp_path / "a_before_1.py").read_text() == "first"
    assert (tmp_path / "a_before_2.py").read_text() == "second"
    assert not path.exists()
