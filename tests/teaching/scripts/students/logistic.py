import numpy as np

rng = np.random.RandomState(0)
X = rng.randn(50, 3)
y = (X @ np.array([1.0, -2.0, 0.5]) + 0.3 > 0).astype(float)

w = np.zeros(3)
b = 0.0
lr = 0.1
lam = 0.05
m = len(y)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def cost(w, b):
    p = sigmoid(X @ w + b)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + lam / (2 * m) * np.sum(w**2)


def gradient(w, b):
    p = sigmoid(X @ w + b)
    dw = X.T @ (p - y) / m + lam / m * w
    db = np.sum(p - y) / m
    return dw, db


for i in range(1000):
    dw, db = gradient(w, b)
    w = w - lr * dw
    b = b - lr * db
    if i % 100 == 0:
        print(i, cost(w, b))
