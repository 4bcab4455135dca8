"""Nielsen's networks: the translation of his costs, and his networks on a little data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet.course.reproductions import REPRODUCTIONS, nielsen
from minnet.course.reproductions.nielsen import NielsenRecipe
from minnet.datasets import one_hot

Arrays = list[np.ndarray]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def by_the_book(Ws: Arrays, bs: Arrays, x, y, cost: str):
    """The cost of a batch and its gradients as the book has them, sample by sample.

    Quadratic: C_x = ½ ‖a − y‖², δ = (a − y) σ'(z). Cross-entropy: C_x = −Σ_j [y ln a +
    (1 − y) ln(1 − a)], δ = a − y. Both are averaged over the batch. W is (inputs, units) here.
    """
    total, dWs, dbs = 0.0, [np.zeros_like(W) for W in Ws], [np.zeros_like(b) for b in bs]
    for a, target in zip(x, y, strict=True):
        activations = [a]
        for W, b in zip(Ws, bs, strict=True):
            activations.append(sigmoid(activations[-1] @ W + b))
        out = activations[-1]
        if cost == "quadratic":
            total += 0.5 * np.sum((out - target) ** 2)
            delta = (out - target) * out * (1.0 - out)
        else:
            total -= np.sum(target * np.log(out) + (1.0 - target) * np.log(1.0 - out))
            delta = out - target
        for i in reversed(range(len(Ws))):
            dWs[i] += np.outer(activations[i], delta) / len(x)
            dbs[i] += delta / len(x)
            delta = (Ws[i] @ delta) * activations[i] * (1.0 - activations[i])
    return total / len(x), dWs, dbs


@settings(max_examples=30)
@given(
    cost=st.sampled_from(["quadratic", "cross-entropy"]),
    hidden=st.lists(st.integers(1, 4), max_size=3),
    outputs=st.integers(2, 5),
    batch=st.integers(1, 4),
    lmbda=st.sampled_from([0.0, 0.5, 5.0]),
    rate=st.sampled_from([0.1, 0.5, 3.0]),
    scaled=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_a_step_is_the_books(cost, hidden, outputs, batch, lmbda, rate, scaled, seed):
    n, inputs = 50, 3
    recipe = NielsenRecipe((inputs, *hidden, outputs), cost, rate, lmbda, scaled)
    model = nielsen.network(recipe, n, seed)
    rng = np.random.default_rng(seed)
    x, y = rng.random((batch, inputs)), one_hot(rng.integers(outputs, size=batch), outputs)
    model.build((inputs,))
    Ws, bs = ([w.astype(np.float64) for w in model.get_weights()[kind::2]] for kind in (0, 1))
    total, dWs, dbs = by_the_book(Ws, bs, x, y, cost)
    scale = outputs / 2 if cost == "quadratic" else outputs
    penalty = lmbda / (2 * n) * sum(np.sum(W**2) for W in Ws)
    loss = model.train_on_batch(x.astype(np.float32), y)
    assert scale * loss == pytest.approx(total + penalty, rel=1e-4)
    # w ← (1 − η λ/n) w − η ∂C/∂w and b ← b − η ∂C/∂b
    for W, dW, after in zip(Ws, dWs, model.get_weights()[0::2], strict=True):
        wanted = (1.0 - rate * lmbda / n) * W - rate * dW
        np.testing.assert_allclose(after, wanted, rtol=1e-4, atol=1e-5)
    for b, db, after in zip(bs, dbs, model.get_weights()[1::2], strict=True):
        np.testing.assert_allclose(after, b - rate * db, rtol=1e-4, atol=1e-5)


def test_weights_start_as_the_book_says():
    for scaled, stddev in ((False, 1.0), (True, 1.0 / 28.0)):
        recipe = NielsenRecipe((784, 30, 10), "cross-entropy", 0.5, scaled=scaled)
        model = nielsen.network(recipe, 50_000, 0)
        W, b = model.get_weights()[:2]
        assert W.std() == pytest.approx(stddev, rel=0.02)
        assert 0.5 < b.std() < 1.5


def test_he_trains_on_50_000_and_validates_on_the_rest(monkeypatch):
    """On 60 rows: the first 50, and the last 10 or the test rows."""
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 784), np.float32), np.arange(60) % 10
    seen = []
    fit = minnet.Sequential.fit

    def watched(self, x, y, **settings):
        seen.append((x, settings["batch_size"], settings["epochs"]))
        return fit(self, x, y, **settings)

    looked = []

    def accuracy(model, x, y):
        looked.append((x, y))
        return 0.0

    monkeypatch.setattr(minnet.Sequential, "fit", watched)
    monkeypatch.setattr(nielsen, "accuracy", accuracy)
    data = (x, y, x[:7], y[:7])
    for validation in (False, True):
        nielsen.train(nielsen.QUADRATIC, data, 0, str, validation=validation, epochs=1)
    assert nielsen.TRAINING == 50_000
    for rows, batch, epochs in seen:
        np.testing.assert_array_equal(rows, x[:50])
        assert (batch, epochs) == (10, 1)
    np.testing.assert_array_equal(looked[0][0], x[:7])
    np.testing.assert_array_equal(looked[1][0], x[50:])
    np.testing.assert_array_equal(looked[1][1], y[50:])


def easy(rows: int = 600):
    """Images with one bright column of pixels for each class, as easy as can be."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=rows)
    x = 0.1 * rng.random((rows, 784)).astype(np.float32)
    x[np.arange(rows)[:, None], 78 * y[:, None] + np.arange(40)] += 0.8
    return x, y, x[:200], y[:200]


def test_a_dead_output_is_named(monkeypatch):
    whole = nielsen.network

    def sick(recipe, n, seed):
        model = whole(recipe, n, seed)
        model.build((784,))
        model.layers[-1].b[5] = -60.0  # its sigmoid is flat here, and stays so
        return model

    monkeypatch.setattr(nielsen, "network", sick)
    said = []
    run = REPRODUCTIONS["nielsen-quadratic"].run(0, easy(), said.append)
    assert len(run.remarks) == 1
    assert "class 5 is never predicted" in run.remarks[0]
    assert run.remarks[0].startswith(f"784-30-10 ends at {run.values[nielsen.LAST]:.1f} %")
    assert said[-1].startswith("784-30-10, epoch 30 of 30: ")


def test_a_healthy_run_has_no_remarks():
    recipe = NielsenRecipe((784, 30, 10), "cross-entropy", 0.1, lmbda=5.0, scaled=True)
    record = nielsen.train(recipe, easy(), 0, str, epochs=10)
    assert record.accuracies[-1] == 100.0
    assert nielsen.remarks_on("784-30-10", record) == []


def test_more_than_one_dead_class():
    record = nielsen.TrainingRecord([76.2], [2, 5])
    assert nielsen.remarks_on("784-30-10", record) == [
        "784-30-10 ends at 76.2 %, classes 2 and 5 are never predicted: their outputs have died"
    ]


@pytest.mark.parametrize("name", [name for name in REPRODUCTIONS if name.startswith("nielsen")])
def test_every_figure_gets_a_value(name, monkeypatch):
    monkeypatch.setattr(
        nielsen, "train", lambda *_, **settings: nielsen.TrainingRecord([50.0, 60.0, 55.0], [3])
    )
    reproduction = REPRODUCTIONS[name]
    run = reproduction.run(0, easy(20), str)
    assert list(run.values) == [figure.name for figure in reproduction.figures]


def test_no_data_is_told():
    with pytest.raises(ValueError, match=r"take MNIST. Got None. Pass minnet.datasets.mnist\(\)"):
        REPRODUCTIONS["nielsen-depth"].run(0, None, str)


def test_on_a_slice_of_mnist(little_mnist):
    for cost, rate in (("quadratic", 3.0), ("cross-entropy", 0.5)):
        recipe = NielsenRecipe((784, 30, 10), cost, rate, scaled=True)
        record = nielsen.train(recipe, little_mnist, 0, str, epochs=3)
        assert record.accuracies[-1] > 82.0
        assert record.dead == []
    deep = nielsen.train(nielsen.DEPTHS[4], little_mnist, 0, str, epochs=1)
    assert deep.accuracies[0] < 30.0  # the vanishing gradient
