"""Text for outputs of any encoding: `script.py > out.txt` on Windows has one without Greek."""

from __future__ import annotations

import codecs
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
    """Let standard output and error print any text, with plain characters where they have to.

    For a program that prints alone, such as the command line: the streams are the whole process's.
    """
    codecs.register_error("minnet.plain", _replacement)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in ("strict", "backslashreplace"):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="minnet.plain")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that the encoding of a stream has not, and where it goes on."""
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
