"""Copies of another model's layers stay apart, and a fit says where they went another way."""

import warnings

import numpy as np
import pytest

import minnet
from minnet.layers import BatchNormalization, Dense
from minnet.models import Sequential

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


def compiled(layers, name=None, seed=0):
    model = Sequential(layers, seed=seed, name=name)
    model.compile("sgd", "cross_entropy")
    return model


def base_model(name="base"):
    return compiled([Dense(4, "relu", input_dim=3), Dense(5, "tanh"), Dense(2, "softmax")], name)


def on_top_of(base):
    return compiled([*base.layers[:-1], Dense(2, "softmax", name="top")], seed=1)


def fit(model):
    return model.fit(X, Y, verbose=0, seed=0)


def said(model):
    """What a fit warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(model)
    return [str(one.message) for one in caught]


def test_copies_stay_apart():
    base = base_model()
    net = on_top_of(base)
    before = base.theta.copy()
    fit(net)
    np.testing.assert_array_equal(base.theta, before)
    assert not np.array_equal(net.layers[0].W, base.layers[0].W)
    base.layers[0].trainable = False
    assert net.layers[0].trainable


def test_a_fit_says_that_the_originals_were_frozen_and_how_to_freeze_the_copies():
    base = base_model()
    net = on_top_of(base)
    base.trainable = False
    (message,) = said(net)
    assert message == (
        "dense_1, dense_2: copied from 'base', whose layers were frozen afterwards; the copies "
        'still learn. Freeze them, too: model.freeze(["dense_1", "dense_2"]).'
    )
    assert said(net) == []  # once


def test_the_line_that_it_names_freezes_them():
    base = base_model()
    net = on_top_of(base)
    base.trainable = False
    model = net.copy()
    exec(said(net)[0].partition("too: ")[2].rstrip("."), {"model": model})
    assert [layer.trainable for layer in model.layers] == [False, False, True]


def test_frozen_before_the_copying_is_nothing_to_say():
    base = base_model()
    base.trainable = False
    net = on_top_of(base)
    assert said(net) == []
    assert not net.layers[0].trainable


def test_a_fit_says_that_the_originals_were_unfrozen():
    base = base_model()
    base.freeze([0, 1])
    net = on_top_of(base)
    base.unfreeze("dense_2")
    (message,) = said(net)
    assert message.startswith("dense_2: copied from 'base', whose layers were unfrozen afterwards")
    assert message.endswith('model.unfreeze(["dense_2"]).')


def test_frozen_here_as_well_is_nothing_to_say():
    base = base_model()
    net = on_top_of(base)
    base.trainable = False
    net.freeze([0, 1])
    assert said(net) == []


def test_frozen_and_unfrozen_again_is_nothing_to_say():
    base = base_model()
    net = on_top_of(base)
    base.trainable = False
    base.trainable = True
    assert said(net) == []


def test_a_fit_says_that_the_originals_were_trained_and_its_line_brings_the_weights():
    base = base_model()
    net = on_top_of(base)
    fit(base)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, Y, epochs=0, verbose=0)
    (message,) = [str(one.message) for one in caught]
    assert "layers were trained afterwards; the copies have the old weights" in message
    line = message.partition("Write: ")[2]
    exec(line, {"model": net, "base": base})
    for i in range(2):
        np.testing.assert_array_equal(net.layers[i].W, base.layers[i].W)
    assert said(net) == []


def test_other_names_here_are_in_the_line():
    base = base_model()
    net = compiled([Dense(3, input_dim=3), Dense(4), base.layers[1], Dense(2, "softmax")])
    assert net.layers[2].name == "dense_3"
    fit(base)
    message = said(net)[0]
    assert '(("dense_3", "dense_2"),)' in message


def test_an_original_that_was_built_and_trained_later_counts_as_trained():
    base = compiled([Dense(4, "relu"), Dense(2, "softmax")])
    net = compiled([base.layers[0], Dense(2, "softmax")])
    fit(base)
    assert "trained afterwards" in said(net)[0]


def test_an_original_that_was_only_drawn_is_nothing_to_say():
    base = compiled([Dense(4, "relu"), Dense(2, "softmax")])
    net = compiled([base.layers[0], Dense(2, "softmax")])
    base.build((3,))
    assert said(net) == []


def test_running_statistics_count_as_well():
    base = compiled([BatchNormalization(input_shape=(3,)), Dense(2, "softmax")], "base")
    base.freeze(1)
    net = compiled([base.layers[0], Dense(2, "softmax")], seed=1)
    with np.errstate(all="ignore"):
        base.layers[0].moving_mean = [1, 2, 3]
    assert "trained afterwards" in said(net)[0]


def test_frozen_and_trained_are_said_together_and_models_apart():
    a, b = base_model("a"), base_model("b")
    net = compiled([a.layers[0], Dense(4, name="own"), b.layers[1], Dense(2, "softmax")])
    fit(a)
    a.trainable = False
    b.trainable = False
    (message,) = said(net)
    assert "dense_1: copied from 'a', whose layers were frozen" in message
    assert "dense_2: copied from 'b', whose layers were frozen" in message
    assert "dense_1: copied from 'a', whose layers were trained" in message
    assert "dense_2: copied from 'b', whose layers were trained" not in message


def test_a_later_fit_says_what_happened_after_the_first():
    base = base_model()
    net = on_top_of(base)
    assert said(net) == []
    base.trainable = False
    assert len(said(net)) == 1


def test_copies_of_models_and_files_have_no_originals(tmp_path):
    base = base_model()
    net = on_top_of(base)
    net.save(tmp_path / "net.npz")
    others = [net.copy(), minnet.load(tmp_path / "net.npz"), net.replace_head(Dense(2, "softmax"))]
    base.trainable = False
    for other in others:
        other.compile("sgd", "cross_entropy")
        assert said(other) == []


def test_originals_that_are_gone_are_nothing_to_say():
    net = on_top_of(base_model())
    assert said(net) == []


def test_a_refused_fit_says_nothing_and_the_next_does():
    base = base_model()
    net = on_top_of(base)
    base.trainable = False
    with pytest.raises(ValueError, match="labels 0 to 1"):
        net.fit(X, Y + 5, verbose=0)
    assert len(said(net)) == 1
