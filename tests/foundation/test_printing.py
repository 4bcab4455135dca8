"""Text that outputs of any encoding can print."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.foundation.printing import printable

PROGRAM = """
import numpy as np, minnet
from minnet.layers import Dense
model = minnet.Sequential([Dense(4, "relu", input_dim=1), Dense(2)], seed=0)
model.summary()
model.card()
model.compile("sgd", "mse")
model.show_training_loop()
x, y = np.linspace(-1, 1, 8)[:, None], np.ones((8, 2))
print(model.fit(x, y, verbose=2).receipt)
print(minnet.find_learning_rate(model, x, y))
print(minnet.explain_step(model, x, y))
print(minnet.check_gradients(model, x, y))
print(minnet.diagnose(model, x, y))
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "latin-1", "cp437"])
def test_all_that_is_printed_can_be_sent_to_a_file_of_any_encoding(encoding) -> None:
    """`python script.py > out.txt` on Windows has cp1252."""
    root = str(Path(minnet.__file__).parents[1])
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=False, check=False
    )
    assert run.returncode == 0, run.stderr.decode(encoding, "replace")


class Ascii(io.StringIO):
    encoding = "ascii"


def test_characters_become_plain_only_where_they_have_to(monkeypatch) -> None:
    text = "η·x → ✓ … é ∇ 漢"
    assert printable(text) == text
    monkeypatch.setattr(sys, "stdout", Ascii())
    assert printable(text) == "eta*x -> ok ... e ? ?"
    assert printable("plain") == "plain"
