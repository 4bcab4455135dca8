"""The network drawn, and weights as images: lines, widths, signs and places read back."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from minnet import Sequential, plots
from minnet.layers import BatchNormalization, Dense, Dropout


def small():
    """2-3-1 with weights whose sizes and signs are known."""
    model = Sequential([Dense(3, activation="tanh", input_dim=2), Dropout(0.5), Dense(1)], seed=0)
    model.layers[0].W = [[1.0, -2.0, 0.0], [4.0, -0.5, 3.0]]
    model.layers[2].W = [[0.1], [-0.2], [0.05]]
    return model


def texts(ax):
    return [text.get_text() for text in ax.texts]


def lines(ax):
    """(from, to, sign) → width; dashed is negative."""
    found = {}
    for drawn in (c for c in ax.collections if hasattr(c, "get_segments")):
        signs = [1 if style[1] is None else -1 for style in drawn.get_linestyles()]
        widths = drawn.get_linewidths()
        assert list(widths) == sorted(widths)  # the widest on top, of whichever sign
        for (a, b), width, sign in zip(drawn.get_segments(), widths, signs, strict=True):
            found[(tuple(a), tuple(b), sign)] = width
    return found


def circles(ax):
    """The units of each layer."""
    return [c for c in ax.collections if hasattr(c, "get_sizes")]


def test_each_weight_is_a_line_as_wide_as_it_is_large_within_its_layer():
    found = lines(plots.network(small()))
    widest = 3.5
    left, hidden = (0.5, -0.5), (1.0, 0.0, -1.0)
    wanted = {}
    for i, row in enumerate([[1.0, -2.0, 0.0], [4.0, -0.5, 3.0]]):
        for j, w in enumerate(row):
            if w:  # a weight of 0 is no line
                wanted[((0, left[i]), (1, hidden[j]), np.sign(w))] = widest * abs(w) / 4.0
    for j, w in enumerate([0.1, -0.2, 0.05]):
        wanted[((1, hidden[j]), (2, 0.0), np.sign(w))] = widest * abs(w) / 0.2
    assert found.keys() == wanted.keys()
    for place, width in wanted.items():
        assert found[place] == pytest.approx(width)


def test_signs_differ_in_colour_and_in_style():
    ax = plots.network(small())
    first = next(c for c in ax.collections if hasattr(c, "get_segments"))
    looks = zip(first.get_colors(), first.get_linestyles(), strict=True)
    found = [(to_hex(colour), style[1] is None) for colour, style in looks]
    positive, negative = (plots.COLOURS[k].lower() for k in (0, 1))
    by_size = [-0.5, 1.0, -2.0, 3.0, 4.0]  # the first layer's weights but for 0
    assert found == [(positive, True) if w > 0 else (negative, False) for w in by_size]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "positive weight",
        "negative weight",
    ]
    solid, dashed = legend.get_lines()
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")


def test_layers_are_named_with_what_follows_them_and_the_largest_weight_stands_above():
    ax = plots.network(small())
    assert texts(ax) == [
        "widest line:\n|w| = 4",
        "widest line:\n|w| = 0.2",
        "input\n2 units",
        "dense_1\nTanh\n3 units\nthen dropout_1",
        "dense_2\n1 unit",
    ]
    assert ax.get_title() == "Network 2-3-1: 9 weights"


def test_units_are_circles():
    ax = plots.network(small())
    assert [c.get_offsets().tolist() for c in circles(ax)] == [
        [[0, 0.5], [0, -0.5]],
        [[1, 1.0], [1, 0.0], [1, -1.0]],
        [[2, 0.0]],
    ]


def test_of_large_layers_the_first_and_last_units_are_drawn():
    model = Sequential([Dense(3, input_dim=100)], seed=0)
    model.layers[0].W = np.zeros((100, 3))
    W = model.layers[0].W
    W[0], W[1], W[2], W[98], W[99] = 1, 2, 9, 3, 4  # the third is not drawn, and scales all
    ax = plots.network(model, most=4)
    found = lines(ax)
    assert len(found) == 4 * 3
    by_height = {start[1]: width for (start, _, _), width in found.items()}
    for height, w in ((2.0, 1), (1.0, 2), (-1.0, 3), (-2.0, 4)):
        assert by_height[height] == pytest.approx(3.5 * w / 9)
    assert "⋮" in texts(ax)
    assert "input\n100 units\n(4 drawn)" in texts(ax)
    assert ax.get_title() == "Network 100-3: 300 weights"


def test_many_lines_are_narrower_than_few():
    few, many = (Sequential([Dense(10, input_dim=D)], seed=0) for D in (2, 10))
    widest = [max(lines(plots.network(model)).values()) for model in (few, many)]
    assert widest == pytest.approx([3.5, 3.5 * (40 / 100) ** 0.5])


def test_classes_are_named_beside_the_outputs():
    model = Sequential([Dense(2, activation="softmax", input_dim=3)], seed=0)
    model.class_names = ["cat", "dog"]
    ax = plots.network(model)
    places = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert places["cat"] > places["dog"]


@pytest.mark.parametrize("units", [1, 3, 30])
@pytest.mark.parametrize("follow", [0, 2])
def test_words_stay_apart_and_inside(units, follow):
    model = Sequential([Dense(units, activation="relu", input_dim=64)], seed=0)
    for _ in range(follow):
        model.add(Dropout(0.1))
    model.add(Dense(2, activation="softmax"))
    ax = plots.network(model)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() != "⋮"]
    boxes.append(ax.get_legend().get_window_extent())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    frame = ax.get_window_extent()
    for box in boxes:
        assert frame.y0 - 1 <= box.y0
        assert box.y1 <= frame.y1 + 1
    points = np.concatenate([ax.transData.transform(c.get_offsets()) for c in circles(ax)])
    low, high = points[:, 1].min() - 5, points[:, 1].max() + 5
    assert all(box.y1 < low or box.y0 > high for box in boxes)


class Layer:
    """A plain layer."""

    def __init__(self, W):
        self.W = np.asarray(W)


class Model:
    """A plain model."""

    def __init__(self, *weights):
        self.layers = [Layer(W) for W in weights]


def test_a_plain_object_will_do():
    assert plots.network(Model(np.ones((2, 2)))).get_title() == "Network 2-2: 4 weights"


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Sequential([Dense(2)]), RuntimeError, r"network takes a model that is built"),
        (np.ones(3), TypeError, r"network takes a model with layers. Got an array"),
        (Sequential, TypeError, r"Got the class Sequential itself"),
        (Sequential([BatchNormalization()]), RuntimeError, r"that is built"),
        (Model(), ValueError, r"a layer that has weights W. Got none. Add a Dense"),
        (
            Model(np.ones((2, 2, 3))),
            ValueError,
            r"shape \(D, M\) or \(h, w, C, F\). Got Layer with \(2, 2, 3\)",
        ),
        (Model(np.ones((2, 3)), np.ones((4, 1))), ValueError, r"Layer for 4 inputs on .* 3 units"),
        (Model([[np.nan]]), ValueError, r"Layer.W takes finite numbers"),
    ],
)
def test_what_network_refuses(model, error, message):
    with pytest.raises(error, match=message):
        plots.network(model)
    assert plt.get_fignums() == []


# --- weights as images ----------------------------------------------------------------------------


def test_each_column_of_weights_is_an_image_and_all_have_one_scale():
    W = np.random.default_rng(0).normal(size=(16, 5))
    ax = plots.weights(Layer(W), columns=3)
    assert len(ax.images) == 5
    for unit, image in enumerate(ax.images):
        np.testing.assert_array_equal(image.get_array(), W[:, unit].reshape(4, 4))
        assert image.get_clim() == (-np.abs(W).max(), np.abs(W).max())
        assert image.get_cmap().name == "cividis"
    assert texts(ax) == ["0", "1", "2", "3", "4"]
    assert ax.get_title() == "Weights of Layer, 16 for each unit: 5 units"
    assert ax.figure.axes[1].get_ylabel() == "weight"


def test_images_of_any_shape_lie_in_rows_and_apart():
    ax = plots.weights(np.arange(60.0).reshape(6, 10), (2, 3), columns=4)
    np.testing.assert_array_equal(ax.images[1].get_array(), [[1, 11, 21], [31, 41, 51]])
    boxes = [image.get_extent() for image in ax.images]  # left, right, bottom, top
    np.testing.assert_allclose([(box[1] - box[0], box[2] - box[3]) for box in boxes], [(3, 2)] * 10)
    assert boxes[0][1] < boxes[1][0]
    assert boxes[0][2] < boxes[4][3]
    assert boxes[0][0] == boxes[4][0]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert all(left <= b[0] and b[1] <= right and top <= b[3] and b[2] <= bottom for b in boxes)


def test_of_many_units_the_first_are_drawn():
    ax = plots.weights(np.ones((4, 40)), most=3)
    assert len(ax.images) == 3
    assert ax.get_title() == "Weights of a layer, 4 for each unit: the first 3 of 40 units"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((6, 2)),), ValueError, r"shape=\(H, W\) where 6 weights make no square"),
        ((np.ones((6, 2)), (2, 2)), ValueError, r"H · W = 6. Got \(2, 2\). Use shape=\(1, 6\)"),
        ((np.ones(6),), ValueError, r"W of shape \(D, M\).* Got \(6,\)"),
        ((small(),), TypeError, r"one layer. Got a model. .* weights\(model.layers\[0\]\)"),
        ((Dense(3),), RuntimeError, r"a layer that is built. Got Dense without weights"),
        ((Dropout(0.5),), TypeError, r"a layer with weights W, .* Got Dropout.* Choose a Dense"),
        ((np.full((4, 1), np.inf),), ValueError, r"weights takes finite numbers"),
    ],
)
def test_what_weights_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        plots.weights(*arguments)
    assert plt.get_fignums() == []
