"""What is drawn, taken as it behaves: copies, samples and labels, by plain objects."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import Sequential
from minnet.layers import BatchNormalization, Dense
from minnet.plots import subjects


class Plain:
    """A model that knows nothing of minnet."""

    def __init__(self):
        self.theta = np.zeros(2)


def test_a_copy_is_independent():
    model = Plain()
    twin = subjects.working_copy(model, "this", "theta")
    twin.theta += 1
    assert model.theta.tolist() == [0, 0]


def test_labels_in_every_form_are_whole_numbers():
    for y in ([0, 2, 1], [[0], [2], [1]], np.eye(3)[[0, 2, 1]], [0.0, 2.0, 1.0]):
        labels = subjects.class_labels(y, "this")
        assert labels.tolist() == [0, 2, 1]
        assert labels.dtype.kind == "i"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], r"this's y takes a whole label from 0 for each sample.* shape \(0,\)"),
        ([np.nan], r"this's y takes finite numbers"),
        (np.zeros((2, 2, 2)), r"a whole label from 0"),
        ([[1, 1], [0, 1]], r"or one-hot rows. Got \(2, 2\)"),
    ],
)
def test_what_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        subjects.class_labels(y, "this")


def test_samples_come_in_the_models_dtype_and_shape():
    model = Sequential([Dense(1, input_dim=2)], seed=0)
    assert subjects.samples([[1, 2]], model, "this x").dtype == np.float32
    assert subjects.samples([[1, 2]], Plain(), "this x").shape == (1, 2)
    with pytest.raises(ValueError, match=r"this x takes shape \(N, 2\).* Got \(2,\)"):
        subjects.samples([1, 2], model, "this x")


def test_weight_arrays_lie_as_in_theta():
    model = Sequential([Dense(3, input_dim=2), BatchNormalization(), Dense(1)], seed=0)
    flat = np.concatenate([array.ravel() for array in subjects.weight_arrays(model)])
    np.testing.assert_array_equal(flat, model.theta)
    assert subjects.weight_arrays(Plain()) == []


def test_layers_without_a_name_are_called_by_their_class():
    assert subjects.layer_name(Plain()) == "Plain"
    assert subjects.layer_name(Dense(1, name="head")) == "head"
    assert subjects.activation_name(Dense(1, activation="relu")) == "ReLU"
    assert subjects.activation_name(Dense(1)) == ""
