"""Letters and digits drawn from the typefaces inside matplotlib: endless data, and no download.

Each image shows one character of one face, turned, sheared, scaled and shifted at random, with
noise. Letters and digits are drawn alike, so what a network learns from the one may help it with
the other; and some families of faces can be kept back, so that it has never seen the like.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from minnet.datasets.digits import Split
from minnet.foundation.checks import Array, generator, integer, is_collection, number, short
from minnet.foundation.strict import named
from minnet.foundation.undo import seed_unmoved_where_refused

FAMILIES = {
    "DejaVu Sans": (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSans-BoldOblique",
    ),
    "DejaVu Sans Mono": (
        "DejaVuSansMono",
        "DejaVuSansMono-Bold",
        "DejaVuSansMono-Oblique",
        "DejaVuSansMono-BoldOblique",
    ),
    "DejaVu Serif": (
        "DejaVuSerif",
        "DejaVuSerif-Bold",
        "DejaVuSerif-Italic",
        "DejaVuSerif-BoldItalic",
    ),
    "STIX": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    "Computer Modern": ("cmr10", "cmb10", "cmss10", "cmtt10", "cmmi10"),
}
"""Family → its faces, as matplotlib's files are named; 21 faces together."""

SIZE = 20
"""Pixels along each side of an image, unless another size is asked for."""

_SIZES = (4, 512)
"""Smaller ones show nothing, and larger ones no more."""

_FILL = 0.62
"""A character of scale 1 takes this share of the image, by its longer side."""


@named
@seed_unmoved_where_refused
def glyphs(
    classes: str,
    n: int,
    seed: Any = None,
    *,
    n_test: int = 2_000,
    families: Any = None,
    rotation: float = 20.0,
    shear: float = 0.2,
    scale: tuple[float, float] = (0.75, 1.15),
    shift: float = 0.12,
    noise: float = 0.15,
    size: int = SIZE,
) -> Split:
    """Images of characters in many typefaces, 20×20 pixels each or of another size.

    Parameters
    ----------
    classes
        The characters, such as "0123456789"; the label of each is its place in this text.
    n, n_test
        Images to learn from and to be tested on. The classes take turns, so n = 10 · K gives ten
        of each of K classes.
    seed
        An int or a generator.
    families
        The families of typefaces to draw from, from `FAMILIES`: a list such as
        ["STIX", "Computer Modern"]. All by default.
    rotation
        Degrees, at most, either way.
    shear
        Slant, at most, either way: how far the top is moved beside the bottom, in heights.
    scale
        The smallest and the largest size.
    shift
        How far the middle is moved, at most, along each side, as a share of the image.
    noise
        Standard deviation of the normal noise on each pixel; the result is cut to 0 and 1.
    size
        Pixels along each side of an image, from 4 to 512: 28 for those of MNIST's size. The
        characters grow with it.

    Returns
    -------
    x : (n, size²) float32 ndarray
        The rows of an image one after the other, from 0 (paper) to 1 (ink).
    y : (n,) int ndarray
        Labels from 0 to K − 1.
    x_test, y_test
        The same for testing, drawn anew.

    Raises
    ------
    ValueError
        A character twice, or one that a face does not have; an unknown family; a number out of
        its range.

    Examples
    --------
    >>> x, y, x_test, y_test = glyphs("ABC", 6, seed=0, n_test=3)
    >>> x.shape, sorted(y.tolist()), x_test.shape
    ((6, 400), [0, 0, 1, 1, 2, 2], (3, 400))
    """
    n = integer(n, "glyphs' n", minimum=1)
    n_test = integer(n_test, "glyphs' n_test", minimum=0)
    rotation = number(rotation, "glyphs' rotation", minimum=0.0, maximum=360.0)
    shear = number(shear, "glyphs' shear", minimum=0.0, maximum=100.0)
    shift = number(shift, "glyphs' shift", minimum=0.0, maximum=100.0)
    noise = number(noise, "glyphs' noise", minimum=0.0, maximum=1e30)
    side = integer(size, "glyphs' size", minimum=_SIZES[0], maximum=_SIZES[1])
    smallest, largest = _check_scale(scale)
    faces = _check_families(families)
    outlines = [[_outline(face, character) for face in faces] for character in _check(classes)]
    rng, canvas = generator(seed), _canvas(side)

    def draw(n: int) -> tuple[Array, Array]:
        y = rng.permutation(np.arange(n) % len(outlines))
        face = rng.integers(len(faces), size=n)
        angle = np.deg2rad(rng.uniform(-rotation, rotation, n))
        slant = rng.uniform(-shear, shear, n)
        large = rng.uniform(smallest, largest, n)
        middle = 0.5 + rng.uniform(-shift, shift, (n, 2))
        x = np.empty((n, side * side), np.float32)
        for i in range(n):
            matrix = _matrix(side, angle[i], slant[i], large[i], middle[i])
            x[i] = _image(outlines[y[i]][face[i]], matrix, *canvas)
        x += noise * rng.standard_normal(x.shape, dtype=np.float32)
        return np.clip(x, 0.0, 1.0, out=x), y

    x, y = draw(n)
    x_test, y_test = draw(n_test)
    return x, y, x_test, y_test


def _check(classes: object) -> str:
    if not isinstance(classes, str):
        raise TypeError(f'glyphs takes classes as text such as "0123456789". Got {short(classes)}.')
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f"glyphs takes different characters as classes. Got {short(classes)}.")
    return classes


def _check_scale(scale: Any) -> tuple[float, float]:
    try:
        smallest, largest = scale
    except (TypeError, ValueError):
        raise TypeError(
            f"glyphs' scale takes two numbers, such as (0.75, 1.15). Got {short(scale)}."
        ) from None
    smallest = number(smallest, "The smallest of glyphs' scale", above=0.0)
    return smallest, number(
        largest, "The largest of glyphs' scale", minimum=smallest, maximum=100.0
    )


def _check_families(families: Any) -> list[str]:
    """The faces of these families."""
    if families is None:
        families = list(FAMILIES)
    if not is_collection(families):
        raise TypeError(f"glyphs takes a list of families. Got {short(families)}.")
    families = list(families)
    unknown = [one for one in families if not isinstance(one, str) or one not in FAMILIES]
    if unknown or not families:
        raise ValueError(
            f"glyphs takes families from {', '.join(FAMILIES)}. Got "
            f"{short(unknown[0]) if unknown else 'none'}."
        )
    return [face for family in families for face in FAMILIES[family]]


@cache
def _outline(face: str, character: str) -> Any:
    """The outline of a character, its middle at 0 and its longer side 1 long."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties, get_font
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    file = f"{mpl.get_data_path()}/fonts/ttf/{face}.ttf"
    if not get_font(file).get_char_index(ord(character)):
        raise ValueError(
            f"glyphs takes characters that all faces have. Got {character!r}, not in {face}."
        )
    if character.isspace() or not character.isprintable():
        raise ValueError(f"glyphs takes characters that can be seen. Got {character!r}.")
    path = TextPath((0, 0), character, size=100, prop=FontProperties(fname=file))
    box = path.get_extents()
    corner, side = np.array([box.x0, box.y0]), np.array([box.width, box.height])
    return Path((path.vertices - corner - side / 2) / side.max(), path.codes)


def _matrix(side: int, angle: float, slant: float, large: float, middle: Array) -> Array:
    """The affine map of an outline to pixels: slant, then turn, scale and move."""
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1.0, slant], [0.0, 1.0]])
    matrix = np.eye(3)
    matrix[:2, :2] = side * _FILL * large * turn
    matrix[:2, 2] = side * middle
    return matrix


def _image(outline: Any, matrix: Array, renderer: Any, context: Any) -> Array:
    """An outline filled with ink, as a row of grey values from 0 to 1."""
    from matplotlib.transforms import Affine2D

    renderer.clear()
    renderer.draw_path(context, outline, Affine2D(matrix), (0.0, 0.0, 0.0))
    ink: Array = np.asarray(renderer.buffer_rgba())[:, :, 3].reshape(-1)
    return ink / np.float32(255)


def _canvas(side: int) -> tuple[Any, Any]:
    """Something to draw on, and how: no line around what is filled."""
    from matplotlib.backends.backend_agg import RendererAgg

    renderer: Any = RendererAgg(side, side, 72)  # type: ignore[no-untyped-call]
    context = renderer.new_gc()
    context.set_linewidth(0)
    context.set_antialiased(True)
    return renderer, context
