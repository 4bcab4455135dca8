"""The same functions without a program around them: nothing is run when the file is read."""

import numpy as np


def relu(Z):
    return np.maximum(0, Z)


def initialize_parameters_deep(layer_dims):
    parameters = {}
    L = len(layer_dims)
    for l in range(1, L):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.5
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters


def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A_prev = A
        Z = parameters["W" + str(l)] @ A_prev + parameters["b" + str(l)]
        A = relu(Z)
        caches.append((A_prev, parameters["W" + str(l)], Z))
    Z = parameters["W" + str(L)] @ A + parameters["b" + str(L)]
    AL = 1 / (1 + np.exp(-Z))
    caches.append((A, parameters["W" + str(L)], Z))
    return AL, caches


def compute_cost(AL, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m


def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    m = AL.shape[1]
    dZ = AL - Y
    for l in reversed(range(L)):
        A_prev, W, Z = caches[l]
        grads["dW" + str(l + 1)] = 1 / m * dZ @ A_prev.T
        grads["db" + str(l + 1)] = 1 / m * np.sum(dZ, axis=1, keepdims=True)
        if l > 0:
            dA = W.T @ dZ
            dZ = dA * (caches[l - 1][2] > 0)
    return grads
