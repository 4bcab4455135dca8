"""The teacher's key, without which no solutions are written.

A key is a file with a random number. A class has its fingerprint in `minnet.toml`, beside the
exercises; then only that key opens the solutions there. It keeps a class from asking by habit, and
no more: minnet is open, and its solutions stand in its source.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

HEAD = "minnet teacher's key "


def new_key(path: str | Path) -> str:
    """Write a key into a new file; what to put into `minnet.toml`.

    Raises
    ------
    ValueError
        The file is there already.
    """
    text = HEAD + secrets.token_hex(32)
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise ValueError(
            f"--new-key takes the name of a new file. Got {path}, which is there. Name another one."
        ) from None
    return (
        f"The key is in {path}. Keep it to yourself. In a class, put this into the "
        f'minnet.toml that students get:\n\n    [exercises]\n    key = "{fingerprint(path)}"'
    )


def fingerprint(path: str | Path) -> str:
    """What `minnet.toml` has of a key.

    Raises
    ------
    ValueError
        The file is no key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text.startswith(HEAD):
        raise ValueError(
            f"--key takes a teacher's key. Got {path}, which is none. Make one: "
            "python -m minnet exercises --new-key teacher.key"
        )
    return hashlib.sha256(text.encode()).hexdigest()


def check_key(path: str | Path | None, expected: str | None) -> None:
    """Raise a `ValueError` unless this key opens the solutions of a class.

    Parameters
    ----------
    expected
        The fingerprint that the class has set; None takes any key.
    """
    if path is None:
        raise ValueError(
            "--solutions takes the teacher's key as well, --key teacher.key. Got none. Make one: "
            "python -m minnet exercises --new-key teacher.key"
        )
    if fingerprint(path) != (expected or fingerprint(path)):
        raise ValueError(
            f"--key takes the key that minnet.toml names. Got another one, {path}. Ask your "
            "teacher."
        )
