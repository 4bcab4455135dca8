"""A network with loops over samples and units, by somebody who has just met lists."""

import numpy as np

np.random.seed(3)
data = np.random.rand(12, 2)
labels = data[:, 0] * data[:, 1]

n_hidden = 3
w1 = np.random.uniform(-1, 1, (2, n_hidden))
w2 = np.random.uniform(-1, 1, n_hidden)
bias1 = np.zeros(n_hidden)
bias2 = np.zeros(1)
learning_rate = 0.05


def act(v):
    return np.tanh(v)


for epoch in range(200):
    total_loss = 0.0
    grad_w1 = np.zeros_like(w1)
    grad_w2 = np.zeros_like(w2)
    grad_bias1 = np.zeros_like(bias1)
    grad_bias2 = np.zeros_like(bias2)
    for s in range(len(data)):
        x = data[s]
        hidden = np.zeros(n_hidden)
        for j in range(n_hidden):
            total = bias1[j]
            for i in range(2):
                total += w1[i, j] * x[i]
            hidden[j] = act(total)
        out = bias2[0]
        for j in range(n_hidden):
            out += w2[j] * hidden[j]
        total_loss += (out - labels[s]) ** 2
        d_out = 2 * (out - labels[s])
        grad_bias2[0] += d_out
        for j in range(n_hidden):
            grad_w2[j] += d_out * hidden[j]
            d_hidden = d_out * w2[j] * (1 - hidden[j] ** 2)
            grad_bias1[j] += d_hidden
            for i in range(2):
                grad_w1[i, j] += d_hidden * x[i]
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
    bias1 -= learning_rate * grad_bias1
    bias2 -= learning_rate * grad_bias2
    if epoch % 50 == 0:
        print(epoch, total_loss)
