"""Networks of lists in which a weight's gradient has another number than went into the weight."""

from __future__ import annotations

from pathlib import Path

import pytest

from minnet.teaching.scripts import report
from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

DICTS = """
from math import tanh
from random import seed, uniform

seed(3)
sizes = [2, 3, 2]
net = [[{"w": [uniform(-1, 1) for _ in range(a + 1)]} for _ in range(b)]
       for a, b in zip(sizes, sizes[1:])]
rows = [[0.3, 1.2, 0.5, -0.5], [-0.8, 0.4, 0.1, 0.7], [1.1, -0.6, -0.3, 0.2]]

def forward(x):
    for layer in net:
        new = []
        for n in layer:
            n["out"] = tanh(n["w"][-1] + sum(w * v for w, v in zip(n["w"], x)))
            new.append(n["out"])
        x = new
    return x

def backward(t):
    for k in (1, 0):
        for j, n in enumerate(net[k]):
            if k == 1:
                e = n["out"] - t[j]
            else:
                e = sum(m["w"][j] * m["delta"] for m in net[1])
            n["delta"] = e * (1 - n["out"] ** 2)

def update(x, lr):
    for k, layer in enumerate(net):
        given = x if k == 0 else [n["out"] for n in net[k - 1]]
        for n in layer:
            for j, v in enumerate(given):
                n["w"][j] -= lr * n["delta"] * v
            n["w"][-1] -= lr * n["delta"]

for epoch in range(50):
    loss = 0.0
    for row in rows:
        x, t = row[:2], row[2:]
        out = forward(x)
        loss += 0.5 * sum((o - y) ** 2 for o, y in zip(out, t))
        backward(t)
        update(x, 0.1)
    print(epoch, loss)
"""

LINEAR = """
data = [[1, 2, 1.0, 0.5], [0, 1, 0.2, -0.4], [1, 1, 0.9, 0.3]]
units = [{"w": [0.1, -0.2], "b": 0.0}, {"w": [0.3, 0.2], "b": 0.1}]
for epoch in range(40):
    for row in data:
        error_sum = 0.0
        for k, unit in enumerate(units):
            y = unit["b"] + unit["w"][0] * (row[0] + 0.5) + unit["w"][1] * (row[1] - 0.3)
            unit["error"] = y - row[2 + k]
            error_sum += 0.5 * unit["error"] ** 2
        for unit in units:
            unit["w"][0] -= 0.1 * unit["error"] * (row[0] + 0.5)
            unit["w"][1] -= 0.1 * unit["error"] * (row[1] - 0.3)
            unit["b"] -= 0.1 * unit["error"]
    print(error_sum)
"""


def test_the_input_of_the_network_for_that_of_the_layer_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, DICTS)
    assert code == report.RIGHT, text
    assert "net[1][1].w[0]" in text
    changed = DICTS.replace(" if k == 0 else [n", " if k >= 0 else [n")
    code, text = checked(tmp_path, changed)
    assert code == report.WRONG, text
    assert "x[1] stands where net[0][1].out belongs" in text, text
    assert "line 34 multiplies by" in text, text


def test_a_wrong_step_of_one_number_is_no_running_average(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LINEAR)
    assert code == report.RIGHT, text
    code, text = checked(
        tmp_path, LINEAR.replace('["error"] * (row[1] - 0.3)', '["error"] * row[1]')
    )
    assert code == report.WRONG, text
    assert "WRONG  units[0].w[1]" in text, text
