"""Files under Keras' names, which hold minnet's format, and those that Keras itself wrote."""

from __future__ import annotations

import json
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet import keras
from minnet.keras import files, layers, models

RECORDED = Path(__file__).parent / "recorded"
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


def same_as_recorded() -> keras.Sequential:
    """The model whose files and predictions were recorded with Keras 3.15."""
    return keras.Sequential(
        [
            layers.Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, "gelu", name="code"),
            layers.Dropout(0.2),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_a_file_that_keras_wrote_is_loaded_and_compiled_as_it_was() -> None:
    recorded = np.load(RECORDED / "small.npz")
    loaded = models.load_model(RECORDED / "small.keras")
    assert type(loaded) is keras.Sequential
    np.testing.assert_allclose(loaded.predict(recorded["x"]), recorded["y"], atol=1e-6)
    assert [type(layer) for layer in loaded.layers[:2]] == [
        layers.Conv2D,
        layers.BatchNormalization,
    ]
    assert loaded.get_layer("code").activation.approximate is False
    assert loaded.layers[0].origin == "small.keras"
    optimizer = loaded.optimizer
    assert type(optimizer) is keras.optimizers.Adam
    assert (optimizer.learning_rate, optimizer.beta_1) == (0.003, 0.8)
    assert isinstance(loaded.loss, keras.losses.SparseCategoricalCrossentropy)
    assert loaded.metrics_names == ["loss", "accuracy", "top2"]
    loaded.fit(recorded["x"], np.arange(8) % 2, verbose=0)
    assert not models.load_model(RECORDED / "small.keras", compile=False).is_compiled


@pytest.mark.parametrize("name", ["small.keras", "small.weights.h5"])
def test_weights_that_keras_wrote_are_loaded_by_their_order(name: str) -> None:
    recorded = np.load(RECORDED / "small.npz")
    made = same_as_recorded()
    made.load_weights(RECORDED / name)
    np.testing.assert_allclose(made.predict(recorded["x"]), recorded["y"], atol=1e-6)


def test_a_model_within_a_model_takes_its_weights_from_one_without(tmp_path) -> None:
    whole = same_as_recorded()
    inner = keras.Sequential([keras.Input((6, 6, 1)), *whole.layers[:4]])
    outer = keras.Sequential([inner, *same_as_recorded().layers[4:]])
    before = outer.get_weights()
    with pytest.raises(minnet.ModelFileError, match="a model with the same layers"):
        outer.load_weights(RECORDED / "small.weights.h5")  # it has no group for the inner model
    for old, new in zip(before, outer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_how_keras_trained_is_said_where_minnet_cannot(tmp_path) -> None:
    with zipfile.ZipFile(RECORDED / "small.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = members["config.json"].replace(b'"class_name": "Adam"', b'"class_name": "Lion"')
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, data in {**members, "config.json": config}.items():
            archive.writestr(name, data)
    with pytest.warns(UserWarning, match=r"not compiled as it was in Keras: .*Lion.* Compile it"):
        loaded = models.load_model(tmp_path / "m.keras")
    assert not loaded.is_compiled


def test_older_files_of_keras_are_read_by_h5py(tmp_path) -> None:
    h5py = pytest.importorskip("h5py", reason="it reads older files")
    recorded = np.load(RECORDED / "small.npz")
    with h5py.File(RECORDED / "small.h5") as whole, h5py.File(tmp_path / "w.h5", "w") as weights:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", weights)
        weights.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]
    for path in (RECORDED / "small.h5", tmp_path / "w.h5"):
        made = same_as_recorded()
        made.load_weights(path)
        np.testing.assert_allclose(made.predict(recorded["x"]), recorded["y"], atol=1e-6)
    with pytest.raises(minnet.ModelFileError, match=r"weights alone, and load_model takes a whole"):
        models.load_model(tmp_path / "w.h5")
    loaded = models.load_model(RECORDED / "small.h5")
    np.testing.assert_allclose(loaded.predict(recorded["x"]), recorded["y"], atol=1e-6)
    assert (loaded.optimizer.beta_1, loaded.layers[0].origin) == (0.8, "small.h5")
    assert isinstance(loaded.loss, keras.losses.SparseCategoricalCrossentropy)
    assert loaded.metrics_names == ["loss", "accuracy", "top2"]
    loaded.fit(recorded["x"], np.arange(8) % 2, verbose=0)


def test_an_older_description_is_read_as_well(tmp_path) -> None:
    h5py = pytest.importorskip("h5py", reason="it reads older files")
    W, b = np.arange(6.0).reshape(3, 2), np.ones(2)
    dense = {
        "class_name": "Dense",
        "config": {
            "name": "dense_1",
            "trainable": True,
            "batch_input_shape": [None, 3],
            "dtype": "float32",
            "units": 2,
            "activation": "sigmoid",
            "use_bias": True,
            "kernel_initializer": {
                "class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
            },
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
        },
    }
    trained = {
        "optimizer_config": {"class_name": "SGD", "config": {"learning_rate": 0.5}},
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
    }
    for inner in ([dense], {"name": "old", "layers": [dense]}):
        with h5py.File(tmp_path / "old.h5", "w") as file:
            described = json.dumps({"class_name": "Sequential", "config": inner})
            file.attrs["model_config"] = described.encode()
            file.attrs["training_config"] = json.dumps(trained).encode()
            group = file.create_group("model_weights/dense_1")
            file["model_weights"].attrs["layer_names"] = [b"dense_1"]
            group.attrs["weight_names"] = [b"dense_1/kernel:0", b"dense_1/bias:0"]
            group["dense_1/kernel:0"], group["dense_1/bias:0"] = W, b
        model = models.load_model(tmp_path / "old.h5")
        np.testing.assert_allclose(model.get_weights()[0], W)
        np.testing.assert_allclose(model.predict(np.eye(3)), 1 / (1 + np.exp(-W - b)), rtol=1e-5)
        assert (model.optimizer.learning_rate, model.metrics_names) == (0.5, ["loss", "accuracy"])
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["model_config"] = "{"
    with pytest.raises(minnet.ModelFileError, match="its description is not JSON"):
        models.load_model(tmp_path / "old.h5")


def test_older_files_ask_for_h5py(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"load_model reads HDF5 .* python -m pip install h5py"):
        models.load_model(RECORDED / "small.h5")


def test_damaged_files_of_keras_are_refused(tmp_path) -> None:
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with zipfile.ZipFile(tmp_path / "new.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    for name in ("old.h5", "new.keras"):
        with pytest.raises((minnet.ModelFileError, ImportError)):
            models.load_model(tmp_path / name)
        with pytest.raises(minnet.ModelFileError):
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
