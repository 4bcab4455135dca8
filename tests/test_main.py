"""The command line."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minnet
from minnet.__main__ import info, main


def test_info_names_versions_blas_and_what_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "minnet", "info"], capture_output=True, text=True, check=True
    )
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert lines["minnet"] == minnet.__version__
    assert lines["NumPy"] == np.__version__
    assert "mnist-8x8" in lines["models"]
    assert lines["tqdm"].startswith(("installed", "not installed"))


def test_info_says_which_variables_set_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "threadpoolctl" else find(name)
    )
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert "OPENBLAS_NUM_THREADS=3" in info()
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert "not set; small networks are often faster with OPENBLAS_NUM_THREADS=1" in info()


def test_info_asks_threadpoolctl_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pools:
        @staticmethod
        def threadpool_info() -> list[dict[str, Any]]:
            return [
                {"user_api": "blas", "num_threads": 7, "architecture": "Zen"},
                {"user_api": "openmp", "num_threads": 9},
            ]

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: object() if name == "threadpoolctl" else find(name),
    )
    monkeypatch.setitem(sys.modules, "threadpoolctl", Pools)  # type: ignore[arg-type]
    for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert "7 (OPENBLAS_NUM_THREADS=3), kernels for Zen; 1 in a fit of a small network\n" in info()


@pytest.mark.parametrize("command", ["info", "exercises", "zoo --list", "reproduce", "tutorials"])
def test_a_reader_that_has_had_enough_is_not_taken_for_a_fault(
    command: str, tmp_path: Path
) -> None:
    """`python -m minnet exercises | true` blamed the folder."""
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "minnet", *command.split()],
        stdout=writes,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(minnet.__file__).parents[1])},
        text=True,
        check=False,
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("command", ["mistakes", "tutorials", "exercises softmax", "reproduce"])
def test_nor_is_windows_name_for_it(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed pipe is an "invalid argument" there."""

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(22, "Invalid argument")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(minnet.__file__).parents[1]))
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises((OSError, SystemExit)) as elsewhere:
        main(command.split())
    assert getattr(elsewhere.value, "code", 22) != 141
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 141
    sys.stdout.close()


def test_without_a_command_it_prints_what_commands_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([])
    printed = capsys.readouterr().out
    for command in ("info", "zoo", "mistakes", "exercises", "tutorials", "check", "reproduce"):
        assert f"\n    {command} " in printed
    assert "To begin: python -m minnet tutorials." in printed


def test_check_asks_for_a_file_and_not_for_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check"])
    assert capsys.readouterr().err.strip().endswith("arguments are required: file")


def test_a_command_that_is_none_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["inform"])
    assert "info" in capsys.readouterr().err
    main(["info"])
    assert minnet.__version__ in capsys.readouterr().out
