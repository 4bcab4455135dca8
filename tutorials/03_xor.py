# %% [markdown]
# # XOR, and why a hidden layer
#
# *Before this one: 01 (one neuron) and 02 (gradient descent). Reading time: 4 minutes.*
#
# One neuron learned AND (tutorial 01). Here is a question of the same size that it cannot learn. By
# the end you will be able to prove that, you will know how a hidden layer helps, and you will have
# seen something that textbooks seldom show: the same network, trained in the same way from other
# random numbers, fails to learn it.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import Sequential, plots
from minnet.course import reading
from minnet.layers import Dense
from minnet.optimizers import SGD, Adam

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. One neuron gives up
#
# XOR, "exclusive or": the lamp is lit if *exactly one* of the two switches is on.

# %%
x, y, _, _ = minnet.datasets.xor(n=4, noise=0)
print(f"switches {x.tolist()} → lamp {y}")

# %% [markdown]
# The neuron of tutorial 01, 500 steps. `seed` chooses the random weights with which it begins.
# **Guess:** what does it say for the four rows, and what is the loss?

# %%
neuron = Sequential([Dense(1, activation="sigmoid", input_dim=2)], seed=0)
neuron.compile(SGD(2.0), "binary_crossentropy")
for _ in range(500):
    loss = neuron.train_on_batch(x, y)
print(f"p = {neuron.predict(x).ravel().round(3)}, loss {loss:.4f}; log 2 = {np.log(2):.4f}")
assert np.allclose(neuron.predict(x), 0.5, atol=0.01)
assert abs(loss - np.log(2)) < 1e-3

# %% [markdown]
# "No idea", four times, and that is the *best* it can do.
#
# ## 2. Why: three inequalities
#
# It says yes where z = w₁ x₁ + w₂ x₂ + b is above 0, and no where it is below. Suppose it had three
# rows right:
#
#     switches 0 0, no:    b < 0
#     switches 0 1, yes:   w₂ + b > 0
#     switches 1 0, yes:   w₁ + b > 0
#
# Add the last two: w₁ + w₂ + 2b > 0. So w₁ + w₂ + b > −b, and −b is positive by the first one.
# But w₁ + w₂ + b is the z of switches 1 1. It must be positive: yes. If three rows are right, the
# fourth is wrong, for *all* weights. Where z = 0 is a straight line, so the proof says: no straight
# line has the two yes corners on one side and the two no corners on the other.
#
# ## 3.* A hundred thousand lines
#
# No experiment can prove that, but one could find a mistake in the proof:

# %%
rng = np.random.default_rng(0)
lines = rng.normal(size=(100_000, 3))  # w₁, w₂ and b of a line in each row
says_yes = lines[:, :2] @ x.T + lines[:, 2:] > 0
right = (says_yes == (y == 1)).sum(axis=1)
print("rows right:   ", *range(5), sep="\t")
print("random lines: ", *np.bincount(right, minlength=5), sep="\t")
assert right.max() == 3

# %% [markdown]
# ## 4. Two neurons in between
#
# Two lines are enough: one separates 0 0 from the rest, the other separates 1 1. Between them is
# XOR: OR, but not AND. So let one neuron find OR, a second one AND, and give *their* outputs to a
# third. Neurons whose outputs are the inputs of others are a *hidden layer*. Their activation here
# is tanh, a sigmoid stretched to reach from −1 to 1.
#
# No training yet. We write the weights ourselves; read them as sentences.

# %%
by_hand = Sequential(
    [Dense(2, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")], seed=0
)
W1 = np.array([[5.0, 5.0], [5.0, 5.0]])  # both hidden neurons look at both switches,
b1 = np.array([-2.5, -7.5])  # the first needs one to be on, the second needs two;
W2 = np.array([[5.0], [-5.0]])  # 5 if the first says yes, 5 more if the second says no:
b2 = np.array([-5.0])  # only both together make z positive
by_hand.set_weights([W1, b1, W2, b2])

hidden = by_hand.features(x)  # what goes into the last layer
p = by_hand.predict(x).ravel()
for corner, (h1, h2), answer in zip(x, hidden, p, strict=True):
    print(f"x = {corner[0]:.0f} {corner[1]:.0f}   OR {h1:5.2f}   AND {h2:5.2f}   p = {answer:.3f}")
assert np.array_equal(p > 0.5, y == 1)
assert np.abs(p - y).max() < 0.02


# %% tags=["hide-input"]
def corners(ax, places):
    """Draw the four samples at these places."""
    for value, marker, size, label in ((0, "o", 260, "no"), (1, "s", 80, "yes")):
        rows = y == value
        ax.scatter(
            *places[rows].T,
            s=size,
            marker=marker,
            color=plots.COLOURS[value],
            edgecolors="black",
            zorder=3,
            label=label,
        )


figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.3), layout="constrained")
ends = np.array([-0.6, 1.6])
for i, (slope, height) in enumerate(((-1.0, 0.5), (-1.0, 1.5), (0.35, 0.32))):
    left.plot(ends, slope * ends + height, color="0.35", linestyle=plots.STYLES[i], linewidth=2)
left.set_title("One line: a corner is always wrong")
right.fill_between(ends, 0.5 - ends, 1.5 - ends, color="0.88", label="OR and not AND")
right.plot(ends, 0.5 - ends, color="black", linewidth=2, label="first unit, OR")
right.plot(ends, 1.5 - ends, color="black", linewidth=2, linestyle="--", label="second unit, AND")
right.set_title("Two lines: the yes corners lie between")
for ax in (left, right):
    corners(ax, x)
    ax.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.9), xticks=[0, 1], yticks=[0, 1])
    ax.set(xlabel="first switch, x₁", ylabel="second switch, x₂")
    ax.legend(loc="upper right", fontsize=8, ncols=2, markerscale=0.6)
figure.savefig(pictures / "03_lines.png", dpi=120)

figure, ax = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
spots = [[(0, 1), (0, 0)], [(1, 1), (1, 0)], [(2, 0.5)]]
units = [["x₁", "x₂"], ["OR", "AND"], ["XOR"]]
for layer, (W, b) in enumerate(((W1, b1), (W2, b2))):
    for i, begin in enumerate(spots[layer]):
        for j, end in enumerate(spots[layer + 1]):
            positive, at = W[i, j] > 0, 0.28 if layer == 0 else 0.5
            ax.plot(
                *zip(begin, end, strict=True),
                color=plots.COLOURS[0 if positive else 1],
                linestyle="-" if positive else "--",
                linewidth=2.5,
                zorder=1,
            )
            middle = [(1 - at) * p + at * q for p, q in zip(begin, end, strict=True)]
            number = f"{W[i, j]:+.0f}".replace("-", "−")
            box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
            ax.text(*middle, number, ha="center", va="center", fontsize=13, bbox=box)
    for j, (across, up) in enumerate(spots[layer + 1]):
        side = 0.26 if up == 1 else -0.26
        words = f"bias {b[j]:.1f}".replace("-", "−")
        ax.text(across, up + side, words, ha="center", va="center", fontsize=12)
for spots_of_layer, names in zip(spots, units, strict=True):
    for (across, up), name in zip(spots_of_layer, names, strict=True):
        ax.scatter(across, up, s=2200, color="white", edgecolors="black", linewidths=1.5, zorder=2)
        ax.text(across, up, name, ha="center", va="center", fontsize=14, zorder=3)
for across, words in enumerate(("the switches", "hidden layer, tanh", "the answer, sigmoid")):
    ax.text(across, -0.55, words, ha="center", va="center", fontsize=12, color="0.3")
ax.set(xlim=(-0.35, 2.4), ylim=(-0.7, 1.4), title="XOR by hand: OR, but not AND")
ax.set_axis_off()
ax.figure.savefig(pictures / "03_network.png", dpi=120)

# %% [markdown]
# ## 5.* Without the bend
#
# Could we do without the tanh? **Guess:** what do two layers without a curve in between learn?

# %%
straight = Sequential([Dense(2, input_dim=2), Dense(1, activation="sigmoid")], seed=0)
straight.compile(SGD(0.5), "binary_crossentropy")
for _ in range(500):
    loss = straight.train_on_batch(x, y)
first, second = straight.layers
W = first.W @ second.W  # x W₁ W₂ + b₁ W₂ + b₂ is x W + b
b = first.b @ second.W + second.b
one_layer = 1 / (1 + np.exp(-(x @ W + b)))
print(f"without tanh: loss {loss:.4f}, p = {straight.predict(x).ravel().round(3)}")
gap = np.abs(one_layer - straight.predict(x)).max()
print(f"one neuron with the product of both weights differs from it by {gap:.0e}")
assert loss > np.log(2) - 1e-6
assert gap < 1e-6

# %% [markdown]
# Nothing more than one neuron: a weighted sum of weighted sums is a weighted sum. It is the bend in
# the activation that makes a second layer worth having.
#
# ## 6. Let it learn, forty times
#
# Now training from random weights, forty seeds, at most 400 steps each. A wrong row costs at least
# log 2, which is log 2 / 4 = 0.173 in the mean of four. So with a loss below that all four rows are
# right, and we stop. **Guess:** how many of the forty will make it? Two hidden units are enough.

# %%
SOLVED = np.log(2) / 4


def train(units, seed, steps=400):
    """A network with one hidden layer of tanh units, and its losses until XOR is solved."""
    model = Sequential(
        [Dense(units, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")], seed=seed
    )
    model.compile(SGD(2.0), "binary_crossentropy")
    losses = []  # each is that of the weights before the step
    while len(losses) < steps and not (losses and losses[-1] < SOLVED):
        losses.append(model.train_on_batch(x, y))
    return model, losses


runs = {units: [train(units, seed) for seed in range(40)] for units in (2, 4, 8)}
solved = {}
for units, trained in runs.items():
    ends = np.array([losses[-1] for _, losses in trained])
    solved[units] = int((ends < SOLVED).sum())
    print(f"{units} hidden units: {solved[units]} of 40 learn XOR")
assert 20 < solved[2] < 32
assert solved[4] >= 37
assert solved[8] == 40

# %% [markdown]
# With two units more than half do, but far from all; how many depends on the first weights, the
# learning rate and the optimizer. With four nearly all make it, with eight all forty: the more
# units, the likelier it is that some of them begin in a useful place. **If a program with random
# weights works once, or fails once, try more seeds.** The others are stuck where the hill is flat,
# but not at its bottom: the loss of a network with a hidden layer is no bowl.
#
# ## 7.* Where the others end
#
# More units also need fewer steps. And the seeds that fail, where did they end?

# %%
medians = {
    units: np.median([len(losses) for _, losses in trained if losses[-1] < SOLVED])
    for units, trained in runs.items()
}
for units, median in medians.items():
    print(f"{units} hidden units: half of those that learn XOR do so within {median:.0f} steps")
assert max(medians[4], medians[8]) < medians[2]
for model, losses in (run for trained in runs.values() for run in trained):
    if losses[-1] < SOLVED:
        assert np.array_equal(model.predict(x).ravel() > 0.5, y == 1)
stuck_seeds = [seed for seed in range(40) if runs[2][seed][1][-1] >= SOLVED]
ends = np.array([runs[2][seed][1][-1] for seed in stuck_seeds])
print("losses of those that fail:", *ends.round(3))
print(f"log 2 / 2 = {np.log(2) / 2:.3f}")
stuck_model, _ = runs[2][stuck_seeds[0]]
print(f"p of seed {stuck_seeds[0]}:", stuck_model.predict(x).ravel().round(2))
assert np.mean(np.abs(ends - np.log(2) / 2) < 0.01) > 0.7
assert np.sum(np.abs(stuck_model.predict(x) - 0.5) < 0.1) == 2

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.6, 4.2), layout="constrained", width_ratios=(2.2, 1)
)
for failed, label in ((False, "learns XOR"), (True, "does not")):
    for seed in range(40):
        if (seed in stuck_seeds) == failed:
            losses = runs[2][seed][1]
            (line,) = left.plot(
                np.arange(1, len(losses) + 1),
                losses,
                color=plots.COLOURS[failed],
                linestyle=plots.STYLES[failed],
                linewidth=1.3,
            )
    line.set_label(label)
for height, words in (
    (np.log(2), "log 2"),
    (np.log(2) / 2, "log 2 / 2"),
    (SOLVED, "log 2 / 4:\nsolved"),
):
    left.axhline(height, color="0.5", linestyle=":", linewidth=1)
    left.annotate(
        words,
        (1.01, height),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=9,
        color="0.2",
    )
left.set(xscale="log", xlim=(1, 400), ylim=(0.1, 1.0))
left.set(xlabel="step", ylabel="loss", title="Two hidden units: forty seeds, two fates")
left.legend(loc="lower left")
bars = right.bar([str(units) for units in solved], list(solved.values()), color="0.6", ec="black")
right.bar_label(bars, padding=2)
right.set(ylim=(0, 45), xlabel="hidden units", ylabel="of 40 seeds")
right.set_title("How many learn XOR")
figure.savefig(pictures / "03_forty_seeds.png", dpi=120)

# %% [markdown]
# Nearly all near log 2 / 2, and that is no accident: two rows are right and cost next to nothing,
# two rows have "no idea". Perhaps it only needs more time? Start the first one again, and give it
# five times as many steps.

# %%
stuck_model, losses = train(2, stuck_seeds[0], steps=2000)
stuck_model.loss_and_gradient(x, y)
slope = np.linalg.norm(stuck_model.grad)
fresh = train(2, stuck_seeds[0], steps=1)[0]
fresh.loss_and_gradient(x, y)
print(f"loss after {len(losses):,} steps {losses[-1]:.4f}")
print(f"length of the gradient: {np.linalg.norm(fresh.grad):.4f} at first, {slope:.6f} now")
assert losses[-1] > np.log(2) / 2 - 1e-4
assert slope < 0.01 * np.linalg.norm(fresh.grad)

# %% [markdown]
# It has arrived where the hill is flat, though not at its bottom. Tutorial 02 had only bowls, where
# downhill always leads to the one lowest place. What went wrong here can be seen.
#
# ## 8.* What the hidden layer sees
#
# The last layer does not see the switches. It sees h₁ and h₂, the outputs of the two hidden units.
# And it is a single neuron, so it can draw a single line. The only way to solve XOR is that the
# hidden layer *moves* the four corners to places where one line is enough. (Where it is grey, the
# last layer says yes.)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(10.4, 4.0), layout="constrained")
corners(axes[0], x)
for row, (a, b) in enumerate(x):
    axes[0].annotate(f"{a:.0f} {b:.0f}", x[row], (0, 14), textcoords="offset points", ha="center")
axes[0].set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="x₁", ylabel="x₂", aspect="equal")
axes[0].set(xticks=[0, 1], yticks=[0, 1])
axes[0].set_title("What goes in:\nno line separates them")
axes[0].legend(loc="center", markerscale=0.7)
solved_seed = min(set(range(40)) - set(stuck_seeds))
cases = (
    (solved_seed, f"Seed {solved_seed}, hidden layer:\none line is enough"),
    (stuck_seeds[0], f"Seed {stuck_seeds[0]}, hidden layer:\nyes and no on one spot"),
)
for ax, (seed, words) in zip(axes[1:], cases, strict=True):
    model = runs[2][seed][0]
    h = model.features(x)
    v1, v2 = model.layers[-1].W.ravel()
    c = model.layers[-1].b[0]
    side = np.linspace(-1.6, 1.6, 101)
    z = v1 * side[None, :] + v2 * side[:, None] + c
    ax.contourf(side, side, z, levels=[-99, 0, 99], colors=["white", "0.88"])
    ax.contour(side, side, z, levels=[0], colors="black")
    corners(ax, h)
    groups = []  # of corners that lie together
    for row in range(4):
        near = [group for group in groups if np.linalg.norm(h[row] - h[group[0]]) < 0.3]
        if near:
            near[0].append(row)
        else:
            groups.append([row])
    for group in groups:
        words_there = " and ".join(f"{a:.0f} {b:.0f}" for a, b in x[group])
        ax.annotate(
            words_there,
            h[group[0]],
            (0, 14),
            textcoords="offset points",
            ha="center",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )
    ax.set(
        xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xlabel="h₁", ylabel="h₂", aspect="equal", title=words
    )
figure.savefig(pictures / "03_hidden.png", dpi=120)


# %%
def nearest_opposites(model):
    """How near two corners with different answers come to each other in the hidden layer."""
    h = model.features(x)
    return min(np.linalg.norm(h[no] - h[yes]) for no in (0, 3) for yes in (1, 2))


apart = [nearest_opposites(model) for model, _ in runs[2]]
print("nearest distance of a yes and a no, where it is solved:", end=" ")
print(f"{min(d for seed, d in enumerate(apart) if seed not in stuck_seeds):.2f} or more")
print(f"where it is not: {max(apart[seed] for seed in stuck_seeds):.4f} or less")
assert min(d for seed, d in enumerate(apart) if seed not in stuck_seeds) > 0.5
assert max(apart[seed] for seed in stuck_seeds) < 0.05
at_the_ends = np.abs(runs[2][stuck_seeds[0]][0].features(x)).min(axis=1) > 0.99
assert at_the_ends.sum() == 2

# %% [markdown]
# There it is, in all of the forty. Where the training succeeds, yes and no are apart in the hidden
# layer. Where it fails, one yes and one no are on the same spot: the last layer cannot tell them
# apart, and can do no better than 0.5 for both. And there they stay, because that spot is in a
# corner of the picture: both tanh are at their ends, where the curve is flat, and hardly any
# gradient comes through. (Tutorial 06 is about flat ends.)
#
# ## 9.* More than four points
#
# The same with noise, 200 points to learn from and 200 others for the test. **Guess** one neuron's
# accuracy, the share of right answers.

# %%
x, y, x_test, y_test = minnet.datasets.xor(n=200, noise=0.18, seed=0)
accuracy = {}
for name, layers in {
    "one neuron": [Dense(1, activation="sigmoid", input_dim=2)],
    "8 hidden units": [Dense(8, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")],
}.items():
    model = Sequential(layers, seed=0)
    model.compile(Adam(0.03), "binary_crossentropy", ["accuracy"])  # Adam: see tutorial 08
    model.fit(x, y, epochs=60, verbose=0)
    accuracy[name] = model.evaluate(x_test, y_test)["accuracy"]
    print(f"{name}: {accuracy[name]:.1%} of the test points right")
assert accuracy["one neuron"] < 0.8
assert accuracy["8 hidden units"] > 0.95

# %% tags=["hide-input"]
figure, ax = plt.subplots(figsize=(7.2, 5.2), layout="constrained")
plots.decision_boundary(model, x_test, y_test, ["no", "yes"], ax=ax)
ax.set(xlabel="first switch, x₁, with noise", ylabel="second switch, x₂, with noise")
ax.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
ax.set_title(f"8 hidden units bend the line: {accuracy['8 hidden units']:.1%} right")
for words, across, up in (("no", -0.44, 0.05), ("yes", 1.2, -0.5), ("yes", -0.4, 1.3)):
    ax.text(across, up, words, fontsize=16, weight="bold", ha="center", va="center")
ax.figure.savefig(pictures / "03_boundary.png", dpi=120)
print(f"Pictures: 03_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Give the hidden layer other first weights: `kernel_initializer=RandomNormal(stddev=0.1)` in
#    its Dense (from `minnet.initializers`), then 1.0, then 3.0. How many of the forty learn it with
#    two units, and at which loss do the others end?
# 2. Put "relu" in place of "tanh" in `train`; ReLU(z) is z where z is positive, otherwise 0. Count
#    for 2, 4 and 8 units, and look at `model.features(x)` of one that fails. What do you find?
# 3. Three switches, lit if an *odd* number is on: make the eight rows with NumPy. How many tanh
#    units does it take until half of the forty seeds succeed? (Which loss proves that all rows are
#    right, now that there are eight?)
