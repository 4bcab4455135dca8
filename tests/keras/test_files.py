"""Files under Keras' names, which hold minnet's format, and those that Keras itself wrote."""

from __future__ import annotations

import warnings
import zipfile

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import files, layers, models

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")


def model(head: int = 2) -> keras.Sequential:
    made = keras.Sequential(
        [
            layers.Dense(4, activation="relu", input_shape=(3,)),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(head, activation="softmax", name="head"),
        ],
        seed=0,
    )
    made.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["acc"])
    made.fit(X, np.arange(20) % head, verbose=0)
    return made


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.hdf5", "模型.keras", "m.npz"])
def test_a_model_comes_back_as_it_was(name: str, tmp_path) -> None:
    saved = model()
    saved.save(tmp_path / name)
    loaded = models.load_model(tmp_path / name)
    assert isinstance(loaded, keras.Sequential)
    np.testing.assert_array_equal(loaded.predict(X), saved.predict(X))
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in saved.layers]
    assert loaded.optimizer.epsilon_beside == "v"
    assert type(loaded.optimizer) is keras.optimizers.Adam
    saved.fit(X, np.arange(20) % 2, seed=1, verbose=0)
    loaded.fit(X, np.arange(20) % 2, seed=1, verbose=0)
    np.testing.assert_array_equal(loaded.theta, saved.theta)


def test_the_core_reads_a_file_of_the_door_without_it(tmp_path) -> None:
    saved = model()
    saved.save(tmp_path / "m.keras")
    loaded = minnet.load(tmp_path / "m.keras")
    assert type(loaded) is minnet.Sequential
    assert type(loaded.layers[0]) is minnet.layers.Dense
    np.testing.assert_array_equal(loaded.predict(X), saved.predict(X))


def test_one_warning_tells_whose_format_it_is(tmp_path) -> None:
    files._warned.clear()
    with pytest.warns(UserWarning, match=r"m\.keras holds minnet's own format under that name"):
        model().save(tmp_path / "m.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model().save(tmp_path / "n.keras")


def test_a_model_that_is_loaded_uncompiled_is_not_compiled(tmp_path) -> None:
    model().save(tmp_path / "m.npz")
    assert not models.load_model(tmp_path / "m.npz", compile=False).is_compiled


def test_files_that_keras_wrote_are_refused_by_name(tmp_path) -> None:
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with zipfile.ZipFile(tmp_path / "new.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    for name in ("old.h5", "new.keras"):
        with pytest.raises(minnet.ModelFileError, match=rf"Got .*{name}, which Keras wrote"):
            models.load_model(tmp_path / name)
        with pytest.raises(minnet.ModelFileError, match="which Keras wrote"):
            model().load_weights(tmp_path / name)


def test_weights_are_loaded_by_name_and_what_does_not_fit_is_left(tmp_path) -> None:
    model(2).save_weights(tmp_path / "w.weights.h5")
    other = model(5)
    head = other.get_layer("head").get_weights()
    with pytest.raises(minnet.ModelFileError):
        other.load_weights(tmp_path / "w.weights.h5")
    with pytest.raises(minnet.ModelFileError, match="skip_mismatch=True"):
        other.load_weights(tmp_path / "w.weights.h5", by_name=True)
    with pytest.warns(UserWarning, match="left head"):
        other.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    np.testing.assert_array_equal(other.get_layer("head").get_weights()[0], head[0])
    np.testing.assert_array_equal(other.layers[0].W, model(2).layers[0].W)


def test_a_model_is_described_by_json_and_cloned_with_fresh_weights() -> None:
    made = model()
    again = models.model_from_json(made.to_json())
    assert [layer.name for layer in again.layers] == [layer.name for layer in made.layers]
    again.set_weights(made.get_weights())
    np.testing.assert_array_equal(again.predict(X), made.predict(X))
    clone = models.clone_model(made)
    assert not np.array_equal(clone.layers[0].W, made.layers[0].W)
    with pytest.raises(ValueError, match="model_from_json takes what to_json"):
        models.model_from_json("{}")
