"""Causes that are said with confidence, and are the right ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minnet.teaching.scripts import report
from minnet.teaching.scripts.rules import judge
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

SLOTS = """
import numpy as np

class Dense:
    def __init__(self, rng, i, o):
        self.values = {"W": rng.normal(size=(i, o)) / np.sqrt(i), "b": np.zeros(o)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.values["W"] + self.values["b"]

    def backward(self, dy):
        self.grads = {"W": self.x.T @ dy, "b": dy.sum(axis=0)}
        return dy @ self.values["W"].T

class Adagrad:
    def __init__(self):
        self.sums = {}

    def step(self, net):
        for i, one in enumerate(net):
            for k in one.values:
                old = self.sums.get((i, k), 0.0)
                self.sums[i, k] = old + one.grads[k] ** 2
                one.values[k] -= 0.05 * one.grads[k] / (np.sqrt(self.sums[i, k]) + 1e-7)

def main():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20, 3))
    t = x @ rng.normal(size=(3, 2)) + 1.0
    net = [Dense(rng, 3, 4), Dense(rng, 4, 2)]
    rule = Adagrad()
    for epoch in range(12):
        h = x
        for layer in net:
            h = layer.forward(h)
        loss = np.mean((h - t) ** 2)
        g = 2 * (h - t) / h.size
        for layer in reversed(net):
            g = layer.backward(g)
        rule.step(net)

main()
"""


def test_a_rule_over_layers_with_slots_in_dicts_is_held_to_its_formula(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SLOTS)
    assert code == report.RIGHT, text
    assert "right  update (Adagrad)" in text
    code, text = checked(tmp_path, SLOTS.replace("= old + one", "= one"))
    assert code == report.WRONG, text
    assert "the squares are not added up" in text


def test_steps_of_one_size_along_the_sign_are_no_broken_adagrad() -> None:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=(3, 2)) for _ in range(5)]
    verdict = judge([0.05 * np.sign(g) for g in gradients], gradients, [0.05], "sign descent")
    assert verdict is None or "added up" not in str(verdict[1])


POOLED = """
import numpy as np

def convolved(x, k):
    rows, columns = x.shape[1] - 2, x.shape[2] - 2
    out = np.zeros((len(x), len(k), rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = np.tensordot(x[:, i:i + 3, j:j + 3], k[:, 0], axes=([1, 2], [1, 2]))
    return out

def of_kernel(x, dy, k):
    dk = np.zeros_like(k)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            dk[:, 0] += np.tensordot(dy[:, :, i, j], x[:, i:i + 3, j:j + 3], axes=([0], [0]))
    return dk

rng = np.random.default_rng(3)
x = rng.normal(size=(24, 6, 6))
t = rng.normal(size=(24, 1))
k = rng.normal(size=(2, 1, 3, 3)) * 0.4
w = rng.normal(size=(8, 1)) * 0.4
for step in range(20):
    z = convolved(x, k)
    a = np.tanh(z)
    p = a.reshape(24, 2, 2, 2, 2, 2).mean(axis=(3, 5))
    s = p.reshape(24, -1) @ w
    loss = ((s - t) ** 2).mean()
    ds = 2 * (s - t) / len(t)
    dw = p.reshape(24, -1).T @ ds
    dp = (ds @ w.T).reshape(p.shape)
    da = np.repeat(np.repeat(dp, 2, axis=2), 2, axis=3) / 4
    dk = of_kernel(x, da * (1 - a ** 2), k)
    k -= 0.1 * dk
    w -= 0.1 * dw
"""


def test_a_constant_in_every_entry_comes_before_a_kernel_that_is_turned(tmp_path: Path) -> None:
    code, text = checked(tmp_path, POOLED)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, POOLED.replace("axis=3) / 4", "axis=3)"))
    assert code == report.WRONG, text
    assert "WRONG  k: it is 4 times what was measured" in text
    assert "of a window of 4 each entry has 1/4 of the mean" in text
    assert "turned" not in text


def test_a_kernel_that_is_turned_is_named(tmp_path: Path) -> None:
    patch = "x[:, i:i + 3, j:j + 3], axes=([0]"
    assert patch in POOLED
    turned = "x[:, i:i + 3, j:j + 3][:, ::-1, ::-1], axes=([0]"
    code, text = checked(tmp_path, POOLED.replace(patch, turned))
    assert code == report.WRONG, text
    assert "WRONG  k: line 16: x[:, i:i + 3, j:j + 3][:, ::-1, ::-1] is turned round" in text


def test_kernels_without_channels_that_are_turned_are_named(tmp_path: Path) -> None:
    source = POOLED.replace("size=(2, 1, 3, 3)", "size=(2, 3, 3)").replace("[:, 0]", "")
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    patch = "x[:, i:i + 3, j:j + 3], axes=([0]"
    assert patch in source
    turned = "x[:, i:i + 3, j:j + 3][:, ::-1, ::-1], axes=([0]"
    code, text = checked(tmp_path, source.replace(patch, turned))
    assert code == report.WRONG, text
    assert "WRONG  k: line 16: x[:, i:i + 3, j:j + 3][:, ::-1, ::-1] is turned round" in text


HINGE = """
import numpy as np

rng = np.random.default_rng(6)
y = rng.integers(0, 4, 30)
X = np.c_[rng.normal(size=(30, 2)) + y[:, None], np.ones(30)]
W = rng.normal(size=(3, 4)) * 0.001
for step in range(15):
    loss = 0.0
    dW = np.zeros_like(W)
    for i in range(len(X)):
        s = X[i] @ W
        for j in range(W.shape[1]):
            margin = s[j] - s[y[i]] + 1
            if j == y[i] or margin <= 0:
                continue
            loss += margin / len(X)
            dW[:, j] += X[i] / len(X)
            dW[:, y[i]] -= X[i] / len(X)
    W -= 0.1 * dW
"""


def test_a_line_behind_a_loop_belongs_into_it(tmp_path: Path) -> None:
    code, text = checked(tmp_path, HINGE)
    assert code == report.RIGHT, text
    line = "    dW[:, y[i]] -= X[i] / len(X)\n"
    mistaken = HINGE.replace("        " + line, "    " + line)
    assert mistaken != HINGE
    code, text = checked(tmp_path, mistaken)
    assert code == report.WRONG, text
    assert "behind the loop over j, and belongs inside" in text
    assert "the factor 3" not in text


LISTED = """
import numpy as np

rng = np.random.default_rng(6)
y = rng.integers(0, 4, 30)
X = np.c_[rng.normal(size=(30, 2)) + y[:, None], np.ones(30)]
W = rng.normal(size=(3, 4)) * 0.001
for step in range(15):
    loss = 0.0
    dW = np.zeros_like(W)
    for i in range(len(X)):
        s = X[i] @ W
        over = [j for j in range(4) if j != y[i] and s[j] - s[y[i]] + 1 > 0]
        loss += sum(s[j] - s[y[i]] + 1 for j in over)
        dW[:, over] += X[i][:, None]
        dW[:, y[i]] -= len(over) * X[i]
    W -= 0.01 * dW
"""


def test_a_number_that_fits_one_batch_alone_is_not_said(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LISTED)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, LISTED.replace("len(over) * X", "X"))
    assert code == report.WRONG, text
    assert "the factor 3" not in text


ROWS = """
import numpy as np

rng = np.random.default_rng(6)
y = rng.integers(0, 3, 30)
X = np.c_[rng.normal(size=(30, 2)) + y[:, None], np.ones(30)]
W = rng.normal(size=(3, 3)) * 0.001
for step in range(15):
    s = X @ W
    margins = np.maximum(0, s - s[np.arange(30), y][:, None] + 1)
    margins[np.arange(30), y] = 0
    loss = margins.sum() / 30
    G = (margins > 0).astype(float)
    G[np.arange(30), y] = -G.sum(axis=1)
    dW = X.T @ G / 30
    W -= 0.1 * dW
"""


def test_as_many_as_a_row_has_are_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, ROWS)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, ROWS.replace("= -G.sum(axis=1)", "= -1"))
    assert code == report.WRONG, text
    assert "-1 stands where -G.sum(axis=1) belongs" in text


SENTENCES = """
import numpy as np

rng = np.random.default_rng(5)
inputs = [np.array([1, 2, 1]), np.array([0, 3]), np.array([4, 4, 2]), np.array([3, 0, 1])]
around = [[0, 2], [1, 2, 3], [0], [2, 4, 1, 0]]
E = rng.normal(size=(5, 3))
V = rng.normal(size=(3, 5))
for epoch in range(5):
    for ids, words in zip(inputs, around):
        h = E[ids].sum(axis=0)
        u = h @ V
        p = np.exp(u) / np.exp(u).sum()
        hot = np.eye(5)[words]
        loss = -np.log(p[words]).sum()
        du = len(hot) * p - hot.sum(axis=0)
        dV = np.outer(h, du)
        dE = np.zeros_like(E)
        np.add.at(dE, ids, V @ du)
        E -= 0.05 * dE
        V -= 0.05 * dV
"""


def test_an_index_that_comes_twice_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SENTENCES)
    assert code == report.RIGHT, text
    mistaken = SENTENCES.replace("np.add.at(dE, ids, V @ du)", "dE[ids] += V @ du")
    code, text = checked(tmp_path, mistaken)
    assert code == report.WRONG, text
    assert "with `np.add.at(dE, ids, V @ du)` E agrees" in text


def test_a_share_that_is_counted_once_for_several_terms_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SENTENCES.replace("len(hot) * p", "p"))
    assert code == report.WRONG, text
    assert "p is there once, and belongs there once for each" in text
    assert "the factor 2" not in text


JACOBIAN = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()

def jacobian(s):
    return np.diag(s) - np.outer(s, s)

rng = np.random.default_rng(5)
X, labels = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
W, b = rng.normal(size=(3, 4)), np.zeros(3)
for epoch in range(3):
    for x, label in zip(X, labels):
        p = softmax(W @ x + b)
        loss = -np.log(p[label])
        dp = np.zeros(3)
        dp[label] = -1 / p[label]
        dz = jacobian(p) @ dp
        dW, db = np.outer(dz, x), dz
        W -= 0.1 * dW
        b -= 0.1 * db
"""


def test_the_diagonal_of_softmax_is_named_in_a_function_without_a_partner(tmp_path: Path) -> None:
    code, text = checked(tmp_path, JACOBIAN)
    assert code == report.RIGHT, text
    jacobian = "np.diag(s) - np.outer(s, s)"
    code, text = checked(tmp_path, JACOBIAN.replace(jacobian, "np.diag(s * (1 - s))"))
    assert code == report.WRONG, text
    assert "softmax's Jacobian has its diagonal alone" in text
    code, text = checked(tmp_path, JACOBIAN.replace("jacobian(p) @ dp", "p * (1 - p) * dp"))
    assert code == report.WRONG, text
    assert "the softmax is taken for its diagonal alone" in text


LARGEST = POOLED.replace(".mean(axis=(3, 5))", ".max(axis=(3, 5))").replace(
    "/ 4", "* (a == np.repeat(np.repeat(p, 2, axis=2), 2, axis=3))"
)


def test_a_maximum_that_goes_back_to_the_whole_window_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LARGEST)
    assert code == report.RIGHT, text
    right = " * (a == np.repeat(np.repeat(p, 2, axis=2), 2, axis=3))"
    assert right in LARGEST
    code, text = checked(tmp_path, LARGEST.replace(right, ""))
    assert code == report.WRONG, text
    assert "of a window only the largest entry got through forward" in text


RATES = """
import numpy as np

rng = np.random.default_rng(8)
X = rng.normal(size=(3, 20))
Y = (X[:1] * X[1:2] > 0) * 1.0
sizes, kept = [3, 6, 5, 1], [1.0, 0.8, 0.7]
W = [rng.normal(size=(o, i)) for i, o in zip(sizes, sizes[1:])]
s = [np.ones((n, 1)) for n in sizes[1:]]
for step in range(40):
    masks = [rng.random((n, 20)) < k for n, k in zip(sizes, kept)]
    A, Z = [X], []
    for l in range(3):
        Z.append(W[l] @ A[-1])
        A.append(np.tanh(s[l] * Z[l]))
        if l < 2:
            A[-1] = A[-1] * masks[l + 1] / kept[l + 1]
    loss = 0.5 * np.sum((A[-1] - Y) ** 2) / 20
    dA = (A[-1] - Y) / 20
    for l in (2, 1, 0):
        if l < 2:
            dA = dA * masks[l + 1] / kept[l + 1]
        dZ = dA * (1 - np.tanh(s[l] * Z[l]) ** 2)
        dX = (dA * s[l]) * (1 - np.tanh(s[l] * Z[l]) ** 2)
        dA = W[l].T @ dX
        s[l] -= 0.1 * (dZ * Z[l]).sum(axis=1, keepdims=True)
        W[l] -= 0.1 * dX @ A[l].T
    print(loss)
"""


def test_the_rate_of_a_dropout_that_stands_in_a_list_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, RATES)
    assert code == report.RIGHT, text
    code, text = checked(
        tmp_path, RATES.replace("dA * masks[l + 1] / kept[l + 1]", "dA * masks[l + 1]")
    )
    assert code == report.WRONG, text
    assert re.search(r"the mask masks\[l( \+ 1)?\] over kept\[l( \+ 1)?\]", text), text


def test_a_matrix_product_where_each_entry_has_its_own_factor_is_named(tmp_path: Path) -> None:
    mistaken = RATES.replace("(dA * s[l])", "np.dot(s[l].T, dA)")
    code, text = checked(tmp_path, mistaken)
    assert code == report.WRONG, text
    assert "a matrix product stands where the elementwise product * belongs" in text


LEAKY = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(20, 3))
Y = (X[:, :1] > 0) * 1.0
W1, W2 = rng.normal(size=(3, 5)), rng.normal(size=(5, 1))

def leaky(z):
    return np.maximum(z, 0.1 * z)

def leaky_backward(d, z):
    d = d.copy()
    d[z <= 0] *= 0.1
    return d

for step in range(50):
    z = X @ W1
    h = leaky(z)
    loss = 0.5 * np.mean((h @ W2 - Y) ** 2)
    dout = (h @ W2 - Y) / len(X)
    dW2, dW1 = h.T @ dout, X.T @ leaky_backward(dout @ W2.T, z)
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
    print(loss)
"""


def test_a_leaky_relu_that_is_shut_on_the_way_back_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LEAKY)
    assert code == report.RIGHT, text
    code, text = checked(tmp_path, LEAKY.replace("d[z <= 0] *= 0.1", "d[z <= 0] = 0"))
    assert code == report.WRONG, text
    assert "line 13: the slope of the leaky ReLU is missing where it is off: times 0.1" in text


OF_ROWS = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(30, 3))
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
W, b = rng.normal(size=(3, 3)), np.zeros((1, 3))

def probabilities(scores):
    e = np.exp(scores - scores.max())
    norm = e.sum(axis=1, keepdims=True)
    return e / norm

for i in range(5):
    P = probabilities(X @ W + b)
    loss = -np.log(P[range(30), y]).mean()
    dS = (P - np.eye(3)[y]) / 30
    dW, db = X.T @ dS, dS.sum(axis=0, keepdims=True)
    W -= 0.5 * dW
    b -= 0.5 * db
"""


def test_a_softmax_over_the_whole_batch_is_named_at_its_sum(tmp_path: Path) -> None:
    assert checked(tmp_path, OF_ROWS)[0] == 0
    code, text = checked(tmp_path, OF_ROWS.replace("axis=1, keepdims=True", ""))
    assert code == 1
    assert "WRONG  loss" in text
    assert "with `norm = e.sum(axis=1, keepdims=True)`" in text
