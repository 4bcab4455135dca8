"""A convolutional network drawn: stacks of maps, their windows, and the units behind them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from minnet import Sequential, plots
from minnet.layers import Conv2D, Dense, Dropout, Flatten, GlobalAveragePooling2D, MaxPooling2D


def small(*behind):
    layers = [
        Conv2D(8, 3, activation="relu", input_shape=(12, 12, 1)),
        Dropout(0.1),
        MaxPooling2D(),
        *(behind or [Flatten(), Dense(3, "softmax")]),
    ]
    return Sequential(layers, seed=0)


def rectangles(ax, colour):
    return [p for p in ax.patches if isinstance(p, Rectangle) and to_hex(p.get_fc()) == colour]


def middle(patch):
    return patch.get_x() + patch.get_width() / 2


def test_maps_are_stacks_and_units_are_circles():
    ax = plots.network(small())
    sheets = rectangles(ax, "#ffffff")
    by_column = [[p for p in sheets if round(middle(p)) == i] for i in range(3)]
    assert [len(column) for column in by_column] == [1, 6, 6]  # of eight maps six are drawn
    heights = [column[0].get_height() for column in by_column]
    assert heights[0] > heights[1] > heights[2]
    circles = [c for c in ax.collections if hasattr(c, "get_sizes")]
    assert [len(c.get_offsets()) for c in circles] == [10, 3]
    assert ax.get_title() == f"Network of maps and units: {8 * 9 + 5 * 5 * 8 * 3:,} weights"


def test_words_say_what_each_column_is_and_what_leads_to_it():
    texts = [text.get_text() for text in plots.network(small()).texts]
    assert "input\n1 map\n12×12" in texts
    assert "conv2d_1\nReLU\n8 maps\n10×10\nthen dropout_1" in texts
    assert "max_pooling2d_1\n8 maps\n5×5" in texts
    assert "flatten_1\n200 units\n(10 drawn)" in texts
    assert "8 filters\n3×3×1" in texts
    assert "windows\n2×2" in texts
    assert sum(text.startswith("widest line") for text in texts) == 1


def test_a_window_covers_its_share_of_the_maps_it_looks_at():
    ax = plots.network(small())
    windows = rectangles(ax, "#d9d9d9")
    sheets = rectangles(ax, "#ffffff")
    assert len(windows) == 2
    for window, share in zip(windows, (3 / 12, 2 / 10), strict=True):
        sheet = min(sheets, key=lambda p, w=window: abs(middle(p) - middle(w)))
        assert window.get_height() / sheet.get_height() == pytest.approx(share)
        assert window.get_width() / sheet.get_width() == pytest.approx(share)


def test_means_of_channels_are_units_and_a_network_of_maps_alone_will_do():
    ax = plots.network(small(GlobalAveragePooling2D(), Dense(2)))
    assert "global_average_pooling2d_1\n8 units" in [text.get_text() for text in ax.texts]
    ax = plots.network(Sequential([Conv2D(2, 3, input_shape=(5, 5, 1))], seed=0))
    assert ax.get_legend() is None
    assert ax.get_title() == "Network of maps and units: 18 weights"


@pytest.mark.parametrize("behind", [(), (Conv2D(4, 3), Flatten(), Dense(20, "relu"), Dense(1))])
def test_words_stay_apart(behind):
    ax = plots.network(small(*behind))
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() not in ("⋮", "")]
    boxes.append(ax.get_legend().get_window_extent())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    frame = ax.get_window_extent()
    assert all(frame.y0 - 1 <= box.y0 and box.y1 <= frame.y1 + 1 for box in boxes)


def test_a_dense_on_maps_is_refused():
    class Kernel:
        def __init__(self, name, *shape):
            self.name, self.W = name, np.ones(shape)

        def compute_output_shape(self, shape):
            return (*shape[:2], self.W.shape[-1])

    class Model:
        layers = (Kernel("a", 1, 1, 1, 2), Kernel("b", 2, 3))
        input_shape = (4, 4, 1)

    with pytest.raises(
        ValueError, match=r"a Dense on units. Got b on maps of 4×4×2. Put a Flatten"
    ):
        plots.network(Model())
