"""A student's file, written for one test."""

from __future__ import annotations

from pathlib import Path

from minnet.teaching.scripts import report


def checked(tmp_path: Path, source: str) -> tuple[int, str]:
    """The exit code and the report on a file with this source."""
    file = tmp_path / "my_network.py"
    file.write_text(source, "utf-8")
    return report.check(str(file))
