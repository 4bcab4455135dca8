"""What is checked, in environments of its own: `nox -l` lists it, `nox -s tests-3.12` runs one.

The workflow on GitHub runs these sessions, and no other commands. A session whose Python is not
there is skipped, and fails on GitHub. `release` alone is for a person who makes one.
"""

import re
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST, NEWEST = "2.0", "newest"
THREADS = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
RENDERER = "readme_renderer[md]"  # with which twine reads the page for the index

nox.options.sessions = ["lint", "types", "tests-3.11", "install-3.11"]


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Form and style of all files."""
    session.install(".[dev]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Types of the package."""
    session.install(".[dev]")
    session.run("mypy")


@nox.session(python=PYTHONS)
@nox.parametrize("numpy", [NEWEST, OLDEST])
def tests(session: nox.Session, numpy: str) -> None:
    """All tests but the slow ones, or what is named after `--`; the oldest NumPy as well."""
    if numpy == OLDEST and session.python not in ("3.11", "3.12"):
        session.skip("NumPy 2.0 has no wheels for this Python")
    session.install(".[test,dev]", *([f"numpy=={OLDEST}.*"] if numpy == OLDEST else []))
    session.run("python", "-m", "pytest", "-q", *session.posargs, env=THREADS)


@nox.session(python=PYTHONS)
def install(session: nox.Session) -> None:
    """The wheel alone, in an empty folder: what the README promises."""
    session.install("build", "hatchling", "twine", RENDERER)
    session.run("python", "tests/install.py", env=THREADS)


@nox.session(python="3.12")
def doors(session: nox.Session) -> None:
    """The wheel alone, each door with its tool: PyTorch, Keras, scikit-learn and the others."""
    session.install(".[exchange,mpi]", "hatchling", "keras", "pandas", "torch")
    session.run("python", "tests/doors.py", "all", env=THREADS)


@nox.session(python="3.12")
def mpi(session: nox.Session) -> None:
    """Several processes that train one network."""
    session.install(".[test,mpi]")
    session.run("python", "-m", "pytest", "-q", "tests/test_parallel.py", env=THREADS)


@nox.session
def release(session: nox.Session) -> None:
    """Build and check what is uploaded, into dist/; refuse what cannot be mended afterwards."""
    metadata = nox.project.load_toml("pyproject.toml")["tool"]["hatch"]["metadata"]
    if not metadata["hooks"]["custom"]["address"]:
        session.error(
            "A release takes the project's address, or every link of its page would be missing. "
            "pyproject.toml has none. Write it there and into CITATION.cff"
        )
    written = Path("minnet/foundation/version.py").read_text("utf-8")
    (version,) = re.findall(r'"(\d+\.\d+\.\d+)"', written)
    if f"\n## {version} " not in Path("CHANGELOG.md").read_text("utf-8"):
        session.error(
            f'A release takes a heading "## {version} (the day)" in CHANGELOG.md. It has none. '
            "Rename Unreleased, and put a new one above it"
        )
    if changed := session.run("git", "status", "--porcelain", external=True, silent=True):
        session.error(
            f"A release takes a commit and no other files. Got\n{changed}Commit or remove them"
        )
    session.install("build", "twine", RENDERER)
    shutil.rmtree("dist", ignore_errors=True)
    day = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    session.run("python", "-m", "build", env={"SOURCE_DATE_EPOCH": str(day).strip()})
    files = [str(path) for path in sorted(Path("dist").iterdir())]
    session.run("twine", "check", "--strict", *files)
    session.install("--no-deps", *(file for file in files if file.endswith(".whl")))
    Path("build").mkdir(exist_ok=True)
    session.run("python", "-m", "readme_renderer", "-p", "minnet-nn", "-o", "build/page.html")
    session.log("Look at build/page.html, which the package index will show.")
    session.log(f"Then: git tag v{version}, push it, and twine upload {' '.join(files)}")
