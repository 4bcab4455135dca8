"""What all tests share: no screen, no surprises from randomness, and the development data."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")

# "ci" draws the same examples every time; "dev" looks for new ones; "thorough" looks for long.
_calm = [HealthCheck.too_slow, HealthCheck.differing_executors]
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_calm)
settings.register_profile("dev", deadline=None, suppress_health_check=_calm)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


@pytest.fixture
def data_folder() -> Path:
    """The folder with MNIST and the original UCI files; tests that need it skip without it."""
    folder = os.environ.get("MINNET_DATA")
    if not folder:
        pytest.skip("set MINNET_DATA to the folder with mnist/ and uci/ to run this test")
    return Path(folder)


@pytest.fixture(autouse=True)
def _global_generator_untouched() -> Iterator[None]:
    """Nothing in minnet reads or writes NumPy's global generator."""
    np.random.seed(0)
    before = np.random.get_state()[1:3]
    yield
    after = np.random.get_state()[1:3]
    assert np.array_equal(before[0], after[0])
    assert before[1] == after[1], "the global generator was used"


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """Pictures of one test are not there in the next."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def python_handles_ctrl_c() -> Iterator[None]:
    """Python's handler is in place, which a shell's background job does without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
