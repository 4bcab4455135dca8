"""`python -m minnet check`: a student's file, read, run in a process of its own, and judged."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

SECONDS = 90.0
"""For a whole file; what is known by then is said."""

RIGHT, WRONG, UNREADABLE = 0, 1, 2

WRITE = (
    "Write a loop that computes a loss and subtracts gradients from weights, or functions such as "
    "loss(W, x, y) → (loss, dW), forward and backward, or a class with both."
)
"""What a file has to have."""


def check(path: str, names: Sequence[str] = (), *, seconds: float = SECONDS) -> tuple[int, str]:
    """Check the gradients, losses and update rules of a student's file.

    The file runs once, in a process of its own, without its output, its files and its end; what is
    checked runs on copies of its variables.

    Parameters
    ----------
    path
        The file.
    names
        Functions or classes to look at; all that can be, without one.
    seconds
        How long it may take.

    Returns
    -------
    code : int
        0 if nothing is wrong, 1 if something is, 2 if the file could not be read as such.
    text : str
        What was found, block by block.
    """
    file = Path(path)
    if not file.is_file():
        return UNREADABLE, f"check takes a Python file. Got {path}, which is no file."
    command = [sys.executable, "-m", "minnet.teaching.scripts.process", str(file.resolve()), *names]
    environment = {**os.environ, "MPLBACKEND": "Agg", "MINNET_CHECK_SECONDS": f"{seconds:g}"}
    root = str(Path(__file__).parents[3])
    earlier = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join([root, earlier]) if earlier else root
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.setdefault(name, "1")
    try:
        done = subprocess.run(  # noqa: S603 - Python itself
            command,
            capture_output=True,
            text=True,
            timeout=seconds + 15,
            check=False,
            env=environment,
            cwd=file.resolve().parent,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
        )
    except subprocess.TimeoutExpired:
        return UNREADABLE, (
            f"{file.name} did not come to an end in {seconds:g} seconds and was stopped. Look for "
            "a loop without an end, or name the functions to check: check FILE NAME …"
        )
    with contextlib.suppress(ValueError, KeyError, IndexError):
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        return int(answer["code"]), str(answer["text"])
    return UNREADABLE, (
        f"{file.name} ended Python, or ran out of memory, and could not be checked. Take out what "
        "ends the program (os._exit), or name the functions to check."
    )


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """What is printed goes nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
