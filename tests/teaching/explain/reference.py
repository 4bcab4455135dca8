"""One training step worked out a second time, in other ways, to hold the explanation against.

Forward by each layer's textbook formula; every gradient by complex step through the whole loss, so
no backward formula is used; the update by the optimizers' papers. All in float64.
"""

from __future__ import annotations

import copy
import math

import numpy as np

from minnet.engine.updates import slices_by_layer
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten

H = 1e-30


class Reference:
    """The step that this model is about to make on these data."""

    def __init__(self, model, x, y, weight, rng):
        self.model, self.x = model, np.asarray(x, float)
        self.weight = np.ones(len(self.x)) if weight is None else np.asarray(weight, float)
        self.target = np.asarray(y)
        self.steps = model.steps
        self.owners = [layer for layer in model.layers for _ in layer.steps()]
        self.masks = {}
        self.params = {k: a.astype(complex) for k, a in model.named_arrays().items()}
        self.rng = copy.deepcopy(rng)
        self.loss, self.outputs = self.run(self.params)
        self.loss = self.loss.real

    # --- forward ----------------------------------------------------------------------------------

    def run(self, params, nudge=None):
        """L and every step's output, with `nudge = (step, index)` moved by ih."""
        x, outputs = self.x.astype(complex), []
        for i, (step, owner) in enumerate(zip(self.steps, self.owners, strict=True)):
            x = self.through(i, step, owner, x, params)
            if nudge is not None and nudge[0] == i:
                x = x.copy()
                x[nudge[1]] += 1j * H
            outputs.append(x)
        losses = self.per_sample(outputs)
        self.losses = losses.real
        total = (self.weight * losses).sum() / len(losses)
        return total + self.penalty(params), outputs

    def through(self, i, step, owner, x, params):
        def param(name):
            return params[f"{owner.name}.{name}"]

        if isinstance(step, Dense):
            y = np.einsum("ni,ij->nj", x, param("W"))
            return y + param("b") if step.use_bias else y
        if isinstance(step, BatchNormalization):
            if owner.trainable:
                mean = x.sum(axis=0) / len(x)
                variance = ((x - mean) ** 2).sum(axis=0) / len(x)
            else:
                mean, variance = param("moving_mean"), param("moving_variance")
            return param("gamma") * (x - mean) / np.sqrt(variance + step.epsilon) + param("beta")
        if isinstance(step, Dropout):
            if not owner.trainable:
                return x
            if i not in self.masks:
                self.masks[i] = self.rng.random(x.shape, dtype=np.float32) >= step.rate
            return np.where(self.masks[i], x / (1 - step.rate), 0)
        if isinstance(step, Flatten):
            return x.reshape(len(x), -1)
        return CURVES[type(step).__name__](step, x)

    def per_sample(self, outputs):
        p, t = outputs[-1], self.target
        kind = type(self.model.loss).__name__
        if kind == "CrossEntropy":
            rows = np.eye(p.shape[1])[t.ravel()] if t.size == len(p) else t
            return -(rows * np.log(p)).sum(axis=1)
        t = t.reshape(p.shape)
        if kind == "BinaryCrossEntropy":
            return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
        if kind == "MeanSquaredError":
            return ((p - t) ** 2).mean(axis=1)
        return np.where(p.real > t, p - t, t - p).mean(axis=1)

    def penalty(self, params):
        return sum(
            layer.kernel_regularizer.l2 * (params[f"{layer.name}.W"] ** 2).sum()
            for layer in self.model.layers
            if isinstance(layer, Dense) and layer.kernel_regularizer and layer.trainable
        )

    # --- backward ---------------------------------------------------------------------------------

    def output_gradient(self, i):
        """∂L/∂y of step i."""
        gradient = np.empty(self.outputs[i].shape)
        for index in np.ndindex(gradient.shape):
            gradient[index] = self.run(self.params, (i, index))[0].imag / H
        return gradient

    def weight_gradient(self, key):
        """∂L/∂ of a weight, penalties included."""
        gradient = np.empty(self.params[key].shape)
        for index in np.ndindex(gradient.shape):
            moved = {**self.params, key: self.params[key].copy()}
            moved[key][index] += 1j * H
            gradient[index] = self.run(moved)[0].imag / H
        return gradient

    def slope(self, i):
        """∂y/∂x of step i, entry by entry."""
        x = self.x if i == 0 else self.outputs[i - 1].real
        y = self.through(i, self.steps[i], self.owners[i], x + 1j * H, self.params)
        return y.imag / H

    # --- update -----------------------------------------------------------------------------------

    def update(self, gradients):
        """Weight → (g as clipped, old slots, new slots, new value), by the papers' formulas."""
        optimizer, updates = self.model.optimizer, self.model.updates
        size = math.sqrt(sum((g**2).sum() for g in gradients.values()))
        scale = 1.0
        if optimizer.global_clipnorm is not None and size > optimizer.global_clipnorm:
            scale = optimizer.global_clipnorm / size
        self.norm, slices, updated = size, slices_by_layer(self.model.layers), {}
        for layer in self.model.layers:
            start = slices[layer.name].start if layer.parameters else 0
            for name in layer.parameters:
                key = f"{layer.name}.{name}"
                theta = self.params[key].real.copy()
                span = slice(start, start + theta.size)
                start += theta.size
                if not layer.trainable:
                    continue
                t = updates.counts.get(layer.name, 0) + 1
                old = {
                    slot: updates.slots[slot][span].reshape(theta.shape).copy()
                    if slot in updates.slots
                    else np.full(theta.shape, optimizer.initial(slot))
                    for slot in optimizer.slots
                }
                g = gradients[key] * scale
                eta = optimizer.rate(updates.iterations)
                theta -= eta * optimizer.weight_decay * theta
                new, theta = STEPS[type(optimizer).__name__](optimizer, theta, g, old, t, eta)
                updated[key] = (g, old, new, theta)
        return updated


def _gelu(step, x):
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return x * (1 + np.tanh(u)) / 2


CURVES = {
    "ReLU": lambda step, x: np.where(x.real > 0, x, 0),
    "LeakyReLU": lambda step, x: np.where(x.real > 0, x, step.negative_slope * x),
    "ELU": lambda step, x: np.where(x.real > 0, x, step.alpha * (np.exp(x) - 1)),
    "Softplus": lambda step, x: np.log(1 + np.exp(x)),
    "GELU": _gelu,
    "Sigmoid": lambda step, x: np.exp(x) / (1 + np.exp(x)),
    "Tanh": lambda step, x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1),
    "Softmax": lambda step, x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
    "Linear": lambda step, x: x,
    "SELU": lambda step, x: (
        1.0507009873554805 * np.where(x.real > 0, x, 1.6732632423543772 * (np.exp(x) - 1))
    ),
    "SiLU": lambda step, x: x * np.exp(x) / (1 + np.exp(x)),
    "Mish": lambda step, x: x * np.tanh(np.log(1 + np.exp(x))),
    "ReLU6": lambda step, x: np.where(x.real > 0, np.where(x.real < 6, x, 6), 0),
    "HardSigmoid": lambda step, x: np.where(x.real > -3, np.where(x.real < 3, x / 6 + 0.5, 1), 0),
    "HardSiLU": lambda step, x: x * CURVES["HardSigmoid"](step, x),
    "Softsign": lambda step, x: np.where(x.real > 0, x / (1 + x), x / (1 - x)),
}


def _sgd(o, theta, g, old, t, eta):
    if not o.momentum:
        return {}, theta - eta * g
    v = o.momentum * old["v"] - eta * g
    return {"v": v}, theta + (o.momentum * v - eta * g if o.nesterov else v)


def _rmsprop(o, theta, g, old, t, eta):
    new = {"s": o.rho * old["s"] + (1 - o.rho) * g**2}
    variance = new["s"]
    if o.centered:
        new["m"] = o.rho * old["m"] + (1 - o.rho) * g
        variance = np.maximum(variance - new["m"] ** 2, 0)
    step = eta * g / np.sqrt(variance + o.epsilon)
    if o.momentum:
        step = new["v"] = o.momentum * old["v"] + step
    return new, theta - step


def _adagrad(o, theta, g, old, t, eta):
    s = old["s"] + g**2
    return {"s": s}, theta - eta * g / np.sqrt(s + o.epsilon)


def _adam(o, theta, g, old, t, eta):
    m = o.beta_1 * old["m"] + (1 - o.beta_1) * g
    v = o.beta_2 * old["v"] + (1 - o.beta_2) * g**2
    m_hat, v_hat = m / (1 - o.beta_1**t), v / (1 - o.beta_2**t)
    return {"m": m, "v": v}, theta - eta * m_hat / (np.sqrt(v_hat) + o.epsilon)


def _adadelta(o, theta, g, old, t, eta):
    s = o.rho * old["s"] + (1 - o.rho) * g**2
    delta = np.sqrt(old["d"] + o.epsilon) / np.sqrt(s + o.epsilon) * g
    return {"s": s, "d": o.rho * old["d"] + (1 - o.rho) * delta**2}, theta - eta * delta


def _adamax(o, theta, g, old, t, eta):
    m = o.beta_1 * old["m"] + (1 - o.beta_1) * g
    u = np.maximum(o.beta_2 * old["u"], np.abs(g))
    return {"m": m, "u": u}, theta - eta / (1 - o.beta_1**t) * m / (u + o.epsilon)


def _nadam(o, theta, g, old, t, eta):
    m = o.beta_1 * old["m"] + (1 - o.beta_1) * g
    v = o.beta_2 * old["v"] + (1 - o.beta_2) * g**2
    mu = [o.beta_1 * (1 - 0.96**i / 2) for i in range(1, t + 2)]
    m_hat = mu[t] * m / (1 - math.prod(mu)) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
    step = eta * m_hat / (np.sqrt(v / (1 - o.beta_2**t)) + o.epsilon)
    return {"m": m, "v": v}, theta - step


STEPS = {"Adadelta": _adadelta, "Adamax": _adamax, "Nadam": _nadam}
STEPS |= {"SGD": _sgd, "RMSprop": _rmsprop, "Adagrad": _adagrad, "Adam": _adam, "AdamW": _adam}
