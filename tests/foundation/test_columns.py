"""The names of columns: another order, or other names, than in training are no silent numbers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import minnet
from minnet.foundation.checks import ModelFileError
from minnet.layers import Dense
from minnet.models import Sequential


class Frame:
    """What minnet asks of a DataFrame."""

    def __init__(self, values, columns):
        self.values, self._columns = np.asarray(values, float), columns

    @property
    def columns(self):
        return self._columns

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)

    def __getitem__(self, names):
        return Frame(self.values[:, [self._columns.index(n) for n in names]], names)


NAMES = ["age", "height", "income"]
X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, 0] - 2 * X[:, 2]
FRAME = Frame(X, NAMES)
OTHER_ORDER = FRAME[["age", "income", "height"]]


def trained(x=FRAME, **options) -> Sequential:
    model = Sequential([Dense(4, "relu", input_dim=3), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, Y, verbose=0, **options)
    return model


CALLS = {
    "predict": lambda model, x: model.predict(x),
    "features": lambda model, x: model.features(x),
    "evaluate": lambda model, x: model.evaluate(x, Y),
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "validation": lambda model, x: model.fit(FRAME, Y, verbose=0, validation_data=(x, Y)),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
    "explain_step": lambda model, x: minnet.explain_step(model, x, Y),
    "diagnose": lambda model, x: minnet.diagnose(model, x, Y),
    "find_learning_rate": lambda model, x: minnet.find_learning_rate(model, x, Y),
    "plots": lambda model, x: minnet.plots.activations(model, x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_columns_in_another_order_are_refused_with_the_right_one(call) -> None:
    model = trained()
    message = r"takes its columns in the order of the training. Got 'income' where 'height' was"
    with pytest.raises(ValueError, match=message) as caught:
        call(model, OTHER_ORDER)
    assert "[['age', 'height', 'income']]" in str(caught.value)
    call(model, OTHER_ORDER[NAMES])
    call(model, X)  # an array has no names


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Age", "height", "income"], r"Got no 'age'. Did you mean \"Age\"\? Use x\[\['age'"),
        (["a", "b", "c"], r"Got no 'age', 'height', 'income'. Use"),
    ],
)
def test_other_columns_are_refused(names, message) -> None:
    with pytest.raises(ValueError, match=message):
        trained().predict(Frame(X, names))


def test_a_column_besides_is_named() -> None:
    more = Frame(np.c_[X, X[:, 0]], [*NAMES, "row"])
    with pytest.raises(
        ValueError, match=r"Got 'row' besides. Use x\[\['age', 'height', 'income'\]\]"
    ):
        trained().predict(more)


def test_many_names_are_cut() -> None:
    names = [f"n{i}" for i in range(40)]
    model = Sequential([Dense(1, input_dim=40)], seed=0)
    model.compile("sgd", "mse")
    x = np.ones((4, 40))
    model.fit(Frame(x, names), np.ones(4), verbose=0)
    with pytest.raises(
        ValueError, match=r"Got 'n39' where 'n0' was, column 0\. Use x\[\['n0'.*…\]\]"
    ):
        model.predict(Frame(x, names[::-1]))


def test_a_model_in_the_place_of_data_is_no_table() -> None:
    model = trained()
    with pytest.raises((TypeError, ValueError), match=r"^x takes "):
        model.fit(model, Y, verbose=0)


def test_they_go_with_the_model(tmp_path) -> None:
    model = trained()
    model.save(tmp_path / "model.npz")
    other = Sequential([Dense(4, "relu", input_dim=3), Dense(1)], seed=1)
    other.load_weights(tmp_path / "model.npz")
    copies = [model.copy(), pickle.loads(pickle.dumps(model)), minnet.load(tmp_path / "model.npz")]
    for one in (*copies, other, model.replace_head(Dense(2))):
        assert one.columns == NAMES
        with pytest.raises(ValueError, match="order of the training"):
            one.predict(OTHER_ORDER)
    told = []
    model.card(told.append)
    assert "columns" in told[0]
    assert "age, height, income" in told[0]
    model.reset()
    assert model.columns is None


def test_a_model_without_names_has_none_in_its_file(tmp_path) -> None:
    trained(X).save(tmp_path / "model.npz")
    assert minnet.load(tmp_path / "model.npz").columns is None


def test_a_task_with_other_columns_may_be_learned_next() -> None:
    model = trained()
    model.fit(Frame(X, ["a", "b", "c"]), Y, verbose=0)
    assert model.columns == ["a", "b", "c"]


def test_a_refused_fit_remembers_nothing() -> None:
    model = Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="rows in x"):
        model.fit(FRAME, Y[:3], verbose=0)
    assert model.columns is None


@pytest.mark.parametrize(
    "columns", [[], ["a", "a"], [1, 1], [1, "a"], [True], [1.5], "abc", {"a": 1}, 3]
)
def test_a_file_with_other_things_than_names_is_refused(columns, tmp_path) -> None:
    from minnet.files import store

    trained().save(tmp_path / "model.npz")
    config, arrays = store.load(tmp_path / "model.npz")
    config["provenance"]["columns"] = columns
    store.save(tmp_path / "other.npz", config, arrays)
    with pytest.raises(ModelFileError, match="the columns are not different names"):
        minnet.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["age", "age", "income"], r"x takes columns of different names\. Got 'age' twice\."),
        (["age", "a\ud800", "income"], r"Each column of x takes text that can be written to a fil"),
    ],
)
def test_names_that_no_file_could_keep_are_refused_before_the_training(names, message) -> None:
    """And not when it is saved."""
    model = Sequential([Dense(1, input_dim=3)], seed=0)
    model.compile("sgd", "mse")
    before = model.theta.copy()
    with pytest.raises(ValueError, match=message):
        model.fit(Frame(X, names), Y, verbose=0)
    np.testing.assert_array_equal(model.theta, before)
    assert model.columns is None


NUMBERED = Frame(X, [0, 1, 2])


@pytest.mark.parametrize("name", [name for name in CALLS if name != "validation"])
def test_numbered_columns_in_another_order_are_refused(name) -> None:
    model, call = trained(NUMBERED), CALLS[name]
    with pytest.raises(ValueError, match=r"Got 2 where 1 was, column 1. Use .*\[\[0, 1, 2\]\]"):
        call(model, NUMBERED[[0, 2, 1]])
    call(model, Frame(X, [np.int64(0), np.int64(1), np.int64(2)]))
    call(model, X)


def test_other_numbers_may_count_the_same_columns(tmp_path) -> None:
    model = trained(NUMBERED)
    model.predict(Frame(X, [5, 3, 4]))
    model.predict(Frame(X, [0, 1, 1]))
    model.predict(FRAME)
    model.save(tmp_path / "model.npz")
    again = minnet.load(tmp_path / "model.npz")
    assert again.columns == [0, 1, 2]
    with pytest.raises(ValueError, match="order of the training"):
        again.predict(NUMBERED[[1, 0, 2]])


def test_numbers_do_not_take_the_place_of_names() -> None:
    model = trained()
    model.fit(NUMBERED, Y, verbose=0)
    assert model.columns == NAMES
    model = trained(NUMBERED)
    model.fit(Frame(X, [7, 8, 9]), Y, verbose=0)
    assert model.columns == [7, 8, 9]
    model.fit(FRAME, Y, verbose=0)
    assert model.columns == NAMES
