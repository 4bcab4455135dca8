import numpy as np


def forward(X, params, keep_prob):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = np.maximum(Z1, 0)
    D1 = (np.random.rand(*A1.shape) < keep_prob).astype(float)
    A1 = A1 * D1 / keep_prob
    Z2 = A1 @ params["W2"] + params["b2"]
    expZ = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    probs = expZ / expZ.sum(axis=1, keepdims=True)
    return probs, (Z1, D1, A1)


def cost_fn(probs, Y, params, lambd):
    m = len(Y)
    cross_entropy = -np.sum(Y * np.log(probs + 1e-15)) / m
    l2 = lambd / (2 * m) * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    return cross_entropy + l2


def backward(X, Y, probs, cache, params, lambd, keep_prob):
    m = len(Y)
    Z1, D1, A1 = cache
    grads = {}
    dZ2 = (probs - Y) / m
    grads["W2"] = A1.T @ dZ2 + lambd / m * params["W2"]
    grads["b2"] = dZ2.sum(axis=0)
    dA1 = dZ2 @ params["W2"].T
    dA1 = dA1 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    grads["W1"] = X.T @ dZ1 + lambd / m * params["W1"]
    grads["b1"] = dZ1.sum(axis=0)
    return grads


rng = np.random.default_rng(0)
X = rng.normal(size=(36, 5))
Y = np.eye(3)[rng.integers(0, 3, 36)]
params = {
    "W1": rng.normal(size=(5, 8)) * 0.4,
    "b1": np.zeros(8),
    "W2": rng.normal(size=(8, 3)) * 0.4,
    "b2": np.zeros(3),
}
for it in range(100):
    probs, cache = forward(X, params, 0.8)
    J = cost_fn(probs, Y, params, 0.7)
    grads = backward(X, Y, probs, cache, params, 0.7, 0.8)
    for key in params:
        params[key] = params[key] - 0.1 * grads[key]
    if it % 20 == 0:
        print("cost", J)
