"""The container: only the one form that minnet writes is read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minnet.files import DTYPES, archive, store
from minnet.foundation.checks import ModelFileError
from tests.files import ARRAYS, EPOCH, NAME, forge, members, npy, rezip, same, small

W = "dense_1.W"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


@pytest.mark.slow
def test_no_byte_of_a_file_can_change_unseen(path) -> None:
    data = small(path)
    bits = np.random.default_rng(0).integers(8, size=len(data))
    for place, bit in enumerate(bits):
        other = bytearray(data)
        other[place] ^= 1 << int(bit)
        path.write_bytes(other)
        with pytest.raises(ModelFileError):
            store.load(path)


@pytest.mark.slow
def test_no_shorter_and_no_longer_file_is_read(path) -> None:
    data = small(path)
    for other in [*(data[:size] for size in range(len(data))), data + b"\0", b"\0" + data]:
        path.write_bytes(other)
        with pytest.raises(ModelFileError):
            store.load(path)


# --- archives that minnet would not write ---------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"compress_type": zipfile.ZIP_DEFLATED},
        {"date_time": (2020, 1, 1, 0, 0, 0)},
        {"comment": b"hello"},
        {"extra": b"\1\0\2\0ab"},
        {"external_attr": 0},
        {"internal_attr": 1},
        {"create_system": 0},
        {"create_version": 30},
        {"extract_version": 21},
        {"reserved": 1},
    ],
)
def test_an_archive_in_another_form_is_refused(path, changes) -> None:
    small(path)
    rezip(path, list(members(path).items()), **changes)
    with pytest.raises(ModelFileError, match=r"damaged or no model file: .* Use another copy"):
        store.load(path)


def test_an_entry_that_leads_to_the_last_bytes_is_refused(path) -> None:
    small(path)
    rezip(path, [(NAME, members(path)[NAME]), ("PK\3\4abc", b"")])
    data = bytearray(path.read_bytes())
    size = len(data) - 29 - 30 - len(NAME)  # the next entry begins 29 bytes before the end
    data[18:26] = size.to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="its directory does not fit its members"):
        store.load(path)


def test_a_zip_checksum_that_is_wrong_twice_is_refused(path) -> None:
    data = small(path)
    with zipfile.ZipFile(path) as opened:
        crc = opened.getinfo(W + ".npy").CRC.to_bytes(4, "little")
    assert data.count(crc) == 2
    path.write_bytes(data.replace(crc, b"abcd"))
    with pytest.raises(ModelFileError, match=r"dense_1\.W does not match its checksum"):
        store.load(path)


def test_an_extra_member_is_refused(path) -> None:
    small(path)
    rezip(path, [*members(path).items(), ("more", b"abc")])
    with pytest.raises(ModelFileError, match="'more' is not described"):
        store.load(path)


@pytest.mark.parametrize("name", [NAME, W + ".npy"])
def test_a_member_that_occurs_twice_is_refused(path, name) -> None:
    small(path)
    data = members(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        rezip(path, [*data.items(), (name, data[name])])
    with pytest.raises(ModelFileError, match="is in it twice"):
        store.load(path)


def test_a_comment_behind_the_archive_is_refused(path) -> None:
    small(path)
    with zipfile.ZipFile(path, "a") as opened:
        opened.comment = b"hello"
    with pytest.raises(ModelFileError, match="its directory does not fit its members"):
        store.load(path)


def test_a_gap_between_members_is_refused(path) -> None:
    small(path)
    data = members(path)
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in data.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o100644 << 16
            opened.writestr(info, content)
            opened.fp.write(b"gap")
            opened.start_dir = opened.fp.tell()
    with pytest.raises(ModelFileError, match="damaged"):
        store.load(path)


def test_members_may_be_in_no_other_order_of_the_directory(path) -> None:
    small(path)
    with zipfile.ZipFile(path, "a") as opened:
        opened.filelist.reverse()
        opened._didModify = True
    with pytest.raises(ModelFileError, match="damaged"):
        store.load(path)


def test_an_archive_of_numpy_savez_is_told_what_to_do(path) -> None:
    np.savez(path, W=np.zeros(3))
    with pytest.raises(
        ModelFileError,
        match=r"is an archive but no model file: it has no minnet.json.*set_weights\(numpy.load",
    ):
        store.load(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "model.npz is empty. Use another copy of it"),
        (b"a,b\n1,2\n", "is no model file: it is not an npz archive. Use a file that model.save"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "is no model file: it is an HDF5 file"),
        (b"\x80\x04\x95.", "is no model file: it is a pickle"),
        (b"PK\x03\x04", "is damaged or no model file: it is cut off, or its directory"),
        (b"PK\x05\x06" + bytes(18), "an archive but no model file: it has no minnet.json"),
        (b"PK\x03\x04" + bytes(100), "it is cut off, or its directory cannot be read"),
    ],
)
def test_other_files_are_told_apart(path, data, message) -> None:
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message):
        store.load(path)


# --- the headers of arrays ------------------------------------------------------------------------


shapes = hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=10**5)


@given(st.sampled_from(DTYPES), shapes)
def test_a_header_is_the_one_that_numpy_writes(dtype, shape) -> None:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(np.dtype(dtype).newbyteorder("<")),
            "fortran_order": False,
            "shape": shape,
        },
    )
    assert archive.npy_header(dtype, shape) == file.getvalue()


def test_too_little_memory_is_told_with_how_much_is_needed(path, monkeypatch) -> None:
    small(path)

    def refuse(*arguments):
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(
        ModelFileError, match=r"needs 152 bytes of memory for dense_1\.W, more than"
    ):
        store.load(path)


def test_more_members_than_a_file_may_have_are_refused(path, monkeypatch) -> None:
    small(path)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 6)
    with pytest.raises(ModelFileError, match="it has too many members"):
        store.load(path)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 7)
    assert same(store.load(path))


def header(text: str, version: bytes = b"\1\0") -> bytes:
    """An npy header of this text."""
    raw = text.encode() + b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY" + version + len(raw).to_bytes(2, "little") + raw


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        npy(ARRAYS[W], allow_pickle=False)[:-1],
        npy(ARRAYS[W]) + b"\0",
        npy(np.asfortranarray(ARRAYS[W])),
        npy(ARRAYS[W].astype(">f4")),
        npy(ARRAYS[W].astype("f2")),
        npy(np.array([[None] * 2] * 3), allow_pickle=True),
        npy(np.zeros((3, 2), "f4,i4")),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1125899906842624,), }"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", b"\2\0") + bytes(24),
        header("{'descr': '<f4', 'shape': (3, 2), 'fortran_order': False, }") + bytes(24),
        header("{'descr': '<q9', 'fortran_order': False, 'shape': (3, 2), }") + bytes(24),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (3), }") + bytes(24),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, -2), }") + bytes(24),
        header("__import__('os').abort()") + bytes(24),
    ],
)
def test_a_member_that_is_not_the_array_described_is_refused(path, member) -> None:
    forge(path, **{W: member})
    with pytest.raises(
        ModelFileError, match=r"that it describes: dense_1\.W is not float32 \(3, 2\)"
    ):
        store.load(path)


@pytest.mark.parametrize("shape", [(1,) * 65, (0, 2**30, 2**30, 2**30), (0, 2**40)])
def test_a_shape_that_numpy_cannot_have_is_refused(path, shape) -> None:
    forge(
        path,
        lambda said: said["arrays"]["none"].update(shape=list(shape)),
        none=archive.npy_header("int64", shape) + bytes(8 * (0 not in shape)),
    )
    with pytest.raises(ModelFileError, match="its description of 'none' is not one"):
        store.load(path)
