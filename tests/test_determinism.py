"""The same seed gives the same bits, nobody's generator is touched, and threads do not meet."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet import Sequential
from minnet.callbacks import LambdaCallback
from minnet.layers import BatchNormalization, Dense, Dropout

ROOT = Path(minnet.__file__).parents[1]

RUN = """
import hashlib
import numpy as np
from minnet import Sequential
from minnet.layers import BatchNormalization, Dense, Dropout

rng = np.random.default_rng(0)
x, y = rng.random((60, 5)), rng.integers(3, size=60)
layers = [Dense(16, "gelu", input_dim=5), BatchNormalization(), Dropout(0.3), Dense(3, "softmax")]
model = Sequential(layers, seed=7, dtype=DTYPE)
model.compile("adam", "cross_entropy")
history = model.fit(x, y, 7, epochs=4, verbose=0, validation_split=0.2).history
bits = model.theta.tobytes() + model.state.tobytes() + repr(history).encode()
print(hashlib.sha256(bits).hexdigest())
"""


def in_a_process(dtype: str, hash_seed: int) -> str:
    """The hash of a training in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.replace("DTYPE", repr(dtype))],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )
    return done.stdout.strip()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_process_or_another_gives_the_same_bits(dtype, capsys):
    exec(RUN.replace("DTYPE", repr(dtype)), {})
    here = capsys.readouterr().out.strip()
    assert here == in_a_process(dtype, 1) == in_a_process(dtype, 2)


def trained() -> Sequential:
    """A model with everything that is random in it."""
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 5)), rng.integers(3, size=60)
    model = Sequential(
        [Dense(8, "relu", input_dim=5), BatchNormalization(), Dropout(0.3), Dense(3, "softmax")],
        seed=7,
    )
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(x, y, 7, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x, y: m.fit(x, y, verbose=0),
        lambda m, x, y: m.predict(x),
        lambda m, x, y: m.evaluate(x, y),
        lambda m, x, y: m.train_on_batch(x, y),
        lambda m, x, y: m.reset(),
        lambda m, x, y: m.replace_head(Dense(2)),
        lambda m, x, y: minnet.find_learning_rate(m, x, y, steps=10),
        lambda m, x, y: minnet.check_gradients(m, x[:4], y[:4]),
        lambda m, x, y: minnet.datasets.digits(per_class=2),
        lambda m, x, y: [make(20) for make in (minnet.datasets.moons, minnet.datasets.blobs)],
        lambda m, x, y: minnet.load_pretrained("mnist-8x8"),
    ],
)
def test_the_global_generator_is_neither_read_nor_written(call):
    model, rng = trained(), np.random.default_rng(1)
    x, y = rng.random((20, 5)), rng.integers(3, size=20)
    np.random.seed(3)
    state = np.random.get_state()[1].copy(), np.random.get_state()[2]
    call(model, x, y)
    assert np.array_equal(np.random.get_state()[1], state[0])
    assert np.random.get_state()[2] == state[1]
    np.random.seed(0)  # as the fixture found it


def test_many_threads_predict_what_one_does():
    model, x = trained(), np.random.default_rng(2).random((3000, 5))
    wanted = {"predict": model.predict(x), "features": model.features(x)}
    wrong: list[str] = []

    def run() -> None:
        for _ in range(5):
            for name, values in wanted.items():
                if not np.array_equal(getattr(model, name)(x), values):
                    wrong.append(name)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_second_fit_in_another_thread_is_refused_and_the_first_goes_on():
    model = trained()
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 5)), rng.integers(3, size=60)
    began, ended, caught = threading.Event(), threading.Event(), []

    def wait(batch, logs):
        began.set()
        ended.wait(10)

    hold = LambdaCallback(on_train_batch_end=wait)
    first = threading.Thread(target=lambda: model.fit(x, y, verbose=0, callbacks=[hold]))
    first.start()
    began.wait(10)
    try:
        model.fit(x, y, verbose=0)
    except RuntimeError as error:
        caught.append(str(error))
    ended.set()
    first.join()
    assert caught
    assert "being trained already" in caught[0]
    assert len(model.fit(x, y, verbose=0).epoch) == 1


def test_the_bits_are_of_the_numbers_alone():
    """A hash of what was trained, so that a change of it shows; bits differ between machines."""
    one, two = trained(), trained()
    digest = [hashlib.sha256(m.theta.tobytes()).hexdigest() for m in (one, two)]
    assert digest[0] == digest[1]
