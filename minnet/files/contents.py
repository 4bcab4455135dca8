"""From a config and arrays to the members of an archive, and back: each checked by the other."""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from minnet.files import DTYPES, archive, description, foreign
from minnet.files.archive import damaged
from minnet.foundation.checks import Array, ModelFileError, short
from minnet.foundation.registry import Config

_DESCRIPTION = description.NAME + ".npy"
_HEADER = len(archive.npy_header("uint8", (0,)))
_SHOWN = 10
"""How many faults of a file an error lists."""


def members(config: Config, arrays: Mapping[str, Array]) -> dict[str, tuple[bytes, Array]]:
    """Header and bytes of every member by name, the description first."""
    if not isinstance(config, dict):
        raise TypeError(f"save takes a config that is a dict. Got {short(config)}.")
    if not isinstance(arrays, Mapping):
        raise TypeError(f"save takes arrays as a dict, name → array. Got {short(arrays)}.")
    made, entries = {}, {}
    for name, array in arrays.items():
        _check_array(name, array)
        header, data = made[name + ".npy"] = archive.npy(array)
        digest = hashlib.sha256(header)
        digest.update(data.data)
        entries[name] = {
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "sha256": digest.hexdigest(),
        }
    text = np.frombuffer(description.write(config, entries), np.uint8)
    result = {_DESCRIPTION: archive.npy(text), **made}
    if len(result) > archive.MAX_MEMBERS:
        raise ModelFileError(
            f"save takes up to {archive.MAX_MEMBERS - 1:,} arrays. Got {len(arrays):,}. Join some."
        )
    if archive.file_size(result) > archive.MAX_FILE:
        raise ModelFileError(
            f"save takes arrays of up to 2 GiB together. Got {archive.file_size(result):,} bytes. "
            "Save parts of the model, or save it without its optimizer."
        )
    return result


def _check_array(name: object, array: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"save takes text as names of arrays. Got {short(name)}.")
    if not archive.fits_name(name) or name == description.NAME:
        raise ModelFileError(
            f"save takes names of arrays that are printable, without / and \\, do not end in .npy "
            f"and are no longer than {archive.MAX_NAME} bytes. Got {short(name)}. Rename it."
        )
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"save takes a NumPy array for {name}. Got {short(array)}. Use numpy.asarray, or "
            "filled() of a masked array."
        )
    if array.dtype.name not in DTYPES:
        raise ModelFileError(
            f"save takes arrays of {', '.join(DTYPES)}. Got {array.dtype} in {name}. "
            "Use astype, or put what is no array into the config."
        )
    if not archive.fits_shape(array.dtype.name, array.shape):
        raise ModelFileError(f"save takes arrays of up to 2 GiB. Got {array.shape} in {name}.")
    if not _finite(array):
        raise ModelFileError(
            f"save takes finite numbers. Got NaN or infinity in {name}. Go back to the weights "
            "from before the training diverged."
        )


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


class Contents:
    """A file whose description, directory and headers fit each other; nothing is read in yet.

    Raises
    ------
    ModelFileError
        They do not fit.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name
        self.description = description.read(_description_bytes(file, name), name)
        self.members = archive.members(file, name)
        self._check_members()

    def _check_members(self) -> None:
        """Every fault of every array is in the one error."""
        entries = self.description["arrays"]
        wanted = {key + ".npy" for key in entries} | {_DESCRIPTION}
        extra = [key.removesuffix(".npy") for key in self.members if key not in wanted]
        faults = [f"{short(key)} is not described" for key in extra]
        for key, entry in entries.items():
            dtype, shape = entry["dtype"], tuple(entry["shape"])
            header = archive.npy_header(dtype, shape)
            member = self.members.get(key + ".npy")
            if member is None:
                faults.append(f"{key} is missing")
                continue
            self.file.seek(member.begin)
            size = len(header) + math.prod(shape) * np.dtype(dtype).itemsize
            if member.size != size or self.file.read(len(header)) != header:
                faults.append(f"{key} is not {dtype} {shape}, as it is described")
        if faults:
            more = [f"and {len(faults) - _SHOWN:,} more"] if len(faults) > _SHOWN else []
            raise ModelFileError(
                f"{self.name} does not hold the arrays that it describes: "
                f"{'; '.join(faults[:_SHOWN] + more)}. Use another copy of it."
            )

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Name and array, one after the other, each verified by its checksums."""
        for key, entry in self.description["arrays"].items():
            array, sha256 = archive.read_array(
                self.file,
                self.members[key + ".npy"],
                entry["dtype"],
                entry["shape"],
                key,
                self.name,
            )
            if sha256 != entry["sha256"]:
                raise damaged(self.name, f"{key} does not match its checksum")
            if not _finite(array):
                raise ModelFileError(
                    f"{self.name} has NaN or infinity in {key}. Use another copy of it."
                )
            if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
                raise damaged(self.name, f"{key} has values other than True and False")
            yield key, array


def _description_bytes(file: IO[bytes], name: str) -> bytes:
    """The JSON text, before all else is checked: a newer format may differ in all else."""
    file.seek(0)
    start = file.read(4)
    if not start:
        raise ModelFileError(f"{name} is empty. Use another copy of it.")
    if start not in (b"PK\3\4", b"PK\5\6"):
        kind = foreign.kind_of(file, name)
        raise ModelFileError(
            f"{name} is no model file: "
            f"{kind or 'it is not an npz archive. Use a file that model.save wrote.'}"
        )
    try:
        with zipfile.ZipFile(file) as opened:
            names = opened.namelist()
            described = _DESCRIPTION in names
            data = _start_of(opened) if described else b""
    except (OSError, MemoryError):
        raise
    except Exception:  # zipfile meets bad bytes with errors of many kinds
        raise damaged(name, "it is cut off, or its directory cannot be read") from None
    if not described:
        raise ModelFileError(
            f"{name} is an archive but no model file: it has no {description.NAME}. "
            f"{foreign.kind_of_archive(names, name) or 'Use a file that model.save wrote.'}"
        )
    size = len(data) - _HEADER
    if size > description.MAX_BYTES:
        raise damaged(name, "its description is too large")
    if size < 0 or not data.startswith(archive.npy_header("uint8", (size,))):
        raise damaged(name, "its description is not text")
    return data[_HEADER:]


def _start_of(opened: zipfile.ZipFile) -> bytes:
    """The description's member, or one byte more than it may have."""
    plain = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack all, however much
    if opened.getinfo(_DESCRIPTION).compress_type not in plain:
        return b""
    with opened.open(_DESCRIPTION) as member:
        return member.read(_HEADER + description.MAX_BYTES + 1)
