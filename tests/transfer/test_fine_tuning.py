"""Fine-tuning in two stages, and gradual unfreezing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minnet
from minnet import Sequential
from minnet.callbacks import GradualUnfreezing, LambdaCallback
from minnet.layers import Dense, Dropout
from minnet.transfer import fine_tune
from minnet.transfer.fine_tuning import layer_rates

X = np.random.default_rng(0).standard_normal((20, 4))
Y = np.arange(20) % 3


def network() -> Sequential:
    """Three Dense layers and dropout, compiled."""
    model = Sequential(
        [
            Dense(6, activation="tanh", input_dim=4, name="low"),
            Dropout(0.1),
            Dense(5, activation="tanh", name="middle"),
            Dense(3, activation="softmax", name="head"),
        ],
        seed=0,
    )
    model.compile("adam", "cross_entropy", ["accuracy"])
    return model


def test_rates_fall_by_the_same_factor_from_layer_to_layer() -> None:
    rates = layer_rates(network().layers, 0.1, 100)
    assert list(rates) == ["low", "middle", "head"]
    assert list(rates.values()) == pytest.approx([0.001, 0.01, 0.1])
    assert layer_rates([Dense(3, name="only")], 0.1, 100) == {"only": 0.1}


def test_the_first_stage_is_the_heads_alone_and_the_second_everyones() -> None:
    model = network()
    seen: list[tuple[bool, ...]] = []
    watch = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(tuple(a.trainable for a in model.layers))
    )
    history = fine_tune(model, X, Y, head_epochs=2, epochs=3, verbose=0, callbacks=[watch])
    assert seen == [(False, False, False, True)] * 2 + [(True,) * 4] * 3
    assert history.epoch == [0, 1, 2, 3, 4]
    assert len(history.history["accuracy"]) == 5
    assert model.trainable


def test_the_history_and_its_receipt_are_of_both_stages() -> None:
    model = network()
    before = model.get_layer("low").get_weights()
    history = fine_tune(model, X, Y, head_epochs=1, epochs=1, verbose=0)
    assert model.history is history
    assert history.receipt is not None
    moved = {row.layer: row.change for row in history.receipt.layers}
    after = model.get_layer("low").get_weights()
    gap = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(after, before, strict=True)))
    assert moved["low"] == pytest.approx(gap / np.sqrt(sum((b**2).sum() for b in before)), rel=1e-4)


def test_it_is_the_two_fits_it_says_it_is() -> None:
    model, twin = network(), network()
    fine_tune(model, X, Y, head_epochs=3, epochs=2, learning_rate=0.02, spread=4, verbose=0)
    twin.freeze(["low", "middle", "dropout_1"])
    twin.fit(X, Y, epochs=3, learning_rate=0.02, verbose=0)
    twin.unfreeze()
    rates = {"head": 0.002, "middle": 0.001, "low": 0.0005}
    twin.fit(X, Y, epochs=2, learning_rate=rates, verbose=0)
    np.testing.assert_allclose(model.theta, twin.theta, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"head_epochs": -1}, ValueError, "fine_tune's head_epochs"),
        ({"epochs": 1.5}, TypeError, "fine_tune's epochs"),
        ({"learning_rate": 0.0}, ValueError, "fine_tune's learning_rate"),
        ({"spread": 0.5}, ValueError, "fine_tune's spread"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"colour": 1}, TypeError, "colour"),
    ],
)
def test_what_is_refused_changes_nothing(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = network()
    model.freeze("low")
    before = model.theta.copy()
    with pytest.raises(error, match=message):
        fine_tune(model, X, Y, verbose=0, **settings)
    np.testing.assert_array_equal(model.theta, before)
    assert [layer.trainable for layer in model.layers] == [False, True, True, True]


def test_it_is_about_as_good_as_the_best_way_on_real_digits() -> None:
    x, y, x_test, y_test = minnet.datasets.digits(per_class=5, seed=0)
    base = minnet.load_pretrained("mnist-8x8")
    model = base.replace_head(Dense(10, activation="softmax"), seed=0)
    model.compile("adam", "cross_entropy", ["accuracy"])
    fine_tune(model, x, y, verbose=0)
    assert model.evaluate(x_test, y_test)["accuracy"] > 0.93


# --- gradual unfreezing ---------------------------------------------------------------------------


def flags(callback: GradualUnfreezing, epochs: int = 5) -> list[str]:
    """What is trainable in each epoch, by first letters."""
    model = network()
    model.freeze("all_but_head")
    seen = []
    watch = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            "".join(layer.label[0] for layer in model.layers if layer.trainable)
        )
    )
    model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[callback, watch])
    return seen


def test_layers_thaw_one_by_one_from_the_top() -> None:
    assert flags(GradualUnfreezing()) == ["h", "mh", "ldmh", "ldmh", "ldmh"]
    assert flags(GradualUnfreezing(every=2)) == ["h", "h", "mh", "mh", "ldmh"]


def test_layers_below_the_lowest_stay_frozen() -> None:
    assert flags(GradualUnfreezing(lowest="middle")) == ["h", "mh", "mh", "mh", "mh"]


def test_gradual_unfreezing_refuses() -> None:
    with pytest.raises(ValueError, match="GradualUnfreezing's every"):
        GradualUnfreezing(every=0)
    with pytest.raises(TypeError, match="GradualUnfreezing's lowest"):
        GradualUnfreezing(lowest=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='No layer matches "none"'):
        flags(GradualUnfreezing(lowest="none"))


def test_a_model_without_weights_is_refused_in_words() -> None:
    model = Sequential([Dense(3, activation="tanh"), Dense(2, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy")
    with pytest.raises(RuntimeError, match="not built"):
        fine_tune(model, X, Y % 2)
    assert not model.built
