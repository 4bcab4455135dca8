"""How Sphinx builds the site. `python docs/build.py` makes the pages first and then runs it."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from docutils import nodes
from docutils.utils.math import latex2mathml

import minnet
from docs import entries

project = "minnet"
author = copyright = "The minnet developers"  # noqa: A001 - Sphinx's own name
version = release = minnet.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_nb"]
exclude_patterns = ["**/.ipynb_checkpoints"]
default_role = "code"
nitpicky = False

html_theme = "furo"
html_title = "minnet"
html_static_path = ["static"]
html_css_files = ["minnet.css"]
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"

myst_enable_extensions = ["deflist", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 600  # seconds for a cell, on a machine that may be busy
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["reference/*"]
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_ipywidgets_js: dict[str, Any] = {}

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("Array", "Shape", "Memo", "Logs", "Split")}
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 78
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [(entries.SHARED, "params_style")]
viewcode_line_numbers = True


ENTRIES = ("class", "exception", "function", "method")
AS_THEY_ARE: dict[str, list[str]] = {}
"""Texts of attributes and properties: Napoleon would take a colon for the end of a type."""


def complete(app: Any, kind: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Give an entry what its contract says, and take stars and bars as they are meant."""
    if kind in ENTRIES:
        own = getattr(value, "__doc__", None)
        text = entries.entry(value) if own else inspect.getdoc(value) or ""
        lines[:] = [*entries.rendered(entries.apart(text)), ""]
    elif kind != "module":
        lines[:] = [*entries.rendered("\n".join(lines)), ""]
        AS_THEY_ARE[name] = list(lines)


def put_back(app: Any, kind: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """After Napoleon."""
    if name in AS_THEY_ARE and kind not in ENTRIES:
        lines[:] = AS_THEY_ARE.pop(name)


def plain(app: Any, kind: str, name: str, value: Any, options: Any, *written: str | None) -> Any:
    """A signature with the names of types and functions that are written in the code."""
    return tuple(_as_written(text) if text else text for text in written)


def _as_written(text: str) -> str:
    text = re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", text)
    text = re.sub(r"<(?:built-in )?function (\w+)(?: at \w+)?>", r"\1", text)
    return re.sub(r"~?collections\.abc\.(\w+)", r"\1", text)


def skip(app: Any, kind: str, name: str, value: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what a class has from another tool, such as scikit-learn's routing."""
    home = getattr(value, "__module__", None) or "minnet"
    return skipped if home.startswith("minnet") else True


SYMBOLS = {"·": r"\cdot ", "∂": r"\partial ", "←": r"\leftarrow ", "−": "-", "≤": r"\le "}
"""What stands as it is in a tutorial's formulas, so that they read well as text → its command."""


def show_math(self: Any, node: Any) -> None:
    """A formula as MathML, which browsers draw with no script and no font from elsewhere."""
    block = node.tagname == "math_block"
    formula = node.astext().translate(str.maketrans(SYMBOLS))
    markup = latex2mathml.tex2mathml(formula, as_block=block)
    self.body.append(f'<div class="math">{markup}</div>' if block else markup)
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", complete, priority=100)
    app.connect("autodoc-process-docstring", put_back, priority=900)
    app.connect("autodoc-process-signature", plain)
    app.connect("autodoc-skip-member", skip)
    app.add_html_math_renderer("mathml", (show_math, None), (show_math, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
