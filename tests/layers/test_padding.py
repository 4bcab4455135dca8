"""A margin of zeros around images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.layers import Conv2D, Dense, Flatten, Input, ZeroPadding2D
from minnet.models import Sequential
from tests.complex_step import assert_gradients
from tests.strategies import normal, seeds

SIDES = st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2)


@given(padding=SIDES, seed=seeds)
def test_zero_padding(padding, seed):
    (x,) = normal(seed, (2, 3, 4, 2))
    layer = ZeroPadding2D(padding)
    y = layer.forward(x)
    (above, below), (left, right) = padding
    assert y.shape == (2, 3 + above + below, 4 + left + right, 2)
    assert y.shape[1:] == layer.compute_output_shape((3, 4, 2))
    np.testing.assert_array_equal(y[:, above : above + 3, left : left + 4], x)
    assert y.sum() == pytest.approx(x.sum())
    assert_gradients(layer, x, normal(seed + 1, y.shape)[0])


@pytest.mark.parametrize(
    ("given", "all_sides"),
    [
        (2, ((2, 2), (2, 2))),
        ((1, 3), ((1, 1), (3, 3))),
        ([[1, 0], [0, 2]], ((1, 0), (0, 2))),
        ((1, (2, 3)), ((1, 1), (2, 3))),
    ],
)
def test_one_number_or_two_stand_for_all_sides(given, all_sides):
    assert ZeroPadding2D(given).padding == all_sides


@pytest.mark.parametrize("given", [-1, 1.5, (1, 2, 3), ((1,), (2, 3)), "same", None, (1, -1)])
def test_what_is_no_margin_is_refused(given):
    with pytest.raises((ValueError, TypeError), match=r"ZeroPadding2D's padding takes .*Got "):
        ZeroPadding2D(given)


def test_with_a_margin_of_its_own_a_convolution_is_the_same():
    x, y = np.random.default_rng(0).random((6, 5, 5, 1)), np.arange(6) % 2
    models = []
    for layers in (
        [ZeroPadding2D(), Conv2D(2, 3, activation="relu")],
        [Conv2D(2, 3, padding="same", activation="relu")],
    ):
        model = Sequential([Input((5, 5, 1)), *layers, Flatten(), Dense(2, "softmax")], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=3, verbose=0, seed=1)
        models.append(model)
    np.testing.assert_allclose(models[0].theta, models[1].theta, rtol=1e-5, atol=1e-7)
