"""The teacher's key: no solutions without it, and in a class only with the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.course.exercises import course, keys, reports
from minnet.course.exercises.files import exercises


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_no_solutions_without_a_key():
    with pytest.raises(ValueError, match=r"Got none\. Make one"):
        course.solutions("solved")
    Path("fake.key").write_text("let me in")
    with pytest.raises(ValueError, match=r"Got fake.key, which is none"):
        course.solutions("solved", key="fake.key")
    assert not Path("solved").exists()


def test_in_a_class_only_the_teachers_key_opens():
    told = keys.new_key("teacher.key")
    keys.new_key("own.key")
    Path("exercises").mkdir()
    Path("exercises", reports.SETTINGS).write_text(told[told.index("[exercises]") :])
    assert reports.hints_of("exercises") == "full"
    with pytest.raises(ValueError, match="Ask your teacher"):
        course.solutions("solved", key="own.key")
    assert not Path("solved").exists()
    assert f"{len(exercises())} solutions" in course.solutions("solved", key="teacher.key")


def test_a_key_overwrites_nothing():
    Path("teacher.key").write_text("mine")
    with pytest.raises(ValueError, match="takes the name of a new file"):
        keys.new_key("teacher.key")
    assert Path("teacher.key").read_text() == "mine"


def test_no_two_keys_are_alike():
    keys.new_key("a")
    keys.new_key("b")
    assert keys.fingerprint("a") != keys.fingerprint("b")
