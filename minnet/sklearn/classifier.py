"""`MLPClassifier`: scikit-learn's, on minnet's networks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from minnet.datasets import one_hot
from minnet.foundation.checks import Array, number, short
from minnet.foundation.strict import named
from minnet.losses import BinaryCrossEntropy, CrossEntropy
from minnet.sklearn.data import dense
from minnet.sklearn.estimator import End, MultilayerPerceptron
from minnet.sklearn.settings import Settings


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """A classifier: scikit-learn's `MLPClassifier`, on minnet's networks.

    Labels are of any kind: numbers, text, True and False, or rows of 0 and 1 for several labels a
    sample. Two classes have one logistic output, more a softmax, several labels one logistic
    output each.

    Where it departs from scikit-learn's: a penalised batch that is smaller than the others counts
    the samples of a whole one; sample weights have the mean 1 over all samples, and not in each
    batch; and Adam's ε stands beside √v̂, as in its paper, which shows in the loss's seventh digit.
    `momentum` is below 1.

    Parameters
    ----------
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
    loss
        "log_loss", or a minnet loss or its name, such as CrossEntropy(label_smoothing=0.1).
    dropout
        The share of each hidden layer's outputs that a training step drops; or a list of one for
        each layer.
    layers
        Hidden layers of your own, in the place of `hidden_layer_sizes`, `activation` and `dropout`:
        a list such as [Dense(64), BatchNormalization(), ReLU()]. The last layer follows from y.
    optimizer
        An `Optimizer` in the place of `solver` and its settings, or its name.
    class_weight
        {class: weight}, or "balanced": N / (K · samples of the class).
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
    classes_ : (K,) ndarray
    model_ : Sequential
        The network: `summary()`, `save(path)`, `minnet.plots`, `minnet.teaching.diagnose`.
    callbacks_ : list of Callback
    coefs_, intercepts_ : list of ndarray
        W and b of each Dense layer, as views: writing into them changes the network.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the smallest, and all; the penalty is included.
    validation_scores_, best_validation_score_
        With `early_stopping`, the accuracy of each epoch and the best.
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
    >>> from minnet.datasets import digits
    >>> x, y, x_test, y_test = digits(per_class=5, seed=0)
    >>> mlp = MLPClassifier(base="mnist-8x8", freeze="all_but_head", max_iter=50, tol=0,
    ...                     learning_rate_init=0.01, random_state=0)
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # 50 epochs are not enough to come to rest
    ...     mlp = mlp.fit(x, y)
    >>> bool(mlp.score(x_test, y_test) > 0.8)
    True
    """

    own_loss = "log_loss"
    numeric_y = False

    class_weight: Any
    classes_: Array
    _multilabel: bool

    @named
    def __init__(
        self,
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
        loss: Any = "log_loss",
        dropout: Any = 0.0,
        layers: Any = None,
        optimizer: Any = None,
        class_weight: Any = None,
        callbacks: Any = None,
        base: Any = None,
        freeze: Any = None,
        dtype: str = "float32",
    ) -> None:
        self._keep(locals())

    @named
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, going on from where the network is.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix
            Samples.
        y : (N,) or (N, M) array
            Classes; of several labels a sample, a row of 0 and 1.
        sample_weight : (N,) array or None
            How much each sample counts.
        classes
            All classes that there will be, for the first call.

        Returns
        -------
        The estimator itself.

        Raises
        ------
        ValueError, TypeError
            Data that `fit` refuses too; a class that the first call did not name.

        Examples
        --------
        >>> mlp = MLPClassifier(hidden_layer_sizes=(4,), random_state=0)
        >>> mlp = mlp.partial_fit([[0.0], [1.0]], ["no", "yes"], classes=["no", "yes"])
        >>> mlp = mlp.partial_fit([[0.2], [0.9]], ["no", "yes"])
        >>> len(mlp.loss_curve_)
        2
        """
        if classes is None and not hasattr(self, "model_"):
            raise ValueError(
                "classes must be passed on the first call to partial_fit, since later calls may "
                "have others in y. Got none. Use classes=numpy.unique(y) of all y."
            )
        return self._fit_or_leave(X, y, sample_weight, classes, partial=True)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix
            Samples.

        Returns
        -------
        (N, K) ndarray
            In the order of `classes_`; of several labels, that of each by itself.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Nothing was fitted yet.
        ValueError, TypeError
            Samples of another width, NaN or infinity.

        Examples
        --------
        >>> mlp = MLPClassifier(hidden_layer_sizes=(4,), random_state=0)
        >>> mlp = mlp.partial_fit([[0.0], [1.0]], ["no", "yes"], classes=["no", "yes"])
        >>> p = mlp.predict_proba([[0.0], [0.5], [1.0]])
        >>> p.shape, bool((abs(p.sum(axis=1) - 1) < 1e-6).all())
        ((3, 2), True)
        """
        p = self._run(self._known(X))
        if self._multilabel or p.shape[1] > 1:
            return p
        if len(self.classes_) == 1:
            return np.ones_like(p)
        return np.concatenate([1.0 - p, p], axis=1)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba(X)`.

        Parameters
        ----------
        X : (N, D) array, DataFrame or sparse matrix
            Samples.

        Returns
        -------
        (N, K) ndarray

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            As in `predict_proba`.

        Examples
        --------
        >>> mlp = MLPClassifier(hidden_layer_sizes=(4,), random_state=0)
        >>> mlp = mlp.partial_fit([[0.0], [1.0]], ["no", "yes"], classes=["no", "yes"])
        >>> mlp.predict_log_proba([[0.0]]).shape
        (1, 2)
        """
        with np.errstate(divide="ignore"):
            logs: Array = np.log(self.predict_proba(X))
        return logs

    # --- classes in, classes out ----------------------------------------------------------------

    def _encode(self, y: Any, settings: Settings, classes: Any, *, fresh: bool) -> Array:
        check_classification_targets(y)
        multilabel = type_of_target(y) == "multilabel-indicator"
        y = dense(y) if multilabel else _one_label(y, settings.who)
        if fresh:
            self._multilabel = multilabel
            known = np.arange(y.shape[1]) if multilabel else y if classes is None else classes
            self.classes_ = np.unique(known)
        self._refuse_other_kind(y, multilabel, settings.who)
        if multilabel:
            return y.astype(np.float64)
        labels = self._numbers_of(y, classes, settings.who)
        end = self._end(settings)
        if end.M == 1:
            return labels[:, None].astype(np.float64)
        return one_hot(labels, end.M) if end.loss.one_shape else labels

    def _begin(self, settings: Settings, D: int, end: End) -> None:
        super()._begin(settings, D, end)
        if not self._multilabel and len(self.classes_) > 1:  # saved with the network
            self.model_.class_names = [str(name) for name in self.classes_.tolist()]

    def _refuse_other_kind(self, y: Array, multilabel: bool, who: str) -> None:
        """Raise where a network that has learned goes on with targets of another kind."""
        K = len(self.classes_)
        if multilabel != self._multilabel or (multilabel and y.shape[1] != K):
            before = f"rows of {K} labels" if self._multilabel else "one label for each sample"
            raise ValueError(
                f"{who} goes on with y as it was before, {before}. Got y of shape {y.shape}. Set "
                "warm_start=False, or take a clone."
            )

    def _numbers_of(self, y: Array, classes: Any, who: str) -> Array:
        """Return the number of each sample's class in `classes_`."""
        known = self.classes_
        if classes is not None and not np.array_equal(known, np.unique(classes)):
            raise ValueError(
                f"{who}.partial_fit takes the classes of its first call, {known.tolist()}. Got "
                f"classes={short(classes)}. Leave them out."
            )
        unknown = np.setdiff1d(np.unique(y), known)
        if len(unknown):
            raise ValueError(
                f"{who} knows the classes {known.tolist()}. Got {unknown.tolist()} in y as well. "
                "Give the first call of partial_fit all classes, or fit anew."
            )
        labels: Array = np.searchsorted(known, y)
        return labels

    def _decode(self, prediction: Array) -> Array:
        if self._multilabel:
            return (prediction > 0.5).astype(np.intp)
        if prediction.shape[1] > 1:
            return self.classes_[prediction.argmax(axis=1)]
        numbers = (prediction[:, 0] > 0.5).astype(np.intp)
        return self.classes_[np.minimum(numbers, len(self.classes_) - 1)]

    def _end(self, settings: Settings) -> End:
        loss, K = settings.loss, len(self.classes_)
        if self._multilabel:
            factor = float(K) if loss is None else 1.0  # a sum over the labels, and no mean
            return End(loss or BinaryCrossEntropy(), "logistic", K, factor)
        if K <= 2 and not isinstance(loss, CrossEntropy):
            return End(loss or BinaryCrossEntropy(), "logistic", 1, 1.0)
        return End(loss or CrossEntropy(), "softmax", max(K, 2), 1.0)

    def _stratified_by(self, y: Any) -> Any:
        return None if self._multilabel else y

    def _score_of(self, y: Any, predicted: Array, weight: Array | None) -> float:
        return float(accuracy_score(y, predicted, sample_weight=weight))

    def _class_weights(self, y: Any, *, partial: bool) -> Array | None:
        given, who = self.class_weight, f"{type(self).__name__}'s class_weight"
        if given is None:
            return None
        if partial and isinstance(given, str):
            raise ValueError(
                f"{who} takes a dict in partial_fit, which does not see all samples. Got "
                f"{given!r}. Use sklearn.utils.class_weight.compute_class_weight first."
            )
        if isinstance(given, dict) and not self._multilabel:
            unknown = [name for name in given if name not in self.classes_.tolist()]
            if unknown:
                raise ValueError(
                    f"{who} takes classes of y, {self.classes_.tolist()}. Got {unknown}. Write "
                    "them as they are in y."
                )
            for name, value in given.items():
                number(value, f"{who} of {name!r}", minimum=0.0)
        elif not (isinstance(given, str) and given == "balanced") and not (
            self._multilabel and isinstance(given, list)
        ):
            kind = "a list with a dict for each label" if self._multilabel else "a dict"
            raise ValueError(f'{who} takes {kind}, "balanced" or None. Got {short(given)}.')
        weights: Array = compute_sample_weight(given, y)
        return weights

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _one_label(y: Any, who: str) -> Array:
    """Return y as one label for each sample."""
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"{who} takes one label for each sample, or rows of 0 and 1 for several. Got y of "
            f"shape {y.shape}. Multioutput target data is for MultiOutputClassifier({who}())."
        )
    labels: Array = column_or_1d(y, warn=True)
    return labels
