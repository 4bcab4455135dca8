"""Where a model comes from, kept through training, files and new heads."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minnet
from minnet import Sequential
from minnet.files import provenance
from minnet.files.provenance import HASHED_ROWS, SCALINGS, data_hash
from minnet.layers import Dense

X = np.random.default_rng(0).random((60, 4))
Y = np.arange(60) % 3


def network() -> Sequential:
    model = Sequential([Dense(5, input_dim=4), Dense(3, activation="softmax")], seed=0, name="net")
    model.compile("adam", "cross_entropy", ["accuracy"])
    return model


def test_a_fit_is_remembered_with_its_data_settings_and_figures() -> None:
    model = network()
    model.freeze("dense_1")
    history = model.fit(X, Y, epochs=2, batch_size=16, learning_rate=0.1, verbose=0)
    (training,) = model.provenance["trainings"]
    assert training["epochs"] == 2
    assert training["samples"] == 60
    assert training["batch_size"] == 16
    assert training["optimizer"] == "Adam()"
    assert training["learning_rate"] == "0.1"
    assert training["frozen"] == ["dense_1"]
    assert training["figures"]["loss"] == history.history["loss"][-1]
    assert model.provenance["input_range"] == pytest.approx([X.min(), X.max()])


def test_fits_that_are_alike_are_one_training_and_others_are_not() -> None:
    model = network()
    model.fit(X, Y, epochs=2, verbose=0)
    model.fit(X, Y, epochs=3, verbose=0)
    assert [t["epochs"] for t in model.provenance["trainings"]] == [5]
    model.fit(X[:30], Y[:30], verbose=0)
    model.fit(X, Y, epochs=0, verbose=0)
    assert [t["epochs"] for t in model.provenance["trainings"]] == [5, 1]
    model.reset()
    assert model.provenance["trainings"] == []


def test_the_data_hash_is_of_what_it_says() -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4)
    text = b"(4, 3) float64 (4,) int64"
    assert data_hash(x, y) == hashlib.sha256(text + x.tobytes() + y.tobytes()).hexdigest()
    changed = x.copy()
    changed[2, 1] += 1e-9
    assert data_hash(changed, y) != data_hash(x, y)
    assert data_hash(np.asfortranarray(x), y) == data_hash(x, y)
    large = np.zeros((10 * HASHED_ROWS, 1))
    assert data_hash(large, large) != data_hash(large[:-1], large[:-1])


def test_it_goes_through_a_file_and_names_the_file_a_head_was_put_on(tmp_path: Path) -> None:
    model = network()
    model.class_names, model.preprocessing = ["a", "b", "c"], "divide by 10"
    model.fit(X, Y, verbose=0)
    path = tmp_path / "net.npz"
    model.save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = minnet.load(path)
    assert loaded.provenance["trainings"] == model.provenance["trainings"]
    assert loaded.provenance["parent"] == {"name": "net", "sha256": sha256}
    assert loaded.class_names == ["a", "b", "c"]
    new = loaded.replace_head(Dense(2, activation="softmax"), seed=0)
    assert new.provenance["trainings"] == []
    assert new.provenance["parent"] == {"name": "net", "sha256": sha256}
    assert new.provenance["input_range"] == model.provenance["input_range"]
    new.save(tmp_path / "new.npz")
    cards: list[str] = []
    new.card(cards.append)
    assert f"from the file  net, SHA-256 {sha256[:16]}…" in cards[0]


def test_the_card_says_it_all() -> None:
    model = network()
    text: list[Any] = []
    model.card(text.append)
    assert "not trained yet" in text[0]
    model.class_names, model.preprocessing = ["cat", "dog", "cow"], "grey, 2×2"
    model.freeze("dense_1")
    model.fit(X, Y, epochs=4, learning_rate={"dense_2": 0.1}, verbose=0)
    model.card(text.append)
    for said in (
        "Model 'net'",
        "cat, dog, cow",
        "grey, 2×2",
        "4 epochs of 60 samples",
        "batches of 32",
        "Adam()",
        "CrossEntropy()",
        "frozen: dense_1",
        "accuracy 0.",
        "{'dense_2': 0.1}",
    ):
        assert said in text[1], said


def test_the_shipped_models_card_names_its_data() -> None:
    text: list[str] = []
    minnet.load_pretrained("mnist-8x8").card(text.append)
    assert "60,000 samples" in text[0]
    assert "crop to the ink" in text[0]


# --- class names ----------------------------------------------------------------------------------


def test_labels_of_another_task_are_met_with_the_known_names() -> None:
    model = network()
    model.class_names = ["A", "B", "C"]
    message = (
        r"y contains 7, and this model knows 3 classes: A…C\. Fitting a new task\? Call replace"
    )
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(X, np.where(Y == 2, 7, Y))
    assert model.fit(X, Y, verbose=0).epoch == [0]


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a"], ValueError, "one name for each output, 3. Got 1"),
        (["a", "a", "b"], ValueError, "different texts"),
        ([0, 1, 2], TypeError, "Use str"),
        ("abc", TypeError, "a list of texts"),
        (5, TypeError, "a list of texts"),
    ],
)
def test_class_names_that_cannot_be(names: Any, error: type[Exception], message: str) -> None:
    model = network()
    with pytest.raises(error, match=message):
        model.class_names = names
    assert model.class_names is None


# --- scale ----------------------------------------------------------------------------------------


def test_inputs_on_another_scale_warn_once_with_both_ranges() -> None:
    model = network()
    model.fit(X, Y, verbose=0)
    with pytest.warns(
        UserWarning, match=r"x goes from .* to 25\d.*trained on inputs from .* to 0\.9"
    ):
        model.predict(255 * X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(255 * X)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_every_way_in_is_watched(method: str) -> None:
    model = network()
    model.fit(X, Y, verbose=0)
    arguments = (X / 255,) if method == "predict" else (X / 255, Y)
    with pytest.warns(UserWarning, match="as that data was prepared"):
        getattr(model, method)(*arguments)


def test_a_new_head_remembers_the_scale_of_the_old_inputs() -> None:
    base = network()
    base.fit(X, Y, verbose=0)
    model = base.replace_head(Dense(3, activation="softmax"), seed=0)
    model.compile("adam", "cross_entropy")
    with pytest.warns(UserWarning, match="trained on inputs from"):
        model.fit(16 * X, Y, verbose=0)


def test_a_few_dark_or_blank_rows_are_no_other_scale() -> None:
    model = network()
    model.fit(X, Y, verbose=0)
    model.predict(X[:3] / 100)
    model.predict(np.zeros((60, 4)))
    model.predict(2 * X)
    model.predict(X[:0])


def test_weights_from_a_file_bring_their_scale_along(tmp_path: Path) -> None:
    model = network()
    model.fit(X, Y, verbose=0)
    model.save_weights(tmp_path / "w.npz")
    fresh = network()
    fresh.load_weights(tmp_path / "w.npz")
    assert fresh.provenance["trainings"] == model.provenance["trainings"]
    assert fresh.provenance["parent"]["name"] == "net"
    with pytest.warns(UserWarning, match="trained on inputs from"):
        fresh.predict(255 * X)


# --- numbers from 0 to 1 that were scaled once more -----------------------------------------------

PIXELS = np.linspace(0, 1, 240).reshape(60, 4)


@pytest.mark.parametrize("formula", SCALINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fit_notices_images_from_0_to_1_that_are_scaled_again(formula: str, dtype: str) -> None:
    x = eval(formula, {"x": PIXELS.astype(dtype)})
    model = network()
    with pytest.warns(UserWarning, match=rf"as numbers from 0 to 1 do after {re.escape(formula)},"):
        model.fit(x, Y, verbose=0)
    model.fit(x, Y, verbose=0)  # it is said once


def test_evaluate_notices_it_before_any_training() -> None:
    with pytest.warns(UserWarning, match="from 0 to 1 already: leave that line out"):
        network().evaluate(PIXELS / 255, Y)


@pytest.mark.parametrize("x", [PIXELS, PIXELS - 0.5, 2 * PIXELS - 1, PIXELS / 250, PIXELS / 100])
def test_other_scales_are_no_such_sign(x: np.ndarray) -> None:
    network().fit(x, Y, verbose=0)


def test_real_pixels_are_scaled_once() -> None:
    network().fit((255 * PIXELS).astype(np.uint8) / 255.0, Y, verbose=0)


@pytest.mark.parametrize("said", [1, None, "true", [True]])
def test_a_file_says_whether_the_input_counts_by_true_or_false(said: Any) -> None:
    assert provenance.counts_input({}) is False
    assert provenance.counts_input({"counts_input": True}) is True
    with pytest.raises(ValueError, match="whether the Input counts is not true or false"):
        provenance.counts_input({"counts_input": said})
