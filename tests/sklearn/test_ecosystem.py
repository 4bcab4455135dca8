"""scikit-learn's tools with an estimator: pipelines, searches, ensembles, files, pictures."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import joblib
import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.model_selection import (
    GridSearchCV,
    LearningCurveDisplay,
    RandomizedSearchCV,
    cross_val_predict,
    learning_curve,
    validation_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import minnet
from minnet.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.data import NUMBER, THREE, TWO, X, calm, fitted

QUICK = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "random_state": 0}
NAMES = np.array(["a", "b", "c"])[THREE]


def test_a_pipeline_fits_predicts_and_hands_settings_on() -> None:
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    pipe.set_params(mlpclassifier__max_iter=150, mlpclassifier__tol=0)
    with calm():
        assert pipe.fit(1000 * X, NAMES).score(1000 * X, NAMES) > 0.9
    assert pipe[-1].n_iter_ == 150


def test_a_search_on_two_processes_finds_what_one_finds() -> None:
    grid = {"mlp__alpha": [1e-4, 100.0], "mlp__hidden_layer_sizes": [(4,), (4, 4)]}
    pipe = Pipeline([("scale", StandardScaler()), ("mlp", MLPClassifier(**QUICK, max_iter=30))])
    found = []
    for jobs in (1, 2):
        with calm():
            search = GridSearchCV(pipe, grid, cv=3, n_jobs=jobs).fit(X, NAMES)
        found.append((search.best_params_, search.cv_results_["mean_test_score"].tolist()))
        assert search.best_estimator_["mlp"].model_.layers
    assert found[0] == found[1]


def test_a_search_tries_layers_bases_and_optimizers() -> None:
    from minnet.layers import Dense, Dropout
    from minnet.optimizers import AdamW

    x, y, *_ = minnet.datasets.digits(per_class=5, seed=0)
    grid = [
        {"base": [None, "mnist-8x8"], "freeze": [None, "all_but_head"]},
        {"layers": [[Dense(16, "relu"), Dropout(0.1)]], "optimizer": [AdamW(0.01), "rmsprop"]},
    ]
    with calm():
        search = GridSearchCV(MLPClassifier(**QUICK, max_iter=20), grid, cv=2).fit(x, y)
    assert search.best_params_["base"] == "mnist-8x8"
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_search_reports_a_fit_that_is_refused_and_goes_on() -> None:
    search = GridSearchCV(MLPClassifier(**QUICK), {"solver": ["lbfgs", "adam"]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, TWO)
    assert search.best_params_ == {"solver": "adam"}
    assert np.isnan(search.cv_results_["mean_test_score"][0])


def test_a_random_search_draws_settings() -> None:
    from scipy.stats import loguniform

    draws = {"alpha": loguniform(1e-5, 1), "learning_rate_init": loguniform(1e-3, 1e-1)}
    search = RandomizedSearchCV(
        MLPClassifier((8,), random_state=0), draws, n_iter=3, cv=2, random_state=0
    )
    with calm():
        assert search.fit(X, TWO).best_score_ > 0.7


def test_files_of_joblib_hold_an_estimator(tmp_path) -> None:
    mlp = fitted(MLPClassifier(**QUICK, max_iter=5), X, NAMES)
    joblib.dump(mlp, tmp_path / "mlp.joblib")
    other = joblib.load(tmp_path / "mlp.joblib")
    np.testing.assert_array_equal(mlp.predict_proba(X), other.predict_proba(X))
    with calm():
        assert other.partial_fit(X, NAMES).t_ == mlp.t_ + len(X)


def test_ensembles_vote_bag_stack_and_chain() -> None:
    mlp = MLPClassifier(**QUICK, max_iter=20)
    members = [("a", LogisticRegression()), ("b", mlp)]
    with calm():
        assert VotingClassifier(members, voting="soft").fit(X, NAMES).score(X, NAMES) > 0.8
        bag = BaggingClassifier(mlp, n_estimators=3, random_state=0).fit(X, NAMES)
        assert bag.predict_proba(X).shape == (len(X), 3)
        stack = StackingRegressor([("m", MLPRegressor(**QUICK)), ("r", Ridge())]).fit(X, NUMBER)
        assert stack.score(X, NUMBER) > 0.9
        both = MultiOutputClassifier(mlp).fit(X, np.column_stack([THREE, TWO]))
        assert both.predict(X).shape == (len(X), 2)


def test_probabilities_are_calibrated() -> None:
    for method in ("sigmoid", "isotonic"):
        calibrated = CalibratedClassifierCV(MLPClassifier(**QUICK), method=method, cv=3)
        with calm():
            p = calibrated.fit(X, NAMES).predict_proba(X)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert calibrated.score(X, NAMES) > 0.7


def test_columns_that_matter_are_found() -> None:
    mlp = fitted(MLPClassifier(**QUICK), X, TWO)  # TWO is the sign of the first
    result = permutation_importance(mlp, X, TWO, n_repeats=5, random_state=0)
    assert result.importances_mean.argmax() == 0
    model = fitted(MLPRegressor(**QUICK), X, X[:, 0])
    line = partial_dependence(model, X, [0], grid_resolution=5)["average"][0]
    assert (np.diff(line) > 0).all()


def test_curves_and_predictions_of_folds_are_made() -> None:
    mlp = MLPClassifier(**QUICK, max_iter=10)
    with calm():
        sizes, train, test = learning_curve(mlp, X, TWO, cv=3, train_sizes=[0.5, 1.0])
        assert train.shape == test.shape == (len(sizes), 3)
        train, _ = validation_curve(mlp, X, TWO, param_name="alpha", param_range=[0.1, 1], cv=3)
        assert train.shape == (2, 3)
        p = cross_val_predict(mlp, X, TWO, method="predict_proba", cv=3)
    assert p.shape == (len(X), 2)


def test_targets_are_scaled_and_scaled_back() -> None:
    mlp = MLPRegressor(**QUICK)
    model = TransformedTargetRegressor(mlp, transformer=StandardScaler())
    with calm():
        assert model.fit(X, 1000 * NUMBER + 5000).score(X, 1000 * NUMBER + 5000) > 0.95


def test_a_table_with_gaps_and_categories_goes_through_a_pipeline() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    frame.loc[::7, "a"] = np.nan
    frame["town"] = np.array(["Bern", "Rome", "Oslo"])[THREE]
    number = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("n", number, list("abcde")), ("t", OneHotEncoder(), ["town"])])
    pipe = make_pipeline(columns, MLPClassifier(**QUICK))
    with calm():
        assert pipe.fit(frame, NAMES).score(frame, NAMES) > 0.95
    assert pipe.feature_names_in_.tolist() == [*"abcde", "town"]


def test_weights_are_routed_through_a_pipeline() -> None:
    weight = np.where(TWO == 1, 1.0, 0.0)
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    with calm():
        pipe.fit(X, TWO, mlpclassifier__sample_weight=weight)
    assert set(pipe.predict(X)) == {1}


def test_a_notebook_shows_the_settings_that_are_not_defaults() -> None:
    mlp = MLPClassifier(dropout=0.25, base="mnist-8x8")
    assert repr(mlp) == "MLPClassifier(base='mnist-8x8', dropout=0.25)"
    page = make_pipeline(StandardScaler(), mlp)._repr_html_()
    assert "MLPClassifier" in page
    assert "mnist-8x8" in page
    assert "fitted" in fitted(MLPClassifier(**QUICK, max_iter=1))._repr_html_()


ROOT = Path(minnet.__file__).parents[1]


def run(code: str, *options: str) -> Any:
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_minnet_alone_does_not_import_scikit_learn() -> None:
    code = "import sys, minnet; print('sklearn' in sys.modules, 'minnet.sklearn' in sys.modules)"
    assert run(code).stdout.split() == ["False", "False"]


def test_without_scikit_learn_one_sentence_tells_how_to_install_it(tmp_path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'sklearn' else find(name, *more)\n"
    )
    code = "from minnet.sklearn import MLPClassifier"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: minnet.sklearn takes scikit-learn, which is not installed. "
        "Install it: python -m pip install scikit-learn"
    )


def test_scikit_learns_pictures_are_drawn() -> None:
    mlp = fitted(MLPClassifier(**QUICK), X[:, :2], TWO)
    DecisionBoundaryDisplay.from_estimator(mlp, X[:, :2], grid_resolution=10)
    ConfusionMatrixDisplay.from_estimator(mlp, X[:, :2], TWO)
    RocCurveDisplay.from_estimator(mlp, X[:, :2], TWO)
    model = fitted(MLPRegressor(**QUICK), X, NUMBER)
    PartialDependenceDisplay.from_estimator(model, X, [0, (0, 1)], grid_resolution=4)
    with calm():
        LearningCurveDisplay.from_estimator(mlp, X, TWO, cv=2, train_sizes=[0.5, 1.0])
    axes = plt.subplots(2, 4)[1]
    for column, ax in zip(mlp.coefs_[0].T, axes.ravel(), strict=True):
        ax.matshow(column.reshape(1, 2), vmin=mlp.coefs_[0].min(), vmax=mlp.coefs_[0].max())
    plt.figure()
    plt.plot(mlp.loss_curve_)
