"""To ONNX files, which onnxruntime and many other programs run.

Each step becomes one operator, or a few where ONNX has none for it, of operator set 17. Batches may
be of any size. What acts in training alone is left out, since such a file is for predicting.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minnet.exchange.record import Record, a_model, imported, kind_of, refuse
from minnet.files import disk
from minnet.foundation.checks import Array, Shape
from minnet.foundation.strict import named
from minnet.foundation.tables import Table
from minnet.layers.activations import ROOT_2_OVER_PI, ROOT_HALF
from minnet.models import Sequential

OPSET = 17
IR_VERSION = 8
"""What goes with operator set 17, of 2022, so that older programs read the file too."""


@named
def to_onnx(model: Sequential, path: str | os.PathLike[str]) -> Table:
    """Write the model to an ONNX file; its input is called "x", its output "y".

    To run it: `onnxruntime.InferenceSession(path).run(None, {"x": x})[0]`, with x in float32. The
    file replaces an old one whole or not at all.

    Parameters
    ----------
    model
        A built model in float32.
    path
        The file. One that is there is replaced.

    Returns
    -------
    Table
        Which operators each step became.

    Raises
    ------
    TypeError
        A layer with a formula of its own.
    ValueError
        A float64 model: give `model.in_dtype("float32")`.
    ModelFileError
        The folder is missing, the disk is full, …; what was at the path before is unchanged.

    Examples
    --------
    >>> import minnet  # doctest: +SKIP
    >>> model = minnet.Sequential([minnet.layers.Dense(2, input_dim=4)], seed=0)  # doctest: +SKIP
    >>> print(to_onnx(model, "model.onnx"))  # doctest: +SKIP
    minnet     shape   ONNX       shape
    ─────────  ──────  ─────────  ──────  ───────
    dense_1.W  (4, 2)  dense_1.W  (4, 2)  WRITTEN
    dense_1.b  (2,)    dense_1.b  (2,)    WRITTEN
    dense_1            Gemm
    """
    model = a_model(model, "to_onnx")
    onnx = imported("onnx", "to_onnx")
    target = disk.as_path(path, "to_onnx")
    if model.dtype != np.float32:
        raise ValueError(
            "to_onnx takes a float32 model, since onnxruntime computes few operators in float64. "
            f'Got {model.dtype}. Give model.in_dtype("float32").'
        )
    disk.target_of(target, "to_onnx", ".onnx")
    record = Record("to_onnx", "minnet", "ONNX")
    graph = Graph(onnx)
    shape, flow = model.input_shape, "x"
    for step in model.steps:
        kind = kind_of(step, "to_onnx")
        if kind not in WRITERS:
            raise refuse(kind, step, "to_onnx", "Take it out of the model first.")
        before = len(graph.nodes)
        flow = WRITERS[kind](graph, step, flow, shape)
        shape = step.compute_output_shape(shape)
        made = [node.op_type for node in graph.nodes[before:]]
        for name, array in step.arrays().items():
            at = f"{step.label}.{name}"
            record.array(at, array.shape, at, array.shape, "WRITTEN")
        record.row(step.label, ", ".join(made), "" if made else "LEFT OUT: changes nothing")
    graph.add("Identity", [flow], output="y")
    data = graph.model(model.name, model.input_shape, shape).SerializeToString()
    with disk.replacing(target, "to_onnx", ".onnx") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return record.done()


class Graph:
    """Operators and constants, one after the other."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **settings: Any) -> str:
        """Append an operator, and return the name of its output."""
        output = output or f"{kind.lower()}_{len(self.nodes) + 1}"
        node = self.onnx.helper.make_node(kind, list(inputs), [output], **settings)
        self.nodes.append(node)
        return output

    def constant(self, name: str, value: Any, dtype: str = "float32") -> str:
        """Keep an array, and return its name."""
        array: Array = np.ascontiguousarray(value, dtype)
        self.constants[name] = self.onnx.numpy_helper.from_array(
            array.reshape(np.shape(value)), name
        )
        return name

    def number(self, value: float) -> str:
        """Keep a number, and return its name."""
        return self.constant(f"number_{value!r}", value)

    def model(self, name: str, input_shape: Shape, output_shape: Shape) -> Any:
        """Return all of it as a checked ONNX model."""
        helper, floats = self.onnx.helper, self.onnx.TensorProto.FLOAT
        ends = [
            helper.make_tensor_value_info(end, floats, ["N", *shape])
            for end, shape in (("x", input_shape), ("y", output_shape))
        ]
        graph = helper.make_graph(
            self.nodes, name, ends[:1], ends[1:], list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="minnet"
        )
        self.onnx.checker.check_model(model)
        return model


def _operator(kind: str, **settings: Any) -> Callable[[Graph, Any, str, Shape], str]:
    """A step that is one operator with fixed settings."""

    def write(graph: Graph, step: Any, x: str, shape: Shape) -> str:
        return graph.add(kind, [x], **settings)

    return write


def _nothing(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return x


def _dense(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    inputs = [x, graph.constant(f"{step.label}.W", step.W)]
    if step.use_bias:
        inputs.append(graph.constant(f"{step.label}.b", step.b))
    return graph.add("Gemm", inputs)


def _batch_normalization(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    D = len(step.moving_mean)
    gamma = step.gamma if step.scale else np.ones(D)
    beta = step.beta if step.center else np.zeros(D)
    arrays = {"gamma": gamma, "beta": beta}
    arrays |= {"moving_mean": step.moving_mean, "moving_variance": step.moving_variance}
    names = [graph.constant(f"{step.label}.{name}", array) for name, array in arrays.items()]
    if len(shape) == 1:
        return graph.add("BatchNormalization", [x, *names], epsilon=step.epsilon)
    last = len(shape)
    first = graph.add("Transpose", [x], perm=[0, last, *range(1, last)])
    y = graph.add("BatchNormalization", [first, *names], epsilon=step.epsilon)
    return graph.add("Transpose", [y], perm=[0, *range(2, last + 1), 1])


def _prelu(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("PRelu", [x, graph.constant(f"{step.label}.alpha", step.alpha)])


def _normalization(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    mean = graph.constant(f"{step.label}.mean", step.mean)
    sigma = np.maximum(np.sqrt(step.variance), np.float32(1e-7))
    centered = graph.add("Sub", [x, mean])
    return graph.add("Div", [centered, graph.constant(f"{step.label}.sigma", sigma)])


def _rescaling(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    scaled = graph.add("Mul", [x, graph.number(step.scale)])
    return graph.add("Add", [scaled, graph.number(step.offset)])


def _reshape(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    target = [-1, *step.compute_output_shape(shape)]
    return graph.add("Reshape", [x, graph.constant(f"{step.label}.shape", target, "int64")])


def _gelu(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    if not step.approximate:
        half = graph.add("Mul", [x, graph.number(0.5)])
        erf = graph.add("Erf", [graph.add("Mul", [x, graph.number(ROOT_HALF)])])
        return graph.add("Mul", [half, graph.add("Add", [erf, graph.number(1.0)])])
    z = graph.add("Clip", [x, graph.number(-10.0), graph.number(10.0)])
    square = graph.add("Mul", [z, z])
    inner = graph.add("Mul", [square, graph.number(0.044715)])
    inner = graph.add("Add", [inner, graph.number(1.0)])
    u = graph.add("Mul", [graph.add("Mul", [z, graph.number(ROOT_2_OVER_PI)]), inner])
    gate = graph.add("Add", [graph.add("Tanh", [u]), graph.number(1.0)])
    return graph.add("Mul", [graph.add("Mul", [x, graph.number(0.5)]), gate])


def _silu(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("Mul", [x, graph.add("Sigmoid", [x])])


def _mish(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("Mul", [x, graph.add("Tanh", [graph.add("Softplus", [x])])])


def _relu6(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("Clip", [x, graph.number(0.0), graph.number(6.0)])


def _leaky_relu(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("LeakyRelu", [x], alpha=step.negative_slope)


def _elu(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    return graph.add("Elu", [x], alpha=step.alpha)


def _on_images(graph: Graph, kind: str, x: str, *more: str, **settings: Any) -> str:
    """An operator on images, which ONNX has with the channels first."""
    first = graph.add("Transpose", [x], perm=[0, 3, 1, 2])
    y = graph.add(kind, [first, *more], **settings)
    return graph.add("Transpose", [y], perm=[0, 2, 3, 1])


def _windows(windows: Any, shape: Shape) -> dict[str, Any]:
    """The settings of a window that moves over images of a shape."""
    (above, below), (left, right) = windows.margins(*shape[:2])
    pads = [above, left, below, right]
    return {"kernel_shape": windows.size, "strides": windows.strides, "pads": pads}


def _conv2d(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    constants = [graph.constant(f"{step.label}.W", step.W.transpose(3, 2, 0, 1))]
    if step.use_bias:
        constants.append(graph.constant(f"{step.label}.b", step.b))
    return _on_images(graph, "Conv", x, *constants, **_windows(step.windows, shape))


def _pooling(kind: str) -> Callable[[Graph, Any, str, Shape], str]:
    def write(graph: Graph, step: Any, x: str, shape: Shape) -> str:
        return _on_images(graph, kind, x, **_windows(step.windows, shape))

    return write


def _global_pooling(operator: str) -> Any:
    def write(graph: Graph, step: Any, x: str, shape: Shape) -> str:
        return graph.add(operator, [x], axes=[1, 2], keepdims=int(step.keepdims))

    return write


def _zero_padding(graph: Graph, step: Any, x: str, shape: Shape) -> str:
    (above, below), (left, right) = step.padding
    sides = [0, above, left, 0, 0, below, right, 0]  # before each axis, then behind each
    return graph.add("Pad", [x, graph.constant(f"{step.label}.padding", sides, "int64")])


WRITERS: dict[str, Callable[[Graph, Any, str, Shape], str]] = {
    "Dense": _dense,
    "Conv2D": _conv2d,
    "MaxPooling2D": _pooling("MaxPool"),
    "AveragePooling2D": _pooling("AveragePool"),
    "GlobalAveragePooling2D": _global_pooling("ReduceMean"),
    "GlobalMaxPooling2D": _global_pooling("ReduceMax"),
    "ZeroPadding2D": _zero_padding,
    "BatchNormalization": _batch_normalization,
    "PReLU": _prelu,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Flatten": lambda graph, step, x, shape: graph.add(
        "Reshape", [x, graph.constant(f"{step.label}.shape", [-1, math.prod(shape)], "int64")]
    ),
    "ReLU": _operator("Relu"),
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "SELU": _operator("Selu"),
    "GELU": _gelu,
    "SiLU": _silu,
    "Mish": _mish,
    "ReLU6": _relu6,
    "Sigmoid": _operator("Sigmoid"),
    "HardSigmoid": _operator("HardSigmoid", alpha=1 / 6, beta=0.5),
    "HardSiLU": _operator("HardSwish"),
    "Tanh": _operator("Tanh"),
    "Softmax": _operator("Softmax", axis=-1),
    "Softplus": _operator("Softplus"),
    "Softsign": _operator("Softsign"),
    "Exponential": _operator("Exp"),
    "Linear": _nothing,
    "Dropout": _nothing,
    "AlphaDropout": _nothing,
    "GaussianDropout": _nothing,
    "GaussianNoise": _nothing,
}
"""minnet's layer → the operators that compute the same."""
