"""Run programs on equal weights, and record the figures of real Keras for those to come.

`KERAS_BACKEND=tensorflow python -m tests.keras.figures` runs each program in
`programs/with_figures` with the Keras that is installed, and writes `recorded/figures.json`, to
which `test_figures.py` holds minnet: Keras is needed for the recording alone.

Both libraries draw their first weights in their own way, so before each fit every kernel that no
fit has left behind gets weights from a seed, and rows are not shuffled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import minnet

ROOT = Path(minnet.__file__).parents[1]
HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs" / "with_figures").glob("*.py"))
RECORDED = HERE / "recorded" / "figures.json"

LEVEL = """
import json as _json, numpy as _np, {library} as _library
_figures, _left_behind, _kernels = [], set(), []
_fit = _library.Sequential.fit

def _level(weights):
    if weights.ndim != 2 or weights.tobytes() in _left_behind:
        return weights
    _kernels.append(weights.shape)
    drawn = _np.random.default_rng(len(_kernels)).normal(size=weights.shape)
    return (drawn * _np.sqrt(2 / sum(weights.shape))).astype(weights.dtype)

def _fit_levelled(self, x=None, y=None, *args, **named):
    if not self.built:
        self.build((None, *_np.shape(x)[1:]))
    self.jit_compile = False
    self.set_weights([_level(_np.array(weights)) for weights in self.get_weights()])
    history = _fit(self, x, y, *args, **{{**named, "shuffle": False}})
    _left_behind.update(_np.array(weights).tobytes() for weights in self.get_weights())
    figures = {{name: [float(one) for one in history.history[name]] for name in history.history}}
    _figures.append({{"optimizer": type(self.optimizer).__name__, **figures}})
    return history

_library.Sequential.fit = _fit_levelled
"""


def figures_of(program: str, library: str, folder: Path) -> list[dict]:
    """The optimizer and the figures of each fit of a program, run in a process of its own."""
    file, figures = folder / "program.py", folder / "figures.json"
    told = f"\n_json.dump(_figures, open({str(figures)!r}, 'w'))\n"
    level = LEVEL.format(library=library)
    if library == "minnet.keras":
        level = level.replace("    self.jit_compile = False\n", "")
    file.write_text(level + program + told, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(figures.read_text("utf-8"))


def main() -> None:
    """Record what Keras gives."""
    import tempfile

    recorded = {}
    for program in PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            text = program.read_text("utf-8")
            recorded[program.stem] = figures_of(text, "keras", Path(folder))
        print(program.stem, flush=True)
    text = json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False)
    RECORDED.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
