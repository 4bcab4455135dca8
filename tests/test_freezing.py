"""What is frozen keeps every bit; what is unfrozen learns, and starts as if it never had."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minnet
from minnet.callbacks import LambdaCallback
from minnet.layers import BatchNormalization, Dense, Dropout, Softmax
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from minnet.regularizers import L2
from tests.strategies import seeds

NAMES = ["dense_1", "batch_normalization_1", "dense_2", "dense_3"]


def network(seed=0, optimizer="adam", dtype="float32", **settings):
    """Four layers with weights, one with statistics, one that drops."""
    model = Sequential(
        [
            Dense(6, "tanh", input_dim=4, kernel_regularizer=L2(0.02)),
            BatchNormalization(),
            Dropout(0.3),
            Dense(5, "tanh", kernel_regularizer=L2(0.02)),
            Dense(3, "softmax"),
        ],
        seed=seed,
        dtype=dtype,
        **settings,
    )
    model.compile(optimizer, "cross_entropy")
    return model


def data(seed=0, N=12):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, 4)), rng.integers(3, size=N)


def train(model, seed=0, epochs=2, **settings):
    return model.fit(*data(seed), 4, epochs=epochs, verbose=0, seed=seed, **settings)


def picture(model):
    """The bytes of each layer's arrays, by layer."""
    return {
        layer.name: [array.tobytes() for array in layer.arrays().values()]
        for layer in model.layers
        if layer.parameters
    }


def moved(before, after):
    return [name for name in before if before[name] != after[name]]


OPTIMIZERS = {
    "sgd": lambda **k: SGD(0.1, **k),
    "momentum": lambda **k: SGD(0.1, 0.9, **k),
    "nesterov": lambda **k: SGD(0.1, 0.9, True, **k),
    "rmsprop": lambda **k: RMSprop(0.01, momentum=0.9, centered=True, **k),
    "adagrad": lambda **k: Adagrad(0.1, **k),
    "adam": lambda **k: Adam(0.01, **k),
    "adamw": lambda **k: AdamW(0.01, **k),
}
optimizers = st.builds(
    lambda name, decay, clip: OPTIMIZERS[name](weight_decay=decay, global_clipnorm=clip),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([None, 0.05, 10.0]),
)
some = st.sets(st.sampled_from(NAMES), min_size=1, max_size=3)


# --- every bit ------------------------------------------------------------------------------------


@given(optimizer=optimizers, frozen=some, seed=seeds)
def test_frozen_layers_keep_every_bit_and_the_others_move(optimizer, frozen, seed):
    model = network(seed, optimizer)
    train(model, seed, epochs=1)  # momentum and moments that could go on moving things
    model.freeze(sorted(frozen))
    before = picture(model)
    train(model, seed, epochs=2)
    for _ in range(2):
        model.train_on_batch(*data(seed))
    assert moved(before, picture(model)) == [name for name in NAMES if name not in frozen]


@given(optimizer=optimizers, first=some, second=some, seed=seeds)
def test_freeze_unfreeze_freeze(optimizer, first, second, seed):
    model = network(seed, optimizer)
    for frozen in (first, second, first):
        model.unfreeze()
        model.freeze(sorted(frozen))
        before = picture(model)
        train(model, seed, epochs=1)
        assert moved(before, picture(model)) == [name for name in NAMES if name not in frozen]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_in_a_callback_in_the_middle_of_an_epoch(optimizer):
    model = network(optimizer=OPTIMIZERS[optimizer](weight_decay=0.1))
    pictures = []

    def freeze(batch, logs):
        if batch == 1 and not pictures:
            model.freeze("dense_*")
        if pictures or batch == 1:
            pictures.append(picture(model))

    train(model, epochs=2, callbacks=[LambdaCallback(on_train_batch_end=freeze)])
    assert len(pictures) == 5
    for earlier, later in itertools.pairwise(pictures):
        assert moved(earlier, later) == ["batch_normalization_1"]


@pytest.mark.parametrize(
    "hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"]
)
def test_a_callback_unfreezes_at_once(hook):
    model = network()
    model.freeze("all_but_head")
    before = picture(model)
    train(model, epochs=1, callbacks=[LambdaCallback(**{hook: lambda *a, **k: model.unfreeze()})])
    assert moved(before, picture(model)) == NAMES


@pytest.mark.parametrize("when", ["before", "after"])
def test_freezing_acts_before_and_after_compile(when):
    model = network()
    if when == "before":
        model.freeze("all_but_head")
        model.compile("adam", "cross_entropy")
    else:
        model.compile("adam", "cross_entropy")
        model.freeze("all_but_head")
    before = picture(model)
    train(model)
    assert moved(before, picture(model)) == ["dense_3"]


def test_freezing_before_build():
    model = Sequential([Dense(3, "relu"), BatchNormalization(), Dense(2)], seed=0)
    model.freeze([0, 1])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((6, 4))
    model.fit(x, np.ones((6, 2)), verbose=0)
    before = picture(model)
    model.fit(x, np.ones((6, 2)), verbose=0)
    assert moved(before, picture(model)) == ["dense_2"]


def test_the_flag_of_a_layer_is_the_only_one():
    model = network()
    model.layers[0].trainable = False
    before = picture(model)
    train(model)
    assert moved(before, picture(model)) == NAMES[1:]
    model.unfreeze("dense_1")
    assert model.layers[0].trainable is True
    with pytest.raises(TypeError, match=r"dense_1.trainable takes True or False. Got 0"):
        model.layers[0].trainable = 0


def test_statistics_stay_where_a_layer_is_frozen_between_gradient_and_step():
    model = network()
    x, y = data()
    model.loss_and_gradient(x, y)
    model.freeze("batch_normalization_1")
    before = picture(model)
    model.apply_gradient()
    assert moved(before, picture(model)) == ["dense_1", "dense_2", "dense_3"]


def test_weights_may_be_set_where_a_layer_is_frozen():
    model = network()
    model.freeze("dense_1")
    model.layers[0].W = np.full((4, 6), 0.25)
    train(model)
    assert (model.layers[0].W == 0.25).all()


# --- inference mode -------------------------------------------------------------------------------


def test_a_frozen_dropout_drops_nothing():
    model = Sequential([Dropout(0.9, input_shape=(50,)), Dense(3, "softmax")], seed=0)
    model.compile("sgd", "cross_entropy")
    x = np.ones((4, 50))
    model.loss_and_gradient(x, [0, 1, 2, 0])
    assert (model.outputs[1] == 0).any()
    model.freeze("dropout_1")
    model.loss_and_gradient(x, [0, 1, 2, 0])
    assert np.array_equal(model.outputs[1], x)
    model.unfreeze("dropout_1")
    model.loss_and_gradient(x, [0, 1, 2, 0])
    assert (model.outputs[1] == 0).any()


def test_a_frozen_normalization_uses_its_statistics():
    model = network(dtype="float64")
    model.freeze("*")
    model.unfreeze("dense_3")
    x, y = data()
    loss = model.loss_and_gradient(x, y)
    assert loss == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)
    np.testing.assert_allclose(model.outputs[-1], model.predict(x), rtol=1e-12)


def test_training_mode_differs_where_nothing_is_frozen():
    model = network(dtype="float64")
    x, y = data()
    assert model.loss_and_gradient(x, y) != pytest.approx(model.evaluate(x, y)["loss"])


# --- norm and penalty -----------------------------------------------------------------------------


def test_frozen_layers_are_left_out_of_the_norm_that_is_clipped():
    def step(frozen):
        model = Sequential([Dense(3, input_dim=2), Dense(2)], seed=0, dtype="float64")
        model.compile(SGD(1.0, global_clipnorm=0.5), "mse")
        if frozen:
            model.freeze("dense_1")
        before = model.theta.copy()
        model.train_on_batch(np.full((2, 2), 9.0), np.full((2, 2), 50.0))
        return before - model.theta

    assert np.linalg.norm(step(False)) == pytest.approx(0.5)
    assert not step(True)[:9].any()
    assert np.linalg.norm(step(True)[9:]) == pytest.approx(0.5)


def test_the_gradient_of_a_frozen_layer_is_zero_even_if_it_was_large():
    model = network(optimizer=SGD(0.1, global_clipnorm=1.0))
    x, y = data()
    model.loss_and_gradient(x, y)
    model.layers[0].dW = np.full((4, 6), 1e6)
    model.freeze("dense_1")
    model.loss_and_gradient(x, y)
    assert not model.layers[0].dW.any()
    assert model.layers[3].dW.any()


def test_the_penalty_is_that_of_trainable_layers():
    model = network(dtype="float64")
    first, second = (0.02 * float((model.layers[i].W ** 2).sum()) for i in (0, 3))
    x, y = data()
    assert model.penalty() == pytest.approx(first + second)
    whole = model.evaluate(x, y)["loss"]
    model.freeze("dense_1")
    assert model.penalty() == pytest.approx(second)
    assert model.evaluate(x, y)["loss"] == pytest.approx(whole - first)
    model.freeze("dense_2")
    assert model.penalty() == 0
    model.unfreeze("dense_1")
    assert model.penalty() == pytest.approx(first)


def test_the_penalty_is_in_the_loss_of_a_step_and_in_the_gradient():
    def step(*frozen):
        model = network(dtype="float64")
        model.layers[2].trainable = model.layers[1].trainable = False
        for name in frozen:
            model.freeze(name)
        return model.loss_and_gradient(*data()), model

    whole, model = step()
    part, half = step("dense_1")
    assert part == pytest.approx(whole - 0.02 * float((model.layers[0].W ** 2).sum()))
    assert np.array_equal(half.layers[3].dW, model.layers[3].dW)


# --- what the optimizer remembers -----------------------------------------------------------------


def adam_by_hand(theta, gradients, rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba's algorithm from the start, one gradient after another."""
    m = v = np.zeros_like(theta)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        theta = theta - rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return theta


def test_unfreezing_starts_adam_from_zero_with_a_count_of_its_own():
    model = Sequential(
        [Dense(3, "tanh", input_dim=4), Dense(3, "softmax")], seed=0, dtype="float64"
    )
    model.compile(Adam(0.01), "cross_entropy")
    x, y = data()
    gradients = {"dense_1": [], "dense_2": []}

    def step():
        model.loss_and_gradient(x, y)
        for layer in model.layers:
            gradients[layer.name].append(np.concatenate([layer.dW.ravel(), layer.db]))
        model.apply_gradient()

    start = model.theta.copy()
    for _ in range(3):
        step()
    model.freeze("dense_1")
    middle = model.theta[:15].copy()
    for _ in range(4):
        step()
    assert np.array_equal(model.theta[:15], middle)
    model.unfreeze("dense_1")
    for _ in range(2):
        step()
    assert model.updates.counts == {"dense_1": 2, "dense_2": 9}
    assert model.updates.iterations == 9
    first, again = gradients["dense_1"][:3], gradients["dense_1"][7:]
    np.testing.assert_allclose(middle, adam_by_hand(start[:15], first), rtol=1e-12)
    np.testing.assert_allclose(model.theta[:15], adam_by_hand(middle, again), rtol=1e-12)
    np.testing.assert_allclose(
        model.theta[15:], adam_by_hand(start[15:], gradients["dense_2"]), rtol=1e-12
    )


@pytest.mark.parametrize("between", [0, 2], ids=["at once", "after two steps"])
def test_momentum_is_forgotten_by_freezing(between):
    model = network(optimizer=SGD(0.1, 0.9), dtype="float64")
    train(model)
    model.freeze("dense_1")
    for _ in range(between):
        model.train_on_batch(*data())
    model.unfreeze("dense_1")
    before = model.layers[0].W.copy()
    model.loss_and_gradient(*data())
    gradient = model.layers[0].dW.copy()
    model.apply_gradient()
    np.testing.assert_allclose(model.layers[0].W, before - 0.1 * gradient, rtol=1e-12)


def test_freezing_one_layer_leaves_what_is_remembered_of_the_others():
    model = network(optimizer=SGD(0.1, 0.9), dtype="float64")
    train(model)
    head = model.theta.size - 18
    before = model.updates.slots["v"][head:].copy()
    model.freeze("dense_1")
    model.update_groups()
    assert np.array_equal(model.updates.slots["v"][head:], before)
    assert not model.updates.slots["v"][:30].any()


@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1, "global_clipnorm": 0.1}], ids=str)
def test_a_frozen_bottom_is_training_the_top_alone_on_its_features(settings):
    """Nothing of it moves or counts: not its statistics, its decay, its share of the norm."""
    model = network(dtype="float64", optimizer=Adam(0.01, **settings))
    train(model)
    model.compile(Adam(0.01, **settings), "cross_entropy")
    model.freeze("all_but_head")
    below = model.theta[:-18].copy(), model.state.copy()
    top = Sequential([Dense(3, "softmax", input_dim=5)], dtype="float64")
    top.compile(Adam(0.01, **settings), "cross_entropy")
    top.set_weights(model.layers[-1].get_weights())
    x, y = data()
    model.fit(x, y, 5, epochs=3, verbose=0, seed=4)
    top.fit(model.features(x), y, 5, epochs=3, verbose=0, seed=4)
    np.testing.assert_allclose(top.theta, model.theta[-18:], rtol=1e-10)
    np.testing.assert_array_equal(model.theta[:-18], below[0])
    np.testing.assert_array_equal(model.state, below[1])


# --- nothing left, and the flag of the model ------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_training_with_everything_frozen_is_refused(method):
    model = network()
    model.freeze("*")
    with pytest.raises(
        ValueError, match=r'Every layer is frozen.*Unfreeze one: model.unfreeze\("dense_3"\)'
    ):
        getattr(model, method)(*data())
    assert model.history is None


def test_the_layer_to_unfreeze_has_weights():
    model = Sequential([Dense(3, input_dim=2), Softmax(), Dropout(0.5)])
    model.compile("sgd", "mse")
    model.freeze("dense_1")
    with pytest.raises(ValueError, match=r'model.unfreeze\("dense_1"\)'):
        model.train_on_batch(np.ones((1, 2)), np.ones((1, 3)))


def test_training_without_weights_is_refused():
    model = Sequential([Dropout(0.5, input_shape=(2,))])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"no weights, so fit would change nothing. Add a Dense"):
        model.fit(np.ones((1, 2)), np.ones((1, 2)))


def test_everything_frozen_still_evaluates_and_predicts():
    model = network()
    expected = model.predict(data()[0])
    model.freeze("*")
    assert np.array_equal(model.predict(data()[0]), expected)
    assert model.evaluate(*data())["loss"] > 0
    assert model.loss_and_gradient(*data()) == pytest.approx(model.evaluate(*data())["loss"])
    assert not model.grad.any()


def test_trainable_of_the_model_sets_all():
    model = network()
    assert model.trainable is True
    model.trainable = False
    assert [layer.trainable for layer in model.layers] == [False] * 5
    assert model.trainable is False
    model.layers[2].trainable = True
    assert model.trainable is True
    model.trainable = True
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.parametrize("value", [0, "no", None])
def test_trainable_of_the_model_is_true_or_false(value):
    model = network()
    with pytest.raises(TypeError, match=r"model.trainable takes True or False. Got"):
        model.trainable = value
    assert model.trainable is True


@pytest.mark.parametrize("method", ["freeze", "unfreeze"])
@pytest.mark.parametrize(
    ("which", "error", "message"),
    [
        ("dens_1", ValueError, r'No layer matches "dens_1". Layers: dense_1,.*mean "dense_1"\?'),
        ("conv_*", ValueError, r'No layer matches "conv_\*"\. Layers: dense_1, '),
        ("", ValueError, r'No layer matches ""'),
        ([], ValueError, r"No layer matches \[\]"),
        (slice(9, 12), ValueError, r"No layer matches slice\(9, 12, None\)"),
        (["dense_1", "x"], ValueError, r'No layer matches "x"'),
        (7, ValueError, r"takes an index from -5 to 4. Got 7"),
        (None, TypeError, r"freeze takes a layer's name, an index, .*Got None"),
        (1.0, TypeError, r"freeze takes a layer's name, .*Got 1.0"),
    ],
)
def test_what_means_no_layer_changes_nothing(method, which, error, message):
    model = network()
    model.freeze("dense_2")
    flags = [layer.trainable for layer in model.layers]
    with pytest.raises(error, match=message):
        getattr(model, method)(which)
    assert [layer.trainable for layer in model.layers] == flags


def test_freeze_wants_to_know_what():
    with pytest.raises(TypeError, match="freeze takes a layer's name"):
        network().freeze()


def test_unfreeze_alone_means_all():
    model = network()
    model.freeze("*")
    model.unfreeze()
    assert all(layer.trainable for layer in model.layers)


# --- flags go along -------------------------------------------------------------------------------

FROZEN = [False, False, True, True, True]


@pytest.mark.parametrize("way", ["copy", "pickle", "save", "replace_head", "layers"])
def test_what_is_frozen_stays_frozen_in_copies(way, tmp_path):
    model = network()
    model.freeze([0, 1])
    train(model)
    if way == "copy":
        twin = copy.deepcopy(model)
    elif way == "pickle":
        twin = pickle.loads(pickle.dumps(model))
    elif way == "save":
        model.save(tmp_path / "m.npz")
        twin = minnet.load(tmp_path / "m.npz")
    elif way == "replace_head":
        twin = model.replace_head(Dense(3, "softmax"))
    else:
        twin = Sequential(model.layers)
    assert [layer.trainable for layer in twin.layers] == FROZEN
    twin.compile("adam", "cross_entropy")
    before = picture(twin)
    train(twin)
    assert moved(before, picture(twin)) == list(before)[2:]


@pytest.mark.parametrize("way", ["copy", "pickle", "save"])
def test_what_was_unfrozen_goes_on_alike_in_copies(way, tmp_path):
    model = network(dtype="float64")
    train(model)
    model.freeze("dense_1")
    train(model)
    model.unfreeze("dense_1")
    if way == "copy":
        twin = copy.deepcopy(model)
    elif way == "pickle":
        twin = pickle.loads(pickle.dumps(model))
    else:
        model.save(tmp_path / "m.npz")
        twin = minnet.load(tmp_path / "m.npz")
    train(model, 1)
    train(twin, 1)
    assert np.array_equal(model.theta, twin.theta)
    assert model.updates.counts == twin.updates.counts


# --- a new head -----------------------------------------------------------------------------------


def test_replace_head_leaves_the_base_bit_for_bit():
    base = network()
    base.class_names = ["a", "b", "c"]
    base.preprocessing = "x / 255"
    train(base)
    before, slots = picture(base), {k: v.tobytes() for k, v in base.updates.slots.items()}
    state = base.rng.bit_generator.state
    model = base.replace_head(Dense(2, "softmax"), seed=1)
    model.compile("adam", "cross_entropy")
    model.fit(data()[0], data()[1] % 2, epochs=2, verbose=0)
    assert picture(base) == before
    assert {k: v.tobytes() for k, v in base.updates.slots.items()} == slots
    assert base.rng.bit_generator.state == state
    assert [layer.owner for layer in base.layers] == ["sequential"] * 5
    assert all(layer.trainable for layer in base.layers)
    assert not np.shares_memory(model.theta, base.theta)


def test_replace_head_keeps_the_body_and_what_is_known_of_the_data():
    base = network(name="base", dtype="float64")
    base.class_names, base.preprocessing = ["a", "b", "c"], "x / 255"
    train(base)
    model = base.replace_head(Dense(2, "softmax"))
    for one, two in zip(base.layers[:-1], model.layers[:-1], strict=True):
        assert one is not two
        assert one.name == two.name
        assert one.arrays().keys() == two.arrays().keys()
        for name, array in one.arrays().items():
            assert np.array_equal(array, two.arrays()[name])
    assert (model.name, model.dtype, model.preprocessing) == ("base", np.float64, "x / 255")
    assert model.class_names is None
    assert model.updates is None
    assert [layer.origin for layer in model.layers if layer.parameters] == ["copy of base"] * 3 + [
        "new"
    ]


def test_the_new_head_is_named_and_of_its_own_width():
    model = network().replace_head(Dense(8, "relu"), Dropout(0.1), Dense(2), Softmax(), seed=0)
    names = [layer.name for layer in model.layers]
    assert names == [
        *NAMES[:2],
        "dropout_1",
        "dense_2",
        "dense_3",
        "dropout_2",
        "head",
        "softmax_1",
    ]
    assert model.output_shape == (2,)
    named = network().replace_head(Dense(2, name="answers"))
    assert named.layers[-1].name == "answers"
    again = model.replace_head(Dense(4))
    assert [layer.name for layer in again.layers][-2:] == ["dropout_2", "head"]


@pytest.mark.parametrize("used", [False, True], ids=["new layer", "the base's own head"])
def test_a_new_head_never_has_old_weights(used):
    base = network()
    train(base)
    head = base.layers[-1] if used else Dense(3, "softmax")
    model = base.replace_head(head, seed=0)
    assert model.layers[-1] is not head
    assert not np.isin(model.layers[-1].W, base.layers[-1].W).any()
    assert not model.layers[-1].b.any()
    assert model.layers[-1].origin == "new"


def test_a_layer_given_to_replace_head_may_be_used_again():
    head = Dense(2, "softmax")
    one, two = network().replace_head(head, seed=0), network().replace_head(head, seed=1)
    assert (head.owner, head.name, head.built) == (None, None, False)
    assert not np.array_equal(one.layers[-1].W, two.layers[-1].W)


@pytest.mark.parametrize("seed", [5, np.random.default_rng(5)], ids=["int", "Generator"])
def test_a_seed_gives_the_same_head(seed):
    base = network()
    one = base.replace_head(Dense(2), seed=seed)
    assert np.array_equal(one.theta, base.replace_head(Dense(2), seed=5).theta)
    assert not np.array_equal(one.theta, base.replace_head(Dense(2), seed=6).theta)


def test_without_a_seed_heads_differ():
    base = network()
    heads = [base.replace_head(Dense(2)).layers[-1].W for _ in range(2)]
    assert not np.array_equal(*heads)


def test_a_subclass_stays_what_it_is():
    class Mine(Sequential):
        pass

    model = Mine([Dense(3, input_dim=2), Dense(2)])
    assert type(model.replace_head(Dense(4))) is Mine


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, r"replace_head takes the layers of the new head, .*Got none"),
        ([5], TypeError, "Sequential takes layers. Got 5"),
        ([Dense], TypeError, r"Call it: Dense\(…\)"),
        ([[Dense(2)]], TypeError, r"Sequential takes layers. Got \[Dense"),
        ([Sequential([Dense(2)])], TypeError, "a model inside a model"),
        ([Dense(2, name="dense_1")], ValueError, "name of its own. Got a second 'dense_1'"),
        ([Dense(2, input_dim=7)], ValueError, r"head takes x of shape \(N, 7\).*Got \(N, 5\)"),
    ],
)
def test_what_is_no_head_is_refused(layers, error, message):
    base = network()
    before = picture(base)
    with pytest.raises(error, match=message):
        base.replace_head(*layers)
    assert picture(base) == before
    assert [layer.name for layer in base.layers][-1] == "dense_3"


def test_replace_head_needs_a_built_model_with_a_dense():
    with pytest.raises(RuntimeError, match="not built"):
        Sequential([Dense(3)]).replace_head(Dense(2))
    with pytest.raises(ValueError, match=r"The head is the last Dense .*without a Dense"):
        Sequential([Dropout(0.1, input_shape=(3,))]).replace_head(Dense(2))
    with pytest.raises(ValueError, match="replace_head's seed takes"):
        network().replace_head(Dense(2), seed=-1)


def test_everything_after_the_last_dense_goes_with_it():
    base = Sequential([Dense(3, input_dim=2), Dense(4), BatchNormalization(), Softmax()], seed=0)
    model = base.replace_head(Dense(2))
    assert [layer.name for layer in model.layers] == ["dense_1", "head"]
