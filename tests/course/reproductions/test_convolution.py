"""The convolutional networks of Nielsen and LeCun: their shapes, and a little data."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import Sequential
from minnet.course.reproductions import REPRODUCTIONS, convolution

NAMES = ["nielsen-convolution", "lenet-5"]


def counts(layers):
    """The parameters of each layer that has some."""
    model = Sequential(layers)
    model.build((28, 28, 1))
    return [layer.count_params() for layer in model.layers if layer.count_params()]


def test_the_networks_are_those_of_the_sources():
    assert counts(convolution.nielsen_dense()) == [784 * 100 + 100, 1010]
    assert counts(convolution.nielsen_convolution()) == [20 * 26, 20 * 144 * 100 + 100, 1010]
    # LeNet-5: 156 in C1, 48,120 in C5 and 10,164 in F6, as in the paper; C3 sees all maps
    assert counts(convolution.lenet()) == [156, 16 * (6 * 25 + 1), 48_120, 10_164, 850]
    assert sum(counts(convolution.lenet())) == 61_706  # as the lesson states


def test_the_last_layer_of_nielsens_begins_at_zero_and_the_others_do_not():
    model = Sequential(convolution.nielsen_convolution(), seed=0)
    model.build((28, 28, 1))
    W = [layer.W for layer in model.layers if hasattr(layer, "W")]
    assert not W[-1].any()
    assert W[0].std() == pytest.approx(125**-0.5, rel=0.1)
    assert W[1].std() == pytest.approx(0.1, rel=0.1)


def few(rows=200):
    """Images with a bright row of pixels for each class."""
    y = np.arange(rows) % 10
    x = np.zeros((rows, 784), np.float32)
    x[np.arange(rows)[:, None], 78 * y[:, None] + np.arange(40)] = 1.0
    return x, y, x[:50], y[:50]


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_gets_a_value(name):
    reproduction = REPRODUCTIONS[name]
    lines = []
    run = reproduction.run(0, few(), lines.append)
    assert list(run.values) == [figure.name for figure in reproduction.figures]
    assert lines[0].startswith("epoch 1 of 10: loss ")
    if name == "lenet-5":
        assert run == ({"test error %": 0.0}, [])


def test_a_class_that_is_never_predicted_is_named():
    x, y, x_test, y_test = few()
    run = REPRODUCTIONS["lenet-5"].run(0, (x[y < 9], y[y < 9], x_test, y_test), str)
    assert run.remarks == ["class 9 is never predicted"]


@pytest.mark.parametrize("name", NAMES)
def test_no_data_is_told(name):
    with pytest.raises(ValueError, match=r"take MNIST. Got None. Pass minnet.datasets.mnist\(\)"):
        REPRODUCTIONS[name].run(0, None, str)
