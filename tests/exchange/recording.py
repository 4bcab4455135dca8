"""Small networks and what the other tools predict with them, recorded, so that no tool is needed.

`python -m tests.exchange.recording` writes the folder `recorded` anew, with torch, safetensors,
keras, h5py, scikit-learn, onnx and onnxruntime. All of the files are made by this program, from
random numbers, and are under minnet's own licence, MIT. `recorded.json` says which versions of the
tools made them.
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from minnet import exchange
from minnet.files import saving
from tests.exchange import networks
from tests.exchange.__main__ import ready

FOLDER = Path(__file__).with_name("recorded")
EACH = 6
"""Networks of each tool."""

TOOLS = ("torch", "safetensors", "keras", "h5py", "scikit-learn", "onnx", "onnxruntime")


def numbers(array: Any) -> list[Any]:
    """An array as lists of short numbers, which float32 reads back to the bit."""
    return json.loads(json.dumps(np.asarray(array, "float32").astype("float64").tolist()))


def pair(x: Any, y: Any) -> dict[str, Any]:
    """Inputs and predictions."""
    return {"x": numbers(x), "y": numbers(y)}


def small(make: Any, seed: int, most: int = 4) -> Any:
    """The first network from this seed on that has few layers."""
    i = 0
    while True:
        network = make(np.random.default_rng([seed, i]))
        if len(getattr(network, "layers", network)) <= most:
            return network
        i += 1


def torch_files() -> list[dict[str, Any]]:
    """State dicts as safetensors, PyTorch's predictions, and the minnet model of each module."""
    import safetensors.torch
    import torch

    entries = []
    for i in range(EACH):
        module = small(networks.torch_network, i, most=6)
        model = exchange.from_torch(module)
        x = networks.samples(np.random.default_rng(i), model.input_shape, 4)
        with torch.no_grad():
            y = module(torch.from_numpy(x)).numpy()
        file = f"torch-{i}.safetensors"
        state = {k: v.contiguous() for k, v in module.state_dict().items()}
        safetensors.torch.save_file(state, FOLDER / file)
        entries.append(
            {"file": file, "names": list(state), "model": described(model), **pair(x, y)}
        )
    return entries


def described(model: Any) -> dict[str, Any]:
    """What minnet's own files say of a model."""
    return saving.describe(model, include_optimizer=False)[0]


def keras_files() -> list[dict[str, Any]]:
    """`.keras` files and Keras' predictions."""
    import keras

    entries = []
    for i in range(EACH):
        model = small(networks.keras_network, i)
        shape = model.input_shape[1:]
        x = networks.samples(np.random.default_rng(i), shape, 4)
        model.save(FOLDER / f"keras-{i}.keras")
        y = keras.ops.convert_to_numpy(model(x))
        kinds = [type(layer).__name__ for layer in model.layers]
        entries.append({"file": f"keras-{i}.keras", "kinds": kinds, **pair(x, y)})
    return entries


def sklearn_files() -> list[dict[str, Any]]:
    """What a fitted estimator has, and its predictions."""
    entries = []
    for i in range(EACH):
        estimator, x = networks.sklearn_network(np.random.default_rng([7, i]))
        x = x[:4]
        classes = getattr(estimator, "classes_", None)
        entry = {
            "class": type(estimator).__name__,
            "hidden_layer_sizes": list(estimator.hidden_layer_sizes),
            "activation": estimator.activation,
            "out_activation_": estimator.out_activation_,
            "coefs_": [numbers(W) for W in estimator.coefs_],
            "intercepts_": [numbers(b) for b in estimator.intercepts_],
            "classes_": None if classes is None else np.asarray(classes).tolist(),
        }
        entries.append({**entry, **pair(x, networks.sklearn_predictions(estimator, x))})
    return entries


def safetensors_files() -> list[dict[str, Any]]:
    """Arrays that the package wrote, with their bits."""
    import safetensors.numpy
    import safetensors.torch
    import torch

    entries = []
    for i, dtype in enumerate(["float32", "float64", "float16", "bfloat16", "float32", "float64"]):
        rng = np.random.default_rng(i)
        arrays = {
            "dense_1.W": rng.standard_normal((3, 3)),
            "dense_1.b": rng.standard_normal(3),
            "dense_2.W": rng.standard_normal((3, 1)),
        }
        file = FOLDER / f"safetensors-{i}.safetensors"
        tensors = {n: torch.from_numpy(a).to(getattr(torch, dtype)) for n, a in arrays.items()}
        safetensors.torch.save_file(tensors, file, metadata={"format": "pt"} if i < 3 else None)
        wide = "float64" if dtype == "float64" else "float32"
        values = {n: t.to(getattr(torch, wide)).numpy() for n, t in tensors.items()}
        hexadecimal = {n: a.tobytes().hex() for n, a in values.items()}
        entries.append({"file": file.name, "dtype": wide, "bytes": hexadecimal})
    return entries


def onnx_files() -> list[dict[str, Any]]:
    """minnet's ONNX files, the model of each, and onnxruntime's predictions."""
    import onnxruntime

    entries = []
    for i in range(EACH):
        model = small(networks.network, i)
        x = networks.samples(np.random.default_rng(i), model.input_shape, 4)
        path = FOLDER / f"onnx-{i}.onnx"
        exchange.to_onnx(model, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        model_file = f"onnx-{i}.safetensors"
        exchange.save_safetensors(model, FOLDER / model_file)
        y = session.run(None, {"x": x})[0]
        entries.append({"file": path.name, "model": model_file, **pair(x, y)})
    return entries


def main() -> None:
    """Write all of it."""
    for tool in ("torch", "keras", "sklearn", "onnx", "safetensors"):
        if reason := ready(tool):
            raise SystemExit(reason)
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recorded = {
            "made by": {tool: version(tool) for tool in TOOLS},
            "torch": torch_files(),
            "keras": keras_files(),
            "sklearn": sklearn_files(),
            "safetensors": safetensors_files(),
            "onnx": onnx_files(),
        }
    text = json.dumps(recorded, separators=(",", ":")).replace("},{", "},\n{")
    (FOLDER / "recorded.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
