import numpy as np

np.random.seed(0)
X = np.random.randn(64, 3)
Y = np.sin(X.sum(axis=1, keepdims=True))
W1 = np.random.randn(3, 6) * 0.5
b1 = np.zeros((1, 6))
W2 = np.random.randn(6, 1) * 0.5
b2 = np.zeros((1, 1))
params = [W1, b1, W2, b2]
m = [np.zeros_like(p) for p in params]
v = [np.zeros_like(p) for p in params]
lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-8
for t in range(1, 301):
    H = np.tanh(X @ W1 + b1)
    P = H @ W2 + b2
    loss = np.mean((P - Y) ** 2)
    dP = 2 * (P - Y) / len(X)
    dW2 = H.T @ dP
    db2 = dP.sum(axis=0, keepdims=True)
    dH = dP @ W2.T
    dZ = dH * (1 - H**2)
    dW1 = X.T @ dZ
    db1 = dZ.sum(axis=0, keepdims=True)
    grads = [dW1, db1, dW2, db2]
    for i in range(4):
        m[i] = beta1 * m[i] + (1 - beta1) * grads[i]
        v[i] = beta2 * v[i] + (1 - beta2) * grads[i] ** 2
        mhat = m[i] / (1 - beta1**t)
        vhat = v[i] / (1 - beta2**t)
        params[i] -= lr * mhat / (np.sqrt(vhat) + eps)
    if t % 100 == 0:
        print(t, loss)
