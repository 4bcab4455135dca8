"""HDF5 files as Keras writes them, read in NumPy alone: groups, and arrays of plain numbers.

HDF5 allows much that weights have no use for: compression, pieces, links into other files, types of
one's own; and its library may hang on a file that was made to harm it. Keras' files need little of
it, and that little is read here. What is not of this form is refused::

    superblock   version 0, at the beginning: where the root group is
    group        an object header with a symbol table: a B-tree of nodes ("TREE"), whose leaves
                 ("SNOD") list names (kept in a "HEAP") and the object headers of what they name
    array        an object header with a shape, a type and the address of its numbers, in one piece
    text         an attribute of a group, kept in a global heap ("GCOL")

Every address is held against the size of the file, none is looked at twice, and arrays are views
into the bytes that were read, so no file can ask for more memory or time than its size explains.

Source: "HDF5 File Format Specification", version 3.0, The HDF Group.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

import numpy as np

from minnet.foundation.checks import Array, short

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_TYPES = {
    bytes.fromhex("11 20 0f 00 02000000 0000 1000 0a 05 00 0a 0f000000"): "<f2",
    bytes.fromhex("11 20 1f 00 04000000 0000 2000 17 08 00 17 7f000000"): "<f4",
    bytes.fromhex("11 20 3f 00 08000000 0000 4000 34 0b 00 34 ff030000"): "<f8",
    bytes.fromhex("10 08 00 00 04000000 0000 2000"): "<i4",
    bytes.fromhex("10 08 00 00 08000000 0000 4000"): "<i8",
    bytes.fromhex("10 00 00 00 04000000 0000 2000"): "<u4",
    bytes.fromhex("10 00 00 00 08000000 0000 4000"): "<u8",
}
"""How HDF5 describes a type of numbers → what NumPy calls it."""

_SHAPE, _TYPE, _LAYOUT, _ATTRIBUTE, _MORE, _TABLE = 0x01, 0x03, 0x08, 0x0C, 0x10, 0x11
"""Kinds of messages in an object header; the others say nothing of the numbers."""

_DEEPEST = 32
_MOST_TEXTS = 1_000
"""Texts in one heap of 4 KB, at most, of names of a few letters."""

_MOST_AXES = 32


class FormError(ValueError):
    """A file that is not of the form above."""


class Group(NamedTuple):
    """A group: what is in it, by name, and the texts that are attached to it."""

    members: dict[str, int]
    texts: dict[str, str]


class Hdf5:
    """The bytes of an HDF5 file, and what is in them.

    Parameters
    ----------
    data
        The whole file.

    Raises
    ------
    FormError
        It is no HDF5 file, or of another form.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._seen: set[int] = set()
        self._objects: dict[int, Group | Array] = {}
        head = self._bytes(0, 96)
        if head[:8] != SIGNATURE:
            raise FormError("it is no HDF5 file")
        if head[8:16] != bytes([0, 0, 0, 0, 0, 8, 8, 0]) or head[24:32] != bytes(8):
            raise FormError("it is of a newer form of HDF5")
        self._root = self._number(64)

    def get(self, path: str) -> Group | Array | None:
        """Return what is at a path such as "layers/dense/vars/0"; None where nothing is."""
        here: Group | Array = self._object(self._root)
        for name in path.split("/"):
            if not isinstance(here, Group) or name not in here.members:
                return None
            here = self._object(here.members[name])
        return here

    # --- addresses --------------------------------------------------------------------------------

    def _bytes(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on."""
        if not 0 <= offset <= offset + length <= len(self.data):
            raise FormError("it points beyond its end")
        return self.data[offset : offset + length]

    def _number(self, offset: int, length: int = 8) -> int:
        return int.from_bytes(self._bytes(offset, length), "little")

    def _marked(self, offset: int, mark: bytes) -> None:
        """Refuse an offset without its mark, and one that was looked at before."""
        if self._bytes(offset, 4) != mark:
            raise FormError(f"there is no {mark.decode()} where it says")
        if offset in self._seen:
            raise FormError("it leads in a circle")
        self._seen.add(offset)

    def _text(self, offset: int) -> str:
        """The text up to the next zero byte."""
        end = self.data.find(b"\0", offset, offset + 1_000)
        if not 0 <= offset <= end:
            raise FormError("a name has no end")
        return _decoded(self.data[offset:end])

    # --- objects --------------------------------------------------------------------------------

    def _object(self, offset: int) -> Group | Array:
        """The group or the array whose header is at an offset, read once."""
        if offset not in self._objects:
            self._objects[offset] = self._read(offset)
        return self._objects[offset]

    def _read(self, offset: int) -> Group | Array:
        """The group or the array whose header is at an offset."""
        self._seen = set()
        messages = self._messages(offset)
        tables = [body for kind, body in messages if kind == _TABLE]
        if tables:
            if len(tables) > 1 or len(tables[0]) < 16:
                raise FormError("a group has no table")
            tree, heap = struct.unpack("<2Q", tables[0][:16])
            texts = dict(self._attribute(body) for kind, body in messages if kind == _ATTRIBUTE)
            return Group(self._members(tree, heap), texts)
        return self._array(messages)

    def _messages(self, offset: int) -> list[tuple[int, bytes]]:
        """Kind and body of each message of an object header, those in other blocks included."""
        version, _, count, _, length = struct.unpack("<BBHLL", self._bytes(offset, 12))
        if version != 1:
            raise FormError("an object is of a newer form of HDF5")
        blocks = [(offset + 16, length)]
        messages: list[tuple[int, bytes]] = []
        total = 0
        while blocks:
            offset, length = blocks.pop(0)
            end = offset + length
            self._bytes(offset, length)
            if offset in self._seen:
                raise FormError("it leads in a circle")
            self._seen.add(offset)
            while offset + 8 <= end and len(messages) < count:
                kind, size, flags = struct.unpack("<HHB", self._bytes(offset, 5))
                if flags & 0x02 or offset + 8 + size > end:
                    raise FormError("a message is shared, or longer than its block")
                body = self._bytes(offset + 8, size)
                offset += 8 + size
                total += 8 + size
                if total > len(self.data):
                    raise FormError("an object's blocks overlap")
                messages.append((kind, body))
                if kind == _MORE and size >= 16:
                    blocks.append(struct.unpack("<2Q", body[:16]))
        return messages

    def _members(self, tree: int, heap: int) -> dict[str, int]:
        """The names in a group, and the addresses of their headers."""
        self._marked(heap, b"HEAP")
        size, names = self._number(heap + 8), self._number(heap + 24)
        self._bytes(names, size)
        members: dict[str, int] = {}
        waiting = [(tree, 0)]
        while waiting:
            node, depth = waiting.pop()
            self._marked(node, b"TREE")
            kind, level, count = struct.unpack("<BBH", self._bytes(node + 4, 4))
            if kind != 0 or depth > _DEEPEST:
                raise FormError("a group's tree is none")
            for i in range(count):
                child = self._number(node + 32 + 16 * i)
                if level:
                    waiting.append((child, depth + 1))
                else:
                    self._leaf(child, names, size, members)
        return members

    def _leaf(self, offset: int, names: int, size: int, members: dict[str, int]) -> None:
        """Add the names that a leaf lists."""
        self._marked(offset, b"SNOD")
        for i in range(self._number(offset + 6, 2)):
            begin, header, kind = struct.unpack("<QQL", self._bytes(offset + 8 + 40 * i, 20))
            if kind not in (0, 1):
                raise FormError("a name is a link to somewhere else")
            if begin >= size:
                raise FormError("a name is not where the names are")
            name = self._text(names + begin)
            if name in members:
                raise FormError("a name is there twice")
            members[name] = header

    def _attribute(self, body: bytes) -> tuple[str, str]:
        """Name and text of an attribute; "" for one that is no text."""
        if len(body) < 8 or body[0] != 1:
            return "", ""
        lengths = struct.unpack("<3H", body[2:8])
        begin = 8
        pieces = []
        for length in lengths:
            pieces.append(body[begin : begin + length])
            begin += length + -length % 8
        name, kind, shape = pieces
        value = body[begin : begin + 16]
        text = kind[:2] == b"\x19\x01" and len(value) == 16 and shape[:2] == b"\x01\x00"
        return _decoded(name.rstrip(b"\0")), self._heap_text(value) if text else ""

    def _heap_text(self, value: bytes) -> str:
        """The text that is kept in a global heap."""
        length, offset, index = struct.unpack("<LQL", value)
        if self._bytes(offset, 4) != b"GCOL":
            raise FormError("there is no GCOL where it says")
        end = offset + self._number(offset + 8)
        offset += 16
        for _ in range(_MOST_TEXTS):
            if offset + 16 > min(end, len(self.data)):
                break
            number, size = self._number(offset, 2), self._number(offset + 8)
            if number == index:
                return _decoded(self._bytes(offset + 16, min(length, size)))
            if number == 0:
                break
            offset += 16 + size + -size % 8
        raise FormError("a text is not where the texts are")

    def _array(self, messages: list[tuple[int, bytes]]) -> Array:
        """The numbers of an array, as a view."""
        bodies = {kind: body for kind, body in messages if kind in (_SHAPE, _TYPE, _LAYOUT)}
        if len(bodies) < 3:
            raise FormError("an object is no array and no group")
        shape = _shape(bodies[_SHAPE])
        dtype = next((d for form, d in _TYPES.items() if bodies[_TYPE].startswith(form)), None)
        if dtype is None:
            raise FormError("an array is not of plain numbers")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        layout = bodies[_LAYOUT]
        if len(layout) < 18 or layout[:2] != b"\x03\x01":
            raise FormError("an array is compressed or cut into pieces")
        offset, length = struct.unpack("<2Q", layout[2:18])
        if size != length:
            raise FormError(f"an array of shape {short(shape)} has {length} bytes")
        if not size:
            return np.empty(shape, dtype)
        if offset + size > len(self.data):
            raise FormError("an array is longer than the file")
        return np.frombuffer(self.data, dtype, math.prod(shape), offset).reshape(shape)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise FormError("a name is no text") from None


def _shape(body: bytes) -> tuple[int, ...]:
    """The shape that a message describes."""
    if len(body) < 8 or body[0] != 1 or body[1] > _MOST_AXES or len(body) < 8 + 8 * body[1]:
        raise FormError("a shape is none")
    return struct.unpack(f"<{body[1]}Q", body[8 : 8 + 8 * body[1]])
