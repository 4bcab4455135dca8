"""Batch normalization: by hand, by complex step, in both modes, and at the edges."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.registry import from_config, to_config
from minnet.layers import BatchNormalization, Dense
from minnet.layers.base import bind
from minnet.models import Sequential
from tests.complex_step import assert_gradients
from tests.strategies import D, N, normal, row_shapes, seeds

flags = st.fixed_dictionaries({"center": st.booleans(), "scale": st.booleans()})
epsilons = st.sampled_from([1e-3, 0.3])


def built(width: int, seed: int = 0, dtype: str = "float64", **settings) -> BatchNormalization:
    """A layer whose weights and states are no zeros and ones."""
    layer = BatchNormalization(**settings)
    layer.dtype = np.dtype(dtype)
    layer.build((width,), np.random.default_rng(seed))
    gamma, beta, mean, variance = normal(seed, *[(width,)] * 4)
    for name, value in (("gamma", gamma), ("beta", beta)):
        if name in layer.parameters:
            setattr(layer, name, value)
    layer.moving_mean, layer.moving_variance = mean, np.exp(variance)
    return layer


@given(shape=row_shapes, seed=seeds, settings=flags, epsilon=epsilons)
def test_gradient_in_training(shape, seed, settings, epsilon):
    layer = built(shape[1], seed, epsilon=epsilon, **settings)
    x, dy = normal(seed + 1, shape, shape)
    assert_gradients(layer, 2 * x + 1, dy, {})


@given(shape=row_shapes, seed=seeds, settings=flags, epsilon=epsilons)
def test_gradient_with_fixed_statistics(shape, seed, settings, epsilon):
    layer = built(shape[1], seed, epsilon=epsilon, **settings)
    x, dy = normal(seed + 1, shape, shape)
    assert_gradients(layer, x, dy)


def test_by_hand():
    """x = (1, 3): mean 2, variance 1, and with ε = 3 the root is 2."""
    layer = built(1, epsilon=3)
    layer.gamma, layer.beta = [4.0], [10.0]
    layer.moving_mean, layer.moving_variance = [5.0], [6.0]
    x, dy, memo = np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), {}
    y = layer.forward(x, memo)
    np.testing.assert_allclose(y, [[8], [12]])  # 4 · (∓1 / 2) + 10
    layer.gradient(x, y, dy, memo)
    np.testing.assert_allclose(layer.dgamma, [0.5])  # -½ · 1 + ½ · 2
    np.testing.assert_allclose(layer.dbeta, [3])
    # γ s = 2; mean(dy) = 1.5, mean(dy x̂) = 0.25: 2 (1 - 1.5 + ½ · 0.25), 2 (2 - 1.5 - ½ · 0.25)
    np.testing.assert_allclose(layer.backward(x, y, dy, memo), [[-0.75], [0.75]])
    np.testing.assert_allclose(layer.moving_mean, [5])
    layer.after_step(memo)
    np.testing.assert_allclose(layer.moving_mean, [0.99 * 5 + 0.01 * 2])
    np.testing.assert_allclose(layer.moving_variance, [0.99 * 6 + 0.01 * 1])


def test_inference_by_hand():
    layer = built(1, epsilon=3)
    layer.gamma, layer.beta = [4.0], [10.0]
    layer.moving_mean, layer.moving_variance = [5.0], [6.0]
    x, dy = np.array([[11.0], [2.0]]), np.array([[1.0], [3.0]])
    y = layer.forward(x)
    np.testing.assert_allclose(y, [[18], [6]])  # 4 · 6 / 3 + 10 and 4 · -3 / 3 + 10
    np.testing.assert_allclose(layer.backward(x, y, dy), [[4 / 3], [4]])
    layer.gradient(x, y, dy)
    np.testing.assert_allclose(layer.dgamma, [2 * 1 - 1 * 3])
    np.testing.assert_allclose(layer.dbeta, [4])


@given(n=st.integers(2, 20), d=D, seed=seeds)
def test_columns_have_mean_beta_and_deviation_gamma(n, d, seed):
    layer = built(d, seed, epsilon=1e-12)
    y = layer.forward(5 * normal(seed + 1, (n, d))[0] - 3, {})
    np.testing.assert_allclose(y.mean(axis=0), layer.beta, atol=1e-9)
    np.testing.assert_allclose(y.std(axis=0), abs(layer.gamma), rtol=1e-6)


@given(n=N, d=D, seed=seeds)
def test_training_does_not_see_shift_or_scale_of_a_column(n, d, seed):
    layer = built(d, seed, epsilon=1e-300)
    x, a, c = normal(seed + 1, (n + 1, d), (d,), (d,))
    np.testing.assert_allclose(
        layer.forward(x * np.exp(a) + c, {}), layer.forward(x, {}), rtol=1e-8, atol=1e-8
    )


@given(n=N, d=D, seed=seeds)
def test_order_of_rows_goes_through(n, d, seed):
    layer = built(d, seed)
    x = normal(seed, (n, d))[0]
    order = np.random.default_rng(seed).permutation(n)
    np.testing.assert_allclose(
        layer.forward(x[order], {}), layer.forward(x, {})[order], rtol=1e-9, atol=1e-12
    )


@given(n=N.filter(lambda n: n > 1), d=D, seed=seeds)
def test_moving_statistics_arrive_at_those_of_the_data(n, d, seed):
    layer = built(d, seed, momentum=0.5)
    x, memo = normal(seed, (n, d))[0], {}
    y = layer.forward(x, memo)
    for _ in range(60):
        layer.after_step(memo)
    np.testing.assert_allclose(layer.moving_mean, x.mean(axis=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.moving_variance, x.var(axis=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.forward(x), y, rtol=1e-9, atol=1e-12)


def test_one_row_alone_moves_no_average():
    layer, memo = built(3), {}
    before = layer.moving_mean.copy(), layer.moving_variance.copy()
    layer.forward(np.full((1, 3), 7.0), memo)
    layer.after_step(memo)
    np.testing.assert_array_equal((layer.moving_mean, layer.moving_variance), before)


def test_a_last_batch_of_one_row_trains_and_moves_no_average():
    """Nine samples in batches of eight: the ninth alone has no variance."""
    x = np.random.default_rng(0).normal(size=(9, 3))
    y = x.sum(axis=1)

    def trained(*ways):
        layers = [Dense(4, input_dim=3), BatchNormalization(momentum=0.5), Dense(1)]
        model = Sequential(layers, seed=0)
        model.compile("sgd", "mse")
        for rows in ways:
            model.fit(x[rows], y[rows], batch_size=8, verbose=0, shuffle=False)
        return model

    eight, nine = trained(slice(0, 8)), trained(slice(0, 9))
    np.testing.assert_array_equal(eight.state, nine.state)
    assert not np.array_equal(eight.theta, nine.theta)
    history = nine.fit(x, y, batch_size=8, epochs=5, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(nine.state).all()
    assert (nine.layers[1].moving_variance > 0).all()


def test_the_mean_of_many_rows_keeps_its_digits_in_float32():
    layer = BatchNormalization()
    layer.build((1,), np.random.default_rng(0))
    x = (1000 + np.random.default_rng(1).standard_normal((200_000, 1))).astype(np.float32)
    memo = {}
    layer.forward(x, memo)
    assert memo["mean"].dtype == np.float32
    np.testing.assert_allclose(memo["mean"], x.astype(float).mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(memo["variance"], x.astype(float).var(axis=0), rtol=1e-5)


@pytest.mark.parametrize(("momentum", "moves"), [(1, False), (0, True)])
def test_momentum_at_its_ends(momentum, moves):
    layer = built(2, momentum=momentum)
    before = layer.moving_mean.copy()
    x, memo = normal(1, (4, 2))[0], {}
    layer.forward(x, memo)
    layer.after_step(memo)
    np.testing.assert_array_equal(layer.moving_mean, x.mean(axis=0) if moves else before)


def test_nothing_but_after_step_changes_the_layer():
    layer = built(3)
    before = layer.get_weights()
    x, dy = normal(0, (4, 3), (4, 3))
    for memo in (None, {}):
        y = layer.forward(x, memo)
        layer.backward(x, y, dy, memo)
        layer.gradient(x, y, dy, memo)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_after_step_writes_into_the_states_that_are_there():
    layer = built(3)
    *_, state = bind([layer], "float64")
    memo = {}
    layer.forward(normal(0, (4, 3))[0], memo)
    layer.after_step(memo)
    np.testing.assert_array_equal(state, np.append(layer.moving_mean, layer.moving_variance))
    assert layer.moving_mean.base is state


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False, "scale": False}])
def test_backward_and_gradient_without_forward(settings):
    """They find the batch's statistics by themselves, whichever of them is called first."""
    layer = built(3, **settings)
    x, dy = normal(0, (4, 3), (4, 3))
    y, memo = layer.forward(x, full := {}), {}
    dx = layer.backward(x, y, dy, full)
    layer.gradient(x, y, dy, full)
    wanted = [layer.__dict__["d" + name].copy() for name in layer.parameters]
    layer.gradient(x, y, dy, memo)
    for name, gradient in zip(layer.parameters, wanted, strict=True):
        np.testing.assert_array_equal(layer.__dict__["d" + name], gradient)
    np.testing.assert_array_equal(layer.backward(x, y, dy, memo), dx)
    np.testing.assert_array_equal(layer.backward(x, y, dy, {}), dx)


def test_backward_and_gradient_use_what_forward_left():
    layer, memo = built(3), {}
    x, dy = normal(0, (4, 3), (4, 3))
    y = layer.forward(x, memo)
    x_hat = memo["x_hat"]
    layer.backward(x, y, dy, memo)
    layer.gradient(x, y, dy, memo)
    assert memo["x_hat"] is x_hat


def test_forward_with_an_old_memo_looks_at_the_new_batch():
    layer, memo = built(3), {}
    x, other = normal(0, (4, 3), (4, 3))
    layer.forward(other, memo)
    np.testing.assert_array_equal(layer.forward(x, memo), layer.forward(x, {}))
    np.testing.assert_array_equal(memo["mean"], x.mean(axis=0))


def test_memo_holds_every_number_of_the_formula():
    x, memo = normal(0, (5, 3))[0], {}
    built(3, epsilon=0.5).forward(x, memo)
    np.testing.assert_allclose(memo["variance"], x.var(axis=0))
    np.testing.assert_allclose(memo["s"], 1 / np.sqrt(x.var(axis=0) + 0.5))
    np.testing.assert_allclose(memo["x_hat"], (x - memo["mean"]) * memo["s"])


@pytest.mark.parametrize("settings", [{}, {"center": False, "scale": False}])
def test_one_row(settings):
    layer = built(3, **settings)
    x, dy, memo = *normal(0, (1, 3), (1, 3)), {}
    y = layer.forward(x, memo)
    np.testing.assert_array_equal(y, [layer.beta] if layer.center else [[0, 0, 0]])
    np.testing.assert_array_equal(layer.backward(x, y, dy, memo), [[0, 0, 0]])
    layer.gradient(x, y, dy, memo)
    if layer.scale:
        np.testing.assert_array_equal(layer.dgamma, [0, 0, 0])
        np.testing.assert_array_equal(layer.dbeta, dy[0])
    layer.after_step(memo)
    assert np.isfinite(layer.moving_variance).all()


def test_a_column_of_equal_numbers():
    x = np.full((4, 2), 0.1, dtype="f4")
    layer, memo = built(2, dtype="float32"), {}
    y = layer.forward(x, memo)
    np.testing.assert_allclose(y, np.tile(layer.beta, (4, 1)), atol=1e-5)
    assert np.isfinite(layer.backward(x, y, x, memo)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("training", [True, False])
def test_dtype_stays(dtype, training):
    layer = built(3, dtype=dtype, momentum=np.float64(0.9), epsilon=np.float64(1e-3))
    memo = {} if training else None
    x, dy = (a.astype(dtype) for a in normal(1, (4, 3), (4, 3)))
    y = layer.forward(x, memo)
    assert y.dtype == dtype
    assert layer.backward(x, y, dy, memo).dtype == dtype
    if training:
        assert {a.dtype.name for a in memo.values()} == {dtype}
        if dtype != "complex128":
            layer.after_step(memo)
    assert {a.dtype.name for a in layer.arrays().values()} == {dtype}


def test_float32_agrees_with_float64():
    x, dy = normal(1, (8, 3), (8, 3))
    for memo in (True, False):
        results = []
        for dtype in ("float32", "float64"):
            layer, notes = built(3, dtype=dtype), {} if memo else None
            a, b = x.astype(dtype), dy.astype(dtype)
            y = layer.forward(a, notes)
            layer.gradient(a, y, b, notes)
            results.append([y, layer.backward(a, y, b, notes), layer.dgamma, layer.dbeta])
        for single, double in zip(*results, strict=True):
            np.testing.assert_allclose(single, double, atol=1e-5)


def test_float32_far_from_zero():
    """A mean of 1000 and a deviation of 1: the mean is taken off before anything is squared."""
    x = (1000 + normal(0, (200, 2))[0]).astype("f4")
    layer = BatchNormalization(epsilon=1e-6)
    layer.build((2,), np.random.default_rng(0))
    wanted = (x - x.mean(axis=0, dtype="f8")) / x.std(axis=0, dtype="f8")
    np.testing.assert_allclose(layer.forward(x, {}), wanted, atol=2e-3)
    layer.moving_mean, layer.moving_variance = x.mean(axis=0, dtype="f8"), x.var(axis=0, dtype="f8")
    np.testing.assert_allclose(layer.forward(x), wanted, atol=2e-3)


@pytest.mark.parametrize("training", [True, False])
def test_memory_order_changes_nothing(training):
    layer = built(4)
    x, dy = (a[::2, ::2] for a in normal(0, (6, 8), (6, 8)))
    results = []
    for order in (np.ascontiguousarray, np.asfortranarray, lambda a: a):
        memo = {} if training else None
        y = layer.forward(order(x), memo)
        layer.gradient(order(x), y, order(dy), memo)
        dx = layer.backward(order(x), y, order(dy), memo)
        results.append([y, dx, layer.dgamma.copy(), layer.dbeta.copy()])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_keras_order_and_start():
    layer = BatchNormalization()
    assert not layer.built
    layer.build((3,), np.random.default_rng(0))
    assert list(layer.arrays()) == ["gamma", "beta", "moving_mean", "moving_variance"]
    for array, value in zip(layer.get_weights(), [1, 0, 0, 1], strict=True):
        assert array.dtype == "float32"
        np.testing.assert_array_equal(array, np.full(3, value))
    assert (layer.momentum, layer.epsilon) == (0.99, 1e-3)
    assert layer.count_params() == 12
    assert layer.training_differs


@pytest.mark.parametrize(
    ("center", "scale", "weights"),
    [
        (True, True, ("gamma", "beta")),
        (True, False, ("beta",)),
        (False, True, ("gamma",)),
        (False, False, ()),
    ],
)
def test_center_and_scale(center, scale, weights):
    layer = built(2, center=center, scale=scale)
    assert layer.parameters == weights
    assert list(layer.arrays()) == [*weights, "moving_mean", "moving_variance"]
    assert BatchNormalization.parameters == ("gamma", "beta")


def test_copies_pickles_and_configs():
    layer = built(3, momentum=0.8, epsilon=0.01, center=False, name="bn", input_shape=3)
    x = normal(0, (4, 3))[0]
    for twin in (layer.copy(), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin.forward(x), layer.forward(x))
        twin.gamma = [9, 9, 9]
        assert 9 not in layer.gamma
    assert from_config(to_config(layer)).get_config() == layer.get_config()
    assert repr(layer) == (
        "BatchNormalization(momentum=0.8, epsilon=0.01, center=False, input_shape=(3,), name='bn')"
    )


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"momentum": 1.1}, ValueError, r"BatchNormalization's momentum takes a finite number"),
        ({"momentum": -0.1}, ValueError, r"that is 0 or more and 1 or less\. Got -0\.1\."),
        ({"momentum": "0.9"}, TypeError, r"BatchNormalization's momentum takes a number\."),
        ({"epsilon": 0}, ValueError, r"BatchNormalization's epsilon .* that is above 0\. Got 0\."),
        ({"center": 1}, TypeError, r"BatchNormalization's center takes True or False\. Got 1\."),
        ({"scale": "no"}, TypeError, r"BatchNormalization's scale takes True or False\."),
    ],
)
def test_settings_refused(settings, error, message):
    with pytest.raises(error, match=message):
        BatchNormalization(**settings)


def test_shapes_refused():
    layer = BatchNormalization(name="bn")
    assert layer.compute_output_shape((7,)) == (7,)
    layer.build((3,), np.random.default_rng(0))
    assert layer.compute_output_shape((3,)) == (3,)
    with pytest.raises(
        ValueError,
        match=r"bn takes x of shape \(N, 3\)\. Got \(N, 4\)\. Make what comes before it 3 wide, "
        r"or build bn for 4 inputs\.",
    ):
        layer(np.ones((2, 4)))
    with pytest.raises(
        ValueError,
        match=r"bn takes x of shape \(N, 5, 5, 3\)\. Got \(N, 5, 5, 4\)\. Make what comes before "
        r"it 3 channels deep, or build bn for 4\.",
    ):
        layer(np.ones((2, 5, 5, 4)))


# --- images ---------------------------------------------------------------------------------------

image_shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))


@given(shape=image_shapes, seed=seeds, settings=flags, epsilon=epsilons, training=st.booleans())
def test_gradient_of_images(shape, seed, settings, epsilon, training):
    layer = built(shape[-1], seed, epsilon=epsilon, **settings)
    x, dy = normal(seed + 1, shape, shape)
    assert_gradients(layer, 2 * x + 1, dy, {} if training else None)


@given(shape=image_shapes, seed=seeds)
def test_an_image_is_as_many_rows_as_it_has_pixels(shape, seed):
    x, dy = normal(seed, shape, shape)
    results = []
    for of in (shape, (-1, shape[-1])):
        layer, memo = built(shape[-1], seed), {}
        images, upstream = x.reshape(of), dy.reshape(of)
        y = layer.forward(images, memo)
        dx = layer.backward(images, y, upstream, memo)
        layer.gradient(images, y, upstream, memo)
        layer.after_step(memo)
        assert y.shape == dx.shape == images.shape
        results.append(
            [y.ravel(), dx.ravel(), layer.dgamma, layer.moving_mean, layer.moving_variance]
        )
    for ours, by_rows in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, by_rows)


def test_images_as_pytorch_and_keras_normalise_them():
    """Recorded with PyTorch 2.13 and Keras 3.15 in float64; Keras' variances, divided by N."""
    shape = (2, 3, 2, 2)
    x, dy = np.sin(np.arange(24.0)).reshape(shape), np.cos(np.arange(24.0)).reshape(shape)
    layer, memo = BatchNormalization(momentum=0.9), {}
    layer.dtype = np.dtype("float64")
    layer.build(shape[1:], np.random.default_rng(0))
    layer.gamma, layer.beta = [2.0, -1.0], [0.5, 3.0]
    y = layer.forward(x, memo)
    np.testing.assert_allclose(y[0, 0, 0], [0.34273673995, 1.870225026578], rtol=1e-11)
    np.testing.assert_allclose(y[0, 0, 1], [3.033832376418, 2.843508578548], rtol=1e-11)
    dx = layer.backward(x, y, dy, memo)
    np.testing.assert_allclose(dx[1, 2, 0], [1.206312084594, 0.783147904249], rtol=1e-11)
    np.testing.assert_allclose(dx[1, 2, 1], [-2.958568371365, 0.58694195597], rtol=1e-11)
    layer.gradient(x, y, dy, memo)
    np.testing.assert_allclose(layer.dgamma, [0.006744055609, 0.647992731059], rtol=1e-9)
    np.testing.assert_allclose(layer.dbeta, [-0.002822093366, -0.538092446654], rtol=1e-9)
    layer.after_step(memo)
    np.testing.assert_allclose(layer.moving_mean, [0.00531378654, 0.002851261873], rtol=1e-9)
    # Keras has float32 sums here; PyTorch divides by N - 1
    np.testing.assert_allclose(layer.moving_variance, [0.945568144, 0.951678872], rtol=1e-7)
    unbiased = 0.9 + (layer.moving_variance - 0.9) * 12 / 11
    np.testing.assert_allclose(unbiased, [0.949710735772, 0.956376967414], rtol=1e-11)


@pytest.mark.parametrize("N", [32, 1000, 10_000])
@pytest.mark.parametrize("mean", [0.0, 1e2, 1e4, 1e5])
def test_columns_far_from_0_are_standardized_as_in_float64(N, mean):
    """The mean of a column at 1e4 has a rounding of 5e-4 in float32; x̂ is made without it."""
    x = (mean + np.random.default_rng(0).normal(size=(N, 4))).astype("f4")
    layer, memo = BatchNormalization(), {}
    layer.build((4,), np.random.default_rng(0))
    y, wide = layer.forward(x, memo), x.astype("f8")
    variance = wide.var(axis=0)
    right = (wide - wide.mean(axis=0)) / np.sqrt(variance + layer.epsilon)
    np.testing.assert_allclose(memo["variance"], variance, rtol=1e-6)
    np.testing.assert_allclose(y, right, atol=2e-6)
