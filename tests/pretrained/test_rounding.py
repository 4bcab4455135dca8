"""The weights that ship are rounded, and no answer changed by that."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet import load_pretrained
from minnet.datasets import digits, mnist
from minnet.pretrained import MODELS, mnist_8x8, mnist_cnn
from minnet.pretrained.rounding import rounded

MADE_BY = {"mnist-8x8": mnist_8x8, "mnist-cnn": mnist_cnn}

UCI_ANSWERS = {"mnist-8x8": "644adc02ba5ae024", "mnist-cnn": "cc47f30ab502c8fb"}
MNIST_ANSWERS = {"mnist-8x8": "689a409f3e119e13", "mnist-cnn": "0ca8a6f525c1a236"}
"""SHA-256 of the classes that the models named before they were rounded, training images first."""


@given(number=st.floats(-1e3, 1e3, width=32), bits=st.integers(1, 24))
def test_a_rounded_number_has_so_many_bits_and_is_the_nearest(number, bits):
    (result,) = rounded(np.array([number], np.float32), bits)
    mantissa, exponent = np.frexp(np.float64(result))
    assert float(mantissa * 2.0**bits).is_integer()
    away = abs(float(result) - number)
    unit = np.ldexp(1.0, int(np.frexp(np.float64(number))[1]) - bits)
    assert away <= max(unit / 2, np.finfo(np.float32).smallest_subnormal)
    assert exponent <= np.frexp(np.float64(number))[1] + 1


@given(number=st.floats(-1e3, 1e3, width=16))
def test_eleven_bits_are_those_of_float16(number):
    array = np.array([number], np.float32)
    np.testing.assert_array_equal(rounded(array, 11), array)


@pytest.mark.parametrize("name", MODELS)
def test_the_weights_that_ship_have_no_more_bits(name):
    theta = load_pretrained(name).theta
    np.testing.assert_array_equal(rounded(theta, MADE_BY[name].BITS), theta)


def answers(model, x):
    """The classes that a model names, as a hash."""
    return hashlib.sha256(model.predict(x).argmax(axis=1).astype(np.uint8)).hexdigest()[:16]


@pytest.mark.parametrize("name", MODELS)
def test_no_answer_to_the_uci_digits_changed(name):
    x, _, x_test, _ = digits()
    images = np.concatenate([x, x_test])
    if name == "mnist-cnn":  # each pixel becomes 3×3, with a margin of 2
        large = np.kron(images.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
        images = mnist_cnn.preprocess(np.pad(large, [(0, 0), (2, 2), (2, 2)]))
    assert answers(load_pretrained(name), images) == UCI_ANSWERS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_no_answer_to_mnist_changed(name, data_folder):
    assert data_folder.is_dir()
    x, _, x_test, _ = mnist()
    images = MADE_BY[name].preprocess(np.concatenate([x, x_test]))
    assert answers(load_pretrained(name), images) == MNIST_ANSWERS[name]
