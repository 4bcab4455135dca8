"""The reader of HDF5, beside h5py."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from minnet.exchange.hdf5 import FormError, Group, Hdf5
from tests.exchange.hostile import keras_file
from tests.exchange.recording import EACH
from tests.exchange.tools import needs


@pytest.mark.parametrize("number", range(EACH))
def test_all_that_h5py_finds_in_keras_files_is_found(number):
    h5py = needs("h5py")
    data = keras_file(number)["model.weights.h5"]
    ours, seen = Hdf5(data), 0

    def compare(path, thing):
        nonlocal seen
        seen += 1
        found = ours.get(path)
        if isinstance(thing, h5py.Dataset):
            assert found.dtype == thing.dtype
            np.testing.assert_array_equal(found, thing[()])
        else:
            assert isinstance(found, Group)
            assert set(found.members) == set(thing)
            assert found.texts == dict(thing.attrs)

    with h5py.File(io.BytesIO(data)) as opened:
        opened.visititems(compare)
    assert seen > 5
    assert ours.get("layers/nobody") is None
    assert ours.get("layers/dense/vars/0/1") is None


def test_groups_of_many_members_and_arrays_of_all_kinds_are_read():
    h5py = needs("h5py")
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    arrays = {
        f"name_{i}": (100 * rng.standard_normal((i % 3,) * (i % 4))).astype(
            ["f2", "f4", "f8", "i4", "i8", "u4"][i % 6]
        )
        for i in range(3_000)
    }
    with h5py.File(file, "w") as opened:
        group = opened.create_group("layers")
        group.attrs["name"] = "größe"
        group.attrs["number"] = 3
        for name, array in arrays.items():
            group[name] = array
    ours = Hdf5(file.getvalue())
    assert ours.get("layers").texts["name"] == "größe"
    for name, array in arrays.items():
        found = ours.get(f"layers/{name}")
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "beyond its end"),
        (bytes(200), "no HDF5 file"),
        (b"\x89HDF\r\n\x1a\n\x02" + bytes(200), "a newer form"),
    ],
)
def test_other_files_are_refused(data, words):
    with pytest.raises(FormError, match=words):
        Hdf5(data)


def test_files_of_the_newest_form_are_refused():
    h5py = needs("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w", libver="latest") as opened:
        opened["x"] = np.ones(3)
    with pytest.raises(FormError, match="a newer form"):
        Hdf5(file.getvalue())


def test_a_tree_that_leads_in_a_circle_is_refused():
    data = bytearray(keras_file(2)["model.weights.h5"])
    tree = data.find(b"TREE")
    data[tree + 5] = 1  # a level above leaves, and its child is itself
    data[tree + 32 : tree + 40] = tree.to_bytes(8, "little")
    with pytest.raises(FormError, match="in a circle"):
        Hdf5(bytes(data)).get("layers")


def test_blocks_of_an_object_that_overlap_are_refused():
    """Of many blocks in the same place, each with one long message, memory would be full."""
    data = bytearray(keras_file(2)["model.weights.h5"])
    header, count, size = len(data), 200, 50_000
    blocks = header + 16 + 24 * count
    more = b"".join(
        struct.pack("<HHBxxxQQ", 0x10, 16, 0, blocks + 8 * i, 8 + size) for i in range(count)
    )
    data += struct.pack("<BxHLLxxxx", 1, 2 * count, 1, len(more)) + more
    data += struct.pack("<HHBxxx", 0, size, 0) * (size // 8 + 2 * count)
    data[64:72] = header.to_bytes(8, "little")
    with pytest.raises(FormError, match="overlap"):
        Hdf5(bytes(data)).get("layers")
