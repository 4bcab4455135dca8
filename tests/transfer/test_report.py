"""The verdict: its words, its evidence, and how seldom chance fools it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.transfer.report import QUANTILES, Report, SeedRun, judge
from tests.strategies import seeds


def test_a_clear_gain_helps_and_its_reverse_hurts() -> None:
    a, b = [0.90, 0.92, 0.91, 0.93, 0.90], [0.80, 0.83, 0.80, 0.84, 0.81]
    helps, hurts = judge(a, b), judge(b, a)
    assert (helps.word, hurts.word) == ("HELPS", "HURTS")
    assert helps.difference == pytest.approx(-hurts.difference)
    assert (helps.wins, hurts.wins, helps.seeds) == (5, 0, 5)
    assert "HELPS: +9.6 ±" in str(helps)
    assert "better in 5 of 5 draws" in str(helps)


def test_the_margin_is_students() -> None:
    differences = np.array([0.02, 0.04, 0.06])
    verdict = judge(differences, np.zeros(3))
    assert verdict.margin == pytest.approx(4.303 * 0.02 / math.sqrt(3))
    assert verdict.word == "MAKES NO DIFFERENCE"  # 0.04 beside ± 0.05


def test_less_than_a_point_is_no_difference_however_certain() -> None:
    assert judge([0.905] * 5, [0.9] * 5).word == "MAKES NO DIFFERENCE"
    assert judge([0.915] * 5, [0.9] * 5).word == "HELPS"


def test_two_draws_that_are_equal_by_chance_prove_nothing() -> None:
    verdict = judge([0.9, 0.9], [0.8, 0.8])
    assert verdict.word == "MAKES NO DIFFERENCE"
    assert "MAKES NO DIFFERENCE that 2 draws could tell: +10.0" in str(verdict)


def test_one_draw_proves_nothing() -> None:
    assert judge([1.0], [0.0]).word == "MAKES NO DIFFERENCE"
    assert math.isinf(judge([1.0], [0.0]).margin)


@given(seed=seeds, n=st.integers(2, 12))
def test_the_verdict_does_not_depend_on_the_order_of_draws(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, order = rng.random(n), rng.random(n), rng.permutation(n)
    first, second = judge(a, b), judge(a[order], b[order])
    assert first.word == second.word
    assert first.difference == pytest.approx(second.difference)


def test_chance_is_called_help_in_about_one_of_forty() -> None:
    rng = np.random.default_rng(0)
    words = [judge(rng.normal(0.8, 0.03, 5), rng.normal(0.8, 0.03, 5)).word for _ in range(4_000)]
    assert 0.015 < words.count("HELPS") / 4_000 < 0.035


def test_quantiles_fall_towards_the_normals() -> None:
    assert list(QUANTILES) == sorted(QUANTILES, reverse=True)
    assert 1.96 < QUANTILES[-1] < 2.05


def report() -> Report:
    """Scratch reaches at 20 labels what transfer has with 5."""
    scratch = {5: 0.70, 10: 0.80, 20: 0.90}
    runs = [
        SeedRun("scratch", n, seed, value + 0.001 * seed, None)
        for n, value in scratch.items()
        for seed in range(3)
    ]
    runs += [
        SeedRun("head then all", n, seed, value + 0.001 * seed, 0.5)
        for n, value in {5: 0.85, 10: 0.90, 20: 0.95}.items()
        for seed in range(3)
    ]
    runs += [SeedRun("zero-shot", n, 0, 0.6, 0.9) for n in (5, 10, 20)]
    return Report(runs, "head then all", {5: "rate 0.1"}, 0.9, ["a note"])


def test_labels_are_worth_what_scratch_needs_to_catch_up() -> None:
    found = report()
    assert found.worth(5) == pytest.approx((10 * 2**0.5 / 5, True))  # half way from 10 to 20
    assert found.worth(10) == pytest.approx((2.0, True), abs=1e-6)
    assert found.worth(20) is None
    found.runs = [run for run in found.runs if run.per_class < 20]
    assert found.worth(5) == (2.0, False)


def test_where_scratch_is_better_nothing_is_said_of_worth() -> None:
    found = report()
    found.runs = [r._replace(accuracy=1.0) if r.arm == "scratch" else r for r in found.runs]
    assert found.worth(5) is None
    assert "HURTS" in found.lines()[0]
    assert "worth" not in found.lines()[0]


def test_the_report_prints_all_of_it() -> None:
    text = str(report())
    for said in (
        "70.1 ± 0.1",
        "old task afterwards",
        "50.0",
        "The old task before: 90.0",
        "HELPS: +15.0",
        "worth about 2.8 times the labels",
        "tuned to rate 0.1",
        "a note",
    ):
        assert said in text, said
    assert "<table>" in report()._repr_html_()


def test_forgetting_is_that_of_the_smallest_budget() -> None:
    found = report()
    found.runs = [
        r._replace(old_accuracy=0.9 if r.per_class == 5 else 0.1) if r.old_accuracy else r
        for r in found.runs
    ]
    assert "old task afterwards (5 labels)" in str(found)
    assert "90.0 ± 0.0" in str(found)


def test_the_report_draws_one_line_for_each_way() -> None:
    ax = report().plot()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(labels) == {"scratch", "head then all", "zero-shot"}


def test_a_verdict_on_what_was_not_run_is_refused() -> None:
    with pytest.raises(ValueError, match="verdict takes an arm and a budget"):
        report().verdict(7)
    with pytest.raises(ValueError, match="verdict takes an arm and a budget"):
        report().verdict(5, "linear")
    for way, budget in (("head", 5), ("scratch", 7)):
        with pytest.raises(ValueError, match=f"accuracies takes .* Got '{way}' and {budget}"):
            report().accuracies(way, budget)
