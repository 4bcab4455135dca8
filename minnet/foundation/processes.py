"""Running a function over a list on several processes of this machine, or wherever a map runs it.

A run uses one BLAS thread, whatever the number of processes, so that it gives the same bits. In
this process that takes threadpoolctl, or `OPENBLAS_NUM_THREADS=1` before Python starts.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from minnet.foundation.checks import integer, short, warn

Item = TypeVar("Item")
Result = TypeVar("Result")
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""What maps a function over a list, such as an executor's `map`."""

MOST_ON_WINDOWS = 61
"""Processes that Python can wait for at a time there."""

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")


def check_jobs(jobs: Any, map: Any, who: str) -> int:  # noqa: A002 - the argument is called so
    """Return the number of processes; `map` and more than one process exclude each other."""
    count: int = integer(jobs, f"{who}'s jobs", minimum=1)
    usual = map is None or map is builtins.map
    if not usual and (not callable(map) or isinstance(map, type)):
        raise TypeError(
            f"{who}'s map takes a function such as an executor's map. Got {short(map)}."
        )
    if map is not None and count != 1:
        raise ValueError(f"{who} takes jobs or map. Got both. The map decides how many run.")
    return count


def run_all(
    function: Callable[[Any, Item], Result],
    given: Any,
    runs: Mapping[str, Item],
    *,
    jobs: int = 1,
    map: Map | None = None,  # noqa: A002
    advance: Callable[[], object] = lambda: None,
) -> dict[str, Result]:
    """Return `function(given, item)` for each item, by its name; a run that fails is left out.

    Parameters
    ----------
    function
        Of a module, so that other processes can import it.
    given
        What all runs have in common; each process gets it once.
    runs
        Name → item. The name is said where the run fails.
    jobs
        How many processes run at a time, on Windows at most 61; 1 runs all in this one.
    map
        What maps a function over a list instead.
    advance
        Called after each run.

    Raises
    ------
    Exception
        What the first run raised, where all of them failed.

    Warns
    -----
    UserWarning
        A run failed; the others are returned.
    """
    items = list(runs.items())
    if map is not None:
        outcomes = _mapped(functools.partial(_alone, function, given), items, map, advance)
    elif jobs == 1 or len(items) < 2:
        outcomes = _here(function, given, items, advance)
    else:
        outcomes = _on_processes(function, given, items, min(jobs, len(items)), advance)
    failed = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Exception)}
    if failed and len(failed) == len(items):
        raise failed[items[0][0]]  # whichever process was done first
    for name, error in failed.items():
        warn(f"The run {name} failed and is left out: {type(error).__name__}: {error}")
    return {name: outcomes[name] for name in runs if name not in failed}


def _alone(function: Callable[[Any, Any], Any], given: Any, item: Any) -> Any:
    """What a run returned or raised, on one BLAS thread."""
    with _one_thread():
        try:
            return function(given, item)
        except Exception as error:
            return error


def _here(
    function: Callable[[Any, Any], Any],
    given: Any,
    items: Sequence[tuple[str, Any]],
    advance: Callable[[], object],
) -> dict[str, Any]:
    outcomes = {}
    for name, item in items:
        outcomes[name] = _alone(function, given, item)
        advance()
    return outcomes


def _mapped(
    run: Callable[[Any], Any],
    items: Sequence[tuple[str, Any]],
    map: Map,  # noqa: A002
    advance: Callable[[], object],
) -> dict[str, Any]:
    outcomes = {}
    results: Any = map(run, [item for _, item in items])
    if not isinstance(results, Iterable):
        raise TypeError(
            "A map returns what the function gave for each item, one after the other. Got "
            f"{short(results)}. Return [function(item) for item in items]."
        )
    for (name, _), outcome in zip(items, results, strict=True):
        outcomes[name] = outcome
        advance()
    return outcomes


# --- processes of this machine --------------------------------------------------------------------

_work: Any = None
"""In a process of `run_all`: the function and what all runs have in common."""


def _on_processes(
    function: Callable[[Any, Any], Any],
    given: Any,
    items: Sequence[tuple[str, Any]],
    jobs: int,
    advance: Callable[[], object],
) -> dict[str, Any]:
    import concurrent.futures  # only who asks for processes waits for these
    import multiprocessing

    jobs = min(jobs, MOST_ON_WINDOWS) if sys.platform == "win32" else jobs
    needs_main = _refers_to_main((function, given, items))
    before = set(multiprocessing.active_children())
    outcomes: dict[str, Any] = {}
    with _environment(), contextlib.nullcontext() if needs_main else _main_hidden():
        pool = concurrent.futures.ProcessPoolExecutor(
            jobs, multiprocessing.get_context("spawn"), _begin, (function, given)
        )
        try:
            futures = {pool.submit(_run, item): name for name, item in items}
            for future in concurrent.futures.as_completed(futures):
                try:
                    outcomes[futures[future]] = future.result()
                except concurrent.futures.BrokenExecutor as error:
                    outcomes[futures[future]] = error
                advance()
        except BaseException:  # Ctrl-C: the runs under way are of no use to anybody
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise
        pool.shutdown()
    return outcomes


def _begin(function: Callable[[Any, Any], Any], given: Any) -> None:
    """Begin a process: its parent alone answers to Ctrl-C."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = function, given


def _run(item: Any) -> Any:
    function, given = _work
    return _alone(function, given, item)


def _refers_to_main(thing: Any) -> bool:
    """Whether what is sent to other processes needs a class or function of the user's script."""
    from multiprocessing.reduction import ForkingPickler

    try:
        return b"__main__" in bytes(ForkingPickler.dumps(thing))
    except Exception as error:
        raise TypeError(
            f"jobs takes what can be pickled and sent to other processes. Got {error}. Move its "
            "class or function to the top of a module, or use jobs=1."
        ) from None


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """One BLAS thread for processes that begin inside, which read it as NumPy is imported."""
    before = {name: os.environ.get(name) for name in BLAS_THREADS}
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep processes that begin inside from running the user's script again.

    A process that is spawned imports the main module, which runs a script that has no
    `if __name__ == "__main__":` from the top, in every process.
    """
    main = sys.modules["__main__"]
    hidden = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for matrix products while inside, if threadpoolctl is there."""
    controller = thread_pools()
    if controller is None:
        yield
        return
    with controller.limit(limits=1, user_api="blas"):
        yield


@functools.cache
def thread_pools() -> Any:
    """What knows and sets the threads of the loaded libraries: found once, in a millisecond."""
    try:
        return importlib.import_module("threadpoolctl").ThreadpoolController()
    except ImportError:
        return None
