"""Activations behind the door, as functions of an array."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from minnet import keras
from minnet import layers as core
from minnet.keras import activations


def test_settings_go_to_the_formula() -> None:
    x = [-2.0, 3.0]
    np.testing.assert_allclose(activations.relu(x, negative_slope=0.1), [-0.2, 3.0], rtol=1e-6)
    np.testing.assert_allclose(activations.relu(x, max_value=2), [0.0, 2.0])
    np.testing.assert_allclose(activations.leaky_relu(x), [-0.4, 3.0], rtol=1e-6)
    np.testing.assert_allclose(activations.elu(x, 0.5), [0.5 * math.expm1(-2), 3.0], rtol=1e-6)


def test_gelu_is_the_error_function_s_as_in_keras() -> None:
    """Recorded with Keras 3.15; PyTorch 2.13 has the same figures."""
    x = np.array([-3.0, -1.0, -0.25, 0.5, 2.0])
    recorded = [-0.004049694095, -0.158655253931, -0.100323418579, 0.345731230637, 1.954499736104]
    np.testing.assert_allclose(activations.gelu(x), recorded, atol=1e-12)
    assert abs(activations.gelu(x, approximate=True) - recorded).max() > 1e-4
    for activation in ("gelu", activations.gelu, keras.activations.get("gelu")):
        assert keras.layers.Dense(1, activation).activation.approximate is False


@pytest.mark.parametrize("name", core.ACTIVATIONS)
def test_every_name_of_the_core_is_a_function_of_keras(name) -> None:
    function = getattr(activations, name)
    assert activations.get(name) is function
    x = np.array([[-4.0, -1.0, 2.0]])
    layer = keras.layers.Dense(3, name, kernel_initializer="identity", input_shape=(3,))
    assert layer.activation.__name__ == function.__name__
    np.testing.assert_array_equal(layer.activation.forward(x), function(x))
    assert type(layer.activation) is type(core.ACTIVATIONS[name]())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: activations.tanh([1.0], 3), r"tanh does not take settings here\. Got \[3\]"),
        (lambda: activations.softmax(np.ones((2, 2)), axis=0), "softmax does not take axis here"),
        (lambda: activations.relu([1.0], slope=2), r"relu takes .*Got slope=2\."),
        (lambda: keras.utils.to_categorical([1], classes=2), "to_categorical takes x, num_class"),
        (lambda: keras.losses.mean_squared_error([1.0]), "mean_squared_error takes .*Got no y_p"),
        (lambda: keras.models.load_model(), "load_model takes filepath.*Got no filepath"),
    ],
)
def test_a_call_that_does_not_fit_is_answered_in_words(call, message) -> None:
    with pytest.raises((TypeError, NotImplementedError), match=message):
        call()


def test_a_layer_without_an_activation_answers_with_linear() -> None:
    plain, image = keras.layers.Dense(2, input_shape=(3,)), keras.layers.Conv2D(2, 3)
    for layer in (plain, image, copy.deepcopy(plain), pickle.loads(pickle.dumps(plain))):
        assert layer.activation.__name__ == "linear"
        assert layer.get_config()["activation"] is None
        assert len(layer.steps()) == 1
    np.testing.assert_array_equal(plain.activation.forward(np.array([[3.0]])), [[3.0]])
    assert (repr(plain), plain.kind) == ("Dense(2, input_dim=3)", "Dense")


def test_an_activation_is_called_on_what_a_layer_gives() -> None:
    inputs = keras.Input((3,))
    hidden = activations.relu(keras.layers.Dense(4)(inputs))
    outputs = keras.ops.softmax(keras.layers.Dense(2)(hidden))
    model = keras.Model(inputs, outputs)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Dense", "Activation", "Dense", "Activation"]
    x = np.ones((2, 3), dtype="float32")
    np.testing.assert_allclose(model.predict(x).sum(axis=1), 1.0, rtol=1e-6)
    slope = keras.Model(inputs, activations.leaky_relu(inputs, negative_slope=0.5))
    np.testing.assert_array_equal(slope.predict(-x), -x / 2)


def test_tensorflows_softmax_is_known_by_its_second_name() -> None:
    def softmax_v2(x):
        raise AssertionError

    softmax_v2.__module__ = "tensorflow.python.ops.nn_ops"
    layer = keras.layers.Dense(2, activation=softmax_v2)
    assert layer.activation.__name__ == "softmax"
