"""One chapter, one layer, or one screen of the same step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from minnet import explain_step
from minnet.teaching.explain.digits import shown_indices
from tests.strategies import seeds
from tests.teaching.explain.printed import read
from tests.teaching.explain.reference import Reference
from tests.teaching.explain.test_figures import Expected, draw
from tests.teaching.explain.test_renderings import small

DATA = [[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25]], [0, 1, 1]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_short_form_of_a_small_network_fits_one_screen(optimizer):
    model = small()
    model.compile(optimizer, "cross_entropy")
    lines = str(explain_step(model, *DATA, short=True)).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    shown = [array.name for array in matrices("\n".join(lines))]
    names = [name for name in shown if not name.startswith("new ")]
    assert " ".join(names) == "x W b y1 y2 W b y3 y4 t L[n] dy3 dW db dy2 dy1 dW db"


def matrices(text):
    printed, _ = read(text)
    return printed


@settings(max_examples=20)
@given(seed=seeds)
def test_every_number_of_the_short_form_is_right(seed):
    model, x, y, weight = draw(seed)
    reference = Reference(model, x, y, weight, np.random.default_rng(5))
    explanation = explain_step(model, x, y, sample_weight=weight, seed=5, short=True)
    expected = Expected(model, reference, explanation)
    text = str(explanation)
    assert max(map(len, text.splitlines())) <= 100
    bands = text.split("\n\n")
    for band in bands[1:]:
        section = band.split()[1].rstrip(":")
        for printed in matrices(band):
            array = array_of(printed.name, section, expected)
            assert printed.shape == np.shape(array)
            for number, index in zip(printed.numbers, shown_indices(array), strict=True):
                # where the true gradient is 0, Adam divides rounding by rounding
                slack = 1e-6 if printed.name.startswith("new") else 1e-10
                assert float(number) == pytest.approx(float(array[index]), rel=6e-3, abs=slack)


def array_of(name, section, expected):
    """The reference's array; a band is about the step that its title names."""
    if name.startswith("new "):
        layer, _, short = name.removeprefix("new ").rpartition(".")
        long = {"γ": "gamma", "β": "beta"}.get(short, short)
        return expected.updated[f"{layer}.{long}"][3]
    if section not in expected.steps:
        section = expected.steps[-1]
    return np.asarray(expected.array(3 if name.startswith("d") else 1, section, name))


@pytest.mark.parametrize(
    ("chapter", "there", "elsewhere"),
    [
        ("forward", "1.2  dense_1.tanh", "2. Loss"),
        ("loss", "L[0] = −log", "1. Forward"),
        ("backward", "3.4  dense_1", "4. Update"),
        ("update", "4.1  dense_1.W", "3. Backward"),
        ("outcome", "loss promised", "4. Update"),
        ("dense_1", "1.2  dense_1.tanh", "dense_2 ("),
    ],
)
def test_one_chapter_alone(chapter, there, elsewhere):
    step = explain_step(small(), *DATA, chapter=chapter)
    text, whole = str(step), str(explain_step(small(), *DATA))
    assert there in text
    assert elsewhere not in text
    assert all(line in whole for line in text.splitlines())
    assert there.split()[0] in step.to_markdown()
    assert there.split()[0] in step._repr_html_()
    assert step.steps[0].y.shape == (3, 3), "all numbers are there, whatever is shown"


def test_a_layer_alone_is_told_from_forward_to_update():
    text = str(explain_step(small(), *DATA, chapter="dense_2"))
    titles = [line for line in text.splitlines() if line[:2] in ("1.", "3.", "4.")]
    assert [title.split("  ")[0] for title in titles if title[2] != " "] == [
        *("1.3", "1.4", "3.1", "3.2", "4.3", "4.4")
    ]
    assert sum(title[2] == " " for title in titles) == 3, "each chapter's title once"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chapter": "los"}, ValueError, r"explain_step's chapter takes one of forward, .*loss"),
        ({"chapter": "dens_1"}, ValueError, r"Got 'dens_1'\. Did you mean \"dense_1"),
        ({"chapter": 3}, TypeError, r"explain_step's chapter takes one of .* Got 3\."),
        ({"short": "yes"}, TypeError, r"explain_step's short takes"),
        ({"chapter": "loss", "short": True}, ValueError, r"takes a chapter or short=True\. Got"),
    ],
)
def test_a_chapter_that_is_none_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        explain_step(small(), *DATA, **arguments)
