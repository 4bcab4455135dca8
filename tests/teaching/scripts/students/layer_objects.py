import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2 / n_in)
        self.b = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = np.sum(grad, axis=0, keepdims=True)
        return grad @ self.W.T


class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, grad):
        return grad * self.y * (1 - self.y)


class MSE:
    def forward(self, pred, target):
        self.diff = pred - target
        return np.mean(self.diff**2)

    def backward(self):
        return 2 * self.diff / self.diff.size


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


np.random.seed(42)
X = np.random.randn(32, 3)
T = X[:, :2] ** 2
net = Sequential(Linear(3, 7), Sigmoid(), Linear(7, 2))
criterion = MSE()
for step in range(500):
    out = net.forward(X)
    loss = criterion.forward(out, T)
    net.backward(criterion.backward())
    for layer in net.layers:
        if hasattr(layer, "W"):
            layer.W -= 0.1 * layer.dW
            layer.b -= 0.1 * layer.db
    if step % 100 == 0:
        print(f"step {step}: {loss:.4f}")
