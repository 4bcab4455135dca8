"""Gradients of whole models: every stacking, every loss, against the complex step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minnet.initializers import Constant
from minnet.layers import (
    ELU,
    GELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minnet.layers.base import bind
from minnet.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
)
from minnet.models import Sequential
from minnet.regularizers import L2
from tests.complex_step import assert_close, derivative
from tests.strategies import seeds

pytestmark = pytest.mark.filterwarnings("ignore:.*softmax inside the network")


class Scale(Layer):
    """A student's layer: one factor for each column."""

    parameters = ("s",)

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Constant(1.0), rng)

    def forward(self, x, memo=None):
        return x * self.s

    def backward(self, x, y, dy, memo=None):
        return dy * self.s

    def gradient(self, x, y, dy, memo=None):
        self.ds[...] = (dy * x).sum(axis=0)


class OwnSoftmax(Softmax):
    """A student's own, which no loss computes together with itself."""


class Cubes(Loss):
    """A student's own loss."""

    def per_sample(self, prediction, target):
        return ((prediction - target) ** 3).sum(axis=1)

    def gradient(self, prediction, target):
        return 3 * (prediction - target) ** 2 / len(prediction)


ACTIVATED = [ReLU, LeakyReLU, ELU, Softplus, GELU, Sigmoid, Tanh, Softmax]
UNITS = st.integers(1, 4)

dense = st.builds(
    lambda units, activation, bias, l2: Dense(
        units,
        activation() if activation else None,
        use_bias=bias,
        kernel_regularizer=L2(l2) if l2 else None,
    ),
    UNITS,
    st.sampled_from([None, *ACTIVATED]),
    st.booleans(),
    st.sampled_from([0.0, 0.3]),
)
middles = st.lists(
    dense
    | st.builds(lambda kind: kind(), st.sampled_from([*ACTIVATED[:-1], Scale, Flatten]))
    | st.builds(BatchNormalization, center=st.booleans(), scale=st.booleans())
    | st.builds(Dropout, st.sampled_from([0.0, 0.4]))
    | st.just("tanh").map(Activation),
    max_size=4,
).filter(lambda layers: not squashed_twice(layers))


def squashed_twice(layers):
    """Whether a softmax meets a sigmoid with nothing learned between them: compile refuses it."""
    steps = [step for layer in layers for step in layer.steps()]
    kinds = [type(step) for step in steps if not isinstance(step, (Dropout, Flatten))]
    return (Softmax, Sigmoid) in itertools.pairwise(kinds)


M = 3


def labels(rng, N):
    return rng.integers(M, size=N)


def rows(rng, N):
    return rng.dirichlet(np.ones(M), size=N)


def real(rng, N):
    return rng.standard_normal((N, M))


def shares(rng, N):
    return rng.random((N, M))


ENDS = {
    "squares": (None, MeanSquaredError(), real),
    "squares of tanh": ("tanh", MeanSquaredError(), real),
    "sizes": (None, MeanAbsoluteError(), real),
    "softmax": ("softmax", CrossEntropy(), labels),
    "soft rows": ("softmax", CrossEntropy(), rows),
    "logits": (None, CrossEntropy(from_logits=True), labels),
    "own softmax": (OwnSoftmax(), CrossEntropy(), labels),
    "sigmoid": ("sigmoid", BinaryCrossEntropy(), shares),
    "binary logits": (None, BinaryCrossEntropy(from_logits=True), shares),
    "own loss": ("sigmoid", Cubes(), real),
}


def network(layers, end, seed, shape=(2, 2)):
    """A float64 model with random weights everywhere, and its compiled loss."""
    activation, loss, _ = ENDS[end]
    head = Dense(M, activation, kernel_regularizer=L2(0.1))
    model = Sequential([Flatten(input_shape=shape), *layers, head], seed=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    model.theta = 0.7 * rng.standard_normal(model.theta.shape)
    model.state = model.state + 0.3 * rng.random(model.state.shape)
    model.compile("sgd", loss)
    return model


def loss_of(model, theta, x, target, weight, seed):
    """The loss in training mode at theta, told layer by layer, with complex numbers."""
    twin = model.copy()
    complex_theta, _, _ = bind(twin.layers, complex)
    complex_theta[...] = theta
    rng = np.random.default_rng(seed)
    y = x
    for layer in twin.layers:
        for step in layer.steps():
            y = step.forward(y, {"rng": rng} if layer.trainable else None)
    losses = twin.loss.per_sample(y, target)
    penalty = sum(
        layer.kernel_regularizer.l2 * (layer.W * layer.W).sum()
        for layer in twin.layers
        if layer.trainable and getattr(layer, "kernel_regularizer", None)
    )
    return (losses * weight).sum() / len(x) + penalty


def learned(model):
    """Which entries of theta belong to layers that are trainable."""
    return np.concatenate(
        [
            np.full(sum(layer.arrays()[n].size for n in layer.parameters), layer.trainable)
            for layer in model.layers
        ]
    )


def is_unclipped(model, end, seed):
    """Whether no probability is so near to 0 or 1 that the separate form loses digits."""
    if end not in ("softmax", "soft rows", "own softmax", "sigmoid"):
        return True
    x = np.random.default_rng(seed + 1).standard_normal((4, *model.input_shape))
    rng = np.random.default_rng(seed)
    memos = [{"rng": rng} if trains else None for trains in model.plan().in_training]
    y = model.forward(x, memos)[-1]
    return y.min() > 1e-4 and y.max() < 1 - 1e-4


def check(model, end, seed, weighted=True):
    """grad is the derivative of the loss by the complex step, and 0 where layers are frozen."""
    rng = np.random.default_rng(seed + 1)
    N = 4
    x, target = rng.standard_normal((N, *model.input_shape)), ENDS[end][2](rng, N)
    weight = rng.random(N) * 2 if weighted else np.ones(N)
    own = learned(model)
    model.grad[own] = np.nan
    value = model.loss_and_gradient(x, target, weight if weighted else None, seed=seed)
    at = loss_of(model, model.theta, x, target, weight, seed)
    assert value == pytest.approx(at.real, rel=1e-11)
    numeric = derivative(lambda theta: loss_of(model, theta, x, target, weight, seed), model.theta)
    expected = np.where(own, model.grad, numeric)  # a bias before a normalization has 0 alone
    assert_close(expected, numeric, repr(model))
    assert not model.grad[~own].any()


@given(layers=middles, end=st.sampled_from(sorted(ENDS)), seed=seeds)
def test_the_gradient_of_any_stack_is_the_derivative_of_its_loss(layers, end, seed):
    model = network(layers, end, seed)
    assume(is_unclipped(model, end, seed))
    check(model, end, seed)


@given(
    layers=middles,
    end=st.sampled_from(sorted(ENDS)),
    seed=seeds,
    frozen=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_gradient_with_frozen_layers_anywhere(layers, end, seed, frozen):
    model = network(layers, end, seed)
    for layer, freeze in zip(model.layers, frozen, strict=False):
        layer.trainable = not freeze
    assume(is_unclipped(model, end, seed))
    assume(any(layer.trainable and layer.parameters for layer in model.layers))
    check(model, end, seed)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_gradient_of_each_loss(end, weighted):
    layers = [Dense(4, "tanh", kernel_regularizer=L2(0.2)), BatchNormalization(), Scale()]
    check(network(layers, end, 3), end, 3, weighted)


@pytest.mark.parametrize("activation", ACTIVATED, ids=lambda a: a.__name__)
@pytest.mark.parametrize("inside", [True, False])
def test_the_gradient_of_each_activation(activation, inside):
    layers = [Dense(4, activation())] if inside else [Dense(4), activation()]
    check(network([*layers, Dense(3, "tanh")], "softmax", 5), "softmax", 5)


# --- what a gradient has to be, whatever the model -----------------------------------------------

quiet = middles.map(lambda layers: [x for x in layers if not isinstance(x, Dropout)])


def data(model, end, seed, N=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, *model.input_shape)), ENDS[end][2](rng, N)


def near(a, b, size):
    assert abs(a - b).max() <= 1e-9 * max(size, 1e-3)


@given(layers=quiet, end=st.sampled_from(sorted(ENDS)), seed=seeds)
def test_a_batch_twice_over_has_the_same_loss_and_gradient(layers, end, seed):
    model = network(layers, end, seed)
    x, target = data(model, end, seed)
    once = model.loss_and_gradient(x, target)
    grad = model.grad.copy()
    twice = model.loss_and_gradient(np.concatenate([x, x]), np.concatenate([target, target]))
    assert twice == pytest.approx(once, rel=1e-10)
    near(model.grad, grad, abs(grad).max())


@given(layers=quiet, end=st.sampled_from(sorted(ENDS)), seed=seeds)
def test_the_order_of_samples_does_not_matter(layers, end, seed):
    model = network(layers, end, seed)
    x, target = data(model, end, seed)
    weight = np.random.default_rng(seed).random(len(x))
    order = np.random.default_rng(seed).permutation(len(x))
    value = model.loss_and_gradient(x, target, weight)
    grad = model.grad.copy()
    again = model.loss_and_gradient(x[order], target[order], weight[order])
    assert again == pytest.approx(value, rel=1e-10)
    near(model.grad, grad, abs(grad).max())


@given(
    seed=seeds,
    activation=st.sampled_from(ACTIVATED),
    end=st.sampled_from(sorted(ENDS)),
    normalized=st.booleans(),
)
def test_permuted_hidden_units_are_the_same_function_with_a_permuted_gradient(
    seed, activation, end, normalized
):
    middle = [BatchNormalization()] if normalized else []
    model = network([Dense(6, activation()), *middle], end, seed)
    x, target = data(model, end, seed)
    other, order = model.copy(), np.random.default_rng(seed).permutation(6)
    one, two = model.get_layer("dense_1"), other.get_layer("dense_1")
    two.W, two.b = one.W[:, order], one.b[order]
    other.layers[-1].W = model.layers[-1].W[order]
    if normalized:
        for name, array in model.get_layer("batch_normalization_1").arrays().items():
            setattr(other.get_layer("batch_normalization_1"), name, array[order])
    np.testing.assert_allclose(other.predict(x), model.predict(x), rtol=1e-9, atol=1e-12)
    first, second = model.loss_and_gradient(x, target), other.loss_and_gradient(x, target)
    assert first == pytest.approx(second, rel=1e-9)
    size = abs(model.grad).max()
    near(two.dW, one.dW[:, order], size)
    near(two.db, one.db[order], size)
    near(other.layers[-1].dW, model.layers[-1].dW[order], size)


# --- how far backward goes ------------------------------------------------------------------------


class Counted(Scale):
    """Notes which of its formulas ran, with a memo or without."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.calls = []

    def forward(self, x, memo=None):
        self.calls.append("forward" if memo is None else "forward in training")
        return super().forward(x, memo)

    def backward(self, x, y, dy, memo=None):
        self.calls.append("backward")
        return super().backward(x, y, dy, memo)

    def gradient(self, x, y, dy, memo=None):
        self.calls.append("gradient")
        super().gradient(x, y, dy, memo)


FULL, LOWEST = ["forward in training", "gradient", "backward"], ["forward in training", "gradient"]


@pytest.mark.parametrize(
    ("frozen", "calls"),
    [
        ([], [LOWEST, FULL, FULL]),
        ([0], [["forward"], LOWEST, FULL]),
        ([0, 1], [["forward"], ["forward"], LOWEST]),
        ([1], [LOWEST, ["forward", "backward"], FULL]),
        ([2], [LOWEST, FULL, ["forward", "backward"]]),
        ([1, 2], [LOWEST, ["forward", "backward"], ["forward", "backward"]]),
        ([0, 1, 2], [["forward"]] * 3),
    ],
    ids=str,
)
def test_backward_stops_at_the_lowest_layer_that_learns(frozen, calls):
    counted = [Counted(input_shape=4), Counted(), Counted()]
    model = Sequential([*counted, Dense(M, "softmax")], seed=0)
    model.compile("sgd", "cross_entropy")
    if frozen:
        model.freeze(frozen)
    model.loss_and_gradient(np.ones((2, 4)), [0, 1])
    assert [layer.calls for layer in counted] == calls


def test_a_layer_without_weights_at_the_bottom_has_no_backward():
    class Bottom(Layer):
        def forward(self, x, memo=None):
            return 2 * x  # and no backward: calling it would be an error

    model = Sequential([Bottom(input_shape=4), Dense(M, "softmax")], seed=0)
    model.compile("sgd", "cross_entropy")
    assert model.loss_and_gradient(np.ones((2, 4)), [0, 1]) > 0


def test_softmax_is_not_gone_through_where_the_loss_has_its_gradient(monkeypatch):
    def refuse(*args):
        raise AssertionError("softmax has been differentiated twice")

    model = network([], "softmax", 0)
    monkeypatch.setattr(Softmax, "backward", refuse)
    model.loss_and_gradient(*data(model, "softmax", 0))
    own = network([], "own softmax", 0)
    with pytest.raises(AssertionError, match="twice"):
        own.loss_and_gradient(*data(own, "own softmax", 0))


def test_backward_alone_fills_grad_from_any_upstream_gradient():
    model = network([Dense(4, "tanh")], "squares", 1)
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((3, 2, 2)), rng.standard_normal((3, M))
    outputs = model.forward(x)
    assert outputs[0] is x
    assert len(outputs) == len(model.steps) + 1
    model.backward(outputs, dy)

    def projected(theta):
        twin = model.copy()
        bind(twin.layers, complex)[0][...] = theta
        y = x
        for step in twin.steps:
            y = step.forward(y)
        return (dy * y).sum()

    assert_close(model.grad, derivative(projected, model.theta))
