"""Student's files as files: those that do not run, do not end, or end Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minnet.course.exercises import inspection
from minnet.course.exercises.apart import broken_rule, load
from minnet.course.exercises.files import find
from minnet.course.exercises.inspection import (
    DONE,
    TO_DO,
    WRONG,
    Assignment,
    Inspector,
    inspect,
)

GAPS = find("softmax").with_gaps()
SOLVED = find("softmax").solved()
GAP = "    raise NotImplementedError  # your code here"


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "02_softmax.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def filled(code: str, gaps: int = 1) -> str:
    """The student's file with the first gaps filled."""
    return GAPS.replace(GAP, f"    {code}", gaps)


def judged(tmp_path: Path, text: str, gap: str = "softmax"):
    with Inspector() as inspector:
        return inspector.judge(Assignment(file(tmp_path, text), gap))


def test_done_to_do_and_wrong(tmp_path):
    assert judged(tmp_path, SOLVED).state == DONE
    assert judged(tmp_path, GAPS).state == TO_DO
    verdict = judged(tmp_path, filled("return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)"))
    assert verdict.state == WRONG
    assert "x = [[1000, 0]]" in verdict.text
    assert "[[nan, 0]]" in verdict.text
    assert "Subtract the row's maximum" in " ".join(verdict.text.split())
    assert "def softmax(" in GAPS.splitlines()[verdict.line - 1]


def test_a_file_that_is_not_python_is_shown_at_the_place(tmp_path):
    text = judged(tmp_path, filled("return np.exp(x))")).text
    number = next(i for i, line in enumerate(filled("^").splitlines(), 1) if line == "    ^")
    assert f"unmatched ')', in line {number}:" in text
    assert "return np.exp(x))\n" in text
    assert text.splitlines()[-1].endswith("^")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import nonesuch_at_all", "ModuleNotFoundError: No module named 'nonesuch_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero\n"),
        ("exit(3)", "SystemExit: 3"),
        ("softmax(np.ones((1, 2)))", "A line outside of the functions calls one that is not"),
    ],
)
def test_a_file_that_raises_while_it_is_read(tmp_path, line, says):
    text = judged(tmp_path, f"{GAPS}\n{line}\n").text
    assert says in text
    if "outside" not in says:
        assert f": {line}" in text


def test_a_function_that_is_gone_is_named_with_the_nearest(tmp_path):
    text = judged(tmp_path, SOLVED.replace("def softmax(", "def sofmax(")).text
    assert 'no function softmax. Did you mean "sofmax"? Call it softmax' in text
    text = judged(tmp_path, "softmax = 3\n").text
    assert "no function softmax. Call it softmax" in text


def test_a_first_line_that_was_changed(tmp_path):
    text = judged(tmp_path, SOLVED.replace("def softmax(x: np.ndarray)", "def softmax()")).text
    assert "softmax takes (), and should take (x). Give it back its first line." in text


def test_a_file_that_is_not_there(tmp_path):
    assert "There is no file" in load(str(tmp_path / "none.py"))


def test_an_error_in_the_function_is_told_with_the_line_of_the_file(tmp_path):
    verdict = judged(tmp_path, filled("return np.exp(x) / y"))
    number = filled("return np.exp(x) / y").splitlines().index("    return np.exp(x) / y") + 1
    assert "NameError: name 'y' is not defined" in verdict.text
    assert f"in line {number}: return np.exp(x) / y" in verdict.text


def test_what_it_printed_is_in_the_report_and_nowhere_else(tmp_path, capsys):
    text = judged(tmp_path, filled("print('x is', x); return x")).text
    assert "it printed   x is [[0. 0.]]" in text
    assert capsys.readouterr().out == ""


def test_a_file_is_read_anew_and_leaves_nothing_behind(tmp_path):
    assert judged(tmp_path, filled("return x + 1")).state == WRONG
    assert judged(tmp_path, filled("return x + 2")).state == WRONG
    assert "x + 2" in Path(tmp_path, "02_softmax.py").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["02_softmax.py"]


def test_a_file_may_import_its_neighbours(tmp_path):
    (tmp_path / "helping_me.py").write_text("def half(x):\n    return x / 2\n")
    module = load(file(tmp_path, "from helping_me import half\n"))
    assert module.half(4) == 2
    assert str(tmp_path) not in sys.path
    sys.modules.pop("helping_me")


def test_a_loop_without_an_end_is_told_with_its_line_and_the_next_function_is_checked(tmp_path):
    path = file(tmp_path, filled("while True: x = x + 1").replace(GAP, "    return dy"))
    assignments = [Assignment(path, "softmax"), Assignment(path, "softmax_backward")]
    looped, other = inspect(assignments, seconds=1.0)
    assert looped.state == other.state == WRONG
    assert "called with  x = " in looped.text
    assert ": while True: x = x + 1" in looped.text
    assert "still running after 1 seconds" in looped.text
    assert "it gave" in other.text


def test_one_that_cannot_even_say_where_it_is_gets_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "GRACE", 0.5)
    path = file(tmp_path, filled("return 9 ** 9 ** 9"))
    (result,) = inspect([Assignment(path, "softmax")], seconds=0.5)
    assert "still running after 0.5 seconds" in result.text


# --- as real processes ----------------------------------------------------------------------------


@pytest.mark.slow
def test_whatever_a_function_does_to_the_process_the_others_are_checked(tmp_path):
    """One loops without an end, one ends Python, one writes where the answers go."""
    loop, end = "while True: x = x + 1", "import os; os._exit(0)"
    write = 'import os; os.write(1, b"no JSON\\n"); return x, dy'
    text = find("dense").with_gaps()
    for code in (loop, end, write):
        text = text.replace(GAP, f"    {code}", 1)
    path = file(tmp_path, text)
    assignments = [Assignment(path, gap) for gap in find("dense").gaps]
    looped, ended, wrote = inspect(assignments, seconds=3.0)
    assert {verdict.state for verdict in (looped, ended, wrote)} == {WRONG}
    assert f": {loop}" in looped.text
    assert "still running after 3 seconds" in looped.text
    assert "Python came to an end in dense_backward" in ended.text
    assert "it gave      dW = [[3]]" in wrote.text


@pytest.mark.skipif(os.name != "posix", reason="starts a script of the shell")
def test_a_process_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection.sys, "executable", str(tmp_path / "python"))
    script = "#!/bin/sh\necho no such thing >&2\n"
    (tmp_path / "python").write_text(script)
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(RuntimeError, match=r"cannot be started\. no such thing"):
        list(inspect([Assignment("a.py", "softmax")]))


def test_importing_minnet_and_its_teaching_imports_no_hypothesis():
    code = (
        "import sys, minnet, minnet.teaching, minnet.__main__; "
        "assert not any(m.startswith(('hypothesis', 'minnet.course.exercises.trials')) "
        "for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_guard_knows_what_is_private_and_lets_all_else_be(tmp_path):
    private = (tmp_path / "solutions",)
    inside, outside = str(tmp_path / "solutions" / "a.py"), str(tmp_path / "a.py")
    own = inspection.__file__
    assert "solutions" in broken_rule("open", (inside, "r", 0), private)
    assert "solutions" in broken_rule("os.scandir", (str(private[0]),), private)
    assert "solutions" in broken_rule("import", ("minnet.course.exercises.trials",), private)
    assert "changes" in broken_rule("open", (own, "r+", 0), private)
    assert "changes" in broken_rule("open", (own, None, 1), private)
    assert "changes" in broken_rule("os.rename", (own, outside), private)
    assert "another program" in broken_rule("subprocess.Popen", (), private)
    for event, args in [
        ("open", (outside, "w", 0)),
        ("open", (own, "r", 0)),
        ("open", (3, "r", 0)),
        ("import", ("numpy",)),
        ("import", ("minnet.layers",)),
        ("os.remove", (outside, -1)),
        ("sys._getframe", ()),
    ]:
        assert broken_rule(event, args, private) == ""
