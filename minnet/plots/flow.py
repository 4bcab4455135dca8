"""What flows through a network: activations on the way up, gradients on the way down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, integer, short
from minnet.foundation.strict import named
from minnet.plots.canvas import COLOURS, MOST, one_axes, rotate_long_names, several_axes
from minnet.plots.subjects import activation_name, layer_name, samples, working_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@named
def activations(
    model: Any,
    x: Any,
    *,
    bins: int = 40,
    limits: tuple[float, float] | None = None,
    ax: Any = None,
) -> Array:
    """What each layer puts out for x, as a histogram: mean, spread, zeros, dead units.

    The model runs in inference mode. Layers that hand on what they are given (Flatten, and
    Dropout when it does not train) are left out.

    Parameters
    ----------
    model
        What has `layers` and `forward`.
    x : (N, …) array
    bins
        Bars of each histogram.
    limits
        Where all histograms begin and end, so that layers and models can be compared; values
        beyond are in no bar. None: from each layer's smallest value to its largest.
    ax
        As many Axes as there are pictures, or None for a new figure.

    Returns
    -------
    (L,) ndarray of Axes
        One for each layer that is drawn, from the first to the last.

    Raises
    ------
    ValueError
        Samples of another shape; another number of Axes; limits that do not rise.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import minnet
    >>> x, _, _, _ = minnet.datasets.digits(per_class=5, seed=0)
    >>> axes = activations(minnet.load_pretrained("mnist-8x8"), x)
    >>> [ax.get_title().split(":")[0] for ax in axes]
    ['dense_1 (ReLU)', 'dense_2 (ReLU)', 'dense_3 (Softmax)']
    """
    who = "activations"
    twin = working_copy(model, who, "layers", "forward")
    outputs = _outputs(twin, samples(x, twin, "activations' x"))
    bins = integer(bins, "activations' bins", minimum=1, maximum=MOST)
    if limits is not None:
        limits = _limits(limits)
    if not outputs:
        raise ValueError(f"{who} takes a model with a layer that computes. Got none. Add a Dense.")
    axes = several_axes(ax, len(outputs), who, columns=3, width=3.1, height=2.9)
    for one, (title, y) in zip(axes, outputs, strict=True):
        values = y.ravel()
        heights, edges = np.histogram(values, bins=bins, range=limits)
        one.bar(
            edges[:-1],
            100 * heights / values.size,
            width=np.diff(edges),
            align="edge",
            color=COLOURS[0],
            edgecolor="black",
            linewidth=0.4,
        )
        one.axvline(values.mean(), color="black", linestyle="--", linewidth=1.2)
        if limits is not None:
            one.set_xlim(limits)
        one.set_title(f"{title}:\n{_in_words(y)}", fontsize=9)
        one.set_xlabel("activation (dashed: mean)")
        one.set_ylabel("share of values (%)")
    return axes


def _limits(limits: Any) -> tuple[float, float]:
    """Two finite numbers that rise."""
    array = as_array(limits, "activations' limits")
    if array.shape != (2,) or not array[0] < array[1]:
        raise ValueError(
            "activations takes limits as two numbers, the lower one first. "
            f"Got {short(limits)}. Use (-1, 1) for tanh."
        )
    finite(array, "activations' limits")
    return float(array[0]), float(array[1])


def _outputs(model: Any, x: Array) -> list[tuple[str, Array]]:
    """(title, y) of each layer whose output is not its input."""
    outputs = model.forward(x)
    titled, end = [], 0  # of the layer's steps
    for layer in model.layers:
        begin, end = end, end + len(layer.steps())
        y = outputs[end]
        if not np.shares_memory(outputs[begin], y):
            activation = activation_name(layer)
            title = layer_name(layer) + (f" ({activation})" if activation else "")
            finite(y, f"activations' {title}")
            titled.append((title, y))
    return titled


def _in_words(y: Array) -> str:
    """Mean and spread; how many are exactly 0, and how many units are so for all samples."""
    text = f"mean {y.mean():.2g}, deviation {y.std():.2g}"
    zeros = float((y == 0).mean())
    if zeros > 0.005:
        text += f"\n{zeros:.0%} exactly 0"
        dead = int((y.reshape(len(y), -1) == 0).all(axis=0).sum())
        if dead:
            text += f", {dead} of {y[0].size} units dead"
    return text


class Gradients(NamedTuple):
    """The gradients of one layer in one step."""

    name: str
    dy: Array  # with respect to the layer's output, before its activation
    dW: Array  # with respect to all its weights, one after the other


def _gradients(model: Any, x: Any, y: Any, who: str) -> list[Gradients]:
    """The gradients of every layer that learns, in training mode, from the first to the last."""
    twin = working_copy(model, who, "layers", "loss_and_gradient")
    seen: dict[int, Array] = {}

    def watched(layer: Any, gradient: Callable[..., None]) -> Callable[..., None]:
        def watch(x: Array, y: Array, dy: Array, memo: Any = None) -> None:
            seen[id(layer)] = dy.copy()
            gradient(x, y, dy, memo)

        return watch

    learning = [layer for layer in twin.layers if getattr(layer, "parameters", ())]
    for layer in learning:
        layer.gradient = watched(layer, layer.gradient)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = twin.loss_and_gradient(x, y, seed=0)
    if not np.isfinite(loss):
        raise ValueError(
            f"{who} takes a model whose loss is finite. Got a loss of {loss:g}. Scale x to about "
            "1, or start over with model.reset()."
        )
    by_layer = []
    for layer in learning:
        if id(layer) in seen:
            pieces = [np.ravel(getattr(layer, "d" + name)) for name in layer.parameters]
            by_layer.append(Gradients(layer_name(layer), seen[id(layer)], np.concatenate(pieces)))
    if not by_layer:
        raise ValueError(
            f"{who} takes a model with a layer that learns. Got none. Unfreeze one: "
            "model.unfreeze()."
        )
    return by_layer


@named
def gradients(model: Any, x: Any, y: Any, *, bins: int = 60, ax: Axes | None = None) -> Axes:
    """How large the gradients of each layer's weights are: |∂L/∂w| as histograms on a log scale.

    Shapes: x (N, …), y as the model's loss takes it, such as labels (N,).

    One row for each layer that learns, the first on top, all with one scale: where gradients
    vanish the rows lean to the left. A line marks each median. Exact zeros, which have no place on
    a log scale, stand in words.

    Parameters
    ----------
    model
        What has `layers` and `loss_and_gradient`: compiled, and in training mode. Penalties on
        weights are in the gradient.
    x, y
        A batch; L is its mean loss.
    bins
        Bars over the whole width.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    RuntimeError
        The model is not built or not compiled.
    ValueError
        Every layer is frozen, or the loss is not finite.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
    >>> ax = gradients(minnet.load_pretrained("mnist-8x8"), x, y)
    >>> ax.get_xlabel(), len(ax.get_yticks())
    ('size of the gradient, |∂L/∂w|', 3)
    """
    by_layer = _gradients(model, x, y, "gradients")
    bins = integer(bins, "gradients' bins", minimum=1, maximum=MOST)
    sizes = [np.abs(layer.dW).astype(float) for layer in by_layer]
    positive = np.concatenate([values[values > 0] for values in sizes])
    ax = one_axes(ax, 6.4, 1.6 + 0.75 * len(by_layer))
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
    if len(positive):  # a few entries near 0 would take most of the width
        low = max(low, np.quantile(positive, 0.002))
    edges = np.geomspace(low / 1.1, high * 1.1, bins + 1)
    heights = [np.histogram(values, bins=edges)[0] / values.size for values in sizes]
    scale = 0.8 / max(max(h.max() for h in heights), 1e-12)
    names = []
    for i, (values, height) in enumerate(zip(sizes, heights, strict=True)):
        floor = len(by_layer) - 1 - i
        ax.stairs(
            floor + scale * height,
            edges,
            baseline=floor,
            fill=True,
            facecolor=COLOURS[0] if i % 2 == 0 else COLOURS[5],
            edgecolor="black",
            linewidth=0.6,
        )
        middle = float(np.median(values))
        if middle > 0:
            ax.vlines(middle, floor, floor + 0.85, color="black", linewidth=1.8)
        zeros = float((values == 0).mean())
        in_words = f"\n{zeros:.0%} exactly 0" if zeros >= 0.005 else ""
        names.append(f"{by_layer[i].name}\nmedian {middle:.1e}{in_words}")
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-0.1, len(by_layer) - 0.05)
    ax.set_yticks([len(by_layer) - 1 - i + 0.35 for i in range(len(by_layer))], names, fontsize=9)
    ax.tick_params("y", length=0)
    ax.set_xlabel("size of the gradient, |∂L/∂w|")
    ax.set_ylabel("layer (height: share of its weights)")
    ax.set_title("Gradients by layer (line: median)")
    ax.grid(axis="x", alpha=0.3)
    return ax


@named
def gradient_flow(model: Any, x: Any, y: Any, *, ax: Axes | None = None) -> Axes:
    """How the gradient grows or shrinks on its way down: its size at each layer, on a log scale.

    Shapes: x (N, …), y as the model's loss takes it, such as labels (N,).

    The size is the root mean square, √(Σ g² / n), so that layers of any width compare. ∂L/∂y is
    taken at the output of each layer before its activation; that is Nielsen's δ. Where it falls
    from layer to layer by the same factor, the gradient vanishes (Hochreiter, 1991; Glorot and
    Bengio, 2010).

    Parameters
    ----------
    model
        What has `layers` and `loss_and_gradient`: compiled, and in training mode.
    x, y
        A batch; L is its mean loss.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    RuntimeError
        The model is not built or not compiled.
    ValueError
        Every layer is frozen, or the loss is not finite.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
    >>> ax = gradient_flow(minnet.load_pretrained("mnist-8x8"), x, y)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['dense_1', 'dense_2', 'dense_3']
    """
    by_layer = _gradients(model, x, y, "gradient_flow")
    names = [layer.name for layer in by_layer]
    positions = np.arange(len(by_layer))
    ax = one_axes(ax, max(6.4, 0.8 * len(by_layer) + 1.5))
    sizes = {
        "∂L/∂y, before the activation": np.array([_rms(layer.dy) for layer in by_layer]),
        "∂L/∂W, of the weights": np.array([_rms(layer.dW) for layer in by_layer]),
    }
    if any((values > 0).any() for values in sizes.values()):
        ax.set_yscale("log")
    for (label, values), colour, marker, style in zip(
        sizes.items(), COLOURS, "os", ("-", "--"), strict=False
    ):
        ax.plot(
            positions,
            np.where(values > 0, values, np.nan),
            label=label,
            color=colour,
            marker=marker,
            linestyle=style,
            linewidth=2,
            markersize=7,
        )
        for position in positions[values == 0]:
            ax.annotate(
                f"{label[:5]} is 0",
                (position, 0.02 if marker == "o" else 0.1),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize=8,
                color=colour,
            )
    ax.set_xticks(positions, names)
    rotate_long_names(ax, names)
    ax.set_xlim(-0.4, len(by_layer) - 0.6)
    ax.set_xlabel("layer, from the input to the output")
    ax.set_ylabel("root mean square of the gradient")
    ax.set_title(_flow_title(names, sizes["∂L/∂y, before the activation"]))
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _rms(values: Array) -> float:
    """√(Σ g² / n), in float64, where small numbers keep their squares."""
    return float(np.sqrt(np.mean(np.square(values, dtype=float))))


def _flow_title(names: list[str], sizes: Array) -> str:
    """What became of ∂L/∂y between the last layer and the first."""
    if len(names) == 1 or sizes[-1] == 0:
        return "Gradient flow"
    times = f"{sizes[0] / sizes[-1]:.2g} times"
    return f"Gradient flow: ∂L/∂y of {names[0]} is {times} that of {names[-1]}"
