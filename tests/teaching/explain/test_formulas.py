"""A class of a student's own, once it has an explanation, is explained as minnet's classes are."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import numpy as np
import pytest

from minnet import Sequential, layers, losses, optimizers
from minnet.initializers import Constant, GlorotUniform, Zeros
from minnet.layers import Dense, Layer, Tanh
from minnet.losses import Loss, MeanSquaredError
from minnet.optimizers import SGD, Optimizer
from minnet.teaching import (
    Computation,
    LayerFormulas,
    LossFormulas,
    OptimizerFormulas,
    explain_step,
    explains,
)
from minnet.teaching import explain as folder
from minnet.teaching.explain import Math, Worked, formula, formulas
from minnet.teaching.explain.layers import dense, tanh
from minnet.teaching.explain.losses import mean_squared_error
from minnet.teaching.explain.optimizers import sgd
from minnet.teaching.explain.typesetting import SIGNS
from tests.teaching.explain.printed import read
from tests.teaching.explain.test_renderings import check_html, check_markdown
from tests.teaching.explain.test_run import X, Y


@pytest.fixture(autouse=True)
def _registered_for_one_test_alone(monkeypatch):
    monkeypatch.setattr(formulas, "_EXPLANATIONS", dict(formulas._EXPLANATIONS))


def explain(model_layers, loss="mse", optimizer="sgd"):
    model = Sequential(model_layers, seed=0, dtype="float64")
    model.build((4,))
    model.compile(optimizer, loss)
    return explain_step(model, X[:3], Y[:3])


def words(text):
    """The text with its lines joined, since they break where they must."""
    return " ".join(re.sub(r"[═─]+", "", text).split())


@pytest.mark.parametrize(
    "kind",
    [
        thing
        for module, contract in ((layers, Layer), (losses, Loss), (optimizers, Optimizer))
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, contract) and thing is not contract
        if thing is not layers.Activation  # its step is the activation itself
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_class_of_minnet_is_explained(kind):
    needed = dict.fromkeys(
        (layers.Dropout, layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise), (0.5,)
    )
    needed |= {layers.Dense: (1,), layers.Rescaling: (2.0,), layers.Reshape: ((3,),)}
    needed |= {layers.Conv2D: (1, 2)}
    thing = kind(*needed.get(kind, ()))
    assert formulas.explained_class(thing) in kind.__mro__[:2]  # AdamW is Adam with a decay


# --- minnet's own explanations, for classes of a student's own ------------------------------------


class TwinDense(Layer):
    """y = x W + b, written anew."""

    parameters = ("W", "b")

    def __init__(self, units):
        self.units = units

    def build(self, input_shape, rng):
        self.add_weight("W", (*input_shape, self.units), GlorotUniform(), rng)
        self.add_weight("b", (self.units,), Zeros(), rng)

    def compute_output_shape(self, input_shape):
        return (self.units,)

    def forward(self, x, memo=None):
        return x @ self.W + self.b

    def backward(self, x, y, dy, memo=None):
        return dy @ self.W.T

    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy
        self.db[...] = dy.sum(axis=0)


class TwinTanh(Layer):
    """y = tanh(x), written anew."""

    def forward(self, x, memo=None):
        return np.tanh(x)

    def backward(self, x, y, dy, memo=None):
        return dy * (1 - y * y)


class TwinMeanSquaredError(Loss):
    """The mean of the squares, written anew."""

    def per_sample(self, prediction, target):
        return ((prediction - target) ** 2).mean(axis=1)

    def gradient(self, prediction, target):
        return 2 * (prediction - target) / prediction.size


class TwinSGD(Optimizer):
    """Gradient descent with momentum, written anew."""

    slots = ("v",)
    nesterov = False

    def __init__(self, learning_rate=0.01, momentum=0.0, *, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay=weight_decay)
        self.momentum = momentum

    def update(self, theta, grad, slots, t, learning_rate, scratch):
        (v,) = slots
        v *= self.momentum
        v -= learning_rate * grad
        theta += v


def twice(dense_class, tanh_class, loss_class, sgd_class):
    optimizer = sgd_class(0.1, momentum=0.5, weight_decay=0.01)
    return explain([dense_class(3), tanh_class(), dense_class(2)], loss_class(), optimizer)


def test_a_students_classes_are_explained_to_the_letter_as_minnets_own():
    twins = (TwinDense, TwinTanh, TwinMeanSquaredError, TwinSGD)
    assert str(twice(*twins)).count("In its own words") == 5
    for twin, function in zip(twins, (dense, tanh, mean_squared_error, sgd), strict=True):
        assert explains(twin)(function) is function
    step, minnets = twice(*twins), twice(Dense, Tanh, MeanSquaredError, SGD)
    for render in (str, type(step).to_markdown, type(step)._repr_html_):
        text = re.sub(r"[Tt]win(\\?_)?", "", render(step))
        assert words(text) == words(render(minnets))
    assert [s.formula for s in step.steps] == [s.formula for s in minnets.steps]
    assert np.array_equal(step.steps[1].slope, minnets.steps[1].slope)
    assert step.steps[0].slope is None


# --- explanations of a student's own --------------------------------------------------------------


class Swish(Layer):
    """x, behind a soft switch."""

    parameters = ("alpha",)

    def build(self, input_shape, rng):
        self.add_weight("alpha", input_shape, Constant(1.5), rng)

    def forward(self, x, memo=None):
        s = 0.5 + 0.5 * np.tanh(0.5 * self.alpha * x)
        if memo is not None:
            memo["s"] = s
        return x * s

    def backward(self, x, y, dy, memo=None):
        return dy * (memo["s"] + self.alpha * y * (1 - memo["s"]))

    def gradient(self, x, y, dy, memo=None):
        self.dalpha[...] = (dy * x * y * (1 - memo["s"])).sum(axis=0)


def swish(step):
    s = {"s": step.memo["s"]}
    one = Worked(formula("@y[0, 0]"), [formula(f"{step.x[0, 0]:.4f}·{step.memo['s'][0, 0]:.4f}")])
    return LayerFormulas(
        y=Computation("s = σ(α @x)", "@y = @x ⊙ s", beside=s, by_hand=one),
        dx=Computation("@dx = @dy ⊙ (s + α @y ⊙ (1 − s))", beside=s),
        gradients={"alpha": Computation("dα[d] = Σ_n (@dy ⊙ @x ⊙ @y ⊙ (1 − s))[n, d]")},
        about="The switch s is soft.",
        shapes="Shapes stay.",
        symbols={"alpha": "α"},
        entrywise=True,
    )


def test_without_an_explanation_a_layer_speaks_for_itself():
    text = words(str(explain([Dense(3), Swish(), Dense(2)])))
    assert "In its own words: x, behind a soft switch." in text
    assert "y2 = Swish.forward(y1)" in text
    assert "dy1 = Swish.backward(y1, y2, dy2)" in text
    assert "alpha (3,)" in text
    assert "α" not in text


def test_an_explanation_in_plain_text():
    explains(Swish)(swish)
    step = explain([Dense(3), Swish(), Dense(2)])
    text = words(str(step))
    assert "own words" not in text
    for passage in (
        "1.2 swish_1 (Swish) The switch s is soft. s = σ(α y1) y2 = y1 ⊙ s Shapes stay.",
        f"y2[0, 0] = {step.steps[1].x[0, 0]:.4f}·{step.steps[1].memo['s'][0, 0]:.4f}",
        "dα[d] = Σ_n (dy2 ⊙ y1 ⊙ y2 ⊙ (1 − s))[n, d] dy2 (3, 3)",
        "dy1 = dy2 ⊙ (s + α y2 ⊙ (1 − s)) dy2 (3, 3)",
        "By hand, for θ = α[",
    ):
        assert passage in text, passage
    matrices, _ = read(str(step))
    assert [(m.chapter, m.name) for m in matrices if m.section.startswith("swish_1")] == [
        *((1, name) for name in ("y1", "α", "s", "y2")),
        *((3, name) for name in ("dy2", "dα", "dy2", "∂y2/∂y1", "s", "dy1")),
        *((4, name) for name in ("α", "dα", "Δα", "new α")),
    ]
    assert step.steps[1].formula == "s = σ(α x); y = x ⊙ s"
    x, memo = step.steps[1].x, step.steps[1].memo
    bend = 1.5 * x * memo["s"] * (1 - memo["s"])
    assert np.allclose(step.steps[1].slope, memo["s"] + bend, rtol=1e-12)
    latex = step.to_markdown()
    check_markdown(latex)
    assert r"y_{2} = y_{1} \odot s" in latex
    assert r"s = \sigma (\alpha y_{1})" in latex
    check_html(step._repr_html_())


def test_a_subclass_is_explained_as_long_as_it_changes_no_formula():
    class Renamed(Swish):
        def build(self, input_shape, rng):
            self.add_weight("alpha", input_shape, Constant(1.0), rng)

    class Meaned(Renamed):
        """The mean for the sum."""

        def gradient(self, x, y, dy, memo=None):
            self.dalpha[...] = (dy * x * y * (1 - memo["s"])).mean(axis=0)

    class Half(Meaned):
        """Half of it."""

        def forward(self, x, memo=None):
            return super().forward(x, memo) / 2

    explains(Swish)(swish)
    assert "s = σ(α y1)" in str(explain([Dense(3), Renamed(), Dense(2)]))
    assert "In its own words: The mean" in str(explain([Dense(3), Meaned(), Dense(2)]))
    explains(Meaned)(swish)
    assert "s = σ(α y1)" in str(explain([Dense(3), Meaned(), Dense(2)]))
    assert "In its own words: Half" in str(explain([Dense(3), Half(), Dense(2)]))


def test_a_formula_that_is_replaced_on_the_object_is_not_the_classs():
    model = Sequential([Dense(3, "tanh", input_dim=4), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.steps[1].forward = lambda x, memo=None: np.tanh(x)
    step = explain_step(model, X, Y)
    assert step.steps[1].formula == "y = Tanh.forward(x)"
    assert step.steps[1].slope is None
    assert step.steps[0].formula == "y = x W + b"
    assert "forward" in vars(model.steps[1])  # and it is still there


def test_the_last_explanation_of_a_class_counts():
    explains(Swish)(swish)
    nothing = Computation()
    three = LayerFormulas(Computation("@y = 3"), nothing, {"alpha": nothing})
    explains(Swish)(lambda step: three)
    assert explain([Swish(), Dense(2)]).steps[0].formula == "y = 3"


class Quartic(Loss):
    """To the fourth."""

    def per_sample(self, prediction, target):
        return ((prediction - target) ** 4).sum(axis=1)

    def gradient(self, prediction, target):
        return 4 * (prediction - target) ** 3 / len(prediction)


def test_a_loss_of_ones_own():
    @explains(Quartic)
    def quartic(numbers):
        error = numbers.prediction - numbers.target
        return LossFormulas(
            per_sample=Computation(
                "L[n] = Σ_m e[n, m]^4",
                beside={"e": error},
                by_hand=Worked(formula("L[0]"), [formula(f"{numbers.losses[0]:.3f}")]),
            ),
            gradient=Computation(
                "@dy = 4 e³ / N",
                beside={"e": error},
                by_hand=Worked(formula("@dy[0, 0]"), [formula("1")]),
            ),
            about="e is @y − t.",
        )

    assert "own words" not in str(explain([Dense(2)]))
    step = explain([Dense(2)], Quartic())
    text = words(str(step))
    for passage in (
        "targets t e is y1 − t. L[n] = Σ_m e[n, m]^4 L = 1/N Σ_n L[n]",
        "y1 (3, 2) t (3, 2) e (3, 2) L[n] (3,)",
        f"L[0] = {step.losses[0]:.3f}",
        "3.1 the loss dy1 = 4 e³ / N y1 (3, 2) t (3, 2) e (3, 2) dy1 (3, 2)",
        "dy1[0, 0] = 1",
    ):
        assert passage in text, passage
    check_html(step._repr_html_())


class Heavy(Optimizer):
    """Gradient descent with friction and a decay of its own."""

    slots = ("speed",)

    def __init__(self, learning_rate=0.01, friction=0.5, *, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay=weight_decay)
        self.friction = friction

    def update(self, theta, grad, slots, t, learning_rate, scratch):
        (v,) = slots
        v *= 1 - self.friction
        v -= learning_rate * grad
        theta += v


class Halving(Heavy):
    """Its decay forgets the rate."""

    def decay(self, theta, learning_rate):
        theta *= 1 - self.weight_decay


def test_an_optimizer_of_ones_own():
    def added(optimizer, updated):
        v = updated.new_slots["speed"]
        return [Worked(formula("θ"), [formula(f"{updated.theta:.4f} + {v:.4f}")])]

    def heavy(optimizer):
        return OptimizerFormulas(
            Computation("v ← (1 − φ) v − η g", "θ ← θ + v"),
            by_hand=added,
            about="It has friction.",
            symbols={"friction": "φ", "speed": "v"},
        )

    assert "φ" not in str(explain([Dense(2)], optimizer=Heavy(0.1)))
    explains(Heavy)(heavy)
    step = explain([Dense(2)], optimizer=Heavy(0.1, weight_decay=0.1))
    text = words(str(step))
    theta = step.weights["dense_1.W"]
    for passage in (
        "g its gradient, Δ what is added to a weight. It has friction.",
        "θ ← θ − η λ θ v ← (1 − φ) v − η g θ ← θ + v",
        "λ = 0.1, φ = 0.5.",
        "old v (4, 2)",
        "(after the decay)",
    ):
        assert passage in text, passage
    by_hand = re.search(
        r"By hand, for θ = W\[(\d), (\d)\].*?θ = (\S+) − .*? θ = (\S+) \+ (\S+) ", text
    )
    i, j = int(by_hand[1]), int(by_hand[2])
    assert float(by_hand[3]) == pytest.approx(theta.value[i, j], abs=1e-4)
    assert float(by_hand[4]) == pytest.approx(0.99 * theta.value[i, j], abs=1e-4)
    assert float(by_hand[5]) == pytest.approx(theta.new_slots["speed"][i, j], abs=1e-4)
    check_html(step._repr_html_())

    told = str(explain([Dense(2)], optimizer=Halving(0.1, weight_decay=0.1)))
    assert "Its decay forgets" in " ".join(told.split())
    explains(Halving)(heavy)
    text = str(explain([Dense(2)], optimizer=Halving(0.1, weight_decay=0.1)))
    assert "φ = 0.5" in text
    assert "θ − η λ θ" not in text  # not its decay
    assert "after the decay" not in text


@pytest.mark.parametrize("kind", [3, int, "Dense", Dense(1), swish, Sequential])
def test_only_classes_that_a_step_runs_are_explained(kind):
    with pytest.raises(TypeError, match=r"explains takes a class of layers, losses or optimizers."):
        explains(kind)


def test_an_explanation_has_formulas_of_its_kind_for_every_weight():
    model_layers = [Swish(), Dense(2)]
    explains(Swish)(lambda step: "y = x s")
    with pytest.raises(TypeError, match=r"explains\(Swish\) takes a function that returns Layer"):
        explain(model_layers)
    explains(Swish)(lambda step: LayerFormulas(Computation(), Computation()))
    with pytest.raises(ValueError, match=r"of every weight\. Got none for alpha\."):
        explain(model_layers)
    explains(Quartic)(lambda numbers: None)
    with pytest.raises(TypeError, match=r"returns LossFormulas\. Got None from <lambda>"):
        str(explain([Dense(2)], Quartic()))
    explains(Heavy)(lambda optimizer: Computation())
    with pytest.raises(TypeError, match="returns OptimizerFormulas"):
        str(explain([Dense(2)], optimizer=Heavy()))


# --- text as LaTeX --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("@y = 1 / (1 + exp(−@x))", r"@y = 1 / (1 + \exp(-@x))"),
        ("dW = @xᵀ @dy", r"dW = @x^{\top} @dy"),
        ("√(s + ε) ≤ √v̂ + √s", r"\sqrt{s + \varepsilon } \le \sqrt{\hat{v}} + \sqrt{s}"),
        ("@x where @x > 0, else 5 %", r"@x \text{ where } @x > 0, \text{ else } 5 \%"),
        ("one_hot(t) y_nk {1}", r"\text{ one hot }(t) y_{nk} \{1\}"),
        (
            "β₁ ← ½ ∂L/∂@x ⊙ Σ_n @dy[n]²",
            r"\beta _1 \leftarrow \tfrac{1}{2} \partial L/\partial @x \odot \sum _n @dy[n]^2",
        ),
    ],
)
def test_latex_follows_from_the_text(text, latex):
    assert formula(text) == Math(text, latex)


def test_no_sign_is_left_over():
    latex = formula(" ".join(SIGNS)).latex
    assert latex.isascii()
    check_markdown(f"\n$$\n{latex}\n$$\n")


# --- the folder -----------------------------------------------------------------------------------

FILES = sorted(Path(folder.__file__).parent.glob("*.py"))
PREFIX = "minnet.teaching.explain"


def imported(file):
    """The files of the folder that this one names, type-checking and late imports included."""
    names = {path.stem for path in FILES} - {"__init__"}
    files = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            own = {node.module.removeprefix(PREFIX).lstrip(".")} - {""}
            files |= own or ({alias.name for alias in node.names} & names) or {"__init__"}
        elif isinstance(node, ast.Import):
            files |= {a.name.removeprefix(PREFIX + ".") for a in node.names if PREFIX in a.name}
    return files


def test_no_two_files_of_the_folder_know_each_other():
    graph = {file.stem: imported(file) for file in FILES}
    assert graph["layers"] >= {"formulas", "numbers"}  # it does see imports
    assert graph["explanation"] >= {"html", "markdown", "text", "story", "numbers"}
    assert set().union(*graph.values()) <= set(graph)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the files


def test_the_numbers_know_nothing_of_how_they_are_shown():
    assert imported(Path(folder.__file__).with_name("numbers.py")) == set()


def test_noise_and_prepared_data_are_explained_with_their_numbers():
    x, y = np.random.default_rng(0).standard_normal((3, 4)), np.array([0, 1, 1])
    normalization = layers.Normalization()
    normalization.adapt(x)
    model = Sequential(
        [
            normalization,
            layers.Rescaling(0.5, 1.0),
            layers.Reshape((2, 2)),
            layers.Flatten(),
            layers.PReLU("normal"),
            layers.GaussianNoise(0.25),
            layers.GaussianDropout(0.2),
            Dense(4, "selu"),
            layers.AlphaDropout(0.5),
            Dense(2),
        ],
        seed=0,
    )
    model.compile("sgd", losses.CrossEntropy(from_logits=True))
    explanation = explain_step(model, x, y)
    text = str(explanation)
    for written in (
        "y1 = (x − μ) / σ",
        "y2 = 0.5 y1 + 1",
        "y3 = y2, each sample in the shape (2, 2)",
        "y5 = y4 where y4 > 0, else α ⊙ y4",
        "y6 = y5 + 0.25 e",
        "y7 = y6 ⊙ (1 + 0.5 e)",
        "y10 = 0.886405 (m ⊙ y9 − (1 − m) 1.7581) + 0.779194",
    ):
        assert written in text, written
    steps = {step.kind: step for step in explanation.steps}
    dropped = steps["AlphaDropout"]
    np.testing.assert_allclose(
        dropped.y,
        0.886405 * np.where(dropped.memo["mask"], dropped.x, -1.7580993) + 0.779194,
        rtol=1e-5,
    )
    noisy = steps["GaussianNoise"]
    np.testing.assert_allclose(noisy.y, noisy.x + 0.25 * noisy.memo["noise"], rtol=1e-6)
    model.freeze("gaussian_noise_1")
    model.freeze("gaussian_dropout_1")
    model.freeze("alpha_dropout_1")
    for kind in ("nothing is added", "nothing is multiplied", "nothing is dropped"):
        assert kind in str(explain_step(model, x, y))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"clipnorm": 0.01}, "norm is above clipnorm = 0.01 is scaled down to that norm"),
        ({"clipvalue": 0.01}, "Each number of g is cut off at −0.01 and 0.01 first, by clipvalue"),
    ],
)
def test_clipping_of_arrays_and_numbers_is_explained(settings, sentence):
    model = Sequential([Dense(2, input_dim=4)], seed=0)
    model.compile(optimizers.SGD(0.1, **settings), "mse")
    explanation = explain_step(model, X[:3], np.ones((3, 2)))
    assert sentence in " ".join(str(explanation).split())
    weight = explanation.weights["dense_1.W"]
    assert weight.clipped_gradient is not None
    assert not np.array_equal(weight.clipped_gradient, weight.gradient)
    np.testing.assert_allclose(weight.delta, -0.1 * weight.clipped_gradient, rtol=1e-4, atol=1e-7)


def images(frozen):
    """One step on images whose channels are normalised, as text."""
    rng = np.random.default_rng(0)
    model = Sequential(
        [
            layers.Conv2D(2, 2, input_shape=(3, 3, 1)),
            layers.BatchNormalization(),
            layers.Flatten(),
            Dense(2),
        ],
        seed=0,
        dtype="float64",
    )
    model.layers[1].trainable = not frozen
    model.compile("sgd", "mse")
    x = rng.normal(size=(3, 3, 3, 1))
    return words(str(explain_step(model, x, rng.normal(size=(3, 2)))))


def test_the_channels_of_images_are_normalised_in_the_words_of_images():
    text = images(frozen=False)
    assert "one number for each channel; means are over all pixels of all images" in text
    assert "x̂ (3, 2, 2, 2)" in text
    assert "x̂[0, 0]" not in text  # a mean of twelve terms is worked by nobody
    text = images(frozen=True)
    assert "μ and σ² are the running statistics" in text


def test_both_forms_of_gelu_are_explained():
    exact, tanh_form = (
        words(str(explain([Dense(3), layers.GELU(approximate=form), Dense(2)])))
        for form in (False, True)
    )
    assert "Φ(y1) = ½ (1 + erf(y1/√2))" in exact
    assert "Φ" not in tanh_form
    assert "½ y1 (1 + tanh u)" in tanh_form
