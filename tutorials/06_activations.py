# %% [markdown]
# # Activations, and the gradient that vanishes
#
# *Before this one: 04 (backpropagation). Reading time: 14 minutes.*
#
# A hidden layer made XOR possible (tutorial 03). So are four of them better than one? For a long
# time they were worse: deep networks hardly learned at all. By the end you will know why (it is one
# number, 1/4, and the chain rule), you will have measured it layer by layer, and you will know
# three cures and what each of them costs.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.initializers import RandomNormal
from minnet.layers import Dense, ReLU, Sigmoid, Tanh
from minnet.optimizers import SGD
from minnet.regularizers import L2

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Three curves and their slopes
#
# A unit adds up its weighted inputs to a number z, and its *activation* bends it: a = f(z). Without
# the bend, two layers in a row would do no more than one. The three best known:
#
#     sigmoid   a = 1 / (1 + e⁻ᶻ)                  from 0 to 1      slope a (1 − a)
#     tanh      a = (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)        from −1 to 1     slope 1 − a²
#     ReLU      a = max(0, z)                      from 0 up        slope 1 where z > 0, else 0
#
# The slope is what backpropagation multiplies by. What is the largest slope of each? Guess first.

# %%
z = np.linspace(-6, 6, 1201).reshape(-1, 1)
ones = np.ones_like(z)
curves, slopes = {}, {}
for name, layer in {"sigmoid": Sigmoid(), "tanh": Tanh(), "ReLU": ReLU()}.items():
    curves[name] = layer.forward(z)
    slopes[name] = layer.backward(z, curves[name], ones)  # ∂L/∂z where ∂L/∂a = 1: the slope
print("slope at       z = 0.01     z = 2     z = 5    largest")
for name, slope in slopes.items():
    at = [slope[np.abs(z - point).argmin(), 0] for point in (0.01, 2, 5)]
    print(f"{name:12}" + "".join(f"{value:10.4f}" for value in [*at, slope.max()]))

assert np.isclose(slopes["sigmoid"].max(), 1 / 4)
assert np.isclose(slopes["tanh"].max(), 1)
assert np.isclose(slopes["ReLU"].max(), 1)
assert np.allclose(curves["tanh"], 2 * Sigmoid().forward(2 * z) - 1)

# %% [markdown]
# The sigmoid's slope is never more than 1/4. Far from 0 it is nearly nothing: there the unit is
# *saturated*. tanh is the same curve, stretched: tanh z = 2 sigmoid(2z) − 1. But stretching makes
# it four times as steep, and puts its middle at 0. ReLU has slope 1 for half of all z, and none for
# the other half.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for name, colour, style in zip(curves, plots.COLOURS, plots.STYLES, strict=False):
    axes[0].plot(z, curves[name], color=colour, linestyle=style, linewidth=2.5, label=name)
    axes[1].plot(z, slopes[name], color=colour, linestyle=style, linewidth=2.5, label=name)
axes[0].set(xlabel="z", ylabel="a = f(z)", title="Three activations", ylim=(-1.3, 3))
axes[1].set(xlabel="z", ylabel="slope, da/dz", title="The sigmoid's slope never passes 1/4")
axes[1].axhline(0.25, color="0.5", linewidth=0.8)
axes[1].text(-5.9, 0.28, "1/4", color="0.3", fontsize=12)
for ax in axes:
    ax.grid(alpha=0.3)
axes[0].legend(fontsize=12)
fig.savefig(pictures / "06_curves.png", dpi=120)

# %% [markdown]
# ## 2. Deeper and worse
#
# Michael Nielsen's book (*Neural Networks and Deep Learning*, 2015, chapter 5) trains 1, 2, 3 and 4
# hidden layers of 30 sigmoid units on handwritten digits, with his settings: weights drawn at
# random with variance 1 / n for n inputs, biases with variance 1, ten sigmoid outputs with
# cross-entropy (tutorial 07 explains it; here it only has to be the same for all), batches of 10,
# η = 0.1 and λ = 5. In minnet's terms:
#
# - His loss is the *sum* over the ten outputs, minnet's their *mean*, a tenth of it. So the same
#   step takes ten times the rate: η = 1.
# - His penalty on weights is λ/2n Σ w² with n = 50,000 images, minnet's is l2 Σ w². A tenth
#   again: l2 = 5 / 100,000 / 10 = 5e-6.

# %%
x, y, x_test, y_test = minnet.datasets.digits()
targets = minnet.datasets.one_hot(y, 10)


def network(depth, activation="sigmoid", scale=1.0, bias=1.0, seed=0):
    """`depth` hidden layers of 30, weights of standard deviation scale / √n."""
    layers, n = [], x.shape[1]
    for _ in range(depth):
        layers.append(
            Dense(
                30,
                activation=activation,
                input_dim=n,
                kernel_initializer=RandomNormal(0, scale / np.sqrt(n)),
                bias_initializer=RandomNormal(0, bias),
                kernel_regularizer=L2(5e-6),
            )
        )
        n = 30
    out = Dense(
        10,
        activation="sigmoid",
        kernel_initializer=RandomNormal(0, 1 / np.sqrt(n)),
        bias_initializer=RandomNormal(0, bias),
        kernel_regularizer=L2(5e-6),
    )
    model = minnet.Sequential([*layers, out], seed=seed)
    model.compile(SGD(1.0), "binary_crossentropy")
    return model


def accuracy(model):
    """The share of test images whose largest output is the right one."""
    return np.mean(model.predict(x_test).argmax(axis=1) == y_test)


def train(model, epochs=1):
    """The test accuracy after each epoch."""
    reached = []
    for _ in range(epochs):
        model.fit(x, targets, batch_size=10, epochs=1, verbose=0)
        reached.append(accuracy(model))
    return reached


# %% [markdown]
# More layers can express everything that fewer can, and more. Which one is ahead after one epoch?
# And after 13? (Why 13: Nielsen's epoch has 50,000 images, 5,000 updates. Ours has 3,823, and takes
# 13 epochs to make as many.)

# %%
SEEDS = (0, 2)
first = {depth: [train(network(depth, seed=2))[0]] for depth in (1, 2, 3, 4)}
longer = {depth: train(network(depth, seed=0), epochs=13) for depth in first}
for depth, reached in longer.items():
    first[depth].append(reached[0])
# The same networks on MNIST, after one epoch of 5,000 updates: validation accuracy, five seeds, as
# `python -m minnet reproduce nielsen-first-epoch` prints it.
ON_MNIST = {1: (92.65, 93.13), 2: (91.76, 92.55), 3: (86.73, 89.65), 4: (9.90, 30.54)}
print("test accuracy in percent")
print("hidden layers   digits, 383 updates   digits, 4,979 updates   MNIST, 5,000 updates")
for depth, reached in longer.items():
    low, high = 100 * min(first[depth]), 100 * max(first[depth])
    band = f"{low:.1f} to {high:.1f}"
    on_mnist = "{:.1f} to {:.1f}".format(*ON_MNIST[depth])
    print(f"{depth:7} {band:>24} {100 * reached[-1]:19.1f} {on_mnist:>26}")

assert min(first[1]) > 0.5
assert max(first[2]) < min(first[1]) - 0.2
assert max(first[3] + first[4]) < 0.2
assert 0.92 < longer[1][-1] < 0.96
assert longer[1][-1] > longer[2][-1] > longer[3][-1] > longer[4][-1]
assert 0.88 < longer[2][-1] < 0.95
assert 0.3 < longer[3][-1] < 0.86
assert longer[4][-1] < 0.25
assert all(abs(100 * longer[depth][-1] - np.mean(ON_MNIST[depth])) < 4 for depth in (1, 2))
assert 100 * longer[3][-1] < ON_MNIST[3][0]

# %% [markdown]
# Each additional layer made it worse, and guessing would give 10 %. On our digits one epoch
# shows it more harshly than on MNIST: it is 13 times fewer updates. After as many updates as MNIST
# gets, the networks with one and two hidden layers are within four points of MNIST's. The
# third lags behind MNIST's (other images, other size: it need not be equal), and the fourth has
# learned next to nothing on either.
#
# Worse for how long? Nielsen trained for 30 epochs, 150,000 updates, and reports 96.5, 96.9, 96.6
# and 96.5 % for one to four hidden layers: in the end the depth did neither harm nor good on MNIST.
#
# The curves say *how* it is worse. The deep networks do not learn slowly from the start: they stand
# still for a time, and the more layers, the longer.

# %%
fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
looks = zip(plots.COLOURS, plots.MARKERS, plots.STYLES, strict=False)
for (depth, reached), (colour, marker, style) in zip(longer.items(), looks, strict=False):
    label = f"{depth} hidden layer" + "s" * (depth > 1)
    percent = 100 * np.array(reached)
    ax.plot(np.arange(1, 14), percent, color=colour, marker=marker, linestyle=style, label=label)
ax.axhline(10, color="0.6", linewidth=0.8)
ax.text(1, 4, "guessing: 10 %", color="0.3", fontsize=11)
ax.set(xlabel="epoch (of 383 updates)", ylabel="test accuracy (%)", ylim=(0, 100))
ax.set_title("Sigmoid: the more layers, the longer nothing happens")
ax.grid(alpha=0.3)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=11)
fig.savefig(pictures / "06_deeper_and_worse.png", dpi=120)

# %% [markdown]
# ## 3. Where the gradient goes
#
# Let δ be the gradient of the loss with respect to a layer's z. Backpropagation takes it one layer
# down (tutorial 04):
#
# $$δ = (δ_{\text{above}}\, W^T) · f'(z)$$
#
# Wᵀ here keeps the size: each of 30 terms has variance 1/30. So what is left is f'(z), at most 1/4:
# each sigmoid layer should divide the gradient by four *or more*. Between the 4th hidden layer and
# the 1st there are three such steps. What will be left of the gradient, at best? (1/4)³ = 1/64.


# %%
def deltas(model, samples=1000):
    """The root mean square of δ at each layer, first to last, of the loss of one batch."""
    outputs = model.forward(x[:samples])  # x, z₁, a₁, z₂, a₂, …
    delta = outputs[-1] - targets[:samples]  # sigmoid with cross-entropy: p − t (tutorial 07)
    sizes = [np.sqrt(np.mean(delta**2))]
    for below, above in reversed(list(zip(model.layers[:-1], model.layers[1:], strict=True))):
        i = 2 * model.layers.index(below) + 1
        z, a = outputs[i], outputs[i + 1]
        delta = below.activation.backward(z, a, delta @ above.W.T)  # (δ Wᵀ) × f'(z)
        sizes.append(np.sqrt(np.mean(delta**2)))
    return np.array(sizes[::-1])


sizes = np.array([deltas(network(4, seed=seed)) for seed in SEEDS]).mean(axis=0)
print("\nfour hidden layers of sigmoids, before training (mean of two seeds)")
for i, size in enumerate(sizes):
    name = f"hidden {i + 1}" if i < 4 else "output"
    share = f"   {size / sizes[i + 1]:.2f} of the layer above" if i < 4 else ""
    print(f"{name:9} size of δ {size:8.5f}{share}")
left = sizes[0] / sizes[3]
print(f"from hidden 4 down to hidden 1: {left:.4f} is left, 1 part in {1 / left:.0f}")
assert all(sizes[i] / sizes[i + 1] < 0.25 for i in range(4))
assert 1 / 300 < left < 1 / 64

# %% [markdown]
# Less than 1/64, since most z are not at 0, where the slope is largest. An update changes the first
# layer's weights in proportion to this gradient: the first layer, which sees the image, hardly
# moves. This is the *vanishing gradient* (Hochreiter, 1991).
#
# What comes down one layer is also what goes up one: a small change of a layer's z changes the next
# z by the same W and the same f'. So two different digits, which differ at the input, become ever
# more alike on their way *up*, and the last layers have nothing left to tell them apart by. Look at
# how much a unit's output varies from image to image:


# %%
def variation(model):
    """How much the outputs of each hidden layer vary over the images, the mean of its units."""
    outputs = model.forward(x[:1000])[2:-2:2]  # a₁, a₂, …
    return np.array([a.std(axis=0).mean() for a in outputs])


varies = {
    name: np.mean([variation(network(4, name, seed=seed)) for seed in SEEDS], axis=0)
    for name in ("sigmoid", "tanh")
}
print(f"\nvariation of the pixels from image to image: {x.std(axis=0).mean():.3f}")
for name, values in varies.items():
    print(f"of hidden layer 1 to 4, {name:8}", "".join(f"{value:9.4f}" for value in values))
assert varies["sigmoid"][3] < varies["sigmoid"][0] / 50
assert varies["tanh"][3] > varies["tanh"][0] / 12

# %% [markdown]
# `plots.gradient_flow` draws δ and the gradient of the weights for any model. (It calls our z "y,
# before the activation", so our δ is its ∂L/∂y; and L is a mean over all samples, which makes all
# numbers small.) The scale is logarithmic: a straight line down is division by the same factor
# again and again.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained")
for ax, name in zip(axes, ("sigmoid", "tanh"), strict=True):
    plots.gradient_flow(network(4, name), x, targets, ax=ax)
    ax.get_legend().remove()
    of_outputs, of_weights = ax.lines
    for line, words, below in ((of_outputs, "∂L/∂y (δ)", True), (of_weights, "∂L/∂W", False)):
        y = line.get_ydata()
        up = np.sqrt(y[2] * y[3]) * (1 / 9 if below else 5)
        ax.text(2.5, up, words, color=line.get_color(), fontsize=14, ha="center", va="center")
    dy = of_outputs.get_ydata()
    ax.set_title(f"{name}: from layer 5 down to layer 1\n1/{dy[-1] / dy[0]:.0f} of δ is left")
    names = ["hidden 1", "hidden 2", "hidden 3", "hidden 4", "output"]
    ax.set_xticks(range(5), names, rotation=0, ha="center")
    ax.set_xlabel("layer")
    ax.set_ylabel("root mean square\nof the gradient" if name == "sigmoid" else "")
    ax.annotate(
        "the way back",
        (0.12, 0.06),
        (0.88, 0.06),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "->", "color": "0.3"},
        ha="center",
        va="center",
        color="0.3",
    )
    ax.set_ylim(1e-9, 0.3)
    for seed in SEEDS:
        size = deltas(network(4, name, seed=seed))
        low, high = (1 / 3000, 1 / 400) if name == "sigmoid" else (1 / 40, 1 / 4)
        assert low < size[0] / size[-1] < high
fig.suptitle("Sigmoids leave about a thousandth of the gradient, tanh about a tenth", fontsize=14)
fig.savefig(pictures / "06_gradient_flow.png", dpi=120)

# %% [markdown]
# ## 4. The first cure: another activation
#
# Nothing changes but the name of the activation of the four hidden layers (and the biases, which
# start at 0 from here on, as is usual today; the sigmoids do not care). Two more are in the list:
# leaky ReLU keeps a slope of 0.3 where ReLU has none, and ELU bends down to −1 there. What is left
# of δ, and which of them learn?

# %%
NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
print("\nfour hidden layers: what is left of δ from the 4th to the 1st; test accuracy, one epoch")
left, reached = {}, {}
for name in NAMES:
    models = [network(4, name, bias=0, seed=seed) for seed in SEEDS]
    left[name] = np.mean([deltas(model)[0] / deltas(model)[3] for model in models])
    reached[name] = [train(model)[0] for model in models]
    two = " and ".join(f"{100 * value:.1f} %" for value in reached[name])
    print(f"{name:11} {left[name]:8.4f}     {two}")
assert minnet.layers.LeakyReLU().negative_slope == 0.3
assert left["sigmoid"] < 1 / 40
assert min(left[name] for name in NAMES[1:]) > 1 / 6
assert max(reached["sigmoid"]) < 0.2
assert min(min(reached[name]) for name in NAMES[1:]) > 0.3

# %% [markdown]
# One word changed, and a network that guessed now reads digits after the same 383 updates. tanh
# keeps most of δ: its slope is near 1 around 0, and its outputs have their middle at 0, so that
# the z of the next layer stay where it is steep. (The sigmoid's outputs are all positive, with
# their middle at 1/2.) ReLU loses some of δ, as half of its slopes are 0, but the other half are
# exactly 1 and never saturate.
#
# Do not read a ranking out of the last columns: two seeds of one activation often lie further apart
# than two activations. And ReLU has its own illness, units that are 0 for every image and have
# slope 0 for ever; tutorial 12 finds them.
#
# ## 5. The second cure: how the weights start
#
# What a layer multiplies δ by is the slope times the size of Wᵀ, and we chose that size. If the
# slope is 1/4, why not weights four times as large? Or eight times, as most slopes are smaller?
# And what will weights of a tenth the size do to tanh?

# %%
print("\nfour hidden layers, weights of scale / √n: what is left of δ; test accuracy, one epoch")
after = {}
for name, scale in [("sigmoid", 1), ("sigmoid", 4), ("sigmoid", 8), ("tanh", 0.1), ("tanh", 1)]:
    model = network(4, name, scale, bias=0, seed=2)
    size = deltas(model)
    if scale == 1:
        after[name, scale] = reached[name][1]  # the same network as in section 4
    else:
        after[name, scale] = train(model)[0]
    print(f"{name:8} × {scale:<4g} {size[0] / size[3]:9.4f} {100 * after[name, scale]:9.1f} %")
assert after["sigmoid", 1] < 0.18 < after["sigmoid", 4] < after["sigmoid", 8]
assert after["tanh", 0.1] < 0.2
assert after["tanh", 1] > 0.5

# %% [markdown]
# So the sigmoid alone was not guilty: with large weights it learns, and with small ones tanh does
# not. But large weights have a price. `plots.activations` shows what each layer puts out, here for
# tanh with three sizes of weights:

# %%
SCALES = (0.1, 1.0, 8.0)
fig, axes = plt.subplots(3, 3, figsize=(8.5, 7), layout="constrained")
saturated = {}
for row, scale in zip(axes, SCALES, strict=True):
    model = network(4, "tanh", scale, bias=0)
    hidden = minnet.Sequential(model.layers[:3])  # the first three
    plots.activations(hidden, x[:1000], bins=25, limits=(-1, 1), ax=row)
    last = hidden.predict(x[:1000])
    saturated[scale] = np.mean(np.abs(last) > 0.9)
    for i, ax in enumerate(row):
        ax.set_title(f"hidden {i + 1}")
        ax.set(xlim=(-1.05, 1.05), xlabel="", ylabel="")
    row[0].set_ylabel(f"weights × {scale:g}\nshare of outputs (%)")
    print(f"tanh × {scale:<3g} hidden 3: {saturated[scale]:4.0%} of the outputs are beyond ±0.9")
for ax in axes[-1]:
    ax.set_xlabel("output (dashed: mean)")
fig.suptitle("tanh: weights too small, all units say 0; too large, most say ±1", fontsize=14)
fig.savefig(pictures / "06_outputs.png", dpi=120)
assert saturated[0.1] == 0
assert saturated[1.0] < 0.05
assert saturated[8.0] > 0.6

# %% [markdown]
# If the weights are too small, each layer passes on a weaker signal, until nothing is left. If they
# are too large, most units say yes or no at full strength: they are saturated, with a slope near 0.
# In between is 1 / √n, which keeps the size of the signal: LeCun's rule (1998). Glorot and Bengio's
# (2010), the default of `Dense`, is much the same; He's (2015) has √2 instead of 1, to make up for
# the half that ReLU cuts off. Tutorial 11 measures them.
#
# (And the third cure? The first layers get small gradients, so give *them* larger steps. Adam
# does; see exercise 2 and tutorial 08.)

# %%
print(f"Pictures: 06_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Is it slow, or is it stuck? Train four hidden layers of sigmoids for 60 epochs, and draw the
#    accuracy after each. Then guess how long five layers would take, before you try.
# 2. Train them for 4 epochs with `minnet.optimizers.Adam(0.01)`. Then with `SGD(10.0)`, ten times
#    the rate. Why is the second not the same cure? (Which layers get the larger steps?)
# 3. In section 5, add ("relu", 1), ("relu", 2 ** 0.5) and ("relu", 8) to the list. The last one
#    ends in an error: read it. Why can ReLU explode where tanh only saturates?
