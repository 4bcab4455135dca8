"""A keyword that nobody takes and an attribute that nobody has are told, not swallowed."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
import re

import numpy as np
import pytest

import minnet
from minnet import callbacks, datasets, layers, losses, metrics, optimizers, schedules, transfer
from minnet.foundation.checks import integer, number, text
from minnet.foundation.registry import Configurable, from_config, to_config
from minnet.foundation.strict import Strict, named, setting
from minnet.layers import Dense, Dropout, LeakyReLU, Tanh
from minnet.models import Sequential
from minnet.optimizers import SGD, Adam
from minnet.training.history import History

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
        for room in (datasets, minnet.plots, minnet.exchange, minnet.teaching)
        for name, thing in vars(room).items()
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


def test_a_picture_says_what_it_takes_instead():
    with pytest.raises(
        TypeError, match=r"^confusion takes counts, class_names by position. Got 3 "
    ):
        minnet.plots.confusion(model(), X, Y)
    with pytest.raises(TypeError, match=r"^playground takes model, path.*Got no path"):
        minnet.plots.playground(model())


@pytest.mark.parametrize("kind", sorted(CLASSES, key=str), ids=lambda kind: kind.__name__)
def test_every_class_names_what_it_takes(kind):
    with pytest.raises(TypeError, match=rf"^{kind.__name__} takes .*Got no_such_word=1\."):
        kind(no_such_word=1)


@pytest.mark.parametrize(
    "method",
    [
        SGD().exclude_from_weight_decay,
        Dense(1, input_dim=1).count_params,
        Dense(1, input_dim=1).get_weights,
        Dense(1, input_dim=1).set_weights,
        History(epochs=1, steps=1, samples=1, batch_size=1).plot,
    ],
    ids=lambda method: method.__qualname__,
)
def test_every_method_that_a_user_calls_names_what_it_takes(method):
    with pytest.raises(TypeError, match=rf"^{method.__name__} takes .*Got no_such_word=1\."):
        method(no_such_word=1)


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
        (lambda: SGD(max_norm=1), r"Did you mean \"global_clipnorm\""),
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
            lambda m: setattr(m.optimizer, "rate", 0.1),
            r"'s rate is a method, to be called and not set\. Got 0\.1\.",
        ),
        (lambda m: setattr(m, "freeze", True), r"Sequential's freeze is a method, to be called"),
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
    class Noted(layers.Sigmoid):
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


# --- arguments that a constructor hands on --------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(CLASSES, key=str), ids=lambda kind: kind.__name__)
def test_signatures_have_every_argument_by_name(kind):
    kinds = {p.kind for p in inspect.signature(kind).parameters.values()}
    assert kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def test_help_shows_what_a_class_above_takes():
    signature = "(self, learning_rate=0.01, momentum=0.0, nesterov=False, *, weight_decay=0.0,"
    text = re.sub(r": '[^']*'", "", str(inspect.signature(SGD.__init__))).replace("' = ", "=")
    assert text.replace(" = ", "=").startswith(signature)
    assert list(inspect.signature(Dropout).parameters) == ["rate", "input_shape", "name"]
    assert re.search(r"weight_decay: '?float'? = 0\.0", pydoc.render_doc(SGD))  # quoted up to 3.13


@minnet.register
class Scaled(Dense):
    """A student's layer that hands keywords on, as in Keras."""

    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.scale = scale


def test_a_class_of_your_own_that_hands_keywords_on_is_saved_with_them():
    layer = Scaled(3, scale=2.0, use_bias=False, name="mine", input_shape=(4,))
    names = {"units", "scale", "input_shape", "use_bias", "name", "kernel_regularizer"}
    assert names <= layer.get_config().keys()
    again = from_config(to_config(layer))
    assert (again.scale, again.use_bias, again.name, again.input_shape) == (
        2.0,
        False,
        "mine",
        (4,),
    )
    with pytest.raises(TypeError, match=r"^Scaled takes units, .*Got use_bia=1\. Did you mean"):
        Scaled(3, use_bia=1)


def test_a_signature_has_what_the_constructor_takes_and_no_more():
    class Fixed(SGD):
        def __init__(self, momentum=0.5):
            super().__init__(0.1, momentum)

    class Quick(SGD):
        def __init__(self, **common):
            super().__init__(0.5, **common)

    class Decaying(SGD):
        def __init__(self, learning_rate=0.1, *, weight_decay=0.5, **common):
            super().__init__(learning_rate, weight_decay=weight_decay, **common)

    assert list(inspect.signature(Fixed).parameters) == ["momentum"]
    clippings = ["global_clipnorm", "clipnorm", "clipvalue"]
    assert list(inspect.signature(Quick).parameters) == [
        "weight_decay",
        *clippings,
        "excluded_from_weight_decay",
    ]
    assert repr(Decaying(weight_decay=0.25, global_clipnorm=1)) == (
        "Decaying(weight_decay=0.25, global_clipnorm=1.0)"
    )
    assert Decaying().weight_decay == 0.5


def test_a_class_of_your_own_may_keep_its_keywords():
    class Noted(layers.ReLU):
        def __init__(self, **notes):
            super().__init__()
            self.notes = notes

    assert Noted(colour="red").notes == {"colour": "red"}

    class Plain(callbacks.Callback):
        def __init__(self, *things, **notes):
            self.things, self.notes = things, notes

    assert Plain(1, a=2).notes == {"a": 2}


# --- settings: checked whenever they are set ------------------------------------------------------


class Spring(Configurable):
    """A class of a user's, as its module says."""

    stiffness: float = setting(number, minimum=0.0)
    label: str = setting(text, default="spring", whose="The spring's")
    length: float | None = setting(number, above=0.0, optional=True)

    def __init__(self, stiffness=1, length=None):
        self.stiffness, self.length = stiffness, length


def test_a_setting_is_checked_in_the_constructor_and_later():
    with pytest.raises(ValueError, match=r"^Spring's stiffness takes .* 0 or more\. Got -1\."):
        Spring(-1)
    spring = Spring(2)
    assert (spring.stiffness, type(spring.stiffness), spring.length) == (2.0, float, None)
    with pytest.raises(ValueError, match=r"^Spring's stiffness takes .* 0 or more\. Got -1\."):
        spring.stiffness = -1
    with pytest.raises(ValueError, match=r"Spring's length takes .* above 0\. Got 0\."):
        spring.length = 0
    with pytest.raises(TypeError, match="Spring's stiffness takes a number"):
        spring.stiffness = None
    spring.stiffness, spring.length = 3, 4
    assert (spring.stiffness, spring.length) == (3.0, 4.0)
    spring.length = None
    assert repr(spring) == "Spring(stiffness=3.0)"
    with pytest.raises(TypeError, match=r"^The spring's label takes text\. Got 3\."):
        spring.label = 3


def test_a_setting_is_no_attribute_of_its_class_unless_it_has_a_default():
    assert not hasattr(Spring, "stiffness")
    assert Spring.label == Spring().label == "spring"
    with pytest.raises(AttributeError, match="stiffness"):
        _ = Spring.__new__(Spring).stiffness


def test_settings_are_inherited_with_another_default_or_replaced_by_a_property():
    class Coil(Spring):
        turns: int = setting(integer, minimum=1)

    class Rod(Coil):
        label = "rod"

        @property
        def length(self):
            return self._length

        @length.setter
        def length(self, value):
            self._length = value

    coil, rod = Coil(), Rod()
    with pytest.raises(ValueError, match="Coil's stiffness takes"):
        coil.stiffness = -1
    with pytest.raises(ValueError, match="Coil's turns takes"):
        coil.turns = 0
    rod.length = "long"
    assert (rod.label, rod.length) == ("rod", "long")
    with pytest.raises(ValueError, match="Rod's turns takes"):
        rod.turns = 0
    with pytest.raises(TypeError, match="The spring's label takes text"):
        rod.label = 3


def test_to_set_an_attribute_makes_no_object(monkeypatch):
    adam, dropout, stopping = Adam(), Dropout(0.5), callbacks.EarlyStopping()

    def made(*args, **kwargs):
        raise AssertionError("made another object")

    for thing in (adam, dropout, stopping):
        monkeypatch.setattr(type(thing), "__init__", made)
    adam.beta_1, dropout.rate, stopping.patience = 0.5, 0.25, 7
    assert (adam.beta_1, dropout.rate, stopping.patience) == (0.5, 0.25, 7)


LATER = {
    "momentum from 0": (lambda: SGD(), "momentum", 0.9),
    "momentum to 0": (lambda: SGD(momentum=0.9), "momentum", 0),
    "RMSprop's momentum": (lambda: optimizers.RMSprop(), "momentum", 0.9),
    "centered": (lambda: optimizers.RMSprop(), "centered", True),
    "then": (lambda: schedules.LinearWarmup(3, schedules.CosineDecay(0.1, 5)), "then", 0.1),
    "activation": (lambda: layers.Activation("relu"), "activation", "tanh"),
    "statistics alone": (
        lambda: layers.BatchNormalization(center=False, scale=False),
        "momentum",
        0.5,
    ),
    "a shape of weights": (lambda: Dense(3), "input_shape", (3,)),
    "a value that does not even fit": (lambda: Dense(3), "units", "many"),
    "a shape untold": (lambda: Tanh(input_shape=3), "input_shape", None),
    "baseline": (lambda: callbacks.EarlyStopping(), "baseline", 0.5),
    "logits": (lambda: losses.CrossEntropy(), "from_logits", True),
    "probabilities": (lambda: losses.BinaryCrossEntropy(from_logits=True), "from_logits", False),
}


@pytest.mark.parametrize(("make", "name", "value"), LATER.values(), ids=LATER)
def test_what_other_things_follow_from_is_set_once(make, name, value):
    thing = make()
    before = {key: repr(one) for key, one in vars(thing).items()}
    message = (
        rf"^{type(thing).__name__}'s {name} is set when it is made, and other things follow from "
        rf"it\. Got {re.escape(repr(value))}\. Make another: {type(thing).__name__}\({name}=…\)\."
    )
    with pytest.raises(AttributeError, match=message):
        setattr(thing, name, value)
    assert {key: repr(one) for key, one in vars(thing).items()} == before


FOLLOWED_BY_NOTHING = {
    "momentum": (lambda: SGD(momentum=0.9), "momentum", 0.5),
    "the same": (lambda: optimizers.RMSprop(), "centered", False),
    "nesterov": (lambda: SGD(), "nesterov", True),
    "then": (lambda: schedules.LinearWarmup(3, 0.1), "then", 0.2),
    "monitor": (lambda: callbacks.EarlyStopping(), "monitor", "val_accuracy"),
    "mode": (lambda: callbacks.EarlyStopping("val_accuracy"), "mode", "max"),
    "input_shape": (lambda: Tanh(), "input_shape", (3,)),
    "smoothing": (lambda: losses.CrossEntropy(), "label_smoothing", 0.1),
    "every": (lambda: callbacks.GradualUnfreezing(), "every", 3),
    "shape": (lambda: layers.Input(3), "shape", (2, 2)),
    "rate": (lambda: Adam(schedules.CosineDecay(0.1, 5)), "learning_rate", 0.5),
}


@pytest.mark.parametrize(
    ("make", "name", "value"), FOLLOWED_BY_NOTHING.values(), ids=FOLLOWED_BY_NOTHING
)
def test_what_acts_at_once_can_be_set(make, name, value):
    thing = make()
    setattr(thing, name, value)
    assert getattr(thing, name) == value
    assert name not in thing.get_config() or thing.get_config()[name] == value


def test_settings_have_to_suit_each_other():
    uniform = minnet.initializers.RandomUniform(-1, 1)
    with pytest.raises(ValueError, match=r"RandomUniform's maxval takes .* 2 or more. Got 1"):
        uniform.minval = 2
    with pytest.raises(ValueError, match=r"RandomUniform's maxval takes .* -1 or more. Got -2"):
        uniform.maxval = -2
    uniform.minval = 1
    steps = schedules.PiecewiseConstantDecay([3], [0.2, 0.1])
    with pytest.raises(ValueError, match=r"one more number .* Got 3 values for 1 boundaries"):
        steps.values = [1, 2, 3]
    with pytest.raises(ValueError, match="boundaries take rising numbers"):
        steps.boundaries = [3, 2]
    steps.boundaries, steps.values = (5,), (1, 2)
    assert (steps(5), steps(6)) == (1.0, 2.0)
    sgd = SGD(0.1)
    with pytest.raises(ValueError, match=r"SGD's weight_decay takes a number up to .* 10: above"):
        sgd.weight_decay = 11
    assert (uniform.minval, uniform.maxval, sgd.weight_decay) == (1.0, 1.0, 0.0)


# --- attributes: those that a class says it has ---------------------------------------------------


def minnets(**body):
    """A class as one of minnet's own: its module says so."""
    return type("Mine", (Strict,), {"__module__": "minnet.anywhere", **body})


def test_minnets_own_classes_say_in_their_bodies_which_attributes_they_have():
    def __init__(self):
        self.declared, self._private = 1, 2
        self.forgotten = 3

    with pytest.raises(AttributeError, match=r"Mine has no attribute 'forgotten' to set. Got 3"):
        minnets(__init__=__init__, __annotations__={"declared": "int"})()
    below = type("Below", (minnets(__annotations__={"declared": "int"}),), {"__module__": "minnet"})
    below().declared = 3


def test_a_class_of_your_own_sets_what_minnets_may_not():
    class Momentum(SGD):
        def __init__(self, learning_rate):
            super().__init__(learning_rate)
            self.momentum, self.slots = 0.9, ("v",)

    assert Momentum(0.1).slots == ("v",)
    with pytest.raises(ValueError, match="Momentum's momentum takes"):
        Momentum(0.1).momentum = 1

    class Wide(Dense):
        def __init__(self, units):
            super().__init__(2 * units)
            self.units = units

    assert Wide(3).units == 3


@pytest.mark.parametrize("kind", [Sequential, type("Mine", (Sequential,), {})])
@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("layers", "Use add, pop and replace_head"),
        ("dtype", r"Make another model: Sequential\(…, dtype=…\)"),
        ("optimizer", "Use compile"),
        ("loss", "Use compile"),
        ("metrics", "Use compile"),
        ("updates", "Use compile"),
    ],
)
def test_what_is_read_only_is_so_for_every_class(kind, name, advice):
    made = kind([Dense(2, input_dim=3)])
    with pytest.raises(AttributeError, match=rf"^{kind.__name__}'s {name} cannot be set.*{advice}"):
        setattr(made, name, None)
    with pytest.raises(AttributeError, match=rf"^{kind.__name__}'s output_shape can be read, not"):
        made.output_shape = (3,)
