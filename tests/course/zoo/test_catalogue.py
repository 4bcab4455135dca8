"""The catalogue: a numbered list, whole, each entry held by what names it."""

from __future__ import annotations

import re
import warnings

import pytest

from minnet.__main__ import main
from minnet.course.exercises.trials import GAPS
from minnet.course.zoo import ZOO
from minnet.course.zoo.catalogue import catalogue, entry, in_full, listing
from minnet.course.zoo.facts import FACTS, MEANINGS
from minnet.course.zoo.refused import REFUSED

ENTRIES = catalogue()


def test_numbers_count_from_one_and_names_are_there_once() -> None:
    assert [e.number for e in ENTRIES] == list(range(1, len(ENTRIES) + 1))
    assert len({e.name for e in ENTRIES}) == len(ENTRIES)


def test_all_that_is_known_by_name_is_in_it() -> None:
    names = {e.name for e in ENTRIES}
    assert names >= set(ZOO) | {r.name for r in REFUSED}
    hints = {mistake.hint for gap in GAPS.values() for mistake in gap.mistakes}
    assert hints == {e.title for e in ENTRIES if e.named_by.startswith("exercises")}


@pytest.mark.parametrize("one", ENTRIES, ids=lambda e: e.name)
def test_every_entry_says_all_there_is_to_say(one) -> None:
    for text in (one.title, one.sees, one.example, one.question, one.cure, one.source):
        assert len(text) > 2
    assert str(one).startswith(f"{one.number}. {one.name}: ")


@pytest.mark.parametrize("refused", REFUSED, ids=lambda r: r.name)
def test_what_is_refused_is_answered_in_these_words(refused) -> None:
    heard = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(refused.program, refused.name, "exec"), {})
        except (ValueError, TypeError, RuntimeError) as error:
            heard.append(str(error))
    assert refused.says in " ".join([*heard, *(str(w.message) for w in caught)])


def test_the_facts_are_those_of_the_zoo_and_every_kind_has_a_meaning() -> None:
    assert set(FACTS) == set(ZOO)
    assert {mistake.kind for mistake in ZOO.values()} <= set(MEANINGS)


@pytest.mark.parametrize(
    "gap", [gap for gap in GAPS.values() if gap.mistakes], ids=lambda g: g.name
)
def test_the_smallest_counterexample_of_an_exercise_is_found(gap) -> None:
    name = f"{gap.name.replace('_', '-')}-1"
    text = in_full(name)
    assert entry(name).title in text.replace("\n", " ") or "hint" in text
    assert "called with" in text
    assert "expected" in text


def test_the_command_prints_all_or_one_by_name_or_number(capsys) -> None:
    main(["mistakes"])
    assert capsys.readouterr().out.strip() == listing().strip()
    main(["mistakes", "softmax-diagonal", "1"])
    text = capsys.readouterr().out
    assert "dx = dy * y * (1 - y)" in text
    assert "\n1. " in text
    with pytest.raises(SystemExit):
        main(["mistakes", "softmax-diagnal"])
    assert 'Did you mean "softmax-diagonal"?' in capsys.readouterr().err


def test_a_word_shows_all_mistakes_that_have_it(capsys) -> None:
    main(["mistakes", "Softmax"])
    text = capsys.readouterr().out
    names = {e.name for e in ENTRIES if "softmax" in f"{e.name} {e.title}".lower()}
    assert text.startswith(f"{len(names)} of {len(ENTRIES)} misconceptions have “Softmax” in them")
    assert all(f" {name} " in text for name in names)
    assert {"softmax-diagonal", "softmax-in-place"} < names
    with pytest.raises(SystemExit):
        main(["mistakes", " "])


def test_a_source_is_something_that_can_be_looked_up() -> None:
    works = r"[“,]|\.(com|io|ai)/|documentation|exercises|\(\d{4}\)"
    for one in ENTRIES:
        assert re.search(works, one.source), (one.name, one.source)
        assert not re.search(r"again and again|seen in|published answers", one.source), one.name
