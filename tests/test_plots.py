"""Pictures: what each shows and says, on which Axes, and what is refused. None is compared."""

from __future__ import annotations

import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from minnet import plots
from minnet.history import History

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.5, 0.7, 0.8],
    "val_loss": [2.5, 1.5, 1.0],
    "val_accuracy": [0.4, 0.6, 0.7],
}
ACCURACIES = {"from scratch": [[0.2, 0.4], [0.6, 0.6]], "head only": np.full((2, 3), 0.75)}
COUNTS = np.array([[5, 1, 0], [0, 7, 0], [2, 0, 0]])
IMAGES = np.random.default_rng(0).random((5, 4, 6))
TRUE, PREDICTED = np.array([0, 1, 2, 1, 0]), np.array([0, 1, 1, 1, 2])
NAMES = ["T-shirt", "trouser", "pullover"]

PICTURES = {
    "learning_curves": (
        lambda **k: plots.learning_curves(HISTORY, **k),
        ("Learning curves", "epoch", "loss"),
    ),
    "label_efficiency": (
        lambda **k: plots.label_efficiency([1, 10], ACCURACIES, **k),
        (
            "What each label is worth",
            "labelled samples of each class (bars: one standard deviation of the draws)",
            "test accuracy (%)",
        ),
    ),
    "confusion": (
        lambda **k: plots.confusion(COUNTS, **k),
        ("Confusion matrix", "predicted", "true"),
    ),
    "rate_search": (
        lambda **k: plots.rate_search([1e-4, 1e-3, 1e-2], [2.0, 1.0, 3.0], 1e-3, **k),
        ("Which learning rate?", "learning rate", "smoothed loss"),
    ),
    "predictions": (
        lambda **k: plots.predictions(IMAGES, TRUE, PREDICTED, **k),
        ("Predictions: 2 of 5 wrong (what was meant in brackets)", "", ""),
    ),
}
every_picture = pytest.mark.parametrize(("draw", "words"), PICTURES.values(), ids=list(PICTURES))


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """A call of show fails, and no figure is left open."""

    def show(*args, **kwargs):
        raise AssertionError("show was called")

    monkeypatch.setattr(plt, "show", show)
    plt.close("all")
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    """The lines of the legend, on whichever Axes it is."""
    found = [a.get_legend() for a in ax.figure.axes if a.get_legend() is not None]
    assert len(found) == 1
    return [text.get_text() for text in found[0].get_texts()]


# --- every picture --------------------------------------------------------------------------------


@every_picture
def test_a_new_figure_is_the_only_one_and_its_axes_are_returned(draw, words):
    ax = draw()
    assert isinstance(ax, Axes)
    assert [plt.figure(number) for number in plt.get_fignums()] == [ax.figure]


@every_picture
def test_axes_that_are_given_are_drawn_into_and_returned(draw, words):
    figure, (left, right) = plt.subplots(1, 2)
    assert draw(ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert right.has_data()
    assert not left.has_data()


@every_picture
def test_title_and_labels(draw, words):
    ax = draw()
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == words


@every_picture
def test_nothing_is_cut_off_and_every_letter_is_known(draw, words):
    ax = draw()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing letter, a layout that collapsed
        ax.figure.canvas.draw()
    inside = ax.figure.bbox
    for axes in ax.figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= inside.x0 - 1
        assert box.y0 >= inside.y0 - 1
        assert box.x1 <= inside.x1 + 1
        assert box.y1 <= inside.y1 + 1


@every_picture
def test_something_that_is_no_axes_is_refused(draw, words):
    with pytest.raises(TypeError, match=r"ax takes matplotlib's Axes. Got <Figure"):
        draw(ax=plt.figure())


def test_importing_minnet_does_not_import_matplotlib():
    program = "import sys, minnet, minnet.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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


# --- confusion ------------------------------------------------------------------------------------


def test_counts_stand_in_row_true_and_column_predicted():
    ax = plots.confusion(COUNTS)
    found = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in ax.texts}
    assert found == {(0, 0): "5", (0, 1): "1", (1, 1): "7", (2, 0): "2"}


def test_shades_are_shares_of_a_row():
    (image,) = plots.confusion(np.array([[3, 1], [0, 0]])).images
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25], [0, 0]])
    assert image.get_clim() == (0, 1)


def test_counts_are_white_on_dark_and_black_on_light():
    ax = plots.confusion(np.array([[9, 1], [0, 5]]))
    assert [text.get_color() for text in ax.texts] == ["white", "black", "white"]


@pytest.mark.parametrize(("names", "rotation"), [(None, 0), (["no", "yes", "oh"], 0), (NAMES, 90)])
def test_names_of_the_classes_do_not_overlap(names, rotation):
    ax = plots.confusion(COUNTS, names)
    wanted = ["0", "1", "2"] if names is None else names
    assert [label.get_text() for label in ax.get_xticklabels()] == wanted
    assert [label.get_text() for label in ax.get_yticklabels()] == wanted
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {rotation}


def test_many_classes_get_a_larger_figure():
    few, many = (plots.confusion(np.eye(K, dtype=int)).figure for K in (10, 26))
    assert many.get_size_inches().min() > 2 * few.get_size_inches().min()


@pytest.mark.parametrize(
    ("counts", "names", "error", "message"),
    [
        (
            np.ones((2, 3), int),
            None,
            ValueError,
            r"\(K, K\). Got \(2, 3\). Use confusion_mat",
        ),
        (np.ones(4, int), None, ValueError, r"Got \(4,\)"),
        (np.int64(3), None, ValueError, r"Got \(\)"),
        (np.ones((0, 0), int), None, ValueError, r"Got \(0, 0\)"),
        (COUNTS / 8, None, ValueError, r"whole counts, 0 or more. Got float64 from 0 to 0.875"),
        (-COUNTS, None, ValueError, r"whole counts, 0 or more. Got int64 from -7 to 0"),
        (
            COUNTS,
            ["a", "b"],
            ValueError,
            r"3 names, one for each class. Got \['a', 'b'\]",
        ),
        (COUNTS, "abc", ValueError, r"a list of 3 names"),
        ("counts", None, TypeError, r"confusion's counts takes an array of numbers"),
    ],
)
def test_what_confusion_refuses(counts, names, error, message):
    with pytest.raises(error, match=message):
        plots.confusion(counts, names)
    assert plt.get_fignums() == []


# --- predictions ----------------------------------------------------------------------------------


def test_every_image_is_shown_as_it_is_ink_dark():
    ax = plots.predictions(IMAGES, TRUE, PREDICTED)
    assert len(ax.images) == 5
    for shown, image in zip(ax.images, IMAGES, strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
        assert shown.get_clim() == (0, 1)
        assert shown.get_cmap().name == "gray_r"


def test_rows_of_numbers_are_square_images():
    ax = plots.predictions(np.arange(32).reshape(2, 16) / 32, [0, 1], [0, 1])
    np.testing.assert_array_equal(ax.images[1].get_array(), np.arange(16, 32).reshape(4, 4) / 32)


def test_images_stand_side_by_side_and_do_not_overlap():
    ax = plots.predictions(IMAGES, TRUE, PREDICTED, columns=3)
    boxes = [image.get_extent() for image in ax.images]  # left, right, bottom, top
    assert [boxes[i][0] == boxes[i + 3][0] for i in range(2)] == [True, True]
    assert boxes[0][1] < boxes[1][0] < boxes[1][1] < boxes[2][0]
    assert boxes[0][2] < boxes[3][3]
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    for box in boxes:
        assert left <= box[0] < box[1] <= right
        assert top <= box[3] < box[2] <= bottom


def test_wrong_ones_are_crossed_with_what_was_meant_and_framed():
    ax = plots.predictions(IMAGES, TRUE, PREDICTED)
    assert texts(ax) == ["0", "1", "1 ✗ (2)", "1", "2 ✗ (0)"]
    coloured = [i for i, text in enumerate(ax.texts) if text.get_color() == plots.COLOURS[1]]
    assert coloured == [2, 4]
    framed = [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in ax.patches]
    extents = [ax.images[i].get_extent() for i in (2, 4)]
    assert framed == [(left, top, right - left, low - top) for left, right, low, top in extents]


def test_long_names_take_two_lines():
    ax = plots.predictions(IMAGES, TRUE, PREDICTED, NAMES)
    assert texts(ax)[:3] == ["T-shirt", "trouser", "trouser ✗\n(pullover)"]


def test_labels_of_wide_grids_do_not_run_into_each_other():
    true = np.arange(16) % 3
    ax = plots.predictions(np.ones((16, 28, 28)), true, (true + 1) % 3, NAMES)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    for n, box in enumerate(boxes[8:]):  # the second row stays below the images of the first
        assert box.y1 <= ax.images[n].get_window_extent().y0


@pytest.mark.parametrize("N", [1, 3])
def test_few_images_stand_in_the_middle(N):
    ax = plots.predictions(IMAGES[:N], TRUE[:N], TRUE[:N])
    assert ax.get_title() == f"Predictions: 0 of {N} wrong"
    first, last = ax.images[0].get_extent(), ax.images[-1].get_extent()
    left, right = ax.get_xlim()
    assert first[0] - left == pytest.approx(right - last[1])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": IMAGES[:0]}, ValueError, r"images of shape \(N, H, W\).* Got \(0, 4, 6\)"),
        ({"images": np.ones((5, 15))}, ValueError, r"or square ones in rows. Got \(5, 15\)"),
        ({"images": np.ones(5)}, ValueError, r"Got \(5,\)"),
        ({"images": IMAGES * np.nan}, ValueError, r"predictions' images takes finite numbers"),
        ({"true": TRUE[:4]}, ValueError, r"true as 5 whole labels from 0.* of shape \(4,\)"),
        ({"predicted": np.eye(5)}, ValueError, r"predicted as 5 whole .* shape \(5, 5\), float64"),
        ({"true": TRUE / 1}, ValueError, r"true as 5 whole labels"),
        ({"true": TRUE - 1}, ValueError, r"true as 5 whole labels from 0"),
        ({"class_names": NAMES[:2]}, ValueError, r"class_names takes a list of 3 names"),
        ({"columns": 0}, ValueError, r"predictions' columns takes a whole number, 1 or more"),
    ],
)
def test_what_predictions_refuses(change, error, message):
    with pytest.raises(error, match=message):
        plots.predictions(**{"images": IMAGES, "true": TRUE, "predicted": PREDICTED, **change})
    assert plt.get_fignums() == []
