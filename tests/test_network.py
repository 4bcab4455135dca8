"""The stack of layers: one vector of weights with views into it, whatever is done to the stack."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minnet import Sequential
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten, Input, ReLU


def small() -> Sequential:
    """Two Dense layers with batch normalisation between them."""
    return Sequential(
        [Dense(3, input_dim=2), BatchNormalization(), Dense(2, activation="softmax")],
        seed=0,
        name="small",
    )


def assert_bound(model: Sequential) -> None:
    """Every array is a view into the model's vectors, in the layers' order, without gaps."""
    flat = [getattr(layer, n).ravel() for layer in model.layers for n in layer.weights]
    np.testing.assert_array_equal(model.theta, np.concatenate(flat))
    states = [getattr(layer, n).ravel() for layer in model.layers for n in layer.states]
    np.testing.assert_array_equal(model.state, np.concatenate([*states, np.empty(0, "f")]))
    for layer in model.layers:
        for name in layer.weights:
            assert np.shares_memory(getattr(layer, name), model.theta)
            assert np.shares_memory(getattr(layer, "d" + name), model.grad)
        for name in layer.states:
            assert np.shares_memory(getattr(layer, name), model.state)


CHANGES: dict[str, Callable[[Sequential], Sequential | None]] = {
    "nothing": lambda m: None,
    "add": lambda m: m.add(Dense(4)),
    "pop": lambda m: m.pop() and None,
    "pop and add": lambda m: (m.pop(), m.add(Dense(7)))[1],
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "its own copy": lambda m: m.copy(),
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "replace_head": lambda m: m.replace_head(Dense(5), seed=1),
    "Keras' idiom": lambda m: Sequential([*m.layers[:-1], Dense(5)]),
    "fit": lambda m: (m.compile("adam", "cross_entropy"), m.fit([[1.0, 2.0]], [1], verbose=0))[0],
    "set_weights": lambda m: m.set_weights(m.get_weights()),
    "reset": lambda m: m.reset(4),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_views_hold(change: str) -> None:
    model = small()
    model = CHANGES[change](model) or model
    assert_bound(model)
    model.theta = np.arange(model.theta.size)
    assert_bound(model)


@pytest.mark.parametrize("duplicate", ["deepcopy", "copy", "its own copy", "pickle"])
def test_copies_are_independent_both_ways(duplicate: str) -> None:
    model = small()
    twin = CHANGES[duplicate](model)
    assert twin is not None
    x = np.ones((2, 2))
    before = model.predict(x)
    np.testing.assert_array_equal(twin.predict(x), before)
    twin.theta += 1
    np.testing.assert_array_equal(model.predict(x), before)
    model.theta += 2
    assert not np.array_equal(twin.theta, model.theta)


def test_setting_a_weight_copies_into_the_view() -> None:
    model = small()
    W = np.ones((2, 3))
    model.layers[0].W = W
    assert_bound(model)
    W[...] = 5.0
    assert (model.layers[0].W == 1).all()
    model.layers[0].W += 1
    assert (model.theta[:6] == 2).all()
    with pytest.raises(
        ValueError, match=r"dense_1.W takes an array of shape \(2, 3\). Got \(3, 2\)"
    ):
        model.layers[0].W = np.ones((3, 2))
    with pytest.raises(ValueError, match="finite"):
        model.layers[0].W = np.full((2, 3), np.nan)
    assert (model.theta[:6] == 2).all()


@pytest.mark.parametrize("name", ["theta", "grad", "state"])
def test_a_vector_is_set_whole_or_not_at_all(name: str) -> None:
    model = small()
    size = getattr(model, name).size
    before = getattr(model, name).copy()
    with pytest.raises(ValueError, match=rf"{name} takes \({size},\). Got \(1,\)"):
        setattr(model, name, [1.0])
    with pytest.raises(ValueError, match="finite"):
        setattr(model, name, np.full(size, np.inf))
    np.testing.assert_array_equal(getattr(model, name), before)
    setattr(model, name, np.arange(size))
    np.testing.assert_array_equal(getattr(model, name), np.arange(size))


# --- set_weights and get_weights ------------------------------------------------------------------


def test_the_articles_set_weights_is_refused_and_taught() -> None:
    model = Sequential([Dense(32, activation="relu", input_dim=784), Dense(10)])
    before = model.theta.copy()
    with pytest.raises(ValueError, match="set_weights takes 4 arrays") as error:
        model.set_weights(
            [np.random.default_rng(0).random(32), np.random.default_rng(0).random(10)]
        )
    for said in ("dense_1.W (784, 32)", "dense_1.b (32,)", "dense_2.W (32, 10)", "Got 2 arrays"):
        assert said in str(error.value)
    np.testing.assert_array_equal(model.theta, before)


def test_weights_come_in_keras_order_and_as_copies() -> None:
    model = small()
    shapes = [w.shape for w in model.get_weights()]
    assert shapes == [(2, 3), (3,), (3,), (3,), (3,), (3,), (3, 2), (2,)]
    model.get_weights()[0][...] = 9.0
    assert not (model.theta == 9).any()
    assert list(model.named_arrays())[:3] == [
        "dense_1.W",
        "dense_1.b",
        "batch_normalization_1.gamma",
    ]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_one_bad_array_among_many_changes_nothing(bad: float) -> None:
    model = small()
    weights = [w + 1 for w in model.get_weights()]
    weights[-1] = np.array([0.0, bad])
    before = model.theta.copy()
    with pytest.raises(ValueError, match=r"dense_2\.b|Each weight|finite"):
        model.set_weights(weights)
    np.testing.assert_array_equal(model.theta, before)


def test_weights_may_be_views_of_the_model_itself() -> None:
    model = Sequential([Dense(2, input_dim=2), Dense(2)], seed=0)
    W1, b1, W2, b2 = (layer_array for layer_array in model.named_arrays().values())
    expected = [W2.copy(), b2.copy(), W1.copy(), b1.copy()]
    model.set_weights([W2, b2, W1, b1])
    for got, want in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, want)


# --- adding and removing --------------------------------------------------------------------------


def test_a_layer_of_another_model_is_copied_with_its_weights() -> None:
    first = small()
    second = Sequential([first.layers[0], Dense(1)], seed=1)
    np.testing.assert_array_equal(second.layers[0].W, first.layers[0].W)
    second.layers[0].W = np.zeros((2, 3))
    assert first.layers[0].W.any()
    assert second.layers[0].origin == "copy of small"
    assert second.layers[1].origin == "new"


def test_names_are_given_in_order_and_kept() -> None:
    model = Sequential(
        [Dense(1, input_dim=1), Dense(1), ReLU(), Dense(1, name="dense_3"), Dense(1)]
    )
    assert [layer.name for layer in model.layers] == [
        "dense_1",
        "dense_2",
        "re_lu_1",
        "dense_3",
        "dense_4",
    ]
    with pytest.raises(ValueError, match="keeps its name while it is in a model"):
        model.layers[0].name = "other"


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (3, TypeError, "Sequential takes layers. Got 3"),
        (Dense, TypeError, r"Call it: Dense\(…\)"),
        ("relu", TypeError, "takes layers. Got 'relu'"),
        (Sequential(), TypeError, "not a model inside a model"),
        (Dense(1, name="dense_1"), ValueError, "a second 'dense_1'"),
        (Input((3,)), ValueError, "An Input comes before all layers"),
    ],
)
def test_what_cannot_be_added(layer: Any, error: type[Exception], message: str) -> None:
    model = Sequential([Dense(1, input_dim=1)])
    with pytest.raises(error, match=message):
        model.add(layer)
    assert len(model.layers) == 1


def test_the_same_layer_twice_is_refused() -> None:
    layer = Dense(2, input_dim=2)
    model = Sequential([layer])
    with pytest.raises(ValueError, match="dense_1 is in this model already"):
        model.add(layer)


def test_layers_that_do_not_fit_are_drawn() -> None:
    built = Dense(3, input_dim=5)
    other = Sequential([built])
    with pytest.raises(ValueError, match="✗") as error:
        Sequential([Dense(4, input_dim=2, name="first"), other.layers[0]])
    assert "x (N, 2) → first (N, 4) ✓ → dense_1 ✗" in str(error.value)


def test_images_want_a_flatten() -> None:
    with pytest.raises(ValueError, match=r"Put a Flatten\(\) before it"):
        Sequential([Input((8, 8)), Dense(3)])
    model = Sequential([Input((8, 8)), Flatten(), Dense(3)])
    assert model.output_shape == (3,)


def test_a_popped_layer_keeps_its_weights_and_can_be_used_again() -> None:
    model = small()
    W = model.layers[-1].W.copy()
    layer = model.pop()
    np.testing.assert_array_equal(layer.W, W)
    assert not np.shares_memory(layer.W, model.theta)
    model.add(layer)
    assert_bound(model)
    with pytest.raises(ValueError, match="Got an empty model"):
        Sequential().pop()


@pytest.mark.parametrize("where", ["input_dim", "Input", "build", "data"])
def test_the_input_shape_may_come_from_four_places(where: str) -> None:
    if where == "input_dim":
        model = Sequential([Dense(2, input_dim=3)], seed=5)
    elif where == "Input":
        model = Sequential([Input((3,)), Dense(2)], seed=5)
    else:
        model = Sequential([Dense(2)], seed=5)
        assert not model.built
    if where == "build":
        model.build(3)
    if where == "data":
        model.compile("sgd", "mse")
        model.loss_and_gradient(np.ones((1, 3)), np.ones((1, 2)))
    expected = Sequential([Dense(2, input_dim=3)], seed=5).theta
    np.testing.assert_array_equal(model.theta, expected)
    assert model.input_shape == (3,)


def test_build_for_other_data_is_refused() -> None:
    model = small()
    model.build((2,))
    with pytest.raises(ValueError, match=r"built for samples of shape \(2,\). Got \(3,\)"):
        model.build((3,))


def test_a_seed_decides_the_weights() -> None:
    a, b, c = (Sequential([Dense(4, input_dim=3)], seed=s).theta for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    d = Sequential([Dense(4, input_dim=3)], seed=np.random.default_rng(1)).theta
    np.testing.assert_array_equal(a, d)
    for seed in ("one", 1.5, -1):
        with pytest.raises((TypeError, ValueError), match="Sequential's seed"):
            Sequential(seed=seed)  # type: ignore[arg-type]


def test_dtypes() -> None:
    assert small().theta.dtype == np.float32
    assert Sequential([Dense(1, input_dim=1)], dtype="float64").theta.dtype == np.float64
    with pytest.raises(ValueError, match="float32"):
        Sequential(dtype="float16")


def test_get_layer() -> None:
    model = small()
    assert model.get_layer("dense_2") is model.layers[2]
    assert model.get_layer(-1) is model.layers[2]
    with pytest.raises(ValueError, match='Did you mean "dense_2"'):
        model.get_layer("dens_2")
    with pytest.raises(ValueError, match="which means several"):
        model.get_layer("dense_*")
    with pytest.raises(TypeError, match="takes a name or an index"):
        model.get_layer(None)  # type: ignore[arg-type]


def test_counts_and_reprs() -> None:
    assert small().count_params() == 9 + 12 + 8
    assert "small" in repr(small())
    assert "no layers" in repr(Sequential())
    assert [type(s).__name__ for s in small().steps] == [
        "Dense",
        "BatchNormalization",
        "Dense",
        "Softmax",
    ]


def test_the_list_of_layers_is_a_copy() -> None:
    model = small()
    model.layers.clear()
    assert len(model.layers) == 3


def test_something_else_than_a_list_of_layers_is_refused() -> None:
    for layers in (Dense(1), "dense", 5, small()):
        with pytest.raises(TypeError, match="takes a list of layers"):
            Sequential(layers)  # type: ignore[arg-type]


def test_dropout_in_training_differs_and_in_prediction_does_not() -> None:
    model = Sequential([Dropout(0.5), Dense(1)], seed=0)
    model.build((50,))
    x = np.ones((4, 50))
    np.testing.assert_array_equal(model.predict(x), model.predict(x))
