"""`Doctor`, a callback of `fit`: looks at a training while it runs."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from minnet.callbacks import Callback, Logs
from minnet.engine.updates import Updates
from minnet.foundation.checks import Array, DivergedError, boolean
from minnet.layers import BatchNormalization, ReLU, Sigmoid, Softmax, Tanh
from minnet.losses import CrossEntropy, MeanAbsoluteError, MeanSquaredError
from minnet.teaching.doctor.anatomy import (
    FLAT,
    SATURATED,
    are_dead,
    worst_start,
)
from minnet.teaching.doctor.diagnosis import diagnose
from minnet.teaching.doctor.findings import Diagnosis, Finding, explained_by
from minnet.teaching.doctor.patient import norm, ratio
from minnet.teaching.doctor.scales import LARGE_INPUT, SMALL_INPUT

LOOKS = 8
"""Batches of an epoch that are looked at, spread evenly."""

ENOUGH_ROWS = 128
"""Rows that have to be seen before units are called dead, or a class never predicted."""

CLIMBS = 5.0
"""A loss so many times the first, later in the first epoch, is climbing."""

PATIENCE = 5
"""Epochs in which the loss or the weights may stand still, or a class go unpredicted."""

STANDS_STILL = 1e-4
"""Movement of the weights in an epoch by their size, below which nothing happens."""


class Doctor(Callback):
    """Watch a training: print each finding once, and keep them.

    It looks at eight batches an epoch, at what `fit` computed anyway, and makes no experiments: for
    those ask `diagnose` with the data, or let it be asked when the training ends. Measured cost on
    the UCI digits: 11 % of the time of a fit of 32-10, and less than 8 % of larger networks'.

    Parameters
    ----------
    try_cures
        Whether `diagnose` looks at the model and the fit's data when the training ends, tries the
        cures on a copy, and each finding tells what the best one left of the loss. That takes up to
        three seconds. A fit that is stopped by Ctrl-C is not looked at.

    Raises
    ------
    TypeError
        `try_cures` is neither True nor False.

    Attributes
    ----------
    findings : list of Finding
        In the order in which they came up, one for each kind; also after a `DivergedError`. What
        follows from an earlier finding is left out.

    Examples
    --------
    >>> import minnet
    >>> from minnet.layers import Dense
    >>> x, y, _, _ = minnet.datasets.blobs(200, seed=0)
    >>> model = minnet.Sequential([Dense(3, activation="softmax", input_dim=2)], seed=0)
    >>> model.compile("adam", "cross_entropy")
    >>> doctor = Doctor()
    >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[doctor])
    >>> doctor.findings
    []

    A rate that is too small, and what another one leaves in as many updates:

    >>> model.compile(minnet.optimizers.SGD(1e-6), "cross_entropy")
    >>> doctor = Doctor(try_cures=True)
    >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[doctor])  # doctest: +ELLIPSIS
    Doctor: step-too-small: ...
    >>> doctor.findings[0].proof.after < doctor.findings[0].proof.before
    True
    """

    def __init__(self, *, try_cures: bool = False) -> None:
        self._tries_cures = boolean(try_cures, "Doctor's try_cures")
        self._by_kind: dict[str, Finding] = {}
        self._begin()

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        return list(self._by_kind.values())

    @property
    def diagnosis(self) -> Diagnosis:
        """The findings as a report."""
        return Diagnosis(self._by_kind.values(), "while it trained")

    def _begin(self) -> None:
        self._first: float | None = None
        self._losses: list[float] = []
        self._weights: Array | None = None
        self._still = 0
        self._forget_epoch()
        self._unpredicted = 0

    def _forget_epoch(self) -> None:
        self._rows = 0
        self._tops: dict[str, tuple[Array, Array]] = {}  # largest input of a ReLU, its deviation
        self._flat: dict[str, list[float]] = {}
        self._predicted: Array | None = None  # class → how often

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._by_kind = {}
        self._begin()
        self._every = max(1, self.params["steps"] // LOOKS)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._forget_epoch()
        self._weights = self.model.theta.copy()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if batch % self._every:
            return
        loss = (logs or {})["loss"]
        outputs = self.model.training_step.outputs
        if self._first is None:
            self._first = loss
            self._look_at_start(loss, outputs)
        elif not self._losses and loss > CLIMBS * self._first and loss > 1.0:
            self._climbs(loss)
        self._look_inside(outputs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        loss = (logs or {})["loss"]
        self._losses.append(loss)
        self._judge_units()
        self._judge_movement()
        self._judge_classes()
        if self._first is not None and epoch > 0 and loss > CLIMBS * self._first and loss > 1.0:
            self._climbs(loss)

    def on_train_end(self, logs: Logs | None = None) -> None:
        error = sys.exception()
        if isinstance(error, DivergedError):
            self._diverged(str(error))
        self._weights = None
        self._forget_epoch()
        if self._tries_cures and (error is None or isinstance(error, DivergedError)):
            self._ask_diagnose()

    def _ask_diagnose(self) -> None:
        """What `diagnose` finds with the fit's data replaces what was found on the way."""
        fit = self.fit
        held = None if fit.validation is None else (fit.validation.x, fit.validation.target)
        diagnosis = diagnose(
            self.model,
            fit.data.x,
            fit.data.target,
            validation_data=held,
            batch_size=fit.batch_size,
            shuffle=fit.shuffle,
        )
        for finding in diagnosis.findings:
            self._by_kind[finding.kind] = finding
            print(f"Doctor: {finding}", flush=True)

    # --- what is looked at ------------------------------------------------------------------------

    def _look_at_start(self, loss: float, outputs: list[Array]) -> None:
        model, whole = self.model, len(outputs) == len(self.model.steps) + 1
        if whole and not isinstance(model.steps[0], BatchNormalization):
            x = outputs[0]
            size = norm(x) / math.sqrt(max(1, x.size))
            if size > LARGE_INPUT or 0.0 < size < SMALL_INPUT:
                self._say(
                    "input-scale",
                    f"The first batch goes from {x.min():.4g} to {x.max():.4g}; networks start "
                    "well where inputs have a size of about 1.",
                    {"root mean square of x": size},
                    "Stop, and scale x first: x / 255 for pixels, or minnet.datasets.standardize.",
                )
        if isinstance(model.loss, CrossEntropy) and not model.provenance["trainings"]:
            guess = math.log(model.output_shape[-1])
            data_loss = loss - model.penalty()
            if data_loss > worst_start(outputs[0], guess):
                self._say(
                    "initial-loss",
                    f"The first batch's loss is {data_loss:.3g}; a network that knows nothing has "
                    f"ln {model.output_shape[-1]} = {guess:.3g}.",
                    {"loss": data_loss, "ln K": guess},
                    "Start from smaller weights in the last layer.",
                )
        if isinstance(model.loss, (MeanSquaredError, MeanAbsoluteError)) and loss > 1e3:
            self._say(
                "target-scale",
                f"The first batch's loss is {loss:.3g}: the targets are far from what a fresh "
                "network gives.",
                {"loss": loss},
                "Train on (y - y.mean()) / y.std(), and turn predictions back.",
            )

    def _look_inside(self, outputs: list[Array]) -> None:
        model = self.model
        ran = model.steps[len(model.steps) - len(outputs) + 1 :]
        self._rows += len(outputs[0])
        for i, step in enumerate(ran):
            x, y = outputs[i], outputs[i + 1]
            if isinstance(step, ReLU):
                z = x.reshape(len(x), -1)
                top, spread = z.max(axis=0), z.std(axis=0)
                old = self._tops.get(step.label)
                if old is not None:
                    top, spread = np.maximum(top, old[0]), np.maximum(spread, old[1])
                self._tops[step.label] = top, spread
            elif isinstance(step, (Sigmoid, Tanh)) and i < len(ran) - 1:
                end = y if isinstance(step, Tanh) else 2.0 * y - 1.0
                self._flat.setdefault(step.label, []).append(float((np.abs(end) > FLAT).mean()))
        last = outputs[-1]
        if ran and isinstance(ran[-1], Softmax) and last.ndim == 2:
            counts = np.bincount(last.argmax(axis=1), minlength=last.shape[1])
            self._predicted = counts if self._predicted is None else self._predicted + counts

    def _judge_units(self) -> None:
        if self._rows < min(ENOUGH_ROWS, self.params["samples"]) or self._rows < 2:
            return
        for label, (top, spread) in self._tops.items():
            dead = top <= 0.0
            if are_dead(top, spread):
                self._say(
                    "dead-relu",
                    f"{int(dead.sum())} of the {dead.size} ReLU units of {label} were 0 for all "
                    f"{self._rows} rows looked at in epoch {len(self._losses)}.",
                    {"share of dead units": float(dead.mean())},
                    f"Start over, model.reset(seed), at a rate of {self._smaller():.2g} instead "
                    f"of {self._rate():.2g}, or with leaky_relu.",
                )
        for label, shares in self._flat.items():
            share = float(np.mean(shares))
            if share > SATURATED:
                self._say(
                    "saturated",
                    f"{100 * share:.0f} % of the outputs of {label} are within 1 % of an end of "
                    "the curve, where its slope is nearly 0.",
                    {"share at an end": share},
                    "Start from smaller weights, or at a smaller learning rate.",
                )

    def _judge_movement(self) -> None:
        model, before = self.model, self._weights
        if before is None or before.size != model.theta.size:
            return
        moved = ratio(norm(model.theta - before), norm(before))
        self._still = self._still + 1 if moved < STANDS_STILL else 0
        flat = abs(self._losses[-1] - self._losses[0]) < 0.02 * abs(self._losses[0])
        if self._still >= PATIENCE and flat:
            self._say(
                "step-too-small",
                f"In epoch {len(self._losses)} the weights moved by {moved:.1e} of their size, and "
                f"the loss stands at {self._losses[-1]:.4g} since the first epoch.",
                {"movement": moved, "rate": self._rate()},
                "minnet.find_learning_rate(model, x, y).suggestion is a rate to try.",
            )

    def _judge_classes(self) -> None:
        if self._predicted is None or self._rows < max(ENOUGH_ROWS, 10 * len(self._predicted)):
            return
        missing = np.flatnonzero(self._predicted == 0)
        self._unpredicted = self._unpredicted + 1 if len(missing) else 0
        if self._unpredicted >= PATIENCE and self._losses[-1] < 0.5 * (self._first or math.inf):
            self._say(
                "never-predicted",
                f"Class {', '.join(map(str, missing[:5]))} was not predicted for any of the rows "
                f"looked at in the last {PATIENCE} epochs.",
                {"classes never predicted": len(missing)},
                "Count the labels: np.bincount(y). If the class is there, diagnose(model, x, y).",
            )

    def _climbs(self, loss: float) -> None:
        first = self._first or loss
        self._say(
            "step-too-large",
            f"The loss climbed from {first:.3g} to {loss:.3g}.",
            {"first loss": first, "loss": loss, "rate": self._rate()},
            f"Start over, model.reset(seed), at a learning rate of {self._smaller():.2g}.",
        )

    def _diverged(self, why: str) -> None:
        first = math.nan if self._first is None else self._first
        self._say(
            "step-too-large",
            f"The training left the finite numbers: {why.split('. ')[0]}.",
            {"first loss": first, "rate": self._rate()},
            f"Start over, model.reset(seed), at a learning rate of {self._smaller():.2g}.",
        )

    def _rate(self) -> float:
        updates: Updates = self.model.compiled.updates
        own = updates.optimizer.rate
        rates = [rate(updates.iterations) for rate in updates.rates.values()]
        return max(rates, default=own(updates.iterations))

    def _smaller(self) -> float:
        return min(self._rate() / 10.0, 0.1)

    def _say(self, kind: str, message: str, measurement: dict[str, Any], advice: str) -> None:
        if kind in self._by_kind or explained_by(kind, self.findings):
            return
        self._by_kind[kind] = finding = Finding(kind, message, measurement, advice)
        print(f"Doctor: {finding}", flush=True)
