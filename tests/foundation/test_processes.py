"""Running a function over a list on several processes."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from minnet.foundation.processes import BLAS_THREADS, check_jobs, run_all


def plus(given, item):
    return given + item


def process_of(given, item):
    return os.getpid()


def product(given, item):
    rng = np.random.default_rng(item)
    return (rng.random((400, 300)) @ rng.random((300, 200))).tobytes()


def refuses(given, item):
    if item in given:
        raise ValueError(f"not {item}")
    return item


def dies(given, item):
    if item == 1:
        os._exit(3)
    time.sleep(0.2)
    return item


def threads_of(given, item):
    return [os.environ.get(name) for name in BLAS_THREADS]


RUNS = {f"number {i}": i for i in range(5)}


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_by_name_in_order_and_each_is_counted(jobs):
    done = []
    results = run_all(plus, 10, RUNS, jobs=jobs, advance=lambda: done.append(1))
    assert list(results.items()) == [(f"number {i}", 10 + i) for i in range(5)]
    assert len(done) == 5


def test_jobs_are_processes_and_one_job_is_this_one():
    assert set(run_all(process_of, None, RUNS).values()) == {os.getpid()}
    others = set(run_all(process_of, None, RUNS, jobs=2).values())
    assert os.getpid() not in others
    assert len(others) <= 2


def test_any_number_of_jobs_gives_the_same_bits():
    one = run_all(product, None, RUNS)
    assert run_all(product, None, RUNS, jobs=2) == one
    assert run_all(product, None, RUNS, jobs=5) == one


def test_other_processes_use_one_thread_and_this_one_keeps_its_own():
    before = [os.environ.get(name) for name in BLAS_THREADS]
    threads = run_all(threads_of, None, RUNS, jobs=2)
    assert set(map(tuple, threads.values())) == {("1",) * len(BLAS_THREADS)}
    assert [os.environ.get(name) for name in BLAS_THREADS] == before


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_is_named_and_the_others_are_kept(jobs):
    with pytest.warns(UserWarning, match=r"The run number 2 failed .* ValueError: not 2"):
        results = run_all(refuses, [2], RUNS, jobs=jobs)
    assert list(results.values()) == [0, 1, 3, 4]
    with pytest.raises(ValueError, match="not 0"):
        run_all(refuses, range(9), RUNS, jobs=jobs)


def test_a_process_that_dies_ends_in_an_error_and_not_in_waiting():
    with pytest.raises(concurrent.futures.BrokenExecutor):
        run_all(dies, None, {"a": 1, "b": 1}, jobs=2)


def test_a_map_of_somebody_elses():
    seen = []

    def mapping(function, items):
        seen.extend(items)
        return map(function, items)

    assert list(run_all(plus, 1, RUNS, map=mapping).values()) == [1, 2, 3, 4, 5]
    assert seen == [0, 1, 2, 3, 4]
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        assert list(run_all(plus, 1, RUNS, map=executor.map).values()) == [1, 2, 3, 4, 5]


def test_what_cannot_be_sent_is_refused_in_words():
    with pytest.raises(TypeError, match=r"jobs takes what can be pickled .* or use jobs=1"):
        run_all(lambda given, item: item, None, RUNS, jobs=2)


@pytest.mark.parametrize(
    ("jobs", "mapping", "error", "words"),
    [
        (0, None, ValueError, "compare's jobs"),
        (1.5, None, TypeError, "compare's jobs"),
        (2, map, ValueError, r"takes jobs or map\. Got both"),
        (1, "map", TypeError, r"takes a function such as an executor's map\. Got 'map'"),
    ],
)
def test_jobs_and_map_are_checked(jobs, mapping, error, words):
    with pytest.raises(error, match=words):
        check_jobs(jobs, mapping, "compare")


SCRIPT = """
    import sys
    from tests.foundation.test_processes import RUNS, plus
    from minnet.foundation.processes import run_all
    print("begins")
    print(sum(run_all(plus, 1, RUNS, jobs=2).values()))
"""


def script(tmp_path, source):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return [sys.executable, str(path)], environment


@pytest.mark.parametrize(("system", "most"), [("win32", 61), ("linux", 100), ("darwin", 100)])
def test_windows_gets_no_more_processes_than_it_can_wait_for(system, most, monkeypatch):
    class Asked(Exception):
        pass

    def executor(count, *rest):
        raise Asked(count)

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", executor)
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(Asked) as asked:
        run_all(plus, 1, {str(i): i for i in range(200)}, jobs=100)
    assert asked.value.args == (most,)


def test_a_script_without_a_guard_runs_once(tmp_path):
    call, environment = script(tmp_path, SCRIPT)
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["begins", "15"], done.stderr


WAITS = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run behind &
    from tests.foundation.test_processes import RUNS, sleeps
    from minnet.foundation.processes import run_all
    print("begins", flush=True)
    run_all(sleeps, None, RUNS, jobs=2)
"""


def sleeps(given, item):
    print("runs", flush=True)
    time.sleep(60)


def _all_gone(group):
    """Whether every process of a group ends by itself within a minute."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_ends_all_processes_at_once(tmp_path):
    call, environment = script(tmp_path, WAITS)
    process = subprocess.Popen(
        call,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    assert process.stdout.readline().startswith("runs")  # two at a time, on one line or two
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=50)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
    assert _all_gone(process.pid)
