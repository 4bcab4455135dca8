import numpy as np

np.random.seed(7)
X = np.random.randn(80, 5)
true_w = np.array([1.0, -1.0, 2.0, 0.0, 0.5])
y = X.dot(true_w) + 0.1 * np.random.randn(80)
w = np.random.randn(5) * 0.1
velocity = np.zeros(5)
alpha = 0.05
mu = 0.9
batch = 16
for epoch in range(20):
    order = np.random.permutation(80)
    for k in range(0, 80, batch):
        idx = order[k : k + batch]
        xb, yb = X[idx], y[idx]
        err = xb.dot(w) - yb
        loss = np.mean(err**2)
        grad = 2 * xb.T.dot(err) / len(yb)
        velocity = mu * velocity - alpha * grad
        w = w + velocity
print(w, loss)
