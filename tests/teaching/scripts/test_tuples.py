"""Weights in tuples, made anew in each pass by the line that goes back as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minnet.teaching.scripts import report
from minnet.teaching.scripts.values import assign, slots
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

PAIRS = """import numpy as np

def init(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(i, o)) / np.sqrt(i), np.zeros(o)) for i, o in zip(sizes, sizes[1:])]

def forward(params, x):
    acts = [x]
    for W, b in params[:-1]:
        acts.append(np.maximum(0, acts[-1] @ W + b))
    W, b = params[-1]
    acts.append(acts[-1] @ W + b)
    return acts

def gradients(params, x, y):
    acts = forward(params, x)
    delta = (acts[-1] - y) / len(x)
    out = []
    for (W, b), a in zip(params[::-1], acts[-2::-1]):
        out.append((a.T @ delta, delta.sum(axis=0)))
        delta = (delta @ W.T) * (a > 0)
    return out[::-1]

rng = np.random.default_rng(1)
x = rng.normal(size=(10, 3))
y = np.sin(x[:, :1]) + x[:, 1:2]
params = init([3, 10, 1])
for step in range(20):
    both = zip(params, gradients(params, x, y))
    params = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in both]
print(params[0][0])
"""

NAMED = """import numpy as np
from collections import namedtuple
Layer = namedtuple("Layer", "W b")

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def grad(layers, X, T):
    A = [X]
    for l in layers:
        A.append(sigmoid(A[-1] @ l.W + l.b))
    d = A[-1] - T
    grads = []
    for i in reversed(range(len(layers))):
        grads.append(Layer(A[i].T @ d / len(X), d.mean(axis=0)))
        d = d @ layers[i].W.T * A[i] * (1 - A[i])
    return grads[::-1]

def update(layers, grads, lr):
    return [Layer(l.W - lr * g.W, l.b - lr * g.b) for l, g in zip(layers, grads)]

def loss(layers, X, T):
    A = X
    for l in layers:
        A = sigmoid(A @ l.W + l.b)
    return -np.mean(T * np.log(A) + (1 - T) * np.log(1 - A))

rng = np.random.default_rng(0)
X = rng.normal(size=(10, 2))
T = (X[:, :1] * X[:, 1:] > 0) * 1.0
layers = [Layer(rng.normal(size=(2, 6)), np.zeros(6)), Layer(rng.normal(size=(6, 1)), np.zeros(1))]
for e in range(20):
    layers = update(layers, grad(layers, X, T), 0.5)
    if e % 10 == 0:
        print(e, loss(layers, X, T))
"""

FLAT = """import numpy as np
def predict(params, x):
    w, b = params
    return 1 / (1 + np.exp(-(x @ w + b)))
def cost(params, x, y):
    p = predict(params, x)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
def grads(params, x, y):
    d = predict(params, x) - y
    return x.T @ d / len(y), d.mean()
rng = np.random.default_rng(0)
x = rng.normal(size=(50, 3))
y = (x[:, 0] > 0.2).astype(float)
params = (np.zeros(3), 0.0)
for i in range(20):
    g = grads(params, x, y)
    params = tuple(p - 0.5 * d for p, d in zip(params, g))
    if i % 20 == 0:
        print(cost(params, x, y))
"""

STEP = """
import numpy as np

def step(w, b, x, y, lr):
    d = (x @ w + b - y) / len(x)
    loss = 0.5 * np.sum((x @ w + b - y) ** 2) / len(x)
    return w - lr * x.T @ d, b - lr * d.sum(), loss

rng = np.random.default_rng(0)
x = rng.normal(size=(10, 3))
y = x @ np.array([1.0, 2.0, -1.0]) + 1
w, b = np.zeros(3), 0.0
for i in range(20):
    w, b, loss = step(w, b, x, y, 0.1)
print(loss)
"""


def test_a_list_of_pairs_made_anew_where_the_gradients_are_computed_is_read(
    tmp_path: Path,
) -> None:
    code, text = checked(tmp_path, PAIRS)
    assert code == report.RIGHT, text
    assert "right  params[0][1]" in text
    code, text = checked(tmp_path, PAIRS.replace("* (a > 0)", "* a"))
    assert code == report.WRONG, text
    assert "with `delta = delta @ W.T * (a > 0)`" in text


def test_weights_in_named_tuples_are_read(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NAMED)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, NAMED.replace("d.mean(axis=0)", "d.sum(axis=0)"))
    assert code == report.WRONG, text
    assert "1/N of the mean over the samples is missing" in text
    assert "The line is `grads.append(Layer(A[i].T @ d / len(X), d.sum(axis=0)))`" in text


def test_a_pair_with_a_number_in_it_is_read(tmp_path: Path) -> None:
    code, text = checked(tmp_path, FLAT)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, FLAT.replace("d.mean()", "-d.mean()"))
    assert code == report.WRONG, text
    assert "right  params[0]" in text


def test_a_step_that_hands_back_its_loss_beside_the_weights_is_read(tmp_path: Path) -> None:
    code, text = checked(tmp_path, STEP)
    assert code == report.RIGHT, text
    assert "loss: loss" in text
    code, text = checked(tmp_path, STEP.replace("x.T @ d", "x.T @ d * 3"))
    assert code == report.WRONG, text


def test_entries_of_one_tuple_are_put_one_after_the_other() -> None:
    variables = {"nets": [((1.0, 2.0), np.zeros(2))]}
    for slot in list(slots(variables)):
        assign(slot, np.asarray(slot.value, float) + 5.0)
    first, second = variables["nets"][0]
    assert first == (6.0, 7.0)
    np.testing.assert_array_equal(second, [5.0, 5.0])
