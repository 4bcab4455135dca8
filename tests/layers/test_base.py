"""What every layer has: weights by name, views into one vector, copies, checks."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.foundation.registry import _KNOWN, from_config, register, to_config
from minnet.initializers import Constant, Ones, Zeros
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten, Input, Layer, ReLU
from minnet.layers.base import assign, bind, expect_rows
from minnet.models import Sequential
from tests.complex_step import assert_gradients
from tests.strategies import D, M, N, normal, row_shapes, seeds


@register
class Scale(Layer):
    """The example of the contract's docstring."""

    parameters = ("s",)

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Constant(1.0), rng)

    def forward(self, x, memo=None):
        return x * self.s

    def backward(self, x, y, dy, memo=None):
        return dy * self.s

    def gradient(self, x, y, dy, memo=None):
        self.ds[...] = (dy * x).sum(axis=0)


@register
class Forgetful(Scale):
    """A student's layer whose constructor forgets `super().__init__()`."""

    def __init__(self, start=2.0):
        self.start = start

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Constant(self.start), rng)


@register
class Counter(Layer):
    """Something saved that is not learned."""

    states = ("count",)

    def build(self, input_shape, rng):
        self.add_weight("count", (1,), Zeros(), rng)


class Twins(Layer):
    """Two weights of one shape."""

    parameters = ("a", "b")

    def build(self, input_shape, rng):
        self.add_weight("a", input_shape, Zeros(), rng)
        self.add_weight("b", input_shape, Ones(), rng)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def made(layer: Layer, *shape: int, dtype: str = "float32") -> Layer:
    layer.dtype = np.dtype(dtype)
    layer.build(shape or (3,), rng())
    return layer


def stack() -> list[Layer]:
    return [
        made(Dense(4), 3),
        ReLU(),
        made(BatchNormalization(), 4),
        Dropout(0.5),
        made(Counter()),
        made(Dense(2, use_bias=False), 4),
    ]


# --- a layer of one's own -----------------------------------------------------------------------


@given(shape=row_shapes, seed=seeds)
def test_gradient_of_the_docstrings_example(shape, seed):
    layer = made(Scale(), shape[1], dtype="float64")
    layer.s, x, dy = normal(seed, shape[1:], shape, shape)
    assert_gradients(layer, x, dy)


def test_forgotten_super_is_forgiven():
    layer = made(Forgetful(5.0), 2)
    assert (layer.name, layer.input_shape, layer.trainable) == (None, None, True)
    assert layer.label == "Forgetful"
    assert repr(layer) == "Forgetful(start=5.0)"
    np.testing.assert_array_equal(layer(np.ones((1, 2))), [[5, 5]])
    layer.trainable = False
    layer.name = "mine"
    assert (Forgetful().trainable, Forgetful().name) == (True, None)  # nothing leaks to the class
    twin = from_config(to_config(layer))
    assert type(twin) is Forgetful
    assert twin.start == 5.0
    bind([layer], "float64")
    np.testing.assert_array_equal(layer.copy().s, [5, 5])


def test_an_argument_that_was_not_kept_does_not_break_repr():
    class Loses(Layer):
        def __init__(self, size):
            self.amount = size

    assert repr(Loses(3)).startswith("Loses(")


def test_what_is_not_written_says_so():
    class Empty(Layer):
        parameters = ("W",)

    layer, x = Empty(), np.ones((1, 1))
    for call, message in (
        (lambda: layer.forward(x), r"^Empty has no forward\(x, memo\)\.$"),
        (lambda: layer.backward(x, x, x), r"^Empty has no backward\(x, y, dy, memo\)\.$"),
        (lambda: layer.gradient(x, x, x), r"^Empty has no gradient\(x, y, dy, memo\)\.$"),
    ):
        with pytest.raises(NotImplementedError, match=message):
            call()


def test_a_class_that_declares_weights_is_refused_with_the_new_word():
    with pytest.raises(
        TypeError,
        match=r"^Old declares weights = \('W',\)\. .* are its parameters: parameters = \('W',\)\.",
    ):
        type("Old", (Layer,), {"weights": ("W",)})


def test_weights_are_the_arrays_themselves_in_the_order_of_keras():
    layer = Dense(3, input_dim=2)
    model = Sequential([layer, BatchNormalization()], seed=0)
    W, b = layer.weights
    assert W is layer.W
    assert b is layer.b
    norm = model.layers[1]
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    assert [w is getattr(norm, n) for w, n in zip(norm.weights, names, strict=True)] == [True] * 4
    assert [w is v for w, v in zip(model.weights, layer.weights + norm.weights, strict=True)] == [
        True
    ] * 6
    with pytest.raises(AttributeError, match="weights can be read, not set"):
        layer.weights = [W, b]


def test_defaults_of_the_contract():
    layer = Layer()
    assert layer.training_differs
    assert layer.built
    assert layer.steps() == (layer,)
    assert layer.compute_output_shape((3, 4)) == (3, 4)
    assert layer.count_params() == 0
    assert layer.get_weights() == []
    x = np.ones((1, 1))
    assert layer.gradient(x, x, x) is None  # no weights, nothing to fill
    assert layer.after_step({}) is None
    assert layer.build((3,), rng()) is None


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dense_1", "Größe", "a-b", "two words"])
def test_names_taken(name):
    layer = ReLU(name=name)
    assert layer.name == layer.label == name


def test_label_without_a_name():
    assert ReLU().label == "ReLU"


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "conv*", "what?", "a[0]", "a.b", "..", "a\0"])
def test_names_refused(name):
    with pytest.raises(
        ValueError,
        match=r"A layer's name takes letters, digits, '_' and '-'\. Got .* which could be "
        r"mistaken for a path or a pattern\.",
    ):
        ReLU(name=name)


@pytest.mark.parametrize(
    "name", ["wide\nlayer", "a\tb", "a\x7f", "\u200b", "\ud800", "\u2028", "é" * 65, "x" * 129]
)
def test_names_that_no_file_can_hold_are_refused_when_they_are_given(name):
    words = r"128 bytes at most\. Got .*, which no file can hold|written to a file\. Got"
    with pytest.raises(ValueError, match=words):
        ReLU(name=name)
    layer = ReLU()
    with pytest.raises(ValueError, match=words):
        layer.name = name
    assert layer.name is None


@pytest.mark.parametrize("name", ["größe", "x" * 128, "é" * 64, "層", "a b", "-", "1"])
def test_whatever_name_is_taken_can_be_saved(tmp_path, name):
    class Long(Layer):
        parameters = ("W" * 71,)

        def build(self, input_shape, rng):
            self.add_weight("W" * 71, input_shape, Zeros(), rng)

        def forward(self, x, memo=None):
            return x

    minnet.register(Long)
    try:
        model = minnet.Sequential([Dense(2, input_dim=2, name=name), Long(name="l" * 128)], seed=0)
        model.compile("adam", "mse")
        model.save(tmp_path / "a.npz")
        assert minnet.load(tmp_path / "a.npz").layers[0].name == name
    finally:
        del _KNOWN["Long"]


@pytest.mark.parametrize("name", ["W" * 72, "a b", "a.b", "", "1", "a/b"])
def test_names_of_arrays_that_no_file_can_hold_are_refused_when_they_are_made(name):
    class Odd(Layer):
        parameters = (name,)

        def build(self, input_shape, rng):
            self.add_weight(name, input_shape, Zeros(), rng)

    with pytest.raises(ValueError, match=r"Odd_1|odd_1\.add_weight takes a name that an attribute"):
        minnet.Sequential([Odd(input_shape=2)])


def test_the_shape_of_a_built_layer_stays():
    model = minnet.Sequential([Dense(3, input_dim=2), ReLU()], seed=0)
    for layer in model.layers:
        with pytest.raises(AttributeError, match="input_shape is set when it is made, and other"):
            layer.input_shape = (7,)
    assert model.predict([[1.0, 2.0]]).shape == (1, 3)


@pytest.mark.parametrize("name", [5, b"x", ("a",)])
def test_names_of_another_kind(name):
    with pytest.raises(TypeError, match=r"A layer's name takes text\. Got "):
        ReLU(name=name)


def test_a_layer_in_a_model_keeps_its_name():
    layer = ReLU(name="relu_1")
    layer.owner = "digits"
    with pytest.raises(
        ValueError,
        match=r"relu_1 keeps its name while it is in a model, which knows it by that\. "
        r"Rename a copy of it: layer\.copy\(\)\.",
    ):
        layer.name = "other"
    assert layer.name == "relu_1"
    for twin in (layer.copy(), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
        assert (twin.name, twin.owner) == ("relu_1", None)
        twin.name = "other"
    assert (layer.name, layer.owner) == ("relu_1", "digits")


def test_input_shape_is_checked():
    assert Flatten(input_shape=[28, 28]).input_shape == (28, 28)
    assert ReLU(input_shape=5).input_shape == (5,)
    with pytest.raises(ValueError, match=r"Each axis of input_shape takes a whole number, 1 or"):
        ReLU(input_shape=(0,))
    with pytest.raises(ValueError, match=r"without the batch\. .* Use \(784,\)\."):
        ReLU(input_shape=(None, 784))


# --- add_weight ---------------------------------------------------------------------------------


def test_add_weight_makes_the_array_and_its_gradient():
    layer = Scale()
    assert not layer.built
    layer.build((3,), rng())
    assert layer.built
    assert layer.s.dtype == layer.ds.dtype == "float32"
    np.testing.assert_array_equal(layer.s, [1, 1, 1])
    np.testing.assert_array_equal(layer.ds, [0, 0, 0])
    counter = made(Counter())
    assert not hasattr(counter, "dcount")
    assert counter.built


def test_built_means_states_too():
    assert not Counter().built
    layer = BatchNormalization()
    layer.add_weight("gamma", (2,), Ones(), rng())
    layer.add_weight("beta", (2,), Zeros(), rng())
    assert not layer.built


def test_add_weight_keeps_the_layers_dtype():
    layer = made(Scale(), 3, dtype="float64")
    assert layer.s.dtype == layer.ds.dtype == "float64"


def test_add_weight_hands_the_generator_on():
    seen = []

    def initializer(shape, rng):
        seen.append((shape, rng))
        return np.zeros(shape)

    layer, generator = Scale(), rng()
    layer.add_weight("s", (2, 3), initializer, generator)
    assert seen == [((2, 3), generator)]
    assert layer.s.shape == layer.ds.shape == (2, 3)


def test_add_weight_takes_a_name_that_was_announced():
    with pytest.raises(
        ValueError,
        match=r"Scale\.add_weight takes a name from `parameters` or `states`\. Got 'W'\. "
        r'Write parameters = \("W",\) in the class\.',
    ):
        Scale().add_weight("W", (3,), Zeros(), rng())


def test_add_weight_explains_the_forgotten_comma():
    class Comma(Layer):
        parameters = "kernel"

    with pytest.raises(ValueError, match=r'Write parameters = \("kernel",\) in the class\.'):
        Comma().add_weight("kernel", (3,), Zeros(), rng())


def test_add_weight_does_not_share_memory_with_the_initializer():
    mine, layer = np.ones(3, dtype="f4"), Scale()
    layer.add_weight("s", (3,), lambda shape, rng: mine, rng())
    layer.s[0] = 7
    np.testing.assert_array_equal(mine, [1, 1, 1])


def test_add_weight_checks_the_shape_of_what_the_initializer_returns():
    with pytest.raises(ValueError, match="shape"):
        Scale().add_weight("s", (3,), lambda shape, rng: np.zeros((3, 1)), rng())


# --- setting weights by name --------------------------------------------------------------------


def test_setting_a_weight_copies_into_the_array_that_is_there():
    layer = made(Scale())
    theta, grad, _ = bind([layer], "float32")
    array, value = layer.s, np.array([1.0, 2.0, 3.0])
    layer.s = value
    value[0] = 99
    assert layer.s is array
    np.testing.assert_array_equal(theta, [1, 2, 3])
    layer.s = [4, 5, 6]
    np.testing.assert_array_equal(theta, [4, 5, 6])
    layer.ds = [7, 8, 9]
    np.testing.assert_array_equal(grad, [7, 8, 9])


def test_augmented_assignment_goes_through():
    layer = made(Scale())
    theta, grad, _ = bind([layer], "float32")
    layer.s += 1
    layer.s *= 3
    layer.ds -= 2
    np.testing.assert_array_equal(theta, [6, 6, 6])
    np.testing.assert_array_equal(grad, [-2, -2, -2])
    layer.s = layer.s + 1  # an array of its own
    np.testing.assert_array_equal(theta, [7, 7, 7])


def test_setting_a_state_copies_too():
    layer = made(Counter())
    *_, state = bind([layer], "float32")
    layer.count = [5]
    np.testing.assert_array_equal(state, [5])


def test_setting_a_weight_from_its_own_memory():
    layer = made(Dense(3), 3)
    W = np.arange(9.0).reshape(3, 3)
    layer.W = W
    layer.W = layer.W.T
    np.testing.assert_array_equal(layer.W, W.T)
    layer.W = layer.W[::-1]
    np.testing.assert_array_equal(layer.W, W.T[::-1])


@pytest.mark.parametrize("value", [np.ones((3, 1)), np.ones((1, 3)), np.ones(4), 5.0, [[1, 2, 3]]])
def test_setting_another_shape_is_refused(value):
    """No broadcast, not even where NumPy could."""
    layer = made(Scale())
    before = layer.s.copy()
    with pytest.raises(ValueError, match=r"Scale\.s takes an array of shape \(3,\)\. Got \("):
        layer.s = value
    with pytest.raises(ValueError, match=r"Scale\.ds takes an array of shape \(3,\)\. Got \("):
        layer.ds = value
    np.testing.assert_array_equal(layer.s, before)


def test_error_of_a_named_layer_has_its_name():
    layer = made(Dense(2, name="head"), 3)
    with pytest.raises(
        ValueError, match=r"head\.W takes an array of shape \(3, 2\)\. Got \(2, 3\)\."
    ):
        layer.W = np.ones((2, 3))


def test_other_attributes_are_plain():
    layer = made(Scale())
    for value in (np.ones(2), np.ones(5), "text", None):
        layer.notes = value
        assert layer.notes is value


def test_an_attribute_that_ends_like_a_weight_is_plain():
    layer = made(Scale())
    for value in (np.ones(2), np.ones(5)):
        layer.xs = value
        assert layer.xs is value


def test_setting_a_weight_before_build_is_refused():
    layer = Dense(2)
    with pytest.raises(RuntimeError, match="build"):
        layer.W = np.ones((3, 2))


def test_setting_the_bias_of_a_layer_without_one_is_refused():
    layer = made(Dense(2, use_bias=False), 3)
    with pytest.raises((RuntimeError, AttributeError, ValueError), match="b"):
        layer.b = np.ones(2)


@pytest.mark.parametrize("value", [["a", "b", "c"], [1j, 2, 3], [[1], [2, 3], 4]])
def test_setting_what_is_no_number_is_refused_by_name(value):
    layer = made(Scale())
    with pytest.raises((TypeError, ValueError), match=r"Scale\.s.* takes "):
        layer.s = value


# --- one vector ---------------------------------------------------------------------------------


def test_bind_lays_all_arrays_end_to_end_in_order():
    layers = stack()
    for i, array in enumerate(a for layer in layers for a in layer.arrays().values()):
        array[...] = i
    layers[0].db[...] = 100
    theta, grad, state = bind(layers, "float32")
    np.testing.assert_array_equal(
        theta,
        [0] * 12 + [1] * 4 + [2] * 4 + [3] * 4 + [7] * 8,  # W, b, gamma, beta, W
    )
    np.testing.assert_array_equal(state, [4] * 4 + [5] * 4 + [6])
    np.testing.assert_array_equal(grad, [0] * 12 + [100] * 4 + [0] * 16)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_bind_makes_views(dtype):
    layers = stack()
    shapes = [a.shape for layer in layers for a in layer.arrays().values()]
    theta, grad, state = bind(layers, dtype)
    assert theta.dtype == grad.dtype == state.dtype == dtype
    assert [a.shape for layer in layers for a in layer.arrays().values()] == shapes
    theta[...] = np.arange(theta.size)
    grad[...] = -np.arange(theta.size)
    state[...] = 0.5
    np.testing.assert_array_equal(layers[0].W, np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(layers[0].b, [12, 13, 14, 15])
    np.testing.assert_array_equal(layers[5].dW, -np.arange(24, 32).reshape(4, 2))
    np.testing.assert_array_equal(layers[2].moving_variance, [0.5] * 4)
    layers[5].W[0, 0] = 1000
    assert theta[24] == 1000
    assert {layer.dtype.name for layer in layers} == {dtype}


def test_binding_again_moves_the_views():
    layers = stack()
    old, *_ = bind(layers, "float64")
    old[...] = np.arange(old.size)
    new, *_ = bind(layers, "float64")
    np.testing.assert_array_equal(new, old)
    layers[0].W = np.zeros((3, 4))
    assert not new[:12].any()
    assert old[1] == 1


def test_binding_to_float64_and_back_keeps_the_values():
    layers = stack()
    before = [w for layer in layers for w in layer.get_weights()]
    bind(layers, "float64")
    bind(layers, "float32")
    after = [w for layer in layers for w in layer.get_weights()]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_binding_nothing():
    for layers in ([], [ReLU(), Dropout(0.5)]):
        assert [vector.shape for vector in bind(layers, "float32")] == [(0,)] * 3


def test_bind_takes_any_iterable_once():
    theta, grad, state = bind(iter(stack()), "float32")
    assert (theta.size, grad.size, state.size) == (32, 32, 9)


# --- copies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda layer: layer.copy(),
        copy.copy,
        copy.deepcopy,
        lambda layer: pickle.loads(pickle.dumps(layer)),
    ],
    ids=["layer.copy", "copy.copy", "copy.deepcopy", "pickle"],
)
@pytest.mark.parametrize("bound", [True, False])
def test_copies_are_independent_and_complete(duplicate, bound):
    layer = made(Dense(2, "relu", kernel_regularizer="l2", name="one"), 3)
    if bound:
        theta, *_ = bind([layer], "float64")
    layer.trainable = False
    layer.W = np.arange(6.0).reshape(3, 2)
    twin = duplicate(layer)
    assert twin is not layer
    assert twin.get_config().keys() == layer.get_config().keys()
    assert repr(twin) == repr(layer)
    assert (twin.name, twin.trainable, twin.dtype) == ("one", False, layer.dtype)
    assert twin.activation is not layer.activation
    np.testing.assert_array_equal(twin.W, layer.W)
    for name in ("W", "b", "dW", "db"):
        assert not np.shares_memory(twin.__dict__[name], layer.__dict__[name])
    twin.W = np.zeros((3, 2))
    twin.b += 5
    np.testing.assert_array_equal(layer.W, np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(layer.b, [0, 0])
    other, *_ = bind([twin], "float64")
    np.testing.assert_array_equal(other, [0] * 6 + [5] * 2)
    if bound:
        np.testing.assert_array_equal(theta, [*range(6), 0, 0])


# --- weights in and out -------------------------------------------------------------------------


def test_get_weights_are_copies_and_arrays_are_not():
    layer = made(Scale())
    layer.get_weights()[0][...] = 9
    np.testing.assert_array_equal(layer.s, [1, 1, 1])
    assert layer.arrays()["s"] is layer.s


@given(n=D, m=M, seed=seeds)
def test_set_weights_then_get_weights(n, m, seed):
    layer = made(Dense(m), n, dtype="float64")
    theta, *_ = bind([layer], "float64")
    values = normal(seed, (n, m), (m,))
    layer.set_weights(values)
    for a, b in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(theta, np.concatenate([v.ravel() for v in values]))


def test_set_weights_takes_lists_and_generators():
    layer = made(Dense(1), 2)
    layer.set_weights(w for w in ([[1], [2]], [3]))
    np.testing.assert_array_equal(layer.W, [[1], [2]])
    np.testing.assert_array_equal(layer.b, [3])


NUMBERS = np.ones((3, 2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [NUMBERS],
            r"^head(\.set_weights)? takes 2 arrays: head\.W \(3, 2\), head\.b \(2,\)\. "
            r"Got 1 array: \(3, 2\)\. Look at \[w\.shape for w in get_weights\(\)\]\.$",
        ),
        ([], r"takes 2 arrays: .* Got 0 arrays: none\."),
        ([NUMBERS, np.ones(2), np.ones(2)], r"Got 3 arrays: \(3, 2\), \(2,\), \(2,\)\."),
        ([NUMBERS.T, np.ones(2)], r"Got 2 arrays: \(2, 3\), \(2,\)\."),
        ([NUMBERS, np.ones((1, 2))], r"Got 2 arrays: \(3, 2\), \(1, 2\)\."),
        ([NUMBERS, 1.0], r"Got 2 arrays: \(3, 2\), \(\)\."),
        ([NUMBERS, [1, np.nan]], r"head(\.set_weights)? takes finite numbers\. .* in head\.b\."),
        (
            [NUMBERS * np.inf, [1, 2]],
            r"head(\.set_weights)? takes finite numbers\. .* in head\.W\.",
        ),
        (
            [NUMBERS, [1.0, 1e200]],
            r"head(\.set_weights)? takes numbers that float32 can hold\. Got 1e\+200 in head\.b\.",
        ),
    ],
)
def test_set_weights_is_all_or_nothing(values, message):
    layer = made(Dense(2, name="head"), 3)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=message):
        layer.set_weights(values)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("values", [["text", [1, 2]], [NUMBERS, [1j, 2]], [NUMBERS, None]])
def test_set_weights_takes_numbers(values):
    layer = made(Dense(2), 3)
    before = layer.get_weights()
    with pytest.raises(TypeError, match=r"^Each weight takes "):
        layer.set_weights(values)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_set_weights_of_a_layer_without_any():
    ReLU().set_weights([])
    with pytest.raises(
        ValueError, match=r"ReLU(\.set_weights)? takes 0 arrays: none\. Got 1 array"
    ):
        ReLU().set_weights([np.ones(2)])


def test_set_weights_counts_states_last():
    layer = made(BatchNormalization(), 2)
    layer.set_weights([[1, 1], [2, 2], [3, 3], [4, 4]])
    np.testing.assert_array_equal(layer.moving_mean, [3, 3])
    np.testing.assert_array_equal(layer.moving_variance, [4, 4])


def test_assign_takes_values_a_double_can_hold():
    array = np.zeros(2)
    assign("m", {"a": array}, [[1e200, 2]])
    np.testing.assert_array_equal(array, [1e200, 2])


def test_set_weights_from_the_layers_own_arrays():
    layer = made(Twins())
    layer.set_weights([layer.b, layer.a])  # zeros and ones change places
    np.testing.assert_array_equal(layer.a, [1, 1, 1])
    np.testing.assert_array_equal(layer.b, [0, 0, 0])


def test_set_weights_of_no_list():
    with pytest.raises(TypeError, match=r"takes a list of arrays\. Got None\."):
        made(Scale()).set_weights(None)


def test_count_params():
    assert [layer.count_params() for layer in stack()] == [16, 0, 16, 0, 1, 8]


# --- frozen or not ------------------------------------------------------------------------------


def test_trainable_counts_how_often_it_was_switched():
    layer = ReLU()
    assert layer.trainable
    assert layer.freeze_count == 0
    layer.trainable = np.False_
    layer.trainable = False
    assert layer.trainable is False
    assert layer.freeze_count == 1
    layer.trainable = True
    layer.trainable = False
    assert layer.freeze_count == 3


@pytest.mark.parametrize("value", [1, 0, "no", None])
def test_trainable_is_true_or_false(value):
    layer = ReLU(name="act")
    with pytest.raises(TypeError, match=r"act\.trainable takes True or False\. Got "):
        layer.trainable = value
    assert layer.trainable


# --- calling a layer ----------------------------------------------------------------------------


def test_call_checks_and_computes():
    layer = made(Scale())
    layer.s = [1, 2, 3]
    np.testing.assert_array_equal(layer([[1.0, 1.0, 1.0]]), [[1, 2, 3]])


def test_call_before_build():
    with pytest.raises(
        RuntimeError,
        match=r"Scale has no weights yet\. Put it into a model, or call "
        r"build\(\(3,\), numpy\.random\.default_rng\(0\)\)\.",
    ):
        Scale()(np.ones((2, 3)))


@pytest.mark.parametrize("x", [None, "x", {"a": 1}, np.array(["a"]), np.array([1j])])
def test_call_takes_numbers(x):
    with pytest.raises(TypeError, match=r"^relu_1's x takes "):
        ReLU(name="relu_1")(x)


@pytest.mark.parametrize("x", [Input(4), Dense(4), Sequential([Dense(3)])], ids=repr)
def test_a_layer_that_is_called_with_no_array_names_what_came(x):
    with pytest.raises(TypeError, match=r"takes an array of numbers.* Got ") as caught:
        Dense(3)(x)
    assert "Encode" not in str(caught.value)


def test_layers_are_connected_by_a_list():
    with pytest.raises(
        TypeError, match=r"by a list: Sequential\(\[Input\(\(4,\)\), Dense\(3\)\]\)\.$"
    ):
        Dense(3)(Input(4))


def test_call_is_inference():
    x = np.ones((4, 4))
    np.testing.assert_array_equal(Dropout(0.9)(x), x)


def test_call_runs_the_activation_too():
    layer = made(Dense(2, "relu"), 3)
    layer.W = -np.ones((3, 2))
    np.testing.assert_array_equal(layer(np.ones((1, 3))), [[0, 0]])


def test_call_with_whole_numbers_gives_the_layers_dtype():
    assert made(Dense(2), 3)(np.ones((1, 3), dtype=int)).dtype == "float32"


# --- the rest -----------------------------------------------------------------------------------


def test_expect_rows():
    assert expect_rows(ReLU(), (5,)) == 5
    with pytest.raises(
        ValueError,
        match=r"d takes x of shape \(N, D\)\. Got \(N, 28, 28\)\. Put a Flatten\(\) before it\.",
    ):
        expect_rows(Dense(2, name="d"), (28, 28))


@given(n=N, d=D, seed=seeds, dtype=st.sampled_from(["float32", "float64"]))
def test_a_layer_predicts_the_same_however_it_was_bound(n, d, seed, dtype):
    layer = made(Dense(3), d, dtype=dtype)
    x = normal(seed, (n, d))[0].astype(dtype)
    y = layer.forward(x)
    bind([made(Dense(2), 4), layer], dtype)
    np.testing.assert_allclose(layer.forward(x), y, rtol=1e-6, atol=1e-6)


# --- as drawn -----------------------------------------------------------------------------------


def test_a_layer_knows_whether_its_weights_are_as_they_were_drawn(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 3))
    model = Sequential([Dense(4, input_dim=3), Dense(2, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    below, above = model.layers
    assert below.as_drawn
    assert model.copy().layers[0].as_drawn
    assert model.replace_head(Dense(3)).layers[0].as_drawn
    below.trainable = False
    model.fit(x, np.arange(20) % 2, verbose=0)
    assert below.as_drawn
    assert not above.as_drawn
    model.reset(1)
    assert below.as_drawn
    assert above.as_drawn
    model.save(tmp_path / "model.npz")
    assert not minnet.load(tmp_path / "model.npz").layers[0].as_drawn
    below.W = below.W + 1
    assert not below.as_drawn


def test_a_class_may_say_that_its_layers_begin_frozen():
    class Fixed(Dense):
        trainable = False

    model = Sequential([Fixed(2, input_dim=2), Dense(1)])
    assert [layer.trainable for layer in model.layers] == [False, True]
    model.unfreeze()
    assert [layer.trainable for layer in model.layers] == [True, True]
    assert Fixed(1).trainable is False
