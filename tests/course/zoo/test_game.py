"""The game, by its functions and as a real process."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minnet.course.zoo import ZOO
from minnet.course.zoo.game import Symptoms, bar_chart, bars, listing, play, train
from minnet.course.zoo.mistake import Case
from minnet.foundation.checks import Array
from minnet.layers import Tanh
from minnet.losses import CrossEntropy, MeanSquaredError

COMMAND = [sys.executable, "-m", "minnet", "zoo"]


def played(text: str, *names: str, seed: int = 0) -> tuple[int, str]:
    out = io.StringIO()
    score = play(names, seed=seed, source=io.StringIO(text), out=out)
    return score, out.getvalue()


def test_a_right_guess_by_name_is_worth_two_points_and_one_after_a_hint():
    score, text = played("raw-pixels\n", "raw-pixels")
    assert score == 2
    assert "Right: 2 points. It is raw-pixels" in text
    assert "1. input-scale" in text
    assert "Score: 2 of 2 points for 1 networks." in text
    score, text = played("hint\nraw-pixels\n", "raw-pixels")
    assert score == 1
    assert ZOO["raw-pixels"].hint in text


def test_a_number_means_the_choice_beside_it():
    _, text = played("", "rate-of-ten")
    line = next(line for line in text.splitlines() if "  rate-of-ten  " in line)
    assert line.endswith("  the learning rate is too large")
    score, _ = played(f"{line.split()[0]}\n", "rate-of-ten")
    assert score == 2


def test_a_wrong_guess_and_a_skip_are_explained_and_worth_nothing():
    _, text = played("", "frozen-whole")
    wrong = next(line.split()[1] for line in text.splitlines() if line.startswith("  1  "))
    wrong = wrong if wrong != "frozen-whole" else "2"
    for line in (wrong, "skip"):
        score, text = played(f"{line}\n", "frozen-whole")
        assert score == 0
        assert "It is frozen-whole" in text
        assert "nothing-trainable" in text


def test_the_player_looks_at_the_code_and_the_data_before_a_guess():
    score, text = played("x\ny\nweights\ncode\nmetres-and-millimetres\n", "metres-and-millimetres")
    assert score == 2
    assert text.count("model = Sequential([") == 2
    assert "largest by column: " in text
    assert "y: shape (300,)" in text
    assert "dense_1.W (4, 32): size" in text or "dense_1.W (5, 32)" in text or "(6, 32)" in text
    assert "Cure: x, x_val = minnet.datasets.standardize(x, x_val)" in text
    text = played("y\nweights\nskip\n", "softmax-diagonal")[1]
    assert "There is no y here" in text
    assert "There is no model here" in text
    assert "DiagonalSoftmax" not in text.partition("Skipped.")[0]


def test_nonsense_is_asked_again():
    score, text = played("what\n99\n\nraw-pixel\nraw-pixels\n", "raw-pixels")
    assert score == 2
    assert "'what' is none of them." in text
    assert 'Did you mean "raw-pixels"?' in text


def test_the_same_seed_is_the_same_game():
    assert played("skip\n" * 5, seed=4) == played("skip\n" * 5, seed=4)
    assert played("skip\n", seed=4)[1] != played("skip\n", seed=5)[1]


def test_a_picture_on_demand(tmp_path):
    picture = tmp_path / "curves.png"
    text = played(f"save {picture}\nsave\nsave {tmp_path}/no/way.png\nquit\n", "rate-of-ten")[1]
    assert picture.stat().st_size > 5_000
    assert f"Saved to {picture}." in text
    assert "save takes a file's name" in text
    assert "Not saved: " in text


def test_an_unknown_animal_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"no 'raw-pixel'\. Did you mean \"raw-pixels\"\?"):
        play(["raw-pixel"])


@pytest.mark.parametrize("name", ZOO)
def test_every_animal_can_be_met(name):
    score, text = played(f"{name}\n", name)
    assert score == 2
    assert " → " in text or "Error" in text or "frozen" in text


def test_the_listing_has_all_names_and_no_answers():
    text = listing()
    assert text.startswith(f"{len(ZOO)} mistakes")
    for mistake in ZOO.values():
        assert mistake.name in text
        assert mistake.title not in text


def test_layers_losses_and_functions_are_trained_too():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 3))

    def gradient(x: Array) -> Array:
        return 2 * x

    cases = [
        Case(Tanh(), x),
        Case(CrossEntropy(), np.full((20, 3), 1 / 3), rng.integers(3, size=20)),
        Case(MeanSquaredError(), x, rng.standard_normal((20, 3))),
        Case((lambda x: (x**2).sum(), gradient), x),
    ]
    for case in cases:
        course = train(case, rng)
        assert not course.ending
        (values,) = course.curves.values()
        assert values[-1] < values[0]


def test_code_that_raises_is_shown_with_its_error():
    def broken(x: Array) -> Array:
        raise ZeroDivisionError("no")

    course = train(Case((lambda x: x.sum(), broken), np.ones(2)), np.random.default_rng(0))
    assert course.ending == "ZeroDivisionError: no"


def test_bars_show_what_is_not_finite():
    assert bars([1.0, float("nan"), 2.0, float("inf")]) == "▁✗█✗"
    assert bars([3.0, 3.0]) == "▁▁"
    assert bar_chart(Symptoms({}, "", "")) == "  no epoch was finished"


# --- as a real process ----------------------------------------------------------------------------


def process(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_script_plays_to_the_end():
    done = process("--seed", "3", text="hint\n1\n2\n3\nskip\n4\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "── 5 of 5 " in done.stdout
    assert "points for 5 networks." in done.stdout


def test_the_end_of_the_input_ends_the_game():
    done = process("--only", "raw-pixels")
    assert done.returncode == 0
    assert "Score: 0 of 0 points for 0 networks." in done.stdout


def test_list_and_an_unknown_name():
    assert "raw-pixels" in process("--list").stdout
    done = process("--only", "raw-pixel")
    assert done.returncode == 2
    assert "Did you mean" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_at_the_prompt_is_an_end_like_any_other():
    class Interrupted(io.StringIO):
        def readline(self, size: int = -1) -> str:
            raise KeyboardInterrupt

    out = io.StringIO()
    assert play(["rate-of-ten"], seed=0, source=Interrupted(), out=out) == 0
    assert "Score: 0 of 0" in out.getvalue()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_the_game_with_the_score():
    with subprocess.Popen(
        [*COMMAND, "--only", "raw-pixels"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path.cwd(),
        # a shell that runs this in the background lets its children ignore SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as game:
        assert game.stdout is not None
        seen = ""
        while not seen.endswith("> "):
            seen += game.stdout.read(1)
        game.send_signal(signal.SIGINT)
        out, error = game.communicate(timeout=60)
    assert game.returncode == 0
    assert "Score: 0 of 0" in out
    assert "Traceback" not in error
