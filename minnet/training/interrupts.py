"""Ctrl-C while a model trains: the step under way is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class whole_steps:  # noqa: N801 - reads as a phrase: with whole_steps() as interrupted
    """Hold Ctrl-C back until the step under way is whole; calling the value lets it go on then.

    What was noted goes to the handler that was in place: Python's own, which raises
    KeyboardInterrupt, or somebody else's. However often Ctrl-C is pressed meanwhile, it goes on
    once. Hooks of callbacks and the save of a checkpoint are finished, too. Only the main thread
    gets signals, so a fit in another thread has none to hold back; a handler that is not written
    in Python, and an ignored Ctrl-C, stay as they are.
    """

    def __enter__(self) -> Callable[[], None]:
        self._noted: tuple[int, FrameType | None] | None = None
        self._theirs: Any = signal.getsignal(signal.SIGINT)
        self._ours = threading.current_thread() is threading.main_thread() and callable(
            self._theirs
        )
        if self._ours:
            signal.signal(signal.SIGINT, self._note)
        return self._go_on

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = number, frame

    def _go_on(self) -> None:
        if self._noted is not None:
            noted, self._noted = self._noted, None
            self._theirs(*noted)

    def __exit__(self, kind: object, *error: object) -> None:
        # A callback may have put a handler of its own in place, which then stays.
        if self._ours and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._theirs)
        if kind is not KeyboardInterrupt:  # it is under way already
            self._go_on()
