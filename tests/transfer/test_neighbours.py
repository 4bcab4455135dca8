"""The hint by nearest neighbours."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet import transfer
from minnet.transfer.neighbours import _accuracy


def test_leave_one_out_accuracy_worked_by_hand() -> None:
    features = np.array([[0.0], [1.0], [1.9], [10.0], [10.5]])
    labels = np.array([0, 0, 1, 1, 1])
    # nearest: 1, 2 (0.9 away), 1, 4, 3: right for rows 0, 3 and 4
    assert _accuracy(features, labels) == pytest.approx(3 / 5)


def test_trained_features_beat_random_ones_on_digits_and_the_base_is_untouched() -> None:
    x, y, _, _ = minnet.datasets.digits(per_class=10, seed=0)
    base = minnet.load_pretrained("mnist-8x8")
    before = base.theta.copy()
    assert transfer.neighbour_gap(base, x, y) > 0.04
    assert transfer.neighbour_gap(base, x, y) == transfer.neighbour_gap(base, x, y[:, None])
    np.testing.assert_array_equal(base.theta, before)


def test_labels_without_any_meaning_have_no_gap() -> None:
    x, _, _, _ = minnet.datasets.digits(per_class=30, seed=0)
    y = np.random.default_rng(0).integers(10, size=len(x))
    assert abs(transfer.neighbour_gap(minnet.load_pretrained("mnist-8x8"), x, y)) < 0.08


def test_what_is_refused() -> None:
    base = minnet.load_pretrained("mnist-8x8")
    with pytest.raises(ValueError, match="two samples or more"):
        transfer.neighbour_gap(base, np.zeros((1, 64)), [0])
    with pytest.raises(ValueError, match="one row for each sample"):
        transfer.neighbour_gap(base, np.zeros((3, 64)), [0])
