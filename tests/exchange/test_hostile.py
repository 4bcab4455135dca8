"""Files that were changed; `python -m tests.exchange.hostile` makes 5,000 of each kind."""

from __future__ import annotations

from tests.exchange.hostile import run


def test_changed_safetensors_files_are_what_they_were_or_refused():
    counts, faults, _, _ = run("safetensors", seed=2, files=150)
    assert not faults, "\n".join(faults)
    assert counts["refused"] > 50
    assert counts["model"] > 5


def test_changed_keras_files_are_what_they_were_or_refused():
    counts, faults, _, _ = run("keras", seed=2, files=150)
    assert not faults, "\n".join(faults)
    assert counts["refused"] > 50
    assert counts["model"] > 5
