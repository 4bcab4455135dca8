"""ONNX files, and what onnxruntime makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import exchange
from minnet.foundation.checks import ModelFileError
from minnet.layers import (
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
    PReLU,
    Reshape,
    Softmax,
)
from minnet.models import Sequential
from tests.exchange.networks import difference
from tests.exchange.tools import needs


def model(**options) -> Sequential:
    return Sequential([Dense(3, "relu", input_dim=2), Dense(2, "softmax")], seed=0, **options)


def test_the_file_is_one_that_onnx_checks(tmp_path):
    onnx = needs("onnx")
    table = exchange.to_onnx(model(), tmp_path / "m.onnx")
    loaded = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(loaded, full_check=True)
    assert [node.op_type for node in loaded.graph.node] == [
        "Gemm", "Relu", "Gemm", "Softmax", "Identity",
    ]  # fmt: skip
    assert loaded.graph.input[0].name == "x"
    assert loaded.graph.output[0].name == "y"
    assert "Gemm" in str(table)


def test_batches_of_any_size_and_samples_of_several_axes_run(tmp_path):
    needs("onnx")
    onnxruntime = needs("onnxruntime")
    net = Sequential(
        [Input((2, 3)), PReLU("uniform"), Softmax(), Reshape((3, -1)), Flatten(), Dense(2)], seed=0
    )
    exchange.to_onnx(net, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for rows in (1, 2, 33):
        x = np.random.default_rng(rows).standard_normal((rows, 2, 3)).astype("float32")
        assert difference(net.predict(x), session.run(None, {"x": x})[0]) < 1e-6


def test_images_run_with_the_channels_last_and_margins_that_do_not_count(tmp_path):
    needs("onnx")
    onnxruntime = needs("onnxruntime")
    net = Sequential(
        [
            Conv2D(4, (3, 2), (2, 1), "same", "relu", input_shape=(7, 6, 2)),
            AveragePooling2D((2, 3), 1, "same"),
            MaxPooling2D((1, 2), (2, 3), "same"),
            GlobalAveragePooling2D(keepdims=True),
            Flatten(),
            Dense(3),
        ],
        seed=0,
    )
    exchange.to_onnx(net, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((3, 7, 6, 2)).astype("float32")
    assert difference(net.predict(x), session.run(None, {"x": x})[0]) < 1e-6


def test_float64_is_refused_with_the_line_that_helps(tmp_path):
    needs("onnx")
    with pytest.raises(ValueError, match=r"a float32 model.*Give model.in_dtype\(\"float32\"\)"):
        exchange.to_onnx(model(dtype="float64"), tmp_path / "m.onnx")
    exchange.to_onnx(model(dtype="float64").in_dtype("float32"), tmp_path / "m.onnx")


def test_an_old_file_stays_where_nothing_can_be_written(tmp_path):
    needs("onnx")
    with pytest.raises(ModelFileError, match=r"writes an ONNX file.*Use m.onnx"):
        exchange.to_onnx(model(), tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="Make the folder"):
        exchange.to_onnx(model(), tmp_path / "none" / "m.onnx")
    assert list(tmp_path.iterdir()) == []
