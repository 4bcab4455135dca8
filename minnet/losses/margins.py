"""Losses that ask for a margin, and one that compares distributions."""

from __future__ import annotations

import numpy as np

from minnet.foundation.checks import Array
from minnet.foundation.registry import register
from minnet.losses.textbook import EPSILON, Loss, over_outputs


class _Margins(Loss):
    """Compares scores with targets of −1 and 1; 0 and 1 mean the same."""

    scores = True
    of_classes = True

    @staticmethod
    def _signs(target: Array) -> Array:
        if target.size and target.min() >= 0 and np.isin(target, (0, 1)).all():
            return 2.0 * target - 1.0  # a uint8 has no −1
        return target

    def _lack(self, prediction: Array, target: Array) -> Array:
        """max(1 − t p, 0): what is missing to the margin."""
        lack = 1.0 - self._signs(target) * prediction
        return np.where(lack.real > 0, lack, 0.0)


@register
class Hinge(_Margins):
    """The support vector machine's loss: L = 1/(N M) Σ max(1 − t p, 0) for targets t of −1 and 1.

    A score p on the right side by 1 or more costs nothing. Targets of 0 and 1 count as −1 and 1, as
    in Keras. Give the last layer activation="tanh", or none.

    ∂L/∂p_nm = −t_nm / (N M) where t_nm p_nm < 1, else 0.

    Source: Cortes and Vapnik (1995), "Support-vector networks".

    Examples
    --------
    >>> Hinge()([[0.5], [2.0]], [1, -1])
    1.75
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        return over_outputs(self._lack(prediction, target))

    def gradient(self, prediction: Array, target: Array) -> Array:
        lacks = self._lack(prediction, target).real > 0
        slope: Array = -self._signs(target) * lacks * (1.0 / prediction.size)
        return slope.astype(prediction.dtype, copy=False)


@register
class SquaredHinge(_Margins):
    """The square of the hinge: L = 1/(N M) Σ max(1 − t p, 0)², without its corner.

    ∂L/∂p_nm = −2 t_nm max(1 − t_nm p_nm, 0) / (N M).

    Examples
    --------
    >>> SquaredHinge()([[0.5], [2.0]], [1, -1])
    4.625
    """

    def per_sample(self, prediction: Array, target: Array) -> Array:
        lack = self._lack(prediction, target)
        return over_outputs(lack * lack)

    def gradient(self, prediction: Array, target: Array) -> Array:
        lack = self._lack(prediction, target)
        slope: Array = -self._signs(target) * lack * (2.0 / prediction.size)
        return slope.astype(prediction.dtype, copy=False)


@register
class CategoricalHinge(Loss):
    """The hinge of K classes: L = 1/N Σ_n max(1 + max_k (1 − t_nk) p_nk − Σ_k t_nk p_nk, 0).

    For one-hot rows t: the score of the right class is to be above every other's by 1.

    ∂L/∂p_nk = 1/N at the largest of the others, −1/N at the right class, and 0 elsewhere; 0 for the
    whole row where the margin is there.

    Examples
    --------
    >>> CategoricalHinge()([[0.5, 0.25], [0.0, 3.0]], [[1, 0], [0, 1]])
    0.375
    """

    of_classes = True

    def per_sample(self, prediction: Array, target: Array) -> Array:
        lack, _ = self._lack_and_largest(prediction, target)
        return np.where(lack.real > 0, lack, 0.0)

    def gradient(self, prediction: Array, target: Array) -> Array:
        lack, largest = self._lack_and_largest(prediction, target)
        rows = np.arange(len(prediction))
        slope = -target.astype(prediction.dtype)
        slope[rows, largest] += 1 - target[rows, largest]
        gradient: Array = slope * (lack.real > 0)[:, None] * (1.0 / len(prediction))
        return gradient

    @staticmethod
    def _lack_and_largest(prediction: Array, target: Array) -> tuple[Array, Array]:
        others = (1 - target) * prediction
        largest = others.real.argmax(axis=1)
        right = (target * prediction).sum(axis=1)
        return 1.0 + others[np.arange(len(others)), largest] - right, largest


@register
class KLDivergence(Loss):
    """How far a distribution p is from the target's, in nats: L = 1/N Σ_n Σ_k t_nk log(t_nk/p_nk).

    The cross-entropy less the target's own entropy, so it has the same gradient with respect to p,
    and is 0 where p = t. Probabilities are kept between 1e-7 and 1, as in Keras.

    ∂L/∂p_nk = −t_nk / p_nk / N.

    Source: Kullback and Leibler (1951), "On information and sufficiency".

    Examples
    --------
    >>> round(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]), 4)
    0.1308
    """

    of_classes = True

    def per_sample(self, prediction: Array, target: Array) -> Array:
        p, t = self._kept(prediction), self._kept(target)
        divergence: Array = (t * np.log(t / p)).sum(axis=1)
        return divergence

    def gradient(self, prediction: Array, target: Array) -> Array:
        inside = (prediction.real > EPSILON) & (prediction.real < 1)
        slope = -self._kept(target) / self._kept(prediction)
        gradient: Array = slope * inside * (1.0 / len(prediction))
        return gradient

    @staticmethod
    def _kept(values: Array) -> Array:
        return np.where(values.real > EPSILON, np.where(values.real < 1, values, 1), EPSILON)
