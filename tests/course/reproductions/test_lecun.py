"""The rows of LeCun's page: the translation of his units, and the networks on a little data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.course.reproductions import REPRODUCTIONS, lecun
from minnet.losses import MeanSquaredError

ROWS = [name for name in REPRODUCTIONS if name.startswith(("lecun", "simard"))]


@given(seed=st.integers(0, 2**31))
def test_dividing_1_7159_out_scales_the_squared_error_alone(seed):
    """½ Σ (1.7159 tanh a − (±1))² is 1.7159² times that of tanh a and ±1/1.7159, slopes too."""
    rng = np.random.default_rng(seed)
    p, y = np.tanh(rng.standard_normal((4, 10))), rng.integers(10, size=4)
    ours, theirs = lecun.targets(y, squared=True), np.where(np.eye(10)[y] == 1, 1.0, -1.0)
    loss, factor = MeanSquaredError(), 1.7159**2
    assert loss(1.7159 * p, theirs) == pytest.approx(factor * loss(p, ours), rel=1e-5)
    np.testing.assert_allclose(
        1.7159 * loss.gradient(1.7159 * p, theirs),  # dL/dp by the chain rule
        factor * loss.gradient(p, ours),
        rtol=1e-5,
        atol=1e-7,
    )


def test_labels_stay_labels_for_the_cross_entropy():
    y = np.array([3, 1])
    assert lecun.targets(y, squared=False) is y


def test_the_networks_are_those_of_the_table():
    sizes = {"lecun-linear": [], "lecun-300": [300], "lecun-300-100": [300, 100]}
    sizes["simard-800"] = [800]
    assert set(sizes) == set(ROWS)
    for name, hidden in sizes.items():
        recipe = REPRODUCTIONS[name].run.args[0]
        model = lecun.network(recipe, 60_000, 0)
        model.build((784,))
        assert [W.shape[1] for W in model.get_weights()[0::2]] == [*hidden, 10]
        steps = recipe.epochs * 60_000 // recipe.batch
        assert model.optimizer.rate(0) == pytest.approx(recipe.rate)
        assert model.optimizer.rate(steps // 2) == pytest.approx(recipe.rate / 2, rel=1e-3)
        assert model.optimizer.rate(steps) == pytest.approx(0.0, abs=1e-9)
        assert repr(recipe.rate) in REPRODUCTIONS[name].ours


def few(rows: int = 200):
    """Images with a bright row of pixels for each class."""
    y = np.arange(rows) % 10
    x = np.zeros((rows, 784), np.float32)
    x[np.arange(rows)[:, None], 78 * y[:, None] + np.arange(40)] = 1.0
    return x, y, x[:50], y[:50]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_from_end_to_end(name):
    said = []
    reproduction = REPRODUCTIONS[name]
    run = reproduction.run(0, few(), said.append)
    assert run == ({lecun.ERROR: 0.0}, [])
    assert said[0].startswith("epoch 1 of 10: loss ")
    assert list(run.values) == [figure.name for figure in reproduction.figures]


def test_a_class_that_is_never_predicted_is_named():
    x, y, x_test, y_test = few()
    run = REPRODUCTIONS["lecun-linear"].run(0, (x[y < 9], y[y < 9], x_test, y_test), str)
    assert run.remarks == ["class 9 is never predicted"]
    assert run.values[lecun.ERROR] == 10.0


def test_no_data_is_told():
    with pytest.raises(ValueError, match=r"take MNIST. Got None. Pass minnet.datasets.mnist\(\)"):
        REPRODUCTIONS["lecun-300"].run(0, None, str)


@pytest.mark.slow
def test_on_a_slice_of_mnist(little_mnist):
    linear, deep = (
        REPRODUCTIONS[name].run(0, little_mnist, str) for name in ("lecun-linear", "lecun-300-100")
    )
    assert 5.0 < deep.values[lecun.ERROR] < linear.values[lecun.ERROR] < 20.0
    assert linear.remarks == deep.remarks == []
