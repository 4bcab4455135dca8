"""What `load` says of files of other programs: their kind, and the line that reads them."""

from __future__ import annotations

import json
import pickle
import re
import zipfile

import numpy as np
import pytest

import minnet
from minnet.foundation.checks import ModelFileError
from minnet.layers import Dense
from minnet.models import Sequential


def archive(path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"{}")


def safetensors(path) -> None:
    header = json.dumps({"W": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def numpy_file(path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(3))


TORCH_1 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x10"

KINDS = [
    (
        "m.keras",
        lambda path: archive(path, "metadata.json", "config.json", "model.weights.h5"),
        'a Keras file. minnet.exchange.from_keras("{path}")',
    ),
    (
        "m.h5",
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)),
        'an HDF5 file.* minnet.exchange.from_keras(keras.models.load_model("{path}"))',
    ),
    (
        "m.weights.h5",
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)),
        'weights and no layers.* keras_model.load_weights("{path}")',
    ),
    (
        "m.pt",
        lambda path: archive(path, "m/data.pkl", "m/version", "m/data/0"),
        'a PyTorch file, a pickle.* torch.load("{path}", weights_only=True), "{stem}.safetensors")',
    ),
    (
        "m.pth",
        lambda path: path.write_bytes(TORCH_1),
        'a PyTorch file, a pickle.* torch.load("{path}", weights_only=True), "{stem}.safetensors")',
    ),
    ("m.bin", lambda path: path.write_bytes(TORCH_1), "a PyTorch file, a pickle"),
    ("m.pkl", lambda path: path.write_bytes(pickle.dumps([1])), "a pickle, which can run any code"),
    ("m", lambda path: path.write_bytes(pickle.dumps({"W": 1}, 2)), "a pickle.* from_sklearn(mlp)"),
    ("m.safetensors", safetensors, 'minnet.exchange.load_safetensors("{path}")'),
    ("m.model", safetensors, 'minnet.exchange.load_safetensors("{path}")'),
    (
        "m.onnx",
        lambda path: path.write_bytes(ONNX),
        'an ONNX file.* onnxruntime.InferenceSession("{path}")',
    ),
    (
        "m.npz",
        lambda path: np.savez(path, W=np.ones(2)),
        'one of numpy.savez.* model.set_weights(numpy.load("{path}"))',
    ),
    ("m.npy", numpy_file, "one array of numpy.save. Read it with numpy.load"),
    ("m.txt", lambda path: path.write_text("x,y"), "not an npz archive. Use a file that model.s"),
    ("m.docx", lambda path: archive(path, "word/document.xml"), "Use a file that model.save wrote"),
]


@pytest.mark.parametrize(("name", "write", "words"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_file_of_another_program_is_named_with_what_reads_it(tmp_path, name, write, words):
    path = tmp_path / name
    write(path)
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    stem = str(path).removesuffix(".pth").removesuffix(".pt")
    wanted = [word.strip().format(path=path, stem=stem) for word in words.split(".*")]
    pattern = ".*".join(map(re.escape, wanted))
    for read in (minnet.load, model.load_weights):
        with pytest.raises(ModelFileError, match=pattern):
            read(path)


def test_a_length_that_looks_like_a_pickle_is_a_length(tmp_path):
    """A header of 0x0280 bytes begins with the two bytes of a pickle."""
    header = json.dumps({"W": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes((0x280).to_bytes(8, "little") + header.ljust(0x280) + bytes(4))
    with pytest.raises(ModelFileError, match="a safetensors file"):
        minnet.load(path)
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    with pytest.raises(ModelFileError, match="does not fit the model"):
        minnet.exchange.load_safetensors(path, into=model)


def test_nothing_of_a_pickle_is_run(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(b"\x80\x04cbuiltins\nexit\n(tR.")
    with pytest.raises(ModelFileError, match="minnet opens none"):
        minnet.load(path)


def test_the_path_is_written_as_python_reads_it(tmp_path):
    path = tmp_path / 'a "b".safetensors'
    safetensors(path)
    with pytest.raises(ModelFileError, match=re.escape('a \\"b\\".safetensors")')):
        minnet.load(path)
