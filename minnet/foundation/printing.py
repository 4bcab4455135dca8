"""Text for outputs of any encoding: `script.py > out.txt` on Windows has one without Greek."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

PLAIN = {
    "─": "-",
    "│": "|",
    "→": "->",
    "←": "<-",
    "✓": "ok",
    "✗": "x",
    "−": "-",
    "≥": ">=",
    "≤": "<=",
    "…": "...",
    "√": "sqrt",
    "Σ": "sum",
    "∂": "d",
    "·": "*",
    "±": "+-",
    "∞": "inf",
}
"""What stands for characters that an encoding has not."""


def printable(text: str) -> str:
    """Return the text as standard output can print it, with plain characters where it has to.

    >>> printable("784→30 ✓")
    '784→30 ✓'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_plain(character, encoding) for character in text)
    except LookupError:
        pass
    return text


def print_plainly() -> None:
    """Let standard output print whatever there is, with plain characters where it has to.

    For a program of minnet's own; a user's decides for itself how it writes.
    """
    codecs.register_error("minnet.plain", _plain_instead)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="minnet.plain")


def _plain_instead(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(_plain(character, error.encoding) for character in characters), error.end


def _plain(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        if plain := PLAIN.get(character) or bare:
            return plain
        name = unicodedata.name(character, "").lower()
        if name.startswith("greek small letter "):
            return name.split()[3]
        return "?"
    return character
