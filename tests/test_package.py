"""The package as it is installed: light to import, and complete."""

from __future__ import annotations

import bz2
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import minnet
from minnet.course import tutorials
from minnet.pretrained.packing import unpack

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


DEFERRED = {
    *("dataclasses", "difflib", "gzip", "hashlib", "html", "importlib.resources", "json"),
    *("matplotlib", "numpy.ma", "pathlib", "secrets", "shutil", "tempfile", "zipfile"),
    *("minnet.datasets", "minnet.plots", "minnet.pretrained", "minnet.teaching.rate_finder"),
    *("minnet.files.archive", "minnet.files.contents", "minnet.files.description"),
    *("minnet.files.disk", "minnet.files.foreign", "minnet.exchange", "minnet.teaching"),
    *("minnet.transfer",),
}
"""What takes a millisecond or more to import, and not every program needs."""

FIT = """
model = minnet.Sequential([minnet.layers.Dense(2, activation="softmax", input_dim=1)])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit([[0.0], [1.0]], [0, 1], verbose=2)
"""


@pytest.mark.parametrize(
    ("others", "then"),
    [(("numpy",), ""), (("numpy", "numpy.random", "threadpoolctl", "hashlib"), FIT)],
    ids=["import", "first fit"],
)
def test_what_not_every_program_needs_is_imported_when_it_is_used(others, then) -> None:
    """Without a clock, what keeps `import minnet` short: others may import what they like.

    A fit hashes its data; before Python 3.14 hashlib comes with numpy.random.
    """
    before = f"""
import contextlib, importlib, sys
for name in {others}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
before = set(sys.modules)
import minnet
"""
    loaded = set(run(f"{before}{then}\nprint(*set(sys.modules) - before)").split())
    assert "minnet.models" in loaded
    assert loaded & DEFERRED == set()


def test_all_names_come_with_a_star_and_by_the_tab_key() -> None:
    code = "import minnet; shown = dir(minnet); from minnet import *; print(*minnet.__all__); "
    names = run(code + "print(*shown); print(*globals())").splitlines()
    wanted, shown, imported = (set(line.split()) for line in names)
    assert wanted <= shown
    assert wanted <= imported


def test_a_file_is_loaded_by_the_first_call(tmp_path) -> None:
    """The classes of its layers, its loss and its optimizer are known by then."""
    layers = [
        minnet.layers.Dense(2, "tanh", input_dim=3, kernel_regularizer=minnet.regularizers.L2())
    ]
    model = minnet.Sequential([*layers, minnet.layers.BatchNormalization()], seed=0)
    rate = minnet.schedules.CosineDecay(0.1, 10)
    model.compile(minnet.optimizers.AdamW(rate), "mse", [minnet.metrics.R2Score()])
    model.save(tmp_path / "model.npz")
    code = f"import minnet; print(minnet.load({str(tmp_path / 'model.npz')!r}).optimizer)"
    assert run(code).startswith("AdamW(")


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
    assert project["name"] == "minnet-nn"  # `minnet` on the package index is another project
    assert [d.split(">")[0] for d in project["dependencies"]] == ["numpy", "matplotlib"]
    assert project["requires-python"] == ">=3.11"


def test_the_version_is_one_number_everywhere() -> None:
    if not (ROOT / "CITATION.cff").exists():
        pytest.skip("minnet is installed without its sources")
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [minnet.__version__]
    assert re.fullmatch(r"\d+\.\d+\.\d+", minnet.__version__)


def test_the_workflow_runs_sessions_that_there_are() -> None:
    workflow, sessions = ROOT / ".github" / "workflows" / "test.yml", ROOT / "noxfile.py"
    if not workflow.exists():
        pytest.skip("minnet is installed without its sources")
    defined = set(re.findall(r"^def (\w+)\(session", sessions.read_text("utf-8"), re.MULTILINE))
    text = re.sub(r"-?\$\{\{.*?\}\}", "", workflow.read_text("utf-8"))  # the matrix's values
    run = re.findall(r"nox -s (.+)", text)
    assert {re.split(r"[(\"]", name.strip('"'))[0] for line in run for name in line.split()} == (
        defined - {"release"}  # which a person makes
    )


def test_the_tools_of_the_gate_are_pinned() -> None:
    """A new release of theirs is a commit, and not a surprise in somebody else's change."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("minnet is installed without its sources")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    dev = dict(need.partition("==")[::2] for need in project["optional-dependencies"]["dev"])
    assert dev["ruff"]
    assert dev["mypy"]


def test_a_name_of_a_room_is_shown_where_it_is() -> None:
    with pytest.raises(
        AttributeError, match=r"minnet has no 'Dense'\. Use minnet\.layers\.Dense\."
    ):
        minnet.Dense  # noqa: B018
    with pytest.raises(AttributeError, match=r"minnet has no 'Danse'\. It has: models, "):
        minnet.Danse  # noqa: B018
    assert not hasattr(minnet, "Adam")


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
    models = {name for name in data if name.startswith("minnet/pretrained/")}
    assert data - models <= names
    assert not any(n.startswith(("tests/", "tutorials/", "benchmarks/")) for n in names)
    assert not [n for n in names if n.startswith("minnet/course/scripts")]
    with zipfile.ZipFile(tmp_path / name) as wheel:
        packed = json.loads(bz2.decompress(wheel.read("minnet/course/tutorials.json.bz2")))
        for model in models:
            packed_model = wheel.read(model.replace(".npz", ".xz"))
            assert unpack(packed_model) == (ROOT / model).read_bytes()
    assert models
    assert packed == tutorials.scripts()
    assert any(n.endswith("LICENSE") for n in names)
