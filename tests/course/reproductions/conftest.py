"""A little of MNIST, read once."""

from __future__ import annotations

import os

import pytest

import minnet
from minnet.datasets.digits import Split


@pytest.fixture(scope="session")
def little_mnist() -> Split:
    """The first 6,000 training and 1,000 test images; tests that want them skip without MNIST."""
    if not os.environ.get("MINNET_DATA"):
        pytest.skip("set MINNET_DATA to the folder with mnist/ to run this test")
    x, y, x_test, y_test = minnet.datasets.mnist()
    return x[:6_000], y[:6_000], x_test[:1_000], y_test[:1_000]
