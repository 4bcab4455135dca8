"""What is checked, in environments of its own: `nox -l` lists it, `nox -s tests-3.12` runs one.

The workflow on GitHub runs these sessions, and no other commands.
"""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST, NEWEST = "2.0", "newest"
THREADS = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}

nox.options.sessions = ["lint", "types", "tests-3.11", "install-3.11"]
nox.options.error_on_missing_interpreters = False


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
    session.install("build", "hatchling", "twine")
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
