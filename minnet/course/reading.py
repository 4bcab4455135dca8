"""A tutorial that is run as a script reads as a text: headings, and the words before each output.

A notebook and a site show them anyway; there nothing is added.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from minnet.foundation.printing import print_plainly

WIDTH = 100
"""Characters of a line."""

CALL = "\nreading.aloud(globals())"
"""How a script asks for it, once."""

CHANGED = """
Such a line checks what the text says of the program as it came. If you have changed something, as
the exercises ask you to, the sentence need not be true any more. Delete the line, or leave out all
of them: python -O {}"""
"""What is added where an assert of a script stops it."""


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


def aloud(names: dict[str, Any]) -> None:
    """Run the rest of a script cell by cell, each after what leads to it, if a script is run.

    Called by a tutorial at its top. In a notebook, on a site or where a script is imported, nothing
    is told, and what follows the call runs as it would without it.

    Parameters
    ----------
    names
        The script's own, `globals()`.

    Raises
    ------
    SystemExit
        At the script's end, which has run by then.
    AssertionError
        Where an `assert` of the script does not hold, with a note for those who changed the script.
    """
    script = names.get("__file__")
    if names.get("__name__") != "__main__" or script is None:
        return
    print_plainly()  # a file that Windows redirects to has no Greek
    name = Path(script).name
    print(f"The results, and what leads to each. The whole text, with its formulas, is in {name}.")
    source = Path(script).read_text(encoding="utf-8")
    last = line = source[: source.index(CALL) + len(CALL)].count("\n") + 1
    told = list(passages(source))
    code = source.splitlines(keepends=True)
    ends = [passage.line - 1 for passage in told if passage.line > line]
    for begin, end in itertools.pairwise([line, *ends, len(code)]):
        cells = code[begin:end]
        if all(words.isspace() or words.startswith("#") for words in cells):
            continue  # nothing runs here, such as in the exercises at the end
        last = end
        while told and told[0].line <= begin + 1:
            print(f"\n{told.pop(0).text}\n")
        text = "\n" * begin + "".join(cells)  # so that errors name the right line
        try:
            exec(compile(text, str(script), "exec"), names)  # noqa: S102
        except AssertionError as error:
            error.add_note(CHANGED.format(name))
            raise
    titles = re.findall(r"^# ##+ (.*)", "".join(code[last:]), flags=re.MULTILINE)
    if titles:
        print(f"\nTo read in {name}, from line {last + 1}: {'; '.join(titles)}.")
    raise SystemExit
