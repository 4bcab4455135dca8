"""Data to learn from: real handwriting inside the package, generators, loaders, preparation."""

from minnet.datasets.digits import digits
from minnet.datasets.generators import blobs, moons, sine, spirals, xor
from minnet.datasets.glyphs import glyphs
from minnet.datasets.images import image, images
from minnet.datasets.mnist import fashion_mnist, mnist
from minnet.datasets.preparation import one_hot, standardize, unit_length

__all__ = [
    "blobs",
    "digits",
    "fashion_mnist",
    "glyphs",
    "image",
    "images",
    "mnist",
    "moons",
    "one_hot",
    "sine",
    "spirals",
    "standardize",
    "unit_length",
    "xor",
]
