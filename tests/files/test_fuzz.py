"""Whatever the bytes of a file: it is what was saved, or a ModelFileError, and soon.

MINNET_FUZZ is the number of files that are tried, 300 by default.
"""

from __future__ import annotations

import os
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minnet.files import store
from minnet.foundation.checks import ModelFileError
from tests.files import ARRAYS, NAME, describes, members, npy, rezip, same, small, text_of

FILES = int(os.environ.get("MINNET_FUZZ", "300"))
MEMORY = 50 * 2**20
SECONDS = 1.0

Mutation = Callable[[np.random.Generator, bytes], bytes]


def place(rng, data: bytes) -> int:
    """Somewhere in the data, often where its structure is: near the beginning or the end."""
    near = rng.choice([len(data) + 1, 64])
    at = int(rng.integers(min(near, len(data) + 1)))
    return at if rng.random() < 0.5 else len(data) - at


def flip(rng, data: bytes) -> bytes:
    other = bytearray(data)
    for _ in range(rng.choice([1, 2, 20])):
        other[min(place(rng, data), len(data) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(other)


def overwrite(rng, data: bytes) -> bytes:
    at, word = place(rng, data), rng.bytes(int(rng.integers(1, 9)))
    word = [word, b"\xff" * len(word), bytes(len(word)), b"PK\1\2", b"PK\6\7"][rng.integers(5)]
    return data[:at] + word + data[at + len(word) :]


def truncate(rng, data: bytes) -> bytes:
    at = place(rng, data)
    return data[:at] if rng.random() < 0.8 else data[at:]


def splice(rng, data: bytes) -> bytes:
    a, b, c = (place(rng, data) for _ in range(3))
    return data[:c] + data[min(a, b) : max(a, b)] + (data[c:] if rng.random() < 0.5 else b"")


def extend(rng, data: bytes) -> bytes:
    more = [rng.bytes(int(rng.integers(1, 100))), data, b"\0", b"\n"][rng.integers(4)]
    return data + more if rng.random() < 0.7 else more + data


def noise(rng, data: bytes) -> bytes:
    start = [b"", b"PK\3\4", b"PK\5\6", data[:40]][rng.integers(4)]
    return start + rng.bytes(int(rng.integers(0, 3_000)))


MUTATIONS: list[Mutation] = [flip, overwrite, truncate, splice, extend, noise]


def in_a_member(rng, path) -> None:
    """Change the bytes of one member or two, and give the archive the checksums that fit."""
    data = members(path)
    for name in rng.choice(list(data), size=rng.integers(1, 3)):
        data[name] = MUTATIONS[rng.integers(6)](rng, data[name] or b"\0")  # it may be cut to none
    rezip(path, list(data.items()))


def in_the_directory(rng, path) -> None:
    """Duplicate, drop, rename, swap and compress members."""
    items = list(members(path).items())
    a, b = rng.integers(len(items), size=2)
    kind = rng.integers(5)
    if kind == 0:
        items.insert(int(b), items[a])
    elif kind == 1:
        del items[a]
    elif kind == 2:
        items[a] = (rng.bytes(6).decode("latin1").replace("\0", "0"), items[a][1])
    elif kind == 3:
        items[a], items[b] = (items[a][0], items[b][1]), (items[b][0], items[a][1])
    else:
        items[a], items[b] = items[b], items[a]
    rezip(path, items, compress_type=int(rng.choice([0, 0, 8, 12, 14])))


def in_the_description(rng, path) -> None:
    """Change numbers and words of the description, and give it a checksum that fits."""
    data = members(path)
    said = describes(data)
    odd = [None, True, -1, 0, 1, 2**50, 2**70, 1e300, "", "object", "\0", [], {}, [2**50], [[1]]]
    holder, key = said, ["format", "format_version", "arrays"][rng.integers(3)]
    while isinstance(holder[key], (dict, list)) and rng.random() < 0.8:
        holder = holder[key]
        if not holder:
            return
        key = list(holder)[rng.integers(len(holder))] if isinstance(holder, dict) else 0
    holder[key] = odd[rng.integers(len(odd))]
    data[NAME] = text_of(said)
    rezip(path, list(data.items()))


def check(path) -> None:
    """Load a file, with an eye on time and memory."""
    message, begin = "", time.process_time()
    tracemalloc.start()
    try:
        assert same(store.load(path))
    except ModelFileError as error:
        message = str(error)
    finally:
        seconds, memory = time.process_time() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "allow_pickle" not in message  # NumPy's advice
    assert len(message) < 2_000
    assert memory < MEMORY
    assert seconds < SECONDS


@pytest.mark.slow
@settings(max_examples=FILES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**48 - 1))
def test_a_file_is_what_was_saved_or_an_error(tmp_path, seed) -> None:
    """Hypothesis draws the files, each made from a number that stands for all its mutations."""
    path = tmp_path / "model.npz"
    data = small(path)
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        if rng.random() < 0.5:
            mutated = data
            for _ in range(rng.choice([1, 1, 3])):
                mutated = MUTATIONS[rng.integers(6)](rng, mutated or data)
            path.write_bytes(mutated)
        else:
            (in_a_member, in_the_directory, in_the_description)[rng.integers(3)](rng, path)
    check(path)


def large(shape: str) -> bytes:
    """A header that promises much more than the file holds."""
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
    raw = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + len(raw).to_bytes(2, "little") + raw


@pytest.mark.parametrize(
    "member",
    [
        large(f"({2**50},)"),
        large(f"({2**27},)"),
        large(f"({2**25}, {2**25})"),
        large(f"(0, {2**62}, {2**62})"),
        large("(" + "9" * 60 + ",)"),
        npy(np.array([print, {}, None], object), allow_pickle=True),
        npy(np.zeros(0)),
        b"",
    ],
    ids=lambda member: str(member[60:90]),
)
@pytest.mark.parametrize("name", [NAME, "dense_1.W.npy", "more.npy"])
def test_a_header_cannot_ask_for_what_the_file_does_not_hold(tmp_path, name, member) -> None:
    path = tmp_path / "model.npz"
    small(path)
    rezip(path, list({**members(path), name: member}.items()))
    check(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_description_cannot_swell(tmp_path, method) -> None:
    path = tmp_path / "model.npz"
    rezip(path, [(NAME, npy(np.zeros(60 * 2**20, "uint8")))], compress_type=method)
    check(path)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("a,b,c\n1,2,3\n" * 100),
        lambda path: path.write_bytes(bytes(10_000)),
        lambda path: path.write_bytes(npy(np.array([print], object), allow_pickle=True)),
        lambda path: path.write_bytes(b"\x80\x04\x95\x00cos\nsystem\n"),
        lambda path: np.savez(path, **ARRAYS),
        lambda path: np.savez_compressed(path, **ARRAYS),
        lambda path: np.savez(path, W=np.array([print], object), allow_pickle=True),
    ],
)
def test_files_of_other_programs_are_errors(tmp_path, write) -> None:
    path = tmp_path / "model.npz"
    write(path)
    with pytest.raises(ModelFileError, match=r"no model file|is empty"):
        store.load(path)
    check(path)
