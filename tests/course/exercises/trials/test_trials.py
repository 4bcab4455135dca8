"""Right answers pass, however they are written; wrong ones get a counterexample and their hint."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from minnet.course.exercises.files import exercises
from minnet.course.exercises.judging import FaultError, NotWrittenError, Student
from minnet.course.exercises.searching import counterexample, evidence, hint
from minnet.course.exercises.trials import GAPS
from tests.course.exercises.trials import images, layers, training

ANSWERS = [*layers.ANSWERS, *training.ANSWERS, *images.ANSWERS]
WRONG = [answer for answer in ANSWERS if answer.hint]
RIGHT = [answer for answer in ANSWERS if not answer.hint]


def found(answer) -> str:
    gap = GAPS[answer.gap]
    return counterexample(gap, Student(answer.function, gap.names))


def test_every_gap_of_the_sheets_is_tried_and_has_answers_of_both_kinds():
    assert list(GAPS) == [gap for exercise in exercises() for gap in exercise.gaps]
    wrong, right = (Counter(a.gap for a in answers) for answers in (WRONG, RIGHT))
    for gap in GAPS:
        assert wrong[gap] >= 5, gap
        assert right[gap] >= 2, gap


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_the_solution_passes(gap):
    assert counterexample(gap, Student(gap.reference, gap.names)) == ""


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_passes_however_it_is_written(answer):
    assert found(answer) == ""


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_gets_a_counterexample_and_its_hint(answer):
    text = found(answer)
    assert text.startswith("    called with  "), text
    assert "    it gave      " in text
    said = " ".join(text[text.index("    hint ") :].split())
    assert re.search(answer.hint, said), text


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_a_gap_that_is_not_filled_never_passes(gap):
    def unfilled(*_):
        raise NotImplementedError

    with pytest.raises(NotWrittenError):
        counterexample(gap, Student(unfilled, gap.names))


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("result", [None, ..., 0.0], ids=repr)
def test_what_is_no_answer_at_all_never_passes(gap, result):
    text = counterexample(gap, Student(lambda *_: result, gap.names))
    assert "    it gave      " in text


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_every_mistake_shows_in_a_trial_and_is_called_by_its_own_name(gap):
    for mistake in gap.mistakes:
        student = Student(mistake.formula, gap.names)
        shown = [
            trial
            for trial in gap.trials
            if any(shown is mistake for shown, _ in evidence(gap, trial).wrong)
        ]
        assert shown, mistake.hint
        assert hint(gap, shown[0], student, FaultError("")) == mistake.hint
