"""safetensors files in NumPy alone: what is written, what is read, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import minnet
from minnet import exchange
from minnet.foundation.checks import ModelFileError
from minnet.layers import BatchNormalization, Dense, Dropout, LeakyReLU
from minnet.models import Sequential
from tests.exchange.hostile import joined, split
from tests.exchange.networks import same_bits
from tests.files import alike


def classifier(dtype="float32") -> Sequential:
    model = Sequential(
        [
            Dense(4, LeakyReLU(0.1), input_dim=3, kernel_regularizer="l2"),
            BatchNormalization(epsilon=1e-4),
            Dropout(0.2),
            Dense(2, "softmax", name="head"),
        ],
        seed=0,
        dtype=dtype,
    )
    model.class_names, model.preprocessing = ["no", "yes"], "x / 255"
    model.freeze("dense_1")
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_whole(tmp_path, dtype):
    model, path = classifier(dtype), tmp_path / "m.safetensors"
    table = exchange.save_safetensors(model, path)
    back = exchange.load_safetensors(path)
    assert same_bits(model, back)
    assert [repr(layer) for layer in model.layers] == [repr(layer) for layer in back.layers]
    assert (back.class_names, back.preprocessing) == (["no", "yes"], "x / 255")
    assert not back.layers[0].trainable
    assert repr(back.optimizer) == repr(model.optimizer)
    assert back.dtype == dtype
    assert str(table).count("WRITTEN") == 8
    x = np.ones((2, 3))
    assert np.array_equal(model.predict(x), back.predict(x))


def test_the_bytes_are_those_of_the_format(tmp_path):
    """As the format is described: a length, JSON, and the numbers without gaps."""
    model, path = classifier(), tmp_path / "m.safetensors"
    exchange.save_safetensors(model, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    header, numbers = split(data)
    assert list(header) == ["__metadata__", *model.named_arrays()]
    assert all(isinstance(value, str) for value in header["__metadata__"].values())
    end = 0
    for name, array in model.named_arrays().items():
        begin, end = header[name]["data_offsets"]
        assert numbers[begin:end] == array.tobytes()
        assert (header[name]["dtype"], header[name]["shape"]) == ("F32", list(array.shape))
    assert end == len(numbers)


def test_equal_models_give_equal_files(tmp_path):
    for name in "ab":
        exchange.save_safetensors(classifier(), tmp_path / f"{name}.safetensors")
    assert len({(tmp_path / f"{name}.safetensors").read_bytes() for name in "ab"}) == 1


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "m.safetensors"
    exchange.save_safetensors(classifier(), path)
    return path


def test_another_programs_file_with_the_same_names_goes_into_a_model(file):
    header, data = split(file.read_bytes())
    del header["__metadata__"]
    file.write_bytes(joined(header, data))
    with pytest.raises(
        ModelFileError, match=r"has arrays and no model.*load_safetensors\(path, in"
    ):
        exchange.load_safetensors(file)
    model = classifier()
    model.theta = np.zeros_like(model.theta)
    table = exchange.load_safetensors(file, into=model)
    assert same_bits(model, classifier())
    assert str(table).count("LOADED") == 8
    assert model.layers[0].origin == "m.safetensors"


def test_a_model_of_another_shape_is_refused_with_both_sides(file):
    model = Sequential([Dense(2, input_dim=3)], seed=0)
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=r"does not fit the model; nothing was loaded"):
        exchange.load_safetensors(file, into=model)
    assert alike(dict(enumerate(before)), dict(enumerate(model.get_weights())))


def changed(path, change) -> None:
    """Change the header of a file, or the numbers, and leave out the checksum."""
    header, data = split(path.read_bytes())
    header["__metadata__"].pop("sha256")
    result = change(header, data)
    path.write_bytes(result if isinstance(result, bytes) else joined(header, data))


def entry(header):
    return header["head.b"]


HUGE = 2**62

FAULTS = [
    (lambda h, d: entry(h).update(shape=[HUGE]), "does not have the bytes of its shape"),
    (lambda h, d: entry(h).update(shape=[HUGE, HUGE, 0]), "does not have the bytes of its shape"),
    (lambda h, d: entry(h).update(shape=[-2]), "does not have the bytes of its shape"),
    (lambda h, d: entry(h).update(shape=[2.0]), "is not one"),
    (lambda h, d: entry(h).update(shape=[True, 2]), "is not one"),
    (lambda h, d: entry(h).update(dtype="F64"), "does not have the bytes of its shape"),
    (lambda h, d: entry(h).update(dtype="F8_E4M3"), "minnet takes F64, F32, F16"),
    (lambda h, d: entry(h).update(dtype=[]), "minnet takes F64, F32, F16"),
    (lambda h, d: entry(h).update(more=1), "is not one"),
    (lambda h, d: entry(h).update(data_offsets=[0, 8]), "overlap, or there are gaps"),
    (lambda h, d: entry(h).update(data_offsets=[8]), "does not have the bytes"),
    (lambda h, d: h.pop("dense_1.b"), "overlap, or there are gaps"),
    (lambda h, d: h.update(head=3), "is not one"),
    (lambda h, d: h.update(__metadata__=[]), "metadata are not text"),
    (lambda h, d: h.update(__metadata__={"a": 1}), "metadata are not text"),
    (lambda h, d: joined(h, d + b"\0"), "are not all of it"),
    (lambda h, d: joined(h, d[:-1]), "overlap|gaps|not all|bytes of its shape|shorter"),
    (lambda h, d: joined([], b""), "lists no arrays"),
    (lambda h, d: b"", "shorter than it says"),
    (lambda h, d: b"\xff" * 8 + b"{}", "shorter than it says"),
    (lambda h, d: (2).to_bytes(8, "little") + b"{]", "is not JSON"),
    (lambda h, d: (16).to_bytes(8, "little") + b'{"a":{},"a": {}}', "is not JSON"),
    (lambda h, d: (9).to_bytes(8, "little") + b'{"a":NaN}', "is not JSON"),
    (lambda h, d: (2).to_bytes(8, "little") + b"\xff\xff", "is not text"),
    (lambda h, d: joined({"a": [[]] * 200_000}, b""), "too large"),
    (lambda h, d: joined(h, d[:-4] + np.float32(np.nan).tobytes()), "NaN or infinity"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_a_file_that_is_wrong_is_refused_before_memory_is_taken(file, change, message):
    changed(file, change)
    model = classifier()
    for act in (exchange.load_safetensors, lambda p: exchange.load_safetensors(p, into=model)):
        with pytest.raises(ModelFileError, match=message):
            act(file)


@pytest.mark.parametrize("place", [9, -1, -40, 300])
def test_a_bit_that_flipped_is_seen(file, place):
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelFileError):
        exchange.load_safetensors(file)


def test_a_program_that_changes_the_arrays_leaves_the_checksum_out(file):
    header, data = split(file.read_bytes())
    other = data[:-4] + np.float32(5).tobytes()
    file.write_bytes(joined(header, other))
    with pytest.raises(ModelFileError, match=r"another program changed it.*leave out 'sha256'"):
        exchange.load_safetensors(file)
    del header["__metadata__"]["sha256"]
    file.write_bytes(joined(header, other))
    model = exchange.load_safetensors(file)
    assert model.layers[-1].b[-1] == 5.0


def test_a_description_can_make_nothing_but_known_layers(file):
    def change(header, data):
        described = json.loads(header["__metadata__"]["minnet"])
        described["layers"][0]["class"] = "os.system"
        header["__metadata__"]["minnet"] = json.dumps(described)

    changed(file, change)
    with pytest.raises(ModelFileError, match=r"describes no model.*classes that minnet knows"):
        exchange.load_safetensors(file)


def test_paths_are_refused_as_save_refuses_them(tmp_path):
    with pytest.raises(
        ModelFileError, match=r"writes a safetensors file.*a file of minnet.*m.safet"
    ):
        exchange.save_safetensors(classifier(), tmp_path / "m.npz")
    with pytest.raises(ModelFileError, match="a file of ONNX"):
        exchange.save_safetensors(classifier(), tmp_path / "m.onnx")
    with pytest.raises(ModelFileError, match="which does not"):
        exchange.load_safetensors(tmp_path / "none.safetensors")
    exchange.save_safetensors(classifier(), tmp_path / "a.safetensors")
    with pytest.raises(ModelFileError, match=r"load_safetensors\("):
        minnet.load(tmp_path / "a.safetensors")


def test_nan_is_not_written_and_the_old_file_stays(file):
    before = file.read_bytes()
    model = classifier()
    model.theta[0] = np.nan
    with pytest.raises(ModelFileError, match="finite"):
        exchange.save_safetensors(model, file)
    assert file.read_bytes() == before


def test_half_precision_is_widened_exactly(tmp_path):
    """1.5 and -2 in float16 and in bfloat16."""
    for kind, words in (("F16", [0x3E00, 0xC000]), ("BF16", [0x3FC0, 0xC000])):
        data = np.array(words, "<u2").tobytes()
        header = {"dense_1.W": {"dtype": kind, "shape": [1, 2], "data_offsets": [0, 4]}}
        path = tmp_path / "m.safetensors"
        path.write_bytes(joined(header, data))
        model = Sequential([Dense(2, use_bias=False, input_dim=1)], seed=0)
        exchange.load_safetensors(path, into=model)
        assert model.layers[0].W.tolist() == [[1.5, -2.0]]


def test_a_file_of_another_program_is_named(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelFileError, match="is no safetensors file: it is an HDF5 file"):
        exchange.load_safetensors(path)
