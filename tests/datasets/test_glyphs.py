"""Characters drawn from typefaces: their form, their labels, their seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minnet.datasets import glyphs
from minnet.datasets.glyphs import FAMILIES, SIZE

STILL: dict[str, Any] = {"rotation": 0, "shear": 0, "scale": (1, 1), "shift": 0, "noise": 0}


def images(classes: str, n: int, seed: int = 0, **settings: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y, _, _ = glyphs(classes, n, seed, n_test=0, **settings)
    return x.reshape(-1, SIZE, SIZE), y


def test_shapes_range_and_balance() -> None:
    x, y, x_test, y_test = glyphs("0123456789", 100, seed=0, n_test=33)
    assert (x.shape, x_test.shape, y_test.shape) == ((100, 400), (33, 400), (33,))
    assert x.dtype == np.float32
    assert 0 <= x.min() < x.max() <= 1
    assert np.bincount(y).tolist() == [10] * 10
    assert np.ptp(np.bincount(y_test)) <= 1
    assert not np.array_equal(y, np.arange(100) % 10)


def test_the_seed_decides_and_the_test_images_are_others() -> None:
    a, b, c = (glyphs("AB", 10, seed=s, n_test=10) for s in (1, 1, 2))
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[2], b[2])
    assert not np.array_equal(a[0], c[0])
    assert not np.array_equal(a[0], a[2])


def test_a_still_character_is_in_the_middle_and_as_large_as_said() -> None:
    for image in images("HOX8", 40, **STILL)[0]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert max(height, width) == pytest.approx(0.62 * SIZE, abs=2)
        assert rows.mean() == pytest.approx((SIZE - 1) / 2, abs=1)
        assert columns.mean() == pytest.approx((SIZE - 1) / 2, abs=1)


@pytest.mark.parametrize("size", [8, 28, 41])
def test_another_size_shows_the_same_characters_larger(size: int) -> None:
    seed = 3
    x, y, x_test, _ = glyphs("HOX8", 12, seed, n_test=2, noise=0, size=size)
    small, same, _, _ = glyphs("HOX8", 12, seed, n_test=2, noise=0)
    assert (x.shape, x_test.shape) == ((12, size**2), (2, size**2))
    np.testing.assert_array_equal(y, same)
    ink, wanted = x.mean(axis=1), small.mean(axis=1)  # shares of the image that are covered
    np.testing.assert_allclose(ink, wanted, rtol=0.05)
    for image, other in zip(x, small, strict=True):
        rows, others = image.reshape(size, size).mean(1), other.reshape(SIZE, SIZE).mean(1)
        middle = rows @ (np.arange(size) + 0.5) / size / rows.sum()
        assert middle == pytest.approx(
            others @ (np.arange(SIZE) + 0.5) / SIZE / others.sum(), abs=0.01
        )


def test_images_stand_upright_and_are_not_mirrored() -> None:
    upright, _ = images("L", 12, families=["DejaVu Sans"], **STILL)
    half = SIZE // 2
    assert (upright[:, half:].sum((1, 2)) > upright[:, :half].sum((1, 2))).all()
    assert (upright[:, :, :half].sum((1, 2)) > upright[:, :, half:].sum((1, 2))).all()


def test_noise_has_the_deviation_it_says() -> None:
    image, _ = images("I", 50, **{**STILL, "noise": 0.2})
    paper = image[:, :, :3]  # nothing is drawn there; below 0 is cut off, so half of it is seen
    assert paper[paper > 0].std() == pytest.approx(0.2 * np.sqrt(1 - 2 / np.pi), rel=0.1)
    assert (paper > 0).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("moved", "change"),
    [("rotation", 40.0), ("shear", 0.5), ("scale", (0.5, 0.6)), ("shift", 0.3)],
)
def test_each_way_of_moving_moves(moved: str, change: Any) -> None:
    still, _ = images("F", 10, families=["STIX"], **STILL)
    other, _ = images("F", 10, families=["STIX"], **{**STILL, moved: change})
    assert np.abs(still - other).mean() > 0.01


def test_families_can_be_held_out() -> None:
    all_faces = {tuple(image.ravel()) for image in images("R", 400, **STILL)[0]}
    assert len(all_faces) == sum(len(faces) for faces in FAMILIES.values()) == 21
    first, _ = images("R", 200, families=["DejaVu Sans", "STIX"], **STILL)
    rest = [family for family in FAMILIES if family not in ("DejaVu Sans", "STIX")]
    second, _ = images("R", 200, families=rest, **STILL)
    seen, held_out = ({tuple(i.ravel()) for i in part} for part in (first, second))
    assert (len(seen), len(held_out)) == (8, 13)
    assert not seen & held_out


def test_labels_are_places_in_the_text() -> None:
    x, y = images("XI", 20, **STILL)
    wide = np.array([np.ptp(np.flatnonzero(image.any(0))) for image in x])
    assert wide[y == 0].min() > wide[y == 1].mean()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"classes": ""}, ValueError, "different characters"),
        ({"classes": "AA"}, ValueError, "different characters"),
        ({"classes": ["A", "B"]}, TypeError, "classes as text"),
        ({"classes": "A\u4e2d"}, ValueError, "characters that all faces have. Got '\u4e2d'"),
        ({"classes": "A "}, ValueError, "characters that can be seen"),
        ({"n": 0}, ValueError, "glyphs' n "),
        ({"n_test": -1}, ValueError, "glyphs' n_test"),
        ({"families": ["Comic Sans"]}, ValueError, "Got 'Comic Sans'"),
        ({"families": []}, ValueError, "Got none"),
        ({"families": "STIX"}, TypeError, "a list of families"),
        ({"scale": 1.0}, TypeError, "scale takes two numbers"),
        ({"scale": (1.2, 0.8)}, ValueError, "largest of glyphs' scale"),
        ({"noise": -0.1}, ValueError, "glyphs' noise"),
        ({"rotation": float("nan")}, ValueError, "glyphs' rotation"),
        ({"seed": "x"}, TypeError, "seed"),
        ({"size": 3}, ValueError, "glyphs' size"),
        ({"size": 1_000}, ValueError, "glyphs' size"),
        ({"size": 28.0}, TypeError, "glyphs' size"),
    ],
)
def test_what_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        glyphs(**{"classes": "AB", "n": 4, **arguments})
