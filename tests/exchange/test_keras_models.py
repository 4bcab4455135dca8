"""Keras in and out, with Keras itself."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minnet import exchange
from minnet.exchange import keras_models
from minnet.foundation.checks import ModelFileError
from minnet.layers import Activation, Dense, Dropout, LeakyReLU, Normalization
from minnet.models import Sequential
from tests.exchange.networks import difference, same_bits
from tests.exchange.tools import needs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras' own, of NumPy

X = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")


@pytest.fixture
def keras():
    return needs("keras")


def predicted(keras, model, x=X):
    return keras.ops.convert_to_numpy(model(x))


def test_settings_names_and_what_is_frozen_are_carried_over(keras):
    of = keras.layers
    other = keras.Sequential(
        [
            keras.Input((4,)),
            of.Dense(
                3,
                "leaky_relu",
                name="first",
                kernel_regularizer=keras.regularizers.L1L2(0.01, 0.1),
                kernel_constraint=keras.constraints.MaxNorm(3),
            ),
            of.BatchNormalization(momentum=0.8, epsilon=1e-4, scale=False),
            of.LeakyReLU(negative_slope=0.05),
            of.Dense(2, "softmax", name="head"),
        ]
    )
    other.layers[0].trainable = False
    model = exchange.from_keras(other)
    first, norm, leaky, head = model.layers
    assert first.activation.negative_slope == 0.2  # Keras' function; its layer has 0.3
    assert repr(first.kernel_regularizer) == "L1L2(l1=0.01, l2=0.1)"
    assert first.kernel_constraint.max_value == 3
    assert (norm.momentum, norm.epsilon, norm.scale) == (0.8, 1e-4, False)
    assert leaky.negative_slope == 0.05
    assert [layer.trainable for layer in (first, head)] == [False, True]
    assert [first.name, head.name] == ["first", "head"]
    assert difference(model.predict(X), predicted(keras, other)) < 1e-6
    assert "activation=LeakyReLU(negative_slope=0.2)" in str(exchange.report(model))


def test_a_functional_chain_and_models_in_models_are_flat_here(keras, tmp_path):
    of = keras.layers
    start = keras.Input((4,))
    inner = keras.Sequential([of.Dense(3, "relu"), of.Dense(3)])
    other = keras.Model(start, of.Dense(2)(inner(of.Dense(4)(start))))
    other.save(tmp_path / "m.keras")
    for model in (exchange.from_keras(other), exchange.from_keras(tmp_path / "m.keras")):
        assert [layer.units for layer in model.layers] == [4, 3, 3, 2]
        assert difference(model.predict(X), predicted(keras, other)) < 1e-6


def test_a_trained_and_compiled_file_is_read_without_its_optimizer(keras, tmp_path):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "tanh")])
    other.compile("adam", "mse")
    other.fit(X, X[:, :2], verbose=0)
    other.save(tmp_path / "m.keras")
    model = exchange.from_keras(tmp_path / "m.keras")
    assert difference(model.predict(X), predicted(keras, other)) < 1e-6
    assert not model.is_compiled
    assert model.layers[0].origin == "m.keras"


def test_what_keras_has_adapted_is_carried_over(keras, tmp_path):
    for axis in (-1, None):
        adapted = keras.layers.Normalization(axis=axis)
        adapted.adapt(5 * X + 3)
        given = keras.layers.Normalization(mean=[1.0] * 4, variance=[4.0] * 4)
        other = keras.Sequential([keras.Input((4,)), adapted, given, keras.layers.Dense(2)])
        other.save(tmp_path / "m.keras")
        for model in (exchange.from_keras(other), exchange.from_keras(tmp_path / "m.keras")):
            assert difference(model.predict(X), predicted(keras, other)) < 1e-6
        back = exchange.to_keras(model)
        assert difference(predicted(keras, back), predicted(keras, other)) < 1e-6


def test_images_are_read_and_written(keras, tmp_path):
    of = keras.layers
    other = keras.Sequential(
        [
            keras.Input((8, 7, 2)),
            of.Conv2D(3, (3, 2), strides=(1, 2), padding="same", activation="relu"),
            of.MaxPooling2D((2, 1)),
            of.AveragePooling2D(2, strides=1),
            of.GlobalAveragePooling2D(),
            of.Dense(2),
        ]
    )
    other.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).standard_normal((3, 8, 7, 2)).astype("float32")
    for model in (exchange.from_keras(other), exchange.from_keras(tmp_path / "m.keras")):
        assert difference(model.predict(x), predicted(keras, other, x)) < 1e-6
        assert difference(predicted(keras, exchange.to_keras(model), x), model.predict(x)) < 1e-6


def refusals(keras):
    """Each model, and the words that refuse it."""
    of = keras.layers

    class Own(keras.Model):
        def call(self, x):
            return x

    class Twice(of.Dense):
        def call(self, x):
            return 2 * super().call(x)

    def stack(*layers, shape=(4,)):
        return keras.Sequential([keras.Input(shape), *layers])

    start = keras.Input((4,))
    branch = keras.Model(start, of.Add()([of.Dense(3)(start), of.Dense(3)(start)]))
    shared = of.Dense(4)
    again = keras.Model(start, shared(shared(start)))
    two = keras.Model(start, [of.Dense(3)(start), of.Dense(2)(start)])
    return [
        (stack(of.Activation("hard_tanh")), "Its activation is 'hard_tanh'"),
        (stack(of.Dense(2, activation=lambda x: 2 * x)), "Its activation is"),
        (stack(of.Conv2D(1, 1, dilation_rate=2), shape=(4, 4, 1)), "Its dilation_rate is"),
        (stack(of.Conv2D(2, 1, groups=2), shape=(4, 4, 2)), "Its groups is 2"),
        (stack(of.Conv1D(1, 1), shape=(4, 1)), "takes layers that minnet has. Got 'conv1d"),
        (stack(of.LSTM(2), shape=(4, 1)), "'LSTM'. minnet has Dense"),
        (stack(Twice(2)), "'Twice'. minnet has Dense"),
        (stack(of.ReLU(5.0)), "max_value=5.0"),
        (stack(of.Softmax(axis=-2), shape=(4, 1)), "Its axis is -2"),
        (stack(of.PReLU(shared_axes=[1])), "Its shared_axes is"),
        (stack(of.BatchNormalization(axis=1), shape=(4, 1)), "Its axis is 1"),
        (stack(of.ReLU(), shape=(None,)), "fixed"),
        (keras.Sequential([of.Dense(2)]), "Build the model first"),
        (branch, "has a graph of layers"),
        (again, "has a graph of layers"),
        (two, "has a graph of layers"),
        (Own(), "of the class 'Own', which lists no layers"),
        (3, "takes a Keras model or the path"),
        (Sequential([Dense(1, input_dim=1)]), "Got one of minnet"),
    ]


@pytest.mark.filterwarnings("ignore")
def test_what_minnet_computes_otherwise_is_refused_by_its_name(keras):
    for model, words in refusals(keras):
        with pytest.raises((TypeError, ValueError), match=words):
            exchange.from_keras(model)


def test_files_of_such_models_are_refused_alike(keras, tmp_path):
    of = keras.layers
    start = keras.Input((4,))
    for layer, words in (
        (of.Dense(2, "hard_tanh"), "Its activation is 'hard_tanh'"),
        (of.RepeatVector(2), "'RepeatVector"),
    ):
        keras.Model(start, layer(start)).save(tmp_path / "m.keras")
        with pytest.raises(ModelFileError, match=f"describes no model that minnet can.*{words}"):
            exchange.from_keras(tmp_path / "m.keras")


def test_what_acts_in_training_alone_is_left_behind_with_a_warning(keras):
    dense = keras.layers.Dense(2, bias_regularizer="l2", activity_regularizer="l1")
    other = keras.Sequential([keras.Input((4,)), dense])
    with pytest.warns(UserWarning, match="bias_regularizer of dense.*, activity_regularizer of"):
        exchange.from_keras(other)


def test_both_forms_of_gelu_come_and_go(keras):
    for form, activation in ((False, "gelu"), (True, keras_models.gelu_tanh())):
        other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation)])
        model = exchange.from_keras(other)
        assert model.layers[0].activation.approximate is form
        assert difference(model.predict(X), predicted(keras, other)) < 1e-6
        back = exchange.to_keras(model)
        assert difference(model.predict(X), predicted(keras, back)) < 1e-6


def test_a_minnet_model_goes_to_keras_and_trains_there(keras, tmp_path):
    model = Sequential(
        [
            Normalization(input_shape=4),
            Dense(5, LeakyReLU(0.07), kernel_regularizer="l2", kernel_constraint="non_neg"),
            Dropout(0.1),
            Dense(5, "gelu"),
            Activation("mish"),
            Dense(2, "softmax", name="head"),
        ],
        seed=0,
    )
    model.freeze("dense_1")
    other = exchange.to_keras(model)
    assert difference(predicted(keras, other), model.predict(X)) < 1e-6
    assert other.get_layer("dense_1").trainable is False
    assert isinstance(other.get_layer("dense_1").kernel_regularizer, keras.regularizers.L2)
    assert [layer.name for layer in other.layers][2] == "dense_1_leakyrelu"
    assert str(exchange.report(other)).count("COPIED") == 8
    other.save(tmp_path / "m.keras")
    again = exchange.from_keras(tmp_path / "m.keras")
    assert same_bits(model, again)
    assert difference(again.predict(X), model.predict(X)) < 1e-6
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert difference(predicted(keras, loaded), model.predict(X)) < 1e-6
    other.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    other.fit(X, np.arange(6) % 2, verbose=0)
    for array, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_float64_stays_float64(keras):
    model = Sequential([Dense(3, "tanh", input_dim=4), Dense(2)], seed=0, dtype="float64")
    other = exchange.to_keras(model)
    x = X.astype("float64")
    assert difference(keras.ops.convert_to_numpy(other(x)), model.predict(x)) < 1e-6
    back = exchange.from_keras(other)
    assert back.dtype == "float64"
    assert same_bits(model, back)


def test_a_bound_of_ones_own_is_left_behind_with_a_warning(keras):
    from minnet.constraints import Constraint

    class Mine(Constraint):
        def project(self, weights):
            return weights

    model = Sequential([Dense(2, input_dim=4, kernel_constraint=Mine())], seed=0)
    with pytest.warns(UserWarning, match=r"to_keras: Left behind.*Mine\(\) of dense_1"):
        exchange.to_keras(model)


def test_nothing_is_warned_of_where_nothing_is_left_behind(keras):
    model = Sequential([Dense(2, "relu", input_dim=4, kernel_regularizer="l2")], seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        exchange.from_keras(exchange.to_keras(model))


def test_a_softmax_over_another_axis_than_the_last_is_refused(keras):
    """Of rows, axis 1 is the last; of what a Reshape makes it is another."""
    of = keras.layers
    rows = keras.Sequential([keras.Input((4,)), of.Dense(3), of.Softmax(axis=1)])
    assert difference(exchange.from_keras(rows).predict(X), predicted(keras, rows)) < 1e-6
    tables = keras.Sequential([keras.Input((4,)), of.Reshape((2, 2)), of.Softmax(axis=1)])
    with pytest.raises(ValueError, match=r"Its axis is 1, and minnet's layer computes with -1"):
        exchange.from_keras(tables)
