"""A fit that goes on, that stops, that is refused; columns and their names; arrays as views."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import minnet
from minnet import DivergedError
from minnet.callbacks import Callback, EarlyStopping, LambdaCallback
from minnet.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.data import NUMBER, NUMBERS, SEVERAL, THREE, TWO, X, calm, fitted

QUICK = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "random_state": 0}

NAMES = np.array(["a", "b", "c"])[THREE]

each_kind = pytest.mark.parametrize(
    ("kind", "y"), [(MLPClassifier, THREE), (MLPRegressor, NUMBER)], ids=["classes", "numbers"]
)


# --- random numbers -------------------------------------------------------------------------------


@each_kind
def test_a_seed_repeats_a_fit_to_the_bit(kind: Any, y: Any) -> None:
    one, two = (fitted(kind(**QUICK, max_iter=5, dropout=0.2), X, y) for _ in range(2))
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)
    other = fitted(kind(**{**QUICK, "random_state": 1}, max_iter=5), X, y)
    assert not np.array_equal(one.model_.theta, other.model_.theta)
    again = fitted(one, X, y)  # not a warm start
    np.testing.assert_array_equal(again.model_.theta, two.model_.theta)


def test_a_state_or_a_generator_goes_on() -> None:
    for state in (np.random.RandomState(0), np.random.default_rng(0)):
        one, two = (
            fitted(MLPClassifier(**{**QUICK, "random_state": state}, max_iter=2)) for _ in range(2)
        )
        assert not np.array_equal(one.model_.theta, two.model_.theta)


def test_no_seed_draws_fresh_entropy_and_leaves_numpy_s_global_generator_alone() -> None:
    fits = []
    for _ in range(2):
        np.random.seed(0)
        before = np.random.get_state()[1:3]
        fits.append(fitted(MLPClassifier(**{**QUICK, "random_state": None}, max_iter=2)))
        np.testing.assert_array_equal(np.random.get_state()[1], before[0])
        assert np.random.get_state()[2] == before[1]
    assert not np.array_equal(fits[0].model_.theta, fits[1].model_.theta)


# --- going on -------------------------------------------------------------------------------------


@each_kind
def test_a_warm_start_goes_on_with_a_new_optimizer(kind: Any, y: Any) -> None:
    mlp = fitted(kind(**QUICK, max_iter=3, warm_start=True, shuffle=False), X, y)
    model, theta = mlp.model_, mlp.model_.theta.copy()
    fitted(mlp.set_params(max_iter=2), X, y)
    assert mlp.model_ is model
    assert not np.array_equal(model.theta, theta)
    assert (mlp.n_iter_, len(mlp.loss_curve_), mlp.t_) == (2, 5, 5 * len(X))
    assert model.updates.iterations == 2
    assert mlp.loss_curve_[3] < mlp.loss_curve_[0]


def test_a_warm_start_takes_the_same_network() -> None:
    mlp = fitted(MLPClassifier(**QUICK, max_iter=2, warm_start=True))
    before = mlp.predict_proba(X)
    mlp.set_params(hidden_layer_sizes=(9,))
    with pytest.raises(ValueError, match=r"goes on with the network.*\[8\].*Got.*\[9\]"):
        mlp.fit(X, TWO)
    with pytest.raises(ValueError, match=r"goes on with the network"):
        mlp.partial_fit(X, TWO)
    np.testing.assert_array_equal(mlp.predict_proba(X), before)
    mlp.set_params(warm_start=False)
    assert fitted(mlp).coefs_[0].shape == (5, 9)


@each_kind
def test_a_refused_fit_leaves_the_estimator_as_it_was(kind: Any, y: Any) -> None:
    mlp = fitted(kind(**QUICK, max_iter=2), X, y)
    before, theta = dict(vars(mlp)), mlp.model_.theta.copy()
    for x, t in ((X[:, :3], y[:-1]), (X * np.nan, y), (X[:, :3].tolist(), [[1]])):
        with pytest.raises(ValueError):
            mlp.fit(x, t)
        with pytest.raises(ValueError):
            mlp.partial_fit(x, t)
    assert vars(mlp) == before
    new = kind(**QUICK, validation_fraction=2.0)
    with pytest.raises(ValueError, match="validation_fraction"):
        new.fit(X, y)
    assert vars(new) == vars(kind(**QUICK, validation_fraction=2.0))

    class Refuses(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            raise ValueError("not today")

    mlp.set_params(callbacks=[Refuses()], warm_start=True)
    compiled = mlp.model_.compiled
    with pytest.raises(ValueError, match="not today"):
        mlp.fit(X, y)
    assert mlp.model_.compiled is compiled
    np.testing.assert_array_equal(mlp.model_.theta, theta)


def test_a_fit_that_diverges_says_so() -> None:
    settings = {"solver": "sgd", "learning_rate_init": 1e6, "random_state": 0}
    with pytest.raises(DivergedError), calm():
        MLPRegressor(**settings).fit(X, 1e6 * NUMBER)


# --- stopping -------------------------------------------------------------------------------------


def test_too_few_epochs_are_told() -> None:
    with pytest.warns(ConvergenceWarning, match=r"all epochs of max_iter=3.*Raise max_iter"):
        MLPClassifier(**QUICK, max_iter=3).fit(X, TWO)


def test_a_programs_filter_for_scikit_learns_module_works() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning, module="sklearn")
        MLPClassifier(**QUICK, max_iter=3).fit(X, TWO)


def test_a_training_at_rest_stops_without_a_word() -> None:
    mlp = MLPClassifier(**{**QUICK, "learning_rate_init": 0.1}, max_iter=2000).fit(X, TWO)
    assert mlp.n_iter_ < 2000
    curve = mlp.loss_curve_
    better = [value <= min(curve[:i]) - 1e-4 for i, value in enumerate(curve) if i]
    assert better[-12]
    assert not any(better[-11:])


def test_lines_tell_the_epochs(capsys) -> None:
    fitted(MLPClassifier(**QUICK, max_iter=3, verbose=True, tol=10.0, n_iter_no_change=1))
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines[:3]] == [f"Iteration {i}" for i in (1, 2, 3)]
    settings = {**QUICK, "solver": "sgd", "learning_rate": "adaptive", "verbose": True}
    fitted(MLPClassifier(**settings, max_iter=4, tol=10.0, n_iter_no_change=1))
    assert "Setting learning rate to 0.002" in capsys.readouterr().out
    mlp = fitted(
        MLPClassifier(**QUICK, tol=10.0, n_iter_no_change=1, verbose=1, early_stopping=True)
    )
    text = capsys.readouterr().out
    assert text.count("Validation score: ") == mlp.n_iter_
    assert text.endswith("for 1 consecutive epochs. Stopping.\n")


def test_the_smallest_adaptive_rate_ends_it() -> None:
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1}
    mlp = MLPClassifier(**{**QUICK, **settings}).fit(X, TWO)
    assert mlp.n_iter_ < 200
    assert mlp.model_.optimizer.learning_rate <= 1e-6


@each_kind
def test_early_stopping_goes_back_to_the_best_epoch(kind: Any, y: Any) -> None:
    settings = {**QUICK, "learning_rate_init": 0.1, "n_iter_no_change": 5}
    mlp = fitted(kind(**settings, early_stopping=True, validation_fraction=0.3), X, y)
    scores = mlp.validation_scores_
    assert mlp.best_validation_score_ == max(scores)
    assert len(scores) == mlp.n_iter_
    assert mlp.best_loss_ is None
    history = mlp.model_.history.history
    assert len(history["val_loss"]) == mlp.n_iter_
    _, held = mlp._split(_settings_of(mlp), y)
    assert len(held) == 36
    assert mlp.score(X[held], y[held]) == max(scores)


@each_kind
def test_scores_of_early_stopping_are_weighted(kind: Any, y: Any) -> None:
    weight = np.random.default_rng(0).uniform(0.1, 3, len(X))
    mlp = kind(**QUICK, early_stopping=True, validation_fraction=0.3, max_iter=20)
    fitted(mlp, X, y, sample_weight=weight)
    _, held = mlp._split(_settings_of(mlp), y)
    score = mlp.score(X[held], y[held], sample_weight=weight[held])
    assert mlp.best_validation_score_ == pytest.approx(score, abs=1e-6)
    assert score != pytest.approx(mlp.score(X[held], y[held]), abs=1e-6)


def _settings_of(mlp: Any) -> Any:
    from minnet.sklearn.settings import Settings

    return Settings(type(mlp).__name__, mlp.get_params(deep=False), mlp.own_loss)


def test_early_stopping_keeps_the_shares_of_the_classes() -> None:
    y = np.where(np.arange(100) < 10, "rare", "usual")
    x = np.random.default_rng(0).normal(size=(100, 2))
    mlp = fitted(MLPClassifier(early_stopping=True, max_iter=2, random_state=0), x, y)
    _, held = mlp._split(_settings_of(mlp), y)
    assert (y[held] == "rare").sum() == 1
    with pytest.raises(ValueError, match=r"takes two validation rows or more. Got .*0.1 of 9 rows"):
        MLPClassifier(early_stopping=True, random_state=0).fit(x[:9], y[5:14])


def test_ctrl_c_keeps_what_was_learned() -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    stop = LambdaCallback(on_epoch_end=interrupt)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp = MLPClassifier(**QUICK, callbacks=[stop]).fit(X, TWO)
    assert mlp.n_iter_ == 3
    assert mlp.predict(X).shape == (len(X),)


def test_ctrl_c_in_the_first_epoch_leaves_a_network_without_a_loss() -> None:
    def interrupt(batch: int, logs: Any) -> None:
        raise KeyboardInterrupt

    stop = LambdaCallback(on_train_batch_end=interrupt)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp = MLPClassifier(**QUICK, callbacks=[stop]).fit(X, TWO)
    assert (mlp.n_iter_, mlp.loss_curve_) == (0, [])
    assert np.isnan(mlp.loss_)


# --- callbacks ------------------------------------------------------------------------------------


def test_callbacks_are_copied_and_those_of_the_last_fit_kept() -> None:
    stop = EarlyStopping("val_loss", patience=3)
    mlp = MLPClassifier(**{**QUICK, "learning_rate_init": 0.3}, callbacks=[stop])
    mlp.set_params(early_stopping=True, n_iter_no_change=np.inf, tol=0.0)
    mlp.fit(X, TWO)
    assert stop.stopped_epoch is None
    assert stop.best == np.inf
    (used,) = mlp.callbacks_
    assert used.stopped_epoch == mlp.n_iter_ - 1
    assert mlp.get_params()["callbacks"] == [stop]


def test_callbacks_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match=r"callbacks takes a list.*\[EarlyStopping\(…\)\]"):
        MLPClassifier(callbacks=EarlyStopping()).fit(X, TWO)


# --- columns --------------------------------------------------------------------------------------


@each_kind
def test_the_names_of_columns_are_kept_and_held(kind: Any, y: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    mlp = fitted(kind(**QUICK, max_iter=2), frame, y)
    assert mlp.feature_names_in_.tolist() == list("abcde")
    assert mlp.n_features_in_ == 5
    np.testing.assert_array_equal(mlp.predict(frame), mlp.predict(frame.copy()))
    with pytest.raises(ValueError, match="feature names should match"):
        mlp.predict(frame[list("bacde")])
    with pytest.warns(UserWarning, match="valid feature names"):
        mlp.predict(X)
    plain = fitted(kind(**QUICK, max_iter=2), X, y)
    with pytest.raises(ValueError, match=r"4 features, but .* expecting 5"):
        plain.predict(X[:, :4])


def test_text_in_a_table_is_refused_with_its_columns() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"age": X[:, 0], "city": ["Bern", "Rome"] * 60, "kind": pandas.Categorical(["a"] * 120)}
    )
    with pytest.raises(ValueError, match=r"Got text or categories in city, kind.*OneHotEncoder"):
        MLPClassifier().fit(frame, TWO)
    frame["city"] = frame["city"].astype(object)
    with pytest.raises(ValueError, match=r"in city, kind"):
        MLPClassifier().fit(frame, TWO)
    with pytest.raises(ValueError, match=r"in city, kind"):
        fitted(MLPClassifier(**QUICK, max_iter=1), X[:, :3], TWO).predict(frame)
    frame["city"], frame["kind"] = True, pandas.Categorical([1, 2] * 60)
    assert fitted(MLPClassifier(**QUICK, max_iter=1), frame, TWO).predict(frame).shape == (120,)


def test_text_and_numbers_beyond_the_dtype_are_refused() -> None:
    with pytest.raises(ValueError, match=r"takes numbers in X. Got text, 'a' for one. Encode"):
        MLPClassifier().fit([["a", "b"]] * 10, [0, 1] * 5)
    mlp = MLPRegressor(random_state=0, max_iter=1)
    with pytest.raises(ValueError, match=r"x takes numbers that float32 can hold. Got 1.*e"):
        mlp.fit(np.full((9, 2), 1e300), np.zeros(9))
    with pytest.raises(ValueError, match="x takes numbers that float32 can hold"):
        fitted(mlp, X, NUMBER).predict(np.full((9, 5), 1e300))


@each_kind
def test_sparse_rows_are_the_same_as_dense_ones(kind: Any, y: Any) -> None:
    x = np.where(X > 0.5, X, 0.0)
    one = fitted(kind(**QUICK, max_iter=3), x, y)
    for form in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        two = fitted(kind(**QUICK, max_iter=3), form(x), y)
        np.testing.assert_array_equal(one.model_.theta, two.model_.theta)
        np.testing.assert_allclose(one.predict(x), two.predict(form(x)))


# --- the network ----------------------------------------------------------------------------------


@each_kind
def test_arrays_are_views_and_can_be_set(kind: Any, y: Any) -> None:
    mlp = fitted(kind(**QUICK, max_iter=2), X, y)
    mlp.coefs_[0][:] = 0.0
    mlp.intercepts_[1][:] = 3.0
    assert not mlp.model_.layers[0].W.any()
    assert (mlp.model_.layers[1].b == 3.0).all()
    mlp.coefs_ = [np.ones_like(W) for W in mlp.coefs_]
    assert (mlp.model_.layers[1].W == 1.0).all()
    with pytest.raises(ValueError, match="coefs_ takes an array for each of the 2 Dense layers"):
        mlp.coefs_ = mlp.coefs_[:1]


@each_kind
def test_copies_are_whole_and_of_their_own(kind: Any, y: Any) -> None:
    mlp = fitted(kind(**QUICK, max_iter=2), X, y)
    for other in (copy.deepcopy(mlp), pickle.loads(pickle.dumps(mlp))):
        np.testing.assert_array_equal(mlp.predict(X), other.predict(X))
        other.partial_fit(X, y)
        mlp_again = copy.deepcopy(mlp).partial_fit(X, y)
        np.testing.assert_array_equal(other.model_.theta, mlp_again.model_.theta)
        assert len(other.loss_curve_) == len(mlp.loss_curve_) + 1
    assert not hasattr(clone(mlp), "model_")


def test_the_network_is_a_model_like_any_other(tmp_path) -> None:
    mlp = fitted(MLPClassifier(**QUICK, max_iter=2), X, THREE)
    mlp.model_.save(tmp_path / "mlp.npz")
    np.testing.assert_array_equal(
        minnet.load(tmp_path / "mlp.npz").predict(X), mlp.predict_proba(X)
    )
    assert mlp.n_layers_ == 3


def test_the_network_knows_its_classes(tmp_path) -> None:
    for y, names in ((NAMES, ["a", "b", "c"]), (TWO, ["0", "1"]), (TWO > 0, ["False", "True"])):
        mlp = fitted(MLPClassifier(**QUICK, max_iter=2), X, y)
        mlp.model_.save(tmp_path / "mlp.npz")
        assert minnet.load(tmp_path / "mlp.npz").class_names == names
    for y in (SEVERAL, np.full(len(X), 7)):
        assert fitted(MLPClassifier(**QUICK, max_iter=2), X, y).model_.class_names is None


def test_large_tables_pass_in_batches_of_two_hundred() -> None:
    x = np.tile(X, (5, 1))
    mlp = fitted(MLPRegressor(**QUICK, max_iter=1), x, np.tile(NUMBERS, (5, 1)))
    assert mlp.model_.history.params["batch_size"] == 200
    with pytest.warns(UserWarning, match="batch_size is 1000, and only 600 rows train"), calm():
        MLPRegressor(**QUICK, max_iter=1, batch_size=1000).fit(x, x[:, 0])
