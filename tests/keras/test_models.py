"""`Sequential` behind the door: Keras' words and conventions on minnet's engine."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import layers


def data(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.integers(2, size=n)


def small() -> keras.Sequential:
    model = keras.Sequential(
        [
            layers.Dense(4, activation="relu", input_shape=(3,)),
            layers.Dense(2, activation="softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_model_is_minnets_own() -> None:
    x, y = data()
    model = small()
    assert isinstance(model, minnet.Sequential)
    model.fit(x, y, epochs=1, verbose=0)
    assert "dense_1" in str(minnet.explain_step(model, x[:4], y[:4]))


def test_evaluate_gives_a_list_a_number_or_a_dict() -> None:
    x, y = data()
    model = small()
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert isinstance(model.evaluate(x, y), list)
    named = model.evaluate(x, y, return_dict=True)
    assert named == {"loss": loss, "accuracy": accuracy}
    model.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(x, y), float)


def test_a_name_that_is_missing_stops_where_it_is_used() -> None:
    from minnet.keras.layers import LSTM

    with pytest.raises(NotImplementedError, match=r"no layers\.LSTM.*no recurrence"):
        LSTM(8)
