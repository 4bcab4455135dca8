"""The network itself: its units and connections, and what a layer's weights look like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, integer, short
from minnet.foundation.checks import shape as check_shape
from minnet.plots.canvas import COLOURS, MOST, SHADES, one_axes
from minnet.plots.subjects import activation_name, layer_name, working_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 3.5
"""The width in points of the line for the largest weight of a layer."""

CROWD = 40
"""Where a layer has more lines than this, all are narrower, so that they cover as much in all."""

SIGNS: tuple[tuple[str, str, Any], ...] = (
    ("positive weight", COLOURS[0], "-"),
    ("negative weight", COLOURS[1], (0, (3, 1.5))),
)
"""How lines of either sign are drawn."""


def network(model: Any, *, most: int = 10, ax: Axes | None = None) -> Axes:
    """Units as circles and weights as lines: the larger |w|, the wider, in each layer.

    Positive weights are solid and blue, negative ones dashed and vermilion. Of a large layer the
    first and the last units are drawn, and a mark stands for those in between.

    Parameters
    ----------
    model
        What has `layers`, whose weights `W` of shape (D, M) are drawn; the names of layers
        without such weights stand below the layer they follow.
    most
        How many units of a layer are drawn.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        No layer has a matrix of weights, or two of them do not fit.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> from minnet.layers import Dense
    >>> from minnet.models import Sequential
    >>> ax = network(Sequential([Dense(3, activation="tanh", input_dim=2), Dense(1)], seed=0))
    >>> ax.get_title()
    'Network 2-3-1: 9 weights'
    """
    who = "network"
    most = integer(most, "network's most", minimum=2, maximum=MOST)
    layers = working_copy(model, who, "layers").layers
    matrices, captions = _columns(layers)
    sizes = [len(matrices[0]), *(W.shape[1] for W in matrices)]
    names = getattr(model, "class_names", None)
    ax = one_axes(ax, max(6.4, 1.9 * len(sizes)), 4.8)
    heights = [_heights(size, most) for size in sizes]
    half = max(max(column.values()) for column in heights) + 0.6
    for i, W in enumerate(matrices):
        _connect(ax, i, W, heights[i], heights[i + 1])
        largest = np.abs(W).max()
        text = f"widest line:\n|w| = {largest:.2g}"
        ax.text(i + 0.5, half + 0.2, text, ha="center", va="bottom", fontsize=9)
    for i, column in enumerate(heights):
        ax.scatter([i] * len(column), [*column.values()], s=110, c="white", ec="black", zorder=3)
        if len(column) < sizes[i]:
            ax.text(i, 0.0, "⋮", ha="center", va="center", fontsize=16, zorder=3)
        shown = f"\n({len(column)} drawn)" if len(column) < sizes[i] else ""
        text = captions[i].replace("{}", f"{sizes[i]} unit{'s' if sizes[i] > 1 else ''}{shown}")
        ax.text(i, -half - 0.2, text, ha="center", va="top", fontsize=10)
    last = len(sizes) - 1
    if names is not None and len(names) == sizes[-1]:
        for unit, where in heights[-1].items():
            ax.text(last + 0.12, where, str(names[unit]), ha="left", va="center", fontsize=9)
    _legend(ax)
    lines = max(
        text.count("\n") + (1 if size <= most else 2)
        for text, size in zip(captions, sizes, strict=True)
    )
    ax.set_xlim(-0.45, last + 0.45)
    ax.set_ylim(-half * (1.35 + 0.13 * lines) - 0.2, half * 1.25 + 0.2)
    ax.set_title(f"Network {'-'.join(map(str, sizes))}: {sum(W.size for W in matrices):,} weights")
    ax.set_axis_off()
    return ax


def _columns(layers: Sequence[Any]) -> tuple[list[Array], list[str]]:
    """The matrices of weights, and what stands below each column of units, the input's first.

    In a caption {} is the place of the number of units.
    """
    matrices: list[Array] = []
    captions = ["input\n{}"]
    for layer in layers:
        W = getattr(layer, "W", None)
        if W is None:
            captions[-1] += f"\nthen {layer_name(layer)}"
            continue
        W = as_array(W, f"{layer_name(layer)}.W")
        if W.ndim != 2:
            raise ValueError(
                f"network takes layers whose W has the shape (D, M). Got {layer_name(layer)} with "
                f"{W.shape}. Draw its weights alone: weights({layer_name(layer)})."
            )
        if matrices and matrices[-1].shape[1] != len(W):
            raise ValueError(
                f"network takes layers that fit. Got {layer_name(layer)} for {len(W)} inputs on a "
                f"layer of {matrices[-1].shape[1]} units."
            )
        finite(W, f"{layer_name(layer)}.W")
        matrices.append(W)
        captions.append("\n".join(filter(None, [layer_name(layer), activation_name(layer), "{}"])))
    if not matrices:
        raise ValueError(
            "network takes a model with a layer that has weights W. Got none. Add a Dense."
        )
    return matrices, captions


def _heights(size: int, most: int) -> dict[int, float]:
    """Unit → its height, for the units that are drawn; the first on top."""
    if size <= most:
        return {unit: (size - 1) / 2 - unit for unit in range(size)}
    upper, lower = most - most // 2, most // 2
    return {unit: float(upper - unit) for unit in range(upper)} | {
        size - lower + i: -1.0 - i for i in range(lower)
    }


def _connect(ax: Axes, i: int, W: Array, left: dict[int, float], right: dict[int, float]) -> None:
    """The lines of one layer's weights, of whichever sign, the widest on top."""
    from matplotlib.collections import LineCollection

    largest = np.abs(W).max() or 1.0
    widest = WIDEST / math.sqrt(max(1.0, len(left) * len(right) / CROWD))
    every = [(W[a, b] / largest, ha, hb) for a, ha in left.items() for b, hb in right.items()]
    lines = sorted((line for line in every if line[0]), key=lambda line: abs(line[0]))
    looks = [SIGNS[0] if w > 0 else SIGNS[1] for w, _, _ in lines]
    collection = LineCollection(
        [[(i, ha), (i + 1, hb)] for _, ha, hb in lines],
        linewidths=[widest * abs(w) for w, _, _ in lines],
        colors=[colour for _, colour, _ in looks],
        linestyles=[style for _, _, style in looks],
        capstyle="butt",
        zorder=1,
    )
    ax.add_collection(collection, autolim=False)


def _legend(ax: Axes) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=colour, linestyle=style, linewidth=2.0, label=label)
        for label, colour, style in SIGNS
    ]
    ax.legend(handles=lines, loc="lower center", ncols=2, frameon=False, handlelength=3.5)


def weights(
    layer: Any,
    shape: Sequence[int] | None = None,
    *,
    columns: int = 8,
    most: int = 32,
    ax: Axes | None = None,
) -> Axes:
    """What each unit of a layer looks for: its weights as an image in the shape of the input.

    All images have one scale, dark for negative and light for positive weights.

    Parameters
    ----------
    layer
        A layer with weights `W` of shape (D, M), or such an array.
    shape
        (H, W) of the images, H · W = D; square ones by default.
    columns
        Images beside each other.
    most
        How many units are drawn, the first ones.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        D weights that make no image of this shape.
    RuntimeError
        The layer is not built.

    Examples
    --------
    >>> from minnet.pretrained import load_pretrained
    >>> ax = weights(load_pretrained("mnist-8x8").layers[0])
    >>> ax.get_title(), len(ax.images)
    ('Weights of dense_1, 64 for each unit: the first 32 of 256 units', 32)
    """
    W, name = _matrix(layer)
    D, M = W.shape
    H, width = _image_shape(shape, D)
    most = integer(most, "weights' most", minimum=1, maximum=MOST)
    count = min(M, most)
    columns = min(integer(columns, "weights' columns", minimum=1, maximum=MOST), count)
    rows = math.ceil(count / columns)
    cell = min(6.0 / columns, 1.4)
    band, gap = 0.28 * max(H, width / 2), 0.15 * width
    tall = 0.9 + rows * cell * (H + band) / (width + gap)
    ax = one_axes(ax, 6.8, min(max(tall, 2.4), 12.0))
    largest = float(np.abs(W[:, :count]).max()) or 1.0
    for unit in range(count):
        left, top = unit % columns * (width + gap), unit // columns * (H + band)
        image = ax.imshow(
            W[:, unit].reshape(H, width),
            cmap=SHADES,
            vmin=-largest,
            vmax=largest,
            extent=(left, left + width, top + H, top),
        )
        ax.text(left + width / 2, top - 0.03 * H, str(unit), ha="center", va="bottom", fontsize=9)
    ax.set_xlim(-gap / 2, columns * (width + gap) - gap / 2)
    ax.set_ylim(rows * (H + band) - band + gap / 2, -band)
    ax.figure.colorbar(image, ax=ax, label="weight", shrink=0.8)
    which = f"the first {count} of {M} units" if count < M else f"{M} unit{'s' if M > 1 else ''}"
    ax.set_title(f"Weights of {name}, {D} for each unit: {which}")
    ax.set_axis_off()
    return ax


def _matrix(layer: Any) -> tuple[Array, str]:
    """The weights (D, M) of a layer or of an array, checked, and what to call them."""
    who = "weights"
    if hasattr(layer, "layers"):
        raise TypeError(
            f"{who} takes one layer. Got a model. Choose one of its layers: {who}(model.layers[0])."
        )
    W, name = layer, "a layer"
    if not isinstance(layer, (np.ndarray, list, tuple)):
        name = layer_name(layer)
        if not getattr(layer, "built", True):
            raise RuntimeError(
                f"{who} takes a layer that is built. Got {name} without weights. Put it into a "
                "model whose first layer has input_dim=…"
            )
        if not hasattr(layer, "W"):
            raise TypeError(
                f"{who} takes a layer with weights W, or such an array. Got {short(layer)}. "
                "Choose a Dense."
            )
        W = layer.W
    W = as_array(W, "weights")
    if W.ndim != 2 or W.size == 0:
        raise ValueError(
            f"{who} takes W of shape (D, M), a column for each unit. Got {W.shape}. "
            "Reshape it so that each column is one image."
        )
    finite(W, "weights")
    return W, name


def _image_shape(shape: Sequence[int] | None, D: int) -> tuple[int, int]:
    """(H, W) with H · W = D."""
    if shape is None:
        side = math.isqrt(D)
        if side * side != D:
            raise ValueError(
                f"weights takes shape=(H, W) where {D} weights make no square. Got none. "
                f"Use shape=(1, {D})."
            )
        return side, side
    sides = check_shape(shape, "weights' shape")
    if len(sides) != 2 or math.prod(sides) != D:
        raise ValueError(
            f"weights takes shape=(H, W) with H · W = {D}. Got {sides}. Use shape=(1, {D}) if the "
            "input is no image."
        )
    return sides[0], sides[1]
