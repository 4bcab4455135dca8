"""`python -m minnet tutorials`: the course, copied as scripts or notebooks."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from minnet.course import tutorials

pytestmark = pytest.mark.skipif(
    not tutorials.CHECKOUT.is_dir(), reason="the tutorials are beside the sources"
)


def command(*arguments, cwd):
    call = [sys.executable, "-m", "minnet", "tutorials", *arguments]
    return subprocess.run(call, capture_output=True, text=True, encoding="utf-8", cwd=cwd)


def test_the_command_copies_scripts_byte_for_byte(tmp_path):
    done = command("mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Begin with: python" in done.stdout
    copies = sorted((tmp_path / "mine").iterdir())
    assert [path.name for path in copies] == list(tutorials.scripts())
    for path in copies:
        assert path.read_bytes() == (tutorials.CHECKOUT / path.name).read_bytes()


def test_files_that_are_there_are_left_alone(tmp_path):
    first = next(iter(tutorials.scripts()))
    (tmp_path / first).write_text("mine")
    done = tutorials.copy(str(tmp_path))
    assert f"left as they are: {first}." in done
    assert (tmp_path / first).read_text() == "mine"
    assert "Begin with" not in tutorials.copy(str(tmp_path))


def test_a_folder_that_cannot_be_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    done = command("file", cwd=tmp_path)
    assert done.returncode == 2
    assert "takes a folder in which files can be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", tutorials.scripts())
def test_a_notebook_has_the_cells_of_its_script(script):
    source = tutorials.scripts()[script]
    notebook = json.loads(json.dumps(tutorials.notebook(source)))
    cells = notebook["cells"]
    assert len(cells) == source.count("\n# %%") + source.startswith("# %%")
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert cells[0]["cell_type"] == "markdown"
    assert cells[0]["source"].startswith("# ")
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(source))
    for cell in cells:
        if cell["cell_type"] == "markdown":
            assert "\n# %%" not in cell["source"]


def test_a_notebook_runs_from_the_top(tmp_path):
    tutorials.copy(str(tmp_path), notebooks=True)
    (path,) = tmp_path.glob("01_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    Path(tmp_path, "run.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "run.py"], capture_output=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_drawing_code_is_folded_away():
    cells = tutorials.notebook('# %% [markdown]\n# # A\n\n# %% tags=["hide-input"]\nx = 1\n')[
        "cells"
    ]
    assert cells[1]["source"] == "x = 1"
    assert cells[1]["metadata"] == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
    assert cells[0]["metadata"] == {}


def test_without_tutorials_the_command_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "CHECKOUT", tmp_path)
    with pytest.raises(FileNotFoundError, match="Install minnet-nn again"):
        tutorials.copy(str(tmp_path / "mine"))
