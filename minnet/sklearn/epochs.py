"""scikit-learn's account of a fit, kept by a callback: curves, scores, when to stop, which rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from minnet.callbacks import Callback, Logs
from minnet.foundation.checks import Array
from minnet.schedules import InverseScaling
from minnet.sklearn.settings import Settings

SMALLEST_RATE = 1e-6
"""At this rate or below, scikit-learn's "adaptive" stops and does not divide any more."""

Score = Callable[[], float]


class Account:
    """What an estimator remembers of its epochs, over several fits where it goes on.

    Attributes
    ----------
    loss_curve : list of float
        The loss of each epoch, the penalty included.
    scores : list of float
        Of the validation rows, after each epoch.
    best_loss, best_score : float
    waited : int
        Epochs in a row that were not better by more than `tol`.
    samples : int
        How many samples were gone through.
    """

    def __init__(self) -> None:
        self.loss_curve: list[float] = []
        self.scores: list[float] = []
        self.best_loss, self.best_score = math.inf, -math.inf
        self.waited = self.samples = 0


class KeepAccount(Callback):
    """Keep an estimator's account, stop as scikit-learn stops, and change the rate as it does.

    Parameters
    ----------
    account
        To be gone on with.
    settings
        The estimator's.
    score
        Gives the score of the validation rows, or None without early stopping: then the loss of
        the training decides.
    samples
        How many an epoch has.
    """

    changes_model = False

    account: Account
    settings: Settings
    score: Score | None
    samples: int
    epochs: int
    stopped: bool

    def __init__(
        self, account: Account, settings: Settings, score: Score | None, samples: int
    ) -> None:
        self.account, self.settings = account, settings
        self.score, self.samples = score, samples
        self.epochs, self.stopped = 0, False
        self._best: tuple[Array, Array] | None = None
        self._inverse = InverseScaling(settings.learning_rate_init, settings.power_t)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        account, settings, loss = self.account, self.settings, (logs or {})["loss"]
        self.epochs += 1
        account.samples += self.samples
        account.loss_curve.append(loss)
        self._say(f"Iteration {self.epochs}, loss = {loss:.8f}")
        if self.score is None:
            better = loss <= account.best_loss - settings.tol
            account.best_loss = min(loss, account.best_loss)
        else:
            score = self.score()
            account.scores.append(score)
            self._say(f"Validation score: {score:f}")
            better = score >= account.best_score + settings.tol
            if score > account.best_score:
                account.best_score = score
                self._best = self.model.theta.copy(), self.model.state.copy()
        account.waited = 0 if better else account.waited + 1
        if settings.changes_rate == "invscaling":
            self.model.optimizer.learning_rate = self._inverse(account.samples)
        if account.waited > settings.patience:
            self._stop_or_slow_down()

    def _stop_or_slow_down(self) -> None:
        figure = "Training loss" if self.score is None else "Validation score"
        reason = (
            f"{figure} did not improve more than tol={self.settings.tol:f} for "
            f"{self.settings.patience} consecutive epochs."
        )
        rate = self.model.optimizer.learning_rate
        if self.settings.changes_rate == "adaptive" and rate > SMALLEST_RATE:
            self.model.optimizer.learning_rate = rate / 5.0
            self.account.waited = 0
            self._say(f"{reason} Setting learning rate to {rate / 5.0:f}")
        else:
            self.stopped = self.model.stop_training = True
            self._say(f"{reason} Stopping.")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._best is not None:
            self.model.theta, self.model.state = self._best

    def _say(self, line: str) -> None:
        if self.settings.verbose:
            print(line)
