"""Numbers and calls, as a student would type them."""

from __future__ import annotations

import numpy as np

from minnet.course.exercises.wording import Seed, arguments, rows, show, show_apart


def test_whole_numbers_have_no_point_and_others_four_digits():
    assert show(np.array([[1000.0, -0.5], [2 / 3, -0.0]])) == "[[1000, -0.5], [0.6667, 0]]"
    assert show(np.array([np.nan, np.inf])) == "[nan, inf]"
    assert show(np.array([True, False])) == "[True, False]"
    assert show(np.float64(0.25)) == show(np.array(0.25)) == show(0.25) == "0.25"


def test_other_things_are_shown_as_they_are_typed():
    assert show(Seed(7)) == "np.random.default_rng(7)"
    assert show((np.array([1.0]), "a")) == "([1], 'a')"
    assert show(test_other_things_are_shown_as_they_are_typed).startswith("test_other")
    assert show({"a": 1}) == "{'a': 1}"


def test_numbers_have_no_exponent_while_they_are_readable():
    assert show(10050.5) == "10050"
    assert show(-1234567.0) == "-1234567"
    assert show(1e9) == "1e+09"
    assert show(1e-9) == "1e-09"


def test_long_arrays_have_a_row_a_line_and_large_ones_their_shape():
    assert show(np.full((2, 15), 1234.0)).count("\n") == 1
    assert show(np.arange(30.0)[:, None]).count("\n") == 2
    assert show(np.ones((40, 50))) == "an array of shape (40, 50), float64"
    assert show(np.ones((0, 3))) == "an array of shape (0, 3), float64"


def test_what_differs_late_is_shown_so_far():
    assert show_apart(0.123456, 0.123457) == ("0.123456", "0.123457")
    assert show_apart(1.0, 1.0 + 1e-10) == ("1", "1.0000000001")
    assert show_apart(0.0, 1.0) == ("0", "1")


def test_rows_hang_under_their_own_beginning():
    assert rows([("a", "1\n2"), ("long", "")], "> ") == "> a     1\n>       2\n> long"


def test_arguments_stand_below_each_other():
    given = {"x": np.array([1.0]), "rate": 0.5}
    assert arguments(given) == "x    = [1]\nrate = 0.5"
