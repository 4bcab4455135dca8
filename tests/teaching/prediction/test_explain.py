"""Why a model gave an answer: a sum that comes out, neighbours, and a change that turns it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet import Sequential, explain_prediction
from minnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    HardSigmoid,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    ReLU6,
    Rescaling,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from tests.strategies import seeds

STRAIGHT = [ReLU, LeakyReLU, ReLU6, HardSigmoid, Linear]
BENT = [Tanh, Sigmoid, SiLU, Softplus]


def draw(seed, activations=STRAIGHT):
    """A classifier with random biases and running statistics, and a sample."""
    rng = np.random.default_rng(seed)
    K = int(rng.integers(1, 5))
    layers = [Rescaling(0.5, offset=0.1)] if rng.random() < 0.3 else []
    for _ in range(rng.integers(0, 3)):
        layers.append(Dense(int(rng.integers(2, 7))))
        if rng.random() < 0.4:
            layers.append(BatchNormalization())
        layers.append(activations[rng.integers(len(activations))]())
        if rng.random() < 0.3:
            layers.append(Dropout(0.5))
    end = "sigmoid" if K == 1 else [None, "softmax"][rng.integers(2)]
    layers.append(Dense(K, activation=end))
    model = Sequential(layers, seed=seed)
    D = int(rng.integers(1, 6))
    model.build((D,))
    for name, array in model.named_arrays().items():
        array += (np.abs if "variance" in name else np.asarray)(
            rng.standard_normal(array.shape).astype("float32") * 0.5
        )
    return model, rng.standard_normal(D)


def logits(model, x):
    """The model's own scores before softmax or sigmoid, in its own precision."""
    ends = type(model.steps[-1]).__name__ in ("Softmax", "Sigmoid")
    scores = model.run(np.atleast_2d(x), 0, len(model.steps) - ends)[0].astype(float)
    return np.array([0.0, scores[0]]) if len(scores) == 1 else scores


@settings(max_examples=25)
@given(seed=seeds, bent=st.booleans())
def test_contributions_and_constants_come_to_the_difference_of_the_scores(seed, bent):
    model, x = draw(seed, BENT if bent else STRAIGHT)
    why = explain_prediction(model, x)
    scores = logits(model, x)
    assert scores[why.top] == scores.max()
    difference = scores[why.top] - scores[why.second]
    total = why.contributions.sum() + sum(why.constants.values())
    assert total == pytest.approx(difference, abs=1e-5 * max(1.0, np.abs(scores).max()))
    assert why.difference == pytest.approx(total, abs=1e-9 * max(1.0, np.abs(scores).max()))
    named = [step.label for step in model.steps[:-1] if type(step) in BENT]
    assert why.bent == named
    assert why.exact == (not named)


@settings(max_examples=25)
@given(seed=seeds)
def test_near_the_sample_the_sum_is_the_model(seed):
    """With the slopes at x, at another point of the same straight piece: no derivative is used."""
    model, x = draw(seed)
    why = explain_prediction(model, x)
    wide = model.in_dtype("float64")
    near = x + np.random.default_rng(seed).standard_normal(x.shape) * 1e-7
    scores = logits(wide, near)
    sum_there = (why.slopes * near).sum() + sum(why.constants.values())
    assert sum_there == pytest.approx(scores[why.top] - scores[why.second], abs=1e-10)


@settings(max_examples=25)
@given(seed=seeds)
def test_what_the_units_of_a_step_contribute_comes_to_the_difference_too(seed):
    model, x = draw(seed)
    why = explain_prediction(model, x)
    assert why.units[-1][1].sum() == pytest.approx(why.difference, abs=1e-9)
    names = [name for name, _ in why.units]
    for i, (_, units) in enumerate(why.units):
        above = sum(why.constants.get(name, 0.0) for name in set(names[i + 1 :]))
        assert units.sum() + above == pytest.approx(why.difference, abs=1e-6)


def test_of_a_linear_model_the_change_is_the_distance_to_the_nearest_boundary():
    rng = np.random.default_rng(0)
    for seed in range(30):
        model = Sequential([Dense(4, activation="softmax", input_dim=3)], seed=seed)
        x = rng.standard_normal(3)
        why = explain_prediction(model, x)
        W, b = model.get_weights()
        z = x @ W + b
        gaps = z[why.top] - z
        lengths = np.linalg.norm(W[:, [why.top]] - W, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            nearest = np.nanmin(np.where(lengths > 0, gaps / lengths, np.nan))
        assert why.length == pytest.approx(nearest, rel=1e-3, abs=1e-6)


def test_of_a_network_in_the_plane_the_change_is_as_short_as_a_search_around_finds():
    for seed in range(10):
        model = Sequential([Dense(8, "relu", input_dim=2), Dense(3, "softmax")], seed=seed)
        x = np.random.default_rng(seed).standard_normal(2)
        why = explain_prediction(model, x)
        angles = np.linspace(0, 2 * np.pi, 721)
        around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        radii = np.linspace(0, 1, 400)[1:, None, None] * why.length * 0.97
        answers = model.predict((x + radii * around).reshape(-1, 2)).argmax(axis=1)
        assert (answers == why.top).all(), seed


@settings(max_examples=40)
@given(seed=seeds)
def test_the_change_turns_what_the_model_predicts(seed):
    model, x = draw(seed)
    why = explain_prediction(model, x)
    prediction = model.predict(x[None])[0]
    if why.change is None:
        far = np.random.default_rng(1).standard_normal((2000, *x.shape)) * 100
        assert len({answer(row) for row in model.predict(far)}) == 1, "there is one"
        return
    changed = model.predict((x + why.change)[None])[0]
    assert answer(prediction) == why.top
    assert answer(changed) == why.turned_to != why.top


def answer(row):
    return int(row[0] > 0.5) if len(row) == 1 else int(row.argmax())


@pytest.mark.slow
def test_on_a_hundred_digits_the_sum_comes_out_and_the_change_turns_the_answer():
    model = minnet.load_pretrained("mnist-8x8")
    x, y, x_test, _ = minnet.datasets.digits()
    for sample in x_test[:100]:
        why = explain_prediction(model, sample, x, y)
        scores = logits(model, sample)
        total = why.contributions.sum() + sum(why.constants.values())
        assert total == pytest.approx(scores[why.top] - scores[why.second], abs=1e-5)
        assert why.exact
        assert answer(model.predict((sample + why.change)[None])[0]) == why.turned_to != why.top


def test_the_nearest_rows_are_the_nearest():
    rng = np.random.default_rng(0)
    model, x = draw(3)
    rows = rng.standard_normal((40, *x.shape))
    labels = rng.integers(0, max(model.output_shape[0], 2), 40)
    why = explain_prediction(model, x, rows, labels, neighbours=4)
    distances = np.sqrt(((rows - x) ** 2).sum(axis=1))
    assert [n.row for n in why.near] == list(np.argsort(distances)[:4])
    assert [n.distance for n in why.near] == pytest.approx(sorted(distances)[:4])
    assert [n.label for n in why.near] == list(labels[[n.row for n in why.near]])
    inside = np.linalg.norm(model.features(rows) - model.features(x[None]), axis=1)
    assert [n.distance for n in why.alike] == pytest.approx(sorted(inside)[:4], rel=1e-5)
    assert [n.label for n in explain_prediction(model, x, rows).near] == [None] * 3
    assert len(explain_prediction(model, x, rows[:2]).near) == 2


def test_the_report_tells_all_three_and_where_each_misleads():
    model, x = draw(3)
    rows = np.random.default_rng(0).standard_normal((9, *x.shape))
    text = str(explain_prediction(model, x, rows, np.zeros(9, int)))
    assert text.count("Where this misleads:") == 3
    assert "What speaks for" in text
    assert "The nearest training rows" in text
    assert "The smallest change found that turns the answer to" in text
    assert "exactly, until a unit switches on" in " ".join(text.split())
    page = explain_prediction(model, x, rows)._repr_html_()
    assert page.count("<table>") == 3
    assert str(explain_prediction(model, x)).count("Where this misleads:") == 2
    assert "against" in repr(explain_prediction(model, x))


class Squared(Layer):
    """A layer that nobody knows: y = x²."""

    def forward(self, x, memo=None):
        return x**2

    def backward(self, x, y, dy, memo=None):
        return dy * 2 * x


class OwnReLU(ReLU):
    """A student's, which computes something else."""

    def forward(self, x, memo=None):
        return np.maximum(x, 0) * x

    def backward(self, x, y, dy, memo=None):
        return dy * 2 * np.maximum(x, 0)


@pytest.mark.parametrize("layer", [Squared(), OwnReLU(), Tanh()], ids=["own", "below ReLU", "tanh"])
def test_layers_that_cannot_be_taken_apart_exactly_are_named(layer):
    model = Sequential([Dense(4, input_dim=3), layer, Dense(3, activation="softmax")], seed=0)
    why = explain_prediction(model, [0.5, -1.0, 2.0])
    assert why.bent == [model.layers[1].label]
    assert f"Not exact: {model.layers[1].label} cannot be taken apart" in str(why)
    assert f"bend of {model.layers[1].label}" in str(why)


def test_a_model_that_has_one_answer_to_everything_is_said_to_be_so():
    model = Sequential([Dense(2, activation="softmax", input_dim=2)], seed=0)
    model.set_weights([np.zeros((2, 2)), [1.0, 0.0]])
    why = explain_prediction(model, [1.0, 2.0])
    assert why.change is None
    assert why.turned_to is None
    assert why.length == np.inf
    assert "No change was found that turns the answer" in str(why)


def test_the_model_and_the_sample_stay_as_they_are():
    model, x = draw(5)
    before, sample = model.theta.copy(), x.copy()
    explain_prediction(model, x)
    assert np.array_equal(model.theta, before)
    assert np.array_equal(x, sample)


def test_samples_of_several_axes_are_listed_by_their_index():
    model = Sequential([Flatten(input_shape=(3, 4)), Dense(2, activation="softmax")], seed=0)
    why = explain_prediction(model, np.ones((1, 3, 4)))
    assert why.contributions.shape == (3, 4)
    assert "x[2, " in str(why)


def classifier(units=3, activation="softmax"):
    return Sequential([Dense(units, activation=activation, input_dim=2)], seed=0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, [1.0]), TypeError, r"explain_prediction takes a model\. Got 3\."),
        ((Sequential([Dense(2)]), [1.0]), RuntimeError, r"not built|build"),
        ((classifier(1, None), [1.0, 2.0]), ValueError, r"chooses among classes\. Got one whose"),
        ((classifier(3, "sigmoid"), [1.0, 2.0]), ValueError, r"chooses among classes"),
        ((classifier(), [1.0]), ValueError, r"explain_prediction's x takes"),
        ((classifier(), [1.0, np.nan]), ValueError, r"explain_prediction's x takes"),
        ((classifier(), np.ones((2, 2))), ValueError, r"takes one sample\. Got x with 2 rows"),
        ((classifier(), [1.0, 2.0], np.ones((4, 3))), ValueError, r"explain_prediction's x_train"),
        ((classifier(), [1.0, 2.0], None, [1]), ValueError, r"Got y_train alone"),
        ((classifier(), [1.0, 2.0], np.ones((4, 2)), [1]), ValueError, r"one row for each sample"),
        ((classifier(), [1.0, 2.0], np.ones((1, 2)), [7]), ValueError, r"labels 0 to 2"),
    ],
)
def test_what_it_cannot_take_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        explain_prediction(*arguments)
