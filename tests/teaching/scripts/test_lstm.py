"""A long short-term memory written by hand, and what is forgotten on the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

GATES = """
import numpy as np
rng = np.random.default_rng(3)
wave = np.sin(np.arange(0, 30) * 0.4)
H = 4

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

class Memory:
    def __init__(self):
        self.Wf, self.Wi, self.Wg, self.Wo = rng.normal(size=(4, H, H + 1)) * 0.5
        self.bf, self.bi, self.bg, self.bo = np.zeros((4, H, 1))
        self.V = rng.normal(size=(1, H))

    def forward(self, xs):
        self.zs, self.gates, self.cs, self.hs = [], [], [np.zeros((H, 1))], [np.zeros((H, 1))]
        for x in xs:
            z = np.vstack([self.hs[-1], [[x]]])
            f, i = sigmoid(self.Wf @ z + self.bf), sigmoid(self.Wi @ z + self.bi)
            g, o = np.tanh(self.Wg @ z + self.bg), sigmoid(self.Wo @ z + self.bo)
            c = f * self.cs[-1] + i * g
            self.zs.append(z)
            self.gates.append((f, i, g, o))
            self.cs.append(c)
            self.hs.append(o * np.tanh(c))
        return self.V @ self.hs[-1]

    def backward(self, dy):
        self.dV = dy @ self.hs[-1].T
        self.dWf, self.dWi, self.dWg, self.dWo = np.zeros((4, H, H + 1))
        self.dbf, self.dbi, self.dbg, self.dbo = np.zeros((4, H, 1))
        dh, dc_next = self.V.T @ dy, np.zeros((H, 1))
        for t in reversed(range(len(self.zs))):
            f, i, g, o = self.gates[t]
            c, c_prev, z = self.cs[t + 1], self.cs[t], self.zs[t]
            do = dh * np.tanh(c) * o * (1 - o)
            dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
            df = dc * c_prev * f * (1 - f)
            di = dc * g * i * (1 - i)
            dg = dc * i * (1 - g ** 2)
            self.dWf += df @ z.T
            self.dWi += di @ z.T
            self.dWg += dg @ z.T
            self.dWo += do @ z.T
            self.dbf += df
            self.dbi += di
            self.dbg += dg
            self.dbo += do
            dz = self.Wf.T @ df + self.Wi.T @ di + self.Wg.T @ dg + self.Wo.T @ do
            dh, dc_next = dz[:H], dc * f

    def step(self, lr):
        for name in ("Wf", "Wi", "Wg", "Wo", "bf", "bi", "bg", "bo", "V"):
            weight = getattr(self, name)
            weight -= lr * getattr(self, "d" + name)

net = Memory()
for k in range(24):
    y = net.forward(wave[k:k + 5])
    loss = 0.5 * np.sum((y - wave[k + 5]) ** 2)
    net.backward(y - wave[k + 5])
    net.step(0.05)
"""


def test_a_memory_that_is_right_is_right(tmp_path: Path) -> None:
    code, text = checked(tmp_path, GATES)
    assert code == 0, text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("df = dc * c_prev", "df = dc * c", "c stands where c_prev belongs"),
        (" + dc_next\n", "\n", "the term + dc_next is missing"),
    ],
)
def test_what_is_forgotten_on_the_way_back_is_named(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    code, text = checked(tmp_path, GATES.replace(old, new))
    assert code == 1
    assert words in text
