"""Change safetensors and `.keras` files, and see what comes of them.

`python -m tests.exchange.hostile` makes 5,000 files of each kind, in some minutes; `--files`,
`--seed`, `--only safetensors keras`. A third have other bytes, a third another structure, and a
third other bytes behind a checksum that is right: the HDF5 file inside a `.keras` file, or a
safetensors file that has no checksum. Every one has to become the model that it was, or (where no
checksum can tell) a model of finite numbers, or a `ModelFileError` in minnet's words, within 50 MB
and a second.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from minnet import exchange
from minnet.foundation.checks import ModelFileError
from minnet.models import Sequential
from tests.exchange import networks
from tests.files.test_fuzz import MUTATIONS
from tests.structures import Outcome, change, measured

RECORDED = Path(__file__).with_name("recorded")


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """The bytes with one change or some."""
    for _ in range(rng.choice([1, 1, 3])):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](rng, data or b"\0")
    return data


# --- safetensors ----------------------------------------------------------------------------------


@functools.cache
def a_model() -> Sequential:
    """A model of many kinds of layers."""
    for seed in range(100):
        model = networks.network(np.random.default_rng(seed))
        if len(model.layers) == 6 and len(model.named_arrays()) > 6:
            return model
    raise AssertionError("no such model")


@functools.cache
def safetensors_file() -> bytes:
    """The bytes of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        exchange.save_safetensors(a_model(), path)
        return path.read_bytes()


def split(data: bytes) -> tuple[dict, bytes]:
    """The header and the arrays of a safetensors file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header: object, data: bytes) -> bytes:
    """A safetensors file with a header, whatever that says."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def other_header(rng: np.random.Generator, path: Path) -> None:
    """Change the header or the description in it, with a checksum that is right, or none."""
    header, data = split(safetensors_file())
    text = header["__metadata__"]["minnet"]
    described = json.loads(text)
    for _ in range(rng.choice([1, 1, 2, 4])):
        if header:
            change(rng, described if described and rng.random() < 0.5 else header)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and metadata.get("minnet") == text:
        metadata["minnet"] = json.dumps(described)
    if isinstance(metadata, dict):
        metadata.pop("sha256", None)
    path.write_bytes(joined(header, data))


def without_checksum(rng: np.random.Generator, path: Path) -> None:
    """Other bytes of a file that has no checksum, as other programs write them."""
    header, data = split(safetensors_file())
    del header["__metadata__"]["sha256"]
    path.write_bytes(mutated(rng, joined(header, data)))


def load_safetensors(path: Path, kind: str) -> tuple[str, str]:
    """Load it as a model, and into one."""
    try:
        model = exchange.load_safetensors(path)
    except ModelFileError as error:
        words, model = str(error), None
    into = a_model().copy()
    before = into.theta.tobytes(), into.state.tobytes()
    try:
        exchange.load_safetensors(path, into=into)
    except ModelFileError as error:
        words = str(error)
        if (into.theta.tobytes(), into.state.tobytes()) != before:
            return "half loaded", words
    if model is None:
        return "refused", words
    return judged(model, a_model(), strict=kind == "bytes")


# --- .keras ---------------------------------------------------------------------------------------


@functools.cache
def keras_file(number: int) -> dict[str, bytes]:
    """The members of a recorded file."""
    with zipfile.ZipFile(RECORDED / f"keras-{number}.keras") as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@functools.cache
def keras_model(number: int) -> Sequential:
    """The model of a recorded file."""
    return exchange.from_keras(RECORDED / f"keras-{number}.keras")


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive as Keras writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def other_config(rng: np.random.Generator, path: Path, number: int) -> None:
    """Change what `config.json` says."""
    members = dict(keras_file(number))
    config = json.loads(members["config.json"])
    for _ in range(rng.choice([1, 1, 2, 4])):
        if config:
            change(rng, config if rng.random() < 0.2 else config.get("config") or config)
    members["config.json"] = json.dumps(config).encode()
    path.write_bytes(zipped(members))


def other_weights(rng: np.random.Generator, path: Path, number: int) -> None:
    """Other bytes of the HDF5 file, with the archive's checksum right."""
    members = dict(keras_file(number))
    members["model.weights.h5"] = mutated(rng, members["model.weights.h5"])
    path.write_bytes(zipped(members))


def load_keras(path: Path, kind: str, number: int) -> tuple[str, str]:
    """Load it as a model."""
    try:
        model = exchange.from_keras(path)
    except ModelFileError as error:
        return "refused", str(error)
    return judged(model, keras_model(number), strict=kind == "bytes")


# --- what comes of it -----------------------------------------------------------------------------


def judged(model: Sequential, original: Sequential, *, strict: bool) -> tuple[str, str]:
    """Whether a model is what it was, or at least one of finite numbers."""
    if model.built and networks.same_bits(model, original):
        return "model", ""
    if strict:
        return "other numbers", repr(model.layers)
    finite = not model.built or (np.isfinite(model.theta).all() and np.isfinite(model.state).all())
    return ("model" if finite else "not finite"), ""


def one_file(seed: int, number: int, form: str, folder: Path) -> Outcome:
    """Make one file from a number, and load it."""
    rng = np.random.default_rng([seed, number])
    kind = ("bytes", "structure", "inside")[number % 3]
    path = folder / f"m.{form}"
    if form == "safetensors":
        if kind == "bytes":
            path.write_bytes(mutated(rng, safetensors_file()))
        else:
            (other_header if kind == "structure" else without_checksum)(rng, path)
        return measured(lambda: load_safetensors(path, kind))
    original = number % 6
    if kind == "bytes":
        path.write_bytes(mutated(rng, (RECORDED / f"keras-{original}.keras").read_bytes()))
    else:
        (other_config if kind == "structure" else other_weights)(rng, path, original)
    return measured(lambda: load_keras(path, kind, original))


def run(form: str, seed: int, files: int) -> tuple[Counter[str], list[str], float, int]:
    """What came of so many files: how often each, what was wrong, the longest, the largest."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    seconds, memory = 0.0, 0
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is left behind; of names that are there twice
        for number in range(files):
            outcome = one_file(seed, number, form, Path(name))
            counts[outcome.kind] += 1
            seconds, memory = max(seconds, outcome.seconds), max(memory, outcome.memory)
            if outcome.kind not in ("model", "refused"):
                faults.append(f"file {number}: {outcome.kind}\n{outcome.words[:2_000]}")
    return counts, faults, seconds, memory


KINDS = ("safetensors", "keras")


def main() -> int:
    """Run the files, and return 1 where one was not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.exchange.hostile", description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=KINDS)
    arguments = parser.parse_args()
    failed = 0
    for form in arguments.only:
        run(form, arguments.seed, 30)  # so that all is imported
        counts, faults, seconds, memory = run(form, arguments.seed, arguments.files)
        failed += len(faults)
        print(
            f"{arguments.files} files of {form}: {dict(counts)}, {len(faults)} not as "
            f"promised; {seconds:.2f} s and {memory / 2**20:.1f} MB at most"
        )
        print(*faults[:10], sep="\n", end="\n" if faults else "", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
