"""The doors from the wheel alone, each with its tool: one short program in an empty folder.

    python tests/doors.py            # those whose tools stand beside the Python that runs this
    python tests/doors.py all        # fails where a tool is missing

The wheel is installed into a fresh environment, and the tools are borrowed from this one.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

from install import built, run  # beside this file, which is run as a script

ROOT = Path(__file__).resolve().parents[1]

BEGIN = """
import numpy as np
import minnet
from minnet.layers import Dense
rng = np.random.default_rng(0)
x = rng.random((60, 4), dtype=np.float32)
y = (x.sum(axis=1) > 2).astype(int)
model = minnet.Sequential([Dense(8, "relu", input_dim=4), Dense(2, "softmax")], seed=0)
model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
model.fit(x, y, epochs=20, verbose=0)
p = model.predict(x)
def same(other, tolerance=1e-5):
    assert np.abs(np.asarray(other) - p).max() < tolerance, "it predicts something else"
"""

PROGRAMS = {
    "minnet.keras": (
        ["numpy"],
        """
from minnet import keras
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"),
                        keras.layers.Dense(2, activation="softmax")])
net.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = net.fit(x, y, epochs=30, verbose=0).history
assert history["loss"][-1] < history["loss"][0], history["loss"]
net.save("model.keras")
saved = keras.models.load_model("model.keras")
assert (saved.predict(x, verbose=0) == net.predict(x, verbose=0)).all()
""",
    ),
    "minnet.sklearn": (
        ["sklearn"],
        """
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from minnet.sklearn import MLPClassifier, MLPRegressor
net = MLPClassifier((8,), learning_rate_init=0.03, random_state=0)
steps = make_pipeline(StandardScaler(), net)
search = GridSearchCV(steps, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2).fit(x, y)
assert search.score(x, y) > 0.8, search.score(x, y)
net = MLPRegressor(hidden_layer_sizes=(32,), learning_rate_init=0.03, random_state=0)
net.fit(x, x.sum(axis=1))
assert net.score(x, x.sum(axis=1)) > 0.8
""",
    ),
    "from_sklearn, to_sklearn": (
        ["sklearn"],
        """
from sklearn.neural_network import MLPClassifier
their = MLPClassifier((5,), max_iter=3000, random_state=0).fit(x, y)
came = minnet.exchange.from_sklearn(their)
assert ((came.predict(x).ravel() > 0.5) == their.predict(x)).all()
same(minnet.exchange.to_sklearn(model).predict_proba(x))
""",
    ),
    "from_torch, to_torch": (
        ["torch"],
        """
import torch
module = minnet.exchange.to_torch(model)
same(module(torch.from_numpy(x)).detach())
same(minnet.exchange.from_torch(module).predict(x))
""",
    ),
    "from_keras, to_keras": (
        ["keras", "torch"],
        """
import os
os.environ["KERAS_BACKEND"] = "torch"
their = minnet.exchange.to_keras(model)
same(their.predict(x, verbose=0))
their.save("their.keras")
same(minnet.exchange.from_keras("their.keras").predict(x))
""",
    ),
    "to_onnx": (
        ["onnx", "onnxruntime"],
        """
import onnxruntime
minnet.exchange.to_onnx(model, "model.onnx")
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
(given,) = session.get_inputs()
same(session.run(None, {given.name: x})[0])
""",
    ),
    "save_safetensors, load_safetensors": (
        ["safetensors"],
        """
from safetensors.numpy import load_file
minnet.exchange.save_safetensors(model, "model.safetensors")
arrays = load_file("model.safetensors")
assert (arrays["dense_1.W"] == model.layers[0].W).all(), list(arrays)
same(minnet.exchange.load_safetensors("model.safetensors").predict(x))
""",
    ),
    "a table of pandas": (
        ["pandas"],
        """
import pandas
table = pandas.DataFrame(x, columns=["a", "b", "c", "d"])
net = minnet.Sequential([Dense(2, "softmax", input_dim=4)], seed=0)
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(table, pandas.Series(y), epochs=2, verbose=0)
net.predict(table)
try:
    net.predict(table[["d", "c", "b", "a"]])
except ValueError as error:
    assert "column" in str(error), error
else:
    raise AssertionError("columns in another order were taken")
""",
    ),
}
"""Door → the tools that it needs, and the program that follows `BEGIN`."""

TEAM = """
from minnet.parallel import DataParallel
team = DataParallel(model)
assert team.processes == 2, team.processes
team.fit(x, y, epochs=2, verbose=0)
"""


def main(must_all: bool) -> None:
    """Build the wheel, install it, and run the program of each door whose tools are there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = built(ROOT, "wheel", folder / "wheel")
        venv.create(folder / "fresh", with_pip=True)
        python = str(folder / "fresh" / ("Scripts" if os.name == "nt" else "bin") / "python")
        run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], folder)
        where = 'import sysconfig; print(sysconfig.get_path("purelib"))'
        packages = Path(run([python, "-c", where], folder).strip())
        # Behind its own packages, so that minnet comes from the wheel and all else from here.
        borrow = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        (packages / "borrowed.pth").write_text(borrow, "utf-8")
        tools = {tool for needed, _ in PROGRAMS.values() for tool in needed} | {"mpi4py"}
        look = "import sys, importlib.util as u; print(*filter(u.find_spec, sys.argv[1:]))"
        here = set(run([python, "-c", look, *tools], folder).split())
        missing = []
        for door, (needed, program) in PROGRAMS.items():
            lacking = [tool for tool in needed if tool not in here]
            if lacking:
                missing.append(f"{door}: no {' and no '.join(lacking)} here")
                continue
            empty = folder / door.replace(", ", "_").replace(" ", "_")
            empty.mkdir()
            from_wheel = f"assert minnet.__file__.startswith({str(folder / 'fresh')!r})"
            started = time.perf_counter()
            run([python, "-c", BEGIN + from_wheel + program], empty)
            print(f"{door}: works, {time.perf_counter() - started:.1f} s")
        launcher = Path(sys.executable).with_name("mpiexec")
        if launcher.exists():  # its library is looked for beside the Python that runs it
            launcher = Path(python).with_name("mpiexec")
            alone = ["--no-deps", "--ignore-installed", "mpich"]
            run([python, "-m", "pip", "install", "--quiet", *alone], folder)
        mpiexec = str(launcher) if launcher.exists() else shutil.which("mpiexec")
        if mpiexec is None or "mpi4py" not in here:
            missing.append("minnet.parallel: no MPI here")
        else:
            (folder / "team.py").write_text(BEGIN + TEAM, "utf-8")
            run([mpiexec, "-n", "2", python, "team.py"], folder)
            print("minnet.parallel: works with two processes")
        print(*missing, sep="\n")
        if missing and must_all:
            sys.exit("All doors were asked for, and not all could be tried.")


if __name__ == "__main__":
    main(sys.argv[1:] == ["all"])
