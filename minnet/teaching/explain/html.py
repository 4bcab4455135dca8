"""An explanation as HTML: for notebooks, and as one file to go through; nothing is fetched.

Everything is there to be read without JavaScript. With it the page shows one block at a time, a
number that is pointed at lights up those that it is made of, and results can be hidden until
somebody types them. Style and script are `page/step.css` and `page/step.js`.
"""

from __future__ import annotations

from html import escape

from minnet.foundation.pages import document, shipped
from minnet.teaching.explain import mathml
from minnet.teaching.explain.blocks import (
    Block,
    Formulas,
    Heading,
    Index,
    Matrices,
    Prose,
    Shown,
    Worked,
)
from minnet.teaching.explain.digits import aligned, cells, shape, table_indices
from minnet.teaching.explain.drawing import drawing, units_of
from minnet.teaching.explain.numbers import Numbers

FILES = "minnet.teaching.explain.page"


def render(story: list[Block], numbers: Numbers) -> str:
    """All blocks in one element, with its own style and script."""
    style, script = shipped(FILES, "step.css"), shipped(FILES, "step.js")
    body = _body(story, numbers, top=2)  # a notebook has a title of its own
    return f"<div><style>{style}</style>\n{body}\n<script>{script}</script></div>"


def page(story: list[Block], numbers: Numbers) -> str:
    """The same as a whole document."""
    title = f"One training step of {numbers.model}"
    body = f"<main>\n{_body(story, numbers, top=1)}\n</main>"
    return document(title, body, style=shipped(FILES, "step.css"), script=shipped(FILES, "step.js"))


def _body(story: list[Block], numbers: Numbers, *, top: int) -> str:
    sections = "\n".join(_section(blocks, numbers, top) for blocks in _sections(story))
    return (
        '<div class="minnet-step">\n'
        f'<div class="net">{drawing(numbers)}<p class="way" aria-hidden="true"></p></div>\n'
        f'<div class="blocks">\n{sections}\n</div>\n</div>'
    )


def _sections(story: list[Block]) -> list[list[Block]]:
    """The blocks, a list for each heading; a heading with nothing under it joins the next."""
    sections: list[list[Block]] = []
    for block in story:
        alone = sections and all(isinstance(b, Heading) for b in sections[-1])
        if (isinstance(block, Heading) or not sections) and not alone:
            sections.append([])
        sections[-1].append(block)
    return sections


def _section(blocks: list[Block], numbers: Numbers, top: int) -> str:
    about = next((b.about for b in reversed(blocks) if isinstance(b, Heading) and b.about), "")
    chapter = next(
        (b.text[0] for b in blocks if isinstance(b, Heading) and b.text[:1].isdigit()), ""
    )
    step = next(
        (
            i
            for i, s in enumerate(numbers.steps)
            if about in (s.name, *_weights_of(s.name, numbers))
        ),
        None,
    )
    at = "" if step is None else f' data-step="{step}"'
    body = "\n".join(_block(block, numbers, step, top) for block in blocks)
    return f'<section data-chapter="{chapter}"{at}>\n{body}\n</section>'


def _weights_of(name: str, numbers: Numbers) -> list[str]:
    return [weight.name for weight in numbers.weights.values() if weight.layer == name]


def _block(block: Block, numbers: Numbers, step: int | None, top: int) -> str:
    match block:
        case Heading(level, title, _):
            tag = f"h{level + top - 1}"
            return f'<{tag} class="t{level}">{escape(title)}</{tag}>'
        case Prose(sentences):
            return f"<p>{escape(sentences)}</p>"
        case Formulas(formulas):
            return f'<div class="f">{"".join(map(mathml.display, formulas))}</div>'
        case Matrices(shown, _):
            matrices = "".join(_matrix(matrix, numbers, step) for matrix in shown)
            return f'<div class="ms">{matrices}</div>'
        case Worked(left, right, _):
            rows = "".join(
                f"<tr><td>{escape(left.text) if i == 0 else ''}</td><td>=</td>"
                f"<td>{escape(math.text)}</td></tr>"
                for i, math in enumerate(right)
            )
            return f'<div class="w"><table>{rows}</table></div>'
    raise TypeError(f"No such block: {block!r}")


def _matrix(shown: Shown, numbers: Numbers, step: int | None) -> str:
    rows = "".join(
        "<tr>"
        + "".join(_cell(shown, text, index) for text, index in zip(*row, strict=True))
        + "</tr>"
        for row in zip(
            aligned(cells(shown.array, shown.digits)), table_indices(shown.array), strict=True
        )
    )
    caption = f"{mathml.inline(shown.symbol)} <span>{escape(shape(shown.array))}</span>"
    name = escape(shown.symbol.text)
    units = units_of(shown, numbers, step)
    where = f' data-net="{units}"' if units else ""
    return (
        f'<figure data-name="{name}"{where}><figcaption>{caption}</figcaption>'
        f'<div class="m"><table>{rows}</table></div></figure>'
    )


def _cell(shown: Shown, text: str, index: tuple[int | None, ...]) -> str:
    """A number, with the index by which others find it, and with how it came about."""
    at = ",".join("…" if i is None else str(i) for i in index)
    if None in index or shown.worked is None:
        return f'<td data-i="{at}">{escape(text)}</td>'
    exact: Index = tuple(i for i in index if i is not None)
    lines = shown.worked(exact)
    if not lines:
        return f'<td data-i="{at}">{escape(text)}</td>'
    sources = dict.fromkeys(source for line in lines for source in line.sources)
    made_of = "|".join(
        f"{source.symbol.text}:{','.join(map(_axis, source.entries))}" for source in sources
    )
    work = "\n".join(_sum(line) for line in lines)
    name = f"{shown.symbol.text}[{', '.join(map(str, exact))}]"
    if not any(line.left.text == name for line in lines):  # those of an update are about θ
        work = f"{name}:\n{work}"
    work = escape(work)
    origin = f'data-from="{escape(made_of)}" title="{work}"'
    return f'<td data-i="{at}" {origin}>{escape(text)}</td>'


def _axis(entries: int | range | None) -> str:
    """A number as 3, all along an axis as *, and a part of it as 2-4."""
    if isinstance(entries, range):
        return f"{entries.start}-{entries.stop - 1}"
    return "*" if entries is None else str(entries)


def _sum(line: Worked) -> str:
    return " = ".join([line.left.text, *(math.text for math in line.right)])
