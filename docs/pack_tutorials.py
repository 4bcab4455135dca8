"""What hatchling runs for a wheel: all tutorials in one file, a third smaller than one by one.

They stand once, in `tutorials/`; `minnet.course.tutorials` reads the file where there is no
checkout.
"""

from __future__ import annotations

import bz2
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackTutorials(BuildHookInterface):
    """Add `minnet/course/tutorials.json.bz2` to a wheel: a dict of name → source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write it beside the tree; an editable install has the checkout."""
        if version == "editable":
            return
        scripts = sorted(Path(self.root, "tutorials").glob("[0-9][0-9]_*.py"))
        sources = {script.name: script.read_text(encoding="utf-8") for script in scripts}
        text = json.dumps(sources, ensure_ascii=False).encode()
        self.folder = tempfile.mkdtemp()
        path = Path(self.folder, "tutorials.json.bz2")
        path.write_bytes(bz2.compress(text))  # a fifth smaller than gzip
        build_data["force_include"][str(path)] = "minnet/course/tutorials.json.bz2"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it, once it is in the wheel."""
        if version != "editable":
            shutil.rmtree(self.folder)
