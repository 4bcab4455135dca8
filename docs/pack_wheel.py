"""What hatchling runs for a wheel: all tutorials in one file, and the models packed.

The tutorials stand once, in `tutorials/`; `minnet.course.tutorials` reads the file where there is
no checkout. The models stand as they were saved in `minnet/pretrained/`, and
`minnet.pretrained.packing` says how they are packed.
"""

from __future__ import annotations

import bz2
import json
import runpy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackWheel(BuildHookInterface):
    """Add `minnet/course/tutorials.json.bz2`, a dict of name → source, and the models."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write them beside the tree; an editable install has the checkout."""
        if version == "editable":
            return
        scripts = sorted(Path(self.root, "tutorials").glob("[0-9][0-9]_*.py"))
        sources = {script.name: script.read_text(encoding="utf-8") for script in scripts}
        text = json.dumps(sources, ensure_ascii=False).encode()
        self.folder = tempfile.mkdtemp()
        # bz2 is a fifth smaller than gzip
        self._add(build_data, "minnet/course/tutorials.json.bz2", bz2.compress(text))
        models = Path(self.root, "minnet", "pretrained")
        pack = runpy.run_path(str(models / "packing.py"))["pack"]
        for model in sorted(models.glob("*.npz")):
            self._add(build_data, f"minnet/pretrained/{model.stem}.xz", pack(model.read_bytes()))

    def _add(self, build_data: dict[str, Any], name: str, data: bytes) -> None:
        path = Path(self.folder, name.rpartition("/")[2])
        path.write_bytes(data)
        build_data["force_include"][str(path)] = name

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove them, once they are in the wheel."""
        if version != "editable":
            shutil.rmtree(self.folder)
