"""What all exchanges do alike: tools that are missing, layers that nobody else has, the table."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import minnet
from minnet import exchange
from minnet.exchange import keras_layers, keras_models, onnx_files, pytorch, record
from minnet.layers import Activation, Dense, Input, Layer, PReLU
from minnet.models import Sequential
from tests.exchange.tools import needs

KINDS = {
    name
    for name, thing in vars(minnet.layers).items()
    if isinstance(thing, type) and issubclass(thing, Layer)
} - {Layer.__name__, Activation.__name__, Input.__name__}


def model() -> Sequential:
    return Sequential([Dense(2, "relu", input_dim=3), Dense(1)], seed=0)


def test_every_layer_of_minnet_goes_to_pytorch_keras_and_onnx():
    """A new layer has to be put into the tables, or to be refused there by its name."""
    assert set(pytorch.WRITERS) == KINDS
    assert set(onnx_files.WRITERS) == KINDS
    tables = (keras_models.WRITERS, keras_models.FUNCTIONS, keras_models.KERNELS)
    assert {"GELU"}.union(*tables) == KINDS


def test_importing_minnet_imports_no_door_and_the_door_imports_no_tool():
    code = (
        "import sys, minnet; assert 'minnet.exchange' not in sys.modules; "
        "import minnet.exchange; "
        "print(*{m.split('.')[0] for m in sys.modules} & "
        "{'torch', 'keras', 'tensorflow', 'sklearn', 'h5py', 'safetensors', 'onnx'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("module", "act", "line"),
    [
        ("torch", lambda path: exchange.to_torch(model()), "pip install torch"),
        ("torch", lambda path: exchange.from_torch(model()), "pip install torch"),
        ("keras", lambda path: exchange.to_keras(model()), "pip install keras"),
        (
            "sklearn.neural_network",
            lambda path: exchange.to_sklearn(model()),
            "pip install scikit-",
        ),
        ("onnx", lambda path: exchange.to_onnx(model(), path), "pip install onnx"),
    ],
)
def test_a_missing_tool_is_one_sentence_with_the_line_that_installs_it(
    monkeypatch, tmp_path, module, act, line
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=line) as caught:
        act(tmp_path / "m.keras")
    assert str(caught.value).count(". ") == 0
    assert "minnet" not in str(caught.value).partition("pip install")[2]


class Doubled(Dense):
    """A student's layer, with a formula of its own."""

    def forward(self, x, memo=None):
        return 2 * super().forward(x, memo)


class Named(Dense):
    """A class below one of minnet's that computes the same."""


@pytest.mark.parametrize("to", ["to_torch", "to_keras", "to_sklearn", "to_onnx"])
def test_a_formula_of_ones_own_is_refused_by_its_name(to, tmp_path):
    needs({"to_torch": "torch", "to_keras": "keras", "to_onnx": "onnx"}.get(to, "sklearn"))
    own = Sequential([Doubled(2, input_dim=3)], seed=0)
    arguments = [tmp_path / "m.onnx"] if to == "to_onnx" else []
    with pytest.raises(
        TypeError, match=f"{to} takes minnet's own layers. Got doubled_1, a Doubled"
    ):
        getattr(exchange, to)(own, *arguments)


def test_a_class_that_computes_the_same_is_known():
    assert record.kind_of(Named(2), "to_torch") == "Dense"
    layer = PReLU()
    layer.forward = lambda x, memo=None: x  # somebody tries something
    with pytest.raises(TypeError, match="whose formula is known here alone"):
        record.kind_of(layer, "to_torch")


@pytest.mark.parametrize("to", ["to_torch", "to_keras", "to_sklearn", "to_onnx"])
def test_what_is_no_model_or_not_built_is_refused(to, tmp_path):
    arguments = [tmp_path / "m.onnx"] if to == "to_onnx" else []
    with pytest.raises(TypeError, match=f"{to} takes a minnet model. Got 3"):
        getattr(exchange, to)(3, *arguments)
    with pytest.raises(RuntimeError, match="not built"):
        getattr(exchange, to)(Sequential([Dense(2)]), *arguments)


def test_report_knows_the_object_itself():
    with pytest.raises(ValueError, match=re.escape("report takes what an exchange gave. Got [1]")):
        exchange.report([1])
    with pytest.raises(ValueError, match="Give the object itself, no copy"):
        exchange.report(model())


def test_a_layer_takes_no_memory_for_arrays_that_did_not_come():
    given = record.Given(np.zeros((3, 2), "float32"), "0.weight", (2, 3))
    carried = [record.Carried(Dense(2**40), {"W": given})]
    table = record.Record("from_torch", "there", "here")
    with pytest.raises(ValueError, match=r"W takes an array of shape \(3, 1099511627776\)"):
        record.model_of(carried, table, input_shape=(3,), origin="there")


def test_numbers_that_are_not_finite_are_refused():
    given = record.Given(np.full((3, 2), np.nan, "float32"), "0.weight", (2, 3))
    carried = [record.Carried(Dense(2, use_bias=False), {"W": given})]
    table = record.Record("from_torch", "there", "here")
    with pytest.raises(
        ValueError, match=r"from_torch takes finite weights. Got NaN or infinity in 0.w"
    ):
        record.model_of(carried, table, input_shape=(3,), origin="there")


def test_what_keras_calls_its_layers_is_in_the_table_of_readers():
    assert {"Dense", "BatchNormalization", "LeakyReLU", "ReLU"} <= set(keras_layers.READERS)
