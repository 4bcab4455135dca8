"""The search itself, and what is said where no mistake is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from minnet.course.exercises.judging import Student
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, counterexample, expecting
from minnet.course.exercises.trials import GAPS
from minnet.course.exercises.trials.drawing import central_difference, derivative, seeds, whole


@st.composite
def rows(draw):
    N, D = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {"x": whole(draw(seeds), (N, D))[0]}


def twice(x):
    return 2 * x


def both(x):
    return 2 * x, x.sum(axis=0)


ONE = Gap(
    twice,
    ("y",),
    "y = 2 x",
    (Trial(rows(), expecting(twice, "y")),),
    (KnownMistake("It is the double, not the square.", lambda x: x**2),),
)
TWO = Gap(both, ("y", "s"), "y = 2 x, s = Σ x", (Trial(rows(), expecting(both, "y", "s")),))


def said(function, gap=ONE):
    return counterexample(gap, Student(function, gap.names))


def test_the_counterexample_is_the_smallest():
    def wrong_where_wide(x):
        return 2 * x + (x.shape[1] > 1)

    assert said(twice) == ""
    assert "called with  x = [[3, -2]]\n" in said(wrong_where_wide)


def test_a_mistake_is_named_and_what_is_none_is_not():
    assert "It is the double, not the square." in said(np.square)
    assert "Look at the formula again: y = 2 x." in said(lambda x: x**2 + 1)


def test_what_a_result_has_to_do_with_the_right_one():
    assert "y has the wrong sign." in said(lambda x: -2 * x)
    assert "y is 0.5 times what it should be." in said(lambda x: x)
    assert "y is N times what it should be: divide by N" in said(lambda x: 2 * x * len(x))
    assert "y is N times too small" in said(lambda x: 2 * x / len(x))
    assert "y is the transpose of what it should be." in said(lambda x: 2 * x.T)
    assert "y is not finite" in said(lambda x: x / 0)
    assert "s has the wrong sign." in said(lambda x: (2 * x, -x.sum(axis=0)), TWO)
    assert "another order: return y, s." in said(lambda x: (x.sum(axis=0), 2 * x), TWO)


def test_an_error_is_told_with_what_was_expected():
    text = said(lambda x: x @ np.ones(9))
    assert "it gave      ValueError: the shapes do not fit" in text
    assert "expected     [[" in text
    assert "expected     y = [[" in said(lambda x: x @ np.ones(9), TWO)
    assert "\n                 s = [" in said(lambda x: x @ np.ones(9), TWO)


def test_what_changes_from_call_to_call_is_told():
    state = np.random.default_rng(0)
    kept = [0.0]

    def counting(x):
        kept[0] += 1
        return 2 * x + kept[0]

    for restless in (counting, lambda x: 2 * x + state.random()):
        text = " ".join(said(restless).split())
        assert "other results when it is made again" in text

    def rarely(x):
        return 2 * x + (state.random() < 0.1)

    assert "other results when it is made again" in " ".join(said(rarely).split())


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_results_that_nobody_thought_of_are_wrong_and_no_error_of_the_check(gap):
    odd = [
        1j * np.ones((2, 2)),
        np.array([["a"]]),
        np.array([[None]]),
        print,
        (1j * np.ones((1, 1)), {}),
        (np.array(["a"]), [[1.0], [2.0, 3.0]]),
    ]
    for result in odd:
        assert "    it gave      " in said(lambda *_, result=result: result, gap)


def test_odd_batches_are_no_error_of_the_check():
    """What the loss is called with is the student's as well."""

    def odd(batch):
        def train(
            theta, x, y, x_val, y_val, loss_and_gradient, learning_rate, batch_size, epochs, rng
        ):
            return theta, [loss_and_gradient(theta, batch, y[: len(batch)])[0]]

        return train

    for batch in (np.full((1, 1), np.nan), np.zeros((0, 1)), np.ones((1, 1, 1)), np.ones((1, 2))):
        assert "    it gave      " in said(odd(batch), GAPS["train"])


def test_every_run_finds_the_same():
    assert said(lambda x: x + 1) == said(lambda x: x + 1)


def test_derivatives_are_measured():
    at = np.array([[0.5, -1.0], [2.0, 3.0]])
    np.testing.assert_allclose(derivative(lambda x: (x**3).sum(), at), 3 * at**2, rtol=1e-12)
    np.testing.assert_allclose(
        central_difference(lambda x: float((x**3).sum()), at), 3 * at**2, rtol=1e-8
    )


def centred(x):
    return x - x.mean(axis=0)


def centred_by_row(x):
    means = x.mean(axis=1, keepdims=True)
    return x - means


CENTRED = Gap(
    centred, ("y",), "y = x − mean over the rows", (Trial(rows(), expecting(centred, "y")),)
)


def test_the_line_with_an_unknown_mistake_is_shown_with_what_belongs_there():
    told = " ".join(said(centred_by_row, CENTRED).split())
    assert "Look at `means = x.mean(axis=1, keepdims=True)`" in told
    assert "axis=0 belongs there" in told
