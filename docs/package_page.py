"""What hatchling runs for the metadata: the page of the package index, made of the README.

An index shows the README with no files beside it, so a relative link would be dead there. With the
project's address, `address` under `[tool.hatch.metadata.hooks.custom]` in `pyproject.toml`, such
links lead to the files at the tag of the version. Without an address they become plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

ADDRESS = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+")
CODE = r"^```.*?^```$|`[^`\n]+`"
LINK = r"(?P<mark>!?)\[(?P<text>[^\[\]]*)\]\((?!https://|mailto:)(?P<target>[^()\s]*)\)"
CODE_OR_LINK = re.compile(f"{CODE}|{LINK}", re.DOTALL | re.MULTILINE)
OTHER = re.compile(
    f"{CODE}|" + r"(\]\((?!https://|mailto:)[^)]*\)|^ {0,3}\[[^\]]+\]:[^\n]*|<(?:a|img)\b[^>]*>)",
    re.DOTALL | re.MULTILINE,
)
"""Code, or a link that is written in another way than `LINK`."""


def checked(address: Any) -> str:
    """Return the project's address, or "" where it has none; ValueError for anything else."""
    if address == "" or (isinstance(address, str) and ADDRESS.fullmatch(address)):
        return address
    raise ValueError(
        "address in pyproject.toml takes https://HOST/OWNER/NAME, or nothing. "
        f"Got {address!r}. Write it without a slash at its end."
    )


def urls(address: str, version: str) -> dict[str, str]:
    """Return the addresses that an index lists beside the page, each under its usual label."""
    if not address:
        return {}
    files = f"{address}/blob/v{version}"
    return {
        "Homepage": address,
        "Documentation": f"{files}/docs/index.md",
        "Source": address,
        "Issues": f"{address}/issues",
        "Changelog": f"{files}/CHANGELOG.md",
    }


def page(readme: str, address: str, version: str) -> str:
    """Return the README with no relative link; ValueError names one that is in another form."""

    def elsewhere(match: re.Match[str]) -> str:
        mark, text, target = match["mark"], match["text"], match["target"]
        if target is None:
            return match[0]  # code stays as it is
        target = f"README.md{target}" if target.startswith("#") else target
        if address:
            return f"{mark}[{text}]({address}/{'raw' if mark else 'blob'}/v{version}/{target})"
        return text if text.strip("`") == target else f"{text} (`{target}`)"

    made = CODE_OR_LINK.sub(elsewhere, readme)
    for other in OTHER.finditer(made):
        if other[1]:
            raise ValueError(
                "The page of the package index takes links of the form [text](file) or "
                f"![text](picture). Got {other[1]!r} in README.md. Write it so."
            )
    return made


class PackagePage(MetadataHookInterface):
    """Give the metadata the README as an index can show it, and the project's addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what is not there yet: an sdist brings both."""
        address, version = checked(self.config.get("address", "")), metadata["version"]
        metadata.setdefault("urls", urls(address, version))
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        made = {"content-type": "text/markdown", "text": page(text, address, version)}
        metadata.setdefault("readme", made)
