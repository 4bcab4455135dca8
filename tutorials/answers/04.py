# %% [markdown]
# # Answers to tutorial 04, backpropagation

# %%
import numpy as np

from minnet.course import reading

reading.aloud(globals())

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
t = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
OWN = (
    np.array([[1.0, -1.0, 0.5], [1.0, 1.0, -1.0]]),
    np.array([0.0, 0.5, 0.5]),
    np.array([[0.5, -0.5], [-0.5, 1.0], [1.0, 0.5]]),
    np.zeros(2),
)


def start(seed):
    """Random first weights, as in the tutorial."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, 3)), np.zeros(3), rng.normal(size=(3, 2)), np.zeros(2)


def gradients(W1, b1, W2, b2, curve="tanh", mistake=None):
    """dW1, db1, dW2, db2, the prediction and the loss."""
    y1 = x @ W1 + b1
    y2 = np.tanh(y1) if curve == "tanh" else np.maximum(y1, 0)
    y3 = y2 @ W2 + b2
    dy3 = 2 * (y3 - t) / t.size
    dy2 = dy3[:, :1] @ W2[:, :1].T if mistake == "one path" else dy3 @ W2.T
    factor = 1 - y2**2 if curve == "tanh" else y1 > 0
    dy1 = dy2 if mistake == "no factor" else dy2 * factor
    return x.T @ dy1, dy1.sum(axis=0), y2.T @ dy3, dy3.sum(axis=0), y3, ((y3 - t) ** 2).mean()


def train(weights, rate=0.3, steps=1000, **how):
    """All losses of a training, and its last prediction."""
    losses = []
    for _ in range(steps):
        *slopes, y3, loss = gradients(*weights, **how)
        losses.append(loss)
        weights = [w - rate * dw for w, dw in zip(weights, slopes, strict=True)]
    return losses, y3


def of_twenty(**how):
    """How many of the twenty starts learn to add, and in how many the loss fell at all."""
    runs = [train(start(seed), **how)[0] for seed in range(20)]
    return sum(run[-1] < 0.01 for run in runs), sum(run[-1] < run[0] for run in runs)


# %% [markdown]
# ## 1. ReLU
#
# y2 = max(y1, 0), and the factor on the way back is 1 where y1 > 0 and otherwise 0. From the
# tutorial's weights it still learns, but from few of the twenty random starts; with tanh all twenty
# did. Three units are not many, and a unit that is 0 for all four rows has slope 0 and is lost.

# %%
learned, _ = of_twenty(curve="relu")
print(f"ReLU: the tutorial's weights end at {train(OWN, curve='relu')[0][-1]:.0e}, {learned} of 20")
assert train(OWN, curve="relu")[0][-1] < 1e-6
assert of_twenty()[0] == 20
assert 1 <= learned <= 10

# %% [markdown]
# ## 2. All weights 0
#
# y2 = tanh(0) = 0, so dW2 = y2ᵀ dy3 = 0. W2 = 0, so dy2 = dy3 W2ᵀ = 0, and with it dW1 and db1.
# Only db2 is not 0, and that stays so in every step. The network learns nothing but two numbers
# that are the same for every input, and the best of those are the means of the targets, 0.25 and
# 0.5.

# %%
zeros = [np.zeros_like(w) for w in OWN]
dW1, db1, dW2, db2, _, _ = gradients(*zeros)
print("db2 =", db2)
assert not any(slope.any() for slope in (dW1, db1, dW2))
assert db2.all()
_, y3 = train(zeros)
print("it predicts in the end", y3.round(3).tolist())
assert np.allclose(y3, t.mean(axis=0), atol=1e-6)

# %% [markdown]
# ## 3. Two mistakes
#
# With either mistake the loss falls from every one of the twenty starts. Without the factor none of
# them learns to add: you would notice that something is wrong, though not what. With one path left
# out most learn to add all the same. That is the dangerous one: it looks like a little bad luck.
# The weights of the last layer are still right, and they repair much of what goes wrong below them.

# %%
for mistake in ("no factor", "one path"):
    learned, fell = of_twenty(mistake=mistake)
    print(f"{mistake}: {learned} of 20 learn to add; the loss fell in {fell}")
    assert fell == 20
    assert learned == 0 if mistake == "no factor" else learned >= 12
