"""Whatever a student's function does is told as what came and what was expected."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.course.exercises.judging import (
    ArgumentsError,
    FaultError,
    NotWrittenError,
    Student,
    compare,
    near,
    same,
)
from minnet.course.exercises.wording import Seed

X = np.array([[1.0, 2.0], [3.0, 4.0]])


def called(function, given=None, path=None):
    given = {"x": X} if given is None else given
    return Student(function, tuple(given), path)(given)


def fault_of(call, *arguments):
    with pytest.raises(FaultError) as caught:
        call(*arguments)
    return caught.value


def test_arguments_go_by_name_where_the_names_are_right_and_by_place_otherwise():
    given = {"x": 1.0, "y": 2.0}
    assert called(lambda y, x: x - y, given) == -1.0
    assert called(lambda a, b: a - b, given) == -1.0
    assert called(lambda *both: both[0] - both[1], given) == -1.0


def test_other_arguments_are_named():
    with pytest.raises(
        ArgumentsError, match=r"<lambda> takes \(a\), and should take \(x, y\)\. Give"
    ):
        called(lambda a: a, {"x": 1.0, "y": 2.0})


def test_a_seed_becomes_the_same_generator_in_every_call():
    student = Student(lambda rng: rng.random(), ("rng",))
    assert student({"rng": Seed(3)}) == student({"rng": Seed(3)})


def test_an_error_is_told_with_its_line():
    def divide(x):
        return x[0, 0] / len(x[2:]) + int("no")

    fault = fault_of(called, divide)
    assert fault.came.startswith("ValueError: invalid literal")
    assert "\nin line " in fault.came
    assert 'return x[0, 0] / len(x[2:]) + int("no")' in fault.came


def call_itself(x):
    return call_itself(x)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (call_itself, "calls itself, without an end"),
        (max, "Python's own max"),
        (lambda x: x ^ 2, "A power is written **"),
        (lambda x: exit(), "Return the result instead"),
        (lambda x: (_ for _ in ()).throw(EOFError()), "from the keyboard"),
        (lambda x: (_ for _ in ()).throw(UnboundLocalError("y")), "before it gets a value"),
    ],
)
def test_errors_that_beginners_do_not_know_are_explained(function, hint):
    assert hint in fault_of(called, function).hint


def test_a_gap_is_no_error():
    def gap(x):
        raise NotImplementedError

    with pytest.raises(NotWrittenError):
        called(gap)


def test_a_gap_that_was_left_above_the_answer_is_named():
    def gap_left(x):
        """With words."""
        raise NotImplementedError  # your code here
        return 2 * x

    def calls_a_gap(x):
        def gap(x):
            raise NotImplementedError

        return gap(x)

    assert "what stands below it never runs" in fault_of(called, gap_left).hint
    with pytest.raises(NotWrittenError):
        called(calls_a_gap)


def test_a_name_that_there_is_not_is_held_against_the_arguments():
    assert fault_of(called, lambda x: X_TRAIN).hint == (  # noqa: F821 - a student's mistake
        "Nothing is called X_TRAIN here. The arguments are x."
    )
    capital = eval("lambda x: X @ X", {})
    assert fault_of(called, capital).hint.startswith("The argument is called x: a capital letter")


def test_ctrl_c_goes_through():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        called(interrupted)


def test_what_is_changed_in_place_is_named_and_the_arguments_stay():
    def double(x, ws):
        ws[1] += 1.0
        return x

    given = {"x": X, "ws": [np.zeros(1), np.zeros(1)]}
    fault = fault_of(called, double, given)
    assert fault.came == "ws = [[0], [1]] after the call"
    assert fault.expected == "ws = [[0], [0]], as it was"
    assert given["ws"][1] == 0.0


def test_what_is_printed_is_kept_and_nothing_warns(capsys):
    def chatty(x):
        print("x is", x[0, 0])
        return np.log(-x)

    student = Student(chatty, ("x",))
    assert np.isnan(student({"x": X})).all()
    assert student.printed == "x is 1.0\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("came", "expected", "says", "hint"),
    [
        (None, X, "None", "End with return y."),
        ([[1.0, 2.0], [3.0, 4.0]], X, "a list of 2", "Return a NumPy array of shape (2, 2)"),
        (1.0, X, "one number, 1", "not one number, 1"),
        ("x", X, "'x' (str)", "Return a NumPy array"),
        (X[0], X, "[1, 2], shape (2,)", ""),
        (X.astype(int), X, "dtype int64", "cut off what stands behind the point"),
        (X.astype(np.float32), X, "dtype float32", "leave out astype"),
        (X.astype(object), X, "dtype object", "dtype"),
        (X + 1, X, "[[2, 3], [4, 5]]", ""),
        (X, 1.0, "an array of shape (2, 2)", "one number, no array"),
        (True, 1.0, "True (bool)", "one number"),
        (2.0, 1.0, "2", ""),
        (3.0, [1.0], "one number, 3", "Return a list."),
        ([1.0], [1.0, 2.0], "a list of 1", "should have 2 entries"),
    ],
    ids=str,
)
def test_what_came_is_told_before_it_is_compared(came, expected, says, hint):
    fault = fault_of(compare, came, expected, ("y",))
    assert says in fault.came
    assert hint in fault.hint
    assert fault.expected


def test_several_results_are_told_by_name():
    assert "Return all of them: return a, b." in fault_of(compare, X, (X, X), ("a", "b")).hint
    assert "Return these: return a, b." in fault_of(compare, (X,), (X, X), ("a", "b")).hint
    fault = fault_of(compare, (X, X), (X, X + 1), ("a", "b"))
    assert fault.came.startswith("b = [[1, 2]")
    assert fault.index == 1
    assert fault_of(compare, (X, None), (X, X), ("a", "b")).came == "b = None"
    fault = fault_of(compare, ([X, X], X), ([X, X + 1], X), ("a", "b"))
    assert fault.came.startswith("a[1] = [[1, 2]")


@pytest.mark.parametrize("came", [1.0, np.float32(1.0), np.array(1.0), 1])
def test_any_kind_of_number_is_one_number(came):
    compare(came, 1.0, ("L",))


def test_near_is_up_to_rounding_and_by_shape():
    assert near(X + 1e-12, X)
    assert not near(X + 1e-4, X)
    assert near(1e-17, 0.0)
    assert near(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]))
    assert not near(np.ones((2, 1)), np.ones(2))
    assert not near("x", X)
    assert near(ValueError("a"), ValueError("b"))
    assert not near(ValueError("a"), TypeError("a"))
    assert near((X, [1.0]), [X, (1.0,)])
    assert not near((X,), (X, X))


def test_same_is_to_the_last_bit():
    assert same(np.array([np.nan]), np.array([np.nan]))
    assert not same(X, X + 1e-15)
    assert not same(X, X.astype(np.float32))
    assert not same([X], [X, X])
    assert same([True, "a"], [True, "a"])


def test_numpys_words_on_shapes_are_put_plainly():
    fault = fault_of(called, lambda x: x @ np.ones(3))
    assert "ValueError: the shapes do not fit for @: 2 columns meet 3 rows\n" in fault.came
    fault = fault_of(called, lambda x: x + np.ones(3))
    assert "ValueError: these shapes do not fit: (2,2) (3,)" in fault.came
