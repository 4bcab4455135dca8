"""The activations: derivatives, identities, extremes, dtypes."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.registry import from_config, to_config
from minnet.layers import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    BatchNormalization,
    Dense,
    Exponential,
    HardSigmoid,
    HardSiLU,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minnet.layers.base import Layer
from tests.complex_step import assert_close, assert_gradients, central_difference
from tests.strategies import K, N, batch_shapes, normal, reals, rows, seeds

LAYERS = [
    ReLU(),
    LeakyReLU(),
    LeakyReLU(2.5),
    ELU(),
    ELU(0.7),
    ELU(0),
    Softplus(),
    GELU(),
    GELU(approximate=False),
    Sigmoid(),
    Tanh(),
    Softmax(),
    Linear(),
    SELU(),
    SiLU(),
    Mish(),
    ReLU6(),
    HardSigmoid(),
    HardSiLU(),
    Softsign(),
    Exponential(),
    Activation("tanh"),
    Activation(LeakyReLU(0.1)),
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)

# Written by hand, one number at a time, from the textbook.
SCALAR = {
    "ReLU()": lambda x: max(x, 0.0),
    "LeakyReLU()": lambda x: x if x > 0 else 0.3 * x,
    "LeakyReLU(negative_slope=2.5)": lambda x: x if x > 0 else 2.5 * x,
    "ELU()": lambda x: x if x > 0 else math.exp(x) - 1,
    "ELU(alpha=0.7)": lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1),
    "ELU(alpha=0.0)": lambda x: max(x, 0.0),
    "Softplus()": lambda x: math.log(1 + math.exp(x)),
    "GELU()": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "GELU(approximate=False)": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "Sigmoid()": lambda x: 1 / (1 + math.exp(-x)),
    "Tanh()": lambda x: math.tanh(x),
    "Linear()": lambda x: x,
    "SELU()": lambda x: 1.05070098735548 * (x if x > 0 else 1.67326324235438 * (math.exp(x) - 1)),
    "SiLU()": lambda x: x / (1 + math.exp(-x)),
    "Mish()": lambda x: x * math.tanh(math.log(1 + math.exp(x))),
    "ReLU6()": lambda x: min(max(x, 0.0), 6.0),
    "HardSigmoid()": lambda x: min(max(x / 6 + 0.5, 0.0), 1.0),
    "HardSiLU()": lambda x: x * min(max(x / 6 + 0.5, 0.0), 1.0),
    "Softsign()": lambda x: x / (1 + abs(x)),
    "Exponential()": lambda x: math.exp(x),
    "Activation(Tanh())": lambda x: math.tanh(x),
    "Activation(LeakyReLU(negative_slope=0.1))": lambda x: x if x > 0 else 0.1 * x,
}


@every_layer
@given(shape=batch_shapes, seed=seeds)
def test_gradient(layer: Layer, shape, seed):
    x, dy = normal(seed, shape, shape)
    assert_gradients(layer, x, dy)


@every_layer
def test_gradient_by_central_differences(layer: Layer):
    """A second witness, which shares no complex arithmetic with the first."""
    x, dy = normal(3, (4, 5), (4, 5))
    numeric = central_difference(lambda z: (dy * layer.forward(z)).sum(), x)
    assert_close(layer.backward(x, layer.forward(x), dy), numeric, repr(layer), 1e-8)


@every_layer
@given(x=rows(30))
def test_value(layer: Layer, x):
    if repr(layer) in SCALAR:
        wanted = [SCALAR[repr(layer)](float(v)) for v in x.flat]
        y = layer.forward(x)
        assert y.shape == x.shape
        np.testing.assert_allclose(y.ravel(), wanted, rtol=1e-12, atol=1e-13)


def test_every_name_stands_in_the_lists_of_this_file():
    """A new activation has to be put into them."""
    names = {repr(make()) for make in ACTIVATIONS.values()}
    assert names - {repr(layer) for layer in LAYERS} == set()
    assert names - FAR.keys() == {"Softmax()", "Exponential()"}  # which have no limits


def test_every_formula_but_softmax_is_written_by_hand():
    assert {repr(layer) for layer in LAYERS} - SCALAR.keys() == {"Softmax()"}


@every_layer
def test_real_and_complex_numbers_give_the_same(layer: Layer):
    x, dy = normal(0, (6, 4), (6, 4))
    y = layer.forward(x)
    np.testing.assert_allclose(layer.forward(x.astype(complex)), y, rtol=1e-13, atol=1e-15)
    dx = layer.backward(x.astype(complex), y.astype(complex), dy.astype(complex))
    np.testing.assert_allclose(dx, layer.backward(x, y, dy), rtol=1e-13, atol=1e-15)


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_dtype_stays(layer: Layer, dtype):
    x, dy = (a.astype(dtype) for a in normal(1, (3, 4), (3, 4)))
    y = layer.forward(x)
    assert y.dtype == dtype
    assert layer.backward(x, y, dy).dtype == dtype


@every_layer
def test_float32_agrees_with_float64(layer: Layer):
    x, dy = normal(2, (5, 6), (5, 6))
    y = layer.forward(x)
    x32, dy32 = x.astype("f4"), dy.astype("f4")
    y32 = layer.forward(x32)
    np.testing.assert_allclose(y32, y, atol=1e-6)
    np.testing.assert_allclose(layer.backward(x32, y32, dy32), layer.backward(x, y, dy), atol=1e-6)


@every_layer
def test_memory_order_changes_nothing(layer: Layer):
    x, dy = normal(4, (6, 8), (6, 8))
    x, dy = x[::2, 1::2], dy[::2, 1::2]
    plain_x, plain_dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    y = layer.forward(plain_x)
    dx = layer.backward(plain_x, y, plain_dy)
    for order in (np.asfortranarray, lambda a: a):
        other = layer.forward(order(x))
        np.testing.assert_allclose(other, y, rtol=1e-15)
        np.testing.assert_allclose(
            layer.backward(order(x), order(other), order(dy)), dx, rtol=1e-14, atol=1e-16
        )


@every_layer
@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [("float32", [100.0, 1e4, 3e38]), ("float64", [1000.0, 1e4, 1e308]), ("complex128", [1e4])],
)
def test_huge_numbers_are_finite_and_silent(layer: Layer, dtype, sizes):
    """Warnings are errors here, so an overflow in passing would fail."""
    for size in sizes if not isinstance(layer, Exponential) else [80.0]:
        x = np.array([[size, 0.0, -size], [-size, -size, size]], dtype=dtype)
        if isinstance(layer, LeakyReLU) and layer.negative_slope > 1:
            x /= 4  # y itself would be beyond the largest number
        y = layer.forward(x)
        assert np.isfinite(y).all()
        assert np.isfinite(layer.backward(x, y, np.ones_like(x))).all()


@every_layer
@pytest.mark.parametrize("size", [30.0, 300.0, 1e4, 1e308])
def test_complex_step_survives_huge_numbers(layer: Layer, size):
    if isinstance(layer, LeakyReLU) and layer.negative_slope > 1:
        size /= 4
    if isinstance(layer, Exponential):
        size = min(size, 300.0)
    x = np.array([[size, -size, 0.5], [-0.5, 1.0, size], [size, -size, size - 1]])
    assert_gradients(layer, x, normal(5, x.shape)[0])


@every_layer
def test_no_rows(layer: Layer):
    x = np.empty((0, 4), dtype="f4")
    y = layer.forward(x)
    assert y.shape == (0, 4)
    assert layer.backward(x, y, x).shape == (0, 4)


@every_layer
def test_a_nan_is_not_swept_under(layer: Layer):
    assert np.isnan(layer.forward(np.array([[np.nan, 1.0]]))[0, 0])


@every_layer
def test_copies_configs_and_pickles_compute_the_same(layer: Layer):
    x = normal(6, (2, 3))[0]
    y = layer.forward(x)
    for twin in (layer.copy(), pickle.loads(pickle.dumps(layer)), from_config(to_config(layer))):
        assert type(twin) is type(layer)
        assert repr(twin) == repr(layer)
        np.testing.assert_array_equal(twin.forward(x), y)


@every_layer
def test_contract(layer: Layer):
    assert not layer.training_differs
    assert layer.built
    assert layer.count_params() == 0
    assert layer.compute_output_shape((3, 4)) == (3, 4)
    x = normal(7, (2, 3))[0]
    np.testing.assert_array_equal(
        layer.forward(x, {"rng": np.random.default_rng(0)}), layer.forward(x)
    )


@pytest.mark.parametrize("cls", [ReLU, LeakyReLU, ELU, Softplus, GELU, Sigmoid, Tanh, Softmax])
def test_name_and_input_shape_may_be_given(cls):
    layer = cls(name="mine", input_shape=4)
    assert (layer.name, layer.input_shape) == ("mine", (4,))
    assert from_config(to_config(layer)).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("layer", "dx"),
    [(ReLU(), 0), (LeakyReLU(0.25), 0.25), (ELU(0.5), 0.5), (Softplus(), 0.5), (GELU(), 0.5)],
)
def test_derivative_at_zero(layer, dx):
    x = np.zeros((1, 2))
    np.testing.assert_allclose(layer.backward(x, layer.forward(x), np.ones((1, 2))), dx)
    assert_gradients(layer, x, np.array([[1.5, -2.0]]))


@pytest.mark.parametrize("sign", [0.0, -0.0])
def test_relu_gives_no_negative_zero(sign):
    y = ReLU().forward(np.array([[-1.0, sign, -1e-300]]))
    assert not y.any()
    assert not np.signbit(y[0, 0])


def test_linear_is_x_itself():
    x = np.ones((2, 3))
    assert Linear().forward(x) is x
    assert Linear().backward(x, x, x) is x


@pytest.mark.parametrize("x", [20.0, 40.0, 80.0])
def test_sigmoid_and_softplus_keep_tiny_numbers(x):
    """Not just 0 to within rounding: e⁻⁴⁰ itself."""
    tiny = np.array([[-x]])
    np.testing.assert_allclose(Sigmoid().forward(tiny), math.exp(-x), rtol=1e-8)
    np.testing.assert_allclose(Softplus().forward(tiny), math.exp(-x), rtol=1e-8)
    one = np.ones((1, 1))
    for layer in (Sigmoid(), Softplus()):
        dx = layer.backward(tiny, layer.forward(tiny), one)
        np.testing.assert_allclose(dx, math.exp(-x), rtol=1e-8)


@pytest.mark.parametrize("x", [1e-12, 1e-18, 1e-300])
def test_elu_keeps_tiny_numbers(x):
    """eˣ - 1 is x there; 1 subtracted from the rounded eˣ would leave nothing of it."""
    np.testing.assert_allclose(ELU(2.0).forward(np.array([[-x]])), -2 * x, rtol=1e-8)


@given(x=rows(30))
def test_sigmoid_identities(x):
    y = Sigmoid().forward(x)
    np.testing.assert_allclose(y + Sigmoid().forward(-x), 1, rtol=1e-14)
    np.testing.assert_allclose(2 * Sigmoid().forward(2 * x) - 1, np.tanh(x), atol=1e-14)


@given(x=rows(30))
def test_softplus_identities(x):
    y = Softplus().forward(x)
    assert (y >= np.maximum(x, 0)).all()
    np.testing.assert_allclose(y - Softplus().forward(-x), x, atol=1e-13)
    np.testing.assert_allclose(
        Softplus().backward(x, y, np.ones_like(x)), Sigmoid().forward(x), rtol=1e-12
    )


@given(x=rows(30))
def test_gelu_identities(x):
    y = GELU().forward(x)
    np.testing.assert_allclose(y - GELU().forward(-x), x, atol=1e-13)  # x Φ(x) + x Φ(-x) = x
    exact = np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)
    assert abs(y - exact).max() < 5e-4  # the bound that the docstring gives
    np.testing.assert_allclose(GELU(approximate=False).forward(x), exact, rtol=0, atol=1e-13)


def test_gelu_says_in_files_only_what_is_not_the_default():
    assert GELU().get_config() == {"input_shape": None, "name": None}
    assert GELU(approximate=False).get_config()["approximate"] is False
    assert repr(GELU(approximate=False)) == "GELU(approximate=False)"
    with pytest.raises(TypeError, match=r"GELU's approximate takes True or False\. Got 'tanh'"):
        GELU(approximate="tanh")


# --- softmax ------------------------------------------------------------------------------------


@given(x=rows(1e4))
def test_softmax_rows_are_probabilities(x):
    y = Softmax().forward(x)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-14)


@given(x=rows(50), c=reals(50))
def test_softmax_does_not_see_a_shift(x, c):
    np.testing.assert_allclose(
        Softmax().forward(x + c), Softmax().forward(x), rtol=1e-12, atol=1e-300
    )


@given(x=rows(50), seed=seeds)
def test_softmax_goes_with_a_permutation(x, seed):
    order = np.random.default_rng(seed).permutation(x.shape[1])
    np.testing.assert_allclose(
        Softmax().forward(x[:, order]), Softmax().forward(x)[:, order], rtol=1e-13
    )


@given(x=rows(500))
def test_softmax_keeps_the_order(x):
    y = Softmax().forward(x)
    for a, b in zip(x, y, strict=True):
        assert (np.diff(b[np.argsort(a, kind="stable")]) >= 0).all()


@given(x=rows(50))
def test_softmax_does_not_mix_rows(x):
    together = Softmax().forward(x)
    for i in range(len(x)):
        np.testing.assert_allclose(Softmax().forward(x[i : i + 1])[0], together[i], rtol=1e-14)


@given(x=rows(50))
def test_softmax_ratios_are_exponentials(x):
    y = Softmax().forward(x)
    np.testing.assert_allclose(y[:, :1] * np.exp(x - x[:, :1]), y, rtol=1e-12)


@given(x=rows(300, shapes=st.tuples(N, st.just(2))))
def test_softmax_of_two_classes_is_a_sigmoid(x):
    np.testing.assert_allclose(
        Softmax().forward(x)[:, 1], Sigmoid().forward(x[:, 1] - x[:, 0]), rtol=1e-12
    )


@given(n=N, k=K)
def test_softmax_of_equal_numbers_is_uniform(n, k):
    np.testing.assert_allclose(Softmax().forward(np.full((n, k), 7.0)), 1 / k, rtol=1e-15)


@given(n=N, k=K, seed=seeds)
def test_softmax_gradient_rows_sum_to_zero(n, k, seed):
    x, dy = normal(seed, (n, k), (n, k))
    dx = Softmax().backward(x, Softmax().forward(x), dy)
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-14)


# --- by name ------------------------------------------------------------------------------------


def test_names():
    made = {name: type(make()).__name__ for name, make in ACTIVATIONS.items()}
    assert made == {
        "relu": "ReLU",
        "sigmoid": "Sigmoid",
        "tanh": "Tanh",
        "softmax": "Softmax",
        "leaky_relu": "LeakyReLU",
        "elu": "ELU",
        "softplus": "Softplus",
        "gelu": "GELU",
        "linear": "Linear",
        "selu": "SELU",
        "silu": "SiLU",
        "swish": "SiLU",
        "mish": "Mish",
        "relu6": "ReLU6",
        "hard_sigmoid": "HardSigmoid",
        "hard_silu": "HardSiLU",
        "hard_swish": "HardSiLU",
        "softsign": "Softsign",
        "exponential": "Exponential",
    }


def test_activation_runs_as_the_layer_inside():
    layer = Activation("relu")
    (step,) = layer.steps()
    assert type(step) is ReLU
    assert layer.activation is step
    (step,) = Activation(Activation("softmax")).steps()
    assert type(step) is Softmax


def test_activation_copies_what_it_is_given():
    inner = LeakyReLU(0.2)
    layer = Activation(inner)
    inner.negative_slope = 0.9
    assert layer.activation.negative_slope == 0.2


def test_activation_hands_the_memo_on():
    class Remembers(Layer):
        def forward(self, x, memo=None):
            memo["seen"] = x
            return x

        def backward(self, x, y, dy, memo=None):
            return memo["seen"] * dy

    x, memo = np.full((1, 2), 3.0), {}
    layer = Activation(Remembers())
    layer.forward(x, memo)
    assert memo["seen"] is x
    np.testing.assert_array_equal(layer.backward(x, x, x, memo), 9.0)


def test_activation_asks_the_layer_inside_for_its_shape():
    class Sums(Layer):
        def compute_output_shape(self, input_shape):
            return (1,)

    assert Activation(Sums()).compute_output_shape((5,)) == (1,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Activation("rleu"),
            ValueError,
            r"Activation's activation takes one of relu, sigmoid, .*, or a Layer\. "
            r'Got \'rleu\'\. Did you mean "relu"\?',
        ),
        (lambda: Activation(ReLU), TypeError, r"Got the class itself\. Call it: ReLU\(\)\."),
        (lambda: Activation(np.tanh), TypeError, r"takes a Layer or its name\. Got <ufunc 'tanh'>"),
        (
            lambda: Activation(Dense(3)),
            ValueError,
            r"Activation's activation takes a layer without weights\. Got Dense\(3\)\. "
            r"Add it to the model as a layer of its own\.",
        ),
        (
            lambda: Activation(BatchNormalization(center=False, scale=False)),
            ValueError,
            r"takes a layer without weights\. Got BatchNormalization\(",
        ),
        (
            lambda: LeakyReLU(-0.1),
            ValueError,
            r"LeakyReLU's negative_slope takes a finite number that is 0 or more\. Got -0\.1\.",
        ),
        (lambda: LeakyReLU("0.1"), TypeError, r"LeakyReLU's negative_slope takes a number\."),
        (
            lambda: ELU(-1),
            ValueError,
            r"ELU's alpha takes a finite number that is 0 or more\. Got -1\.",
        ),
        (lambda: ELU(math.nan), ValueError, r"ELU's alpha takes a finite number"),
        (lambda: ReLU(name="a/b"), ValueError, r"A layer's name takes letters"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numbers_become_python_floats():
    """A NumPy scalar would turn float32 into float64."""
    layer = LeakyReLU(np.float64(0.2))
    assert type(layer.negative_slope) is float
    assert type(ELU(np.float64(0.2)).alpha) is float
    assert layer.forward(np.ones((1, 1), dtype="f4")).dtype == "float32"


# slope and value far below 0 and far above: y = b x + a there
FAR = {
    "ReLU()": ((0, 0), (1, 0)),
    "LeakyReLU()": ((0.3, 0), (1, 0)),
    "ELU()": ((0, -1), (1, 0)),
    "ELU(alpha=0.7)": ((0, -0.7), (1, 0)),
    "Softplus()": ((0, 0), (1, 0)),
    "GELU()": ((0, 0), (1, 0)),
    "GELU(approximate=False)": ((0, 0), (1, 0)),
    "Sigmoid()": ((0, 0), (0, 1)),
    "Tanh()": ((0, -1), (0, 1)),
    "Linear()": ((1, 0), (1, 0)),
    "SELU()": ((0, -1.05070098 * 1.67326324), (1.05070098, 0)),
    "SiLU()": ((0, 0), (1, 0)),
    "Mish()": ((0, 0), (1, 0)),
    "ReLU6()": ((0, 0), (0, 6)),
    "HardSigmoid()": ((0, 0), (0, 1)),
    "HardSiLU()": ((0, 0), (1, 0)),
    "Softsign()": ((0, -1), (0, 1)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e3, 1e10, 1e30, 1e38])
@every_layer
def test_values_and_slopes_far_out_are_those_of_the_limits(layer: Layer, size, dtype):
    """Not only finite: a formula that gives 0 for 1e30 would pass for that."""
    if repr(layer) not in FAR:
        pytest.skip("has no limits, or is another one inside")
    x = np.array([[-size, size]], dtype)
    y = layer.forward(x)
    dx = layer.backward(x, y, np.ones_like(x))
    (b_low, a_low), (b_high, a_high) = FAR[repr(layer)]
    near = {"rtol": 1e-6, "atol": 2e-3 if "Softsign" in repr(layer) else 1e-6}
    np.testing.assert_allclose(y[0], [-size * b_low + a_low, size * b_high + a_high], **near)
    np.testing.assert_allclose(dx[0], [b_low, b_high], rtol=1e-6, atol=1e-5)
    assert y.dtype == dx.dtype == np.dtype(dtype)
