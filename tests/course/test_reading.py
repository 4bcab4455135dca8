"""A script that reads as a text: what is told before what is printed, and where nothing is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.course import reading, tutorials

ROOT = Path(minnet.__file__).parents[1]
SCRIPT = """# %% [markdown]
# # A title
#
# Not told, since another paragraph comes between it and the code.
#
# What is *told*, with `code` in **it**:
#
# - a list

# %%
from minnet.course import reading

reading.aloud(globals())
print("first")

# %% [markdown]
# ## 1. More
#
# | a table | that is not told |
# |---|---|

# %%
def inner():
    print("second")


inner()
# %% [markdown]
# ## 2. The end
#
# Nothing runs below it.
"""
TOLD = """The results, and what leads to each. The whole text, with its formulas, is in script.py.

A title
=======

What is told, with code in it:

- a list

first

1. More
-------

second

To read in script.py, from line 28: 2. The end.
"""


def run(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(path)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, check=True
    ).stdout


def test_an_assert_that_stops_a_changed_script_says_what_to_do(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace('print("second")', "assert 1 > 2"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    stopped, ran = (
        subprocess.run(
            [sys.executable, *optimized, str(path)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            check=False,
        )
        for optimized in ([], ["-O"])
    )
    assert stopped.returncode == 1
    assert "assert 1 > 2" in stopped.stderr
    assert "If you have changed something" in stopped.stderr
    assert "python -O script.py" in stopped.stderr
    assert ran.returncode == 0
    assert ran.stdout.endswith("from line 28: 2. The end.\n")


def test_a_script_tells_headings_and_what_leads_to_an_output(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    assert run(path) == TOLD


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_script_prints_in_any_encoding(encoding, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.replace("A title", "β₁ → ∂L/∂W"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "script.py"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "-> dL/dW" in done.stdout.decode(encoding)


def test_a_notebook_tells_nothing():
    out = io.StringIO()
    before, sys.stdout = sys.stdout, out
    try:
        exec(compile(SCRIPT, "<cell>", "exec"), {"__name__": "__main__"})
        assert sys.stdout is out
    finally:
        sys.stdout = before
    assert out.getvalue() == "first\nsecond\n"


def test_where_a_script_is_imported_nothing_is_told(tmp_path, capsys):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    exec(compile(SCRIPT, str(path), "exec"), {"__name__": "script", "__file__": str(path)})
    assert capsys.readouterr().out == "first\nsecond\n"


@pytest.mark.skipif(not tutorials.CHECKOUT.is_dir(), reason="the tutorials are beside the sources")
def test_every_tutorial_reads_aloud_and_every_figure_has_words_before_it():
    for name, source in tutorials.scripts().items():
        assert source.count("reading.aloud(globals())") == 1, name
        for passage in reading.passages(source):
            assert "`" not in passage.text, name
            assert max(map(len, passage.text.splitlines())) <= reading.WIDTH + 4
