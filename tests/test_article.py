"""The program that the project starts from: only its import lines differ from Keras'."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet.layers import Dense
from minnet.models import Sequential

ROOT = Path(minnet.__file__).parents[1]

PROGRAM = """\
import numpy as np
from minnet.models import Sequential
from minnet.layers import Dense

model = Sequential()
model.add(Dense(32, activation='relu', input_dim=784))
model.add(Dense(10, activation='softmax'))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])

x_train = np.random.rand(100, 784)
y_train = np.random.randint(10, size=(100, 1))
model.fit(x_train, y_train, epochs=10)
"""


def test_the_articles_program_runs_and_prints_ten_epochs(tmp_path):
    program = tmp_path / "article.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    for i, text in enumerate(lines, 1):
        assert re.fullmatch(
            rf"Epoch {i}/10 - \d+\.\ds - loss: \d+\.\d{{4}} - accuracy: [01]\.\d{{4}}", text
        )


def article():
    """The article's model, with a seed."""
    model = Sequential(seed=0)
    model.add(Dense(32, activation="relu", input_dim=784))
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(100, 1), (100,)])
def test_labels_of_every_whole_kind_train_alike(dtype, shape):
    rng = np.random.default_rng(0)
    x, y = rng.random((100, 784)), rng.integers(10, size=(100, 1))
    one, two = article(), article()
    first = one.fit(x, y, epochs=2, verbose=0).history
    second = two.fit(x, y.reshape(shape).astype(dtype), epochs=2, verbose=0).history
    assert first == second
    assert np.array_equal(one.theta, two.theta)
    assert one.evaluate(x, y) == two.evaluate(x, y.reshape(shape).astype(dtype))


def test_the_first_loss_is_that_of_a_guess_and_then_it_falls():
    rng = np.random.default_rng(0)
    x, y = rng.random((100, 784)), rng.integers(10, size=(100, 1))
    loss = article().fit(x, y, epochs=30, verbose=0).history["loss"]
    assert loss[0] == pytest.approx(np.log(10), rel=0.2)
    assert loss[-1] < 0.8 * loss[0]


def test_the_articles_set_weights_is_refused_with_both_lists():
    model = article()
    before = model.theta.copy()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError) as caught:
        model.set_weights([rng.random(32), rng.random(10)])
    text = str(caught.value)
    wanted = ["dense_1.W", "(784, 32)", "dense_1.b", "(32,)", "dense_2.W", "(32, 10)", "dense_2.b"]
    for part in [*wanted, "(10,)", "4 arrays"]:
        assert part in text
    assert np.array_equal(model.theta, before)
