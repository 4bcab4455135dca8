"""Layers that are called one on another, and what `Model` makes of them."""

import copy
import pickle

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import Input, Model, Sequential, layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = np.random.default_rng(1).integers(2, size=24)


@pytest.fixture
def chain():
    keras.utils.set_random_seed(0)
    inputs = Input((3,), name="row")
    code = layers.Dense(4, activation="tanh", name="code")(inputs)
    outputs = layers.Dense(2, activation="softmax", name="classes")(code)
    yield inputs, code, outputs
    minnet.keras.backend._state["seeds"] = None


def test_layers_called_on_each_other_are_a_stack(chain):
    inputs, code, outputs = chain
    assert (code.shape, outputs.shape) == ((None, 4), (None, 2))
    model = Model(inputs=inputs, outputs=outputs, name="small")
    assert (model.name, type(model).__name__) == ("small", "Functional")
    assert isinstance(model, keras.Model)
    assert isinstance(model, minnet.Sequential)
    assert (model.input_shape, model.output_shape) == ((3,), (2,))
    same = Sequential([Input((3,)), layers.Dense(4, "tanh"), layers.Dense(2, "softmax")])
    same.set_weights(model.get_weights())
    for one in (model, same):
        one.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
        one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(X), same.predict(X))


def test_its_first_entry_is_the_input_as_in_keras(chain):
    inputs, _, outputs = chain
    model = Model(inputs, outputs)
    assert model.layers[0] is inputs
    assert [one.name for one in model.layers[:]] == ["row", "code", "classes"]
    assert [one.name for one in model.layers] == ["code", "classes"]
    assert (len(model.layers), model.get_layer(index=1).name) == (3, "code")
    for one in model.layers[:2]:
        one.trainable = False
        assert isinstance(one.get_weights(), list)
        assert one.count_params() in (0, 16)
    assert [one.trainable for one in model.layers] == [False, True]


def test_models_of_one_chain_share_its_layers(chain):
    inputs, code, outputs = chain
    whole, encoder = Model(inputs, outputs), Model([inputs], [code])
    again = Model(whole.input, whole.get_layer("code").output)
    from_its_own = Model(inputs, whole.layers[-2].output)
    through_a_twin = Model(inputs, encoder.layers[-1].output)
    whole.compile("sgd", "sparse_categorical_crossentropy")
    whole.fit(X, Y, verbose=0)
    for part in (encoder, again, from_its_own, through_a_twin):
        np.testing.assert_array_equal(part.predict(X), whole.features(X, upto="code"))
    encoder.trainable = False
    assert not whole.get_layer("code").trainable


def test_a_new_head_stands_on_what_a_layer_of_a_trained_model_gives(chain):
    base = Sequential([Input((3,)), layers.Dense(5, "relu"), layers.Dense(4), layers.Dense(2)])
    for layer in base.layers:
        layer.trainable = False
    head = layers.Dense(1, activation="sigmoid", name="new")
    model = Model(base.input, head(layers.Dropout(0.2)(base.layers[-2].output)))
    assert [type(one).__name__ for one in model.layers] == ["Dense", "Dense", "Dropout", "Dense"]
    before = base.get_weights()
    model.compile("adam", "binary_crossentropy")
    model.fit(X, Y, verbose=0)
    assert all(map(np.array_equal, before, base.get_weights()))
    assert model.layers[-1] is head
    assert len(model.trainable_weights) == 2


def test_a_model_is_called_as_a_layer_is():
    base = Sequential([Input((3,)), layers.Dense(4, "relu")], name="base")
    inputs = Input((3,))
    model = Model(inputs, layers.Dense(2)(base(inputs, training=False)))
    assert model.layers[1] is base
    assert len(model.layers) == 3
    base.trainable = False
    assert len(model.trainable_weights) == 2
    assert Model(model.input, model.output).predict(X).shape == (24, 2)


def test_the_upper_layer_of_a_model_is_called_on_another_input(chain):
    inputs, code, outputs = chain
    whole, encoder = Model(inputs, outputs), Model(inputs, code)
    middle = Input(shape=(4,))
    decoder = Model(middle, whole.layers[-1](middle))
    np.testing.assert_array_equal(decoder.predict(encoder.predict(X)), whole.predict(X))


def test_several_outputs_are_there_to_look_at(chain):
    inputs, _, outputs = chain
    model = Model(inputs, outputs)
    views = Model(model.inputs, [layer.output for layer in model.layers])
    code, classes = views.predict(X)
    np.testing.assert_array_equal(code, model.features(X, upto="code"))
    np.testing.assert_array_equal(classes, model.predict(X))
    assert [view.shape for view in views(X[:2])] == [(2, 4), (2, 2)]
    with pytest.raises(NotImplementedError, match=r"no compile of a model with several outputs\."):
        views.compile("sgd", "mse")


def test_a_layer_has_its_weights_as_soon_as_it_is_called():
    dense = layers.Dense(2)
    dense(Input((3,)))
    assert dense.kernel.shape == (3, 2)
    dense.set_weights([np.ones((3, 2)), np.zeros(2)])
    inputs = Input((3,))
    np.testing.assert_allclose(
        Model(inputs, dense(inputs)).predict(X), np.tile(X.sum(axis=1)[:, None], 2), rtol=1e-5
    )


@pytest.mark.parametrize("compiled", [True, False])
def test_a_file_and_a_clone_count_as_the_model_does(chain, tmp_path, compiled):
    """`layers[1]` of a model that was read back is the layer that it was before."""
    inputs, _, outputs = chain
    model = Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.npz")
    again = keras.models.load_model(tmp_path / "model.npz", compile=compiled)
    again.save(tmp_path / "again.npz")
    for other in (
        again,
        keras.models.load_model(tmp_path / "again.npz"),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
        keras.Model.from_config(model.get_config()),
    ):
        assert [one.name for one in other.layers[1:]] == ["code", "classes"]
        assert len(other.layers) == 3
        assert Model(other.input, other.layers[1].output).output_shape == (4,)
    assert not minnet.load(tmp_path / "model.npz").layers[0].name.startswith("input")
    stack = Sequential([Input((3,)), layers.Dense(2, name="one")])
    stack.save(tmp_path / "stack.npz")
    assert keras.models.load_model(tmp_path / "stack.npz").layers[0].name == "one"


def test_copies_are_plain_stacks(chain):
    inputs, _, outputs = chain
    model = Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    for other in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        assert other.layers[0].name == "code"


def test_minnets_own_tools_work_on_it(chain):
    inputs, _, outputs = chain
    model = Model(inputs, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    assert minnet.check_gradients(model, X[:5], Y[:5]).ok
    assert "code" in str(minnet.explain_step(model, X[:2], Y[:2]))
    assert minnet.diagnose(model, X, Y) is not None
    model.freeze("code")
    assert model.replace_head(minnet.layers.Dense(3), seed=0).output_shape == (3,)


@pytest.mark.parametrize(
    "joined",
    [
        lambda a, b: a + b,
        lambda a, b: 2.0 * a,
        lambda a, b: layers.Concatenate()([a, b]),
        lambda a, b: keras.ops.mean(a),
    ],
)
def test_what_is_no_chain_says_so(joined):
    inputs = Input((3,))
    with pytest.raises(NotImplementedError, match=r"minnet\.keras has no .*\. [A-Zm].*\.$"):
        joined(layers.Dense(3)(inputs), inputs)


def test_ends_that_nothing_connects_are_refused(chain):
    inputs, code, outputs = chain
    for first, last in ((Input((3,)), outputs), (outputs, inputs), (inputs, inputs), (code, 3)):
        with pytest.raises(NotImplementedError, match="from one Input to the output each is"):
            Model(first, last)
    assert Model(code, outputs).input_shape == (4,)


def test_a_layer_that_does_not_fit_is_refused_where_it_is_called():
    inputs = Input((3,))
    with pytest.raises(ValueError, match=r"Conv2D takes x of shape \(N, H, W, C\)"):
        layers.Conv2D(2, 3)(inputs)
    dense = layers.Dense(2)
    dense(inputs)
    with pytest.raises(ValueError, match=r"takes x of shape \(N, 3\)\. Got \(N, 5\)"):
        dense(Input((5,)))
