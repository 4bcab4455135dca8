"""Methods of Sequential in a class below it, caller by caller: obeyed, or refused with the way."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minnet
from minnet.callbacks import Checkpoint
from minnet.engine.overriding import NOT_CALLED, NOT_OVERRIDDEN
from minnet.layers import Dense, Dropout, Layer
from minnet.losses import CrossEntropy, Loss, MeanSquaredError
from minnet.metrics import Accuracy, Metric
from minnet.models import Sequential

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 24)


def stack(kind=Sequential, *more):
    model = kind([Dense(6, activation="tanh", input_dim=4), *more, Dense(3, activation="softmax")])
    model.reset(0)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# --- obeyed ---------------------------------------------------------------------------------------

STEPS = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
    "explain_step": lambda model: minnet.explain_step(model, X[:2], Y[:2]),
    "find_learning_rate": lambda model: minnet.find_learning_rate(model, X, Y, steps=10),
    "diagnose": lambda model: minnet.diagnose(model, X, Y),
    "check_gradients": lambda model: minnet.check_gradients(model, X, Y),
}


@pytest.mark.parametrize("where", ["class", "object"])
@pytest.mark.parametrize("method", ["loss_and_gradient", "apply_gradient"])
@pytest.mark.parametrize("caller", STEPS)
def test_every_caller_makes_its_steps_by_a_method_that_is_overridden(caller, method, where):
    if (caller, method) == ("check_gradients", "apply_gradient"):
        pytest.skip("checking a gradient makes no update")
    calls = []

    class Own(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            calls.append("loss_and_gradient")
            return super().loss_and_gradient(x, y, sample_weight, seed=seed)

        def apply_gradient(self):
            calls.append("apply_gradient")
            super().apply_gradient()

    if where == "class":
        model = stack(Own)
    else:
        model = stack()
        setattr(model, method, _noting(model, method, calls))
    STEPS[caller](model)
    assert method in calls


class _noting:
    """A method in the place of a model's own, which goes with the model when that is copied."""

    def __init__(self, model, method, calls):
        self.model, self.method, self.calls = model, method, calls

    def __call__(self, *args, **kwargs):
        self.calls.append(self.method)
        return getattr(type(self.model), self.method)(self.model, *args, **kwargs)

    def __deepcopy__(self, memo):
        return _noting(memo.get(id(self.model), self.model), self.method, self.calls)


class Up(Sequential):
    """Climbs: its gradient has the wrong sign."""

    def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
        loss = super().loss_and_gradient(x, y, sample_weight, seed=seed)
        self.grad *= -1
        return loss


def test_a_flipped_sign_is_found_and_climbs():
    up, down = stack(Up), stack()
    report = minnet.check_gradients(up, X, Y)
    assert not report.ok
    assert minnet.check_gradients(down, X, Y).ok
    climbing = up.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert climbing == sorted(climbing)
    assert climbing[-1] > climbing[0] + 0.001
    falling = down.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert falling == sorted(falling, reverse=True)
    before = minnet.explain_step(up, X[:4], Y[:4])
    assert before.new_loss > before.loss


def test_a_step_of_ones_own_without_super_trains_too():
    """Its loss, its gradient, its generator: fit takes them, and predicts for the metrics."""

    class Ridge(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            self.grad = self.theta
            return 0.5 * float(self.theta @ self.theta)

    model = stack(Ridge)
    history = model.fit(X, Y, epochs=3, verbose=0)
    assert history.history["loss"] == sorted(history.history["loss"], reverse=True)
    assert set(history.history) == {"loss", "accuracy"}
    assert minnet.check_gradients(model, X, Y).ok


def test_an_own_term_of_the_loss_counts_in_the_check():
    class Shrinking(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            loss = super().loss_and_gradient(x, y, sample_weight, seed=seed)
            self.grad += self.theta
            return loss + 0.5 * (self.theta * self.theta).sum()

    assert minnet.check_gradients(stack(Shrinking), X, Y).ok


def test_a_step_of_ones_own_draws_as_the_fit_does():
    """A subclass that adds nothing gives the bits of Sequential: dropout draws from fit's seed."""

    class Plain(Sequential):
        def loss_and_gradient(self, x, y, sample_weight=None, *, seed=None):
            return super().loss_and_gradient(x, y, sample_weight, seed=seed)

        def apply_gradient(self):
            super().apply_gradient()

    models = [stack(kind, Dropout(0.5)) for kind in (Sequential, Plain)]
    for model in models:
        model.freeze("dense_1")
        model.fit(X, Y, 5, epochs=2, verbose=0, seed=7, sample_weight=np.linspace(0, 1, 24))
    np.testing.assert_array_equal(models[0].theta, models[1].theta)
    assert models[0].history.history == models[1].history.history


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOT_OVERRIDDEN)
def test_what_a_step_uses_is_refused_in_a_class(name):
    with pytest.raises(TypeError, match=rf"as it is\. Got MLP\.{name}\. [A-Z].*\.$"):
        type("MLP", (Sequential,), {name: lambda self, *args: None})


def test_a_mixin_that_overrides_is_refused_as_well():
    class Mixin:
        def forward(self, x, memos=None, *, start=0):
            return [x]

    with pytest.raises(TypeError, match=r"Got MLP\.forward\. Write a Layer"):

        class MLP(Mixin, Sequential):
            pass


@pytest.mark.parametrize("name", ["forward", "backward", "penalty", "train_on_batch", "plan"])
def test_what_a_step_uses_is_refused_on_an_object(name):
    model = stack()
    with pytest.raises(AttributeError, match=rf"Sequential's {name} is the same for every caller"):
        setattr(model, name, lambda *args: None)


@pytest.mark.parametrize(("name", "value"), [("penalty", 0.1), ("run", "a name"), ("plan", None)])
def test_no_value_takes_the_place_of_what_a_step_uses(name, value):
    class MLP(Sequential):
        def __init__(self):
            super().__init__([Dense(3, input_dim=4)])
            setattr(self, name, value)

    with pytest.raises(AttributeError, match=rf"MLP's {name} is the same for every caller\. Got"):
        MLP()


def test_a_step_with_another_signature_is_refused():
    with pytest.raises(TypeError, match=r"MLP\.loss_and_gradient takes \(self, x, y, sample_wei"):

        class MLP(Sequential):
            def loss_and_gradient(self, x, y):
                return 0.0


# --- at the edge ----------------------------------------------------------------------------------

EDGE = (
    "fit",
    "evaluate",
    "predict",
    "compile",
    "save",
    "summary",
    "features",
    "reset",
    "card",
    "save_weights",
    "freeze",
    "unfreeze",
    "get_layer",
    "get_weights",
    "set_weights",
    "count_params",
    "copy",
    "replace_head",
)


@pytest.mark.parametrize("name", EDGE)
def test_no_step_and_no_fit_calls_a_method_at_the_edge(name, tmp_path):
    calls = []

    def own(self, *args, **kwargs):
        calls.append(name)
        return getattr(Sequential, name)(self, *args, **kwargs)

    model = stack(type("MLP", (Sequential,), {name: own}))
    calls.clear()
    path = tmp_path / "run.npz"
    fit = Sequential.fit
    fit(model, X, Y, epochs=2, verbose=0, validation_split=0.2, callbacks=[Checkpoint(path)])
    fit(model, X, Y, epochs=3, verbose=0, validation_split=0.2, resume=path)
    model.train_on_batch(X, Y)
    assert calls == []


# --- a constructor of one's own -------------------------------------------------------------------


class MLP(Sequential):
    """Takes the widths of its hidden layers."""

    def __init__(self, hidden, classes=3):
        super().__init__(seed=0, name="mlp")
        self.hidden = hidden
        self.add(Dense(hidden[0], activation="relu", input_dim=4))
        for width in hidden[1:]:
            self.add(Dense(width, activation="relu"))
        self.add(Dense(classes, activation="softmax"))
        self.compile("adam", "sparse_categorical_crossentropy")


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda m: m.copy(), lambda m: pickle.loads(pickle.dumps(m))],
    ids=["copy", "deepcopy", "method", "pickle"],
)
def test_a_subclass_with_a_constructor_of_its_own_is_copied(again):
    model = MLP([5, 4])
    model.fit(X, Y, verbose=0)
    twin = again(model)
    assert isinstance(twin, MLP)
    assert twin.hidden == [5, 4]
    model.fit(X, Y, verbose=0)
    twin.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(twin.theta, model.theta)


def test_a_subclass_with_a_constructor_of_its_own_gets_another_head():
    base = MLP([5, 4])
    base.fit(X, Y, verbose=0)
    model = base.replace_head(Dense(2, activation="softmax"), seed=1)
    assert isinstance(model, MLP)
    assert [layer.name for layer in model.layers] == ["dense_1", "dense_2", "head"]
    assert model.output_shape == (2,)
    assert (model.optimizer, model.history) == (None, None)
    np.testing.assert_array_equal(model.predict(X).sum(axis=1).round(5), 1.0)
    np.testing.assert_array_equal(model.features(X), base.features(X))


class Stopped(Exception):
    """The end of a process, so to speak."""


class Stopping(Checkpoint):
    """A checkpoint that ends the process after its second save."""

    saves = 0

    def save(self):
        super().save()
        self.saves += 1
        if self.saves == 2:
            raise Stopped


def test_a_subclass_with_a_constructor_of_its_own_is_saved_and_resumed(tmp_path):
    whole, first, again = MLP([5]), MLP([5]), MLP([5])
    whole.fit(X, Y, 8, epochs=4, verbose=0)
    path = tmp_path / "run.npz"
    with pytest.raises(Stopped):
        first.fit(X, Y, 8, epochs=4, verbose=0, callbacks=[Stopping(path)])
    again.fit(X, Y, 8, epochs=4, verbose=0, resume=path)
    np.testing.assert_array_equal(again.theta, whole.theta)
    again.save(tmp_path / "model.npz")
    loaded = minnet.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict(X), again.predict(X))


# --- what no step calls ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOT_CALLED)
def test_what_keras_calls_and_no_fit_does_is_refused_in_a_class(name):
    with pytest.raises(TypeError, match=rf"Got MLP\.{name}, which none does\. [A-Z].*\.$"):
        type("MLP", (Sequential,), {name: lambda self, *args: None})


UNCALLED = {
    (Layer, "call"): "Write forward",
    (Dense, "__call__"): "Write forward",
    (Dropout, "call"): "Write forward",
    (Loss, "call"): "Write per_sample",
    (MeanSquaredError, "__call__"): "Write per_sample",
    (CrossEntropy, "call"): "Write per_sample",
    (Metric, "__call__"): "Write statistics",
    (Accuracy, "update_state"): "Write statistics",
}


@pytest.mark.parametrize(("kind", "name"), UNCALLED, ids=repr)
def test_a_method_that_no_training_step_calls_is_refused_in_a_class(kind, name):
    """A fit would go on as if it had not been written."""
    with pytest.raises(TypeError, match=rf"Got Own\.{name}, which none does\. ") as caught:
        type("Own", (kind,), {name: lambda self, *args: None})
    assert UNCALLED[kind, name] in str(caught.value)
    mixin = type("Mixin", (), {name: lambda self, *args: None})
    with pytest.raises(TypeError, match=rf"Got Own\.{name}, which none does\. "):
        type("Own", (mixin, kind), {})


def test_a_formula_of_a_subclass_takes_the_place_of_the_fused_one():
    class Tenfold(CrossEntropy):
        def per_sample(self, prediction, target):
            return 10 * super().per_sample(prediction, target)

        def gradient(self, prediction, target):
            return 10 * super().gradient(prediction, target)

    plain, tenfold = stack(), stack()
    tenfold.compile("sgd", Tenfold())
    loss = plain.loss_and_gradient(X, Y)
    assert tenfold.loss_and_gradient(X, Y) == pytest.approx(10 * loss, rel=1e-5)
    np.testing.assert_allclose(tenfold.grad, 10 * plain.grad, rtol=1e-3, atol=1e-5)
    assert tenfold.evaluate(X, Y)["loss"] == pytest.approx(10 * loss, rel=1e-5)
