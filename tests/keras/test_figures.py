"""Published programs, in other words: the loss of every epoch is that of real Keras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.keras.figures import PROGRAMS, RECORDED, figures_of
from tests.keras.test_programs import as_minnet

TOLERANCE = 2e-6
KERAS = json.loads(RECORDED.read_text("utf-8"))


def furthest(of_keras: list[dict], own: list[dict]) -> float:
    """The largest difference of a loss, in units of 1 or of the loss, whichever is larger."""
    return max(
        abs(a - b) / max(1.0, abs(a))
        for fit, same in zip(of_keras, own, strict=True)
        for name in ("loss", "val_loss")
        if name in fit
        for a, b in zip(fit[name], same[name], strict=True)
    )


def test_every_program_has_the_figures_of_keras_recorded() -> None:
    assert {program.stem for program in PROGRAMS} == KERAS.keys()
    optimizers = [fit["optimizer"] for fits in KERAS.values() for fit in fits]
    assert {*optimizers} == {"SGD", "RMSprop", "Adagrad", "Adadelta"}
    assert len(KERAS) >= 10


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_gives_the_losses_of_keras(program: Path, tmp_path: Path) -> None:
    own = figures_of(as_minnet(program.read_text("utf-8")), "minnet.keras", tmp_path)
    of_keras = KERAS[program.stem]
    assert [fit.keys() for fit in own] == [fit.keys() for fit in of_keras]
    assert [fit["optimizer"] for fit in own] == [fit["optimizer"] for fit in of_keras]
    assert furthest(of_keras, own) <= TOLERANCE
