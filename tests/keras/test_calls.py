"""Classes below `Model`: their `call` says which layers are called one on another."""

import copy
import pickle

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import Model, layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = np.random.default_rng(1).integers(2, size=24)


class Mlp(Model):
    def __init__(self, units=5, **more):
        super().__init__(**more)
        self.hidden = layers.Dense(units, activation="tanh")
        self.dropout = layers.Dropout(0.5)
        self.last = layers.Dense(2, activation="softmax")

    def call(self, inputs, training=None):
        x = self.hidden(inputs)
        if training:
            x = self.dropout(x, training=training)
        return self.last(x)


class Blocks(Model):
    def __init__(self):
        super(Blocks, self).__init__()  # noqa: UP008 - as published programs have it
        self.blocks = [layers.Dense(4, activation="relu") for _ in range(2)]
        self.by_name = {"last": layers.Dense(2)}

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.by_name["last"](x)


class Autoencoder(Model):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([layers.Dense(2, activation="relu")])
        self.decoder = keras.Sequential([layers.Dense(4), layers.Dense(3)])

    def call(self, x):
        return self.decoder(self.encoder(x))


def test_what_call_calls_is_the_stack_that_is_trained():
    model = Blocks()
    model.compile("sgd", "mse")
    model.build((None, 3))
    same = keras.Sequential(
        [layers.Dense(4, "relu", input_shape=(3,)), layers.Dense(4, "relu"), layers.Dense(2)]
    )
    same.set_weights(model.get_weights())
    same.compile("sgd", "mse")
    figures = [
        one.fit(X, np.eye(2)[Y], epochs=3, shuffle=False, verbose=0).history
        for one in (model, same)
    ]
    assert figures[0] == figures[1]
    assert model.layers == [*model.blocks, model.by_name["last"]]
    np.testing.assert_array_equal(model.blocks[0].kernel, same.layers[0].kernel)
    assert (model.name, isinstance(model, keras.Model)) == ("blocks", True)


def test_a_layer_that_only_training_calls_drops_in_training_alone():
    keras.utils.set_random_seed(0)
    model = Mlp(name="mlp")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y))
    minnet.keras.backend._state["seeds"] = None
    assert [type(one).__name__ for one in model.layers] == ["Dense", "Dropout", "Dense"]
    np.testing.assert_array_equal(model(X), model(X))
    assert not np.array_equal(model(X, training=True), model(X, training=True))
    np.testing.assert_allclose(model(X).sum(axis=1), 1.0, rtol=1e-6)
    minnet.check_gradients(model, X[:4], Y[:4])


def test_models_that_call_calls_learn_with_it():
    model = Autoencoder()
    model.compile("adam", "mse")
    model.fit(X, X, epochs=2, verbose=0)
    code = model.encoder(X).numpy()
    np.testing.assert_array_equal(model.decoder.predict(code), model.predict(X))
    assert model.layers[0] is model.encoder


def test_its_layers_can_be_frozen_before_it_has_seen_data():
    model = Mlp()
    assert list(model.layers) == [model.hidden, model.dropout, model.last]
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="y"):
        model.fit(X, Y[:3], verbose=0)  # leaves no trace
    model.predict(X, verbose=0)
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    same = [np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert same == [True, True, False, False]


def test_an_inner_model_can_be_frozen_before_data():
    model = Autoencoder()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    assert len(model.trainable_weights) == 4


def test_it_is_copied_pickled_and_saved_as_its_stack(tmp_path):
    model = Mlp()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.npz")
    loaded = keras.models.load_model(tmp_path / "model.npz")
    for other in (loaded, copy.deepcopy(model), model.copy()):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
    plain = Blocks()
    plain(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(plain))(X), plain(X))
    again = Blocks()
    again.build((None, 3))
    plain.save_weights(tmp_path / "plain.npz")
    again.load_weights(tmp_path / "plain.npz")
    np.testing.assert_array_equal(again(X), plain(X))


def test_a_class_may_hand_a_chain_on_instead_of_a_call():
    class Chain(Model):
        def __init__(self):
            inputs = keras.Input((3,))
            super().__init__(inputs, layers.Dense(2)(layers.Dense(4)(inputs)), name="chain")

    model = Chain()
    assert (model.output_shape, len(model.layers)) == ((2,), 3)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda self, x: self.last(self.hidden(x)) + x, "no sum or product of the outputs"),
        (lambda self, x: np.tanh(self.hidden(x)), r"Mlp\.call takes x, and calls one layer on"),
        (lambda self, x: x, r"Model takes an Input, and what layers on top of it give\."),
        (lambda self, x: (self.hidden(x), x), r"Mlp\.call returns what its last layer gives\."),
        (
            lambda self, x, training: self.hidden(x) if training else self.last(x),
            r"Mlp\.call calls the same layers in training and in prediction, besides Dropout",
        ),
    ],
)
def test_a_call_that_does_more_stops_with_a_sentence(call, sentence):
    kind = type("Mlp", (Mlp,), {"call": call})
    with pytest.raises(NotImplementedError, match=sentence):
        kind().predict(X)


def test_a_class_without_a_call_and_one_with_a_step_of_its_own_are_told():
    class Empty(Model):
        pass

    with pytest.raises(NotImplementedError, match=r"A class below Model takes a call\."):
        Empty().predict(X)
    with pytest.raises(TypeError, match=r"Steps\.train_step, which none does\."):

        class Steps(Model):
            def train_step(self, data):
                return {}


def test_such_a_model_is_a_block_of_another():
    block = Blocks()
    inputs = keras.Input((3,))
    model = Model(inputs, layers.Dense(1)(block(inputs)))
    assert model.layers[1] is block
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    np.testing.assert_array_equal(model.layers[1](X), block.predict(X))
    with pytest.raises(ValueError, match=r"Build it first: blocks\.build\(\(None, D\)\)"):
        keras.Sequential([Blocks(), layers.Dense(1)])
    built = Blocks()
    built.build((None, 3))
    assert keras.Sequential([built, layers.Dense(1)]).predict(X).shape == (24, 1)


def test_slips_are_answered_in_the_words_of_the_class():
    class Slip(Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(2)

        def call(self, x):
            return self.hiden(x)

    with pytest.raises(AttributeError, match=r'Slip has no hiden\. Did you mean "hidden"\?'):
        Slip().predict(X)
    with pytest.raises(AttributeError, match=r"Slip's steps cannot be set\. .* another name\."):
        Slip().steps = 3
    with pytest.raises(RuntimeError, match=r"slip knows its layers when its call has run\."):
        Slip().count_params()


def test_arithmetic_on_what_a_layer_gives_says_what_to_write():
    inputs = keras.Input((3,))
    for compute in (lambda x: x / 255.0, lambda x: 2 * x, lambda x: x - 1):
        for below in (inputs, layers.Dense(2)(inputs)):
            with pytest.raises(NotImplementedError, match=r"Call layers\.Rescaling\(scale, off"):
                compute(below)
    with pytest.raises(NotImplementedError, match="sum or product"):
        -inputs  # noqa: B018 - raises
    with pytest.raises(TypeError, match="ufunc"):
        np.tanh(inputs)
