"""Files that are safe to load and safe to save: a config and named arrays in one `.npz`.

The file is an archive of `.npy` members that plain `numpy.load` reads, too. One member,
`minnet.json`, says what all the others are. Nothing in it is ever executed or unpickled.

- `disk.py`: a file is replaced whole or not at all.
- `archive.py`: the container, and the arrays in it.
- `description.py`: `minnet.json`, and the version of the format.
- `contents.py`: the two together, each checked by the other.

Whatever the bytes of a file, `load` gives exactly what was saved or raises a `ModelFileError`, and
it never asks for more memory than the size of the file explains.

The four are imported by the functions below: a program without files needs none of them, nor json,
zipfile, shutil and secrets, which take longer to import than all layers, losses and optimizers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from minnet.foundation.checks import Array, ModelFileError
from minnet.foundation.registry import Config

if TYPE_CHECKING:
    from pathlib import Path


def save(
    path: str | os.PathLike[str],
    config: Config,
    arrays: Mapping[str, Array],
    *,
    any_name: bool = False,
) -> Path:
    """Write a config and arrays to exactly this path; an old file stays until all is well.

    The new file is written beside the old one, read back, and put in its place. Equal content
    gives equal bytes.

    Parameters
    ----------
    path
        Where to; no suffix is added.
    config
        Plain finite values as JSON knows them: numbers, text, lists, dicts with text as keys.
    arrays
        By name; finite numbers of one of the dtypes in `files.DTYPES`, of any shape.
    any_name
        Whether the file may bear a name that says another program's, such as model.keras.

    Returns
    -------
    Path
        The path as it was given.

    Raises
    ------
    ModelFileError
        The folder is missing, the disk is full, an array has a NaN, a file cannot hold a value, …;
        what was at the path before is unchanged.
    TypeError
        The path, the config or an array is of the wrong kind.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(folder + "/a.npz", {"classes": 2}, {"W": np.eye(2, dtype="float32")})
    ...     load(path)
    ({'classes': 2}, {'W': array([[1., 0.],
           [0., 1.]], dtype=float32)})
    """
    from minnet.files import archive, contents, disk

    target = disk.as_path(path, "save")
    members = contents.members(config, arrays)
    with disk.replacing(target, "save", any_name=any_name) as file:
        archive.write(file, members)
        file.flush()
        os.fsync(file.fileno())
        _verify(file, target)
    return target


def check(config: Config, arrays: Mapping[str, Array]) -> None:
    """Raise what `save` would where no file can hold this; nothing is written."""
    from minnet.files import contents

    contents.members(config, arrays)


def load(path: str | os.PathLike[str], who: str = "load") -> tuple[Config, dict[str, Array]]:
    """The config and the arrays of a file that `save` wrote; the arrays are new and writable.

    Parameters
    ----------
    path
        The file.
    who
        Who wants it, for the errors.

    Raises
    ------
    ModelFileError
        The file is missing, no model, damaged, or of another format.
    TypeError
        The path is no path.

    Examples
    --------
    >>> load("not_there.npz")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minnet.ModelFileError: load takes a file that exists. Got not_there.npz, which does ...
    """
    from minnet.files import contents, disk

    source = disk.as_path(path, who)
    with disk.reading(source, who) as file:
        opened = contents.Contents(file, str(source))
        return opened.description["config"], dict(opened.arrays())


def check_path(path: str | os.PathLike[str], who: str) -> Path:
    """The path, if a file can be written there now; nothing is written.

    Raises
    ------
    ModelFileError
        A folder, a device, no permission, or no such folder.
    TypeError
        The path is no path.
    """
    from minnet.files import disk

    checked = disk.as_path(path, who)
    disk.target_of(checked, who)
    return checked


def keep_as(path: Path, other: Path, who: str) -> bool:
    """Give the file at `path` a second name; False where another file has that name.

    Raises
    ------
    ModelFileError
        The disk is full, no permission, …
    """
    from minnet.files import disk

    return disk.keep_as(path, other, who)


def description_of(path: Path) -> dict[str, Any]:
    """All that a file which `save` wrote says of itself; of the arrays only the headers are read.

    Raises
    ------
    ModelFileError
        The file is missing, no model, or damaged there.
    """
    from minnet.files import contents, disk

    with disk.reading(path, "description_of") as file:
        return contents.Contents(file, str(path)).description


def file_hash(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes in hexadecimal, to name a file by what is in it.

    Raises
    ------
    ModelFileError
        The file is missing or cannot be read.
    """
    import hashlib

    from minnet.files import disk

    with disk.reading(disk.as_path(path, "file_hash"), "file_hash") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _verify(file: IO[bytes], target: Path) -> None:
    """Read back what was written; the arrays' checksums were taken before it was."""
    from minnet.files.contents import Contents

    try:
        for _ in Contents(file, str(target)).arrays():
            pass
    except ModelFileError:
        raise ModelFileError(
            f"save could not write {target}: what was read back differs from what was written. "
            "What was there before is unchanged. Save to another disk, and do not change the "
            "arrays meanwhile."
        ) from None
