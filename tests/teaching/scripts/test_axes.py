"""Reshapes that fit and mix the axes up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minnet.teaching.scripts.axes import of_axes
from minnet.teaching.scripts.scopes import evaluated, parsed, text_of
from tests.teaching.scripts.files import checked

COLUMNS = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2, 5, 5))
y = X[:, 0, 1:4, 1:4].sum(axis=(1, 2))
W, b = 0.3 * rng.normal(size=(4, 2, 3, 3)), np.zeros((4, 1))
V = 0.3 * rng.normal(size=36)

def columns(x):
    rows = [x[:, :, i:i + 3, j:j + 3].reshape(len(x), -1).T for i in range(3) for j in range(3)]
    return np.stack(rows, axis=1).reshape(18, -1)

for epoch in range(20):
    C = columns(X)
    out = (W.reshape(4, -1) @ C + b).reshape(4, 3, 3, 20).transpose(3, 0, 1, 2)
    h = np.tanh(out)
    error = h.reshape(20, -1) @ V - y
    loss = np.mean(error**2)
    dV = h.reshape(20, -1).T @ error * 2 / 20
    dout = (np.outer(error, V) * 2 / 20).reshape(h.shape) * (1 - h**2)
    db = dout.sum(axis=(0, 2, 3)).reshape(4, 1)
    dW = ({flat} @ C.T).reshape(W.shape)
    W -= 0.01 * dW
    b -= 0.01 * db
    V -= 0.01 * dV
"""
RIGHT = "dout.transpose(1, 2, 3, 0).reshape(4, -1)"


@pytest.mark.slow
@pytest.mark.parametrize(
    "flat", ["dout.reshape(4, -1)", "dout.transpose(1, 0, 2, 3).reshape(4, -1)"]
)
def test_axes_that_are_mixed_up_are_named(tmp_path: Path, flat: str) -> None:
    code, text = checked(tmp_path, COLUMNS.format(flat=RIGHT))
    assert code == 0, text
    code, text = checked(tmp_path, COLUMNS.format(flat=flat))
    assert code == 1, text
    assert "b, V are right" in text or "V, b are right" in text, text
    assert f"with `dW = ({RIGHT} @ C.T).reshape(W.shape)` W agrees" in text, text
    assert "axes" in text, text


def test_each_order_that_is_tried_keeps_the_shape_of_a_reshape() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    whole = evaluated(parsed("x.reshape(3, 2, 4)"), {"x": x})
    tried = [text_of(new) for *_, new in of_axes(parsed("x.reshape(3, 2, 4)"), {"x": x})]
    assert "x.transpose(1, 0, 2).reshape(3, 2, 4)" in tried
    assert "x.reshape(2, 3, 4).transpose(1, 0, 2)" in tried
    assert len(set(tried)) == len(tried) == 10
    for text in tried:
        value = evaluated(parsed(text), {"x": x})
        assert value.shape == whole.shape, text
        assert not np.array_equal(value, whole), text
