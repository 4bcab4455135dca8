"""Every clause of the list of bad inputs and faults is a test by its own words."""

from __future__ import annotations

import numpy as np
import pytest

from tests.faults import Case, Outcome, _judge, all_cases, outcome
from tests.faults.__main__ import main


@pytest.mark.parametrize("one", all_cases(), ids=lambda one: one.id)
def test_fault(one: Case) -> None:
    if one.needs is not None:
        pytest.importorskip(one.needs)
    found = outcome(one)
    assert found.fine, found.said


def test_no_two_cases_have_the_same_words() -> None:
    names = [one.id for one in all_cases()]
    assert len(set(names)) == len(names)


def test_the_table_tells_what_is_wrong(monkeypatch, capsys) -> None:
    silent = Case("Data", "a silent one", lambda s: s.model.predict(s.x), ValueError, "", False)
    bare = Case("Data", "a bare one", lambda s: np.ones(3) @ np.ones(4), ValueError, "", False)
    changed = Case(
        "Data",
        "a change",
        lambda s: s.model.fit(s.x, s.y, verbose=0) and 1 / 0,
        ZeroDivisionError,
        "",
        False,
    )
    monkeypatch.setattr("tests.faults.__main__.all_cases", lambda: [silent, bare, changed])
    assert main() == 1
    text = capsys.readouterr().out
    assert "not refused" in text
    assert "in NumPy's" in text
    assert "the model was changed" in text
    assert "0 of 3" in text


def test_a_warning_is_counted() -> None:
    one = Case("Data", "two", lambda s: None, UserWarning, "a", True)
    assert _judge(one, True, None, ["a"], []) == Outcome(True, "warns", "a")
    assert not _judge(one, True, None, ["a", "a"], []).fine
    assert not _judge(one, False, None, ["a"], []).fine
