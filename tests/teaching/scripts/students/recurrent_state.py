import numpy as np

np.random.seed(3)
vocab = list("helo wrd")
ix = {c: i for i, c in enumerate(vocab)}
text = "hello world hello"
H, V, T = 10, len(vocab), 6
params = dict(
    Wxh=np.random.randn(H, V) * 0.3,
    Whh=np.random.randn(H, H) * 0.3,
    Why=np.random.randn(V, H) * 0.3,
    bh=np.zeros((H, 1)),
    by=np.zeros((V, 1)),
)


def step(inputs, targets, h0):
    xs, hs, ps = {}, {-1: h0}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((V, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(params["Wxh"] @ xs[t] + params["Whh"] @ hs[t - 1] + params["bh"])
        y = params["Why"] @ hs[t] + params["by"]
        ps[t] = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(ps[t][targets[t], 0])
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    dhnext = np.zeros_like(h0)
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        grads["Why"] += dy @ hs[t].T
        grads["by"] += dy
        dh = params["Why"].T @ dy + dhnext
        dz = (1 - hs[t] ** 2) * dh
        grads["bh"] += dz
        grads["Wxh"] += dz @ xs[t].T
        grads["Whh"] += dz @ hs[t - 1].T
        dhnext = params["Whh"].T @ dz
    for g in grads.values():
        np.clip(g, -5, 5, out=g)
    return loss, grads, hs[len(inputs) - 1]


mem = {k: np.zeros_like(v) for k, v in params.items()}
h = np.zeros((H, 1))
for n in range(200):
    p = n % (len(text) - T - 1)
    inp = [ix[c] for c in text[p : p + T]]
    tgt = [ix[c] for c in text[p + 1 : p + T + 1]]
    loss, grads, h = step(inp, tgt, h)
    for k in params:
        mem[k] += grads[k] ** 2
        params[k] += -0.1 * grads[k] / np.sqrt(mem[k] + 1e-8)
