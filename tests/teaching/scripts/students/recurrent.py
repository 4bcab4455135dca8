"""A recurrent network that learns the running mean of a sequence, by a loop over its steps."""

import numpy as np

rng = np.random.RandomState(4)
T, D, H = 5, 2, 4
U = rng.normal(0, 0.4, (H, D))
R = rng.normal(0, 0.4, (H, H))
V = rng.normal(0, 0.4, (1, H))
c = np.zeros((H, 1))


def sweep(xs, ts):
    hs, outs, loss = {-1: np.zeros((H, 1))}, {}, 0.0
    for t in range(T):
        hs[t] = np.tanh(U @ xs[t] + R @ hs[t - 1] + c)
        outs[t] = V @ hs[t]
        loss += 0.5 * float(((outs[t] - ts[t]) ** 2).sum())
    dU, dR, dV, dc = (np.zeros_like(a) for a in (U, R, V, c))
    back = np.zeros((H, 1))
    for t in reversed(range(T)):
        dout = outs[t] - ts[t]
        dV += dout @ hs[t].T
        dh = V.T @ dout + back
        dz = dh * (1 - hs[t] ** 2)
        dU += dz @ xs[t].T
        dR += dz @ hs[t - 1].T
        dc += dz
        back = R.T @ dz
    return loss, dU, dR, dV, dc


for step in range(30):
    xs = rng.normal(size=(T, D, 1))
    ts = np.cumsum(xs[:, :1], axis=0) / np.arange(1, T + 1).reshape(T, 1, 1)
    loss, dU, dR, dV, dc = sweep(xs, ts)
    for weight, gradient in zip((U, R, V, c), (dU, dR, dV, dc)):
        weight -= 0.05 * gradient
    if step % 10 == 0:
        print(step, loss)
