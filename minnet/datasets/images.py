"""Pictures of your own: a folder with one folder for each class, read into arrays with Pillow.

Nothing is decoded before its size is known, and only formats are read that hold plain pictures.
Pillow comes with matplotlib.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array, boolean, choice, generator, integer, number, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read. Other formats of Pillow's run programs or hold no picture of pixels."""

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

GREY_MODES = ("1", "L", "LA", "La")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")
"""Pillow's names for how a pixel is stored, in 8 bits or fewer. Other modes are refused."""

MOST_PIXELS = 50_000_000
"""Of one picture: more than cameras make, and less than what fills a memory."""

MOST_FILE_BYTES = 200_000_000
"""Of one file."""

MOST_BYTES = 2**31
"""Of all pictures together, as they are returned: 4 bytes a number."""

LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")
"""Files that systems put into folders of pictures; names that begin with a dot are skipped too."""

PAPER = 255
"""White: what is behind a transparent picture, and beside one that is padded."""


class _Split(NamedTuple):
    x: Array
    y: Array
    x_test: Array
    y_test: Array


class ImageFolder(_Split):
    """What `images` returns: x, y, x_test, y_test, which also knows names.

    Attributes
    ----------
    class_names
        The names of the classes' folders, in the order of the labels.
    files, files_test
        The path of each row of x and of x_test.
    x, x_test
        Pictures, (N, H, W, C).
    y, y_test
        Labels, (N,).

    Examples
    --------
    >>> x, y = np.zeros((2, 8, 8, 1)), np.array([0, 1])
    >>> pictures = ImageFolder(x, y, x[:0], y[:0])
    >>> pictures.x.shape, len(pictures.y_test)
    ((2, 8, 8, 1), 0)
    """

    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    files_test: tuple[Path, ...]


class _Wanted(NamedTuple):
    """The form in which all pictures come out; None for what the pictures themselves say."""

    size: tuple[int, int] | None
    color_mode: str | None
    crop: bool
    pad: bool


@named
@seed_unmoved_where_refused
def images(
    folder: str | Path,
    *,
    image_size: Any = None,
    color_mode: str | None = None,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    test_split: float = 0.25,
    seed: Any = None,
) -> ImageFolder:
    """Read a folder of pictures, `folder/cat/1.jpg`, `folder/dog/7.png`, …, into arrays.

    Folders are classes, and labels count them in the order of the alphabet. The pictures of each
    class are divided by `seed`, so that training and test have the same shares of each.

    Parameters
    ----------
    folder
        With at least two folders in it, and pictures in each of them.
    image_size
        (H, W), or one number for both. Without it all pictures have to be of one size.
    color_mode
        "grayscale" (C = 1) or "rgb" (C = 3). Without it all pictures have to be of one kind.
    crop_to_aspect_ratio
        Cut off what is too long, in equal parts on both sides, where the shape differs from
        `image_size`.
    pad_to_aspect_ratio
        Add white where the shape differs. Without either a picture is stretched.
    test_split
        The share of each class that is kept for testing, 0 ≤ test_split < 1; 0 keeps none.
    seed
        For the division; needed if a run is to repeat.

    Returns
    -------
    x : (N, H, W, C) float32 ndarray
        From 0 (black) to 1 (full light). Transparent pictures lie on white. Photographs are turned
        the way the camera was held.
    y : (N,) int ndarray
        Labels. `result.class_names[label]` is the name.
    x_test, y_test
        The same for the test pictures. `result.files` and `result.files_test` are their paths.

    Raises
    ------
    ValueError
        A folder without classes or with one; a class without pictures; a file that is no picture,
        is too large, or is there twice; sizes or kinds that differ.
    FileNotFoundError
        There is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, grey in [("day", 200), ("night", 20)]:
    ...         Path(folder, name).mkdir()
    ...         for i in range(4):
    ...             picture = Image.new("L", (30 + i, 20), grey + i)
    ...             picture.save(Path(folder, name, f"{i}.png"))
    ...     data = images(folder, image_size=8, seed=0)
    >>> data.x.shape, data.x_test.shape, data.class_names
    ((6, 8, 8, 1), (2, 8, 8, 1), ('day', 'night'))
    """
    wanted = _wanted(image_size, color_mode, crop_to_aspect_ratio, pad_to_aspect_ratio)
    share = number(test_split, "test_split", minimum=0, below=1)
    rng = generator(seed)
    by_class = _classes(_folder(folder))
    paths = [path for files in by_class.values() for path in files]
    heads = [_head(path) for path in paths]
    _no_copies(paths)
    form = _one_form(wanted, paths, heads)
    x = np.stack([_decoded(path, form) for path in paths])
    y = np.repeat(np.arange(len(by_class)), [len(files) for files in by_class.values()])
    train, test = _divided(y, share, list(by_class), rng)
    result = ImageFolder(x[train], y[train], x[test], y[test])
    result.class_names = tuple(by_class)
    result.files = tuple(paths[row] for row in train)
    result.files_test = tuple(paths[row] for row in test)
    return result


@named
def image(
    path: str | Path,
    *,
    image_size: Any = None,
    color_mode: str | None = None,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
) -> Array:
    """Read one picture in the form in which `images` reads many, for `model.predict`.

    Parameters
    ----------
    path
        The file.
    image_size, color_mode, crop_to_aspect_ratio, pad_to_aspect_ratio
        As for `images`: give what the model was trained with.

    Returns
    -------
    (1, H, W, C) float32 ndarray

    Raises
    ------
    ValueError
        The file is no picture, or too large.
    FileNotFoundError
        There is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (30, 20), "red").save(Path(folder, "red.png"))
    ...     x = image(Path(folder, "red.png"), image_size=(2, 3))
    >>> x.shape, x[0, 0, 0].tolist()
    ((1, 2, 3, 3), [1.0, 0.0, 0.0])
    """
    wanted = _wanted(image_size, color_mode, crop_to_aspect_ratio, pad_to_aspect_ratio)
    file = _path(path, "image takes the path of a picture")
    if not file.is_file():
        raise FileNotFoundError(f"image takes the path of a picture. Got {path}, which is no file.")
    form = _one_form(wanted, [file], [_head(file)])
    return _decoded(file, form)[None]


def _wanted(image_size: Any, color_mode: Any, crop: Any, pad: Any) -> _Wanted:
    """The arguments that say what comes out, checked."""
    size = None
    if image_size is not None:
        sides = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
        if len(sides) != 2:
            raise ValueError(
                f"image_size takes (height, width). Got {short(image_size)}. Use (64, 64)."
            )
        height, width = (integer(side, "Each side of image_size", minimum=1) for side in sides)
        size = height, width
    mode = None
    if color_mode is not None:
        mode = choice(color_mode, ("grayscale", "rgb"), "color_mode")
    crop, pad = boolean(crop, "crop_to_aspect_ratio"), boolean(pad, "pad_to_aspect_ratio")
    if crop and pad:
        raise ValueError(
            "images takes crop_to_aspect_ratio or pad_to_aspect_ratio. Got both. Leave out one."
        )
    if (crop or pad) and size is None:
        raise ValueError(
            "images takes an image_size beside crop_to_aspect_ratio and pad_to_aspect_ratio. Got "
            "none. Add image_size=(64, 64)."
        )
    return _Wanted(size, mode, crop, pad)


# --- folders --------------------------------------------------------------------------------------


def _path(value: object, takes: str) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{takes}. Got {short(value)}. Give it as text.")
    return Path(value)


def _folder(folder: str | Path) -> Path:
    path = _path(folder, "images takes the path of a folder")
    if not path.is_dir():
        raise FileNotFoundError(
            f"images takes a folder with a folder for each class. Got {folder}, which is no "
            f"folder. Check the path; you are in {Path.cwd()}."
        )
    return path


def _entries(folder: Path) -> Iterator[Path]:
    """What a person has put into a folder, in the order of the alphabet."""
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and path.name.lower() not in LEFT_BY_SYSTEMS:
            yield path


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Class → its files."""
    entries = list(_entries(folder))
    loose = [path for path in entries if path.is_file() and path.suffix.lower() in SUFFIXES]
    if loose:
        raise ValueError(
            f"images takes pictures in a folder for each class. Got {loose[0].name} in {folder} "
            f"itself. Put it into a folder such as {folder / 'cat'}."
        )
    folders = [path for path in entries if path.is_dir()]
    if len(folders) < 2:
        came = f"one, {folders[0].name!r}" if folders else "none"
        raise ValueError(
            f"images takes a folder with at least two classes, each in its own folder. Got {came}, "
            f"in {folder}. Sort the pictures into one folder for each class."
        )
    return {path.name: _pictures(path, folder) for path in folders}


def _pictures(folder: Path, above: Path) -> list[Path]:
    """The files of one class."""
    files = list(_entries(folder))
    deeper = [path for path in files if path.is_dir()]
    if deeper:
        raise ValueError(
            f"images takes folders of classes with nothing but pictures in them. Got the folder "
            f"{deeper[0]}. If {folder.name!r} is no class, read it by itself: "
            f'images("{folder}", test_split=0).'
        )
    if not files:
        raise ValueError(
            f"images takes pictures in the folder of each class. Got none in {folder}. Put some "
            f"there, or take it out of {above}."
        )
    return files


def _no_copies(paths: list[Path]) -> None:
    """A picture that is there twice would be learned in training and asked in the test."""
    seen: dict[bytes, Path] = {}
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        first = seen.setdefault(digest, path)
        if first is not path:
            raise ValueError(
                f"images takes each picture once. Got {first} and {path}, which are the same file, "
                "and one could be trained on and the other tested. Delete one of them."
            )


# --- pictures -------------------------------------------------------------------------------------


class _Head(NamedTuple):
    """What a file says of its picture before it is decoded."""

    size: tuple[int, int]  # (H, W), as it is seen
    grey: bool


def _opened(path: Path) -> Image.Image:
    """A picture that has not been decoded yet; its size is in bounds."""
    from PIL import Image, UnidentifiedImageError

    if path.stat().st_size > MOST_FILE_BYTES:
        raise ValueError(
            f"images takes files of at most {MOST_FILE_BYTES // 10**6} MB. Got {path}, of "
            f"{path.stat().st_size // 10**6} MB. Save it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on large pictures: the bound here is lower
            picture = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(
            f"images takes pictures ({', '.join(FORMATS)}). Got {path}, which is none. Take it out "
            "of the folder."
        ) from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, OverflowError) as error:
        raise _broken(path, error) from None
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise _too_large(path, picture)
    return picture


def _too_large(path: Path, picture: Image.Image | None = None) -> ValueError:
    came = f", {picture.height} × {picture.width}" if picture is not None else ""
    return ValueError(
        f"images takes pictures of at most {MOST_PIXELS // 10**6} million pixels. Got {path}{came}."
        " Save it smaller."
    )


def _broken(path: Path, error: BaseException) -> ValueError:
    return ValueError(
        f"images takes pictures that can be read. Got {path}: {short(str(error))}. It may be cut "
        "off: copy it again, or take it out of the folder."
    )


def _head(path: Path) -> _Head:
    with _opened(path) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise ValueError(
                f"images takes still pictures. Got {path}, with {getattr(picture, 'n_frames', 1)} "
                "frames. Save one of them."
            )
        if picture.mode not in GREY_MODES + COLOUR_MODES:
            raise ValueError(
                f"images takes pictures of at most 8 bits a colour. Got {path}, in mode "
                f"{picture.mode!r}. Save it as an 8-bit PNG."
            )
        try:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        except (OSError, ValueError, SyntaxError, EOFError, TypeError) as error:
            raise _broken(path, error) from None
        size = picture.size if turned else picture.size[::-1]
        return _Head((size[0], size[1]), picture.mode in GREY_MODES)


def _one_form(wanted: _Wanted, paths: list[Path], heads: list[_Head]) -> _Wanted:
    """What is wanted, and where nothing is, what all pictures agree on."""
    size, mode = wanted.size, wanted.color_mode
    if size is None:
        size = _agreed(
            [head.size for head in heads],
            paths,
            "pictures of one size",
            lambda pair: f"{pair[0]} × {pair[1]}",
            "Choose one for all: image_size=(64, 64)",
        )
    if mode is None:
        mode = _agreed(
            ["grayscale" if head.grey else "rgb" for head in heads],
            paths,
            "pictures that are all grey or all in colour",
            lambda kind: "grey" if kind == "grayscale" else "colour",
            'Choose one for all: color_mode="grayscale" or color_mode="rgb"',
        )
    form = wanted._replace(size=size, color_mode=mode)
    _fits_in_memory(len(paths), form)
    return form


def _agreed(values: list[Any], paths: list[Path], takes: str, words: Any, fix: str) -> Any:
    """The one value that all have."""
    counts = Counter(values).most_common()
    if len(counts) > 1:
        (first, often), (second, _) = counts[:2]
        other = paths[values.index(second)]
        raise ValueError(
            f"images takes {takes}. Got {often} of {words(first)} and others, such as {other} of "
            f"{words(second)}. {fix}."
        )
    return counts[0][0]


def _fits_in_memory(count: int, form: _Wanted) -> None:
    height, width = form.size  # type: ignore[misc] # it is settled by now
    needed = 4 * count * height * width * (3 if form.color_mode == "rgb" else 1)
    if needed > MOST_BYTES:
        raise ValueError(
            f"images takes what fits into {MOST_BYTES / 2**30:g} GB as float32. Got {count:,} "
            f"pictures of {height} × {width}, {needed / 2**30:,.1f} GB. Use a smaller image_size."
        )


def _decoded(path: Path, form: _Wanted) -> Array:
    """(H, W, C) from 0 to 1."""
    from PIL import Image, ImageOps

    height, width = form.size  # type: ignore[misc] # it is settled by now
    try:
        with _opened(path) as picture:
            seen = ImageOps.exif_transpose(picture)
            if seen.has_transparency_data:
                paper = Image.new("RGBA", seen.size, (PAPER, PAPER, PAPER, PAPER))
                seen = Image.alpha_composite(paper, seen.convert("RGBA"))
            seen = seen.convert("L" if form.color_mode == "grayscale" else "RGB")
            if seen.size != (width, height):
                seen = _resized(seen, (width, height), form)
            pixels = np.asarray(seen, dtype=np.float32) / np.float32(255)
    except (OSError, SyntaxError, EOFError) as error:  # Pillow's for what is cut off or damaged
        raise _broken(path, error) from None
    return pixels.reshape(height, width, -1)


def _resized(picture: Image.Image, size: tuple[int, int], form: _Wanted) -> Image.Image:
    """Cropped, padded or stretched to (width, height)."""
    from PIL import Image, ImageOps

    how = Image.Resampling.BILINEAR  # with Pillow's averaging where a picture becomes smaller
    if form.crop:
        return ImageOps.fit(picture, size, how)
    if form.pad:
        scale = min(size[0] / picture.width, size[1] / picture.height)
        inner = [max(1, round(side * scale)) for side in picture.size]  # never nothing
        paper = Image.new(picture.mode, size, PAPER if picture.mode == "L" else (PAPER,) * 3)
        corner = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
        paper.paste(picture.resize((inner[0], inner[1]), how), corner)
        return paper
    return picture.resize(size, how)


# --- division -------------------------------------------------------------------------------------


def _divided(
    y: Array, share: float, names: list[str], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Rows to train on and rows to test on, in random order, with the same share of each class."""
    train, test = [], []
    for label, name in enumerate(names):
        rows = rng.permutation(np.flatnonzero(y == label))
        count = max(1, round(share * len(rows))) if share else 0
        if count >= len(rows):
            raise ValueError(
                f"images takes enough pictures of each class for training and test. Got "
                f"{len(rows)} of {name!r}, and test_split={share:g}. Add some, or use "
                "test_split=0."
            )
        test.append(rows[:count])
        train.append(rows[count:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))
