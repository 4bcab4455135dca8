"""What a fit shows while it runs: a bar, or a line an epoch."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from numbers import Integral
from typing import Any

from minnet.foundation.checks import short
from minnet.training.callback import Callback, Logs


class Progress(Callback):
    """What `fit` shows: a tqdm bar if tqdm is installed and wanted, else a line an epoch.

    Output that cannot be written (a closed pipe) is given up without a word: it must not cost
    anybody a training.

    Parameters
    ----------
    bar
        Whether a bar is wanted, as `verbose=1` does, instead of a line an epoch.

    Raises
    ------
    TypeError
        `bar` is missing: `fit(verbose=)` makes this callback, programs hardly ever do.

    Examples
    --------
    >>> [type(callback).__name__ for callback in (Progress(bar=False),)]
    ['Progress']
    """

    changes_model = False

    def __init__(self, *, bar: bool) -> None:
        self._tqdm = _tqdm() if bar else None
        self._bar: Any = None
        self._open = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        tqdm = self._tqdm
        if tqdm is not None:
            total = self.params["epochs"] * self.params["steps"]
            self._write(lambda: setattr(self, "_bar", tqdm(total=total, unit="step")))

    def goes_on(self, epoch: int, step: int) -> None:
        """Tell where a resumed fit goes on, in numbers from 0."""
        self._began = time.perf_counter()
        if self._tqdm is not None:
            done = epoch * self.params["steps"] + step
            self._write(lambda: self._bar.update(done))
        self.say(f"Resumed at epoch {epoch + 1}, step {step + 1}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._tqdm is not None:
            self._write(lambda: self._bar.update())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        text = f"Epoch {epoch + 1}/{self.params['epochs']}"
        if self._tqdm is not None:
            self._write(lambda: self._bar.set_description_str(text, refresh=False))
            self._write(lambda: self._bar.set_postfix_str(line(logs or {})))
        else:
            seconds = time.perf_counter() - self._began
            self.say(f"{text} - {seconds:.1f}s - {line(logs or {})}")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._tqdm is not None:
            self._write(lambda: self._bar.close())

    def say(self, text: str) -> None:
        """Print a line, where there is no bar that it would tear apart."""
        if self._tqdm is None:
            self._write(lambda: print(text, flush=True))

    def _write(self, write: Callable[[], object]) -> None:
        if self._open:
            try:
                write()
            except (OSError, ValueError, AttributeError):  # a closed pipe, file, or no stdout
                self._open = False


def line(logs: Logs) -> str:
    """The figures of an epoch in one line.

    >>> line({"loss": 0.51234, "accuracy": 0.9})
    'loss: 0.5123 - accuracy: 0.9000'
    """
    return " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())


def progress(verbose: object) -> Progress | None:
    """What shows the progress for fit's `verbose`: nothing for 0."""
    if not is_shown(verbose, "fit"):
        return None
    if isinstance(verbose, str):
        return Progress(bar=bool(sys.stderr) and hasattr(sys.stderr, "isatty") and _is_terminal())
    return Progress(bar=verbose == 1)


def is_shown(verbose: object, who: str) -> bool:
    """Whether anything is shown: not for 0."""
    number = isinstance(verbose, Integral) and verbose in (0, 1, 2)
    if not number and not (isinstance(verbose, str) and verbose == "auto"):
        raise ValueError(f'{who}\'s verbose takes 0, 1, 2 or "auto". Got {short(verbose)}.')
    return verbose != 0


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except ValueError:  # closed
        return False


def _tqdm() -> Any:
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
