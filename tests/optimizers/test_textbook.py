"""Every optimizer against its formula worked by hand, and what all of them have in common."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.foundation.checks import Array
from minnet.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Nadam,
    Optimizer,
    RMSprop,
)
from tests.strategies import normal, seeds

ALL: list[Callable[[], Optimizer]] = [
    SGD,
    lambda: SGD(momentum=0.9),
    lambda: SGD(momentum=0.9, nesterov=True),
    RMSprop,
    lambda: RMSprop(momentum=0.5, centered=True),
    Adagrad,
    Adam,
    AdamW,
    Adadelta,
    Adamax,
    Nadam,
]


def run(optimizer: Optimizer, theta: Array, grads: list[Array], rate: float) -> list[Array]:
    """theta after each update."""
    theta = theta.copy()
    slots = tuple(np.full_like(theta, optimizer.initial(slot)) for slot in optimizer.slots)
    seen = []
    for t, grad in enumerate(grads, 1):
        optimizer.update(theta, grad, slots, t, rate, np.full_like(theta, np.nan))
        seen.append(theta.copy())
    return seen


def two_steps(optimizer: Optimizer, rate: float = 0.1) -> list[float]:
    """One weight that starts at 1, with gradients 2 and then −1."""
    steps = run(optimizer, np.array([1.0]), [np.array([2.0]), np.array([-1.0])], rate)
    return [float(step[0]) for step in steps]


# --- worked by hand: θ = 1, η = 0.1, g = 2 and then −1 --------------------------------------------


def test_sgd() -> None:
    # 1 − 0.1 · 2 = 0.8, and 0.8 + 0.1 · 1 = 0.9
    assert two_steps(SGD()) == pytest.approx([0.8, 0.9])


def test_momentum() -> None:
    # v = −0.2, θ = 0.8; v = 0.9 · −0.2 + 0.1 = −0.08, θ = 0.72
    assert two_steps(SGD(momentum=0.9)) == pytest.approx([0.8, 0.72])


def test_nesterov() -> None:
    # v = −0.2, θ = 1 + 0.9 · −0.2 − 0.2 = 0.62; v = −0.08, θ = 0.62 − 0.072 + 0.1 = 0.648
    assert two_steps(SGD(momentum=0.9, nesterov=True)) == pytest.approx([0.62, 0.648])


def test_the_velocity_holds_the_rate_it_was_made_with() -> None:
    theta, v = np.array([1.0]), np.zeros(1)
    optimizer = SGD(momentum=0.5)
    optimizer.update(theta, np.array([1.0]), (v,), 1, 0.1, np.empty(1))  # v = −0.1
    optimizer.update(theta, np.array([0.0]), (v,), 2, 0.0, np.empty(1))  # v = −0.05, whatever η is
    assert theta == pytest.approx([0.85])


def test_rmsprop() -> None:
    # s = 0.1 · 4 = 0.4, θ = 1 − 0.2 / √0.4; s = 0.9 · 0.4 + 0.1 = 0.46, θ + 0.1 / √0.46
    first = 1 - 0.2 / math.sqrt(0.4 + 1e-7)
    assert two_steps(RMSprop()) == pytest.approx([first, first + 0.1 / math.sqrt(0.46 + 1e-7)])


def test_rmsprop_with_its_epsilon_inside_the_root() -> None:
    # s = 0.1 · 4 = 0.4; beside the root it would be 0.2 / (√0.4 + 0.6)
    assert two_steps(RMSprop(epsilon=0.6))[0] == pytest.approx(1 - 0.2 / math.sqrt(0.4 + 0.6))


def test_centered_rmsprop_with_momentum() -> None:
    # s = 0.4, m = 0.2, s − m² = 0.36, v = 0.2 / 0.6; then s = 0.46, m = 0.08, s − m² = 0.4536
    v = 0.2 / math.sqrt(0.36 + 1e-7)
    first = 1 - v
    v = 0.5 * v - 0.1 / math.sqrt(0.4536 + 1e-7)
    assert two_steps(RMSprop(momentum=0.5, centered=True)) == pytest.approx([first, first - v])


def test_adagrad() -> None:
    # s = 0.1 + 4, θ = 1 − 0.2 / √4.1; s = 5.1, θ + 0.1 / √5.1
    first = 1 - 0.2 / math.sqrt(4.1 + 1e-7)
    assert two_steps(Adagrad()) == pytest.approx([first, first + 0.1 / math.sqrt(5.1 + 1e-7)])


def test_adagrad_with_its_epsilon_inside_the_root() -> None:
    # s = 0.1 + 4; beside the root it would be 0.2 / (√4.1 + 0.9)
    assert two_steps(Adagrad(epsilon=0.9))[0] == pytest.approx(1 - 0.2 / math.sqrt(4.1 + 0.9))


def test_adam() -> None:
    # m = 0.2, v = 0.004: m̂ = 2, v̂ = 4, θ = 1 − 0.1 · 2 / 2 = 0.9
    # m = 0.18 − 0.1 = 0.08, v = 0.003996 + 0.001 = 0.004996
    # m̂ = 0.08 / 0.19, v̂ = 0.004996 / 0.001999
    second = 0.9 - 0.1 * (0.08 / 0.19) / math.sqrt(0.004996 / 0.001999)
    assert two_steps(Adam()) == pytest.approx([0.9, second], abs=1e-8)


def test_adams_slots_are_the_papers_m_and_v() -> None:
    theta, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    Adam().update(theta, np.array([2.0]), (m, v), 1, 0.1, np.empty(1))
    assert (m[0], v[0]) == (pytest.approx(0.2), pytest.approx(0.004))
    Adam().update(theta, np.array([-1.0]), (m, v), 2, 0.1, np.empty(1))
    assert (m[0], v[0]) == (pytest.approx(0.08), pytest.approx(0.999 * 0.004 + 0.001))
    assert Adam.slots == ("m", "v")


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("betas", [(0.85, 0.999), (0.5, 0.999), (0.9, 0.99), (0.0, 0.0)])
def test_adam_follows_the_formula_when_a_beta_is_set_between_updates(kind, betas) -> None:
    """Kingma and Ba's algorithm 1, with the β of each step, as in PyTorch and Keras."""
    rng, optimizer = np.random.default_rng(0), kind(0.01)
    theta, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    wanted, mean, square = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in range(1, 61):
        if t == 31:
            optimizer.beta_1, optimizer.beta_2 = betas
        b1, b2 = optimizer.beta_1, optimizer.beta_2
        g = rng.normal(size=3) + 1
        optimizer.update(theta, g, (m, v), t, 0.01, np.empty(3))
        mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g * g
        step = (mean / (1 - b1**t)) / (np.sqrt(square / (1 - b2**t)) + 1e-8)
        wanted = wanted - 0.01 * step
        np.testing.assert_allclose(theta, wanted, rtol=1e-12, atol=1e-15)


def test_adams_v_is_finite_wherever_the_formulas_is() -> None:
    g = np.array([1e20], np.float32)  # g² is beyond float32, and (1 − β₂) g² is not
    theta, m, v = np.zeros(1, "f4"), np.zeros(1, "f4"), np.zeros(1, "f4")
    Adam().update(theta, g, (m, v), 1, 0.001, np.empty(1, "f4"))
    np.testing.assert_allclose([theta[0], v[0]], [-0.001, 1e37], rtol=1e-5)


def test_adam_with_its_epsilon_beside_the_corrected_root() -> None:
    # v̂ = 4 and not v = 0.004: θ = 1 − 0.1 · 2 / (2 + 0.5)
    assert two_steps(Adam(epsilon=0.5))[0] == pytest.approx(0.92)


def test_adamw_decays_by_the_rate_and_not_through_the_gradient() -> None:
    theta = np.array([2.0])
    AdamW().decay(theta, 0.1)
    assert theta == pytest.approx([2.0 * (1 - 0.1 * 0.004)])


def test_published_defaults() -> None:
    assert (Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.9, 0.999, 1e-8)
    assert (Adam().learning_rate, SGD().learning_rate, RMSprop().learning_rate) == (
        1e-3,
        0.01,
        1e-3,
    )
    assert (RMSprop().rho, RMSprop().epsilon) == (0.9, 1e-7)
    assert (Adagrad().initial("s"), Adagrad().learning_rate) == (0.1, 1e-3)
    assert (Adagrad().epsilon, AdamW().weight_decay, AdamW().epsilon) == (1e-7, 0.004, 1e-8)
    assert (AdamW().learning_rate, AdamW().beta_1, AdamW().beta_2) == (1e-3, 0.9, 0.999)
    assert (SGD().momentum, SGD().nesterov) == (0.0, False)
    assert (RMSprop().momentum, RMSprop().centered) == (0.0, False)
    for make in (SGD, RMSprop, Adagrad, Adam):
        assert (make().weight_decay, make().global_clipnorm) == (0.0, None)


# --- published figures, and the papers' formulas line by line -------------------------------------

KERAS: list[tuple[Optimizer, float, list[list[float]]]] = [
    (
        SGD(),
        0.01,
        [[0.9999, 0.9989, 0.9979, 0.9969, 0.9959], [0.9999, 0.9899, 0.9799, 0.9699, 0.9599]],
    ),
    (RMSprop(centered=True), 0.001, [[0.9967, 0.9933, 0.9908, 0.9885, 0.9864]] * 2),
    (
        Adagrad(initial_accumulator_value=0.3, epsilon=1e-6),
        0.2,
        [[0.9963, 0.9604, 0.9251, 0.8903, 0.856], [0.9963, 0.8209, 0.6891, 0.579, 0.4825]],
    ),
    (Adadelta(rho=0.8, epsilon=1e-6), 1.0, [[0.9978, 0.9947, 0.9915, 0.9882, 0.9849]] * 2),
    (
        Adamax(beta_1=0.85, beta_2=0.95, epsilon=1e-6),
        0.2,
        [[0.8, 0.6827, 0.5333, 0.368, 0.1933], [0.8, 0.691, 0.5466, 0.3848, 0.2126]],
    ),
    (
        Nadam(beta_1=0.5, beta_2=0.67, epsilon=1e-5),
        0.5,
        [
            [0.4281, -0.1738, -0.7115, -1.2335, -1.7492],
            [0.4281, -0.1717, -0.7084, -1.2299, -1.7454],
        ],
    ),
]
"""Optimizer, rate, and θ from 1 with the gradients 0.01, g, g, … for g = 0.1 and g = 1, to four
digits, as in the tests of Keras 3."""


@pytest.mark.parametrize(("optimizer", "rate", "golden"), KERAS, ids=lambda value: repr(value)[:9])
def test_figures_that_keras_published(
    optimizer: Optimizer, rate: float, golden: list[list[float]]
) -> None:
    for g, expected in zip((0.1, 1.0), golden, strict=True):
        steps = run(optimizer, np.ones(1), [np.array([h]) for h in (0.01, g, g, g, g)], rate)
        np.testing.assert_allclose(np.concatenate(steps), expected, atol=6e-5, rtol=0)


@pytest.mark.parametrize(
    ("g", "golden"),
    [
        (0.1, [0.4998, 0.2486, 0.1223, 0.0586, 0.0263]),
        (1.0, [0.4998, 0.2382, 0.1003, 0.0258, -0.0159]),
    ],
)
def test_kerass_epsilon_is_adams_times_the_root_of_the_correction(
    g: float, golden: list[float]
) -> None:
    # AdamW(1.0, weight_decay=0.5, epsilon=2) of Keras 3; its ε̂ = ε √(1 − 0.999ᵗ)
    theta, m, v = np.ones(1), np.zeros(1), np.zeros(1)
    for t, expected in enumerate(golden, 1):
        optimizer = AdamW(weight_decay=0.5, epsilon=2 / math.sqrt(1 - 0.999**t))
        optimizer.decay(theta, 1.0)
        grad = np.array([0.01 if t == 1 else g])
        optimizer.update(theta, grad, (m, v), t, 1.0, np.empty(1))
        assert theta[0] == pytest.approx(expected, abs=6e-5)


def sgd_by_hand(x: float, grads: list[float], rate: float, mu: float) -> float:
    """Polyak: v ← μ v − η g, θ ← θ + v."""
    v = 0.0
    for g in grads:
        v = mu * v - rate * g
        x = x + v
    return x


def nesterov_by_hand(x: float, grads: list[float], rate: float, mu: float) -> float:
    """Sutskever et al. at the point that is looked at: θ ← θ + μ v − η g with the new v."""
    v = 0.0
    for g in grads:
        v = mu * v - rate * g
        x = x + mu * v - rate * g
    return x


def rmsprop_by_hand(
    x: float, grads: list[float], rate: float, rho: float, mu: float, eps: float, centered: bool
) -> float:
    """Hinton, and Graves where it is centered."""
    s = m = v = 0.0
    for g in grads:
        s = rho * s + (1 - rho) * g * g
        m = rho * m + (1 - rho) * g
        spread = s - m * m if centered else s
        v = mu * v + rate * g / math.sqrt(spread + eps)
        x = x - v
    return x


def adagrad_by_hand(x: float, grads: list[float], rate: float, start: float, eps: float) -> float:
    """Duchi et al."""
    for i, g in enumerate(grads):
        s = start + sum(h * h for h in grads[: i + 1])
        x = x - rate * g / math.sqrt(s + eps)
    return x


def adam_by_hand(
    x: float, grads: list[float], rate: float, b1: float, b2: float, eps: float
) -> float:
    """Kingma and Ba, algorithm 1, with the means as the sums that they are."""
    for t in range(1, len(grads) + 1):
        m = sum((1 - b1) * b1 ** (t - i) * grads[i - 1] for i in range(1, t + 1))
        v = sum((1 - b2) * b2 ** (t - i) * grads[i - 1] ** 2 for i in range(1, t + 1))
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        x = x - rate * m_hat / (math.sqrt(v_hat) + eps)
    return x


def adadelta_by_hand(x: float, grads: list[float], rate: float, rho: float, eps: float) -> float:
    """Zeiler, algorithm 1, with a rate."""
    s = d = 0.0
    for g in grads:
        s = rho * s + (1 - rho) * g * g
        delta = -math.sqrt(d + eps) / math.sqrt(s + eps) * g
        d = rho * d + (1 - rho) * delta * delta
        x = x + rate * delta
    return x


def adamax_by_hand(
    x: float, grads: list[float], rate: float, b1: float, b2: float, eps: float
) -> float:
    """Kingma and Ba, algorithm 2, with u as the largest of all faded gradients."""
    for t in range(1, len(grads) + 1):
        m = sum((1 - b1) * b1 ** (t - i) * grads[i - 1] for i in range(1, t + 1))
        u = max(b2 ** (t - i) * abs(grads[i - 1]) for i in range(1, t + 1))
        x = x - rate / (1 - b1**t) * m / (u + eps)
    return x


def nadam_by_hand(
    x: float, grads: list[float], rate: float, b1: float, b2: float, eps: float
) -> float:
    """Dozat's algorithm as Keras has it, its products multiplied out."""
    mu = [b1 * (1 - 0.5 * 0.96**i) for i in range(1, len(grads) + 2)]
    for t in range(1, len(grads) + 1):
        m = sum((1 - b1) * b1 ** (t - i) * grads[i - 1] for i in range(1, t + 1))
        v = sum((1 - b2) * b2 ** (t - i) * grads[i - 1] ** 2 for i in range(1, t + 1))
        ahead = mu[t] * m / (1 - math.prod(mu[: t + 1]))
        now = (1 - mu[t - 1]) * grads[t - 1] / (1 - math.prod(mu[:t]))
        x = x - rate * (ahead + now) / (math.sqrt(v / (1 - b2**t)) + eps)
    return x


BY_HAND: dict[str, tuple[Optimizer, Callable[[float, list[float], float], float]]] = {
    "sgd": (SGD(), lambda x, g, r: sgd_by_hand(x, g, r, 0.0)),
    "momentum": (SGD(momentum=0.7), lambda x, g, r: sgd_by_hand(x, g, r, 0.7)),
    "nesterov": (
        SGD(momentum=0.7, nesterov=True),
        lambda x, g, r: nesterov_by_hand(x, g, r, 0.7),
    ),
    "rmsprop": (
        RMSprop(rho=0.8, epsilon=0.03),
        lambda x, g, r: rmsprop_by_hand(x, g, r, 0.8, 0.0, 0.03, False),
    ),
    "rmsprop with momentum": (
        RMSprop(rho=0.8, momentum=0.6, epsilon=0.03),
        lambda x, g, r: rmsprop_by_hand(x, g, r, 0.8, 0.6, 0.03, False),
    ),
    "rmsprop centered": (
        RMSprop(rho=0.8, epsilon=0.03, centered=True),
        lambda x, g, r: rmsprop_by_hand(x, g, r, 0.8, 0.0, 0.03, True),
    ),
    "adagrad": (
        Adagrad(initial_accumulator_value=0.2, epsilon=0.03),
        lambda x, g, r: adagrad_by_hand(x, g, r, 0.2, 0.03),
    ),
    "adam": (
        Adam(beta_1=0.6, beta_2=0.8, epsilon=0.03),
        lambda x, g, r: adam_by_hand(x, g, r, 0.6, 0.8, 0.03),
    ),
    "adamw": (
        AdamW(beta_1=0.6, beta_2=0.8, epsilon=0.03),
        lambda x, g, r: adam_by_hand(x, g, r, 0.6, 0.8, 0.03),
    ),
    "adadelta": (
        Adadelta(rho=0.8, epsilon=0.03),
        lambda x, g, r: adadelta_by_hand(x, g, r, 0.8, 0.03),
    ),
    "adamax": (
        Adamax(beta_1=0.6, beta_2=0.8, epsilon=0.03),
        lambda x, g, r: adamax_by_hand(x, g, r, 0.6, 0.8, 0.03),
    ),
    "nadam": (
        Nadam(beta_1=0.6, beta_2=0.8, epsilon=0.03),
        lambda x, g, r: nadam_by_hand(x, g, r, 0.6, 0.8, 0.03),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
@given(seed=seeds, steps=st.integers(1, 6), rate=st.floats(1e-3, 1.0))
def test_vectors_move_as_the_papers_numbers_do(
    name: str, seed: int, steps: int, rate: float
) -> None:
    optimizer, by_hand = BY_HAND[name]
    theta, *grads = normal(seed, *[(3,)] * (steps + 1))
    moved = run(optimizer, theta, grads, rate)[-1]
    expected = [by_hand(float(theta[i]), [float(g[i]) for g in grads], rate) for i in range(3)]
    np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-12)


@given(slope=st.floats(0.1, 2.0), mu=st.floats(0.1, 0.95))
def test_nesterov_looks_ahead_by_the_momentum(slope: float, mu: float) -> None:
    """Nesterov takes the gradient at θ + μ v; minnet's theta is that point."""
    rate, theta, v = 0.1, 1.0, 0.0  # f(θ) = slope θ² / 2
    optimizer, ahead, velocity = SGD(momentum=mu, nesterov=True), np.ones(1), np.zeros(1)
    for t in range(1, 8):
        v = mu * v - rate * slope * (theta + mu * v)
        theta = theta + v
        optimizer.update(ahead, slope * ahead, (velocity,), t, rate, np.empty(1))
        assert ahead[0] == pytest.approx(theta + mu * v, rel=1e-9, abs=1e-12)


def test_nesterov_without_momentum_is_plain_descent() -> None:
    assert SGD(nesterov=True).slots == ()
    assert two_steps(SGD(nesterov=True)) == two_steps(SGD())


def test_slots_are_what_the_settings_need() -> None:
    assert SGD().slots == ()
    assert SGD(momentum=0.1).slots == ("v",)
    assert RMSprop().slots == ("s",)
    assert RMSprop(centered=True).slots == ("s", "m")
    assert RMSprop(momentum=0.1).slots == ("s", "v")
    assert RMSprop(momentum=0.1, centered=True).slots == ("s", "m", "v")
    assert [Adam().initial(slot) for slot in Adam.slots] == [0.0, 0.0]


# --- what holds for all ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
@given(seed=seeds, steps=st.integers(1, 4), cut=st.integers(1, 6))
def test_pieces_are_updated_as_the_whole_is(
    make: Callable[[], Optimizer], seed: int, steps: int, cut: int
) -> None:
    theta, *grads = normal(seed, *[(7,)] * (steps + 1))
    whole = run(make(), theta, grads, 0.1)[-1]
    parts = [run(make(), theta[p], [g[p] for g in grads], 0.1)[-1] for p in _cut(cut)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def _cut(at: int) -> tuple[slice, slice]:
    return slice(0, at), slice(at, None)


@pytest.mark.parametrize("make", ALL)
@given(seed=seeds, i=st.integers(0, 4))
def test_a_coordinate_does_not_feel_the_others(
    make: Callable[[], Optimizer], seed: int, i: int
) -> None:
    theta, a, b = normal(seed, (5,), (5,), (5,))
    c = b.copy()
    c[i] += 1.0
    one, other = run(make(), theta, [a, b], 0.1)[-1], run(make(), theta, [a, c], 0.1)[-1]
    np.testing.assert_array_equal(np.flatnonzero(one != other), [i])


@pytest.mark.parametrize("make", ALL)
@given(seed=seeds, decay=st.floats(0, 1))
def test_decay_without_a_rate_keeps_every_bit(
    make: Callable[[], Optimizer], seed: int, decay: float
) -> None:
    (theta,) = normal(seed, (5,))
    optimizer, before = make(), theta.copy()
    optimizer.weight_decay = decay
    optimizer.decay(theta, 0.0)
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize("make", ALL)
@given(seed=seeds)
def test_a_rate_of_zero_moves_nothing(make: Callable[[], Optimizer], seed: int) -> None:
    theta, *grads = normal(seed, *[(5,)] * 4)
    np.testing.assert_array_equal(run(make(), theta, grads, 0.0)[-1], theta)


@pytest.mark.parametrize("make", ALL)
@given(seed=seeds)
def test_the_first_step_goes_against_the_gradient(make: Callable[[], Optimizer], seed: int) -> None:
    theta, grad = normal(seed, (5,), (5,))
    moved = run(make(), theta, [grad], 1e-3)[0] - theta
    np.testing.assert_array_equal(np.sign(moved), -np.sign(grad))


@pytest.mark.parametrize("make", ALL)
def test_float32_stays_float32_and_the_gradient_is_not_written(
    make: Callable[[], Optimizer],
) -> None:
    theta, grad = (a.astype(np.float32) for a in normal(0, (5,), (5,)))
    before = grad.copy()
    grad.flags.writeable = False
    out = run(make(), theta, [grad], 0.1)[0]
    assert out.dtype == np.float32
    np.testing.assert_array_equal(grad, before)


@given(seed=seeds)
def test_adams_first_step_is_the_rate_times_the_sign(seed: int) -> None:
    theta, grad = normal(seed, (6,), (6,))
    moved = run(Adam(), theta, [grad], 0.01)[0] - theta
    np.testing.assert_allclose(moved, -0.01 * np.sign(grad), rtol=1e-4)


@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_adam_does_not_see_the_gradients_scale(seed: int, scale: float) -> None:
    theta, *grads = normal(seed, *[(4,)] * 4)
    a = run(Adam(epsilon=1e-30), theta, grads, 0.01)[-1]
    b = run(Adam(epsilon=1e-30), theta, [scale * g for g in grads], 0.01)[-1]
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_adam_is_finite_after_a_million_updates() -> None:
    theta, m, v = np.ones(1, np.float32), np.full(1, 0.1, np.float32), np.full(1, 1e-3, np.float32)
    Adam().update(theta, np.ones(1, np.float32), (m, v), 10**6, 1e-3, np.empty(1, np.float32))
    assert 0.99 < theta[0] < 1.0


def test_rmsprop_without_spread_is_finite() -> None:
    """s − m² is 0 up to rounding for a constant gradient, and may come out negative."""
    grad = np.linspace(100, 1000, 50).astype(np.float32) / 3
    steps = run(RMSprop(centered=True, rho=0.9), np.zeros(50, np.float32), [grad] * 300, 0.01)
    assert np.isfinite(steps[-1]).all()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "SGD's learning_rate takes .*Got -0.1"),
        (lambda: SGD(math.nan), "SGD's learning_rate"),
        (lambda: SGD(0.1, momentum=1.0), "SGD's momentum"),
        (lambda: Adam(beta_1=1.0), "Adam's beta_1"),
        (lambda: AdamW(beta_2=1.5), "AdamW's beta_2"),
        (lambda: Adam(epsilon=0.0), "Adam's epsilon"),
        (lambda: RMSprop(rho=-0.1), "RMSprop's rho"),
        (lambda: Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value"),
        (lambda: Adam(weight_decay=-1.0), "Adam's weight_decay"),
        (lambda: Adam(global_clipnorm=0.0), "Adam's global_clipnorm"),
    ],
)
def test_numbers_out_of_range_are_refused(make: Callable[[], Optimizer], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_rate_and_decay_have_to_suit_each_other_whichever_is_set_last() -> None:
    words = "above it θ ← θ − η λ θ turns weights around"
    for optimizer in (Adam(0.1, weight_decay=0.5), AdamW(0.1, weight_decay=0.5)):
        with pytest.raises(ValueError, match=words):
            optimizer.weight_decay = 20.0
        with pytest.raises(ValueError, match=words):
            optimizer.learning_rate = 5.0
        assert (optimizer.learning_rate, optimizer.weight_decay) == (0.1, 0.5)
        optimizer.learning_rate = 2.0


def test_a_rate_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a number or a schedule. Got 'fast'"):
        SGD("fast")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Got the class SGD itself. Call it: SGD\(…\)"):
        SGD(SGD)  # type: ignore[arg-type]


def test_a_set_rate_is_checked_too() -> None:
    optimizer = Adam()
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1.0
    assert optimizer.learning_rate == 1e-3


def test_a_schedule_gives_python_floats_and_is_checked() -> None:
    optimizer = SGD(lambda step: np.float64(0.1) / (step + 1))  # type: ignore[arg-type]
    assert type(optimizer.rate(1)) is float
    assert optimizer.rate(1) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="The schedule of SGD at step 3"):
        SGD(lambda step: math.nan).rate(3)
    with pytest.raises(ValueError, match="at step 0"):
        SGD(lambda step: -1.0).rate(0)


def test_an_optimizer_without_a_formula_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Optimizer has no update"):
        Optimizer(0.1).update(np.zeros(1), np.zeros(1), (), 1, 0.1, np.zeros(1))
