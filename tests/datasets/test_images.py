"""A folder of pictures: what comes out, and what is said of folders that are not as they should."""

from __future__ import annotations

import re
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minnet.datasets import image, images

MODULE = sys.modules[images.__module__]


def folder(path, classes, *, mode="L", size=(8, 8)):
    """`classes`: name → how many pictures; each picture is different."""
    number = 0
    for name, count in classes.items():
        (path / name).mkdir(parents=True)
        for i in range(count):
            number += 1
            grey = Image.new("L", size, number)
            grey.convert(mode).save(path / name / f"{i}.png")
    return path


@pytest.fixture
def two(tmp_path):
    return folder(tmp_path / "photos", {"b": 8, "a": 4})


def test_classes_are_folders_in_the_order_of_the_alphabet(two):
    data = images(two, seed=0)
    x, y, x_test, y_test = data
    assert data.class_names == ("a", "b")
    assert (x.shape, x.dtype) == ((9, 8, 8, 1), np.float32)
    assert np.bincount(y).tolist() == [3, 6]
    assert np.bincount(y_test).tolist() == [1, 2]
    for rows, labels, files in ((x, y, data.files), (x_test, y_test, data.files_test)):
        for row, label, file in zip(rows, labels, files, strict=True):
            assert file.parent.name == data.class_names[label]
            pixels = np.asarray(Image.open(file))[:, :, None]
            np.testing.assert_allclose(row, pixels / 255.0, rtol=1e-6)
    assert not {*data.files} & {*data.files_test}


def test_a_run_repeats_by_its_seed(two):
    assert images(two, seed=3).files == images(two, seed=3).files
    assert images(two, seed=3).files != images(two, seed=4).files


def test_all_are_kept_for_training_where_none_are_for_the_test(two):
    data = images(two, test_split=0, seed=0)
    assert data.x.shape == (12, 8, 8, 1)
    assert data.x_test.shape == (0, 8, 8, 1)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    side=st.integers(1, 20),
    way=st.sampled_from(["crop_to_aspect_ratio", "pad_to_aspect_ratio", None]),
)
def test_every_size_comes_out_in_the_one_asked_for(tmp_path, width, height, side, way):
    path = tmp_path / "one.png"
    Image.new("RGB", (width, height), (51, 102, 204)).save(path)
    x = image(path, image_size=(side, side + 1), **({way: True} if way else {}))
    assert x.shape == (1, side, side + 1, 3)
    colour = np.float32([0.2, 0.4, 0.8])
    away = np.abs(x - colour).max(axis=-1)
    if way == "pad_to_aspect_ratio":
        paper = np.abs(x - 1).max(axis=-1)
        assert np.minimum(away, paper).max() < 1e-6
        assert away.min() < 1e-6
    else:
        assert away.max() < 1e-6


def test_shapes_are_kept_by_cropping_and_padding_and_not_by_stretching(tmp_path):
    pixels = np.zeros((40, 80), np.uint8)
    pixels[:, 18:62] = 255  # a white square in the middle of black
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    stretched = image(tmp_path / "wide.png", image_size=20)[0, :, :, 0]
    cropped = image(tmp_path / "wide.png", image_size=20, crop_to_aspect_ratio=True)
    padded = image(tmp_path / "wide.png", image_size=20, pad_to_aspect_ratio=True)[0, :, :, 0]
    assert abs(stretched.mean() - 44 / 80) < 0.01
    assert cropped.min() == 1.0
    assert padded[0].min() == padded[-1].min() == 1.0
    assert padded.shape == (20, 20)
    assert abs(padded.mean() - (0.5 + 0.5 * 44 / 80)) < 0.02


def test_transparent_pictures_lie_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "glass.png")
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "grey_glass.png")
    assert image(tmp_path / "glass.png").min() == 1.0
    assert image(tmp_path / "grey_glass.png").shape == (1, 4, 4, 1)
    assert image(tmp_path / "grey_glass.png").min() == 1.0


def test_a_palette_is_colour_and_black_and_white_is_grey(tmp_path):
    Image.new("RGB", (4, 4), (255, 0, 0)).convert("P").save(tmp_path / "palette.png")
    Image.new("1", (4, 4), 1).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(image(tmp_path / "palette.png")[0, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(image(tmp_path / "bits.png"), np.ones((1, 4, 4, 1)))


def test_a_photograph_is_turned_as_the_camera_was_held(tmp_path):
    picture = Image.new("L", (4, 2))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90°
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert image(tmp_path / "turned.jpg").shape == (1, 4, 2, 1)


def test_what_systems_leave_is_skipped(two):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (two / "a" / name).write_bytes(b"x")
    (two / ".git").mkdir()
    (two / "LICENSE.txt").write_text("mine")
    assert images(two, seed=0).class_names == ("a", "b")


def refused(path, **settings):
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        images(path, **settings)
    return str(caught.value)


def test_no_folder_and_an_empty_one_and_one_class(tmp_path):
    assert "which is no folder" in refused(tmp_path / "none")
    assert "at least two classes" in refused(tmp_path)
    assert "Got none" in refused(tmp_path)
    folder(tmp_path, {"cats": 3})
    assert "Got one, 'cats'" in refused(tmp_path)
    (tmp_path / "dogs").mkdir()
    assert re.search("Got none in .*dogs. Put some there", refused(tmp_path))


def test_pictures_beside_the_folders_and_folders_beside_the_pictures(two):
    Image.new("L", (8, 8)).save(two / "loose.PNG")
    assert "Got loose.PNG" in refused(two)
    (two / "loose.PNG").unlink()
    (two / "a" / "deeper").mkdir()
    assert "Got the folder" in refused(two)
    assert "test_split=0" in refused(two)


def test_a_file_that_is_no_picture_and_one_that_is_cut_off(two):
    (two / "a" / "notes.txt").write_text("buy milk")
    assert re.search("notes.txt, which is none. Take it out", refused(two))
    (two / "a" / "notes.txt").unlink()
    rng = np.random.default_rng(0)
    for name in ("cut.png", "cut.jpg"):
        path = two / "b" / name
        Image.fromarray(rng.integers(256, size=(8, 8), dtype=np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:-40])
        assert re.search(f"takes pictures that can be read. Got .*{name}", refused(two)), name
        path.unlink()


def test_a_program_in_the_dress_of_a_picture_is_not_run(two):
    (two / "a" / "trick.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    assert "which is none" in refused(two)


def test_sizes_that_differ_are_named(two):
    Image.new("L", (9, 7), 99).save(two / "b" / "odd.png")
    text = refused(two)
    assert re.search(r"Got 12 of 8 × 8 and others, such as .*odd.png of 7 × 9", text)
    assert "image_size=(64, 64)" in text
    assert images(two, image_size=8, seed=0).x.shape[1:] == (8, 8, 1)


def test_grey_beside_colour_is_named(two):
    Image.new("RGB", (8, 8), (9, 9, 9)).save(two / "b" / "coloured.png")
    assert re.search("Got 12 of grey and others, such as .*coloured.png of colour", refused(two))
    assert images(two, color_mode="rgb", seed=0).x.shape[1:] == (8, 8, 3)
    assert images(two, color_mode="grayscale", seed=0).x.shape[1:] == (8, 8, 1)


def test_16_bits_and_films_are_refused(two):
    path = two / "a" / "deep.png"
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(path)
    assert "at most 8 bits" in refused(two)
    path.unlink()
    frames = [Image.new("L", (8, 8), grey) for grey in (1, 200)]
    frames[0].save(two / "a" / "film.gif", save_all=True, append_images=frames[1:])
    assert "with 2 frames" in refused(two)


def bomb(path, side):
    """A PNG of a few bytes that says it has side × side pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_picture_that_says_it_is_huge_is_not_decoded(two, side):
    bomb(two / "a" / "bomb.png", side)
    assert "at most 50 million pixels" in refused(two)


def test_a_file_that_is_huge_is_not_opened(two, monkeypatch):
    monkeypatch.setattr(MODULE, "MOST_FILE_BYTES", 10)
    assert "files of at most 0 MB" in refused(two)


def test_more_than_fits_into_memory_is_refused_before_it_is_read(two):
    assert re.search(r"Got 12 pictures of 9000 × 9000, 3.6 GB", refused(two, image_size=9000))


def test_a_picture_that_is_there_twice_is_refused(two):
    (two / "a" / "copy.png").write_bytes((two / "a" / "0.png").read_bytes())
    assert "are the same file" in refused(two)


def test_too_few_for_a_test(tmp_path):
    folder(tmp_path, {"a": 1, "b": 5})
    assert "Got 1 of 'a'" in refused(tmp_path)
    assert images(tmp_path, test_split=0).x.shape[0] == 6


def test_what_is_no_path_is_refused_in_words(two):
    assert "images takes the path of a folder" in refused(None)
    with pytest.raises(TypeError, match="image takes the path of a picture"):
        image(7)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_size": (1, 2, 3)}, r"image_size takes \(height, width\)"),
        ({"image_size": 0}, "Each side of image_size"),
        ({"image_size": "big"}, "Each side of image_size"),
        ({"color_mode": "grey"}, "color_mode takes one of grayscale, rgb"),
        ({"test_split": 1}, "test_split takes a finite number"),
        ({"crop_to_aspect_ratio": True}, "Add image_size"),
        ({"image_size": 8, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Got both"),
        ({"size": 8}, "image_size"),
    ],
)
def test_other_arguments_are_refused_in_words(two, settings, words):
    assert re.search(words, refused(two, **settings))


def test_a_refused_call_draws_nothing(two):
    rng = np.random.default_rng(0)
    (two / "a" / "notes.txt").write_text("x")
    refused(two, seed=rng)
    assert rng.integers(1000) == np.random.default_rng(0).integers(1000)


def test_one_picture_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="which is no file"):
        image(tmp_path / "none.png")
