"""The learning-rate finder: on a copy, with a suggestion that trains."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet import Sequential, find_learning_rate
from minnet.layers import BatchNormalization, Dense, Dropout

X, Y, _, _ = minnet.datasets.digits(per_class=20, seed=0)


def network() -> Sequential:
    model = Sequential([Dense(32, activation="relu"), Dense(10, activation="softmax")], seed=0)
    model.build(64)
    model.compile("sgd", "cross_entropy", ["accuracy"])
    return model


def test_the_model_stays_as_it_is() -> None:
    model = network()
    model.fit(X, Y, verbose=0)
    assert model.updates is not None
    theta, count = model.theta.copy(), model.updates.iterations
    state = model.rng.bit_generator.state
    find_learning_rate(model, X, Y)
    np.testing.assert_array_equal(model.theta, theta)
    assert model.updates.iterations == count
    assert model.rng.bit_generator.state == state
    assert model.layers[0].trainable


@pytest.mark.parametrize("seed", [0, None])
def test_a_fit_afterwards_has_the_bits_of_one_without_it(seed) -> None:
    """With dropout, which draws, and batch normalisation, which keeps statistics."""

    def trained(find: bool) -> Sequential:
        layers = [Dense(16, activation="relu", input_dim=64), BatchNormalization(), Dropout(0.2)]
        model = Sequential([*layers, Dense(10, activation="softmax")], seed=0)
        model.compile("adam", "cross_entropy")
        model.fit(X, Y, verbose=0)
        for _ in range(2 * find):
            find_learning_rate(model, X, Y, seed=seed)
        model.fit(X, Y, verbose=0)
        return model

    with_it, without = trained(True), trained(False)
    np.testing.assert_array_equal(with_it.theta, without.theta)
    np.testing.assert_array_equal(with_it.state, without.state)
    assert with_it.optimizer.learning_rate == without.optimizer.learning_rate
    assert with_it.history.history == without.history.history


def test_the_suggestion_trains_and_a_hundredth_of_it_hardly_does() -> None:
    found = find_learning_rate(network(), X, Y)
    losses = []
    for rate in (found.suggestion, found.suggestion / 100):
        model = network()
        losses.append(model.fit(X, Y, epochs=10, learning_rate=rate, verbose=0).history["loss"][-1])
    assert losses[0] < 0.7 * losses[1]


def test_rates_rise_by_one_factor_and_the_run_ends_when_it_explodes() -> None:
    found = find_learning_rate(network(), X, Y, smallest=1e-3, largest=1e4, steps=50)
    factors = np.diff(np.log(found.rates))
    np.testing.assert_allclose(factors, factors[0])
    assert found.rates[0] == 1e-3
    assert len(found.rates) < 50
    assert len(found.rates) == len(found.losses)
    assert found.suggestion == pytest.approx(found.rates[int(np.argmin(found.losses))] / 10)


def test_the_seed_decides() -> None:
    a, b = (find_learning_rate(network(), X, Y, seed=3) for _ in range(2))
    assert a == b


def test_it_prints_and_draws() -> None:
    found = find_learning_rate(network(), X[:8], Y[:8])  # fewer samples than a batch
    assert f"Suggestion: {found.suggestion:.1e}" in str(found)
    ax = found.plot()
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "learning rate"


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a compiled model"):
        find_learning_rate("model", X, Y)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="not compiled"):
        find_learning_rate(Sequential([Dense(1, input_dim=64)]), X, Y)
    with pytest.raises(ValueError, match="largest"):
        find_learning_rate(network(), X, Y, smallest=1.0, largest=0.1)
    model = network()
    model.trainable = False
    with pytest.raises(ValueError, match="Every layer is frozen"):
        find_learning_rate(model, X, Y)
    model = network()
    model.theta = np.full(model.theta.size, 1e38)
    with pytest.raises(ValueError, match="loss is finite"):
        find_learning_rate(model, X, Y)
