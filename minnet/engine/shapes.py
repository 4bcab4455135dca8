"""Which shape comes out of which layer, and the drawing that shows where one does not fit.

x (32, 784) → dense_1 784→30 ✓ → relu_1 ✓ → dense_2 64→10 ✗ got 30, wants 64
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minnet.foundation.checks import Array, Shape, batch_shape

if TYPE_CHECKING:
    from minnet.layers import Layer


def layer_shapes(layers: Sequence[Layer], x_shape: Shape, batch: int | None = None) -> list[Shape]:
    """The shape of one sample after each layer; an error draws the network up to the misfit.

    Parameters
    ----------
    x_shape
        The shape of one sample of x.
    batch
        How many samples came, for the drawing; `N` by default.

    Raises
    ------
    ValueError
        A layer does not take what comes before it.
    """
    shapes: list[Shape] = []
    shape = x_shape
    for layer in layers:
        try:
            if layer.input_shape not in (None, shape):
                raise ValueError(
                    f"{layer.label} takes x of shape {batch_shape(layer.input_shape)}, which it "
                    f"was given. Got {batch_shape(shape)}. Leave input_dim and input_shape out "
                    "where they do not hold."
                )
            shape = layer.compute_output_shape(shape)
        except ValueError as error:
            drawn = drawing(layers, [x_shape, *shapes], batch)
            raise ValueError(f"{error} {drawn}") from None
        shapes.append(shape)
    return shapes


def drawing(
    layers: Sequence[Layer],
    shapes: Sequence[Shape],
    batch: int | None = None,
    mark: str | None = None,
) -> str:
    """The network with a ✓ at each layer that fits, up to the first that does not.

    Parameters
    ----------
    shapes
        The shape of one sample of x, and then those after each layer that fits.
    batch
        How many samples came; `N` by default.
    mark
        What stands behind the ✗; by default what the layer got and what it wants.
    """
    layers = list(layers)
    parts = [f"x {batch_shape(shapes[0], batch)}"]
    for layer, before, after in zip(layers, shapes[:-1], shapes[1:], strict=False):
        parts.append(f"{_shown(layer, before, after)} ✓")
    if len(shapes) <= len(layers):
        layer, got = layers[len(shapes) - 1], shapes[-1]
        wanted = layer.expects
        wants = layer.takes if wanted in (None, got) else size(wanted)
        parts.append(f"{_shown(layer, wanted)} ✗ {mark or f'got {size(got)}, wants {wants}'}")
    return " → ".join(parts)


def draw_misfit(
    layers: Sequence[Layer], wanted: Shape | None, came: Shape, batch: int | None = None
) -> str:
    """A drawing of samples of one shape meeting a network that takes those of another."""
    first = _shown(layers[0], wanted) if layers else "the model"
    return f"x {batch_shape(came, batch)} → {first} ✗ got {size(came)}, wants {size(wanted)}"


def draw_end(layers: Sequence[Layer], shapes: Sequence[Shape], y: Array) -> str:
    """A drawing of the whole network, whose predictions do not have the shape of y."""
    came = y.shape[1:]
    drawn = drawing(layers, shapes, len(y))
    return f"{drawn} → y {y.shape} ✗ got {size(came)}, wants {size(shapes[-1])}"


def size(shape: Shape | None) -> str:
    """`30` for (30,), the shape itself for more axes, `single numbers` for none."""
    if not shape:
        return "single numbers"
    return str(shape[0]) if len(shape) == 1 else str(shape)


def _shown(layer: Layer, before: Shape | None, after: Shape | None = None) -> str:
    """A layer's label and, where it changes the shape, from what to what."""
    if before is not None and after is None:
        try:
            after = layer.compute_output_shape(before)
        except ValueError:
            return layer.label
    if before is None or before == after:
        return layer.label
    return f"{layer.label} {size(before)}→{size(after)}"
