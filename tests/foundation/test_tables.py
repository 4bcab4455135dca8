"""Tables as text and as HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.tables import Table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = str(Table(["a", " b"], [["long cell", "1"], ["x", "1,000"]], title="T", notes=["n"]))
    assert text.split("\n") == [
        "T",
        "a              b",
        "─────────  ─────",
        "long cell      1",
        "x          1,000",
        "n",
    ]


def test_html_is_escaped() -> None:
    html = Table(["<h>"], [["<b>&"]], title="<t>", notes=["<n>"])._repr_html_()
    assert "<b>" not in html.replace("<tbody>", "")
    for shown in ("&lt;h&gt;", "&lt;b&gt;&amp;", "&lt;t&gt;", "&lt;n&gt;"):
        assert shown in html


def test_rows_of_another_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument"):
        str(Table(["a", "b"], [["only one"]]))


words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@st.composite
def tables(draw) -> Table:
    """Tables of up to four columns, each aligned left or right."""
    columns = draw(st.integers(1, 4))
    row = st.lists(words, min_size=columns, max_size=columns)
    heading = [draw(st.sampled_from(["", " "])) + word for word in draw(row)]
    return Table(heading, draw(st.lists(row, max_size=4)))


@given(tables())
def test_every_cell_stands_at_its_side_of_its_column(table) -> None:
    titles, rule, *lines = str(table).split("\n")
    columns = [match.span() for match in re.finditer("─+", rule)]
    for line, row in zip([titles, *lines], [table.heading, *table.rows], strict=True):
        for (start, stop), cell, title in zip(columns, row, table.heading, strict=True):
            text, width = cell.strip(), stop - start
            wanted = text.rjust(width) if title.startswith(" ") else text.ljust(width)
            assert line[start:stop].ljust(width) == wanted


def test_a_table_without_rows_is_its_heading() -> None:
    assert str(Table(["a", "b"], [])) == "a  b\n─  ─"


def test_html_aligns_as_the_text_does() -> None:
    assert Table(["a", " b"], [["1", "2"]])._repr_html_() == (
        "<table><tr>"
        '<th style="text-align:left">a</th><th style="text-align:right">b</th></tr><tr>'
        '<td style="text-align:left">1</td><td style="text-align:right">2</td></tr></table>'
    )
