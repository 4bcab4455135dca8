"""What convolution learned, and what it sees: its filters, and its maps of an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, integer
from minnet.foundation.strict import named
from minnet.plots.canvas import MOST, SHADES, one_axes
from minnet.plots.subjects import (
    activation_name,
    first_of,
    layer_name,
    samples,
    weights_to_draw,
    working_copy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@named
def filters(layer: Any, *, columns: int = 8, most: int = 32, ax: Axes | None = None) -> Axes:
    """What each filter of a convolution looks for: its weights as an image.

    All images have one scale, dark for negative and light for positive weights. Of images with one
    channel each filter is one image. Of several channels a filter is a column of images, one for
    each channel that it looks at.

    Parameters
    ----------
    layer
        A layer with weights `W` of shape (h, w, C, F), or such an array.
    columns
        Filters beside each other, where each is one image.
    most
        How many filters are drawn, and how many of their channels: the first ones.
    ax
        Where it is drawn; None makes a figure.

    Raises
    ------
    TypeError, ValueError
        Something else than a convolution, or weights of another shape.
    RuntimeError
        The layer is not built.

    Examples
    --------
    >>> from minnet.pretrained import load_pretrained
    >>> model = load_pretrained("mnist-cnn")
    >>> ax = filters(model.layers[0])
    >>> ax.get_title(), len(ax.images)
    ('Filters of conv2d_1, 5×5 each: 6 filters', 6)
    >>> len(filters(model.get_layer("conv2d_2")).images)  # 16 filters on 6 channels
    96
    """
    W, name = _kernel(layer)
    h, w, C, F = W.shape
    most = integer(most, "filters' most", minimum=1, maximum=MOST)
    columns = integer(columns, "filters' columns", minimum=1, maximum=MOST)
    count, channels = min(F, most), min(C, most)
    columns = min(columns, count) if C == 1 else count
    rows = math.ceil(count / columns) if C == 1 else channels
    band = 0.28 * max(h, w / 2) if C == 1 else 0.1 * h
    gap = 0.15 * w
    cell = min(6.0 / columns, 1.4)
    tall = 0.9 + rows * cell * (h + band) / (w + gap)
    ax = one_axes(ax, 6.8, min(max(tall, 2.4), 12.0))
    largest = float(np.abs(W[:, :, :channels, :count]).max()) or 1.0
    for f in range(count):
        for c in range(channels):
            row, column = divmod(f, columns) if C == 1 else (c, f)
            left, top = column * (w + gap), row * (h + band)
            image = ax.imshow(
                W[:, :, c, f],
                cmap=SHADES,
                vmin=-largest,
                vmax=largest,
                extent=(left, left + w, top + h, top),
            )
            if c == 0:
                ax.text(left + w / 2, top - 0.03 * h, str(f), ha="center", va="bottom", fontsize=9)
    if C > 1:
        for c in range(channels):
            text = f"channel {c}"
            ax.text(-gap, c * (h + band) + h / 2, text, ha="right", va="center", fontsize=9)
    ax.set_xlim(
        -gap / 2 - (0.09 * columns * (w + gap) if C > 1 else 0.0), columns * (w + gap) - gap
    )
    ax.set_ylim(rows * (h + band) - band + gap / 2, -band if C == 1 else -0.9 * h)
    ax.figure.colorbar(image, ax=ax, label="weight", shrink=0.8)
    which = first_of(count, F, "filter")
    if channels < C:
        which += f", on the first {channels} of {C} channels"
    ax.set_title(f"Filters of {name}, {h}×{w} each: {which}")
    ax.set_axis_off()
    return ax


@named
def feature_maps(model: Any, x: Any, *, most: int = 8, ax: Axes | None = None) -> Axes:
    """What becomes of one image: the maps that each layer makes of it, a row for each.

    The lighter, the larger; 0 is the darkest, unless a map has numbers below it. Each row has a
    scale of its own. All maps are drawn in one size, so a coarser one has larger pixels. The model
    runs in inference mode, and layers behind the last map are left out.

    Parameters
    ----------
    model
        What has `layers` and `forward`, and takes images.
    x : (H, W, C) or (1, H, W, C) array
        One image, prepared as it was for fit.
    most
        How many maps of a layer are drawn, the first ones.
    ax
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        More than one image, one of another shape, or a model without maps.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> from minnet.pretrained import load_pretrained
    >>> ax = feature_maps(load_pretrained("mnist-cnn"), np.eye(28)[..., None])
    >>> [text.get_text().split("\\n")[0] for text in ax.texts]
    ['input', 'conv2d_1 (ReLU)', 'max_pooling2d_1', 'conv2d_2 (ReLU)', 'max_pooling2d_2']
    """
    who = "feature_maps"
    twin = working_copy(model, who, "layers", "forward", "input_shape")
    most = integer(most, "feature_maps' most", minimum=1, maximum=MOST)
    rows = _maps(twin, samples(_one_image(x, twin, who), twin, "feature_maps' x"))
    if len(rows) < 2:
        raise ValueError(
            f"{who} takes a model with a layer that makes maps of images. Got none. Add a Conv2D, "
            "or draw a Dense with plots.weights."
        )
    widest = min(most, max(maps.shape[2] for _, maps in rows))
    ax = one_axes(ax, 1.9 + 0.85 * max(widest, 3), 0.6 + 0.95 * len(rows))
    for row, (title, maps) in enumerate(rows):
        shown = maps[:, :, :most]
        low, high = min(0.0, float(shown.min())), float(shown.max())
        for c in range(shown.shape[2]):
            ax.imshow(
                shown[:, :, c],
                cmap=SHADES,
                vmin=low,
                vmax=high if high > low else low + 1.0,
                extent=(1.1 * c, 1.1 * c + 1, 1.1 * row + 1, 1.1 * row),
            )
        H, W, C = maps.shape
        words = f"{title}\n{first_of(shown.shape[2], C, 'map')}, {H}×{W}"
        ax.text(-0.15, 1.1 * row + 0.5, words, ha="right", va="center", fontsize=9)
    ax.set_xlim(-2.2, 1.1 * max(widest, 3))
    ax.set_ylim(1.1 * len(rows), -0.1)
    ax.set_title(f"Feature maps of {getattr(model, 'name', None) or 'a model'}")
    ax.set_axis_off()
    return ax


def _kernel(layer: Any) -> tuple[Array, str]:
    """The weights (h, w, C, F) of a convolution or of an array, checked, and what to call them."""
    who = "filters"
    W, name = weights_to_draw(layer, who, "Conv2D", "input_shape")
    if W.ndim != 4 or W.size == 0:
        advice = "Draw a Dense with plots.weights." if W.ndim == 2 else "Choose a Conv2D."
        raise ValueError(
            f"{who} takes W of shape (h, w, C, F), a filter for each of F. Got {W.shape}. {advice}"
        )
    finite(W, "filters")
    return W, name


def _one_image(x: Any, model: Any, who: str) -> Array:
    """x as a batch of one."""
    array = as_array(x, f"{who}' x")
    shape = tuple(model.input_shape)
    if array.shape == shape:
        return array[np.newaxis]
    if array.ndim == len(shape) + 1 and array.shape[1:] == shape and len(array) > 1:
        raise ValueError(f"{who} takes one image. Got {len(array)}. Choose one: x[0].")
    return array


def _maps(model: Any, x: Array) -> list[tuple[str, Array]]:
    """(title, maps (H, W, C)) of the input and of each layer that makes maps."""
    outputs = model.forward(x)
    titled = [("input", x[0])] if x.ndim == 4 else []
    end = 0  # of the layer's steps
    for layer in model.layers:
        begin, end = end, end + len(layer.steps())
        y = outputs[end]
        if y.ndim == 4 and not np.shares_memory(outputs[begin], y):
            activation = activation_name(layer)
            title = layer_name(layer) + (f" ({activation})" if activation else "")
            finite(y, f"feature_maps' {title}")
            titled.append((title, y[0]))
    return titled
