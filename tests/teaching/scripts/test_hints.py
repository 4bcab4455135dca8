"""What the other lines of a script tell of the one that is wrong."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from minnet.teaching.scripts.hints import form
from tests.teaching.scripts.files import checked

MEMORY = """
import numpy as np
rng = np.random.default_rng(0)
U, V = 0.5 * rng.normal(size=(1, 12)), 0.5 * rng.normal(size=(3, 12))
w = rng.normal(size=(3, 1))

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def forward(x):
    h, c, kept = np.zeros((len(x), 3)), np.zeros((len(x), 3)), []
    for t in range(x.shape[1]):
        a = x[:, t:t + 1] @ U + h @ V
        i, f, o = sigmoid(a[:, :3]), sigmoid(a[:, 3:6]), sigmoid(a[:, 6:9])
        g = np.tanh(a[:, 9:])
        new = f * c + i * g
        kept.append((x[:, t:t + 1], h, c, i, f, o, g, new))
        h, c = o * np.tanh(new), new
    return h, kept

def backward(dh, kept):
    dU, dV, dc_next = np.zeros_like(U), np.zeros_like(V), np.zeros_like(dh)
    for x, h, c, i, f, o, g, new in reversed(kept):
        do = dh * np.tanh(new)
        dc = dh * o * (1 - np.tanh(new) ** 2){term}
        di, df, dg = dc * g, dc * c, dc * i
        da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
        dU += x.T @ da
        dV += h.T @ da
        dh = da @ V.T
        dc_next = dc * f
    return dU, dV

X = rng.normal(size=(10, 5))
y = X.sum(axis=1, keepdims=True)
for epoch in range(20):
    h, kept = forward(X)
    error = h @ w - y
    loss = 0.5 * np.mean(error**2)
    dU, dV = backward(error / len(X) @ w.T, kept)
    w = w - 0.1 * h.T @ error / len(X)
    U -= 0.1 * dU
    V -= 0.1 * dV
    print(loss)
"""


@pytest.mark.slow
def test_what_is_computed_and_not_used_is_tried_first(tmp_path: Path) -> None:
    code, text = checked(tmp_path, MEMORY.format(term=" + dc_next"))
    assert code == 0, text
    code, text = checked(tmp_path, MEMORY.format(term=""))
    assert code == 1, text
    assert "the term + dc_next is missing" in text, text
    assert "with `dc = dh * o * (1 - np.tanh(new) ** 2) + dc_next` V, U agree" in text, text


@pytest.mark.slow
def test_a_cause_is_told_once_and_the_others_follow_from_it(tmp_path: Path) -> None:
    _, text = checked(tmp_path, MEMORY.format(term=""))
    assert text.count("The line is") == 1, text
    assert "WRONG  V: line 25: the term" in text, text
    assert "WRONG  U: it follows from the same as V does: line 25: the term + dc_next" in text


VELOCITY = """
import math, random
random.seed(5)
w1 = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(3)]
w2 = [random.uniform(-1, 1) for _ in range(3)]
v1, v2 = [[0.0] * 3 for _ in range(3)], [0.0] * 3

def train(x, t):
    h = [math.tanh(sum(w * a for w, a in zip(w1[j], x))) for j in range(3)]
    out = sum(w * a for w, a in zip(w2, h))
    d_out = out - t
    d_hid = [d_out * w2[j] * (1 - h[j] ** 2) for j in range(3)]
    for j in range(3):
        v2[j] = 0.5 * v2[j] - 0.1 * d_out * h[j]
        w2[j] += v2[j]
    for j in range(3):
        for i in range(3):
            v1[j][i] = 0.5 * v1[j][i] - 0.1 * d_hid[j] * x[i]
            w1[j][i] {sign} v1[j][i]

for epoch in range(30):
    for x, t in [([0.3, 1.0, 1.0], 1.0), ([1.0, 0.2, 1.0], 1.0), ([1.0, 0.8, 1.0], 0.0)]:
        train(x, t)
"""


@pytest.mark.slow
def test_the_sign_is_wrong_in_the_line_that_is_not_like_the_others(tmp_path: Path) -> None:
    code, text = checked(tmp_path, VELOCITY.format(sign="+="))
    assert code == 0, text
    code, text = checked(tmp_path, VELOCITY.format(sign="-="))
    assert code == 1, text
    assert "with `w1[j][i] += v1[j][i]` w1[2][2], w1[2][1]" in text, text
    assert text.count("with `w1[j][i] += v1[j][i]`") == 1, text
    same = "it is −1 times what was measured. It follows from the same as w1[2][2] does: line 19"
    assert same in text, text


def test_lines_of_one_form_differ_by_names_and_indices_alone() -> None:
    lines = ["w[j] += v[j]", "self.w1 += net.v1[i][j]", "w -= v", "w += f(v)"]
    forms = [form(ast.parse(line).body[0]) for line in lines]
    assert forms[0] == forms[1] == "_ += _"
    assert len(set(forms)) == 3
