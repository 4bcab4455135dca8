"""Tables, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from minnet.foundation.printing import printable


class Table:
    """Rows of cells under a heading, with lines of text above and below.

    Parameters
    ----------
    heading
        One title for each column; columns whose title starts with a space are aligned right.
    rows
        Cells as text.
    title, notes
        A line above, lines below.

    Examples
    --------
    >>> print(Table(["layer", " params"], [["dense_1", "12"], ["head", "1,200"]], title="net"))
    net
    layer    params
    ───────  ──────
    dense_1      12
    head      1,200
    """

    def __init__(
        self,
        heading: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        title: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        self.heading = list(heading)
        self.rows = [list(row) for row in rows]
        self.title = title
        self.notes = list(notes)

    def __str__(self) -> str:
        titles = [title.strip() for title in self.heading]
        columns = list(zip(titles, *self.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        lines = [titles, ["─" * width for width in widths], *self.rows]
        text = [
            "  ".join(
                cell.rjust(width) if title.startswith(" ") else cell.ljust(width)
                for cell, width, title in zip(line, widths, self.heading, strict=True)
            ).rstrip()
            for line in lines
        ]
        return printable("\n".join([*([self.title] if self.title else []), *text, *self.notes]))

    def _repr_html_(self) -> str:
        import html

        def row(cells: Sequence[str], tag: str) -> str:
            aligned = (
                f'<{tag} style="text-align:{"right" if title.startswith(" ") else "left"}">'
                f"{html.escape(cell.strip())}</{tag}>"
                for cell, title in zip(cells, self.heading, strict=True)
            )
            return f"<tr>{''.join(aligned)}</tr>"

        body = "".join(row(cells, "td") for cells in self.rows)
        notes = "".join(f"<div>{html.escape(note)}</div>" for note in self.notes)
        title = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{title}{row(self.heading, 'th')}{body}</table>{notes}"
