"""Whole scripts in the styles of students: right ones are right, and one mistake is named."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path

import pytest

from minnet.teaching.scripts import process, report
from minnet.teaching.scripts.recording import OutOfTimeError
from tests.teaching.scripts.mistakes import MISTAKES

STUDENTS = Path(__file__).parent / "students"
SCRIPTS = sorted(path.stem for path in STUDENTS.glob("*.py"))


def checked(tmp_path: Path, source: str, *names: str) -> tuple[int, str]:
    """The exit code and the report on a file with this source."""
    file = tmp_path / "my_network.py"
    file.write_text(source, "utf-8")
    return report.check(str(file), names)


def wrong(text: str) -> list[str]:
    """The lines that say that something is wrong."""
    return [line for line in text.splitlines() if line.startswith("WRONG")]


def test_there_are_scripts_of_many_styles() -> None:
    assert len(SCRIPTS) >= 12


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) for n in SCRIPTS])
def test_a_right_script_is_right(name: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, (STUDENTS / f"{name}.py").read_text("utf-8"))
    assert code == report.RIGHT, text
    assert "right  " in text
    assert not wrong(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "block", "words"), MISTAKES, ids=lambda text: text[:24]
)
def test_a_mistake_is_named(
    name: str, old: str, new: str, block: str, words: str, tmp_path: Path
) -> None:
    source = (STUDENTS / f"{name}.py").read_text("utf-8")
    assert old in source
    code, text = checked(tmp_path, source.replace(old, new))
    assert code == report.WRONG, text
    lines = [line for line in wrong(text) if re.match(rf"WRONG  \S*({block})", line)]
    assert any(re.search(words, line) for line in lines), text


FEW = ("trask", "layers_cache", "linear_floats")


@pytest.mark.parametrize("name", FEW)
def test_a_right_script_of_each_sort_is_right(name: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, (STUDENTS / f"{name}.py").read_text("utf-8"))
    assert code == report.RIGHT, text


def test_what_is_right_is_said_first(tmp_path: Path) -> None:
    source = (STUDENTS / "linear_floats.py").read_text("utf-8")
    code, text = checked(tmp_path, source.replace("* x / n", "* x"))
    assert code == report.WRONG
    lines = [line for line in text.splitlines() if line.startswith(("right", "WRONG"))]
    assert lines[0] == "right  b"
    assert lines[1].startswith("WRONG  w: it is 5 times what was measured")
    assert "b is right, so look below" in text


def test_a_factor_that_all_have_is_told_as_another_learning_rate(tmp_path: Path) -> None:
    source = (STUDENTS / "linear_floats.py").read_text("utf-8")
    code, text = checked(tmp_path, source.replace("2 * (", "1 * ("))
    assert code == report.WRONG
    assert "All of them are 0.5 times the slopes of the loss: the way down is right" in text
    code, text = checked(tmp_path, source.replace("* x / n", "* x"))
    assert "All of them" not in text


def test_a_rule_is_held_to_its_formula(tmp_path: Path) -> None:
    source = (STUDENTS / "optimizers.py").read_text("utf-8")
    mistaken = source.replace("self.m[k] / (1 - self.beta1**self.t)", "self.m[k]")
    code, text = checked(tmp_path, mistaken, "Adam")
    assert code == report.WRONG
    assert wrong(text)[0].startswith("WRONG  Adam.step: the bias correction of m is missing")


def test_a_file_without_a_gradient_gets_a_sentence(tmp_path: Path) -> None:
    code, text = checked(tmp_path, "print('hello')\n")
    assert code == report.UNREADABLE
    assert text == f"my_network.py has no gradient that could be checked. {report.WRITE}"


def test_a_file_that_is_no_python_gets_a_sentence(tmp_path: Path) -> None:
    code, text = checked(tmp_path, "def f(:\n")
    assert code == report.UNREADABLE
    assert text == "my_network.py is no Python: invalid syntax, in line 1. Mend that first."


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    code, text = report.check(str(tmp_path / "none.py"))
    assert code == report.UNREADABLE
    assert text.startswith("check takes a Python file. Got ")


def test_a_function_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    code, text = checked(tmp_path, "def f(x):\n    return x\n", "g")
    assert code == report.UNREADABLE
    assert text == "my_network.py has no function or class g. It has: f. Name one of these."


def test_an_error_in_the_file_is_told(tmp_path: Path) -> None:
    code, text = checked(tmp_path, "x = [1, 2]\nx[5]\n")
    assert code == report.UNREADABLE
    assert (
        "ends in line 2 with IndexError: list index out of range, and no gradient was seen" in text
    )


def test_a_script_that_hangs_is_stopped_and_its_functions_are_checked(tmp_path: Path) -> None:
    source = (STUDENTS / "pairs.py").read_text("utf-8") + "\nwhile True:\n    pass\n"
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert "right  theta" in text


def test_it_is_stopped_where_the_system_has_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    without = tmp_path / "without" / "sitecustomize.py"
    without.parent.mkdir()
    without.write_text("import signal\ndel signal.setitimer, signal.SIGALRM\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(without.parent))
    source = (STUDENTS / "pairs.py").read_text("utf-8") + "\nwhile True:\n    pass\n"
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    assert "right  theta" in text


@pytest.mark.usefixtures("python_handles_ctrl_c")
@pytest.mark.parametrize("alarm", [True, False])
def test_the_clock_rings_until_it_is_heard_and_then_no_more(
    alarm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not alarm:
        monkeypatch.delattr(signal, "setitimer", raising=False)
    elif not hasattr(signal, "setitimer"):
        pytest.skip("this system has no alarm")
    clock = process.Clock()
    heard = []

    def endless() -> None:
        while True:
            try:
                while True:
                    pass
            except BaseException as error:
                heard.append(type(error))
                if len(heard) == 2:
                    raise

    assert clock.within(0.1, endless, "stopped") == "stopped"
    assert heard == [OutOfTimeError, OutOfTimeError]
    assert clock.within(60.0, lambda: 3) == 3
    assert clock.within(60.0, lambda: 1 / 0, "wrong") == "wrong"
    clock._ring(0, None)  # too late
    assert clock.within(60.0, lambda: clock._ring(0, None) or 4) == 4  # the others worked so long
    assert not [thread for thread in threading.enumerate() if thread.name == process.BELL]


def test_nothing_is_written_and_nothing_printed(tmp_path: Path) -> None:
    source = (STUDENTS / "linear_floats.py").read_text("utf-8")
    traces = (
        "print('a trace')\n"
        "open('trace.txt', 'a').write('a trace')\n"
        "import pathlib\n"
        "pathlib.Path('other.txt').write_text('a trace')\n"
    )
    looped = source.replace(
        "    w -= lr * dw\n", "    open('loop.txt', 'a').write('x')\n    w -= lr * dw\n"
    )
    code, text = checked(tmp_path, traces + looped)
    assert code == report.RIGHT, text
    assert "a trace" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["my_network.py"]


HIDDEN = """
import numpy as np
x = np.linspace(-1, 1, 12).reshape(6, 2)
t = np.c_[x[:, 0] * x[:, 1], x[:, 0] - x[:, 1]]
W = {first}
V = np.array([[0.3, 0.1], [-0.5, 0.4], [0.2, -0.6]])
lr = 0.1
errors = []
for epoch in range(20):
    h = np.maximum(0, x @ W)
    o = h @ V
    error = o - t
    errors.append(np.mean(error**2))
    dV = h.T @ error
    dh = error @ V.T
    dh[{mask} <= 0] = 0
    dW = x.T @ dh
    V -= lr * dV
    W -= lr * dW
    lr *= 0.99
    hits = np.mean(np.argmax(o, axis={axis}) == np.zeros(6))
"""
FLOATS = "np.array([[0.4, -0.2, 0.7], [0.1, 0.6, -0.3]])"


def hidden(first: str = FLOATS, mask: str = "h", axis: int = 1) -> str:
    """A script with a ReLU layer, a rate that falls, and a mean that is only looked at."""
    return HIDDEN.format(first=first, mask=mask, axis=axis)


def test_what_is_only_looked_at_has_no_factor_and_a_rate_is_no_weight(tmp_path: Path) -> None:
    code, text = checked(tmp_path, hidden())
    assert code == report.RIGHT, text
    assert "lr" not in text


def test_a_mask_in_an_index_is_of_the_wrong_array(tmp_path: Path) -> None:
    code, text = checked(tmp_path, hidden(mask="dh"))
    assert code == report.WRONG
    assert "the mask is taken of the wrong array: h belongs where dh stands" in wrong(text)[0]


def test_an_array_of_integers_that_stops_the_file_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, hidden(first="np.array([[1, -1, 2], [0, 1, -1]])"))
    assert code == report.WRONG
    assert wrong(text) == [line for line in wrong(text) if "W is an array of integers" in line]


def test_an_axis_with_which_the_file_would_run_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, hidden(axis=0))
    assert code == report.WRONG
    assert "np.argmax: it goes along the wrong axis: axis=1 belongs there" in text


def test_a_derivative_at_the_wrong_place_is_named_where_no_loss_is_computed(tmp_path: Path) -> None:
    source = (STUDENTS / "trask.py").read_text("utf-8")
    assert "nonlin(l2, deriv=True)" in source
    mistaken = source.replace("nonlin(l2, deriv=True)", "nonlin(np.dot(l1, syn1), deriv=True)")
    code, text = checked(tmp_path, mistaken)
    assert code == report.WRONG
    assert "that of the sigmoid, l2 (1 − l2) belongs there" in wrong(text)[0]
