import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def one_hot(y, k):
    out = np.zeros((len(y), k))
    out[np.arange(len(y)), y] = 1
    return out


def loss_and_grad(W, b, X, Y, reg):
    N = X.shape[0]
    P = softmax(X.dot(W) + b)
    loss = -np.sum(Y * np.log(P)) / N + reg * np.sum(W * W)
    dZ = (P - Y) / N
    dW = X.T.dot(dZ) + 2 * reg * W
    db = dZ.sum(axis=0)
    return loss, dW, db


def train(X, y, k, lr=0.5, reg=1e-2, epochs=100):
    W = np.zeros((X.shape[1], k))
    b = np.zeros(k)
    Y = one_hot(y, k)
    history = []
    for _ in range(epochs):
        loss, dW, db = loss_and_grad(W, b, X, Y, reg)
        history.append(loss)
        W -= lr * dW
        b -= lr * db
    return W, b, history


X = np.random.default_rng(0).normal(size=(45, 4))
y = np.argmax(X[:, :3], axis=1)
W, b, history = train(X, y, 3)
print(history[-1])
