"""A tutorial that is run as a script reads as a text: headings, and the words before each output.

A notebook and a site show them anyway; there nothing is added.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

WIDTH = 100
"""Characters of a line."""


class Passage(NamedTuple):
    """What is told before what a line of the script prints."""

    line: int  # where the cell begins, counted from 1
    text: str


def passages(source: str) -> Iterator[Passage]:
    """Each markdown cell's headings, and its last paragraph, which leads to the code below it.

    Parameters
    ----------
    source
        A script whose cells begin with `# %%`.

    Examples
    --------
    >>> script = "# %% [markdown]\\n# # Title\\n#\\n# Words.\\n#\\n# ## 1. More\\n#\\n# Look:\\n"
    >>> [passage] = passages(script)
    >>> print(passage.text)
    Title
    =====
    <BLANKLINE>
    1. More
    -------
    <BLANKLINE>
    Look:
    """
    _, *pieces = re.split(r"^(# %%.*\n)", source, flags=re.MULTILINE)
    line = 1
    for mark, body in zip(pieces[::2], pieces[1::2], strict=True):
        if "[markdown]" in mark:
            text = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
            told = "\n\n".join(_told(text))
            if told:
                yield Passage(line, told)
        line += (mark + body).count("\n")


def _told(text: str) -> Iterator[str]:
    """Headings, and the last paragraph; with it the sentence before a list or a formula."""
    blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", text) if block.strip()]
    last = len(blocks) - 1
    while last > 0 and re.match(r"\s|[-|$>]|\d+\. ", blocks[last]):
        last -= 1
    for number, block in enumerate(blocks):
        heading = re.match(r"(#+) (.*)", block)
        if heading:
            title = _plainly(heading[2])
            yield f"{title}\n{('=' if len(heading[1]) == 1 else '-') * len(title)}"
        elif number >= last and not block.startswith("|"):
            yield _filled(_plainly(block))


def _plainly(text: str) -> str:
    """Without marks for emphasis and code."""
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text, flags=re.DOTALL)
    text = re.sub(r"(?<![\w*])\*(?!\s)(.+?)(?<!\s)\*(?![\w*])", r"\1", text, flags=re.DOTALL)
    return text.replace("`", "")


def _filled(block: str) -> str:
    """A paragraph in lines of one width; formulas, lists and code stay as they are."""
    if re.match(r"\s|[-|$>]|\d+\. ", block):
        return block
    return textwrap.fill(" ".join(block.split()), WIDTH, break_on_hyphens=False)


class Reader:
    """A standard output that tells what leads to a line before the line prints.

    Parameters
    ----------
    out
        Where everything goes.
    script
        The path of the script.
    """

    def __init__(self, out: TextIO, script: str) -> None:
        self.out, self.script = out, script
        self.left = list(passages(Path(script).read_text(encoding="utf-8")))

    def write(self, text: str) -> int:
        """Write, after what has to be told first."""
        line = self._line()
        while self.left and self.left[0].line < line:
            self.out.write(f"\n{self.left.pop(0).text}\n\n")
        return self.out.write(text)

    def _line(self) -> int:
        """The line of the script that is running; 0 if it is none of its own cells."""
        frame = sys._getframe()
        while frame is not None:
            code = frame.f_code
            if code.co_filename == self.script and code.co_name == "<module>":
                return frame.f_lineno
            if frame.f_back is None:
                return 0
            frame = frame.f_back
        return 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.out, name)


def aloud() -> None:
    """From here on, tell headings and leading words, if this is a script that is run.

    Called by a tutorial at its top. In a notebook, on a site or where a script is imported, nothing
    changes.
    """
    frame = sys._getframe(1)
    script = frame.f_globals.get("__file__")
    run = frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_filename == script
    if run and not isinstance(sys.stdout, Reader):
        sys.stdout = Reader(sys.stdout, str(script))
