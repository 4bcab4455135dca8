"""The loss as a landscape over the weights: a walk along one direction, a map of two.

θ has thousands of dimensions, and a picture has two: what is drawn is a cut, and another cut looks
different. Random directions are *filter-normalised* (Li, Xu, Taylor, Studer and Goldstein, 2018),
so that 1 is a step as long as the weights themselves, unit by unit; without this a network with
large weights would look flatter than the same function with small ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, generator, integer, number, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused
from minnet.plots.canvas import COLOURS, MOST, SHADES, one_axes
from minnet.plots.subjects import weight_arrays, working_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@seed_unmoved_where_refused
@named
def loss_along(
    model: Any,
    x: Any,
    y: Any,
    direction: Any = None,
    *,
    reach: float = 1.0,
    points: int = 41,
    seed: int | np.random.Generator = 0,
    ax: Axes | None = None,
) -> Axes:
    """The loss on x and y at θ + α d, for α from −reach to reach.

    Parameters
    ----------
    model
        What has `theta` and `evaluate`: compiled. The loss is that of inference, penalties
        included.
    x, y
        The data that the loss is of.
    direction : (P,) array or None
        d. None draws a filter-normalised one. `-model.grad` goes downhill at first;
        `other.theta - model.theta` has the other model at α = 1 (Goodfellow, Vinyals and Saxe,
        2015).
    reach
        The largest |α|.
    points
        How many α; an odd number has the model itself among them.
    seed
        For the random direction.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        A direction of another length, or of zeros.
    RuntimeError
        The model is not built or not compiled.

    Examples
    --------
    >>> import minnet
    >>> x, y, _, _ = minnet.datasets.digits(per_class=5, seed=0)
    >>> ax = loss_along(minnet.load_pretrained("mnist-8x8"), x, y, points=5)
    >>> ax.lines[0].get_xdata().tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    who = "loss_along"
    twin = working_copy(model, who, "theta", "evaluate")
    start = np.array(twin.theta)
    reach = number(reach, f"{who}'s reach", above=0.0)
    points = integer(points, f"{who}'s points", minimum=2, maximum=MOST)
    if direction is None:
        d = _random_direction(twin, start, generator(seed, f"{who}'s seed"))
        name, unit = "a random direction", "in units of the weights"
    else:
        d = _direction(direction, start, who)
        name, unit = "a direction", "in units of d"
    alphas = np.linspace(-reach, reach, points)
    losses = _losses(twin, x, y, (start + alpha * d for alpha in alphas))
    here = _losses(twin, x, y, [start])[0]
    ax = one_axes(ax)
    ax.plot(alphas, losses, color=COLOURS[0], linewidth=2)
    ax.plot(
        [0.0],
        [here],
        color=COLOURS[1],
        marker="o",
        markersize=9,
        markeredgecolor="black",
        linestyle="none",
        label=f"the model, loss {here:.3g}",
    )
    ax.set_xlabel(f"α: step along d, {unit}")
    ax.set_ylabel("loss")
    ax.set_title(f"Loss along {name}, at θ + α d")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


@seed_unmoved_where_refused
@named
def loss_surface(
    model: Any,
    x: Any,
    y: Any,
    path: Any = None,
    *,
    directions: Sequence[Any] | None = None,
    reach: float = 1.0,
    points: int = 25,
    seed: int | np.random.Generator = 0,
    ax: Axes | None = None,
) -> Axes:
    """The loss over a plane in the space of the weights, as a map with lines of equal loss.

    With a path, the plane is that of its two principal components, and the path is drawn from its
    start to its end. Without, it goes through the model along two random filter-normalised
    directions, or along those that are given.

    Parameters
    ----------
    model
        What has `theta` and `evaluate`: compiled.
    x, y
        The data that the loss is of, in inference mode.
    path : list of (P,) array, or a callback that has recorded one
        The weights on the way, such as `minnet.callbacks.RecordWeights`. The components are those
        of θᵢ − θₙ, as in Li et al. (2018), so the end lies in the plane, and the other points as
        near to it as the shares on the axes say.
    directions : two (P,) arrays or None
        Of the plane through the model, instead of random ones.
    reach
        The largest |α| and |β|, where there is no path.
    points
        The loss is computed at points × points places.
    seed
        For random directions.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        A path or directions of another length than theta, or a path that does not move.
    RuntimeError
        The model is not built or not compiled.

    Examples
    --------
    >>> import minnet
    >>> from minnet.callbacks import RecordWeights
    >>> x, y, _, _ = minnet.datasets.moons(seed=0)
    >>> layers = [minnet.layers.Dense(1, activation="sigmoid", input_dim=2)]
    >>> model = minnet.Sequential(layers, seed=0)
    >>> model.compile("sgd", "binary_crossentropy")
    >>> record = RecordWeights()
    >>> history = model.fit(x, y, epochs=9, verbose=0, callbacks=[record])
    >>> ax = loss_surface(model, x, y, record, points=9)
    >>> ax.get_title()
    'Loss surface, with a path of 10 points'
    """
    who = "loss_surface"
    twin = working_copy(model, who, "theta", "evaluate")
    start = np.array(twin.theta)
    reach = number(reach, f"{who}'s reach", above=0.0)
    points = integer(points, f"{who}'s points", minimum=2, maximum=MOST)
    rng = generator(seed, f"{who}'s seed")
    if path is not None and directions is not None:
        raise ValueError(
            f"{who} takes a path or directions. Got both. Leave directions out: the path has its "
            "own."
        )
    if path is None:
        d1, d2 = _two_directions(twin, start, directions, rng, who)
        centre, walked = start, np.zeros((1, 2))
        edges = [np.linspace(-reach, reach, points)] * 2
        labels = [f"{letter}: step along direction {i}" for i, letter in ((1, "α"), (2, "β"))]
        title = "Loss surface around the model"
    else:
        thetas = recorded(path, start.size, who)
        centre = thetas[-1]
        d1, d2, shares = _components(thetas - centre, rng, who)
        walked = np.stack([(thetas - centre) @ d1, (thetas - centre) @ d2], axis=1)
        edges = _around(walked, points)
        labels = [
            f"component {i} of the path ({share:.0%} of its spread)"
            for i, share in enumerate(shares, 1)
        ]
        title = f"Loss surface, with a path of {len(thetas)} points"
    grid = ((a, b) for b in edges[1] for a in edges[0])
    losses = _losses(twin, x, y, (centre + a * d1 + b * d2 for a, b in grid))
    ax = one_axes(ax, 6.4, 4.8)
    _map(ax, edges, losses.reshape(points, points))
    _walk(ax, walked)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_title(title)
    return ax


def recorded(path: Any, P: int, who: str) -> Array:
    """The weights along a path, (T, P) in float64: from a callback that kept them, or a list."""
    thetas = getattr(path, "thetas", path)
    one = isinstance(thetas, np.ndarray) and thetas.ndim < 2
    if one or isinstance(thetas, (str, dict)) or not isinstance(thetas, Iterable):
        raise TypeError(
            f"{who} takes a list of weights, or RecordWeights() after a fit. Got {short(path)}."
        )
    thetas = [as_array(theta, f"{who}'s path") for theta in thetas]
    if len(thetas) < 2:
        raise ValueError(
            f"{who} takes a path of two or more weights. Got {len(thetas)}. Record one: "
            "model.fit(…, callbacks=[record]) with record = RecordWeights()."
        )
    wrong = next((theta.shape for theta in thetas if theta.shape != (P,)), None)
    if wrong is not None:
        raise ValueError(
            f"{who} takes a path of weights of shape ({P},), as theta. Got {wrong}. Record it "
            "with this model."
        )
    walked = np.stack(thetas).astype(float)
    finite(walked, f"{who}'s path")
    return walked


def path_losses(model: Any, x: Any, y: Any, thetas: Array, states: Sequence[Array]) -> Array:
    """The loss at each point of a path; states are the running statistics there, if kept."""
    return _losses(model, x, y, thetas, states)


def _losses(
    model: Any, x: Any, y: Any, thetas: Iterable[Array], states: Sequence[Array] = ()
) -> Array:
    """The loss at each of these weights; the model, a copy, is left at the last."""
    losses = []
    with np.errstate(all="ignore"):  # far out a network may overflow: that is a high wall
        for i, theta in enumerate(thetas):
            model.theta = theta
            if i < len(states):
                model.state = states[i]
            losses.append(float(model.evaluate(x, y, return_dict=True)["loss"]))
    return np.array(losses)


def _direction(direction: Any, theta: Array, who: str) -> Array:
    """A direction in the space of the weights, checked."""
    d = as_array(direction, f"{who}'s direction")
    if d.shape != theta.shape:
        raise ValueError(
            f"{who} takes a direction of shape {theta.shape}, as theta. Got {d.shape}. "
            "Use -model.grad, or other.theta - model.theta."
        )
    finite(d, f"{who}'s direction")
    if not d.any():
        raise ValueError(
            f"{who} takes a direction that leads somewhere. Got zeros alone. Call "
            "model.loss_and_gradient(x, y) before you use model.grad."
        )
    return d.astype(float)


def _random_direction(model: Any, theta: Array, rng: np.random.Generator) -> Array:
    """A filter-normalised direction: each column of each W as long as the weights there.

    Biases and other vectors stay, as in Li et al. (2018). Where the weights have no layers, the
    direction as a whole is as long as theta.
    """
    arrays = weight_arrays(model)
    if sum(array.size for array in arrays) != theta.size or all(a.ndim < 2 for a in arrays):
        arrays = [theta.reshape(-1, 1)]
    pieces = []
    for array in arrays:
        d = rng.standard_normal(array.shape)
        if array.ndim > 1:
            axes = tuple(range(array.ndim - 1))  # a filter is what leads to one output
            lengths = np.sqrt((array.astype(float) ** 2).sum(axis=axes))
            d *= lengths / np.sqrt((d**2).sum(axis=axes))
        else:
            d *= 0.0
        pieces.append(d.ravel())
    direction = np.concatenate(pieces)
    if not direction.any():  # weights that are all 0 have no length to take
        direction = rng.standard_normal(theta.size)
    return direction


def _two_directions(
    model: Any,
    theta: Array,
    directions: Sequence[Any] | None,
    rng: np.random.Generator,
    who: str,
) -> tuple[Array, Array]:
    if directions is None:
        return _random_direction(model, theta, rng), _random_direction(model, theta, rng)
    if not isinstance(directions, (tuple, list, np.ndarray)) or len(directions) != 2:
        raise ValueError(
            f"{who} takes two directions of shape {theta.shape}. Got {short(directions)}. "
            "Use directions=(d1, d2)."
        )
    d1, d2 = (_direction(d, theta, who) for d in directions)
    return d1, d2


def _components(
    differences: Array, rng: np.random.Generator, who: str
) -> tuple[Array, Array, Array]:
    """The two principal components of θᵢ − θₙ, of length 1, and their shares of its squares."""
    _, lengths, rows = np.linalg.svd(differences, full_matrices=False)
    if lengths[0] == 0:
        raise ValueError(
            f"{who} takes a path that moves. Got the same weights {len(differences)} times. "
            "Record copies: theta.copy()."
        )
    shares = lengths[:2] ** 2 / (lengths**2).sum()
    if len(lengths) > 1 and lengths[1] > 1e-9 * lengths[0]:
        return rows[0], rows[1], shares
    other = rng.standard_normal(rows.shape[1])  # a straight path: any direction across it will do
    other -= (other @ rows[0]) * rows[0]
    length = float(np.sqrt(other @ other)) or 1.0
    return rows[0], other / length, np.array([1.0, 0.0])


def _around(walked: Array, points: int) -> list[Array]:
    """The places along both axes, so that the path has room on all sides."""
    low, high = walked.min(axis=0), walked.max(axis=0)
    width = np.maximum(high - low, 0.3 * (high - low).max())
    middle = (low + high) / 2
    return [
        np.linspace(middle[i] - 0.7 * width[i], middle[i] + 0.7 * width[i], points) for i in (0, 1)
    ]


def _map(ax: Axes, edges: Sequence[Array], losses: Array) -> None:
    """Shades and lines of equal loss; by factors where the loss is positive and goes far."""
    from matplotlib.colors import LogNorm, Normalize

    known = losses[np.isfinite(losses)]
    if len(known) == 0:
        raise ValueError(
            "loss_surface takes a plane where the loss is finite. Got none. Take a smaller reach."
        )
    low, high = float(known.min()), float(known.max())
    logarithmic = low > 0 and high > 4 * low
    if high <= low:
        low, high = low - 0.5, high + 0.5
    levels = np.geomspace(low, high, 13) if logarithmic else np.linspace(low, high, 13)
    levels[0], levels[-1] = low, high
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    shown = np.ma.masked_invalid(losses)
    shades = ax.contourf(*edges, shown, levels=levels, cmap=SHADES, norm=norm)
    lines = ax.contour(*edges, shown, levels=levels[1:-1], colors="black", linewidths=0.6)
    ax.clabel(lines, levels[2:-1:3], fmt="%.2g", fontsize=8)
    bar = ax.figure.colorbar(shades, ax=ax, label="loss")
    bar.set_ticks(levels[::3].tolist(), labels=[f"{level:.2g}" for level in levels[::3]])
    bar.ax.minorticks_off()


def _walk(ax: Axes, walked: Array) -> None:
    """The path, from its start to its end; or the model alone."""
    from matplotlib.patheffects import Stroke, withStroke

    def mark(point: Array, marker: str, label: str, size: float) -> None:
        ax.plot(
            *point,
            marker=marker,
            markersize=size,
            color="white",
            markeredgecolor="black",
            markeredgewidth=1.5,
            linestyle="none",
            label=label,
            zorder=4,
        )

    if len(walked) > 1:
        ax.plot(
            *walked.T,
            color="white",
            linewidth=1.6,
            marker=".",
            markersize=7,
            path_effects=[withStroke(linewidth=3.6, foreground="black"), Stroke()],
            label="path",
            zorder=3,
        )
        mark(walked[0], "s", "start", 9)
    mark(walked[-1], "*", "end" if len(walked) > 1 else "the model", 15)
    ax.legend(loc="best", framealpha=0.9, facecolor="0.75", fontsize=9)
