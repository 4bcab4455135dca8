"""Dropout: judged by what holds for every mask, since each student may draw it in another way."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minnet.course.exercises.judging import FaultError, Given, Student, compare, near
from minnet.course.exercises.searching import Gap, KnownMistake, Trial, expecting
from minnet.course.exercises.sheets.dropout import dropout_backward, dropout_forward
from minnet.course.exercises.trials.drawing import Draw, seeds, sizes, whole
from minnet.course.exercises.wording import Seed, show
from minnet.foundation.checks import Array

rates = st.sampled_from([0.5, 0.2, 0.8])

LARGE = (40, 50)
"""Enough numbers to see a rate: the share that is dropped spreads by 0.011 around 0.5."""

MANY = np.arange(1.0, LARGE[0] * LARGE[1] + 1).reshape(LARGE)

SPREADS = 6.0
"""Standard deviations that a share may be off."""


@st.composite
def small(draw: Draw) -> Given:
    """A few numbers, in training and not."""
    (x,) = whole(draw(seeds), (draw(sizes), draw(sizes)))
    return {
        "x": x,
        "rate": draw(rates),
        "rng": Seed(draw(seeds)),
        "training": draw(st.booleans()),
    }


@st.composite
def many(draw: Draw) -> Given:
    """Many numbers, in training."""
    return {"x": MANY, "rate": draw(rates), "rng": Seed(draw(seeds)), "training": True}


@st.composite
def backwards(draw: Draw, N: st.SearchStrategy[int], D: st.SearchStrategy[int]) -> Given:
    """dy, a mask and its rate."""
    shape = draw(N), draw(D)
    (dy,) = whole(draw(seeds), shape)
    kept = np.random.default_rng(draw(seeds)).random(shape) < 0.5
    return {"dy": dy, "mask": kept, "rate": draw(rates)}


def _results(student: Student, given: Given) -> tuple[Array, Array]:
    """y and mask, of the right shapes."""
    came = student(given)
    x = given["x"]
    if not isinstance(came, (tuple, list)) or len(came) != 2:
        compare(came, (x, x), ("y", "mask"))
    y, mask = came
    for name, array in (("y", y), ("mask", mask)):
        if not isinstance(array, np.ndarray) or array.shape != x.shape:
            got = f"shape {array.shape}" if isinstance(array, np.ndarray) else show(array)
            raise FaultError(
                f"{name}: {got}",
                f"{name}: shape {x.shape}",
                "Each number of x is dropped or kept by itself: y and mask have the shape of x, in "
                "training and otherwise.",
            )
    if not np.isin(mask, (0, 1)).all():
        raise FaultError(
            f"mask = {show(mask)}",
            "True and False",
            "The mask says which numbers are kept, True or False; the division by 1 − rate "
            "belongs to y.",
        )
    return y, mask.astype(bool)


def judge_small(student: Student, given: Given) -> None:
    """What is kept is divided by 1 − rate, the rest is 0; and not in training nothing happens."""
    y, mask = _results(student, given)
    x, rate = given["x"], given["rate"]
    if not given["training"]:
        if not near(y, x):
            pairs = list(zip(y.flat, x.flat, strict=True))
            hint = "Not in training nothing is dropped, and nothing scaled: y = x."
            if near(y, x * (1 - rate)):
                hint = (
                    "Not in training y = x. The factor 1 − rate belongs to dropout that does not "
                    "scale in training; here the division by 1 − rate has done it."
                )
            elif all(value == 0 or near(value, x_ni / (1 - rate)) for value, x_ni in pairs):
                hint = (
                    "Outside of training too, numbers are dropped, and the others scaled. Do it "
                    "only if training is True; otherwise y = x."
                )
            raise FaultError(f"y = {show(y)}", f"y = {show(x)}", hint)
        if not mask.all():
            raise FaultError(
                f"mask = {show(mask)}",
                f"mask = {show(np.ones_like(mask))}",
                "Not in training all numbers are kept, and the mask says so.",
            )
        return
    wanted = x * mask / (1 - rate)
    if near(y, wanted):
        return
    hint = _mistake(*_results(student, given | {"x": MANY}), rate)  # few numbers fit anything
    raise FaultError(f"y = {show(y)}\nmask = {show(mask)}", f"y = {show(wanted)}", hint)


def _mistake(y: Array, mask: Array, rate: float) -> str:
    """What y is of `MANY`, in training, where it is not what the mask says."""
    x = MANY
    if near(y, x):
        return "In training nothing is dropped."
    if near(y, x * mask):
        return (
            "The division by 1 − rate is missing: without it the mean of y is smaller in training "
            "than afterwards."
        )
    if near(y, x * ~mask / (1 - rate)):
        return "The mask is the wrong way round: True is for what is kept, and y keeps the rest."
    if near(y, x * mask / rate):
        return "The division is by the rate; divide by what is kept, 1 − rate."
    if near(y, x * mask * (1 - rate)):
        return "This multiplies by 1 − rate; divide by it, so that the mean stays."
    return "y is not what the mask says: y = x · mask / (1 − rate)."


def judge_many(student: Student, given: Given) -> None:
    """The share that is dropped is the rate, each by itself, from the rng that was handed in."""
    _, mask = _results(student, given)
    rate, dropped = given["rate"], 1 - mask.mean()
    if (mask == mask[0]).all() or (mask == mask[:, :1]).all():
        raise FaultError(
            "one mask for all rows" if (mask == mask[0]).all() else "one mask for all columns",
            "another for each number",
            "Draw a number for each entry of x: rng.random(x.shape).",
        )
    spread = (rate * (1 - rate) / mask.size) ** 0.5
    if abs(dropped - rate) > SPREADS * spread:
        hint = (
            f"Draw evenly from 0 to 1, and keep what is {show(rate)} or more: rng.random(x.shape)."
        )
        if abs(dropped - (1 - rate)) <= SPREADS * spread:
            hint = (
                "The rate is the share that is dropped, and here it is the share that is kept: "
                "keep where rng.random(x.shape) >= rate."
            )
        raise FaultError(f"{dropped:.0%} dropped", f"about {rate:.0%} dropped", hint)
    others = [
        student(given | {"rng": Seed(number)})[1]
        for number in (given["rng"].number, given["rng"].number + 1)
    ]
    if near(others[1], mask) or not near(others[0], mask):
        raise FaultError(
            "the same mask from another rng"
            if near(others[1], mask)
            else "another mask from the same rng",
            "a mask that the rng decides",
            "The rng that is handed in is not used. Draw from it, rng.random(x.shape), and from no "
            "generator of your own: runs have to repeat.",
        )


def judge_mask(student: Student, given: Given) -> None:
    """It is the mask that was handed in, and no other."""
    came, again = student(given), student(given)
    other = student(given | {"mask": ~given["mask"]})
    zeros = isinstance(came, np.ndarray) and not came.all()
    if not near(came, again) or (zeros and near(came, other)):
        raise FaultError(
            "numbers dropped that the mask keeps",
            "those that the mask drops",
            "The mask that was handed in is not used, but another is drawn. The way back has the "
            "mask of the way forward.",
        )


GAPS = (
    Gap(
        dropout_forward,
        ("y", "mask"),
        "y = x · mask / (1 − rate) in training, and y = x otherwise",
        (Trial(small(), judge_small), Trial(many(), judge_many)),
    ),
    Gap(
        dropout_backward,
        ("dx",),
        "dx = dy · mask / (1 − rate)",
        (
            Trial(backwards(st.just(8), st.just(10)), judge_mask),
            Trial(backwards(sizes, sizes), expecting(dropout_backward, "dx")),
        ),
        (
            KnownMistake(
                "The forward pass divides by 1 − rate; this has to do so, too.",
                lambda dy, mask, rate: dy * mask,
            ),
            KnownMistake(
                "The mask is missing: what was dropped has no gradient.",
                lambda dy, mask, rate: dy / (1 - rate),
            ),
            KnownMistake(
                "dy is passed on unchanged. Only what was kept has a gradient, and it was "
                "divided by 1 − rate.",
                lambda dy, mask, rate: dy,
            ),
            KnownMistake(
                "The mask is the wrong way round: it is True for what was kept, which has the "
                "gradient.",
                lambda dy, mask, rate: dy * ~mask / (1 - rate),
            ),
            KnownMistake(
                "The division is by the rate; divide by what is kept, 1 − rate.",
                lambda dy, mask, rate: dy * mask / rate,
            ),
            KnownMistake(
                "This multiplies by 1 − rate; divide by it, as the forward pass does.",
                lambda dy, mask, rate: dy * mask * (1 - rate),
            ),
            KnownMistake(
                "dy is missing: this is the derivative of y by x, and the chain rule multiplies it "
                "by dy.",
                lambda dy, mask, rate: mask / (1 - rate),
            ),
        ),
    ),
)
