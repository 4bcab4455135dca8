"""How many threads multiply matrices while a model trains.

A product is shared out among threads by handing parts of it over, and for a small one the handing
over takes longer than the work: on two cores, a step of 784-32-10 at batch 32 takes 63 µs of
products on one thread and 80 on two, and many times that while other programs keep the cores busy,
since the threads then wait for each other. With the package threadpoolctl (extra `threads`) a fit
of a small network uses one; without it, set `OPENBLAS_NUM_THREADS=1` before Python starts.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SMALL = 2**20
"""Multiplications below which one thread is faster (784-32-10 at batch 32 has 802,816; at twice
that two threads are faster on an idle machine)."""

_limited = threading.Lock()


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
    pools = _pools()
    if pools is None or multiplications > SMALL or not _limited.acquire(blocking=False):
        yield
        return
    try:
        with pools.limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()


@functools.cache
def _pools() -> Any:
    """What knows and sets the threads of the loaded libraries: found once, in a millisecond."""
    try:
        return importlib.import_module("threadpoolctl").ThreadpoolController()
    except ImportError:
        return None
