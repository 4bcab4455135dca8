"""Who follows a layer hears of each call that writes: what is kept equal elsewhere rests on it."""

import copy
import pickle

import numpy as np
import pytest

from minnet.callbacks import Callback
from minnet.layers import Dense, Dropout, Normalization
from minnet.models import Sequential
from minnet.transfer import transfer_weights

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.arange(20) % 2


class Heard(list):
    """A follower, which notes what it is told and what the layer's weights then are."""

    def __call__(self, layer, name):
        self.append((name, layer.arrays().get("W", np.zeros(0)).copy()))

    @property
    def names(self):
        return [name for name, _ in self]


@pytest.fixture
def model():
    model = Sequential([Dense(4, "relu", input_dim=3), Dropout(0.5), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "cross_entropy")
    return model


@pytest.fixture
def heard(model):
    model.layers[0].follower = Heard()
    return model.layers[0].follower


def saved(model, path):
    model.save(path)
    return path


WRITES = {
    "fit": lambda model, path: model.fit(X, Y, verbose=0),
    "train_on_batch": lambda model, path: model.train_on_batch(X, Y),
    "apply_gradient": lambda model, path: (model.loss_and_gradient(X, Y), model.apply_gradient()),
    "set_weights": lambda model, path: model.set_weights(model.get_weights()),
    "theta": lambda model, path: setattr(model, "theta", model.theta + 1),
    "theta in place": lambda model, path: setattr(model, "theta", model.theta.__iadd__(1)),
    "load_weights": lambda model, path: model.load_weights(saved(model, path / "m.npz")),
    "reset": lambda model, path: model.reset(3),
    "a layer's set_weights": lambda model, path: model.layers[0].set_weights(
        [np.ones((3, 4)), np.ones(4)]
    ),
    "an assignment": lambda model, path: setattr(model.layers[0], "W", np.ones((3, 4))),
    "transfer_weights": lambda model, path: transfer_weights(model.copy(), model),
}


@pytest.mark.parametrize("how", WRITES)
def test_every_call_that_writes_tells(how, model, heard, tmp_path):
    WRITES[how](model, tmp_path)
    assert heard.names
    assert set(heard.names) == {"weights"}
    np.testing.assert_array_equal(heard[-1][1], model.layers[0].W)


def test_a_setting_and_the_flag_are_told_by_name(model, heard):
    model.freeze(0)
    model.layers[1].follower = Heard()
    model.layers[1].rate = 0.25
    assert heard.names == ["trainable"]
    assert model.layers[1].follower.names == ["rate"]


def test_a_flag_that_stays_is_not_told(model, heard):
    model.layers[0].trainable = True
    assert heard.names == []


def test_building_is_told_with_the_weights_there():
    layer = Dense(4)
    layer.follower = Heard()
    Sequential([layer]).build((3,))
    assert layer.follower.names == ["built"]
    assert layer.follower[0][1].shape == (3, 4)


def test_statistics_from_data_are_told():
    layer = Normalization()
    layer.follower = Heard()
    layer.adapt(X)
    assert layer.follower.names == ["weights"]


def test_a_fit_tells_at_each_epochs_end_before_callbacks_look(model, heard):
    class Looks(Callback):
        def on_test_begin(self, logs=None):
            self.counts.append(len(heard))

        def on_epoch_end(self, epoch, logs=None):
            np.testing.assert_array_equal(heard[-1][1], self.model.layers[0].W)

    looks = Looks()
    looks.counts = []
    model.fit(X, Y, epochs=3, validation_split=0.2, callbacks=[looks], verbose=0)
    assert looks.counts == [1, 2, 3]
    assert len(heard) == 4


def test_a_callback_with_a_hook_for_each_step_finds_the_steps_numbers(model, heard):
    class Looks(Callback):
        def on_train_batch_end(self, batch, logs=None):
            np.testing.assert_array_equal(heard[-1][1], self.model.layers[0].W)

    model.fit(X, Y, batch_size=4, callbacks=[Looks()], verbose=0)


def test_a_fit_that_ends_in_an_error_tells_what_it_left(model, heard):
    class Stops(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=4, callbacks=[Stops()], verbose=0)
    np.testing.assert_array_equal(heard[-1][1], model.layers[0].W)


def test_numbers_that_a_refused_fit_puts_back_are_told(model, heard):
    class Refuses(Callback):
        def on_train_begin(self, logs=None):
            self.model.theta = self.model.theta + 1
            raise ValueError("not so")

    before = model.layers[0].W.copy()
    with pytest.raises(ValueError, match="not so"):
        model.fit(X, Y, callbacks=[Refuses()], verbose=0)
    np.testing.assert_array_equal(model.layers[0].W, before)
    np.testing.assert_array_equal(heard[-1][1], before)


def test_copies_have_no_follower(model, heard):
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model.copy())), model.copy()):
        assert other.layers[0].follower is None
    assert model.layers[0].copy().follower is None
    assert Sequential(model.layers[:1]).layers[0].follower is None


def test_a_flag_that_is_put_back_is_told(model, heard):
    """A call that is refused leaves what follows a layer as it was, too."""
    from minnet.layers.base import attributes_of, put_back

    before = attributes_of(model.layers)
    model.freeze(0)
    put_back(model.layers, before)
    assert heard.names == ["trainable", "trainable"]
    assert model.layers[0].trainable
