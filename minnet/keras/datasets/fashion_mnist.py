"""Fashion-MNIST in Keras' shape and dtype."""

from __future__ import annotations

from minnet.datasets.mnist import images
from minnet.foundation.checks import Array


def load_data(path: str = "") -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return (x, y), (x_test, y_test): images (N, 28, 28) and labels (N,), in uint8.

    They come from where `minnet.datasets.fashion_mnist` has them. Other than there, pixels are 0
    to 255.

    Parameters
    ----------
    path
        Keras' name of its own file, which is not read.
    """
    x, y, x_test, y_test = images("fashion-mnist")
    return (x.copy(), y.copy()), (x_test.copy(), y_test.copy())  # which may be written to
