"""What `MLPClassifier` and `MLPRegressor` share: how scikit-learn's `fit` becomes minnet's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted, validate_data

from minnet.engine.network import PREDICT_ROWS
from minnet.foundation.checks import Array
from minnet.foundation.strict import named
from minnet.foundation.targets import check_weight
from minnet.layers import Dense
from minnet.losses import Loss
from minnet.models import Sequential
from minnet.sklearn.data import SPARSE, dense, text_refused
from minnet.sklearn.epochs import Account, KeepAccount, Score
from minnet.sklearn.network import build_network, set_penalty, shaped_for
from minnet.sklearn.settings import Settings, seed_of

OUT_ACTIVATIONS = {
    "softmax": "softmax",
    "logistic": "sigmoid",
    "identity": None,
    "exp": "exponential",
}
"""scikit-learn's name of the last activation → minnet's."""


class End(NamedTuple):
    """How a network ends, for some targets.

    Attributes
    ----------
    loss : Loss
    out_activation : str
        scikit-learn's name.
    M : int
        How many outputs there are.
    factor : float
        How many times minnet's loss scikit-learn's is.
    """

    loss: Loss
    out_activation: str
    M: int
    factor: float


class MultilayerPerceptron(BaseEstimator):
    """What `MLPClassifier` and `MLPRegressor` share.

    A class below it says how y is encoded for the network (`_encode`), what predictions mean
    (`_decode`), how the network ends (`_end`), and what a good prediction is (`_score_of`).
    """

    own_loss: str
    """scikit-learn's name of the loss that is the default."""

    numeric_y: bool
    """Whether targets are numbers, and not classes."""

    model_: Sequential
    _account: Account
    _architecture: str
    _penalised: list[str]
    _seed: int

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """Keep the constructor's arguments as they are, each under its own name."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    # --- what the two classes differ in ---------------------------------------------------------

    def _encode(self, y: Any, settings: Settings, classes: Any, *, fresh: bool) -> Array:
        """Return the targets as the network takes them; learn of the classes if it is fresh."""
        raise NotImplementedError

    def _decode(self, prediction: Array) -> Array:
        """Return what predictions of the network mean."""
        raise NotImplementedError

    def _end(self, settings: Settings) -> End:
        """Return how the network ends for the targets that were encoded."""
        raise NotImplementedError

    def _score_of(self, y: Any, predicted: Array, weight: Array | None) -> float:
        """Return the score of predictions that early stopping goes by."""
        raise NotImplementedError

    def _stratified_by(self, y: Any) -> Any:
        """Return the classes that the validation rows have in proportion, or None."""
        return None

    def _class_weights(self, y: Any, *, partial: bool) -> Array | None:
        """Return the weight of each sample by its class, or None."""
        return None

    # --- fit ------------------------------------------------------------------------------------

    @named
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a network on X and y.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix
            Samples. Sparse ones are made dense.
        y : (N,) or (N, M) array
            Targets.
        sample_weight : (N,) array or None
            A weight of 2 counts as much as the row twice.

        Returns
        -------
        The estimator itself.

        Raises
        ------
        ValueError, TypeError
            Arguments or data that do not fit; the estimator is as before.
        DivergedError
            The loss left the finite numbers.
        """
        return self._fit_or_leave(X, y, sample_weight)

    def _fit_or_leave(
        self, X: Any, y: Any, sample_weight: Any, classes: Any = None, *, partial: bool = False
    ) -> Self:
        """Train, or raise and be as before."""
        before = dict(vars(self))
        trained_as = self.model_.compiled if hasattr(self, "model_") else None
        try:
            return self._fit(X, y, sample_weight, classes, partial=partial)
        except Exception:
            for name in set(vars(self)) - set(before):
                delattr(self, name)
            for name, value in before.items():
                setattr(self, name, value)
            if trained_as is not None:
                self.model_.train_as(trained_as)
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any, classes: Any, *, partial: bool) -> Self:
        settings = Settings(type(self).__name__, self.get_params(deep=False), self.own_loss)
        fresh = not hasattr(self, "model_") or not (partial or settings.warm_start)
        if partial and settings.early_stopping:
            raise ValueError(
                f"{settings.who}.partial_fit takes early_stopping=False, since it trains for one "
                "epoch. Got True. Call fit, or watch the score of other rows yourself."
            )
        X, y = self._checked(X, y, reset=fresh)
        target = self._encode(y, settings, classes, fresh=fresh)
        weight = self._weights(y, sample_weight, partial=partial)
        end = self._end(settings)
        if fresh:
            self._begin(settings, X.shape[1], end)
        elif settings.architecture != self._architecture:
            raise ValueError(
                f"{settings.who} goes on with the network that it has: {self._architecture}. Got "
                f"{settings.architecture}. Set warm_start=False, or take a clone."
            )
        if fresh or not partial:
            self.model_.compile(settings.new_optimizer(), end.loss)
        self._train(settings, X, y, target, weight, end.factor, partial=partial)
        return self

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X and y as arrays; scikit-learn checks them, and keeps the names of columns."""
        with text_refused(type(self).__name__, X):
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse=SPARSE,
                multi_output=True,
                y_numeric=self.numeric_y,
                dtype=(np.float64, np.float32),
                reset=reset,
            )
        return X, y

    def _weights(self, y: Any, sample_weight: Any, *, partial: bool) -> Array | None:
        """Return the weight of each sample, times that of its class, or None."""
        weight = None
        if sample_weight is not None:
            N = y.shape[0]
            if isinstance(sample_weight, Real):
                sample_weight = np.full(N, float(sample_weight))
            weight = check_weight(sample_weight, N)
        by_class = self._class_weights(y, partial=partial)
        if by_class is not None:
            weight = by_class if weight is None else weight * by_class
        return weight

    def _begin(self, settings: Settings, D: int, end: End) -> None:
        """Make a network, and begin a new account."""
        self._seed = seed_of(settings.given["random_state"])
        rng = np.random.default_rng(self._seed)
        last = OUT_ACTIVATIONS[end.out_activation]
        self.model_, self._penalised = build_network(settings, D, end.M, last, rng)
        self._account, self._architecture = Account(), settings.architecture
        self.out_activation_, self.n_outputs_ = end.out_activation, end.M
        self.n_layers_ = len(self.coefs_) + 1

    def _train(
        self,
        settings: Settings,
        X: Any,
        y: Any,
        target: Array,
        weight: Array | None,
        factor: float,
        *,
        partial: bool,
    ) -> None:
        """Train the network that there is."""
        model, x = self.model_, self._samples(X)
        rows, held = self._split(settings, y)
        size = settings.batch_size(len(x[rows]), partial=partial)
        mean = self._mean_weight(weight, rows)
        # scikit-learn divides Σ wₙ Lₙ by Σ wₙ, and minnet by N: so the weights get the mean 1
        scaled = None if weight is None else weight * (factor / mean)
        if scaled is None and factor != 1.0:
            scaled = np.full(len(x), factor)
        validation, score = None, None
        if held is not None:
            validation = [x[held], target[held], *([] if scaled is None else [scaled[held]])]
            score = self._score_on(x[held], y[held], None if weight is None else weight[held])
        set_penalty(model, self._penalised, settings.alpha, size * mean)
        account = KeepAccount(self._account, settings, score, len(x[rows]))
        self.callbacks_ = settings.callbacks
        try:
            model.fit(
                x[rows],
                target[rows],
                batch_size=size,
                epochs=1 if partial else settings.max_iter,
                verbose=0,
                callbacks=[account, *settings.callbacks],
                validation_data=validation,
                shuffle=settings.shuffle,
                sample_weight=None if scaled is None else scaled[rows],
            )
        except KeyboardInterrupt:  # as in scikit-learn, what was learned until then counts
            _warn("Training interrupted by user.", UserWarning)
        self.n_iter_ = account.epochs
        if not partial and not account.stopped and account.epochs == settings.max_iter:
            _warn(
                f"{settings.who} made all epochs of max_iter={settings.max_iter} and has not come "
                "to rest within tol. Raise max_iter or learning_rate_init, or scale X.",
                ConvergenceWarning,
            )

    def _mean_weight(self, weight: Array | None, rows: Any) -> float:
        """Return the mean weight of the rows that train, above 0."""
        mean = 1.0 if weight is None else float(weight[rows].mean())
        if mean == 0.0:
            raise ValueError(
                f"{type(self).__name__} takes weights of which one at least is above 0. Got a "
                "weight of zero for every sample that trains. Leave sample_weight out to count all "
                "alike."
            )
        return mean

    def _score_on(self, x: Array, y: Any, weight: Array | None) -> Score:
        """Return what gives the score of the network on these rows, whenever it is called."""

        def score() -> float:
            return self._score_of(y, self._decode(self.model_.predict(x)), weight)

        return score

    def _split(self, settings: Settings, y: Any) -> tuple[Any, Array | None]:
        """Return the rows that train, and those that early stopping is judged by, if any."""
        if not settings.early_stopping:
            return slice(None), None
        N, share = y.shape[0], settings.validation_fraction
        if math.ceil(N * share) < 2:
            raise ValueError(
                f"{settings.who}'s early_stopping takes two validation rows or more. Got "
                f"validation_fraction={share:g} of {N} rows. Raise it."
            )
        rows, held = train_test_split(
            np.arange(N), test_size=share, random_state=self._seed, stratify=self._stratified_by(y)
        )
        return rows, held

    def _samples(self, X: Any) -> Array:
        """Return X as the network's samples."""
        samples: Array = shaped_for(self.model_, dense(X))
        return samples

    # --- predict --------------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Return the predictions for X.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix

        Returns
        -------
        (N,) or (N, M) ndarray
            As y was: classes, or numbers in X's dtype.
        """
        return self._decode(self._run(self._known(X)))

    def _known(self, X: Any) -> Any:
        """Return X, checked to have the columns that `fit` had."""
        check_is_fitted(self)
        with text_refused(type(self).__name__, X):
            return validate_data(
                self, X, accept_sparse=SPARSE, dtype=(np.float64, np.float32), reset=False
            )

    def _run(self, X: Any) -> Array:
        """Return what the network makes of X, which was checked."""
        if not hasattr(X, "toarray"):
            return self.model_.predict(self._samples(X))
        X = X.tocsr()
        pieces = (X[i : i + PREDICT_ROWS] for i in range(0, X.shape[0], PREDICT_ROWS))
        return np.concatenate([self.model_.predict(self._samples(piece)) for piece in pieces])

    # --- what was learned -----------------------------------------------------------------------

    def _learned(self, attribute: str) -> tuple[list[Dense], Account]:
        """Return the Dense layers and the account, for an attribute that there is after `fit`."""
        if "model_" not in vars(self):
            who = type(self).__name__
            raise AttributeError(f"{who} has no {attribute} before fit.", name=attribute, obj=self)
        layers = [layer for layer in self.model_.layers if isinstance(layer, Dense)]
        return layers, self._account

    @property
    def coefs_(self) -> list[Array]:
        """W of each Dense layer, (D, M): views, through which the network can be changed."""
        return [layer.W for layer in self._learned("coefs_")[0]]

    @coefs_.setter
    def coefs_(self, arrays: Any) -> None:
        for layer, array in self._pairs("coefs_", arrays):
            layer.W = array

    @property
    def intercepts_(self) -> list[Array]:
        """b of each Dense layer, (M,): views, through which the network can be changed."""
        layers = self._learned("intercepts_")[0]
        return [one.b if one.use_bias else np.zeros(one.units, one.W.dtype) for one in layers]

    @intercepts_.setter
    def intercepts_(self, arrays: Any) -> None:
        for layer, array in self._pairs("intercepts_", arrays):
            layer.b = array

    def _pairs(self, attribute: str, arrays: Any) -> Iterator[tuple[Dense, Any]]:
        """Give each Dense layer with its array."""
        layers, given = self._learned(attribute)[0], list(arrays)
        if len(layers) != len(given):
            raise ValueError(
                f"{type(self).__name__}'s {attribute} takes an array for each of the "
                f"{len(layers)} Dense layers. Got {len(given)}."
            )
        return zip(layers, given, strict=True)

    @property
    def loss_(self) -> float:
        """The loss of the last epoch, with the penalty."""
        curve = self._learned("loss_")[1].loss_curve
        return curve[-1] if curve else math.nan  # a Ctrl-C came before the first was whole

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of each epoch, with the penalty."""
        return self._learned("loss_curve_")[1].loss_curve

    @property
    def best_loss_(self) -> float | None:
        """The smallest loss; None with early stopping."""
        account = self._learned("best_loss_")[1]
        return None if account.scores else account.best_loss

    @property
    def validation_scores_(self) -> list[float] | None:
        """With early stopping, the score of the validation rows after each epoch; else None."""
        return self._learned("validation_scores_")[1].scores or None

    @property
    def best_validation_score_(self) -> float | None:
        """With early stopping, the best of `validation_scores_`; else None."""
        account = self._learned("best_validation_score_")[1]
        return account.best_score if account.scores else None

    @property
    def t_(self) -> int:
        """How many samples were gone through, over all epochs."""
        return self._learned("t_")[1].samples

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


_warned: dict[Any, Any] = {}


def _warn(message: str, category: type[Warning]) -> None:
    """Warn in the name of scikit-learn's module, which programs name in their filters."""
    module = "sklearn.neural_network"
    warnings.warn_explicit(message, category, "minnet.sklearn", 1, module, _warned)
