"""The summary of a model: what runs, what is frozen, what is new, and which came from where."""

from __future__ import annotations

from collections.abc import Sequence

from minnet.foundation.checks import Shape, batch_shape
from minnet.foundation.tables import Table
from minnet.layers import Layer


def summary_table(name: str, layers: Sequence[Layer], shapes: Sequence[Shape] | None) -> Table:
    """One row for each layer.

    Parameters
    ----------
    shapes
        The shape of a sample after each layer, or None for a model that is not built.
    """
    rows = []
    for i, layer in enumerate(layers):
        output = "not built" if shapes is None else batch_shape(shapes[i])
        rows.append(
            [
                layer.label,
                layer.kind,
                output,
                f"{layer.count_params():,}" if layer.built else "?",
                _status(layer),
                layer.origin if layer.arrays() else "",
            ]
        )
    learned = sum(_size(layer, layer.parameters) for layer in layers if layer.trainable)
    kept = sum(_size(layer, layer.parameters) for layer in layers if not layer.trainable)
    states = sum(_size(layer, layer.states) for layer in layers)
    notes = [
        f"{learned + kept + states:,} parameters: {learned:,} trainable, {kept:,} frozen"
        + (f", {states:,} running statistics" if states else "")
    ]
    if not all(layer.built for layer in layers):
        notes = ["Not built, so not counted: build((784,)) or data tells the shape of the input."]
    if any(not layer.trainable and layer.training_differs for layer in layers):
        notes.append("Frozen layers run in inference mode: no dropout, fixed running statistics.")
    return Table(
        ["layer", "kind", "output", " parameters", "training", "weights from"],
        rows,
        title=f"Model {name!r}",
        notes=notes,
    )


def _status(layer: Layer) -> str:
    if not layer.trainable:
        return "frozen"
    return "trainable" if layer.parameters else ""


def _size(layer: Layer, names: Sequence[str]) -> int:
    arrays = layer.arrays()
    return sum(int(arrays[name].size) for name in names if name in arrays)
