"""Conv2D, held to its sum written with loops, to the complex step, and to PyTorch's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.checks import Array
from minnet.layers import AveragePooling2D, Conv2D, Dense, Flatten, MaxPooling2D
from minnet.layers.windows import MOST_BYTES, Windows
from minnet.models import Sequential
from tests.complex_step import assert_gradients
from tests.strategies import normal, seeds

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3))
IMAGES = st.tuples(st.integers(1, 3), st.integers(3, 6), st.integers(3, 6), st.integers(1, 3))
PADDINGS = st.sampled_from(["valid", "same"])

TORCH = {
    "y": [3.5, -4.5, -2, -1, 3, -4.5, 1, -1, -5, -1, 3.5, -4.5, -2, -1, 3, -4.5],
    "dx": [
        1,
        0,
        -1.5,
        0,
        1.5,
        0,
        0,
        0,
        -1,
        0.5,
        -0.5,
        1,
        -0.5,
        -1.5,
        0.5,
        1.5,
        0,
        0,
        0,
        -1,
        0.5,
        -0.5,
        0.5,
        -0.5,
        -0.5,
        0.5,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        -0.5,
        -0.5,
        1.5,
        0,
        0,
        0,
        -1.5,
        0,
        2,
        -0.5,
        -0.5,
        -0.5,
        0.5,
        1.5,
        0,
        0,
        -0.5,
        -1.5,
        -0.5,
        2,
        -0.5,
        -0.5,
        -0.5,
        0.5,
        0,
        0,
        0.5,
        -0.5,
        -0.5,
        -0.5,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ],
    "dW": [3, -4, 10, -5, 3, 1, -4, 0, -4, 0, -4, -1, -4, 5, -4, 4, -4, 4, 3, -4, 10, -5, 3, 1],
    "db": [0, -1],
}


def made(layer: Conv2D, x: Array) -> Conv2D:
    layer.dtype = x.dtype
    layer.build(x.shape[1:], np.random.default_rng(0))
    layer.b = np.arange(1.0, layer.filters + 1)
    return layer


def by_loops(layer: Conv2D, x: Array) -> Array:
    """The docstring's sum, one number after another."""
    (above, below), (left, right) = layer.windows.margins(*x.shape[1:3])
    x = np.pad(x, [(0, 0), (above, below), (left, right), (0, 0)])
    (h, w), (s, t) = layer.kernel_size, layer.strides
    rows, columns = (x.shape[1] - h) // s + 1, (x.shape[2] - w) // t + 1
    y = np.empty((len(x), rows, columns, layer.filters), x.dtype)
    for n, i, j, f in np.ndindex(y.shape):
        patch = x[n, i * s : i * s + h, j * t : j * t + w]
        y[n, i, j, f] = (patch * layer.W[..., f]).sum() + layer.b[f]
    return y


@given(shape=IMAGES, size=SIZES, strides=SIZES, padding=PADDINGS, seed=seeds)
def test_it_is_its_sum(shape, size, strides, padding, seed):
    (x,) = normal(seed, shape)
    layer = made(Conv2D(2, size, strides, padding), x)
    y = layer.forward(x)
    np.testing.assert_allclose(y, by_loops(layer, x), rtol=1e-12, atol=1e-12)
    assert y.shape[1:] == layer.compute_output_shape(shape[1:])
    if padding == "same":
        assert y.shape[1:3] == tuple(-(-n // s) for n, s in zip(shape[1:3], strides, strict=True))


@given(shape=IMAGES, size=SIZES, strides=SIZES, padding=PADDINGS, seed=seeds)
def test_gradients(shape, size, strides, padding, seed):
    (x,) = normal(seed, shape)
    layer = made(Conv2D(2, size, strides, padding), x)
    (dy,) = normal(seed + 1, layer.forward(x).shape)
    assert_gradients(layer, x, dy)


def test_numbers_of_pytorch():
    """torch.nn.functional.conv2d of PyTorch 2.13.0 on these numbers, and its gradients."""
    x = (np.arange(2 * 4 * 5 * 2).reshape(2, 4, 5, 2) % 7 - 3).astype(np.float64)
    layer = made(Conv2D(2, (3, 2), strides=(2, 1)), x)
    layer.W = (np.arange(24).reshape(3, 2, 2, 2) % 5 - 2) / 2
    layer.b = [0.5, -1]
    y = layer.forward(x)
    dy = (np.arange(y.size).reshape(y.shape) % 3 - 1).astype(np.float64)
    layer.gradient(x, y, dy)
    dx = layer.backward(x, y, dy)
    for values, recorded in (
        (y, TORCH["y"]),
        (dx, TORCH["dx"]),
        (layer.dW, TORCH["dW"]),
        (layer.db, TORCH["db"]),
    ):
        np.testing.assert_allclose(values.ravel(), recorded, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("height", "size", "stride", "margins"),
    [(5, 3, 1, (1, 1)), (5, 2, 1, (0, 1)), (5, 3, 2, (1, 1)), (6, 3, 2, (0, 1)), (6, 2, 3, (0, 0))],
)
def test_same_pads_as_keras_does(height, size, stride, margins):
    """The end gets the odd one, as in keras.layers.Conv2D 3.15."""
    windows = Windows((size, size), (stride, stride), "same")
    assert windows.margins(height, height) == (margins, margins)


def test_pieces_of_a_batch_give_what_the_whole_gives(monkeypatch):
    x, dy = normal(0, (5, 6, 6, 2), (5, 4, 4, 3))
    layer = made(Conv2D(3, 3), x)
    whole = layer.forward(x)
    layer.gradient(x, whole, dy)
    gradient = layer.dW.copy()
    monkeypatch.setattr("minnet.layers.windows.MOST_BYTES", 2 * 16 * 18 * 8)
    np.testing.assert_allclose(layer.forward(x), whole, rtol=1e-13)
    layer.gradient(x, whole, dy)
    np.testing.assert_allclose(layer.dW, gradient, rtol=1e-13)
    assert layer.windows.images_at_a_time(x) == 2


def test_the_patches_of_a_batch_take_64_MB_at_most():
    windows = Windows((5, 5), (1, 1), "same")
    x = np.broadcast_to(np.float32(1), (10_000, 28, 28, 6))
    assert MOST_BYTES == 64 * 2**20
    assert windows.images_at_a_time(x) * 28 * 28 * 25 * 6 * 4 <= MOST_BYTES
    huge = np.broadcast_to(np.float32(1), (4, 2_000, 2_000, 3))
    assert windows.images_at_a_time(huge) == 1


def test_long_sums_are_those_of_float64():
    rng = np.random.default_rng(0)
    x = (rng.random((64, 28, 28, 1)) + 1).astype(np.float32)
    layer = made(Conv2D(4, 3), x)
    y = layer.forward(x)
    dy = (rng.random(y.shape) + 1).astype(np.float32)
    layer.gradient(x, y, dy)
    patches = layer.windows.unrolled(x).astype(np.float64)
    exact = patches @ dy.reshape(-1, 4).astype(np.float64)
    np.testing.assert_allclose(layer.dW.reshape(-1, 4), exact, rtol=1e-6)
    np.testing.assert_allclose(layer.db, dy.sum(axis=(0, 1, 2), dtype=np.float64), rtol=1e-6)


def test_the_patches_of_a_batch_are_laid_out_once_a_step(monkeypatch):
    x, dy = normal(0, (2, 4, 4, 1), (2, 3, 3, 2))
    layer, usual, calls = made(Conv2D(2, 2), x), Windows.unrolled, []
    monkeypatch.setattr(Windows, "unrolled", lambda *a: calls.append(1) or usual(*a))
    memo: dict[str, object] = {}
    layer.gradient(x, layer.forward(x, memo), dy, memo)
    assert len(calls) == 1


def test_a_memo_of_other_images_is_not_believed():
    x, other, dy = normal(0, (2, 4, 4, 1), (2, 4, 4, 1), (2, 3, 3, 2))
    layer = made(Conv2D(2, 2), x)
    memo: dict[str, object] = {}
    layer.forward(other, memo)
    layer.gradient(x, layer.forward(x), dy, memo)
    wrong = layer.dW.copy()
    layer.gradient(x, layer.forward(x), dy)
    np.testing.assert_array_equal(layer.dW, wrong)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((28, 28), r"takes x of shape \(N, H, W, C\)\. Got \(N, 28, 28\)\. .* x\[\.\.\., None\]\."),
        ((784,), r"Got \(N, 784\)\. Bring rows into shape first: Reshape\(\(H, W, C\)\)\."),
        ((1, 28, 28), r"Got \(N, 1, 28, 28\)\. The channels come last: np\.moveaxis\(x, 1, -1\)\."),
        (
            (2, 2, 1),
            r"its window of \(3, 3\) fits into\. Got \(N, 2, 2, 1\)\. Take a smaller"
            r".*got \(2, 2, 1\), "
            "wants images that it fits into",
        ),
        ((2, 28, 28, 1), r"Got \(N, 2, 28, 28, 1\)\. An image has three axes: rows, columns, and"),
        ((2, 32, 32), r"Got \(N, 2, 32, 32\)\. The channels come last: np\.moveaxis"),
    ],
)
def test_what_is_no_image_is_refused_with_what_to_write(shape, words):
    with pytest.raises(ValueError, match=words):
        Sequential([Conv2D(2, 3, input_shape=shape), Flatten(), Dense(1)])


def test_a_pooling_that_leaves_nothing_says_so_and_recalls_where_channels_stand():
    layers = [Conv2D(4, 3, input_shape=(3, 32, 32)), MaxPooling2D(), Flatten(), Dense(1)]
    words = r"Got \(N, 1, 30, 4\)\. Take a smaller window, or padding=\"same\"\. Channels come last"
    with pytest.raises(ValueError, match=words):
        Sequential(layers)


@pytest.mark.parametrize(
    ("shape", "channels", "words"),
    [
        (
            (20, 8, 6),
            1,
            r"Got \(20, 8, 6\)\. One channel wants an axis of its own: use x\[\.\.\., N",
        ),
        ((20, 1, 8, 6), 1, r"The channels come last: use np\.moveaxis\(x, 1, -1\)\."),
        ((20, 3, 8, 6), 3, r"The channels come last: use np\.moveaxis\(x, 1, -1\)\."),
        ((3, 8, 6), 3, r"for one image use np\.moveaxis\(x, 0, -1\)\[None\]\."),
        ((8, 6), 1, r"For one image use x\.reshape\(1, 8, 6, 1\)\."),
        ((20, 48), 1, r"For rows of 48 numbers use x\.reshape\(-1, 8, 6, 1\)\."),
        ((8, 6, 3), 3, r"For one sample use x\.reshape\(1, 8, 6, 3\)\."),
    ],
)
def test_images_in_another_form_are_refused_with_what_to_write(shape, channels, words):
    model = Sequential([Conv2D(2, 3, input_shape=(8, 6, channels)), Flatten(), Dense(1)], seed=0)
    x = np.arange(float(np.prod(shape))).reshape(shape)
    with pytest.raises(ValueError, match=words) as caught:
        model.predict(x)
    advice = re.search(r"use ((?:np|x)[^ ]*(?: [^ ]+)*?)\. x \(", str(caught.value))
    assert advice, caught.value
    assert model.predict(eval(advice[1])).shape[1:] == (1,)  # the advice works as it is written


@pytest.mark.parametrize("shape", [(20, 8, 5), (20, 2, 8, 6), (5, 47), (20, 6, 8, 1)])
def test_what_does_not_line_up_gets_no_advice(shape):
    model = Sequential([Conv2D(2, 3, input_shape=(8, 6, 1)), Flatten(), Dense(1)], seed=0)
    with pytest.raises(ValueError, match=r"takes shape \(N, 8, 6, 1\)\. Got [^.]*\. x \("):
        model.predict(np.zeros(shape))


def test_another_depth_is_refused():
    model = Sequential([Conv2D(2, 3, input_shape=(5, 5, 3)), Flatten(), Dense(1)], seed=0)
    with pytest.raises(ValueError, match=r"conv2d_1 takes x of shape \(N, H, W, 3\)\. Got"):
        model.layers[0].compute_output_shape((5, 5, 2))
    with pytest.raises(ValueError, match=r"channels come last: np\.moveaxis\(x, 1, -1\)\."):
        model.layers[0].compute_output_shape((3, 5, 5))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size takes .* 1 or more"),
        ({"kernel_size": (1, 2, 3)}, ValueError, r"one number or two, \(rows, columns\)"),
        ({"strides": 1.5}, TypeError, "strides takes"),
        ({"padding": "sam"}, ValueError, r'"valid" or "same"\. Got .sam.\. Did you mean "same"'),
        ({"filters": 0}, ValueError, "filters takes"),
        ({"dilation_rate": 2}, TypeError, "dilation_rate"),
        ({"groups": 2}, TypeError, "groups"),
        ({"data_format": "channels_first"}, TypeError, r"np\.moveaxis\(x, 1, -1\)"),
    ],
)
def test_settings_that_cannot_be(arguments, error, words):
    with pytest.raises(error, match=words):
        Conv2D(**{"filters": 2, "kernel_size": 3, **arguments})


def test_it_is_drawn_in_summaries_with_its_window(capsys):
    layers = [
        Conv2D(2, 3, 2, "same", "relu", input_shape=(9, 9, 1)),
        MaxPooling2D(),
        AveragePooling2D(2, 1),
        Conv2D(1, 1, (1, 2)),
    ]
    Sequential(layers, seed=0).summary()
    drawn = capsys.readouterr().out
    for kind in (
        "Conv2D 3×3 stride 2, ReLU",
        "MaxPooling2D 2×2  ",
        "AveragePooling2D 2×2  ",
        "Conv2D 1×1 stride 1, 2  ",
    ):
        assert kind in drawn, drawn
