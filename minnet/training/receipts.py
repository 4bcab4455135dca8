"""After a fit: proof of what did not move, how far the rest did, and what it was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from minnet.engine.updates import norm
from minnet.files.provenance import add_training, data_hash
from minnet.foundation.checks import Array, short
from minnet.foundation.tables import Table
from minnet.layers import Layer
from minnet.training.callback import Logs, Participant


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


class WriteReceipt(Participant):
    """Compare the layers' arrays at the end of a fit with those when this object was made."""

    weights: dict[str, Array]
    hashes: dict[str, str]

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.weights = {layer.label: _weights(layer) for layer in layers if layer.parameters}
        self.hashes = {
            layer.label: digest(layer)
            for layer in layers
            if layer.parameters and not layer.trainable
        }

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.fit.history.receipt = self.receipt(self.fit.model.layers)

    def get_state(self) -> dict[str, Any]:
        return {"weights": self.weights, "hashes": self.hashes}

    def set_state(self, state: dict[str, Any]) -> None:
        self.weights, self.hashes = state["weights"], state["hashes"]

    def receipt(self, layers: Sequence[Layer]) -> Receipt:
        """Return the comparison with the arrays as they are now."""
        rows = []
        for layer in layers:
            old = self.weights.get(layer.label)
            if old is None:
                continue
            old_hash = self.hashes.get(layer.label)
            new_hash = digest(layer) if old_hash is not None or not layer.trainable else None
            new = _weights(layer)
            size = norm([old])
            moved = 0.0
            if new_hash is None or new_hash != old_hash:
                gap = np.subtract(new, old, out=new) if new.size == old.size else new
                moved = norm([gap])
            change = moved / size if size else (math.inf if moved else 0.0)
            rows.append(LayerReceipt(layer.label, layer.trainable, old_hash, new_hash, change))
        return Receipt(rows)


class RecordTraining(Participant):
    """Write into the model's provenance what it was trained on, and how.

    Parameters
    ----------
    learning_rate
        What fit was given.
    """

    learning_rate: str | None

    def __init__(self, learning_rate: Any) -> None:
        self.learning_rate = None if learning_rate is None else short(learning_rate, 200)

    def on_train_end(self, logs: Logs | None = None) -> None:
        fit, model, compiled = self.fit, self.fit.model, self.fit.model.compiled
        history, data = fit.history, fit.data
        if not history.epoch:
            return
        add_training(
            model.provenance,
            {
                "epochs": len(history.epoch),
                "samples": len(data),
                "data_sha256": data_hash(data.x, data.target),
                "batch_size": fit.params["batch_size"],
                "optimizer": repr(compiled.optimizer),
                "loss": repr(compiled.loss),
                "learning_rate": self.learning_rate,
                "frozen": [layer.label for layer in model.layers if not layer.trainable],
                "figures": {
                    name: values[-1]
                    for name, values in history.history.items()
                    if values and isinstance(values[-1], Real) and math.isfinite(values[-1])
                },
            },
            data.x_range,
        )


def digest(layer: Layer) -> str:
    """SHA-256 of a layer's arrays, in the order of `arrays()`, as hexadecimal."""
    import hashlib

    sha = hashlib.sha256()
    for array in layer.arrays().values():
        sha.update(array.tobytes())
    return sha.hexdigest()


def _weights(layer: Layer) -> Array:
    return np.concatenate([getattr(layer, name).ravel() for name in layer.parameters])
