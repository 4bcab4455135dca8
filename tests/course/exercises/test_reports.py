"""Reports for a teacher: a class of made-up submissions, and what each form of report holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from minnet.course.exercises import course, keys, reports
from minnet.course.exercises.files import exercises, find
from minnet.course.exercises.inspection import DONE, TO_DO, WRONG, CheckResult

SOFTMAX = find("softmax")
GAP = SOFTMAX.gaps[0]
RIGHT = SOFTMAX.solved()
GAPPED = SOFTMAX.with_gaps()


def with_body(body):
    """The file of the student, with this function at its end."""
    return f"{GAPPED}\n\ndef {GAP}(x):\n" + "\n".join(f"    {line}" for line in body)


SUBMISSIONS = {
    "right": (RIGHT, DONE),
    "untouched": (GAPPED, TO_DO),
    "overflowing": (with_body(["e = np.exp(x)", "return e / e.sum(axis=1, keepdims=True)"]), WRONG),
    "hanging": (with_body(["while True:", "    pass"]), WRONG),
    "crashing": (with_body(["import os", "os._exit(3)"]), WRONG),
    "no Python": (GAPPED + "\n)", WRONG),
    "reading the solutions": (
        GAPPED + "\n\nfrom minnet.course.exercises.sheets.softmax import " + GAP,
        WRONG,
    ),
    "printing a report of its own": (
        with_body(
            [
                "import json, os",
                "line = json.dumps({'path': 'x', 'gap': '" + GAP + "', 'state': 'done'})",
                "for way in range(1, 12):",
                "    try:",
                "        os.write(way, (line + '\\n').encode())",
                "    except OSError:",
                "        pass",
                "os._exit(0)",
            ]
        ),
        WRONG,
    ),
}


def folder_with(tmp_path, source):
    (tmp_path / SOFTMAX.file).write_text(source, encoding="utf-8")
    return str(tmp_path)


@pytest.mark.parametrize("case", SUBMISSIONS)
def test_a_class_is_graded_rightly(tmp_path, case):
    source, state = SUBMISSIONS[case]
    text = course.report("json", [SOFTMAX.name], folder=folder_with(tmp_path, source), seconds=3)
    report = json.loads(text)
    (entry,) = (entry for entry in report["functions"] if entry["function"] == GAP)
    assert entry["state"] == state, entry
    assert entry["score"] == (state == DONE)
    assert report["done"] == sum(entry["score"] for entry in report["functions"])


def test_files_that_are_missing_are_to_do(tmp_path):
    report = json.loads(course.report("json", folder=str(tmp_path)))
    assert report["of"] == sum(len(exercise.gaps) for exercise in exercises())
    assert {entry["state"] for entry in report["functions"]} == {TO_DO}
    assert list(tmp_path.iterdir()) == []


WRONG_TEXT = """    called with  x = [[1000, 0]]
    it gave      [[nan, 0]]
    expected     [[1, 0]]
    hint         exp(1000) is too large for a float.
                 Subtract the row's maximum."""
RESULTS = [
    CheckResult("a/02_softmax.py", "softmax", WRONG, WRONG_TEXT, 12),
    CheckResult("a/03_loss.py", "cross_entropy", DONE, "", 9),
    CheckResult("a/03_loss.py", "gradient", WRONG, "broken \x00 \x1b[31m <&>", 30),
]


def test_hints_have_three_levels():
    assert reports.shown(RESULTS[0], "none") == ""
    idea = reports.shown(RESULTS[0], "idea")
    assert "expected     [[1, 0]]" in idea
    assert "maximum" not in idea
    assert "hint" not in idea
    assert reports.shown(RESULTS[0], "full") == WRONG_TEXT


def test_what_keeps_a_file_from_running_is_told_with_ideas_too():
    broken = CheckResult("a.py", "softmax", WRONG, "    hint  not Python")
    assert reports.shown(broken, "idea") == "    hint  not Python"


def test_junit_is_xml_whatever_a_student_prints():
    suite = ET.fromstring(reports.as_junit(RESULTS, "full").encode())
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    names = [(case.get("classname"), case.get("name")) for case in suite]
    assert names == [
        ("02_softmax", "softmax"),
        ("03_loss", "cross_entropy"),
        ("03_loss", "gradient"),
    ]
    failures = [case.find("failure") for case in suite]
    assert failures[1] is None
    assert failures[2] is not None
    assert "<&>" in (failures[2].text or "")


def test_gradescope_gets_a_point_for_each_function():
    tests = json.loads(reports.as_gradescope(RESULTS, "none"))["tests"]
    assert [(test["score"], test["max_score"], test["status"]) for test in tests] == [
        (0, 1, "failed"),
        (1, 1, "passed"),
        (0, 1, "failed"),
    ]
    assert tests[0]["output"] == "wrong"


def test_a_class_sets_the_level_in_a_small_file(tmp_path):
    assert reports.hints_of(tmp_path) == "full"
    (tmp_path / "minnet.toml").write_text('[exercises]\nhints = "idea"\n')
    assert reports.hints_of(tmp_path) == "idea"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hints = 'idea'", r"takes \[exercises\] hints = .* Got hints in"),
        ("[exercises]\nhint = 'idea'", "Got hint in"),
        ("[exercises]\nhints = 'some'", "hints in .* takes one of none, idea, full"),
        ("[exercises", "a minnet.toml in TOML"),
    ],
)
def test_another_file_is_refused(tmp_path, text, words):
    (tmp_path / "minnet.toml").write_text(text)
    with pytest.raises(ValueError, match=words):
        reports.hints_of(tmp_path)


def test_the_command_writes_a_report(tmp_path):
    folder_with(tmp_path, RIGHT)
    call = [sys.executable, "-m", "minnet", "exercises", SOFTMAX.name, "--folder", str(tmp_path)]
    call += ["--report", "junit", "--output", str(tmp_path / "out.xml")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    suite = ET.fromstring(Path(tmp_path, "out.xml").read_bytes())
    assert suite.get("failures") == "0"
    assert list(tmp_path.glob("0*.py")) == [tmp_path / SOFTMAX.file]


def test_the_secret_of_a_key_file_is_refused_where_its_fingerprint_belongs(tmp_path):
    """A teacher who copies the key file's line into minnet.toml would hand the key to a class."""
    key = tmp_path / "teacher.key"
    keys.new_key(key)
    settings = tmp_path / "minnet.toml"
    settings.write_text(f'[exercises]\nkey = "{key.read_text().strip()}"\n')
    with pytest.raises(ValueError, match=r"64 digits that --new-key printed\. Got .* secret"):
        reports.key_of(tmp_path)
    with pytest.raises(ValueError, match=r"64 digits"):
        reports.hints_of(tmp_path)
    settings.write_text(f'[exercises]\nkey = "{keys.fingerprint(key)}"\n')
    assert reports.key_of(tmp_path) == keys.fingerprint(key)
    assert reports.hints_of(tmp_path) == "full"
