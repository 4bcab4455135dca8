"""What hooks may do to a model while it trains: heard of by its followers, and refused in time."""

from __future__ import annotations

from minnet.engine.network import Network
from minnet.training.callback import Logs, Participant


class TellFollowers(Participant):
    """Tell who follows the layers of new weights, before anybody else looks at an epoch or a step.

    In every step only where a hook looks at it: it may look at other models, and train them.
    """

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.fit.others_change_model:
            self.fit.model.tell_written()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self.fit.model.tell_written()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.fit.validation is None:
            self.fit.model.tell_written()


class CheckLayers(Participant):
    """Refuse a model to which a hook gave an end that does not suit the fit's loss and data."""

    def __init__(self, model: Network) -> None:
        self._plan, self._output_shape = model.plan(), model.output_shape

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        model = self.fit.model
        if model.plan() is self._plan:
            return
        if model.output_shape != self._output_shape:
            raise ValueError(
                "A hook may give the model other layers, with outputs of the same shape while it "
                f"is trained. Got {model.output_shape}, and {self._output_shape} before. Begin "
                "another fit for others."
            )
        model.compiled.check_end(model.steps, model.output_shape)
        self._plan = model.plan()
