"""Every picture. matplotlib is imported only when one is drawn.

Each function draws into `ax`, or into a new figure, and returns the Axes; none calls `show`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.checks import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's (2008) palette, which the colour-blind can tell apart."""

STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(6.4, 4.4), layout="constrained").add_subplot()


def learning_curves(
    history: Mapping[str, Sequence[float]],
    epoch: Sequence[int] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Loss by epoch, training and validation; accuracies and other metrics on a second scale.

    Parameters
    ----------
    history
        `History.history`: name → one number an epoch.
    epoch
        The epochs' numbers from 0; they are shown from 1.
    """
    ax = _axes(ax)
    length = max((len(values) for values in history.values()), default=0)
    epochs = np.arange(1, length + 1) if epoch is None else np.asarray(epoch) + 1
    losses = [name for name in history if name in ("loss", "val_loss")]
    others = [name for name in history if name not in losses]
    right = ax.twinx() if losses and others else ax
    bases = dict.fromkeys(name.removeprefix("val_") for name in [*losses, *others])
    colours = dict(zip(bases, itertools.cycle(COLOURS), strict=False))
    for axes, names in ((ax, losses), (right, others)):
        for name in names:
            base = name.removeprefix("val_")
            axes.plot(
                epochs[: len(history[name])],
                history[name],
                label=base + (" (validation)" if base != name else ""),
                color=colours[base],
                linestyle="--" if base != name else "-",
                marker="." if length < 30 else None,
            )
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss" if losses else ", ".join(others))
    if right is not ax:
        right.set_ylabel(", ".join(name for name in others if not name.startswith("val_")))
    ax.set_title("Learning curves")
    handles = [handle for axes in {ax, right} for handle in axes.get_lines()]
    ax.legend(handles=sorted(handles, key=lambda h: str(h.get_label())), loc="best")
    return ax


def label_efficiency(
    labels: Sequence[int],
    accuracies: Mapping[str, Array | Sequence[Sequence[float]]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Test accuracy by the number of labelled samples of each class, one line for each way.

    Parameters
    ----------
    labels
        Samples of each class.
    accuracies
        Name → (len(labels), seeds) accuracies from 0 to 1; the mean is drawn, with a bar of one
        standard deviation.
    """
    ax = _axes(ax)
    looks = zip(
        itertools.cycle(COLOURS), itertools.cycle(MARKERS), itertools.cycle(STYLES), strict=False
    )
    for (name, values), (colour, marker, style) in zip(accuracies.items(), looks, strict=False):
        percent = 100.0 * np.asarray(values, dtype=float)
        ax.errorbar(
            labels,
            percent.mean(axis=1),
            percent.std(axis=1),
            label=name,
            color=colour,
            marker=marker,
            linestyle=style,
            capsize=3,
        )
    ax.set_xscale("log")
    ax.set_xticks(labels, [str(n) for n in labels])
    ax.minorticks_off()
    ax.set_xlabel("labelled samples of each class")
    ax.set_ylabel("test accuracy (%)")
    ax.set_title("What each label is worth")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return ax


def confusion(
    counts: Array, class_names: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """A confusion matrix: rows are true classes, columns predicted ones, shades shares of a row.

    Parameters
    ----------
    counts : (K, K) ndarray
        What `confusion_matrix` gives.
    class_names
        K names; numbers from 0 by default.
    """
    ax = _axes(ax)
    K = len(counts)
    names = [str(k) for k in range(K)] if class_names is None else list(class_names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for i, j in np.argwhere(counts):
        ax.text(
            j,
            i,
            str(counts[i, j]),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if shares[i, j] > 0.5 else "black",
        )
    ax.set_xticks(range(K), names)
    ax.set_yticks(range(K), names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title("Confusion matrix")
    return ax


def predictions(
    images: Array,
    true: Sequence[int],
    predicted: Sequence[int],
    class_names: Sequence[str] | None = None,
    *,
    columns: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """A grid of images with what they were taken for; wrong ones are framed and crossed.

    Parameters
    ----------
    images : (N, H, W) or (N, H²) array
        Grey images from 0 (paper) to 1 (ink).
    true, predicted
        N labels each.
    """
    ax = _axes(ax)
    images = np.asarray(images, dtype=float)
    if images.ndim == 2:
        side = round(images.shape[1] ** 0.5)
        images = images.reshape(-1, side, side)
    N, H, W = images.shape
    rows = -(-N // columns)
    sheet = np.zeros((rows * (H + 4), columns * (W + 2)))
    for n, image in enumerate(images):
        top, left = n // columns * (H + 4) + 3, n % columns * (W + 2) + 1
        sheet[top : top + H, left : left + W] = image
    ax.imshow(sheet, cmap="gray_r", vmin=0.0, vmax=1.0)
    for n in range(N):
        top, left = n // columns * (H + 4), n % columns * (W + 2) + W / 2 + 0.5
        right = true[n] == predicted[n]
        name, wanted = (
            str(k) if class_names is None else class_names[k] for k in (predicted[n], true[n])
        )
        ax.text(
            left,
            top + 1.3,
            name if right else f"{name} ✗ ({wanted})",
            ha="center",
            va="center",
            fontsize=8,
            color="black" if right else COLOURS[1],
            fontweight="normal" if right else "bold",
        )
        if not right:
            ax.add_patch(_frame(left - W / 2, top + 2.5, W, H))
    wrong = sum(a != b for a, b in zip(true, predicted, strict=True))
    ax.set_title(f"Predictions: {wrong} of {N} wrong (what was meant in brackets)")
    ax.set_axis_off()
    return ax


def _frame(left: float, top: float, width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, fill=False, edgecolor=COLOURS[1], linewidth=1.5)
