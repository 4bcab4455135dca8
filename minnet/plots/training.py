"""How a training went, and what it was worth: curves over epochs, rates and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.foundation.checks import Array, as_array, finite, number, short
from minnet.foundation.strict import named
from minnet.plots.canvas import COLOURS, looks, one_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@named
def learning_curves(
    history: Mapping[str, Sequence[float]],
    epoch: Sequence[int] | None = None,
    *,
    of_some: Mapping[str, Sequence[int]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Loss by epoch, training and validation; accuracies and other metrics on a second scale.

    Parameters
    ----------
    history
        `History.history`: name → one number an epoch.
    epoch
        The epochs' numbers from 0; they are shown from 1.
    of_some
        Name → the epochs of a figure that not every epoch has.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    TypeError, ValueError
        No dict, no epoch, or more figures than epochs.

    Examples
    --------
    >>> learning_curves({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]}).get_title()
    'Learning curves'
    """
    if not isinstance(history, Mapping):
        raise TypeError(
            f"learning_curves takes a dict of lists, one number an epoch. Got {short(history)}. "
            "Use history.history."
        )
    length = max((len(values) for values in history.values()), default=0)
    if length == 0:
        raise ValueError("learning_curves takes at least one epoch. Got none. Call fit first.")
    epochs = np.arange(length) if epoch is None else as_array(epoch, "learning_curves' epoch")
    epochs = np.atleast_1d(epochs) + 1
    if len(epochs) < length:
        raise ValueError(
            f"learning_curves takes one number for each epoch. Got {length} figures for "
            f"{len(epochs)} epochs."
        )
    some = _epochs_of_some(history, of_some)
    from matplotlib.ticker import MaxNLocator

    ax = one_axes(ax)
    losses = [name for name in history if name in ("loss", "val_loss")]
    others = [name for name in history if name not in losses]
    right, current = ax, ax.figure.gca()
    if losses and others:
        right = ax.twinx()
        ax.figure.sca(current)  # what is drawn next goes where it would have gone
    bases = dict.fromkeys(name.removeprefix("val_") for name in [*losses, *others])
    look_of = dict(zip(bases, looks(), strict=False))
    for axes, names in ((ax, losses), (right, others)):
        for name in names:
            base = name.removeprefix("val_")
            axes.plot(
                some.get(name, epochs[: len(history[name])]),
                history[name],
                label=base + (" (validation)" if base != name else ""),
                color=look_of[base].colour,
                linestyle="--" if base != name else "-",
                marker=look_of[base].marker,
                markerfacecolor="white" if base != name else None,
                markersize=4,
                markevery=max(1, length // 12),
            )
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss" if losses else ", ".join(others))
    if right is not ax:
        metrics = [name for name in others if not name.startswith("val_")]
        right.set_ylabel(", ".join(metrics))
        ax.yaxis.label.set_color(look_of["loss"].colour)  # which scale is whose
        if len(metrics) == 1:
            right.yaxis.label.set_color(look_of[metrics[0]].colour)
    ax.set_title("Learning curves")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles = [*ax.get_lines(), *(right.get_lines() if right is not ax else [])]
    # On the upper of the two Axes, so that no line runs through it; where one falls and the other
    # rises, there is room at the right in the middle.
    right.legend(handles=handles, loc="center right" if right is not ax else "best")
    return ax


def _epochs_of_some(history: Mapping[str, Sequence[float]], of_some: Any) -> dict[str, Array]:
    """Name → the epochs, from 1, of figures that not every epoch has."""
    if of_some is None:
        return {}
    if not isinstance(of_some, Mapping):
        raise TypeError(
            "learning_curves' of_some takes a dict: name → the epochs that have this figure. Got "
            f"{short(of_some)}. Leave it out if all have all."
        )
    some = {}
    for name, numbers in of_some.items():
        epochs = np.atleast_1d(as_array(numbers, f"learning_curves' epochs of {name}"))
        if name in history and epochs.shape != (len(history[name]),):
            raise ValueError(
                f"learning_curves takes an epoch for each figure of {name}. Got {epochs.shape} "
                f"for {len(history[name])} figures."
            )
        some[name] = epochs + 1
    return some


@named
def learning_rates(
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
        One of each for every update, as in what `find_learning_rate` returns.
    suggestion
        The learning rate to mark.
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        Another number of losses than of rates, none at all, or a rate that is not above 0.

    Examples
    --------
    >>> learning_rates([0.01, 0.1, 1.0], [2.0, 1.0, 3.0], 0.1).get_xscale()
    'log'
    """
    curve = as_array(rates, "learning_rates' rates"), as_array(losses, "learning_rates' losses")
    if curve[0].ndim != 1 or curve[0].shape != curve[1].shape or len(curve[0]) == 0:
        raise ValueError(
            "learning_rates takes one loss for each rate, and at least one. "
            f"Got {curve[0].size} rates and {curve[1].size} losses."
        )
    if not (curve[0] > 0).all():
        raise ValueError(f"learning_rates takes rates above 0. Got {curve[0].min():g}.")
    suggestion = number(suggestion, "learning_rates' suggestion", above=0.0, maximum=1e30)
    ax = one_axes(ax)
    ax.plot(*curve, color=COLOURS[0], linewidth=2)
    ax.axvline(suggestion, color=COLOURS[1], linestyle="--", label=f"suggestion {suggestion:.1e}")
    ax.set_xscale("log")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("smoothed loss")
    ax.set_title("Which learning rate?")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


@named
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
    ax : Axes or None
        Where it is drawn; None makes a figure.

    Raises
    ------
    ValueError
        Numbers of labels that are not above 0, or accuracies of another shape or range.

    Examples
    --------
    >>> ax = label_efficiency([1, 5], {"scratch": [[0.5, 0.6], [0.8, 0.9]]})
    >>> len(ax.get_legend_handles_labels()[0])
    1
    """
    numbers = as_array(labels, "label_efficiency's labels")
    if numbers.ndim != 1 or len(numbers) == 0 or not (numbers > 0).all():
        raise ValueError(f"label_efficiency takes labels above 0, such as [1, 5]. Got {labels}.")
    if not isinstance(accuracies, Mapping):
        raise TypeError(
            f"label_efficiency takes {{way: accuracies}}, a dict. Got {short(accuracies)}."
        )
    if not accuracies:
        raise ValueError("label_efficiency takes the accuracies of one way or more. Got none.")
    shares = {name: _shares(name, values, len(numbers)) for name, values in accuracies.items()}
    ax = one_axes(ax)
    for i, ((name, values), look) in enumerate(zip(shares.items(), looks(), strict=False)):
        percent = 100.0 * values
        ax.errorbar(
            numbers * 1.03 ** (i - (len(shares) - 1) / 2),  # so that bars do not hide each other
            percent.mean(axis=1),
            percent.std(axis=1, ddof=min(1, percent.shape[1] - 1)),
            label=name,
            color=look.colour,
            marker=look.marker,
            linestyle=look.style,
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
