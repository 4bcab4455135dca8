# %% [markdown]
# # Answers to tutorial 14, transfer learning

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Dense
from minnet.optimizers import Adam

reading.aloud(globals())

base = minnet.load_pretrained("mnist-8x8")
SEEDS = range(3)


def transfer(data, seed, *, freeze=True, units=10, then_all=False):
    """The test accuracy of a new head, on frozen features or with all layers learning."""
    x, y, x_test, y_test = data
    model = base.replace_head(Dense(units, activation="softmax"), seed=seed)
    if freeze:
        model.freeze("all_but_head")
    model.compile(Adam(1e-2), "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=100, verbose=0)
    if then_all:
        model.unfreeze()
        model.fit(x, y, epochs=50, learning_rate=1e-3, verbose=0)
    return model.evaluate(x_test, y_test)["accuracy"]


def scratch(data, seed, units=10):
    """The test accuracy of a network from random weights."""
    x, y, x_test, y_test = data
    layers = [Dense(128, activation="relu"), Dense(64, activation="relu")]
    model = minnet.Sequential([*layers, Dense(units, activation="softmax")], seed=seed)
    model.compile(Adam(3e-3), "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=150, verbose=0)
    return model.evaluate(x_test, y_test)["accuracy"]


# %% [markdown]
# ## 1. Without freezing
#
# Five to eleven points are lost. The new head is random, so at first the slopes that it hands down
# are nonsense, and at a rate of 1e-2 they spoil the features within a few steps, before the head
# knows what it wants. What is left is hardly better than training from scratch.

# %%
draws = [minnet.datasets.digits(per_class=5, seed=seed) for seed in SEEDS]
both = [transfer(draws[seed], seed, then_all=True) for seed in SEEDS]
at_once = [transfer(draws[seed], seed, freeze=False) for seed in SEEDS]
print("head then all:", np.round(both, 3), " all at once:", np.round(at_once, 3))
assert np.mean(at_once) < np.mean(both) - 0.03

# %% [markdown]
# ## 2. Five classes
#
# It shrinks, from about ten points to about seven. Five classes are an easier question, so the
# network from scratch makes fewer mistakes and leaves less to be gained. (Of its mistakes, transfer
# removes an even larger share.)

# %%
ten = [scratch(draws[seed], seed) for seed in SEEDS]
CLASSES = [5, 6, 7, 8, 9]
halves = [minnet.datasets.digits(classes=CLASSES, per_class=5, seed=seed) for seed in SEEDS]
five = [scratch(halves[seed], seed, 5) for seed in SEEDS]
five_transferred = [transfer(halves[seed], seed, units=5, then_all=True) for seed in SEEDS]
lead_of_ten = np.mean(both) - np.mean(ten)
lead_of_five = np.mean(five_transferred) - np.mean(five)
print(f"ten classes:  scratch {np.mean(ten):.1%}, transfer {np.mean(both):.1%}")
print(f"five classes: scratch {np.mean(five):.1%}, transfer {np.mean(five_transferred):.1%}")
assert 0 < lead_of_five < lead_of_ten
assert lead_of_five / (1 - np.mean(five)) > lead_of_ten / (1 - np.mean(ten))

# %% [markdown]
# ## 3. Upside down
#
# Zero-shot falls from 88 % to 40 %. Some digits look the same upside down (0, 1, 8), and the rest
# is misread: a 6 is a 9 now. A new head on the same frozen features, trained on images that are
# upside down as well, gets most of it back: the features see strokes, and strokes are still there.
# It stays seven points below what the head reaches on upright digits, since these strokes are in
# unusual places.

# %%
turned = [(x[:, ::-1], y, x_test[:, ::-1], y_test) for x, y, x_test, y_test in draws]
upright, upside_down = (base.evaluate(*data[0][2:])["accuracy"] for data in (draws, turned))
heads = {
    name: [transfer(data[seed], seed) for seed in SEEDS]
    for name, data in (("up", draws), ("down", turned))
}
print(f"zero-shot: {upright:.1%} upright, {upside_down:.1%} upside down")
print(f"new head:  {np.mean(heads['up']):.1%} upright, {np.mean(heads['down']):.1%} upside down")
assert upside_down < 0.55 < 0.8 < upright
assert np.mean(heads["down"]) > 0.8
assert np.mean(heads["down"]) < np.mean(heads["up"])
