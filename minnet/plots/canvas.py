"""What all pictures share: Axes to draw into, and looks that survive greyscale.

Colours never stand alone: lines differ in style and marker as well, points in shape, and what is
shaded goes from light to dark in one direction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's (2008) palette, which the colour-blind can tell apart."""

STYLES = ("-", "--", "-.", ":")
"""Lines that can be told apart in grey."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Points that can be told apart in grey."""

SHADES = "cividis"
"""Dark blue to yellow, ever lighter, alike to all eyes (Nuñez, Anderton and Renslow, 2018)."""


MOST = 10_000
"""Of what is drawn, more cannot be told apart."""


class Look(NamedTuple):
    """How one of several lines is drawn."""

    colour: str
    marker: str
    style: str


def looks() -> Iterator[Look]:
    """One look after the other; seven differ in colour and in marker."""
    colours, markers, styles = map(itertools.cycle, (COLOURS, MARKERS, STYLES))
    return itertools.starmap(Look, zip(colours, markers, styles, strict=False))


def one_axes(ax: Axes | None, width: float = 6.4, height: float = 4.4) -> Axes:
    """The Axes that were given, or those of a new figure of this size in inches."""
    if ax is not None:
        if not hasattr(type(ax), "get_xlim"):
            raise TypeError(f"ax takes matplotlib's Axes. Got {short(ax)}. Use plt.subplots()[1].")
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained").add_subplot()


def several_axes(
    ax: Any, count: int, who: str, *, columns: int, width: float, height: float
) -> Array:
    """`count` Axes in an array (count,): those that were given, or those of a new figure.

    Parameters
    ----------
    columns
        How many stand side by side in a new figure.
    width, height
        The size of each of them, in inches.
    """
    if ax is not None:
        given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(given) != count:
            raise ValueError(
                f"{who} takes ax with {count} of matplotlib's Axes, one for each picture. "
                f"Got {len(given)}. Use plt.subplots(1, {count})[1]."
            )
        for one in given:
            one_axes(one)
        return given
    import matplotlib.pyplot as plt

    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = plt.figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = np.empty(count, dtype=object)
    for i in range(count):
        axes[i] = figure.add_subplot(rows, columns, i + 1)
    return axes


def tint(colour: str, strength: Array | float) -> Array:
    """The colour as RGB, mixed with white: 0 is white, 1 the colour itself; (..., 3)."""
    from matplotlib.colors import to_rgb

    share = np.asarray(strength, dtype=float)[..., None]
    mixed: Array = 1.0 - share * (1.0 - np.array(to_rgb(colour)))
    return mixed


def rotate_long_names(ax: Axes, names: Sequence[str], room: int = 42) -> None:
    """Turn the names under the x axis where they would run into each other."""
    if sum(len(name) + 2 for name in names) > room:
        ax.tick_params("x", rotation=30)
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")
