"""Where a training left the finite numbers, what is said of it, and the way back."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest

from minnet.callbacks import Callback, EarlyStopping, LambdaCallback
from minnet.foundation.checks import DivergedError
from minnet.layers import BatchNormalization, Dense, Layer
from minnet.losses import Loss
from minnet.models import Sequential
from minnet.optimizers import SGD, Adagrad, Adam, RMSprop
from minnet.training.divergence import Snapshot, is_finite
from tests.small_models import everything, regression


def explode(at_epoch, at_batch, factor=1e200):
    """A callback that makes the weights of dense_1 too large, once."""

    class Explode(Callback):
        def on_epoch_begin(self, epoch, logs):
            self.epoch = epoch
            if epoch == at_epoch:
                self.before = everything(self.model)

        def on_train_batch_end(self, batch, logs):
            if (self.epoch, batch) == (at_epoch, at_batch):
                self.model.layers[1].W *= factor

    return Explode()


def test_a_diverged_fit_says_where_and_puts_everything_back():
    model, x, y = regression(optimizer=Adam(0.02))
    model.fit(x, y, 4, epochs=2, verbose=0)
    callback = explode(1, 1)
    with pytest.raises(
        DivergedError,
        match=r"The loss became inf in epoch 2, step 3, at learning rate 0.02\..*"
        r"back where it was before this epoch. Try .* such as 0.002,.*global_clipnorm=1",
    ):
        model.fit(x, y, 4, epochs=3, verbose=0, callbacks=[callback])
    assert everything(model) == callback.before
    assert set(model.updates.counts.values()) == {9}
    assert model.history.epoch == [0]
    assert len(model.history.history["loss"]) == 1
    model.fit(x, y, 4, verbose=0)


def test_a_diverged_fit_names_the_layer():
    model = Sequential(
        [Dense(4, activation="relu", input_dim=3), Dense(4, name="middle"), Dense(1)], seed=0
    )
    model.compile(SGD(1e20), "mse")
    x = np.random.default_rng(0).random((10, 3))
    with pytest.raises(
        DivergedError,
        match=r"epoch 1, step 2, at .* 1e\+20. The first .* is the output of middle\.",
    ):
        model.fit(x, x.sum(axis=1), 4, verbose=0, seed=0)


def test_weights_that_overflow_in_the_last_step_are_noticed():
    model, x, y = regression()
    before = everything(model)
    with pytest.raises(
        DivergedError,
        match=r"The weights left the finite numbers in epoch 1, step 1.* 1e\+308. The first that "
        r"is not finite is dense_1.W\.",
    ):
        model.fit(x, 1e3 * y, 100, verbose=0, learning_rate=1e308)
    assert everything(model) == before


def test_statistics_that_overflow_are_noticed():
    model = Sequential([BatchNormalization(input_shape=(1,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    before = everything(model)
    with pytest.raises(DivergedError, match=r"not finite is batch_normalization_1.moving_variance"):
        model.fit([[1e30], [-1e30]], [0.0, 1.0], verbose=0)
    assert everything(model) == before


@pytest.mark.parametrize("learning_rate", [{"dense_1": 0.1}, {0: 0.1, 1: 1e300}])
def test_a_diverged_fit_names_the_largest_rate(learning_rate):
    model, x, y = regression(optimizer=SGD(1e300))
    with pytest.raises(DivergedError, match=r"at learning rate 1e\+300"):
        model.fit(x, y, 4, epochs=9, verbose=0, learning_rate=learning_rate)


def test_a_schedule_is_not_asked_for_a_step_before_its_first():
    model, x, y = regression()
    model.fit(x, y, 4, verbose=0)
    model.layers[1].W *= 1e200
    seen = []
    with pytest.raises(DivergedError, match=r"epoch 1, step 1, at learning rate 0.5\."):
        model.fit(x, y, 4, verbose=0, learning_rate=lambda step: seen.append(step) or 0.5)
    assert set(seen) == {0}


def test_a_diverged_fit_keeps_counts_of_layers_apart():
    model, x, y = regression(optimizer=Adam(0.1))
    model.fit(x, y, 100, verbose=0)
    model.freeze("dense_1")
    model.unfreeze("dense_1")
    model.fit(x, y, 100, epochs=2, verbose=0)
    before = dict(model.updates.counts)

    def spoil(batch, logs):
        if batch == 0:
            model.freeze("*")
            model.unfreeze("*")
        else:
            model.layers[1].W *= 1e200

    with pytest.raises(DivergedError):
        model.fit(x, y, 2, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=spoil)], seed=0)
    assert model.updates.counts == before == {"dense_1": 2, "dense_2": 3}
    model.fit(x, y, 100, verbose=0)
    assert model.updates.counts == {"dense_1": 3, "dense_2": 4}


def test_an_optimizer_that_would_never_move_again_is_a_divergence():
    """One gradient of 3e21 fills Adam's v with infinity, and then every step is 0."""
    model = Sequential([Dense(1, input_dim=1, use_bias=False)], seed=0)
    model.compile("adam", "mae")
    x = np.full((4, 1), 3e21, np.float32)
    before = model.theta.copy()
    scale = pytest.warns(UserWarning, match="Scale it first")
    with scale, pytest.raises(DivergedError, match="the optimizer remembers overflowed"):
        model.fit(x, np.zeros(4), verbose=0)
    np.testing.assert_array_equal(model.theta, before)


def caught(model, x, y, **options):
    """The error that a fit ends with."""
    with pytest.raises(DivergedError) as found:
        model.fit(x, y, verbose=0, **options)
    return found.value


def test_the_error_has_what_the_message_says_as_attributes():
    model, x, y = regression(optimizer=Adam(0.02))
    error = caught(model, x, y, batch_size=4, epochs=3, callbacks=[explode(1, 1)])
    assert (error.epoch, error.step, error.layer) == (1, 2, "dense_2")
    assert error.learning_rate == 0.02
    assert not math.isfinite(error.gradient_norm)
    assert "The first that is not finite is the square of the output of dense_2." in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), repr(vars(again))) == (str(error), repr(vars(error)))


class Leak(Layer):
    """y = x, with a gradient that is not finite in the batch of this number."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch
        self.seen = 0

    def forward(self, x, memo=None):
        return x * 1.0

    def backward(self, x, y, dy, memo=None):
        self.__dict__["seen"] += 1
        return dy * np.inf if self.seen == self.batch else dy


def leaking(batch):
    """A model whose loss stays finite while the gradient of dense_1 does not."""
    model = Sequential([Dense(4, input_dim=3), Leak(batch), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    return model, rng.random((12, 3)), rng.random(12)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_gradient_that_is_not_finite_is_noticed_at_its_step(batch):
    """In the last batch by the weights, before that by the next batch's loss."""
    model, x, y = leaking(batch)
    before = everything(model)
    error = caught(model, x, y, batch_size=4, epochs=2)
    assert (error.epoch, error.step, error.layer) == (0, batch - 1, "dense_1")
    assert not math.isfinite(error.gradient_norm)
    what = "gradient" if batch == 3 else "weights"
    assert str(error).startswith(f"The {what} left the finite numbers in epoch 1, step {batch}, at")
    assert everything(model) == before


def test_train_on_batch_makes_no_step_from_such_a_gradient():
    model, x, y = leaking(2)
    model.train_on_batch(x, y)
    before = everything(model)
    with pytest.raises(
        DivergedError,
        match=r"The gradient of this batch is not finite, so no step was made\. The first that is "
        r"not finite is the gradient of dense_1.W\. Try a smaller learning rate",
    ) as found:
        model.train_on_batch(x, y)
    error = found.value
    assert (error.epoch, error.step, error.layer, error.learning_rate) == (None, 1, "dense_1", 0.1)
    assert everything(model) == before
    model.train_on_batch(x, y)


def test_train_on_batch_says_when_the_weights_are_spoilt():
    model, x, y = regression()
    model.train_on_batch(x, y)
    model.theta[3] = np.nan
    with pytest.raises(DivergedError, match=r"dense_1.W. An earlier step spoilt .* reset\(\)"):
        model.train_on_batch(x, y)


class LogOfZero(Loss):
    """A loss that is infinite for finite predictions."""

    def per_sample(self, prediction, target):
        return -np.log(np.zeros(len(prediction)))

    def gradient(self, prediction, target):
        return prediction - target


def tower(layers=7, optimizer="sgd", loss="mse"):
    """Linear layers on top of each other, x and y."""
    rng = np.random.default_rng(0)
    stack = [Dense(4, input_dim=3), *(Dense(4) for _ in range(layers - 2)), Dense(1)]
    model = Sequential(stack, seed=0)
    model.compile(optimizer, loss)
    return model, rng.random((12, 3)), rng.random(12)


def fill(model, value):
    """Every weight but those of the first layer is this."""
    for layer in model.layers[1:]:
        layer.W[...] = value


def test_the_cause_is_the_inputs():
    model, x, y = tower()
    with pytest.warns(UserWarning, match="Scale it first"):
        error = caught(model, 1e30 * x, y)
    assert "Likely cause: the inputs, which go up to 9." in str(error)


def test_the_cause_is_the_learning_rate():
    model, x, y = tower()
    error = caught(model, x, y, learning_rate=1e20, epochs=9)
    assert "Likely cause: the learning rate; the largest weight grew from " in str(error)


def test_the_cause_is_weights_that_are_too_large():
    model, x, y = tower()
    fill(model, 1e10)
    assert "the weights, which were as large as 1e+10 before." in str(caught(model, x, y))


def test_the_cause_is_outputs_that_explode():
    model, x, y = tower(40)
    fill(model, 99.0)
    error = caught(model, x, y)
    assert "exploding outputs; dense_2 makes " in str(error)
    assert error.layer.startswith("dense_")


def test_the_cause_is_the_loss():
    model, x, y = tower(2, loss=LogOfZero())
    error = caught(model, x, y)
    assert "The first that is not finite is the loss itself." in str(error)
    assert "the loss, of finite predictions: a logarithm of 0" in str(error)
    assert error.layer is None


def test_the_cause_is_a_square_that_overflows():
    model, x, y = tower(2, "adam", "mae")
    error = caught(model, x, y, sample_weight=np.full(12, 1e24))
    assert str(error).startswith("What the optimizer remembers overflowed in epoch 1, step 1")
    assert "is the optimizer's v of dense_1." in str(error)
    assert "a gradient so large that its square overflows" in str(error)


def test_the_cause_is_a_callback():
    model, x, y = tower(2)

    def spoil(epoch, logs):
        model.theta[0] = np.nan

    error = caught(model, x, y, epochs=2, callbacks=[LambdaCallback(on_epoch_end=spoil)])
    assert (error.epoch, error.step) == (1, 0)
    assert "the weights were not finite before; a callback wrote into them" in str(error)


def test_a_snapshot_is_exact_whatever_happens_in_between():
    model, x, y = regression(optimizer=Adam(0.1))
    model.fit(x, y, verbose=0)
    snapshot, before, counts = Snapshot(model), everything(model), dict(model.updates.counts)
    model.freeze("dense_1")
    model.fit(x, y, epochs=3, verbose=0)
    model.unfreeze()
    model.fit(x, y, verbose=0)
    snapshot.restore(model)
    assert everything(model) == before
    assert model.updates.counts == counts


def test_is_finite_is_not_misled_by_a_sum_that_overflows():
    assert is_finite(np.full(4, 1e308))
    assert is_finite(np.zeros(0))
    for bad in (np.nan, np.inf, -np.inf):
        assert not is_finite(np.array([1.0, bad]))
    assert not is_finite(np.array([np.inf, -np.inf]))


# --- back to a model that can be trained ----------------------------------------------------------


def steep(rate=5.0):
    """A model that SGD ruins within an epoch, to weights of 1e19; the next is inf."""
    x = np.random.default_rng(0).uniform(size=(64, 10))
    model = Sequential([Dense(8, activation="relu", input_dim=10), Dense(1)], seed=0)
    model.compile(SGD(rate), "mse")
    return model, x, x.sum(axis=1)


def test_a_ruined_epoch_is_no_place_to_go_back_to():
    model, x, y = steep()
    before, theta = model.evaluate(x, y)["loss"], model.theta.copy()
    with pytest.raises(DivergedError, match="back where it was before epoch 1, the last that was "):
        model.fit(x, y, epochs=50, verbose=0, seed=0)
    np.testing.assert_array_equal(model.theta, theta)
    assert model.evaluate(x, y)["loss"] == before


def test_epochs_that_were_sane_are_kept():
    model, x, y = steep(0.01)
    thetas = [model.theta.copy()]

    def later(epoch, logs):
        thetas.append(model.theta.copy())
        if epoch == 2:
            model.optimizer.learning_rate = 1e8

    with pytest.raises(DivergedError, match="The model is back where it was before"):
        model.fit(x, y, epochs=9, verbose=0, callbacks=[LambdaCallback(on_epoch_end=later)])
    np.testing.assert_array_equal(model.theta, thetas[3])


@pytest.mark.parametrize("rate", [5.0, 50.0, 500.0])
@pytest.mark.parametrize("as_fits", [False, True])
def test_the_rate_that_is_advised_does_not_diverge_at_once(rate, as_fits):
    model, x, y = steep(0.1 if as_fits else rate)
    given = {"learning_rate": rate} if as_fits else {}
    before = model.evaluate(x, y)["loss"]
    with pytest.raises(DivergedError) as caught:
        model.fit(x, y, epochs=50, verbose=0, seed=0, **given)
    advised = float(re.search(r"smaller learning rate, such as ([^,]+),", str(caught.value))[1])
    assert advised < rate
    history = model.fit(x, y, epochs=30, verbose=0, seed=0, learning_rate=advised).history
    assert history["loss"][-1] < before


def test_a_frozen_layer_keeps_every_bit_where_a_divergence_goes_back():
    model, x, y = steep()
    model.freeze([0])
    before = [a.tobytes() for a in model.layers[0].get_weights()]
    with pytest.raises(DivergedError):
        model.fit(x, y, epochs=50, verbose=0, learning_rate=1e6)
    assert [a.tobytes() for a in model.layers[0].get_weights()] == before


@pytest.mark.parametrize("batch_size", [64, 63, 16])
@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_weights_that_the_last_step_of_an_epoch_ruined_are_no_place_to_go_back_to(rate, batch_size):
    """With one batch an epoch its loss is that of the weights before: the next one tells."""
    model, x, y = steep(rate)
    before, theta = model.evaluate(x, y)["loss"], model.theta.copy()
    with pytest.raises(DivergedError, match="back where it was before"):
        model.fit(x, y, batch_size, epochs=50, verbose=0, seed=0)
    assert model.evaluate(x, y)["loss"] <= before
    np.testing.assert_array_equal(model.theta, theta)


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_early_stopping_brings_no_weights_back_that_a_divergence_went_behind(monitor):
    """Of a training that ruined the model the best epoch is ruined, too."""
    model, x, y = steep()
    before = model.evaluate(x, y)["loss"]
    stop = EarlyStopping(monitor, patience=30)
    with pytest.raises(DivergedError):
        model.fit(x, y, epochs=50, verbose=0, seed=0, validation_data=(x, y), callbacks=[stop])
    assert model.evaluate(x, y)["loss"] == before


@pytest.mark.parametrize(
    "optimizer", [RMSprop(1e18), Adam(1e18), Adagrad(1e19), SGD(1e12)], ids=repr
)
def test_the_rate_that_is_advised_works_however_absurd_the_other_was(optimizer):
    model, x, y = steep()
    model.compile(optimizer, "mse")
    before = model.evaluate(x, y)["loss"]
    with pytest.raises(DivergedError) as caught:
        model.fit(x, y, epochs=50, verbose=0, seed=0)
    advised = float(re.search(r"smaller learning rate, such as ([^,]+),", str(caught.value))[1])
    history = model.fit(x, y, epochs=30, verbose=0, seed=0, learning_rate=advised).history
    assert history["loss"][-1] < before
