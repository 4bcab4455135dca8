"""Exchange random networks with every tool that is installed, both ways, and print the worst.

`python -m tests.exchange` takes 1,000 networks for each direction and tool, in some minutes;
`--networks`, `--seed`, `--only torch keras sklearn onnx safetensors`. Predictions may differ by
1e-6 (in units of the largest, where that is above 1), arrays that come back by no bit.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import minnet
from minnet import exchange
from tests.exchange import networks
from tests.exchange.networks import difference, same_bits, samples

TOLERANCE = 1e-6


def choose(rng) -> minnet.Sequential:
    """A network of any kind; one in five is of images."""
    return (networks.image_network if rng.random() < 0.2 else networks.network)(rng)


def channels_first(x, images):
    """Samples as PyTorch has them."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if images else x)


def torch_out(rng, folder) -> float:
    """minnet → PyTorch → minnet."""
    import torch

    images = rng.random() < 0.2
    model = networks.image_network(rng, even=True) if images else networks.network(rng)
    x = samples(rng, model.input_shape)
    module = exchange.to_torch(model)
    with torch.no_grad():
        error = difference(model.predict(x), module(channels_first(x, images)).numpy())
    back = exchange.from_torch(module, input_shape=model.input_shape)
    assert same_bits(model, back)
    fresh = model.copy()
    fresh.theta = np.full_like(fresh.theta, 0.5)
    exchange.from_torch(module, into=fresh)
    assert same_bits(model, fresh)
    flags = [layer.trainable for layer in model.layers if layer.parameters]
    assert flags == [layer.trainable for layer in back.layers if layer.parameters]
    return max(error, difference(model.predict(x), back.predict(x)))


def torch_in(rng, folder) -> float:
    """PyTorch → minnet → PyTorch."""
    import torch

    images = rng.random() < 0.3
    if images:
        module, shape = networks.torch_image_network(rng)
        model = exchange.from_torch(module, input_shape=shape)
    else:
        module = networks.torch_network(rng)
        model = exchange.from_torch(module)
    x = samples(rng, model.input_shape)
    with torch.no_grad():
        wanted = module(channels_first(x, images)).numpy()
        back = exchange.to_torch(model)(channels_first(x, images)).numpy()
    other = model.copy()
    other.theta = np.full_like(other.theta, 0.5)
    exchange.from_torch(module, into=other)
    assert same_bits(model, other)
    return max(difference(model.predict(x), wanted), difference(back, wanted))


def predictions(model, x) -> np.ndarray:
    """What a Keras model predicts, as an array."""
    import keras

    return keras.ops.convert_to_numpy(model(x))


def keras_out(rng, folder) -> float:
    """minnet → Keras → minnet."""
    model = choose(rng)
    x = samples(rng, model.input_shape)
    other = exchange.to_keras(model)
    error = difference(model.predict(x), predictions(other, x))
    back = exchange.from_keras(other)
    assert same_bits(model, back)
    return max(error, difference(model.predict(x), back.predict(x)))


def keras_in(rng, folder) -> float:
    """Keras → minnet → Keras, and Keras → a file → minnet."""
    other = networks.keras_network(rng)
    model = exchange.from_keras(other)
    x = samples(rng, model.input_shape)
    wanted = predictions(other, x)
    other.save(folder / "m.keras")
    from_file = exchange.from_keras(folder / "m.keras")
    assert same_bits(model, from_file)
    assert [repr(layer) for layer in model.layers] == [repr(layer) for layer in from_file.layers]
    back = predictions(exchange.to_keras(model), x)
    return max(difference(model.predict(x), wanted), difference(back, wanted))


def sklearn_out(rng, folder) -> float:
    """minnet → scikit-learn → minnet."""
    model = networks.network(rng, plain=True)
    x = samples(rng, model.input_shape)
    other = exchange.to_sklearn(model)
    assert same_bits(model, exchange.from_sklearn(other))
    return difference(model.predict(x), networks.sklearn_predictions(other, x))


def sklearn_in(rng, folder) -> float:
    """scikit-learn → minnet → scikit-learn."""
    other, x = networks.sklearn_network(rng)
    model = exchange.from_sklearn(other)
    wanted = networks.sklearn_predictions(other, x)
    back = exchange.to_sklearn(model)
    assert np.array_equal(back.predict(x), other.predict(x))
    assert all(np.array_equal(a, b) for a, b in zip(back.coefs_, other.coefs_, strict=True))
    return max(
        difference(model.predict(x), wanted),
        difference(networks.sklearn_predictions(back, x), wanted),
    )


def onnx_out(rng, folder) -> float:
    """minnet → ONNX, in onnxruntime."""
    import onnxruntime

    model = choose(rng)
    x = samples(rng, model.input_shape)
    exchange.to_onnx(model, folder / "m.onnx")
    session = onnxruntime.InferenceSession(folder / "m.onnx", providers=["CPUExecutionProvider"])
    return difference(model.predict(x), session.run(None, {"x": x})[0])


def safetensors_both(rng, folder) -> float:
    """minnet → safetensors → its package → safetensors → minnet."""
    import safetensors
    import safetensors.numpy

    model = choose(rng)
    path = folder / "m.safetensors"
    exchange.save_safetensors(model, path)
    arrays = safetensors.numpy.load_file(path)
    ours = model.named_arrays()
    assert arrays.keys() == ours.keys()
    assert all(arrays[n].tobytes() == ours[n].tobytes() for n in ours)
    with safetensors.safe_open(path, "np") as opened:
        metadata = opened.metadata()
    safetensors.numpy.save_file(arrays, path, metadata={"minnet": metadata["minnet"]})
    back = exchange.load_safetensors(path)
    assert same_bits(model, back)
    assert [repr(layer) for layer in model.layers] == [repr(layer) for layer in back.layers]
    x = samples(rng, model.input_shape)
    return difference(model.predict(x), back.predict(x))


CASES: dict[str, list[Callable[[np.random.Generator, Path], float]]] = {
    "torch": [torch_out, torch_in],
    "keras": [keras_out, keras_in],
    "sklearn": [sklearn_out, sklearn_in],
    "onnx": [onnx_out],
    "safetensors": [safetensors_both],
}


def ready(tool: str) -> str:
    """Import a tool, without its warnings; why not, or "" where all is well."""
    modules = {"onnx": ("onnx", "onnxruntime")}.get(tool, (tool,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            if module == "keras" and "KERAS_BACKEND" not in os.environ:
                for backend in ("tensorflow", "torch", "jax"):
                    os.environ["KERAS_BACKEND"] = backend
                    if not ready(backend):
                        break
            try:
                __import__(module)
            except ImportError as error:
                return f"{module} is not there: {error}"
    return ""


def run(case, seed: int, count: int) -> tuple[float, list[str]]:
    """The worst difference of so many networks, and what went wrong."""
    worst, faults = 0.0, []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is left behind, and of the tools' own
        for i in range(count):
            try:
                error = case(np.random.default_rng([seed, i]), Path(folder))
            except Exception as fault:
                faults.append(f"network {i}: {type(fault).__name__}: {fault}")
                continue
            worst = max(worst, error)
            if error > TOLERANCE:
                faults.append(f"network {i}: predictions differ by {error:.2g}")
    return worst, faults


def main() -> int:
    """Run the cases, and return how many networks failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.exchange", description=__doc__)
    parser.add_argument("--networks", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    failed = 0
    for tool in arguments.only:
        if reason := ready(tool):
            print(f"{tool}: skipped, {reason}")
            continue
        for case in CASES[tool]:
            start = time.perf_counter()
            worst, faults = run(case, arguments.seed, arguments.networks)
            failed += len(faults)
            print(
                f"{case.__doc__} {arguments.networks} networks, {len(faults)} failed, predictions "
                f"differ by {worst:.2g} at most ({time.perf_counter() - start:.0f} s)"
            )
            print(*faults[:10], sep="\n", end="\n" if faults else "", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
