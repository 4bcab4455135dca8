"""The command: its list, its table, its verdict, and what it says of wrong words."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from minnet.__main__ import main
from minnet.course.reproductions import (
    REPRODUCTIONS,
    Figure,
    Outcome,
    Reproduction,
    SeedResult,
    running,
)


def made_up(values, **changes):
    """A reproduction whose seeds give these values."""
    figure = Figure("accuracy %", 95.0, 94.0, 96.0, "a point")
    fields = {
        "name": "made-up",
        "title": "a network",
        "cited": "Nobody 1900",
        "source": "Nobody, No book (1900)",
        "duration": "no time",
        "mnist": False,
        "published_setup": "this",
        "our_setup": "that",
        "figures": (figure,),
        "lesson": "Nothing.",
    }

    def run(seed, data, tell):
        tell("half way")
        remarks = ["class 5 is never predicted"] if values[seed] < 90 else []
        return SeedResult({"accuracy %": values[seed]}, remarks)

    return Reproduction(**{**fields, **changes}, run=run)


def outcome(*values):
    reproduction = made_up(values)
    runs = [reproduction.run(seed, None, str) for seed in range(len(values))]
    return Outcome(reproduction, range(len(values)), runs)


@pytest.fixture
def only(monkeypatch):
    """Puts a made-up reproduction in the place of all others."""

    def put(*values, **changes):
        monkeypatch.setattr(running, "REPRODUCTIONS", {"made-up": made_up(values, **changes)})

    return put


def leave(*arguments):
    """The exit code of the command."""
    with pytest.raises(SystemExit) as left:
        main(["reproduce", *arguments])
    return left.value.code


# --- the verdict ----------------------------------------------------------------------------------


def test_the_median_is_held_to_the_band():
    assert outcome(95.1, 86.5, 95.2, 94.9, 95.0).in_band  # one seed went wrong
    assert not outcome(95.1, 86.5, 86.4, 93.9, 95.0).in_band
    assert not outcome(95.1, 96.5, 96.4, 96.1, 95.0).in_band  # too good is no reproduction


def test_a_value_counts_as_it_is_printed():
    figure = Figure("loss", 0.786, 0.747, 0.825, "", ".3f")
    assert 0.7466 in figure  # printed as 0.747
    assert 0.7464 not in figure
    assert 0.8254 in figure
    assert 0.8256 not in figure


def test_all_figures_have_to_hold():
    one = outcome(95.0)
    two = replace(one.reproduction, figures=(*one.reproduction.figures, Figure("b", 1, 0, 2, "")))
    for b, wanted in ((1.0, True), (3.0, False)):
        run = SeedResult({"accuracy %": 95.0, "b": b})
        assert Outcome(two, [0], [run]).in_band is wanted


# --- what is printed ------------------------------------------------------------------------------


def test_the_table_has_the_published_number_ours_the_band_and_every_seed():
    text = running.described(outcome(95.1, 86.5, 95.2, 94.9, 95.0))
    row = next(line for line in text.splitlines() if line.startswith("accuracy %"))
    assert re.split(r"  +", row) == [
        "accuracy %",
        "95",
        "93.34",
        "86.50",
        "95.20",
        "94 to 96",
        "yes, 4 of 5 seeds",
        "95.10 86.50 95.20 94.90 95.00",
    ]
    assert "Seed 1: class 5 is never predicted.\n" in text
    assert "made-up is in the band.\nWhat one learns: Nothing.\n" in text
    assert "The band: a point.\n" in text
    assert "seeds or more show the spread" not in text


def test_what_is_not_in_the_band_is_said_loudly():
    text = running.described(outcome(90.0, 95.0, 91.0))
    assert "NO, 1 of 3 seeds" in text
    assert "made-up is NOT in the band." in text
    assert "5 seeds or more show the spread." in text


def test_a_number_that_was_printed_in_words_or_not_at_all():
    for published, shown in (("under 87", "under 87"), (None, "–")):
        figure = Figure("accuracy %", published, 94.0, 96.0, "")
        one = replace(made_up([95.0]), figures=(figure,))
        assert f"  {shown}  " in running.described(Outcome(one, [0], [one.run(0, None, str)]))


def test_the_list_has_a_line_for_each(capsys):
    main(["reproduce"])
    lines = capsys.readouterr().out.splitlines()
    for name, reproduction in REPRODUCTIONS.items():
        line = next(line for line in lines if line.split(" ")[0] == name)
        assert reproduction.title in line
        assert reproduction.cited in line
        assert ("MNIST" in line) is reproduction.mnist
        assert line.endswith(reproduction.duration)


def test_progress_is_said_now_and_then():
    log = io.StringIO()
    progress = running.ProgressLines(log, every=0.0)
    progress.head = "spiral, seed 1 (2 of 5)"
    progress("step 3")
    assert log.getvalue() == "spiral, seed 1 (2 of 5): step 3\n"
    patient = running.ProgressLines(log, every=1_000.0)
    patient("step 4")
    assert "step 4" not in log.getvalue()


# --- the command ----------------------------------------------------------------------------------


def test_the_exit_code_says_whether_it_is_in_the_band(only, capsys):
    only(95.0, 95.0)
    assert leave("made-up", "--seeds", "2") == 0
    only(90.0, 95.0)
    assert leave("made-up", "--seeds", "1") == 1
    assert "made-up is NOT in the band." in capsys.readouterr().out


def test_all_runs_everything_once(only, capsys):
    only(95.0)
    assert leave("all", "made-up", "--seeds", "1") == 0
    assert capsys.readouterr().out.count("made-up: a network") == 1


def test_five_seeds_without_a_word(only, capsys):
    only(*[95.0] * 5)
    assert leave("made-up") == 0
    assert "5 of 5 seeds" in capsys.readouterr().out


def test_json_has_every_seed(only, tmp_path):
    only(95.126, 86.5)
    assert leave("made-up", "--seeds", "2", "--json", str(tmp_path / "found.json")) == 1
    assert json.loads((tmp_path / "found.json").read_text("utf-8")) == {
        "made-up": {
            "seeds": [0, 1],
            "in_band": False,
            "figures": {
                "accuracy %": {
                    "published": 95.0,
                    "band": [94.0, 96.0],
                    "values": [95.126, 86.5],
                    "in_band": False,
                }
            },
            "remarks": {"1": ["class 5 is never predicted"]},
        }
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spirl"], r"Got 'spirl'\. Did you mean \"spiral\"\?"),
        (["spiral", "nielsen-quadratc"], r"Did you mean \"nielsen-quadratic\"\?"),
        (["spiral", "--seeds", "0"], r"--seeds takes a whole number, 1 or more\. Got 0\."),
        (["spiral", "--json", "no/such/folder/x.json"], "takes a file in a folder that is there"),
    ],
)
def test_wrong_words_are_told_before_anything_runs(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(running, "run", None)
    assert leave(*arguments) == 2
    assert re.search(message, capsys.readouterr().err)


def test_missing_data_is_told_before_anything_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(running, "run", None)
    assert leave("spiral", "lecun-300", "--data", str(tmp_path)) == 2
    said = capsys.readouterr().err
    assert f"There is no train-images-idx3-ubyte[.gz] in {tmp_path}." in said
    assert "On this command line path= is --data FOLDER." in said


def test_data_may_be_the_folder_or_the_one_above_it(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(running.datasets, "mnist", lambda path=None: seen.append(path))
    running.mnist(None)
    running.mnist(str(tmp_path))
    (tmp_path / "mnist").mkdir()
    running.mnist(str(tmp_path))
    assert seen == [None, str(tmp_path), str(tmp_path / "mnist")]


def test_what_needs_no_mnist_reads_none(only, monkeypatch):
    monkeypatch.setattr(running, "mnist", None)
    only(95.0)
    assert leave("made-up", "--seeds", "1") == 0


def test_ctrl_c_ends_quietly(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run", interrupted)
    assert leave("spiral") == 130


def test_as_a_student_types_it():
    done = subprocess.run(
        [sys.executable, "-m", "minnet", "reproduce"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Published figures to reproduce\n")
    assert "Run one: python -m minnet reproduce spiral." in done.stdout


# --- several at a time ----------------------------------------------------------------------------


@pytest.mark.slow
def test_seeds_on_two_processes_give_the_same_figures_and_tell_how_far_they_are():
    xor, log = REPRODUCTIONS["xor"], io.StringIO()
    one = running.run(xor, range(2), None, io.StringIO())
    two = running.run(xor, range(2), None, log, jobs=2)
    assert two == one
    assert log.getvalue() == "xor: 1 of 2 seeds done\nxor: 2 of 2 seeds done\n"


def test_a_map_of_somebody_elses_runs_the_seeds(only):
    only(95.0, 95.0)
    out = io.StringIO()
    assert running.reproduce(["made-up"], seeds=2, map=map, out=out, log=io.StringIO())
    assert "yes, 2 of 2 seeds" in out.getvalue()
    with pytest.raises(ValueError, match=r"reproduce takes jobs or map\. Got both"):
        running.reproduce(["made-up"], jobs=2, map=map)


def test_a_seed_that_fails_is_named_and_the_others_are_kept():
    reproduction = made_up([95.0, 95.1])  # seed 2 has no value
    with pytest.warns(UserWarning, match=r"The run made-up, seed 2 failed and is left out: Index"):
        outcome = running.run(reproduction, range(3), None, io.StringIO())
    assert list(outcome.seeds) == [0, 1]
    assert outcome.in_band


def test_jobs_is_refused_in_words(capsys):
    assert leave("xor", "--jobs", "0") == 2
    assert "reproduce's jobs takes" in capsys.readouterr().err
