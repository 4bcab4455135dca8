"""MNIST in Keras' shape and dtype; where the other data sets are."""

from __future__ import annotations

import os

import numpy as np
import pytest

from minnet.keras import datasets


@pytest.mark.skipif("MINNET_DATA" not in os.environ, reason="MNIST's files are not on this machine")
def test_mnist_is_bytes_of_28_by_28() -> None:
    (x, y), (x_test, y_test) = datasets.mnist.load_data()
    assert (x.shape, x.dtype) == ((60000, 28, 28), np.uint8)
    assert (x_test.shape, y_test.shape, y.dtype) == ((10000, 28, 28), (10000,), np.uint8)
    assert x.max() == 255
    x[0] = 0  # as programs write into them


@pytest.mark.parametrize("name", sorted(datasets.WHERE))
def test_what_is_not_there_says_where_it_is(name: str) -> None:
    with pytest.raises(NotImplementedError, match=rf"no datasets\.{name}\. "):
        getattr(datasets, name).load_data(num_words=10000)
