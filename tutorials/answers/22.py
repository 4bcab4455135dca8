# %% [markdown]
# # Answers to tutorial 22, frozen filters

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Dense
from minnet.optimizers import Adam

reading.aloud(globals())

base = minnet.load_pretrained("mnist-cnn")


def enlarged(images):
    """8×8 digits as images of 28×28."""
    large = np.kron(images.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    return np.pad(large, [(0, 0), (2, 2), (2, 2)])[..., None]


x, y, x_test, y_test = minnet.datasets.digits()
x, x_test, y_test = enlarged(x), enlarged(x_test)[:600], y_test[:600]


def few_of(x, y, seed, per_class=5):
    """So many examples of each class."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(y == k), per_class, replace=False) for k in range(10)]
    return x[np.concatenate(rows)], y[np.concatenate(rows)]


def head_on(look, x_test=x_test, seeds=3):
    """Mean test accuracy of a dense layer on what `look` makes of the images, (N, D)."""
    results = []
    for seed in range(seeds):
        x_few, y_few = few_of(x, y, seed)
        head = minnet.Sequential([Dense(10, activation="softmax")], seed=seed)
        head.compile(Adam(1e-2), "cross_entropy", metrics=["accuracy"])
        head.fit(look(x_few), y_few, epochs=100, verbose=0, seed=seed)
        results.append(head.evaluate(look(x_test), y_test)["accuracy"])
    return float(np.mean(results))


# %% [markdown]
# ## 1. Filters that were never trained
#
# Mostly, yes. Random filters are hardly better than no filters: windows and pooling alone are worth
# little. Trained ones are better by several points. So it is what was learned that is carried over,
# and not the form of the network alone.

# %%
fresh = minnet.Sequential(
    [type(layer).from_config(layer.get_config()) for layer in base.layers], seed=0
)
fresh.build((28, 28, 1))


def flat(images):
    return images.reshape(len(images), -1)


def trained_filters(images):
    return flat(base.features(images, upto="max_pooling2d_2"))


def random_filters(images):
    return flat(fresh.features(images, upto="max_pooling2d_2"))


on = {
    "pixels": head_on(flat),
    "random filters": head_on(random_filters),
    "trained filters": head_on(trained_filters),
}
for name, accuracy in on.items():
    print(f"head on {name:16} {accuracy:.1%}")
assert on["trained filters"] > on["random filters"] + 0.03
assert abs(on["random filters"] - on["pixels"]) < 0.04

# %% [markdown]
# ## 2. Letters in two stages
#
# Four points or so, about as much as the lower cut gained: all layers learn to see what letters
# need. Fifty examples can move 61,706 numbers to the good if they begin at good ones and move
# slowly.

# %%
letters, labels, letters_test, labels_test = minnet.datasets.glyphs(
    "ABCDEFGHIJ", 600, seed=1, n_test=600, size=28, noise=0.05
)
letters, letters_test = letters.reshape(-1, 28, 28, 1), letters_test.reshape(-1, 28, 28, 1)
first, second = [], []
for seed in range(3):
    x_few, y_few = few_of(letters, labels, seed)
    model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
    model.freeze("all_but_head")
    model.compile(Adam(1e-2), "cross_entropy", metrics=["accuracy"])
    model.fit(x_few, y_few, epochs=100, verbose=0, seed=seed)
    first.append(model.evaluate(letters_test, labels_test)["accuracy"])
    model.unfreeze()
    model.fit(x_few, y_few, epochs=50, learning_rate=1e-3, verbose=0, seed=seed)
    second.append(model.evaluate(letters_test, labels_test)["accuracy"])
print(f"frozen {np.mean(first):.1%}, then all layers {np.mean(second):.1%}")
assert np.mean(second) > np.mean(first) + 0.02

# %% [markdown]
# ## 3. Two pixels further
#
# The head on pixels loses more, but both lose a lot. Two poolings over 2×2 leave 5×5 places, each
# four pixels wide, and the head has weights of its own for each. A move of two pixels is half a
# place: it forgives some of it, and not all.

# %%
further = np.roll(x_test, 2, axis=1)
losses = {}
for name, look in (("pixels", flat), ("trained filters", trained_filters)):
    there = head_on(look, further)
    losses[name] = on[name] - there
    print(f"head on {name:16} {on[name]:.1%}, two pixels further {there:.1%}")
assert losses["pixels"] > losses["trained filters"] > 0.05
