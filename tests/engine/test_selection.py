"""Which layers are meant by a name, an index, a slice, a pattern, a list, or "all_but_head"."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.engine.selection import head_index, select
from minnet.layers import Dense, Dropout, Flatten, ReLU, Softmax
from minnet.models import Sequential

NAMES = ["flatten_1", "dense_1", "dropout_1", "dense_2", "head", "softmax_1"]


def stack():
    layers = [Flatten(), Dense(3), Dropout(0.1), Dense(4), Dense(2, name="head"), Softmax()]
    return Sequential(layers).layers


def names(selector):
    return [layer.name for layer in select(stack(), selector, "freeze")]


@pytest.mark.parametrize(
    ("selector", "places"),
    [
        ("head", [4]),
        (0, [0]),
        (5, [5]),
        (-1, [5]),
        (-6, [0]),
        (np.int64(2), [2]),
        (slice(None), [0, 1, 2, 3, 4, 5]),
        (slice(2), [0, 1]),
        (slice(-2, None), [4, 5]),
        (slice(None, None, 2), [0, 2, 4]),
        (slice(None, None, -1), [0, 1, 2, 3, 4, 5]),
        ("*", [0, 1, 2, 3, 4, 5]),
        ("dense_*", [1, 3]),
        ("dense_?", [1, 3]),
        ("*_1", [0, 1, 2, 5]),
        ("dense_[2-9]", [3]),
        ("all_but_head", [0, 1, 2, 3]),
        (["head", "dense_1"], [1, 4]),
        (("head", 0, slice(1, 3)), [0, 1, 2, 4]),
        ([["head"], ["dense_*", -1]], [1, 3, 4, 5]),
        (["dense_1", 1, "dense_*"], [1, 3]),
        (["all_but_head", "softmax_1"], [0, 1, 2, 3, 5]),
    ],
    ids=str,
)
def test_what_a_selector_means(selector, places):
    assert names(selector) == [NAMES[i] for i in places]


def test_layers_themselves():
    layers = stack()
    assert select(layers, layers[3], "freeze") == [layers[3]]
    assert select(layers, [layers[4], layers[1]], "freeze") == [layers[1], layers[4]]


@given(st.sets(st.integers(-6, 5), min_size=1))
def test_the_order_is_the_models_and_nothing_comes_twice(places):
    assert names(list(places)) == [NAMES[i] for i in sorted({place % 6 for place in places})]


def test_the_order_is_the_models_in_a_deep_model_too():
    layers = [Dense(1, name=f"n{i}") for i in range(40)]
    assert select(layers, [33, 8, 1, 16], "freeze") == [layers[i] for i in (1, 8, 16, 33)]


@pytest.mark.parametrize("name", ["all_but_head", "*"])
def test_a_name_comes_before_a_meaning(name):
    layers = [Dense(2, name="a"), Dense(3)]
    layers[0].__dict__["name"] = name
    assert select(layers, name, "freeze") == [layers[0]]


LAYERS = r"Layers: flatten_1, dense_1, dropout_1, dense_2, head, softmax_1\."


@pytest.mark.parametrize(
    ("selector", "error", "message"),
    [
        ("dens_1", ValueError, rf'^No layer matches "dens_1"\. {LAYERS} Did you mean "dense_1"\?$'),
        ("all_but_haed", ValueError, r'Did you mean "all_but_head"\?$'),
        ("Dense_*", ValueError, rf'^No layer matches "Dense_\*"\. {LAYERS}'),
        ("quite another", ValueError, rf'"quite another"\. {LAYERS}$'),
        (["head", "no"], ValueError, rf'^No layer matches "no"\. {LAYERS}$'),
        (6, ValueError, rf"^freeze takes an index from -6 to 5\. Got 6\. {LAYERS}$"),
        (-7, ValueError, r"Got -7\."),
        ([0, 6], ValueError, r"Got 6\."),
        ([], ValueError, rf"^No layer matches \[\]\. {LAYERS}$"),
        ((), ValueError, r"^No layer matches \(\)\."),
        ([[]], ValueError, r"^No layer matches \[\]\."),
        ([0, []], ValueError, r"^No layer matches \[\]\."),
        (slice(6, 9), ValueError, r"^No layer matches slice\(6, 9, None\)\."),
        (
            slice("a", "b"),
            TypeError,
            r"^freeze takes a slice of whole numbers, such as slice\(0, 2",
        ),
        (slice(0.5), TypeError, r"whole numbers.*Got slice\(None, 0.5, None\)"),
        (slice(0, 2, 0), ValueError, r"whole numbers.*Got slice\(0, 2, 0\)"),
        (None, TypeError, r"^freeze takes a layer's name, an index, a slice, .*Got None\."),
        ([None], TypeError, r"Got None\."),
        (True, TypeError, r"Got True\."),
        (np.True_, TypeError, r"Got np.True_\."),
        (1.0, TypeError, r"Got 1.0\."),
        ({"head"}, TypeError, r"Got {'head'}\."),
        (b"head", TypeError, r"Got b'head'\."),
        (np.array([0, 1]), TypeError, r"Got an array of shape \(2,\)"),
    ],
    ids=str,
)
def test_what_means_nothing(selector, error, message):
    with pytest.raises(error, match=message):
        names(selector)


def test_a_layer_of_another_model_means_nothing():
    with pytest.raises(ValueError, match=r"No layer matches Dense\(3, name='dense_1'\)"):
        select(stack(), stack()[1], "freeze")


def test_all_but_a_head_that_is_everything():
    with pytest.raises(ValueError, match=r'^No layer matches "all_but_head"\. Layers: dense_1\.$'):
        select(Sequential([Dense(2)]).layers, "all_but_head", "freeze")


def test_all_but_a_head_that_is_not_there():
    with pytest.raises(ValueError, match=r"^The head is the last Dense layer .*without a Dense"):
        select([ReLU()], "all_but_head", "freeze")


@pytest.mark.parametrize("selector", [0, "a", "*", slice(None)], ids=str)
def test_a_model_without_layers(selector):
    with pytest.raises(ValueError, match=r"^No layer matches .*Layers: none yet\."):
        select([], selector, "freeze")


def test_the_head_begins_at_the_last_dense():
    assert head_index(stack()) == 4
    assert head_index([Dense(1)]) == 0
    assert head_index([Dense(1), ReLU(), Dropout(0.1)]) == 0

    class Mine(Dense):
        pass

    assert head_index([Dense(1), Mine(2)]) == 1
    with pytest.raises(ValueError, match="Name the layers instead"):
        head_index([ReLU()])


# --- one layer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["head", 4, -2, np.int64(4), "hea?"])
def test_get_layer(name):
    model = Sequential(stack())
    assert model.get_layer(name) is model.layers[4]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("heda", ValueError, r'No layer matches "heda".*Did you mean "head"\?'),
        (
            "dense_*",
            ValueError,
            r"get_layer takes one layer's name. Got 'dense_\*', which means sev",
        ),
        (9, ValueError, r"get_layer takes an index from -6 to 5. Got 9"),
        (None, TypeError, r"get_layer takes a name or an index. Got None"),
        (True, TypeError, r"get_layer takes a name or an index. Got True"),
        ([0], TypeError, r"get_layer takes a name or an index. Got \[0\]"),
        (slice(0, 1), TypeError, r"get_layer takes a name or an index"),
    ],
    ids=str,
)
def test_get_layer_of_no_one_layer(name, error, message):
    with pytest.raises(error, match=message):
        Sequential(stack()).get_layer(name)


def test_all_is_told_the_star():
    model = Sequential([Dense(1, input_dim=1)], seed=0)
    with pytest.raises(ValueError, match=r'For all of them write "\*"'):
        model.freeze("all")
