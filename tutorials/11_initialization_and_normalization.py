# %% [markdown]
# # Initialisation and normalisation: signals that neither fade nor explode
#
# *Before this one: 06 (activations) and 08 (optimizers). Reading time: 23 minutes.*
#
# Before a deep network has seen one example, its first random weights may have decided that it will
# never learn. By the end you will know why they must not be zero, how large they should be (three
# lines of school mathematics), why inputs are brought to mean 0 and deviation 1, and what batch
# normalisation does, repairs and costs.

# %%
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.foundation.tables import Table
from minnet.initializers import Constant, RandomNormal
from minnet.layers import Activation, BatchNormalization, Dense
from minnet.optimizers import SGD, Adam
from minnet.plots import COLOURS, MARKERS, STYLES

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())
x, y, x_test, y_test = minnet.datasets.digits()

# %% [markdown]
# ## 1. Why not start at zero?
#
# One hidden layer of 32 units, started in four ways: all weights 0; all weights 0.02; one single
# unit, random; 32 units, random. Which will learn? (Guessing one digit in ten is 10 %.)

# %%
STARTS = {
    "32 units, all 0": (32, "zeros"),
    "32 units, all 0.02": (32, Constant(0.02)),
    "1 unit, random": (1, "glorot_uniform"),
    "32 units, random": (32, "glorot_uniform"),
}
rows, accuracy, between = [], {}, {}
for name, (units, start) in STARTS.items():
    model = minnet.Sequential(
        [
            Dense(units, activation="tanh", kernel_initializer=start, input_dim=64),
            Dense(10, activation="softmax", kernel_initializer=start),
        ],
        seed=0,
        dtype="float64",  # 16 digits, so that rounding errors stay out of it
    )
    model.compile(SGD(0.1), "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=4, verbose=0)
    accuracy[name] = model.evaluate(x_test, y_test)["accuracy"]
    W = model.layers[0].W  # (64, units): one column for each unit
    between[name] = np.ptp(W, axis=1).max()  # largest minus smallest over the units
    rows.append([name, f"{100 * accuracy[name]:.1f}", f"{np.abs(W).max():.2g}"])
    rows[-1].append(f"{between[name]:.1e}")
print(Table(["start", " test accuracy (%)", " largest |W|", " units differ by"], rows))
assert accuracy["32 units, all 0"] < 0.12
assert abs(accuracy["32 units, all 0.02"] - accuracy["1 unit, random"]) < 0.15
assert 0.15 < accuracy["32 units, all 0.02"] < 0.5
assert accuracy["32 units, random"] > 0.85
assert between["32 units, all 0"] == 0
assert between["32 units, all 0.02"] < 1e-6 < 0.1 < between["32 units, random"]

# %% [markdown]
# *All 0*: the hidden units put out tanh 0 = 0, so the second layer's gradient xᵀ dy is 0; and the
# way back to the first layer, dy Wᵀ, is 0 as well. Only the last bias ever moves.
#
# *All 0.02*: something is learned, but all 32 units compute the same number, so they get the same
# gradient, so they remain the same. It is a network of *one* unit, computed 32 times. This is
# called symmetry, and only random numbers break it.
#
# ## 2. How large? Three lines
#
# A unit sums n inputs, z = Σ xᵢ wᵢ. Let the weights be random, independent, of mean 0 and variance
# v. Then products of different i cancel on average, and of the squares there are n:
#
# $$\mathrm{mean}(z^2) = n · v · \mathrm{mean}(x^2)$$
#
# 1. For the signal to keep its size, n · v has to be 1: **v = 1/n** (LeCun, 1998).
# 2. On the way back, dx = dy Wᵀ sums over the m units of the layer above: there it is v = 1/m.
#    Glorot and Bengio (2010) take the middle, **v = 2 / (n + m)**; for equal widths that is 1/n.
# 3. ReLU sets half of all z to 0, and with it half of the mean square, so it needs twice as much:
#    **v = 2/n** (He et al., 2015).
#
# First the second point: layers that narrow from 512 to 64 units, without activation functions.

# %%
WIDTHS = [512, 256, 128, 64]
rng = np.random.default_rng(0)


def rms(values):
    """Root mean square: the typical size of the values."""
    return np.sqrt(np.mean(values**2))


MIDDLE = {
    "1/n": lambda n, m: 1 / n,
    "1/m": lambda n, m: 1 / m,
    "2/(n + m)": lambda n, m: 2 / (n + m),
}
rows, up, down = [], {}, {}
for name, variance in MIDDLE.items():
    matrices = [rng.normal(0, np.sqrt(variance(n, m)), (n, m)) for n, m in pairwise(WIDTHS)]
    signal, gradient = rng.normal(size=(1000, 512)), rng.normal(size=(1000, 64))
    for W in matrices:
        signal = signal @ W
    for W in reversed(matrices):
        gradient = gradient @ W.T
    up[name], down[name] = rms(signal), rms(gradient)
    rows.append([name, f"{up[name]:.2f}", f"{down[name]:.2f}"])
print()
print(Table(["variance", " signal, × ", " gradient, × "], rows, title="Through 3 narrowing layers"))
assert abs(up["1/n"] - 1) < 0.15
assert abs(down["1/m"] - 1) < 0.15
assert down["1/n"] < 0.5 < down["2/(n + m)"] < 1 < up["2/(n + m)"] < 2 < up["1/m"]

# %% [markdown]
# Now the deep one: 20 layers of 256 units, with tanh and with ReLU, and four sizes of weights. By
# the three lines each ReLU layer multiplies the signal's size by √(n v / 2). For weights from
# N(0, 1) that is √128 = 11.3. What will be left after 20 layers? And for 0.01 · N(0, 1)?

# %%
n, DEPTH = 256, 20
VARIANCES = {"N(0, 1)": 1.0, "0.01 · N(0, 1)": 1e-4, "1/n, Glorot": 1 / n, "2/n, He": 2 / n}
FUNCTIONS = {
    "tanh": (np.tanh, lambda y: 1 - y**2),  # the function of z, and its slope, from y
    "ReLU": (lambda z: np.maximum(z, 0), lambda y: y > 0),
}


def sizes(function, slope, variance, seed=0):
    """Sizes of the signal and of the gradient at each layer, and the last signal."""
    rng = np.random.default_rng(seed)
    outputs, matrices = [rng.normal(size=(100, n))], []
    for _ in range(DEPTH):
        matrices.append(rng.normal(0, np.sqrt(variance), (n, n)))
        outputs.append(function(outputs[-1] @ matrices[-1]))
    gradients = [rng.normal(size=(100, n))]  # as if from a loss above the last layer
    for W, out in zip(reversed(matrices), reversed(outputs), strict=False):
        gradients.append((gradients[-1] * slope(out)) @ W.T)
    return [rms(out) for out in outputs], [rms(g) for g in gradients[::-1]], outputs[-1]


signal, gradient, last, rows = {}, {}, {}, []
for f, (function, slope) in FUNCTIONS.items():
    for name, variance in VARIANCES.items():
        key = f, name
        signal[key], gradient[key], last[key] = sizes(function, slope, variance)
        rows.append([f, name, f"{signal[key][-1]:.2g}", f"{gradient[key][0]:.2g}"])
print()
heading = ["", "variance", " signal at the top", " gradient at the bottom"]
print(Table(heading, rows, title="Sizes after 20 layers (both start at 1)"))

# %%
fig, axes = plt.subplots(2, 2, figsize=(9.5, 6.5), sharex=True, sharey=True)
fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.88, wspace=0.05, hspace=0.18)
both = {"signal": signal, "gradient": gradient}
for row, (label, by_start) in zip(axes, both.items(), strict=True):
    for ax, f in zip(row, FUNCTIONS, strict=True):
        for i, name in enumerate(VARIANCES):
            ax.plot(
                by_start[f, name],
                color=COLOURS[i],
                linestyle=STYLES[i],
                marker=MARKERS[i],
                markevery=2,
                label=name,
            )
        ax.set_title(f"{label}, {f}")
        ax.grid(alpha=0.3)
    row[0].set_ylabel(f"size of the {label} (rms)")
axes[0, 0].set_yscale("log")
axes[0, 0].set_ylim(1e-6, 1e6)
for ax in axes[1]:
    ax.set_xlabel("layer")
    ax.set_xticks(range(0, DEPTH + 1, 4))
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=4)
fig.suptitle("20 layers: large weights explode, small ones fade, 2/n carries")
fig.savefig(pictures / "11_signals.png", dpi=120)

# %% [markdown]
# ReLU first, since it does what the three lines say. N(0, 1) explodes and 0.01 · N(0, 1) fades, by
# the same factor each layer. With 1/n half of the mean square is lost in each layer, which leaves
# 1/√2²⁰ = 1/1024. With 2/n it comes through, up and down.
#
# tanh is milder. Its curve is flatter than the line, so even with 1/n the signal shrinks a little,
# and less the smaller it is; with 2/n it settles at about a half. Either will do. And N(0, 1) seems
# perfect: a signal of size 1 at every layer! Look at *which* numbers they are:

# %%
per_layer = signal["ReLU", "N(0, 1)"][-1] ** (1 / DEPTH)
saturated = np.mean(np.abs(last["tanh", "N(0, 1)"]) > 0.99)
print(f"ReLU, N(0, 1): each layer multiplies by {per_layer:.1f}, √(n/2) = {np.sqrt(n / 2):.1f}")
print(f"tanh, N(0, 1): {saturated:.0%} of the outputs are beyond ±0.99")
assert abs(per_layer - np.sqrt(n / 2)) < 1
assert 1 / 4000 < signal["ReLU", "1/n, Glorot"][-1] < 1 / 250
for by_start, end in ((signal, -1), (gradient, 0)):
    assert 0.3 < by_start["ReLU", "2/n, He"][end] < 3
    assert by_start["ReLU", "0.01 · N(0, 1)"][end] < 1e-15
    assert by_start["tanh", "0.01 · N(0, 1)"][end] < 1e-13
    assert by_start["ReLU", "N(0, 1)"][end] > 1e18
    assert 0.05 < by_start["tanh", "1/n, Glorot"][end] < 0.5
    assert 0.3 < by_start["tanh", "2/n, He"][end] < 5
assert signal["tanh", "N(0, 1)"][-1] > 0.9
assert gradient["tanh", "N(0, 1)"][0] > 1e6
assert 0.8 < saturated < 0.92

# %% [markdown]
# Most units are *saturated*: their tanh is at ±1, whatever comes in, and its slope is nearly 0. One
# often reads that the gradient then vanishes. Measured, it does not, it explodes: some units are
# still in the steep part, and on the way down their gradients meet weights that are 16 times (√n)
# too large. Either way it says nothing about which small step would help.
#
# ## 3. Digits, ten layers deep
#
# What do the layers put out for real digits? `plots.activations` draws it: three tanh layers, from
# weights that are too large, too small, and Glorot's.

# %%
x_standard, x_test_standard = minnet.datasets.standardize(x, x_test)  # part 4 says what this is
INITS = {
    "N(0, 1)": RandomNormal(stddev=1.0),
    "0.01 · N(0, 1)": RandomNormal(stddev=0.01),
    "Glorot": "glorot_normal",
    "He": "he_normal",
}
fig, axes = plt.subplots(3, 3, figsize=(9, 7.2), sharex=True)
fig.subplots_adjust(left=0.1, right=0.97, bottom=0.09, top=0.88, wspace=0.25, hspace=0.4)
for row, (name, start) in zip(axes, INITS.items(), strict=False):
    layers = [Dense(100, activation="tanh", kernel_initializer=start) for _ in range(3)]
    model = minnet.Sequential(layers, seed=0)
    model.build(64)
    plots.activations(model, x_standard[:500], bins=15, limits=(-1, 1), ax=row)
    for ax in row:
        ax.set(xlabel="", ylabel="")
    row[0].set_ylabel(f"{name}\nshare of values (%)", fontsize=11)
fig.supxlabel("activation (dashed: mean)")
fig.suptitle("Too large: most at ±1. Too small: all near 0. Glorot: spread out")
fig.savefig(pictures / "11_activations.png", dpi=120)

# %% [markdown]
# And does it matter for learning? Ten hidden layers of 64 units, two epochs of plain SGD, two
# seeds each. Which of the eight will learn?


# %%
def deep(activation, start, seed, *, normalize=False):
    """Ten hidden layers of 64 units, compiled with SGD(0.1)."""
    model = minnet.Sequential(seed=seed)
    for _ in range(10):
        model.add(Dense(64, kernel_initializer=start, use_bias=not normalize))
        if normalize:
            model.add(BatchNormalization(momentum=0.9))
        model.add(Activation(activation))
    model.add(Dense(10, activation="softmax"))
    model.build(64)
    model.compile(SGD(0.1), "cross_entropy", ["accuracy"])
    return model


def learn(model):
    """Test accuracy after two epochs; NaN if the loss leaves the finite numbers."""
    try:
        model.fit(x_standard, y, batch_size=96, epochs=2, verbose=0)
    except minnet.DivergedError:
        return np.nan
    return model.evaluate(x_test_standard, y_test)["accuracy"]


def in_percent(values):
    """Each value in percent, and "diverged" for NaN."""
    return ", ".join("diverged" if np.isnan(v) else f"{100 * v:.1f}" for v in values)


learned = {
    (activation, name): [learn(deep(activation, start, seed)) for seed in range(2)]
    for activation in ("tanh", "relu")
    for name, start in INITS.items()
}
rows = [[name, *(in_percent(learned[f, name]) for f in ("tanh", "relu"))] for name in INITS]
print()
print(Table(["weights", " tanh", " ReLU"], rows, title="Test accuracy after 2 epochs (%)"))
for f in ("tanh", "relu"):
    assert np.max(learned[f, "0.01 · N(0, 1)"]) < 0.15
    assert np.min(learned[f, "He"]) > 0.7
assert np.all(np.isnan(learned["relu", "N(0, 1)"]))
assert np.max(learned["tanh", "N(0, 1)"]) < 0.6
assert np.min(learned["tanh", "Glorot"]) > 0.9
assert np.mean(learned["relu", "Glorot"]) < np.mean(learned["relu", "He"]) - 0.1

# %% [markdown]
# As predicted: for ReLU He's are better than Glorot's, and the others learn late or not at all; for
# tanh the two are about alike. Do not take it for a law, though. With ten layers of ReLU Glorot's
# loses only a factor of 1/√2¹⁰ = 1/32, and learns, more slowly; in a network of one or two hidden
# layers, or with Adam, which makes its steps about as large whatever the gradient's size is, you
# would hardly see a difference.
#
# ## 4. Inputs
#
# The three lines began with inputs of mean square 1. Inputs have a size of their own (grams or
# tonnes?) and a mean. *Standardising* brings each column to mean 0 and standard deviation 1,
#
# $$x ← \frac{x - μ}{σ}$$
#
# with μ and σ of each column, taken over the training set only.
#
# Here are the digits in five forms: as they are, from 0 to 1; from 0 to 255; shifted by 10, as
# temperatures in kelvin are; each pixel in a unit of its own, from hundredths to hundreds, as the
# columns of a real table are; and standardised. Each holds the same information.

# %%
rng = np.random.default_rng(0)
units = 10.0 ** rng.uniform(-2, 2, 64)
FORMS = {
    "from 0 to 1": lambda x: x,
    "from 0 to 255": lambda x: 255 * x,
    "shifted by 10": lambda x: x + 10,
    "a unit for each pixel": lambda x: units * x,
}
forms = {name: (form(x), form(x_test)) for name, form in FORMS.items()}
forms["standardised"] = (x_standard, x_test_standard)
for name, (a, b) in forms.items():  # whatever the form was, standardising undoes it
    a, b = minnet.datasets.standardize(a, b)
    assert np.allclose(a, x_standard, atol=2e-3), name

rows, reached = [], {}
for name, (a, b) in forms.items():
    for optimizer in (SGD(0.1), Adam(0.001)):
        key = name, type(optimizer).__name__
        reached[key] = []
        for seed in range(2):
            model = minnet.Sequential(
                [Dense(64, activation="relu", input_dim=64), Dense(10, activation="softmax")],
                seed=seed,
            )
            model.compile(optimizer, "cross_entropy", ["accuracy"])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # minnet warns of numbers as large as 255
                model.fit(a, y, batch_size=64, epochs=3, verbose=0)
            reached[key].append(model.evaluate(b, y_test)["accuracy"])
    rows.append([name, in_percent(reached[name, "SGD"]), in_percent(reached[name, "Adam"])])
print()
print(
    Table(["inputs", " SGD(0.1)", " Adam(0.001)"], rows, title="Test accuracy after 3 epochs (%)")
)
assert max(reached["from 0 to 255", "SGD"]) < 0.2
assert max(reached["shifted by 10", "SGD"] + reached["shifted by 10", "Adam"]) < 0.6
assert max(reached["a unit for each pixel", "SGD"]) < 0.7
assert min(reached["from 0 to 255", "Adam"]) > 0.75
for optimizer in ("SGD", "Adam"):
    others = [np.mean(reached[name, optimizer]) for name in FORMS]
    assert np.mean(reached["standardised", optimizer]) > max(others) + 0.005

# %% [markdown]
# Adam mostly forgives the scale of *all* inputs, since it divides by the gradients' size. Nothing
# forgives the shift: where each input is about 10, all weights of a unit get nearly the same
# gradient, and the little in which the digits differ drowns in it. Standardised inputs win in both
# columns.
#
# Take care of one thing. A pixel that is almost always paper has a tiny σ, and division by that
# makes the rare speck of ink huge:

# %%
largest = np.abs(x_standard).max()
print(f"the largest standardised pixel: {largest:.0f} standard deviations from its mean")
assert 50 < largest < 70

# %% [markdown]
# Here it does no harm; where it does, clip: `np.clip(x, -5, 5)`.
#
# ## 5. Batch normalisation
#
# If standardised inputs are good for the first layer, why not for every layer? Their inputs change
# with each update, so μ and σ have to be computed anew in each training step, over the N rows of
# the batch (Ioffe and Szegedy, 2015):
#
# $$μ = \mathrm{mean}(z), \quad σ^2 = \mathrm{variance}(z), \qquad
# \hat z = \frac{z - μ}{\sqrt{σ^2 + ε}}, \qquad y = γ \hat z + β$$
#
# Mean and variance are those of each column, over the batch. ε = 0.001 keeps the division from 0.
# γ and β are learned, and start at 1 and 0.
#
# γ and β let the layer have another size and mean if that is better.

# %%
z = np.random.default_rng(0).normal(20, 4, (32, 3))
layer = BatchNormalization()
layer.build((3,), np.random.default_rng(0))

mu, variance = z.mean(axis=0), z.var(axis=0)
by_hand = layer.gamma * (z - mu) / np.sqrt(variance + layer.epsilon) + layer.beta
memo = {}  # a layer that is handed a memo trains; without one it predicts
assert np.allclose(layer.forward(z, memo), by_hand)
print("means:     ", z.mean(axis=0).round(2), "become", by_hand.mean(axis=0).round(2) + 0)
print("deviations:", z.std(axis=0).round(2), "become", by_hand.std(axis=0).round(2))
assert np.allclose(by_hand.mean(axis=0), 0, atol=1e-6)
assert np.allclose(by_hand.std(axis=0), 1, atol=1e-3)

# %% [markdown]
# But how do you predict for a *single* row, which has no σ? By averages that the layer kept while
# it trained: `moving_mean` and `moving_variance` start at 0 and 1, and each training step moves
# them by one percent of the way to the batch's (`momentum=0.99`). What will be predicted for these
# same rows after the first step?

# %%
layer.after_step(memo)
print("moving mean after one step:", layer.moving_mean.round(2))
print("training: ", by_hand[0].round(2), " predicting:", layer.forward(z)[0].round(2))
assert np.allclose(layer.moving_mean, 0.01 * mu)
assert np.all(layer.forward(z)[0] > 5)
for _ in range(1000):
    layer.after_step(memo)
print("predicting after 1,000 steps:", layer.forward(z)[0].round(2))
assert np.allclose(layer.forward(z), by_hand, atol=0.01)

# %% [markdown]
# The two differ until the averages have caught up. That is a common trap, and we will meet it again
# below.
#
# ### What it repairs
#
# First the ten ReLU layers with bad initial weights. Then a network with two hidden layers and
# learning rates from too small to too large. What do you expect of N(0, 1)?

# %%
repaired = {
    name: [learn(deep("relu", start, seed, normalize=True)) for seed in range(2)]
    for name, start in INITS.items()
}
rows = [[name, in_percent(learned["relu", name]), in_percent(repaired[name])] for name in INITS]
print()
heading = ["weights", " plain", " batch-normalised"]
print(Table(heading, rows, title="Ten ReLU layers: test accuracy after 2 epochs (%)"))
assert np.min(repaired["0.01 · N(0, 1)"]) > 0.7
assert np.mean(repaired["Glorot"]) > np.mean(learned["relu", "Glorot"]) + 0.1
assert np.min(repaired["He"]) > 0.8
assert 0.25 < np.mean(repaired["N(0, 1)"]) < 0.7


# %%
def two_layers(rate, *, normalize, momentum=0.9):
    """Two hidden layers of 64 ReLU units."""
    model = minnet.Sequential(seed=0)
    for _ in range(2):
        model.add(Dense(64, use_bias=not normalize))
        if normalize:
            model.add(BatchNormalization(momentum=momentum))
        model.add(Activation("relu"))
    model.add(Dense(10, activation="softmax"))
    model.build(64)
    model.compile(SGD(rate), "cross_entropy", ["accuracy"])
    return model


RATES = [0.003, 0.03, 0.3, 3]
by_rate = {
    "plain": [learn(two_layers(rate, normalize=False)) for rate in RATES],
    "batch-normalised": [learn(two_layers(rate, normalize=True)) for rate in RATES],
}
rows = [
    [f"{rate:g}", *(in_percent([accuracies[i]]) for accuracies in by_rate.values())]
    for i, rate in enumerate(RATES)
]
print()
heading = [" learning rate", " plain", " batch-normalised"]
print(Table(heading, rows, title="Two ReLU layers: test accuracy after 2 epochs (%)"))
plain, normalised = map(np.nan_to_num, by_rate.values())  # what diverged knows nothing: 0
assert plain[-1] < 0.6 < 0.85 < normalised[-1]
assert all(b > a for a, b in zip(plain, normalised, strict=True))

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True, layout="constrained")
places = np.arange(len(INITS))
for i, (name, by_init) in enumerate(
    {"plain": [learned["relu", k] for k in INITS], "batch-normalised": repaired.values()}.items()
):
    heights = 100 * np.nan_to_num([np.mean(accuracies) for accuracies in by_init])  # diverged: 0
    left.bar(
        places + 0.4 * i - 0.2,
        heights,
        width=0.4,
        color=COLOURS[i],
        edgecolor="black",
        hatch=("", "//")[i],
        label=name,
    )
    right.plot(
        RATES,
        100 * np.nan_to_num(by_rate[name]),
        color=COLOURS[i],
        marker=MARKERS[i],
        linestyle=STYLES[i],
        label=name,
    )
left.text(-0.2, 2, "diverged", rotation=90, ha="center", va="bottom")
if np.isnan(by_rate["plain"][-1]):
    right.text(0.7 * RATES[-1], 2, "diverged", ha="right")
left.set_xticks(places, INITS, fontsize=9)
left.set(title="ten layers, by their first weights", ylabel="test accuracy (%)", ylim=(0, 100))
right.set(title="two layers, by the learning rate", xlabel="learning rate", xscale="log")
right.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
right.minorticks_off()
right.grid(alpha=0.3)
right.legend(loc="center left", bbox_to_anchor=(0.32, 0.4))
left.set_xlabel("initial weights")
fig.suptitle("Batch normalisation forgives bad first weights and large learning rates")
fig.savefig(pictures / "11_batch_normalization.png", dpi=120)

# %% [markdown]
# Weights that are too small are repaired completely, since ẑ has deviation 1 whatever z had (as
# long as σ² is not far below ε). A learning rate of 3, which ruins the plain network, does no harm.
# N(0, 1) is repaired in part: the signals are fine now, but the weights are so large that a step of
# the usual size hardly changes their direction. More epochs help, slowly.
#
# ### What it costs
#
# **It predicts by other numbers than it trains by.** With `momentum=0.99`, Keras' default, and a
# training of 60 steps the moving averages are not half way there (1 − 0.99⁶⁰ = 45 %). Compare what
# the network says of the test digits in prediction mode and, with memos, in training mode.

# %%
modes = {}
for momentum in (0.99, 0.9):
    model = two_layers(0.1, normalize=True, momentum=momentum)
    model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    training = model.forward(x_test, [{} for _ in model.steps])[-1]
    modes[momentum] = (
        model.evaluate(x_test, y_test)["accuracy"],
        np.mean(training.argmax(axis=1) == y_test),
    )
    print(
        f"momentum {momentum}, after one epoch: {modes[momentum][0]:.1%} predicting, "
        f"{modes[momentum][1]:.1%} with the batch's own μ and σ"
    )
assert -(-len(x) // 64) == 60
assert modes[0.99][0] < modes[0.99][1] - 0.05
assert abs(modes[0.9][0] - modes[0.9][1]) < 0.03

# %% [markdown]
# **The rows of a batch are no longer independent.** While it trains, what the network says of a
# digit depends on the other rows of its batch. In the extreme, a batch of *one* row: μ is the row
# itself, σ² is 0, so ẑ = 0 and y = β, whatever the digit. What will the loss be after an epoch?

# %%
alone, among_four = layer.forward(z[:1], {}), layer.forward(z[:4], {})
print("the first row among 32:", by_hand[0].round(2))
print("the first row among 4: ", among_four[0].round(2))
print("the first row alone:   ", alone[0].round(2))
assert np.all(alone == 0)
assert np.abs(among_four[0] - by_hand[0]).max() > 0.1

losses = {}
for normalize in (False, True):
    model = two_layers(0.01, normalize=normalize)
    history = model.fit(x_standard[:400], y[:400], batch_size=1, epochs=1, verbose=0).history
    losses[normalize] = history["loss"][-1]
print(f"an epoch of single rows: loss {losses[False]:.2f} plain, {losses[True]:.2f} normalised")
print(f"(knowing nothing: ln 10 = {np.log(10):.2f})")
assert losses[False] < 1.9
assert abs(losses[True] - np.log(10)) < 0.05

# %% [markdown]
# **It takes time**: more passes over the numbers in each step. How much is that on your machine?

# %%
seconds = {}
for normalize in (False, True):
    model = two_layers(0.1, normalize=normalize)
    times = []
    for _ in range(60):
        start = time.perf_counter()
        model.train_on_batch(x_standard[:64], y[:64])
        times.append(time.perf_counter() - start)
    seconds[normalize] = np.median(times)
print(f"a step takes {seconds[True] / seconds[False]:.1f} times as long")

# %% [markdown]
# **Layer normalisation** (Ba, Kiros and Hinton, 2016) avoids the first two: it takes μ and σ over
# the *units of one row* instead of the rows of one unit. So a row has nothing to do with its
# neighbours, a batch of one is as good as any, and there are no averages to keep. minnet has no
# such layer; its forward is one line, and tutorial 16 shows how to write a layer of your own.

# %%
row = z[:1]
row_hat = (row - row.mean(axis=1, keepdims=True)) / np.sqrt(row.var(axis=1, keepdims=True) + 1e-3)
print("layer-normalised, alone:", row_hat[0].round(2))
assert abs(row_hat.mean()) < 1e-9
assert abs(row_hat.std() - 1) < 0.01
print(f"Pictures: 11_*.png in {pictures.resolve()}")

# %% [markdown]
# What to take home: start with He's weights for ReLU and with Glorot's for tanh (which `Dense` has
# unless told otherwise), standardise the inputs by the training set, and take batch normalisation
# for deep networks, with batches that are not small.
#
# ## Exercises
#
# 1. In part 1 give only one of the two layers zeros, and the other random weights. Try both ways.
#    Which of them learns, and who breaks the symmetry? Now "all 0.02" again, with SGD(0.3): no
#    better. Then add random numbers as small as 10⁻⁷ to its first W before training. What happens?
# 2. In part 4 the digits from 0 to 255 were not learned with SGD(0.1). Find a learning rate with
#    which they are. How much smaller is it, and is it as good as standardising?
# 3. Compare `two_layers` with and without batch normalisation for batches of 1, 2, 4, 8 and 64 rows
#    of the first 500 digits (learning rate 0.01, three epochs). From which size on does it pay?
