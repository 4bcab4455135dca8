"""Dense: the affine map and its gradients, and everything its constructor takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.registry import from_config, to_config
from minnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    LeakyReLU,
    ReLU,
    Softmax,
)
from tests.complex_step import assert_close, assert_gradients, central_difference
from tests.strategies import D, M, N, normal, seeds


def built(units: int, width: int, seed: int = 0, dtype: str = "float64", **settings) -> Dense:
    layer = Dense(units, **settings)
    layer.dtype = np.dtype(dtype)
    layer.build((width,), np.random.default_rng(seed))
    W, b = normal(seed, (width, units), (units,))
    layer.W = W
    if layer.use_bias:
        layer.b = b
    return layer


@given(n=N, d=D, m=M, seed=seeds, bias=st.booleans())
def test_gradient(n, d, m, seed, bias):
    x, dy = normal(seed + 1, (n, d), (n, m))
    assert_gradients(built(m, d, seed, use_bias=bias), x, dy)


def test_gradient_by_central_differences():
    layer = built(4, 3)
    x, dy = normal(1, (5, 3), (5, 4))
    numeric = central_difference(lambda z: (dy * layer.forward(z)).sum(), x)
    assert_close(layer.backward(x, layer.forward(x), dy), numeric, "dx", 1e-8)


def test_by_hand():
    layer = built(2, 3)
    layer.W, layer.b = [[1, 2], [3, 4], [5, 6]], [10, 20]
    x, dy = np.array([[1.0, 0, 2], [0, 1, 0]]), np.array([[1.0, 10], [100, 1000]])
    y = layer.forward(x)
    np.testing.assert_array_equal(y, [[1 + 10 + 10, 2 + 12 + 20], [3 + 10, 4 + 20]])
    np.testing.assert_array_equal(layer.backward(x, y, dy), [[21, 43, 65], [2100, 4300, 6500]])
    layer.gradient(x, y, dy)
    np.testing.assert_array_equal(layer.dW, [[1, 10], [100, 1000], [2, 20]])
    np.testing.assert_array_equal(layer.db, [101, 1010])


@given(n=N, d=D, m=M, seed=seeds)
def test_forward_is_affine(n, d, m, seed):
    layer = built(m, d, seed)
    x, z = normal(seed + 1, (n, d), (n, d))
    left = layer.forward(2 * x - z)
    np.testing.assert_allclose(left, 2 * layer.forward(x) - layer.forward(z), atol=1e-12)
    np.testing.assert_allclose(layer.forward(np.zeros((1, d))), layer.b[np.newaxis])


@given(n=N, d=D, m=M, seed=seeds)
def test_gradients_of_rows_add_up(n, d, m, seed):
    layer = built(m, d, seed)
    x, dy = normal(seed + 1, (n, d), (n, m))
    total_W, total_b = np.zeros((d, m)), np.zeros(m)
    for i in range(n):
        layer.gradient(x[i : i + 1], dy[i : i + 1], dy[i : i + 1])
        total_W += layer.dW
        total_b += layer.db
    layer.gradient(x, dy, dy)
    np.testing.assert_allclose(layer.dW, total_W, atol=1e-12)
    np.testing.assert_allclose(layer.db, total_b, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_dtype_stays(dtype):
    layer = built(4, 3, dtype=dtype)
    x, dy = (a.astype(dtype) for a in normal(1, (5, 3), (5, 4)))
    y = layer.forward(x)
    assert y.dtype == dtype
    assert layer.backward(x, y, dy).dtype == dtype
    layer.gradient(x, y, dy)
    assert layer.dW.dtype == layer.db.dtype == dtype


def test_memory_order_changes_nothing():
    layer = built(4, 4)
    x, dy = (a[::2, ::2] for a in normal(1, (6, 8), (6, 8)))
    results = []
    for order in (np.ascontiguousarray, np.asfortranarray, lambda a: a):
        y = layer.forward(order(x))
        layer.gradient(order(x), y, order(dy))
        dx = layer.backward(order(x), y, order(dy))
        results.append([y, dx, layer.dW.copy(), layer.db.copy()])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


def test_without_bias():
    layer = built(2, 3, use_bias=False)
    assert layer.parameters == ("W",)
    assert Dense.parameters == ("W", "b")
    assert list(layer.arrays()) == ["W"]
    assert not hasattr(layer, "b")
    assert layer.built
    assert layer.count_params() == 6
    np.testing.assert_array_equal(layer.forward(np.zeros((1, 3))), [[0, 0]])


def test_contract():
    layer = Dense(5)
    assert not layer.training_differs
    assert not layer.built
    assert layer.compute_output_shape((9,)) == (5,)
    layer.build((9,), np.random.default_rng(0))
    assert layer.W.shape == layer.dW.shape == (9, 5)
    assert layer.b.shape == layer.db.shape == (5,)
    assert layer.count_params() == 50


def test_start():
    """Glorot's uniform: within √(6 / (D + M)), of that width; and zeros."""
    layer = Dense(50)
    layer.build((70,), np.random.default_rng(0))
    limit = (6 / 120) ** 0.5
    assert 0.98 * limit < abs(layer.W).max() <= limit
    assert abs(layer.W.mean()) < 0.05 * limit
    assert not layer.b.any()
    twin = Dense(50)
    twin.build((70,), np.random.default_rng(0))
    np.testing.assert_array_equal(twin.W, layer.W)


def test_initializers_by_name():
    layer = Dense(2, kernel_initializer="ones", bias_initializer="ones")
    layer.build((3,), np.random.default_rng(0))
    np.testing.assert_array_equal(layer.W, np.ones((3, 2)))
    np.testing.assert_array_equal(layer.b, np.ones(2))


def test_input_dim_and_input_shape_are_the_same():
    assert Dense(2, input_dim=3).input_shape == Dense(2, input_shape=(3,)).input_shape == (3,)
    assert Dense(2, input_dim=np.int64(3)).input_dim == 3
    assert Dense(2).input_dim is None
    assert Dense(2).input_shape is None


def test_regularizer_belongs_to_W():
    layer = Dense(2, kernel_regularizer="l2")
    assert list(layer.regularizers) == ["W"]
    assert layer.regularizers["W"] is layer.kernel_regularizer
    assert Dense(2).regularizers == {}


# --- activation ---------------------------------------------------------------------------------


def test_steps():
    layer = Dense(2)
    assert layer.steps() == (layer,)
    layer = Dense(2, "relu")
    first, second = layer.steps()
    assert first is layer
    assert type(second) is ReLU
    assert second is layer.activation


def test_activation_is_copied():
    inner = LeakyReLU(0.2)
    layer = Dense(2, inner)
    inner.negative_slope = 0.9
    assert layer.activation.negative_slope == 0.2


def test_forward_is_the_affine_step_alone():
    layer = Dense(1, "relu")
    layer.build((1,), np.random.default_rng(0))
    layer.W = [[1]]
    np.testing.assert_array_equal(layer.forward(np.array([[-2.0]])), [[-2]])


def test_an_activation_in_an_activation_is_unwrapped():
    """The loss fuses with Softmax itself, not with what is wrapped around it."""
    assert [type(step) for step in Dense(2, Activation("softmax")).steps()] == [Dense, Softmax]


def test_an_activation_has_no_states_either():
    with pytest.raises(ValueError, match="takes a layer without weights"):
        Dense(2, BatchNormalization(center=False, scale=False))


def test_a_layer_without_weights_may_stand_for_an_activation():
    assert type(Dense(2, Dropout(0.5)).steps()[1]) is Dropout


# --- description --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Dense(3), "Dense(3)"),
        (Dense(3, "relu", name="one"), "Dense(3, activation=ReLU(), name='one')"),
        (Dense(3, use_bias=False), "Dense(3, use_bias=False)"),
        (Dense(3, kernel_initializer="ones"), "Dense(3, kernel_initializer=Ones())"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize("layer", [Dense(3, input_dim=4), Dense(3, input_shape=(4,))])
def test_repr_can_be_typed_in(layer):
    assert to_config(eval(repr(layer), {"Dense": Dense})) == to_config(layer)


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3),
        Dense(3, "softmax", input_dim=4, name="head"),
        Dense(
            3,
            LeakyReLU(0.1),
            input_shape=(4,),
            use_bias=False,
            kernel_initializer="zeros",
            bias_initializer="ones",
            kernel_regularizer="l2",
        ),
    ],
    ids=str,
)
def test_config_round_trip(layer):
    twin = from_config(to_config(layer))
    assert repr(twin) == repr(layer)
    assert to_config(twin) == to_config(layer)
    assert twin.parameters == layer.parameters
    assert twin.regularizers.keys() == layer.regularizers.keys()
    assert [type(step) for step in twin.steps()] == [type(step) for step in layer.steps()]


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Dense(0), ValueError, r"Dense's units takes a whole number, 1 or more\. Got 0\."),
        (lambda: Dense(2.0), TypeError, r"Dense's units takes a whole number\. Got 2\.0\."),
        (lambda: Dense(True), TypeError, r"Dense's units takes a whole number\. Got True\."),
        (lambda: Dense("3"), TypeError, r"Dense's units takes a whole number\. Got '3'\."),
        (
            lambda: Dense(3, "rleu"),
            ValueError,
            r"Dense's activation takes one of relu, .*, or a Layer\. Got 'rleu'\. "
            r'Did you mean "relu"\?',
        ),
        (lambda: Dense(3, 64), TypeError, r"Dense's activation takes a Layer or its name\. Got 64"),
        (
            lambda: Dense(3, Dense(2)),
            ValueError,
            r"Dense's activation takes a layer without weights\. Got Dense\(2\)\. "
            r"Add it to the model as a layer of its own\.",
        ),
        (
            lambda: Dense(3, input_dim=0),
            ValueError,
            r"Dense's input_dim takes a whole number, 1 or more\. Got 0\.",
        ),
        (
            lambda: Dense(3, input_dim=4, input_shape=(4,)),
            ValueError,
            r"Dense takes input_dim or input_shape, not both\. Got 4 and \(4,\)\.",
        ),
        (
            lambda: Dense(3, use_bias=0),
            TypeError,
            r"Dense's use_bias takes True or False\. Got 0\.",
        ),
        (
            lambda: Dense(3, kernel_initializer="glorot"),
            ValueError,
            r"Dense's kernel_initializer takes one of .*glorot_uniform.* Got 'glorot'\.",
        ),
        (
            lambda: Dense(3, bias_initializer=0),
            TypeError,
            r"Dense's bias_initializer takes an Initializer or its name\. Got 0\.",
        ),
        (
            lambda: Dense(3, kernel_regularizer="l3"),
            ValueError,
            r"Dense's kernel_regularizer takes one of .* Got 'l3'\.",
        ),
    ],
)
def test_settings_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("shape", [(28, 28), (2, 3, 4), ()])
def test_build_takes_rows(shape):
    layer = Dense(3, name="dense_1")
    with pytest.raises(ValueError, match=r"dense_1 takes x of shape \(N, D\)\. Got \(N,"):
        layer.build(shape, np.random.default_rng(0))
    assert not layer.built


def test_wrong_width():
    layer = built(3, 4, name="dense_2")
    with pytest.raises(
        ValueError,
        match=r"dense_2 takes x of shape \(N, 4\)\. Got \(N, 5\)\. Make what comes before it 4 "
        r"wide, or build dense_2 for 5 inputs\.",
    ):
        layer(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"dense_2 takes x of shape \(N, D\)\. Got \(N, 4, 4\)\."):
        layer(np.ones((2, 4, 4)))


def test_call_before_build():
    with pytest.raises(RuntimeError, match=r"Dense has no weights yet\. .* build\(\(5,\), numpy"):
        Dense(3)(np.ones((2, 5)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "float64", "complex128"])
def test_gradient_from_a_dy_of_another_dtype(dtype):
    """Such as a mask, or signs, that a student's loss gave: sums are those of dW's dtype."""
    layer = built(2, 3, dtype="complex128" if dtype == "complex128" else "float32")
    x, dy = np.ones((300, 3), np.float32), np.ones((300, 2), dtype)
    layer.gradient(x, dy, dy)
    np.testing.assert_array_equal(layer.dW, np.full((3, 2), 300.0))
    np.testing.assert_array_equal(layer.db, [300.0, 300.0])
    many = np.full((200, 2), 1000.0).astype(dtype)
    layer.gradient(x[:200], many, many)
    np.testing.assert_array_equal(layer.db, 200.0 * many[0].astype(layer.db.dtype))


def test_gradient_from_a_dy_of_another_shape_says_so():
    layer = built(2, 3)
    with pytest.raises(ValueError, match="size 5 is different from 4"):
        layer.gradient(np.ones((4, 3)), np.ones((4, 2)), np.ones((5, 2)))
