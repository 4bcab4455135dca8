"""A frozen weight keeps every bit, whatever trains around it; and heads are replaced on copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minnet import Sequential
from minnet.callbacks import LambdaCallback
from minnet.checks import Array
from minnet.layers import BatchNormalization, Dense, Dropout, Layer
from minnet.layers.base import Memo
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from tests.strategies import seeds

OPTIMIZERS: list[Any] = [
    lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1, global_clipnorm=1.0),
    lambda: RMSprop(0.01, momentum=0.9, centered=True, weight_decay=0.1),
    lambda: Adagrad(0.1, weight_decay=0.1),
    lambda: Adam(0.01, weight_decay=0.1, global_clipnorm=0.1),
    lambda: AdamW(0.01),
]
NAMES = ["first", "norm", "second", "head"]


def network(optimizer: Optimizer | None = None, seed: int = 0) -> Sequential:
    """Four layers with weights, one of them batch normalisation, penalties and dropout."""
    model = Sequential(
        [
            Dense(6, activation="tanh", input_dim=4, kernel_regularizer="l2", name="first"),
            BatchNormalization(name="norm"),
            Dropout(0.3, name="drop"),
            Dense(5, activation="tanh", name="second"),
            Dense(3, activation="softmax", name="head"),
        ],
        seed=seed,
    )
    model.compile(optimizer or SGD(0.1), "cross_entropy")
    return model


X = np.random.default_rng(0).standard_normal((20, 4))
Y = np.arange(20) % 3


def arrays(model: Sequential, name: str) -> list[Array]:
    return [a.copy() for a in model.get_layer(name).arrays().values()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@settings(max_examples=15)
@given(frozen=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3), seed=seeds)
def test_frozen_weights_keep_every_bit_and_others_move(
    optimizer: Any, frozen: set[str], seed: int
) -> None:
    model = network(optimizer(), seed)
    model.fit(X, Y, epochs=1, verbose=0)  # so that momentum is under way
    model.freeze(sorted(frozen))
    before = {name: arrays(model, name) for name in NAMES}
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    for name in NAMES:
        same = [
            np.array_equal(a, b) for a, b in zip(before[name], arrays(model, name), strict=True)
        ]
        assert all(same) if name in frozen else not any(same), name


def test_freezing_acts_before_and_after_compile_and_from_a_callback() -> None:
    for when in ("before", "after", "callback"):
        model = network()
        kept = arrays(model, "first")
        callbacks = []
        if when == "before":
            model.freeze("first")
            model.compile("adam", "cross_entropy")
        elif when == "after":
            model.freeze("first")
        else:
            model.fit(X, Y, verbose=0)
            kept = arrays(model, "first")
            freeze = LambdaCallback(on_train_begin=lambda logs, m=model: m.freeze("first"))
            callbacks = [freeze]
        model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks)
        for a, b in zip(kept, arrays(model, "first"), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_frozen_layer_runs_in_inference_mode() -> None:
    model = network()
    model.freeze(["norm", "drop"])
    model.loss_and_gradient(X, Y)
    np.testing.assert_allclose(model.outputs[-1], model.predict(X), rtol=1e-5)
    model.unfreeze("drop")
    model.loss_and_gradient(X, Y)
    assert not np.allclose(model.outputs[-1], model.predict(X))


class Counting(Layer):
    """Counts how often it is gone through backwards."""

    training_differs = False
    calls = 0

    def forward(self, x: Array, memo: Memo | None = None) -> Array:
        return 1.0 * x

    def backward(self, x: Array, y: Array, dy: Array, memo: Memo | None = None) -> Array:
        type(self).calls += 1
        return dy


@pytest.mark.parametrize(("frozen", "expected"), [(None, 1), ("below", 0), ("above", 1)])
def test_backpropagation_stops_below_the_lowest_layer_that_learns(
    frozen: str | None, expected: int
) -> None:
    model = Sequential(
        [
            Dense(3, input_dim=4, name="below"),
            Counting(),
            Dense(3, activation="softmax", name="above"),
        ],
        seed=0,
    )
    model.compile("sgd", "cross_entropy")
    if frozen:
        model.freeze(frozen)
    Counting.calls = 0
    model.train_on_batch(X, Y)
    assert Counting.calls == expected


def test_the_first_layer_is_never_asked_for_its_input_gradient() -> None:
    class First(Dense):
        def backward(self, *args: Any) -> Array:
            raise AssertionError("nobody needs it")

    model = Sequential([First(3, activation="softmax", input_dim=4)], seed=0)
    model.compile("sgd", "cross_entropy")
    model.train_on_batch(X, Y)
    assert model.grad.any()


def test_the_gradient_of_a_frozen_layer_is_zero() -> None:
    model = network()
    model.loss_and_gradient(X, Y)
    model.freeze("second")
    model.loss_and_gradient(X, Y)
    assert not model.get_layer("second").dW.any()
    assert model.get_layer("head").dW.any()


def test_layers_below_a_frozen_one_go_on_learning() -> None:
    model = network()
    model.freeze("second")
    before = arrays(model, "first")
    model.train_on_batch(X, Y)
    assert not np.array_equal(before[0], model.get_layer("first").W)


def test_everything_frozen_is_refused() -> None:
    model = network()
    model.trainable = False
    before = model.theta.copy()
    for call in (lambda: model.fit(X, Y, verbose=0), lambda: model.train_on_batch(X, Y)):
        with pytest.raises(ValueError, match=r"Every layer is frozen.*model\.unfreeze\(\"head\"\)"):
            call()
    np.testing.assert_array_equal(model.theta, before)
    assert not model.trainable
    model.unfreeze()
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.parametrize("which", ["first", 0, -5, slice(0, 1), "fir*", ["first"], ("fir*",)])
def test_ways_to_say_which(which: Any) -> None:
    model = network()
    model.freeze(which)
    assert [layer.label for layer in model.layers if not layer.trainable] == ["first"]
    model.unfreeze(which)
    assert model.get_layer("first").trainable


def test_all_but_the_head() -> None:
    model = network()
    model.freeze("all_but_head")
    assert [layer.label for layer in model.layers if layer.trainable] == ["head"]


@pytest.mark.parametrize(
    ("which", "error", "message"),
    [
        ("frist", ValueError, 'No layer matches "frist". Layers: first.*Did you mean "first"'),
        (9, ValueError, "an index from -5 to 4. Got 9"),
        ([], ValueError, "No layer matches"),
        (slice(7, 9), ValueError, "No layer matches"),
        ("", ValueError, "No layer matches"),
        (["first", "none"], ValueError, 'No layer matches "none"'),
        (None, TypeError, "takes a layer's name, an index"),
        (True, TypeError, "takes a layer's name"),
        (1.0, TypeError, "takes a layer's name"),
    ],
)
def test_a_selector_without_a_match_is_an_error(
    which: Any, error: type[Exception], message: str
) -> None:
    model = network()
    for call in (model.freeze, model.unfreeze):
        with pytest.raises(error, match=message):
            call(which)
    assert model.trainable


def test_the_flag_has_one_owner() -> None:
    model = network()
    model.layers[0].trainable = False
    assert not model.get_layer("first").trainable
    with pytest.raises(TypeError, match=r"first\.trainable"):
        model.layers[0].trainable = "no"  # type: ignore[assignment]


def test_flags_survive_copies() -> None:
    import pickle

    model = network()
    model.freeze("first")
    for twin in (model.copy(), pickle.loads(pickle.dumps(model))):
        assert [layer.trainable for layer in twin.layers] == [False, True, True, True, True]


# --- replacing the head ---------------------------------------------------------------------------


def test_the_base_is_untouched_and_the_head_fresh() -> None:
    base = network()
    base.fit(X, Y, verbose=0)
    theta, state = base.theta.copy(), base.state.copy()
    model = base.replace_head(Dense(3, activation="softmax"), seed=1)
    for name in ("first", "norm", "second"):
        for a, b in zip(arrays(base, name), arrays(model, name), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(model.get_layer("head").W, base.get_layer("head").W)
    assert model.get_layer("head").origin == "new"
    assert model.get_layer("first").origin == "copy of sequential"
    model.compile("adam", "cross_entropy")
    model.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(base.theta, theta)
    np.testing.assert_array_equal(base.state, state)


def test_the_seed_decides_the_new_head() -> None:
    base = network()
    a, b, c = (base.replace_head(Dense(7), seed=s).get_layer("head").W for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_same_layer_object_never_brings_its_old_weights() -> None:
    base = network()
    model = base.replace_head(base.layers[-1], seed=3)
    assert not np.array_equal(model.layers[-1].W, base.layers[-1].W)


def test_a_head_may_have_several_layers_and_a_name() -> None:
    model = network().replace_head(Dense(8, activation="relu"), Dropout(0.1), Dense(2), seed=0)
    assert [layer.label for layer in model.layers[-3:]] == ["dense_3", "dropout_2", "head"]
    named = network().replace_head(Dense(2, name="digits"), seed=0)
    assert named.layers[-1].label == "digits"


def test_a_head_below_other_layers_goes_with_them() -> None:
    base = Sequential([Dense(4, input_dim=2), Dense(3), Dropout(0.1)], seed=0)
    model = base.replace_head(Dense(2), seed=0)
    assert [layer.label for layer in model.layers] == ["dense_1", "head"]


def test_what_is_no_head_is_refused() -> None:
    base = network()
    with pytest.raises(ValueError, match="Got none"):
        base.replace_head()
    with pytest.raises(TypeError, match=r"Call it: Dense\(…\)"):
        base.replace_head(Dense)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a model inside a model"):
        base.replace_head(Sequential())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="model without a Dense"):
        Sequential([BatchNormalization(input_shape=3)]).replace_head(Dense(2))
    with pytest.raises(RuntimeError, match="not built"):
        Sequential([Dense(3)]).replace_head(Dense(2))


def test_what_belonged_to_the_old_task_does_not_come_along() -> None:
    base = network()
    base.class_names, base.preprocessing = ["a", "b", "c"], "divide by 255"
    model = base.replace_head(Dense(2), seed=0)
    assert model.class_names is None
    assert model.preprocessing == "divide by 255"
    with pytest.raises(RuntimeError, match="not compiled"):
        model.fit(X, Y)
