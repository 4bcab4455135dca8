"""Only functions: two costs and their gradients, as they are handed to an optimizer."""

import numpy as np


def hypothesis(theta, X):
    return X @ theta


def compute_cost(theta, X, y):
    m = len(y)
    return np.sum((hypothesis(theta, X) - y) ** 2) / (2 * m)


def compute_gradient(theta, X, y):
    m = len(y)
    return X.T @ (hypothesis(theta, X) - y) / m


def svm_loss(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y][:, np.newaxis]
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(num_train), y] = 0
    loss = np.sum(margins) / num_train + reg * np.sum(W * W)
    binary = (margins > 0).astype(float)
    binary[np.arange(num_train), y] = -binary.sum(axis=1)
    dW = X.T.dot(binary) / num_train + 2 * reg * W
    return loss, dW
