"""Data and what a model makes of it: the boundary between classes, mistakes, images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, integer
from minnet.foundation.strict import named
from minnet.plots.canvas import COLOURS, MARKERS, MOST, one_axes, tint
from minnet.plots.subjects import class_labels, names_of_classes, pair, working_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SURE = 0.9
"""The confidence that the dashed lines of a decision boundary mark."""

DEEPEST = 0.55
"""How strong the tint is where the model is certain: samples have to stand out from it."""


@named
def decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    class_names: Sequence[str] | None = None,
    *,
    points: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """What a classifier says for every point of the plane, how sure it is, and the data on it.

    The surer the model, the stronger the tint; it is white where two classes are alike. A solid
    line is the boundary, a dashed one where the confidence is 90 %. Samples that are taken for
    another class are ringed.

    Parameters
    ----------
    model
        What has `predict`, for samples of two features, and gives probabilities: one column for
        each class, or one for two classes. With a loss `from_logits`, what it gives are logits.
    x : (N, 2) array
    y : (N,) array
        Labels from 0; (N, 1) and one-hot rows mean the same.
    class_names
        K names; those of the model, or numbers from 0, by default.
    points
        How many points of each axis are asked.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        Not two features, outputs that are no probabilities, or labels the model does not know.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.moons(seed=0)
    >>> layers = [minnet.layers.Dense(1, activation="sigmoid", input_dim=2)]
    >>> ax = decision_boundary(minnet.Sequential(layers, seed=0), x, y)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('first feature, x[:, 0]', 'second feature, x[:, 1]')
    """
    plane = Plane(model, x, y, class_names, points)
    probabilities = plane.ask()
    ax = one_axes(ax, 6.4, 4.8)
    plane.draw(ax, probabilities)
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    greys = LinearSegmentedColormap.from_list("tint", ["white", str(1 - DEEPEST)])
    scale = ScalarMappable(Normalize(100 / plane.K, 100), greys)
    ax.figure.colorbar(scale, ax=ax, label="confidence in the class that wins (%)")
    return ax


class Plane:
    """A classifier of two features over the plane of its data; checks what it is given."""

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any,
        class_names: Sequence[str] | None = None,
        points: int = 200,
        who: str = "decision_boundary",
    ) -> None:
        self.who = who
        self.model = working_copy(model, who, "predict")
        x = as_array(x, f"{who}'s x")
        if x.ndim != 2 or x.shape[1] != 2 or len(x) == 0:
            raise ValueError(
                f"{who} takes x with two features, shape (N, 2). Got {x.shape}. "
                "Choose two columns, and fit a model on those."
            )
        finite(x, f"{who}'s x")
        self.x, self.y = x, class_labels(y, who)
        pair(self.x, self.y, who)
        points = integer(points, f"{who}'s points", minimum=2, maximum=MOST)
        low, high = x.min(axis=0), x.max(axis=0)
        self.K = self.probabilities(x[:1]).shape[1]
        if self.y.max() >= self.K:
            raise ValueError(
                f"{who} takes labels below {self.K}, the number of the model's classes. "
                f"Got {self.y.max()}. Count from 0, or give the last layer a unit for each class."
            )
        if class_names is None:
            class_names = getattr(model, "class_names", None)
        self.names = names_of_classes(class_names, self.K)
        letters = sum(len(name) + 5 for name in [*self.names, "wrong", "90 % sure"])
        self.rows_of_legend = math.ceil(letters / 52)
        margin = np.where(high > low, 0.08 * (high - low), 1.0)
        low, high = low - margin, high + margin
        high[1] += 0.08 * self.rows_of_legend * (high[1] - low[1])  # no sample below the legend
        self.across, self.up = (np.linspace(low[i], high[i], points) for i in (0, 1))

    def probabilities(self, x: Array) -> Array:
        """(N, K) probabilities, from what the model predicts."""
        outputs = np.asarray(self.model.predict(x), dtype=float).reshape(len(x), -1)
        if getattr(getattr(self.model, "loss", None), "from_logits", False):
            logits = np.hstack([0 * outputs, outputs]) if outputs.shape[1] == 1 else outputs
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares: Array = powers / powers.sum(axis=1, keepdims=True)
            return shares
        if not (outputs.min() >= -1e-6 and outputs.max() <= 1 + 1e-6):
            raise ValueError(
                f"{self.who} takes a model that predicts probabilities. Got outputs from "
                f"{outputs.min():.3g} to {outputs.max():.3g}. End it with a softmax, or with a "
                "sigmoid for two classes."
            )
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def ask(self) -> Array:
        """The probabilities at each point of the plane, (points, points, K)."""
        grid = np.stack(np.meshgrid(self.across, self.up), axis=-1)
        return self.probabilities(grid.reshape(-1, 2)).reshape(*grid.shape[:2], self.K)

    def draw(self, ax: Axes, probabilities: Array) -> None:
        """Tints, lines, samples and the legend, into empty Axes, from what `ask` gave."""
        from matplotlib.lines import Line2D

        winner, confidence = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
        strength = DEEPEST * np.clip((confidence - 1 / self.K) / (1 - 1 / self.K), 0.0, 1.0)
        colours = [COLOURS[k % len(COLOURS)] for k in range(self.K)]
        tints = np.stack([tint(colour, strength) for colour in colours])
        picture = np.take_along_axis(tints, winner[None, ..., None], axis=0)[0]
        extent = (self.across[0], self.across[-1], self.up[0], self.up[-1])
        ax.imshow(picture, extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
        for k in range(self.K if self.K > 2 else 1):
            ahead = probabilities[..., k] - np.delete(probabilities, k, axis=-1).max(axis=-1)
            self._line(ax, ahead, 0.0, "-", 1.8)
        self._line(ax, confidence, SURE, "--", 1.0)
        wrong = self.probabilities(self.x).argmax(axis=1) != self.y
        handles: list[Any] = []
        for k in range(self.K):
            rows = self.y == k
            points = ax.scatter(
                self.x[rows, 0],
                self.x[rows, 1],
                s=30,
                marker=MARKERS[k % len(MARKERS)],
                color=colours[k],
                edgecolors="black",
                linewidths=0.6,
                label=self.names[k],
                zorder=3,
            )
            handles.append(points)
        ringed = ax.scatter(
            self.x[wrong, 0],
            self.x[wrong, 1],
            s=100,
            facecolors="none",
            edgecolors="black",
            linewidths=1.5,
            label="wrong",
            zorder=4,
        )
        sure = Line2D([], [], color="black", linestyle="--", linewidth=1.0, label="90 % sure")
        handles = [*handles, *([ringed] if wrong.any() else []), sure]
        ax.legend(
            handles=handles,
            loc="upper center",
            ncols=math.ceil(len(handles) / self.rows_of_legend),
            fontsize=8,
            framealpha=0.9,
            columnspacing=1.0,
            handletextpad=0.4,
            borderaxespad=0.3,
        )
        ax.set_xlim(extent[:2])
        ax.set_ylim(extent[2:])
        ax.set_xlabel("first feature, x[:, 0]")
        ax.set_ylabel("second feature, x[:, 1]")
        ax.set_title(f"Decision boundary: {int(wrong.sum())} of {len(self.y)} wrong")

    def _line(self, ax: Axes, values: Array, level: float, style: str, width: float) -> None:
        """The line where the values are at this level, if there is one."""
        if values.min() < level < values.max():
            ax.contour(
                self.across,
                self.up,
                values,
                levels=[level],
                colors="black",
                linestyles=style,
                linewidths=width,
            )


@named
def confusion(
    counts: Array, class_names: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """A confusion matrix: rows are true classes, columns predicted ones, shades shares of a row.

    The shade grows with the root of the share, so that a mistake made once in a hundred times is a
    tenth as dark as what is always right, and can be seen.

    Parameters
    ----------
    counts : (K, K) ndarray
        What `confusion_matrix` gives.
    class_names
        K names; numbers from 0 by default.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        A matrix that is not square, of no classes or not of counts; another number of names.

    Examples
    --------
    >>> import numpy as np
    >>> confusion(np.array([[9, 1], [0, 10]]), ["cat", "dog"]).get_xlabel()
    'predicted'
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
    names = names_of_classes(class_names, K)[:K]
    side = 1.2 + 0.33 * K  # inches
    ax = one_axes(ax, max(6.4, side), max(4.4, side))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    from matplotlib.colors import PowerNorm

    ax.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0.0, vmax=1.0))
    for i, j in np.argwhere(counts):
        ax.text(
            j,
            i,
            str(counts[i, j]),
            ha="center",
            va="center",
            fontsize=9,
            color="white" if shares[i, j] > 0.3 else "black",
        )
    ax.set_xticks(range(K), names)
    if max(map(len, names)) > 3:
        ax.tick_params("x", rotation=90)
    ax.set_yticks(range(K), names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    wrong = counts.sum() - np.trace(counts)
    ax.set_title(f"Confusion matrix: {wrong:,} of {counts.sum():,} wrong")
    return ax


@named
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
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        No images, images that are not square, or another number of labels.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=1, seed=0)
    >>> ax = predictions(1.0 - x.reshape(-1, 8, 8), y, y)
    """
    images = _images(images)
    N, H, W = images.shape
    true, predicted = _labels(true, "true", N), _labels(predicted, "predicted", N)
    names = names_of_classes(class_names, 1 + max(*true, *predicted))
    columns = min(integer(columns, "predictions' columns", minimum=1, maximum=MOST), N)
    band, gap = 0.5 * H, 0.25 * W  # for the text above an image, and beside it
    rows, cell = math.ceil(N / columns), min(6.4 / columns, 1.2)
    ax = one_axes(ax, 6.4, 0.5 + rows * cell * (H + band) / (W + gap))
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
        short = len(name + wanted) <= 4  # such as digits
        between = " " if short else "\n"
        ax.text(
            left + W / 2,
            top - 0.04 * H,
            name if right else f"{name} ✗{between}({wanted})",
            ha="center",
            va="bottom",
            fontsize=9 if short else 8,
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


def _frame(left: float, top: float, width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, fill=False, edgecolor=COLOURS[1], linewidth=1.5)
