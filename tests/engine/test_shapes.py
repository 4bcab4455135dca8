"""Shapes through a network, and the drawing of where one does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.engine.shapes import draw_misfit, drawing, layer_shapes
from minnet.foundation.checks import ModelFileError
from minnet.layers import Activation, Dense, Flatten, Input, ReLU
from minnet.models import Sequential

X, Y = np.random.default_rng(0).random((32, 784)), np.arange(32) % 10


def digits():
    """784-30-10, built and compiled."""
    model = Sequential(
        [Dense(30, input_dim=784), ReLU(name="relu_1"), Dense(10, activation="softmax")], seed=0
    )
    model.compile("adam", "cross_entropy")
    return model


def said(call, error=ValueError):
    """What the error says."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_layer_shapes_goes_through_all():
    layers = [Flatten(), Dense(3), Activation("relu")]
    assert layer_shapes(layers, (2, 5)) == [(10,), (3,), (3,)]


def test_adjacent_layers_that_do_not_fit_are_drawn_as_the_model_is_put_together():
    message = said(
        lambda: Sequential([Dense(30, input_dim=784), ReLU(name="relu_1"), Dense(10, input_dim=64)])
    )
    drawn = "x (N, 784) → dense_1 784→30 ✓ → relu_1 ✓ → dense_2 64→10 ✗ got 30, wants 64"
    assert message.endswith(drawn)
    assert message.startswith("dense_2 takes x of shape (N, 64)")


def test_a_fit_that_builds_the_model_draws_the_batch_that_came():
    model = Sequential([Dense(30), ReLU(name="relu_1"), Dense(10, input_dim=64)])
    model.compile("sgd", "mse")
    drawn = "x (32, 784) → dense_1 784→30 ✓ → relu_1 ✓ → dense_2 64→10 ✗ got 30, wants 64"
    message = said(lambda: model.fit(X, X[:, :10], verbose=0))
    assert message.endswith(drawn)
    assert not model.built


@pytest.mark.parametrize(
    "call",
    [
        lambda model, x: model.predict(x),
        lambda model, x: model.features(x),
        lambda model, x: model.fit(x, Y, verbose=0),
        lambda model, x: model.fit(X, Y, verbose=0, validation_data=(x, Y)),
        lambda model, x: model.evaluate(x, Y),
        lambda model, x: model.train_on_batch(x, Y),
        lambda model, x: model.loss_and_gradient(x, Y),
        lambda model, x: model.forward(x),
    ],
    ids=["predict", "features", "fit", "validation", "evaluate", "batch", "loss", "forward"],
)
def test_samples_of_another_width_are_drawn_everywhere(call):
    model = digits()
    before = model.theta.tobytes()
    message = said(lambda: call(model, X[:, :700]))
    assert message.endswith("x (32, 700) → dense_1 784→30 ✗ got 700, wants 784")
    assert model.theta.tobytes() == before


def test_targets_as_wide_as_another_head_are_drawn_at_the_end():
    drawn = (
        "x (32, 784) → dense_1 784→30 ✓ → relu_1 ✓ → dense_2 30→10 ✓ → y (32, 7) ✗ got 7, wants 10"
    )
    assert said(lambda: digits().fit(X, np.eye(7)[Y % 7], verbose=0)).endswith(drawn)


def test_building_and_adding_draw_too():
    assert said(lambda: digits().build(28)).endswith(
        "x (N, 28) → dense_1 784→30 ✗ got 28, wants 784"
    )
    assert said(lambda: digits().add(Dense(2, input_dim=5))).endswith(
        "dense_2 30→10 ✓ → dense_3 5→2 ✗ got 10, wants 5"
    )
    message = said(lambda: Sequential([Input((28, 28)), Dense(3)]))
    assert message.endswith("x (N, 28, 28) → dense_1 ✗ got (28, 28), wants rows of numbers")


def test_weights_from_a_file_are_drawn_with_the_first_that_differ(tmp_path):
    digits().save(tmp_path / "a.npz")
    model = Sequential(
        [Dense(30, input_dim=784), ReLU(name="relu_1"), Dense(9, activation="softmax")]
    )
    before = model.theta.tobytes()
    message = said(lambda: model.load_weights(tmp_path / "a.npz"), ModelFileError)
    assert message.endswith(
        "x (N, 784) → dense_1 784→30 ✓ → relu_1 ✓ → "
        "dense_2 30→9 ✗ W is (30, 9), in the file (30, 10)"
    )
    assert model.theta.tobytes() == before


def test_one_sample_and_images_are_named_as_they_are():
    layers = digits().layers
    assert draw_misfit(layers, (784,), (), 784).endswith("got single numbers, wants 784")
    assert draw_misfit([], None, (28, 28)) == "x (N, 28, 28) → the model ✗ got (28, 28), wants " + (
        "single numbers"
    )
    assert drawing(layers, [(784,), (30,), (30,), (10,)]).endswith("dense_2 30→10 ✓")
