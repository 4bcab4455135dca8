"""What stands in a drawing of a network: columns of units, and stacks of maps, for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minnet.foundation.checks import Array, Shape, as_array, finite
from minnet.plots.subjects import activation_name, layer_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STACKED = 6
"""Of more maps so many are drawn; how many there are is told below."""


class DrawnColumn(NamedTuple):
    """The units or the maps that a layer puts out; the input is the first.

    Attributes
    ----------
    shape
        Of one sample: (D,) for units, (H, W, C) for maps.
    caption
        What stands below it; {} is the place of the number of units.
    W
        The weights that lead to it, (D, M) or (h, w, C, F); None where none do.
    window
        The rows and columns that one number of a map looks at, where it is a map's.
    """

    shape: Shape
    caption: str
    W: Array | None = None
    window: tuple[int, int] | None = None

    @property
    def is_maps(self) -> bool:
        """Whether these are maps and not units."""
        return len(self.shape) == 3

    @property
    def size(self) -> str:
        """`28×28×6` or `10`."""
        return "×".join(map(str, self.shape))


def columns_of(model: Any) -> list[DrawnColumn]:
    """The columns of a model's drawing, the input's first.

    Raises
    ------
    ValueError
        No layer has weights, or one has weights that are neither of units nor of maps, or two do
        not fit.
    """
    weights = {id(layer): _weights(layer) for layer in model.layers}
    if all(W is None for W in weights.values()):
        raise ValueError(
            "network takes a model with a layer that has weights W. Got none. Add a Dense."
        )
    images = any(W is not None and W.ndim == 4 for W in weights.values())
    columns: list[DrawnColumn] = []
    if images:
        columns.append(DrawnColumn(tuple(model.input_shape), "input\n{}"))
    for layer in model.layers:
        W = weights[id(layer)]
        if not columns:  # of units alone: the first matrix says how many go in
            first = next(W for W in weights.values() if W is not None)
            columns.append(DrawnColumn((len(first),), "input\n{}"))
        last = columns[-1]
        shape = layer.compute_output_shape(last.shape) if images else last.shape
        if W is not None and W.ndim == 2:
            _expect_units(layer, W, last, shape)
            shape = (W.shape[1],)
        if W is None and shape == last.shape:
            caption = f"{last.caption}\nthen {layer_name(layer)}"
            columns[-1] = last._replace(caption=caption)
            continue
        names = [layer_name(layer), activation_name(layer), "{}"]
        windows = getattr(layer, "windows", None)
        window = windows.size if windows is not None else None
        columns.append(DrawnColumn(shape, "\n".join(filter(None, names)), W, window))
    return columns


def _weights(layer: Any) -> Array | None:
    """A layer's W, checked; None where it has none, or one for each number of its input."""
    W = getattr(layer, "W", None)
    if W is None:
        return None
    W = as_array(W, f"{layer_name(layer)}.W")
    if W.ndim not in (2, 4):
        raise ValueError(
            f"network takes layers whose W has the shape (D, M) or (h, w, C, F). Got "
            f"{layer_name(layer)} with {W.shape}. Draw its weights alone: "
            f"weights({layer_name(layer)})."
        )
    finite(W, f"{layer_name(layer)}.W")
    return W


def _expect_units(layer: Any, W: Array, last: DrawnColumn, shape: Shape) -> None:
    """Raise where a matrix does not lead from the column before it."""
    if last.is_maps or len(shape) > 1:
        raise ValueError(
            f"network takes a Dense on units. Got {layer_name(layer)} on maps of "
            f"{last.size}. Put a Flatten before it."
        )
    if len(W) != last.shape[0]:
        raise ValueError(
            f"network takes layers that fit. Got {layer_name(layer)} for {len(W)} inputs on a "
            f"layer of {last.shape[0]} units."
        )


def draw_maps(ax: Axes, i: float, column: DrawnColumn, height: float, width: float) -> None:
    """A stack of sheets, the first map in front, its middle at (i, 0)."""
    from matplotlib.patches import Rectangle

    count = min(column.shape[2], STACKED)
    right, up = 0.16 * width / STACKED, 0.3 * height / STACKED
    for sheet in reversed(range(count)):
        shift = sheet - (count - 1) / 2
        corner = (i - width / 2 + shift * right, -height / 2 + shift * up)
        ax.add_patch(
            Rectangle(corner, width, height, facecolor="white", edgecolor="black", zorder=3)
        )


def draw_window(
    ax: Axes, i: float, sides: Sequence[tuple[float, float]], share: tuple[float, float]
) -> None:
    """One window on the maps at i, and the lines from its corners to its number at i + 1.

    Parameters
    ----------
    sides
        Width and height of the maps at i and at i + 1.
    share
        The window's part of the height and of the width of the maps.
    """
    from matplotlib.patches import Rectangle

    (width, height), (_, next_height) = sides
    wide, tall = width * share[1], height * share[0]
    left, bottom = i - 0.2 * wide, 0.12 * height - tall / 2
    ax.add_patch(
        Rectangle((left, bottom), wide, tall, facecolor="0.85", edgecolor="black", zorder=4)
    )
    end = (i + 1, 0.12 * next_height)
    for y in (bottom, bottom + tall):
        ax.plot([left + wide, end[0]], [y, end[1]], color="0.4", linewidth=0.8, zorder=4)
    ax.plot(*end, marker="s", markersize=3, color="black", zorder=5)
