"""What an explanation looks like: as text, as HTML, as Markdown with LaTeX."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minnet import Sequential, explain_step
from minnet.layers import Conv2D, Dense, Flatten
from minnet.optimizers import SGD
from minnet.teaching.explain import Math, mathml
from minnet.teaching.explain.digits import aligned, cells, latex, number, shown_indices
from minnet.teaching.explain.drawing import drawing
from minnet.teaching.explain.markdown import escape
from tests.strategies import reals, seeds
from tests.teaching.explain.test_figures import draw
from tests.teaching.explain.test_run import LABELS, OwnScale, X, Y


def small():
    """The 2-3-2 network of the README."""
    model = Sequential(
        [Dense(3, activation="tanh", input_dim=2), Dense(2, activation="softmax")], seed=0
    )
    model.compile(SGD(0.1), "cross_entropy")
    return model


def explained():
    return explain_step(small(), [[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25]], [0, 1, 1])


def test_the_text_of_a_small_network_reads_from_top_to_bottom():
    text = str(explained())
    wanted = [
        "One training step of 'sequential', with its numbers",
        "1. Forward",
        "1.1  dense_1 (Dense)",
        "    y1 = x W + b",
        "    x (3, 2)               W (2, 3)",
        "    [  0.5000  -1.000  ]",
        "    y1[0, 0] = x[0, 0]·W[0, 0] + x[0, 1]·W[1, 0] + b[0]",
        "1.2  dense_1.tanh (Tanh)",
        "2. Loss",
        "L[0] = −log y4[0, 0] = −log(",
        "3. Backward",
        "∂L/∂y1 = ∂L/∂y3 · ∂y3/∂y2 · ∂y2/∂y1.",
        "dy3 = (y4 − one_hot(t)) / N",
        "dW = y2ᵀ dy3",
        "dy2 = dy3 Wᵀ",
        "∂y2/∂y1 = 1 − y2²",
        "so dx is never computed.",
        "4. Update: SGD",
        "θ ← θ − η g",
        "Here the learning rate is η = 0.1",
        "new W (2, 3)",
        "5. What the gradient promised, and what came",
        "gap           = ",
    ]
    start = 0
    for passage in wanted:
        assert passage in text[start:], passage
        start = text.index(passage, start)


@settings(max_examples=15)
@given(seed=seeds)
def test_every_rendering_of_any_network_is_well_formed(seed):
    model, x, y, weight = draw(seed)
    step = explain_step(model, x, y, sample_weight=weight)
    assert max(map(len, str(step).splitlines())) <= 100
    assert not re.search(r"[@]|[ \t]$", str(step), re.MULTILINE)
    check_markdown(step.to_markdown())
    check_html(step._repr_html_())


def check_markdown(text):
    """Formulas stand between $$ lines, with braces and environments closed and rows alike."""
    lines = text.split("\n")
    marks = [i for i, line in enumerate(lines) if line == "$$"]
    assert len(marks) % 2 == 0
    assert "$" not in re.sub(r"^\$\$$|\\\$", "", text, flags=re.MULTILINE)
    for start, stop in zip(marks[::2], marks[1::2], strict=True):
        assert lines[start - 1] == lines[stop + 1] == ""
        tex = "\n".join(lines[start + 1 : stop])
        assert tex.strip()
        assert "\n\n" not in tex
        assert not re.search(r"[@…⋮·−∂Σγβμσθᵀ√]", tex), tex
        depth = 0
        for brace in re.findall(r"(?<!\\)[{}]", tex):
            depth += 1 if brace == "{" else -1
            assert depth >= 0, tex
        assert depth == 0, tex
        assert re.findall(r"\\begin\{(\w+)\}", tex) == re.findall(r"\\end\{(\w+)\}", tex)[::-1]
        for body in re.findall(r"\\begin\{bmatrix\}\n(.*?)\n\\end", tex, re.DOTALL):
            assert len({row.count("&") for row in body.split("\\\\")}) == 1, body


VOID = {"meta", "link"}
"""Elements that have no end."""


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        assert not {"src", "href", "onclick"} & dict(attributes).keys()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def check_html(text):
    """Every tag is closed, and nothing is fetched from anywhere."""
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert "http" not in text
    assert "@" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    return "".join(tags.words)


def test_a_students_words_are_escaped():
    model = Sequential([OwnScale(input_shape=4), Dense(2)], seed=0, name="<i>net</i>")
    model.compile("sgd", "mse")
    step = explain_step(model, X, Y)
    page = step._repr_html_()
    assert "<b>" not in page
    assert "<i>" not in page
    assert "column <b>&</b> $no_markup$." in check_html(page)
    assert r"\<b\>&\</b\> \$no\_markup\$." in step.to_markdown()
    check_markdown(step.to_markdown())
    assert escape("a_b*c") == r"a\_b\*c"


def test_html_in_a_notebook_has_no_colour_of_its_own_but_one_accent():
    style = explained()._repr_html_().partition("<style>")[2].partition("</style>")[0]
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", style)) == {"#3d7fd6"}
    assert "prefers-color-scheme" not in style


def test_a_formula_is_drawn_as_mathml_or_else_written_as_text():
    assert mathml.inline(Math("dy1", r"\mathrm{d}y_{1}")) == (
        '<math><mi mathvariant="normal">d</mi><msub><mi>y</mi><mrow><mn>1</mn></mrow></msub></math>'
    )
    fraction = mathml.display(Math("1/√s", r"\frac{1}{\sqrt{s}}"))
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><msqrt><mrow><mi>s</mi></mrow></msqrt>" in fraction
    summed = mathml.inline(Math("Σ", r"\sum_n^N x^2_i"))
    assert "<munderover><mo>∑</mo><mi>n</mi><mi>N</mi></munderover>" in summed
    assert "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>" in summed
    for beyond in (r"\oiint x", r"\frac{1}", "a}b"):
        assert mathml.inline(Math("a < b", beyond)) == "a &lt; b"
        assert mathml.display(Math("a < b", beyond)) == "<div>a &lt; b</div>"


@settings(max_examples=15)
@given(seed=seeds)
def test_every_formula_of_any_network_is_drawn_as_mathml(seed):
    model, x, y, weight = draw(seed)
    page = explain_step(model, x, y, sample_weight=weight)._repr_html_()
    formulas = re.findall(r'<div class="f">(.*?)</div>\n', page)
    assert formulas
    for formula in formulas:
        assert formula.startswith("<math"), formula
        ET.fromstring(f"<f>{formula}</f>")


def test_the_network_is_drawn_with_a_line_for_every_weight():
    drawn = drawing(explained())
    edges = [re.findall(r'data-i="(\d+,\d+)"', g) for g in drawn.split("<g data-edges=")[1:]]
    edges[-1] = re.findall(r'<line data-i="(\d+,\d+)"', drawn.split("<g data-edges=")[-1])
    assert edges[0] == [f"{i},{j}" for i in range(2) for j in range(3)]
    assert edges[1] == ["0,0", "1,1", "2,2"]
    assert edges[2] == [f"{i},{j}" for i in range(3) for j in range(2)]
    assert edges[3] == ["0,0", "1,1"]
    assert drawn.count("<circle") == 2 + 3 + 3 + 2 + 2
    assert 'aria-label="The network, from left to right: x with 2, y1 with 3' in drawn


def test_a_weight_that_meets_only_padding_has_a_gradient_of_no_terms():
    model = Sequential(
        [Conv2D(1, 2, input_shape=(3, 1, 1), padding="same"), Flatten(), Dense(2)], seed=0
    )
    model.compile("sgd", "mse")
    page = explain_step(model, np.ones((2, 3, 1, 1)), np.zeros((2, 2)))._repr_html_()
    assert 'title="dW[0, 1, 0, 0] = 0"' in page
    assert 'data-from="x:0,0-1,0,0|W:0-1,0,0,0|b:0"' in page, "a patch of x, and what it meets"


def test_a_file_fetches_nothing_and_is_small(tmp_path):
    step = explained()
    step.to_html(tmp_path / "step.html")
    page = (tmp_path / "step.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert len(page) < 100_000


def test_a_file_of_a_network_for_mnist_is_below_300_kilobytes(tmp_path):
    model = Sequential(
        [Dense(32, activation="relu", input_dim=784), Dense(10, activation="softmax")], seed=0
    )
    model.compile("adam", "cross_entropy")
    x = np.random.default_rng(0).random((16, 784))
    explain_step(model, x, np.arange(16) % 10).to_html(tmp_path / "step.html")
    assert (tmp_path / "step.html").stat().st_size <= 300_000


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (3, TypeError, r"to_html takes the path of a file\. Got 3\. Pass a name"),
        ("step.txt", ValueError, r"ends in \.html\. Got step\.txt\. Pass step\.html\."),
        ("none/step.html", ValueError, r"a folder that is there\. .* Make the folder none first\."),
    ],
)
def test_a_path_that_will_not_do_is_refused(path, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        explained().to_html(path)
    assert not list(tmp_path.iterdir())


def test_what_stands_for_an_explanation_in_a_list_is_short():
    step = explained()
    assert re.fullmatch(
        r"<One step of 'sequential': loss 1\.\d+ → 0\.\d+, predicted 0\.\d+\. "
        r"print\(\) shows every number\.>",
        repr(step),
    )
    assert repr(step.steps[0]) == "<dense_1: y = x W + b; x (3, 2), y (3, 3)>"
    assert repr(step.weights["dense_1.W"]) == "<dense_1.W (2, 3)>"


def test_large_batches_are_shown_in_part_and_said_to_be():
    model = Sequential([Dense(3, activation="softmax", input_dim=4)], seed=0)
    model.compile("sgd", "cross_entropy")
    text = " ".join(str(explain_step(model, X, LABELS)).split())
    assert "The batch has 6 rows" in text
    assert "the first three and the last are shown" in text
    assert "⋮" in text
    assert "first three" not in str(explained())


@given(value=reals(1e30), digits=st.integers(4, 6))
def test_a_number_is_right_to_its_digits(value, digits):
    shown = number(value, digits)
    assert float(shown) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits), abs=0)
    assert (shown == "0") == (value == 0)


def test_cells_of_large_and_of_whole_arrays():
    assert cells(np.arange(4.0)) == [["0", "1", "2", "3"]]
    assert cells(np.array([True, False])) == [["1", "0"]]
    assert cells(np.array(0.5)) == [["0.5000"]]
    assert cells(np.array([[1.0, 0.5]])) == [["1.000", "0.5000"]]
    large = cells(np.arange(70.0).reshape(7, 10))
    assert large[1] == ["10", "11", "12", "…", "19"]
    assert large[3] == ["⋮", "⋮", "⋮", "⋱", "⋮"]
    assert large[4][-1] == "69"
    assert cells(np.array([np.nan, np.inf, -np.inf])) == [["nan", "inf", "-inf"]]
    assert cells(np.arange(12).reshape(2, 3, 2))[1] == ["6", "7", "8", "…", "11"]
    assert latex("inf") == r"\infty"
    assert latex("1.000e-05") == r"1.000 \cdot 10^{-5}"


@given(seed=seeds)
def test_indices_are_those_of_the_cells(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 9, rng.integers(0, 4)))
    array = rng.permutation(int(np.prod(shape))).reshape(shape)
    shown = [cell for row in cells(array) for cell in row if cell not in "…⋮⋱"]
    assert [str(array[index]) for index in shown_indices(array)] == shown


def test_decimal_points_stand_below_each_other():
    assert aligned([["1.000", "0"], ["-12.50", "1.000e-05"]]) == [
        ["  1.000", "0        "],
        ["-12.50 ", "1.000e-05"],
    ]


def test_long_sums_keep_their_bias():
    model = Sequential([Dense(1, input_dim=8)], seed=0)
    model.compile("sgd", "mse")
    text = str(explain_step(model, np.ones((1, 8)), [1.0]))
    assert "x[0, 1]·W[1, 0] + … + x[0, 7]·W[7, 0] + b[0]" in text
