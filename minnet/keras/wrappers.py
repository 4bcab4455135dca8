"""`KerasClassifier` and `KerasRegressor` in scikeras' form: scikit-learn's estimators.

A function makes a compiled model, and scikit-learn's tools search its settings and split the data.
They need scikit-learn; `minnet.sklearn` has estimators that need no function.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from minnet.datasets import one_hot
from minnet.foundation.checks import Array, short
from minnet.foundation.targets import predicted_labels, probabilities_of_both
from minnet.keras import backend, optimizers, words
from minnet.keras.data import samples, targets
from minnet.keras.models import Sequential, clone_model

__getattr__ = words.answering(__name__)

sys.modules[f"{__name__}.scikit_learn"] = sys.modules[__name__]  # where Keras 2 had them

try:
    base: Any = importlib.import_module("sklearn.base")
except ImportError:  # said where one is made
    base = SimpleNamespace(
        BaseEstimator=object,
        ClassifierMixin=type("ClassifierMixin", (), {}),
        RegressorMixin=type("RegressorMixin", (), {}),
    )

ROUTED = ("model", "optimizer", "fit")
"""Before two underlines: what a setting such as `model__units` is handed to."""


class _Wrapper(base.BaseEstimator):  # type: ignore[misc]
    """A function that makes a model, with the settings of its compile and its fit.

    Parameters
    ----------
    model
        A function that returns a compiled model, or a model, of which each fit takes a copy. Its
        own arguments are given as `model__units=…` or as `units=…`.
    random_state
        The seed of the model and its fit.
    optimizer, loss, metrics
        For a model that its function did not compile; `optimizer__learning_rate=…`.
    batch_size, epochs, verbose, callbacks, validation_split, shuffle, class_weight
        See `Sequential.fit`.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        build_fn: Any = None,
        warm_start: bool = False,
        random_state: int | None = None,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        batch_size: int | None = None,
        verbose: int = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        epochs: int = 1,
        class_weight: Any = None,
        **more: Any,
    ) -> None:
        if isinstance(base, SimpleNamespace):
            raise ImportError(
                f"{type(self).__name__} is an estimator of scikit-learn, which is not installed: "
                "python -m pip install scikit-learn."
            )
        self.model, self.build_fn, self.warm_start = model, build_fn, warm_start
        self.random_state = random_state
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics
        self.batch_size, self.verbose, self.callbacks = batch_size, verbose, callbacks
        self.validation_split, self.shuffle, self.epochs = validation_split, shuffle, epochs
        self.class_weight = class_weight
        self._more = tuple(more)
        for name, value in more.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all settings by name, those of the model's function included."""
        own: dict[str, Any] = super().get_params(deep=False)
        return {**own, **{name: getattr(self, name) for name in self._more}}

    def set_params(self, **params: Any) -> Self:
        """Change settings by name."""
        for name, value in params.items():
            if name not in self.get_params():
                if name.split("__")[0] not in ROUTED and name not in self._arguments():
                    known = ", ".join(sorted({*self.get_params(), *self._arguments()}))
                    raise ValueError(
                        f"{type(self).__name__} takes {known}, and model__…, optimizer__… and "
                        f"fit__…. Got {name}={short(value)}."
                    )
                self._more = (*self._more, name)
            setattr(self, name, value)
        return self

    def _maker(self) -> Any:
        maker = self.build_fn if self.model is None else self.model
        if maker is None:
            raise ValueError(
                f"{type(self).__name__} takes model=, a function that returns a compiled model. "
                "Got none."
            )
        return maker

    def _arguments(self) -> list[str]:
        """The names that the model's function takes."""
        maker = self.build_fn if self.model is None else self.model
        callable_maker = callable(maker) and not isinstance(maker, Sequential)
        return list(inspect.signature(maker).parameters) if callable_maker else []

    def _handed(self, to: str) -> dict[str, Any]:
        """The settings that begin with this word and two underlines."""
        start = f"{to}__"
        names = [name for name in self._more if name.startswith(start)]
        return {name.removeprefix(start): getattr(self, name) for name in names}

    def _made(self, meta: dict[str, Any]) -> Sequential:
        maker = self._maker()
        if isinstance(maker, Sequential):
            model = clone_model(maker)
            if maker.is_compiled:
                model.compile(maker.optimizer, maker.loss, metrics=maker.metrics)
        else:
            plain = {n: getattr(self, n) for n in self._more if n in self._arguments()}
            given = {**plain, **self._handed("model")}
            if "meta" in self._arguments():
                given["meta"] = meta
            model = maker(**given)
        if not isinstance(model, Sequential):
            raise TypeError(
                f"{type(self).__name__}'s model returns a Sequential. Got {short(model)}."
            )
        if not model.is_compiled:
            optimizer = self.optimizer
            if handed := self._handed("optimizer"):
                optimizer = type(optimizers.get(optimizer))(**handed)
            model.compile(optimizer, self.loss, metrics=self.metrics)
        return model

    def _fit(self, X: Any, y: Any, meta: dict[str, Any], sample_weight: Any, more: Any) -> Self:
        X = samples(X)
        self.n_features_in_ = X.shape[1]
        if not (self.warm_start and hasattr(self, "model_")):
            with backend.seeded(self.random_state):
                self.model_ = self._made({**meta, "n_features_in_": X.shape[1]})
        settings = {
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "verbose": self.verbose,
            "callbacks": self.callbacks,
            "validation_split": self.validation_split,
            "shuffle": self.shuffle,
            "class_weight": self.class_weight,
            "sample_weight": sample_weight,
        }
        history = self.model_.fit(X, y, **{**settings, **self._handed("fit"), **more})
        self.history_ = history.history
        return self

    def _predicted(self, X: Any) -> Array:
        if not hasattr(self, "model_"):
            exceptions: Any = importlib.import_module("sklearn.exceptions")
            raise exceptions.NotFittedError(
                f"{type(self).__name__} predicts after a fit. Call fit(X, y) first."
            )
        return self.model_.predict(X, batch_size=self.batch_size)


class KerasClassifier(base.ClassifierMixin, _Wrapper):  # type: ignore[misc]
    __doc__ = f"A model that tells classes.\n\n    {_Wrapper.__doc__}"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **more: Any) -> Self:
        """Make the model and train it."""
        y = np.asarray(targets(y))
        self._rows = y.ndim == 2 and y.shape[1] > 1
        if self._rows:
            self.classes_ = np.asarray(range(y.shape[1]))
        else:
            self.classes_, y = np.unique(y.reshape(-1), return_inverse=True)
        meta = {"n_classes_": len(self.classes_), "classes_": self.classes_}
        return self._fit(X, y, meta, sample_weight, more)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (N, K)."""
        return probabilities_of_both(self._predicted(X))

    def predict(self, X: Any) -> Array:
        """Return the class of each sample; rows, where rows were learned."""
        labels = predicted_labels(self._predicted(X))
        if self._rows:
            return one_hot(labels, len(self.classes_))
        classes: Array = self.classes_[labels]
        return classes


class KerasRegressor(base.RegressorMixin, _Wrapper):  # type: ignore[misc]
    __doc__ = f"A model that tells numbers.\n\n    {_Wrapper.__doc__}"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **more: Any) -> Self:
        """Make the model and train it."""
        return self._fit(X, targets(y), {}, sample_weight, more)

    def predict(self, X: Any) -> Array:
        """Return the numbers, (N,) for one a sample."""
        numbers = self._predicted(X)
        return numbers.reshape(len(numbers)) if numbers.shape[1:] == (1,) else numbers
