"""A training step: planned once, made again and again, by one path."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.callbacks import Checkpoint, LambdaCallback
from minnet.engine import network
from minnet.engine.plan import make_plan
from minnet.layers import BatchNormalization, Dense, Dropout, ReLU
from minnet.models import Sequential
from minnet.regularizers import L2


def make(loss="sparse_categorical_crossentropy"):
    layers = [
        Dense(6, activation="tanh", input_dim=4, kernel_regularizer=L2(0.01)),
        BatchNormalization(),
        Dropout(0.25),
        Dense(5, activation="relu"),
        Dense(3, activation=None if loss == "mse" else "softmax"),
    ]
    model = Sequential(layers, seed=0)
    model.compile("adam", loss)
    return model


def batches(count=4, rows=8):
    rng = np.random.default_rng(1)
    for _ in range(count):
        x = rng.standard_normal((rows, 4)).astype(np.float32)
        yield x, rng.integers(3, size=rows), rng.random(rows).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_a_batch_that_was_checked_gives_what_the_same_arrays_give(loss, weighted):
    checked, anew = make(loss=loss), make(loss=loss)
    rng, other = np.random.default_rng(5), np.random.default_rng(5)
    for x, y, weight in batches():
        target = y if loss != "mse" else np.eye(3, dtype=np.float32)[y]
        weight = weight if weighted else None
        a = checked.run_batch(x, target, weight, rng)
        b = anew.loss_and_gradient(x, target, weight, seed=other)
        assert a == b
        np.testing.assert_array_equal(checked.grad, anew.grad)
        checked.apply_gradient()
        anew.apply_gradient()
        np.testing.assert_array_equal(checked.theta, anew.theta)
        np.testing.assert_array_equal(checked.state, anew.state)
    assert checked.updates.iterations == 4
    assert checked.updates.counts == anew.updates.counts


def test_other_arrays_than_the_checked_ones_are_checked():
    """A subclass may make its own of the batch that fit hands it."""

    class Noisy(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            return super().loss_and_gradient(x[:, :3], y, sample_weight, seed=seed)

    model = Noisy([Dense(3, activation="softmax", input_dim=4)], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y, _ = next(batches())
    with pytest.raises(ValueError, match=r"x takes shape \(N, 4\). Got \(8, 3\)"):
        model.fit(x, y, verbose=0)


def test_a_plan_is_made_anew_when_a_layer_is_frozen():
    model = make()
    old = model.plan()
    assert model.plan() is old
    model.freeze("dense_1")
    x, y, _ = next(batches())
    before = model.theta.copy()
    model.loss_and_gradient(x, y)
    model.apply_gradient()
    size = 4 * 6 + 6
    np.testing.assert_array_equal(model.theta[:size], before[:size])
    assert (model.theta[size:] != before[size:]).any()
    assert len(old.backward) == len(model.plan().backward) + 2  # dense_1 and its tanh


def test_a_frozen_layer_has_no_gradient_from_then_on():
    model = make()
    x, y, _ = next(batches())
    model.loss_and_gradient(x, y)
    model.freeze("dense_1")
    assert not model.layers[0].dW.any()
    assert model.layers[3].dW.any()


def test_steps_below_the_start_do_not_run():
    model = make()
    model.freeze(["dense_1", "batch_normalization_1"])
    x, y, _ = next(batches())
    kept = model.forward(x)[3]
    whole = model.run_batch(x, y, None, np.random.default_rng(5))
    gradient, outputs = model.grad.copy(), model.outputs
    model.grad = np.ones_like(gradient)
    model.grad[: 4 * 6 + 6 + 12] = 0.0
    above = (kept, y, None, np.random.default_rng(5), 3)
    assert model.run_batch(*above) == pytest.approx(whole)
    np.testing.assert_allclose(model.grad, gradient, rtol=1e-6)
    assert len(model.outputs) == len(outputs) - 3
    model.apply_gradient()
    assert model.training_step.memos == []


def test_an_update_without_a_batch_writes_no_statistics():
    model = make()
    x, y, _ = next(batches())
    model.loss_and_gradient(x, y)
    model.apply_gradient()
    state = model.state.copy()
    model.apply_gradient()
    np.testing.assert_array_equal(model.state, state)


def test_the_first_batch_of_a_model_that_is_not_built_writes_its_statistics():
    model = Sequential([Dense(3), BatchNormalization(), Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y, _ = next(batches())
    model.train_on_batch(x, y)
    assert model.get_layer("batch_normalization_1").moving_mean.any()


@pytest.mark.parametrize(
    ("hook", "after"),
    [("on_train_batch_begin", 0), ("on_train_batch_end", 1), ("on_epoch_end", 2)],
)
def test_what_a_hook_puts_in_the_place_of_a_method_runs_next(hook, after):
    """In the same batch, in the next one, or in the next epoch, without hooks of batches."""
    model, ran = make(), []
    x, y, _ = next(batches())
    dropout, relu = model.steps[3], next(step for step in model.steps if isinstance(step, ReLU))
    forward = dropout.forward

    def noting(x, memo=None):  # the dropout stands below the ReLU
        ran.append("batch")
        return forward(x, memo)

    def zeros(x, memo=None):
        ran.append("zeros")
        return np.zeros_like(x)

    def replace(number, logs):
        if "replaced" not in ran:
            relu.forward = zeros
            ran.append("replaced")

    dropout.forward = noting
    model.fit(x, y, 4, epochs=2, verbose=0, callbacks=[LambdaCallback(**{hook: replace})])
    assert ran == [*["batch"] * after, "replaced", *["batch", "zeros"] * (4 - after)]


class Freezing(Checkpoint):
    """One of the user's: what it freezes stays as it is from the next batch on."""

    def on_train_batch_end(self, batch, logs):
        super().on_train_batch_end(batch, logs)
        if batch == 0:
            self.model.freeze("dense_1")
            self.kept = self.model.layers[0].W.copy()


def test_a_checkpoint_of_ones_own_may_freeze_in_its_hook(tmp_path):
    model = make()
    x, y, _ = next(batches())
    freezing = Freezing(tmp_path / "training.npz")
    model.fit(x, y, 2, verbose=0, callbacks=[freezing])
    np.testing.assert_array_equal(model.layers[0].W, freezing.kept)


@pytest.mark.parametrize("freeze", [False, True])
def test_a_model_that_is_not_built_has_no_gradient_to_apply(freeze):
    model = Sequential([Dense(4, kernel_regularizer=L2(0.1)), Dense(2)])
    model.compile("sgd", "mse")
    if freeze:
        model.freeze(0)
    with pytest.raises(RuntimeError, match="not built"):
        model.apply_gradient()


@pytest.mark.parametrize("where", ["class", "object"])
def test_fit_makes_its_updates_by_a_students_apply_gradient(where):
    """To add noise to the gradient, say."""
    calls = []

    class Own(Sequential):
        def apply_gradient(self):
            calls.append(1)
            super().apply_gradient()

    model = (Own if where == "class" else Sequential)([Dense(2, input_dim=4)], seed=0)
    if where == "object":
        given = model.apply_gradient
        model.apply_gradient = lambda: (calls.append(1), given())
    model.compile("sgd", "mse")
    x, y, _ = next(batches())
    model.fit(x, np.eye(2)[y % 2], 2, verbose=0)
    assert len(calls) == model.updates.iterations == 4


def test_what_a_schedule_freezes_stays_as_it_is_from_the_next_batch_on():
    model, kept = make(), []

    def rate(step):
        if step == 1:
            model.freeze("dense_1")
        elif step == 2:
            kept.append(model.layers[0].W.copy())
        return 0.01

    x, y, _ = next(batches())
    model.fit(x, y, 2, verbose=0, learning_rate=rate)
    np.testing.assert_array_equal(model.layers[0].W, kept[0])


def test_a_gradient_alone_leaves_what_the_optimizer_remembers():
    model = Sequential([Dense(3, input_dim=4), Dense(3)], seed=0)
    model.compile("adam", "mse")
    x, y, _ = next(batches())
    target = np.eye(3)[y]
    model.train_on_batch(x, target)
    head = model.pop()
    model.loss_and_gradient(x, target)
    model.add(head)
    model.train_on_batch(x, target)
    assert model.updates.counts == {"dense_1": 2, "dense_2": 2}


def test_a_plan_that_is_made_while_a_layer_is_frozen_is_made_again(monkeypatch):
    """As when another thread predicts meanwhile: no plan of what was trains what is frozen."""
    model = Sequential([Dense(4, activation="tanh", input_dim=3), Dense(2)], seed=0)
    layer = model.layers[0]

    def freeze_meanwhile(*layers_and_shape):
        plan = make_plan(*layers_and_shape)
        layer.trainable = False
        return plan

    with monkeypatch.context() as patch:
        patch.setattr(network, "make_plan", freeze_meanwhile)
        model.predict(np.ones((1, 3)))
    assert model.plan().has_gradient == (False, False, True)


def test_a_layer_is_frozen_when_its_count_tells():
    """One who reads the count reads the flag that belongs to it, in another thread as well."""

    class Watched(Dense):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "freeze_count":
                seen.append(self.trainable)

    seen = []
    layer = Watched(2, input_dim=2)
    layer.trainable = False
    layer.trainable = True
    assert seen == [False, True]


@pytest.mark.parametrize("method", ["forward", "gradient"])
def test_a_formula_that_is_changed_in_the_class_is_obeyed_in_the_next_step(monkeypatch, method):
    """As a student does who runs the cell with the class again."""
    model, ran = make(), []
    x, y, _ = next(batches())
    model.fit(x, y, verbose=0)
    given = getattr(Dense, method)

    def noting(self, *args):
        ran.append(self.label)
        return given(self, *args)

    monkeypatch.setattr(Dense, method, noting)
    model.train_on_batch(x, y)
    model.fit(x, y, verbose=0)
    assert len(ran) == 2 * 3
    model.predict(x)
    assert len(ran) == 2 * 3 + 3 * (method == "forward")


@pytest.mark.parametrize("method", ["compile", "reset"])
def test_what_a_fit_depends_on_is_not_changed_while_it_runs(method):
    model = make()
    x, y, _ = next(batches())
    calls = {
        "compile": lambda: model.compile("sgd", "cross_entropy"),
        "reset": lambda: model.reset(0),
    }
    hook = LambdaCallback(on_epoch_end=lambda epoch, logs: calls[method]())
    with pytest.raises(RuntimeError, match=f"{method} cannot be called while the model is trained"):
        model.fit(x, y, verbose=0, callbacks=[hook])
    assert type(model.optimizer).__name__ == "Adam"
    calls[method]()
