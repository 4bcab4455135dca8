"""The mathematics of whole models: gradients of any stacking, and what symmetry promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet import Sequential
from minnet.checks import Array, DivergedError
from minnet.layers import Dense, Softmax
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.optimizers import SGD
from tests.complex_step import STEP, assert_close
from tests.strategies import N, normal, seeds, stacks

FITTING = ["mse", "mae", "cross_entropy", "binary"]


def numeric_gradient(model: Sequential, x: Array, target: Array, seed: int, weight: Array) -> Array:
    """The gradient of loss + penalty with respect to theta, by complex step."""
    loss = model.loss
    assert loss is not None
    theta = model.theta.copy()
    result = np.empty(theta.size)
    bounds, start = [], 0
    for layer in model.layers:
        for name in layer.weights:
            size = getattr(layer, name).size
            bounds.append((layer, name, start, start + size))
            start += size
    originals = [getattr(layer, name) for layer, name, _, _ in bounds]
    try:
        for p in range(theta.size):
            moved = theta.astype(complex)
            moved[p] += 1j * STEP
            for layer, name, a, b in bounds:
                layer.__dict__[name] = moved[a:b].reshape(getattr(layer, name).shape)
            rng, y = np.random.default_rng(seed), x
            for layer in model.layers:
                for step in layer.steps():
                    y = step.forward(y, {"rng": rng} if layer.trainable else None)
            value = (weight * loss.per_sample(y, target)).sum() / len(x)
            for layer in model.layers:
                for name, penalty in layer.regularizers.items():
                    if layer.trainable:
                        value += penalty.l2 * (getattr(layer, name) ** 2).sum()  # type: ignore
            result[p] = np.imag(value) / STEP
    finally:
        for (layer, name, _, _), original in zip(bounds, originals, strict=True):
            layer.__dict__[name] = original
    return result


def fitted(model: Sequential, kind: str, rng: np.random.Generator, n: int) -> Array:
    """Compile the model with this loss, and draw targets for it."""
    M = model.output_shape[0]
    if kind == "cross_entropy":
        model.add(Softmax())
        model.compile("sgd", CrossEntropy())
        return rng.integers(M, size=n)
    if kind == "binary":
        model.compile("sgd", BinaryCrossEntropy(from_logits=True))
        return rng.integers(2, size=(n, M)).astype(float)
    model.compile("sgd", kind)
    return rng.standard_normal((n, M))


@settings(max_examples=60)
@given(
    model=stacks(outputs=3), kind=st.sampled_from(FITTING), n=N, seed=seeds, freeze=st.booleans()
)
def test_gradients_of_any_stacking(
    model: Sequential, kind: str, n: int, seed: int, freeze: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = fitted(model, kind, rng, n)
    if freeze and len(model.layers) > 2:
        model.freeze(0)
    (x,) = normal(seed, (n, *model.input_shape))
    weight = rng.uniform(0.5, 2.0, n)
    model.loss_and_gradient(x, y, weight, seed=seed)
    numeric = numeric_gradient(model, x, y, seed, weight)
    frozen = model.layers[0].count_params() if freeze and len(model.layers) > 2 else 0
    states = sum(model.layers[0].arrays()[s].size for s in model.layers[0].states)
    numeric[: max(0, frozen - states)] = 0.0  # no gradient is made for what does not learn
    assert_close(model.grad, numeric, repr(model))


def plain(seed: int, dtype: str = "float64") -> tuple[Sequential, Array, Array]:
    """A small classifier, with data."""
    model = Sequential(
        [Dense(6, activation="tanh", input_dim=4), Dense(3, activation="softmax")],
        seed=seed,
        dtype=dtype,
    )
    model.compile("sgd", "cross_entropy", ["accuracy"])
    x, _ = normal(seed, (9, 4), (1,))
    return model, x, np.arange(9) % 3


@given(seed=seeds)
def test_the_order_of_samples_does_not_matter(seed: int) -> None:
    model, x, y = plain(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    loss, grad = model.loss_and_gradient(x, y), model.grad.copy()
    assert model.loss_and_gradient(x[order], y[order]) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.grad, grad, rtol=1e-10, atol=1e-13)


@given(seed=seeds)
def test_every_sample_twice_is_the_same_mean(seed: int) -> None:
    model, x, y = plain(seed)
    loss, grad = model.loss_and_gradient(x, y), model.grad.copy()
    twice = model.loss_and_gradient(np.concatenate([x, x]), np.concatenate([y, y]))
    assert twice == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.grad, grad, rtol=1e-10, atol=1e-13)


@given(seed=seeds)
def test_hidden_units_may_change_places(seed: int) -> None:
    model, x, y = plain(seed)
    loss = model.loss_and_gradient(x, y)
    dW = model.layers[0].dW.copy()
    order = np.random.default_rng(seed).permutation(6)
    W1, b1, W2, b2 = model.get_weights()
    model.set_weights([W1[:, order], b1[order], W2[order], b2])
    assert model.loss_and_gradient(x, y) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.layers[0].dW, dW[:, order], rtol=1e-9, atol=1e-13)


@given(seed=seeds)
def test_one_hot_rows_are_the_same_as_labels(seed: int) -> None:
    model, x, y = plain(seed)
    loss, grad = model.loss_and_gradient(x, y), model.grad.copy()
    assert model.loss_and_gradient(x, np.eye(3)[y]) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.grad, grad, rtol=1e-10, atol=1e-14)


@given(seed=seeds)
def test_the_fused_loss_is_that_of_the_probabilities(seed: int) -> None:
    model, x, y = plain(seed)
    p = model.predict(x)
    expected = -np.log(p[np.arange(9), y]).mean()
    assert model.loss_and_gradient(x, y) == pytest.approx(expected, rel=1e-9)


class MySoftmax(Softmax):
    """A student's own: it must really be run."""

    runs = 0

    def backward(self, x: Array, y: Array, dy: Array, memo: Any = None) -> Array:
        type(self).runs += 1
        return super().backward(x, y, dy, memo)


@given(seed=seeds)
def test_a_students_own_softmax_is_run_and_agrees_with_the_fusion(seed: int) -> None:
    model, x, y = plain(seed)
    loss = model.loss_and_gradient(x, y)
    own = Sequential(
        [Dense(6, activation="tanh", input_dim=4), Dense(3), MySoftmax()], dtype="float64"
    )
    own.set_weights(model.get_weights())
    own.compile("sgd", "cross_entropy")
    runs = MySoftmax.runs
    assert own.loss_and_gradient(x, y) == pytest.approx(loss, rel=1e-6)
    assert MySoftmax.runs == runs + 1
    np.testing.assert_allclose(own.grad, model.grad, rtol=1e-6, atol=1e-9)


def test_huge_logits_are_finite_in_both_precisions() -> None:
    for dtype in ("float32", "float64"):
        model = Sequential([Dense(3, input_dim=1, activation="softmax")], dtype=dtype)
        model.compile("sgd", "cross_entropy")
        model.layers[0].W = [[1e4, -1e4, 0.0]]
        loss = model.loss_and_gradient([[1.0]], [1])
        assert loss == pytest.approx(2e4)
        assert np.isfinite(model.grad).all()


# --- one step -------------------------------------------------------------------------------------


def test_a_step_returns_the_loss_before_it() -> None:
    model, x, y = plain(0)
    before = model.evaluate(x, y)["loss"]
    assert model.train_on_batch(x, y) == pytest.approx(before)
    assert model.evaluate(x, y)["loss"] < before


def test_a_step_is_its_two_pieces() -> None:
    model, x, y = plain(0)
    twin = model.copy()
    model.train_on_batch(x, y)
    twin.loss_and_gradient(x, y)
    twin.apply_gradient()
    np.testing.assert_array_equal(model.theta, twin.theta)


def test_a_loss_that_is_not_finite_moves_nothing() -> None:
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    model.compile(SGD(0.1), "mse")
    model.layers[0].W = [[1e30]]
    before = model.theta.copy()
    with np.errstate(over="ignore"), pytest.raises(DivergedError, match="no step was made"):
        model.train_on_batch([[1e30]], [[0.0]])
    np.testing.assert_array_equal(model.theta, before)


def test_outputs_of_the_last_step_can_be_looked_at() -> None:
    model, x, y = plain(0)
    model.loss_and_gradient(x, y)
    assert [o.shape for o in model.outputs] == [(9, 4), (9, 6), (9, 6), (9, 3), (9, 3)]
    np.testing.assert_allclose(model.outputs[-1], model.predict(x))


# --- predict, features, evaluate ------------------------------------------------------------------


@given(rows=st.integers(1, 20))
def test_predictions_do_not_depend_on_the_batch_size(rows: int) -> None:
    model, x, _ = plain(1)
    np.testing.assert_allclose(model.predict(x, batch_size=rows), model.predict(x), rtol=1e-12)


def test_no_rows_give_no_predictions() -> None:
    model, x, _ = plain(0)
    assert model.predict(x[:0]).shape == (0, 3)


def test_a_prediction_is_no_view_of_the_callers_data() -> None:
    model = Sequential([minnet.layers.Linear()], dtype="float64")
    model.build((2,))
    x = np.ones((3, 2))
    model.predict(x)[...] = 9.0
    assert (x == 1).all()


def test_features_are_the_heads_input_or_a_named_layers_output() -> None:
    model, x, _ = plain(0)
    np.testing.assert_allclose(model.features(x), np.tanh(x @ model.layers[0].W))
    np.testing.assert_array_equal(model.features(x, "dense_1"), model.features(x))
    np.testing.assert_array_equal(model.features(x, -1), model.predict(x))


def test_reset_starts_over_with_the_same_or_other_weights() -> None:
    model, x, y = plain(3)
    first = model.theta.copy()
    model.fit(x, y, epochs=2, verbose=0)
    model.reset()
    np.testing.assert_array_equal(model.theta, first)
    assert model.history is None
    assert model.updates is not None
    assert model.updates.iterations == 0
    model.reset(seed=9)
    assert not np.array_equal(model.theta, first)
    again = model.theta.copy()
    model.reset(seed=9)
    np.testing.assert_array_equal(model.theta, again)


# --- compile --------------------------------------------------------------------------------------


def test_compile_refuses_what_cannot_be_meant() -> None:
    model, _, _ = plain(0)
    for args, message in [
        (("adm", "mse"), 'Did you mean "adam"'),
        (("adam",), "compile takes a loss. Got none"),
        (("adam", "msee"), 'Did you mean "mse"'),
        (("adam", "cross_entropy", ["acuracy"]), 'Did you mean "accuracy"'),
        (("adam", "cross_entropy", ["accuracy", "accuracy"]), "each metric once"),
        (("adam", CrossEntropy(from_logits=True)), "applied twice"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.compile(*args)
    with pytest.raises(TypeError, match=r"takes a list such as \[\"accuracy\"\]"):
        model.compile("adam", "cross_entropy", "accuracy")
    with pytest.raises(TypeError, match="Call it"):
        model.compile(SGD, "cross_entropy")  # type: ignore[arg-type]


def test_softmax_twice_and_over_one_output_are_refused() -> None:
    twice = Sequential([Dense(3, activation="softmax", input_dim=2), Softmax()])
    with pytest.raises(ValueError, match=r"Softmax is applied twice, in dense_1\.softmax"):
        twice.compile("sgd", "cross_entropy")
    with pytest.raises(ValueError, match="Softmax over one output is always 1"):
        Sequential([Dense(1, activation="softmax", input_dim=2)]).compile("sgd", "cross_entropy")


def test_softmax_with_mse_is_warned_about() -> None:
    model, _, _ = plain(0)
    with pytest.warns(UserWarning, match="(?i)softmax"):
        model.compile("sgd", "mse")


def test_what_needs_a_compiled_or_built_model_says_so() -> None:
    model = Sequential([Dense(3)])
    for call in (
        lambda: model.predict([[1.0]]),
        lambda: model.theta,
        lambda: model.count_params(),
        lambda: model.get_weights(),
        lambda: model.save("never.npz"),
    ):
        with pytest.raises(RuntimeError, match="not built"):
            call()
    for call in (lambda: model.fit([[1.0]], [0]), lambda: model.evaluate([[1.0]], [0])):
        with pytest.raises(RuntimeError, match="not compiled"):
            call()
    with pytest.raises(RuntimeError, match="no layers yet"):
        Sequential().build((3,))


def test_a_model_without_weights_has_nothing_to_fit() -> None:
    model = Sequential([Softmax()])
    model.build((3,))
    model.compile("sgd", "cross_entropy")
    with pytest.raises(ValueError, match="no weights, so fit would change nothing"):
        model.fit([[1.0, 2.0, 3.0]], [0])


def test_evaluate_refuses_what_a_metric_has_no_answer_for() -> None:
    model = Sequential([Dense(1, input_dim=4)], seed=0)
    model.compile("sgd", "mse", ["accuracy"])
    with pytest.raises(ValueError, match="accuracy takes y of 0 or 1"):
        model.evaluate(np.ones((3, 4)), [0.5, 1.5, 2.5])


def test_targets_and_weights_too_large_for_the_dtype_are_refused() -> None:
    model = Sequential([Dense(1, input_dim=4)], seed=0)
    model.compile("sgd", "mse")
    x, y = np.ones((3, 4)), np.zeros(3)
    with pytest.raises(ValueError, match=r"y takes numbers that float32 can hold. Got 1e\+308"):
        model.fit(x, [0.0, 1e308, 0.0], verbose=0)
    with pytest.raises(ValueError, match="sample_weight takes numbers that float32 can hold"):
        model.fit(x, y, sample_weight=[1.0, 1e308, 1.0], verbose=0)
    with pytest.raises(ValueError, match="validation sample_weight takes numbers that are 0"):
        model.fit(x, y, validation_data=(x, y, [1.0, -1.0, 1.0]), verbose=0)
