"""The package as it is installed: light to import, and complete."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import minnet

ROOT = Path(minnet.__file__).parents[1]


def run(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


def test_importing_minnet_imports_numpy_and_nothing_else_from_outside() -> None:
    loaded = run(
        "import sys; before = set(sys.modules); import minnet; "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    ).split()
    outside = {name for name in loaded if name not in sys.stdlib_module_names}
    outside = {name for name in outside if not name.startswith("_")}
    assert outside == {"minnet", "numpy"}


def test_importing_minnet_prints_nothing_and_seeds_nothing() -> None:
    code = (
        "import numpy as np; a = np.random.get_state()[1].copy(); import minnet; "
        "assert (a == np.random.get_state()[1]).all()"
    )
    assert run(code) == ""


def test_the_core_needs_numpy_and_matplotlib_alone() -> None:
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("minnet is installed without its sources")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [d.split(">")[0] for d in project["dependencies"]] == ["numpy", "matplotlib"]
    assert project["requires-python"] == ">=3.11"


def test_the_wheel_carries_the_data_and_the_types(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling.build")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("minnet is installed without its sources")
    code = (
        "import sys; from hatchling.build import build_wheel; "
        f"print(build_wheel({str(tmp_path)!r}))"
    )
    assert hatchling
    name = run(code).split()[-1]
    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = set(wheel.namelist())
    data = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "minnet").rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert "minnet/py.typed" in data
    assert data <= names
    assert not any(n.startswith(("tests/", "tutorials/", "benchmarks/")) for n in names)
    assert any(n.endswith("LICENSE") for n in names)
