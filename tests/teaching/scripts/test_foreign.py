"""Words of other languages, some of which have an English word in them that says another thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts.names import loss_rank
from minnet.teaching.scripts.roles import is_history
from tests.teaching.scripts.files import checked

ITALIAN = """
import math, random
random.seed(5)
pesi_nascosti = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(3)]
pesi_uscita = [random.uniform(-1, 1) for _ in range(3)]

def sigmoide(x):
    return 1 / (1 + math.exp(-x))

def addestra(x, bersaglio):
    nascosti = [sigmoide(r[0] * x[0] + r[1] * x[1] + r[2]) for r in pesi_nascosti]
    uscita = sigmoide(sum(w * h for w, h in zip(pesi_uscita, nascosti)))
    delta = (uscita - bersaglio) * uscita * (1 - uscita)
    delta_nascosti = [0.0] * 3
    for j in range(3):
        {first}
        {second}
    for j in range(3):
        for i in range(2):
            pesi_nascosti[j][i] -= 0.5 * delta_nascosti[j] * x[i]
        pesi_nascosti[j][2] -= 0.5 * delta_nascosti[j]
    return 0.5 * (bersaglio - uscita) ** 2

for epoca in range(20):
    perdita = 0.0
    for x, t in [([0, 1], 1), ([1, 0], 1), ([0, 0], 0), ([1, 1], 0)]:
        perdita += addestra(x, t)
"""
BACK = "delta_nascosti[j] = delta * pesi_uscita[j] * nascosti[j] * (1 - nascosti[j])"
STEP = "pesi_uscita[j] -= 0.5 * delta * nascosti[j]"


@pytest.mark.slow
def test_hidden_weights_are_held_by_any_name(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ITALIAN.format(first=BACK, second=STEP))
    assert code == 0, text
    assert "right  pesi_nascosti[0][2]" in text, text
    code, text = checked(tmp_path, ITALIAN.format(first=STEP, second=BACK))
    assert code == 1, text
    assert "before they are used for this gradient" in text, text


def test_hidden_units_are_no_list_of_costs() -> None:
    assert not is_history("pesi_nascosti[0][2]")
    assert all(map(is_history, ("costs[0]", "train_losses[3]", "accuracy", "loss_history[1]")))
    assert loss_rank(":nascosto") == 0


@pytest.mark.parametrize("word", ["perdita", "errore", "verlies", "maliyet", "koszt", "oshibka"])
def test_a_loss_is_known_in_many_languages(word: str) -> None:
    assert loss_rank(f":{word}") == 3
    assert loss_rank(f":{word}_media") > 0
