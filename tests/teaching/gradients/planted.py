"""The planted bugs and the correct code of `benchmarks/detective.py`, for tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def benchmark() -> ModuleType:
    """The benchmark as a module."""
    path = Path(__file__).parents[3] / "benchmarks" / "detective.py"
    spec = importlib.util.spec_from_file_location("minnet_benchmark_detective", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
