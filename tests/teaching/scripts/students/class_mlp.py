import numpy as np


class MLP:
    def __init__(self, n_in, n_hidden, n_out, seed=0):
        rng = np.random.default_rng(seed)
        self.W1 = rng.normal(0, 0.5, (n_in, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(0, 0.5, (n_hidden, n_out))
        self.b2 = np.zeros(n_out)

    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        self.z2 = self.a1 @ self.W2 + self.b2
        e = np.exp(self.z2 - self.z2.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, p, y):
        n = len(y)
        return -np.log(p[np.arange(n), y] + 1e-12).mean()

    def backward(self, y):
        n = len(y)
        dz2 = self.p.copy()
        dz2[np.arange(n), y] -= 1
        dz2 /= n
        self.dW2 = self.a1.T @ dz2
        self.db2 = dz2.sum(axis=0)
        da1 = dz2 @ self.W2.T
        dz1 = da1 * (self.z1 > 0)
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)

    def step(self, lr):
        self.W1 -= lr * self.dW1
        self.b1 -= lr * self.db1
        self.W2 -= lr * self.dW2
        self.b2 -= lr * self.db2


def main():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
    net = MLP(4, 8, 3)
    for epoch in range(200):
        for start in range(0, 60, 20):
            xb, yb = X[start : start + 20], y[start : start + 20]
            p = net.forward(xb)
            loss = net.loss(p, yb)
            net.backward(yb)
            net.step(0.1)
        if epoch % 50 == 0:
            print(epoch, loss)


if __name__ == "__main__":
    main()
