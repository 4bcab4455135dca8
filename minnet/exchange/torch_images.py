"""Images to PyTorch and back: there the channels come first, (N, C, H, W), and here last.

So images go in transposed on one side, kernels are (F, C, h, w) there and (h, w, C, F) here, and a
`Flatten` puts the numbers of an image in another order. What follows a `Flatten` is reordered on
its way, until a Dense has taken it: `Flow` keeps account of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minnet.exchange.record import Carried, Given, Record, refuse
from minnet.foundation.checks import Array, Shape, batch_shape
from minnet.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Flatten,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Reshape,
    ZeroPadding2D,
)
from minnet.layers.windows import Windows

MODULES = (
    *("Conv2d", "MaxPool2d", "AvgPool2d", "BatchNorm2d", "ZeroPad2d"),
    *("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"),
)
"""Modules of PyTorch that take images."""

LAYERS = (
    *("Conv2D", "MaxPooling2D", "AveragePooling2D", "ZeroPadding2D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling2D"),
)
"""Layers of minnet that take images."""

REORDERED = "REORDERED"
"""What is done with the arrays between a Flatten of images and the next Dense."""


class Flow:
    """What comes into each module of a network, on its way through an exchange.

    Attributes
    ----------
    shape : tuple of int or None
        The shape of one sample here, channels last; None where nobody knows.
    rank : int or None
        How many axes a sample has here; None where nobody knows.
    network
        Whether it is a network of images.
    images
        Whether these are images, whose channels come first in PyTorch.
    order : ndarray of int or None
        After a Flatten of images: place here → place in PyTorch.
    """

    def __init__(self, shape: Shape | None, *, images: bool) -> None:
        self.shape, self.network = shape, images
        self.rank: int | None = 1 if shape is None else len(shape)  # without a shape, of rows
        self.images = images and shape is not None and len(shape) == 3
        self.order: Array | None = None

    def advance(self, layer: Layer) -> None:
        """Go on to what a layer of minnet gives for what comes into it."""
        before, shape = self.images, self.shape
        if shape is None:
            return
        if before and isinstance(layer, Flatten):
            H, W, C = shape
            order = np.arange(math.prod(shape)).reshape(C, H, W).transpose(1, 2, 0).ravel()
            self.order = None if (np.diff(order) == 1).all() else order
        self.shape = layer.compute_output_shape(shape)
        made = self.network and isinstance(layer, Reshape)
        self.images = (before or made) and len(self.shape) == 3

    def here(self, given: Given) -> Given:
        """An array of a number for each input, in minnet's order."""
        if self.order is None or len(given.value) != len(self.order):
            return given  # one number for all, or what does not fit and will be refused
        return given._replace(value=given.value[self.order], verdict=_also(given.verdict))

    def there(self, value: Array, verdict: str) -> tuple[Array, str]:
        """The same in PyTorch's order, with what was done."""
        if self.order is None:
            return value, verdict
        return value[np.argsort(self.order)], _also(verdict)


def _also(verdict: str) -> str:
    return f"{verdict}, {REORDERED}" if verdict == "TRANSPOSED" else REORDERED


def flow_of(layers: list[Layer], shape: Shape) -> dict[int, Flow]:
    """What comes into each of a model's layers, by its number; nothing without images."""
    images, sample = False, shape
    for layer in layers:
        norm = isinstance(layer, BatchNormalization) and len(sample) == 3
        images, sample = images or norm or _takes_images(layer), layer.compute_output_shape(sample)
    flow, flows = Flow(shape, images=images), {}
    for i, layer in enumerate(layers):
        flows[i] = Flow(flow.shape, images=images)
        flows[i].images, flows[i].order = flow.images, flow.order
        flow.advance(layer)
        if flow.shape is not None and len(flow.shape) == 1 and _has_kernel(layer):
            flow.order = None
    return flows


def _takes_images(layer: Layer) -> bool:
    kinds = {kind.__name__ for kind in type(layer).__mro__}
    return bool(kinds & set(LAYERS))


def _has_kernel(layer: Layer) -> bool:
    return "W" in layer.parameters


# --- in -------------------------------------------------------------------------------------------


def kernel(given: Given) -> Given:
    """A kernel (F, C, h, w) as (h, w, C, F)."""
    value = np.ascontiguousarray(given.value.transpose(2, 3, 1, 0))
    return given._replace(value=value, verdict="TRANSPOSED")


def _need_images(source: Any) -> None:
    if not source.flow.images:
        raise ValueError(
            f"from_torch takes the shape of one image with a network of images. Got "
            f"{source.where} and "
            + (
                "no input_shape."
                if source.flow.shape is None
                else f"samples of {batch_shape(source.flow.shape)} for it."
            )
            + " Give it with the channels last: from_torch(module, input_shape=(28, 28, 1))."
        )


def of_rows(read: Any) -> Any:
    """Return a reader of a module that goes by the first axis of a sample, of rows the last."""

    def read_rows(source: Any) -> Carried:
        if source.flow.rank != 1:
            raise ValueError(
                f"from_torch takes {type(source.module).__name__} after rows, (N, D). Got "
                f"{source.where} for samples of {source.flow.rank} axes, of which it goes by the "
                "first, and minnet by the last. Put it before the Unflatten."
            )
        carried: Carried = read(source)
        return carried

    return read_rows


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _padding(source: Any, size: tuple[int, int], strides: tuple[int, int]) -> str:
    """ "valid" or "same", where a module's padding is one of the two on its images."""
    padding = source.module.padding
    if isinstance(padding, str):
        return padding
    two = _two(padding)
    if two == (0, 0):
        return "valid"
    H, W, _ = source.flow.shape
    same = Windows(size, strides, "same")
    margins = same.margins(H, W)
    places = tuple(
        (length + 2 * p - h) // s + 1
        for length, p, h, s in zip((H, W), two, size, strides, strict=True)
    )
    if margins != ((two[0], two[0]), (two[1], two[1])) or places != same.places(H, W):
        raise ValueError(
            f"from_torch takes a padding of 0, or what padding='same' is in minnet: {margins} for "
            f"images of {H}×{W}. Got {source.where} with padding={padding!r}."
        )
    return "same"


def conv2d(source: Any) -> Carried:
    """A Conv2d."""
    _need_images(source)
    module = source.module
    source.need("dilation", (1, 1), 1)
    source.need("groups", 1)
    source.need("padding_mode", "zeros")
    size, strides = _two(module.kernel_size), _two(module.stride)
    arrays = {"W": kernel(source.given("weight"))}
    if module.bias is not None:
        arrays["b"] = source.given("bias")
    layer = Conv2D(
        module.out_channels,
        size,
        strides,
        _padding(source, size, strides),
        use_bias=module.bias is not None,
    )
    return Carried(layer, arrays)


def pooling(kind: Any) -> Any:
    """Return the reader of a MaxPool2d or an AvgPool2d."""

    def read(source: Any) -> Carried:
        _need_images(source)
        module = source.module
        source.need("ceil_mode", False)
        if kind is MaxPooling2D:
            source.need("dilation", 1, (1, 1))
            source.need("return_indices", False)
        else:
            source.need("divisor_override", None)
        size, strides = _two(module.kernel_size), _two(module.stride)
        margin = _padding(source, size, strides)
        if margin == "same" and kind is AveragePooling2D:
            source.need("count_include_pad", False)
        return Carried(kind(size, strides, margin))

    return read


def global_pooling(kind: Any) -> Any:
    """Return the reader of an AdaptiveAvgPool2d or AdaptiveMaxPool2d that leaves one pixel."""

    def read(source: Any) -> Carried:
        _need_images(source)
        source.need("output_size", 1, (1, 1))
        if kind is GlobalMaxPooling2D:
            source.need("return_indices", False)
        return Carried(kind(keepdims=True))

    return read


def zero_padding(source: Any) -> Carried:
    """A ZeroPad2d, whose margins are (left, right, above, below)."""
    _need_images(source)
    left, right, above, below = source.module.padding
    return Carried(ZeroPadding2D(((above, below), (left, right))))


# --- out ------------------------------------------------------------------------------------------


def _margins(target: Any) -> tuple[int, int]:
    """The padding of a module, which PyTorch has alike on both sides."""
    step = target.step
    margins = step.windows.margins(*target.shape[:2])
    (above, below), (left, right) = margins
    if above != below or left != right:
        raise refuse(
            type(step).__name__,
            step,
            "to_torch",
            f"Its margins are {margins} on images of {target.shape[0]}×{target.shape[1]}, and "
            "PyTorch's are alike on both sides.",
        )
    return above, left


def to_conv2d(target: Any) -> Any:
    """A Conv2d of a Conv2D."""
    step = target.step
    h, w, C, F = step.W.shape
    alone = step.padding == "same" and step.strides == (1, 1)
    module = target.nn.utils.skip_init(
        target.nn.Conv2d,
        C,
        F,
        (h, w),
        step.strides,
        padding="same" if alone else _margins(target),
        bias=step.use_bias,
    )
    names = {"W": "weight", "b": "bias"} if step.use_bias else {"W": "weight"}
    if step.regularizers or step.constraints:
        target.record.leave(f"the penalties and bounds of {step.label}")
    return target.fill(module, names, transposed="W")


def to_max_pooling(target: Any) -> Any:
    """A MaxPool2d."""
    windows = target.step.windows
    _check_half(target)
    return target.nn.MaxPool2d(windows.size, windows.strides, _margins(target))


def to_average_pooling(target: Any) -> Any:
    """An AvgPool2d, whose margin does not count."""
    windows = target.step.windows
    _check_half(target)
    return target.nn.AvgPool2d(
        windows.size, windows.strides, _margins(target), count_include_pad=False
    )


def _check_half(target: Any) -> None:
    """Refuse a margin of more than half a window, which PyTorch's pooling does not take."""
    windows, padding = target.step.windows, _margins(target)
    if any(2 * p > h for p, h in zip(padding, windows.size, strict=True)):
        raise refuse(
            type(target.step).__name__,
            target.step,
            "to_torch",
            f"Its margin of {padding} is more than half of its window of {windows.size}.",
        )


def to_zero_padding(target: Any) -> Any:
    """A ZeroPad2d."""
    rows, columns = target.step.padding
    return target.nn.ZeroPad2d((*columns, *rows))


def to_global_pooling(target: Any) -> Any:
    """An AdaptiveAvgPool2d or AdaptiveMaxPool2d, flattened unless the axes are kept."""
    largest = isinstance(target.step, GlobalMaxPooling2D)
    pooled = target.nn.AdaptiveMaxPool2d(1) if largest else target.nn.AdaptiveAvgPool2d(1)
    if target.step.keepdims:
        return pooled
    return target.nn.Sequential(pooled, target.nn.Flatten())


def note(flows: Mapping[int, Flow], steps: Sequence[Any], record: Record) -> None:
    """Note how images go in and come out; refuse outputs that are a flattened image."""
    if not any(flow.images for flow in flows.values()):
        return
    first, end, step = flows[0].images, flows[len(steps) - 1], steps[-1]
    end.advance(step)
    if end.order is not None and not _has_kernel(step):
        reason = "The model's outputs are a flattened image, which has another order there."
        raise refuse(type(step).__name__, step, "to_torch", reason)
    if first:
        record.notes.append("Images go in with the channels first: x.transpose(0, 3, 1, 2).")
    if end.images:
        record.notes.append("Images come out with the channels first.")
