"""One output or several, other losses, and y in whatever units."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.exceptions import DataConversionWarning

from minnet.sklearn import MLPRegressor
from tests.sklearn.data import NUMBER, NUMBERS, X, calm, fitted

QUICK = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01, "random_state": 0}


def test_one_output_gives_a_vector_and_several_give_rows() -> None:
    one = fitted(MLPRegressor(**QUICK), X, NUMBER)
    assert one.predict(X).shape == (len(X),)
    assert one.score(X, NUMBER) > 0.95
    several = fitted(MLPRegressor(**QUICK), X, NUMBERS)
    assert several.predict(X).shape == NUMBERS.shape
    assert several.score(X, NUMBERS) > 0.95
    assert (several.n_outputs_, several.out_activation_) == (3, "identity")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_have_the_dtype_of_x(dtype: str) -> None:
    mlp = fitted(MLPRegressor(**QUICK, dtype=dtype), X, NUMBER)
    assert mlp.predict(X).dtype == np.float64
    assert mlp.predict(X.astype(np.float32)).dtype == np.float32
    assert mlp.model_.dtype == dtype


def test_a_column_of_numbers_is_taken_with_a_warning() -> None:
    with pytest.warns(DataConversionWarning), calm():
        mlp = MLPRegressor(**QUICK, max_iter=2).fit(X, NUMBER[:, None])
    assert mlp.predict(X).shape == (len(X),)


def test_the_mean_absolute_error_goes_by_the_median() -> None:
    y = np.where(np.arange(len(X)) % 3 == 0, 100.0, 1.0)  # a third are outliers
    settings = {**QUICK, "hidden_layer_sizes": (), "alpha": 0, "max_iter": 2000, "tol": 0}
    x = np.zeros((len(X), 1))
    for loss in ("absolute_error", "mae"):
        mlp = fitted(MLPRegressor(loss, **settings), x, y)
        assert mlp.predict(x[:1])[0] == pytest.approx(1.0, abs=0.1)
    settings["learning_rate_init"] = 0.1
    mean = fitted(MLPRegressor(**settings), x, y).predict(x[:1])[0]
    assert mean == pytest.approx(34.0, abs=1.0)


def test_a_network_goes_on_with_as_many_outputs() -> None:
    mlp = fitted(MLPRegressor(**QUICK, max_iter=2), X, NUMBERS)
    with pytest.raises(ValueError, match=r"goes on with y as it was before, \(N, 3\).*\(120,\)"):
        mlp.partial_fit(X, NUMBER)
    mlp.partial_fit(X, NUMBERS)
    assert len(mlp.loss_curve_) == 3


def test_losses_that_minnet_has_not_are_refused_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match=r"MLPRegressor's loss takes one of squared_error, .*mse"):
        MLPRegressor(loss="pinball").fit(X, NUMBER)
