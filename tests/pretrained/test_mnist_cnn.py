"""The convolutional model that ships: what it is, what it can do, and how images come to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet import load_pretrained
from minnet.datasets import digits, mnist
from minnet.layers import Conv2D, Dense
from minnet.pretrained import mnist_cnn
from minnet.pretrained.mnist_cnn import PREPROCESSING, preprocess


@pytest.fixture(scope="module")
def base():
    return load_pretrained("mnist-cnn")


def test_it_is_a_small_lenet(base):
    assert [layer.filters for layer in base.layers if isinstance(layer, Conv2D)] == [6, 16]
    assert [layer.units for layer in base.layers if isinstance(layer, Dense)] == [120, 84, 10]
    assert (base.input_shape, base.output_shape) == ((28, 28, 1), (10,))
    assert base.count_params() == 61_706
    assert repr(base.layers) == repr(mnist_cnn.untrained().layers)
    assert (base.name, base.preprocessing) == ("mnist-cnn", PREPROCESSING)
    assert base.class_names == [str(digit) for digit in range(10)]


def test_its_file_takes_400_kB_at_most():
    assert Path(mnist_cnn.__file__).with_name("mnist-cnn.npz").stat().st_size <= 400_000


def test_it_says_where_its_weights_came_from(base):
    assert {layer.origin for layer in base.layers} == {"mnist-cnn"}
    lines = []
    base.card(print_fn=lines.append)
    assert "60,000" in lines[0]


def test_it_reads_the_uci_digits_that_it_never_saw(base):
    """They are 8×8; each pixel becomes 3×3, with a margin of 2."""
    _, _, x_test, y_test = digits()
    large = np.kron(x_test.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    x = preprocess(np.pad(large, [(0, 0), (2, 2), (2, 2)]))
    assert base.evaluate(x, y_test)["accuracy"] >= 0.6


@pytest.mark.slow
def test_it_reads_mnist(base, data_folder):
    assert data_folder.is_dir()
    _, _, x_test, y_test = mnist()
    assert base.evaluate(preprocess(x_test), y_test)["accuracy"] >= 0.988


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 28, 28, 1), (1, 784)])
def test_every_form_of_an_image_becomes_the_same(shape):
    image = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    x = preprocess(image.reshape(shape))
    assert (x.shape, x.dtype) == ((1, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(x[0, :, :, 0], image / np.float32(255))
    np.testing.assert_array_equal(preprocess(x), x)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 8, 8)), r"images of shape \(N, 28, 28\) or \(N, 784\)\. Got \(2, 8, 8\)\."),
        (np.full((28, 28), 255.0), r"Got float64 from 255 to 255\. Divide floats by their range"),
        (np.full((28, 28), -1), r"whole numbers from 0 to 255\. Got int64 from -1 to -1"),
        (np.full((28, 28), np.nan), r"images takes finite numbers"),
    ],
)
def test_what_preprocess_refuses(images, words):
    with pytest.raises(ValueError, match=words):
        preprocess(images)


def test_make_trains_what_ships(monkeypatch, capsys):
    def few():
        rng = np.random.default_rng(0)
        x, y = rng.random((40, 784), np.float32), np.arange(40) % 10
        return x, y, x[:10], y[:10]

    monkeypatch.setattr(mnist_cnn, "mnist", few)
    made, again = (mnist_cnn.make(epochs=2) for _ in range(2))
    assert "MNIST test: Evaluation(loss=" in capsys.readouterr().out
    np.testing.assert_array_equal(made.theta, again.theta)
    shipped = load_pretrained("mnist-cnn")
    assert repr(made.layers) == repr(shipped.layers)
    assert repr(made.loss) == repr(shipped.loss)


def test_frozen_filters_are_computed_once_and_keep_every_bit(base):
    x = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    model = base.replace_head(Dense(3, activation="softmax"), seed=0)
    model.freeze("all_but_head")
    kept = [layer.W.copy() for layer in model.layers if isinstance(layer, Conv2D)]
    model.compile("adam", "cross_entropy")
    model.fit(x, np.arange(20) % 3, epochs=3, verbose=0)
    for before, layer in zip(kept, model.layers[0:3:2], strict=True):
        np.testing.assert_array_equal(layer.W, before)


def test_it_is_saved_and_loaded_like_any_other(base, tmp_path):
    base.save(tmp_path / "copy.npz")
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(minnet.load(tmp_path / "copy.npz").predict(x), base.predict(x))
