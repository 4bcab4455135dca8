"""What the other tools predict, recorded by `python -m tests.exchange.recording`."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from minnet import exchange
from minnet.exchange.record import report
from minnet.files import saving
from minnet.models import Sequential
from tests.exchange.__main__ import TOLERANCE
from tests.exchange.networks import difference
from tests.exchange.recording import EACH, FOLDER
from tests.exchange.tools import needs

RECORDED = json.loads((FOLDER / "recorded.json").read_text("utf-8"))
each = pytest.mark.parametrize("number", range(EACH))


def entry(tool: str, number: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """A recorded network, its inputs and its predictions."""
    recorded = RECORDED[tool][number]
    x, y = (np.array(recorded[key], "float32") for key in ("x", "y"))
    return recorded, x, y


@pytest.mark.filterwarnings("ignore:.*A state dict has no ε")  # theirs had minnet's
@each
def test_pytorchs_state_dicts_predict_what_pytorch_predicts(number):
    recorded, x, y = entry("torch", number)
    config = recorded["model"]
    layers = saving.made_layers(config["layers"])
    model = Sequential(layers, seed=0)
    model.build(tuple(config["input_shape"]))
    table = exchange.load_safetensors(FOLDER / recorded["file"], into=model)
    assert difference(model.predict(x), y) <= TOLERANCE
    assert "TRANSPOSED" in str(table)


@each
def test_keras_files_predict_what_keras_predicts(number):
    recorded, x, y = entry("keras", number)
    model = exchange.from_keras(FOLDER / recorded["file"])
    assert difference(model.predict(x), y) <= TOLERANCE
    assert recorded["kinds"][-1] in str(report(model)) or "Sequential" in recorded["kinds"]


@each
def test_scikit_learns_networks_predict_what_they_predict_there(number):
    recorded, x, y = entry("sklearn", number)
    classes = recorded["classes_"]
    mlp = SimpleNamespace(
        hidden_layer_sizes=recorded["hidden_layer_sizes"],
        activation=recorded["activation"],
        out_activation_=recorded["out_activation_"],
        coefs_=[np.array(W, "float32") for W in recorded["coefs_"]],
        intercepts_=[np.array(b, "float32") for b in recorded["intercepts_"]],
        get_params=dict,
        **({} if classes is None else {"classes_": np.array(classes)}),
    )
    model = exchange.from_sklearn(mlp)
    assert difference(model.predict(x), y) <= TOLERANCE
    assert model.class_names == (None if classes is None else [str(name) for name in classes])


@each
def test_safetensors_files_of_the_package_hold_its_bits(number):
    recorded = RECORDED["safetensors"][number]
    from minnet.layers import Dense

    model = Sequential(
        [Dense(3, input_dim=3), Dense(1, use_bias=False)], seed=0, dtype=recorded["dtype"]
    )
    exchange.load_safetensors(FOLDER / recorded["file"], into=model)
    came = {name: array.tobytes().hex() for name, array in model.named_arrays().items()}
    assert came == recorded["bytes"]


@each
def test_onnx_files_predict_in_onnxruntime_what_minnet_predicts(number):
    recorded, x, y = entry("onnx", number)
    model = exchange.load_safetensors(FOLDER / recorded["model"])
    assert difference(model.predict(x), y) <= TOLERANCE


@each
def test_onnx_files_are_written_as_they_were(number, tmp_path):
    """With onnx, if not onnxruntime: the operators and the constants are the recorded ones."""
    onnx = needs("onnx")
    recorded, _, _ = entry("onnx", number)
    model = exchange.load_safetensors(FOLDER / recorded["model"])
    exchange.to_onnx(model, tmp_path / "m.onnx")
    graphs = [onnx.load(path).graph for path in (tmp_path / "m.onnx", FOLDER / recorded["file"])]
    assert [str(node) for node in graphs[0].node] == [str(node) for node in graphs[1].node]
    assert [str(one) for one in graphs[0].initializer] == [
        str(one) for one in graphs[1].initializer
    ]
