"""An explanation as HTML, for notebooks: nothing is fetched, and light and dark both read well."""

from __future__ import annotations

from html import escape

from minnet.teaching.explain.blocks import (
    Block,
    Formulas,
    Heading,
    Matrices,
    Prose,
    Shown,
    Worked,
)
from minnet.teaching.explain.digits import aligned, cells, shape

# No colours of its own but greys that are half transparent: the page's own stay.
STYLE = """
.minnet-step { line-height: 1.5; max-width: 62em; }
.minnet-step h3 { margin: 1.6em 0 .4em; border-bottom: 1px solid rgba(128,128,128,.5); }
.minnet-step h4 { margin: 1.2em 0 .3em; }
.minnet-step p { margin: .4em 0; }
.minnet-step .f { font-family: "STIX Two Math", "Cambria Math", "DejaVu Serif", serif;
  margin: .4em 0 .4em 1.5em; white-space: pre-wrap; }
.minnet-step .w + .f, .minnet-step .w + p { margin-top: 1em; }
.minnet-step .f div { padding-left: 2em; text-indent: -2em; }
.minnet-step .ms { display: flex; flex-wrap: wrap; gap: .8em 1.8em; margin: .5em 0 .8em 1.5em; }
.minnet-step figure { margin: 0; }
.minnet-step figcaption { font-size: .9em; }
.minnet-step figcaption span { opacity: .65; }
.minnet-step .m { border-left: 2px solid; border-right: 2px solid; border-radius: 5px;
  padding: .1em .5em; display: inline-block; }
.minnet-step .m table { border-collapse: collapse; margin: 0; border: 0; font-size: 1em; }
.minnet-step .m tr, .minnet-step .m tr:nth-child(odd) { background: none; }
.minnet-step .m td { border: 0; padding: .05em .5em; text-align: right; background: none;
  font-variant-numeric: tabular-nums; font-family: monospace; white-space: pre; }
.minnet-step .w td { border: 0; padding: .05em .3em; text-align: left; vertical-align: top;
  background: none; font-family: monospace; }
.minnet-step .w table { border-collapse: collapse; margin: .2em 0 .2em 1.5em; border: 0; }
.minnet-step .w tr, .minnet-step .w tr:nth-child(odd) { background: none; }
"""


def render(story: list[Block]) -> str:
    """All blocks in one element with its own style."""
    body = "\n".join(_block(block) for block in story)
    return f'<div class="minnet-step"><style>{STYLE}</style>\n{body}\n</div>'


def _block(block: Block) -> str:
    match block:
        case Heading(level, title):
            return f"<h{level + 1}>{escape(title)}</h{level + 1}>"
        case Prose(sentences):
            return f"<p>{escape(sentences)}</p>"
        case Formulas(formulas):
            lines = "".join(f"<div>{escape(math.text)}</div>" for math in formulas)
            return f'<div class="f">{lines}</div>'
        case Matrices(shown):
            return f'<div class="ms">{"".join(map(_matrix, shown))}</div>'
        case Worked(left, right):
            rows = "".join(
                f"<tr><td>{escape(left.text) if i == 0 else ''}</td><td>=</td>"
                f"<td>{escape(math.text)}</td></tr>"
                for i, math in enumerate(right)
            )
            return f'<div class="w"><table>{rows}</table></div>'
    raise TypeError(f"No such block: {block!r}")


def _matrix(shown: Shown) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in aligned(cells(shown.array))
    )
    caption = f"{escape(shown.symbol.text)} <span>{escape(shape(shown.array))}</span>"
    return (
        f'<figure><figcaption>{caption}</figcaption><div class="m"><table>{rows}</table></div>'
        "</figure>"
    )
