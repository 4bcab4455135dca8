# %% [markdown]
# # Transfer learning: other people's handwriting, from five examples a digit
#
# *Before this one: 09 (real digits) and 10 (overfitting). Reading time: 8 minutes.*
#
# A network that has learned from 60,000 digits of MNIST meets the handwriting of other people, in
# another country, in another form: the UCI digits. It is given a handful of labelled examples. Does
# what it learned before help?

# %%
import os
from pathlib import Path

# Networks as small as these train faster on one thread of matrix products: a sixth faster here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # which NumPy reads when it is imported

import numpy as np

import minnet
from minnet import plots
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.layers import Dense
from minnet.optimizers import Adam

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Load a trained model, and try it as it is
#
# Both data sets show the digits 0 to 9, so the old head can be tried at once: *zero-shot*.

# %%
base = minnet.load_pretrained("mnist-8x8")
x, y, x_test, y_test = minnet.datasets.digits(per_class=5, seed=0)
print(f"{len(x)} labelled examples to learn from, {len(x_test):,} by other writers to be tested on")

base_accuracy = base.evaluate(x_test, y_test)["accuracy"]
print(f"zero-shot, with the old head: {base_accuracy:.1%}\n")

# %% [markdown]
# ## 2. A new head on frozen features
#
# The head is the last Dense layer. All below it is kept as it is, every bit of it.

# %%
model = base.replace_head(Dense(10, activation="softmax"), seed=0)
model.freeze("all_but_head")
model.summary()

model.compile(optimizer=Adam(1e-2), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
first = model.fit(x, y, epochs=100, verbose=0)
head_accuracy = model.evaluate(x_test, y_test)["accuracy"]
print(f"\nhead only: {head_accuracy:.1%}")
print(f"(the frozen layers ran once, not 100 times: {first.features_saved:,} rows saved)")

# %% [markdown]
# ## 3. Then all layers, carefully
#
# The head knows roughly what it wants now, so its gradients no longer tear the features apart. All
# layers learn on, at a tenth of the rate.

# %%
model.unfreeze()
second = model.fit(x, y, epochs=50, learning_rate=1e-3, verbose=0)
both_accuracy = model.evaluate(x_test, y_test)["accuracy"]
print(f"head then all: {both_accuracy:.1%}")
model.save(pictures / "14_digits.npz")
assert minnet.load(pictures / "14_digits.npz").evaluate(x_test, y_test)["accuracy"] == both_accuracy

# %% [markdown]
# ## 4. Would it have learned as well without the old knowledge?
#
# One run proves nothing: the five examples may have been lucky ones. So: several draws, several
# numbers of labels, and an opponent that gets a fair chance. The network from scratch is tried in
# three settings, and the best of them *on the test data* counts, which flatters it.

# %%
LABELS = [1, 5, 25]
SEEDS = range(5)
SCRATCH = [((64,), 1e-2), ((128, 64), 3e-3), ((256, 128), 1e-3)]


def transfer(x, y, seed):
    """Test accuracy after the head's training, and after all layers' training."""
    model = base.replace_head(Dense(10, activation="softmax"), seed=seed)
    model.freeze("all_but_head")
    model.compile(optimizer=Adam(1e-2), loss="cross_entropy", metrics=["accuracy"])
    model.fit(x, y, epochs=100, verbose=0)
    head = model.evaluate(x_test, y_test)["accuracy"]
    model.unfreeze()
    model.fit(x, y, epochs=50, learning_rate=1e-3, verbose=0)
    return head, model.evaluate(x_test, y_test)["accuracy"]


def scratch(x, y, seed, widths, rate):
    """Test accuracy of a network that starts from random weights."""
    layers = [Dense(width, activation="relu") for width in widths]
    model = minnet.Sequential([*layers, Dense(10, activation="softmax")], seed=seed)
    model.compile(optimizer=Adam(rate), loss="cross_entropy", metrics=["accuracy"])
    model.fit(x, y, epochs=150, verbose=0)
    return model.evaluate(x_test, y_test)["accuracy"]


accuracies = {name: [] for name in ("from scratch, best setting", "head only", "head then all")}
for labels in LABELS:
    draws = [minnet.datasets.digits(per_class=labels, seed=seed)[:2] for seed in SEEDS]
    settings = [
        [scratch(*draws[seed], seed, widths, rate) for seed in SEEDS] for widths, rate in SCRATCH
    ]
    heads, boths = zip(*(transfer(*draws[seed], seed) for seed in SEEDS), strict=True)
    accuracies["from scratch, best setting"].append(max(settings, key=np.mean))
    accuracies["head only"].append(heads)
    accuracies["head then all"].append(boths)


def mean_and_spread(values):
    """A mean and a standard deviation over the seeds, in percent."""
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f}"


rows = [
    [str(labels), f"{100 * base_accuracy:.1f}"]
    + [mean_and_spread(accuracies[name][i]) for name in accuracies]
    for i, labels in enumerate(LABELS)
]
print()
print(
    Table(
        [" labels a class", " zero-shot", *(f" {name}" for name in accuracies)],
        rows,
        title=f"Test accuracy in percent, mean ± standard deviation of {len(SEEDS)} draws",
    )
)

# %% [markdown]
# ## 5. What each label is worth

# %%
ax = plots.label_efficiency(LABELS, accuracies)
ax.axhline(100 * base_accuracy, color="0.5", linestyle=":", linewidth=1)
ax.annotate("zero-shot", (LABELS[-1], 100 * base_accuracy), ha="right", va="top", color="0.3")
ax.set_title("UCI digits: the fewer labels, the more MNIST helps")
ax.figure.savefig(pictures / "14_label_efficiency.png", dpi=120)

shown = np.random.default_rng(0).choice(len(x_test), 24, replace=False)
guessed = model.predict(x_test[shown]).argmax(axis=1)
ax = plots.predictions(x_test[shown], y_test[shown], guessed)
ax.figure.savefig(pictures / "14_predictions.png", dpi=120)

five = LABELS.index(5)
scratch_5 = 100 * np.mean(accuracies["from scratch, best setting"][five])
both_5 = 100 * np.mean(accuracies["head then all"][five])
won = sum(
    b > s
    for b, s in zip(
        accuracies["head then all"][five],
        accuracies["from scratch, best setting"][five],
        strict=True,
    )
)
print(
    f"\nWith five labels a class transfer reaches {both_5:.1f} %, {both_5 - scratch_5:.1f} points "
    f"above the best network from scratch, and wins {won} of {len(SEEDS)} draws."
)
print(f"Pictures: 14_label_efficiency.png and 14_predictions.png in {pictures.resolve()}")
assert both_5 >= 90.5
assert both_5 >= scratch_5 + 5
lead = np.mean(accuracies["head then all"], axis=1)
lead -= np.mean(accuracies["from scratch, best setting"], axis=1)
assert lead[0] > lead[1] > lead[2] > 0  # the fewer labels, the larger

# %% [markdown]
# Note what the table also says. With one label a class a new head does no better than the old one,
# which knew the digits already. With twenty-five the lead has shrunk by half. Training all layers
# after the head is no gain while there are only a few labels. Transfer is for when labels are few,
# and for when what was learned before is like what is to be learned now.

# %% [markdown]
# ## 6. Other classes: from letters to digits
#
# The old head was of some use above, because the classes were the same. They need not be. Here a
# network learns to read the 26 letters, in 21 typefaces, turned and blurred with noise; then it is
# given ten examples of each *digit*. `transfer.compare` does all that was done by hand above: the
# draws, the tuning of the network from scratch (on samples kept back, never on the test data),
# other opponents, and the verdict. Its verdict is about one way, "head then all", which was chosen
# beforehand: the way that turns out best may have been lucky. The trainings have nothing to tell
# each other, so as many run at a time as there are cores (`jobs=`); the figures are the same for
# any number.

# %%
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
x_letters, y_letters, *letters_test = minnet.datasets.glyphs(ALPHABET, 20_000, seed=0)
letters = minnet.Sequential(
    [Dense(128, activation="relu"), Dense(64, activation="relu"), Dense(26, activation="softmax")],
    seed=0,
    name="letters",
)
letters.compile("adam", "cross_entropy", ["accuracy"])
letters.fit(x_letters, y_letters, batch_size=64, epochs=10, verbose=0)
print(f"\nletters: {letters.evaluate(*letters_test)['accuracy']:.1%}\n")

data = minnet.datasets.glyphs("0123456789", 400, seed=1)
arms = ["scratch", "linear on the inputs", "head only", "head then all"]
report = minnet.transfer.compare(
    letters, *data, per_class=10, seeds=3, arms=arms, verbose=0, jobs=os.cpu_count() or 1
)
print(report)
assert report.verdict(10, "head only").word == "HELPS"
assert report.verdict(10, "head only").difference > 0.25

# %% [markdown]
# `15_when_transfer_hurts.py` shows where the same call says the opposite.
#
# ## Exercises
#
# 1. Skip the freezing: train all layers at 1e-2 from the start. What is lost, and why?
# 2. `digits(classes=[5, 6, 7, 8, 9])` with a new head of five units: does the lead grow or shrink?
# 3. Turn the test images upside down (`x_test[:, ::-1]` turns them by 180°). What does zero-shot
#    say now, and what can a new head still do with the same features?
