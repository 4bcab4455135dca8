"""Made-up data: shapes, seeds, balance, and the exact figures that no noise leaves."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.datasets import blobs, moons, sine, spirals, xor

CLASSIFIED = [blobs, moons, spirals, xor]
ALL = [*CLASSIFIED, sine]


def parts(split):
    """(x, y) for training and for test."""
    return split[:2], split[2:]


def possessive(draw):
    """`blobs'` or `sine's`."""
    return draw.__name__ + ("'" if draw.__name__.endswith("s") else "'s")


@pytest.mark.parametrize("draw", ALL)
def test_training_and_test_have_n_rows_in_float32(draw):
    n = 12 * (3 if draw is spirals else 1)
    for x, y in parts(draw(12, seed=0)):
        assert x.shape == ((n, 1) if draw is sine else (n, 2))
        assert x.dtype == np.float32
        if draw is sine:
            assert (y.shape, y.dtype) == ((n, 1), np.float32)
        else:
            assert (y.shape, y.dtype.kind) == ((n,), "i")


@pytest.mark.parametrize("draw", ALL)
def test_runs_repeat_by_their_seed(draw):
    first, again, other = draw(seed=3), draw(seed=3), draw(seed=4)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(draw()[0], draw()[0])


@pytest.mark.parametrize("draw", ALL)
def test_a_generator_goes_on(draw):
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(draw(seed=rng)[0], draw(seed=3)[0])
    assert not np.array_equal(draw(seed=rng)[0], draw(seed=3)[0])


@pytest.mark.parametrize("draw", ALL)
def test_the_test_samples_are_drawn_anew(draw):
    x, _, x_test, _ = draw(seed=0)
    if draw is spirals:  # each arm begins in the middle
        x = x[x.any(axis=1)]
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in x_test}


@pytest.mark.parametrize("draw", CLASSIFIED)
def test_classes_are_as_even_as_they_can_be(draw):
    K = {blobs: 3, moons: 2, spirals: 3, xor: 2}[draw]
    for _, y in parts(draw(60, seed=0)):
        counts = np.bincount(y)
        assert len(counts) == K
        assert counts.max() == counts.min()


def test_spirals_without_noise():
    n, K = 11, 4
    for x, y in parts(spirals(n, classes=K, noise=0.0)):
        np.testing.assert_array_equal(y, np.repeat(range(K), n))
        radius = np.linspace(0, 1, n)
        np.testing.assert_allclose(np.hypot(*x.T), np.tile(radius, K), atol=1e-6)
        for k in range(K):
            angle = np.linspace(4 * k, 4 * (k + 1), n)
            arm = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
            np.testing.assert_allclose(x[y == k], arm, atol=1e-6)


def test_noise_moves_a_spirals_angle_alone():
    x, _, _, _ = spirals(11, classes=2, noise=0.5, seed=0)
    exact = spirals(11, classes=2, noise=0.0)[0]
    np.testing.assert_allclose(np.hypot(*x.T), np.tile(np.linspace(0, 1, 11), 2), atol=1e-6)
    assert np.abs(x - exact).max() > 0.1


def test_moons_without_noise_lie_on_half_circles():
    for x, y in parts(moons(400, noise=0.0, seed=0)):
        upper, lower = x[y == 0], x[y == 1] - [1.0, 0.5]
        for half, sign in ((upper, 1), (lower, -1)):
            np.testing.assert_allclose(np.hypot(*half.T), 1.0, atol=1e-6)
            assert (sign * half[:, 1] >= -1e-6).all()
            assert half[:, 0].min() < -0.9
            assert half[:, 0].max() > 0.9


def test_blobs_without_noise_are_their_centres():
    x, y, x_test, y_test = blobs(30, classes=4, features=5, noise=0.0, seed=0)
    centres = x[:4]
    assert np.abs(centres).max() <= 5.0
    assert len(np.unique(centres, axis=0)) == 4
    np.testing.assert_array_equal(x, centres[y])
    np.testing.assert_array_equal(x_test, centres[y_test])


def test_xor_of_four_points_is_the_truth_table():
    for x, y in parts(xor(4, noise=0.0)):
        np.testing.assert_array_equal(x, [[0, 0], [0, 1], [1, 0], [1, 1]])
        np.testing.assert_array_equal(y, [0, 1, 1, 0])


def test_xor_is_1_where_the_signs_around_the_middle_differ():
    for x, y in parts(xor(100, noise=0.02, seed=0)):
        left, low = x[:, 0] < 0.5, x[:, 1] < 0.5
        np.testing.assert_array_equal(y, left != low)


def test_sine_without_noise_is_the_sine():
    for x, y in parts(sine(300, noise=0.0, seed=0)):
        np.testing.assert_allclose(y, np.sin(x), atol=1e-6)
        assert np.abs(x).max() <= np.float32(np.pi)
        assert x.min() < -3
        assert x.max() > 3


def off_centre(noise):
    """How far points of blobs are from their centres."""
    return blobs(5000, noise=noise, seed=0)[0] - blobs(5000, noise=0.0, seed=0)[0]


def off_corner(noise):
    """How far points of XOR are from their corners."""
    x = xor(5000, noise=noise, seed=0)[0]
    return x - np.round(x)


def off_wave(noise):
    """How far points are above the sine."""
    x, y, _, _ = sine(5000, noise=noise, seed=0)
    return y - np.sin(x)


def off_circle(noise):
    """How far points of moons are outside their circles."""
    x, y, _, _ = moons(5000, noise=noise, seed=0)
    return np.hypot(*(x - np.outer(y, [1.0, 0.5])).T) - 1


def off_angle(noise):
    """How far points of one spiral are turned."""
    x = spirals(5000, classes=1, noise=noise, seed=0)[0][100:]
    exact = spirals(5000, classes=1, noise=0.0)[0][100:]
    turned = (x @ [1, 1j]) / (exact @ [1, 1j])
    return np.angle(turned)


@pytest.mark.parametrize("off", [off_centre, off_corner, off_wave, off_circle, off_angle])
def test_noise_is_a_standard_deviation(off):
    assert off(0.05).std() == pytest.approx(0.05, rel=0.05)
    assert abs(off(0.05).mean()) < 0.005


@pytest.mark.parametrize("draw", ALL)
def test_what_generators_refuse(draw):
    who = possessive(draw)
    with pytest.raises(ValueError, match=rf"{who} n takes a whole number, {1 + (draw is moons)}"):
        draw(0)
    with pytest.raises(TypeError, match=rf"{who} n takes a whole number. Got 10.0"):
        draw(10.0)
    with pytest.raises(ValueError, match=rf"{who} noise takes .* 0 or more .*Got -0.1"):
        draw(noise=-0.1)
    with pytest.raises(TypeError, match="seed takes a whole number"):
        draw(seed=0.5)


@pytest.mark.parametrize("draw", [blobs, spirals])
def test_at_least_one_class_and_one_feature(draw):
    with pytest.raises(ValueError, match=rf"{possessive(draw)} classes takes .* 1 or more. Got 0"):
        draw(classes=0)
    with pytest.raises(ValueError, match=r"blobs' features takes .* 1 or more. Got 0"):
        blobs(features=0)
