"""A small file, and tools to make files that minnet would never write."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minnet.files import store

NAME = "minnet.json.npy"
EPOCH = (1980, 1, 1, 0, 0, 0)

CONFIG = {"name": "small", "sizes": [3, 2], "deep": {"rate": 0.1, "on": True, "no": None}}
ARRAYS = {
    "dense_1.W": np.arange(6, dtype="float32").reshape(3, 2) / 7,
    "dense_1.b": np.array([-0.0, 1e-45], "float32"),
    "größe": np.array(2.5),
    "count": np.array([2**63, 1], "uint64"),
    "mask": np.array([[True], [False]]),
    "none": np.zeros((0, 4), "int64"),
}


def small(path: Path) -> bytes:
    """Write a file with an array of each kind; its bytes."""
    store.save(path, CONFIG, ARRAYS)
    return path.read_bytes()


def same(loaded: tuple[Any, dict[str, np.ndarray]]) -> bool:
    """Whether this is what `small` wrote, bit for bit."""
    config, arrays = loaded
    return config == CONFIG and alike(arrays, ARRAYS)


def alike(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Equal names in the same order, dtypes, shapes and bits."""
    return list(a) == list(b) and all(
        (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
        for x, y in zip(a.values(), b.values(), strict=True)
    )


def npy(array: Any, **options: Any) -> bytes:
    """What numpy.save writes."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def members(path: Path) -> dict[str, bytes]:
    """The members of an archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def describes(data: dict[str, bytes]) -> dict[str, Any]:
    """The description among the members of a file."""
    text = bytes(np.load(io.BytesIO(data[NAME])))
    description: dict[str, Any] = json.loads(text)
    return description


def text_of(description: dict[str, Any], **options: Any) -> bytes:
    """The description as a member, with a checksum that is right."""
    rest = {key: value for key, value in description.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True)
    rest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    written = json.dumps(rest, ensure_ascii=False, **options)
    return npy(np.frombuffer(written.encode(), np.uint8))


def rezip(path: Path, data: list[tuple[str, bytes]], **changes: Any) -> None:
    """Write an archive as minnet does; `changes` set fields of each member's entry."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in data:
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_version = info.extract_version = 20
            info.create_system, info.external_attr = 3, 0o100644 << 16
            for field, value in changes.items():
                setattr(info, field, value)
            archive.writestr(info, content)


def forge(
    path: Path,
    change: Callable[[dict[str, Any]], object] = lambda description: None,
    **replaced: bytes,
) -> None:
    """`small`, with a changed description and other members, and all checksums right."""
    small(path)
    data = members(path)
    description = describes(data)
    for name, content in replaced.items():
        data[name + ".npy"] = content
        if name in description["arrays"]:
            description["arrays"][name]["sha256"] = hashlib.sha256(content).hexdigest()
    change(description)
    data[NAME] = text_of(description)
    rezip(path, list(data.items()))
