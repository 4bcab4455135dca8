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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests as well")


left_out = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the slow tests, but for those that somebody asks for by an option or by name."""
    named = any("::" in argument for argument in config.args)
    if config.getoption("--slow") or config.getoption("-m") or named:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.stash[left_out] = len(slow)
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many tests were left out, and how to run them."""
    if number := config.stash.get(left_out, 0):
        terminalreporter.write_line(
            f"{number} slow test{'s were' if number > 1 else ' was'} left out. "
            "Run all tests with: python -m pytest --slow"
        )


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
