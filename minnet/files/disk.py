"""Opening a file to read it, and replacing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from minnet.foundation.checks import ModelFileError, short

_FIXES = {
    errno.ENOSPC: "Make room on the disk, or choose another one.",
    errno.EDQUOT: "Make room on the disk, or choose another one.",
    errno.EFBIG: "Make room on the disk, or choose another one.",
    errno.EACCES: "Choose a folder and a file that you have permission for.",
    errno.EPERM: "Choose a folder and a file that you have permission for.",
    errno.EROFS: "Choose a folder and a file that you have permission for.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}

_OTHERS = {
    ".h5": "Keras",
    ".hdf5": "Keras",
    ".keras": "Keras",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".onnx": "ONNX",
    ".safetensors": "safetensors",
    ".pkl": "another program",
    ".pickle": "another program",
    ".joblib": "joblib",
}
"""Suffixes that say what a file is → whose files have them."""

FORMS = {
    ".npz": "minnet's own format, an npz archive",
    ".safetensors": "a safetensors file",
    ".onnx": "an ONNX file",
}
"""Suffixes of the files that minnet writes → what they are."""

LEFTOVER_SECONDS = 3600.0
"""Part files older than this are of no process that still writes."""

IN_USE = (5, 32, 33)
"""Windows' numbers for a file that another program has open, such as a virus scanner."""

WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between the attempts to replace a file that is in use; most programs let go by then."""

_PART = re.compile(r"\.minnet-[0-9a-f]+\.part")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows' word for: as it is


def as_path(path: object, who: str) -> Path:
    """The path as a Path; text and path objects are taken, nothing else."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f'{who} takes a path such as "model.npz". Got {short(text)}.')
    try:
        possible = bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ModelFileError(
            f'{who} takes a path such as "model.npz". Got {short(text)}, which no file can have.'
        )
    return Path(text)


@contextlib.contextmanager
def reading(path: Path, who: str) -> Iterator[IO[bytes]]:
    """The file, open for reading; all that the system refuses is a ModelFileError."""
    try:
        try:
            mode = path.stat().st_mode  # exists() keeps other reasons to itself from Python 3.14 on
        except (FileNotFoundError, NotADirectoryError):
            raise ModelFileError(
                f"{who} takes a file that exists. Got {path}, which does not. Check the path; "
                f"you are in {Path.cwd()}."
            ) from None
        if stat.S_ISDIR(mode):
            raise ModelFileError(f"{who} takes a file. Got the folder {path}. Add the file's name.")
        if not stat.S_ISREG(mode):
            raise ModelFileError(f"{who} takes a file. Got {path}, a device or a pipe.")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ModelFileError(f"{who} could not read {path}: {_reason(error)}") from None


def target_of(path: Path, who: str, form: str = ".npz", *, any_name: bool = False) -> Path:
    """The file that writing to this path will replace: that of a link, and the path itself else.

    Parameters
    ----------
    form
        The suffix of what is written, one of `FORMS`; any other program's is refused.
    any_name
        Whether the file may bear a name that says another program's: behind a door.

    Raises
    ------
    ModelFileError
        No file can be written there: a folder, a device, no permission, no such folder.
    """
    suffix = path.suffix.lower()
    others = _OTHERS if form == ".npz" else {**_OTHERS, ".npz": "minnet"}
    if suffix in others and suffix != form and not any_name:
        raise ModelFileError(
            f"{who} writes {FORMS[form]}. Got {path}, by its name a file of "
            f"{others[suffix]}, which could not read it. Use {path.stem}{form}."
        )
    try:
        target = Path(os.path.realpath(path))  # a link stays a link; its file is replaced
        if target.is_symlink():  # it leads nowhere
            raise ModelFileError(
                f"{who} takes a file's path. Got {path}, a link that leads back to itself. Remove "
                "the link, or use another name."
            )
        if not path.name or target.is_dir():
            raise ModelFileError(
                f"{who} takes a file's path. Got the folder {path}. Add a file name."
            )
        if not target.parent.is_dir():
            raise ModelFileError(
                f"{who} takes a path in a folder that exists. Got {path}. "
                + (
                    "Nobody expands ~ here: use pathlib.Path(path).expanduser()."
                    if path.parts[0].startswith("~")
                    else f"Make the folder {target.parent} first."
                )
            )
        if target.exists() and not target.is_file():
            raise ModelFileError(f"{who} takes a file's path. Got {path}, a device or a pipe.")
        writable = target if target.exists() else target.parent
        if not os.access(writable, os.W_OK):
            kind = "file" if target.exists() else "folder"
            raise PermissionError(errno.EACCES, f"the {kind} is write-protected")
    except OSError as error:
        raise _could_not_write(error, path, who) from None
    return target


def keep_as(path: Path, other: Path, who: str) -> bool:
    """Give the file at `path` a second name; False where another file has that name.

    A link where the file system has links, so nothing is written; else a copy, of the same
    permissions. At every moment both names are of whole files. A second name that this file has
    already stays.
    """
    try:
        source = Path(os.path.realpath(path))
        if os.path.lexists(other):
            return not other.is_symlink() and other.samefile(source)
        try:
            other.hardlink_to(source)
        except FileExistsError:
            return False
        except (OSError, NotImplementedError):
            with _unfinished(other, source) as file, source.open("rb") as original:
                shutil.copyfileobj(original, file)
    except OSError as error:
        raise _could_not_write(error, other, who) from None
    return True


@contextlib.contextmanager
def replacing(
    path: Path, who: str, form: str = ".npz", *, any_name: bool = False
) -> Iterator[IO[bytes]]:
    """A new file beside `path`, which takes its place once the block is through.

    Until then, and if the block is left by any exception, what was at `path` stays as it was and
    the new file is removed. A process that is killed leaves a `.minnet-….part` behind, which a save
    into the same folder clears away when it is older than an hour. The new file has the permissions
    of the old one, or those that any new file gets, and is never more open than that.
    """
    try:
        target = target_of(path, who, form, any_name=any_name)
        with _unfinished(target, target) as file:
            yield file
        _sync_folder(target.parent)
        _clear_leftovers(target)
    except OSError as error:
        raise _could_not_write(error, path, who) from None


@contextlib.contextmanager
def _unfinished(target: Path, model: Path) -> Iterator[IO[bytes]]:
    """A part file that becomes `target` when it is whole, as open to others as `model` is."""
    unfinished = target.with_name(f".minnet-{secrets.token_hex(8)}.part")
    mode = 0o600 if model.exists() else 0o666  # the latter less the process's umask
    try:
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        with os.fdopen(handle, "w+b") as file:
            yield file
        if model.exists():
            with contextlib.suppress(OSError):
                _open_as(unfinished, model)
        _put_in_place(unfinished, target)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _put_in_place(new: Path, target: Path) -> None:
    """Give a file the name of another, which on Windows nobody may have open at that moment."""
    for seconds in WAITS:
        try:
            new.replace(target)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in IN_USE:
                raise
            time.sleep(seconds)
        else:
            return
    new.replace(target)


def _open_as(new: Path, old: Path) -> None:
    """Give a new file the owner, as far as the system lets us, and the permissions of an old one.

    Where its group cannot be the old one's, the group may do no more than anybody could before.
    """
    wanted, mode = old.stat(), stat.S_IMODE(old.stat().st_mode)
    if hasattr(os, "chown"):
        for owner in (wanted.st_uid, -1):
            with contextlib.suppress(OSError):
                os.chown(new, owner, wanted.st_gid)
                break
    if new.stat().st_gid != wanted.st_gid:
        mode &= ~0o070 | (mode & 0o007) << 3
    new.chmod(mode)


def _clear_leftovers(target: Path) -> None:
    """Remove part files that a process of this user left beside the target, over an hour ago.

    Their age is taken from the file that was just written, whose time is of the same clock.
    """
    if not hasattr(os, "geteuid"):  # nobody could tell whose they are
        return
    with contextlib.suppress(OSError):
        now = target.stat().st_mtime
        with os.scandir(target.parent) as entries:
            leftovers = [Path(entry) for entry in entries if _PART.fullmatch(entry.name)]
        for leftover in leftovers:
            with contextlib.suppress(OSError):
                known = leftover.lstat()
                own = stat.S_ISREG(known.st_mode) and known.st_uid == os.geteuid()
                if own and known.st_mtime < now - LEFTOVER_SECONDS:
                    leftover.unlink()


def _could_not_write(error: OSError, path: Path, who: str) -> ModelFileError:
    return ModelFileError(
        f"{who} could not write {path}: {_reason(error)} What was there before is unchanged."
    )


def _reason(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    fix = _FIXES.get(error.errno or 0, "Check the disk and the path.")
    if getattr(error, "winerror", None) in IN_USE:
        fix = f"Close the program that has the file open. {fix}"
    return f"{reason}. {fix}"


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    with contextlib.suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
