"""What a fit recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minnet.training.callback import Logs, Participant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minnet.training.receipts import Receipt


class History:
    """The record of a fit: one number an epoch for the loss and each metric.

    Attributes
    ----------
    history : dict of lists
        "loss", the metrics' names, and the same with "val_" for the validation data. As in Keras
        the training figures are means over the epoch, made while the weights were changing.
    epoch : list of int
        The numbers of the epochs, from 0.
    params : dict
        How the fit was called: epochs, steps, samples, batch_size.
    features_saved : int
        How many rows did not have to be sent through the frozen layers again, because their
        features were computed once.
    receipt : Receipt or None
        What the fit moved, layer by layer, with the proof of what it did not.
    model : Sequential or None
        What was trained, where the program has Keras' words (`minnet.keras`), which ask for it.
    """

    model: Any = None

    def __init__(self, **params: Any) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self._epochs_of: dict[str, list[int]] = {}
        self.params = params
        self.features_saved = 0
        self.receipt: Receipt | None = None

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Record an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the learning curves. Returns the Axes."""
        from minnet import plots

        some = {
            name: epochs
            for name, epochs in self._epochs_of.items()
            if len(epochs) < len(self.epoch) and len(epochs) == len(self.history.get(name, ()))
        }
        axes: Axes = plots.learning_curves(self.history, self.epoch, of_some=some, ax=ax)
        return axes

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        return f"<History of {len(self.epoch)} epochs{': ' + last if last else ''}>"


class RecordHistory(Participant):
    """Write the figures of each epoch into the fit's history."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.fit.history.add(epoch, logs or {})
