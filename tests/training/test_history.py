"""What a fit recorded."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from minnet.layers import Dense
from minnet.models import Sequential
from minnet.training.history import History


def fitted(**options):
    """A model after a fit, and the History of it."""
    rng = np.random.default_rng(0)
    model = Sequential([Dense(2, activation="softmax", input_dim=3)], seed=0)
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    x, y = rng.random((20, 3)), rng.integers(2, size=20)
    return model, model.fit(x, y, batch_size=8, verbose=0, **options)


def test_history_is_a_dict_of_lists_of_floats():
    _, history = fitted(epochs=3, validation_split=0.25)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    for values in history.history.values():
        assert [type(value) for value in values] == [float] * 3
    assert history.epoch == [0, 1, 2]
    assert history.params == {"epochs": 3, "steps": 2, "samples": 15, "batch_size": 8}


def test_the_model_keeps_the_history_of_its_last_fit():
    model, first = fitted()
    assert model.history is first
    second = model.fit(np.ones((2, 3)), [0, 1], verbose=0)
    assert model.history is second
    assert len(second.epoch) == len(first.epoch) == 1


def test_add_appends_one_number_to_each_list():
    history = History()
    history.add(0, {"loss": 2.0})
    history.add(1, {"loss": 1.0, "accuracy": 0.5})
    assert history.history == {"loss": [2.0, 1.0], "accuracy": [0.5]}


def test_repr_says_how_many_epochs_and_the_last_figures():
    history = History(epochs=5)
    assert repr(history) == "<History of 0 epochs>"
    history.add(0, {"loss": 3.0, "accuracy": 0.1})
    history.add(1, {"loss": 2.0, "accuracy": 0.12345})
    assert repr(history) == "<History of 2 epochs: loss 2, accuracy 0.1235>"


def test_plot_draws_each_curve_and_returns_the_axes():
    _, history = fitted(epochs=3, validation_split=0.25)
    ax = history.plot()
    assert isinstance(ax, Axes)
    curves = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert list(curves["loss"]) == history.history["loss"]
    assert list(curves["loss (validation)"]) == history.history["val_loss"]


def test_plot_takes_axes_to_draw_on():
    _, history = fitted(epochs=2)
    ax = history.plot()
    assert history.plot(ax=ax) is ax
    assert len(ax.get_lines()) == 2
