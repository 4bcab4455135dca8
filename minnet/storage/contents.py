"""From a config and arrays to the members of an archive, and back: each checked by the other."""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from minnet.checks import Array, ModelFileError, short
from minnet.registry import Config
from minnet.storage import archive, description
from minnet.storage.archive import DTYPES, Header, Member, damaged

_DESCRIPTION = description.NAME + ".npy"
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
    if archive.byte_count(array.dtype.name, array.shape) > archive.MAX_FILE:
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
        opened = archive.open_archive(file, name)
        self.description = description.read(_description_bytes(opened, name), name)
        self.members = archive.members(opened, file, name)
        self.headers = self._headers()

    def _headers(self) -> dict[str, Header]:
        """The headers of all arrays; every fault of every array is in the one error."""
        entries = self.description["arrays"]
        wanted = {key + ".npy" for key in entries}
        extra = [key for key in self.members if key not in wanted and key != _DESCRIPTION]
        faults = [f"{short(key.removesuffix('.npy'))} is not described" for key in extra]
        headers = {}
        for key, entry in entries.items():
            member = self.members.get(key + ".npy")
            if member is None:
                faults.append(f"{key} is missing")
                continue
            header = headers[key] = self._header(key, member)
            described = (entry["dtype"], tuple(entry["shape"]))
            if (header.dtype, header.shape) != described:
                faults.append(
                    f"{key} is {header.dtype} {header.shape} and is described as "
                    f"{described[0]} {described[1]}"
                )
            size = math.prod(header.shape) * np.dtype(header.dtype).itemsize
            if len(header.raw) + size != member.size:
                faults.append(
                    f"{key} of shape {header.shape} takes {size:,} bytes and has "
                    f"{member.size - len(header.raw):,}"
                )
        if faults:
            more = [f"and {len(faults) - _SHOWN:,} more"] if len(faults) > _SHOWN else []
            raise ModelFileError(
                f"{self.name} does not hold the arrays that it describes: "
                f"{'; '.join(faults[:_SHOWN] + more)}. Use another copy of it."
            )
        return headers

    def _header(self, key: str, member: Member) -> Header:
        self.file.seek(member.begin)
        start = self.file.read(min(member.size, archive.MAX_HEADER))
        return archive.read_header(start, key, self.name)

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Name and array, one after the other, each verified by its checksums."""
        for key, header in self.headers.items():
            array, sha256 = archive.read_array(
                self.file, self.members[key + ".npy"], header, key, self.name
            )
            if sha256 != self.description["arrays"][key]["sha256"]:
                raise damaged(self.name, f"{key} does not match its checksum")
            if not _finite(array):
                raise ModelFileError(
                    f"{self.name} has NaN or infinity in {key}. Use another copy of it."
                )
            if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
                raise damaged(self.name, f"{key} has values other than True and False")
            yield key, array


def _description_bytes(opened: zipfile.ZipFile, name: str) -> bytes:
    """The JSON text, before all else is checked: a newer format may differ in all else."""
    if _DESCRIPTION not in opened.namelist():
        raise ModelFileError(
            f"{name} is an archive but no model file: it has no {description.NAME}. Use a file "
            "that model.save wrote; for one of numpy.savez, use numpy.load and model.set_weights."
        )
    limit = description.MAX_BYTES + archive.MAX_HEADER
    try:
        with opened.open(_DESCRIPTION) as member:
            data = member.read(limit + 1)
    except (OSError, MemoryError):
        raise
    except Exception:  # zipfile meets bad bytes with errors of many kinds
        raise damaged(name, "its description cannot be read") from None
    if len(data) > limit:
        raise damaged(name, "its description is too large")
    header = archive.read_header(data[: archive.MAX_HEADER], "its description", name)
    if header.dtype != "uint8" or header.shape != (len(data) - len(header.raw),):
        raise damaged(name, "its description is not text")
    return data[len(header.raw) :]
