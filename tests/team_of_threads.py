"""Threads in the place of processes: mpi4py's calls, as far as `minnet.parallel` makes them.

So what it computes is tested everywhere, MPI or not, and fast enough for Hypothesis.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

SECONDS = 60.0


class Aborted(Exception):
    """One of them has ended all."""


class Shared:
    """What the threads of one communicator have in common."""

    def __init__(self, size: int) -> None:
        self.size, self.values = size, [None] * size
        self.barrier = threading.Barrier(size)
        self.came: list[int] = []
        self.aborted: list[int] = []
        self.calls: list[tuple[int, str]] = []
        self.copies: list[Shared] = []


class Comm:
    """One thread's end of a communicator."""

    def __init__(self, shared: Shared, rank: int) -> None:
        self.shared, self.rank, self._copies, self._came = shared, rank, 0, 0

    def Get_rank(self) -> int:
        return self.rank

    def Get_size(self) -> int:
        return self.shared.size

    def Dup(self) -> Comm:
        while len(self.shared.copies) <= self._copies:
            self.shared.copies.append(Shared(self.shared.size))
        self._copies += 1
        self.allgather(None)
        return Comm(self.shared.copies[self._copies - 1], self.rank)

    def _exchange(self, value: Any) -> list[Any]:
        try:
            self.shared.barrier.wait(SECONDS)
            self.shared.values[self.rank] = value
            self.shared.barrier.wait(SECONDS)
            values = list(self.shared.values)
            self.shared.barrier.wait(SECONDS)
        except threading.BrokenBarrierError:
            raise Aborted(f"{self.shared.aborted} ended all") from None
        return values

    def Allreduce(self, array: Any, total: Any) -> None:
        self.shared.calls.append((self.rank, f"Allreduce {array.size}"))
        total[...] = np.sum(self._exchange(array.copy()), axis=0)

    def allgather(self, value: Any) -> list[Any]:
        return copy.deepcopy(self._exchange(value))

    def bcast(self, value: Any, root: int = 0) -> Any:
        return copy.deepcopy(self._exchange(value)[root])

    def Ibarrier(self) -> Request:
        self._came += 1
        self.shared.came.append(self.rank)
        return Request(self.shared, self._came)

    def Abort(self, code: int) -> None:
        self.shared.aborted.append(self.rank)
        self.shared.barrier.abort()
        raise Aborted(f"{self.rank} ended all")


class Request:
    """A barrier that has begun, and is asked about."""

    def __init__(self, shared: Shared, number: int) -> None:
        self.shared, self.number = shared, number

    def Test(self) -> bool:
        return all(self.shared.came.count(r) >= self.number for r in range(self.shared.size))


def on_threads(size: int, function: Callable[[Comm], Any]) -> list[Any]:
    """Return `function(comm)` of so many processes, or raise what the first of them raised."""
    outcomes, _ = all_outcomes(size, function)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


def all_outcomes(size: int, function: Callable[[Comm], Any]) -> tuple[Sequence[Any], Shared]:
    """Return what each process returned or raised, and what they had in common."""
    shared = Shared(size)

    def run(rank: int) -> Any:
        try:
            return function(Comm(shared, rank))
        except Exception as error:
            return error

    with ThreadPoolExecutor(size) as executor:
        return list(executor.map(run, range(size))), shared
