"""Initial weights: their variance by the papers, their range, their seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minnet
from minnet.initializers import (
    INITIALIZERS,
    TRUNCATED_STDDEV,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    fans,
)
from minnet.layers import Dense

SHAPE = (300, 200)

VARIANCES = [
    (GlorotUniform(), 2 / 500),
    (GlorotNormal(), 2 / 500),
    (HeUniform(), 2 / 300),
    (HeNormal(), 2 / 300),
    (LecunUniform(), 1 / 300),
    (LecunNormal(), 1 / 300),
    (RandomNormal(stddev=0.3), 0.09),
    (RandomUniform(-0.3, 0.3), 0.03),
    (VarianceScaling(), 1 / 300),
    (VarianceScaling(2.0, "fan_out"), 2 / 200),
    (VarianceScaling(2.0, "fan_avg", "uniform"), 2 / 250),
    (VarianceScaling(0.5, distribution="untruncated_normal"), 0.5 / 300),
    (TruncatedNormal(stddev=0.3), 0.09 * 0.7737413),  # the variance of a normal cut at ±2
    (Orthogonal(), 1 / 300),  # 200 columns of length 1 over 300 rows
    (Orthogonal(3.0), 9 / 300),
]


@pytest.mark.parametrize(("initializer", "variance"), VARIANCES)
def test_the_variance_is_the_papers(initializer: Initializer, variance: float) -> None:
    values = initializer(SHAPE, np.random.default_rng(0))
    assert values.shape == SHAPE
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert abs(values.mean()) < 4 * math.sqrt(variance / values.size)


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        (GlorotUniform(), math.sqrt(6 / 500)),
        (HeUniform(), math.sqrt(6 / 300)),
        (LecunUniform(), math.sqrt(3 / 300)),
    ],
)
def test_uniform_weights_fill_their_range(initializer: Initializer, limit: float) -> None:
    values = np.abs(initializer(SHAPE, np.random.default_rng(0)))
    assert 0.999 * limit < values.max() <= limit


@pytest.mark.parametrize("initializer", [GlorotNormal(), HeNormal(), LecunNormal()])
def test_normal_weights_are_cut_at_two_deviations_of_the_full_normal(
    initializer: Initializer,
) -> None:
    values = np.abs(initializer(SHAPE, np.random.default_rng(0)))
    full = values.std() and initializer(SHAPE, np.random.default_rng(0)).std() / 0.8796
    assert values.max() <= 2.01 * full
    assert values.max() > 1.95 * full


def test_constants() -> None:
    rng = np.random.default_rng(0)
    assert (Zeros()((2, 3), rng) == 0).all()
    assert (Ones()((2, 3), rng) == 1).all()
    assert (Constant(0.5)((2, 3), rng) == 0.5).all()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_seed_decides_and_nothing_else(name: str) -> None:
    initializer = INITIALIZERS[name]()
    a, b = (initializer((4, 5), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (4, 5)


def test_fans_are_the_rows_and_columns_of_a_kernel() -> None:
    assert fans((3, 5)) == (3, 5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomNormal(stddev=-1.0), "stddev"),
        (lambda: RandomUniform(1.0, 0.0), "maxval"),
        (lambda: Constant(math.nan), "value"),
    ],
)
def test_numbers_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


# --- the numbers behind them ----------------------------------------------------------------------


def test_the_truncated_normals_deviation_is_what_its_formula_says() -> None:
    density = math.exp(-2.0) / math.sqrt(2 * math.pi)  # φ(2)
    inside = math.erf(2 / math.sqrt(2))  # 2 Φ(2) − 1
    assert math.sqrt(1 - 4 * density / inside) == pytest.approx(TRUNCATED_STDDEV, rel=1e-14)


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [(GlorotNormal(), 2 / 500), (HeNormal(), 2 / 300), (LecunNormal(), 1 / 300)],
)
def test_nothing_lies_beyond_the_cut(initializer: Initializer, variance: float) -> None:
    cut = 2 * math.sqrt(variance) / 0.87962566
    values = np.abs(initializer(SHAPE, np.random.default_rng(1)))
    assert 0.999 * cut < values.max() <= cut


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((784, 32), (784, 32)),
        ((5, 2, 3), (10, 15)),
        ((3, 3, 16, 32), (144, 288)),
    ],
)
def test_fans_of_every_shape(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / (400 + 100)),
        ("he_normal", 2 / 400),
        ("lecun_uniform", 1 / 400),
    ],
)
def test_a_dense_layers_rows_are_its_fan_in(name: str, variance: float) -> None:
    layer = Dense(100, kernel_initializer=name)
    layer.build((400,), np.random.default_rng(0))
    assert layer.W.var() == pytest.approx(variance, rel=0.03)
    assert not layer.b.any()


def test_signals_keep_their_variance_where_the_papers_say() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 400))
    y = x @ LecunNormal()((400, 300), rng)
    assert y.var() == pytest.approx(1.0, rel=0.05)
    halved = np.maximum(x @ HeNormal()((400, 300), rng), 0)
    assert (halved**2).mean() == pytest.approx(1.0, rel=0.05)


def test_documented_defaults() -> None:
    assert (RandomNormal().mean, RandomNormal().stddev) == (0.0, 0.05)
    assert (RandomUniform().minval, RandomUniform().maxval) == (-0.05, 0.05)
    assert Constant().value == 0.0


def test_normal_and_uniform_numbers_have_the_mean_that_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    values = RandomNormal(mean=3.0, stddev=0.5)((100, 100), rng)
    assert values.mean() == pytest.approx(3.0, abs=0.03)
    values = RandomUniform(1.0, 3.0)((100, 100), rng)
    assert 1.0 <= values.min() < 1.01
    assert 2.99 < values.max() < 3.0


def test_two_draws_from_one_generator_differ() -> None:
    rng = np.random.default_rng(0)
    for name in ("glorot_uniform", "he_normal", "random_normal", "uniform"):
        assert (INITIALIZERS[name]()((4, 5), rng) != INITIALIZERS[name]()((4, 5), rng)).all()


def test_bounds_that_are_equal_are_a_constant() -> None:
    assert (RandomUniform(0.5, 0.5)((3,), np.random.default_rng(0)) == 0.5).all()
    assert (RandomNormal(2.0, 0.0)((3,), np.random.default_rng(0)) == 2.0).all()


def test_names_of_no_initializer_and_formulas_that_are_missing() -> None:
    with pytest.raises(ValueError, match='Did you mean "he_normal"'):
        Dense(3, kernel_initializer="he_norml")
    with pytest.raises(NotImplementedError, match="Initializer has no draw"):
        Initializer()((2,), np.random.default_rng(0))
    with pytest.raises(TypeError, match="Constant's value takes a number"):
        Constant("1")  # type: ignore[arg-type]


def test_one_of_your_own_draws_and_has_its_arguments_checked() -> None:
    class Alternating(Initializer):
        def draw(self, shape, rng):
            return rng.choice([-0.1, 0.1], shape)

    class Whole(Initializer):
        def __call__(self, shape, rng):
            return np.arange(float(np.prod(shape))).reshape(shape)

    drawn = Alternating()((3,), 0)
    np.testing.assert_array_equal(drawn, Alternating()((3,), np.random.default_rng(0)))
    assert set(np.abs(drawn)) == {0.1}
    assert Alternating()(3, 0).shape == (3,)
    assert Alternating()((), 0).shape == ()
    with pytest.raises(TypeError, match=r"^Alternating's rng takes a whole number, .* Got 'x'"):
        Alternating()((3,), "x")
    with pytest.raises(ValueError, match=r"^Each axis of Alternating's shape takes"):
        Alternating()((0,), 0)
    layer = Dense(2, kernel_initializer=Whole(), input_dim=2)
    layer.build((2,), np.random.default_rng(0))
    np.testing.assert_array_equal(layer.W, [[0, 1], [2, 3]])


# --- the family, orthogonal matrices, and functions -----------------------------------------------


def test_the_family_has_the_others_in_it() -> None:
    for one, other in (
        (GlorotUniform(), VarianceScaling(1.0, "fan_avg", "uniform")),
        (GlorotNormal(), VarianceScaling(1.0, "fan_avg")),
        (HeNormal(), VarianceScaling(2.0)),
        (LecunUniform(), VarianceScaling(distribution="uniform")),
    ):
        np.testing.assert_allclose(one((30, 20), 1), other((30, 20), 1), rtol=1e-14)


def test_the_family_tells_its_deviation_and_its_limit() -> None:
    uniform = VarianceScaling(2.0, "fan_avg", "uniform")
    values = uniform(SHAPE, 0)
    assert np.abs(values).max() <= uniform.limit(SHAPE)
    assert np.abs(values).max() == pytest.approx(uniform.limit(SHAPE), rel=1e-3)
    assert values.std() == pytest.approx(uniform.stddev(SHAPE), rel=0.01)
    assert uniform.limit((4, 8)) == pytest.approx((6 / 6) ** 0.5)


def test_a_truncated_normal_ends_at_two_deviations_and_has_its_mean() -> None:
    values = TruncatedNormal(3.0, 0.5)(SHAPE, 0)
    assert 3.999 < values.max() <= 4.0
    assert 2.0 <= values.min() < 2.001
    assert values.mean() == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 4)])
def test_orthogonal_matrices_keep_lengths(shape: tuple[int, ...]) -> None:
    W = Orthogonal(2.0)(shape, 0).reshape(-1, shape[-1])
    small = W.T @ W if len(W) >= W.shape[1] else W @ W.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_matrices_are_uniform_among_all() -> None:
    """Without the signs of R the first entry of Q would always be negative."""
    rng = np.random.default_rng(0)
    first = [Orthogonal()((3, 3), rng)[0, 0] for _ in range(400)]
    assert 0.4 < np.mean(np.array(first) > 0) < 0.6


def test_the_identity() -> None:
    np.testing.assert_array_equal(Identity(2.0)((2, 3), 0), [[2, 0, 0], [0, 2, 0]])


def test_functions_are_initializers(tmp_path) -> None:
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    layer = Dense(2, kernel_initializer=halves, bias_initializer=lambda shape: np.ones(shape))
    layer.build((3,), np.random.default_rng(0))
    assert (layer.W == 0.5).all()
    assert (layer.b == 1.0).all()
    drawn = Dense(2, kernel_initializer=lambda shape, rng: rng.normal(0, 1, shape))
    drawn.build((3,), np.random.default_rng(0))
    np.testing.assert_allclose(drawn.W, np.random.default_rng(0).normal(0, 1, (3, 2)), rtol=1e-6)
    model = minnet.Sequential([minnet.layers.Input(3), layer], seed=0)
    with pytest.raises(TypeError, match="A file holds no functions, and an initializer is one"):
        model.save(tmp_path / "m.npz")
    wrong = Dense(2, kernel_initializer=lambda shape: np.ones(3))
    with pytest.raises(ValueError, match=r"takes an array of shape \(3, 2\). Got \(3,\) from"):
        wrong.build((3,), np.random.default_rng(0))
    with pytest.raises(TypeError, match="Got <ufunc"):
        Dense(2, kernel_initializer=np.tanh)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VarianceScaling(0.0), "VarianceScaling's scale"),
        (lambda: VarianceScaling(mode="fan"), "VarianceScaling's mode takes"),
        (lambda: VarianceScaling(distribution="flat"), "VarianceScaling's distribution takes"),
        (lambda: TruncatedNormal(stddev=-1), "TruncatedNormal's stddev"),
        (lambda: Orthogonal(math.inf), "Orthogonal's gain"),
    ],
)
def test_settings_out_of_range_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_object_for_several_layers_draws_for_each():
    """And two layers of equal shape do not begin alike."""
    shared = minnet.initializers.GlorotUniform()
    layers = [Dense(3, kernel_initializer=shared, input_dim=3), Dense(3, kernel_initializer=shared)]
    model = minnet.Sequential(layers, seed=0)
    alone = minnet.Sequential([Dense(3, input_dim=3), Dense(3)], seed=0)
    assert not np.array_equal(model.layers[0].W, model.layers[1].W)
    np.testing.assert_array_equal(model.theta, alone.theta)
