"""The step that is explained is the step that training makes, and nothing else is changed by it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minnet
from minnet import DivergedError, Sequential
from minnet.callbacks import Callback
from minnet.initializers import Constant
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten, Layer, ReLU, Softmax
from minnet.losses import CrossEntropy, Loss
from minnet.optimizers import SGD, Adam, Optimizer, RMSprop
from minnet.regularizers import L2
from minnet.teaching import explain_step
from tests.strategies import normal

X, Y = normal(0, (6, 4), (6, 2))
LABELS = np.array([0, 1, 2, 2, 1, 0])


def classifier(optimizer="adam", dtype="float32", **compile_):
    """Four inputs, three classes, every kind of layer that keeps something."""
    model = Sequential(
        [
            Dense(5, activation="relu", kernel_regularizer=L2(0.1), input_dim=4),
            BatchNormalization(),
            Dropout(0.4),
            Dense(3, activation="softmax"),
        ],
        seed=0,
        dtype=dtype,
    )
    model.compile(optimizer, "cross_entropy", **compile_)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer", [Adam(0.01, weight_decay=0.1, global_clipnorm=0.1), SGD(0.1, momentum=0.9)]
)
def test_the_step_is_the_one_that_training_makes_to_the_last_bit(optimizer, dtype):
    model = classifier(optimizer, dtype)
    model.fit(X, LABELS, epochs=2, batch_size=2, verbose=0)
    step = explain_step(model, X, LABELS, seed=model.rng)
    loss = model.train_on_batch(X, LABELS)
    assert step.loss == loss
    for name, array in model.named_arrays().items():
        new = step.weights[name].new if name in step.weights else step.states[name].new
        assert np.array_equal(new, array), name
    for i, output in enumerate(model.outputs[1:]):
        assert np.array_equal(step.steps[i].y, output)
    assert np.array_equal(step.steps[0].x, model.outputs[0])


def test_gradients_are_those_of_the_model():
    model = classifier()
    step = explain_step(model, X, LABELS, seed=3)
    model.loss_and_gradient(X, LABELS, seed=3)
    for layer in model.layers:
        for name in layer.parameters:
            weight = step.weights[f"{layer.name}.{name}"]
            assert np.array_equal(weight.gradient, getattr(layer, "d" + name))
            assert np.array_equal(weight.delta, weight.new - weight.value)


def test_the_model_the_generators_and_the_data_stay_as_they_are():
    model = classifier()
    model.train_on_batch(X, LABELS)
    before = pickle.dumps((model, model.updates, model.optimizer, model.loss))
    outputs = [output.copy() for output in model.outputs]
    grad = model.grad.copy()
    rng = np.random.default_rng(7)
    x, y, weight = X.copy(), LABELS.copy(), np.arange(6.0)
    first = explain_step(model, x, y, sample_weight=weight, seed=rng)
    assert pickle.dumps((model, model.updates, model.optimizer, model.loss)) == before
    assert np.array_equal(model.grad, grad)
    assert all(map(np.array_equal, model.outputs, outputs))
    assert rng.bit_generator.state == np.random.default_rng(7).bit_generator.state
    assert np.array_equal(x, X)
    assert np.array_equal(y, LABELS)
    assert np.array_equal(weight, np.arange(6.0))
    again = explain_step(model, x, y, sample_weight=weight, seed=rng)
    assert str(first) == str(again)


def test_a_layer_that_overwrites_its_input_reaches_neither_the_caller_nor_the_numbers():
    class Rude(Layer):
        def forward(self, x, memo=None):
            y = x * 2
            x[...] = 0
            return y

        def backward(self, x, y, dy, memo=None):
            dy *= 2
            return dy

    model = Sequential([Rude(input_shape=4), Dense(2)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    x = X.copy()
    step = explain_step(model, x, Y)
    assert np.array_equal(x, X)
    assert np.array_equal(step.steps[0].y, 2 * X)
    assert np.array_equal(step.steps[1].x, 2 * X)


def test_frozen_layers_have_no_gradient_and_no_update():
    model = classifier()
    model.freeze(["dense_1", "batch_normalization_1"])
    step = explain_step(model, X, LABELS)
    frozen = step.weights["dense_1.W"]
    assert frozen.frozen
    assert frozen.gradient is None
    assert np.array_equal(frozen.new, frozen.value)
    assert not frozen.delta.any()
    assert not step.weights["dense_2.W"].frozen
    assert step.steps[0].dy is step.steps[0].dx is None
    assert not step.steps[0].in_training
    assert "Frozen: dense_1, batch_normalization_1." in str(step)
    assert "Frozen, so not updated, every bit as it was: dense_1.W, dense_1.b" in str(step)
    assert "nothing below learns (dense_1" in str(step)
    assert not step.penalties


def test_a_frozen_layer_in_between_hands_the_gradient_down():
    model = Sequential([Dense(3, input_dim=4), Dense(3), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.freeze("dense_2")
    step = explain_step(model, X, Y)
    middle = step.steps[1]
    assert not middle.gradients
    assert np.allclose(middle.dx, middle.dy @ middle.weights["W"].T)
    assert "dense_2 is frozen: its weights get no gradient" in str(step)


def test_promise_and_outcome():
    model = Sequential([Dense(1, input_dim=4, use_bias=False)], dtype="float64", seed=0)
    model.compile(SGD(0.1), "mse")
    step = explain_step(model, X, Y[:, 0])
    weight = step.weights["dense_1.W"]
    change = float((weight.gradient * weight.delta).sum())
    assert step.predicted_loss == pytest.approx(step.loss + change, rel=1e-14)
    # the loss is a parabola, so the second-order term is all there is
    curvature = np.linalg.norm(X @ weight.delta) ** 2 / len(X)
    assert step.gap == pytest.approx(curvature, rel=1e-10)
    assert step.half_gap == pytest.approx(curvature / 4, rel=1e-10)
    assert step.new_loss - step.predicted_loss == pytest.approx(step.gap, rel=1e-10)
    assert "that is what the gap is" in str(step)


def test_a_loss_that_is_straight_leaves_no_gap():
    model = Sequential([Dense(1, input_dim=1, use_bias=False)], dtype="float64", seed=0)
    model.set_weights([[[1.0]]])
    model.compile(SGD(0.01), "mae")
    step = explain_step(model, [[1.0], [2.0]], [0.0, 0.0])
    assert "along this step the loss is a straight line" in str(step)


def test_steps_that_do_not_help_are_said_to():
    model = Sequential([Dense(1, input_dim=1)], dtype="float64", seed=0)
    model.compile(SGD(100.0), "mse")
    step = explain_step(model, [[1.0]], [5.0])
    assert step.new_loss > step.loss
    assert "the step was too long" in str(step)
    model.compile(SGD(0.1, momentum=0.99), "mse")
    for _ in range(3):
        model.train_on_batch([[1.0]], [100.0])
    uphill = explain_step(model, [[1.0]], model.predict([[1.0]])[:, 0] - 1.0)  # down, but not yet
    assert uphill.predicted_loss > uphill.loss
    assert "did not go downhill" in str(uphill)
    model = Sequential([Dense(3, "relu", input_dim=4), Dense(3, "softmax")], seed=0)
    model.compile(SGD(30.0), "cross_entropy")
    assert "higher order" in str(explain_step(model, X, LABELS))


def test_the_learning_rate_of_a_running_fit_is_the_one_that_is_explained():
    class Look(Callback):
        def on_train_batch_end(self, batch, logs):
            self.step = explain_step(self.model, X, LABELS)

    model, look = classifier(), Look()
    model.fit(
        X,
        LABELS,
        epochs=1,
        verbose=0,
        callbacks=[look],
        learning_rate={"dense_2": 0.5, "dense_1": 0.2},
    )
    weights = look.step.weights
    assert weights["dense_2.W"].learning_rate == 0.5
    assert weights["dense_1.b"].learning_rate == 0.2
    assert weights["batch_normalization_1.gamma"].learning_rate == 0.001
    assert {weight.t for weight in weights.values()} == {2}
    assert "η and t stand with each weight" in str(look.step)
    assert "Here the learning rate is η = 0.5, and this is update number t = 2." in str(look.step)


@minnet.register
class OwnScale(Layer):
    """y = s · x, with one learned factor s for each column <b>&</b> $no_markup$."""

    parameters = ("s",)

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Constant(2.0), rng)

    def forward(self, x, memo=None):
        if memo is not None:
            memo["halves"] = x / 2
        return x * self.s

    def backward(self, x, y, dy, memo=None):
        return dy * self.s

    def gradient(self, x, y, dy, memo=None):
        self.ds[...] = (dy * x).sum(axis=0)


class Undocumented(OwnScale):
    def forward(self, x, memo=None):
        return x * self.s


class NewName(Dense):
    """A Dense that starts at 1."""

    def __init__(self, units):
        super().__init__(units, kernel_initializer=Constant(1.0))


class OwnSoftmax(Softmax):
    def forward(self, x, memo=None):
        y = np.exp(x)
        return y / y.sum(axis=1, keepdims=True)


class OwnLoss(Loss):
    """L = Σ of the fourth powers of the errors."""

    def per_sample(self, prediction, target):
        return ((prediction - target) ** 4).sum(axis=1)

    def gradient(self, prediction, target):
        return 4 * (prediction - target) ** 3 / len(prediction)


class Heavy(Optimizer):
    """v ← 0.9 v − η g, then θ ← θ + v."""

    slots = ("v",)

    def __init__(self, learning_rate=0.01):
        super().__init__(learning_rate)

    def update(self, theta, grad, slots, t, learning_rate, scratch):
        (v,) = slots
        v *= 0.9
        v -= learning_rate * grad
        theta += v


def test_a_students_own_layer_loss_and_optimizer():
    model = Sequential([OwnScale(input_shape=4), Undocumented(), NewName(2)], seed=0)
    model.compile(Heavy(0.1), OwnLoss())
    step = explain_step(model, X, Y)
    text = " ".join(str(step).split())
    assert "In its own words: y = s · x, with one learned factor s" in text
    assert "A layer of your own, without a docstring." in text
    assert "y1 = OwnScale.forward(x)" in text
    assert "halves (6, 4)" in text
    assert "ds = OwnScale.gradient(x, y1, dy1)" in text
    assert "L = Σ of the fourth powers of the errors." in text
    assert "v ← 0.9 v − η g, then θ ← θ + v." in text
    assert "θ ← Heavy.update(θ, g, …)" in text
    assert "By hand" not in text
    assert step.steps[2].formula == "y = x W + b"  # it changes no formula
    velocity = step.weights["own_scale_1.s"].new_slots["v"]
    assert np.array_equal(velocity, step.weights["own_scale_1.s"].delta)
    assert np.array_equal(step.steps[0].memo["halves"], np.float32(X) / 2)


def test_a_softmax_of_ones_own_is_gone_through():
    model = Sequential([Dense(3, activation=OwnSoftmax(), input_dim=4)], seed=0)
    model.compile("sgd", "cross_entropy")
    step = explain_step(model, X, LABELS)
    assert not step.fused
    assert step.steps[-1].dy is not None
    assert "so it is not fused with the loss" in " ".join(str(step).split())
    fused = Sequential([Dense(3, activation="softmax", input_dim=4)], seed=0)
    fused.compile("sgd", "cross_entropy")
    other = explain_step(fused, X, LABELS)
    assert other.fused
    assert other.steps[-1].dy is None
    assert np.allclose(other.steps[-1].dx, step.steps[-1].dx, atol=1e-6)
    assert "computed together" in str(other)


def test_logits_are_the_losses_to_turn_into_probabilities():
    model = Sequential([Dense(3, input_dim=4)], seed=0)
    model.compile("sgd", CrossEntropy(from_logits=True))
    assert "(softmax(y1) − one_hot(t)) / N" in str(explain_step(model, X, LABELS))


def test_formulas_by_name():
    model = Sequential([Flatten(input_shape=(2, 2)), Dense(3, activation=ReLU()), Dense(1)], seed=0)
    model.compile(RMSprop(), "mse")
    steps = explain_step(model, X.reshape(6, 2, 2), Y[:, 0]).steps
    assert [step.name for step in steps] == ["flatten_1", "dense_1", "dense_1.relu", "dense_2"]
    assert [step.formula for step in steps][1:] == ["y = x W + b", "y = max(x, 0)", "y = x W + b"]
    assert [step.kind for step in steps] == ["Flatten", "Dense", "ReLU", "Dense"]


def test_sentences_stand_beside_the_formulas():
    model = classifier(RMSprop(0.01, momentum=0.5))
    text = " ".join(str(explain_step(model, X, LABELS)).split())
    assert "y1 = x W + b N = 6 rows of D = 4 inputs become N = 6 rows of M = 5 outputs" in text
    assert "The statistics μ and σ² are the batch's own" in text
    assert "batch_normalization_1 moves them a little towards the batch's own: moving ←" in text
    assert "moving ← 0.99 moving + 0.01 batch." in text
    assert "The mask m is 0 with probability 0.4" in text
    assert "μ = 0.5, ρ = 0.9, ε = 1e-07." in text
    model.freeze(["batch_normalization_1", "dropout_1"])
    text = " ".join(str(explain_step(model, X, LABELS)).split())
    assert "Frozen, so μ and σ² are the running statistics" in text
    assert "moves them" not in text


def test_errors_are_the_houses():
    with pytest.raises(TypeError, match=r"explain_step takes a compiled model. Got Dense\(3\)."):
        explain_step(Dense(3), X, Y)
    model = Sequential([Dense(2)], seed=0)
    with pytest.raises(RuntimeError, match="not compiled"):
        explain_step(model, X, Y)
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="not built"):
        explain_step(model, X, Y)
    model.build(4)
    with pytest.raises(ValueError, match=r"x takes shape \(N, 4\). Got \(6, 3\)."):
        explain_step(model, X[:, :3], Y)
    with pytest.raises(ValueError, match=r"takes y of shape \(N, 2\)"):
        explain_step(model, X, Y[:, :1])
    with pytest.raises(ValueError, match="Got 6 rows in x and 5 in y"):
        explain_step(model, X, Y[:5])
    with pytest.raises(ValueError, match="one number for each sample"):
        explain_step(model, X, Y, sample_weight=[1.0])
    with pytest.raises(TypeError, match="explain_step's seed takes a whole number"):
        explain_step(model, X, Y, seed="0")
    model.freeze("*")
    with pytest.raises(ValueError, match="Every layer is frozen"):
        explain_step(model, X, Y)


def test_a_loss_that_is_not_finite_is_refused_with_the_place_where_it_began():
    model = Sequential([Dense(2, input_dim=4), ReLU(), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.theta[:8] = 1e38
    with pytest.raises(DivergedError, match=r"that is not finite comes out of dense_1\."):
        explain_step(model, 1e3 * X, Y)
    model = Sequential([Dense(2, input_dim=4)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(DivergedError, match="look at the loss"):
        explain_step(model, 1e25 * X, Y)


def test_an_explanation_outlives_the_model_and_can_be_copied():
    model = classifier()
    step = explain_step(model, X, LABELS)
    text = str(step)
    model.train_on_batch(X, LABELS)
    del model
    assert str(copy.deepcopy(step)) == text
