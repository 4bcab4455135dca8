"""Files of other programs: what each is, and the line that reads it.

Only the first bytes are looked at, and the names in an archive. Nothing is unpacked or run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

_START = 4096
"""Bytes at the beginning of a file that are looked at."""

_PICKLE = re.compile(rb"\x80[\2-\5]|\(?[\]}(]?(?:lp|dp|cnumpy|c__builtin__)", re.DOTALL)
_TORCH = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # in PyTorch's files before 1.6
_ONNX = re.compile(rb"\x08[\1-\x20](?:\x12|\x1a|\x22|\x28|\x3a|\x42)", re.DOTALL)
_LENGTH = 8  # a safetensors file begins with the length of its header


def kind_of(file: IO[bytes], name: str) -> str:
    """Return what a file is that is no archive, and what reads it; "" where nobody knows."""
    file.seek(0)
    start = file.read(_START)
    path = _quoted(name)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        if name.lower().endswith(".weights.h5"):
            return (
                "it is an HDF5 file with Keras' weights and no layers. Load it into the model in "
                f"Keras, keras_model.load_weights({path}), and then "
                "minnet.exchange.from_keras(keras_model) reads that."
            )
        return (
            "it is an HDF5 file, as older versions of Keras wrote them. With Keras installed, "
            f"minnet.exchange.from_keras(keras.models.load_model({path})) reads it."
        )
    if start.startswith(b"\x93NUMPY"):
        return (
            "it is one array of numpy.save. Read it with numpy.load, and give all arrays of a "
            "model to model.set_weights."
        )
    length = int.from_bytes(start[:_LENGTH], "little")
    if start[_LENGTH : _LENGTH + 1] == b"{" and length <= file.seek(0, 2):
        return f"it is a safetensors file. minnet.exchange.load_safetensors({path}) reads it."
    if _PICKLE.match(start):
        if _TORCH in start[:32] or name.lower().endswith((".pt", ".pth")):
            return of_torch(name)
        return (
            "it is a pickle, which can run any code when it is opened, so minnet opens none. In "
            "the program that wrote it, hand the object over: minnet.exchange.from_sklearn(mlp)."
        )
    if _ONNX.match(start) and (name.lower().endswith(".onnx") or b"onnx" in start):
        return (
            "it is an ONNX file, which minnet writes and does not read. "
            f"onnxruntime.InferenceSession({path}) runs it."
        )
    return ""


def kind_of_archive(names: Sequence[str], name: str) -> str:
    """Return what a zip archive is, by the names of its members, and what reads it; "" else."""
    path = _quoted(name)
    if {"config.json", "metadata.json"} <= set(names):
        return f"It is a Keras file. minnet.exchange.from_keras({path}) reads it."
    if any(member.endswith(("/data.pkl", "/constants.pkl")) for member in names):
        words = of_torch(name)
        return words[0].upper() + words[1:]
    if names and all(member.endswith(".npy") for member in names):
        return (
            "It is one of numpy.savez. If its arrays have the names of model.named_arrays(), "
            f"model.set_weights(numpy.load({path})) reads it."
        )
    return ""


def of_torch(name: str) -> str:
    """Return what a file of PyTorch is, and the line that makes another one of it there."""
    path, other = _quoted(name), _quoted(f"{re.sub(r'[.]pth?$', '', name)}.safetensors")
    return (
        "it is a PyTorch file, a pickle, which can run any code when it is opened, so minnet opens "
        "none. In PyTorch, make a safetensors file of its weights: "
        f"safetensors.torch.save_file(torch.load({path}, weights_only=True), {other}). Then "
        f"minnet.exchange.load_safetensors({other}, into=model) reads them."
    )


def _quoted(name: str) -> str:
    """A path as it is typed in a program."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
