"""The network itself: its units and connections, and what a layer's weights look like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, finite, integer
from minnet.foundation.checks import shape as check_shape
from minnet.foundation.strict import named
from minnet.plots.blocks import DrawnColumn, columns_of, draw_maps, draw_window
from minnet.plots.canvas import COLOURS, MOST, SHADES, one_axes
from minnet.plots.subjects import first_of, weights_to_draw, working_copy

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


@named
def network(model: Any, *, most: int = 10, ax: Axes | None = None) -> Axes:
    """Units as circles and weights as lines: the larger |w|, the wider, in each layer.

    Positive weights are solid and blue, negative ones dashed and vermilion. Of a large layer the
    first and the last units are drawn, and a mark stands for those in between. What a convolution
    or a pooling puts out is a stack of maps, with one of the windows that it looks at.

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
        No layer has weights, or two of them do not fit.
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
    model = working_copy(model, who, "layers")
    columns = columns_of(model)
    names = getattr(model, "class_names", None)
    ax = one_axes(ax, max(6.4, 1.9 * len(columns)), 4.8)
    heights = [{} if column.is_maps else _heights(column.shape[0], most) for column in columns]
    half = max((max(column.values()) for column in heights if column), default=4.5) + 0.6
    sides = _sides(columns, half)
    for i in range(1, len(columns)):
        _lead(ax, i, columns, heights, sides, half)
    for i, column in enumerate(columns):
        if column.is_maps:
            draw_maps(ax, i, column, sides[i][1], sides[i][0])
        else:
            _draw_units(ax, i, heights[i], column.shape[0])
        count = _in_words(column, len(heights[i]))
        text = column.caption.replace("{}", count)
        ax.text(i, -half - 0.2, text, ha="center", va="top", fontsize=10)
    last = len(columns) - 1
    if names is not None and (len(names),) == columns[-1].shape:
        for unit, where in heights[-1].items():
            ax.text(last + 0.12, where, str(names[unit]), ha="left", va="center", fontsize=9)
    if any(column.W is not None and column.W.ndim == 2 for column in columns):
        _legend(ax)
    lines = max(
        column.caption.count("\n") + (1 if column.is_maps or column.shape[0] <= most else 2)
        for column in columns
    )
    ax.set_xlim(-0.45, last + 0.45)
    ax.set_ylim(-half * (1.35 + 0.13 * lines) - 0.2, half * 1.25 + 0.2)
    arrays = [column.W for column in columns if column.W is not None]
    kind = "of maps and units" if columns[0].is_maps else "-".join(c.size for c in columns)
    ax.set_title(f"Network {kind}: {sum(W.size for W in arrays):,} weights")
    ax.set_axis_off()
    return ax


def _in_words(column: DrawnColumn, drawn: int) -> str:
    """How many units there are, or what maps."""
    if column.is_maps:
        H, W, C = column.shape
        return f"{C} map{'s' if C > 1 else ''}\n{H}×{W}"
    size = column.shape[0]
    shown = f"\n({drawn} drawn)" if drawn < size else ""
    return f"{size} unit{'s' if size > 1 else ''}{shown}"


def _sides(columns: Sequence[DrawnColumn], half: float) -> list[tuple[float, float]]:
    """Width and height of the maps of each column; the larger the image, the larger."""
    maps = [column.shape for column in columns if column.is_maps]
    if not maps:
        return [(0.0, 0.0)] * len(columns)
    largest = max(max(H, W) for H, W, _ in maps)

    def size(shape: Sequence[int]) -> tuple[float, float]:
        scale = (max(shape[:2]) / largest) ** 0.5 / max(shape[:2])
        return 0.62 * shape[1] * scale, 0.9 * half * shape[0] * scale

    return [size(column.shape) if column.is_maps else (0.0, 0.0) for column in columns]


def _draw_units(ax: Axes, i: int, heights: dict[int, float], size: int) -> None:
    """The circles of a column."""
    ax.scatter([i] * len(heights), [*heights.values()], s=110, c="white", ec="black", zorder=3)
    if len(heights) < size:
        ax.text(i, 0.0, "⋮", ha="center", va="center", fontsize=16, zorder=3)


def _lead(
    ax: Axes,
    i: int,
    columns: Sequence[DrawnColumn],
    heights: Sequence[dict[int, float]],
    sides: Sequence[tuple[float, float]],
    half: float,
) -> None:
    """What leads from the column before this one to it, and words on it."""
    column, before = columns[i], columns[i - 1]
    if column.W is not None and column.W.ndim == 2:
        _connect(ax, i - 1, column.W, heights[i - 1], heights[i])
        text = f"widest line:\n|w| = {np.abs(column.W).max():.2g}"
    elif column.is_maps and before.is_maps and column.window is not None:
        (h, w), (H, W) = column.window, before.shape[:2]
        draw_window(ax, i - 1, sides[i - 1 : i + 1], (min(1.0, h / H), min(1.0, w / W)))
        text = f"windows\n{h}×{w}"
        if column.W is not None:
            text = f"{column.shape[2]} filters\n{h}×{w}×{before.shape[2]}"
    else:
        ax.annotate("", (i - 0.12, 0), (i - 0.55, 0), arrowprops={"arrowstyle": "->"})
        return
    ax.text(i - 0.5, half + 0.2, text, ha="center", va="bottom", fontsize=9)


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


@named
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
    ax.set_title(f"Weights of {name}, {D} for each unit: {first_of(count, M, 'unit')}")
    ax.set_axis_off()
    return ax


def _matrix(layer: Any) -> tuple[Array, str]:
    """The weights (D, M) of a layer or of an array, checked, and what to call them."""
    who = "weights"
    W, name = weights_to_draw(layer, who, "Dense", "input_dim")
    if W.ndim != 2 or W.size == 0:
        raise ValueError(
            f"{who} takes W of shape (D, M), a column for each unit. Got {W.shape}. "
            + (
                "Draw a convolution with plots.filters."
                if W.ndim == 4
                else "Reshape it so that each column is one image."
            )
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
