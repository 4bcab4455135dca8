"""Adadelta, and Adam with another norm (Adamax) or with a look ahead (Nadam)."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Unpack

import numpy as np

from minnet.foundation.checks import Array, number
from minnet.foundation.registry import register
from minnet.foundation.strict import setting
from minnet.optimizers.base import LearningRate, Optimizer, OptimizerArguments


@register
class Adadelta(Optimizer):
    """Steps in the units of the weights: past steps divided by past gradients (Zeiler, 2012).

    ::

        s ← ρ s + (1 − ρ) g²        Δ = √(d + ε) / √(s + ε) · g
        θ ← θ − η Δ                 d ← ρ d + (1 − ρ) Δ²

    So the size of a step follows from the steps before. The paper has no learning rate, which is
    η = 1; Keras has one, with 0.001 as its default, that is far too small for most problems.

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.001 (the paper and PyTorch: 1).
    rho
        ρ, from 0 to below 1. Keras' and the paper's default: 0.95 (PyTorch: 0.9).
    epsilon
        ε, above 0. Keras' default: 1e-7 (the paper and PyTorch: 1e-6).
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, s, d = np.zeros(1), np.zeros(1), np.zeros(1)
    >>> Adadelta(rho=0.75).update(theta, np.array([3.0]), (s, d), 1, 1.0, np.empty(1))
    >>> theta.round(6), s  # −√1e-7 / √2.25 · 3
    (array([-0.000632]), array([2.25]))
    """

    slots = ("s", "d")

    rho: float = setting(number, minimum=0.0, below=1.0)
    epsilon: float = setting(number, above=0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho, self.epsilon = rho, epsilon

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        s, d = slots
        s *= self.rho  # ρ s
        np.square(grad, out=scratch)  # g²
        scratch *= 1.0 - self.rho  # (1 − ρ) g²
        s += scratch  # s ← ρ s + (1 − ρ) g²
        step = np.add(d, self.epsilon)  # d + ε
        np.add(s, self.epsilon, out=scratch)  # s + ε
        step /= scratch  # (d + ε) / (s + ε)
        np.sqrt(step, out=step)  # √(d + ε) / √(s + ε)
        step *= grad  # Δ
        d *= self.rho  # ρ d
        np.square(step, out=scratch)  # Δ²
        scratch *= 1.0 - self.rho  # (1 − ρ) Δ²
        d += scratch  # d ← ρ d + (1 − ρ) Δ²
        step *= learning_rate  # η Δ
        theta -= step  # θ ← θ − η Δ


@register
class Adamax(Optimizer):
    """Adam with the largest gradient in the place of the root mean square (Kingma and Ba, 2015).

    Algorithm 2::

        m ← β₁ m + (1 − β₁) g       u ← max(β₂ u, |g|)
        θ ← θ − η / (1 − β₁ᵗ) · m / (u + ε)

    u is the infinity norm of the past gradients, each faded by β₂; it starts at 0 and needs no
    correction. The paper has no ε, which keeps a gradient that was always 0 from 0/0.

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.001 (the paper and PyTorch: 0.002).
    beta_1, beta_2
        β₁ and β₂, from 0 to below 1: the paper's 0.9 and 0.999.
    epsilon
        ε, above 0. Keras' default: 1e-7 (PyTorch: 1e-8, inside the maximum).
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, m, u = np.zeros(2), np.zeros(2), np.zeros(2)
    >>> Adamax().update(theta, np.array([3.0, -0.01]), (m, u), 1, 0.001, np.empty(2))
    >>> theta.round(6), u  # the first step is η in the direction of −sign(g)
    (array([-0.001,  0.001]), array([3.  , 0.01]))
    """

    slots = ("m", "u")

    beta_1: float = setting(number, minimum=0.0, below=1.0)
    beta_2: float = setting(number, minimum=0.0, below=1.0)
    epsilon: float = setting(number, above=0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        m, u = slots
        m *= self.beta_1  # β₁ m
        np.multiply(grad, 1.0 - self.beta_1, out=scratch)  # (1 − β₁) g
        m += scratch  # m ← β₁ m + (1 − β₁) g
        u *= self.beta_2  # β₂ u
        np.abs(grad, out=scratch)  # |g|
        np.maximum(u, scratch, out=u)  # u ← max(β₂ u, |g|)
        np.add(u, self.epsilon, out=scratch)  # u + ε
        np.divide(m, scratch, out=scratch)  # m / (u + ε)
        scratch *= learning_rate / (1.0 - self.beta_1**t)
        theta -= scratch  # θ ← θ − η / (1 − β₁ᵗ) · m / (u + ε)


@register
class Nadam(Optimizer):
    """Adam with Nesterov's look ahead, and a momentum that warms up (Dozat, 2016).

    ::

        μ_t = β₁ (1 − ½ · 0.96ᵗ)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = μ_{t+1} m / (1 − Π_{i ≤ t+1} μ_i) + (1 − μ_t) g / (1 − Π_{i ≤ t} μ_i)
        v̂ = v / (1 − β₂ᵗ)
        θ ← θ − η m̂ / (√v̂ + ε)

    The step uses the momentum of the next update and the gradient of this one, as Nesterov's form
    of SGD does. These are Keras' formulas; m fades with β₁ itself where Dozat has μ_t there and in
    the factor of g (PyTorch: m with β₁, too, and 0.004 in the exponent of 0.96).

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.001 (PyTorch: 0.002).
    beta_1, beta_2
        β₁ and β₂, from 0 to below 1. Keras' defaults: 0.9 and 0.999. β₁ is set once: Π μ_i is a
        product over all updates.
    epsilon
        ε, above 0, beside √v̂. Keras' default: 1e-7 (Dozat and PyTorch: 1e-8).
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, m, v = np.zeros(1), np.zeros(1), np.zeros(1)
    >>> Nadam().update(theta, np.array([2.0]), (m, v), 1, 0.1, np.empty(1))
    >>> theta.round(4), m, v
    (array([-0.1063]), array([0.2]), array([0.004]))
    """

    slots = ("m", "v")

    beta_1: float = setting(number, minimum=0.0, below=1.0)
    beta_2: float = setting(number, minimum=0.0, below=1.0)
    epsilon: float = setting(number, above=0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _follows(self, name: str, value: Any) -> bool:
        """The product of all μ until now is that of one β₁."""
        return name == "beta_1" and value != self.beta_1

    def weights_of_the_mean(self, t: int) -> tuple[float, float]:
        """Return the factors of m and of g in m̂."""
        now, ahead = (self.beta_1 * (1.0 - 0.5 * 0.96**i) for i in (t, t + 1))
        product = self.beta_1**t * warmed(t)  # Π_{i ≤ t} μ_i
        return ahead / (1.0 - product * ahead), (1.0 - now) / (1.0 - product)

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        m, v = slots
        of_m, of_g = self.weights_of_the_mean(t)
        m *= self.beta_1  # β₁ m
        np.multiply(grad, 1.0 - self.beta_1, out=scratch)  # (1 − β₁) g
        m += scratch  # m ← β₁ m + (1 − β₁) g
        v *= self.beta_2  # β₂ v
        np.square(grad, out=scratch)  # g²
        scratch *= 1.0 - self.beta_2  # (1 − β₂) g²
        v += scratch  # v ← β₂ v + (1 − β₂) g²
        mean = grad * of_g  # the part of g in m̂
        np.multiply(m, of_m, out=scratch)  # the part of m in m̂
        mean += scratch  # m̂
        np.multiply(v, 1.0 / (1.0 - self.beta_2**t), out=scratch)  # v̂
        np.sqrt(scratch, out=scratch)  # √v̂
        scratch += self.epsilon  # √v̂ + ε
        mean /= scratch  # m̂ / (√v̂ + ε)
        mean *= learning_rate  # η m̂ / (√v̂ + ε)
        theta -= mean  # θ ← θ − η m̂ / (√v̂ + ε)


LAST_WARMED = 1000
"""From here on 1 − ½ · 0.96ⁱ is 1 to the last bit of a float64."""


def warmed(t: int) -> float:
    """Return Π (1 − ½ · 0.96ⁱ) for i from 1 to t."""
    return _warmed_products()[min(t, LAST_WARMED)]


@functools.cache
def _warmed_products() -> tuple[float, ...]:
    factors = (1.0 - 0.5 * 0.96**i for i in range(1, LAST_WARMED + 1))
    return tuple(itertools.accumulate(factors, lambda a, b: a * b, initial=1.0))
