import numpy as np


def relu(z):
    return np.maximum(z, 0)


def drelu(z):
    return (z > 0).astype(float)


def init(dims, rng):
    net = {}
    for l in range(1, len(dims)):
        net[f"layer{l}"] = {
            "W": rng.standard_normal((dims[l], dims[l - 1])) * np.sqrt(2 / dims[l - 1]),
            "b": np.zeros((dims[l], 1)),
        }
    return net


def forward(net, X, keep, rng):
    caches, A = [], X
    L = len(net)
    for l in range(1, L + 1):
        layer = net[f"layer{l}"]
        Z = layer["W"] @ A + layer["b"]
        prev = A
        if l < L:
            A = relu(Z)
            D = (rng.random(A.shape) < keep) / keep
            A = A * D
        else:
            A, D = 1 / (1 + np.exp(-Z)), None
        caches.append((prev, Z, D))
    return A, caches


def cost(A, Y, net, lam):
    m = Y.shape[1]
    ce = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return ce + lam / (2 * m) * sum(np.sum(v["W"] ** 2) for v in net.values())


def backward(A, Y, net, caches, lam):
    m = Y.shape[1]
    grads = {}
    dZ = (A - Y) / m
    for l in range(len(net), 0, -1):
        prev, Z, D = caches[l - 1]
        W = net[f"layer{l}"]["W"]
        grads[f"layer{l}"] = {"W": dZ @ prev.T + lam / m * W, "b": dZ.sum(axis=1, keepdims=True)}
        if l > 1:
            _, Zp, Dp = caches[l - 2]
            dZ = W.T @ dZ * Dp * drelu(Zp)
    return grads


def main():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((3, 40))
    Y = (X.sum(axis=0, keepdims=True) > 0).astype(float)
    net = init([3, 6, 5, 1], rng)
    state = {
        k: {p: [np.zeros_like(a), np.zeros_like(a)] for p, a in v.items()} for k, v in net.items()
    }
    for t in range(1, 101):
        A, caches = forward(net, X, 0.8, rng)
        J = cost(A, Y, net, 0.1)
        grads = backward(A, Y, net, caches, 0.1)
        for k in net:
            for p in net[k]:
                m, v = state[k][p]
                m[:] = 0.9 * m + 0.1 * grads[k][p]
                v[:] = 0.999 * v + 0.001 * grads[k][p] ** 2
                net[k][p] -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        if t % 20 == 0:
            print(t, J)


if __name__ == "__main__":
    main()
