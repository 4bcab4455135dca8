"""Findings: their order, what is left out, how they print."""

from __future__ import annotations

import pytest

from minnet.teaching.doctor import KINDS, Diagnosis, Finding
from minnet.teaching.doctor.findings import CONSEQUENCES, explained_by, ranked


def test_the_order_is_that_of_kinds_and_the_first_of_a_kind_stays():
    found = [
        Finding("never-predicted", "c"),
        Finding("duplicate-samples", "b"),
        Finding("duplicate-samples", "later"),
        Finding("validation-leak", "a"),
    ]
    assert [f.message for f in ranked(found)] == ["a", "b", "c"]


def test_consequences_are_left_out():
    found = [Finding("initial-loss", ""), Finding("input-scale", ""), Finding("saturated", "")]
    assert [f.kind for f in ranked(found)] == ["input-scale"]
    assert explained_by("saturated", found)
    assert not explained_by("class-imbalance", found)


@pytest.mark.parametrize("cause", CONSEQUENCES)
def test_consequences_are_kinds_and_no_two_explain_each_other(cause):
    assert cause in KINDS
    for kind in CONSEQUENCES[cause]:
        assert kind in KINDS
        assert cause not in CONSEQUENCES.get(kind, ())


def test_a_report_says_kind_evidence_and_advice():
    report = Diagnosis([Finding("dead-relu", "All <64>.", {"share": 1.0}, "Try 0.")], "9 rows")
    assert str(report) == (
        "Diagnosis: 1 finding (9 rows)\n\n"
        "1. dead-relu: ReLU units that are 0 for every row\n"
        "   All <64>.\n"
        "   Measured: share 1.\n"
        "   Try: Try 0."
    )
    assert repr(report) == str(report)
    assert "<b>dead-relu</b>: All &lt;64&gt;." in report._repr_html_()
    assert [finding.kind for finding in report] == report.kinds == ["dead-relu"]
    assert not report.healthy


def test_a_clean_report():
    report = Diagnosis([])
    assert report.healthy
    assert str(report) == "Diagnosis: healthy"
    assert "healthy" in report._repr_html_()
