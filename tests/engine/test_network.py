"""The stack itself: its three vectors, the views into them, copies, and shapes that do not fit."""

from __future__ import annotations

import copy
import pickle
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.engine.network import Network
from minnet.foundation.registry import register
from minnet.initializers import Constant
from minnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    ReLU,
)
from minnet.models import Sequential
from tests.strategies import seeds


@register
class Shifted(Layer):
    """A student's layer with one array of each kind."""

    parameters = ("c",)
    states = ("seen",)

    def build(self, input_shape, rng):
        self.add_weight("c", input_shape, Constant(0.5), rng)
        self.add_weight("seen", (2,), Constant(0.0), rng)

    def forward(self, x, memo=None):
        return x + self.c

    def backward(self, x, y, dy, memo=None):
        return dy

    def gradient(self, x, y, dy, memo=None):
        self.dc[...] = dy.sum(axis=0)


def network(seed=0, dtype="float32", **settings):
    """Four inputs, three classes, and every kind of array."""
    return Sequential(
        [
            Dense(5, "relu", input_dim=4),
            BatchNormalization(),
            Shifted(),
            Dropout(0.3),
            Dense(3, "softmax"),
        ],
        seed=seed,
        dtype=dtype,
        **settings,
    )


def assert_views(model):
    """Every array of a layer is a stretch of one of the three vectors, end to end, and no copy."""
    kinds = {"theta": "parameters", "grad": "parameters", "state": "states"}
    for vector, kind in kinds.items():
        whole, start = getattr(model, vector), 0
        for layer in model.layers:
            for name in getattr(layer, kind):
                array = getattr(layer, "d" + name if vector == "grad" else name)
                assert array.dtype == model.dtype == layer.dtype
                assert np.shares_memory(array, whole)
                start += array.size
                whole[start - array.size : start] = np.arange(array.size) + start
                assert np.array_equal(array.ravel(), np.arange(array.size) + start)
        assert start == whole.size
    assert model.count_params() == model.theta.size + model.state.size


def popped():
    model = network()
    model.pop()
    return model


def grown():
    model = network()
    model.add(Dense(2))
    return model


def late():
    model = Sequential([Dense(3, "tanh"), BatchNormalization(), Shifted(), Dense(2)])
    model.build((4,))
    return model


def replaced():
    return network().replace_head(Dense(4, "tanh"), Dense(2))


WAYS = {
    "made": network,
    "float64": lambda: network(dtype="float64"),
    "grown": grown,
    "popped": popped,
    "late": late,
    "replaced": replaced,
    "deepcopy": lambda: copy.deepcopy(network()),
    "copy": lambda: copy.copy(network()),
    "copied": lambda: network().copy(),
    "pickled": lambda: pickle.loads(pickle.dumps(network())),
    "copied twice": lambda: network().copy().copy(),
    "another's layers": lambda: Sequential([*network().layers[:-1], Dense(2)]),
    "reset": lambda: (lambda model: (model.reset(1), model)[1])(network()),
}


@pytest.mark.parametrize("way", WAYS)
def test_arrays_are_views_however_the_model_came_about(way):
    assert_views(WAYS[way]())


def test_arrays_of_a_loaded_model_are_views(tmp_path):
    network().save(tmp_path / "model.npz")
    model = minnet.load(tmp_path / "model.npz")
    assert_views(model)
    model.save_weights(tmp_path / "weights.npz")
    other = network(1)
    other.load_weights(tmp_path / "weights.npz")
    assert np.array_equal(other.theta, model.theta)
    assert_views(other)


def test_arrays_are_views_after_a_fit():
    model = network()
    model.compile("adam", "cross_entropy")
    model.fit(np.ones((6, 4)), [0, 1, 2] * 2, epochs=2, verbose=0)
    assert_views(model)


def test_setting_a_weight_changes_theta():
    model = network()
    layer, theta = model.layers[0], model.theta
    layer.W = np.full((4, 5), 2.0)
    layer.b += 1
    assert np.array_equal(theta[:25], [2.0] * 20 + [1.0] * 5)
    layer.dW = np.full((4, 5), 3.0)
    assert np.array_equal(model.grad[:20], [3.0] * 20)
    assert model.theta is theta
    assert_views(model)


def test_setting_a_weight_of_another_shape_changes_nothing():
    model = network()
    before = model.theta.copy()
    with pytest.raises(ValueError, match=r"dense_1.W takes an array of shape \(4, 5\). Got \(5, 4"):
        model.layers[0].W = np.ones((5, 4))
    with pytest.raises(ValueError, match=r"dense_1.b takes an array of shape \(5,\). Got \(\)"):
        model.layers[0].b = 1.0
    assert np.array_equal(model.theta, before)


@pytest.mark.parametrize("name", ["theta", "grad", "state"])
def test_setting_a_vector_copies_in(name):
    model = network()
    vector = getattr(model, name)
    values = np.arange(vector.size, dtype=float)
    setattr(model, name, values)
    assert getattr(model, name) is vector
    assert np.array_equal(vector, values)
    values[...] = -1
    assert not (vector == -1).any()
    assert_views(model)


@pytest.mark.parametrize("name", ["theta", "grad", "state"])
def test_setting_a_vector_to_its_own_memory_reversed(name):
    model = network()
    vector = getattr(model, name)
    vector[...] = np.arange(vector.size)
    setattr(model, name, vector[::-1])
    assert np.array_equal(vector, np.arange(vector.size)[::-1])


def test_augmented_assignment_of_theta():
    model = network()
    theta, before = model.theta, model.theta.copy()
    model.theta += 1
    model.theta *= 2
    assert model.theta is theta
    assert np.array_equal(theta, (before + 1) * 2)


@pytest.mark.parametrize("name", ["theta", "grad", "state"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (lambda n: np.ones(n + 1), ValueError, r"takes \(\d+,\). Got \(\d+,\)"),
        (lambda n: np.ones((n, 1)), ValueError, r"takes \(\d+,\). Got \(\d+, 1\)"),
        (lambda n: 1.0, ValueError, r"takes \(\d+,\). Got \(\)"),
        (lambda n: np.full(n, np.nan), ValueError, "takes finite numbers. Got nan in row 0"),
        (lambda n: np.full(n, 1e300), ValueError, "numbers that float32 can hold. Got 1e\\+300"),
        (lambda n: np.ones(n) * 1j, TypeError, "takes real numbers"),
        (lambda n: None, TypeError, "takes an array of numbers. Got None"),
    ],
    ids=["longer", "column", "number", "nan", "large", "complex", "none"],
)
def test_a_vector_that_does_not_fit_changes_nothing(name, value, error, message):
    model = network()
    vector = getattr(model, name)
    before = vector.copy()
    with pytest.raises(error, match=f"^{name} .*{message}"):
        setattr(model, name, value(vector.size))
    assert np.array_equal(vector, before)


@pytest.mark.parametrize("what", ["theta", "grad", "state", "input_shape", "output_shape"])
def test_what_is_not_built_says_how_to_build_it(what):
    with pytest.raises(RuntimeError, match=r"not built.*input_dim=….*build\(\(784,\)\)"):
        getattr(Sequential([Dense(3)]), what)
    with pytest.raises(RuntimeError, match=r"no layers yet. Use add\(layer\)"):
        getattr(Sequential(), what)


@pytest.mark.parametrize("method", ["named_arrays", "get_weights", "count_params"])
def test_methods_of_what_is_not_built_say_so(method):
    with pytest.raises(RuntimeError, match="not built"):
        getattr(Sequential([Dense(3)]), method)()


# --- copies ---------------------------------------------------------------------------------------

COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "method": lambda model: model.copy(),
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


def train(model, seed=0):
    rng = np.random.default_rng(seed)
    return model.fit(rng.random((12, 4)), rng.integers(3, size=12), epochs=2, verbose=0)


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("changed", [0, 1], ids=["original", "copy"])
def test_copies_are_independent_in_both_directions(way, changed):
    model = network()
    model.compile("adam", "cross_entropy")
    train(model)
    models = [model, COPIES[way](model)]
    other = models[1 - changed]
    before = other.theta.copy(), other.state.copy(), other.grad.copy()
    slots = {name: values.copy() for name, values in other.updates.slots.items()}
    kept = other.predict(np.ones((2, 4)))
    models[changed].freeze("dense_1")
    models[changed].compile("sgd", "cross_entropy")
    train(models[changed], 1)
    models[changed].theta += 1
    models[changed].state += 1
    models[changed].add(Dense(3))
    for now, then in zip((other.theta, other.state, other.grad), before, strict=True):
        assert np.array_equal(now, then)
    assert np.array_equal(other.predict(np.ones((2, 4))), kept)
    assert len(other.layers) == 5
    assert other.layers[0].trainable
    for name, values in slots.items():
        assert np.array_equal(other.updates.slots[name], values)


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_trains_as_the_original_would(way):
    model = network(dtype="float64")
    model.compile("adam", "cross_entropy")
    train(model)
    twin = COPIES[way](model)
    one, two = train(model, 1), train(twin, 1)
    assert one.history == two.history
    assert np.array_equal(model.theta, twin.theta)
    assert np.array_equal(model.state, twin.state)


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_keeps_names_owners_and_words(way):
    model = network(name="digits")
    model.class_names, model.preprocessing = ["a", "b", "c"], "x / 255"
    twin = COPIES[way](model)
    assert twin.name == "digits"
    assert twin.class_names == ["a", "b", "c"]
    assert twin.class_names is not model.class_names
    assert twin.preprocessing == "x / 255"
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert {layer.owner for layer in twin.layers} == {"digits"}
    assert [layer.origin for layer in twin.layers] == ["new"] * 5
    assert not any(a is b for a, b in zip(twin.layers, model.layers, strict=True))
    assert [step.label for step in twin.steps] == [step.label for step in model.steps]


@pytest.mark.parametrize("way", COPIES)
def test_copies_of_what_is_not_built_or_empty(way):
    twin = COPIES[way](Sequential([Dense(3)], seed=0))
    assert not twin.built
    twin.build(4)
    assert_views(twin)
    empty = COPIES[way](Sequential())
    empty.add(Dense(2, input_dim=1))
    assert_views(empty)


def test_a_pickle_holds_every_number_once():
    model = Sequential([Dense(100, input_dim=100)])
    assert len(pickle.dumps(model)) < 1.2 * (model.theta.nbytes + model.grad.nbytes)


def test_a_copy_draws_the_same_numbers_but_from_a_generator_of_its_own():
    model = network()
    twin = model.copy()
    assert model.rng.random() == twin.rng.random()
    model.rng.random()
    assert twin.rng.bit_generator.state != model.rng.bit_generator.state


# --- add and pop ----------------------------------------------------------------------------------


def test_a_layer_of_another_model_is_copied_with_its_weights_and_says_where_from():
    base = network(name="base")
    theta = base.theta.copy()
    model = Sequential([*base.layers[:-1], Dense(2)], name="top")
    assert np.array_equal(model.layers[0].W, base.layers[0].W)
    assert [layer.origin for layer in model.layers] == ["copy of base"] * 4 + ["new"]
    assert [layer.owner for layer in model.layers] == ["top"] * 5
    assert [layer.owner for layer in base.layers] == ["base"] * 5
    model.theta += 1
    assert np.array_equal(base.theta, theta)
    base.theta += 5
    assert np.array_equal(model.theta[: theta.size - 18], theta[:-18] + 1)


def test_the_first_origin_stays():
    first = Sequential([Dense(2, input_dim=2)], name="first")
    second = Sequential(first.layers, name="second")
    third = Sequential(second.layers, name="third")
    assert third.layers[0].origin == "copy of first"


def test_a_layer_that_is_free_is_taken_itself():
    layer = Dense(2, input_dim=3)
    model = Sequential([layer])
    assert model.layers[0] is layer
    assert layer.owner == "sequential"


def test_a_layer_built_before_keeps_its_weights():
    layer = Dense(2)
    layer.build((3,), np.random.default_rng(0))
    layer.W = np.ones((3, 2))
    model = Sequential([Input(3), layer], dtype="float64")
    assert np.array_equal(model.theta, [1.0] * 6 + [0.0] * 2)
    assert_views(model)


def test_the_list_of_layers_is_a_copy():
    model = network()
    for change in (
        lambda layers: layers.clear(),
        lambda layers: layers.append(Dense(2)),
        lambda layers: layers.pop(),
        lambda layers: layers.__setitem__(0, Dense(2)),
    ):
        with pytest.raises(TypeError, match=r"model.layers is a copy .* Use model.add\(layer\)"):
            change(model.layers)
    model.steps.clear()
    assert len(model.layers) == 5
    assert [step.label for step in model.steps] == [
        "dense_1",
        "dense_1.relu",
        "batch_normalization_1",
        "shifted_1",
        "dropout_1",
        "dense_2",
        "dense_2.softmax",
    ]


def test_pop_gives_a_layer_of_its_own_back():
    model = network()
    before = model.theta.copy()
    layer = model.pop()
    W = layer.W.copy()
    assert layer.owner is None
    model.theta += 1
    assert np.array_equal(layer.W, W)
    layer.W += 7
    assert np.array_equal(model.theta, before[:-18] + 1)
    assert model.output_shape == (5,)
    model.add(layer)
    assert model.layers[-1] is layer
    assert np.array_equal(layer.W, W + 7)
    assert_views(model)


def test_a_popped_layer_says_in_another_model_where_it_came_from():
    model = network(name="base")
    head, dropout = model.pop(), model.pop()
    assert dropout.origin == "new"
    assert Sequential([head]).layers[0].origin == "popped off base"
    copied = Sequential(model.layers)
    assert copied.pop().origin == "copy of base"


def test_pop_of_an_empty_model():
    with pytest.raises(ValueError, match=r"pop takes a layer off .* Got an empty model"):
        Sequential().pop()


def test_pop_before_build():
    model = Sequential([Dense(3), Dense(2)])
    assert model.pop().units == 2
    model.build(4)
    assert model.output_shape == (3,)


def test_pop_forgets_what_a_step_remembers_of_the_layer():
    model = network()
    model.compile("sgd", "cross_entropy")
    model.loss_and_gradient(np.ones((2, 4)), [0, 1])
    model.pop()
    model.add(BatchNormalization())
    state = model.state.copy()
    model.apply_gradient()
    assert np.array_equal(model.state, state)
    assert model.outputs == []


def test_a_popped_layer_does_not_keep_the_models_memory():
    layer = network().pop()
    assert layer.W.base.size == layer.b.base.size == layer.count_params()


def test_a_step_knows_what_was_popped_and_added_since_the_last():
    model = network(dtype="float64")
    model.compile("sgd", "mae")
    model.loss_and_gradient(np.ones((2, 4)), np.ones((2, 3)))
    model.pop()
    model.add(Activation("tanh"))
    twin = model.copy()
    for each in (model, twin):
        each.loss_and_gradient(np.ones((2, 4)), np.ones((2, 5)), seed=0)
    assert np.array_equal(model.grad, twin.grad)
    assert len(model.plan().in_training) == len(model.steps)


def test_gradients_and_statistics_stay_when_layers_come_and_go():
    model = network()
    model.grad[...] = np.arange(model.grad.size)
    model.state[...] = np.arange(model.state.size)
    size = model.grad.size
    model.add(Dense(2))
    assert np.array_equal(model.grad[:size], np.arange(size))
    assert not model.grad[size:].any()
    model.pop()
    assert np.array_equal(model.state, np.arange(model.state.size))


NO_LAYERS = {
    "number": (lambda: 3, r"Sequential takes layers. Got 3\."),
    "text": (lambda: "relu", r"Sequential takes layers. Got 'relu'"),
    "none": (lambda: None, r"Sequential takes layers. Got None"),
    "class": (lambda: ReLU, r"Sequential takes layers. Got <class .*Call it: ReLU\(…\)"),
    "Input class": (lambda: Input, r"Call it: Input\(…\)"),
    "list": (lambda: [Dense(2)], r"Sequential takes layers. Got \[Dense"),
    "model": (network, r"a model inside a model.*Sequential\(base.layers \+ \[Dense\(10\)\]\)"),
}


@pytest.mark.parametrize("case", NO_LAYERS)
def test_what_is_no_layer_is_refused(case):
    make, message = NO_LAYERS[case]
    model = network()
    with pytest.raises(TypeError, match=message):
        model.add(make())
    with pytest.raises(TypeError, match=message):
        Sequential([Dense(2, input_dim=2), make()])
    assert len(model.layers) == 5
    assert_views(model)


@pytest.mark.parametrize("layers", [5, None, "relu", Dense(2), network()], ids=repr)
def test_layers_are_a_list(layers):
    fix = r"Sequential\(model.layers\)" if isinstance(layers, Sequential) else r"add\(layer\)"
    with pytest.raises(TypeError, match=rf"Sequential takes a list of layers. Got .*{fix}"):
        Sequential(layers)


def test_layers_may_come_from_a_generator():
    model = Sequential(Dense(n, input_dim=3 if n == 2 else None) for n in (2, 4))
    assert model.output_shape == (4,)


def test_the_same_layer_twice_is_refused():
    layer = Dense(3, input_dim=3)
    with pytest.raises(ValueError, match=r"dense_1 is in this model already.*layer.copy\(\)"):
        Sequential([layer, layer])
    model = Sequential([layer])
    with pytest.raises(ValueError, match="is in this model already"):
        model.add(layer)
    assert model.layers == [layer]


def test_the_same_name_twice_is_refused():
    with pytest.raises(ValueError, match=r"takes a name of its own. Got a second 'a'"):
        Sequential([Dense(2, name="a"), Dense(3, name="a")])
    with pytest.raises(ValueError, match=r"Got a second 'a'.*layer.name = …"):
        Sequential([Dense(2, name="a", input_dim=2)]).add(
            Sequential([Dense(3, name="a")]).layers[0]
        )
    base = network()
    clone = base.layers[0].copy()
    clone.name = "other"
    assert Sequential([*base.layers[:1], Dense(4), clone]).layers[-1].name == "other"


def test_a_name_that_a_model_gave_gives_way():
    a = Sequential([Dense(3, input_dim=2), Dense(4)], seed=0)
    b = Sequential([Dense(3), Dense(2, name="head")], seed=1)
    both = Sequential([*a.layers, *b.layers])
    assert [layer.name for layer in both.layers] == ["dense_1", "dense_2", "dense_3", "head"]
    assert [layer.name for layer in b.layers] == ["dense_1", "head"]
    with pytest.raises(ValueError, match="a second 'head'"):
        both.add(b.layers[1])


def test_a_layer_that_was_popped_can_be_put_back_above_others():
    model = Sequential([Dense(3, input_dim=2), Dense(2)], seed=0)
    head = model.pop()
    model.add(Dense(3))
    model.add(head)
    assert [layer.name for layer in model.layers] == ["dense_1", "dense_2", "dense_3"]
    assert model.layers[-1] is head


def test_a_name_of_a_files_gives_way_and_one_that_was_set_does_not(tmp_path):
    model = Sequential([Dense(3, input_dim=3), Dense(3, name="first")], seed=0)
    model.save(tmp_path / "m.npz")
    loaded = minnet.load(tmp_path / "m.npz")
    new = Sequential([Dense(3, input_dim=3), *loaded.layers[:1]])
    assert [layer.name for layer in new.layers] == ["dense_1", "dense_2"]
    with pytest.raises(ValueError, match="a second 'first'"):
        Sequential([Dense(3, name="first", input_dim=3), *loaded.layers[1:]])
    layer = model.layers[0].copy()
    assert layer.named_by_model
    layer.name = "dense_1"
    with pytest.raises(ValueError, match="a second 'dense_1'"):
        model.add(layer)


def test_a_refused_layer_keeps_its_name():
    model = Sequential([Dense(3, input_dim=2), Dense(2)], seed=0)
    head = Sequential([Dense(4, input_dim=5)], seed=0).pop()
    with pytest.raises(ValueError, match=r"takes x of shape \(N, 5\)"):
        model.add(head)
    assert (head.name, head.named_by_model) == ("dense_1", True)


def test_names_are_counted_by_class_and_avoid_those_taken():
    layers = [Dense(2), ReLU(), Dense(2, name="dense_3"), Dense(2), Dense(2), Dropout(0.1)]
    names = [layer.name for layer in Sequential(layers).layers]
    assert names == ["dense_1", "re_lu_1", "dense_3", "dense_4", "dense_5", "dropout_1"]


def test_a_model_that_cannot_be_made_leaves_the_layers_as_they_were():
    layers = [Dense(3, input_dim=2), BatchNormalization(), Dense(2, name="top")]

    def attributes():
        return [{n: v for n, v in vars(layer).items() if n != "revision"} for layer in layers]

    before = attributes()
    with pytest.raises(TypeError, match="takes layers"):
        Sequential([*layers, "oops"])
    with pytest.raises(ValueError, match="name of its own"):
        Sequential([*layers, Dense(2, name="top")])
    assert attributes() == before
    one, two = Sequential(layers, seed=3), network()
    assert [layer.owner for layer in one.layers] == ["sequential"] * 3
    assert one.layers[0] is layers[0]
    assert two.layers[0] is not layers[0]


def test_a_layer_that_cannot_be_added_stays_as_it_was():
    model = network()
    layer = BatchNormalization(input_shape=(9,))
    with pytest.raises(ValueError, match=r"takes x of shape \(N, 9\)"):
        model.add(layer)
    assert (layer.name, layer.owner, layer.built) == (None, None, False)
    assert model.output_shape == (3,)


@register
class Failing(Layer):
    """A student's layer that does not get through its build."""

    parameters = ("a", "b")

    def build(self, input_shape, rng):
        self.add_weight("a", input_shape, Constant(1.0), rng)
        raise OSError("a file is missing")


def test_a_build_that_fails_leaves_no_weights():
    model = Sequential([Dense(3), Failing()], seed=0)
    with pytest.raises(OSError, match="a file is missing"):
        model.build(4)
    assert not model.built
    assert [layer.arrays() for layer in model.layers] == [{}, {}]
    model.pop()
    model.build(5)
    assert model.input_shape == (5,)


def test_a_build_that_forgets_a_weight_is_named():
    class Forgets(Layer):
        parameters = ("a", "b")
        states = ("c",)

        def build(self, input_shape, rng):
            self.add_weight("a", input_shape, Constant(1.0), rng)

    with pytest.raises(ValueError, match=r"forgets_1.build creates all.*Got none named b, c\."):
        Sequential([Input(3), Forgets()])


# --- the shape of the input -----------------------------------------------------------------------

BEGINNINGS = {
    "input_dim": lambda: Sequential([Dense(2, input_dim=3)], seed=0),
    "input_shape": lambda: Sequential([Dense(2, input_shape=(3,))], seed=0),
    "Input": lambda: Sequential([Input(3), Dense(2)], seed=0),
    "Input of a tuple": lambda: Sequential([Input((3,)), Dense(2)], seed=0),
    "both": lambda: Sequential([Input(3), Dense(2, input_dim=3)], seed=0),
    "build": lambda: (lambda model: (model.build((3,)), model)[1])(Sequential([Dense(2)], seed=0)),
    "build by number": lambda: (lambda model: (model.build(np.int64(3)), model)[1])(
        Sequential([Dense(2)], seed=0)
    ),
}


@pytest.mark.parametrize("way", BEGINNINGS)
def test_ways_to_say_the_input_shape_mean_the_same(way):
    model = BEGINNINGS[way]()
    assert model.built
    assert model.input_shape == (3,)
    assert model.output_shape == (2,)
    assert np.array_equal(model.theta, BEGINNINGS["input_dim"]().theta)


def test_data_builds_a_model_as_input_dim_does():
    late, early = Sequential([Dense(2)], seed=0), Sequential([Dense(2, input_dim=3)], seed=0)
    for model in (late, early):
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, seed=1)
    assert np.array_equal(late.theta, early.theta)


def test_build_twice_with_one_shape_changes_nothing():
    model = network()
    theta = model.theta
    model.build((4,))
    model.build(4)
    assert model.theta is theta
    with pytest.raises(ValueError, match=r"built for samples of shape \(4,\). Got \(5,\)"):
        model.build(5)


def test_build_of_nothing():
    with pytest.raises(RuntimeError, match=r"no layers yet. Use add"):
        Sequential().build(3)
    with pytest.raises(RuntimeError, match=r"no layers yet. Use add"):
        Sequential([Input(3)]).build(3)


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((None, 784), ValueError, r"without the batch. Got \(None, 784\). Use \(784,\)"),
        ((), ValueError, r"at least one axis. Got \(\)"),
        (0, ValueError, r"Each axis of build's input_shape takes a whole number, 1 or more. Got 0"),
        ("4", TypeError, r"takes a shape such as \(784,\)"),
        (4.0, TypeError, r"takes a shape such as \(784,\).*Got 4.0"),
        ((4.0,), TypeError, r"Each axis of build's input_shape takes a whole number. Got 4.0"),
    ],
)
def test_build_refuses_what_is_no_shape(shape, error, message):
    with pytest.raises(error, match=message):
        Sequential([Dense(2)]).build(shape)


def test_an_input_comes_first_and_once():
    for layers in ([Dense(2, input_dim=3), Input(3)], [Input(3), Input(3)], [Dense(2), Input(3)]):
        with pytest.raises(ValueError, match="An Input comes before all layers, and once"):
            Sequential(layers)


def test_an_input_dim_that_does_not_hold_is_refused():
    with pytest.raises(ValueError, match=r"dense_2 takes x of shape \(N, 784\), which .* \(N, 32"):
        Sequential([Dense(32, input_dim=784), Dense(10, input_dim=784)])
    with pytest.raises(ValueError, match=r"dense_1 takes x of shape \(N, 9\).*Got \(N, 4\)"):
        Sequential([Input(4), Dense(2, input_dim=9)])
    late = Sequential([Dense(3), Dense(2, input_dim=9)])
    with pytest.raises(
        ValueError, match=r"dense_2 takes x of shape \(N, 9\).*dense_2 9→2 ✗ got 3, wants 9"
    ):
        late.build(4)
    assert not late.built


def test_layers_that_do_not_fit_are_drawn():
    base = network()
    with pytest.raises(ValueError) as caught:
        Sequential([Dense(7, input_dim=2, name="first"), ReLU(), *base.layers[1:]])
    assert str(caught.value) == (
        "batch_normalization_1 takes x of shape (N, 5). Got (N, 7). Make what comes before it "
        "5 wide, or build batch_normalization_1 for 7 inputs. "
        "x (N, 2) → first 2→7 ✓ → re_lu_1 ✓ → batch_normalization_1 ✗ got 7, wants 5"
    )
    assert_views(base)


def test_images_before_a_dense_are_drawn_too():
    message = r"dense_1 takes x of shape \(N, D\). Got \(N, 8, 8\). Put a Flatten\(\).*dense_1 ✗"
    with pytest.raises(ValueError, match=message):
        Sequential([Input((8, 8)), Dense(3)])
    late = Sequential([Dense(3)])
    with pytest.raises(ValueError, match=message):
        late.build((8, 8))
    late.compile("sgd", "mse")
    with pytest.raises(ValueError, match=message):
        late.fit(np.ones((2, 8, 8)), np.ones((2, 3)), verbose=0)
    assert not late.built


# --- weights --------------------------------------------------------------------------------------


def test_named_arrays_are_views_in_keras_order():
    model = network()
    arrays = model.named_arrays()
    assert {name: array.shape for name, array in arrays.items()} == {
        "dense_1.W": (4, 5),
        "dense_1.b": (5,),
        "batch_normalization_1.gamma": (5,),
        "batch_normalization_1.beta": (5,),
        "batch_normalization_1.moving_mean": (5,),
        "batch_normalization_1.moving_variance": (5,),
        "shifted_1.c": (5,),
        "shifted_1.seen": (2,),
        "dense_2.W": (5, 3),
        "dense_2.b": (3,),
    }
    assert list(arrays)[2:6] == [f"batch_normalization_1.{n}" for n in ("gamma", "beta")] + [
        f"batch_normalization_1.moving_{n}" for n in ("mean", "variance")
    ]
    arrays["dense_2.b"][...] = 9
    assert np.array_equal(model.theta[-3:], [9, 9, 9])


@given(seed=seeds)
def test_get_weights_then_set_weights(seed):
    one, two = network(seed), network(seed + 1)
    one.state = np.random.default_rng(seed).random(one.state.size)
    two.set_weights(one.get_weights())
    assert np.array_equal(one.theta, two.theta)
    assert np.array_equal(one.state, two.state)
    two.theta += 1
    assert not np.array_equal(one.theta, two.theta)


@given(seed=seeds)
def test_set_weights_takes_named_arrays_in_any_order(seed):
    one, two = network(seed), network(seed + 1)
    names = list(one.named_arrays())
    np.random.default_rng(seed).shuffle(names)
    two.set_weights({name: one.named_arrays()[name] for name in names})
    assert np.array_equal(one.theta, two.theta)
    assert np.array_equal(one.state, two.state)


def test_set_weights_takes_what_numpy_loads_of_an_npz_file(tmp_path):
    one, two = network(0), network(1)
    np.savez(tmp_path / "w.npz", **one.named_arrays())
    with np.load(tmp_path / "w.npz") as arrays:
        two.set_weights(arrays)
    assert np.array_equal(one.theta, two.theta)


def test_get_weights_are_copies():
    model = network()
    for array in model.get_weights():
        assert not np.shares_memory(array, model.theta)
        array[...] = 7
    assert not (model.theta == 7).any()


def test_the_articles_mistake_is_explained():
    model = Sequential([Dense(32, "relu", input_dim=784), Dense(10, "softmax")], seed=0)
    before = model.theta.copy()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError) as caught:
        model.set_weights([rng.random(32), rng.random(10)])
    assert str(caught.value) == (
        "set_weights takes 4 arrays: dense_1.W (784, 32), dense_1.b (32,), dense_2.W (32, 10), "
        "dense_2.b (10,). Got 2 arrays: (32,), (10,). Look at [w.shape for w in get_weights()]."
    )
    assert np.array_equal(model.theta, before)


def spoilt(place, change):
    weights = network(1).get_weights()
    weights[place] = change(weights[place])
    return weights


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: network(1).get_weights()[:-1], ValueError, "takes 10 arrays: .* Got 9 arrays"),
        (list, ValueError, "takes 10 arrays: .* Got 0 arrays: none"),
        (lambda: [np.ones(3)], ValueError, r"Got 1 array: \(3,\)"),
        (lambda: network(1).get_weights()[::-1], ValueError, r"takes 10 .* Got 10 arrays: \(3,\)"),
        (lambda: spoilt(-1, lambda w: w[:, None]), ValueError, r"\(3, 1\)"),
        (lambda: spoilt(-1, lambda w: w * np.nan), ValueError, "NaN or infinity in dense_2.b"),
        (lambda: spoilt(-2, lambda w: w + np.inf), ValueError, "NaN or infinity in dense_2.W"),
        (lambda: spoilt(-1, lambda w: w + np.full(3, 1e300)), ValueError, "float32 can hold"),
        (lambda: spoilt(-1, lambda w: w * 1j), TypeError, "Each weight takes real numbers"),
        (lambda: spoilt(-1, lambda w: w.astype("f2")), TypeError, "float32 or float64. Got flo"),
        (lambda: spoilt(-1, lambda w: None), TypeError, "Each weight takes an array of numbers"),
        (lambda: "weights", TypeError, "takes a list of arrays. Got 'weights'"),
        (lambda: {"W": 1}, ValueError, "none for 'dense_1.W'.* one for 'W', which is not there"),
        (lambda: dict(list(network().named_arrays().items())[1:]), ValueError, "none for 'den"),
        (lambda: 3, TypeError, "takes a list of arrays. Got 3"),
    ],
)
def test_set_weights_is_all_or_nothing(make, error, message):
    model = network()
    theta, state = model.theta.copy(), model.state.copy()
    with pytest.raises(error, match=message):
        model.set_weights(make())
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(model.state, state)


# --- settings and words ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float64, np.dtype("f4")])
def test_every_layer_has_the_models_dtype(dtype):
    model = network(dtype=dtype)
    assert model.theta.dtype == model.state.dtype == model.dtype == np.dtype(dtype)
    assert model.predict(np.ones((1, 4))).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_a_copy_in_another_dtype_has_the_same_numbers(dtype):
    model = network()
    twin = model.in_dtype(dtype)
    assert twin.theta.dtype == twin.state.dtype == twin.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(twin.theta, model.theta)
    twin.theta[...] = 0.0
    assert model.dtype == np.float32
    assert model.theta.any()
    with pytest.raises(
        ValueError, match=r"in_dtype's dtype takes float32 or float64 or complex128. Got 'int32'"
    ):
        model.in_dtype("int32")


@pytest.mark.parametrize("dtype", ["float16", "complex128", "int64", "f9", None, 3])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=r"Sequential's dtype takes float32 or float64. Got"):
        Sequential(dtype=dtype)


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "Sequential's seed takes a whole number, 0 or more. Got -1"),
        (1.5, TypeError, "Sequential's seed takes a whole number, a numpy.random.Generator"),
        ("0", TypeError, "Use seed=0"),
        (True, TypeError, "Got True"),
    ],
)
def test_bad_seeds(seed, error, message):
    with pytest.raises(error, match=message):
        Sequential(seed=seed)


@pytest.mark.parametrize("seed", [3, np.int64(3), np.random.default_rng(3)], ids=repr)
def test_seeds_of_every_kind_give_the_same_weights(seed):
    assert np.array_equal(network(seed).theta, network(3).theta)


def test_without_a_seed_weights_differ():
    assert not np.array_equal(network(None).theta, network(None).theta)


def test_names_of_models():
    assert Sequential().name == "sequential"
    assert Sequential(name="digits").name == "digits"
    with pytest.raises(TypeError, match=r"Sequential's name takes text. Got 3"):
        Sequential(name=3)


def test_repr_shows_the_layers():
    assert repr(Sequential()) == "<Sequential 'sequential': no layers>"
    model = Sequential([Dense(2, input_dim=3)], name="n")
    assert repr(model) == "<Sequential 'n': Dense(2, input_dim=3, name='dense_1')>"


def test_a_network_alone_runs():
    net = Network([Dense(2, input_dim=3)], seed=0)
    outputs = net.forward(np.ones((4, 3)))
    net.backward(outputs, np.ones((4, 2)))
    assert np.array_equal(net.layers[0].db, [4.0, 4.0])
    assert outputs[-1].shape == (4, 2)


def test_forward_from_a_step_on():
    model = network(dtype="float64")
    x = np.random.default_rng(0).random((3, 4))
    outputs = model.forward(x)
    again = model.forward(outputs[2], start=2)
    assert len(again) == len(outputs) - 2
    assert np.array_equal(again[-1], outputs[-1])


def test_forward_before_build():
    with pytest.raises(RuntimeError, match="not built"):
        Sequential([Dense(2)]).forward(np.ones((1, 2)))


@given(
    seed=seeds,
    kinds=st.lists(
        st.sampled_from(
            [
                lambda: Dense(3, "relu"),
                lambda: Dense(2, use_bias=False),
                BatchNormalization,
                lambda: BatchNormalization(center=False, scale=False),
                Shifted,
                Flatten,
                lambda: Dropout(0.2),
            ]
        ),
        min_size=1,
        max_size=6,
    ),
    moves=st.lists(st.sampled_from(["pop", "add", "copy", "pickle", "move"]), max_size=6),
)
def test_views_survive_whatever_is_done_to_a_model(seed, kinds, moves):
    model = Sequential([Input(4), *[kind() for kind in kinds]], seed=seed)
    for move in moves:
        values = model.get_weights()
        if move == "pop" and len(model.layers) > 1:
            values = values[: len(values) - len(model.pop().arrays())]
        elif move == "add":
            model.add(Dense(2))
            values = values + model.get_weights()[-2:]
        elif move == "copy":
            model = copy.deepcopy(model)
        elif move == "pickle":
            model = pickle.loads(pickle.dumps(model))
        elif move == "move":
            model = Sequential([Input(4), *model.layers])
        now = model.get_weights()
        assert len(now) == len(values)
        assert all(np.array_equal(a, b) for a, b in zip(now, values, strict=True))
        assert_views(model.copy())
    assert_views(model)


@pytest.mark.parametrize("count", [1, 3])
def test_forward_takes_a_memo_for_each_step(count):
    model = Sequential([Dense(3, activation="relu", input_dim=2)], seed=0)
    with pytest.raises(ValueError, match=f"one memo for each of the model's 2 steps. Got {count}"):
        model.forward(np.ones((1, 2)), [{}] * count)


# --- many layers ----------------------------------------------------------------------------------


def test_layers_that_are_added_together_are_those_that_are_added_one_by_one():
    def layers():
        return [Input(3), Dense(4, "tanh"), BatchNormalization(), Dense(2), Dense(2), ReLU()]

    together, one_by_one, made = (
        Sequential(seed=3),
        Sequential(seed=3),
        Sequential(layers(), seed=3),
    )
    together.add_all(layers())
    for layer in layers():
        one_by_one.add(layer)
    for model in (together, made):
        assert repr(model.layers) == repr(one_by_one.layers)
        assert model.theta.tobytes() == one_by_one.theta.tobytes()
        assert [layer.owner for layer in model.layers] == ["sequential"] * 5
        assert model.predict(np.ones((2, 3))).tobytes() == made.predict(np.ones((2, 3))).tobytes()
        for i in (0, 2, 3):
            assert np.shares_memory(model.layers[i].W, model.theta)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda: 5, TypeError, "Sequential takes layers. Got 5"),
        (lambda: Dense(2, name="first"), ValueError, "a name of its own. Got a second 'first'"),
        (lambda: Dense(2, name="new"), ValueError, "a name of its own. Got a second 'new'"),
        (lambda: Dense(2, input_dim=9), ValueError, r"first 3→4 ✓ → .* ✓ → dense_4 9→2 ✗ got 2, w"),
        (lambda: Input(3), ValueError, "An Input comes before all layers, and once"),
    ],
)
def test_layers_are_added_all_or_none(bad, error, message):
    model = Sequential([Dense(4, input_dim=3, name="first")], seed=0)
    before, theta, rng = repr(model), model.theta.tobytes(), str(model.rng.bit_generator.state)
    good = [Dense(3), Dense(2, name="new")]
    with pytest.raises(error, match=message):
        model.add_all([*good, bad()])
    assert (repr(model), model.theta.tobytes()) == (before, theta)
    assert str(model.rng.bit_generator.state) == rng
    assert [layer.built for layer in good] == [False, False]
    assert [layer.owner for layer in good] == [None, None]
    model.add_all(good)
    assert [layer.label for layer in model.layers] == ["first", "dense_2", "new"]


def test_one_layer_twice_is_refused():
    layer = Dense(3, input_dim=3)
    with pytest.raises(ValueError, match="dense_1 is in this model already"):
        Sequential([layer, layer])
    assert layer.name is None


def test_a_class_that_does_something_with_each_layer_is_asked_for_each():
    class Counts(Sequential):
        def add(self, layer):
            self.count = getattr(self, "count", 0) + 1
            super().add(layer)

    assert Counts([Dense(2, input_dim=2), Dense(2), Dense(1)]).count == 3


def test_a_thousand_layers_take_as_long_for_each_as_a_hundred():
    def seconds(count):
        begin = time.process_time()
        Sequential([Dense(2, input_dim=2), *(Dense(2) for _ in range(count - 1))], seed=0)
        return time.process_time() - begin

    assert min(seconds(1_000) for _ in range(2)) < 25 * min(seconds(100) for _ in range(3))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model, "name", "\ud800"),
        lambda model: setattr(model, "class_names", ["a", "\udfff", "b"]),
        lambda model: Sequential(name="\ud800"),
    ],
)
def test_text_that_no_file_can_hold_is_refused_when_it_is_given(change):
    model = Sequential([Dense(3, input_dim=2)], seed=0)
    with pytest.raises(ValueError, match=r"takes text that can be written to a file\. Got '\\ud"):
        change(model)
    assert (model.name, model.class_names) == ("sequential", None)


# --- targets that the model's dtype cannot tell apart ---------------------------------------------


SECONDS = 1_600_000_000 + np.arange(60)


@pytest.mark.parametrize(
    "y", [SECONDS, SECONDS.astype("f8"), SECONDS[:, None]], ids=["i", "f", "c"]
)
def test_figures_are_those_of_the_targets_as_they_were_given(y):
    """float32 has steps of 128 there: all would be right where the model says 1.6e9."""
    constant = minnet.initializers.Constant(1.6e9)
    model = Sequential([Dense(1, input_dim=1, bias_initializer=constant)], seed=0)
    model.compile(minnet.optimizers.SGD(0.0), "mse", ["mae", "r2_score"])
    x, t = np.zeros((60, 1)), np.ravel(y).astype("f8")
    e = model.predict(x)[:, 0].astype("f8") - t
    right = {"loss": (e**2).mean(), "mae": np.abs(e).mean()}
    right["r2_score"] = 1 - (e**2).sum() / ((t - t.mean()) ** 2).sum()
    message = (
        r"y varies by 59 at about 1600000059, where float32 has steps of 128. Subtract the mean"
    )
    with pytest.warns(UserWarning, match=message):
        assert model.evaluate(x, y) == pytest.approx(right, rel=1e-6)
    with pytest.warns(UserWarning, match=message):
        history = model.fit(x, y, verbose=0, batch_size=60).history
    assert {name: values[0] for name, values in history.items()} == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("first", [minnet.layers.BatchNormalization, minnet.layers.Flatten])
@pytest.mark.filterwarnings("ignore:x has values up to")
def test_samples_that_the_dtype_cannot_tell_apart_are_warned_of(first):
    """Time stamps in float32: a layer that normalises would see a constant."""
    x = np.c_[np.linspace(-1, 1, 60), 1_600_000_000 + np.arange(60)]
    model = Sequential([first(input_shape=(2,)), Dense(1)], seed=0)
    model.compile(minnet.optimizers.SGD(0.0), "mse")
    message = r"^x varies in column 1 by 59 at about 1600000059, where float32 has steps of 128"
    for call in (model.evaluate, lambda x, y: model.fit(x, y, verbose=0)):
        with pytest.warns(UserWarning, match=message):
            call(x, np.zeros(60))
    model.reset()
    model.evaluate(x - x.mean(axis=0), np.zeros(60))


@pytest.mark.parametrize(
    "y", [np.arange(60), 1e6 + np.arange(60), np.full(60, 1.6e9), np.linspace(0, 1.6e9, 60)]
)
def test_targets_that_float32_holds_are_not_warned_of(y):
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile("sgd", "mse")
    model.evaluate(np.zeros((60, 1)), y)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch"])
def test_x_and_y_in_each_other_s_place_are_asked_about(call):
    model = Sequential([Dense(3, activation="softmax", input_dim=4)], seed=0)
    model.compile("sgd", "cross_entropy")
    x, y = np.zeros((6, 4)), np.zeros(6, int)
    with pytest.raises(ValueError, match=r"wants 4\. y has that shape: are x and y swapped\?"):
        getattr(model, call)(y, x)
    with pytest.raises(ValueError, match=r"wants 4$"):  # nothing of it where neither fits
        getattr(model, call)(np.zeros((6, 5)), y)
    with pytest.raises(ValueError, match="rows of equal length"):
        getattr(model, call)([[1.0], [1.0, 2.0]], x)
