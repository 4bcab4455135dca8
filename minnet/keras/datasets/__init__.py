"""Data in Keras' shape and dtype: MNIST and Fashion-MNIST, and where to get the others."""

from __future__ import annotations

from typing import Any, NoReturn

from minnet.keras import words
from minnet.keras.datasets import fashion_mnist, mnist

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

TORONTO = "Get it from www.cs.toronto.edu/~kriz/cifar.html; its images are rows of 3,072 numbers."
WHERE = {
    "boston_housing": (
        "It has been withdrawn by many, for a column on race. Get it from "
        "lib.stat.cmu.edu/datasets/boston, or take sklearn.datasets.fetch_california_housing()."
    ),
    "california_housing": "Use sklearn.datasets.fetch_california_housing().",
    "cifar10": TORONTO,
    "cifar100": TORONTO,
    "imdb": (
        "Get aclImdb from ai.stanford.edu/~amaas/data/sentiment, and make multi-hot rows of words."
    ),
    "reuters": (
        "Get Reuters-21578 from archive.ics.uci.edu/dataset/137, and make multi-hot rows of words."
    ),
}


class Elsewhere:
    """A data set of Keras that minnet has not, and where it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def load_data(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise, with where to get it."""
        raise NotImplementedError(f"minnet.keras has no datasets.{self.name}. {WHERE[self.name]}")

    get_word_index = load_data


boston_housing = Elsewhere("boston_housing")
california_housing = Elsewhere("california_housing")
cifar10 = Elsewhere("cifar10")
cifar100 = Elsewhere("cifar100")
imdb = Elsewhere("imdb")
reuters = Elsewhere("reuters")

__getattr__ = words.answering(__name__)
