"""Weighted metrics at the ends: weights of 0, for some samples and for all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.layers import Dense
from minnet.metrics import Accuracy, Metric, Weighted
from minnet.models import Sequential

X = np.random.default_rng(0).normal(size=(12, 2))
Y, NONE = X[:, 0] > 0, np.zeros(12)
CALLS = {
    "evaluate": lambda model: model.evaluate(X, Y, sample_weight=NONE),
    "fit": lambda model: model.fit(X, Y, verbose=0, sample_weight=NONE),
    "fit by class": lambda model: model.fit(X, Y, verbose=0, class_weight={0: 0, 1: 0}),
    "validation": lambda model: model.fit(X, Y, verbose=0, validation_data=(X, Y, NONE)),
    "the last rows": lambda model: model.fit(
        X, Y, verbose=0, validation_split=0.25, sample_weight=np.repeat([1, 0], [9, 3])
    ),
}
NAMES = ["accuracy", "mae", "r2_score", "precision", "auc"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.filterwarnings("ignore:.* is 0 for every sample")
def test_a_mean_of_nothing_is_refused_before_anything_moves(metric, call) -> None:
    model = Sequential([Dense(1, "sigmoid", input_dim=2)], seed=0)
    model.compile("sgd", "binary_crossentropy", [Weighted(metric)])
    before = model.theta.copy()
    with pytest.raises(ValueError, match=rf"^weighted_{metric} takes weights of which some are ab"):
        call(model)
    np.testing.assert_array_equal(model.theta, before)
    assert model.history is None


@pytest.mark.parametrize("metric", ["accuracy", "mae", "r2_score"])
def test_an_epoch_in_which_no_sample_counted_has_no_figure(metric) -> None:
    weighted = Weighted(metric)
    statistics = weighted.weighted_statistics(np.ones((3, 1)), np.ones((3, 1)), np.zeros(3))
    assert math.isnan(weighted.result(statistics))


@pytest.mark.parametrize("metric", ["mse", "mae", "r2_score"])
@pytest.mark.parametrize("far", [1e30, 1e200])
def test_a_sample_that_does_not_count_may_be_beyond_all_numbers(metric, far) -> None:
    weighted, p = Weighted(metric), np.array([[1.0], [1.0], [2.0]])
    t, weight = np.array([[far], [1.0], [3.0]]), np.array([0.0, 1.0, 1.0])
    right = weighted.metric(p[1:], t[1:])
    assert weighted.result(weighted.weighted_statistics(p, t, weight)) == pytest.approx(right)


def test_a_weighted_metric_of_ones_own_is_handed_what_counts() -> None:
    class Seen(Metric):
        def statistics(self, prediction, target):
            return np.array([len(prediction), 1.0])

        def weighted_statistics(self, prediction, target, weight):
            assert weight.all()
            return self.statistics(prediction, target)

    seen = Weighted(Seen())
    rows = np.ones((3, 1))
    assert seen.result(seen.weighted_statistics(rows, rows, np.array([0.0, 2.0, 1.0]))) == 2.0
    assert isinstance(Weighted(Accuracy()).metric, Accuracy)
