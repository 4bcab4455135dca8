"""Published programs, in other words: they run with only their import lines changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minnet

ROOT = Path(minnet.__file__).parents[1]
PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
PACKAGES = ("sklearn", "pandas", "scipy")


def as_minnet(program: str) -> str:
    """The program with `keras` in its import lines read from minnet; nothing else is touched."""
    lines = []
    for line in program.split("\n"):
        whole = re.sub(r"^(\s*)import keras\b", r"\1from minnet import keras", line)
        if whole == line:
            whole = re.sub(r"\b(from|import) keras\b", r"\1 minnet.keras", line)
        lines.append(whole)
    return "\n".join(lines)


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    file = folder / "program.py"
    file.write_text(as_minnet(program), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_published_program_runs(program: Path, tmp_path: Path) -> None:
    text = program.read_text("utf-8")
    for package in PACKAGES:
        if re.search(rf"^\s*(import\b.*\b|from ){package}\b", text, re.MULTILINE):
            pytest.importorskip(package, reason=f"the program uses {package}")
    if "matplotlib" in text:
        pytest.importorskip("matplotlib", reason="the program draws")
    done = run(text, tmp_path)
    assert done.returncode == 0, done.stderr


STOPS = {
    "two inputs": (
        "import keras\nfrom keras import layers\na, b = keras.Input((3,)), keras.Input((3,))\n"
        "both = layers.Concatenate()([a, b])\n",
        "minnet.keras has no layers.Concatenate. A model is a stack of layers with one input",
        "both = layers.Concatenate()([a, b])",
    ),
    "wide and deep": (
        "import keras\nx = keras.layers.Input(shape=(8,))\n"
        "h = keras.layers.Dense(30, activation='relu')(x)\n"
        "both = keras.layers.Concatenate()([x, h])\n",
        "minnet.keras has no layers.Concatenate. A model is a stack of layers with one input",
        "both = keras.layers.Concatenate()([x, h])",
    ),
    "a loss by the backend": (
        "import numpy as np\nfrom keras import backend as K\nfrom keras.models import Sequential\n"
        "from keras.layers import Dense\n"
        "def rmse(t, p):\n    return K.sqrt(K.mean(K.square(p - t)))\n"
        "m = Sequential([Dense(1, input_dim=2)])\nm.compile('adam', 'mse', metrics=[rmse])\n"
        "m.fit(np.ones((4, 2)), np.ones(4))\nm.compile('adam', loss=rmse)\n",
        "compile's loss takes a name, or a Loss. Got the function rmse, whose derivative",
        "m.compile('adam', loss=rmse)",
    ),
    "a sum of two ways": (
        "import keras\nfrom keras import layers\nx = keras.Input(shape=(8,))\n"
        "y = layers.Dense(8)(x) + x\n",
        "minnet.keras has no sum or product of the outputs of layers. A model is a stack",
        "y = layers.Dense(8)(x) + x",
    ),
}
"""Program → the sentence with which it stops, and the line that needs what is not there."""


@pytest.mark.parametrize(("program", "sentence", "line"), STOPS.values(), ids=STOPS)
def test_what_is_not_there_stops_a_program_at_the_line_that_needs_it(
    program: str, sentence: str, line: str, tmp_path: Path
) -> None:
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert f"NotImplementedError: {sentence}" in done.stderr
    assert line in done.stderr
