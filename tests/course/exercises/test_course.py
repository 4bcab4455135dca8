"""The command, as a student types it."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minnet
from minnet.__main__ import main
from minnet.course.exercises import keys
from minnet.course.exercises.files import exercises, find

ROOT = Path(minnet.__file__).parents[1]
GAP = "    raise NotImplementedError  # your code here"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def key(tmp_path_factory):
    """A teacher's key."""
    path = tmp_path_factory.mktemp("keys") / "teacher.key"
    keys.new_key(path)
    return str(path)


def typed(capsys, *arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    with pytest.raises(SystemExit) as left:
        main(["exercises", *arguments])
    return left.value.code, "".join(capsys.readouterr())


def typed_report(capsys, *arguments: str) -> str:
    """What was printed by a command that does not leave with a code of its own."""
    main(["exercises", *arguments])
    return capsys.readouterr().out


def fill(name: str, *bodies: str, folder: str = "exercises") -> Path:
    """Write into the gaps of a file, in order."""
    path = Path(folder, find(name).file)
    text = path.read_text("utf-8")
    for body in bodies:
        text = text.replace(GAP, f"    {body}", 1)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_call_copies_and_says_what_to_do(capsys):
    code, text = typed(capsys)
    assert code == 1
    assert f"Copied {len(exercises())} files: {Path('exercises', '01_dense.py')} … " in text
    assert "Open" in text
    assert "python -m minnet exercises dense" in text
    assert {p.name for p in Path("exercises").iterdir()} == {e.file for e in exercises()}


def test_the_second_call_shows_what_is_to_do(capsys):
    typed(capsys)
    code, text = typed(capsys)
    gaps = [gap for exercise in exercises() for gap in exercise.gaps]
    assert code == 1
    assert text.count("to do") == len(gaps)
    assert f"0 of {len(gaps)} done. Next: dense_forward, " in text
    assert "wrong" not in text


def test_from_inside_the_folder_the_same_files_are_meant(capsys, monkeypatch):
    typed(capsys)
    fill("sgd", "return theta - learning_rate * grad")
    Path("exercises", "minnet.toml").write_text('[exercises]\nhints = "none"\n', encoding="utf-8")
    monkeypatch.chdir("exercises")
    code, text = typed(capsys, "sgd")
    assert code == 0
    assert "1 of 1 done" in text
    assert not Path("exercises").exists()
    fill("dense", "return x @ W", "return dy @ W", folder=".")
    code, text = typed(capsys, "dense")
    assert "dense_forward is wrong." in text
    assert "called with" not in text
    assert "--folder" not in typed(capsys)[1]
    assert '"done": 1' in typed_report(capsys, "--report", "json")


def test_what_was_written_stays(capsys):
    typed(capsys)
    path = fill("sgd", "return theta - learning_rate * grad")
    before = path.read_text("utf-8")
    code, text = typed(capsys, "sgd")
    assert code == 0
    assert "1 of 1 done. The next is 05_momentum.py." in text
    typed(capsys)
    assert path.read_text("utf-8") == before


def test_the_smallest_counterexample_is_shown_with_a_hint(capsys):
    typed(capsys)
    fill("softmax", "return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)")
    code, text = typed(capsys, "softmax")
    assert code == 1
    assert "called with  x = [[1000, 0]]\n    it gave      [[nan, 0]]\n" in text
    assert "Subtract the row's maximum before exp" in " ".join(text.split())


def test_the_first_that_is_wrong_is_shown_and_the_others_named(capsys):
    typed(capsys)
    fill("dense", "return x @ W", "return dy @ W")
    fill("sgd", "return theta + learning_rate * grad")
    code, text = typed(capsys)
    assert code == 1
    assert "dense_forward is wrong." in text
    assert "b is missing" in text
    assert "dense_backward is wrong." not in text
    assert "More is wrong: dense_backward, sgd. To see it:" in text
    assert "python -m minnet exercises dense_backward\n" in text
    code, text = typed(capsys, "dense")
    assert "dense_forward is wrong." in text
    assert "dense_backward is wrong." in text
    assert "More is wrong" not in text


def test_a_file_that_does_not_run_is_told_once(capsys):
    typed(capsys)
    fill("dense", "return (")
    code, text = typed(capsys, "dense")
    assert code == 1
    assert text.count("was never closed") == 1
    assert text.count("wrong") == 3


def test_a_missing_file_is_copied_again_and_the_others_checked(capsys):
    typed(capsys)
    Path("exercises", "04_sgd.py").unlink()
    code, text = typed(capsys)
    assert "Copied 1 file: " in text
    assert "dense_forward" in text
    assert code == 1


def test_one_exercise_alone_is_copied_by_name(capsys):
    code, text = typed(capsys, "softmax")
    assert code == 1
    assert [p.name for p in Path("exercises").iterdir()] == ["02_softmax.py"]
    assert "python -m minnet exercises softmax" in text


def test_another_folder(capsys):
    _, text = typed(capsys, "--folder", "mine", "sgd")
    assert "python -m minnet exercises sgd --folder mine\n" in text
    fill("sgd", "return theta - learning_rate * grad", folder="mine")
    code, _ = typed(capsys, "04", "--folder", "mine")
    assert code == 0
    assert not Path("exercises").exists()


def test_a_path_means_that_very_file(capsys):
    elsewhere = Path("handed", "in", "04_sgd.py")
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text(find("sgd").solved(), encoding="utf-8")
    code, text = typed(capsys, str(elsewhere))
    assert code == 0
    assert str(elsewhere) in text
    code, text = typed(capsys, "nowhere/04_sgd.py")
    assert code == 2
    assert "takes a file that is there. Got 'nowhere/04_sgd.py'" in text


def test_again_starts_over_and_keeps_what_was_there(capsys):
    typed(capsys, "sgd")
    fill("sgd", "return theta")
    code, text = typed(capsys, "sgd", "--again")
    kept = Path("exercises", "04_sgd_before_1.py")
    assert f"What you had is kept in {kept}." in text
    assert "return theta\n" in kept.read_text("utf-8")
    assert Path("exercises", "04_sgd.py").read_text("utf-8") == find("sgd").with_gaps()
    assert code == 1
    code, text = typed(capsys, "--again")
    assert code == 2
    assert "--again takes the names" in text


def test_an_unknown_name_gets_the_nearest(capsys):
    code, text = typed(capsys, "sofmax")
    assert code == 2
    assert 'Did you mean "softmax"?' in text
    assert not Path("exercises").exists()


def test_solutions_are_written_and_overwrite_nothing(capsys, key):
    main(["exercises", "--solutions", "solved", "--key", key])
    assert f"{len(exercises())} solutions are in solved." in capsys.readouterr().out
    code, _ = typed(capsys, "sgd", "--folder", "solved")
    assert code == 0
    Path("solved", "04_sgd.py").write_text("mine")
    Path("solved", "05_momentum.py").unlink()
    main(["exercises", "--solutions", "solved", "--key", key])
    said = capsys.readouterr().out
    assert "1 solutions" not in said
    assert "1 solution is in solved." in said
    assert "left as they are: 01_dense.py" in said
    assert Path("solved", "04_sgd.py").read_text() == "mine"


def test_without_hypothesis_the_files_come_and_the_way_to_get_it(capsys, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "hypothesis" else find_spec(name, *rest),
    )
    code, text = typed(capsys, "sgd")
    assert "Copied 1 file" in text
    assert "python -m pip install hypothesis" in text  # at once, and not when all is written
    code, text = typed(capsys, "sgd")
    assert code == 1
    assert "checked with Hypothesis, which is not installed" in text
    assert "python -m pip install hypothesis" in text


def test_a_folder_that_cannot_be_made(capsys):
    Path("exercises").write_text("a file")
    code, text = typed(capsys)
    assert code == 2
    assert "takes a folder in which files can be written. Got exercises: File exists." in text


def test_the_time_limit_has_to_be_a_time(capsys):
    for seconds in ("0", "-1", "nan"):
        code, text = typed(capsys, "--seconds", seconds)
        assert code == 2
        assert "--seconds takes a finite number that is above 0" in text


def test_the_help_has_the_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "exercises" in capsys.readouterr().out
    code, text = typed(capsys, "--help")
    assert code == 0
    assert "--again" in text
    assert "exit code is 0" in " ".join(text.split())


# --- as a real process ----------------------------------------------------------------------------


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "minnet", "exercises", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_a_check_of_everything_passes_and_leaves_nothing_behind(key):
    main(["exercises", "--solutions", "solved", "--key", key])
    start = time.perf_counter()
    done = process("--folder", "solved")
    gaps = sum(len(e.gaps) for e in exercises())
    assert done.returncode == 0, done.stdout
    assert f"{gaps} of {gaps} done." in done.stdout
    assert done.stderr == ""
    assert time.perf_counter() - start < 100, "a check of everything takes seconds"
    left = {path.name for folder in (".", "solved") for path in Path(folder).iterdir()}
    assert left == {"solved", *(e.file for e in exercises())}


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_the_check_and_says_nothing(capsys):
    typed(capsys, "sgd")
    fill("sgd", "while True: Path('met').touch()")
    path = Path("exercises", "04_sgd.py")
    path.write_text("from pathlib import Path\n" + path.read_text("utf-8"), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "minnet", "exercises", "sgd", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        # a shell that runs this in the background lets its children ignore SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as checking:
        while not Path("met").exists():
            time.sleep(0.05)
        checking.send_signal(signal.SIGINT)
        _, error = checking.communicate(timeout=60)
    assert checking.returncode == 130
    assert "Traceback" not in error
