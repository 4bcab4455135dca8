"""The UCI digits: what ships, what is drawn from it, and that a caller owns what comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.datasets import digits
from minnet.datasets.digits import draw_per_class, pack, unpack
from tests.strategies import seeds

PUBLISHED = [
    [376, 389, 380, 389, 387, 376, 377, 387, 380, 382],
    [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
]
"""Samples of each digit, training and test, from `optdigits.names`."""


def places(rows, among):
    """Where each row stands in an array of different rows."""
    index = {row.tobytes(): i for i, row in enumerate(among)}
    return [index[row.tobytes()] for row in rows]


def test_shapes_and_dtypes():
    x, y, x_test, y_test = digits()
    assert (x.shape, y.shape) == ((3823, 64), (3823,))
    assert (x_test.shape, y_test.shape) == ((1797, 64), (1797,))
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.intp


def test_counts_of_each_class_as_published():
    _, y, _, y_test = digits()
    assert [np.bincount(labels).tolist() for labels in (y, y_test)] == PUBLISHED


def test_pixels_are_sixteenths_from_0_to_1():
    x, _, x_test, _ = digits()
    for images in (x, x_test):
        assert (images.min(), images.max()) == (0.0, 1.0)
        np.testing.assert_array_equal(np.unique(images), np.arange(17) / 16)


def test_the_file_that_ships_is_the_original(data_folder):
    x, y, x_test, y_test = digits()
    for name, images, labels in (("tra", x, y), ("tes", x_test, y_test)):
        path = data_folder / "uci" / f"optdigits.{name}"
        table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=int)
        np.testing.assert_array_equal(images * 16, table[:, :64])
        np.testing.assert_array_equal(labels, table[:, 64])


def test_what_pack_makes_is_unpacked_to_every_number(tmp_path):
    rng = np.random.default_rng(0)
    tables = {name: rng.integers(17, size=(n, 65)) for name, n in (("tra", 4), ("tes", 2))}
    for name, table in tables.items():
        lines = [",".join(map(str, row)) for row in (["heading"] * 65, *table.tolist())]
        (tmp_path / f"optdigits.{name}").write_text("\n".join(lines))
    pack(tmp_path, tmp_path / "digits.npz")
    x, y, x_test, y_test = unpack(tmp_path / "digits.npz")
    np.testing.assert_array_equal(x, tables["tra"][:, :64])
    np.testing.assert_array_equal(y, tables["tra"][:, 64])
    np.testing.assert_array_equal(x_test, tables["tes"][:, :64])
    np.testing.assert_array_equal(y_test, tables["tes"][:, 64])


@pytest.mark.parametrize("per_class", [1, 5, 376])
def test_per_class_draws_that_many_of_each(per_class):
    _, y, _, _ = digits(per_class=per_class, seed=0)
    assert np.bincount(y).tolist() == [per_class] * 10


def test_per_class_draws_without_repetition_and_with_the_right_labels():
    x, y, _, _ = digits()
    drawn, labels, _, _ = digits(per_class=300, seed=1)
    assert len(np.unique(x, axis=0)) == len(x)
    rows = places(drawn, x)
    assert len(set(rows)) == 3000
    np.testing.assert_array_equal(y[rows], labels)


def test_per_class_mixes_the_classes():
    _, y, _, _ = digits(per_class=50, seed=0)
    assert set(y[:50]) == set(range(10))


def test_the_same_seed_draws_the_same_rows():
    for first, second in zip(digits(per_class=3, seed=7), digits(per_class=3, seed=7), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_and_no_seed_draw_other_rows():
    first = digits(per_class=3, seed=7)[0]
    assert not np.array_equal(first, digits(per_class=3, seed=8)[0])
    assert not np.array_equal(digits(per_class=3)[0], digits(per_class=3)[0])


def test_a_generator_goes_on_from_where_it_is():
    rng = np.random.default_rng(7)
    first, second = digits(per_class=3, seed=rng)[0], digits(per_class=3, seed=rng)[0]
    np.testing.assert_array_equal(first, digits(per_class=3, seed=7)[0])
    assert not np.array_equal(first, second)


def test_per_class_leaves_the_test_samples_alone():
    for whole, few in zip(digits()[2:], digits(per_class=1, seed=0)[2:], strict=True):
        np.testing.assert_array_equal(whole, few)


def test_no_training_sample_is_a_test_sample():
    x, _, x_test, _ = digits()
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in x_test}


@pytest.mark.parametrize("classes", [[5, 6, 7, 8, 9], (8, 1), np.array([0]), range(3)])
def test_classes_are_relabelled_from_0_in_the_order_given(classes):
    whole, part = digits(), digits(classes=classes)
    for i in (0, 2):
        x, y, kept, labels = whole[i], whole[i + 1], part[i], part[i + 1]
        rows = np.flatnonzero(np.isin(y, list(classes)))
        np.testing.assert_array_equal(kept, x[rows])
        np.testing.assert_array_equal(np.array(list(classes))[labels], y[rows])


def test_classes_and_per_class_together():
    x, y, _, y_test = digits(classes=[9, 4], per_class=10, seed=0)
    assert np.bincount(y).tolist() == [10, 10]
    assert np.bincount(y_test).tolist() == [180, 181]
    whole, labels, _, _ = digits()
    np.testing.assert_array_equal(labels[places(x, whole)], np.array([9, 4])[y])


@pytest.mark.parametrize("settings", [{}, {"per_class": 5}, {"classes": [1, 2]}])
def test_what_comes_back_is_the_callers_own(settings):
    first = digits(seed=0, **settings)
    kept = [array.copy() for array in first]
    for array in first:
        array[...] = 7
    for before, after in zip(kept, digits(seed=0, **settings), strict=True):
        np.testing.assert_array_equal(before, after)


@given(seed=seeds, sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4), data=st.data())
def test_draw_per_class_is_balanced_and_repeats_no_row(seed, sizes, data):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)) * 3, sizes))
    k = data.draw(st.integers(1, min(sizes)))
    rows = draw_per_class(y, k, rng)
    assert len(set(rows.tolist())) == len(rows) == k * len(sizes)
    assert np.unique(y[rows], return_counts=True)[1].tolist() == [k] * len(sizes)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"per_class": 377}, ValueError, "Got 377, and label 0 has 376 samples. Use fewer"),
        ({"classes": [1, 0], "per_class": 380}, ValueError, "label 1 has 376 samples"),
        ({"per_class": 0}, ValueError, "per_class takes a whole number, 1 or more. Got 0"),
        ({"per_class": 2.0}, TypeError, "per_class takes a whole number. Got 2.0"),
        ({"classes": [3, 10]}, ValueError, r"different digits from 0 to 9. Got \[3, 10\]"),
        ({"classes": [3, 3]}, ValueError, r"different digits from 0 to 9. Got \[3, 3\]"),
        ({"classes": []}, ValueError, r"different digits from 0 to 9. Got \[\]"),
        ({"classes": [-1]}, ValueError, "Each of classes takes a whole number, 0 or more. Got -1"),
        ({"classes": [True, 2]}, TypeError, "Each of classes takes a whole number. Got True"),
        ({"classes": 3}, TypeError, r"classes takes a list of digits. Got 3. Use \[0, 1\]"),
        ({"classes": "56"}, TypeError, "classes takes a list of digits. Got '56'"),
        ({"seed": "lucky"}, TypeError, "seed takes a whole number, .* Got 'lucky'"),
        ({"per_class": 3, "seed": -1}, ValueError, "seed takes a whole number, 0 or more. Got -1"),
    ],
)
def test_what_digits_refuses(settings, error, message):
    with pytest.raises(error, match=message):
        digits(**settings)
