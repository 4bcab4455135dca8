"""What every reproduction has, and the figures that were recorded."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet.course.reproductions import REPRODUCTIONS
from minnet.course.reproductions.reproduction import never_predicted
from minnet.layers import Dense

RECORD = Path(minnet.__file__).parents[1] / "benchmarks" / "reproductions.json"


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_a_published_number_is_in_its_own_band(name):
    for figure in REPRODUCTIONS[name].figures:
        assert figure.low < figure.high
        assert figure.why
        if isinstance(figure.published, float):
            assert figure.published in figure


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_texts_are_whole(name):
    reproduction = REPRODUCTIONS[name]
    assert reproduction.name == name
    assert reproduction.lesson.endswith(".")
    for text in (
        reproduction.title,
        reproduction.source,
        reproduction.published_setup,
        reproduction.our_setup,
    ):
        assert text
        assert not text.endswith(".")


def test_classes_that_are_never_predicted():
    model = minnet.Sequential([Dense(3, activation="softmax", input_dim=3)], seed=0)
    model.layers[0].W = np.eye(3) * [1.0, 1.0, 0.0]
    x, y = np.eye(3, dtype=np.float32), np.array([0, 1, 2])
    assert never_predicted(model, x, y) == [2]
    assert never_predicted(model, x[:2], y[:2]) == []


@pytest.mark.skipif(not RECORD.exists(), reason="minnet is installed without its sources")
@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_the_recorded_figures_are_in_the_bands_as_they_are_now(name):
    record = json.loads(RECORD.read_text("utf-8"))[name]
    reproduction = REPRODUCTIONS[name]
    assert len(record["seeds"]) >= 5
    assert list(record["figures"]) == [figure.name for figure in reproduction.figures]
    for figure in reproduction.figures:
        found = record["figures"][figure.name]
        assert found["published"] == figure.published
        assert found["band"] == [figure.low, figure.high]
        assert len(found["values"]) == len(record["seeds"])
        assert found["in_band"] is (statistics.median(found["values"]) in figure)


@pytest.mark.parametrize("name", [name for name, r in REPRODUCTIONS.items() if r.mnist])
def test_a_network_of_mnist_says_so_where_it_is_not_handed_over(name):
    with pytest.raises(ValueError, match=r"^(Nielsen|LeCun)'s networks take MNIST. Got None. Pass"):
        REPRODUCTIONS[name].run(0, None, print)
