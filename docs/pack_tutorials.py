"""What hatchling runs for a wheel: all tutorials in one file, a sixth smaller than one by one.

They stand once, in `tutorials/`; `minnet.course.tutorials` reads the file where there is no
checkout.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackTutorials(BuildHookInterface):
    """Add `minnet/course/tutorials.json.gz` to a wheel: a dict of name → source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write it beside the tree; an editable install has the checkout."""
        if version == "editable":
            return
        scripts = sorted(Path(self.root, "tutorials").glob("[0-9][0-9]_*.py"))
        sources = {script.name: script.read_text(encoding="utf-8") for script in scripts}
        text = json.dumps(sources, ensure_ascii=False).encode()
        self.folder = tempfile.mkdtemp()
        path = Path(self.folder, "tutorials.json.gz")
        path.write_bytes(gzip.compress(text, 9, mtime=0))  # no time, so that bytes stay the same
        build_data["force_include"][str(path)] = "minnet/course/tutorials.json.gz"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it, once it is in the wheel."""
        if version != "editable":
            shutil.rmtree(self.folder)
