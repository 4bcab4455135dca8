"""Every picture. matplotlib is imported only when one is drawn.

Each function draws into `ax`, or into a new figure, and returns the Axes; none calls `show`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.checks import Array, as_array, finite, integer, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's (2008) palette, which the colour-blind can tell apart."""

STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def _axes(ax: Axes | None, width: float = 6.4, height: float = 4.4) -> Axes:
    """The Axes that were given, or those of a new figure of this size in inches."""
    if ax is not None:
        if not hasattr(ax, "get_xlim"):
            raise TypeError(f"ax takes matplotlib's Axes. Got {short(ax)}. Use plt.subplots()[1].")
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained").add_subplot()


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

    Raises
    ------
    TypeError, ValueError
        No dict, no epoch, or more figures than epochs.
    """
    if not isinstance(history, Mapping):
        raise TypeError(
            f"learning_curves takes a dict of lists, one number an epoch. Got {short(history)}. "
            "Use history.history."
        )
    length = max((len(values) for values in history.values()), default=0)
    if length == 0:
        raise ValueError("learning_curves takes at least one epoch. Got none. Call fit first.")
    epochs = np.arange(1, length + 1) if epoch is None else np.asarray(epoch) + 1
    if len(epochs) < length:
        raise ValueError(
            f"learning_curves takes one number for each epoch. Got {length} figures for "
            f"{len(epochs)} epochs."
        )
    from matplotlib.ticker import MaxNLocator

    ax = _axes(ax)
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
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles = [*ax.get_lines(), *(right.get_lines() if right is not ax else [])]
    # On the upper of the two Axes, so that no line runs through it; where one falls and the other
    # rises, there is room at the right in the middle.
    right.legend(handles=handles, loc="center right" if right is not ax else "best")
    return ax


def label_efficiency(
    labels: Sequence[int],
    accuracies: Mapping[str, Array | Sequence[Array | Sequence[float]]],
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
        standard deviation over the seeds (that of a sample, with n − 1).

    Raises
    ------
    ValueError
        Numbers of labels that are not above 0, or accuracies of another shape or range.
    """
    numbers = as_array(labels, "label_efficiency's labels")
    if numbers.ndim != 1 or len(numbers) == 0 or not (numbers > 0).all():
        raise ValueError(f"label_efficiency takes labels above 0, such as [1, 5]. Got {labels}.")
    if not accuracies:
        raise ValueError("label_efficiency takes the accuracies of one way or more. Got none.")
    shares = {name: _shares(name, values, len(numbers)) for name, values in accuracies.items()}
    ax = _axes(ax)
    looks = zip(
        itertools.cycle(COLOURS), itertools.cycle(MARKERS), itertools.cycle(STYLES), strict=False
    )
    for i, ((name, values), look) in enumerate(zip(shares.items(), looks, strict=False)):
        colour, marker, style = look
        percent = 100.0 * values
        ax.errorbar(
            numbers * 1.03 ** (i - (len(shares) - 1) / 2),  # so that bars do not hide each other
            percent.mean(axis=1),
            percent.std(axis=1, ddof=min(1, percent.shape[1] - 1)),
            label=name,
            color=colour,
            marker=marker,
            linestyle=style,
            capsize=3,
        )
    ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{n:g}" for n in numbers])
    ax.minorticks_off()
    ax.set_xlabel("labelled samples of each class (bars: one standard deviation of the draws)")
    ax.set_ylabel("test accuracy (%)")
    ax.set_title("What each label is worth")
    ax.grid(alpha=0.3)
    ax.legend(loc="best")
    return ax


def _shares(name: str, values: Any, rows: int) -> Array:
    """The accuracies of one way, (rows, seeds), checked."""
    who = f"label_efficiency's {name!r}"
    array = as_array(values, who)
    if array.ndim != 2 or len(array) != rows or array.shape[1] == 0:
        raise ValueError(
            f"{who} takes a row for each number of labels, shape ({rows}, seeds). "
            f"Got {array.shape}."
        )
    finite(array, who)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"{who} takes accuracies from 0 to 1. Got {array.min():g} to {array.max():g}. "
            "Divide percents by 100."
        )
    return array.astype(float)


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

    Raises
    ------
    ValueError
        A matrix that is not square, of no classes or not of counts; another number of names.
    """
    counts = as_array(counts, "confusion's counts")
    K = len(counts) if counts.ndim else 0
    if counts.shape != (K, K) or K == 0:
        raise ValueError(
            f"confusion takes a matrix of counts, shape (K, K). Got {counts.shape}. "
            "Use confusion_matrix(y, predicted)."
        )
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(
            "confusion takes whole counts, 0 or more. Got "
            f"{counts.dtype} from {counts.min():g} to {counts.max():g}."
        )
    names = _names(class_names, K)[:K]
    side = 1.2 + 0.33 * K  # inches
    ax = _axes(ax, max(6.4, side), max(4.4, side))
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
    if max(map(len, names)) > 3:
        ax.tick_params("x", rotation=90)
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
    class_names
        Names to show for the labels.
    columns
        Images beside each other.

    Raises
    ------
    ValueError
        No images, images that are not square, or another number of labels.
    """
    images = _images(images)
    N, H, W = images.shape
    true, predicted = _labels(true, "true", N), _labels(predicted, "predicted", N)
    names = _names(class_names, 1 + max(*true, *predicted))
    columns = min(integer(columns, "predictions' columns", minimum=1), N)
    band, gap = 0.5 * H, 0.25 * W  # for the text above an image, and beside it
    rows, cell = math.ceil(N / columns), min(6.4 / columns, 1.2)
    ax = _axes(ax, 6.4, 0.5 + rows * cell * (H + band) / (W + gap))
    for n in range(N):
        left, top = n % columns * (W + gap), n // columns * (H + band)
        ax.imshow(
            images[n],
            cmap="gray_r",
            vmin=0.0,
            vmax=1.0,
            extent=(left, left + W, top + H, top),
        )
        right = true[n] == predicted[n]
        name, wanted = names[predicted[n]], names[true[n]]
        between = " " if len(name + wanted) <= 4 else "\n"
        ax.text(
            left + W / 2,
            top - 0.04 * H,
            name if right else f"{name} ✗{between}({wanted})",
            ha="center",
            va="bottom",
            fontsize=8,
            color="black" if right else COLOURS[1],
            fontweight="normal" if right else "bold",
        )
        if not right:
            ax.add_patch(_frame(left, top, W, H))
    ax.set_xlim(-gap / 2, columns * (W + gap) - gap / 2)
    ax.set_ylim(rows * (H + band) - band + gap / 2, -band)
    wrong = int(np.sum(np.not_equal(true, predicted)))
    meant = " (what was meant in brackets)" if wrong else ""
    ax.set_title(f"Predictions: {wrong} of {N} wrong{meant}")
    ax.set_axis_off()
    return ax


def _images(images: Any) -> Array:
    """(N, H, W) images, at least one."""
    array = as_array(images, "predictions' images")
    side = math.isqrt(array.shape[1]) if array.ndim == 2 else 0
    if array.ndim == 2 and side * side == array.shape[1]:
        array = array.reshape(-1, side, side)
    if array.ndim != 3 or array.size == 0:
        raise ValueError(
            "predictions takes images of shape (N, H, W), or square ones in rows. "
            f"Got {np.shape(images)}."
        )
    finite(array, "predictions' images")
    return array


def _labels(labels: Any, who: str, N: int) -> list[int]:
    """N labels as Python numbers."""
    array = as_array(labels, who)
    if array.shape != (N,) or array.dtype.kind not in "iu" or (array < 0).any():
        raise ValueError(
            f"predictions takes {who} as {N} whole labels from 0, one for each image. Got an array "
            f"of shape {array.shape}, {array.dtype}."
        )
    whole: list[int] = array.tolist()
    return whole


def _names(class_names: Sequence[str] | None, K: int) -> list[str]:
    """A name for each of K classes; numbers if there are none."""
    if class_names is None:
        return [str(k) for k in range(K)]
    if isinstance(class_names, str) or len(class_names) < K:
        raise ValueError(
            f"class_names takes a list of {K} names, one for each class. Got {short(class_names)}."
        )
    return [str(name) for name in class_names]


def rate_search(
    rates: Sequence[float],
    losses: Sequence[float],
    suggestion: float,
    *,
    ax: Axes | None = None,
) -> Axes:
    """The smoothed loss while the learning rate rises, and the rate that is suggested.

    Parameters
    ----------
    rates, losses
        One of each for every update.
    """
    ax = _axes(ax)
    ax.plot(rates, losses, color=COLOURS[0])
    ax.axvline(suggestion, color=COLOURS[1], linestyle="--", label=f"suggestion {suggestion:.1e}")
    ax.set_xscale("log")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("smoothed loss")
    ax.set_title("Which learning rate?")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _frame(left: float, top: float, width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, fill=False, edgecolor=COLOURS[1], linewidth=1.5)
