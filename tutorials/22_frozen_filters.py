# %% [markdown]
# # Frozen filters: what was learned on digits, and what it is worth elsewhere
#
# *Before this one: 14 (transfer learning) and 19 (convolution). Reading time: 6 minutes.*
#
# "Take a network that was trained on many images, freeze its filters, train a new head on your
# few": that is what most people mean by transfer learning. Here you do it, with a network that fits
# into 255 KB. You look at its filters, you measure at which layer to cut, and you find out where it
# helps and where it does not.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.layers import Dense
from minnet.optimizers import Adam

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. A network, its filters, and what they see
#
# `mnist-cnn` was trained on the 60,000 digits of MNIST: two convolutions, each with pooling behind
# it, and three dense layers.

# %%
base = minnet.load_pretrained("mnist-cnn")
base.summary()

# %% [markdown]
# The first convolution has six filters of 5×5 pixels. `plots.filters` shows them: light pixels are
# looked for, dark ones are not wanted. `plots.feature_maps` shows what they make of an image. We
# take one of a kind that the network has never seen, a letter.

# %%
letters, labels, letters_test, labels_test = minnet.datasets.glyphs(
    "ABCDEFGHIJ", 600, seed=1, n_test=600, size=28, noise=0.05
)
letters, letters_test = letters.reshape(-1, 28, 28, 1), letters_test.reshape(-1, 28, 28, 1)
an_a = letters[np.flatnonzero(labels == 0)[0]]

# %% tags=["hide-input"]
fig, (above, below) = plt.subplots(2, 1, figsize=(9, 7.5), height_ratios=(1, 4))
plots.filters(base.layers[0], ax=above)
plots.feature_maps(base, an_a, ax=below)
fig.savefig(pictures / "22_filters.png", dpi=110, bbox_inches="tight")
print(f"Picture: {(pictures / '22_filters.png').resolve()}")

# %% [markdown]
# Look at the row of `conv2d_1`. Filter 3 answers to the bar of the A and hardly to its legs, filter
# 4 to the legs and not to the bar. Nothing in that is about digits: letters have strokes too. That
# is the hope behind frozen filters: *the nearer to the image a layer is, the more general it is*.
#
# The rows further down are harder to read. Sixteen filters look at six maps each, and what they
# want is no picture any more.
#
# ## 2. Other people's digits
#
# The UCI digits were written by other people in another country. They are 8×8 numbers. The network
# takes 28×28, so each pixel becomes a square of 3×3, with a margin of two. You have five labelled
# examples of each digit.


# %%
def enlarged(images):
    """8×8 digits as images of 28×28."""
    large = np.kron(images.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    return np.pad(large, [(0, 0), (2, 2), (2, 2)])[..., None]


x, y, x_test, y_test = minnet.datasets.digits()
x, x_test = enlarged(x), enlarged(x_test)[:600]
y_test = y_test[:600]
print(f"as it is: {base.evaluate(x_test, y_test)['accuracy']:.1%}")

# %% [markdown]
# Four in five, without any training. **Guess:** how good is it with a new head on frozen filters,
# from 50 examples? And how good is the same network, trained on these 50 from scratch?


# %%
def few_of(x, y, seed, per_class=5):
    """So many examples of each class."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(y == k), per_class, replace=False) for k in range(10)]
    return x[np.concatenate(rows)], y[np.concatenate(rows)]


def frozen(x_few, y_few, seed):
    """The trained network with a new head; all below the head stands still."""
    model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
    model.freeze("all_but_head")
    model.compile(Adam(1e-2), "cross_entropy", metrics=["accuracy"])
    model.fit(x_few, y_few, epochs=100, verbose=0, seed=seed)
    return model


def scratch(x_few, y_few, seed):
    """The same layers with fresh weights."""
    config = [type(layer).from_config(layer.get_config()) for layer in base.layers]
    model = minnet.Sequential(config, seed=seed)
    model.compile(Adam(1e-3), "cross_entropy", metrics=["accuracy"])
    model.fit(x_few, y_few, epochs=100, verbose=0, seed=seed)
    return model


def compared(x, y, x_test, y_test, seeds=3):
    """Mean test accuracy of both, over some draws of the examples."""
    means = {}
    for name, train in (("frozen", frozen), ("scratch", scratch)):
        models = [train(*few_of(x, y, seed), seed) for seed in range(seeds)]
        results = [model.evaluate(x_test, y_test)["accuracy"] for model in models]
        means[name] = float(np.mean(results))
        print(f"{name:8}", *(f"{result:.1%}" for result in results), f"  mean {means[name]:.1%}")
    return means


on_digits = compared(x, y, x_test, y_test)
assert on_digits["frozen"] > on_digits["scratch"]

# %% [markdown]
# The frozen network wins, and it learned 850 numbers in place of 61,706. It was also the quicker
# one: what stands still is computed once, not once an epoch.
#
# ## 3. Where to cut
#
# "All but the head" is a habit, no law. A head can stand on any layer: on the filters' maps, which
# are many and general, or on the last dense layer, which is small and knows digits. Which is best
# has to be measured. `features(x, upto=…)` gives the output of a layer.


# %%
def head_on(name, x, y, x_test, y_test, seeds=3):
    """Mean test accuracy of a new head on the output of a layer."""
    results = []
    below_test = base.features(x_test, upto=name).reshape(len(x_test), -1)
    for seed in range(seeds):
        x_few, y_few = few_of(x, y, seed)
        below = base.features(x_few, upto=name).reshape(len(x_few), -1)
        head = minnet.Sequential([Dense(10, activation="softmax")], seed=seed)
        head.compile(Adam(1e-2), "cross_entropy", metrics=["accuracy"])
        head.fit(below, y_few, epochs=100, verbose=0, seed=seed)
        results.append(head.evaluate(below_test, y_test)["accuracy"])
    return float(np.mean(results))


cuts = ["max_pooling2d_1", "max_pooling2d_2", "dense_1", "dense_2"]
digits_by_cut = {name: head_on(name, x, y, x_test, y_test) for name in cuts}
for name, accuracy in digits_by_cut.items():
    print(f"head on {name:16} {accuracy:.1%}")
assert digits_by_cut["max_pooling2d_1"] < min(digits_by_cut[name] for name in cuts[1:])

# %% [markdown]
# On the first pooling layer a head is worst: it gets 1,176 numbers about strokes, and 50 examples
# are too few to put digits together from them. On the second one it is best. The dense layers
# behind it were trained to tell the digits of MNIST apart, and add nothing here. The last three lie
# within a point or so, which three draws cannot tell apart.
#
# ## 4. Letters: another story
#
# Now the ten letters, again with five examples of each.

# %%
on_letters = compared(letters, labels, letters_test, labels_test)
letters_by_cut = {name: head_on(name, letters, labels, letters_test, labels_test) for name in cuts}
for name, accuracy in letters_by_cut.items():
    print(f"head on {name:16} {accuracy:.1%}")
assert max(letters_by_cut, key=letters_by_cut.get) == "max_pooling2d_2"
assert letters_by_cut["max_pooling2d_2"] > letters_by_cut["dense_2"]

# %% [markdown]
# Here the cut matters. `dense_2` was made for ten digits: what does not tell a 4 from a 9 was
# thrown away on the way, and letters need some of it. One that stands lower, on the second pooling
# layer, is better by several points. As a rule: *the less the new task is like the old one, the
# lower you cut*, down to where the layers are too simple to be of use.
#
# Three draws and a scratch with one learning rate are no proof. `transfer.compare` tunes scratch
# and takes as many draws as you like; with ten of them, and the usual cut, the frozen network gains
# 27 points on digits that are drawn from typefaces, 3.5 on these digits of other people, and on
# letters nothing that could be told (0.8 ± 1.9 points).

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 3.6))
for results, both, name, colour in (
    (digits_by_cut, on_digits, "digits of other people", "tab:blue"),
    (letters_by_cut, on_letters, "letters", "tab:orange"),
):
    ax.plot(list(results), list(results.values()), marker="o", label=name, color=colour)
    ax.axhline(both["scratch"], color=colour, linestyle=":", linewidth=1)
    ax.text(2.55, both["scratch"] - 0.06, "from scratch", color=colour, fontsize=9)
ax.set(xlabel="the layer that the head stands on", ylabel="test accuracy", ylim=(0, 1.0))
ax.legend(frameon=False, loc="lower left")
fig.tight_layout()
fig.savefig(pictures / "22_cuts.png", dpi=110)

# %% [markdown]
# ## Exercises
#
# 1. Do you need trained filters at all? Make a copy of the network with fresh weights, and train a
#    head on the output of its second pooling layer, on the digits. Is it better or worse than a
#    head on trained filters, and than a head on the pixels?
# 2. Train the letters in two stages, the head first and then all layers at a tenth of the rate, as
#    in tutorial 14. What does that gain over the frozen network?
# 3. Move the test digits of other people by two pixels (`np.roll(x_test, 2, axis=1)`: the margin is
#    two wide). Which loses more, a head on the pixels or a head on `max_pooling2d_2`?
