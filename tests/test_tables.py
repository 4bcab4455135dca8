"""Tables as text and as HTML."""

from __future__ import annotations

import pytest

from minnet.tables import Table


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
