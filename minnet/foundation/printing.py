"""Text for outputs of any encoding: `script.py > out.txt` on Windows has one without Greek."""

from __future__ import annotations

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
