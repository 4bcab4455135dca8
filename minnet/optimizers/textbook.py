"""The optimizers that every book has, one formula after another.

Libraries differ in four places, and each docstring says where minnet stands:

- The epsilon of RMSprop and Adagrad is inside the root, as in Keras and optax (PyTorch: beside it);
  Adam's is beside √v̂, as in the paper, PyTorch and optax, or beside √v, as in Keras.
- The velocity of SGD and RMSprop includes the learning rate, as in Keras (in PyTorch, and in
  optax's SGD, it does not).
- Weight decay is decoupled in every optimizer, as in Keras, and in PyTorch's and optax's AdamW
  (PyTorch's other optimizers add λ θ to the gradient, which is an L2 penalty).
- Adagrad's sum starts at 0.1, as in Keras and optax (PyTorch: 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from minnet.foundation.checks import Array, boolean, choice, number
from minnet.foundation.registry import Config, register
from minnet.foundation.strict import setting
from minnet.optimizers.base import LearningRate, Optimizer, OptimizerArguments


@register
class SGD(Optimizer):
    """Gradient descent, θ ← θ − η g, plain or with momentum.

    With momentum μ (Polyak, 1964) there is a velocity, which includes the learning rate::

        v ← μ v − η g        θ ← θ + v

    and in Nesterov's (1983) form, as Sutskever et al. (2013) wrote it, θ ← θ + μ v − η g with the v
    just made. These are Keras' formulas. PyTorch and optax keep the rate out of the velocity
    (v ← μ v + g, θ ← θ − η v): the same steps while η stays as it is, but there a changed rate acts
    on the whole velocity at once.

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.01.
    momentum
        μ, from 0 to below 1.
    nesterov
        Whether to look ahead; without momentum there is nothing ahead, and this is plain SGD.
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, grad = np.array([1.0]), np.array([2.0])
    >>> SGD(0.1).update(theta, grad, (), 1, 0.1, np.empty(1))
    >>> theta
    array([0.8])
    """

    momentum: float = setting(number, minimum=0.0, below=1.0)
    nesterov: bool = setting(boolean)

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = ("v",) if self.momentum else ()

    def _follows(self, name: str, value: Any) -> bool:
        return name == "momentum" and bool(value) != bool(self.momentum)  # the slots

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        np.multiply(grad, learning_rate, out=scratch)  # η g
        if not slots:
            theta -= scratch  # θ − η g
            return
        (v,) = slots
        v *= self.momentum  # μ v
        v -= scratch  # v ← μ v − η g
        if self.nesterov:
            theta -= scratch  # θ − η g
            np.multiply(v, self.momentum, out=scratch)  # μ v, of the new v
            theta += scratch  # θ ← θ + μ v − η g
        else:
            theta += v  # θ ← θ + v


@register
class RMSprop(Optimizer):
    """Steps divided by the running root mean square of the gradient (Hinton, 2012, lecture 6e).

    ::

        s ← ρ s + (1 − ρ) g²        θ ← θ − η g / √(s + ε)

    With momentum the step goes by way of a velocity: v ← μ v + η g / √(s + ε), θ ← θ − v. Centered
    (Graves, 2013), the variance takes the place of the mean square: √(s − m² + ε) with the running
    mean m ← ρ m + (1 − ρ) g; where rounding makes the difference negative, it counts as 0.

    Keras' formulas. PyTorch puts ε beside the root and keeps η out of the velocity; optax has ε
    inside the root.

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.001 (PyTorch: 0.01).
    rho
        ρ, from 0 to below 1. Hinton's and Keras' default: 0.9 (PyTorch calls it alpha, 0.99).
    momentum
        μ, from 0 to below 1.
    epsilon
        ε, above 0: Keras' 1e-7.
    centered
        Whether the mean is subtracted.
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, s = np.zeros(2), np.zeros(2)
    >>> RMSprop(rho=0.75).update(theta, np.array([3.0, -0.5]), (s,), 1, 0.1, np.empty(2))
    >>> theta.round(4), s  # the first step is η / √(1 − ρ), whatever the size of g
    (array([-0.2,  0.2]), array([2.25  , 0.0625]))
    """

    rho: float = setting(number, minimum=0.0, below=1.0)
    momentum: float = setting(number, minimum=0.0, below=1.0)
    epsilon: float = setting(number, above=0.0)
    centered: bool = setting(boolean)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.slots = (
            "s",
            *(("m",) if self.centered else ()),
            *(("v",) if self.momentum else ()),
        )

    def _follows(self, name: str, value: Any) -> bool:
        return name in ("momentum", "centered") and bool(value) != bool(getattr(self, name))

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        s, *rest = slots
        s *= self.rho  # ρ s
        np.square(grad, out=scratch)  # g²
        scratch *= 1.0 - self.rho  # (1 − ρ) g²
        s += scratch  # s ← ρ s + (1 − ρ) g²
        if self.centered:
            m = rest[0]
            m *= self.rho  # ρ m
            np.multiply(grad, 1.0 - self.rho, out=scratch)  # (1 − ρ) g
            m += scratch  # m ← ρ m + (1 − ρ) g
            np.square(m, out=scratch)  # m²
            np.subtract(s, scratch, out=scratch)  # s − m²
            np.maximum(scratch, 0.0, out=scratch)  # rounding can make it negative
            scratch += self.epsilon  # s − m² + ε
        else:
            np.add(s, self.epsilon, out=scratch)  # s + ε
        np.sqrt(scratch, out=scratch)  # √(s + ε)
        np.divide(grad, scratch, out=scratch)  # g / √(s + ε)
        scratch *= learning_rate  # η g / √(s + ε)
        if self.momentum:
            v = rest[-1]
            v *= self.momentum  # μ v
            v += scratch  # v ← μ v + η g / √(s + ε)
            theta -= v  # θ ← θ − v
        else:
            theta -= scratch  # θ ← θ − η g / √(s + ε)


@register
class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (Duchi et al., 2011).

    ::

        s ← s + g²        θ ← θ − η g / √(s + ε)

    s starts at 0.1 and ε stands inside the root, both as in Keras and optax (PyTorch: 0, and beside
    the root).

    Parameters
    ----------
    learning_rate
        η. Keras' default: 0.001 (the paper's experiments, and PyTorch, use 0.01).
    initial_accumulator_value
        What s starts at, 0 or more.
    epsilon
        ε, above 0. Keras' default: 1e-7.
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, s = np.zeros(1), np.full(1, 7.0)
    >>> Adagrad().update(theta, np.array([3.0]), (s,), 1, 0.1, np.empty(1))
    >>> theta.round(6), s  # −0.1 · 3 / √(7 + 3²)
    (array([-0.075]), array([16.]))
    """

    slots = ("s",)

    initial_accumulator_value: float = setting(number, minimum=0.0)
    epsilon: float = setting(number, above=0.0)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value

    def update(
        self,
        theta: Array,
        grad: Array,
        slots: tuple[Array, ...],
        t: int,
        learning_rate: float,
        scratch: Array,
    ) -> None:
        (s,) = slots
        np.square(grad, out=scratch)  # g²
        s += scratch  # s ← s + g²
        np.add(s, self.epsilon, out=scratch)  # s + ε
        np.sqrt(scratch, out=scratch)  # √(s + ε)
        np.divide(grad, scratch, out=scratch)  # g / √(s + ε)
        scratch *= learning_rate  # η g / √(s + ε)
        theta -= scratch  # θ ← θ − η g / √(s + ε)


@register
class Adam(Optimizer):
    """Steps along a running mean of the gradient, divided by the root of that of its square.

    Kingma and Ba (2015), algorithm 1::

        m ← β₁ m + (1 − β₁) g          m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²         v̂ = v / (1 − β₂ᵗ)
        θ ← θ − η m̂ / (√v̂ + ε)

    ε stands beside √v̂, as in the paper's algorithm, PyTorch and optax. At the end of its section 2
    the paper has a second form, which TensorFlow and Keras took over, with ε̂ for it::

        θ ← θ − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε̂)

    Since √v̂ = √v / √(1 − β₂ᵗ), it is the first with ε = ε̂ / √(1 − β₂ᵗ): larger in the first
    updates, 32-fold at t = 1, and in the end the same. `epsilon_beside="v"` chooses that form.
    In the code numerator and denominator of the first are both multiplied by √(1 − β₂ᵗ), which
    spares a pass over the numbers, and g by √(1 − β₂) before it is squared, so that large ones
    overflow later.

    Parameters
    ----------
    learning_rate
        η. The paper's default: 0.001.
    beta_1, beta_2
        β₁ and β₂, from 0 to below 1: the paper's 0.9 and 0.999.
    epsilon
        ε, above 0: the paper's 1e-8.
    epsilon_beside
        "v_hat", beside √v̂, or "v": the second form, Keras', where 1e-7 is usual.
    weight_decay, global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta, m, v = np.zeros(2), np.zeros(2), np.zeros(2)
    >>> Adam().update(theta, np.array([3.0, -0.01]), (m, v), 1, 0.001, np.empty(2))
    >>> theta.round(6)  # the first step is η in the direction of −sign(g)
    array([-0.001,  0.001])
    """

    slots = ("m", "v")

    beta_1: float = setting(number, minimum=0.0, below=1.0)
    beta_2: float = setting(number, minimum=0.0, below=1.0)
    epsilon: float = setting(number, above=0.0)
    epsilon_beside: str = setting(choice, names=("v_hat", "v"))

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        epsilon_beside: str = "v_hat",
        **common: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.epsilon_beside = epsilon_beside

    def get_config(self) -> Config:
        """Leave out the paper's own form: most files have it."""
        config = super().get_config()
        usual = self.epsilon_beside == "v_hat"
        return {n: value for n, value in config.items() if n != "epsilon_beside" or not usual}

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
        first, second = 1.0 - self.beta_1**t, 1.0 - self.beta_2**t  # m̂ = m / first, v̂ = v / second
        m *= self.beta_1  # β₁ m
        np.multiply(grad, 1.0 - self.beta_1, out=scratch)  # (1 − β₁) g
        m += scratch  # m ← β₁ m + (1 − β₁) g
        v *= self.beta_2  # β₂ v
        np.multiply(grad, math.sqrt(1.0 - self.beta_2), out=scratch)  # √(1 − β₂) g
        np.square(scratch, out=scratch)  # (1 − β₂) g²
        v += scratch  # v ← β₂ v + (1 − β₂) g²
        np.sqrt(v, out=scratch)  # √v
        if self.epsilon_beside == "v_hat":
            scratch += self.epsilon * math.sqrt(second)  # (√v̂ + ε) √(1 − β₂ᵗ)
        else:
            scratch += self.epsilon  # √v + ε̂
        np.divide(m, scratch, out=scratch)  # m / ((√v̂ + ε) √(1 − β₂ᵗ))
        scratch *= learning_rate * math.sqrt(second) / first  # η m̂ / (√v̂ + ε)
        theta -= scratch  # θ ← θ − η m̂ / (√v̂ + ε)


@register
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    The same as `Adam(weight_decay=…)`: θ ← θ − η λ θ, then Adam's update. All parameters decay,
    biases too, as in Keras, PyTorch and optax, but not what `exclude_from_weight_decay` names.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, epsilon_beside
    global_clipnorm, clipnorm, clipvalue, excluded_from_weight_decay
        See `Adam`.
    weight_decay
        λ, 0 or more. Keras' default: 0.004 (PyTorch: 0.01, optax: 1e-4).

    Examples
    --------
    >>> AdamW(1e-3).weight_decay, Adam(1e-3).weight_decay
    (0.004, 0.0)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        epsilon_beside: str = "v_hat",
        weight_decay: float = 0.004,
        global_clipnorm: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        excluded_from_weight_decay: Sequence[str] = (),
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            epsilon_beside=epsilon_beside,
            weight_decay=weight_decay,
            global_clipnorm=global_clipnorm,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            excluded_from_weight_decay=excluded_from_weight_decay,
        )
