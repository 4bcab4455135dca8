"""Learning curves, learning rates and label efficiency: what was drawn, read back."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from minnet import plots
from minnet.training.history import History

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.5, 0.7, 0.8],
    "val_loss": [2.5, 1.5, 1.0],
    "val_accuracy": [0.4, 0.6, 0.7],
}
ACCURACIES = {"from scratch": [[0.2, 0.4], [0.6, 0.6]], "head only": np.full((2, 3), 0.75)}


def legend(ax):
    """The lines of the legend, on whichever Axes it is."""
    found = [a.get_legend() for a in ax.figure.axes if a.get_legend() is not None]
    assert len(found) == 1
    return [text.get_text() for text in found[0].get_texts()]


# --- learning curves ------------------------------------------------------------------------------


def test_losses_are_on_the_left_and_metrics_on_the_right():
    ax = plots.learning_curves(HISTORY)
    right = next(axes for axes in ax.figure.axes if axes is not ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2, 1, 0.5], [2.5, 1.5, 1]]
    assert [line.get_ydata().tolist() for line in right.lines] == [[0.5, 0.7, 0.8], [0.4, 0.6, 0.7]]
    assert right.get_ylabel() == "accuracy"
    assert legend(ax) == ["loss", "loss (validation)", "accuracy", "accuracy (validation)"]


def test_epochs_are_counted_from_1():
    ax = plots.learning_curves(HISTORY)
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert plots.learning_curves(HISTORY, [4, 5, 6]).lines[0].get_xdata().tolist() == [5, 6, 7]


@pytest.mark.parametrize("epochs", [1, 2, 3, 40])
def test_ticks_are_at_whole_epochs(epochs):
    ax = plots.learning_curves({"loss": np.arange(epochs) + 1.0})
    ax.figure.canvas.draw()
    left, right = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if left <= tick <= right]
    assert ticks
    assert ticks == [round(tick) for tick in ticks]


def test_training_and_validation_share_a_colour_and_not_a_style():
    training, validation = plots.learning_curves(HISTORY).lines
    assert training.get_color() == validation.get_color() == plots.COLOURS[0]
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert training.get_markerfacecolor() == training.get_color()
    assert validation.get_markerfacecolor() == "white"


def test_each_scale_is_labelled_in_the_colour_of_its_lines():
    ax = plots.learning_curves(HISTORY)
    for axes in ax.figure.axes:
        assert axes.yaxis.label.get_color() == axes.lines[0].get_color()
    several = plots.learning_curves({"loss": [1.0], "accuracy": [0.5], "top_2": [0.9]})
    assert several.figure.axes[1].yaxis.label.get_color() == "black"


def test_losses_and_metrics_differ_in_marker_so_that_grey_will_do():
    ax = plots.learning_curves(HISTORY)
    left, right = ({line.get_marker() for line in axes.lines} for axes in ax.figure.axes)
    assert (left, right) == ({"o"}, {"s"})
    long = plots.learning_curves({"loss": np.arange(100.0)})
    assert long.lines[0].get_markevery() == 8


def test_the_legend_is_above_all_lines():
    ax = plots.learning_curves(HISTORY)
    assert ax.get_legend() is None
    assert ax.figure.axes[-1].get_legend() is not None


def test_a_history_of_losses_alone_has_one_scale():
    ax = plots.learning_curves({"loss": [1.0, 0.5]})
    assert ax.figure.axes == [ax]
    assert legend(ax) == ["loss"]


def test_a_history_without_losses():
    ax = plots.learning_curves({"accuracy": [0.5], "top_2": [0.9]})
    assert ax.figure.axes == [ax]
    assert ax.get_ylabel() == "accuracy, top_2"


def test_a_figure_that_came_later_is_shorter():
    ax = plots.learning_curves({"loss": [3.0, 2.0, 1.0], "val_loss": [2.0]})
    assert ax.lines[1].get_xdata().tolist() == [1]


def test_a_history_draws_itself():
    history = History()
    history.add(0, {"loss": 1.0})
    history.add(1, {"loss": 0.5})
    assert history.plot().lines[0].get_ydata().tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((History(),), TypeError, r"a dict of lists, one number an epoch. .* Use history.history"),
        (([1.0, 0.5],), TypeError, r"learning_curves takes a dict of lists"),
        (({},), ValueError, r"at least one epoch. Got none. Call fit first"),
        (({"loss": []},), ValueError, r"at least one epoch"),
        (({"loss": [1, 2]}, [0]), ValueError, r"Got 2 figures for 1 epochs"),
    ],
)
def test_what_learning_curves_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        plots.learning_curves(*arguments)
    assert plt.get_fignums() == []


# --- label efficiency -----------------------------------------------------------------------------


def test_means_in_percent_with_the_deviation_of_the_seeds():
    ax = plots.label_efficiency([1, 10], ACCURACIES)
    scratch, head = ax.containers
    np.testing.assert_allclose(scratch.lines[0].get_ydata(), [30, 60])
    np.testing.assert_allclose(head.lines[0].get_ydata(), [75, 75])
    for ways in zip(scratch.lines[0].get_xdata(), head.lines[0].get_xdata(), [1, 10], strict=True):
        assert ways[0] < ways[2] < ways[1]  # side by side, so that bars can be told apart
        np.testing.assert_allclose(ways[:2], ways[2], rtol=0.02)
    bars = [segment[:, 1] for segment in scratch.lines[2][0].get_segments()]
    deviation = 100 * np.std([0.2, 0.4], ddof=1)
    np.testing.assert_allclose(bars, [[30 - deviation, 30 + deviation], [60, 60]])
    assert legend(ax) == ["from scratch", "head only"]


def test_one_seed_has_no_deviation():
    ax = plots.label_efficiency([1, 10], {"once": [[0.2], [0.4]]})
    bars = [segment[:, 1] for segment in ax.containers[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(bars, [[20, 20], [40, 40]])


def test_ways_differ_in_colour_style_and_marker():
    ax = plots.label_efficiency([1], {str(i): [[0.5]] for i in range(7)})
    lines = [container.lines[0] for container in ax.containers]
    assert len({to_hex(line.get_color()) for line in lines}) == 7
    assert len({line.get_marker() for line in lines}) == 7
    assert len({line.get_linestyle() for line in lines}) == 4


def test_the_numbers_of_labels_are_the_ticks():
    ax = plots.label_efficiency([1, 5, 50], {"a": np.full((3, 2), 0.5)})
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "5", "50"]


@pytest.mark.parametrize(
    ("labels", "accuracies", "message"),
    [
        ([], ACCURACIES, r"labels above 0, such as \[1, 5\]. Got \[\]"),
        ([0, 1], ACCURACIES, r"labels above 0"),
        ([1, 10], {}, r"the accuracies of one way or more. Got none"),
        ([1, 5, 10], ACCURACIES, r"'from scratch' takes a row .*\(3, seeds\). Got \(2, 2\)"),
        ([1, 10], {"a": [0.5, 0.6]}, r"shape \(2, seeds\). Got \(2,\)"),
        ([1, 10], {"a": [[], []]}, r"Got \(2, 0\)"),
        (
            [1],
            {"a": [[97.0]]},
            r"from 0 to 1. Got 97 to 97. Divide percents by 100",
        ),
        ([1], {"a": [[np.nan]]}, r"label_efficiency's 'a' takes finite numbers"),
    ],
)
def test_what_label_efficiency_refuses(labels, accuracies, message):
    with pytest.raises(ValueError, match=message):
        plots.label_efficiency(labels, accuracies)
    assert plt.get_fignums() == []


# --- learning rates -------------------------------------------------------------------------------


def test_the_losses_over_the_rates_and_the_suggestion():
    ax = plots.learning_rates([1e-4, 1e-3, 1e-2], [2.0, 1.0, 3.0], 2e-3)
    curve, mark = ax.lines
    assert curve.get_xdata().tolist() == [1e-4, 1e-3, 1e-2]
    assert curve.get_ydata().tolist() == [2.0, 1.0, 3.0]
    assert list(mark.get_xdata()) == [2e-3, 2e-3]
    assert mark.get_linestyle() == "--"
    assert ax.get_xscale() == "log"
    assert legend(ax) == ["suggestion 2.0e-03"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0], 1.0), r"one loss for each rate.* Got 1 rates and 2 losses"),
        (([], [], 1.0), r"and at least one. Got 0 rates"),
        (([0.0, 1.0], [1.0, 2.0], 1.0), r"takes rates above 0. Got 0"),
        (([1.0], [1.0], 0.0), r"learning_rates' suggestion takes a finite number .*above 0"),
    ],
)
def test_what_learning_rates_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.learning_rates(*arguments)
    assert plt.get_fignums() == []
