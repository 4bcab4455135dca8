# ruff: noqa: E501 - code of students in a line
"""A class of made-up submissions, graded at once: each gets the points that it deserves.

The students who cheat do what code in a process of its own can try: read the solutions on every way
that leads to a file, reach into the check, write a report, or end it.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from minnet.__main__ import main
from minnet.course.exercises import classes, inspection
from minnet.course.exercises.files import find

SOFTMAX = find("softmax")
GAPPED = SOFTMAX.with_gaps()
SHEET = '"/".join([os.path.dirname(minnet.__file__), "cou" + "rse", "exercises/sheets/softmax.py"])'
TAKE = "namespace = {}\nexec(text, namespace)\nreturn namespace['softmax'](x)"


def body(code, before=""):
    """A student's file with this function at its end."""
    lines = "\n".join(f"    {line}" for line in code.split("\n"))
    return f"{GAPPED}\n{before}\n\ndef softmax(x):\n{lines}\n"


RIGHT = {
    "ada": SOFTMAX.solved(),
    "ben": body("e = np.exp(x - x.max(1)[:, None])\nreturn e / e.sum(1)[:, None]"),
    "cem": body(
        "rows = []\nfor row in x:\n    e = np.exp(row - max(row))\n    rows.append(e / sum(e))\n"
        "return np.array(rows)"
    ),
    "dan": body("x = x - x.max(1, keepdims=True)\nprint('x', x)\ne = np.exp(x)\nreturn "
                "e / e.sum(1, keepdims=True)"),
    "eva": body(
        "x = x - x.max(1, keepdims=True)\nreturn np.exp(x - np.log(np.exp(x).sum(1, "
        "keepdims=True)))"
    ),
    "fay": body("return _one_by_one(x)", "def _one_by_one(x):\n    return np.array([_row(r) for r in "
                "x])\n\n\ndef _row(r):\n    e = np.exp(r - r.max())\n    return e / e.sum()"),
    "gus": body("return T(1.0)(x)", "import collections, dataclasses\n\n@dataclasses.dataclass\n"
                "class T:\n    t: float\n\n    def __call__(self, x):\n        e = np.exp(x - "
                "x.max(1, keepdims=True))\n        return e / e.sum(1, keepdims=True)"),
}  # fmt: skip
WRONG = {
    "untouched": GAPPED,
    "overflow": body("e = np.exp(x)\nreturn e / e.sum(1, keepdims=True)"),
    "columns": body("e = np.exp(x - x.max())\nreturn e / e.sum(0)"),
    "nothing": body("np.exp(x)"),
    "in place": body("x -= x.max(1, keepdims=True)\ne = np.exp(x)\nreturn e / e.sum(1, "
                     "keepdims=True)"),
    "no python": GAPPED + "\n)",
}  # fmt: skip
HANGING = {
    "loop": body("while True:\n    pass"),
    "loop while read": body("return x", "while True:\n    pass"),
    "a number without an end": body("return 9 ** 9 ** 9"),
}
CRASHING = {
    "exit": body("os._exit(0)", "import os"),
    "deep": body("return softmax(x)"),
    "memory": body("a = [np.ones(10**8)]\nwhile True:\n    a.append(np.ones(10**8))"),
    "segfault": body("import ctypes\nctypes.string_at(0)\nreturn x"),
}
LIMITED = sys.platform == "linux"
if not LIMITED:
    del CRASHING["memory"]  # it would take all that there is
CHEATING = {
    "imports": GAPPED + "\n\nfrom minnet.course.exercises.sheets.softmax import softmax\n",
    "imports by parts": body(
        "import importlib\nname = '.'.join(['minnet', 'course', 'exercises', 'sheets', 'softmax'])\n"
        "try:\n    return importlib.import_module(name).softmax(x)\nexcept BaseException:\n"
        "    return x"
    ),
    "opens the sheet": body(f"text = open({SHEET}).read()\n{TAKE}", "import os, minnet"),
    "opens it as a file": body(
        f"fd = os.open({SHEET}, os.O_RDONLY)\ntext = os.read(fd, 10**6).decode()\n{TAKE}",
        "import os, minnet",
    ),
    "opens a link": body(
        f"os.symlink({SHEET}, 'link')\ntext = open('link').read()\n{TAKE}", "import os, minnet"
    ),
    "asks the room of files": body(
        "import importlib\nroom = importlib.import_module('minnet.' + 'course.exercises.files')\n"
        f"text = room.find('softmax').solved()\n{TAKE}"
    ),
    "another process": body(
        "import subprocess, sys\ncode = 'from minnet.' + 'course.exercises.sheets.softmax import *'\n"
        "subprocess.run([sys.executable, '-c', code])\nreturn x"
    ),
    "looks through frames": body(
        "import sys\nframe = sys._getframe()\nwhile frame:\n    for value in "
        "list(frame.f_locals.values()):\n        if hasattr(value, 'reference'):\n            return "
        "value.reference(x)\n    frame = frame.f_back\nreturn x"
    ),
    "looks through objects": body(
        "import gc\nfor thing in gc.get_objects():\n    if getattr(thing, '__name__', '') == "
        "'softmax' and 'course' in str(thing.__module__):\n        return thing(x)\nreturn x"
    ),
    "all are close": body(
        "return x", "np.allclose = lambda *a, **k: True\nnp.array_equal = np.allclose"
    ),
    "equal to everything": body(
        "return x.view(Same)",
        "class Same(np.ndarray):\n    def __eq__(self, other):\n        return True\n\n"
        "    def __array_function__(self, *a):\n        return True",
    ),
    "a report of its own": body(
        "line = json.dumps({'path': 'x', 'gap': 'softmax', 'state': 'done', 'rested': True})\n"
        "for way in range(1, 20):\n    try:\n        os.write(way, (line + '\\n').encode())\n"
        "    except OSError:\n        pass\nos._exit(0)",
        "import json, os",
    ),
    "says it is done for ever": body(
        "while True:\n    for way in range(1, 20):\n        try:\n            os.write(way, "
        "b'{\"rested\": true}\\n')\n        except OSError:\n            pass",
        "import os",
    ),
    "ends the check": body("os.kill(os.getppid(), 9)\nreturn x", "import os"),
    "changes minnet": body(
        "path = os.path.dirname(minnet.__file__) + '/foundation/version.py'\nopen(path, "
        "'a').close()\nreturn x",
        "import os, minnet",
    ),
}
SUBMISSIONS = RIGHT | WRONG | HANGING | CRASHING | CHEATING


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Student → the entry of softmax in the report, and the folder with all reports."""
    folder = tmp_path_factory.mktemp("class")
    for name, source in SUBMISSIONS.items():
        Path(folder, "in", name).mkdir(parents=True)
        Path(folder, "in", name, SOFTMAX.file).write_text(source, encoding="utf-8")
    table = classes.grade_class(
        "json",
        ["softmax"],
        submissions=str(folder / "in"),
        output=str(folder / "out"),
        seconds=5.0,  # by the clock: a right solution has taken more than 2 on a busy machine
    )
    assert f"{len(SUBMISSIONS)} reports" in table
    entries = {}
    for name in SUBMISSIONS:
        report = json.loads(Path(folder, "out", f"{name}.json").read_text(encoding="utf-8"))
        (entries[name],) = (e for e in report["functions"] if e["function"] == "softmax")
    return entries, folder


def test_there_are_more_than_thirty():
    assert len(SUBMISSIONS) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_each_gets_what_it_deserves(graded, name):
    entry = graded[0][name]
    assert entry["score"] == (name in RIGHT), entry
    if name != "untouched":
        assert entry["state"] == ("done" if name in RIGHT else "wrong")
    if name in HANGING:
        assert "still running" in entry["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["imports", "imports by parts", "opens the sheet", "opens it as a file", "opens a link"]
)
def test_those_who_read_the_solutions_are_told_so(graded, name):
    assert "where the solutions are" in graded[0][name]["message"]


@pytest.mark.slow
def test_the_table_of_scores_has_a_line_for_each(graded):
    with Path(graded[1], "out", "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["student"] for row in rows} == set(SUBMISSIONS)
    for row in rows:
        assert int(row["softmax"]) == (row["student"] in RIGHT)
        assert int(row["score"]) == int(row["softmax"]) + int(row["softmax_backward"])


def test_the_class_and_not_a_student_sets_the_hints(tmp_path):
    student = tmp_path / "in" / "ada"
    student.mkdir(parents=True)
    (student / "minnet.toml").write_text('[exercises]\nhints = "full"\n')
    (tmp_path / "in" / "minnet.toml").write_text('[exercises]\nhints = "none"\n')
    (student / SOFTMAX.file).write_text(WRONG["overflow"], encoding="utf-8")
    arguments = ["exercises", "softmax", "--report", "json", "--class", str(tmp_path / "in")]
    main([*arguments, "--output", str(tmp_path / "out")])
    report = json.loads((tmp_path / "out" / "ada.json").read_text())
    assert [entry["message"] for entry in report["functions"]] == ["", ""]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--class", "none", "--report", "json", "--output", "out"], "has none. Unpack"),
        (["--class", "none", "--report", "json"], "Add --output FOLDER"),
        (["--class", "none"], "Add --report json"),
        (["--megabytes", "1"], "--megabytes takes a finite number"),
    ],
)
def test_other_commands_are_refused_in_words(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["exercises", *arguments])
    assert words in capsys.readouterr().err


@pytest.mark.skipif(not LIMITED, reason="the limit is the system's")
@pytest.mark.slow
def test_the_memory_that_may_be_taken_can_be_set(tmp_path):
    path = tmp_path / SOFTMAX.file
    right = "e = np.exp(x - x.max(1, keepdims=True))\nreturn e / e.sum(1, keepdims=True)"
    path.write_text(body(f"a = np.ones(3 * 10**7)\n{right}"), encoding="utf-8")
    states = []
    for megabytes in (100.0, 1000.0):
        (result,) = inspection.inspect(
            [inspection.Assignment(str(path), "softmax")], megabytes=megabytes
        )
        states.append(result.state)
    assert states == ["wrong", "done"]


def test_a_file_under_another_name_is_told_and_counts_as_not_handed_in(tmp_path):
    for student, name in (("ada", "02_softmax.py"), ("ben", "softmax (1).py")):
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / name).write_text(SOFTMAX.solved(), encoding="utf-8")
    (tmp_path / "in" / "cem").mkdir()
    told = classes.grade_class(
        "json",
        ["softmax"],
        submissions=str(tmp_path / "in"),
        output=str(tmp_path / "out"),
        hints="none",
    )
    assert "\n\nben: There is no 02_softmax.py. There is softmax (1).py.\n" in told
    assert "\ncem: There is no 02_softmax.py.\n\n" in told
    assert "ada: " not in told
    report = json.loads((tmp_path / "out" / "ben.json").read_text("utf-8"))
    assert {function["state"] for function in report["functions"]} == {"to do"}
    assert report["functions"][0]["message"].startswith("There is no 02_softmax.py.")
