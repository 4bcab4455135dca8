"""After a fit: proof of what did not move, and how far the rest did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.foundation.checks import Array
from minnet.foundation.tables import Table
from minnet.layers import Layer


class LayerReceipt(NamedTuple):
    """One layer's weights and states before and after a fit.

    Attributes
    ----------
    layer
        The layer's name.
    trainable
        Whether it was trainable at the end.
    before, after
        SHA-256 of its arrays where it was frozen at the start or at the end, else None.
    change
        ‖after − before‖ / ‖before‖ over its weights.
    """

    layer: str
    trainable: bool
    before: str | None
    after: str | None
    change: float

    @property
    def same(self) -> bool:
        """Whether every bit is proved to be as it was."""
        return self.before is not None and self.before == self.after


class Receipt:
    """What a fit moved, layer by layer.

    Attributes
    ----------
    layers : list of LayerReceipt
        In the model's order, for layers with weights.
    """

    def __init__(self, layers: Sequence[LayerReceipt]) -> None:
        self.layers = list(layers)

    def _table(self) -> Table:
        rows = []
        for row in self.layers:
            moved = f"moved by {100 * row.change:.2g} %"
            if row.same:
                moved = f"same bits, SHA-256 {(row.after or '')[:12]}…"
            elif row.change == 0.0:
                moved = "did not move"
            rows.append([row.layer, "trainable" if row.trainable else "frozen", moved])
        return Table(["layer", "training", "weights"], rows, title="What the fit moved")

    def __str__(self) -> str:
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


class Before:
    """The layers' arrays at the start of a fit."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._weights = {layer.label: _weights(layer) for layer in layers if layer.weights}
        self._hashes = {
            layer.label: digest(layer) for layer in layers if layer.weights and not layer.trainable
        }

    def get_state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {"weights": self._weights, "hashes": self._hashes}

    def set_state(self, state: dict[str, Any]) -> None:
        """Be what `get_state` gave."""
        self._weights, self._hashes = state["weights"], state["hashes"]

    def receipt(self, layers: Sequence[Layer]) -> Receipt:
        """Compare with the arrays as they are now."""
        rows = []
        for layer in layers:
            old = self._weights.get(layer.label)
            if old is None:
                continue
            was = self._hashes.get(layer.label)
            now = digest(layer) if was is not None or not layer.trainable else None
            new = _weights(layer)
            size = math.sqrt(float(np.dot(old, old)))
            moved = 0.0
            if now is None or now != was:
                gap = np.subtract(new, old, out=new) if new.size == old.size else new
                moved = math.sqrt(float(np.dot(gap, gap)))
            change = moved / size if size else (math.inf if moved else 0.0)
            rows.append(LayerReceipt(layer.label, layer.trainable, was, now, change))
        return Receipt(rows)


def digest(layer: Layer) -> str:
    """SHA-256 of a layer's arrays, in the order of `arrays()`, as hexadecimal."""
    import hashlib

    sha = hashlib.sha256()
    for array in layer.arrays().values():
        sha.update(array.tobytes())
    return sha.hexdigest()


def _weights(layer: Layer) -> Array:
    return np.concatenate([getattr(layer, name).ravel() for name in layer.weights])
