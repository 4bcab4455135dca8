"""The container: a zip archive of npy members, in the one form that minnet writes.

Zip allows much that a model file has no use for: compression, encryption, comments, gaps, members
that overlap or occur twice, two directories that disagree. Reading takes only what writing makes,
so every byte of a file is accounted for and no two programs can read it differently.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, NamedTuple

import numpy as np

from minnet.checks import Array, ModelFileError, Shape, short

DTYPES = ("float32", "float64", "int64", "uint64", "uint8", "bool")
"""What arrays may be made of: numbers, little-endian, that need no code to read them."""

MAX_FILE = 2**31 - 2**20
"""Bytes of a file: beyond 2 GiB zip changes its format, which nothing here needs."""
MAX_MEMBERS = 4_096
MAX_NAME = 200
"""Bytes of an array's name, in UTF-8."""
MAX_HEADER = 1_024
MAX_AXES = 64

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that zip knows: equal models, equal files
_VERSION, _UNIX = 20, 3
_ATTRIBUTES = (stat.S_IFREG | 0o644) << 16
_UTF8 = 0x800
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_CENTRAL_SIZE = 46
_PIECE = 2**20
_COUNT = rb"(?:0|[1-9][0-9]{0,14})"
_HEADER = re.compile(
    rb"\{'descr': '[<|][a-z][0-9]', 'fortran_order': False, "
    rb"'shape': \((?:" + _COUNT + rb", ?)*(?:" + _COUNT + rb")?\), \} *\n"
)


class Member(NamedTuple):
    """Where a member's bytes are in the file, and their zip checksum."""

    begin: int
    size: int
    crc: int


class Header(NamedTuple):
    """What an npy header says, and its own bytes."""

    dtype: str
    shape: Shape
    raw: bytes


def damaged(name: str, why: str) -> ModelFileError:
    """The error for a file that `save` cannot have written, or that was changed since."""
    return ModelFileError(f"{name} is damaged or no model file: {why}. Use another copy of it.")


def fits_name(name: str) -> bool:
    """Whether an array may have this name; it becomes a member's name in the archive."""
    return (
        name.isprintable()
        and 0 < len(name.encode(errors="replace")) <= MAX_NAME
        and not any(mark in name for mark in "/\\")
        and not name.endswith(".npy")
    )


def byte_count(dtype: str, shape: Shape) -> int:
    """The bytes of an array; an axis of length 0 counts as 1, since NumPy sizes it so, too."""
    return math.prod(max(n, 1) for n in shape) * np.dtype(dtype).itemsize


# --- writing --------------------------------------------------------------------------------------


def npy(array: Array) -> tuple[bytes, Array]:
    """An array as an npy file: the header, and the numbers as a flat view of bytes."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header,
        {
            "descr": np.lib.format.dtype_to_descr(little.dtype),
            "fortran_order": False,
            "shape": array.shape,
        },
    )
    return header.getvalue(), little.reshape(-1).view(np.uint8)


def write(file: IO[bytes], members: Mapping[str, tuple[bytes, Array]]) -> None:
    """Write an archive of npy members: name → header and bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, (header, data) in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_version = info.extract_version = _VERSION
            info.create_system = _UNIX
            info.external_attr = _ATTRIBUTES
            info.file_size = len(header) + len(data)
            with archive.open(info, "w") as member:
                member.write(header)
                member.write(data.data)


def file_size(members: Mapping[str, tuple[bytes, Array]]) -> int:
    """The bytes of the archive that `write` makes."""
    return _END.size + sum(
        _LOCAL.size + _CENTRAL_SIZE + 2 * len(name.encode()) + len(header) + len(data)
        for name, (header, data) in members.items()
    )


# --- reading --------------------------------------------------------------------------------------


def open_archive(file: IO[bytes], name: str) -> zipfile.ZipFile:
    """The archive's directory, read once it is known to be whole and of a sensible size."""
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        raise ModelFileError(f"{name} is empty. Use another copy of it.")
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        raise ModelFileError(
            f"{name} is no model file: it is not an npz archive. Use a file that model.save wrote."
        )
    if not _END.size <= size <= MAX_FILE:
        raise damaged(name, f"its size is {size:,} bytes")
    length, start, total = _end(file, size, name)
    if total > MAX_MEMBERS or length > MAX_MEMBERS * (_CENTRAL_SIZE + MAX_NAME + len(".npy")):
        raise damaged(name, "its directory is too large")
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
    except (OSError, MemoryError):
        raise
    except Exception:  # zipfile meets bad bytes with errors of many kinds
        raise damaged(name, "its directory cannot be read") from None
    if archive.start_dir != start or len(members) != total:
        raise damaged(name, "its directory does not fit the file")
    return archive


def _end(file: IO[bytes], size: int, name: str) -> tuple[int, int, int]:
    """Length, start and entries of the directory, from the record at the very end of the file."""
    file.seek(size - _END.size)
    signature, disk, first, here, total, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise damaged(name, "it is cut off, or has something behind its end")
    if disk or first or here != total or start + length + _END.size != size:
        raise damaged(name, "its directory does not fit the file")
    file.seek(max(0, size - _END.size - 20))
    if file.read(4) == b"PK\x06\x07":
        raise damaged(name, "it has a second directory")
    return length, start, total


def members(archive: zipfile.ZipFile, file: IO[bytes], name: str) -> dict[str, Member]:
    """The members by name: stored as `write` stores them, end to end, each once."""
    found: dict[str, Member] = {}
    position = directory = 0
    for info in archive.infolist():
        shown = short(info.filename)
        if info.filename in found:
            raise damaged(name, f"{shown} is in it twice")
        raw = info.filename.encode(errors="replace")
        flags = 0 if raw.isascii() else _UTF8
        plain = (
            info.compress_type == zipfile.ZIP_STORED
            and info.flag_bits == flags
            and info.compress_size == info.file_size
            and info.header_offset == position
            and info.date_time == _EPOCH
            and (info.extract_version, info.create_version) == (_VERSION, _VERSION)
            and (info.create_system, info.external_attr) == (_UNIX, _ATTRIBUTES)
            and (info.internal_attr, info.volume, info.reserved) == (0, 0, 0)
            and not (info.extra or info.comment)
            and info.orig_filename == info.filename
        )
        if not plain:
            raise damaged(name, f"{shown} is not stored as minnet stores it")
        file.seek(position)
        size, day = info.file_size, 1 << 5 | 1  # 1980-01-01 as zip packs it
        wanted = (_VERSION, flags, 0, 0, day, info.CRC, size, size, len(raw), 0)
        if file.read(_LOCAL.size + len(raw)) != _LOCAL.pack(b"PK\x03\x04", *wanted) + raw:
            raise damaged(name, f"the two entries for {shown} differ")
        begin = position + _LOCAL.size + len(raw)
        found[info.filename] = Member(begin, size, info.CRC)
        position = begin + size
        directory += _CENTRAL_SIZE + len(raw)
    if (position, position + directory + _END.size) != (
        archive.start_dir,
        file.seek(0, io.SEEK_END),
    ):
        raise damaged(name, "there is something between its members")
    return found


def read_header(start: bytes, what: str, name: str) -> Header:
    """The npy header at the start of a member.

    NumPy reads a header as a Python literal, so it gets to see only text that is one dtype and
    one tuple of whole numbers.
    """
    length = int.from_bytes(start[8:10], "little")
    raw = start[: 10 + length]
    if start[:8] != b"\x93NUMPY\x01\x00" or not _HEADER.fullmatch(raw, 10) or len(raw) > MAX_HEADER:
        raise damaged(name, f"{what} is not a plain array of numbers")
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(
            io.BytesIO(raw[8:]), max_header_size=MAX_HEADER
        )
    except Exception:  # a dtype that does not exist, a shape that is no tuple, …
        raise damaged(name, f"{what} has a header that cannot be read") from None
    if dtype.name not in DTYPES or dtype != dtype.newbyteorder("<") or len(shape) > MAX_AXES:
        raise damaged(name, f"{what} is not of {', '.join(DTYPES)}")
    if byte_count(dtype.name, shape) > MAX_FILE:
        raise damaged(name, f"{what} asks for {byte_count(dtype.name, shape):,} bytes")
    return Header(dtype.name, shape, raw)


def read_array(
    file: IO[bytes], member: Member, header: Header, what: str, name: str
) -> tuple[Array, str]:
    """A new array with the member's numbers, and the member's SHA-256.

    The caller has made sure that the header's shape fits the member's size.
    """
    try:
        array: Array = np.empty(header.shape, np.dtype(header.dtype).newbyteorder("<"))
    except MemoryError:
        raise ModelFileError(
            f"{name} needs {member.size:,} bytes of memory for {what}, more than there is. Close "
            "other programs."
        ) from None
    digest, crc = hashlib.sha256(header.raw), zlib.crc32(header.raw)
    file.seek(member.begin + len(header.raw))
    data = array.reshape(-1).view(np.uint8).data
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        if file.readinto(piece) != len(piece):  # type: ignore[attr-defined]  # IO lacks readinto
            raise damaged(name, f"{what} is cut off")
        digest.update(piece)
        crc = zlib.crc32(piece, crc)
    if crc != member.crc:
        raise damaged(name, f"{what} does not match its checksum")
    return array.astype(header.dtype, copy=False), digest.hexdigest()
