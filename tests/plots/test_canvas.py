"""What every picture keeps: its Axes, its words, nothing cut off, and the model as it was."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from minnet import Sequential, plots
from minnet.callbacks import RecordWeights
from minnet.layers import BatchNormalization, Conv2D, Dense, Dropout
from minnet.plots import canvas

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 2)), np.arange(24) % 3
RECORD = RecordWeights()


def _trained():
    layers = [Dense(4, activation="relu", input_dim=2), BatchNormalization(), Dropout(0.2)]
    model = Sequential([*layers, Dense(3, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[RECORD])
    return model


MODEL = _trained()
IMAGES = Sequential([Conv2D(3, 2, input_shape=(5, 5, 1))], seed=0, name="images")
HISTORY = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.7], "val_loss": [2.5, 1.5]}

PICTURES = {
    "learning_curves": (
        lambda **k: plots.learning_curves(HISTORY, **k),
        ("Learning curves", "epoch", "loss"),
    ),
    "label_efficiency": (
        lambda **k: plots.label_efficiency([1, 10], {"a": [[0.2, 0.4], [0.6, 0.6]]}, **k),
        (
            "What each label is worth",
            "labelled samples of each class (bars: one standard deviation of the draws)",
            "test accuracy (%)",
        ),
    ),
    "learning_rates": (
        lambda **k: plots.learning_rates([1e-4, 1e-3, 1e-2], [2.0, 1.0, 3.0], 1e-3, **k),
        ("Which learning rate?", "learning rate", "smoothed loss"),
    ),
    "confusion": (
        lambda **k: plots.confusion(np.array([[5, 1], [2, 0]]), **k),
        ("Confusion matrix: 3 of 8 wrong", "predicted", "true"),
    ),
    "predictions": (
        lambda **k: plots.predictions(RNG.random((3, 4, 6)), [0, 1, 2], [0, 1, 1], **k),
        ("Predictions: 1 of 3 wrong (what was meant in brackets)", "", ""),
    ),
    "decision_boundary": (
        lambda **k: plots.decision_boundary(MODEL, X, Y, points=20, **k),
        (None, "first feature, x[:, 0]", "second feature, x[:, 1]"),
    ),
    "network": (lambda **k: plots.network(MODEL, **k), ("Network 2-4-3: 20 weights", "", "")),
    "weights": (
        lambda **k: plots.weights(MODEL.layers[0], (1, 2), **k),
        ("Weights of dense_1, 2 for each unit: 4 units", "", ""),
    ),
    "filters": (
        lambda **k: plots.filters(IMAGES.layers[0], **k),
        ("Filters of conv2d_1, 2×2 each: 3 filters", "", ""),
    ),
    "feature_maps": (
        lambda **k: plots.feature_maps(IMAGES, np.eye(5)[..., None], **k),
        ("Feature maps of images", "", ""),
    ),
    "gradients": (
        lambda **k: plots.gradients(MODEL, X, Y, **k),
        (
            "Gradients by layer (line: median)",
            "size of the gradient, |∂L/∂w|",
            "layer (height: share of its weights)",
        ),
    ),
    "gradient_flow": (
        lambda **k: plots.gradient_flow(MODEL, X, Y, **k),
        (None, "layer, from the input to the output", "root mean square of the gradient"),
    ),
    "loss_along": (
        lambda **k: plots.loss_along(MODEL, X, Y, points=5, **k),
        (
            "Loss along a random direction, at θ + α d",
            "α: step along d, in units of the weights",
            "loss",
        ),
    ),
    "loss_surface": (
        lambda **k: plots.loss_surface(MODEL, X, Y, points=5, **k),
        (
            "Loss surface around the model",
            "α: step along direction 1",
            "β: step along direction 2",
        ),
    ),
    "loss_surface, path": (
        lambda **k: plots.loss_surface(MODEL, X, Y, RECORD, points=5, **k),
        ("Loss surface, with a path of 4 points", None, None),
    ),
}
every_picture = pytest.mark.parametrize(("draw", "words"), PICTURES.values(), ids=list(PICTURES))


def test_every_function_is_in_a_battery():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))}
    several = {"activations", "animate"}  # of more than one Axes, with tests of their own
    several |= {"playground"}  # an HTML file
    names = {name.split(",")[0] for name in PICTURES}
    assert functions == names | several


@every_picture
def test_a_new_figure_is_the_only_one_and_its_axes_are_returned(draw, words):
    ax = draw()
    assert isinstance(ax, Axes)
    assert [plt.figure(number) for number in plt.get_fignums()] == [ax.figure]


@every_picture
def test_axes_that_are_given_are_drawn_into_and_returned(draw, words):
    figure, (left, right) = plt.subplots(1, 2)
    plt.sca(left)
    settings = dict(plt.rcParams)
    assert draw(ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert right.has_data()
    assert not left.has_data()
    assert plt.gca() is left  # what a user draws next goes where it went before
    assert dict(plt.rcParams) == settings


@every_picture
def test_title_and_labels(draw, words):
    ax = draw()
    found = (ax.get_title(), ax.get_xlabel(), ax.get_ylabel())
    for said, wanted in zip(found, words, strict=True):
        assert said == wanted if wanted is not None else said


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


def test_the_model_stays_as_it_was(tmp_path):
    model = copy.deepcopy(MODEL)
    model.loss_and_gradient(X, Y, seed=0)
    vectors = [np.copy(v) for v in (model.theta, model.grad, model.state)]
    random = model.rng.bit_generator.state
    outputs = [np.copy(y) for y in model.outputs]
    attributes = [set(vars(layer)) for layer in model.layers]
    flags = (model.scale_checked, model.updates.iterations, [la.trainable for la in model.layers])
    plots.decision_boundary(model, X, Y, points=5)
    plots.network(model)
    plots.weights(model.layers[0], (2, 1))
    plots.activations(model, X)
    plots.gradients(model, X, Y)
    plots.gradient_flow(model, X, Y)
    plots.loss_along(model, X, Y, points=3)
    plots.loss_surface(model, X, Y, RECORD, points=3)
    plots.animate(model, X, Y, RECORD, tmp_path / "a.gif", points=5, frames=2, rate=1)
    for before, now in zip(vectors, (model.theta, model.grad, model.state), strict=True):
        np.testing.assert_array_equal(before, now)
    assert model.rng.bit_generator.state == random
    for before, now in zip(outputs, model.outputs, strict=True):
        np.testing.assert_array_equal(before, now)
    assert [set(vars(layer)) for layer in model.layers] == attributes
    now = (model.scale_checked, model.updates.iterations, [la.trainable for la in model.layers])
    assert now == flags


def test_importing_minnet_does_not_import_matplotlib():
    program = "import sys, minnet, minnet.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- looks ----------------------------------------------------------------------------------------


def lightness(rgb):
    """Relative luminance of sRGB, from 0 to 1 (WCAG 2)."""
    rgb = np.asarray(rgb)[..., :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("name", [canvas.SHADES, "Blues", "gray_r"])
def test_shades_go_in_one_direction_of_lightness(name):
    steps = np.diff(lightness(plt.get_cmap(name)(np.linspace(0, 1, 64))))
    assert (steps > 0).all() or (steps < 0).all()


def test_seven_looks_differ_in_colour_and_marker():
    found = [look for look, _ in zip(canvas.looks(), range(7), strict=False)]
    assert len({look.colour for look in found}) == len({look.marker for look in found}) == 7


def test_a_tint_is_between_white_and_the_colour():
    np.testing.assert_allclose(canvas.tint("#0000FF", 0.0), [1, 1, 1])
    np.testing.assert_allclose(canvas.tint("#0000FF", 1.0), [0, 0, 1])
    np.testing.assert_allclose(canvas.tint("#0000FF", np.array([0.5])), [[0.5, 0.5, 1]])


@pytest.mark.parametrize(("names", "rotation"), [(["a", "b"], 0), (["a_long_name"] * 5, 30)])
def test_long_names_are_turned(names, rotation):
    ax = canvas.one_axes(None)
    ax.set_xticks(range(len(names)), names)
    canvas.rotate_long_names(ax, names)
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {rotation}


def test_several_axes_stand_in_rows():
    axes = canvas.several_axes(None, 5, "this", columns=3, width=2.0, height=1.5)
    assert len(axes) == 5
    assert axes[0].figure.get_size_inches().tolist() == [6.0, 3.0]
    rows = [ax.get_subplotspec().rowspan.start for ax in axes]
    assert rows == [0, 0, 0, 1, 1]
