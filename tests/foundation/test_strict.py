"""A keyword that nobody takes and an attribute that nobody has are told, not swallowed."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import minnet
from minnet import callbacks, datasets, layers, losses, metrics, optimizers, schedules, transfer
from minnet.foundation.strict import Strict, named
from minnet.layers import Dense, Dropout, LeakyReLU, Tanh
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam

X, Y = np.random.default_rng(0).random((6, 3)), np.arange(6) % 2


def model():
    """A small compiled model."""
    made = Sequential([Dense(4, "relu", input_dim=3), Dense(2, "softmax")], seed=0)
    made.compile("adam", "cross_entropy")
    return made


FUNCTIONS = [
    minnet.load,
    minnet.confusion_matrix,
    minnet.load_pretrained,
    minnet.find_learning_rate,
    minnet.check_gradients,
    minnet.register,
    transfer.compare,
    transfer.transfer_weights,
    transfer.neighbour_gap,
    *(
        thing
        for name, thing in vars(datasets).items()
        if inspect.isfunction(thing) and name[0] != "_"
    ),
]

CLASSES = {
    thing
    for module in (callbacks, layers, losses, metrics, optimizers, schedules, minnet.initializers)
    for name, thing in vars(module).items()
    if inspect.isclass(thing) and issubclass(thing, Strict) and name[0] != "_"
} | {Sequential}

METHODS = [
    name
    for name, thing in inspect.getmembers(Sequential, inspect.isfunction)
    if name[0] != "_" and name not in Sequential.inner
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_public_function_names_what_it_takes(function):
    with pytest.raises(TypeError, match=rf"^{function.__name__} takes .*Got no_such_word=1\."):
        function(no_such_word=1)


@pytest.mark.parametrize("kind", sorted(CLASSES, key=str), ids=lambda kind: kind.__name__)
def test_every_class_names_what_it_takes(kind):
    with pytest.raises(TypeError, match=rf"^{kind.__name__} takes .*Got no_such_word=1\."):
        kind(no_such_word=1)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_a_model_names_what_it_takes(method):
    if any(
        p.kind is p.VAR_KEYWORD
        for p in inspect.signature(getattr(model(), method)).parameters.values()
    ):
        pytest.skip("hands other words on to fit")
    with pytest.raises(TypeError, match=rf"^{method} takes .*Got no_such_word=1\."):
        getattr(model(), method)(no_such_word=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Adam(lr=0.1), r"Got lr=0.1\. Did you mean \"learning_rate\"\?"),
        (lambda: SGD(clipnorm=1), r"Did you mean \"global_clipnorm\""),
        (lambda: LeakyReLU(alpha=0.1), r"Did you mean \"negative_slope\""),
        (lambda: Dense(unit=3), r"Got unit=3\. Did you mean \"units\""),
        (lambda: Dense(), r"Got no units\. Write units=…"),
        (
            lambda: Dense(3, "relu", 5),
            r"units, activation by position\. Got 3 arguments\. Give the",
        ),
        (lambda: Sequential(Dense(3), Dense(4)), r"Put them into a list: Sequential\(\[…\]\)"),
        (lambda: Sequential([], layers=[]), r"Got layers twice, by position and by name"),
        (lambda: layers.Flatten(3), r"Flatten takes nothing by position\. Got 1 arguments"),
        (lambda: model().fit(X), r"fit takes x, y, .*Got no y"),
        (lambda: model().fit(X, Y, epoch=3), r"Got epoch=3\. Did you mean \"epochs\""),
        (lambda: minnet.transfer.fine_tune(model(), X, Y, head_epoch=3), r"head_epoch=3"),
        (lambda: losses.CrossEntropy()([[0.5, 0.5]]), r"^A CrossEntropy takes .*Got no target"),
    ],
)
def test_calls_that_do_not_fit_are_explained(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_an_error_from_inside_a_call_is_left_alone():
    @named
    def inside(x):
        return len(x, 3)

    @named
    def deeper(x):
        return inside(x, 3)

    with pytest.raises(TypeError, match=r"^inside takes x by position"):
        deeper(1)
    with pytest.raises(TypeError, match="len"):
        inside(1)
    assert inspect.signature(inside) == inspect.signature(lambda x: x)


def test_a_call_that_fits_is_untouched():
    assert named(lambda a, *b, c=3: (a, b, c))(1, 2, c=4) == (1, (2,), 4)
    assert model()(X).shape == (6, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: setattr(m, "trianable", False),
            r"Sequential has no attribute 'trianable'.*\"trai",
        ),
        (lambda m: setattr(m.layers[0], "trianable", False), r"Dense has no .*\"trainable\""),
        (lambda m: setattr(m, "metric", []), r"Did you mean \"metrics\""),
        (lambda m: setattr(m.optimizer, "lr", 1), r"Did you mean \"learning_rate\""),
        (lambda m: setattr(m, "loss", "mse"), r"loss cannot be set. Got 'mse'. Use compile"),
        (lambda m: setattr(m, "optimizer", SGD()), r"cannot be set.*Use compile"),
        (
            lambda m: setattr(m, "layers", []),
            r"layers cannot be set.*Use add, pop and replace_head",
        ),
        (lambda m: setattr(m, "dtype", "float16"), r"dtype cannot be set.*Make another model"),
        (lambda m: setattr(m, "steps", []), r"steps can be read, not set"),
        (
            lambda m: setattr(m.layers[0], "units", 7),
            r"units is set when it is made.*Dense\(units=…\)",
        ),
        (
            lambda m: setattr(m.layers[0], "activation", Tanh()),
            r"activation is set when it is made",
        ),
        (lambda m: setattr(m.layers[0], "use_bias", False), r"use_bias is set when it is made"),
    ],
)
def test_what_would_do_nothing_cannot_be_set(change, message):
    made = model()
    before = made.predict(X).tobytes()
    with pytest.raises(AttributeError, match=message):
        change(made)
    assert made.predict(X).tobytes() == before


def test_a_setting_that_acts_at_once_is_checked_as_when_it_was_made():
    dropout, sgd = Dropout(0.5), SGD(momentum=0.9)
    dropout.rate, sgd.momentum, sgd.learning_rate = 0.25, 0.5, 0.1
    assert (dropout.rate, sgd.momentum, sgd.learning_rate) == (0.25, 0.5, 0.1)
    with pytest.raises(ValueError, match=r"Dropout's rate takes .*Got 1.5"):
        dropout.rate = 1.5
    with pytest.raises(ValueError, match=r"Adam's beta_1 takes .*below 1"):
        Adam().beta_1 = 1.0
    with pytest.raises(AttributeError, match=r"SGD's momentum is set when it is made"):
        SGD().momentum = 0.9  # it has no velocity
    assert dropout.rate == 0.25


@pytest.mark.parametrize(("name", "value"), [("name", 3), ("rng", 3), ("stop_training", "no")])
def test_a_model_s_own_words_are_of_their_kind(name, value):
    with pytest.raises(TypeError, match=rf"The model's {name} takes "):
        setattr(model(), name, value)


def test_a_class_of_your_own_may_have_any_attribute():
    class Noted(layers.ReLU):
        pass

    layer = Noted()
    layer.note = "mine"
    assert (copy.deepcopy(layer).note, layer.note) == ("mine", "mine")
    with pytest.raises(TypeError, match="Noted takes nothing by position"):
        Noted(3)


def test_copies_are_as_strict():
    for made in (copy.deepcopy(model()), pickle.loads(pickle.dumps(model()))):
        with pytest.raises(AttributeError, match="trainable"):
            made.trianable = False
