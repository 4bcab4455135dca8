"""Weights as a list of pairs, batches from a generator, and a gradient for each pair."""

import numpy as np


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def outputs(layers, x):
    values = [x]
    for i, (W, b) in enumerate(layers):
        z = values[-1] @ W + b
        values.append(z if i == len(layers) - 1 else np.tanh(z))
    return values


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(layers, x, y):
    return -np.mean(np.log(softmax(outputs(layers, x)[-1])[np.arange(len(y)), y]))


def gradients(layers, x, y):
    values = outputs(layers, x)
    delta = softmax(values[-1])
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    grads = []
    for i in reversed(range(len(layers))):
        grads.insert(0, (values[i].T @ delta, delta.sum(axis=0)))
        if i:
            delta = (delta @ layers[i][0].T) * (1 - values[i] ** 2)
    return grads


rng = np.random.default_rng(2)
x = rng.normal(size=(90, 3))
y = (x[:, 0] > 0).astype(int) + (x[:, 1] > x[:, 2])
sizes = [3, 6, 5, 3]
layers = [(rng.normal(size=s) / 2, np.zeros(s[1])) for s in zip(sizes, sizes[1:])]
for epoch in range(20):
    for xb, yb in batches(x, y, 15, rng):
        grads = gradients(layers, xb, yb)
        layers = [(W - 0.3 * dW, b - 0.3 * db) for (W, b), (dW, db) in zip(layers, grads)]
    print(epoch, cross_entropy(layers, x, y))
