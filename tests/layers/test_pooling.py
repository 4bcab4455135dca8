"""Pooling, held to loops, to the complex step and to PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.layers import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from tests.complex_step import assert_gradients
from tests.strategies import normal, seeds

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3))
IMAGES = st.tuples(st.integers(1, 3), st.integers(3, 6), st.integers(3, 6), st.integers(1, 3))
PADDINGS = st.sampled_from(["valid", "same"])
KINDS = [(MaxPooling2D, np.nanmax), (AveragePooling2D, np.nanmean)]

TORCH_MAX = {
    "y": [9, 10, 9, 10, 9, 10],
    "dx": [0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 5, 0, 0],
}
TORCH_AVERAGE = {
    "y": [4.5, 6, 4.75, 6.25, 3.75, 5.25, 4, 5.5, 3, 4.5, 6, 4.75],
    "dx": [
        0.25,
        0.75,
        1.25,
        1.75,
        1,
        1.5,
        3.5,
        4.5,
        5.5,
        3,
        3.5,
        7.5,
        8.5,
        9.5,
        5,
        2.25,
        4.75,
        5.25,
        5.75,
        3,
    ],
}


@pytest.mark.parametrize(("kind", "of_window"), KINDS, ids=["max", "average"])
@given(shape=IMAGES, size=SIZES, strides=SIZES | st.none(), padding=PADDINGS, seed=seeds)
def test_each_window_by_itself(kind, of_window, shape, size, strides, padding, seed):
    (x,) = normal(seed, shape)
    layer = kind(size, strides, padding)
    (above, below), (left, right) = layer.windows.margins(*shape[1:3])
    margins = [(0, 0), (above, below), (left, right), (0, 0)]
    padded = np.pad(x, margins, constant_values=np.nan)  # a margin does not count
    y = layer.forward(x)
    assert y.shape == (shape[0], *layer.compute_output_shape(shape[1:]))
    (h, w), (s, t) = layer.windows.size, layer.windows.strides
    for n, i, j, c in np.ndindex(y.shape):
        window = padded[n, i * s : i * s + h, j * t : j * t + w, c]
        assert y[n, i, j, c] == pytest.approx(of_window(window), rel=1e-12)


@pytest.mark.parametrize("kind", [MaxPooling2D, AveragePooling2D])
@given(shape=IMAGES, size=SIZES, strides=SIZES | st.none(), padding=PADDINGS, seed=seeds)
def test_gradients(kind, shape, size, strides, padding, seed):
    (x,) = normal(seed, shape)
    layer = kind(size, strides, padding)
    (dy,) = normal(seed + 1, layer.forward(x).shape)
    assert_gradients(layer, x, dy)


@given(shape=IMAGES, keepdims=st.booleans(), seed=seeds)
def test_global_average_pooling(shape, keepdims, seed):
    (x,) = normal(seed, shape)
    layer = GlobalAveragePooling2D(keepdims)
    y = layer.forward(x)
    assert y.shape == (shape[0], *layer.compute_output_shape(shape[1:]))
    np.testing.assert_allclose(y, x.mean(axis=(1, 2), keepdims=keepdims), rtol=1e-12)
    assert_gradients(layer, x, normal(seed + 1, y.shape)[0])


@given(shape=IMAGES, keepdims=st.booleans(), seed=seeds)
def test_global_max_pooling(shape, keepdims, seed):
    (x,) = normal(seed, shape)
    layer = GlobalMaxPooling2D(keepdims)
    y = layer.forward(x)
    assert y.shape == (shape[0], *layer.compute_output_shape(shape[1:]))
    np.testing.assert_array_equal(y.ravel(), MaxPooling2D(shape[1:3]).forward(x).ravel())
    (dy,) = normal(seed + 1, y.shape)
    assert_gradients(layer, x, dy)
    if min(shape[1:3]) > 0:
        windows = MaxPooling2D(shape[1:3])
        dx = windows.backward(x, windows.forward(x), dy.reshape(shape[0], 1, 1, -1))
        np.testing.assert_array_equal(layer.backward(x, y, dy), dx)


def test_of_equal_channels_the_first_pixel_gets_the_gradient():
    x = np.array([[2.0, 0.0, 2.0], [1.0, 2.0, 2.0]]).reshape(1, 2, 3, 1)
    layer = GlobalMaxPooling2D()
    dx = layer.backward(x, layer.forward(x), np.array([[5.0]]))
    assert dx.ravel().tolist() == [5, 0, 0, 0, 0, 0]


def test_of_equal_pixels_the_first_gets_the_gradient():
    x = np.array([[2.0, 2.0, 0.0, 1.0], [2.0, 1.0, 1.0, 1.0]]).reshape(1, 2, 4, 1)
    layer = MaxPooling2D()
    y = layer.forward(x)
    assert y.ravel().tolist() == [2, 1]
    dx = layer.backward(x, y, np.array([5.0, 7.0]).reshape(y.shape))
    assert dx.ravel().tolist() == [5, 0, 0, 7, 0, 0, 0, 0]


def test_numbers_of_pytorch():
    """max_pool2d(x, (2, 3), (1, 2)) and avg_pool2d(x, 2, 1) of PyTorch 2.13.0, and their dx."""
    x = (np.arange(4 * 5).reshape(1, 4, 5, 1) * 7 % 11).astype(np.float64)
    for layer, recorded in (
        (MaxPooling2D((2, 3), (1, 2)), TORCH_MAX),
        (AveragePooling2D(2, 1), TORCH_AVERAGE),
    ):
        y = layer.forward(x)
        dx = layer.backward(x, y, np.arange(1.0, y.size + 1).reshape(y.shape))
        np.testing.assert_allclose(y.ravel(), recorded["y"], rtol=1e-12)
        np.testing.assert_allclose(dx.ravel(), recorded["dx"], rtol=1e-12)


def test_the_same_in_any_memory_order():
    x, dy = normal(0, (3, 6, 6, 2), (3, 3, 3, 2))
    for layer in (MaxPooling2D(), AveragePooling2D()):
        y, other = layer.forward(x), layer.forward(np.asfortranarray(x))
        np.testing.assert_array_equal(y, other)
        dx = layer.backward(x, y, dy)
        np.testing.assert_array_equal(dx, layer.backward(x, y, np.asfortranarray(dy)))


@pytest.mark.parametrize(
    "layer", [MaxPooling2D(), AveragePooling2D(), GlobalAveragePooling2D(), GlobalMaxPooling2D()]
)
def test_what_is_no_image_is_refused(layer):
    with pytest.raises(
        ValueError, match=r"takes x of shape \(N, H, W, C\)\. Got \(N, 6, 6\)\. One"
    ):
        layer.compute_output_shape((6, 6))
    if not isinstance(layer, (GlobalAveragePooling2D, GlobalMaxPooling2D)):
        with pytest.raises(ValueError, match=r"fits into\. Got \(N, 1, 6, 6\)\. The channels come"):
            layer.compute_output_shape((1, 6, 6))


def test_a_window_of_no_pixels_is_refused():
    with pytest.raises(ValueError, match="pool_size takes"):
        MaxPooling2D(0)
    with pytest.raises(ValueError, match="strides takes"):
        AveragePooling2D(2, strides=(1, 0))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_mean_of_pixels_near_the_end_is_finite(padding):
    """Their sum is beyond float32."""
    x = np.full((2, 5, 5, 1), 3e38, np.float32)
    x[0, 0, 0] = 1e38
    with np.errstate(all="ignore"):
        y = AveragePooling2D((2, 2), padding=padding).forward(x)
        whole = GlobalAveragePooling2D().forward(x)
    assert y[0, 0, 0, 0] == pytest.approx(2.5e38)
    np.testing.assert_allclose(y[1], 3e38, rtol=1e-6)
    np.testing.assert_allclose(whole[:, 0], [(24 * 3e38 + 1e38) / 25, 3e38], rtol=1e-6)
