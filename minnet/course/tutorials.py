"""The tutorials, copied to where a student works: as scripts, or as notebooks.

They are scripts whose cells begin with `# %%`; a notebook has the same cells. Markdown cells are
comments in the script. Tags of a cell, `# %% tags=["hide-input"]`, are those of the notebook's
cell: that one folds drawing code away, in Jupyter and on a site.
"""

from __future__ import annotations

import bz2
import json
import re
from pathlib import Path
from typing import Any

FOLDER = "tutorials"
"""Where they go, unless another folder is named."""

CHECKOUT = Path(__file__).parents[2] / "tutorials"

PACKED = Path(__file__).with_name("tutorials.json.bz2")
"""Where a wheel has all of them, by their names; `docs/pack_wheel.py` puts it there."""


def scripts() -> dict[str, str]:
    """The sources of the tutorials by the names of their files, in the order of the course.

    Raises
    ------
    FileNotFoundError
        minnet was installed without them.
    """
    numbered = sorted(CHECKOUT.glob("[0-9][0-9]_*.py"))
    if numbered:
        return {path.name: path.read_text(encoding="utf-8") for path in numbered}
    if PACKED.exists():
        sources: dict[str, str] = json.loads(bz2.decompress(PACKED.read_bytes()))
        return sources
    raise FileNotFoundError(
        "tutorials takes an installation that has them, a wheel or a checkout. Got neither. "
        "Install minnet-nn again."
    )


def copy(folder: str = FOLDER, *, notebooks: bool = False) -> str:
    """Write the tutorials into a folder; files that are there stay as they are.

    Parameters
    ----------
    notebooks
        Write `01_neuron.ipynb` and so on, for Jupyter, instead of scripts.

    Returns
    -------
    str
        What was done, and what to do next.

    Raises
    ------
    FileNotFoundError
        minnet was installed without the tutorials.
    OSError
        A file cannot be written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for name, source in scripts().items():
        path = target / name
        path = path.with_suffix(".ipynb") if notebooks else path
        if path.exists():
            kept.append(path.name)
            continue
        text = json.dumps(notebook(source), indent=1, ensure_ascii=False) if notebooks else source
        path.write_text(text + "\n" * notebooks, encoding="utf-8", newline="\n")
        written.append(path.name)
    lines = []
    if written:
        first = target / written[0]
        kind = "notebooks" if notebooks else "scripts"
        begin = f"jupyter lab {first}" if notebooks else f"python {first}"
        lines.append(f"{len(written)} {kind} are in {folder}. Begin with: {begin}")
    if kept:
        lines.append(f"Already in {folder}, and left as they are: {', '.join(kept)}.")
    return "\n".join(lines)


def notebook(source: str) -> dict[str, Any]:
    """A script with cells as a notebook, in the form of nbformat 4.5.

    Parameters
    ----------
    source
        Cells begin with `# %%`, `# %% [markdown]`, or `# %% tags=["hide-input"]`.

    Examples
    --------
    >>> cells = notebook("# %% [markdown]\\n# # Title\\n\\n# %%\\nprint(1)\\n")["cells"]
    >>> [(cell["cell_type"], cell["source"]) for cell in cells]
    [('markdown', '# Title'), ('code', 'print(1)')]
    """
    _, *pieces = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    cells = []
    for number, (title, body) in enumerate(zip(pieces[::2], pieces[1::2], strict=True)):
        cell: dict[str, Any] = {"id": f"cell-{number:03}", "metadata": {}}
        if title.strip() == "[markdown]":
            text = re.sub(r"^# ?", "", body.strip("\n"), flags=re.MULTILINE)
            cell |= {"cell_type": "markdown", "source": text}
        else:
            cell |= {"cell_type": "code", "source": body.strip("\n")}
            cell |= {"execution_count": None, "outputs": []}
            tags = re.search(r"tags=(\[.*?\])", title)
            if tags:
                cell["metadata"] = {"tags": json.loads(tags[1])}
                if "hide-input" in cell["metadata"]["tags"]:
                    cell["metadata"]["jupyter"] = {"source_hidden": True}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
