"""Each printed number agrees with a second computation of the whole step, to the shown digits."""

from __future__ import annotations

import html as html_module
import re

import numpy as np
import pytest
from hypothesis import given, settings

import minnet
from minnet import Sequential
from minnet.layers import (
    ACTIVATIONS,
    BatchNormalization,
    Dense,
    Dropout,
    Exponential,
    Flatten,
    Linear,
    Softmax,
)
from minnet.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RMSprop
from minnet.regularizers import L2
from minnet.teaching.explain.blocks import Matrices
from minnet.teaching.explain.digits import cells, last_digit, shown_indices
from minnet.teaching.explain.story import tell
from tests.strategies import seeds
from tests.teaching.explain.printed import agrees, assert_agrees, numbers, read
from tests.teaching.explain.reference import Reference

OPTIMIZERS = [
    lambda c: SGD(0.1, **c),
    lambda c: SGD(0.05, momentum=0.9, **c),
    lambda c: SGD(0.05, momentum=0.8, nesterov=True, **c),
    lambda c: RMSprop(0.01, **c),
    lambda c: RMSprop(0.01, momentum=0.5, centered=True, **c),
    lambda c: Adagrad(0.02, **c),
    lambda c: Adam(0.01, **c),
    lambda c: AdamW(0.01, **c),
    lambda c: Adadelta(1.0, **c),
    lambda c: Adamax(0.01, **c),
    lambda c: Nadam(0.01, **c),
    lambda c: SGD(minnet.schedules.ExponentialDecay(0.1, 10, 0.5), **c),
]
HIDDEN = [kind for kind in ACTIVATIONS.values() if kind not in (Softmax, Linear, Exponential)]


def draw(seed):
    """A compiled model in float64 that has made a few steps, its data, and sample weights."""
    rng = np.random.default_rng(seed)
    N, D = int(rng.integers(1, 8)), int(rng.integers(1, 7))
    loss = rng.choice(["cross_entropy", "binary_crossentropy", "mse", "mae"])
    M = int(rng.integers(2, 7)) if loss == "cross_entropy" else int(rng.integers(1, 4))
    x = rng.standard_normal((N, D))
    layers = []
    if rng.random() < 0.3:
        layers.append(Flatten())
        x = x[:, :, None] * rng.standard_normal((1, 1, 2))
    for _ in range(rng.integers(0, 3)):
        regularizer = L2(0.05) if rng.random() < 0.3 else None
        activation = HIDDEN[rng.integers(len(HIDDEN))]()
        units, bias = int(rng.integers(1, 7)), bool(rng.random() < 0.8)
        layers.append(Dense(units, activation, use_bias=bias, kernel_regularizer=regularizer))
        if rng.random() < 0.25:
            layers.append(BatchNormalization())
        if rng.random() < 0.25:
            layers.append(Dropout(0.4))
    last = {"cross_entropy": "softmax", "binary_crossentropy": "sigmoid"}.get(loss)
    layers.append(Dense(M, activation=last, kernel_regularizer=L2(0.01) if M == 2 else None))
    common = {"weight_decay": 0.1} if rng.random() < 0.3 else {}
    if rng.random() < 0.3:
        common["global_clipnorm"] = float(rng.choice([0.05, 10.0]))
    model = Sequential(layers, seed=seed, dtype="float64")
    model.build(x.shape[1:])
    model.compile(OPTIMIZERS[rng.integers(len(OPTIMIZERS))](common), str(loss))
    y = _targets(str(loss), N, M, rng)
    for _ in range(rng.integers(0, 3)):
        model.train_on_batch(x, y)
    for layer in model.layers[:-1]:
        if rng.random() < 0.3:
            layer.trainable = False
    return model, x, y, rng.random(N) * 2 if rng.random() < 0.3 else None


def _targets(loss, N, M, rng):
    if loss == "cross_entropy":
        labels = rng.integers(0, M, N)
        return np.eye(M)[labels] if rng.random() < 0.5 else labels
    if loss == "binary_crossentropy":
        return rng.integers(0, 2, (N, M))
    return rng.standard_normal((N, M))


class Expected:
    """What each name in each chapter of the explanation stands for, by the reference."""

    def __init__(self, model, reference, explanation):
        self.model, self.reference = model, reference
        self.steps = [step.label for step in model.steps]
        self.owners = dict(zip(self.steps, reference.owners, strict=True))
        learned = [
            f"{layer.name}.{name}"
            for layer in model.layers
            if layer.trainable
            for name in layer.parameters
        ]
        self.gradients = {key: reference.weight_gradient(key) for key in learned}
        self.updated = reference.update(self.gradients)
        self.outputs = {}

    def weight(self, section, name):
        key = f"{self.owners[section].name}.{LONG.get(name, name)}"
        return self.reference.params[key].real

    def array(self, chapter, section, name):
        """The matrix of this name, under this heading."""
        reference = self.reference
        if chapter == 4:
            return self._of_update(section, name)
        if name == "x":
            return reference.x
        if name in ("t", "w", "L[n]"):
            return {"t": reference.target, "w": reference.weight, "L[n]": reference.losses}[name]
        if re.fullmatch(r"y\d+", name):
            return reference.outputs[int(name[1:]) - 1].real
        if re.fullmatch(r"dy\d+", name):
            i = int(name[2:]) - 1
            if i not in self.outputs:
                self.outputs[i] = reference.output_gradient(i)
            return self.outputs[i]
        if name.startswith("∂"):
            return reference.slope(int(re.match(r"∂y(\d+)/", name)[1]) - 1)
        i = self.steps.index(section)
        if name in ("μ", "σ²", "s", "x̂") or name.startswith("mean of"):
            return self._of_statistics(i, name)
        if name == "m":
            return reference.masks[i]
        if name.startswith("d"):
            return self._of_data(section, name[1:])
        return self.weight(section, name)

    def _of_statistics(self, i, name):
        """The arrays of batch normalization, by NumPy's own mean and variance."""
        x = self.reference.x if i == 0 else self.reference.outputs[i - 1].real
        if self.owners[self.steps[i]].trainable:
            mean, variance = x.mean(axis=0), x.var(axis=0)
        else:
            layer = self.owners[self.steps[i]].name
            mean, variance = (
                self.reference.params[f"{layer}.moving_{which}"].real
                for which in ("mean", "variance")
            )
        s = 1 / np.sqrt(variance + self.model.steps[i].epsilon)
        x_hat = (x - mean) * s
        dy = self.array(3, self.steps[i], f"dy{i + 1}") if "dy" in name else np.zeros_like(x)
        return {
            "μ": mean,
            "σ²": variance,
            "s": s,
            "x̂": x_hat,
            f"mean of dy{i + 1}": np.mean(dy, axis=0),
            f"mean of dy{i + 1}⊙x̂": np.mean(dy * x_hat, axis=0),
        }[name]

    def slack(self, chapter, section):
        """Where the true gradient is 0, Adam divides rounding by rounding: any step is right."""
        if chapter != 4 or section not in self.gradients:
            return 1e-10
        return np.where(np.abs(self.gradients[section]) < 1e-12, 1e-7, 1e-10)

    def _of_data(self, section, name):
        key = f"{self.owners[section].name}.{LONG.get(name, name)}"
        return self.gradients[key] - self._of_penalty(key)

    def _of_penalty(self, key):
        layer = self.model.get_layer(key.partition(".")[0])
        if not key.endswith(".W") or not layer.kernel_regularizer:
            return 0.0
        return 2 * layer.kernel_regularizer.l2 * self.reference.params[key].real

    def _of_update(self, key, name):
        if "moving_" in name:
            return self._moved(name)
        handed, old, new, theta = self.updated[key]
        before = self.reference.params[key].real
        word, _, rest = name.rpartition(" ")
        if word == "new" and rest not in new:
            return theta
        if word in ("old", "new"):
            return (old if word == "old" else new)[rest]
        if name.startswith("Δ"):
            return theta - before
        if word == "data's":
            return self.gradients[key] - self._of_penalty(key)
        if word == "penalty's":
            return self._of_penalty(key)
        if word == "clipped":
            return handed
        return self.gradients[key] if name.startswith("d") else before

    def _moved(self, name):
        word, _, key = name.rpartition(" ")
        old = self.reference.params[key].real
        if not word:
            return old
        layer, _, which = key.partition(".")
        i = self.steps.index(layer)
        x = self.reference.x if i == 0 else self.reference.outputs[i - 1].real
        batch = x.mean(axis=0) if which == "moving_mean" else x.var(axis=0)
        return 0.99 * old + 0.01 * batch


LONG = {"γ": "gamma", "β": "beta"}
ENTRY = re.compile(r"(mean of dy\d+(?:⊙x̂)?|∂y\d+/∂\w+|x̂|[^\W\d]\w*)\[([\d, ]*)\]")


def check_by_hand(line, expected):
    """A sum of products: every number is the entry that the line above it names."""
    names = ENTRY.findall(f"{line.left} {line.right[0]}") if len(line.right) > 1 else []
    if line.chapter in (1, 3) and len(line.right) == 3:
        wanted = [
            expected.array(line.chapter, line.section, name)[tuple(map(int, index.split(",")))]
            for name, index in names
        ]
        shown = numbers(line.right[1])
        assert len(shown) == len(wanted) - 1, line
        for number, value in zip([line.right[2], *shown], wanted, strict=True):
            assert agrees(number, value), line
        return 1
    if line.of and line.left in ("θ", "m", "v", "s", "m̂", "v̂", "root"):
        return check_update(line, expected)
    if line.chapter in (1, 2, 3) and ENTRY.fullmatch(line.left) and line.right[-1] != line.left:
        name, index = ENTRY.fullmatch(line.left).groups()
        if not numbers(line.right[-1]) or len(line.right) < 2:
            return 0
        array = expected.array(line.chapter, line.section, "L[n]" if name == "L" else name)
        result = line.right[-1].split("   ")[0]  # a remark may follow
        assert agrees(result, array[tuple(map(int, index.split(",")))]), line
        if "…" not in line.right[-2]:
            assert_evaluates(line.right[-2], result)
        return 1
    return 0


def check_update(line, expected):
    _name, index = ENTRY.fullmatch(line.of).groups()
    index = tuple(map(int, index.split(",")))
    _handed, _, new, theta = expected.updated[line.section]
    result, slack = line.right[-1].split()[0], expected.slack(4, line.section)[index]
    if line.left in new:
        assert agrees(result, new[line.left][index], slack), line
    elif line.left == "θ" and "decay" not in line.right[-1]:
        assert agrees(result, theta[index], slack), line
    assert_evaluates(line.right[0], result)
    return 1


def assert_evaluates(expression, result, exactly=False):
    """An expression of printed numbers comes to the printed result, as far as 4 digits go.

    `exactly`: to the last digit, so that it can be followed with a pocket calculator.
    """
    code = re.sub(r"√([\d.e+-]+)", r"sqrt(\1)", expression).replace("√", "sqrt")
    for mark, python in (("·", "*"), ("−", "-"), ("²", "**2"), ("½", "0.5")):
        code = code.replace(mark, python)
    code = re.sub(r"\|([^|]*)\|", r"abs(\1)", code)
    known = {n: getattr(np, n) for n in ("sqrt", "exp", "log", "tanh")} | {
        "max": max,
        "min": min,
        "abs": abs,
        "sign": np.sign,
        "σ": lambda x: 1 / (1 + np.exp(-x)),
    }
    value = eval(code, {"__builtins__": {}}, known)
    scale = max(1e-10, *(abs(float(n)) for n in numbers(expression)), abs(float(result)))
    limit = 0.51 * last_digit(result) if exactly else 5e-3 * scale
    assert abs(value - float(result)) <= limit, (expression, value, result)


@settings(max_examples=40)
@given(seed=seeds)
def test_every_printed_number_is_right(seed):
    check(seed)


def check(seed):
    model, x, y, weight = draw(seed)
    reference = Reference(model, x, y, weight, np.random.default_rng(5))
    explanation = minnet.explain_step(model, x, y, sample_weight=weight, seed=5)
    matrices, by_hand = read(str(explanation))
    expected = Expected(model, reference, explanation)
    for printed in matrices:
        array = expected.array(printed.chapter, printed.section, printed.name)
        assert_agrees(printed, array, expected.slack(printed.chapter, printed.section))
    learned = len(expected.gradients)
    assert len(matrices) >= 2 * len(model.steps) + 4 * learned
    assert sum(check_by_hand(line, expected) for line in by_hand) >= learned
    check_outcome(by_hand, reference, expected, explanation)
    same_in_all_renderings(explanation, matrices)


@settings(max_examples=40)
@given(seed=seeds)
def test_every_number_that_can_be_asked_for_is_worked_to_what_is_shown(seed):
    check_worked(seed)


def check_worked(seed):
    model, x, y, weight = draw(seed)
    explanation = minnet.explain_step(model, x, y, sample_weight=weight, seed=5)
    asked = 0
    for shown in all_shown(explanation):
        texts = [cell for row in cells(shown.array) for cell in row if cell not in "…⋮⋱"]
        for index, text in zip(shown_indices(shown.array), texts, strict=True):
            lines = shown.worked(index) if shown.worked else []
            asked += len(lines)
            for line in lines:
                check_line(line)
            if lines:
                assert lines[-1].sources or len(lines[-1].right) == 1
                result = lines[-1].right[-1].text.split("   ")[0]
                assert float(result) == pytest.approx(float(text), rel=1e-3), (lines[-1], text)
    assert asked


def all_shown(explanation):
    blocks = [block for block in tell(explanation) if isinstance(block, Matrices)]
    return [shown for block in blocks for shown in block.shown]


def check_line(line):
    """What stands before the last equals sign comes to what stands behind it."""
    assert "@" not in repr(line)
    result, *remark = line.right[-1].text.split("   ")
    if len(line.right) > 1 and "…" not in line.right[-2].text:
        expression = line.right[-2].text
        if ENTRY.search(expression) or remark:
            return
        assert_evaluates(expression, result, exactly=line.left.text in PATHS)


PATHS = ("by way of μ", "by way of σ²")


def test_the_ways_back_through_batch_normalization_can_be_followed_with_a_calculator():
    """To the last digit, in float32 as well."""
    followed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        layers = [Dense(3), BatchNormalization(), Dense(2, activation="softmax")]
        model = Sequential(layers, seed=seed)
        model.build((4,))
        model.compile("sgd", "cross_entropy")
        x, y = rng.standard_normal((5, 4)), rng.integers(0, 2, 5)
        explanation = minnet.explain_step(model, x, y)
        for shown in all_shown(explanation):
            if shown.worked is None or shown.symbol.text not in ("y2", "dy1"):
                continue
            for index in shown_indices(shown.array):
                for line in shown.worked(index):
                    expression, result = line.right[-2].text, line.right[-1].text
                    if not ENTRY.search(expression) and "·1.000" not in expression:
                        assert "rounding" not in result
                        assert_evaluates(expression, result, exactly="y2" not in line.left.text)
                        followed += 1
    assert followed > 1000


def check_outcome(by_hand, reference, expected, explanation):
    results = {line.left: line.right[-1] for line in by_hand if line.chapter in (2, 5)}
    change = sum(
        (expected.gradients[key] * (theta - reference.params[key].real)).sum()
        for key, (_, _, _, theta) in expected.updated.items()
    )
    moved = {
        **reference.params,
        **{k: theta.astype(complex) for k, (*_, theta) in expected.updated.items()},
    }
    after = reference.run(moved)[0].real
    assert agrees(results["L"], reference.loss)
    assert agrees(results["loss before"], reference.loss)
    assert agrees(results["∇L·Δθ"], change)
    assert agrees(results["loss promised"], reference.loss + change)
    assert agrees(results["loss after"], after)
    gap = after - reference.loss - change
    assert abs(explanation.gap - gap) <= 1e-9
    assert agrees(results["gap"], explanation.gap)
    half = {key: (value + moved[key]) / 2 for key, value in reference.params.items()}
    half_gap = reference.run(half)[0].real - reference.loss - change / 2
    assert abs(explanation.half_gap - half_gap) <= 1e-9


def same_in_all_renderings(explanation, matrices):
    wanted = [number for printed in matrices for number in printed.numbers]
    bodies = re.findall(r"\\begin\{bmatrix\}\n(.*?)\n\\end", explanation.to_markdown(), re.DOTALL)
    cells = [cell.strip() for body in bodies for cell in re.split(r"&|\\\\", body)]
    cells = [re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", cell) for cell in cells]
    assert [float(c) for c in cells if "dots" not in c] == [float(n) for n in wanted]
    tables = re.findall(r'<div class="m">(.*?)</div>', explanation._repr_html_(), re.DOTALL)
    cells = [
        html_module.unescape(c).strip()
        for t in tables
        for c in re.findall(r"<td[^>]*>(.*?)</td>", t)
    ]
    assert [c for c in cells if c not in "…⋮⋱"] == wanted


@pytest.mark.parametrize("array", [np.arange(48.0).reshape(6, 8), np.arange(3.0), np.array(2.0)])
def test_indices_are_those_that_are_shown(array):
    assert len(shown_indices(array)) == min(array.size, 16 if array.ndim == 2 else 3)
