"""The process with the student's code, without the process: what it answers to each question."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minnet.course.exercises import apart
from minnet.course.exercises.messages import decode, encode

HALVES = """
import numpy as np

def halve(x):
    print("half of", x)
    return x / 2

def mistaken(x):
    return x.nothing

def changes(x):
    x *= 2
    return x

def unwritten(x):
    raise NotImplementedError

def twice(f, x):
    return f(x) + f(x=x)

number = 3
"""


class Ended(Exception):
    """Stands for the end of the process."""


def end(code):
    raise Ended(code)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "halves.py"
    path.write_text(HALVES, "utf-8")
    return path


@pytest.fixture
def guards(monkeypatch):
    """Timers that never ring by themselves."""
    made = []

    class Timer:
        def __init__(self, seconds, ring):
            self.seconds, self.ring, self.state = seconds, ring, "made"
            made.append(self)

        def start(self):
            self.state = "started"

        def cancel(self):
            self.state = "cancelled"

    monkeypatch.setattr(apart.threading, "Timer", Timer)
    return made


def begin(path, gap, names=("x",)):
    return {"path": str(path), "gap": gap, "names": list(names), "seconds": 5.0}


def call(**given):
    return {"call": encode(given, [])}


def answers(*questions):
    """What a desk says to these questions, one dict a message."""
    source = io.StringIO("".join(json.dumps(question) + "\n" for question in questions))
    out = io.StringIO()
    apart.Desk(source, out, end).serve()
    return [json.loads(line) for line in out.getvalue().splitlines()]


# --- functions ------------------------------------------------------------------------------------


def test_a_function_is_made_ready_and_called_and_its_time_ends(file, guards) -> None:
    x = np.array([1.0, 3.0])
    ready, result, rested = answers(begin(file, "halve"), call(x=x), {"rest": True})
    assert ready == {"line": 4}
    assert np.array_equal(decode(result["result"]), [0.5, 1.5])
    assert result["printed"] == "half of [1. 3.]\n"
    assert rested == {"rested": True}
    (watch,) = guards
    assert (watch.seconds, watch.daemon, watch.state) == (5.0, True, "cancelled")


def test_each_function_has_a_time_of_its_own_and_a_file_is_read_once(file, guards) -> None:
    source = io.StringIO("".join(json.dumps(begin(file, "halve")) + "\n" for _ in range(2)))
    desk = apart.Desk(source, io.StringIO(), end)
    desk._begin(**begin(file, "halve"))
    file.unlink()  # what was read counts
    desk.serve()
    assert [watch.state for watch in guards] == ["cancelled", "cancelled", "started"]
    assert desk.out.getvalue() == 3 * '{"line": 4}\n'


def test_a_mistake_is_told_with_its_line(file, guards) -> None:
    _, told = answers(begin(file, "mistaken"), call(x=1.0))
    assert told["cause"] == "AttributeError"
    assert "return x.nothing" in " ".join(told["fault"])


def test_an_argument_that_was_changed_is_a_fault_without_an_error(file, guards) -> None:
    _, told = answers(begin(file, "changes"), call(x=np.ones(2)))
    assert told["cause"] is None
    assert told["fault"][1] != told["fault"][0]


def test_what_is_not_written_yet_is_no_mistake(file, guards) -> None:
    assert answers(begin(file, "unwritten"), call(x=1.0))[1] == {"unwritten": True}


@pytest.mark.parametrize(
    ("gap", "names", "refusal"),
    [
        ("halfe", ["x"], 'no function halfe. Did you mean "halve"?'),
        ("number", ["x"], "no function number."),
        ("halve", ["x", "y"], "halve takes (x), and should take (x, y)."),
    ],
)
def test_what_cannot_be_called_so_is_refused(file, guards, gap, names, refusal) -> None:
    (told,) = answers(begin(file, gap, names))
    assert refusal in told["refused"]


def test_a_file_that_is_no_module_is_refused(tmp_path, guards) -> None:
    (told,) = answers(begin(tmp_path / "none.py", "halve"))
    assert "There is no file" in told["refused"]


def test_a_call_before_a_function_is_an_error_of_the_check(file, guards) -> None:
    with pytest.raises(RuntimeError, match="A call was asked for before a function"):
        answers(call(x=1.0))
    with pytest.raises(RuntimeError, match="A call was asked for before a function"):
        answers(begin(file, "halve"), begin(file, "none"), call(x=1.0))


def test_a_function_of_the_check_runs_over_there(file, guards) -> None:
    """It is asked for by its index, with what the student's code gave."""
    given = {"call": encode({"f": abs, "x": 4.0}, [])}
    _, first, second, result = answers(
        begin(file, "twice", ["f", "x"]),
        given,
        {"answer": encode(10.0)},
        {"answer": encode(1.0)},
    )
    assert [decode(value) for value in first["args"]] == [[4.0], {}]
    assert [decode(value) for value in second["args"]] == [[], {"x": 4.0}]
    assert first["ask"] == second["ask"] == 0
    assert decode(result["result"]) == 11.0


def test_a_function_of_the_check_that_is_called_wrongly_raises_here(file, guards) -> None:
    given = {"call": encode({"f": abs, "x": 4.0}, [])}
    *_, told = answers(
        begin(file, "twice", ["f", "x"]), given, {"error": "f takes one array. Got two."}
    )
    assert told["cause"] == "TypeError"
    assert "f takes one array" in " ".join(told["fault"])


# --- ends -----------------------------------------------------------------------------------------


def test_code_that_hangs_tells_its_line_and_ends(tmp_path, guards) -> None:
    path = tmp_path / "slow.py"
    path.write_text("def ring(f):\n    return f()\n", "utf-8")
    desk = apart.Desk(io.StringIO(), io.StringIO(), end)
    desk._begin(**begin(path, "ring", ["f"]))
    with pytest.raises(Ended):
        vars(desk.files[str(path)])["ring"](guards[0].ring)  # the timer rings while it runs
    assert json.loads(desk.out.getvalue().splitlines()[1]) == {"stuck": "in line 2: return f()"}


def test_code_that_hangs_elsewhere_has_no_line(tmp_path) -> None:
    desk = apart.Desk(io.StringIO(), io.StringIO(), end)
    desk.path = str(tmp_path / "other.py")
    with pytest.raises(Ended):
        desk._stuck()
    assert json.loads(desk.out.getvalue()) == {"stuck": ""}


def test_the_guard_ends_what_is_forbidden_and_nothing_else(tmp_path) -> None:
    desk = apart.Desk(io.StringIO(), io.StringIO(), end)
    guard = desk.forbid((tmp_path,))
    guard("open", (str(tmp_path.parent / "a.txt"), "r", 0))
    assert desk.out.getvalue() == ""
    with pytest.raises(Ended):
        guard("os.system", ("ls",))
    assert "os.system" in json.loads(desk.out.getvalue())["forbidden"]


@pytest.mark.parametrize(("event", "paths"), [("os.remove", 1), ("os.rename", 2)])
def test_solutions_are_neither_removed_nor_linked_to(tmp_path, event, paths) -> None:
    inside, outside = str(tmp_path / "private" / "a.py"), str(tmp_path / "b.py")
    private = (tmp_path / "private",)
    args = (outside, inside)[-paths:]
    assert "solutions" in apart.broken_rule(event, args, private)
    assert "solutions" in apart.broken_rule(event, tuple(map(os.fsencode, args)), private)
    assert apart.broken_rule(event, (outside,) * paths, private) == ""


# --- the memory -----------------------------------------------------------------------------------


def test_memory_is_limited_to_what_is_used_and_so_much_more(monkeypatch) -> None:
    limits = []
    known = SimpleNamespace(
        RLIMIT_AS="space",
        getpagesize=lambda: 4096,
        setrlimit=lambda kind, limit: limits.append((kind, limit)),
    )
    monkeypatch.setitem(sys.modules, "resource", known)
    monkeypatch.setattr(apart.sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda path: "1000 3 2" if path.name == "statm" else "")
    apart._limit_memory(2.5)
    assert limits == [("space", (4096 * 1000 + 2621440,) * 2)]
    monkeypatch.setattr(apart.sys, "platform", "darwin")  # which does not tell
    apart._limit_memory(2)
    assert limits[1:] == [("space", (2 * 2**20,) * 2)]


@pytest.mark.parametrize(
    "error", [ValueError("current limit exceeds maximum limit"), OSError(22, "Invalid argument")]
)
def test_a_system_that_refuses_a_limit_does_without(error: Exception, monkeypatch) -> None:
    """macOS, where no exercise could be checked for it."""

    def refuse(kind: str, limit: tuple[int, int]) -> None:
        raise error

    known = SimpleNamespace(RLIMIT_AS="space", getpagesize=lambda: 4096, setrlimit=refuse)
    monkeypatch.setitem(sys.modules, "resource", known)
    monkeypatch.setattr(apart.sys, "platform", "darwin")
    apart._limit_memory(1)


def test_without_proc_no_limit_is_set(monkeypatch) -> None:
    """In some containers; how much the process has now is not known there."""

    def absent(path: Path) -> str:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    known = SimpleNamespace(RLIMIT_AS="space", setrlimit=lambda *limit: pytest.fail("it is set"))
    monkeypatch.setitem(sys.modules, "resource", known)
    monkeypatch.setattr(apart.sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", absent)
    apart._limit_memory(1)


def test_a_system_without_such_limits_sets_none(monkeypatch) -> None:
    """Windows has no module `resource`."""
    monkeypatch.setitem(sys.modules, "resource", None)
    apart._limit_memory(1)


# --- systems that lack what Linux has -------------------------------------------------------------

WITHOUT = """
import os, signal, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "geteuid", "getuid", "fchmod", "fchown", "chown"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGALRM", "setitimer", "ITIMER_REAL", "alarm", "SIGKILL"):
    if hasattr(signal, name):
        delattr(signal, name)
import numpy as np
import minnet
from minnet.__main__ import main
model = minnet.Sequential([minnet.layers.Dense(2, input_dim=3)], seed=0)
model.save("model.npz")
model.save("model.npz")
assert (minnet.load("model.npz").theta == model.theta).all()
for command in ["info"], ["tutorials"], ["exercises", "softmax"], ["mistakes"], ["zoo", "--list"]:
    try:
        main(command)
    except SystemExit as error:
        assert error.code in (None, 0, 1), error
print("as on Windows")
"""


def test_nothing_needs_the_modules_that_windows_lacks(tmp_path) -> None:
    root = str(Path(apart.__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "as on Windows"
