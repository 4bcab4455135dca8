"""A model inside a model: one stack that runs, entries that count as in Keras."""

import copy
import pickle

import numpy as np
import pytest

from minnet import models as core
from minnet.keras import Input, Sequential, layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = np.random.default_rng(1).integers(2, size=24)


@pytest.fixture
def inner():
    return Sequential(
        [Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(5)], name="base", seed=0
    )


@pytest.fixture
def outer(inner):
    model = Sequential(name="whole", seed=1)
    model.add(inner)
    model.add(layers.Dense(2, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_entries_are_counted_and_indexed_and_all_layers_gone_through(inner, outer):
    assert len(outer.layers) == 2
    assert outer.layers[0] is inner
    assert outer.layers[-1] is outer.layers[1]
    assert outer.layers[1].units == 2
    assert outer.layers[:-1] == [inner]
    assert [layer.units for layer in outer.layers] == [4, 5, 2]
    assert len(outer.steps) == 5


def test_the_first_entry_is_frozen_as_a_whole(inner, outer):
    outer.layers[0].trainable = False
    before = [w.copy() for w in outer.get_weights()]
    outer.fit(X, Y, verbose=0)
    kept = [np.array_equal(*pair) for pair in zip(before, outer.get_weights(), strict=True)]
    assert kept == [True] * 4 + [False] * 2
    assert len(outer.trainable_weights) == 2


def test_indices_beyond_the_entries_are_refused(outer):
    with pytest.raises(IndexError):
        outer.layers[2]
    with pytest.raises(TypeError, match="changing it would change nothing"):
        outer.layers.append(layers.Dense(3))


def test_a_model_is_popped_as_a_whole_and_can_be_put_back(inner):
    model = Sequential([Input((3,)), layers.Dense(3), inner])
    assert model.pop() is inner
    assert [layer.units for layer in model.layers] == [3]
    model.add(layers.Dense(3))
    model.add(inner)
    assert model.layers[2] is inner
    assert model.pop() is inner
    assert model.pop().units == 3


def test_a_layer_above_is_popped_alone(inner, outer):
    assert outer.pop().units == 2
    assert len(outer.layers) == 1
    outer.add(layers.Dense(2, activation="softmax"))
    outer.fit(X, Y, verbose=0)
    assert outer.output_shape == (2,)


def test_get_layer_knows_the_model_by_its_name_and_index(inner, outer):
    assert outer.get_layer("base") is inner
    assert outer.get_layer(index=0) is inner
    assert outer.get_layer("dense_2").units == 5
    assert outer.get_layer(index=1).units == 2
    np.testing.assert_array_equal(outer.features(X, upto="base"), inner.predict(X))


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_a_plain_stack(how, outer):
    other = how(outer)
    assert [layer.units for layer in other.layers] == [4, 5, 2]
    assert len(other.layers) == 3
    other.layers[0].trainable = False
    assert outer.layers[0].trainable


def test_another_head_goes_onto_all_that_is_below(outer):
    new = outer.replace_head(layers.Dense(7))
    assert [layer.units for layer in new.layers] == [4, 5, 7]
    np.testing.assert_array_equal(new.features(X), outer.features(X))


def test_selectors_of_minnet_count_layers(outer):
    outer.freeze("all_but_head")
    assert [layer.trainable for layer in outer.layers] == [False, False, True]


def test_models_in_a_list_with_layers_around_them(inner):
    other = Sequential([Input((5,)), layers.Dense(3), layers.Dense(2)], name="top")
    model = Sequential([Input((3,)), layers.Dense(3), inner, layers.Dense(5), other])
    assert [entry.name for entry in model.layers[:]] == ["dense_1", "base", "dense_4", "top"]
    assert model.layers[-1] is other
    deeper = Sequential([model, layers.Dense(2)])
    assert deeper.layers[0] is model
    assert len(list(deeper.layers)) == 7


def test_a_model_of_the_core_is_taken_as_well():
    inner = core.Sequential([layers.Dense(4, input_dim=3)], seed=0)
    outer = Sequential([inner, layers.Dense(2)])
    inner.set_weights([np.ones((3, 4)), np.zeros(4)])
    np.testing.assert_array_equal(next(iter(outer.layers)).W, 1)


def test_what_does_not_fit_leaves_both_as_they_were(inner):
    model = Sequential([Input((9,)), layers.Dense(8)], name="other")
    with pytest.raises(ValueError, match=r"takes x of shape"):
        model.add(inner)
    assert len(model.layers) == 1
    assert inner.layers[0].follower is None


def test_a_model_that_grew_after_it_was_put_in_is_noticed(inner, outer):
    inner.add(layers.Dense(9))
    with pytest.raises(
        ValueError, match=r"'base' had 2 layers when it was put into 'whole'. Got 3"
    ):
        outer.fit(X, Y, verbose=0)


def test_a_drawing_of_a_misfit_has_all_layers(outer):
    with pytest.raises(ValueError, match=r"dense_1 3→4.*got 7, wants 3"):
        outer.predict(np.ones((2, 7)))
    with pytest.raises(ValueError, match=r"dense_1 3→4 ✓ → dense_2 4→5 ✓ → dense_3"):
        outer.add(layers.Dense(4, input_shape=(9,)))


def test_a_file_brings_the_layers_back(outer, tmp_path):
    outer.fit(X, Y, verbose=0)
    outer.save(tmp_path / "m.npz")
    loaded = core.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.predict(X), outer.predict(X))
