"""What Adadelta, Adamax and Nadam alone have; they share the tests of `test_textbook.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.optimizers import SGD, Adadelta, Adam, Adamax, AdamW, Nadam
from minnet.optimizers.variants import LAST_WARMED, warmed
from tests.optimizers.test_textbook import two_steps


def test_adadelta_by_hand() -> None:
    # s = 0.05 · 4 = 0.2, Δ = 2 √1e-7 / √0.2; d = 0.05 Δ², s = 0.95 · 0.2 + 0.05 = 0.24
    step = 2 * math.sqrt(1e-7 / (0.2 + 1e-7))
    first = 1 - 0.1 * step
    second = math.sqrt((0.05 * step**2 + 1e-7) / (0.24 + 1e-7))
    assert two_steps(Adadelta()) == pytest.approx([first, first + 0.1 * second], rel=1e-12)


def test_adamax_by_hand() -> None:
    # m = 0.2, u = 2: θ = 1 − 0.1 / 0.1 · 0.2 / 2; m = 0.08, u = 1.998
    assert two_steps(Adamax()) == pytest.approx([0.9, 0.9 - 0.1 / 0.19 * 0.08 / 1.998], abs=1e-7)


def test_nadam_by_hand() -> None:
    # μ₁ = 0.9 · 0.52 = 0.468, μ₂ = 0.9 · 0.5392 = 0.48528; m = 0.2, v̂ = 4
    # m̂ = 0.48528 · 0.2 / (1 − 0.468 · 0.48528) + 0.532 · 2 / 0.532 = 2.12558
    first = 0.48528 * 0.2 / (1 - 0.468 * 0.48528) + 2
    assert two_steps(Nadam())[0] == pytest.approx(1 - 0.1 * first / 2, abs=1e-7)


def test_the_warmed_product_ends_where_its_factors_are_1() -> None:
    assert warmed(0) == 1.0
    assert warmed(2) == pytest.approx(0.52 * (1 - 0.5 * 0.96**2))
    assert 1.0 - 0.5 * 0.96**LAST_WARMED == 1.0
    assert warmed(10**9) == warmed(LAST_WARMED)


def test_nadam_is_finite_after_a_million_updates() -> None:
    theta, m, v = np.ones(1, "f4"), np.full(1, 0.1, "f4"), np.full(1, 1e-3, "f4")
    Nadam().update(theta, np.ones(1, "f4"), (m, v), 10**6, 1e-3, np.empty(1, "f4"))
    assert 0.9 < theta[0] < 1.0


@pytest.mark.parametrize("kind", [Adadelta, Adamax, Nadam])
def test_a_gradient_that_was_always_0_moves_nothing(kind) -> None:
    theta, a, b = np.ones(2), np.zeros(2), np.zeros(2)
    for t in (1, 2, 3):
        kind().update(theta, np.zeros(2), (a, b), t, 1.0, np.empty(2))
    np.testing.assert_array_equal(theta, 1.0)


def test_published_defaults() -> None:
    assert (Adadelta().learning_rate, Adadelta().rho, Adadelta().epsilon) == (1e-3, 0.95, 1e-7)
    for optimizer in (Adamax(), Nadam()):
        assert (optimizer.learning_rate, optimizer.epsilon) == (1e-3, 1e-7)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.999)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adadelta(rho=1.0), "Adadelta's rho"),
        (lambda: Adamax(beta_1=-0.1), "Adamax's beta_1"),
        (lambda: Nadam(epsilon=0.0), "Nadam's epsilon"),
        (lambda: SGD(clipnorm=0.0), "SGD's clipnorm"),
        (lambda: SGD(clipvalue=-1.0), "SGD's clipvalue"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_way_of_clipping_at_a_time() -> None:
    message = (
        r"Adam takes one of global_clipnorm, clipnorm, clipvalue\. Got clipnorm=2 beside "
        r"global_clipnorm=1\. Make one of them None\."
    )
    with pytest.raises(ValueError, match=message):
        Adam(global_clipnorm=1.0, clipnorm=2.0)
    optimizer = AdamW(clipvalue=0.5)
    with pytest.raises(ValueError, match=r"Got clipnorm=1 beside clipvalue=0\.5"):
        optimizer.clipnorm = 1.0
    optimizer.clipvalue = None
    optimizer.clipnorm = 1.0
    assert (optimizer.clipnorm, optimizer.clipvalue) == (1.0, None)


def test_the_product_of_nadams_momenta_is_that_of_one_beta() -> None:
    """Were β₁ changed between two updates, the product would not be that of the momenta used."""
    nadam = Nadam()
    with pytest.raises(AttributeError, match="Nadam's beta_1 is set when it is made"):
        nadam.beta_1 = 0.5
    nadam.beta_1 = 0.9
    nadam.beta_2 = 0.5


@pytest.mark.parametrize("betas", [(0.5, 0.999), (0.9, 0.9), (0.0, 0.0)])
def test_adamax_follows_the_formula_when_a_beta_is_set_between_updates(betas) -> None:
    """Kingma and Ba's algorithm 2, with the β of each step, as in PyTorch."""
    rng, optimizer = np.random.default_rng(0), Adamax(0.01)
    theta, m, u = np.zeros(3), np.zeros(3), np.zeros(3)
    wanted, mean, norm = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in range(1, 21):
        if t == 11:
            optimizer.beta_1, optimizer.beta_2 = betas
        b1, b2, g = optimizer.beta_1, optimizer.beta_2, rng.normal(size=3) + 1
        optimizer.update(theta, g, (m, u), t, 0.01, np.empty(3))
        mean, norm = b1 * mean + (1 - b1) * g, np.maximum(b2 * norm, np.abs(g))
        wanted = wanted - 0.01 / (1 - b1**t) * mean / (norm + 1e-7)
        np.testing.assert_allclose(theta, wanted, rtol=1e-12, atol=1e-15)
