"""Text for outputs of any encoding: `script.py > out.txt` on Windows has one without Greek."""

from __future__ import annotations

import codecs
import io
import re
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
    "≈": "~",
    "×": "x",
    "⊙": "*",
    "–": "-",
    "°": "deg",
    "µ": "u",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
}
"""What stands for characters that an encoding has not."""

RAISED = {character: "-0123456789"[i] for i, character in enumerate("⁻⁰¹²³⁴⁵⁶⁷⁸⁹")}
"""Digits of an exponent: 10³ is no 103."""


def printable(text: str) -> str:
    """Return the text as standard output can print it, with plain characters where it has to.

    >>> printable("784→30 ✓")
    '784→30 ✓'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return _plain_text(text, encoding)
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
    return _plain_text(characters, error.encoding), error.end


def _plain_text(text: str, encoding: str) -> str:
    """A text in which plain characters stand for those that the encoding has not."""
    plain = "".join(_plain(character, encoding) for character in text)
    return re.sub(
        r"(?<=\^)([-\d])((?:\^\d)+)", lambda match: match[1] + match[2].replace("^", ""), plain
    )


def _plain(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        if character in RAISED:
            return f"^{RAISED[character]}"
        bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        if plain := PLAIN.get(character) or bare:
            return plain
        name = unicodedata.name(character, "").lower()
        if name.startswith("greek small letter "):
            return name.split()[3]
        return "?"
    return character
