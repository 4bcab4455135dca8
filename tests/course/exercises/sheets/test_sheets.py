"""The solutions: small files that need NumPy alone, and give what minnet's own layers give."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from minnet.course.exercises.files import exercises
from minnet.course.exercises.sheets.adam import adam_step
from minnet.course.exercises.sheets.batch_norm import batch_norm_backward, batch_norm_forward
from minnet.course.exercises.sheets.convolution import conv_backward, conv_forward
from minnet.course.exercises.sheets.cross_entropy import cross_entropy, cross_entropy_gradient
from minnet.course.exercises.sheets.dense import dense_backward, dense_forward, dense_gradient
from minnet.course.exercises.sheets.dropout import dropout_backward, dropout_forward
from minnet.course.exercises.sheets.freezing import forward, freezing_step
from minnet.course.exercises.sheets.im2col import im2col, im2col_backward, im2col_forward
from minnet.course.exercises.sheets.momentum import momentum_step
from minnet.course.exercises.sheets.sgd import sgd
from minnet.course.exercises.sheets.softmax import softmax, softmax_backward
from minnet.course.exercises.sheets.training_loop import train
from minnet.layers import BatchNormalization, Conv2D, Dense, Dropout, Softmax
from minnet.losses import CrossEntropy
from minnet.losses import softmax as minnets_softmax
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_a_sheet_imports_numpy_and_the_standard_library_alone(exercise):
    modules = {
        getattr(node, "module", None) or node.names[0].name
        for node in ast.walk(ast.parse(exercise.text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert modules <= {"numpy", "collections.abc"}


def numbers(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def test_dense_is_minnets():
    layer = Sequential([Dense(2, input_dim=3)], seed=0, dtype="float64").steps[0]
    x, dy, layer.b = numbers((5, 3), (5, 2), 2)
    y = layer.forward(x)
    layer.gradient(x, y, dy)
    dW, db = dense_gradient(x, dy)
    np.testing.assert_allclose(dense_forward(x, layer.W, layer.b), y)
    np.testing.assert_allclose(dense_backward(dy, layer.W), layer.backward(x, y, dy))
    np.testing.assert_allclose(dW, layer.dW)
    np.testing.assert_allclose(db, layer.db)


def test_softmax_and_cross_entropy_are_minnets():
    x, dy = numbers((5, 3), (5, 3))
    labels = np.array([0, 2, 1, 1, 0])
    p = minnets_softmax(x)
    loss = CrossEntropy(from_logits=True)
    target = loss.check_target(labels, (3,))
    np.testing.assert_allclose(softmax(x), p)
    np.testing.assert_allclose(softmax_backward(p, dy), Softmax().backward(x, p, dy))
    np.testing.assert_allclose(cross_entropy(x, labels), loss(x, labels))
    np.testing.assert_allclose(cross_entropy_gradient(x, labels), loss.gradient(x, target))


def test_optimizers_are_minnets():
    theta, m, v, grad = numbers(4, 4, 4, 4)
    moved, *means = adam_step(theta, m, v**2, grad, 2, 0.1, 0.9, 0.999, 1e-8)
    for optimizer, slots, came in (
        (SGD(0.1), (), (sgd(theta, grad, 0.1),)),
        (SGD(0.1, momentum=0.9), (m,), momentum_step(theta, m, grad, 0.1, 0.9)),
        (Adam(0.1), (m, v**2), (moved, *means)),
    ):
        kept = [array.copy() for array in (theta, *slots)]
        optimizer.update(kept[0], grad, tuple(kept[1:]), 3, 0.1, np.empty(4))
        for mine, minnets in zip(came, kept, strict=True):
            np.testing.assert_allclose(mine, minnets)


def test_dropout_is_minnets():
    x, dy = numbers((5, 3), (5, 3))
    layer, memo = Dropout(0.4), {"rng": np.random.default_rng(3)}
    y = layer.forward(x, memo)
    np.testing.assert_allclose(
        dropout_backward(dy, memo["mask"], 0.4), layer.backward(x, y, dy, memo)
    )
    mine, mask = dropout_forward(x, 0.4, np.random.default_rng(3), True)
    np.testing.assert_allclose(mine, x * mask / 0.6)


def test_batch_norm_is_minnets():
    layer = Sequential([BatchNormalization(input_shape=3)], seed=0, dtype="float64").steps[0]
    x, dy, layer.gamma, layer.beta, layer.moving_mean = numbers((5, 3), (5, 3), 3, 3, 3)
    before = layer.moving_mean.copy(), layer.moving_variance.copy()
    for training in (True, False):
        memo = {} if training else None
        y = layer.forward(x, memo)
        if training:
            dx = layer.backward(x, y, dy, memo)
            layer.gradient(x, y, dy, memo)
            layer.after_step(memo)
            grads = batch_norm_backward(x, dy, layer.gamma, layer.epsilon)
            for mine, minnets in zip(grads, (dx, layer.dgamma, layer.dbeta), strict=True):
                np.testing.assert_allclose(mine, minnets)
        came = batch_norm_forward(
            x, layer.gamma, layer.beta, *before, layer.momentum, layer.epsilon, training
        )
        before = layer.moving_mean.copy(), layer.moving_variance.copy()
        for mine, minnets in zip(came, (y, *before), strict=True):
            np.testing.assert_allclose(mine, minnets)


@pytest.mark.parametrize(
    ("forward", "backward"), [(conv_forward, conv_backward), (im2col_forward, im2col_backward)]
)
def test_convolution_is_minnets(forward, backward):
    layers = [Conv2D(2, (3, 2), input_shape=(5, 4, 3))]
    layer = Sequential(layers, seed=0, dtype="float64").steps[0]
    x, dy, layer.b = numbers((4, 5, 4, 3), (4, 3, 3, 2), 2)
    y = layer.forward(x)
    layer.gradient(x, y, dy)
    np.testing.assert_allclose(forward(x, layer.W, layer.b), y)
    wanted = (layer.backward(x, y, dy), layer.dW, layer.db)
    for mine, minnets in zip(backward(x, layer.W, dy), wanted, strict=True):
        np.testing.assert_allclose(mine, minnets)
    np.testing.assert_allclose(im2col(x, 3, 2).T, layer.windows.unrolled(x))


def test_a_training_is_minnets():
    """Whole batches of a linear model, which no order changes; and one layer frozen."""
    x, y, x_val, y_val = numbers((6, 3), 6, (4, 3), 4)
    model = Sequential([Dense(1, use_bias=False, input_dim=3)], seed=0, dtype="float64")
    model.compile(SGD(0.1), "mse")
    theta = model.theta.copy()

    def loss_and_gradient(theta, x, y):
        error = x @ theta - y
        return float((error**2).mean()), 2 * x.T @ error / len(x)

    rng = np.random.default_rng(0)
    theta, history = train(theta, x, y, x_val, y_val, loss_and_gradient, 0.1, 6, 5, rng)
    told = model.fit(x, y, batch_size=6, epochs=5, verbose=0, validation_data=(x_val, y_val))
    np.testing.assert_allclose(theta, model.theta)
    np.testing.assert_allclose(history, told.history["val_loss"])


def test_freezing_is_minnets():
    x, y = numbers((6, 3), (6, 2))
    layers = [Dense(width, use_bias=False) for width in (4, 3, 2)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.build((3,))
    model.freeze("dense_2")
    model.compile(SGD(0.1, momentum=0.9, weight_decay=0.01), "mse")
    weights = [W.copy() for W in model.get_weights()]
    velocities = [np.zeros_like(W) for W in weights]
    for _ in range(3):
        outputs = forward(weights, x)
        dy = 2 * (outputs[-1] - y) / y.size
        weights, velocities = freezing_step(
            weights, velocities, [True, False, True], outputs, dy, 0.1, 0.9, 0.01
        )
        model.train_on_batch(x, y)
    for mine, minnets in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, minnets)
