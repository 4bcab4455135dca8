"""Causes that are said with confidence, and are the right ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minnet.teaching.scripts import report
from minnet.teaching.scripts.rules import judge
from tests.teaching.scripts.files import checked

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
    assert "turned" not in text


def test_a_kernel_that_is_turned_is_named(tmp_path: Path) -> None:
    patch = "x[:, i:i + 3, j:j + 3], axes=([0]"
    assert patch in POOLED
    turned = "x[:, i:i + 3, j:j + 3][:, ::-1, ::-1], axes=([0]"
    code, text = checked(tmp_path, POOLED.replace(patch, turned))
    assert code == report.WRONG, text
    assert "WRONG  k: it is what belongs to the kernel turned by 180°" in text


def test_kernels_without_channels_that_are_turned_are_named(tmp_path: Path) -> None:
    source = POOLED.replace("size=(2, 1, 3, 3)", "size=(2, 3, 3)").replace("[:, 0]", "")
    code, text = checked(tmp_path, source)
    assert code == report.RIGHT, text
    patch = "x[:, i:i + 3, j:j + 3], axes=([0]"
    assert patch in source
    turned = "x[:, i:i + 3, j:j + 3][:, ::-1, ::-1], axes=([0]"
    code, text = checked(tmp_path, source.replace(patch, turned))
    assert code == report.WRONG, text
    assert "WRONG  k: it is what belongs to the kernel turned by 180°" in text
