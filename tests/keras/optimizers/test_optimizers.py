"""Optimizers behind the door: Keras' arguments, spellings and rates."""

from __future__ import annotations

import pytest

from minnet.keras import optimizers


@pytest.mark.parametrize("spelling", ["RMSprop", "rmsprop", "rms_prop", "Adam", "adamW", "SGD"])
def test_any_spelling_means_the_optimizer(spelling: str) -> None:
    assert isinstance(optimizers.get(spelling), optimizers.Optimizer)


def test_a_rate_is_a_number_that_can_be_assigned() -> None:
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate.assign(0.25)
    assert optimizer.learning_rate == optimizer.learning_rate.numpy() == 0.25
    assert type(optimizer.rate(0)) is float


def test_adam_has_its_epsilon_beside_the_root_of_v() -> None:
    assert optimizers.Adam().epsilon_beside == "v"
    assert optimizers.Adam().epsilon == 1e-7
