"""Losses: their gradients, the fused forms, what they refuse."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minnet
from minnet.foundation.targets import check_labels
from minnet.layers import Dense, Sigmoid, Softmax
from minnet.losses import (
    EPSILON,
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    mean,
    softmax,
)
from minnet.models import Sequential
from tests.complex_step import assert_close, derivative
from tests.strategies import seeds

logits = arrays(np.float64, (3, 4), elements=st.floats(-30, 30))


def complex_slope(f, x, h=1e-20):
    """df/dx for every entry, f a function of one array."""
    slopes = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1j * h
        slopes[place] = f(moved).imag / h
    return slopes


def agree(analytic, numeric):
    assert np.abs(analytic - numeric).max() <= 1e-10 * np.abs(numeric).max()


def draw(kind, rng, N, M):
    """A loss, predictions and targets for it."""
    if kind == "mse":
        return MeanSquaredError(), rng.standard_normal((N, M)), rng.standard_normal((N, M))
    if kind == "mae":
        return MeanAbsoluteError(), rng.standard_normal((N, M)), rng.standard_normal((N, M))
    if kind == "bce":
        return BinaryCrossEntropy(), rng.uniform(0.05, 0.95, (N, M)), rng.uniform(0, 1, (N, M))
    if kind == "bce logits":
        return (
            BinaryCrossEntropy(from_logits=True),
            3 * rng.standard_normal((N, M)),
            rng.uniform(0, 1, (N, M)),
        )
    K = M + 1
    z = 3 * rng.standard_normal((N, K))
    labels = rng.integers(K, size=N)
    soft = softmax(rng.standard_normal((N, K)))
    if kind == "ce labels":
        return CrossEntropy(), softmax(z), labels
    if kind == "ce rows":
        return CrossEntropy(), softmax(z), soft
    if kind == "ce logits labels":
        return CrossEntropy(from_logits=True), z, labels
    return CrossEntropy(from_logits=True), z, soft


KINDS = [
    "mse",
    "mae",
    "bce",
    "bce logits",
    "ce labels",
    "ce rows",
    "ce logits labels",
    "ce logits rows",
]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, N=st.integers(1, 6), M=st.integers(1, 5))
def test_gradient_is_the_slope_of_the_mean(kind, seed, N, M):
    loss, p, t = draw(kind, np.random.default_rng(seed), N, M)
    agree(loss.gradient(p, t), complex_slope(lambda q: mean(loss.per_sample(q, t)), p))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, N=st.integers(1, 6), M=st.integers(1, 5))
def test_float32_stays_float32_and_nothing_is_written(kind, seed, N, M):
    loss, p, t = draw(kind, np.random.default_rng(seed), N, M)
    p = p.astype(np.float32)
    t = t if t.dtype.kind == "i" else t.astype(np.float32)
    p.flags.writeable = t.flags.writeable = False
    assert loss.per_sample(p, t).dtype == np.float32
    assert loss.per_sample(p, t).shape == (N,)
    assert loss.gradient(p, t).dtype == np.float32
    assert loss.gradient(p, t).shape == p.shape


@given(seed=seeds, N=st.integers(1, 6), K=st.integers(2, 6), labels=st.booleans())
def test_softmax_and_cross_entropy_fused_equal_the_two_in_turn(seed, N, K, labels):
    rng = np.random.default_rng(seed)
    z = 2 * rng.standard_normal((N, K))
    t = rng.integers(K, size=N) if labels else softmax(rng.standard_normal((N, K)))
    loss, step = CrossEntropy(), Softmax()
    y = step.forward(z)
    losses, dz = loss.fused(z, y, t)
    np.testing.assert_allclose(losses, loss.per_sample(y, t), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dz, step.backward(z, y, loss.gradient(y, t)), rtol=1e-8, atol=1e-12)


@given(seed=seeds, N=st.integers(1, 6), M=st.integers(1, 5))
def test_sigmoid_and_binary_cross_entropy_fused_equal_the_two_in_turn(seed, N, M):
    rng = np.random.default_rng(seed)
    z, t = 2 * rng.standard_normal((N, M)), rng.uniform(0, 1, (N, M))
    loss, step = BinaryCrossEntropy(), Sigmoid()
    y = step.forward(z)
    losses, dz = loss.fused(z, y, t)
    np.testing.assert_allclose(losses, loss.per_sample(y, t), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dz, step.backward(z, y, loss.gradient(y, t)), rtol=1e-8, atol=1e-12)


@given(z=logits, seed=seeds)
def test_cross_entropy_is_never_negative_and_its_gradient_rows_sum_to_zero(z, seed):
    t = np.random.default_rng(seed).integers(4, size=3)
    loss = CrossEntropy(from_logits=True)
    assert (loss.per_sample(z, t) >= -1e-12).all()
    np.testing.assert_allclose(loss.gradient(z, t).sum(axis=1), 0.0, atol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 10, 1000])
def test_cross_entropy_of_a_uniform_guess_is_log_k(K):
    assert CrossEntropy()(np.full((2, K), 1 / K), [0, K - 1]) == pytest.approx(math.log(K))
    assert CrossEntropy(from_logits=True)(np.zeros((2, K)), [0, 1]) == pytest.approx(math.log(K))


@given(z=logits, seed=seeds)
def test_one_hot_rows_equal_labels(z, seed):
    t = np.random.default_rng(seed).integers(4, size=3)
    for loss, p in [(CrossEntropy(), softmax(z)), (CrossEntropy(from_logits=True), z)]:
        np.testing.assert_allclose(
            loss.per_sample(p, t), loss.per_sample(p, np.eye(4)[t]), atol=1e-9
        )
        np.testing.assert_allclose(
            loss.gradient(p, t), loss.gradient(p, np.eye(4)[t]), rtol=1e-12, atol=1e-14
        )


@given(seed=seeds, N=st.integers(1, 8))
def test_binary_cross_entropy_is_cross_entropy_of_two_classes(seed, N):
    rng = np.random.default_rng(seed)
    z, t = rng.standard_normal((N, 1)), rng.integers(2, size=N)
    two = np.hstack([np.zeros_like(z), z])
    assert BinaryCrossEntropy(from_logits=True)(z, t) == pytest.approx(
        CrossEntropy(from_logits=True)(two, t)
    )


@pytest.mark.parametrize("size", [1e4, 1e30, 1e308])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_give_finite_losses_without_a_warning(size, dtype):
    if size > float(np.finfo(dtype).max):
        size = float(np.finfo(dtype).max) / 2
    z = np.array([[size, 0.0], [0.0, size]], dtype)
    for loss, t in [
        (CrossEntropy(from_logits=True), np.array([1, 1])),
        (BinaryCrossEntropy(from_logits=True), np.array([[0.0, 1.0], [1.0, 1.0]], dtype)),
    ]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(loss.per_sample(z, t)).all()
            assert np.isfinite(loss.gradient(z, t)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_far_from_those_of_other_rows_have_their_own_loss(dtype):
    """Each row has its own largest number: by that of all rows a low one would be 0/0."""
    z = np.array([[1000, 999], [-1000, -1001], [0, 1], [-1e5, -1e5]], dtype)
    loss, y = CrossEntropy(from_logits=True), np.array([1, 1, 1, 0])
    gap = (z[:, 0] - z[:, 1]).astype(float)
    p = 1 / (1 + np.exp(-gap))
    right = np.where(y == 0, -np.log(p), -np.log(1 - p))
    for target in (y, np.eye(2)[y]):
        assert loss(z, target) == pytest.approx(right.mean(), rel=1e-6)
        dz = loss.gradient(z, target)
        np.testing.assert_allclose(dz[:, 0], (p - (y == 0)) / 4, rtol=1e-6)
        np.testing.assert_allclose(dz.sum(axis=1), 0, atol=1e-7)


def test_the_worst_logits_cost_their_size():
    assert CrossEntropy(from_logits=True)([[1e4, 0.0]], [1]) == 1e4
    assert CrossEntropy(from_logits=True)([[1e4, 0.0]], [0]) == 0.0


def test_probabilities_of_exactly_0_and_1():
    limit = -math.log(EPSILON)
    assert CrossEntropy()([[0.0, 1.0]], [0]) == pytest.approx(limit)
    assert CrossEntropy()([[0.0, 1.0]], [1]) == 0.0
    assert BinaryCrossEntropy()([[0.0]], [1]) == pytest.approx(limit)
    assert BinaryCrossEntropy()([[1.0]], [0]) == pytest.approx(limit, rel=1e-6)
    assert BinaryCrossEntropy()([[1.0]], [1]) == pytest.approx(0.0, abs=2e-7)
    for p in (np.float32([[0.0, 1.0]]), np.float32([[1.0, 0.0]])):
        assert np.isfinite(CrossEntropy().gradient(p, np.array([0]))).all()
        assert np.isfinite(BinaryCrossEntropy().gradient(p, np.float32([[1.0, 0.0]]))).all()


def test_losses_by_hand():
    p, t = [[1.0, 2.0], [3.0, 5.0]], [[1.0, 0.0], [0.0, 0.0]]
    assert MeanSquaredError()(p, t) == (0 + 4 + 9 + 25) / 4
    assert MeanAbsoluteError()(p, t) == (0 + 2 + 3 + 5) / 4
    assert BinaryCrossEntropy()([[0.25, 0.5]], [[1, 0]]) == pytest.approx(
        -(math.log(0.25) + math.log(0.5)) / 2
    )
    assert CrossEntropy()([[0.25, 0.75], [0.5, 0.5]], [0, 1]) == pytest.approx(
        -(math.log(0.25) + math.log(0.5)) / 2
    )


def test_sample_weights_are_summed_and_divided_by_n():
    p, t = [[1.0], [2.0], [3.0]], [0.0, 0.0, 0.0]
    assert MeanSquaredError()(p, t, [1.0, 0.0, 2.0]) == pytest.approx((1 + 0 + 18) / 3)


def test_columns_and_flat_targets_are_aligned_and_never_broadcast():
    p = np.arange(4.0).reshape(4, 1)
    assert MeanSquaredError()(p, np.arange(4.0)) == 0.0
    assert MeanSquaredError()(np.arange(4.0), p) == 0.0
    assert BinaryCrossEntropy()(np.full((4, 1), 0.5), [0, 1, 0, 1]) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CrossEntropy()([[0.5, 0.5]], [2]), r"labels 0 to 1, .* Got 2 in row 0"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [-1]), r"Got -1 in row 0"),
        (lambda: CrossEntropy()([[0.5, 0.5]] * 2, [1, 2]), r"Labels start at 0: use target - 1"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [0.9]), r"whole labels .* Got 0.9 in row 0"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [np.nan]), r"finite numbers. Got nan in row 0"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [[0.5, 0.2]]), r"sum to 1. Row 0 has the sum 0.7"),
        (lambda: CrossEntropy()([[1.0]], [0]), r"K = 2 or more classes"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [[[0]]]), r"labels of shape \(N,\) or rows"),
        (lambda: CrossEntropy()([[2.0, 0.5]], [0]), r"from 0 to 1. .*from_logits=True"),
        (lambda: CrossEntropy()([[0.2, 0.5]], [0]), r"sum to 1. Row 0 has the sum 0.7"),
        (lambda: CrossEntropy()([[0.5, 0.5]], [0, 1]), r"predictions \(1, 2\) and targets \(2,\)"),
        (lambda: BinaryCrossEntropy()([[0.5]], [2]), r"from 0 to 1. Got 2 in row 0"),
        (lambda: BinaryCrossEntropy()([[1.5]], [1]), r"from_logits=True"),
        (lambda: MeanSquaredError()([[1.0, 2.0]], [1]), r"shape \(N, 2\).*one_hot\(target, 2\)"),
        (lambda: MeanSquaredError()([[1.0]], [[1.0, 2.0]]), r"The last layer has one output"),
        (lambda: MeanSquaredError()([[1.0]], [np.inf]), r"finite numbers"),
        (lambda: MeanSquaredError()([[np.nan]], [1.0]), r"prediction takes finite numbers"),
        (lambda: MeanSquaredError()([[1.0]], [1.0], [1.0, 2.0]), r"one number for each sample"),
        (lambda: MeanSquaredError()([[1.0]], [1.0], [-1.0]), r"0 or more. Got -1.0 in row 0"),
    ],
)
def test_what_losses_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labels_of_every_whole_kind_work():
    for labels in ([0, 1], [0.0, 1.0], [False, True], np.uint8([0, 1]), [[0], [1]]):
        assert CrossEntropy()([[1.0, 0.0], [0.0, 1.0]], labels) == 0.0
    assert check_labels(np.array([1.0, 0.0]), 2).dtype == np.intp


def test_only_exactly_these_classes_are_fused():
    class OwnSoftmax(Softmax):
        """A student's own."""

    class OwnEntropy(CrossEntropy):
        """A student's own."""

    assert CrossEntropy().is_fused_with(Softmax())
    assert BinaryCrossEntropy().is_fused_with(Sigmoid())
    assert not CrossEntropy().is_fused_with(OwnSoftmax())
    assert not OwnEntropy().is_fused_with(Softmax())
    assert not CrossEntropy(from_logits=True).is_fused_with(Dense(2))
    assert not MeanSquaredError().is_fused_with(Softmax())


def test_a_loss_of_ones_own_says_what_it_lacks():
    class Empty(Loss):
        """Nothing in it."""

    with pytest.raises(NotImplementedError, match="Empty has no per_sample"):
        Empty()([[1.0]], [1.0])
    with pytest.raises(NotImplementedError, match="Empty has no gradient"):
        Empty().gradient(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(NotImplementedError, match="Empty has no fused"):
        Empty().fused(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)))


def test_kerass_names():
    assert isinstance(LOSSES["sparse_categorical_crossentropy"](), CrossEntropy)
    assert isinstance(LOSSES["categorical_crossentropy"](), CrossEntropy)
    assert isinstance(LOSSES["mse"](), MeanSquaredError)


def test_far_off_logits_cost_no_digits_with_rows_either():
    z = np.array([[1e4, 1e4 + 1.0, 1e4 - 2.0]], np.float32)
    expected = -np.log(np.exp(-1.0) / (np.exp(-1.0) + 1 + np.exp(-3.0)))
    for target in ([0], [[1.0, 0.0, 0.0]]):
        assert CrossEntropy(from_logits=True)(z, target) == pytest.approx(expected, rel=1e-6)


def test_rows_that_sum_to_nearly_one_give_a_loss_and_its_gradient():
    loss = CrossEntropy(from_logits=True)
    z, t = np.array([[1000.0, 1000.0]]), np.array([[0.5, 0.5009]])
    assert loss(z, t) == pytest.approx(1.0009 * np.log(2.0))
    numeric = derivative(lambda w: loss.per_sample(w, t).sum(), z)
    assert_close(loss.gradient(z, t), numeric)


def test_nearly_equal_logits_are_differentiated_rightly():
    loss, z, t = CrossEntropy(from_logits=True), np.array([[0.0, 1e-17, -1.0]]), np.array([1])
    numeric = derivative(lambda w: loss.per_sample(w, t).sum(), z)
    assert_close(loss.gradient(z, t), numeric)


# --- what is refused, and what stays finite -------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_logits_at_the_ends_of_the_numbers_have_a_finite_loss(dtype, one_hot):
    big = float(np.finfo(dtype).max)
    z = np.array([[big, -big], [-big, big], [big, big]], dtype)
    for labels in ([0, 1, 0], [1, 1, 1]):
        target = np.eye(2, dtype=dtype)[labels] if one_hot else np.array(labels)
        loss = CrossEntropy(from_logits=True)
        assert np.isfinite(loss(z[:1], target[:1]))
        with np.errstate(over="ignore"):
            losses, dz = loss.fused(z, np.exp(np.minimum(z - z.max(1, keepdims=True), 0)), target)
        assert not np.isnan(losses).any()
        assert np.isfinite(dz).all()


def test_the_mean_of_losses_does_not_overflow_before_its_time():
    z = np.full((4, 1), 1e308)
    assert BinaryCrossEntropy(from_logits=True)(z, np.zeros(4)) == pytest.approx(1e308)
    assert MeanSquaredError()([1e308], [-1e308]) == np.inf


@pytest.mark.parametrize("loss", [MeanSquaredError(), MeanAbsoluteError(), BinaryCrossEntropy()])
def test_formulas_align_a_column_and_never_broadcast_it(loss):
    p, t = np.array([[0.2], [0.7]]), np.array([0.0, 1.0])
    column = t.reshape(2, 1)
    np.testing.assert_array_equal(loss.per_sample(p, t), loss.per_sample(p, column))
    np.testing.assert_array_equal(loss.gradient(p, t), loss.gradient(p, column))
    with pytest.raises(ValueError, match=r"predictions and targets of one shape. Got \(2, 1\)"):
        loss.per_sample(p, np.array([0.0, 1.0, 1.0]))


def test_probabilities_where_logits_are_taken_are_warned_of():
    with pytest.warns(UserWarning, match=r"every row of the prediction sums to 1"):
        CrossEntropy(from_logits=True)([[0.2, 0.8], [0.5, 0.5]], [1, 0])


# --- label smoothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("smooth", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("from_logits", [False, True])
def test_label_smoothing_is_that_of_the_smoothed_rows(smooth, from_logits) -> None:
    """t ← (1 − ε) t + ε / K (Szegedy et al., 2016), for labels and for rows."""
    z = np.random.default_rng(0).normal(size=(5, 4))
    y = np.array([0, 3, 1, 1, 2])
    soft = np.eye(4)[y] * (1 - smooth) + smooth / 4
    logs = z - z.max(axis=1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    p = z if from_logits else np.exp(logs)
    loss, plain = CrossEntropy(from_logits, label_smoothing=smooth), CrossEntropy(from_logits)
    for target in (y, np.eye(4)[y]):
        assert loss(p, target) == pytest.approx(-(soft * logs).sum(axis=1).mean(), rel=1e-12)
        np.testing.assert_allclose(loss.gradient(p, target), plain.gradient(p, soft), atol=1e-15)
    losses, dz = loss.fused(z, np.exp(logs), y)
    np.testing.assert_allclose(losses, -(soft * logs).sum(axis=1))
    np.testing.assert_allclose(dz, (np.exp(logs) - soft) / 5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_label_smoothing_of_yes_or_no(from_logits) -> None:
    z, t = np.array([[2.0, -1.0], [0.5, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    p = z if from_logits else 1 / (1 + np.exp(-z))
    loss, plain = BinaryCrossEntropy(from_logits, 0.2), BinaryCrossEntropy(from_logits)
    soft = t * 0.8 + 0.1
    assert loss(p, t) == pytest.approx(plain(p, soft), rel=1e-12)
    np.testing.assert_allclose(loss.gradient(p, t), plain.gradient(p, soft))


@pytest.mark.parametrize(
    ("loss", "units", "activation"),
    [
        (CrossEntropy(label_smoothing=0.1), 3, "softmax"),
        (CrossEntropy(from_logits=True, label_smoothing=0.1), 3, None),
        (BinaryCrossEntropy(label_smoothing=0.1), 1, "sigmoid"),
        (BinaryCrossEntropy(from_logits=True, label_smoothing=0.1), 1, None),
    ],
)
def test_gradients_with_smoothed_labels_are_right_and_explained(loss, units, activation) -> None:
    model = Sequential([Dense(units, activation=activation, input_dim=2)], seed=0)
    model.compile("sgd", loss, ["accuracy"])
    x, y = np.random.default_rng(0).normal(size=(6, 2)), np.arange(6) % max(2, units)
    assert minnet.check_gradients(model, x, y).ok
    assert "loss" in str(minnet.explain_step(model, x, y))


@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("wrong", [-0.1, 1.0, math.nan, "much"])
def test_label_smoothing_that_is_none_is_refused(kind, wrong) -> None:
    with pytest.raises((ValueError, TypeError), match="label_smoothing takes a "):
        kind(label_smoothing=wrong)
