"""Callbacks: Keras' hooks and classes on minnet's fit."""

from __future__ import annotations

from typing import Any

from minnet import callbacks as core
from minnet.keras import words

__getattr__ = words.answering(__name__)


class Callback(core.Callback):
    """Hooks that `fit` calls."""


class EarlyStopping(core.EarlyStopping):
    """Stop when the monitored figure no longer improves."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self._verbose = verbose
        super().__init__(
            monitor, min_delta, patience, mode, baseline, restore_best_weights, start_from_epoch
        )


ReduceLROnPlateau: Any = core.ReduceLROnPlateau
LambdaCallback: Any = core.LambdaCallback
