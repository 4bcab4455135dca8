"""Plain pytest leaves the slow tests out, says so, and runs those that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_quick():
    pass

@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_long(number):
    pass
"""
SAID = "2 slow tests were left out. Run all tests with: python -m pytest --slow"


@pytest.mark.parametrize(
    ("arguments", "passed", "left_out"),
    [
        ([], 1, 2),
        (["test_some.py"], 1, 2),
        (["--slow"], 3, 0),
        (["-m", "slow"], 2, 0),
        (["test_some.py::test_long"], 2, 0),
    ],
)
def test_which_tests_run(pytester, arguments, passed, left_out) -> None:
    pytester.makeini("[pytest]\nmarkers = slow: many seconds\naddopts = --strict-markers")
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text("utf-8"))
    pytester.makepyfile(test_some=TESTS)
    result = pytester.runpytest("-p", "no:cacheprovider", *arguments)
    result.assert_outcomes(passed=passed, deselected=1 if "-m" in arguments else left_out)
    assert (SAID in result.stdout.str()) == (left_out > 0)
