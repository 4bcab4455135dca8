"""The training loop: every call of loss_and_gradient is noted, and tells what the loop does.

The rows of x are numbered, so a call shows which rows it got, with which y, and at which weights.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import FaultError, Given, Student, compare, near
from minnet.course.exercises.searching import Gap, Trial
from minnet.course.exercises.sheets.training_loop import train
from minnet.course.exercises.trials.drawing import Draw, seeds
from minnet.course.exercises.wording import Seed, show
from minnet.foundation.checks import Array

VALIDATION = 100.0
"""The number of the first validation row; those of x begin with 1."""


STARTS_OVER = "The weights start over in each epoch. They go on from where they are."


class Call(NamedTuple):
    """One call of loss_and_gradient."""

    theta: Array
    x: Array
    y: Array
    loss: float
    grad: Array


class Recorder:
    """A loss with its gradient, (θ · x − y)² / 100 on the mean, that notes how it is called."""

    __name__ = "of L = mean((x @ theta - y) ** 2) / 100"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, theta: Array, x: Array, y: Array) -> tuple[float, Array]:
        """The loss and the gradient."""
        loss, grad = self.loss(theta, x, y), self.gradient(theta, x, y)
        self.calls.append(Call(np.array(theta), np.array(x), np.array(y), loss, grad))
        return loss, grad.copy()

    @staticmethod
    def loss(theta: Array, x: Array, y: Array) -> float:
        """The mean over the rows."""
        return float(((x @ theta - y) ** 2).mean() / 100)

    @staticmethod
    def gradient(theta: Array, x: Array, y: Array) -> Array:
        """∂L/∂θ."""
        grad: Array = 2 * x.T @ (x @ theta - y) / len(x) / 100
        return grad


@st.composite
def numbered_rows(draw: Draw, N: st.SearchStrategy[int], epochs: st.SearchStrategy[int]) -> Given:
    """Numbered rows."""
    n = draw(N)
    x, x_val = np.arange(1.0, n + 1), VALIDATION + np.arange(2.0)
    return {
        "theta": np.array([0.0]),
        "x": x[:, None],
        "y": 10 * x,
        "x_val": x_val[:, None],
        "y_val": 10 * x_val,
        "loss_and_gradient": Recorder(),
        "learning_rate": draw(st.sampled_from([0.5, 0.1])),
        "batch_size": draw(st.integers(1, 4)),
        "epochs": draw(epochs),
        "rng": Seed(draw(seeds)),
    }


few = numbered_rows(st.integers(1, 7), st.integers(1, 3))
many = numbered_rows(st.just(12), st.integers(2, 3))
"""So many rows that no shuffle leaves them in order by chance: 12! is 479 million."""


def _called(student: Student, given: Given) -> tuple[Any, list[Call], Recorder]:
    """The results, and the calls that were made for them."""
    recorder = Recorder()
    came = student(given | {"loss_and_gradient": recorder})
    student.given = given
    return came, recorder.calls, recorder


def judge(student: Student, given: Given) -> None:
    """Which rows, in which batches, at which weights, and what is returned."""
    came, calls, loss = _called(student, given)
    x_val = given["x_val"]
    training = [call for call in calls if not same_rows(call.x, x_val)]
    _validation(calls, training, given)
    batches = [_rows(call, given) for call in training]
    _epochs(batches, given)
    end = _steps(training, given)
    results = (end, _history(training, given, loss, end))
    if isinstance(came, (tuple, list)) and len(came) == 2:
        _returned(came[0], end, training, given)
        _told_history(came[1], results[1], training, given, loss)
    compare(came, results, ("theta", "history"))


def _batches(given: Given) -> int:
    """How many there are in an epoch."""
    each: int = math.ceil(len(given["x"]) / given["batch_size"])
    return each


def same_rows(a: Array, b: Array) -> bool:
    """Whether two arrays have the same rows."""
    return a.shape == b.shape and bool(np.array_equal(a, b))


def _validation(calls: list[Call], training: list[Call], given: Given) -> None:
    """The loss of other data is looked at once in an epoch."""
    epochs, looked = given["epochs"], len(calls) - len(training)
    if looked == epochs:
        return
    if looked == 0 and len(training) == epochs * (_batches(given) + 1):
        raise FaultError(
            "no call with x_val, but with the whole of x",
            "a call with x_val at the end of each epoch",
            "The history is the loss on the data that is trained on, which gets better even where "
            "nothing is learned that holds for other data. Take x_val and y_val.",
        )
    raise FaultError(
        f"{looked} calls with x_val",
        f"{epochs}, one in each epoch",
        "At the end of every epoch call loss_and_gradient(theta, x_val, y_val) once, for the "
        "history.",
    )


def _rows(call: Call, given: Given) -> list[int]:
    """The rows of a batch, by their place in x; each has to have its own y."""
    if call.x.ndim != 2 or len(call.x) == 0:
        raise FaultError(
            f"a batch of shape {call.x.shape}",
            "batches of shape (rows, D), with rows in them",
            "A batch is x[rows], with its rows and all columns, and never empty.",
        )
    rows = [int(number) - 1 for number in call.x[:, 0]]
    if any(not 0 <= row < len(given["x"]) for row in rows):
        mixed = any(number >= VALIDATION - 1 for number in rows)
        raise FaultError(
            f"a batch x = {show(call.x)}",
            "rows of x",
            "A batch has rows of x_val, which are not trained on."
            if mixed
            else "A batch has rows that are not in x. Take them as they are: x[rows].",
        )
    if not near(call.y, given["y"][rows]):
        shape = "" if call.y.shape == given["y"][rows].shape else f", shape {call.y.shape}"
        raise FaultError(
            f"x = {show(call.x)} with y = {show(call.y)}{shape}",
            f"y = {show(given['y'][rows])}",
            "Each row of x has its own y, and keeps it: take both with the same rows, x[rows] and "
            "y[rows].",
        )
    return rows


def _epochs(batches: list[list[int]], given: Given) -> None:
    """Every row once an epoch, in batches of the right size."""
    N, size, epochs = len(given["x"]), given["batch_size"], given["epochs"]
    sizes = [min(size, N - start) for start in range(0, N, size)]
    came = [len(rows) for rows in batches]
    told = f"batches of length {_sizes(came)}", f"batches of length {_sizes(sizes * epochs)}"
    if came == sizes * epochs:
        _each_row_once(batches, given, len(sizes))
        return
    if came == [s for s in sizes if s == size] * epochs:
        raise FaultError(
            *told,
            "The last batch is left out where it is shorter than the others. Its rows count too: "
            "range(0, N, batch_size), and a slice that ends at N.",
        )
    if came == [N] * epochs:
        raise FaultError(
            *told, "All rows are one batch: take them batch_size at a time, a step after each."
        )
    hint = "Take the rows batch_size at a time, from 0 on: range(0, N, batch_size)."
    if came[: len(sizes)] == [size] * len(sizes):
        hint = "The last batch is filled up with rows that were there already. It may be shorter."
    raise FaultError(*told, hint)


def _each_row_once(batches: list[list[int]], given: Given, each: int) -> None:
    """In every epoch of `each` batches."""
    N = len(given["x"])
    for epoch in range(given["epochs"]):
        rows = [row for batch in batches[epoch * each : (epoch + 1) * each] for row in batch]
        if sorted(rows) != list(range(N)):
            twice = next(row for row in rows if rows.count(row) > 1)
            raise FaultError(
                f"rows {rows} in epoch {epoch + 1}",
                f"each of {list(range(N))} once",
                f"Row {twice} comes more than once in an epoch, and others not at all. Draw an "
                "order, rng.permutation(N), and go through it.",
            )


def _sizes(sizes: list[int]) -> str:
    return ", ".join(map(str, sizes)) or "0"


def _steps(training: list[Call], given: Given) -> Array:
    """A step after each batch; the weights after the last."""
    theta, rate = given["theta"], given["learning_rate"]
    for i, call in enumerate(training):
        if not near(call.theta, theta):
            before = training[i - 1] if i else call
            raise FaultError(
                f"batch {i + 1} at theta = {show(call.theta)}",
                f"at theta = {show(theta)}",
                STARTS_OVER
                if i % _batches(given) == 0 and near(call.theta, given["theta"])
                else _of_step(call.theta, before, given),
            )
        theta = theta - rate * call.grad
    return np.asarray(theta)


def _of_step(theta: Array, before: Call, given: Given) -> str:
    """What came in place of a step."""
    rate, g = given["learning_rate"], before.grad
    known = {
        "The weights go uphill: θ − η g.": before.theta + rate * g,
        "The learning rate is missing: θ − η g.": before.theta - g,
        "The gradient is divided by the number of rows, which it is already: the loss is a mean.": (
            before.theta - rate * g / len(before.x)
        ),
        "The gradient is multiplied by the number of rows. The loss is a mean: θ − η g.": (
            before.theta - rate * g * len(before.x)
        ),
    }
    if near(theta, before.theta):
        return (
            "The gradient of this batch is taken at old weights. Make the step, θ ← θ − η g, right "
            "after each batch, before the next is looked at."
        )
    for hint, wrong in known.items():
        if near(theta, wrong):
            return hint
    return "After each batch comes one step with its gradient, θ ← θ − η g, and nothing else."


def _returned(theta: Any, end: Array, training: list[Call], given: Given) -> None:
    """The weights that come back are those after the last step."""
    if np.shape(theta) != end.shape or near(theta, end):
        return
    hint = _of_step(theta, training[-1], given)
    if near(theta, training[-1].theta):
        hint = "The last step is lost: return the θ after it."
    if near(theta, given["theta"]):
        hint = "The weights come back as they were: return the θ of the last step."
    raise FaultError(f"theta = {show(theta)}", f"theta = {show(end)}", hint)


def _history(training: list[Call], given: Given, loss: Recorder, end: Array) -> list[float]:
    """The validation loss after each epoch."""
    each = _batches(given)
    thetas = [call.theta for call in training[each::each]] + [end]
    return [loss.loss(theta, given["x_val"], given["y_val"]) for theta in thetas]


def _told_history(
    history: Any,
    right: list[float],
    training: list[Call],
    given: Given,
    loss: Recorder,
) -> None:
    """Raise with what a wrong history has in place of the validation loss."""
    each = _batches(given)
    begins = [call.theta for call in training[::each]]
    known = {
        "This is the loss of the last batch. Take that of x_val, y_val.": [
            call.loss for call in training[each - 1 :: each]
        ],
        "These are the losses of all batches. The history has one number an epoch, the loss on "
        "x_val, y_val.": [call.loss for call in training],
        "The mean of the losses of the batches is of data that is trained on. Take x_val, y_val.": [
            float(np.mean([call.loss for call in training[i : i + each]]))
            for i in range(0, len(training), each)
        ],
        "The validation loss is taken before the steps of the epoch. It belongs to its end.": [
            loss.loss(theta, given["x_val"], given["y_val"]) for theta in begins
        ],
        "Only the last epoch is in the history: append one number an epoch.": right[-1:],
    }
    for hint, wrong in known.items():
        if near(history, wrong) and not near(right, wrong):
            raise FaultError(f"history = {show(history)}", f"history = {show(right)}", hint)


def judge_order(student: Student, given: Given) -> None:
    """A new order in each epoch, which the rng decides."""
    _, calls, _ = _called(student, given)
    x_val, N = given["x_val"], len(given["x"])
    rows = [int(n) for call in calls if not same_rows(call.x, x_val) for n in call.x[:, 0]]
    orders = [rows[start : start + N] for start in range(0, len(rows), N)]
    if any(order == sorted(order) for order in orders):
        raise FaultError(
            "the rows in the order of x",
            "a new order in each epoch",
            "Nothing is shuffled: draw an order in every epoch, rng.permutation(N).",
        )
    if all(order == orders[0] for order in orders):
        raise FaultError(
            f"the order {orders[0]} in each epoch",
            "a new order in each epoch",
            "The order is drawn once, before the loop over the epochs. Draw it inside.",
        )
    for number, alike in ((given["rng"].number, True), (given["rng"].number + 1, False)):
        _, again, _ = _called(student, given | {"rng": Seed(number)})
        student.given = given
        seen = [int(n) for call in again if not same_rows(call.x, x_val) for n in call.x[:, 0]]
        if (seen == rows) != alike:
            raise FaultError(
                "the same order from another rng" if seen == rows else "another from the same rng",
                "an order that the rng decides",
                "The rng that is handed in is not used. Draw from it, rng.permutation(N), and from "
                "no generator of your own: runs have to repeat.",
            )


GAPS = (
    Gap(
        train,
        ("theta", "history"),
        "in each epoch an order, its batches with a step after each, and the validation loss",
        (Trial(few, judge), Trial(many, judge_order)),
    ),
)
