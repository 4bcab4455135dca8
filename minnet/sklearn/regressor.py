"""`MLPRegressor`: scikit-learn's, on minnet's networks."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from minnet.foundation.checks import Array
from minnet.foundation.strict import named
from minnet.losses import MeanSquaredError, Poisson
from minnet.sklearn.estimator import End, MultilayerPerceptron
from minnet.sklearn.settings import Settings


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """A regressor: scikit-learn's `MLPRegressor`, on minnet's networks.

    Where it departs from scikit-learn's, see `MLPClassifier`; and with several outputs `loss_` is
    what is minimised, the sum over the outputs, where scikit-learn shows their mean.

    Parameters
    ----------
    loss
        "squared_error", half of Σ (p − t)² over the outputs; "poisson", for counts, with an
        exponential end; "absolute_error"; or a minnet loss or its name, such as "huber".
    hidden_layer_sizes
        The width of each hidden layer; one number is one layer, () is none.
    activation
        "relu", "tanh", "logistic", "identity", another of minnet's names or an activation layer,
        for all hidden layers; or a list of one for each.
    solver
        "adam" or "sgd". "lbfgs" is refused.
    alpha
        α of the penalty α ‖W‖² / 2, divided by the samples of a batch. It acts on all Dense layers
        without a penalty of their own, and with `base` on the head alone.
    batch_size
        "auto" is min(200, N).
    learning_rate
        For "sgd": "constant"; "invscaling", η₀ / (1 + t)^power_t after each epoch, with t samples
        seen; or "adaptive", a fifth whenever the loss would have stopped the training.
    learning_rate_init
        η₀, also that of an `optimizer` given by its name.
    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon
        Of "invscaling", "sgd" and "adam".
    max_iter
        How many epochs at most; a ConvergenceWarning tells that they were not enough.
    shuffle
        Whether each epoch draws a new order.
    random_state
        A seed for the weights, the order, dropout and the validation rows. None draws fresh
        entropy, where scikit-learn reads NumPy's global generator, which minnet never does.
    tol, n_iter_no_change
        Stop where the loss (with `early_stopping` the score) has not been better by `tol` for more
        than so many epochs.
    verbose
        Whether to print a line an epoch.
    warm_start
        Whether `fit` goes on with the network, by a new optimizer.
    early_stopping, validation_fraction
        Whether to keep rows apart, judge each epoch by their score, and go back to the best one.
    max_fun
        Taken so that programs run; only "lbfgs" has a use for it.
    dropout
        The share of each hidden layer's outputs that a training step drops; or a list of one for
        each layer.
    layers
        Hidden layers of your own, in the place of `hidden_layer_sizes`, `activation` and `dropout`:
        a list such as [Dense(64), BatchNormalization(), ReLU()]. The last layer follows from y.
    optimizer
        An `Optimizer` in the place of `solver` and its settings, or its name.
    callbacks
        A list of `Callback`; with `early_stopping` they see "val_loss". They are copied, and
        `callbacks_` has those of the last fit.
    base
        A trained network to start from, with a new head, in the place of hidden layers: a model,
        its file, or the name of one that ships with minnet, such as "mnist-8x8".
    freeze
        The layers that do not learn: "all_but_head", a name, a pattern, or a list of these.
    dtype
        "float32" or "float64": in what the network computes. A `base` keeps its own.

    Attributes
    ----------
    model_ : Sequential
        The network: `summary()`, `save(path)`, `minnet.plots`, `minnet.teaching.diagnose`.
    callbacks_ : list of Callback
    coefs_, intercepts_ : list of ndarray
        W and b of each Dense layer, as views: writing into them changes the network.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the smallest, and all; the penalty is included.
    validation_scores_, best_validation_score_
        With `early_stopping`, the R² of each epoch and the best.
    n_iter_, t_
        Epochs of the last fit; samples gone through by all.
    n_features_in_, feature_names_in_
        The columns of X, and their names where it was a DataFrame; `predict` holds X to them.
    n_layers_, n_outputs_, out_activation_

    Raises
    ------
    ValueError, TypeError
        By `fit`: arguments or data that do not fit. The estimator is as before.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-3, 3, 200)[:, None]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(30,), activation="tanh", max_iter=1000,
    ...                    learning_rate_init=0.01, random_state=0).fit(x, np.sin(x[:, 0]))
    >>> bool(mlp.score(x, np.sin(x[:, 0])) > 0.99)
    True
    """

    own_loss = "squared_error"
    numeric_y = True

    _columns: int | None

    @named
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        layers: Any = None,
        optimizer: Any = None,
        callbacks: Any = None,
        base: Any = None,
        freeze: Any = None,
        dtype: str = "float32",
    ) -> None:
        self._keep(locals())

    @named
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from where the network is.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix
            Samples.
        y : (N,) or (N, M) array
            Targets, of one output or M.
        sample_weight : (N,) array or None
            How much each sample counts.

        Returns
        -------
        The estimator itself.

        Raises
        ------
        ValueError, TypeError
            Data that `fit` refuses too; targets with another number of columns than before.

        Examples
        --------
        >>> mlp = MLPRegressor(hidden_layer_sizes=(4,), random_state=0)
        >>> mlp.partial_fit([[0.0], [1.0]], [0.0, 2.0]).predict([[0.5]]).shape
        (1,)
        """
        return self._fit_or_leave(X, y, sample_weight, partial=True)

    def predict(self, X: Any) -> Array:
        X = self._known(X)
        return self._decode(self._run(X)).astype(X.dtype, copy=False)

    def _encode(self, y: Any, settings: Settings, classes: Any, *, fresh: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        columns = None if y.ndim == 1 else y.shape[1]
        if fresh:
            self._columns = columns
        elif columns != self._columns:
            raise ValueError(
                f"{settings.who} goes on with y as it was before, "
                f"{'(N,)' if self._columns is None else f'(N, {self._columns})'}. Got y of shape "
                f"{y.shape}. Set warm_start=False, or take a clone."
            )
        if isinstance(settings.loss, Poisson) and (y < 0).any():
            raise ValueError(
                f'{settings.who} with loss="poisson" takes counts or rates, 0 or more. Got '
                f'{y.min():g} in y. Use "squared_error".'
            )
        target: Array = y.reshape(len(y), -1)
        return target

    def _decode(self, prediction: Array) -> Array:
        return prediction[:, 0] if self._columns is None else prediction

    def _end(self, settings: Settings) -> End:
        M = self._columns or 1
        if settings.loss is None:  # half of the sum over the outputs, where minnet has the mean
            return End(MeanSquaredError(), "identity", M, M / 2.0)
        if isinstance(settings.loss, Poisson):  # a sum over the outputs, as well
            return End(settings.loss, "exp", M, float(M))
        return End(settings.loss, "identity", M, 1.0)

    def _score_of(self, y: Any, predicted: Array, weight: Array | None) -> float:
        return float(r2_score(y, predicted, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
