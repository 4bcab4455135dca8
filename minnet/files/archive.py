"""The container: a zip archive of npy members, in the one form that minnet writes.

Zip allows much that a model file has no use for: compression, encryption, comments, gaps, members
that overlap or occur twice, two directories that disagree. So what stands around the members is
made by one function when a file is written, and when it is read, made again and compared: every
byte is accounted for, and no two programs can read a file differently.
"""

from __future__ import annotations

import hashlib
import math
import stat
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np

from minnet.foundation.checks import Array, ModelFileError, short

MAX_FILE = 2**31 - 2**20
"""Bytes of a file: beyond 2 GiB zip changes its format, which nothing here needs."""
MAX_MEMBERS = 4_096
MAX_NAME = 200
"""Bytes of an array's name, in UTF-8."""
MAX_AXES = 64

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION, _UNIX, _UTF8 = 20, 3 << 8, 0x800
_DAY = 1 << 5 | 1  # 1980-01-01, the earliest that zip knows: equal models, equal files
_ATTRIBUTES = (stat.S_IFREG | 0o644) << 16
_PIECE = 2**20


class Member(NamedTuple):
    """Where a member's bytes are in the file, and their zip checksum."""

    begin: int
    size: int
    crc: int


def damaged(name: str, why: str) -> ModelFileError:
    """The error for a file that `save` cannot have written, or that was changed since."""
    return ModelFileError(f"{name} is damaged or no model file: {why}. Use another copy of it.")


def fits_name(name: str) -> bool:
    """Whether an array may have this name; it becomes a member's name in the archive."""
    return (
        name.isprintable()
        and 0 < len(name.encode()) <= MAX_NAME
        and not any(mark in name for mark in "/\\")
        and not name.endswith(".npy")
    )


def fits_shape(dtype: str, shape: Sequence[int]) -> bool:
    """Whether a file may hold such an array; an axis of length 0 counts as 1, as for NumPy."""
    return (
        len(shape) <= MAX_AXES
        and all(0 <= n <= MAX_FILE for n in shape)
        and math.prod(max(n, 1) for n in shape) * np.dtype(dtype).itemsize <= MAX_FILE
    )


# --- the form -------------------------------------------------------------------------------------


def npy_header(dtype: str, shape: Sequence[int]) -> bytes:
    """The first bytes of an npy file, as `numpy.save` writes them, of NumPy's format 1.0."""
    descr = np.dtype(dtype).newbyteorder("<").str
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    text += " " * (21 - len(str(shape[0])) if shape else 0)  # NumPy's room for a longer array
    text += " " * (64 - (len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()


def _facts(name: str, member: Member) -> tuple[int, ...]:
    """What a member's own entry and the directory both say of it."""
    raw, size = name.encode(), member.size
    flags = 0 if raw.isascii() else _UTF8
    return (_VERSION, flags, 0, 0, _DAY, member.crc, size, size, len(raw), 0)


def _entry(name: str, member: Member) -> bytes:
    """What stands before a member."""
    return _LOCAL.pack(b"PK\3\4", *_facts(name, member)) + name.encode()


def _directory(members: Mapping[str, Member]) -> bytes:
    """What stands behind all members."""
    parts, end = [], 0
    for name, member in members.items():
        raw = name.encode()
        rest = (0, 0, 0, _ATTRIBUTES, end)
        parts.append(_CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, *_facts(name, member), *rest) + raw)
        end = member.begin + member.size
    entries = b"".join(parts)
    count = len(members)
    return entries + _END.pack(b"PK\5\6", 0, 0, count, count, len(entries), end, 0)


# --- writing --------------------------------------------------------------------------------------


def npy(array: Array) -> tuple[bytes, Array]:
    """An array as an npy file: the header, and the numbers as a flat view of bytes."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return npy_header(array.dtype.name, array.shape), little.reshape(-1).view(np.uint8)


def write(file: IO[bytes], members: Mapping[str, tuple[bytes, Array]]) -> None:
    """Write an archive of npy members: name → header and bytes."""
    written: dict[str, Member] = {}
    for name, (header, data) in members.items():
        crc = zlib.crc32(data.data, zlib.crc32(header))
        member = Member(0, len(header) + len(data), crc)
        file.write(_entry(name, member))
        written[name] = member._replace(begin=file.tell())
        file.write(header)
        file.write(data.data)
    file.write(_directory(written))


def file_size(members: Mapping[str, tuple[bytes, Array]]) -> int:
    """The bytes of the archive that `write` makes."""
    return _END.size + sum(
        _LOCAL.size + _CENTRAL.size + 2 * len(name.encode()) + len(header) + len(data)
        for name, (header, data) in members.items()
    )


# --- reading --------------------------------------------------------------------------------------


def members(file: IO[bytes], name: str) -> dict[str, Member]:
    """The members by name, once all that stands around them is what `write` would write."""
    members_by_name: dict[str, Member] = {}
    position = file.seek(0)
    while (start := file.read(_LOCAL.size)).startswith(b"PK\3\4") and len(start) == _LOCAL.size:
        *_, crc, _, size, length, _ = _LOCAL.unpack(start)
        raw = file.read(length)
        key = raw.decode(errors="replace")
        member = Member(position + _LOCAL.size + length, size, crc)
        if start + raw != _entry(key, member):
            raise damaged(name, f"{short(key)} is not stored as minnet stores it")
        if key in members_by_name:
            raise damaged(name, f"{short(key)} is in it twice")
        if len(members_by_name) == MAX_MEMBERS:
            raise damaged(name, "it has too many members")
        members_by_name[key] = member
        position = file.seek(member.begin + size)
    directory = _directory(members_by_name)
    file.seek(position)
    if file.read(len(directory) + 1) != directory:
        raise damaged(name, "its directory does not fit its members")
    return members_by_name


def read_array(
    file: IO[bytes], member: Member, dtype: str, shape: Sequence[int], contents: str, name: str
) -> tuple[Array, str]:
    """A new array with the member's numbers, and the member's SHA-256.

    The caller has made sure that the header and the size are those of this dtype and shape.
    """
    try:
        array: Array = np.empty(shape, np.dtype(dtype).newbyteorder("<"))
    except MemoryError:
        raise ModelFileError(
            f"{name} needs {member.size:,} bytes of memory for {contents}, more than there is. "
            "Close other programs."
        ) from None
    header = npy_header(dtype, shape)
    digest, crc = hashlib.sha256(header), zlib.crc32(header)
    file.seek(member.begin + len(header))
    data = array.reshape(-1).view(np.uint8).data
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        file.readinto(piece)  # type: ignore[attr-defined]  # IO lacks readinto
        digest.update(piece)
        crc = zlib.crc32(piece, crc)
    if crc != member.crc:
        raise damaged(name, f"{contents} does not match its checksum")
    return array.astype(dtype, copy=False), digest.hexdigest()
