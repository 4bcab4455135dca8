# %% [markdown]
# # Overfitting: learning by heart, and four remedies
#
# *Before this one: 09 (real digits). Reading time: 17 minutes.*
#
# A network with more weights than examples can know every example by heart and still be wrong about
# the next one. That is *overfitting*. By the end you will know how to see it, why data are split in
# three, and what early stopping, weight decay, dropout and more data do about it. We measure what
# each is worth, over several draws, and some of it is not what textbooks promise.

# %%
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.callbacks import EarlyStopping
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense, Dropout
from minnet.optimizers import Adam
from minnet.plots import COLOURS

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Few digits, split in three
#
# - The *training set*: what the network learns from. Twenty images of each digit, 200 in all.
# - The *validation set*: what we look at to make choices, such as when to stop. Ten of each digit.
# - The *test set*: used once, when all choices are made. 1,797 digits by thirteen other people.
#
# Why three? If you choose the best of many networks by some data, you also choose the luckiest, so
# its figure on those data is too good. Only data that had no say in any choice tell the truth.
#
# `split` draws the first two sets by a seed. With more images a class it keeps those it had, so
# that 80 are the same 20 and 60 more. It can also spoil training labels: `wrong=0.2` turns one
# label in five into another digit, as a tired assistant might. The labels of the validation set
# stay right.

# %%
x_all, y_all, x_test, y_test = minnet.datasets.digits()


def split(seed, per_class=20, wrong=0.0):
    """x, y, x_valid, y_valid, and the rows of x whose label is wrong."""
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(np.flatnonzero(y_all == digit)) for digit in range(10)]
    valid = np.concatenate([rows[:10] for rows in shuffled])
    train = np.concatenate([rows[10 : 10 + per_class] for rows in shuffled])
    y = y_all[train]
    spoilt = rng.choice(len(y), round(wrong * len(y)), replace=False)
    y[spoilt] = (y[spoilt] + rng.integers(1, 10, len(spoilt))) % 10  # 1 to 9 further: another one
    return x_all[train], y, x_all[valid], y_all[valid], spoilt


x, y, x_valid, y_valid, _ = split(seed=0)
print(f"training {x.shape}, validation {x_valid.shape}, test {x_test.shape}")
assert (len(x), len(x_valid), len(x_test)) == (200, 100, 1797)

# %% [markdown]
# ## 2. Curves that part
#
# One hidden layer of 64 units. How many weights is that, for 200 images? 64 · 64 + 64 + 64 · 10 +
# 10.

# %%
EPOCHS = 48


def network(seed, units=64, decay=0.0, dropout=False):
    """64 inputs, one hidden layer (none for units=0), ten classes."""
    layers = []
    if dropout:
        layers.append(Dropout(0.2))
    if units:
        layers.append(Dense(units, activation="relu"))
        if dropout:
            layers.append(Dropout(0.5))
    model = minnet.Sequential([*layers, Dense(10, activation="softmax")], seed=seed)
    model.build(64)
    model.compile(Adam(0.01, weight_decay=decay), "cross_entropy", ["accuracy"])
    return model


model = network(seed=0)
curves = model.fit(
    x, y, batch_size=50, epochs=EPOCHS, validation_data=(x_valid, y_valid), verbose=0
).history
print(f"{model.count_params():,} weights for {len(x)} images")
assert model.count_params() == 64 * 64 + 64 + 64 * 10 + 10 == 4810


def best_epoch(curves):
    """The epoch, counted from 1, at which the validation loss was lowest."""
    return int(np.argmin(curves["val_loss"])) + 1


def report(curves):
    """Print how a training stood when its validation loss was lowest, and at its end."""
    for epoch in (best_epoch(curves), EPOCHS):
        at = {name: values[epoch - 1] for name, values in curves.items()}
        print(
            f"epoch {epoch:2}: training loss {at['loss']:.3f}, accuracy {at['accuracy']:.0%}; "
            f"validation loss {at['val_loss']:.3f}, accuracy {at['val_accuracy']:.0%}"
        )


report(curves)
assert curves["accuracy"][-1] > 0.99
assert curves["val_loss"][-1] > 10 * curves["loss"][-1]
best, end = best_epoch(curves) - 1, EPOCHS - 1
assert best < end
assert abs(curves["val_accuracy"][best] - curves["val_accuracy"][end]) < 0.045

# %% [markdown]
# It knows all 200 by heart, and becomes ever surer of them: the training loss falls to
# almost nothing. The validation loss stops falling and then creeps up. The two curves part, and
# that is what overfitting looks like.
#
# But is it a disaster? Hardly. Of 100 validation images each is one percent, so a few percent up or
# down are luck. Most of what rises in the loss is *confidence*: the network makes about the same
# mistakes as before and is surer of them.
#
# ## 3. When the labels lie
#
# Now 40 of the 200 training labels are wrong. What will the training accuracy be in the end? (If
# the network learned only what digits look like, it would be 80 %.)

# %%
x, y, x_valid, y_valid, spoilt = split(seed=0, wrong=0.2)
liar = network(seed=0)
liar_curves = liar.fit(
    x, y, batch_size=50, epochs=EPOCHS, validation_data=(x_valid, y_valid), verbose=0
).history
report(liar_curves)
repeated = int(np.sum(liar.predict(x[spoilt]).argmax(axis=1) == y[spoilt]))
print(f"of {len(spoilt)} wrong labels it repeats {repeated}")
right_test, liar_test = (m.evaluate(x_test, y_test)["accuracy"] for m in (model, liar))
print(f"test accuracy: {right_test:.1%} with right labels, {liar_test:.1%} with wrong ones")
assert len(spoilt) == 40
assert repeated > 25
assert liar_curves["val_loss"][-1] > 1.15 * min(liar_curves["val_loss"])
assert liar_test < right_test - 0.08

fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
epochs = np.arange(1, EPOCHS + 1)
for ax, (title, one) in zip(
    axes,
    {"All labels right": curves, "One label in five wrong": liar_curves}.items(),
    strict=True,
):
    ax.plot(epochs, one["loss"], color=COLOURS[0], linewidth=2, label="training")
    ax.plot(epochs, one["val_loss"], "--", color=COLOURS[1], linewidth=2, label="validation")
    best = best_epoch(one)
    ax.plot(best, one["val_loss"][best - 1], "o", color="black", markersize=8, label="lowest")
    ax.set(xlabel="epoch", title=title)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("loss (nats)")
axes[0].legend()
fig.suptitle("The curves part, and where labels lie the validation loss climbs")
fig.savefig(pictures / "10_curves.png", dpi=120)

# %% [markdown]
# (At first the validation loss is the lower one. A training figure is a mean over the epoch, in
# whose first steps the network was worse; and on the right the training set has wrong labels, which
# cost much until they are learned.)
#
# There is no rule to learn in a wrong label, so the only way to get it right is by heart. The
# network does that, label by label, and a new image that looks like one of those is misread. Early
# in the training it had not yet come so far: what digits have in common is learned first. So with
# wrong labels overfitting costs many percent, with right ones almost nothing. From now on we look
# at both.
#
# ## 4. Is a smaller network the answer?
#
# "Too many weights overfit, so take fewer" is the oldest advice. Guess before you read on: which of
# 0, 8, 64 and 256 hidden units will be the best on the test set?
#
# Each is trained on five draws: other images, other wrong labels, other initial weights. The table
# shows the mean and, after ±, the standard deviation over the draws: how much luck there is in it.

# %%
SEEDS = range(5)
LABELS = {"right labels": 0.0, "a fifth wrong": 0.2}


def train(seed, wrong, *, per_class=20, epochs=EPOCHS, stop=False, **remedies):
    """Train one network on one draw, and return what `evaluate` says of each of the three sets."""
    x, y, x_valid, y_valid, _ = split(seed, per_class, wrong)
    model = network(seed, **remedies)
    model.fit(
        x,
        y,
        batch_size=50,
        epochs=epochs,
        validation_data=(x_valid, y_valid) if stop else None,
        callbacks=[EarlyStopping(patience=10)] if stop else [],
        verbose=0,
    )
    sets = {"training": (x, y), "validation": (x_valid, y_valid), "test": (x_test, y_test)}
    return {name: model.evaluate(*data) for name, data in sets.items()}


@cache  # what was measured once is looked up the next time
def measure(wrong, **how):
    """Test accuracy in percent and test loss, each an array (draws,)."""
    results = [train(seed, wrong, **how)["test"] for seed in SEEDS]
    return (
        100 * np.array([one["accuracy"] for one in results]),
        np.array([one["loss"] for one in results]),
    )


def spread(values, digits=1):
    """Mean ± standard deviation."""
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"


UNITS = [0, 8, 64, 256]
by_size = {
    name: [measure(wrong, units=units)[0] for units in UNITS] for name, wrong in LABELS.items()
}
rows = [
    [str(units), f"{network(0, units=units).count_params():,}"]
    + [spread(by_size[name][i]) for name in LABELS]
    for i, units in enumerate(UNITS)
]
title = f"Test accuracy in percent, mean ± standard deviation of {len(SEEDS)} draws"
print()
print(Table([" units", " weights", *(f" {name}" for name in LABELS)], rows, title=title))
small, large = UNITS.index(8), UNITS.index(256)
right, wrong = by_size["right labels"], by_size["a fifth wrong"]
assert right[large].mean() > right[small].mean() + 1
assert max(right, key=np.mean) is not right[0]
assert max(wrong, key=np.mean) is wrong[0]
assert wrong[0].mean() > wrong[large].mean() + 5

# %% [markdown]
# With right labels larger is *not* worse: 256 units, nearly a hundred times as many weights as
# images, are better than 8. With wrong labels the network without a hidden layer wins, because it
# is too stiff to learn 40 exceptions by heart. So a small network helps where there is much that
# should not be learned; elsewhere it only learns less. Nobody knows beforehand which case it is:
# ask the validation set.
#
# ## 5. Four remedies
#
# **Early stopping.** Train until the validation loss has not fallen for 10 epochs, and go back to
# the weights of its lowest point. (`EarlyStopping(patience=10)`, as in tutorial 09.)
#
# **Weight decay.** Before each update all weights shrink by a small part of themselves:
#
# $$θ ← θ - η λ θ$$
#
# with all weights θ, the learning rate η and λ, the `weight_decay`.
#
# A weight that the data do not push back up fades away, so the network keeps what many images ask
# for, and loses what only one does. All decay, biases too; many spare these, and so can you:
# `optimizer.exclude_from_weight_decay(["bias"])`.
#
# **Dropout.** In each training step every number that leaves a layer is set to 0 with probability
# p (`rate`), anew for each image, and those that stay are divided by 1 − p, so that the mean is
# kept. No unit can rely on one other unit, or on one pixel, to be there. When the network predicts,
# nothing is dropped. We use p = 0.2 for the pixels and 0.5 for the hidden units. What becomes of a
# pixel of 0.5 when p = 0.2? (A layer that is handed a random generator trains; without one it
# predicts.)

# %%
pixels = np.full((1000, 64), 0.5)
dropped = Dropout(0.2).forward(pixels, {"rng": np.random.default_rng(0)})
print("0.5 becomes", np.unique(dropped), f"with mean {dropped.mean():.3f}")
assert np.allclose(np.unique(dropped), [0, 0.5 / (1 - 0.2)])
assert abs(dropped.mean() - 0.5) < 0.01

# %% [markdown]
# **More data.** Four times as many images: 80 of each digit. A network that sees all of them 48
# times also makes four times as many updates; one that sees them 12 times makes as many as before.
# We try both.
#
# How strong must weight decay be? That is a choice, so the validation set makes it. We try some λ
# with wrong labels, on three draws that are not used again. What do you expect of the training
# accuracy as λ grows, and what of the validation accuracy?

# %%
DECAYS = [0.2, 0.6, 2, 6]
tried = {"training": [], "validation": []}
for decay in DECAYS:
    results = [train(seed, 0.2, decay=decay) for seed in (100, 101, 102)]
    for name, means in tried.items():
        means.append(100 * np.mean([one[name]["accuracy"] for one in results]))
for decay, *means in zip(DECAYS, *tried.values(), strict=True):
    print("λ = {:<4g} training {:.1f} %, validation {:.1f} %".format(decay, *means))
chosen = DECAYS[int(np.argmax(tried["validation"]))]
print(f"chosen: λ = {chosen:g}")
assert np.all(np.diff(tried["training"]) < 0)
assert chosen == 2
assert 75 < tried["training"][DECAYS.index(chosen)] < 86

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(DECAYS, tried["training"], "o-", color=COLOURS[0], label="training (with wrong labels)")
ax.plot(DECAYS, tried["validation"], "s--", color=COLOURS[1], label="validation")
ax.axhline(80, color="0.5", linestyle=":")
ax.text(DECAYS[0], 79, "four labels in five are right", va="top", color="0.3")
ax.set_xscale("log")
ax.set_xticks(DECAYS, [f"{decay:g}" for decay in DECAYS])
ax.minorticks_off()
ax.set(xlabel="weight decay λ", ylabel="accuracy (%)")
ax.set_title("Too little decay: learns by heart. Too much: underfits")
ax.legend(loc="lower left")
fig.savefig(pictures / "10_how_strong.png", dpi=120)

# %% [markdown]
# With little decay the network repeats the wrong labels; with too much it cannot even learn the
# right ones, which is called *underfitting*. Best is the λ at which it reaches about 80 % on the
# training labels. Of course: that is how many of them are right.
#
# ## 6. Each alone, and together
#
# Every way is trained on the same five draws, so that it can be compared with doing nothing draw by
# draw. Before you look: which remedy wins? Are all three together better than each alone?

# %%
WAYS = {
    "nothing": {"units": 64},
    "early stopping": {"stop": True},
    "weight decay": {"decay": chosen},
    "dropout": {"dropout": True},
    "all three": {"stop": True, "decay": chosen, "dropout": True},
    "4× the data, 12 epochs": {"per_class": 80, "epochs": 12},
    "4× the data, 48 epochs": {"per_class": 80, "epochs": 48},
}
accuracy, loss, gain = {}, {}, {}
for labels, share in LABELS.items():
    for way, how in WAYS.items():
        accuracy[labels, way], loss[labels, way] = measure(share, **how)
        gain[labels, way] = accuracy[labels, way] - accuracy[labels, "nothing"]
    rows = [
        [
            way,
            spread(accuracy[labels, way]),
            spread(gain[labels, way]) if way != "nothing" else "",
            f"{np.sum(gain[labels, way] > 0)} of {len(SEEDS)}" if way != "nothing" else "",
            spread(loss[labels, way], 2),
        ]
        for way in WAYS
    ]
    print()
    heading = ["remedy", " accuracy (%)", " gain (points)", " better in", " loss"]
    print(Table(heading, rows, title=f"On the test set, {labels}"))

# %%
fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
places = np.arange(len(WAYS))
for (labels, colour, marker, face), shift in zip(
    (("right labels", COLOURS[0], "o", COLOURS[0]), ("a fifth wrong", COLOURS[1], "s", "white")),
    (-0.12, 0.12),
    strict=True,
):
    ways = [accuracy[labels, way] for way in WAYS]
    ax.errorbar(
        [values.mean() for values in ways],
        places + shift,
        xerr=[values.std(ddof=1) for values in ways],
        linestyle="none",
        color=colour,
        marker=marker,
        markerfacecolor=face,
        markersize=8,
        capsize=4,
        label=labels,
    )
    ax.axvline(ways[0].mean(), color=colour, linestyle=":", linewidth=1.2)
ax.set_yticks(places, WAYS)
ax.invert_yaxis()
ax.set_xlabel("test accuracy (%), mean and standard deviation of five draws")
ax.set_title("Wrong labels: each remedy helps. Right labels: only more data do")
ax.grid(axis="x", alpha=0.3)
ax.legend(loc="center left")
fig.savefig(pictures / "10_remedies.png", dpi=120)

# %% [markdown]
# Read the first table. With right labels no remedy changes the accuracy by more than luck does:
# the gains are about as small as their own spread. Early stopping and dropout lower the loss a
# little, that is, the network is less sure where it is wrong; weight decay makes it unsure
# everywhere, and the loss is *worse*. (To ask for less sureness from the start there is
# `CrossEntropy(label_smoothing=0.1)`: a target of 0.9 and a bit, and a bit for each other class.)
# All three at once are too much: the network underfits. Only more data help, in every draw.
#
# Read the second. Each remedy gives back most of what the wrong labels took, in every draw. They do
# the same thing in three ways (keep the network from learning by heart), so they do not add up:
# all three are again worse than dropout alone, because each had its full strength.
#
# And more data? They win here, too, but look at the last line. A network that sees four times the
# images 48 times each learns the wrong labels by heart as before, and is beaten by every remedy on
# a quarter of the data. More data help most, *if* they are not learned by heart.

# %%
right = {way: gain["right labels", way] for way in WAYS}
wrong = {way: gain["a fifth wrong", way] for way in WAYS}
lie = accuracy["right labels", "nothing"] - accuracy["a fifth wrong", "nothing"]
for way in ("early stopping", "weight decay", "dropout"):
    assert abs(right[way].mean()) < right[way].std(ddof=1) + 0.3
    assert np.all(wrong[way] > 0)
    assert wrong[way].mean() > lie.mean() / 2
    assert wrong[way].mean() > wrong["4× the data, 48 epochs"].mean() + 1
    assert wrong[way].mean() < wrong["4× the data, 12 epochs"].mean()
assert loss["right labels", "early stopping"].mean() < loss["right labels", "nothing"].mean()
assert loss["right labels", "dropout"].mean() < loss["right labels", "nothing"].mean()
assert loss["right labels", "weight decay"].mean() > loss["right labels", "nothing"].mean()
assert np.all(right["all three"] < 0)
assert wrong["all three"].mean() < wrong["dropout"].mean()
assert np.all(right["4× the data, 12 epochs"] > 0)
assert np.all(right["4× the data, 48 epochs"] > 0)
print(f"Pictures: 10_*.png in {pictures.resolve()}")

# %% [markdown]
# What to take home: measure whether there is anything to cure; get more data if you can, and look
# at the labels of those you have; early stopping costs least (it even saves time); then dropout or
# weight decay, with a strength that the validation set chose, and not everything at once.
#
# ## Exercises
#
# 1. The validation set is not free: its 100 images could be learned from. Train with 30 images a
#    class and no early stopping, and with 20 and early stopping. Which is better with right labels,
#    and which with wrong ones?
# 2. The remedies were too strong together. Find a mixture that is as good as dropout alone with
#    wrong labels and no worse than nothing with right ones. (Choose on the validation set, as in
#    part 5. Then, once, look at the test set.)
# 3. Spoil no label, one in ten, one in five, two in five. Draw the test accuracy of "nothing" and
#    of "dropout" over the share of wrong labels. From which share on does dropout help?
