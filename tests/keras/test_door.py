"""The door is thin: it imports no more than it needs, and holds no formula."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minnet

DOOR = sorted((Path(minnet.__file__).parent / "keras").rglob("*.py"))

OF_NUMPY = {
    *("array", "asarray", "ndarray", "ndim", "size", "reshape", "ones", "unique"),
    *("random", "floating", "float16", "dtype", "generic"),
}
"""What the door uses of NumPy: to hold, reshape and cast. `unique` names the classes of labels."""

ARITHMETIC = (ast.Mult, ast.MatMult, ast.Div, ast.Pow, ast.Mod)


@pytest.mark.parametrize("file", DOOR, ids=lambda path: path.stem)
def test_no_file_of_the_door_computes_with_arrays(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "np"
    }
    assert used <= OF_NUMPY, used - OF_NUMPY
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ARITHMETIC):
            counting = isinstance(node.op, ast.Mod) and "_batches" in ast.unparse(node)
            assert counting, f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("file", DOOR, ids=lambda path: path.stem)
def test_each_file_of_the_door_is_one_sitting(file: Path) -> None:
    assert file.read_text("utf-8").count("\n") <= 650


def test_minnet_does_not_import_the_door_and_the_door_needs_numpy_alone() -> None:
    code = """
import sys
import minnet
assert "minnet.keras" not in sys.modules
import minnet.keras
others = {"keras", "tensorflow", "torch", "sklearn", "matplotlib", "pandas", "scipy", "h5py"}
assert not others & set(sys.modules), others & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
