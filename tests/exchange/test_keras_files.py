"""`.keras` files in NumPy alone: what is read, and what is refused before memory is taken."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest

from minnet import exchange
from minnet.exchange import keras_files
from minnet.exchange.keras_models import from_description
from minnet.foundation.checks import ModelFileError
from tests.exchange.hostile import RECORDED, keras_file, zipped
from tests.exchange.tools import needs
from tests.structures import measured


@pytest.fixture
def h5py():
    return needs("h5py")


def write(path, **changes) -> None:
    """The third recorded file with other members."""
    members = {**keras_file(2), **{k.replace("_", "."): v for k, v in changes.items()}}
    path.write_bytes(zipped({k: v for k, v in members.items() if v is not None}))


def config(change) -> bytes:
    """Its description, changed."""
    described = json.loads(keras_file(2)["config.json"])
    change(described)
    return json.dumps(described).encode()


def test_keras_is_not_needed(monkeypatch):
    for name in ("keras", "tensorflow", "torch", "jax", "h5py"):
        monkeypatch.setitem(sys.modules, name, None)
    model = exchange.from_keras(RECORDED / "keras-2.keras")
    assert [layer.name for layer in model.layers if layer.arrays()]
    assert "keras-2.keras" in {layer.origin for layer in model.layers}


def test_read_gives_what_stands_in_the_file():
    opened = keras_files.read(RECORDED / "keras-2.keras")
    described = json.loads(keras_file(2)["config.json"])
    assert opened.config == described
    kinds = [e["class_name"] for e in described["config"]["layers"] if "inbound_nodes" not in e]
    assert [layer.kind for layer in opened.layers] == (kinds or [one.kind for one in opened.layers])
    model = from_description(opened, "here")
    arrays = [array for layer in opened.layers for array in layer.arrays]
    assert [a.tolist() for a in arrays] == [a.tolist() for a in model.get_weights()]
    assert "here" in {layer.origin for layer in model.layers}


FAULTS = [
    ({"config_json": None}, "it has no config.json"),
    ({"metadata_json": None}, "it has no metadata.json"),
    ({"config_json": b"{"}, "is not JSON"),
    ({"config_json": b'{"a": NaN}'}, "is not JSON"),
    ({"config_json": b"[]"}, "describes no model"),
    ({"config_json": b"[" * 60 + b"]" * 60}, "too large"),
    ({"config_json": b" " * 3_000_000}, "config.json is too large"),
    ({"config_json": config(lambda c: c["config"].pop("layers"))}, "which lists no layers"),
]


@pytest.mark.parametrize(("changes", "words"), FAULTS)
def test_a_wrong_description_is_refused(tmp_path, changes, words):
    write(tmp_path / "m.keras", **changes)
    with pytest.raises(ModelFileError, match=words):
        exchange.from_keras(tmp_path / "m.keras")


def dense(described):
    return next(e for e in described["config"]["layers"] if e["class_name"] == "Dense")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: dense(c)["config"].update(units=2**40), "takes an array of shape"),
        (lambda c: dense(c)["config"].update(units="3"), "units takes"),
        (lambda c: dense(c)["config"].update(name="other"), "holds '.*' and not 'other'"),
        (lambda c: dense(c).update(class_name="Lambda"), "Lambda"),
        (lambda c: dense(c).update(registered_name="Custom>Dense"), "takes layers that minnet has"),
        (lambda c: dense(c).update(module="os"), "takes layers that minnet has"),
        (lambda c: dense(c)["config"].update(activation="eval"), "Its activation is 'eval'"),
        (lambda c: dense(c)["config"].update(lora_rank=4), "Its lora_rank is 4"),
    ],
)
def test_a_description_of_another_network_is_refused(tmp_path, change, words):
    write(tmp_path / "m.keras", config_json=config(change))
    with pytest.raises(ModelFileError, match=words):
        exchange.from_keras(tmp_path / "m.keras")


def weights_file(h5py, change) -> bytes:
    """The HDF5 file of the third recorded one, changed by h5py."""
    file = io.BytesIO(keras_file(2)["model.weights.h5"])
    with h5py.File(file, "r+") as opened:
        change(opened, opened["layers/dense/vars"])
    return file.getvalue()


def replace(group, **settings):
    """Put another array in the place of the kernel."""
    kernel = group["0"][()]
    del group["0"]
    group.create_dataset("0", data=kernel, **settings)


def swell(opened, group):
    """A kernel of 8 GB of zeros, in a few bytes."""
    del group["0"]
    group.create_dataset("0", shape=(2**31,), dtype="f4", chunks=(2**20,), compression="gzip")


def sparse(opened, group):
    """A kernel of 8 GB that nobody has written."""
    del group["0"]
    group.create_dataset("0", shape=(2**31,), dtype="f4")


def elsewhere(h5py):
    def change(opened, group):
        del group["0"]
        group["0"] = h5py.ExternalLink("/etc/hostname", "/x")

    return change


def loop(h5py):
    def change(opened, group):
        del opened["layers/dense/vars"]
        opened["layers/dense/vars"] = h5py.SoftLink("/layers")

    return change


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda h: lambda f, g: replace(g, compression="gzip"), "compressed or cut into pieces"),
        (lambda h: lambda f, g: replace(g, chunks=True), "compressed or cut into pieces"),
        (lambda h: lambda f, g: replace(g, dtype="u1"), "not of plain numbers"),
        (lambda h: swell, "compressed or cut into pieces"),
        (lambda h: sparse, "longer than the file"),
        (elsewhere, "no array and no group"),
        (loop, "a name is a link to somewhere else"),
        (lambda h: lambda f, g: g["0"].write_direct(np.full(g["0"].shape, np.nan, "f4")), "NaN"),
        (lambda h: lambda f, g: g.move("0", "7"), "holds"),
        (
            lambda h: lambda f, g: g.__delitem__("1") if "1" in g else g.move("0", "x"),
            "arrays|holds",
        ),
    ],
)
def test_weights_that_are_no_plain_arrays_are_refused(h5py, tmp_path, make, words):
    data = weights_file(h5py, make(h5py))
    members = dict(keras_file(2))
    members["model.weights.h5"] = data
    (tmp_path / "m.keras").write_bytes(zipped(members))
    with pytest.raises(ModelFileError, match=words):
        exchange.from_keras(tmp_path / "m.keras")


def test_one_array_cannot_be_the_weights_of_many_layers(h5py, tmp_path):
    """A thousand layers of one megabyte each, in a file of one."""
    kernel, layers = np.zeros((512, 512), "f4"), 1_000
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["layers/dense/vars/0"] = kernel
        for i in range(1, layers):
            opened[f"layers/dense_{i}/vars/0"] = opened["layers/dense/vars/0"]
    entries = [
        {"class_name": "Dense", "config": {"name": f"d{i}", "units": 512, "use_bias": False}}
        for i in range(layers)
    ]
    described = {"class_name": "Sequential", "config": {"layers": entries}}
    members = dict(keras_file(2))
    members["config.json"] = json.dumps(described).encode()
    members["model.weights.h5"] = file.getvalue()
    (tmp_path / "m.keras").write_bytes(zipped(members))
    outcome = measured(lambda: ("model", str(exchange.from_keras(tmp_path / "m.keras"))))
    assert outcome.kind == "raised"
    assert "lies where another array lies" in outcome.words
    assert outcome.memory < 20 * 2**20


def test_an_archive_that_swells_is_refused(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in keras_file(2).items():
            archive.writestr(name, data)
    with pytest.raises(ModelFileError, match="is not stored as Keras stores it"):
        exchange.from_keras(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), r"HDF5.*from_keras\(keras.models.load_model\("),
        (zipped({"m/data.pkl": b""}), "is no .keras file. It is a PyTorch file, a pickle"),
        (zipped({"minnet.json.npy": b""}), "is minnet's own. minnet.load reads it"),
        (b"\x80\x04\x95" + bytes(100), "is no .keras file: it is a pickle"),
        (b"PK\x03\x04" + bytes(100), "cut off"),
    ],
)
def test_other_files_are_told_apart(tmp_path, data, words):
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(ModelFileError, match=words):
        exchange.from_keras(tmp_path / "m.keras")


def test_a_bit_that_flipped_is_seen(tmp_path):
    data = bytearray((RECORDED / "keras-2.keras").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(ModelFileError):
        exchange.from_keras(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Dense", "dense"), ("LeakyReLU", "leaky_re_lu"), ("PReLU", "p_re_lu"), ("ELU", "elu"),
        ("BatchNormalization", "batch_normalization"), ("GaussianNoise", "gaussian_noise"),
    ],
)  # fmt: skip
def test_keras_names_for_classes_in_its_files(kind, name):
    assert keras_files.snake_case(kind) == name
