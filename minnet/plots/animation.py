"""A training as a moving picture: the decision boundary and the loss, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minnet.foundation.checks import Array, integer, short
from minnet.foundation.strict import named
from minnet.plots.canvas import COLOURS, MOST, several_axes
from minnet.plots.data import Plane
from minnet.plots.landscape import path_losses, recorded
from minnet.plots.subjects import working_copy

HOLD = 1.0
"""How many seconds the last picture stays."""


@named
def animate(
    model: Any,
    x: Any,
    y: Any,
    path: Any,
    filename: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    *,
    frames: int = 40,
    rate: int = 8,
    points: int = 100,
    ax: Any = None,
) -> Array:
    """Write a GIF of a training: the decision boundary on the left, the loss on the right.

    Parameters
    ----------
    model
        What has `predict`, `evaluate` and `theta`: compiled, of two features.
    x : (N, 2) array
    y : (N,) array
        Labels from 0.
    path : list of (P,) array, or a callback that has recorded one
        The weights after each epoch, such as `minnet.callbacks.RecordWeights`.
    filename
        Where the GIF is written, by matplotlib's Pillow writer.
    class_names
        K names; numbers from 0 by default.
    frames
        The most pictures; of a longer path as many are chosen, evenly, the first and last too.
    rate
        Pictures a second.
    points
        How many points of each axis the model is asked at.
    ax
        Two Axes of one figure, or None for a new one.

    Returns
    -------
    (2,) ndarray of Axes
        As they are in the last picture.

    Raises
    ------
    ValueError
        Not two features, a path that does not fit, or a name that does not end in .gif.
    RuntimeError
        The model is not built or not compiled.

    Examples
    --------
    >>> import os, tempfile, minnet
    >>> from minnet.callbacks import RecordWeights
    >>> x, y, _, _ = minnet.datasets.moons(40, seed=0)
    >>> layers = [minnet.layers.Dense(1, activation="sigmoid", input_dim=2)]
    >>> model = minnet.Sequential(layers, seed=0)
    >>> model.compile("sgd", "binary_crossentropy")
    >>> record = RecordWeights()
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[record])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "training.gif")
    ...     left, right = animate(model, x, y, record, file, points=20)
    >>> right.get_title()
    'Loss: epoch 2 of 2'
    """
    who = "animate"
    twin = working_copy(model, who, "predict", "evaluate", "theta")
    file = _gif(filename)
    thetas = recorded(path, np.size(twin.theta), who)
    states = list(getattr(path, "states", ()))
    frames = integer(frames, f"{who}'s frames", minimum=2, maximum=MOST)
    rate = integer(rate, f"{who}'s rate", minimum=1, maximum=MOST)
    plane = Plane(twin, x, y, class_names, points, who)
    losses = path_losses(plane.model, x, y, thetas, states)
    axes = several_axes(ax, 2, who, columns=2, width=4.4, height=3.8)
    left, right = axes
    if left.figure is not right.figure:
        raise ValueError(f"{who} takes two Axes of one figure. Got two figures. Use one.")
    from matplotlib.animation import PillowWriter

    figure = left.figure
    chosen = np.unique(np.linspace(0, len(thetas) - 1, frames).round().astype(int))
    writer = PillowWriter(fps=rate)
    with writer.saving(figure, os.fspath(file), dpi=80):
        for i in chosen:
            plane.model.theta = thetas[i]
            if i < len(states):
                plane.model.state = states[i]
            left.clear()
            right.clear()
            plane.draw(left, plane.ask())
            _curve(right, losses, int(i))
            if ax is None and i == 0:  # places are found once: that is most of a picture's time
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
            writer.grab_frame()
        for _ in range(round(HOLD * rate)):
            writer.grab_frame()
    return axes


def _gif(filename: Any) -> Path:
    """The file to write, checked before anything is drawn."""
    if not isinstance(filename, (str, os.PathLike)):
        raise TypeError(
            f'animate takes filename as text or a path. Got {short(filename)}. Use "training.gif".'
        )
    file = Path(filename)
    if file.suffix.lower() != ".gif":
        raise ValueError(
            f'animate takes a filename that ends in .gif. Got "{file.name}". Use "{file.stem}.gif".'
        )
    if not file.parent.is_dir():
        raise ValueError(
            f'animate takes a filename in a folder that is there. Got "{file}". Make the folder '
            "first: Path(…).mkdir()."
        )
    return file


def _curve(ax: Any, losses: Array, now: int) -> None:
    """The loss so far in full, what is to come in grey, and a mark where the picture is."""
    epochs = np.arange(len(losses))
    ax.plot(epochs, losses, color="0.75", linewidth=1.5)
    ax.plot(epochs[: now + 1], losses[: now + 1], color=COLOURS[0], linewidth=2.5)
    ax.plot([now], [losses[now]], marker="o", markersize=9, color=COLOURS[1], markeredgecolor="k")
    ax.set_xlabel("epoch (0: before training)")
    ax.set_ylabel("loss on x and y")
    ax.set_title(f"Loss: epoch {now} of {len(losses) - 1}")
    ax.grid(alpha=0.3)
