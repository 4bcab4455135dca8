"""The model that ships: what it is, what it can do, and how an image is brought to its input."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet import load_pretrained
from minnet.datasets import digits, mnist
from minnet.files import store
from minnet.layers import Dense
from minnet.pretrained import MODELS, mnist_8x8
from minnet.pretrained.mnist_8x8 import PREPROCESSING, preprocess
from tests.strategies import seeds

sizes = st.integers(1, 28)


def drawing(seed, height, width):
    """Strokes in grey, with ink in each first and last row and column."""
    rng = np.random.default_rng(seed)
    ink = rng.integers(256, size=(height, width)).astype(np.uint8)
    ink[0, 0] = ink[-1, -1] = 255
    return ink


def framed(ink, top, left, shape=(28, 28)):
    """The drawing on an empty image, at this place."""
    image = np.zeros(shape, np.uint8)
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return image


# --- the model ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    return load_pretrained("mnist-8x8")


def accuracy(model, x, y):
    return (model.predict(x).argmax(axis=1) == y).mean()


def test_loading_prints_nothing(capfd):
    load_pretrained("mnist-8x8")
    assert capfd.readouterr() == ("", "")


def test_every_model_that_is_named_loads():
    assert [load_pretrained(name).name for name in MODELS] == list(MODELS)


def test_it_is_a_network_of_three_layers_for_64_numbers(base):
    dense = [layer for layer in base.layers if isinstance(layer, Dense)]
    assert [layer.units for layer in dense] == [256, 128, 10]
    assert (base.input_shape, base.output_shape) == ((64,), (10,))
    assert base.dtype == np.float32
    assert base.count_params() == 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10


def test_it_says_where_its_weights_came_from(base):
    assert {layer.origin for layer in base.layers} == {"mnist-8x8"}
    lines = []
    base.summary(print_fn=lines.append)
    assert "\n".join(lines).count("mnist-8x8") >= 4


def test_it_says_what_its_classes_and_its_inputs_are(base):
    assert base.class_names == [str(digit) for digit in range(10)]
    assert base.preprocessing == PREPROCESSING
    assert "from minnet.pretrained.mnist_8x8 import preprocess" in base.preprocessing
    assert "8×8 numbers from 0 to 1" in base.preprocessing


def test_a_new_head_keeps_where_the_rest_came_from(base):
    model = base.replace_head(Dense(3, activation="softmax"), seed=0)
    origins = [layer.origin for layer in model.layers if layer.parameters]
    assert origins == ["mnist-8x8", "mnist-8x8", "new"]


def test_it_reads_the_uci_digits_that_it_never_saw(base):
    x, y, x_test, y_test = digits()
    assert accuracy(base, x_test, y_test) >= 0.85
    assert accuracy(base, x, y) >= 0.85


def test_it_comes_compiled(base):
    _, _, x_test, y_test = digits()
    assert base.evaluate(x_test, y_test)["accuracy"] >= 0.85


@pytest.mark.slow
def test_it_reads_mnist(base, data_folder):
    assert data_folder.is_dir()
    _, _, x_test, y_test = mnist()
    assert accuracy(base, preprocess(x_test[:2000]), y_test[:2000]) >= 0.95


def test_two_loads_are_independent():
    first, second = load_pretrained("mnist-8x8"), load_pretrained("mnist-8x8")
    np.testing.assert_array_equal(first.theta, second.theta)
    kept = second.theta.copy()
    first.theta[...] = 0
    first.layers[0].trainable = False
    np.testing.assert_array_equal(second.theta, kept)
    assert second.layers[0].trainable
    np.testing.assert_array_equal(load_pretrained("mnist-8x8").theta, kept)


def test_the_seed_is_for_later_fits():
    x, y, _, _ = digits(per_class=2, seed=0)
    thetas = []
    for seed in (1, 1, 2):
        model = load_pretrained("mnist-8x8", seed=seed)
        model.fit(x, y, epochs=1, verbose=0)
        thetas.append(model.theta)
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert not np.array_equal(thetas[0], thetas[2])


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "mnist-8×8",
            ValueError,
            r'one of mnist-8x8, mnist-cnn. Got .* Did you mean "mnist-8x8"\?',
        ),
        ("MNIST-8x8", ValueError, r'Did you mean "mnist-8x8"\?'),
        (
            "resnet",
            ValueError,
            r"load_pretrained takes one of mnist-8x8, mnist-cnn. Got 'resnet'\.$",
        ),
        ("../datasets/data/uci-digits", ValueError, r"takes one of mnist-8x8"),
        (None, TypeError, r"load_pretrained takes a model's name. Got None"),
    ],
)
def test_an_unknown_name_suggests_a_known_one(name, error, message):
    with pytest.raises(error, match=message):
        load_pretrained(name)


# --- preprocess -----------------------------------------------------------------------------------


@given(seed=seeds, height=sizes, width=sizes)
def test_every_image_becomes_64_sixteenths_from_0_to_1(seed, height, width):
    row = preprocess(framed(drawing(seed, height, width), 0, 0))
    assert (row.shape, row.dtype) == ((1, 64), np.float32)
    assert row.min() >= 0
    assert row.max() <= 1
    np.testing.assert_array_equal(row * 16, np.round(row * 16))


@given(seed=seeds, height=sizes, width=sizes, data=st.data())
def test_the_place_in_the_frame_does_not_matter(seed, height, width, data):
    ink = drawing(seed, height, width)
    top, left = data.draw(st.integers(0, 28 - height)), data.draw(st.integers(0, 28 - width))
    moved = preprocess(framed(ink, top, left))
    np.testing.assert_array_equal(moved, preprocess(framed(ink, 0, 0)))
    np.testing.assert_array_equal(moved, preprocess(framed(ink, top + 5, left + 9, (40, 60))))


@given(seed=seeds, height=st.integers(1, 14), width=st.integers(1, 14))
def test_faint_ink_does_not_matter(seed, height, width):
    ink = drawing(seed, height, width)
    image = framed(ink, 5, 5)
    faint = np.where(image == 0, 100, image).astype(np.uint8)
    np.testing.assert_array_equal(preprocess(image), preprocess(faint))


@given(seed=seeds, n=st.integers(1, 4))
def test_every_form_of_the_same_images_gives_the_same(seed, n):
    images = np.stack([framed(drawing(seed + i, 20, 12), 3, 8) for i in range(n)])
    rows = preprocess(images)
    assert rows.shape == (n, 64)
    for same in (
        images.reshape(n, 784),
        images.astype(int),
        images / 255,
        (images / np.float32(255)).reshape(n, 784),
        images > 100,
    ):
        np.testing.assert_array_equal(preprocess(same), rows)
    np.testing.assert_array_equal(np.vstack([preprocess(image) for image in images]), rows)


def test_a_square_is_all_ink():
    np.testing.assert_array_equal(preprocess(framed(np.full((9, 9), 255), 3, 7)), 1.0)


def test_height_is_stretched_and_width_follows_in_the_middle():
    bar = preprocess(framed(np.full((16, 4), 255), 1, 1)).reshape(8, 8)
    np.testing.assert_array_equal(bar, np.tile([0, 0, 0, 1, 1, 0, 0, 0], (8, 1)))
    hair = preprocess(framed(np.full((28, 1), 255), 0, 0)).reshape(8, 8)
    np.testing.assert_array_equal(hair, np.tile([0, 0, 0, 0.5, 0.5, 0, 0, 0], (8, 1)))
    wide = preprocess(framed(np.full((4, 20), 255), 0, 0))
    np.testing.assert_array_equal(wide, 1.0)


def test_rows_are_rows_and_the_top_stays_at_the_top():
    ink = np.full((32, 32), 255)
    ink[:16, 16:] = 0  # the upper right quarter is empty
    image = preprocess(framed(ink, 0, 0, (32, 32))).reshape(8, 8)
    assert (image[:3, 5:] == 0).all()
    assert (image[:3, :3] == 1).all()
    assert (image[5:] == 1).all()


def test_images_of_32_rows_are_averaged_over_blocks_of_4():
    rng = np.random.default_rng(0)
    ink = rng.integers(2, size=(32, 32)) * 255
    ink[0, 0] = ink[-1, -1] = 255
    means = (ink / 255).reshape(8, 4, 8, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(preprocess(ink), means.reshape(1, 64))


@given(seed=seeds, height=sizes, data=st.data())
def test_stretching_is_linear_interpolation_between_the_centres_of_pixels(seed, height, data):
    width = data.draw(st.integers(height, 28))  # so that it is stretched to all 32 columns
    ink = (drawing(seed, height, width) > 100).astype(float)
    down, along = ((np.arange(32) + 0.5) * size / 32 - 0.5 for size in ink.shape)
    tall = np.array([np.interp(down, np.arange(height), column) for column in ink.T]).T
    sheet = np.array([np.interp(along, np.arange(width), row) for row in tall]) > 0.5
    means = sheet.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(preprocess(ink), means.reshape(1, 64))


def test_the_callers_images_stay():
    images = np.stack([framed(drawing(0, 20, 12), 3, 8)])
    images.flags.writeable = False
    preprocess(images)


def test_no_images_give_no_rows():
    assert preprocess(np.empty((0, 28, 28))).shape == (0, 64)


BLANK = np.zeros((3, 28, 28), np.uint8)
BLANK[[0, 2], 5, 5] = 255


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (BLANK, ValueError, r"images with ink in them. Got none in row 1"),
        (BLANK[:1] // 3, ValueError, r"Got none in row 0"),
        (BLANK.reshape(-1), ValueError, r"shape \(N, 28, 28\) or \(N, 784\). Got \(2352,\)"),
        (BLANK[None], ValueError, r"Got \(1, 3, 28, 28\)"),
        (np.empty((2, 0, 28)), ValueError, r"Got \(2, 0, 28\)"),
        (BLANK * 1.0, ValueError, r"Got float64 from 0 to 255. Divide floats by their range"),
        (-BLANK.astype(int), ValueError, r"whole numbers from 0 to 255. Got int64 from -255 to 0"),
        (BLANK.astype(int) * 2, ValueError, r"Got int64 from 0 to 510"),
        (digits()[2][:5], ValueError, r"Got \(5, 64\), rows that have 64 already"),
        (np.full((28, 28), np.nan), ValueError, r"images takes finite numbers. Got nan in row 0"),
        ("image.png", TypeError, r"images takes an array of numbers. Got 'image.png'"),
    ],
)
def test_what_preprocess_refuses(images, error, message):
    with pytest.raises(error, match=message):
        preprocess(images)


# --- how it was made ------------------------------------------------------------------------------


def test_make_trains_what_ships(monkeypatch, capsys, tmp_path):
    def few():
        rng = np.random.default_rng(0)
        y = np.arange(40) % 10
        x = np.zeros((40, 28, 28), np.float32)
        x[np.arange(40), 4:24, 5 + y] = 1.0
        x[np.arange(40), 4, :] = rng.random((40, 28)) > 0.5
        return x.reshape(40, 784), y, x.reshape(40, 784)[:10], y[:10]

    monkeypatch.setattr(mnist_8x8, "mnist", few)
    made, again = mnist_8x8.make(), mnist_8x8.make()
    assert "MNIST test: Evaluation(loss=" in capsys.readouterr().out
    np.testing.assert_array_equal(made.theta, again.theta)
    shipped = load_pretrained("mnist-8x8")
    assert repr(made.layers) == repr(shipped.layers)
    assert (made.name, made.class_names) == (shipped.name, shipped.class_names)
    assert (made.preprocessing, made.dtype) == (shipped.preprocessing, shipped.dtype)
    assert repr(made.loss) == repr(shipped.loss)
    assert repr(made.optimizer) == repr(shipped.optimizer)
    made.save(tmp_path / "made.npz", include_optimizer=False)
    np.testing.assert_array_equal(minnet.load(tmp_path / "made.npz").theta, made.theta)


@pytest.mark.slow
def test_make_learns_from_a_part_of_mnist(monkeypatch, capsys, data_folder):
    assert data_folder.is_dir()
    x, y, x_test, y_test = mnist()
    monkeypatch.setattr(
        mnist_8x8, "mnist", lambda: (x[:1500], y[:1500], x_test[:500], y_test[:500])
    )
    model = mnist_8x8.make(seed=1)
    assert accuracy(model, preprocess(x_test[:500]), y_test[:500]) >= 0.85
    assert "epoch" in capsys.readouterr().out.lower()


def test_the_weights_that_ship_are_the_first_ones_as_they_were_rounded(base):
    """Whatever the format of the file: see `minnet.pretrained.mnist_8x8` on why they stay."""
    assert hashlib.sha256(base.theta.astype("<f4").tobytes()).hexdigest() == (
        "6a60dec3357d6ed977eee0db4e190c273fc155700bbabd35d2cab983090b0c4d"
    )


def of_another_format(path, change=lambda arrays: None):
    """The file that ships, as a minnet of another format would have written it."""
    with np.load(Path(mnist_8x8.__file__).with_name("mnist-8x8.npz")) as file:
        arrays = dict(file)
    text = arrays["minnet.json"].tobytes().replace(b'"format_version": 4', b'"format_version": 3')
    arrays["minnet.json"] = np.frombuffer(text, np.uint8)
    change(arrays)
    np.savez(path, **arrays)
    return path


def test_the_weights_of_a_file_of_another_format_are_written_again(tmp_path, base):
    older = of_another_format(tmp_path / "older.npz")
    with pytest.raises(minnet.ModelFileError, match="is a file of format 3"):
        minnet.load(older)
    command = [sys.executable, "-W", "error", "-m", "minnet.pretrained.mnist_8x8"]
    root = Path(minnet.__file__).parents[1]
    subprocess.run([*command, tmp_path / "new.npz", older], check=True, cwd=root)
    shipped = Path(mnist_8x8.__file__).with_name("mnist-8x8.npz")
    (config, arrays), (kept, bits) = store.load(tmp_path / "new.npz"), store.load(shipped)
    assert config == kept
    assert {n: a.tobytes() for n, a in arrays.items()} == {n: a.tobytes() for n, a in bits.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("dense_3.b"),
        lambda arrays: arrays.update({"dense_4.b": np.zeros(3, np.float32)}),
        lambda arrays: arrays.update({"dense_3.b": np.zeros((10, 1), np.float32)}),
        lambda arrays: arrays.update({"dense_3.b": np.zeros(10)}),
    ],
)
def test_a_file_of_another_model_is_not_written_again(tmp_path, change):
    older = of_another_format(tmp_path / "older.npz", change)
    with pytest.raises(ValueError, match=r"the arrays of mnist-8x8\. Got .*older"):
        mnist_8x8.with_weights_of(older)


def test_a_wrong_seed_is_no_fault_of_the_file():
    with pytest.raises(TypeError, match="seed takes a whole number"):
        minnet.load_pretrained("mnist-8x8", seed="x")
