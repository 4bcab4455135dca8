"""What the last steps of a model give, and what its loss takes."""

from __future__ import annotations

import warnings

import pytest

from minnet.engine.ends import check_end, check_last
from minnet.layers import (
    Dense,
    Dropout,
    Flatten,
    Linear,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)
from minnet.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
)

LOGITS = [CrossEntropy(from_logits=True), BinaryCrossEntropy(from_logits=True)]


class OwnSoftmax(Softmax):
    """A student's own."""


class OwnEntropy(CrossEntropy):
    """A student's own."""


class OwnLayer(Dense):
    """A student's own, which may give anything."""


def test_what_suits_the_last_step():
    with pytest.raises(ValueError, match="applied twice"):
        check_last(Softmax(), CrossEntropy(from_logits=True))
    with pytest.raises(ValueError, match="takes probabilities"):
        check_last(ReLU(), CrossEntropy())
    with pytest.raises(ValueError, match="from_logits=True"):
        check_last(Dense(3), CrossEntropy())
    with pytest.raises(ValueError, match="applied twice"):
        check_last(Sigmoid(), BinaryCrossEntropy(from_logits=True))
    with pytest.raises(ValueError, match="takes probabilities"):
        check_last(Tanh(), BinaryCrossEntropy())
    with pytest.warns(UserWarning, match="learns slowly"):
        check_last(Softmax(), MeanSquaredError())
    with pytest.warns(UserWarning, match="counts every class twice"):
        check_last(Softmax(), BinaryCrossEntropy())


@pytest.mark.parametrize(
    ("step", "loss", "message"),
    [
        (
            Softmax(),
            CrossEntropy(from_logits=True),
            r"^CrossEntropy\(from_logits=True\) takes logits and applies softmax itself\. Got a "
            r"model that ends in softmax, so it would be applied twice\. Drop one of them\.$",
        ),
        (
            Sigmoid(),
            CrossEntropy(from_logits=True),
            r"takes logits, of any size and sign\. Got a model that ends in Sigmoid, whose outputs",
        ),
        (Softmax(), BinaryCrossEntropy(from_logits=True), r"model that ends in Softmax, whose"),
        (
            Tanh(name="mine"),
            CrossEntropy(),
            r"^CrossEntropy takes probabilities\. Got a model that ends in mine \(Tanh\), not in "
            r"softmax\. Add activation='softmax', or use CrossEntropy\(from_logits=True\)\. For a "
            r"regression, whose y are numbers of any size, use loss='mse'\.$",
        ),
        (Linear(), BinaryCrossEntropy(), r"not in sigmoid\. Add activation='sigmoid'"),
        (ReLU(), OwnEntropy(), r"^OwnEntropy takes probabilities"),
    ],
)
def test_what_is_refused_is_explained(step, loss, message):
    with pytest.raises(ValueError, match=message):
        check_last(step, loss)


@pytest.mark.parametrize("loss", LOGITS, ids=repr)
@pytest.mark.parametrize("step", [ReLU(), Tanh()], ids=repr)
def test_logits_that_are_cut_off_are_warned_of(step, loss):
    with pytest.warns(UserWarning, match=rf"{type(step).__name__} cuts them off"):
        check_last(step, loss)


@pytest.mark.parametrize(
    ("step", "loss"),
    [
        (Softmax(), CrossEntropy()),
        (OwnSoftmax(), CrossEntropy()),
        (OwnLayer(2), CrossEntropy()),
        (OwnLayer(2), BinaryCrossEntropy()),
        (Sigmoid(), BinaryCrossEntropy()),
        (Dense(2), CrossEntropy(from_logits=True)),
        (Dense(2), BinaryCrossEntropy(from_logits=True)),
        (Dense(2), MeanSquaredError()),
        (Softmax(), MeanAbsoluteError()),
        (Softmax(), Loss()),
    ],
)
def test_what_suits_is_passed_without_a_word(step, loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_last(step, loss)
        check_end([Dense(2), step], (2,), loss)


def test_a_relu_below_the_last_softmax_cuts_logits_off():
    with pytest.warns(UserWarning, match="cuts off the negative ones"):
        check_end([Dense(3), ReLU(name="cut"), Softmax()], (3,), CrossEntropy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_end([Dense(3), ReLU(), Dense(3), Softmax()], (3,), CrossEntropy())


def test_the_steps_before_have_to_suit_the_last():
    with pytest.raises(ValueError, match="Softmax over one output is always 1"):
        check_end([Softmax()], (1,), CrossEntropy())
    check_end([Softmax()], None, CrossEntropy())  # nobody knows yet how many outputs there are
    with pytest.raises(ValueError, match=r"applied twice, in first and in Softmax\. Drop one"):
        check_end([Softmax(name="first"), Dropout(0.5), Softmax()], (2,), CrossEntropy())
    with pytest.raises(ValueError, match="Softmax gives probabilities, and Sigmoid would squash"):
        check_end([Softmax(), Flatten(), Sigmoid()], (2,), BinaryCrossEntropy())
    with pytest.warns(UserWarning, match="inner is a softmax inside the network"):
        check_end([Softmax(name="inner"), Dense(2), Softmax()], (2,), CrossEntropy())


def test_a_change_of_shape_behind_the_last_activation_changes_no_probability():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_end([Dense(4), Sigmoid(), Reshape((2, 2))], (2, 2), BinaryCrossEntropy())
        check_end([Dense(4), Sigmoid(), Reshape((2, 2)), Flatten()], (4,), BinaryCrossEntropy())
    with pytest.raises(ValueError, match=r"ends in cut \(ReLU\), not in sigmoid"):
        check_end([ReLU(name="cut"), Reshape((2, 2))], (2, 2), BinaryCrossEntropy())
    with pytest.raises(ValueError, match=r"model that ends in sigmoid, so it would"):
        check_end([Sigmoid(), Flatten()], (4,), BinaryCrossEntropy(from_logits=True))
