"""Text that outputs of any encoding can print."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minnet
from minnet.course.zoo import catalogue
from minnet.foundation.printing import printable
from minnet.teaching.doctor import Diagnosis, Finding
from minnet.teaching.doctor.findings import Proof
from minnet.teaching.gradients.report import GradientFinding
from minnet.transfer.report import Verdict

PROGRAM = """
import numpy as np, minnet
from minnet.layers import Dense, Tanh
class Wrong(Tanh):
    def backward(self, x, y, dy, memo=None):
        return -dy
classifier = minnet.Sequential([Dense(3, "relu", input_dim=1), Dense(2, "softmax")], seed=0)
classifier.compile("adam", "cross_entropy")
classifier.fit(np.linspace(-1, 1, 8)[:, None], np.arange(8) % 2, verbose=0)
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
print(minnet.diagnose(model, 1000 * x, 1e6 * y))
print(minnet.explain_prediction(classifier, x[0]))
classifier.class_names = ["größe", "漢"]
classifier.card()
wrong = minnet.Sequential([Wrong(input_shape=(1,)), Dense(2)], seed=0)
wrong.compile("sgd", "mse")
report = minnet.check_gradients(wrong, x, y)
print(report)
print(report.findings[0] if report.findings else report)
"""

ENCODINGS = ["cp1252", "ascii", "utf-8", "latin-1", "cp437"]


def run(arguments, encoding, folder):
    """A process whose output has this encoding, and nothing to read."""
    root = str(Path(minnet.__file__).parents[1])
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": root}
    return subprocess.run(
        [sys.executable, *arguments],
        env=env,
        cwd=folder,
        capture_output=True,
        input=b"",
        check=False,
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_that_is_printed_can_be_sent_to_a_file_of_any_encoding(encoding, tmp_path) -> None:
    """`python script.py > out.txt` on Windows has cp1252."""
    done = run(["-c", PROGRAM], encoding, tmp_path)
    assert done.returncode == 0, done.stderr.decode(encoding, "replace")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize(
    "command", [["info"], ["zoo"], ["zoo", "--list"], ["mistakes"], ["mistakes", "1"]], ids=" ".join
)
def test_commands_print_into_a_file_of_any_encoding(command, encoding, tmp_path) -> None:
    done = run(["-m", "minnet", *command], encoding, tmp_path)
    assert done.returncode == 0, done.stderr.decode(encoding, "replace")
    assert done.stdout


class Ascii(io.StringIO):
    encoding = "ascii"


def test_the_texts_of_findings_and_verdicts_become_plain(monkeypatch) -> None:
    finding = Finding("dead-relu", "η → 0", {"share": 1.0}, "Try ½.")
    texts = [
        Diagnosis([finding]),
        finding,
        Proof("relu", "loss", 2.0, 1.0, 0),
        GradientFinding("sign", "dense_1.W", "−dW"),
        Verdict("HELPS", 0.1, 0.01, 3, 3),
        catalogue.entry("1"),
    ]
    assert any("→" in str(text) for text in texts)
    monkeypatch.setattr(sys, "stdout", Ascii())
    for text in texts:
        str(text).encode("ascii")


def test_characters_become_plain_only_where_they_have_to(monkeypatch) -> None:
    text = "η·x → ✓ … é ∇ 漢"
    assert printable(text) == text
    monkeypatch.setattr(sys, "stdout", Ascii())
    assert printable(text) == "eta*x -> ok ... e ? ?"
    assert printable("plain") == "plain"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10³", "10^3"),
        ("2·10⁻¹² ≈ 0", "2*10^-12 ~ 0"),
        ("x² + x₁", "x^2 + x1"),
        ("5 × 3 °C –", "5 x 3 degC -"),
    ],
)
def test_an_exponent_stays_one(text, plain, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert printable(text) == plain
