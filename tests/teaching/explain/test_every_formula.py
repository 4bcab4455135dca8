"""Each formula that is printed computes what runs: all activations, losses and optimizers.

The classes are those of the packages, so that a new one is held to its formula by itself.
"""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import minnet
from minnet import Sequential, layers, losses, optimizers
from minnet.layers import Dense, Layer
from minnet.losses import Loss
from minnet.optimizers import Optimizer
from minnet.teaching.explain.digits import number
from minnet.teaching.explain.formulas import (
    LayerFormulas,
    LossFormulas,
    explained_class,
    explanation,
)
from minnet.teaching.explain.optimizers import SYMBOLS, optimizer_formulas
from tests.teaching.explain.formula_reader import NotReadError, Reader, computed, plain


def made(package, contract):
    """An object of each class of a package that needs no arguments, and is explained."""
    kinds = [getattr(package, name) for name in package.__all__]
    kinds = [k for k in kinds if isinstance(k, type) and issubclass(k, contract)]
    for kind in kinds:
        needed = [
            p
            for p in list(inspect.signature(kind).parameters.values())
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        if not needed and not inspect.isabstract(kind):
            thing = kind()
            if explained_class(thing) is not None:
                yield thing


def name_of(thing):
    return thing if isinstance(thing, str) else repr(thing)


# --- activations ----------------------------------------------------------------------------------


def explained_step(layer):
    """The step of a layer between two others, on numbers far on both sides of 0."""
    model = Sequential([Dense(9, input_dim=2), layer.copy(), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    model.layers[0].W *= 5
    rng = np.random.default_rng(0)
    told = minnet.explain_step(model, rng.normal(size=(7, 2)), rng.normal(size=7))
    return told.steps[1]


def formulas_of(step, layer):
    return explanation(explained_class(layer), step, LayerFormulas)


def activations():
    """Those that treat each number by itself; the others take a batch or an image as a whole."""
    for layer in [*made(layers, Layer), layers.GELU(approximate=True)]:
        try:
            step = explained_step(layer)
        except (ValueError, UserWarning):
            continue  # it takes images, or belongs at the end
        if formulas_of(step, layer).entrywise:
            yield layer


@pytest.mark.parametrize("layer", [*activations()], ids=name_of)
def test_an_activation_computes_what_its_formulas_say(layer):
    step = explained_step(layer)
    assert step.x.min() < -4 and step.x.max() > 7  # noqa: PT018
    formulas = formulas_of(step, layer)
    printed = [formula.text for formula in formulas.y.formulas]
    known = {"@x": step.x, **{symbol: step.weights[n] for n, symbol in formulas.symbols.items()}}
    np.testing.assert_allclose(computed(printed, "@y", known), step.y, rtol=1e-4, atol=1e-6)
    _, slope = formulas.dx.formulas[0].text.split("∂@y/∂@x = ")
    known["@y"] = step.y
    slopes = Reader(printed, known).expression(slope)
    np.testing.assert_allclose(slopes, step.slope, rtol=1e-4, atol=2e-4)
    np.testing.assert_allclose(step.dx, step.dy * step.slope)


@pytest.mark.parametrize("layer", [*activations()], ids=name_of)
def test_each_number_by_hand_is_that_of_the_formula_with_single_brackets(layer):
    step = explained_step(layer)
    formulas, constants = formulas_of(step, layer), {}
    for index in np.ndindex(step.x.shape):
        for line in formulas.y.worked(index):
            written = line.right[-2].text
            value = Reader([], {}).expression(re.sub(r"e(-\d+)", r"·10^(\1)", written))
            assert value == pytest.approx(step.y[index], rel=0.01, abs=1e-3), written
            for text in line.right[-2]:
                assert not re.search(r"\((\([^()]*\))\)", text), text
        *by_hand, last = (part.text for part in formulas.slope(index).right)
        result, _, since = last.partition("   ")
        assert result == number(step.slope[index])
        for written in by_hand:
            value = Reader([], {}).expression(re.sub(r"e(-\d+)", r"·10^(\1)", written))
            assert value == pytest.approx(step.slope[index], rel=0.01, abs=1e-3), written
        if since and not by_hand:  # the same number wherever the same reason is given for it
            reason = since.replace(number(step.x[index]), "x")
            assert constants.setdefault(reason, result) == result, reason


def test_no_activation_is_left_out():
    names = {type(layer).__name__ for layer in activations()}
    by_name = {type(make()).__name__ for make in layers.by_name.ACTIVATIONS.values()}
    assert names == (by_name - {"Softmax"}) | {"PReLU"}


# --- losses ---------------------------------------------------------------------------------------

WHOLE = {"CrossEntropy", "BinaryCrossEntropy"}
"""Explained with the step before them; test_figures.py evaluates each number of theirs."""

WORDS = {
    "L[n] = max(1 + largest @y of a wrong class − @y of the right class, 0)": (
        "L = max(1 + top − right, 0)"
    ),
    "where L[n] > 0: @dy is −1/N at the right class, 1/N at that wrong one, else 0": (
        "@dy = pull / N where loss > 0, else 0"
    ),
    "a = @y[n] / ‖@y[n]‖ and b = t[n] / ‖t[n]‖, both of length 1": "a = @y / ‖@y‖",
    "@dy[n] = −(b − (a · b) a) / ‖@y[n]‖ / N": "@dy = −(t/‖t‖ − cosine a) / ‖@y‖ / N",
}
"""Formulas in words → the same to compute by; top, right, pull and cosine stand in `of_loss`."""


def of_loss(loss):
    """A prediction, targets and the symbols of a loss, where it is smooth, and N = 5."""
    rng = np.random.default_rng(1)
    y = rng.uniform(0.1, 0.9, (5, 3))
    t = rng.uniform(0.1, 0.9, (5, 3)) + (np.arange(15).reshape(5, 3) % 2)
    if isinstance(loss, (losses.Hinge, losses.SquaredHinge)):
        t = np.sign(t - 0.9)
        y = 3 * (y - 0.5)
    if isinstance(loss, (losses.CategoricalHinge, losses.KLDivergence)):
        t = np.eye(3)[[0, 1, 2, 1, 0]] if isinstance(loss, losses.CategoricalHinge) else t
        t = t / t.sum(axis=1, keepdims=True)
        y = y / y.sum(axis=1, keepdims=True)
    wrong = np.where(t == t.max(axis=1, keepdims=True), -np.inf, y)
    right = t == t.max(axis=1, keepdims=True)
    known = {"@y": y, "t": t, "N": 5, "M": 3, "δ": getattr(loss, "delta", 1.0)}
    known |= {
        "top": wrong.max(axis=1),
        "right": (y * right).sum(axis=1),
        "loss": loss.per_sample(y, t)[:, None],
        "pull": (wrong == wrong.max(axis=1, keepdims=True)) * 1.0 - right,
        "cosine": ((y * t).sum(axis=1) / np.linalg.norm(y, axis=1) / np.linalg.norm(t, axis=1))[
            :, None
        ],
    }
    return y, t, known


def explained_losses():
    return [loss for loss in made(losses, Loss) if type(loss).__name__ not in WHOLE]


@pytest.mark.parametrize("loss", explained_losses(), ids=name_of)
def test_a_loss_computes_what_its_formulas_say(loss):
    y, t, known = of_loss(loss)
    numbers = numbers_of(loss, y, t)
    formulas = explanation(explained_class(loss), numbers, LossFormulas)
    per_sample, gradient = (
        [WORDS.get(formula.text, formula.text) for formula in computation.formulas]
        for computation in (formulas.per_sample, formulas.gradient)
    )
    values = np.broadcast_to(computed(per_sample, "L", known).squeeze(), 5)
    np.testing.assert_allclose(values, loss.per_sample(y, t), rtol=1e-5)
    useful = [text for text in gradient if "∂" not in text.partition(" = ")[0]]
    slopes = computed(useful, "@dy", known)
    np.testing.assert_allclose(slopes, loss.gradient(y, t), rtol=1e-4, atol=1e-9)


def numbers_of(loss, y, t):
    model = Sequential([Dense(3, "softplus", input_dim=3)], seed=0, dtype="float64")
    model.compile("sgd", type(loss)())
    return minnet.explain_step(model, y, t)


# --- optimizers -----------------------------------------------------------------------------------


def explained_optimizers():
    """Each with its default settings, and with each switch that it has."""
    for optimizer in made(optimizers, Optimizer):
        kind = type(optimizer)
        takes = inspect.signature(kind).parameters
        momentum = {"momentum": 0.8} if "momentum" in takes else {}
        yield kind(0.05)
        if momentum:
            yield kind(0.05, **momentum)
        for name in ("nesterov", "centered"):
            if name in takes:
                yield kind(0.05, **{name: True}, **momentum)
    yield optimizers.Adam(0.05, epsilon=1e-3)


@pytest.mark.parametrize("optimizer", [*explained_optimizers()], ids=name_of)
def test_an_optimizer_computes_what_its_formulas_say(optimizer):
    rng = np.random.default_rng(2)
    theta = rng.normal(size=6)
    slots = [np.full(6, optimizer.initial(name)) for name in optimizer.slots]
    formulas = optimizer_formulas(optimizer)
    printed = [formula.text for formula in formulas.update.formulas]
    symbols = SYMBOLS | dict(formulas.symbols)
    known = {plain(symbol): getattr(optimizer, name, None) for name, symbol in symbols.items()}
    known |= {"η": 0.05, "ε_hat": optimizer.epsilon if hasattr(optimizer, "epsilon") else 0}
    for t in range(1, 4):
        g = rng.normal(size=6)
        known |= {
            "θ": theta.copy(),
            "g": g,
            "t": t,
            **dict(zip(optimizer.slots, slots, strict=True)),
        }
        known |= {name: value.copy() for name, value in known.items() if name in optimizer.slots}
        known = follow(printed, known)
        optimizer.update(theta, g.copy(), tuple(slots), t, 0.05, np.empty(6))
        np.testing.assert_allclose(known["θ"], theta, rtol=1e-6)
        for name, slot in zip(optimizer.slots, slots, strict=True):
            np.testing.assert_allclose(known[symbols.get(name, name)], slot, rtol=1e-6)


def follow(printed, known):
    """The names once each line of an update was done, one after another."""
    known = dict(known)
    for text in printed:
        left, _, right = text.replace(" ← ", " = ", 1).partition(" = ")
        left = plain(left)
        for many, name in (
            ("μ_1 … μ_(t+1)", "all_next"),
            ("μ_1 … μ_t", "all_now"),
            ("μ_(t+1)", "μ_next"),
        ):
            right = right.replace(many, name)
        known[left] = Reader([], known).expression(right)
        if left == "μ_t":  # of Nadam, whose formulas name it of other steps, and their product
            of = [Reader([], {**known, "t": i}).expression(right) for i in range(1, known["t"] + 2)]
            known |= {"μ_next": of[-1], "all_next": np.prod(of), "all_now": np.prod(of[:-1])}
    return known


# --- the reader -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 @x", 6),
        ("1 / 2 @x", 1.5),
        ("1 / (2 @x)", 1 / 6),
        ("2 − @x²/2", -2.5),
        ("−@x²", -9),
        ("log @x + 1", np.log(3) + 1),
        ("1 − tanh² @x", 1 - np.tanh(3) ** 2),
        ("@x |−2| @x", 18),
        ("5 where 0 < @x < 3, else 7", 7),
        ("√(2 @x) − 1, with a remark", np.sqrt(6) - 1),
    ],
)
def test_a_formula_is_read_as_in_a_book(text, value):
    assert Reader([], {"@x": np.float64(3)}).expression(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["@x of a wrong class", "(@x", "2 @x)", "u + 1", "@x % 2"])
def test_words_are_not_read(text):
    with pytest.raises(NotReadError):
        Reader([], {"@x": 3.0}).expression(text)
