"""A training step that is planned once and made again and again."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.callbacks import Callback
from minnet.layers import BatchNormalization, Dense, Dropout
from minnet.models import Sequential
from minnet.regularizers import L2
from minnet.step import TrainingStep


def make(optimizer="adam", loss="sparse_categorical_crossentropy"):
    layers = [
        Dense(6, activation="tanh", input_dim=4, kernel_regularizer=L2(0.01)),
        BatchNormalization(),
        Dropout(0.25),
        Dense(5, activation="relu"),
        Dense(3, activation=None if loss == "mse" else "softmax"),
    ]
    model = Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    return model


def batches(count=4, rows=8):
    rng = np.random.default_rng(1)
    for _ in range(count):
        x = rng.standard_normal((rows, 4)).astype(np.float32)
        yield x, rng.integers(3, size=rows), rng.random(rows).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_one_plan_for_many_batches_is_a_plan_for_each(loss, weighted):
    planned, anew = make(loss=loss), make(loss=loss)
    step = TrainingStep(planned, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    for x, y, weight in batches():
        target = y if loss != "mse" else np.eye(3, dtype=np.float32)[y]
        weight = weight if weighted else None
        a = step.loss_and_gradient(x, target, weight)
        b = anew.loss_and_gradient(x, target, weight, seed=rng)
        assert a == b
        np.testing.assert_array_equal(planned.grad, anew.grad)
        step.update()
        anew.apply_gradient()
        np.testing.assert_array_equal(planned.theta, anew.theta)
        np.testing.assert_array_equal(planned.state, anew.state)
    assert planned.updates.iterations == 4
    assert planned.updates.counts == anew.updates.counts


def test_a_new_plan_sees_what_was_frozen():
    model = make()
    old = TrainingStep(model, np.random.default_rng(5))
    model.freeze("dense_1")
    new = TrainingStep(model, np.random.default_rng(5))
    x, y, _ = next(batches())
    before = model.theta.copy()
    new.loss_and_gradient(x, y, None)
    new.update()
    size = 4 * 6 + 6
    np.testing.assert_array_equal(model.theta[:size], before[:size])
    assert (model.theta[size:] != before[size:]).any()
    assert len(old.way_back) == len(new.way_back) + 2  # dense_1 and its tanh


def test_steps_below_the_start_do_not_run():
    model = make()
    model.freeze(["dense_1", "batch_normalization_1"])
    x, y, _ = next(batches())
    kept = model.forward(x)[3]
    whole = TrainingStep(model, np.random.default_rng(5)).loss_and_gradient(x, y, None)
    gradient, outputs = model.grad.copy(), model.outputs
    model.grad = np.ones_like(gradient)
    model.grad[: 4 * 6 + 6 + 12] = 0.0
    above = TrainingStep(model, np.random.default_rng(5), 3)
    assert above.loss_and_gradient(kept, y, None) == pytest.approx(whole)
    np.testing.assert_allclose(model.grad, gradient, rtol=1e-6)
    assert len(model.outputs) == len(outputs) - 3
    above.update()
    assert model._memos == []


def test_an_update_without_a_batch_writes_no_statistics():
    model = make()
    step = TrainingStep(model, np.random.default_rng(5))
    x, y, _ = next(batches())
    step.loss_and_gradient(x, y, None)
    step.update()
    state = model.state.copy()
    step.update()
    np.testing.assert_array_equal(model.state, state)


class Replacing(Callback):
    """Puts a ReLU's forward aside after the first batch."""

    def on_train_batch_end(self, batch, logs):
        relu = self.model.steps[5]
        if batch == 0:
            relu.__dict__["forward"] = lambda x, memo=None: np.zeros_like(x)


def test_what_a_hook_puts_in_the_place_of_a_method_runs_from_the_next_batch():
    model = make()
    x, y, _ = next(batches())
    seen = []

    class Looking(Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(bool(model.outputs[6].any()))

    model.fit(x, y, batch_size=4, verbose=0, callbacks=[Looking(), Replacing()])
    assert seen == [True, False]
