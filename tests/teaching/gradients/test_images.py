"""Classic mistakes in a student's own convolution and pooling are named, and right ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import Sequential
from minnet.initializers import GlorotUniform
from minnet.layers import Flatten, Layer
from minnet.teaching import check_gradients
from tests.strategies import normal

(X,) = normal(5, (3, 6, 5, 2))


class Loops(Layer):
    """A convolution of kernels 3×2, valid, patch by patch; channels last."""

    parameters = ("W", "b")
    filters = 3

    def build(self, shape, rng):
        self.add_weight("W", (3, 2, shape[-1], self.filters), GlorotUniform(), rng)
        self.add_weight("b", (self.filters,), GlorotUniform(), rng)

    def compute_output_shape(self, shape):
        return shape[0] - 2, shape[1] - 1, self.filters

    def places(self, x):
        return [(i, j) for i in range(x.shape[1] - 2) for j in range(x.shape[2] - 1)]

    def forward(self, x, memo=None):
        y = np.zeros((len(x), *self.compute_output_shape(x.shape[1:])), x.dtype)
        for i, j in self.places(x):
            y[:, i, j] = np.tensordot(x[:, i : i + 3, j : j + 2], self.W, 3) + self.b
        return y

    def backward(self, x, y, dy, memo=None):
        dx = np.zeros_like(x)
        for i, j in self.places(x):
            dx[:, i : i + 3, j : j + 2] += np.tensordot(dy[:, i, j], self.W, ((1,), (3,)))
        return dx

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = 0.0
        for i, j in self.places(x):
            patch = x[:, i : i + 3, j : j + 2]
            self.dW += np.tensordot(patch, dy[:, i, j], ((0,), (0,)))
        self.db[...] = dy.sum(axis=(0, 1, 2))


class Full(Loops):
    """The same, with dx as a full convolution of dy."""

    def kernel(self):
        return self.W[::-1, ::-1]

    def backward(self, x, y, dy, memo=None):
        dx = np.zeros_like(x)
        padded = np.pad(dy, ((0, 0), (2, 2), (1, 1), (0, 0)))
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                patch = padded[:, i : i + 3, j : j + 2]
                dx[:, i, j] = np.tensordot(patch, self.kernel(), ((1, 2, 3), (0, 1, 3)))
        return dx


class NotFlipped(Full):
    def kernel(self):
        return self.W


class FlippedInHeight(Full):
    def kernel(self):
        return self.W[::-1]


class OnlyTheLastPlace(Loops):
    def gradient(self, x, y, dy, memo=None):
        for i, j in self.places(x):
            patch = x[:, i : i + 3, j : j + 2]
            self.dW[...] = np.tensordot(patch, dy[:, i, j], ((0,), (0,)))
        self.db[...] = dy.sum(axis=(0, 1, 2))


class BiasOfOnePlace(Loops):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.db[...] = dy.sum(axis=0)[0, 0]


class Unrolled(Loops):
    """The same by one product with the patches as rows."""

    def patches(self, x):
        H, W = self.compute_output_shape(x.shape[1:])[:2]
        parts = [[x[:, a : a + H, b : b + W] for b in range(2)] for a in range(3)]
        rows = np.array(parts).transpose(2, 3, 4, 0, 1, 5)
        return rows.reshape(-1, self.W[..., 0].size)

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = (self.patches(x).T @ dy.reshape(-1, self.filters)).reshape(self.W.shape)
        self.db[...] = dy.sum(axis=(0, 1, 2))

    def backward(self, x, y, dy, memo=None):
        N, H, W, _ = dy.shape
        columns = dy.reshape(-1, self.filters) @ self.W.reshape(-1, self.filters).T
        columns = self.read(columns, (N, H, W), x.shape[-1])
        dx = np.zeros_like(x)
        for a in range(3):
            for b in range(2):
                dx[:, a : a + H, b : b + W] += columns[:, :, :, a, b]
        return dx

    def read(self, columns, rows, channels):
        return columns.reshape(*rows, 3, 2, channels)


class ChannelsFirstInAPatch(Unrolled):
    def read(self, columns, rows, channels):
        return columns.reshape(*rows, channels, 3, 2).transpose(0, 1, 2, 4, 5, 3)


class KernelLaidOutOtherwise(Unrolled):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        flat = self.dW.reshape(x.shape[-1], 3, 2, self.filters)
        self.dW[...] = flat.transpose(1, 2, 0, 3).copy()


class RowsOfDyInAnotherOrder(Unrolled):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy.transpose(0, 2, 1, 3).reshape(dy.shape), memo)


class Same(Layer):
    """Padding with zeros around a valid convolution, so that y is as large as x."""

    parameters = ("W", "b")
    filters = 3
    build = Loops.build

    def compute_output_shape(self, shape):
        return *shape[:2], self.filters

    def padded(self, x):
        return np.pad(x, ((0, 0), (1, 1), (1, 0), (0, 0)))

    def forward(self, x, memo=None):
        return Loops.forward(_Held(self), self.padded(x))

    def backward(self, x, y, dy, memo=None):
        return self.cut(Loops.backward(_Held(self), self.padded(x), y, dy))

    def cut(self, dx):
        return dx[:, 1:-1, 1:]

    def gradient(self, x, y, dy, memo=None):
        Loops.gradient(_Held(self), self.padded(x), y, dy)


class _Held:
    """A valid convolution with the arrays of another layer."""

    filters = 3
    compute_output_shape = Loops.compute_output_shape
    places = Loops.places

    def __init__(self, layer):
        self.W, self.b, self.dW, self.db = layer.W, layer.b, layer.dW, layer.db


class CutAtTheWrongEnd(Same):
    def cut(self, dx):
        return dx[:, :-2, :-1]


class NotCut(Same):
    def cut(self, dx):
        return dx


class NotPaddedForTheKernel(Same):
    def gradient(self, x, y, dy, memo=None):
        Loops.gradient(_Held(self), x, y, dy[:, 1:-1, 1:])
        self.db[...] = dy.sum(axis=(0, 1, 2))


class MaxPooling(Layer):
    def compute_output_shape(self, shape):
        return shape[0] // 2, shape[1], shape[2]

    def windows(self, x):
        N, H, W, C = x.shape
        return x.reshape(N, H // 2, 2, W, C)

    def forward(self, x, memo=None):
        return self.windows(x).max(axis=2)

    def backward(self, x, y, dy, memo=None):
        return (self.share(self.windows(x)) * dy[:, :, None]).reshape(x.shape)

    def share(self, windows):
        return windows == windows.max(axis=2, keepdims=True)


class MeanForMax(MaxPooling):
    def share(self, windows):
        return np.full(windows.shape, 0.5)


class AllForMax(MaxPooling):
    def share(self, windows):
        return np.ones(windows.shape)


class AnotherPlace(MaxPooling):
    def share(self, windows):
        return windows == windows.min(axis=2, keepdims=True)


class MeanPooling(MaxPooling):
    def forward(self, x, memo=None):
        return self.windows(x).mean(axis=2)

    def share(self, windows):
        return np.full(windows.shape, 0.5)


class MaxForMean(MeanPooling):
    share = MaxPooling.share


RIGHT = [Loops, Full, Unrolled, Same, MaxPooling, MeanPooling]

WRONG = [
    (NotFlipped, "x", "turned by 180°"),
    (FlippedInHeight, "x", "turned round along its width"),
    (OnlyTheLastPlace, "W", "only the outputs at the last place"),
    (BiasOfOnePlace, "b", "only the outputs at the first place"),
    (ChannelsFirstInAPatch, "x", "as if by channels, height, width"),
    (KernelLaidOutOtherwise, "W", "as if by channels, height, width"),
    (RowsOfDyInAnotherOrder, "W", "rows of patches and those of dy are in different orders"),
    (CutAtTheWrongEnd, "x", r"moved by \(1, 1\).*padding"),
    (NotCut, "x", "margin is still on"),
    (NotPaddedForTheKernel, "W", "left out.*padding"),
    (MeanForMax, "x", "mean's way back stands where that of the maximum belongs"),
    (AllForMax, "x", "handed to every entry of the window"),
    (AnotherPlace, "x", "not to the one that was the largest"),
    (MaxForMean, "x", "maximum's way back stands where that of the mean belongs"),
]


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_layer_on_images_raises_no_alarm(kind):
    report = check_gradients(kind(), X)
    assert report.ok, report
    assert not report.findings


@pytest.mark.parametrize(("kind", "array", "words"), WRONG, ids=[w[0].__name__ for w in WRONG])
def test_the_mistake_is_named(kind, array, words):
    report = check_gradients(kind(), X)
    assert [f.where.split(".")[1] for f in report.findings] == [
        "backward" if array == "x" else f"gradient (d{array})"
    ]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(report.findings[0].message)


def test_it_is_named_in_a_model_as_well():
    model = Sequential([Loops(), NotFlipped(), Flatten()], seed=1)
    model.build(X.shape[1:])
    model.compile("sgd", "mse")
    report = check_gradients(model, X, np.zeros(model.predict(X).shape))
    assert "turned by 180°" in report.findings[0].message
