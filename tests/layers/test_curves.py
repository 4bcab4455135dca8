"""The later activations: their published numbers, what they are made for, and learned slopes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

import minnet
from minnet.foundation.registry import from_config, to_config
from minnet.initializers import Constant
from minnet.layers import (
    SELU,
    Dense,
    Exponential,
    HardSigmoid,
    HardSiLU,
    Mish,
    PReLU,
    ReLU6,
    SiLU,
    Softsign,
)
from tests.complex_step import assert_gradients
from tests.strategies import batch_shapes, normal, seeds


def test_selus_numbers_solve_the_papers_equations() -> None:
    """E[y] = 0 and E[y²] = 1 for a standard normal x, by the trapezoidal rule."""
    x = np.linspace(-12.0, 12.0, 200_001)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    y = SELU().forward(x[:, None])[:, 0]
    width = x[1] - x[0]
    assert (y * density).sum() * width == pytest.approx(0.0, abs=1e-8)
    assert (y * y * density).sum() * width == pytest.approx(1.0, abs=1e-8)


def test_a_deep_network_of_selus_keeps_mean_and_variance() -> None:
    layers = [Dense(200, "selu", kernel_initializer="lecun_normal") for _ in range(20)]
    model = minnet.Sequential([minnet.layers.Input(200), *layers], seed=0)
    y = model.predict(np.random.default_rng(0).standard_normal((500, 200)))
    assert abs(y.mean()) < 0.1
    assert y.std() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("layer", "x", "y"),
    [
        # jax.nn, torch.nn.functional and Keras agree on these to six digits
        (SELU(), -1.0, -1.111331),
        (SELU(), 1.0, 1.050701),
        (SiLU(), -1.0, -0.268941),
        (SiLU(), 1.0, 0.731059),
        (Mish(), -1.0, -0.303401),
        (Mish(), 1.0, 0.865098),
        (Softsign(), -1.0, -0.5),
        (HardSigmoid(), 1.0, 0.666667),
        (HardSigmoid(), -3.5, 0.0),
        (HardSiLU(), -1.0, -0.333333),
        (HardSiLU(), 1.0, 0.666667),
        (HardSiLU(), -3.5, 0.0),
        (HardSiLU(), 3.5, 3.5),
        (ReLU6(), 7.0, 6.0),
        (Exponential(), 1.0, 2.718282),
    ],
)
def test_values(layer, x, y) -> None:
    assert layer.forward(np.array([[x]]))[0, 0] == pytest.approx(y, abs=6e-7)


@pytest.mark.parametrize(
    ("layer", "x", "slope"),
    [
        (SELU(), 0.0, 1.75809934),  # s α, from the left
        (SiLU(), 0.0, 0.5),
        (Mish(), 0.0, 0.6),  # tanh(log 2) = (4 − 1) / (4 + 1)
        (ReLU6(), 0.0, 0.0),
        (ReLU6(), 6.0, 0.0),
        (HardSigmoid(), 3.0, 0.0),
        (HardSigmoid(), 0.0, 1 / 6),
        (HardSiLU(), -3.0, 0.0),
        (HardSiLU(), -1.5, 0.0),  # its lowest point
        (HardSiLU(), 0.0, 0.5),
        (HardSiLU(), 1.5, 1.0),
        (HardSiLU(), 3.0, 1.0),
        (Softsign(), 0.0, 1.0),
        (Exponential(), 0.0, 1.0),
    ],
)
def test_slopes_by_hand(layer, x, slope) -> None:
    x = np.array([[x]])
    dx = layer.backward(x, layer.forward(x), np.array([[2.0]]))
    np.testing.assert_allclose(dx, 2 * slope, rtol=1e-7)


def test_an_exponential_beyond_all_numbers_is_infinite_without_a_warning() -> None:
    assert Exponential().forward(np.array([[1000.0]], dtype="f4"))[0, 0] == np.inf


@pytest.mark.parametrize("layer", [ReLU6(), HardSigmoid()], ids=repr)
def test_complex_numbers_are_cut_off_by_their_real_part(layer) -> None:
    y = layer.forward(np.array([[-9 + 1j, 9 + 1j]]))
    assert not y.imag.any()


# --- PReLU ----------------------------------------------------------------------------------------


def prelu(shape: tuple[int, ...], seed: int = 0) -> PReLU:
    """A layer with slopes of all sizes, for samples of this shape."""
    layer = PReLU(minnet.initializers.RandomNormal(stddev=1.0))
    layer.dtype = np.dtype("float64")
    layer.build(shape, np.random.default_rng(seed))
    return layer


@given(shape=batch_shapes, seed=seeds)
def test_gradients_of_prelu(shape, seed) -> None:
    x, dy = normal(seed, shape, shape)
    assert_gradients(prelu(shape[1:], seed), x, dy)


def test_prelu_by_hand() -> None:
    layer = prelu((2,))
    layer.alpha = [0.5, 2.0]
    x, dy = np.array([[-4.0, 3.0], [-1.0, -2.0]]), np.array([[1.0, 10.0], [3.0, 5.0]])
    y = layer.forward(x)
    np.testing.assert_array_equal(y, [[-2.0, 3.0], [-0.5, -4.0]])
    np.testing.assert_array_equal(layer.backward(x, y, dy), [[0.5, 10.0], [1.5, 10.0]])
    layer.gradient(x, y, dy)
    np.testing.assert_array_equal(layer.dalpha, [1 * -4 + 3 * -1, 5 * -2])


def test_prelu_starts_as_a_relu_or_as_the_paper_does() -> None:
    layer = PReLU(input_shape=3)
    layer.build((3,), np.random.default_rng(0))
    assert not layer.alpha.any()
    layer = PReLU(Constant(0.25))
    layer.build((3,), np.random.default_rng(0))
    assert (layer.alpha == 0.25).all()


def test_prelu_learns_and_survives_a_file(tmp_path) -> None:
    x = np.linspace(-1, 1, 64)[:, None]
    model = minnet.Sequential([PReLU(input_shape=1)], seed=0)
    model.compile(minnet.optimizers.SGD(0.5), "mse")
    model.fit(x, np.where(x > 0, x, 0.3 * x), epochs=60, verbose=0)
    np.testing.assert_allclose(model.layers[0].alpha, 0.3, atol=0.01)
    model.save(tmp_path / "m.npz")
    np.testing.assert_array_equal(minnet.load(tmp_path / "m.npz").predict(x), model.predict(x))


def test_prelu_is_no_activation_of_a_dense_layer() -> None:
    with pytest.raises(ValueError, match=r"takes a layer without weights. Got PReLU\(\)"):
        Dense(3, activation=PReLU())


def test_prelu_takes_what_it_was_built_for() -> None:
    with pytest.raises(ValueError, match=r"pre_lu_1 ✗ got 4, wants 3"):
        minnet.Sequential([PReLU(input_shape=3)], seed=0).predict(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="PReLU's alpha_initializer takes one of glorot_uniform"):
        PReLU("halves")


def test_prelu_is_described() -> None:
    layer = PReLU(Constant(0.25), input_shape=3, name="mine")
    assert repr(from_config(to_config(layer))) == repr(layer)
