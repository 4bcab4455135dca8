"""Numbers that other projects publish: their tests' inputs and results, with the place of each.

Where a convention differs the docstring of the test says which, and how one is brought to the
other. Numbers are theirs, code is ours.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.layers import Dense
from minnet.losses import BinaryCrossEntropy, CrossEntropy, MeanAbsoluteError, MeanSquaredError
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from minnet.regularizers import L2


def run(optimizers, theta, grads):
    """theta after each gradient; one optimizer for all steps, or one for each."""
    if isinstance(optimizers, Optimizer):
        optimizers = [optimizers] * len(grads)
    theta = np.array(theta, dtype=np.float64)
    slots = tuple(np.full_like(theta, optimizers[0].initial(s)) for s in optimizers[0].slots)
    found = []
    for t, (optimizer, grad) in enumerate(zip(optimizers, grads, strict=True), 1):
        rate = optimizer.rate(t - 1)
        optimizer.decay(theta, rate)
        grad = np.broadcast_to(np.asarray(grad, dtype=np.float64), theta.shape)
        optimizer.update(theta, grad, slots, t, rate, np.empty_like(theta))
        found.append(theta.copy())
    return np.array(found)


GRADS = [np.full(10, 0.01), *[np.arange(1, 11) / 10] * 4]
"""The gradients of Keras' tests `test_correctness_with_golden`."""


# --- whole steps ----------------------------------------------------------------------------------


def test_one_step_of_scikit_learns_worked_network():
    """scikit-learn, neural_network/tests/test_mlp.py::test_fit; its alpha is 2 l2."""
    layers = [
        Dense(2, "sigmoid", input_dim=3, kernel_regularizer=L2(0.05)),
        Dense(1, "sigmoid", kernel_regularizer=L2(0.05)),
    ]
    model = Sequential(layers, dtype="float64")
    first, second = model.layers
    first.W, first.b = [[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]], [0.1, 0.1]
    second.W, second.b = [[0.1], [0.2]], [1.0]
    model.compile(SGD(0.1), "binary_crossentropy")
    x = [[0.6, 0.8, 0.7]]
    model.train_on_batch(x, [0])
    wanted = [[0.09799927, 0.19575455], [0.29566569, 0.09600606], [0.49383248, -0.0026197]]
    np.testing.assert_allclose(first.W, wanted, atol=5e-9)
    np.testing.assert_allclose(second.W[:, 0], [0.04701213, 0.15402918], atol=5e-9)
    np.testing.assert_allclose(first.b, [0.09833212, 0.09625758], atol=5e-9)
    np.testing.assert_allclose(second.b, [0.9234548], atol=5e-8)
    np.testing.assert_allclose(model.predict(x), [[0.73949192]], atol=5e-9)


def test_three_steps_of_keras_trainer_example():
    """Keras, trainers/trainer_test.py: a Dense of ones from 4 to 3, without bias."""
    model = Sequential(
        [Dense(3, use_bias=False, kernel_initializer="ones", input_dim=4)], dtype="float64"
    )
    model.compile(SGD(0.01), "mse")
    x, y = np.ones((100, 4)), np.zeros((100, 3))
    losses = model.fit(x, y, batch_size=100, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, [16.0, 15.158, 14.360], atol=5e-3)
    model.reset()
    model.fit(x, y, batch_size=100, epochs=2, verbose=0)
    np.testing.assert_allclose(model.predict(x), 3.789511, atol=5e-7)


# --- optimizers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        (SGD(0.5), [0.5, -1.0, -0.5, 3.0]),
        (Adam(0.5), [0.5, 1.5, 2.5, 3.5]),
        (AdamW(0.5), [0.4980, 1.4960, 2.494, 3.492]),
        (RMSprop(0.5), [-0.5811, 0.4189, 1.4189, 2.4189]),
        (Adagrad(0.5), [0.5233, 1.5007, 2.5005, 3.5061]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_step_of_keras(optimizer, wanted):
    """Keras, optimizers/*_test.py::test_single_step."""
    found = run(optimizer, [1.0, 2.0, 3.0, 4.0], [[1.0, 6.0, 7.0, 2.0]])
    np.testing.assert_allclose(found[-1], wanted, atol=1e-4)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop, Adagrad])
def test_decoupled_decay_of_keras(make):
    """Keras, optimizers/*_test.py::test_weight_decay: 2.0 after three steps without a gradient."""
    found = run(make(1.0, weight_decay=0.004), [2.0], np.zeros((3, 1)))
    np.testing.assert_allclose(found[-1], 1.9760959, atol=5e-7)


def test_nesterov_of_keras():
    """Keras, optimizers/sgd_test.py::test_correctness_with_golden; no momentum: plain descent."""
    found = run(SGD(nesterov=True), np.ones(10), GRADS)
    np.testing.assert_allclose(found[:, 0], [0.9999, 0.9989, 0.9979, 0.9969, 0.9959], atol=1e-6)
    np.testing.assert_allclose(found[:, -1], [0.9999, 0.9899, 0.9799, 0.9699, 0.9599], atol=1e-6)


def test_adagrad_of_keras():
    """Keras, optimizers/adagrad_test.py::test_correctness_with_golden."""
    optimizer = Adagrad(0.2, initial_accumulator_value=0.3, epsilon=1e-6)
    found = run(optimizer, np.ones(10), GRADS)
    np.testing.assert_allclose(found[:, 0], [0.9963, 0.9604, 0.9251, 0.8903, 0.856], atol=6e-5)
    np.testing.assert_allclose(found[:, -1], [0.9963, 0.8209, 0.6891, 0.579, 0.4825], atol=6e-5)


def test_centered_rmsprop_of_keras():
    """Keras, optimizers/rmsprop_test.py::test_correctness_with_golden."""
    found = run(RMSprop(centered=True), np.ones(10), GRADS)
    golden = np.tile([[0.9967], [0.9933], [0.9908], [0.9885], [0.9864]], (1, 10))
    np.testing.assert_allclose(found, golden, rtol=5e-4, atol=5e-4)


def test_adam_of_keras():
    """Keras, optimizers/adam_test.py::test_correctness_with_golden.

    It is AMSGrad there, which differs only once v falls, and here v rises at every step.
    """
    found = run(Adam(), np.ones(10), GRADS)
    golden = np.tile([[0.999], [0.9982], [0.9974], [0.9965], [0.9955]], (1, 10))
    np.testing.assert_allclose(found, golden, rtol=5e-4, atol=5e-4)


def test_adamw_of_keras_in_its_form():
    """Keras, optimizers/adamw_test.py::test_correctness_with_golden, with ε̂ = 2.

    Keras' ε̂ stands beside √v and ours beside √v̂: ε = ε̂ / √(1 − β₂ᵗ) makes them one. With the
    default ε̂ nobody sees the difference; with 2 it is plain.
    """
    each = [AdamW(1.0, weight_decay=0.5, epsilon=2 / math.sqrt(1 - 0.999**t)) for t in range(1, 6)]
    found = run(each, np.ones(10), GRADS)
    np.testing.assert_allclose(found[:, 0], [0.4998, 0.2486, 0.1223, 0.0586, 0.0263], atol=6e-5)
    np.testing.assert_allclose(found[:, -1], [0.4998, 0.2382, 0.1003, 0.0258, -0.0159], atol=6e-5)
    ours = run(AdamW(1.0, weight_decay=0.5, epsilon=2), np.ones(10), GRADS)
    np.testing.assert_allclose(ours[0], 0.5 - 0.01 / 2.01)  # the paper's algorithm 1


# --- losses ---------------------------------------------------------------------------------------

P, T = [[4, 8, 12], [8, 1, 3]], [[1, 9, 2], [-5, -2, 6]]


@pytest.mark.parametrize(
    ("loss", "plain", "weighted"),
    [(MeanSquaredError(), 49.5, 767.8 / 6), (MeanAbsoluteError(), 5.5, 81.4 / 6)],
)
def test_regression_losses_of_keras(loss, plain, weighted):
    """Keras, losses/losses_test.py: test_unweighted and test_sample_weighted."""
    assert loss(P, T) == pytest.approx(plain)
    assert loss(P, T, [[1.2], [3.4]]) == pytest.approx(weighted)


def test_binary_cross_entropies_of_keras():
    """Keras, losses/losses_test.py::BinaryCrossentropyTest, in float32 as there."""
    loss = BinaryCrossEntropy()
    p = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1], [0.1, 0.2, 0.7]], "float32")
    assert loss(p, np.eye(3, dtype="float32")) == pytest.approx(0.20046903, rel=1e-5)
    p = np.array([[1, 1], [1, 0]], "float32")
    t = np.array([[1, 0], [1, 0]], "float32")
    assert loss(p, t) == pytest.approx(3.98559, abs=1e-4)
    assert loss(p, t, [1.2, 3.4]) == pytest.approx(4.7827, abs=1e-4)
    logits = BinaryCrossEntropy(from_logits=True)
    z, t = [[10.0, -10.0, 10.0], [10.0, 10.0, -10.0]], [[1, 0, 1], [0, 1, 1]]
    assert logits(z, t) == pytest.approx(3.3333, abs=1e-3)
    assert logits(z, t, [4, 3]) == pytest.approx(10.0, abs=1e-3)


def test_softmax_cross_entropies_of_optax():
    """optax, losses/_classification_test.py::SoftmaxCrossEntropyTest and PolyLossTest (ε = 0)."""
    z, loss = np.array([[10.0, 1.0, -2.0], [1.0, 4.0, 0.2]]), CrossEntropy(from_logits=True)
    wanted = [9.00013, 3.0696733]
    np.testing.assert_allclose(loss.per_sample(z, np.array([1, 0])), wanted, atol=1e-5)
    np.testing.assert_allclose(loss.per_sample(z, np.eye(3)[[1, 0]]), wanted, atol=1e-5)
    z, t = [[0.14, 1.456, 2.356, -0.124, -2.47]], [[0.1, 0.15, 0.2, 0.25, 0.3]]
    assert loss(z, t) == pytest.approx(2.8990, abs=1e-4)
    z, t = np.array([[4.0, 2.0, 1.0], [0.0, 5.0, 1.0]]), np.array([[1, 0, 0], [0, 0.8, 0.2]])
    np.testing.assert_allclose(loss.per_sample(z, t), [0.1698, 0.8247], atol=1e-4)


@pytest.mark.parametrize(
    ("z", "t", "wanted"),
    [
        ([-1e9, -1e-9], [1, 0], 5e8),
        ([-1e9, -1e-9], [0, 1], 0.3465736),
        ([1e9, 1e-9], [1, 0], 0.3465736),
        ([1e9, 1e-9], [0, 1], 5e8),
        ([0.0, 0.0], [1, 0], 0.6931472),
    ],
)
def test_sigmoid_cross_entropies_of_optax(z, t, wanted):
    """optax, losses/_classification_test.py::SigmoidCrossEntropyTest."""
    assert BinaryCrossEntropy(from_logits=True)([z], [t]) == pytest.approx(wanted, rel=1e-6)
