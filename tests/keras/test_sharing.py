"""Layers that stand in several models: one flag, the same numbers, a vector for each model."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

import minnet
from minnet.keras import Input, Sequential, callbacks, layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = np.random.default_rng(1).integers(2, size=24)


def compiled(model, loss="sparse_categorical_crossentropy"):
    model.compile("sgd", loss)
    return model


@pytest.fixture
def base():
    return compiled(
        Sequential(
            [
                Input((3,)),
                layers.Dense(4, activation="relu"),
                layers.BatchNormalization(),
                layers.Dense(2, activation="softmax"),
            ],
            seed=0,
        )
    )


@pytest.fixture
def net(base):
    """The idiom of published programs: another head on the base's layers."""
    new = Sequential(base.layers[:-1], seed=1)
    new.add(layers.Dense(2, activation="softmax"))
    return compiled(new)


def numbers(model, count=2):
    """The arrays of the first layers of a model."""
    first = list(model.layers)[:count]
    return [array.copy() for layer in first for array in layer.arrays().values()]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- one flag -------------------------------------------------------------------------------------


def test_freezing_the_base_afterwards_freezes_the_layers_of_the_new_model(base, net):
    base.trainable = False
    assert [layer.trainable for layer in net.layers] == [False, False, True]
    before = numbers(net)
    net.fit(X, Y, epochs=2, verbose=0)
    assert same(numbers(net), before)


def test_unfreezing_one_layer_for_fine_tuning_reaches_the_other_model(base, net):
    base.trainable = False
    net.layers[0].trainable = True
    assert [layer.trainable for layer in base.layers] == [True, False, False]


def test_a_layer_frozen_before_it_is_shared_stays_so(base):
    base.layers[0].trainable = False
    net = Sequential(base.layers[:1])
    assert not net.layers[0].trainable


def test_settings_are_one_as_well():
    a = Sequential([Input((3,)), layers.Dropout(0.5)])
    b = Sequential(a.layers)
    b.layers[0].rate = 0.25
    assert a.layers[0].rate == 0.25


# --- the same numbers -----------------------------------------------------------------------------

WRITES = {
    "fit": lambda m, path: m.fit(X, Y, verbose=0),
    "train_on_batch": lambda m, path: m.train_on_batch(X, Y),
    "set_weights": lambda m, path: m.set_weights([w + 1 for w in m.get_weights()]),
    "a layer's set_weights": lambda m, path: m.layers[0].set_weights([np.ones((3, 4)), np.ones(4)]),
    "an assignment": lambda m, path: setattr(m.layers[0], "kernel", np.ones((3, 4))),
    "assign": lambda m, path: m.layers[0].kernel.assign(np.ones((3, 4))),
    "theta": lambda m, path: setattr(m, "theta", m.theta * 2),
    "load_weights": lambda m, path: load_others(m, path / "m.npz"),
    "reset": lambda m, path: m.reset(5),
}


def load_others(model, path):
    other = model.copy()
    other.theta = other.theta + 1
    other.save_weights(path)
    model.load_weights(path)


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("new_writes", [True, False], ids=["the new model", "the base"])
def test_after_each_call_that_writes_both_hold_the_same(how, new_writes, base, net, tmp_path):
    before = numbers(base)
    WRITES[how](net if new_writes else base, tmp_path)
    assert not same(numbers(base), before)
    assert same(numbers(base), numbers(net))


def test_running_statistics_are_the_same_too(base, net):
    net.fit(X, Y, verbose=0)
    assert base.layers[1].moving_mean.any()
    np.testing.assert_array_equal(base.layers[1].moving_mean, net.layers[1].moving_mean)


def test_each_model_keeps_its_own_vector(base, net):
    net.fit(X, Y, verbose=0)
    for model in (base, net):
        assert np.shares_memory(model.layers[0].W, model.theta)
    assert not np.shares_memory(base.theta, net.theta)


def test_training_one_and_reading_the_other(base, net):
    net.fit(X, Y, epochs=3, verbose=0)
    hidden = Sequential(net.layers[:-1])
    np.testing.assert_array_equal(hidden.predict(X), base.features(X, upto=base.layers[1].name))


def test_at_each_epochs_end_callbacks_see_the_same_numbers(base, net):
    seen = []

    class Looks(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(same(numbers(base), numbers(net)))

    net.fit(X, Y, epochs=3, verbose=0, callbacks=[Looks()])
    assert seen == [True] * 3


def test_a_callback_that_trains_the_other_model_loses_no_step(base, net):
    """As where two networks are trained in turn, by hooks for each step."""

    class InTurn(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            mine = numbers(self.model)
            assert same(numbers(base), mine)
            base.train_on_batch(X[:4], Y[:4])
            assert same(numbers(base), numbers(self.model))
            assert not same(numbers(base), mine)

    net.fit(X, Y, batch_size=8, verbose=0, callbacks=[InTurn()])


def test_a_diverged_fit_leaves_finite_numbers_in_both(base, net):
    net.compile(minnet.optimizers.SGD(1e38), "sparse_categorical_crossentropy")
    with pytest.raises(minnet.DivergedError):
        net.fit(X, Y, epochs=20, verbose=0)
    assert all(np.isfinite(array).all() for array in numbers(base))
    assert same(numbers(base), numbers(net))


def test_the_optimizer_of_each_model_is_its_own(base, net):
    net.compile("adam", "sparse_categorical_crossentropy")
    net.fit(X, Y, verbose=0)
    assert base.updates.iterations == 0
    assert net.updates.iterations > 0


def test_three_models_and_a_chain_of_them(base, net):
    third = compiled(Sequential([*net.layers[:2], layers.Dense(2, activation="softmax")]))
    base.layers[0].trainable = False
    assert not third.layers[0].trainable
    third.layers[0].set_weights([np.full((3, 4), 2.0), np.zeros(4)])
    assert same(numbers(base), numbers(third))
    assert same(numbers(net), numbers(third))


# --- who is a twin --------------------------------------------------------------------------------


def apart(base, other):
    """Whether a change of the one leaves the other as it was."""
    before, flag = numbers(other, 1), other.layers[0].trainable
    base.layers[0].set_weights([np.full((3, 4), 7.0), np.zeros(4)])
    base.layers[0].trainable = not flag
    return same(numbers(other, 1), before) and other.layers[0].trainable == flag


COPIES = {
    "copy": lambda model: model.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "replace_head": lambda model: model.replace_head(minnet.layers.Dense(5)),
    "a layer's copy": lambda model: Sequential([model.layers[0].copy()]),
    "a model of minnet's core": lambda model: minnet.Sequential(model.layers[:1]),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_stay_apart(how, base, net):
    other = COPIES[how](net)
    assert apart(net, other)


def test_a_model_that_is_loaded_stays_apart(base, net, tmp_path):
    net.save(tmp_path / "m.npz")
    assert apart(net, minnet.load(tmp_path / "m.npz"))


def test_layers_of_a_model_of_the_core_are_shared_when_the_door_takes_them():
    core = minnet.Sequential([minnet.layers.Dense(4, input_dim=3)], seed=0)
    net = Sequential(core.layers)
    core.set_weights([np.ones((3, 4)), np.ones(4)])
    np.testing.assert_array_equal(net.layers[0].W, 1)


def test_a_fit_does_not_say_that_they_stay_apart(base, net):
    base.trainable = False
    base.layers[0].trainable = True
    net.fit(X, Y, verbose=0)  # warnings are errors


def test_a_layer_has_one_place_in_a_model(base, net):
    for model, layer in ((net, base.layers[0]), (base, net.layers[0])):
        with pytest.raises(ValueError, match="dense_1 is in this model already"):
            model.add(layer)
    with pytest.raises(ValueError, match="is in this model already"):
        Sequential([base.layers[0], net.layers[0]])
    fresh = layers.Dense(4, input_shape=(4,))
    owner = Sequential([fresh])
    with pytest.raises(ValueError, match="is in this model already"):
        Sequential([fresh, fresh])
    with pytest.raises(ValueError, match="is in this model already"):
        Sequential().add_all([fresh, fresh])
    assert len(owner.layers) == 1


def test_a_popped_head_is_one_with_its_twins_still(base, net):
    third = compiled(Sequential(net.layers))
    head = net.pop()
    third.layers[-1].trainable = False
    assert not head.trainable
    head.set_weights([np.ones((4, 2)), np.ones(2)])
    np.testing.assert_array_equal(third.layers[-1].W, 1)
    with pytest.raises(ValueError, match="is in this model already"):
        third.add(head)
    net.add(head)
    assert net.layers[-1] is head


def test_what_is_refused_shares_nothing(base):
    with pytest.raises(ValueError, match="takes x of shape"):
        Sequential([Input((9,)), base.layers[0]])
    assert base.layers[0].follower is None


# --- building, names, pop and add -----------------------------------------------------------------


def test_a_model_that_is_built_later_takes_the_numbers_of_the_one_that_was():
    encoder = Sequential([layers.Dense(4, activation="tanh")], seed=0)
    decoder = Sequential([layers.Dense(3)], seed=1)
    both = compiled(Sequential([encoder, decoder], seed=2), "mse")
    both.fit(X, X, epochs=2, verbose=0)
    code = encoder.predict(X)
    assert code.shape == (24, 4)
    np.testing.assert_array_equal(decoder.predict(code), both.predict(X))


def test_a_model_whose_layers_are_built_elsewhere_knows_its_input():
    encoder = Sequential([layers.Dense(4)])
    both = compiled(Sequential([encoder, layers.Dense(3)]), "mse")
    both.fit(X, X, verbose=0)
    assert encoder.count_params() == 16
    assert same(encoder.get_weights(), both.get_weights()[:2])


def test_a_layer_that_is_built_for_other_data_elsewhere_is_refused():
    a = Sequential([layers.Dense(4)])
    b = Sequential(a.layers)
    a.build((None, 3))
    with pytest.raises(ValueError, match=r"one layer in several models, and takes x of shape"):
        b.build((None, 5))
    b.build((None, 3))
    assert same(a.get_weights(), b.get_weights())


def test_names_that_the_user_gave_twice_get_a_number():
    a = Sequential([layers.Dense(3, input_shape=(3,), name="hidden")])
    b = Sequential([layers.Dense(3, input_shape=(3,), name="hidden")])
    c = Sequential([layers.Dense(3, input_shape=(3,), name="hidden")])
    both = Sequential([*a.layers, *b.layers, *c.layers])
    assert [layer.name for layer in both.layers] == ["hidden", "hidden_1", "hidden_2"]
    again = Sequential([*a.layers, layers.Dense(3, name="hidden_1"), *both.layers[1:2]])
    assert [layer.name for layer in again.layers] == ["hidden", "hidden_1", "hidden_2"]


def test_after_pop_and_add_the_right_layers_are_trained_without_a_new_compile(base):
    base.fit(X, Y, verbose=0)
    old = base.pop()
    kept = [w.copy() for w in old.get_weights()]
    base.add(layers.Dense(2, activation="softmax"))
    first, new = numbers(base, 1), base.layers[-1].get_weights()
    base.fit(X, Y, verbose=0)
    assert same(old.get_weights(), kept)
    assert not same(base.layers[-1].get_weights(), new)
    assert not same(numbers(base, 1), first)


def test_a_model_inside_a_model_is_frozen_as_a_whole():
    inner = Sequential([Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(4)])
    inner.trainable = False
    outer = compiled(Sequential([inner, layers.Dense(2, activation="softmax")]))
    assert [layer.trainable for layer in outer.layers] == [False, False, True]
    before = numbers(outer)
    outer.fit(X, Y, verbose=0)
    assert same(numbers(outer), before)
    inner.trainable = True
    outer.fit(X, Y, verbose=0)
    assert not same(numbers(outer), before)
    assert same(numbers(outer), numbers(inner))


# --- any order of calls ---------------------------------------------------------------------------


class Origin:
    """What all layers of one origin are to hold."""

    def __init__(self, layer):
        self.read(layer)

    def read(self, layer):
        self.arrays, self.trainable = layer.get_weights(), layer.trainable


class Watches(callbacks.Callback):
    """Looks at all models at the end of each epoch."""

    def __init__(self, look):
        super().__init__()
        self.look = look

    def get_state(self):
        return {}

    def on_epoch_end(self, epoch, logs=None):
        self.look(self.model)


class SharedLayers(RuleBasedStateMachine):
    """Models of layers 3 → 3, each layer known by its origin."""

    models = Bundle("models")

    def __init__(self):
        super().__init__()
        self.made = []  # models, each beside its layers' origins
        self.popped = []  # layers and their origins
        self.saved = []

    def keep(self, model, origins):
        self.made.append((model, origins))
        return len(self.made) - 1

    @rule(target=models, count=st.integers(1, 3), normal=st.booleans(), seed=st.integers(0, 9))
    def make(self, count, normal, seed):
        stack = [Input((3,)), *[layers.Dense(3, activation="tanh") for _ in range(count)]]
        if normal:
            stack.insert(2, layers.BatchNormalization())
        model = compiled(Sequential(stack, seed=seed), "mse")
        return self.keep(model, [Origin(layer) for layer in model.layers])

    @rule(target=models, a=models, b=models, split=st.integers(1, 3))
    def join(self, a, b, split):
        (first, of_first), (second, of_second) = self.made[a], self.made[b]
        stack, origins = first.layers[:split], of_first[:split]
        for layer, origin in zip(second.layers, of_second, strict=True):
            if origin not in origins:
                stack, origins = [*stack, layer], [*origins, origin]
        return self.keep(compiled(Sequential([Input((3,)), *stack]), "mse"), list(origins))

    @rule(a=models, b=models, i=st.integers(0, 3))
    def add(self, a, b, i):
        (model, origins), (other, of_other) = self.made[a], self.made[b]
        if i >= len(of_other):
            return
        if of_other[i] in origins:
            with pytest.raises(ValueError, match="is in this model already"):
                model.add(other.layers[i])
            return
        model.add(other.layers[i])
        origins.append(of_other[i])

    @rule(a=models)
    def pop(self, a):
        model, origins = self.made[a]
        if len(origins) > 1:
            self.popped.append((model.pop(), origins.pop()))

    @rule(a=models)
    def put_back(self, a):
        model, origins = self.made[a]
        if not self.popped:
            return
        layer, origin = self.popped[-1]
        if origin in origins:
            with pytest.raises(ValueError, match="is in this model already"):
                model.add(layer)
            return
        self.popped.pop()
        model.add(layer)
        origins.append(origin)

    @rule(a=models, i=st.integers(0, 3), flag=st.booleans())
    def freeze(self, a, i, flag):
        model, origins = self.made[a]
        if i < len(origins):
            model.layers[i].trainable = flag
            origins[i].trainable = flag

    @rule(a=models, flag=st.booleans())
    def freeze_all(self, a, flag):
        model, origins = self.made[a]
        model.trainable = flag
        for origin in origins:
            origin.trainable = flag

    def trained(self, model, origins, train):
        """Train, if there is something to; what is frozen keeps every bit."""
        if not any(origin.trainable for origin in origins):
            with pytest.raises(ValueError, match="Every layer is frozen"):
                train()
            return
        before = [[array.copy() for array in origin.arrays] for origin in origins]
        train()
        for origin, layer, old in zip(origins, model.layers, before, strict=True):
            assert same(layer.get_weights(), old) or origin.trainable
            origin.arrays = layer.get_weights()

    @rule(a=models, epochs=st.integers(1, 2))
    def fit(self, a, epochs):
        model, origins = self.made[a]
        self.trained(
            model,
            origins,
            lambda: model.fit(X, X, 8, epochs, 0, callbacks=[Watches(self.twins_agree)]),
        )

    @rule(a=models)
    def train_on_batch(self, a):
        model, origins = self.made[a]
        self.trained(model, origins, lambda: model.train_on_batch(X[:8], X[:8]))

    @rule(a=models, shift=st.floats(-0.5, 0.5))
    def set_weights(self, a, shift):
        model, origins = self.made[a]
        model.set_weights([array + abs(shift) for array in model.get_weights()])
        for origin, layer in zip(origins, model.layers, strict=True):
            origin.arrays = layer.get_weights()

    @rule(a=models, i=st.integers(0, 3), value=st.floats(0.1, 0.5))
    def set_a_layers_weights(self, a, i, value):
        model, origins = self.made[a]
        if i < len(origins):
            model.layers[i].set_weights([np.full_like(w, value) for w in origins[i].arrays])
            origins[i].arrays = [np.full_like(w, value) for w in origins[i].arrays]

    @rule(a=models)
    def save(self, a):
        model, origins = self.made[a]
        arrays = {f"{x.name}.{n}": v.copy() for x in model.layers for n, v in x.arrays().items()}
        self.saved.append((model, list(origins), arrays))

    @rule()
    def load(self):
        if not self.saved:
            return
        model, then, arrays = self.saved[-1]
        origins = next(o for m, o in self.made if m is model)
        if then != origins or set(arrays) != set(model.named_arrays()):
            return
        model.set_weights(list(arrays.values()))
        for origin, layer in zip(origins, model.layers, strict=True):
            origin.arrays = layer.get_weights()

    @rule(target=models, a=models, how=st.sampled_from(["copy", "pickle", "replace_head"]))
    def copy(self, a, how):
        model, _ = self.made[a]
        if how == "replace_head":
            if not any(isinstance(layer, layers.Dense) for layer in model.layers):
                return multiple()
            new = model.replace_head(layers.Dense(3))
        else:
            new = COPIES[how](model)
        return self.keep(compiled(new, "mse"), [Origin(layer) for layer in new.layers])

    def twins_agree(self, trained):
        """All models hold what the one that is in training has."""
        origins = next(o for m, o in self.made if m is trained)
        now = {id(o): la for o, la in zip(origins, trained.layers, strict=True)}
        for model, of_model in self.made:
            for origin, layer in zip(of_model, model.layers, strict=True):
                if id(origin) in now:
                    assert same(layer.get_weights(), now[id(origin)].get_weights())

    @invariant()
    def layers_of_one_origin_are_equal(self):
        pairs = [pair for m, o in self.made for pair in zip(m.layers, o, strict=True)]
        for layer, origin in [*pairs, *self.popped]:
            assert same(layer.get_weights(), origin.arrays)
            assert layer.trainable == origin.trainable

    @invariant()
    def each_model_computes_with_its_own_vector(self):
        for model, _ in self.made:
            flat = [w.ravel() for la in model.layers for n, w in la.arrays().items() if n in "Wb"]
            assert all(np.shares_memory(w, model.theta) for w in flat)
            assert len({layer.name for layer in model.layers}) == len(model.layers)


SharedLayers.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestSharedLayers = SharedLayers.TestCase
