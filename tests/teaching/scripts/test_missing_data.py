"""Files that load what is not there: made data stand in for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

TABLE = """
import numpy as np
import pandas as pd

table = pd.read_csv("no_such_houses.csv")
area = table["Area"].values
price = table["Price"].values
slope, base = 0.1, 0.2
for step in range(50):
    guess = slope * area + base
    loss = ((guess - price) ** 2).mean()
    d_slope = 2 * ((guess - price) * area).mean()
    d_base = 2 * (guess - price).mean()
    slope -= 0.01 * d_slope
    base -= 0.01 * d_base
"""

DIGITS = """
import numpy as np

table = np.loadtxt("no_such_digits.csv", delimiter=",")
X = table[:, 1:] / 255
y = table[:, 0].astype(int)
rng = np.random.default_rng(0)
W1, b1 = rng.normal(size=(64, 12)) / 8, np.zeros(12)
W2, b2 = rng.normal(size=(12, 10)) / 4, np.zeros(10)
for step in range(50):
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    dW2, db2 = h.T @ d, d.sum(axis=0)
    dh = d @ W2.T * (h > 0)
    dW1, db1 = X.T @ dh, dh.sum(axis=0)
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
"""

COURSE = """
import numpy as np
from no_such_course_utils import sigmoid, load_flowers, plot_boundary

def train(X, Y, steps):
    W1, b1 = np.random.randn(4, X.shape[0]) * 0.5, np.zeros((4, 1))
    W2, b2 = np.random.randn(1, 4) * 0.5, np.zeros((1, 1))
    m = X.shape[1]
    for i in range(steps):
        A1 = np.tanh(W1 @ X + b1)
        A2 = sigmoid(W2 @ A1 + b2)
        cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
        dZ2 = A2 - Y
        dW2 = dZ2 @ A1.T / m
        db2 = dZ2.sum(axis=1, keepdims=True) / m
        dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
        dW1 = dZ1 @ X.T / m
        db1 = dZ1.sum(axis=1, keepdims=True) / m
        W1, b1 = W1 - 0.5 * dW1, b1 - 0.5 * db1
        W2, b2 = W2 - 0.5 * dW2, b2 - 0.5 * db2
    return W1, b1, W2, b2

X, Y = load_flowers()
plot_boundary(train(X, Y, 100), X, Y)
"""

LETTERS = """
import numpy as np

text = open("no_such_book.txt").read()
letters = sorted(set(text))
number = {c: i for i, c in enumerate(letters)}
V = len(letters)
W = np.random.randn(V, V) * 0.1
for n in range(100):
    ins = np.array([number[c] for c in text[n : n + 8]])
    outs = np.array([number[c] for c in text[n + 1 : n + 9]])
    x = np.eye(V)[ins]
    e = np.exp(x @ W)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(8), outs]).mean()
    d = (p - np.eye(V)[outs]) / 8
    dW = x.T @ d
    W -= 0.1 * dW
"""

FILES = {"table": TABLE, "digits": DIGITS, "course": COURSE, "letters": LETTERS}


@pytest.mark.parametrize("name", FILES)
def test_a_right_file_whose_data_are_missing_is_right(name: str, tmp_path: Path) -> None:
    code, text = checked(tmp_path, FILES[name])
    assert code == 0, text
    assert "data made for it" in text, text


WRONG = [
    ("table", "d_base = 2 * (guess", "d_base = -2 * (guess", "base", "opposite sign"),
    ("digits", " * (h > 0)", "", "W1", "ReLU"),
    ("course", "(1 - A1 ** 2)", "A1 * (1 - A1)", "W1", "tanh"),
    ("letters", "np.eye(V)[outs]) / 8", "np.eye(V)[outs])", "W", "8 times"),
]


@pytest.mark.parametrize(("name", "before", "after", "block", "words"), WRONG)
def test_a_mistake_is_named_with_made_data(
    name: str, before: str, after: str, block: str, words: str, tmp_path: Path
) -> None:
    assert before in FILES[name]
    code, text = checked(tmp_path, FILES[name].replace(before, after))
    assert code == 1, text
    (line,) = (line for line in text.splitlines() if line.startswith(f"WRONG  {block}:"))
    assert words in line, text


def test_a_file_that_is_there_is_read(tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 10},{i / 5 + 1}" for i in range(30))
    (tmp_path / "no_such_houses.csv").write_text(f"Area,Price\n{rows}\n", "utf-8")
    source = TABLE.replace("import pandas as pd\n", "").replace(
        'pd.read_csv("no_such_houses.csv")',
        'np.genfromtxt("no_such_houses.csv", delimiter=",", names=True)',
    )
    code, text = checked(tmp_path, source.replace("].values", "]"))
    assert code == 0, text
    assert "data made for it" not in text, text


PROGRESS = """
import numpy as np
from no_such_progress_bar import tqdm

x = np.linspace(-1, 1, 20)
y = 3 * x + 1
w, b = 0.1, 0.2
for step in tqdm(range(30)):
    e = w * x + b - y
    loss = np.mean(e ** 2)
    dw, db = 2 * np.mean(e * x), 2 * np.mean(e)
    w -= 0.1 * dw
    b -= 0.1 * db
"""


def test_a_module_that_is_not_installed_is_done_without(tmp_path: Path) -> None:
    code, text = checked(tmp_path, PROGRESS)
    assert code == 0, text
    assert "without no_such_progress_bar.tqdm, which is not installed" in text, text


def test_a_mistake_is_named_without_a_module(tmp_path: Path) -> None:
    code, text = checked(tmp_path, PROGRESS.replace("2 * np.mean(e * x)", "np.mean(e * x)"))
    assert code == 1, text
    assert "WRONG  w" in text, text
