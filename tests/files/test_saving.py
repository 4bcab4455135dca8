"""A model that is saved and loaded is the same model, to the bit, and so is its training."""

from __future__ import annotations

import copy
import json
import pickle
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet.files import description, store
from minnet.files.saving import FIT
from minnet.foundation.checks import ModelFileError
from minnet.foundation.registry import _KNOWN
from minnet.initializers import INITIALIZERS, Constant, Ones
from minnet.layers import (
    ELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    ReLU,
)
from minnet.metrics import MAE, Accuracy
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from minnet.regularizers import L2
from minnet.schedules import CosineDecay, ExponentialDecay, LinearWarmup, PiecewiseConstantDecay
from tests import frozen_file
from tests.strategies import seeds
from tests.structures import nobody_watching

D = 3

# --- random models --------------------------------------------------------------------------------

activations = st.sampled_from(["relu", "sigmoid", "tanh", "leaky_relu", "elu", "softplus", "gelu"])
dense = st.builds(
    Dense,
    st.integers(1, 4),
    activation=st.none() | activations | st.builds(LeakyReLU, st.floats(0, 0.5)),
    use_bias=st.booleans(),
    kernel_initializer=st.sampled_from([name for name in INITIALIZERS if "_" in name]),
    bias_initializer=st.just("zeros") | st.builds(Constant, st.floats(-0.5, 0.5)),
    kernel_regularizer=st.none() | st.builds(L2, st.floats(0, 0.01)),
)
hidden = st.one_of(
    dense,
    st.builds(
        BatchNormalization,
        momentum=st.floats(0, 1),
        epsilon=st.floats(1e-3, 0.1),
        center=st.booleans(),
        scale=st.booleans(),
    ),
    st.builds(Dropout, st.floats(0, 0.9)),
    st.builds(Activation, activations),
    st.builds(ELU, st.floats(0, 2)),
    st.builds(Flatten),
)
rates = st.one_of(
    st.floats(1e-5, 1e-2),
    st.builds(ExponentialDecay, st.just(0.01), st.integers(1, 9), st.just(0.5), st.booleans()),
    st.builds(CosineDecay, st.just(0.01), st.integers(1, 9), st.floats(0, 1)),
    st.just(PiecewiseConstantDecay([2, 4], [0.01, 0.005, 0.001])),
    st.builds(LinearWarmup, st.integers(1, 5), st.just(0.01)),
)
common = {"weight_decay": st.sampled_from([0.0, 0.1]), "global_clipnorm": st.just(1.0)}
momenta = st.sampled_from([0.0, 0.9])
optimizers = st.one_of(
    st.builds(SGD, rates, st.just(0.9), st.booleans(), **common),
    st.builds(SGD, rates, **common),
    st.builds(RMSprop, rates, momentum=momenta, centered=st.booleans(), **common),
    st.builds(Adagrad, rates, **common),
    st.builds(Adam, rates, beta_1=st.floats(0.1, 0.99), **common),
    st.builds(AdamW, rates, **common),
)
ends = st.sampled_from(
    [
        (3, "softmax", "cross_entropy", ["accuracy", "top_k"]),
        (3, None, "mse", ["mae", "r2_score"]),
        (1, "sigmoid", "binary_crossentropy", ["accuracy"]),
        (2, "linear", "mae", []),
    ]
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def models(draw) -> tuple[Sequential, np.ndarray, np.ndarray]:
    """A compiled model, its first layers frozen or not, with x and y to train it."""
    units, activation, loss, metrics = draw(ends)
    stack = [*draw(st.lists(hidden, max_size=4)), Dense(units, activation=activation)]
    seed = draw(seeds)
    model = Sequential(seed=seed, dtype=draw(st.sampled_from(["float32", "float64"])))
    for layer in stack:
        model.add(layer)
    model.build(D)
    for layer in model.layers[:-1]:
        layer.trainable = draw(st.booleans())
    names = st.lists(words, min_size=units, max_size=units, unique=True)
    if activation == "softmax":
        model.class_names = draw(st.none() | names)
    model.preprocessing = draw(st.none() | words)
    metrics = [minnet.metrics.TopKCategoricalAccuracy(2) if m == "top_k" else m for m in metrics]
    model.compile(draw(optimizers), loss, metrics)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((10, D))
    labels = {"cross_entropy": (10,), "binary_crossentropy": (10, 1)}
    y = rng.integers(2, size=labels[loss]) if loss in labels else rng.standard_normal((10, units))
    return model, x, y


def train(model, x, y, seed=0) -> None:
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, seed=seed)


def everything(model) -> tuple[object, ...]:
    """All that saving keeps, as plain values and bytes."""
    updates = model.updates
    described = [(repr(layer), layer.trainable, layer.origin) for layer in model.layers]
    compiled = [repr(part) for part in (model.optimizer, model.loss, model.metrics)]
    remembered = [(name, slot.tobytes()) for name, slot in updates.slots.items()]
    vectors = model.theta.tobytes(), model.state.tobytes(), model.dtype, model.name
    history = {**model.provenance, "parent": None}  # a loaded model knows its file
    named = model.class_names, model.preprocessing, history
    return described, compiled, remembered, updates.iterations, updates.counts, vectors, named


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


@settings(max_examples=40)
@given(models(), st.integers(0, 2))
def test_a_loaded_model_is_the_model_and_trains_on_as_if_never_saved(
    tmp_path_factory, drawn, fits
) -> None:
    path = tmp_path_factory.getbasetemp() / "drawn.npz"
    model, x, y = drawn
    for seed in range(fits):
        train(model, x, y, seed)
    never_saved = model.copy()
    model.save(path)
    loaded = minnet.load(path)
    assert everything(loaded) == everything(model)
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    assert loaded.evaluate(x, y) == model.evaluate(x, y)
    for one in (never_saved, loaded):
        train(one, x, y, seed=5)
        one.unfreeze()
        train(one, x, y, seed=6)
    assert everything(loaded) == everything(never_saved)


@settings(max_examples=30)
@given(models())
def test_equal_models_have_equal_bytes(tmp_path_factory, drawn) -> None:
    a, b = (tmp_path_factory.getbasetemp() / name for name in ("a.npz", "b.npz"))
    model, x, y = drawn
    train(model, x, y)
    model.save(a)
    other = minnet.load(a, seed=9)
    other.provenance["parent"] = None
    other.save(b)
    assert a.read_bytes() == b.read_bytes()


@settings(max_examples=30)
@given(models())
def test_weights_alone_go_into_a_model_of_the_same_architecture(tmp_path_factory, drawn) -> None:
    path = tmp_path_factory.getbasetemp() / "weights.npz"
    model, x, _ = drawn
    model.save_weights(path)
    other = model.copy()
    other.reset(seed=1)
    other.load_weights(path)
    assert other.get_weights()[0].tobytes() == model.get_weights()[0].tobytes()
    assert other.predict(x).tobytes() == model.predict(x).tobytes()
    assert {layer.origin for layer in other.layers} == {"weights.npz"}


# --- what is kept, one by one ---------------------------------------------------------------------


def small(seed=0, **options) -> Sequential:
    """A compiled classifier of two layers that has made a few steps."""
    model = Sequential(
        [Dense(4, activation="relu", input_dim=D), Dense(2, activation="softmax", name="head")],
        seed=seed,
        **options,
    )
    model.compile("adam", "cross_entropy", ["accuracy"])
    x = np.random.default_rng(seed).standard_normal((8, D))
    train(model, x, np.arange(8) % 2)
    return model


def test_class_names_and_preprocessing_come_back(path) -> None:
    model = small()
    model.class_names, model.preprocessing = ("no", np.str_("yes")), "x / 255"
    model.save(path)
    loaded = minnet.load(path)
    assert (loaded.class_names, loaded.preprocessing) == (["no", "yes"], "x / 255")


def test_what_cannot_be_written_is_refused_and_the_old_file_stays(path) -> None:
    model = small()
    model.save(path)
    data = path.read_bytes()
    model.provenance["by"] = np.log
    with pytest.raises(
        TypeError, match=r"A file takes numbers, text, .* Functions cannot be saved"
    ):
        model.save(path)
    assert path.read_bytes() == data


def test_a_model_that_is_not_compiled_comes_back_so(path) -> None:
    Sequential([Dense(2, input_dim=D)], seed=0).save(path)
    loaded = minnet.load(path)
    assert loaded.updates is None
    with pytest.raises(RuntimeError, match="not compiled"):
        train(loaded, np.zeros((2, D)), np.zeros((2, 2)))


def test_a_model_that_is_not_built_is_not_saved(path) -> None:
    with pytest.raises(RuntimeError, match="no layers yet"):
        Sequential().save(path)
    with pytest.raises(RuntimeError, match="is not built"):
        Sequential([Dense(2)]).save(path)
    assert not path.exists()


def test_without_its_optimizer_a_model_comes_back_compiled_with_nothing_remembered(path) -> None:
    model = small()
    model.save(path, include_optimizer=False)
    loaded = minnet.load(path)
    assert repr(loaded.optimizer) == repr(model.optimizer)
    assert (loaded.updates.iterations, loaded.updates.slots) == (0, {})
    assert loaded.theta.tobytes() == model.theta.tobytes()


def test_a_loaded_model_takes_the_seed_it_is_given(path) -> None:
    small().save(path)
    a, b = minnet.load(path, seed=3), minnet.load(path, seed=3)
    assert a.rng.random() == b.rng.random() == np.random.default_rng(3).random()


def test_layers_that_were_updated_more_often_than_others_train_on_as_they_would_have(path) -> None:
    model = small()
    model.freeze("dense_1")
    x, y = np.random.default_rng(1).standard_normal((8, D)), np.arange(8) % 2
    train(model, x, y)
    model.unfreeze()
    train(model, x, y)
    model.save(path)
    loaded = minnet.load(path)
    assert loaded.updates.counts == {"dense_1": 2, "head": 6}
    for one in (model, loaded):
        train(one, x, y, seed=4)
    assert loaded.theta.tobytes() == model.theta.tobytes()


def test_a_loaded_model_can_be_pickled_and_started_over(path) -> None:
    small().save(path)
    loaded = pickle.loads(pickle.dumps(minnet.load(path)))
    before = loaded.theta.copy()
    loaded.reset(seed=5)
    assert not np.array_equal(loaded.theta[:12], before[:12])
    assert loaded.get_layer("head").W.any()


def test_saving_changes_nothing(path) -> None:
    model = small()
    before = copy.deepcopy(everything(model))
    model.save(path)
    assert everything(model) == before


def test_a_layer_called_optimizer_keeps_its_own_arrays(path) -> None:
    class Moments(Layer):
        """y = x + m, with a weight that is named like a slot."""

        parameters = ("m",)

        def build(self, input_shape, rng):
            self.add_weight("m", input_shape, Ones(), rng)

        def forward(self, x, memo=None):
            return x + self.m

    minnet.register(Moments)
    try:
        model = Sequential([Moments(name="optimizer", input_shape=2)], seed=0)
        model.compile("adam", "mse")
        model.update_groups()
        model.updates.slots["m"][...] = 5.0
        model.save(path)
        loaded = minnet.load(path)
        model.load_weights(path)
    finally:
        del _KNOWN["Moments"]
    assert loaded.layers[0].m.tolist() == model.layers[0].m.tolist() == [1.0, 1.0]
    assert loaded.updates.slots["m"].tolist() == [5.0, 5.0]


def test_the_accuracy_of_logits_keeps_its_threshold(path) -> None:
    model = Sequential([Dense(1, input_dim=D)], seed=0)
    model.compile("sgd", minnet.losses.BinaryCrossEntropy(from_logits=True), ["accuracy"])
    model.save(path)
    assert repr(minnet.load(path).metrics) == repr(model.metrics) == "[Accuracy(threshold=0.0)]"


def test_what_the_optimizer_remembered_of_a_frozen_layer_stays_dropped(path) -> None:
    model = small()
    model.freeze("dense_1")
    model.save(path)
    loaded = minnet.load(path)
    assert loaded.updates.counts == {"dense_1": 0, "head": 2}
    assert not loaded.updates.slots["m"][: 4 * (D + 1)].any()


# --- what changes after compile -------------------------------------------------------------------


def with_more(*layers):
    def change(model):
        for one in layers:
            model.add(one)

    return change


def recompiled(model):
    model.class_names = ["no", "yes"]
    model.pop()
    model.add(Dense(5))


def faster(model):
    model.compile(Adam(0.01, weight_decay=0.1), "cross_entropy")
    model.optimizer.learning_rate = 5.0


CHANGES = {
    "the head is popped": lambda model: model.pop(),
    "a head without its activation": lambda model: (model.pop(), model.add(Dense(2))),
    "a softmax more": with_more(Activation("softmax")),
    "a sigmoid behind the softmax": with_more(Activation("sigmoid")),
    "one output with a softmax": with_more(Dense(1, activation="softmax")),
    "class names that go too far": lambda model: (
        setattr(model, "class_names", ["no", "yes"]),
        model.add(Dense(4)),
    ),
    "class names of a head that went": recompiled,
    "a metric appended": lambda model: model.metrics.append(MAE()),
    "the same metric appended": lambda model: model.metrics.append(Accuracy()),
    "a metric by its name": lambda model: model.metrics.append("mae"),
    "a metric called loss": lambda model: setattr(model.metrics[0], "name", "loss"),
    "a rate set later": faster,
    "a schedule set later": lambda model: setattr(
        model.optimizer, "learning_rate", CosineDecay(0.1, 5)
    ),
    "a momentum set later": lambda model: setattr(model.optimizer, "beta_1", 0.0),
    "smoother labels": lambda model: setattr(model.loss, "label_smoothing", 0.1),
    "all frozen": lambda model: model.freeze("*"),
    "no name": lambda model: setattr(model, "name", ""),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_saved_can_be_loaded_whatever_changed_since_compile(path, case) -> None:
    """Loading neither warns nor refuses: what does not suit is refused by the next fit."""
    model = small()
    CHANGES[case](model)
    model.save(path)
    loaded = minnet.load(path)
    x = np.random.default_rng(2).standard_normal((6, D))
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    assert (loaded.class_names, loaded.name) == (model.class_names, model.name)
    assert repr(loaded.optimizer) == repr(model.optimizer)
    if "name" not in case:
        assert repr(loaded.metrics) == repr(model.metrics)
    assert loaded.updates.counts == model.updates.counts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.pop(), "CrossEntropy takes probabilities"),
        (with_more(Activation("softmax")), "Softmax is applied twice"),
    ],
)
def test_an_end_that_does_not_suit_is_refused_by_the_next_fit(path, change, message) -> None:
    model = small()
    change(model)
    model.save(path)
    loaded = minnet.load(path)
    with pytest.raises(ValueError, match=message):
        train(loaded, np.zeros((4, D)), np.arange(4) % 2)


def test_a_loss_that_loading_need_not_warn_of_is_warned_of_once(path) -> None:
    model = Sequential([Dense(2, activation="softmax", input_dim=D)], seed=0)
    with pytest.warns(UserWarning, match="Softmax with the mean squared error"):
        model.compile("sgd", "mse")
    model.save(path)
    loaded = minnet.load(path)
    with pytest.warns(UserWarning, match="Softmax with the mean squared error"):
        train(loaded, np.zeros((4, D)), np.zeros((4, 2)))
    train(loaded, np.zeros((4, D)), np.zeros((4, 2)))


def test_a_model_of_layers_without_weights_is_saved_and_loaded(path) -> None:
    model = small()
    model.add(Flatten())
    while len(model.layers) > 1:
        model.pop()
    bare = Sequential([Flatten(input_shape=(2, D))], seed=0)
    bare.compile("adam", "mse")
    for one in (model, bare):
        one.save(path)
        x = np.ones((2, *one.input_shape))
        assert minnet.load(path).predict(x).tobytes() == one.predict(x).tobytes()


@minnet.register
class Fickle(Layer):
    """y = x W, whose settings may be changed by anybody at any time."""

    parameters = ("W",)

    def __init__(self, units, *, name=None, input_shape=None):
        super().__init__(name=name, input_shape=input_shape)
        if units < 1:
            raise ValueError("no units")
        self.units = units

    def build(self, input_shape, rng):
        self.add_weight("W", (*input_shape, self.units), Ones(), rng)

    def compute_output_shape(self, input_shape):
        return (self.units,)

    def forward(self, x, memo=None):
        return x @ self.W


SPOILT = {
    "a setting that is refused": (lambda one: setattr(one, "units", 0), "no units"),
    "a setting that does not fit": (
        lambda one: setattr(one, "units", 5),
        r"fickle_1\.W has shape \(3, 5\), and in the file \(3, 2\)",
    ),
    "a setting that is gone": (lambda one: delattr(one, "units"), None),
    "no name": (lambda one: setattr(one, "owner", None) or setattr(one, "name", None), "A layer's"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_could_not_be_loaded_is_not_saved(path, case) -> None:
    change, message = SPOILT[case]
    small().save(path)
    data = path.read_bytes()
    model = Sequential([Fickle(2, input_shape=D)], seed=0)
    change(model.layers[0])
    if message is None:
        with pytest.raises(TypeError, match="keeps each argument of its constructor"):
            model.save(path)
    else:
        with pytest.raises(ModelFileError, match=f"save takes a model that can .*{message}"):
            model.save(path)
        with pytest.raises(ModelFileError, match=f"save takes a model that can .*{message}"):
            model.save_weights(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.provenance.update(trainings=[{"epochs": 1}]),
        lambda model: model.provenance.update(input_range=[0, "1"]),
        lambda model: model.provenance.pop("parent"),
        lambda model: model.metrics.append(3),
        lambda model: (
            setattr(model.optimizer, "learning_rate", PiecewiseConstantDecay([1], [1, 2]))
            or model.optimizer.learning_rate.boundaries.append(0)
        ),
    ],
)
def test_a_model_whose_description_is_spoilt_is_not_saved(path, change) -> None:
    model = small()
    change(model)
    with pytest.raises((ModelFileError, TypeError), match=r"save takes a model that|A file takes"):
        model.save(path)
    assert not path.exists()


def test_saving_makes_no_use_of_the_models_generator(path) -> None:
    """Though it makes each layer once more, to see whether that can be done."""

    @minnet.register
    class Draws(Fickle):
        def build(self, input_shape, rng):
            super().build(input_shape, rng)
            self.W = rng.normal(size=self.W.shape)

    try:
        model = Sequential([Draws(2, input_shape=D)], seed=0)
        before, W = repr(model.rng.bit_generator.state), model.layers[0].W.copy()
        model.save(path)
        assert repr(model.rng.bit_generator.state) == before
        assert np.array_equal(model.layers[0].W, W)
        assert np.array_equal(minnet.load(path).layers[0].W, W)
    finally:
        del _KNOWN["Draws"]


def test_half_a_million_weights_are_not_made_once_more(path) -> None:
    import tracemalloc

    from minnet.files import saving

    model = Sequential([Dense(700, input_dim=700)], seed=0)
    tracemalloc.start()
    saving.describe(model, include_optimizer=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4.5e6  # one array and its gradient at a time, of which nothing is touched


# --- many layers ----------------------------------------------------------------------------------


def test_five_hundred_layers_load_within_half_a_second(path) -> None:
    layers = [Dense(4, activation="relu", input_dim=4), *(Dense(4) for _ in range(499))]
    Sequential(layers, seed=0).save(path)
    assert min(cpu_seconds(lambda: minnet.load(path)) for _ in range(3)) < 0.5


@pytest.mark.parametrize("make", [Dense, ReLU], ids=["dense", "relu"])
def test_the_time_to_load_grows_with_the_layers_and_not_with_their_square(path, make) -> None:
    def seconds(count):
        options = {"units": 2} if make is Dense else {}
        layers = [Dense(2, input_dim=2), *(make(**options) for _ in range(count - 1))]
        Sequential(layers, seed=0).save(path)
        return min(cpu_seconds(lambda: minnet.load(path)) for _ in range(3))

    assert seconds(800) < 8 * seconds(200)


def cpu_seconds(act) -> float:
    """Without the counting of lines, which makes a call several times as slow."""
    begin = time.process_time()
    with nobody_watching():
        act()
    return time.process_time() - begin


# --- a file that was written once and for all -----------------------------------------------------


def test_the_frozen_file_is_the_model_that_it_was() -> None:
    model = minnet.load(frozen_file.FILE)
    assert repr(model.layers) == (
        "[Dense(4, activation=ReLU(), input_dim=3, name='dense_1'), "
        "BatchNormalization(momentum=0.9, name='batch_normalization_1'), "
        "Dropout(0.25, name='dropout_1'), Dense(3, activation=Softmax(), name='head')]"
    )
    assert (model.name, model.class_names) == ("frozen", ["no", "yes", "perhaps"])
    assert model.preprocessing == "divide by 255"
    assert repr(model.optimizer) == "Adam(learning_rate=0.009636961687321454, beta_1=0.8)"
    assert (repr(model.loss), repr(model.metrics)) == ("CrossEntropy()", "[Accuracy()]")
    assert model.updates.iterations == 5
    assert model.updates.counts == {"dense_1": 5, "batch_normalization_1": 5, "head": 5}
    np.testing.assert_allclose(
        model.get_layer("batch_normalization_1").moving_mean,
        [0.09090669, 0.13395508, 0.014193655, 0.1378924],
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        model.updates.slots["v"][:2], np.array([0.000394548, 0.0015831012]) * 1e-3, rtol=1e-5
    )


def test_the_frozen_file_predicts_what_it_predicted() -> None:
    np.testing.assert_allclose(
        minnet.load(frozen_file.FILE).predict(frozen_file.X[[0, 19]]),
        [[0.12513152, 0.43105876, 0.44380975], [0.28027484, 0.338439, 0.38128614]],
        rtol=1e-5,
    )


def test_the_frozen_file_trains_on_as_it_would_have() -> None:
    model = minnet.load(frozen_file.FILE)
    model.fit(frozen_file.X, frozen_file.Y, verbose=0, seed=3)
    expected = [0.22115862, -0.47794327, -0.8049776, -0.8872033, 0.52724326, 0.7115137]
    np.testing.assert_allclose(model.theta[:6], expected, rtol=1e-4)
    np.testing.assert_allclose(model.theta[-2:], [0.002531447, 0.008255343], rtol=1e-4)


def test_the_model_of_the_frozen_file_is_saved_as_it_was(path) -> None:
    """All but its checkpoint: what describes a model has not changed since the format is new."""
    minnet.load(frozen_file.FILE).save(path)
    config, arrays = store.load(path)
    frozen, kept = store.load(frozen_file.FILE)
    assert config["training"] is None
    assert frozen["training"] is not None
    rest = {"training": None, "provenance": None}  # a loaded model knows its file
    assert {**frozen, **rest} == {**config, **rest}
    assert {name: a.tobytes() for name, a in arrays.items()} == {
        name: a.tobytes() for name, a in kept.items() if not name.startswith(FIT)
    }


def test_todays_format_is_still_written_byte_for_byte(path, monkeypatch) -> None:
    monkeypatch.setattr(description, "__version__", "0.1.0")
    store.save(path, *store.load(frozen_file.FILE))
    assert path.read_bytes() == frozen_file.FILE.read_bytes()


# --- weights into another model -------------------------------------------------------------------


def refused(model, path, message) -> None:
    """`load_weights` fails with this message and changes nothing."""
    before = everything(model)
    with pytest.raises(ModelFileError, match=message) as caught:
        model.load_weights(path)
    assert "nothing was loaded" in str(caught.value)
    assert everything(model) == before


def compiled(*layers, loss="mse") -> Sequential:
    model = Sequential(layers, seed=1)
    model.compile("sgd", loss)
    return model


def test_missing_extra_and_misshapen_arrays_are_all_in_one_table(path) -> None:
    small().save(path)
    other = compiled(Dense(5, activation="relu", input_dim=D, use_bias=False), Dense(2, name="top"))
    refused(other, path, "MISMATCH")
    with pytest.raises(ModelFileError) as caught:
        other.load_weights(path)
    lines = [re.split(r"\s{2,}", line) for line in str(caught.value).splitlines()]
    assert lines[1] == ["array", "in the file", "in the model"]
    assert lines[-1][0].endswith("dense_1 3→5 ✗ W is (3, 5), in the file (3, 4)")
    assert lines[3:-1] == [
        ["dense_1.W", "(3, 4)", "(3, 5)", "MISMATCH"],
        ["top.W", "none", "(5, 2)", "NEW"],
        ["top.b", "none", "(2,)", "NEW"],
        ["dense_1.b", "(4,)", "none", "UNUSED"],
        ["head.W", "(4, 2)", "none", "UNUSED"],
        ["head.b", "(2,)", "none", "UNUSED"],
    ]


def test_the_table_lists_what_fits_too(path) -> None:
    small().save(path)
    other = compiled(Dense(4, activation="relu", input_dim=D), Dense(3, name="head"))
    refused(other, path, r"dense_1\.W +\(3, 4\) +\(3, 4\) +fits\n")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Dense(4, activation="tanh", input_dim=D),
            r"Its layer 'dense_1' is Dense\(units=4, activation=ReLU\(\), use_bias=True\), here it "
            r"is Dense\(units=4, activation=Tanh\(\), use_bias=True\)",
        ),
        (Dense(4, input_dim=D), r"'dense_1' is .*ReLU.*, here it is .*activation=None"),
        (Dense(4, LeakyReLU(0.1), input_dim=D), r"here it is .*negative_slope=0\.1"),
    ],
)
def test_another_activation_is_refused_by_the_layers_name(path, layer, message) -> None:
    small().save(path)
    head = Dense(2, activation="softmax", name="head")
    refused(compiled(layer, head, loss="cross_entropy"), path, message)


def test_the_same_activation_with_another_setting_is_refused(path) -> None:
    compiled(Dense(2, LeakyReLU(0.3), input_dim=D)).save(path)
    refused(
        compiled(Dense(2, LeakyReLU(0.2), input_dim=D)),
        path,
        r"negative_slope=0\.3.*, here it is .*negative_slope=0\.2",
    )


@pytest.mark.parametrize("more", [[Dropout(0.5)], [Flatten()]])
def test_another_number_of_layers_is_refused(path, more) -> None:
    one = Dense(2, input_dim=D)
    compiled(one).save(path)
    refused(compiled(one.copy(), *more), path, "It has 1 layers, this model 2")


def test_how_a_layer_starts_and_trains_and_is_called_does_not_matter(path) -> None:
    model = compiled(Dense(2, ReLU(name="a"), input_dim=D), Dropout(0.5, name="x"))
    model.save(path)
    other = compiled(
        Dense(2, "relu", kernel_initializer="zeros", kernel_regularizer="l2", input_dim=D),
        Dropout(0.5),
    )
    other.load_weights(path)
    assert other.theta.tobytes() == model.theta.tobytes()


def test_float64_weights_go_into_no_float32_model_and_float32_ones_into_both(path) -> None:
    small(dtype="float64").save(path)
    refused(small(), path, "float64 would lose digits")
    small().save(path)
    wide = small(seed=1, dtype="float64")
    wide.load_weights(path)
    assert wide.theta.astype("float32").tobytes() == small().theta.tobytes()


def test_weights_leave_the_optimizer_and_the_flags_as_they_are(path) -> None:
    small().save(path)
    model = small(seed=1)
    model.freeze("dense_1")
    slots = model.updates.slots["m"].copy()
    model.load_weights(path)
    assert not model.get_layer("dense_1").trainable
    assert model.updates.slots["m"].tobytes() == slots.tobytes()


def test_weights_go_into_no_model_that_is_not_built(path) -> None:
    small().save(path)
    with pytest.raises(RuntimeError, match="is not built"):
        Sequential([Dense(4)]).load_weights(path)


@pytest.mark.parametrize("config", [{}, {"layers": 3}, {"layers": [3]}, {"layers": [{"name": 1}]}])
def test_a_file_without_layers_is_no_model(path, config) -> None:
    store.save(path, config, {})
    with pytest.raises(ModelFileError, match="is no minnet model: it describes no layers"):
        small().load_weights(path)


def test_layers_described_by_something_else_are_no_layers(path) -> None:
    store.save(path, {"layers": [{"name": "a", "class": "Dense", "config": []}]}, {})
    with pytest.raises(ModelFileError, match="is no minnet model: it describes no layers"):
        small().load_weights(path)


# --- weights that are no numbers ------------------------------------------------------------------


def test_a_diverged_model_is_not_saved(path) -> None:
    model = small()
    model.save(path)
    data = path.read_bytes()
    model.layers[0].W[1, 1] = np.nan
    with pytest.raises(ModelFileError, match=r"finite numbers. Got NaN or infinity in dense_1\.W"):
        model.save(path)
    assert path.read_bytes() == data


# --- descriptions of no model ---------------------------------------------------------------------


def described(path, change, arrays=lambda arrays: arrays) -> None:
    """A file of `small`, with another config or other arrays, and right checksums."""
    small().save(path)
    config, saved = store.load(path)
    change(config)
    store.save(path, config, arrays(saved))


def layer(**parts):
    """A change of the first layer's description."""
    return lambda config: config["layers"][0].update(parts)


def trained(**parts):
    """A change of what is said of the first training."""
    return lambda config: config["provenance"]["trainings"][0].update(parts)


def settings_of(**parts):
    """A change of the first layer's own settings."""
    return lambda config: config["layers"][0]["config"].update(parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            layer(**{"class": "os.system"}),
            r"classes that minnet knows. Got 'os\.system'.*import it",
        ),
        (layer(**{"class": "antigravity"}), "classes that minnet knows. Got 'antigravity'"),
        (layer(**{"class": "SGD", "config": {}}), "is made of layers, not of a SGD"),
        (layer(trainable="no"), "trainable takes True or False. Got 'no'"),
        (layer(name="a/b"), "could be mistaken for a path"),
        (layer(name="other"), r"other\.W has shape \(3, 4\), and in the file none"),
        (layer(name="head"), r"head\.W has shape \(3, 4\), and in the file \(4, 2\)"),
        (settings_of(units=5), r"dense_1\.W has shape \(3, 5\), and in the file \(3, 4\)"),
        (settings_of(units=0), "Dense could not be made from its description"),
        (settings_of(units=2**40), r"dense_1\.W has shape \(3, 1099511627776\), and in the file"),
        (settings_of(more=1), "Dense could not be made from its description: .*more"),
        (lambda c: c.update(input_shape=[2**50]), "dense_1 takes x of shape"),
        (
            lambda c: (c.update(input_shape=[2**50]), settings_of(input_shape=None)(c)),
            r"dense_1\.W has shape \(1125899906842624, 4\), and in the file \(3, 4\)",
        ),
        (lambda c: c.update(input_shape=[]), "input_shape takes a shape of at least one axis"),
        (lambda c: c.update(layers=[]), "it has no layers"),
        (lambda c: c["layers"].pop(), "the optimizer's counts are of other layers"),
        (
            lambda c: (c["layers"].pop(), c.update(compile=None, updates=None)),
            r"head\.W +\(4, 2\) +none +UNUSED",
        ),
        (lambda c: c["layers"].append(c["layers"][0]), "a name of its own"),
        (lambda c: c.update(dtype="float16"), "takes float32 or float64. Got 'float16'"),
        (lambda c: c.pop("compile"), "describes no model that minnet can build"),
        (lambda c: c.update(compile=3), "describes no model that minnet can build"),
        (lambda c: c["compile"].update(loss="mso"), "compile's loss takes one of"),
        (lambda c: c["compile"].update(optimizer=None), "compile's optimizer takes a"),
        (lambda c: c.update(updates=None), r"optimizer\[m\] +\(26,\) +none +UNUSED"),
        (lambda c: c["updates"].update(iterations=-1), "iterations takes a whole number, 0 or"),
        (lambda c: c["updates"].update(iterations=1.5), "iterations takes a whole number. Got 1.5"),
        (lambda c: c["updates"]["counts"].update(head=True), "an update count takes a whole"),
        (lambda c: c["updates"]["counts"].pop("head"), "counts are of other layers"),
        (lambda c: c["updates"].update(counts=3), "describes no model that minnet can build"),
        (lambda c: c.update(compile=None), "it is not compiled, and has an optimizer's state"),
        (lambda c: c["updates"].update(iterations=2**60), "more updates than there is time for"),
        (lambda c: c["updates"].update(more=1), "what its optimizer remembers is .* words: 'more'"),
        (
            lambda c: c["updates"].pop("counts"),
            "its optimizer remembers is .* words: 'counts'",
        ),
        (lambda c: c["compile"].update(metrics="accuracy"), "its metrics are 'accuracy'"),
        (lambda c: c["compile"].update(metrics=[1]), "Each of compile's metrics takes a"),
        (lambda c: c.update(compile=3), "how it is trained is described by 3"),
        (lambda c: c.update(more=1), "it is described with other words: 'more'"),
        (lambda c: c.pop("preprocessing"), "it is described with other words: 'preprocessing'"),
        (layer(more=1), "a layer is described with other words: 'more'"),
        (lambda c: c["layers"].__setitem__(0, "Dense"), "a layer is described by 'Dense'"),
        (lambda c: c.update(layers="Dense"), "it has no layers"),
        (layer(name=None), "A layer's name takes text. Got None"),
        (layer(name="a\nb"), r"letters, digits, .* Got 'a\\nb', which no file can hold"),
        (layer(trainable=1), "dense_1.trainable takes True or False. Got 1"),
        (lambda c: c.update(name=["x"]), "The model's name takes text"),
        (lambda c: c.update(dtype="f4,("), r"takes float32 or float64. Got 'f4,\('"),
        (lambda c: c.update(dtype={"itemsize": 10**30, "names": []}), "takes float32 or float64"),
        (lambda c: c.update(input_shape=[1] * 65), "a sample has no shape"),
        (lambda c: c.update(input_shape=[10**400] * 60), "takes a whole number below 2⁶³"),
        (lambda c: c.update(input_shape="3"), "a sample has no shape '3'"),
        (lambda c: c.update(class_names="no"), "class_names takes a list of texts"),
        (lambda c: c.update(class_names=[1]), "class_names takes texts"),
        (trained(epochs=-1), "a training is not described in full"),
        (trained(epochs=True), "a training is not described in full"),
        (trained(samples="8"), "a training is not described in full"),
        (trained(frozen=[1]), "a training is not described in full"),
        (trained(figures={"loss": "x"}), "a training is not described in full"),
        (trained(figures=[]), "a training is not described in full"),
        (trained(more=1), "a training is not described in full"),
        (lambda c: c["provenance"].update(trainings={}), "a training is not described in full"),
        (lambda c: c["provenance"].update(parent={"name": 1, "sha256": ""}), "the parent is not"),
        (lambda c: c["provenance"].update(input_range="01"), "the input range is not two numbers"),
    ],
)
def test_a_description_of_no_model_is_refused(path, change, message) -> None:
    described(path, change)
    with pytest.raises(ModelFileError, match=message):
        minnet.load(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (lambda a: {**a, "more": np.zeros(1)}, r"more +\(1,\) +none +UNUSED"),
        (lambda a: {**a, "optimizer[u]": a["optimizer[m]"]}, r"optimizer\[u\] .* none +UNUSED"),
        (lambda a: {n: v for n, v in a.items() if n != "optimizer[m]"}, r"m\] +none .* NEW"),
        (lambda a: {**a, "optimizer[m]": np.zeros(3, "f4")}, r"m\] +\(3,\) +\(26,\) +MISMATCH"),
        (lambda a: {**a, "head.b": np.zeros(2)}, r"head\.b .* float64 would lose digits"),
        (lambda a: {n: v for n, v in a.items() if n != "head.b"}, r"head\.b has .* the file none"),
    ],
)
def test_arrays_of_another_model_are_refused(path, arrays, message) -> None:
    described(path, lambda config: None, arrays)
    with pytest.raises(ModelFileError, match=message):
        minnet.load(path)


def test_however_much_is_wrong_the_reason_is_short(path) -> None:
    described(path, layer(name="x" * 50_000))
    with pytest.raises(ModelFileError) as caught:
        minnet.load(path)
    assert len(str(caught.value)) < 2_000
    described(path, lambda c: c["layers"][1].update(config={"units": "x" * 50_000}))
    with pytest.raises(ModelFileError) as caught:
        minnet.load(path)
    assert len(str(caught.value)) < 2_000
    other = compiled(Dense(4, activation="relu", input_dim=D), Dense(2, name="head"))
    refused(other, path, r"Its layer 'head' is Dense\(units='x+, here it is Dense\(units=2,")
    with pytest.raises(ModelFileError) as caught:
        other.load_weights(path)
    assert len(str(caught.value)) < 2_000


def test_a_description_cannot_ask_for_memory(path) -> None:
    import tracemalloc

    described(path, settings_of(units=2**24))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="and in the file"):
            minnet.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_no_class_outside_the_table_is_imported(path, monkeypatch) -> None:
    import builtins
    import importlib

    described(path, layer(**{"class": "antigravity.fly"}))
    imported: list[str] = []
    real = builtins.__import__

    def watch(name, *arguments, **options):
        imported.append(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", watch)
    monkeypatch.setattr(importlib, "import_module", imported.append)
    with pytest.raises(ModelFileError, match="classes that minnet knows"):
        minnet.load(path)
    assert not [name for name in imported if "antigravity" in name]


def test_a_file_that_holds_no_model_says_so(path) -> None:
    store.save(path, {"just": "numbers"}, {"W": np.zeros(2)})
    with pytest.raises(ModelFileError, match="describes no model that minnet can build"):
        minnet.load(path)


def test_a_model_of_a_newer_format_says_which_minnet_wrote_it(path, monkeypatch) -> None:
    monkeypatch.setattr(description, "FORMAT_VERSION", 9)
    monkeypatch.setattr(description, "__version__", "12.3")
    small().save(path)
    monkeypatch.undo()
    for read in (minnet.load, small().load_weights):
        with pytest.raises(ModelFileError, match=r"written by minnet 12\.3 in file format 9"):
            read(path)


# --- a layer of one's own -------------------------------------------------------------------------


class Factor(Layer):
    """y = s · x · factor, with one learned s for each column."""

    parameters = ("s",)

    def __init__(self, factor=1.0, *, name=None):
        super().__init__(name=name)
        self.factor = factor

    def build(self, input_shape, rng):
        self.add_weight("s", input_shape, Constant(2.0), rng)

    def forward(self, x, memo=None):
        return x * self.s * self.factor

    def backward(self, x, y, dy, memo=None):
        return dy * self.s * self.factor

    def gradient(self, x, y, dy, memo=None):
        self.ds[...] = (dy * x).sum(axis=0) * self.factor


@pytest.fixture
def registered():
    """The class in the table, for one test."""
    yield minnet.register(Factor)
    _KNOWN.pop("Factor", None)


def own() -> Sequential:
    model = compiled(Dense(2, input_dim=D), Factor(0.5))
    train(model, np.ones((4, D)), np.ones((4, 2)))
    return model


def test_a_registered_layer_of_ones_own_is_saved_and_loaded(path, registered) -> None:
    model = own()
    model.save(path)
    loaded = minnet.load(path)
    assert type(loaded.layers[1]) is registered
    assert everything(loaded) == everything(model)
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], "float32")
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()


def test_a_layer_that_is_not_registered_is_not_saved(path) -> None:
    with pytest.raises(TypeError, match=r"Got a Factor\. Put @minnet\.register above the class"):
        own().save(path)
    assert not path.exists()


def test_a_layer_that_is_not_registered_when_loading_is_named_with_what_to_do(
    path, registered
) -> None:
    own().save(path)
    del _KNOWN["Factor"]
    with pytest.raises(
        ModelFileError, match=r"Got 'Factor'\..* put @minnet\.register above it and import it first"
    ):
        minnet.load(path)


def test_a_layer_whose_shapes_have_changed_since_is_named(path, registered, monkeypatch) -> None:
    own().save(path)

    def build(self, input_shape, rng):
        self.add_weight("s", (2, *input_shape), Constant(2.0), rng)

    monkeypatch.setattr(Factor, "build", build)
    with pytest.raises(ModelFileError, match=r"factor_1\.s has shape \(2, 2\), and in the file"):
        minnet.load(path)


def test_the_description_is_json_that_people_can_read(path) -> None:
    small().save(path)
    with np.load(path) as file:
        said = json.loads(file["minnet.json"].tobytes())
    assert [layer["class"] for layer in said["config"]["layers"]] == ["Dense", "Dense"]
    assert said["config"]["compile"]["optimizer"]["class"] == "Adam"


def test_loading_weights_says_what_came_of_every_array(path) -> None:
    small().save(path)
    table = small().load_weights(path)
    assert {row[-1] for row in table.rows} == {"LOADED"}
    assert [row[0] for row in table.rows] == list(small().named_arrays())


def test_weights_beside_a_broken_provenance_are_not_loaded(path) -> None:
    described(path, lambda c: c["provenance"].update(input_range=[0.0]))
    model = small()
    before = model.theta.copy()
    with pytest.raises(ModelFileError, match="does not say rightly where its model comes from"):
        model.load_weights(path)
    np.testing.assert_array_equal(model.theta, before)
