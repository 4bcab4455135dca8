"""The update of a loop: what it remembers, and its rate from weight to weight."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teaching.scripts.files import checked

pytestmark = pytest.mark.slow  # a file is run many times in each

NORMALIZED = """
import numpy as np

class Normalization:
    def __init__(self, d):
        self.gamma, self.beta = np.ones(d), np.zeros(d)
        self.momentum = 0.9
        self.moment1, self.v_t = np.zeros(d), np.ones(d)

    def forward(self, x):
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.moment1 = self.momentum * self.moment1 + (1 - self.momentum) * mean
        self.v_t = self.momentum * self.v_t + (1 - self.momentum) * var
        self.std = np.sqrt(var + 1e-5)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dy):
        self.dgamma, self.dbeta = (dy * self.xhat).sum(axis=0), dy.sum(axis=0)
        dx = dy - dy.mean(axis=0) - self.xhat * (dy * self.xhat).mean(axis=0)
        return dx * self.gamma / self.std

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 6))
y = X @ np.array([1.0, -2.0, 0.5, 0.0, 1.0, 1.0]) + 0.3
bn, w = Normalization(6), 0.1 * rng.normal(size=6)
for t in range(20):
    h = bn.forward(X)
    error = h @ w - y
    loss = np.mean(error**2)
    dw = 2 * h.T @ error / len(y)
    bn.backward(np.outer(2 * error / len(y), w))
    w -= 0.05 * dw
    bn.gamma -= 0.05 * bn.dgamma
    bn.beta -= 0.05 * bn.dbeta
"""


def test_running_averages_are_no_memory_of_an_optimizer(tmp_path: Path) -> None:
    code, text = checked(tmp_path, NORMALIZED)
    assert code == 0, text
    assert "right  w" in text, text


LINE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b = np.zeros(3), 0.0
v = {"w": np.zeros(3), "b": 0.0}
for t in range(20):
    e = X @ w + b - y
    loss = np.mean(e**2) / 2
    dw, db = X.T @ e / len(y), np.mean(e)
"""
UNUSED = """
    v["w"], v["b"] = 0.9 * v["w"] + dw, 0.9 * v["b"] + db
    w -= 0.1 * dw
    b -= 0.1 * db
"""
WITH_A_ZERO = """
    v["w"], v["b"] = 0.0 * v["w"] + dw, 0.0 * v["b"] + db
    w -= 0.1 * v["w"]
    b -= 0.1 * v["b"]
"""
LYING_THERE = """
    w -= 0.1 * dw
    b -= 0.1 * db
"""


def test_a_velocity_that_the_step_leaves_out_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, LINE + UNUSED)
    assert code == 1, text
    assert "what is remembered" in text, text


@pytest.mark.parametrize("update", [WITH_A_ZERO, LYING_THERE], ids=["factor 0", "not touched"])
def test_a_velocity_that_is_switched_off_is_right(tmp_path: Path, update: str) -> None:
    code, text = checked(tmp_path, LINE + update)
    assert code == 0, text


OPTIMIZER = """
import numpy as np

class SGD:
    def __init__(self, params, lr=0.1, momentum={momentum}):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.velocity = {{k: np.zeros_like(p) for k, p in params.items()}}

    def step(self, grads):
        for k in self.params:
            if self.momentum > 0:
                {line}
                self.params[k] -= self.lr * {step}
            else:
                self.params[k] -= self.lr * grads[k]
"""
KEPT = "self.velocity[k] = self.momentum * self.velocity[k] + grads[k]"


@pytest.mark.parametrize(
    ("momentum", "line", "step", "expected"),
    [
        (0.0, KEPT, "self.velocity[k]", 0),
        (0.9, KEPT, "self.velocity[k]", 0),
        (0.9, KEPT, "grads[k]", 1),
        (0.9, "v = self.momentum * self.velocity[k] + grads[k]", "v", 1),
    ],
    ids=["without momentum", "with momentum", "left out", "not kept"],
)
def test_an_optimizer_that_may_have_momentum(
    tmp_path: Path, momentum: float, line: str, step: str, expected: int
) -> None:
    code, text = checked(tmp_path, OPTIMIZER.format(momentum=momentum, line=line, step=step))
    assert code == expected, text
    assert ("what is remembered" in text) == bool(expected), text


PACES = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w, b = np.zeros(3), 0.0
vw, vb = np.zeros(3), 0.0
lr, lr_b, beta = 0.02, {lr_b}, 0.9
for t in range(20):
    e = X @ w + b - y
    loss = np.mean(e**2) / 2
    dw, db = X.T @ e / len(y), np.mean(e)
    {step}
"""
VELOCITY = "vw = beta * vw + lr * dw; vb = beta * vb + lr * db\n    "


@pytest.mark.parametrize(
    ("step", "label", "told"),
    [
        (VELOCITY + "w -= lr * vw\n    b -= vb", "w", "with `w -= vw`"),
        (VELOCITY + "w -= vw\n    b = b - lr * vb", "b", "with `b = b - vb`"),
        ("w -= lr * (lr * dw)\n    b -= lr * db", "w", "multiplied in twice"),
        ("w -= lr * dw\n    b -= db", "b", "the learning rate is missing in it"),
    ],
    ids=["w", "b", "without a velocity", "missing"],
)
def test_a_learning_rate_that_one_weight_has_twice_or_not_at_all(
    tmp_path: Path, step: str, label: str, told: str
) -> None:
    code, text = checked(tmp_path, PACES.format(lr_b=0.02, step=step))
    assert code == 1, text
    assert f"WRONG  {label}: its step is" in text, text
    assert told in text, text
    assert text.count("WRONG") == 1, text


@pytest.mark.parametrize(
    ("lr_b", "step"),
    [
        (0.02, VELOCITY + "w -= vw\n    b -= vb"),
        (0.0004, "w -= lr * dw\n    b -= lr_b * db"),
        (1.0, "w -= lr * dw\n    b -= 2 * lr * db"),
        (0.02, "vw = beta * vw + (1 - beta) * dw\n    w -= lr * vw\n    b -= lr * db"),
        (0.02, "vw = beta * vw + lr * dw\n    w -= 0.7 * vw + 0.3 * lr * dw\n    b -= lr * db"),
    ],
    ids=["the same", "by name", "twice as large", "momentum for one", "a rule of its own"],
)
def test_rates_that_differ_on_purpose_are_right(tmp_path: Path, lr_b: float, step: str) -> None:
    code, text = checked(tmp_path, PACES.format(lr_b=lr_b, step=step))
    assert code == 0, text


LAYERS = """
import numpy as np
rng = np.random.default_rng(0)

class Net:
    def __init__(self, sizes):
        pairs = list(zip(sizes, sizes[1:]))
        self.weights = [rng.normal(size=(m, n)) / np.sqrt(m) for m, n in pairs]
        self.biases = [np.zeros(n) for _, n in pairs]
        {caches}

    def forward(self, x):
        self.outputs = [x]
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            x = x @ w + b
            x = np.tanh(x) if k < len(self.weights) - 1 else x
            self.outputs.append(x)
        return x

    def slopes(self, y):
        back = (self.outputs[-1] - y) / len(y)
        pairs = []
        for k in range(len(self.weights) - 1, -1, -1):
            pairs.append((k, self.outputs[k].T @ back, back.sum(axis=0)))
            back = back @ self.weights[k].T * (1 - self.outputs[k] ** 2)
        return pairs

    def learn(self, y, lr):
        for k, for_w, for_b in self.slopes(y):
            self.weights[k] -= self.scaled("w", k, for_w, lr)
            self.biases[k] -= self.scaled("b", k, for_b, lr)

    def scaled(self, kind, k, slope, lr, rho={rho}):
        {kept} = {squares}
        return lr * slope / ({divisor})

X = rng.normal(size=(20, 2))
Y = X[:, :1] * X[:, 1:]
net = Net([2, 5, 4, 1])
for epoch in range(20):
    net.forward(X)
    loss = 0.5 * np.sum((net.outputs[-1] - Y) ** 2) / len(X)
    net.learn(Y, 0.01)
"""
BY_LAYER = {
    "caches": "self.mean = {'w': [0.0] * len(pairs), 'b': [0.0] * len(pairs)}",
    "kept": "self.mean[kind][k]",
}
BY_NAME = {"caches": "self.squares = {}", "kept": "self.squares[f'{kind}{k}']"}


@pytest.mark.parametrize(
    ("caches", "squares", "divisor", "told"),
    [
        (BY_LAYER, "rho * {kept} + (1 - rho) * slope ** 2", "np.sqrt({kept}) + 1e-8", ""),
        (BY_LAYER, "rho * {kept} + (1 - rho) * slope ** 2", "{kept} + 1e-8", "the square root"),
        (
            BY_NAME,
            "self.squares.get(f'{{kind}}{{k}}', 0) + slope ** 2",
            "np.sqrt({kept}) + 1e-8",
            "",
        ),
        (
            BY_NAME,
            "self.squares.get(f'{{kind}}{{k}}', 0) + slope ** 2",
            "{kept} + 1e-8",
            "square root",
        ),
        (BY_LAYER, "rho * {kept} + slope ** 2", "np.sqrt({kept}) + 1e-8", "the factor 1 − ρ"),
    ],
    ids=["RMSprop", "RMSprop without root", "Adagrad", "Adagrad without root", "without 1 − ρ"],
)
def test_a_rule_for_each_layer_with_gradients_by_names_of_its_own(
    tmp_path: Path, caches: dict[str, str], squares: str, divisor: str, told: str
) -> None:
    kept = caches["kept"]
    source = LAYERS.format(
        **caches, rho=0.9, squares=squares.format(kept=kept), divisor=divisor.format(kept=kept)
    )
    code, text = checked(tmp_path, source)
    assert code == bool(told), text
    assert told in text, text
    assert text.count("WRONG") == bool(told), text
    assert "right  weights[2]" in text, text
    assert "one too many" not in text, text


def test_a_wrong_gradient_of_a_rule_for_each_layer_is_held_to_the_others(tmp_path: Path) -> None:
    source = LAYERS.format(
        **BY_LAYER,
        rho=0.9,
        squares="rho * self.mean[kind][k] + (1 - rho) * slope ** 2",
        divisor="np.sqrt(self.mean[kind][k]) + 1e-8",
    ).replace("(1 - self.outputs[k] ** 2)", "(1 - self.outputs[k])")
    code, text = checked(tmp_path, source)
    assert code == 1, text
    assert "right  weights[2]" in text, text
    assert "What weights[2], biases[2] are made of is right" in text, text


SAMPLES = """
import numpy as np
rng = np.random.default_rng(0)

class Line:
    def __init__(self):
        self.w, self.t = rng.normal(size=(2, 4)), 0
        self.mt_1, self.vt_1 = np.zeros((2, 4)), np.zeros((2, 4))

    def slope(self, x, y):
        output = self.w @ x
        nabla_w = np.outer(output - y, x)
        return nabla_w

    def update(self, batch, lr=0.01):
        {each}
        total = sum(self.slope(x, y) for x, y in batch)
        mt = 0.9 * self.mt_1 + 0.1 * total / len(batch)
        vt = 0.999 * self.vt_1 + 0.001 * (total / len(batch)) ** 2
        self.mt_1, self.vt_1 = mt, vt
        mt = mt / (1 - 0.9**self.t)
        vt = vt / (1 - 0.999**self.t)
        self.w = self.w - lr * mt / (np.sqrt(vt) + 1e-8)

line = Line()
data = [(x, np.array([x[0] - x[1] + 1.0, x[2] ** 2])) for x in rng.normal(size=(40, 4))]
for epoch in range(10):
    {epoch}
    for start in range(0, 40, {size}):
        line.update(data[start:start + {size}])
"""


@pytest.mark.parametrize("size", [5, 10])
def test_a_count_of_updates_that_is_of_epochs(tmp_path: Path, size: int) -> None:
    code, text = checked(tmp_path, SAMPLES.format(each="self.t += 1", epoch="pass", size=size))
    assert code == 0, text
    assert "right  update (Adam)" in text, text
    code, text = checked(tmp_path, SAMPLES.format(each="pass", epoch="line.t += 1", size=size))
    assert code == 1, text
    assert "right  w" in text, text
    assert "an epoch" in text, text


MEMORIES = """
import numpy as np
rng = np.random.default_rng(0)

class Dense:
    def __init__(self, n, m):
        self.W, self.b = 0.4 * rng.normal(size=(n, m)), np.zeros(m)
        self.kept = [[np.zeros_like(p), np.zeros_like(p)] for p in (self.W, self.b)]

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T

    def step(self, t, b1=0.9, b2=0.999):
        for k, (p, g) in enumerate([(self.W, self.dW), (self.b, self.db)]):
            m, v = self.kept[k]
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g ** 2
            self.kept[k] = [m, v]
            p -= 0.01 * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + 1e-8)

X = rng.normal(size=(20, 3))
Y = X[:, :1] * X[:, 1:2]
one, two = Dense(3, 4), Dense(4, 1)
for epoch in range(20):
    h = np.tanh(one.forward(X))
    out = two.forward(h)
    loss = np.mean((out - Y) ** 2)
    one.backward(two.backward(2 * (out - Y) / len(Y)) * (1 - h ** 2))
    one.step(epoch + 1)
    two.step(epoch + 1)
"""


def test_memories_in_a_list_are_no_weights_by_a_number_on_the_way(tmp_path: Path) -> None:
    code, text = checked(tmp_path, MEMORIES)
    assert code == 0, text
    assert "right  update (Adam)" in text, text
    assert "kept" not in text, text


PAIR = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = np.tanh(X) + X[:, ::-1] ** 2
U, V = 0.5 * rng.normal(size=(3, 3)), 0.5 * rng.normal(size=(3, 3))
vU, vV, mU, mV = np.zeros((4, 3, 3))
for t in range({first}, 20):
    h = np.tanh(X @ U)
    error = h @ V - Y
    loss = np.sum(error ** 2) / (2 * len(Y))
    dV = h.T @ error / len(Y)
    dU = X.T @ (error @ V.T * (1 - h ** 2)) / len(Y)
    {steps}
"""
MOMENTUM = "{v} = 0.9 * {v} + d{w}; {w} -= 0.1 * {v}"
RMSPROP = "v{w} = 0.99 * v{w} + {new}d{w} ** 2; {w} -= 0.01 * d{w} / (np.sqrt(v{w}) + 1e-8)"
ADAM = (
    "m{w} = 0.9 * m{w} + 0.1 * d{w}; v{w} = 0.99 * v{w} + 0.01 * d{w} ** 2; "
    "{w} = {w} - 0.01 * m{w} / (1 - 0.9**t) / (np.sqrt(v{w} / (1 - 0.99**t)) + 1e-8)"
)
OWN = MOMENTUM.format(w="V", v="vV")


@pytest.mark.parametrize(
    ("first", "steps", "told"),
    [
        (1, [MOMENTUM.format(w=w, v="vU") for w in "UV"], "in one array"),
        (1, [RMSPROP.format(w="U", new="(1 - 0.99) * "), RMSPROP.format(w="V", new="")], "1 − ρ"),
        (1, [RMSPROP.format(w="U", new=""), RMSPROP.format(w="V", new="(1 - 0.99) * ")], "1 − ρ"),
        (0, [ADAM.format(w=w) for w in "UV"], "not finite after a step: with t = 0"),
        (1, [RMSPROP.format(w="U", new="0.01 * "), OWN], ""),
        (1, [ADAM.format(w="U"), "V -= 0.1 * dV"], ""),
        (1, [ADAM.format(w=w) for w in "UV"], ""),
    ],
    ids=["shared", "the second", "the first", "t = 0", "two rules", "one has none", "right"],
)
def test_the_rule_of_each_weight(tmp_path: Path, first: int, steps: list[str], told: str) -> None:
    code, text = checked(tmp_path, PAIR.format(first=first, steps="; ".join(steps)))
    assert code == bool(told), text
    assert told in text, text
    both = "right  U" in text and "right  V" in text
    assert both or told == "in one array", text


SET_BACK = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(20, 3))
Y = X @ rng.normal(size=(3, 2))
W, b = rng.normal(size=(3, 2)), np.zeros(2)
velocities = [np.zeros_like(W), np.zeros_like(b)]
for step in range(40):
    error = X @ W + b - Y
    loss = np.mean(error**2)
    dW, db = 2 * X.T @ error / Y.size, 2 * error.sum(axis=0) / Y.size
    grads = [dW, db]
    for i, param in enumerate([W, b]):
        velocities[i] = 0.9 * velocities[i] - 0.1 * grads[i]
        param += velocities[i]
"""


def test_a_velocity_that_each_pass_sets_back_is_named(tmp_path: Path) -> None:
    code, text = checked(tmp_path, SET_BACK)
    assert code == 0, text
    zeros = "velocities = [np.zeros_like(W), np.zeros_like(b)]\n"
    loop = "    grads = "
    code, text = checked(tmp_path, SET_BACK.replace(zeros, "").replace(loop, f"    {zeros}{loop}"))
    assert code == 1, text
    assert "velocities is set back to 0 in each pass (line 11)" in text
