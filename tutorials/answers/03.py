# %% [markdown]
# # Answers to tutorial 03, XOR

# %%
import numpy as np

import minnet
from minnet import Sequential
from minnet.course import reading
from minnet.initializers import RandomNormal
from minnet.layers import Dense

reading.aloud(globals())

x, y, _, _ = minnet.datasets.xor(n=4, noise=0)


def forty(units, x=x, y=y, activation="tanh", **hidden):
    """The networks of forty seeds, their last losses, and which of them learned it.

    They begin as those of the tutorial do, and all learn at once, which is much faster: the arrays
    have one more axis in front, the seed.
    """
    models = []
    for seed in range(40):
        layers = [Dense(units, activation=activation, **hidden), Dense(1, activation="sigmoid")]
        models.append(Sequential(layers, seed=seed))
        models[-1].build(x.shape[1])
    stacks = zip(*(model.get_weights() for model in models), strict=True)
    W1, b1, W2, b2 = (np.array(stack, dtype=float) for stack in stacks)
    losses, t = np.full(40, np.inf), y.reshape(-1, 1)
    for _ in range(400):
        z = x @ W1 + b1[:, None]
        h = np.tanh(z) if activation == "tanh" else np.maximum(z, 0)
        p = 1 / (1 + np.exp(-(h @ W2 + b2[:, None])))
        losses = -np.log(np.where(t == 1, p, 1 - p)).mean(axis=(1, 2))
        learning = losses >= np.log(2) / len(x)  # the others are done, and stay as they are
        rate = 2.0 * learning[:, None, None]
        dz2 = (p - t) / len(x)
        dz1 = dz2 @ W2.transpose(0, 2, 1) * (1 - h * h if activation == "tanh" else z > 0)
        W2, b2 = W2 - rate * (h.transpose(0, 2, 1) @ dz2), b2 - rate[:, 0] * dz2.sum(axis=1)
        W1, b1 = W1 - rate * (x.T @ dz1), b1 - rate[:, 0] * dz1.sum(axis=1)
    for model, *weights in zip(models, W1, b1, W2, b2, strict=True):
        model.set_weights(weights)
    return models, losses, ~learning


# %% [markdown]
# ## 1. Other first weights
#
# Small weights are best here: with a standard deviation of 0.1 about three in four learn it, with
# 1.0 fewer than half, with 3.0 about one in four. Those that fail with large weights end near log 2
# / 2: two rows right, two without any idea, with tanh at its flat ends from the very start. With
# 0.1 some end at log 2 instead. They are not stuck but late: where all weights are near 0 all
# slopes are small, and 400 steps were not enough to leave.

# %%
learned = {}
for stddev in (0.1, 1.0, 3.0):
    start = RandomNormal(stddev=stddev)
    _, losses, solved = forty(2, activation="tanh", kernel_initializer=start)
    learned[stddev] = int(solved.sum())
    ends = np.sort(losses[~solved]).round(2).tolist()
    print(f"{stddev}: {learned[stddev]} of 40; the others end at {ends}")
    half = np.mean(np.abs(losses[~solved] - np.log(2) / 2) < 0.01)
    no_idea = np.mean(np.abs(losses[~solved] - np.log(2)) < 0.01)
    assert no_idea > 0.3 if stddev == 0.1 else half > 0.8
assert learned[0.1] > 24 > learned[1.0] > 14 > learned[3.0] > 3

# %% [markdown]
# ## 2. ReLU
#
# Hardly any of the forty learn it with two units, about a third with four, and most with eight: it
# does worse than tanh throughout. Look at a network that fails: in most of them a unit is 0 for all
# four rows. Its slope is 0 as well, so it never comes back (a *dead* unit, see tutorial 12). With
# one unit left, or none, XOR is out of reach. With eight units enough of them survive.

# %%
counts = {}
for units in (2, 4, 8):
    models, losses, solved = forty(units, activation="relu")
    counts[units] = int(solved.sum())
    if units == 2:
        failed = np.flatnonzero(~solved)
        dead = [np.any(np.all(models[seed].features(x) == 0, axis=0)) for seed in failed]
        print("what the hidden units of one give:", models[failed[0]].features(x).round(2).tolist())
print(f"ReLU units: of 40 seeds learn it {counts}; {sum(dead)} of {len(dead)} have a dead unit")
assert counts[2] < 8
assert counts[2] < counts[4] < counts[8]
assert counts[8] > 28
assert np.mean(dead) > 0.7

# %% [markdown]
# ## 3. Three switches
#
# With eight rows a single wrong one costs at least log 2, which is log 2 / 8 in the mean. Below
# that, all eight are right. Three tanh units are enough for more than half of the seeds; with two
# none of the forty makes it.

# %%
rows = np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)])
odd = rows.sum(axis=1) % 2
learned_by = {}
for units in (2, 3):
    models, _, solved = forty(units, rows, odd)
    learned_by[units] = int(solved.sum())
    print(f"three switches, {units} units: {learned_by[units]} of 40 learn it")
    for model in np.array(models, dtype=object)[solved]:
        assert np.array_equal(model.predict(rows).ravel() > 0.5, odd == 1)
assert learned_by[2] == 0
assert learned_by[3] >= 20
