# %% [markdown]
# # Answers to tutorial 01, one neuron by hand

# %%
import math

import numpy as np

from minnet.course import reading

reading.aloud(globals())

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND = np.array([0.0, 0.0, 0.0, 1.0])


def learn(t, steps, learning_rate=1.0, w=(0.5, -0.5), b=0.0, loss="entropy"):
    """The weights, the bias, p and the losses of a training; `learn` of the tutorial."""
    w, losses = np.array(w), []
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(x @ w + b)))
        if loss == "entropy":
            losses.append(-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)))
            dz = (p - t) / len(x)
        else:
            losses.append(np.mean((p - t) ** 2))
            dz = 2 * (p - t) * p * (1 - p) / len(x)
        w, b = w - learning_rate * x.T @ dz, b - learning_rate * dz.sum()
    return w, b, p, np.array(losses)


# %% [markdown]
# ## 1. Three learning rates
#
# A tenth of the rate needs about ten times as many steps. With 10 it is faster, though the first
# steps overshoot and the loss rises for a while. With 100 it no longer falls in every step, and one
# loss is `nan`: a p has been rounded to exactly 1 while its target is 1 (or to 0 where it is 0),
# and 0 · log 0 is `nan`.

# %%
below = {}
for rate in (0.1, 1.0, 10.0):
    losses = learn(AND, 5000, rate)[-1]
    below[rate] = int(np.argmax(losses < 0.1))
    print(
        f"η = {rate:g}: below 0.1 after {below[rate]:,} steps, rises {np.sum(np.diff(losses) > 0)}"
    )
assert 9 < below[0.1] / below[1.0] < 11
assert below[10.0] < below[1.0] / 5
with np.errstate(all="ignore"):
    losses = learn(AND, 50, 100.0)[-1]
    w, b, p, _ = learn(AND, int(np.flatnonzero(np.isnan(losses))[0]) + 1, 100.0)
print(f"η = 100: {np.round(losses[:6], 2)}, and p where the loss is nan: {p}")
assert np.nanmax(np.diff(losses)) > 0
assert np.isnan(losses).any()
assert np.isin(p, (0.0, 1.0)).any()

# %% [markdown]
# ## 2. The squared error
#
# ∂L/∂p = 2 (p − t) and ∂p/∂z = p (1 − p), so ∂L/∂z = 2 (p − t) p (1 − p).
#
# From w = (−10, −10) the row 1 1 has z = −20 and p ≈ 2·10⁻⁹: very sure and wrong. The slope of the
# cross-entropy there is p − t, nearly −1, and it learns. In that of the squared error the factor
# p (1 − p) is 2·10⁻⁹, and a hundred steps change the weights by almost nothing.

# %%
z, t, h = 0.3, 1.0, 1e-5
above, below_z = ((1 / (1 + math.exp(-(z + s))) - t) ** 2 for s in (h, -h))
p = 1 / (1 + math.exp(-z))
assert abs((above - below_z) / (2 * h) - 2 * (p - t) * p * (1 - p)) < 1e-9

moved = {}
for loss in ("entropy", "squares"):
    w, b, p, losses = learn(AND, 100, w=(-10.0, -10.0), loss=loss)
    moved[loss] = np.abs(w + 10).max()
    print(f"{loss:8} after 100 steps: w = {w.round(3)}, p of 1 1 is {p[3]:.1e}")
assert moved["entropy"] > 5
assert moved["squares"] < 0.01

# %% [markdown]
# ## 3. Exactly one switch
#
# It ends with no idea: w = 0 and b = 0, every p is 0.5, and the loss is log 2. One straight line
# cannot separate these targets, and tutorial 03 proves it.

# %%
w, b, p, losses = learn(np.array([0.0, 1.0, 1.0, 0.0]), 2000)
print(f"w = {w.round(6)}, b = {b:.6f}, p = {p.round(6)}, loss {losses[-1]:.6f}")
assert np.abs([*w, b]).max() < 1e-6
assert np.allclose(p, 0.5)
assert abs(losses[-1] - math.log(2)) < 1e-9
