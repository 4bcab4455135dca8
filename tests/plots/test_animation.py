"""The moving picture: how many frames, what changes in them, and the last one read back."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from minnet import Sequential, datasets, plots
from minnet.callbacks import RecordWeights
from minnet.layers import BatchNormalization, Dense

X, Y, _, _ = datasets.moons(30, seed=0)


@pytest.fixture(scope="module")
def trained():
    """A network with running statistics, and the record of its training."""
    model = Sequential([BatchNormalization(), Dense(1, activation="sigmoid")], seed=0)
    model.build(2)
    model.compile("sgd", "binary_crossentropy")
    record = RecordWeights()
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[record])
    return model, record


@pytest.mark.slow
def test_a_frame_for_each_epoch_and_the_last_one_stays(trained, tmp_path):
    model, record = trained
    file = tmp_path / "training.gif"
    axes = plots.animate(model, X, Y, record, file, points=12, rate=4)
    with Image.open(file) as gif:
        assert (gif.format, gif.info["duration"], gif.info["loop"]) == ("GIF", 250, 0)
        assert gif.n_frames >= 6  # equal pictures at the end may be joined into one that stays
        pictures = []
        for i in range(6):
            gif.seek(i)
            pictures.append(np.asarray(gif.convert("L"), float))
        length = 0
        for i in range(gif.n_frames):
            gif.seek(i)
            length += gif.info["duration"]
    assert length == pytest.approx(250 * (6 + 4))
    assert all(np.abs(a - b).max() > 50 for a, b in itertools.pairwise(pictures))
    left, right = axes
    assert left.figure is right.figure
    assert left.get_title().startswith("Decision boundary: ")
    assert right.get_title() == "Loss: epoch 5 of 5"


def test_the_loss_is_that_of_each_epoch_with_its_statistics(trained, tmp_path):
    model, record = trained
    _, right = plots.animate(model, X, Y, record, tmp_path / "a.gif", points=5, frames=2, rate=1)
    twin, wanted = model.copy(), []
    for theta, state in zip(record.thetas, record.states, strict=True):
        twin.theta, twin.state = theta, state
        wanted.append(twin.evaluate(X, Y)["loss"])
    whole, so_far, mark = right.lines
    np.testing.assert_allclose(whole.get_ydata(), wanted)
    np.testing.assert_allclose(so_far.get_ydata(), wanted)
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([5], [wanted[-1]])


def test_each_picture_has_the_weights_and_statistics_of_its_epoch(trained, tmp_path, monkeypatch):
    model, record = trained
    seen = []
    real = plots.data.Plane.ask

    def ask(plane):
        seen.append((plane.model.theta.copy(), plane.model.state.copy()))
        return real(plane)

    monkeypatch.setattr(plots.data.Plane, "ask", ask)
    plots.animate(model, X, Y, record, tmp_path / "a.gif", points=5, rate=1)
    for (theta, state), wanted in zip(
        seen, zip(record.thetas, record.states, strict=True), strict=True
    ):
        np.testing.assert_array_equal(theta, wanted[0])
        np.testing.assert_array_equal(state, wanted[1])


def test_of_a_long_path_some_frames_are_chosen_the_ends_too(trained, tmp_path, monkeypatch):
    model, record = trained
    seen = []
    real = plots.animation._curve
    monkeypatch.setattr(
        plots.animation, "_curve", lambda ax, losses, now: (seen.append(now), real(ax, losses, now))
    )
    plots.animate(model, X, Y, record.thetas, str(tmp_path / "a.gif"), points=5, frames=3, rate=1)
    assert seen == [0, 2, 5]


def test_axes_that_are_given_are_drawn_into(trained, tmp_path):
    model, record = trained
    _, given = plt.subplots(1, 2, figsize=(5, 2.5))
    axes = plots.animate(
        model, X, Y, record, tmp_path / "a.gif", points=5, frames=2, rate=1, ax=given
    )
    assert list(axes) == list(given)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (400, 200)
    two = [plt.subplots()[1], plt.subplots()[1]]
    with pytest.raises(ValueError, match=r"two Axes of one figure. Got two figures"):
        plots.animate(model, X, Y, record, tmp_path / "b.gif", ax=two)


def test_what_animate_refuses(trained, tmp_path):
    model, record = trained
    cases = [
        ({"filename": tmp_path / "a.mp4"}, ValueError, r'ends in .gif. Got "a.mp4". Use "a.gif"'),
        ({"filename": 3}, TypeError, r"filename as text or a path. Got 3"),
        ({"filename": tmp_path / "no" / "a.gif"}, ValueError, r"in a folder that is there"),
        ({"x": np.ones((30, 3))}, ValueError, r"animate takes x with two features"),
        ({"path": record.thetas[:1]}, ValueError, r"animate takes a path of two or more"),
        ({"path": [np.ones(2)] * 3}, ValueError, r"as theta. Got \(2,\)"),
        ({"frames": 1}, ValueError, r"animate's frames takes a whole number, 2 or more"),
        ({"rate": 0}, ValueError, r"animate's rate takes"),
        ({"model": Sequential([Dense(1)])}, RuntimeError, r"that is built"),
    ]
    settings = {"model": model, "x": X, "y": Y, "path": record, "filename": tmp_path / "a.gif"}
    for change, error, message in cases:
        with pytest.raises(error, match=message):
            plots.animate(**{**settings, **change})
    assert plt.get_fignums() == []
    assert list(tmp_path.iterdir()) == []
