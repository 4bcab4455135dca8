"""The wheel alone, in a fresh environment and an empty folder: what the README promises.

    python tests/install.py                  # needs hatchling, and a package index for pip
    python tests/install.py numpy==2.0.*     # with this beside it

Builds wheel and sdist twice, compares the bytes, installs the wheel with the Python that runs this,
and tries what a user would. The page for the index is looked at with an address of the project and
without one, and with twine installed it is checked as well.
"""

from __future__ import annotations

import email
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST_WHEEL = 1_500_000
"""Bytes. The two trained models and the digits are 0.4 MB of it; it grows on purpose alone."""

RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}
"""Names that no file on Windows has."""

MAIN_JOB = """
import minnet
base = minnet.load_pretrained("mnist-8x8")
x, y, x_test, y_test = minnet.datasets.digits(per_class=5, seed=0)
model = base.replace_head(minnet.layers.Dense(10, activation="softmax"), seed=0)
model.freeze("all_but_head")
model.compile(minnet.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", ["accuracy"])
model.fit(x, y, epochs=100, verbose=0)
model.save("digits.npz")
accuracy = minnet.load("digits.npz").evaluate(x_test, y_test)["accuracy"]
assert accuracy > 0.93, accuracy
print(f"main job: {accuracy:.1%} of 1,797 digits, with {minnet.__file__}")
"""

OWN_STEP = """
import numpy as np
rng = np.random.default_rng(0)
x, y, w = rng.normal(size=20), rng.normal(size=20), 0.0
for step in range(20):
    error = w * x - y
    loss = (error**2).mean()
    dw = 2 * (error * x).mean()
    w -= 0.1 * dw
"""

DOORS = """
import minnet
from minnet import keras
model = keras.Sequential([keras.layers.Dense(2, activation="softmax", input_shape=(3,))])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit([[0.0, 1.0, 2.0]], [1], verbose=0)
small = minnet.Sequential([minnet.layers.Dense(2, input_dim=3)], seed=0)
minnet.exchange.save_safetensors(small, "small.safetensors")
again = minnet.exchange.load_safetensors("small.safetensors")
assert (again.theta == small.theta).all()
for door in ("minnet.sklearn", "minnet.parallel"):
    try:
        __import__(door)
        if door == "minnet.parallel":
            minnet.parallel.DataParallel(small)
    except ModuleNotFoundError as error:
        assert "pip install" in str(error), error
        print(error)
"""


def run(command: Sequence[str], folder: Path, codes: Sequence[int] = (0,)) -> str:
    """Run a command in a folder, and return what it printed; end where its code is another."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHONPATH", "VIRTUAL_ENV", "MINNET_", "CI"))
    }
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "MPLBACKEND": "Agg"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    environment.setdefault("SOURCE_DATE_EPOCH", "1577836800")  # 2020: any will do, if it stays
    done = subprocess.run(
        list(command), cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def built(source: Path, kind: str, folder: Path) -> Path:
    """Return the wheel or sdist of a source tree."""
    run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)], source)
    (file,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return file


def build_both(folder: Path) -> Path:
    """Return the wheel; it and the sdist come out twice the same, and from the sdist as well."""
    files = [built(ROOT, kind, folder / n / kind) for n in "ab" for kind in ("wheel", "sdist")]
    wheel, sdist, wheel_again, sdist_again = files
    assert wheel.read_bytes() == wheel_again.read_bytes(), "another build gives another wheel"
    assert sdist.read_bytes() == sdist_again.read_bytes(), "another build gives another sdist"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    wheel_of_sdist = built(source, "wheel", folder / "c")
    assert wheel_of_sdist.read_bytes() == wheel.read_bytes(), "the sdist gives another wheel"
    print(f"built twice, and from the sdist, to the same bytes: {wheel.name}, {sdist.name}")
    for n, address in enumerate(["", "https://example.org/owner/minnet"]):
        look_at_page(source, address, folder / f"page {n}")
    return wheel


def look_at_page(source: Path, address: str, folder: Path) -> None:
    """Build with this address of the project, and refuse a page with a link that is dead."""
    (source / "PKG-INFO").unlink(missing_ok=True)  # what the sdist was built with
    project = source / "pyproject.toml"
    text, count = re.subn(
        r'^address = "[^"]*"', f'address = "{address}"', project.read_text("utf-8"), flags=re.M
    )
    assert count == 1, f"pyproject.toml has {count} addresses"
    project.write_text(text, "utf-8")
    wheel, sdist = (built(source, kind, folder / kind) for kind in ("wheel", "sdist"))
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        page = email.message_from_bytes(archive.read(name))
    links = re.findall(r"\]\(([^)]*)\)", page.get_payload())
    assert all(link.startswith("https://") for link in links), links
    lines = page.get_all("Project-URL", [])
    assert all(address in line for line in lines), lines
    assert (len(lines), len(links) > 10) == ((5, True) if address else (0, False)), (lines, links)
    print(
        f"with {address or 'no address'}: {len(lines)} Project-URL, {len(links)} links on the page"
    )
    if importlib.util.find_spec("twine") is not None:
        check = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)]
        print(" ".join(run(check, folder).split()))


def look_into(wheel: Path) -> None:
    """Refuse a wheel that is too large, is not pure, or has names that some system has not."""
    assert wheel.name.endswith("-py3-none-any.whl"), wheel.name
    size = wheel.stat().st_size
    assert size <= LARGEST_WHEEL, f"{size:,} bytes"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"minnet", "minnet_nn"}
    assert len({name.lower() for name in names}) == len(names), "two names differ by case alone"
    for name in names:
        assert name.isascii(), name
        assert not {part.partition(".")[0].lower() for part in name.split("/")} & RESERVED, name
        assert len(name) < 150, name
        assert not name.endswith((".pyc", ".so", ".pyd")), name
    print(f"{size:,} bytes, {len(names)} files")


def try_out(python: str, folder: Path) -> None:
    """Do what the README says, with the installed wheel."""

    def minnet(*arguments: str, codes: Sequence[int] = (0,)) -> str:
        return run([python, "-W", "error", "-m", "minnet", *arguments], folder, codes)

    print(run([python, "-W", "error", "-c", MAIN_JOB], folder).strip())
    print(minnet("info"))
    minnet("exercises", codes=[1])  # copies them; nothing is filled in yet
    sheets = sorted((folder / "exercises").glob("[0-9]*.py"))
    assert len(sheets) >= 10, sheets
    minnet("exercises", "--new-key", "teacher.key")
    minnet("exercises", "--solutions", "solved", "--key", "teacher.key")
    minnet("exercises", "--folder", "solved")
    minnet("tutorials")
    scripts = sorted((folder / "tutorials").glob("[0-9]*.py"))
    assert len(scripts) >= 20, scripts
    run([python, "-W", "error", str(scripts[0])], folder)
    run([python, "-W", "error", str(scripts[1])], folder)
    minnet("tutorials", "notebooks", "--notebooks")
    assert len(list((folder / "notebooks").glob("*.ipynb"))) == len(scripts)
    assert len(minnet("zoo", "--list").splitlines()) > 20
    assert len(minnet("mistakes").splitlines()) > 20
    assert "spiral" in minnet("reproduce")
    (folder / "own_step.py").write_text(OWN_STEP, "utf-8")
    print(minnet("check", "own_step.py").strip().splitlines()[-1])
    print(run([python, "-W", "error", "-c", DOORS], folder).strip())


def main(beside: Sequence[str]) -> None:
    """Build, look, install and try."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build_both(folder)
        look_into(wheel)
        venv.create(folder / "fresh", with_pip=True)
        scripts = "Scripts" if os.name == "nt" else "bin"
        python = str(folder / "fresh" / scripts / "python")
        needs = f"{wheel}[exercises]"  # Hypothesis, with which the exercises are checked
        run([python, "-m", "pip", "install", "--quiet", needs, *beside], folder)
        empty = folder / "empty"
        empty.mkdir()
        where = run([python, "-c", "import minnet; print(minnet.__file__)"], empty).strip()
        assert Path(where).resolve().is_relative_to((folder / "fresh").resolve()), where
        try_out(python, empty)
    print(f"All of it works with Python {sys.version.split()[0]}.")


if __name__ == "__main__":
    main(sys.argv[1:])
