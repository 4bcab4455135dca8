"""Filters and feature maps: the numbers of the images, their places, their words."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from minnet import Sequential, plots
from minnet.layers import AveragePooling2D, Conv2D, Dense, Flatten


def small(channels=1):
    layers = [
        Conv2D(3, (3, 2), activation="tanh", input_shape=(6, 5, channels)),
        AveragePooling2D((2, 4)),
        Flatten(),
        Dense(2, "softmax"),
    ]
    return Sequential(layers, seed=0, name="small")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def inside(ax):
    """Whether all images lie in what is seen, and none on another."""
    boxes = [image.get_extent() for image in ax.images]  # left, right, bottom, top
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    apart = all(
        a[1] <= b[0] or b[1] <= a[0] or a[2] <= b[3] or b[2] <= a[3]
        for i, a in enumerate(boxes)
        for b in boxes[:i]
    )
    return apart and all(
        left <= b[0] and b[1] <= right and top <= b[3] and b[2] <= bottom for b in boxes
    )


# --- filters --------------------------------------------------------------------------------------


def test_each_filter_is_an_image_and_all_have_one_scale():
    layer = small().layers[0]
    ax = plots.filters(layer, columns=2)
    assert len(ax.images) == 3
    largest = np.abs(layer.W).max()
    for f, image in enumerate(ax.images):
        np.testing.assert_array_equal(image.get_array(), layer.W[:, :, 0, f])
        assert image.get_clim() == (-largest, largest)
    assert texts(ax) == ["0", "1", "2"]
    assert ax.get_title() == "Filters of conv2d_1, 3×2 each: 3 filters"
    tops = [image.get_extent()[3] for image in ax.images]
    assert tops[0] == tops[1] < tops[2]
    assert inside(ax)


def test_of_several_channels_a_filter_is_a_column():
    layer = small(2).layers[0]
    ax = plots.filters(layer)
    assert len(ax.images) == 6
    for image in ax.images:
        left, _, _, top = image.get_extent()
        f, c = round(left / (2 * 1.15)), round(top / (3 * 1.1))
        np.testing.assert_array_equal(image.get_array(), layer.W[:, :, c, f])
    assert {"0", "1", "2", "channel 0", "channel 1"} == set(texts(ax))
    assert inside(ax)


def test_of_many_the_first_are_drawn():
    ax = plots.filters(np.ones((2, 2, 5, 9)), most=4)
    assert len(ax.images) == 16
    title = "Filters of a layer, 2×2 each: the first 4 of 9 filters, on the first 4 of 5 channels"
    assert ax.get_title() == title


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (small(), TypeError, r"one layer. Got a model. .* filters\(model.layers\[0\]\)"),
        (small().layers[3], ValueError, r"\(h, w, C, F\).* Got \(6, 2\). Draw a Dense with"),
        (small().layers[1], TypeError, r"with weights W, .* Choose a Conv2D"),
        (Conv2D(2, 3), RuntimeError, r"that is built. Got Conv2D without weights"),
        (np.ones((3, 3)), ValueError, r"filters takes W of shape \(h, w, C, F\)"),
        (np.full((1, 1, 1, 1), np.nan), ValueError, r"filters takes finite numbers"),
    ],
)
def test_what_filters_refuses(layer, error, message):
    with pytest.raises(error, match=message):
        plots.filters(layer)
    assert plt.get_fignums() == []


# --- feature maps ---------------------------------------------------------------------------------


def test_each_layer_has_a_row_with_its_maps_on_one_scale():
    model = small()
    x = np.random.default_rng(0).standard_normal((6, 5, 1)).astype("f4")
    ax = plots.feature_maps(model, x, most=2)
    input_, convolved, pooled = x[None], *(model.forward(x[None])[i] for i in (2, 3))
    rows = [input_[0], convolved[0, :, :, :2], pooled[0, :, :, :2]]
    wanted = [maps[:, :, c] for maps in rows for c in range(maps.shape[2])]
    assert len(ax.images) == 5
    for image, one in zip(ax.images, wanted, strict=True):
        np.testing.assert_array_equal(image.get_array(), one)
    limits = [image.get_clim() for image in ax.images]
    assert limits[1] == limits[2] == (rows[1].min(), rows[1].max())
    assert texts(ax) == [
        "input\n1 map, 6×5",
        "conv2d_1 (Tanh)\nthe first 2 of 3 maps, 4×4",
        "average_pooling2d_1\nthe first 2 of 3 maps, 2×1",
    ]
    assert ax.get_title() == "Feature maps of small"
    assert inside(ax)


def test_zero_is_the_darkest_where_nothing_is_below_it():
    ax = plots.feature_maps(small(), np.full((6, 5, 1), 0.5))
    assert ax.images[0].get_clim() == (0.0, 0.5)


def test_one_image_may_be_a_batch_of_one_and_the_model_stays_as_it_is():
    model, x = small(), np.ones((6, 5, 1))
    theta = model.theta.copy()
    one, other = plots.feature_maps(model, x), plots.feature_maps(model, x[None])
    for a, b in zip(one.images, other.images, strict=True):
        np.testing.assert_array_equal(a.get_array(), b.get_array())
    np.testing.assert_array_equal(model.theta, theta)


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (small(), np.ones((3, 6, 5, 1)), ValueError, r"one image. Got 3. Choose one: x\[0\]"),
        (small(), np.ones((6, 5)), ValueError, r"shape \(N, 6, 5, 1\).* Got \(6, 5\)"),
        (small(), np.full((6, 5, 1), np.nan), ValueError, r"finite"),
        (
            Sequential([Dense(2, input_dim=3)], seed=0),
            np.ones(3),
            ValueError,
            r"makes maps of images. Got none. Add a Conv2D",
        ),
        (Sequential([Conv2D(2, 3)]), np.ones((6, 5, 1)), RuntimeError, r"a model that is built"),
        (np.ones(3), np.ones(3), TypeError, r"feature_maps takes a model with layers"),
    ],
)
def test_what_feature_maps_refuses(model, x, error, message):
    with pytest.raises(error, match=message):
        plots.feature_maps(model, x)
    assert plt.get_fignums() == []
