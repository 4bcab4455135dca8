"""Losses that are computed elsewhere than the gradients, and gradients under several names."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

AFTER_THE_BATCHES = """
import numpy as np
rng = np.random.default_rng(0)
X, goal = rng.normal(size=(40, 3)), rng.integers(0, 4, 40)
p = {"W": 0.5 * rng.normal(size=(3, 5)), "c": np.zeros(5), "V": 0.5 * rng.normal(size=(5, 4))}

def up(p, x):
    h = np.tanh(x @ p["W"] + p["c"])
    z = h @ p["V"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return h, e / e.sum(axis=1, keepdims=True)

def cross_entropy(q, which):
    return -np.log(q[np.arange(len(which)), which]).mean()

def down(p, x, which, h, q):
    d = q.copy()
    d[np.arange(len(which)), which] -= 1
    d = d / len(x)
    back = d @ p["V"].T * (1 - h**2)
    return {"V": h.T @ d, "c": back.sum(axis=0), "W": x.T @ back}

curve = []
for epoch in range(20):
    order = rng.permutation(40)
    LOOP
        h, q = up(p, X[k])
        g = down(p, X[k], goal[k], h, q)
        for name in p:
            p[name] = p[name] - 0.1 * g[name]
    curve.append(cross_entropy(up(p, X)[1], goal))
"""
BY_SLICES = "for s in range(0, 40, 8):\n        k = order[s : s + 8]"
BY_PIECES = "for k in np.array_split(order, 5):"
BY_ENDS = "for j in range(5):\n        end = (j + 1) * 8\n        k = order[j * 8 : end]"


@pytest.mark.parametrize("loop", [BY_SLICES, BY_PIECES, BY_ENDS])
def test_the_loss_that_is_reported_after_the_batches_is_that_of_the_gradients(
    loop: str, tmp_path: Path
) -> None:
    code, text = checked(tmp_path, AFTER_THE_BATCHES.replace("LOOP", loop))
    assert code == report.RIGHT, text
    assert all(f"right  {name}" in text for name in "WcV"), text


def test_a_mean_taken_twice_is_named_by_the_loss_after_the_batches(tmp_path: Path) -> None:
    wrong = AFTER_THE_BATCHES.replace("LOOP", BY_SLICES).replace("h.T @ d,", "h.T @ d / len(x),")
    code, text = checked(tmp_path, wrong)
    assert code == report.WRONG, text
    assert "WRONG  V" in text, text
    assert "1/N" in text, text


NAMELESS = """
import numpy as np
rng = np.random.default_rng(0)
X, t = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
A, a = 0.3 * rng.normal(size=(3, 3)), np.zeros(3)

def score(z, t):
    z = z - z.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    d = np.exp(logs)
    d[np.arange(len(t)), t] -= 1
    return -logs[np.arange(len(t)), t].mean(), d / len(t)

for step in range(20):
    _, d = score(X @ A + a, t)
    A -= 0.5 * X.T @ d
    a -= 0.5 * d.sum(axis=0)
"""


def test_a_number_for_which_all_gradients_are_right_is_the_loss_by_any_name(
    tmp_path: Path,
) -> None:
    code, text = checked(tmp_path, NAMELESS)
    assert code == report.RIGHT, text
    assert "loss: score()[0]" in text, text


NOT_SUMMED = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
W1, b1, W2, b2 = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 2)), np.zeros((1, 2))
for step in range(20):
    h = np.tanh(X @ W1 + b1)
    o = h @ W2 + b2
    loss = 0.5 * np.mean(np.sum((o - Y) ** 2, axis=1))
    d2 = (o - Y) / len(X)
    d1 = d2 @ W2.T * (1 - h * h)
    dW1, db1, dW2, db2 = X.T @ d1, d1, h.T @ d2, d2
    W1, b1 = W1 - 0.1 * dW1, b1 - 0.1 * db1
    W2, b2 = W2 - 0.1 * dW2, b2 - 0.1 * db2
"""


def test_biases_that_grow_into_a_row_for_each_sample_are_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NOT_SUMMED)
    assert code == report.WRONG, text
    for name in ("b1", "b2"):
        assert f"WRONG  {name}: it is not summed over the samples" in text, text


TWO_BRANCHES = """
import numpy as np
rng = np.random.default_rng(0)
data, kind = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
p = {"W": 0.5 * rng.normal(size=(3, 2)), "b": np.zeros(2)}
mom, sq = {k: 0 * a for k, a in p.items()}, {k: 0 * a for k, a in p.items()}

def back(x, d):
    return {"W": x.T @ d, "b": d.sum(axis=0)}

def pair(p, P, Q, t):
    E, F = P @ p["W"] + p["b"], Q @ p["W"] + p["b"]
    d = (E - F - t) / len(P)
    loss = 0.5 * np.sum((E - F - t) ** 2) / len(P)
    one, two = back(P, d), back(Q, -d)
    return loss, {k: one[k] + two[k] for k in p}

for step in range(1, 30):
    i, j = rng.integers(0, 60, 16), rng.integers(0, 60, 16)
    loss, g = pair(p, data[i], data[j], (kind[i] - kind[j])[:, None])
    for k in p:
        mom[k] += 0.1 * (g[k] - mom[k])
        sq[k] += 0.001 * (g[k] ** 2 - sq[k])
        mean, square = mom[k] / (1 - 0.9**step), sq[k] / (1 - 0.999**step)
        p[k] -= 0.01 * mean / (np.sqrt(square) + 1e-8)
"""


def test_a_gradient_that_is_0_in_truth_is_no_mistake(tmp_path: Path) -> None:
    code, text = checked(tmp_path, TWO_BRANCHES)
    assert code == report.RIGHT, text


TABLE = """
import numpy as np
daten = np.genfromtxt("preise.csv", delimiter=";", skip_header=1)
X, t = daten[:, :-1], daten[:, -1:]
w, b = np.zeros((X.shape[1], 1)), 0.0
for schritt in range(20):
    fehler = X @ w + b - t
    verlust = np.mean(fehler**2)
    w = w - 0.01 * FACTOR * X.T @ fehler / len(X)
    b = b - 0.01 * 2 * fehler.mean()
"""


def test_a_table_that_is_not_there_is_made_under_any_name(tmp_path: Path) -> None:
    code, text = checked(tmp_path, TABLE.replace("FACTOR", "2"))
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, TABLE.replace("FACTOR", "-2"))
    assert code == report.WRONG, text
    assert "data made for it (daten" in text, text


WITHOUT_A_NAME = (
    NOT_SUMMED.replace("dW1, db1, dW2, db2 = X.T @ d1, d1, h.T @ d2, d2", "")
    .replace("- 0.1 * dW1, b1 - 0.1 * db1", "- 0.1 * X.T @ d1, b1 - 0.1 * d1")
    .replace("- 0.1 * dW2, b2 - 0.1 * db2", "- 0.1 * h.T @ d2, b2 - 0.1 * d2.sum(axis=0)")
)


def test_a_bias_that_grows_is_named_where_its_gradient_has_no_name(tmp_path: Path) -> None:
    code, text = checked(tmp_path, WITHOUT_A_NAME)
    assert code == report.WRONG, text
    assert "WRONG  b1: it is not summed over the samples" in text, text
    assert "right  b2" in text, text


ROUNDED = """
import numpy as np
rng = np.random.default_rng(0)
heures = rng.normal(size=(30, 2))
taille = heures @ np.array([1.5, -0.5]) + 2.0
w, b = np.zeros(2), 0.0
for essai in range(20):
    ecart = heures @ w + b - taille
    cout = np.mean(ecart**2)
    w = w - 0.1 * 2 * heures.T @ ecart / FACTOR
    b = b - 0.1 * 2 * ecart.mean()
    print(essai, round(cout, 3))
"""


def test_a_loss_that_is_printed_in_few_digits_is_taken_as_it_was_before(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ROUNDED.replace("FACTOR", "len(heures)"))
    assert code == report.RIGHT, text
    assert "loss: cout" in text, text
    code, text = checked(tmp_path, ROUNDED.replace("FACTOR", "1"))
    assert code == report.WRONG, text


MEAN_ERROR = """
import numpy as np

rng = np.random.default_rng(1)
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0, 1, 1, 0]]).T
syn0 = 2 * rng.random((3, 5)) - 1
syn1 = 2 * rng.random((5, 1)) - 1
for j in range(800):
    l1 = 1 / (1 + np.exp(-X @ syn0))
    l2 = 1 / (1 + np.exp(-l1 @ syn1))
    if j % 100 == 0:
        print("error:", np.mean(np.abs(y - l2)))
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_delta = l2_delta @ syn1.T * (l1 * (1 - l1))
    syn1 += l1.T @ l2_delta
    syn0 += X.T @ l1_delta
"""


@pytest.mark.parametrize(
    "figure", ["np.mean(np.abs(y - l2))", "np.abs(y - l2).max()", "np.sqrt(np.mean((y - l2)**2))"]
)
def test_a_figure_of_the_error_is_a_report_of_squares_that_are_trained(
    figure: str, tmp_path: Path
) -> None:
    code, text = checked(tmp_path, MEAN_ERROR.replace("np.mean(np.abs(y - l2))", figure))
    assert code == report.RIGHT, text


def test_an_early_update_is_named_beside_such_a_report(tmp_path: Path) -> None:
    delta, update = MEAN_ERROR.splitlines(keepends=True)[-3:-1]
    code, text = checked(tmp_path, MEAN_ERROR.replace(delta + update, update + delta))
    assert code == report.WRONG
    assert "syn1 is changed (line 15) before it is used for this gradient" in text
