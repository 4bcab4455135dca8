"""What a fit asks of its process: Ctrl-C only between steps, and as many threads as pay.

A matrix product is shared out among threads by handing parts of it over, and for a small one the
handing over takes longer than the work; while other programs keep the cores busy, the threads then
wait for each other as well. With the package threadpoolctl a fit of a small network uses one;
without it, set `OPENBLAS_NUM_THREADS=1` before Python starts.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from minnet.foundation.processes import thread_pools
from minnet.training.callback import Logs, Participant

SMALL = 2**24
"""Multiplications below which one thread is as fast as two, or faster. `benchmarks/epoch_cost.py`
measures it. On two idle cores, two threads took 1.10 times as long for 784-128-64-10 at batch 64
(6 million), 1.00 to 1.05 for 784-256-128-10 (13 million) and 0.88 for 784-512-10 (26 million).
Beside one other program they took 2.0, 2.2 and 1.4 times as long."""

_limited = threading.Lock()


class WholeSteps(Participant):
    """Hold Ctrl-C back until the step under way is whole, and all that others do after it.

    Used with `with` around a fit, and the last of its participants. What was noted goes to the
    handler that was in place: Python's own, which raises KeyboardInterrupt, or somebody else's.
    However often Ctrl-C is pressed meanwhile, it goes on once. Hooks of callbacks and the save of a
    checkpoint are finished, too. Only the main thread gets signals, so a fit in another thread has
    none to hold back; a handler that is not written in Python, and an ignored Ctrl-C, stay as they
    are.
    """

    def __enter__(self) -> Self:
        self._noted: tuple[int, FrameType | None] | None = None
        self._usual: Any = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        self._holds = main and callable(self._usual)
        if self._holds:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = number, frame

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._noted is not None:
            self.raise_if_interrupted()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._noted is not None:
            self.raise_if_interrupted()

    def raise_if_interrupted(self) -> None:
        """Let a Ctrl-C that was held back go on: with Python's handler, KeyboardInterrupt."""
        if self._noted is not None:
            noted, self._noted = self._noted, None
            self._usual(*noted)

    def __exit__(self, kind: object, *error: object) -> None:
        # A callback may have put a handler of its own in place, which then stays.
        if self._holds and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._usual)
        if self._noted is not None and kind is not KeyboardInterrupt:  # that is under way already
            self.raise_if_interrupted()


@contextmanager
def suited_to(multiplications: int) -> Iterator[None]:
    """One thread for matrix products while inside, if they are small and threadpoolctl is there.

    The number belongs to the whole process. So where one fit has set it, another at the same time
    leaves it alone, and the first puts it back.

    Parameters
    ----------
    multiplications
        Of the largest product: N · D · M for (N, D) times (D, M).
    """
    pools = thread_pools()
    if pools is None or multiplications > SMALL or not _limited.acquire(blocking=False):
        yield
        return
    try:
        with pools.limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()
