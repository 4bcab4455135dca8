"""The member `minnet.json`: what a file says of itself, and how that is checked.

{"format": "minnet", "format_version": 4, "minnet_version": "0.1.0",
 "config": {…}, "arrays": {name: {"dtype": …, "shape": […], "sha256": …}}, "sha256": …}

An array's sha256 is that of its member, header included. The last sha256 is that of the rest of
the description, as JSON with sorted keys.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from minnet.files import DTYPES
from minnet.files.archive import damaged, fits_name, fits_shape
from minnet.foundation.checks import ModelFileError, short
from minnet.foundation.registry import Config
from minnet.foundation.version import __version__

FORMAT_VERSION = 4
"""The one format that this minnet reads; no release wrote 1 to 3. Every format keeps the member
`minnet.json`, stored or deflated, so that any minnet can name the format of any file."""

NAME = "minnet.json"
MAX_BYTES = 2 * 2**20
MAX_VALUES = 100_000
MAX_DEPTH = 50

_TEXT = re.compile(r'"(?:[^"\\]+|\\.)*+"?', re.DOTALL)


def write(config: Config, arrays: dict[str, dict[str, Any]]) -> bytes:
    """The description as UTF-8 JSON.

    Parameters
    ----------
    config
        Plain finite values, with text as keys.
    arrays
        Dtype, shape and SHA-256 by name.
    """
    description: dict[str, Any] = {
        "format": "minnet",
        "format_version": FORMAT_VERSION,
        "minnet_version": __version__,
        "config": config,
        "arrays": arrays,
    }
    try:
        description["sha256"] = _checksum(description)
        text = _dump(description)
        data = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            "save takes a config of finite numbers, text, lists and dicts. Got one that JSON "
            f"cannot hold: {error}."
        ) from None
    values, depth = values_and_depth(text)
    if len(data) > MAX_BYTES or values > MAX_VALUES:
        raise ModelFileError(
            f"save takes a config of up to {MAX_VALUES:,} values and {MAX_BYTES:,} bytes. Got "
            f"{values:,} values and {len(data):,} bytes. Keep long lists in arrays."
        )
    if depth > MAX_DEPTH:
        raise ModelFileError(
            f"save takes a config nested up to {MAX_DEPTH} deep. Got a deeper one."
        )
    if json.loads(text) != description:
        raise ModelFileError(
            "save takes a config that JSON gives back alike. Got a tuple, or a key that is not "
            "text. Use lists, and text as keys."
        )
    return data


def read(data: bytes, name: str) -> dict[str, Any]:
    """The description in these bytes, with everything checked that it says of itself."""
    try:
        text = data.decode()
        values, depth = values_and_depth(text)
        if values > MAX_VALUES or depth > MAX_DEPTH:
            raise damaged(name, "its description is too large")
        description = json.loads(text)
    except ModelFileError:
        raise
    except (ValueError, RecursionError):
        raise damaged(name, "its description is not JSON") from None
    if not isinstance(description, dict) or description.get("format") != "minnet":
        raise ModelFileError(
            f"{name} is no model file: {NAME} does not say that minnet wrote it. Use a file that "
            "model.save wrote."
        )
    version = description.get("format_version")
    if type(version) is not int or version < 1:
        raise damaged(name, f"its format version is {short(version)}")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{name} was written by minnet {_shown_version(description)} in file format {version}. "
            f"This is minnet {__version__}, which reads up to format {FORMAT_VERSION}. "
            "Install the newer minnet."
        )
    if version < FORMAT_VERSION:
        raise ModelFileError(
            f"{name} is a file of format {version}, which only minnet before its first release "
            "wrote: make it again with this minnet."
        )
    try:  # refuses NaN, a key that occurs twice, and every other spelling than `write`'s
        same = text == _dump(description) and description["sha256"] == _checksum(description)
    except (KeyError, ValueError):
        same = False
    if not same:
        raise damaged(name, "its description does not match its checksum")
    wanted = {"format", "format_version", "minnet_version", "config", "arrays", "sha256"}
    if description.keys() != wanted or not isinstance(description["config"], dict):
        raise damaged(name, "its description lacks a part or has one too many")
    _check_entries(description["arrays"], name)
    return description


def _check_entries(arrays: Any, name: str) -> None:
    if not isinstance(arrays, dict):
        raise damaged(name, "its description lists no arrays")
    for key, entry in arrays.items():
        fine = (
            fits_name(key)
            and isinstance(entry, dict)
            and entry.keys() == {"dtype", "shape", "sha256"}
            and entry["dtype"] in DTYPES
            and isinstance(entry["shape"], list)
            and all(type(n) is int for n in entry["shape"])
            and fits_shape(entry["dtype"], entry["shape"])
            and isinstance(entry["sha256"], str)
        )
        if not fine:
            raise damaged(name, f"its description of {short(key)} is not one")


def _dump(description: dict[str, Any]) -> str:
    return json.dumps(description, allow_nan=False, ensure_ascii=False)


def _checksum(description: dict[str, Any]) -> str:
    rest = {key: value for key, value in description.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def values_and_depth(text: str) -> tuple[int, int]:
    """How many values a JSON text has at most, and how deep they are nested."""
    marks = re.sub(r"[^][{},]", "", _TEXT.sub("", text))
    depth = deepest = 0
    values = marks.count(",") + marks.count("[") + marks.count("{")
    if values <= MAX_VALUES:
        for mark in marks.replace(",", ""):
            depth += 1 if mark in "[{" else -1
            deepest = max(deepest, depth)
    return values, deepest


def _shown_version(description: dict[str, Any]) -> str:
    version = description.get("minnet_version")
    return version if isinstance(version, str) and version.isprintable() else short(version)
