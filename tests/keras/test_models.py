"""`Sequential` behind the door: Keras' words and conventions on minnet's engine."""

from __future__ import annotations

import copy
import functools
import pickle

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import layers


def data(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.integers(2, size=n)


def small() -> keras.Sequential:
    model = keras.Sequential(
        [
            layers.Dense(4, activation="relu", input_shape=(3,)),
            layers.Dense(2, activation="softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_model_is_minnets_own() -> None:
    x, y = data()
    model = small()
    assert isinstance(model, minnet.Sequential)
    model.fit(x, y, epochs=1, verbose=0)
    assert "dense_1" in str(minnet.explain_step(model, x[:4], y[:4]))


def test_evaluate_gives_a_list_a_number_or_a_dict() -> None:
    x, y = data()
    model = small()
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert isinstance(model.evaluate(x, y), list)
    named = model.evaluate(x, y, return_dict=True)
    assert named == {"loss": loss, "accuracy": accuracy}
    model.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(x, y), float)


def test_a_name_that_is_missing_stops_where_it_is_used() -> None:
    from minnet.keras.layers import LSTM

    with pytest.raises(NotImplementedError, match=r"no layers\.LSTM.*no recurrence"):
        LSTM(8)


def test_rates_of_adam_are_keras_to_the_last_digits_of_three_steps() -> None:
    """θ ← θ − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε̂), by hand, with an ε̂ that shows."""
    model = keras.Sequential([layers.Dense(1, use_bias=False, input_shape=(1,))], dtype="float64")
    model.compile(keras.optimizers.Adam(0.1, epsilon=0.5), "mse")
    w = float(model.layers[0].W[0, 0])
    m = v = 0.0
    for t in (1, 2, 3):
        g = 2.0 * (w - 3.0)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 0.5)
        model.train_on_batch([[1.0]], [3.0])
    assert model.layers[0].kernel.numpy()[0, 0] == pytest.approx(w, rel=1e-12)


def test_x_may_be_a_vector_a_table_or_sparse() -> None:
    class Sparse:
        def toarray(self) -> np.ndarray:
            return np.eye(3)

    model = keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit([1.0, 2.0], [1.0, 2.0], verbose=0)
    assert model.predict(np.array([3.0])).shape == (1, 1)
    model = small()
    mixed = np.array([[1, True, 0.5], [2, False, 1.5]], dtype=object)
    assert model.predict(mixed).shape == (2, 2)
    assert model.predict(Sparse()).shape == (3, 2)


@pytest.mark.parametrize("given", [{"steps_per_epoch": 3}, {"validation_steps": 3}])
def test_what_fit_does_not_take_says_what_to_write(given: dict[str, int]) -> None:
    x, y = data()
    with pytest.raises(NotImplementedError, match=r"fit|x larger than memory"):
        small().fit(x, y, **given)
    with pytest.raises(NotImplementedError, match="x of type generator"):
        small().fit(batch for batch in [(x, y)])


def test_a_part_of_a_stack_is_a_model_that_shares_its_layers() -> None:
    x, _ = data()
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh", name="code"), layers.Dense(2)], seed=0
    )
    encoder = keras.Model(inputs=model.input, outputs=model.get_layer("code").output)
    decoder = keras.models.Model(model.layers[1].input, [model.output])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :2], verbose=0)
    code = encoder.predict(x)
    np.testing.assert_array_equal(code, model.features(x, upto="code"))
    np.testing.assert_allclose(decoder.predict(code), model.predict(x), rtol=1e-6)
    assert isinstance(model, keras.Model)
    assert not isinstance(3, keras.Model)
    for inputs, outputs in (
        (keras.Input((3,)), model.output),
        (model.output, model.input),
        (model.input, layers.Dense(2, input_shape=(3,))),
    ):
        with pytest.raises(NotImplementedError, match="A model is a stack of layers"):
            keras.Model(inputs, outputs)


def test_a_step_weighs_classes_as_a_fit_does() -> None:
    x, y = data()
    weight, one, other = {0: 0.25, 1: 3.0}, small(), small()
    other.set_weights(one.get_weights())
    one.compile("sgd", "sparse_categorical_crossentropy")
    other.compile("sgd", "sparse_categorical_crossentropy")
    half = np.full(len(x), 0.5)
    one.train_on_batch(x, y, half, class_weight=weight)
    other.fit(x, y, len(x), sample_weight=half, class_weight=weight, shuffle=False, verbose=0)
    np.testing.assert_array_equal(one.theta, other.theta)
    before = one.theta.copy()
    with pytest.raises(ValueError, match="class_weight takes classes 0 to 1"):
        one.train_on_batch(x, y, class_weight={7: 1.0})
    np.testing.assert_array_equal(one.theta, before)


def test_metrics_may_stand_where_keras_2_had_them() -> None:
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy", ["acc"])
    assert model.metrics_names == ["loss", "acc"]
    with pytest.raises(NotImplementedError, match="A model has one loss"):
        model.compile("sgd", "sparse_categorical_crossentropy", {"a": 0.5})


def test_what_a_layer_does_not_have_is_said_in_words() -> None:
    dense = layers.Dense(2)
    with pytest.raises(AttributeError, match=r"has no kernel\. It has its arrays once it is built"):
        dense.kernel  # noqa: B018 - raises
    with pytest.raises(AttributeError, match=r"Dense has no output_shape\. Write layer\.output"):
        dense.output_shape  # noqa: B018
    with pytest.raises(AttributeError, match=r'Dense has no unit\. Did you mean "units"'):
        dense.unit  # noqa: B018
    assert not hasattr(dense, "gamma")


def test_a_model_within_a_model_is_its_layers() -> None:
    body = keras.Sequential([layers.Dense(4, input_shape=(3,)), layers.Dense(2)])
    whole = keras.Sequential([body, layers.Softmax()])
    assert [type(layer).__name__ for layer in whole.layers] == ["Dense", "Dense", "Softmax"]
    np.testing.assert_allclose(whole.predict(np.eye(3)).sum(axis=1), 1.0, rtol=1e-6)


def test_arrays_are_the_very_ones_and_can_be_assigned() -> None:
    model = small()
    kernel, bias = model.layers[0].weights
    assert (kernel.name, kernel.path, kernel.trainable) == ("kernel", "dense_1/kernel", True)
    bias.assign([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(model.layers[0].b, [1, 2, 3, 4])
    with pytest.raises(ValueError, match=r"dense_1.b takes an array of shape \(4,\)"):
        bias.assign([1.0])
    with pytest.raises(TypeError, match="assign takes an array of a layer"):
        (bias + 1.0).assign([1.0])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_variables) == 2
    assert len(model.variables) == 4


def test_dropout_acts_where_a_model_is_called_in_training() -> None:
    model = keras.Sequential([layers.Dropout(0.5, input_shape=(100,))], seed=0)
    x = np.ones((2, 100))
    assert (model(x) == 1).all()
    assert set(np.unique(model(x, training=True))) == {0.0, 2.0}


def test_a_batch_is_built_with_the_batch_in_its_shape() -> None:
    model = keras.Sequential([layers.Dense(2)])
    model.build((None, 5))
    assert model.layers[0].kernel.shape == (5, 2)
    assert model.layers[0].output.shape == model.output.shape == (None, 2)


def test_a_seed_repeats_the_models_that_are_made_after_it() -> None:
    def drawn() -> np.ndarray:
        keras.utils.set_random_seed(7)
        return small_without_seed().get_weights()[0]

    np.testing.assert_array_equal(drawn(), drawn())
    keras.backend._state["seeds"] = None


def small_without_seed() -> keras.Sequential:
    return keras.Sequential([layers.Dense(4, input_shape=(3,))])


def test_each_of_several_answers_counts_for_itself() -> None:
    model = keras.Sequential([layers.Dense(3, activation="sigmoid", input_shape=(3,))])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    x, y = np.eye(3), np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]])
    _, accuracy = model.evaluate(x, y)
    assert accuracy == pytest.approx(((model.predict(x) > 0.5) == y).mean())


def test_train_on_batch_gives_the_loss_before_the_step_with_the_metrics() -> None:
    x, y = data()
    model = small()
    before = model.evaluate(x, y)
    assert model.train_on_batch(x, y) == pytest.approx(before, rel=1e-6)
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss", "accuracy"}


def test_methods_that_left_keras_say_what_to_write() -> None:
    with pytest.raises(AttributeError, match=r"argmax\(axis=-1\)"):
        small().predict_classes(np.eye(3))
    with pytest.raises(AttributeError, match=r"Sequential.predct. Did you mean \"predict\""):
        small().predct  # noqa: B018
    assert not hasattr(small(), "fit_generator")


def test_a_subclass_has_a_constructor_of_its_own() -> None:
    class Mine(keras.Sequential):
        def __init__(self, units: int) -> None:
            super().__init__([layers.Dense(units, input_shape=(3,))], name="mine")

    model = Mine(4)
    assert (model.name, model.copy().layers[0].units) == ("mine", 4)
    with pytest.raises(TypeError, match="A class below"):

        class Steps(keras.Sequential):
            def run_batch(self, *args):
                return 0.0


def test_a_figure_that_a_fit_did_not_record_is_answered_in_words() -> None:
    x, y = data()
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, verbose=0)
    with pytest.raises(KeyError, match=r"history has loss, accuracy\. Got 'acc'"):
        history.history["acc"]
    assert history.history.get("acc") is None
    assert list(history.history) == ["loss", "accuracy"]


def test_what_an_optimizer_does_not_have_is_said_in_words() -> None:
    optimizer = keras.optimizers.Adam()
    with pytest.raises(AttributeError, match=r"no optimizer\.lr\. It left Keras long ago"):
        optimizer.lr  # noqa: B018 - raises
    with pytest.raises(AttributeError, match=r"no optimizer\.apply_gradients\. minnet different"):
        optimizer.apply_gradients([])
    with pytest.raises(AttributeError, match=r'no Adam\.beta1\. Did you mean "beta_1"'):
        optimizer.beta1  # noqa: B018


def test_a_history_knows_its_model_and_a_copy_of_the_model_its_own() -> None:
    x, y = data()
    model = small()
    assert model.fit(x, y, epochs=1, verbose=0).model is model
    copied = copy.deepcopy(model)
    assert copied.history.model is copied
    assert pickle.loads(pickle.dumps(model)).history.epoch == [0]


def test_probabilities_may_get_another_shape_before_the_loss() -> None:
    x, _ = data()
    model = keras.Sequential(
        [layers.Dense(4, activation="sigmoid", input_shape=(3,)), layers.Reshape((2, 2))], seed=0
    )
    model.compile("sgd", "binary_crossentropy")
    targets = (x[:, :1] > 0).astype(float).repeat(4, axis=1)
    losses = model.fit(x, targets.reshape(-1, 2, 2), epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]
    flat = keras.Sequential([layers.Dense(4, activation="sigmoid", input_shape=(3,))], seed=0)
    flat.compile("sgd", "binary_crossentropy")
    assert flat.fit(x, targets, epochs=3, verbose=0).history["loss"] == pytest.approx(losses)


@pytest.mark.parametrize(
    "function",
    [
        lambda y_true, y_pred: keras.losses.huber(y_true, y_pred, delta=0.3),
        lambda y, p: keras.ops.mean(keras.losses.huber(y, p, delta=0.3)),
        lambda y, p: keras.backend.mean(keras.losses.Huber(0.3)(y, p)),
        functools.partial(keras.losses.huber, delta=0.3),
    ],
)
def test_a_function_that_only_calls_a_known_loss_is_that_loss(function) -> None:
    x, _ = data()
    y = x[:, :2]
    weights = small().get_weights()
    figures = []
    for loss in (function, keras.losses.Huber(0.3)):
        model = small()
        model.set_weights(weights)
        model.compile("sgd", loss)
        figures.append(model.fit(x, y, epochs=2, shuffle=False, verbose=0).history)
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    "function",
    [
        lambda y, p: keras.losses.huber(p, y),
        lambda y, p: 2 * keras.losses.huber(y, p),
        lambda y, p: keras.losses.huber(y, p) + keras.losses.mae(y, p),
        lambda y, p: keras.losses.huber(y, keras.ops.abs(p)),
        functools.partial(lambda k, y, p: k * p, 3),
    ],
)
def test_a_function_that_does_more_than_call_a_loss_is_refused(function) -> None:
    with pytest.raises(NotImplementedError, match=r"Got the function .*whose derivative nobody"):
        small().compile("sgd", function)


def test_an_object_of_keras_itself_is_answered_in_words() -> None:
    foreign = type("Adam", (), {"__module__": "keras.src.optimizers.adam"})
    own = type("Mine", (foreign,), {"__call__": lambda *_: 0})
    with pytest.raises(TypeError, match=r"optimizer takes an object of minnet\.keras\. Got Adam"):
        small().compile(foreign(), "mse")
    with pytest.raises(TypeError, match=r"loss takes an object of minnet\.keras\. Got Adam of Ke"):
        small().compile("sgd", own())
    with pytest.raises(TypeError, match=r"metrics takes an object of minnet\.keras\."):
        small().compile("sgd", "mse", metrics=[own()])
    with pytest.raises(TypeError, match=r"A model's list of layers takes an object of minnet"):
        small().add(foreign())
    with pytest.raises(TypeError, match=r"An initializer takes an object of minnet\.keras\."):
        layers.Dense(2, kernel_initializer=own())
    x, y = data()
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"fit's callbacks takes an object of minnet\.keras\."):
        model.fit(x, y, callbacks=[own()], verbose=0)


def test_parameters_are_counted_by_the_backend() -> None:
    model = small()
    total = sum(keras.backend.count_params(weight) for weight in model.trainable_weights)
    assert total == model.count_params()


def test_words_for_what_keras_2_took() -> None:
    with pytest.raises(TypeError, match=r"Give it them once it is built: layer\.set_weights"):
        layers.Dense(2, weights=[[0.0], [0.0]])
    with pytest.raises(NotImplementedError, match=r"no layers\.Lambda\. .* layers\.Rescaling for"):
        layers.Lambda(lambda x: x / 255.0)


def test_outputs_are_symbolic_as_inputs_are() -> None:
    model = small()
    assert [one.shape for one in (*model.inputs, *model.outputs)] == [(None, 3), (None, 2)]
    x, y = data()
    again = keras.Model(inputs=model.inputs, outputs=model.outputs)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    loss, accuracy = model.train_on_batch(x, y)
    assert (float(loss) > 0, 0 <= float(accuracy) <= 1) == (True, True)
    assert minnet.diagnose(model, x, y) is not None


def test_a_loss_by_the_name_of_its_output_is_that_loss() -> None:
    x, y = data()
    model = small()
    model.compile("sgd", {"out": "sparse_categorical_crossentropy"}, metrics={"out": "accuracy"})
    assert list(model.fit(x, y, verbose=0).history) == ["loss", "accuracy"]
    with pytest.raises(NotImplementedError, match=r"compile does not take several losses here\."):
        model.compile("sgd", {"a": "mse", "b": "mse"})


def test_an_optimizer_counts_the_updates_of_its_model() -> None:
    x, y = data()
    model = small()
    assert int(model.optimizer.iterations) == 0
    model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    assert (int(model.optimizer.iterations), model.optimizer.iterations.numpy()) == (8, 8)
    pickle.loads(pickle.dumps(model))
    with pytest.raises(AttributeError, match=r"no optimizer\.iterations\. A model counts them"):
        keras.optimizers.SGD().iterations  # noqa: B018 - raises


def test_functions_are_registered_as_they_are() -> None:
    @keras.saving.register_keras_serializable(package="mine")
    def distance(y_true, y_pred):
        return abs(y_true - y_pred)

    assert distance(1, 3) == 2
