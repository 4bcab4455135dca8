"""Layers, losses, metrics and initializers behind the door, by Keras' names and conventions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minnet import keras
from minnet import layers as core
from minnet.keras import initializers, layers, losses, metrics
from minnet.keras.names import plain


@pytest.mark.parametrize("kind", layers.BY_CORE.values(), ids=lambda kind: kind.__name__)
def test_a_layer_is_the_cores_and_is_described_as_it(kind: type) -> None:
    first = {
        "Dense": [3],
        "Activation": ["relu"],
        "Dropout": [0.5],
        "AlphaDropout": [0.5],
        "GaussianDropout": [0.5],
        "GaussianNoise": [0.5],
        "Rescaling": [2.0],
        "Reshape": [[3, 1]],
        "Conv2D": [2, 3],
    }
    layer = kind(*first.get(kind.__name__, []), name="mine", trainable=False)
    assert isinstance(layer, layer.in_files)
    assert layer.trainable is False
    config = layer.get_config()
    again = layer.in_files(**config)
    assert (again.name, again.get_config().keys()) == ("mine", config.keys())
    assert repr(again) == repr(layer) or layer.in_files.__name__ != kind.__name__


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ({"input_shape": [28, 28]}, (28, 28)),
        ({"input_dim": 4}, (4,)),
        ({"batch_input_shape": (None, 4)}, (4,)),
        ({"input_shape": (4,), "dtype": "float32"}, (4,)),
    ],
)
def test_shapes_are_given_in_all_of_keras_ways(given: dict[str, object], shape: object) -> None:
    assert layers.Flatten(**given).input_shape == shape


def test_what_a_layer_does_not_take_is_said() -> None:
    with pytest.raises(NotImplementedError, match=r"Dense does not take bias_regularizer here"):
        layers.Dense(3, bias_regularizer="l2")
    with pytest.raises(NotImplementedError, match=r"does not take dtype here. Got 'float16'"):
        layers.Dense(3, dtype="float16")
    with pytest.raises(NotImplementedError, match=r"Use LeakyReLU"):
        layers.ReLU(negative_slope=0.1)
    with pytest.raises(NotImplementedError, match=r"whose derivative nobody knows"):
        layers.Dense(3, activation=lambda x: x)
    with pytest.raises(NotImplementedError, match=r"Own has call. minnet differentiates no code"):

        class Own(layers.Layer):
            def call(self, x):
                return x


def test_the_last_softmax_is_the_cores_and_computed_with_the_loss() -> None:
    model = keras.Sequential([layers.Dense(2, input_shape=(3,)), layers.Softmax()])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.loss.is_fused_with(model.steps[-1])
    model.set_weights([np.array([[1000, 0], [0, 0], [0, 0.0]]), np.zeros(2)])
    assert model.evaluate(np.eye(3)[:1], [1]) == 1000.0


def test_activations_are_known_by_name_by_function_and_as_layers() -> None:
    by_function = layers.Dense(2, activation=keras.activations.relu).activation
    assert type(by_function) is core.ReLU
    assert layers.Dense(2, activation="leaky_relu").activation.negative_slope == 0.2
    assert isinstance(layers.Dense(2, activation=layers.LeakyReLU(0.1)).activation, core.LeakyReLU)
    assert keras.activations.softmax([[0.0, 0.0]]).tolist() == [[0.5, 0.5]]
    assert keras.activations.get("relu") is keras.activations.relu


@pytest.mark.parametrize("spelling", ["HeNormal", "he_normal", "heNormal"])
def test_initializers_have_any_spelling_and_a_seed_of_their_own(spelling: str) -> None:
    assert isinstance(initializers.get(spelling), initializers.HeNormal)
    seeded = initializers.HeNormal(seed=3)
    np.testing.assert_array_equal(seeded((2, 3)), seeded(shape=(2, 3)))
    assert initializers.Constant(np.array([2.5])).value == 2.5


def test_a_normalization_takes_statistics_that_are_given() -> None:
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    np.testing.assert_allclose(layer(np.array([[3.0, 8.0]])), [[1.0, 2.0]])


# --- losses and metrics ---------------------------------------------------------------------------

T, P = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.2, 0.7], [0.6, 0.1]])


def test_a_loss_takes_the_targets_first() -> None:
    loss = losses.BinaryCrossentropy()
    right = -np.mean([np.log(0.8), np.log(0.7), np.log(0.6), np.log(0.9)])
    assert loss(T, P).numpy() == loss(y_pred=P, y_true=T) == pytest.approx(right)
    assert losses.mean_squared_error(T, P).shape == (2,)
    assert losses.categorical_crossentropy([[0, 1.0]], [[0.2, 0.8]]).shape == (1,)


@pytest.mark.parametrize("name", ["mse", "MeanSquaredError", "mean_squared_error", "MSE"])
def test_a_loss_is_known_by_any_of_its_names(name: str) -> None:
    assert isinstance(losses.get(name), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.mean_squared_error), losses.MeanSquaredError)


def test_a_loss_without_a_gradient_says_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match=r"Got the function own, whose derivative"):
        losses.get(own)
    with pytest.raises(NotImplementedError, match=r"Mine has call\. minnet differentiates no code"):

        class Mine(losses.Loss):
            def call(self, y_true, y_pred):
                return y_true

    with pytest.raises(NotImplementedError, match=r"A loss is the mean over the samples, or"):
        losses.MeanSquaredError(reduction="sum")


def own(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return np.abs(y_true - y_pred).max(axis=-1)


def test_a_function_is_a_metric_of_targets_and_predictions() -> None:
    model = keras.Sequential([layers.Dense(2, input_shape=(2,))], seed=0)
    model.compile("sgd", "mse", metrics=[own, "RootMeanSquaredError", metrics.mean_absolute_error])
    figures = model.evaluate(P, T, return_dict=True)
    errors = np.abs(model.predict(P) - T)
    assert figures["own"] == pytest.approx(errors.max(axis=1).mean())
    assert figures["RootMeanSquaredError"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert figures["mean_absolute_error"] == pytest.approx(errors.mean())


def test_a_metric_gathers_batches_until_it_is_reset() -> None:
    metric = metrics.MeanAbsoluteError()
    metric.update_state(T[:1], P[:1])
    metric.update_state(T[1:], P[1:])
    assert float(metric.result()) == pytest.approx(np.abs(T - P).mean())
    metric.reset_state()
    assert metric.result().numpy() == 0
    mean = metrics.Mean(name="loss")
    mean.update_state(1.0)
    assert float(mean(4.0)) == 2.5
    total = metrics.Sum()
    total.update_state([1.0, 4.0])
    assert float(total.result()) == 5.0


def test_a_count_at_several_thresholds_has_several_figures_outside_of_a_fit() -> None:
    assert metrics.Precision(thresholds=[0.3]).threshold == 0.3
    recall = metrics.Recall(thresholds=[0.3, 0.6, 0.9])
    recall.update_state([0, 1, 1, 1], [0.5, 0.2, 0.5, 0.8])
    recall.update_state([1], [0.7])
    np.testing.assert_allclose(recall.result(), [3 / 4, 2 / 4, 0.0], rtol=1e-6)
    recall.reset_state()
    np.testing.assert_array_equal(recall.result(), [0.0, 0.0, 0.0])
    model = keras.Sequential([layers.Dense(1, "sigmoid", input_shape=(2,))])
    with pytest.raises(NotImplementedError, match="compile one metric for each threshold"):
        model.compile("sgd", "binary_crossentropy", metrics=[recall])


def test_a_metric_of_ones_own_with_update_state_says_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match=r"Mine has update_state"):

        class Mine(metrics.Metric):
            def update_state(self, y_true, y_pred, sample_weight=None):
                pass


def test_plain_names() -> None:
    assert plain("Mean_SquaredError") == "meansquarederror"


def test_a_loss_may_give_a_number_for_each_sample_outside_of_a_fit() -> None:
    each = losses.SparseCategoricalCrossentropy(reduction="none")
    per_sample = each([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    np.testing.assert_allclose(per_sample, -np.log([0.9, 0.8]), rtol=1e-6)
    model = keras.Sequential([layers.Dense(2, "softmax", input_shape=(2,))])
    with pytest.raises(NotImplementedError, match='leave reduction="none" out'):
        model.compile("sgd", each)
    with pytest.raises(NotImplementedError, match='or with "none" a number for each'):
        losses.MeanSquaredError(reduction="sum")


def test_the_statistics_of_a_normalization_have_the_words_of_variables() -> None:
    x = np.random.default_rng(0).normal(2.0, 3.0, (50, 3)).astype("float32")
    layer = layers.Normalization()
    assert not hasattr(layer, "mean")
    layer.adapt(x)
    np.testing.assert_allclose(layer.mean.numpy(), x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.variance.numpy(), x.var(axis=0), rtol=1e-5)
    assert type(layer.forward(x)) is np.ndarray
    layer.mean = np.zeros(3)
    np.testing.assert_array_equal(layer.get_weights()[0], np.zeros(3))
    given = layers.Normalization(mean=1.0, variance=4.0, axis=None)
    model = keras.Sequential([keras.Input((2,)), given])
    np.testing.assert_allclose(model.predict(np.array([[3.0, 5.0]])), [[1.0, 2.0]])


def test_batch_normalization_takes_channels_last_by_any_number() -> None:
    for axis in (-1, 3, [3]):
        model = keras.Sequential([keras.Input((4, 4, 2)), layers.BatchNormalization(axis=axis)])
        assert model.layers[0].gamma.shape == (2,)
    with pytest.raises(NotImplementedError, match=r"axis here\. Got 1\. Channels come last"):
        keras.Sequential([keras.Input((4, 4, 2)), layers.BatchNormalization(axis=1)])
    with pytest.raises(TypeError, match=r'Got nb_filter=3\. Did you mean "filters"'):
        layers.Conv2D(nb_filter=3)


def test_a_bound_of_ones_own_is_a_function_and_a_penalty_needs_its_gradient() -> None:
    class Positive(keras.constraints.Constraint):
        def __call__(self, w):
            return np.where(w < 0.0, 0.0, w)

    model = keras.Sequential([layers.Dense(3, kernel_constraint=Positive(), input_shape=(2,))])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), -np.ones((4, 3)), verbose=0)
    assert (model.layers[0].W >= 0).all()
    with pytest.raises(NotImplementedError, match=r"Sizes has no gradient\. minnet differentiates"):

        class Sizes(keras.regularizers.Regularizer):
            def __call__(self, w):
                return np.abs(w).sum()

    class Squares(keras.regularizers.Regularizer):
        def __call__(self, w):
            return (w * w).sum()

        def gradient(self, w):
            return 2 * w

    assert isinstance(layers.Dense(2, kernel_regularizer=Squares()).kernel_regularizer, Squares)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("relu", "relu"),
        (keras.activations.swish, "silu"),
        ("leaky_relu", "leaky_relu"),
        (layers.Softmax(), "softmax"),
        (core.HardSigmoid(), "hard_sigmoid"),
        ("hard_swish", "hard_silu"),
        (keras.activations.hard_swish, "hard_silu"),
    ],
)
def test_an_activation_has_the_name_of_keras_function_also_in_a_file(given, name, tmp_path) -> None:
    dense = layers.Dense(3, activation=given, input_shape=(2,))
    assert dense.activation.__name__ == name
    model = keras.Sequential([dense])
    model.save(tmp_path / "m.npz")
    loaded = keras.models.load_model(tmp_path / "m.npz")
    assert loaded.layers[0].activation.__name__ == name


def test_the_largest_pixel_of_an_image_and_a_margin_around_it() -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 7, 3)).astype("float32")
    model = keras.Sequential(
        [keras.Input((7, 7, 3)), layers.MaxPooling2D((7, 7)), layers.Flatten()]
    )
    assert np.array_equal(model.predict(x, verbose=0), x.max(axis=(1, 2)))
    one = keras.Sequential([keras.Input((7, 7, 3)), layers.GlobalMaxPooling2D()])
    assert np.array_equal(one.predict(x), x.max(axis=(1, 2)))
    wide = keras.Sequential([keras.Input((7, 7, 3)), layers.ZeroPadding2D((1, 2))])
    assert np.array_equal(wide.predict(x), np.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0))))
    with pytest.raises(NotImplementedError, match="Channels come last"):
        layers.ZeroPadding2D(data_format="channels_first")


def test_a_function_that_only_calls_a_known_activation_is_that_activation() -> None:
    leak = layers.Dense(2, activation=lambda x: keras.activations.relu(x, negative_slope=0.1))
    assert leak.activation.negative_slope == 0.1
    elu = layers.Activation(functools.partial(keras.activations.elu, alpha=0.5))
    np.testing.assert_allclose(elu(np.array([[-1.0]])), 0.5 * np.expm1([[-1.0]]), rtol=1e-6)
    for own in (lambda x: x * keras.backend.sigmoid(x), np.tanh, lambda x: x):
        with pytest.raises(NotImplementedError, match=r"whose derivative nobody knows"):
            layers.Dense(2, activation=own)


def test_a_layer_takes_the_dtype_that_new_models_have() -> None:
    with pytest.raises(NotImplementedError, match=r"Dense does not take dtype here"):
        layers.Dense(2, dtype="float64")
    assert layers.Dense(2, dtype=np.float32).units == 2
    keras.backend.set_floatx("float64")
    try:
        model = keras.Sequential([layers.Dense(2, dtype="float64", input_shape=(3,))])
    finally:
        keras.backend.set_floatx("float32")
    assert model.dtype == np.float64


def test_classes_and_functions_that_nobody_differentiates_say_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match=r"with dropout write model\(x, training=True\)"):

        class Always(layers.Dropout):
            def call(self, inputs, training=None):
                return inputs

    with pytest.raises(NotImplementedError, match=r"a class below Model with a call\."):

        class Block(layers.Layer):
            def call(self, inputs):
                return inputs

    with pytest.raises(NotImplementedError, match=r"whose gradient nobody knows\. Use L1, L2 or"):
        layers.Dense(2, kernel_regularizer=lambda w: abs(w).sum())
