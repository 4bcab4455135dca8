"""A page that is one file, with its style and its script inside, and fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import os
from html import escape
from importlib.resources import files
from pathlib import Path

from minnet.foundation.checks import short

POLICY = "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'"
"""What a browser may do with such a page: draw this style, run this script, and fetch nothing."""


def shipped(package: str, name: str) -> str:
    """The text of a file that stands beside the code of a package."""
    return files(package).joinpath(name).read_text("utf-8")


def document(title: str, body: str, *, style: str, script: str) -> str:
    """A whole HTML page around a body, on the paper and in the ink of `page.css`.

    >>> page = document("1 < 2", "<p>Yes</p>", style="p { color: teal }", script="")
    >>> "<title>1 &lt; 2</title>" in page, "http:" in page
    (True, False)
    """
    style = shipped("minnet.foundation", "page.css") + style
    policy = POLICY.format(_fingerprint(style), _fingerprint(script))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _fingerprint(text: str) -> str:
    """The hash by which a page's policy knows its own style and script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page_path(path: str | os.PathLike[str], caller: str) -> Path:
    """The file to write a page to, with a name that browsers know.

    Raise TypeError for what is no path, and ValueError for a name that does not end in `.html` or
    a folder that is not there.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"{caller} takes the path of a file. Got {short(path)}. Pass a name, such as "
            '"page.html".'
        )
    file = Path(path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"{caller} takes a path that ends in .html. Got {path}. Pass {file.stem}.html."
        )
    if not file.parent.is_dir():
        raise ValueError(
            f"{caller} takes a path in a folder that is there. Got {path}. Make the folder "
            f"{file.parent} first."
        )
    return file
