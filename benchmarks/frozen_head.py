"""Training a new head on a frozen base: minnet against tf.keras and PyTorch.

    pip install tensorflow torch && python benchmarks/frozen_head.py [--rounds 3]

A base of 784-512-256, ReLU, frozen; a head of ten outputs is trained on 10,000 rows for 20 epochs,
Adam, batch 32, all from the same weights. Each runs in a process of its own, which times the whole
`fit` after one epoch to warm up; rounds alternate. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

ROWS, EPOCHS, BATCH, K = 10_000, 20, 32, 10
RATE = 1e-3


def data() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Rows about ten centres, and the weights of base and head."""
    rng = np.random.default_rng(0)
    y = rng.integers(K, size=ROWS)
    x = (0.5 + 0.25 * rng.standard_normal((K, 784)))[y] + 3.0 * rng.standard_normal((ROWS, 784))
    weights = []
    for D, M in ((784, 512), (512, 256), (256, K)):
        weights += [rng.normal(0, np.sqrt(2 / D), (D, M)).astype(np.float32), np.zeros(M, "f4")]
    return x.astype(np.float32), y, weights


def run_minnet() -> tuple[float, float]:
    """Seconds, and accuracy on the rows afterwards."""
    import minnet
    from minnet.layers import Dense

    x, y, weights = data()
    model = minnet.Sequential(
        [
            Dense(512, activation="relu", input_dim=784),
            Dense(256, activation="relu"),
            Dense(K, activation="softmax"),
        ],
        seed=0,
    )
    model.freeze("all_but_head")
    model.compile(minnet.optimizers.Adam(RATE), "cross_entropy", ["accuracy"])
    model.fit(x, y, verbose=0)
    model.set_weights(weights)
    begin = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return time.perf_counter() - begin, model.evaluate(x, y)["accuracy"]


def run_keras() -> tuple[float, float]:
    """The same in tf.keras."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")
    import keras

    x, y, weights = data()
    dense = keras.layers.Dense
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            dense(512, activation="relu", trainable=False),
            dense(256, activation="relu", trainable=False),
            dense(K, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x, y, batch_size=BATCH, verbose=0)
    model.set_weights(weights)
    begin = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    seconds = time.perf_counter() - begin
    return seconds, float(model.evaluate(x, y, verbose=0)[1])


def run_torch() -> tuple[float, float]:
    """The same in PyTorch, with a loop as its tutorials have it, on tensors in memory."""
    import torch

    torch.manual_seed(0)
    x, y, weights = data()
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    base = torch.nn.Sequential(linear(784, 512), relu(), linear(512, 256), relu())
    head = linear(256, K)
    with torch.no_grad():
        for layer, W, b in zip((base[0], base[2], head), weights[::2], weights[1::2], strict=True):
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.copy_(torch.from_numpy(b))
    for parameter in base.parameters():
        parameter.requires_grad = False
    xs, ys = torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(head.parameters(), RATE)
    loss_of = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        for rows in torch.randperm(ROWS).split(BATCH):
            optimizer.zero_grad()
            loss_of(head(base(xs[rows])), ys[rows]).backward()
            optimizer.step()

    kept = {k: v.clone() for k, v in head.state_dict().items()}
    epoch()
    head.load_state_dict(kept)
    optimizer = torch.optim.Adam(head.parameters(), RATE)
    begin = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        accuracy = (head(base(xs)).argmax(1) == ys).float().mean().item()
    return seconds, accuracy


PEERS = {"minnet": run_minnet, "tf.keras": run_keras, "torch": run_torch}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PEERS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(PEERS[options.only]()))
        sys.exit()
    seconds: dict[str, list[float]] = {}
    accuracies: dict[str, float] = {}
    for _ in range(options.rounds):
        for peer in PEERS:
            command = [sys.executable, __file__, "--only", peer]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{peer} is left out: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
                continue
            taken, accuracy = json.loads(done.stdout.splitlines()[-1])
            seconds.setdefault(peer, []).append(taken)
            accuracies[peer] = accuracy
    print(f"{ROWS:,} rows, {EPOCHS} epochs, batch {BATCH}, the head of 784-512-256-{K}")
    for peer, taken_all in seconds.items():
        ratio = min(taken_all) / min(seconds["minnet"])
        print(
            f"{peer:<9} min {min(taken_all):7.3f} s   median {np.median(taken_all):7.3f} s   "
            f"{ratio:5.1f} × minnet   accuracy {accuracies[peer]:.4f}"
        )
