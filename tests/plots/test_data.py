"""Decision boundaries, confusion matrices, grids of images: what was drawn, read back."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from minnet import Sequential, plots
from minnet.layers import Dense

COUNTS = np.array([[5, 1, 0], [0, 7, 0], [2, 0, 0]])
IMAGES = np.random.default_rng(0).random((5, 4, 6))
TRUE, PREDICTED = np.array([0, 1, 2, 1, 0]), np.array([0, 1, 1, 1, 2])
NAMES = ["T-shirt", "trouser", "pullover"]


def texts(ax):
    return [text.get_text() for text in ax.texts]


class Slope:
    """A plain object: the probability of class 1 is the first feature, cut to [0, 1]."""

    def predict(self, x):
        return np.clip(x[:, :1], 0, 1)


X = np.array([[0.0, 0.0], [0.2, 1.0], [0.9, 0.0], [1.0, 1.0]])
Y = np.array([0, 0, 1, 0])


def lines_of(ax):
    """The points of each contour that was drawn, with its style: (vertices, is dashed, width)."""
    found = []
    for drawn in ax.collections:
        if hasattr(drawn, "levels"):
            vertices = np.concatenate([path.vertices for path in drawn.get_paths()])
            dashed = drawn.get_linestyles()[0][1] is not None
            found.append((vertices, dashed, drawn.get_linewidths()[0]))
    return found


# --- decision boundary ----------------------------------------------------------------------------


def test_the_boundary_is_where_the_classes_are_alike_and_dashed_where_it_is_sure():
    ax = plots.decision_boundary(Slope(), X, Y, points=101)
    (boundary, solid, thick), (sure, dashed, thin) = lines_of(ax)
    np.testing.assert_allclose(boundary[:, 0], 0.5, atol=1e-6)
    assert (solid, dashed) == (False, True)
    assert thick > thin
    np.testing.assert_allclose(np.minimum(sure[:, 0], 1 - sure[:, 0]), 0.1, atol=1e-6)
    assert np.ptp(boundary[:, 1]) == pytest.approx(np.diff(ax.get_ylim())[0])


def test_the_tint_says_which_class_and_how_sure():
    ax = plots.decision_boundary(Slope(), X, Y, points=101)
    shown = np.asarray(ax.images[0].get_array())[50]
    across = np.linspace(*ax.get_xlim(), 101)
    for place, colour, confidence in ((0.0, 0, 1.0), (0.75, 1, 0.75), (0.25, 0, 0.75), (1, 1, 1)):
        column = np.abs(across - place).argmin()
        share = 0.55 * (2 * max(across[column], 1 - across[column]) - 1)
        share = min(share, 0.55)
        assert share == pytest.approx(0.55 * (2 * confidence - 1), abs=0.02)
        np.testing.assert_allclose(
            shown[column], 1 - share * (1 - np.array(to_rgb(plots.COLOURS[colour])))
        )


def test_up_is_up():
    class Rise:
        """The probability of class 1 is the second feature, cut to [0, 1]."""

        def predict(self, x):
            return np.clip(x[:, 1:], 0, 1)

    ax = plots.decision_boundary(Rise(), X, Y, points=51)
    image = ax.images[0]
    low, high = np.asarray(image.get_array())[[0, -1], 25]
    assert image.origin == "lower"
    assert low[2] > low[0]  # blue, class 0, below
    assert high[0] > high[2]  # vermilion, class 1, above
    assert image.get_extent() == [*ax.get_xlim(), *ax.get_ylim()]
    np.testing.assert_allclose(lines_of(ax)[0][0][:, 1], 0.5, atol=1e-6)


def test_samples_stand_where_they_are_with_a_marker_for_each_class_and_wrong_ones_ringed():
    ax = plots.decision_boundary(Slope(), X, Y, ["no", "yes"])
    no, yes, wrong = (c for c in ax.collections if len(c.get_offsets()) and c.get_label()[0] != "_")
    np.testing.assert_array_equal(no.get_offsets(), X[Y == 0])
    np.testing.assert_array_equal(yes.get_offsets(), X[Y == 1])
    np.testing.assert_array_equal(wrong.get_offsets(), X[3:])
    assert len(no.get_paths()[0]) != len(yes.get_paths()[0])  # a circle and a square
    assert ax.get_title() == "Decision boundary: 1 of 4 wrong"
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["no", "yes", "wrong", "90 % sure"]


def test_the_legend_names_no_mistakes_where_there_are_none():
    ax = plots.decision_boundary(Slope(), X[:3], Y[:3], ["no", "yes"])
    assert ax.get_title() == "Decision boundary: 0 of 3 wrong"
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["no", "yes", "90 % sure"]


@pytest.mark.parametrize("K", [2, 12])
def test_no_sample_is_below_the_legend(K):
    names = [f"class number {k}" for k in range(K)]
    angle = np.linspace(0, 2 * np.pi, 24)
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    model = Sequential([Dense(K, activation="softmax", input_dim=2)], seed=0)
    ax = plots.decision_boundary(model, x, np.arange(24) % K, names, points=8)
    ax.figure.canvas.draw()
    box = ax.get_legend().get_window_extent()
    assert ax.transData.transform(x)[:, 1].max() < box.y0
    assert box.x0 >= ax.get_window_extent().x0
    assert box.x1 <= ax.get_window_extent().x1


def test_three_classes_have_the_lines_between_each_two_and_the_names_of_the_model():
    class Thirds:
        """Class 0, 1 or 2 by the first feature, with all confidence."""

        class_names = ("left", "middle", "right")

        def predict(self, x):
            return np.eye(3)[np.clip(np.floor(3 * x[:, 0]), 0, 2).astype(int)]

    ax = plots.decision_boundary(Thirds(), X, [0, 0, 2, 2], points=200)
    found = np.concatenate([vertices[:, 0] for vertices, dashed, _ in lines_of(ax) if not dashed])
    np.testing.assert_allclose(np.minimum(abs(found - 1 / 3), abs(found - 2 / 3)), 0, atol=0.01)
    assert ax.get_legend().get_texts()[0].get_text() == "left"
    assert ax.figure.axes[1].get_ylim() == pytest.approx((100 / 3, 100))


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_crossentropy"])
def test_logits_are_turned_into_probabilities(loss):
    from minnet.losses import BinaryCrossEntropy, CrossEntropy

    binary = loss == "binary_crossentropy"
    model = Sequential([Dense(1 if binary else 2, input_dim=2)], seed=0)
    model.layers[0].W = [[10.0], [0.0]] if binary else [[0.0, 10.0], [0.0, 0.0]]
    model.layers[0].b = [-5.0] if binary else [0.0, -5.0]
    kind = BinaryCrossEntropy if binary else CrossEntropy
    model.compile("sgd", kind(from_logits=True))
    ax = plots.decision_boundary(model, X, Y, points=101)
    boundary, sure = (vertices[:, 0] for vertices, _, _ in lines_of(ax))
    np.testing.assert_allclose(boundary, 0.5, atol=1e-4)
    np.testing.assert_allclose(abs(sure - 0.5), np.log(9) / 10, atol=1e-3)


def test_one_hot_and_columns_of_labels_mean_the_same():
    titles = {
        plots.decision_boundary(Slope(), X, y, points=5).get_title()
        for y in (Y, Y.reshape(-1, 1), np.eye(2)[Y], Y.astype(float), Y == 1)
    }
    assert titles == {"Decision boundary: 1 of 4 wrong"}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.ones((4, 3))}, ValueError, r"two features, shape \(N, 2\). Got \(4, 3\). Choose"),
        ({"x": X[:0]}, ValueError, r"Got \(0, 2\)"),
        ({"x": X * np.nan}, ValueError, r"decision_boundary's x takes finite numbers"),
        ({"y": Y[:3]}, ValueError, r"Got 4 rows in decision_boundary's x and 3 in .*'s y"),
        ({"y": [0, 1, 2, 0]}, ValueError, r"labels below 2, the number of .*classes. Got 2"),
        ({"y": [0, 1, -1, 0]}, ValueError, r"labels from 0. Got -1"),
        ({"y": [0, 0.5, 1, 0]}, ValueError, r"a whole label from 0"),
        ({"y": np.ones((4, 2))}, ValueError, r"or one-hot rows. Got \(4, 2\) with other"),
        ({"points": 1}, ValueError, r"points takes a whole number, 2 or more"),
        ({"class_names": ["a"]}, ValueError, r"class_names takes a list of 2 names"),
        ({"model": Slope}, TypeError, r"Got the class Slope itself. Call it: Slope\(…\)"),
        ({"model": X}, TypeError, r"a model with predict. Got an array .* which has no predict"),
        ({"model": Sequential([Dense(2)])}, RuntimeError, r"a model that is built. Got one with"),
        (
            {"model": Sequential([Dense(2, input_dim=2)], seed=0)},
            ValueError,
            r"predicts probabilities. Got outputs from .* End it with a softmax",
        ),
    ],
)
def test_what_decision_boundary_refuses(change, error, message):
    with pytest.raises(error, match=message):
        plots.decision_boundary(**{"model": Slope(), "x": X, "y": Y, **change})
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
    np.testing.assert_allclose(image.norm([0, 0.01, 0.25, 1]), [0, 0.1, 0.5, 1])  # the root


def test_the_title_counts_the_mistakes():
    assert plots.confusion(COUNTS).get_title() == "Confusion matrix: 3 of 15 wrong"
    assert plots.confusion(COUNTS * 1000).get_title() == "Confusion matrix: 3,000 of 15,000 wrong"


def test_counts_are_white_on_dark_and_black_on_light():
    ax = plots.confusion(np.array([[9, 1], [4, 6]]))
    assert [text.get_color() for text in ax.texts] == ["white", "black", "white", "white"]


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
