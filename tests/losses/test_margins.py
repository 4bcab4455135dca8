"""Margins of labels of any dtype: a small whole number has no −1, and wraps around."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import losses

P = np.float32([[0.1, 0.9], [-2.0, 0.3], [0.4, 0.4]])
T = np.array([[0, 1], [1, 0], [1, 0]])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint64, np.int8, np.int64, np.float32])
@pytest.mark.parametrize(
    "loss",
    [
        losses.Hinge(),
        losses.SquaredHinge(),
        losses.CategoricalHinge(),
        losses.KLDivergence(),
        losses.Huber(),
        losses.Poisson(),
        losses.MeanSquaredLogarithmicError(),
        losses.MeanAbsolutePercentageError(),
        losses.CosineSimilarity(),
        losses.BinaryCrossEntropy(from_logits=True),
    ],
    ids=repr,
)
def test_targets_of_any_dtype_mean_the_same(loss, dtype) -> None:
    p = np.abs(P) if isinstance(loss, (losses.Poisson, losses.KLDivergence)) else P
    target = T.astype(dtype)
    if dtype is bool:
        target = loss.check_target(target, (2,)).astype(float)  # as a call and a fit take it
        assert loss(p, T.astype(bool)) == pytest.approx(loss(p, T.astype(float)), rel=1e-6)
    assert loss(p, target) == pytest.approx(loss(p, T.astype(float)), rel=1e-6)
    right = loss.gradient(p, T.astype(np.float32))
    np.testing.assert_allclose(loss.gradient(p, target), right, rtol=1e-5)


def test_signs_may_be_given_themselves() -> None:
    for loss in (losses.Hinge(), losses.SquaredHinge()):
        signs = np.where(T > 0, 1, -1)
        for dtype in (np.int8, np.int64, np.float32):
            assert loss(P, signs.astype(dtype)) == pytest.approx(loss(P, T), rel=1e-6)
