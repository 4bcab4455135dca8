# %% [markdown]
# # Backpropagation, with numbers
#
# *Before this one: 03 (XOR). Reading time: 7 minutes.*
#
# Training has to know, for each weight: if it grew a little, would the loss rise or fall, and how
# fast? Backpropagation answers that for all weights at once. It is the chain rule, in the order in
# which it costs least. At the end you will have worked out every number of a training step, found
# the same numbers in minnet, and know why the formula for a layer's weights is xᵀ dy.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.course import reading
from minnet.layers import Dense
from minnet.plots import COLOURS

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())


# %%
def show(**arrays):
    """Print arrays with their names and shapes, two decimals."""
    for name, array in arrays.items():
        rows = np.array2string(array, formatter={"float": lambda v: f"{v:6.2f}"})
        print(f"{name} {array.shape}\n{rows}")


# %% [markdown]
# ## 1. A network that adds
#
# Two bits come in, and their sum should come out as a binary number of two bits: 0 + 1 is 01, and
# 1 + 1 is 10. The left bit is called the carry; the right one is XOR, which needs a hidden layer.
# The four cases are our data, N = 4 rows.

# %%
x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (N, 2): the two bits
t = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])  # (N, 2): carry, right bit

# %% [markdown]
# Two inputs, three hidden units and two outputs make 17 weights. Instead of random numbers we take
# some that are easy to follow.

# %%
W1 = np.array([[1.0, -1.0, 0.5], [1.0, 1.0, -1.0]])  # (2, 3): from input i to hidden unit j
b1, b2 = np.array([0.0, 0.5, 0.5]), np.array([0.0, 0.0])
W2 = np.array([[0.5, -0.5], [-0.5, 1.0], [1.0, 0.5]])  # (3, 2): from hidden unit i to output j
assert W1.size + b1.size + W2.size + b2.size == 17

# %% [markdown]
# ## 2. Forward
#
# Four formulas. `@` is the matrix product: row n, column j of `x @ W1` is Σᵢ x[n, i] · W1[i, j].
# The last formula is the loss, the mean of all squared errors.
#
# $$y_1 = x W_1 + b_1, \quad y_2 = \tanh(y_1), \quad y_3 = y_2 W_2 + b_2, \quad
# L = \mathrm{mean}\,(y_3 - t)^2$$


# %%
def forward(W1, b1, W2, b2):
    """From x to the prediction y3."""
    y1 = x @ W1 + b1
    y2 = np.tanh(y1)
    return y1, y2, y2 @ W2 + b2


def loss(W1, b1, W2, b2):
    """How wrong the network is with these weights."""
    return ((forward(W1, b1, W2, b2)[-1] - t) ** 2).mean()


y1, y2, y3 = forward(W1, b1, W2, b2)
L = loss(W1, b1, W2, b2)
show(y1=y1, y2=y2, y3=y3)
print(f"L = {L:.4f}")

# %% [markdown]
# ## 3. What a gradient is: wiggle one weight
#
# Make one weight, W1[0, 0], larger by a tiny h. The change of the loss, divided by h, is its
# *slope* along this weight, written ∂L/∂W1[0, 0].

# %%
h = 1e-6
wiggled = W1.copy()
wiggled[0, 0] += h
slope = (loss(wiggled, b1, W2, b2) - L) / h
print(f"∂L/∂W1[0, 0] is about {slope:.4f}")

# %% [markdown]
# That is right, and expensive: a forward pass for each weight. (The network of tutorial 09 has
# 4,810.) Backpropagation finds all the slopes, the *gradient*, in *one* pass from the loss back to
# the input.
#
# ## 4. From the loss to the last layer
#
# From now on `dA` is short for ∂L/∂A, the gradient of the loss with respect to A. It has A's shape,
# always: one slope for each number.
#
# The loss is the mean of N · M = 8 squares, and the derivative of (y − t)² is 2 (y − t):
#
# $$dy_3 = \frac{2 (y_3 - t)}{N M}$$

# %%
N, M = t.shape
dy3 = 2 * (y3 - t) / (N * M)

# %% [markdown]
# The last row is the case 1 + 1. The carry should be 1, and y3[3, 0] is only 0.25. **Guess:** is
# dy3[3, 0] positive or negative?

# %%
show(dy3=dy3)
assert round(y3[3, 0], 2) == 0.25
assert dy3[3, 0] < 0

# %% [markdown]
# Negative: if this y3 grew, the loss would *fall*. Now a weight of the last layer, W2[i, j]. In row
# n, y3[n, j] = … + y2[n, i] · W2[i, j] + …, so if the weight grows by a tiny h, y3[n, j] grows by
# y2[n, i] times h, and the loss by dy3[n, j] times that: the chain rule. But the same weight is at
# work in every row, and the changes add up:
#
# $$\frac{∂L}{∂W_2[i, j]} = \sum_n y_2[n, i] · dy_3[n, j]$$

# %%
dW2 = np.zeros((3, 2))
for i, j, n in np.ndindex(3, 2, N):
    dW2[i, j] += y2[n, i] * dy3[n, j]
show(dW2=dW2)

# %% [markdown]
# ## 5. Why the formula is xᵀ dy
#
# A sum of products over a common index is a matrix product. But n counts the *rows* of y2, and has
# to count its columns. So we turn y2 on its side, which is all the transpose ᵀ does:
#
# $$dW_2[i, j] = \sum_n y_2^T[i, n] · dy_3[n, j], \qquad dW_2 = y_2^T\, dy_3$$
#
# The shapes say the same: (3, 4) times (4, 2) is (3, 2), the shape of W2. No other product of
# the two has that shape. For any such layer y = x W + b with the input x: dW = xᵀ dy. The bias
# b2[j] is added in each row: its factor is 1 instead of y2[n, i], and what is left is the sum of
# the rows of dy3.

# %%
assert np.allclose(dW2, y2.T @ dy3)
db2 = dy3.sum(axis=0)
show(db2=db2)

# %% [markdown]
# ## 6. Further back: through the weights, through the curve
#
# The hidden unit i is connected with *both* outputs. If y2[n, i] grows, y3[n, 0] grows by W2[i, 0]
# times that, and y3[n, 1] by W2[i, 1] times that. What goes along both paths is added:
#
# $$\frac{∂L}{∂y_2[n, i]} = \sum_j dy_3[n, j] · W_2[i, j], \qquad dy_2 = dy_3\, W_2^T$$
#
# Backward the slopes go through the same W2, turned on its side.

# %%
dy2 = dy3 @ W2.T
show(dy2=dy2)
assert np.isclose(dy2[2, 0], dy3[2, 0] * W2[0, 0] + dy3[2, 1] * W2[0, 1])

# %% [markdown]
# Then the curve, y2 = tanh(y1). Each number goes through it alone, and the slope of tanh is
# 1 − tanh², which is 1 − y2². (`*` multiplies number by number.)
#
# $$dy_1 = dy_2 · (1 - y_2^2)$$
#
# Where the curve is flat, the factor is near 0 and little gets through. Look for such a place.

# %%
factor = 1 - y2**2
dy1 = dy2 * factor
show(factor=factor, dy1=dy1)
assert factor.min() < 0.1

# %% [markdown]
# The first layer is like the last one, with x for y2 and dy1 for dy3.

# %%
dW1 = x.T @ dy1
db1 = dy1.sum(axis=0)
show(dW1=dW1, db1=db1)
print(f"W1[0, 0]: by wiggling {slope:.6f}, by the chain rule {dW1[0, 0]:.6f}")
assert abs(dW1[0, 0] - slope) < 1e-5

# %% [markdown]
# All 17 slopes, in one pass. The picture is the way back from the loss to W1[0, 0], in row 2 (rows
# count from 0), which is 1 + 0: in each circle a unit's value above, its slope below.


# %% tags=["hide-input"]
BLUE, RED, GREEN = COLOURS[:3]


def draw_the_way_back(ax, n):
    """The network, with the values of row n on the way there and the slopes on the way back."""
    layers = [("x", x[n], None), ("y2", y2[n], dy2[n]), ("y3", y3[n], dy3[n])]
    places = [[(0, 1.4), (0, -1.4)], [(3, 2.2), (3, 0), (3, -2.2)], [(6, 1.4), (6, -1.4)]]
    for left, right, W in zip(places, places[1:], (W1, W2), strict=False):
        for i, a in enumerate(left):
            for j, b in enumerate(right):
                on_path = i == 0 and (left is places[1] or j == 0)
                ax.annotate(
                    "",
                    xy=(b[0] - 0.55, b[1]) if not on_path else (a[0] + 0.55, a[1]),
                    xytext=(a[0] + 0.55, a[1]) if not on_path else (b[0] - 0.55, b[1]),
                    arrowprops={
                        "arrowstyle": "->" if on_path else "-",
                        "color": RED if on_path else "0.8",
                        "linewidth": 2.5 if on_path else 1,
                    },
                )
                if on_path and W is W1:  # below tanh; the weight's own slope, of this row
                    slope = dy2[n, j] * (1 - y2[n, j] ** 2)
                    ax.text(
                        0.5,
                        3.05,
                        f"through tanh: {dy2[n, j]:.2f} · (1 − {y2[n, j]:.2f}²)"
                        f" = {slope:.2f}\n"
                        f"W1[0, 0] gets x[0] · {slope:.2f} = {x[n, 0] * slope:.2f}",
                        ha="center",
                        va="center",
                        fontsize=10,
                        color=RED,
                    )
                elif on_path:
                    middle = (0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]))
                    ax.text(
                        *middle,
                        f"W2[{i}, {j}] = {W[i, j]:.2f}",
                        ha="center",
                        va="center",
                        fontsize=10,
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                    )
    for (name, values, slopes), spots in zip(layers, places, strict=True):
        for k, (across, up) in enumerate(spots):
            ax.add_patch(plt.Circle((across, up), 0.55, facecolor="white", edgecolor="0.3"))
            label = f"{values[k]:.2f}"
            if slopes is None:
                ax.text(across, up, label, ha="center", va="center", fontsize=11)
            else:
                ax.plot([across - 0.5, across + 0.5], [up, up], color="0.7", linewidth=1)
                ax.text(across, up + 0.2, label, ha="center", va="center", fontsize=11)
                ax.text(
                    across,
                    up - 0.22,
                    f"{slopes[k]:.2f}",
                    ha="center",
                    va="center",
                    fontsize=11,
                    color=RED,
                    fontweight="bold",
                )
            ax.text(across, up + 0.68, f"{name}[{k}]", ha="center", va="bottom", fontsize=10)
    ax.text(6.9, 1.4, f"wanted\n{t[n, 0]:.0f}", ha="left", va="center", fontsize=10)
    ax.text(6.9, -1.4, f"wanted\n{t[n, 1]:.0f}", ha="left", va="center", fontsize=10)
    ax.set(xlim=(-0.9, 7.9), ylim=(-3, 3.5), aspect="equal")
    ax.axis("off")


fig, ax = plt.subplots(figsize=(8.5, 6), layout="constrained")
draw_the_way_back(ax, 2)
ax.set_title("Slopes (bold, below) go back along the weights, and add up where paths meet")
fig.savefig(pictures / "04_way_back.png", dpi=120)

# %% [markdown]
# ## 7.* What the first layer does not need
#
# Each layer has two formulas for the way back, and they answer two questions:
#
# - `gradient`: how should *my weights* change? dW = xᵀ dy, db = sum of dy's rows.
# - `backward`: what do I hand down to the layer *below*? dx = dy Wᵀ.
#
# Below the first layer is only x. The data are what they are, nobody is going to change them, so
# dx = dy1 W1ᵀ is never needed. (You do need it to ask which input mattered.) In minnet the two are
# two functions, and a fit leaves out what nobody needs. How much does that save? Count the
# multiplications for one row of a batch, in the network for digits with 64 inputs, 64 hidden units
# and 10 outputs.

# %%
sizes = [64 * 64, 64 * 10]
digits = minnet.Sequential([Dense(64, activation="relu", input_dim=64), Dense(10)])
assert digits.count_params() == 4810 == sum(sizes) + 64 + 10
all_of_it = 3 * sum(sizes)  # forward, gradient and backward: each of them once through W
without = all_of_it - sizes[0]
print(f"{all_of_it:,} multiplications, {without:,} without dx: {1 - without / all_of_it:.0%} saved")
assert 0.28 < 1 - without / all_of_it < 0.30

# %% [markdown]
# A *frozen* layer, one that should not learn, is the opposite: it needs no `gradient`, but if a
# layer below it learns, it still needs `backward`. Forgetting that is a well-known bug: freezing
# one layer in the middle, and everything below silently stops learning.
#
# ## 8. The same numbers in minnet
#
# `explain_step` makes one training step on a copy of a model and keeps every number that passes by.

# %%
model = minnet.Sequential(
    [Dense(3, activation="tanh", input_dim=2), Dense(2)], seed=0, dtype="float64"
)
model.compile(minnet.optimizers.SGD(0.3), "mse")
model.set_weights([W1, b1, W2, b2])
step = minnet.explain_step(model, x, t)

for name, by_hand in (("dense_2.W", dW2), ("dense_1.W", dW1)):
    gap = np.abs(by_hand - step.weights[name].gradient).max()
    print(f"gradient of {name}: largest difference {gap:.0e}")
    assert gap < 1e-12
assert abs(step.loss - L) < 1e-12

# %% [markdown]
# ## 9. The step
#
# Every weight now moves against its slope, by the learning rate η times the slope. Then everything
# is computed anew.

# %%
rate = 0.3
new = loss(W1 - rate * dW1, b1 - rate * db1, W2 - rate * dW2, b2 - rate * db2)
print(f"loss before {L:.4f}, after one step {new:.4f}; minnet's {step.new_loss:.4f}")
assert np.isclose(new, step.new_loss)
assert new < L

# %% [markdown]
# ## 10.* Every other number, and what the gradient promises
#
# The rest of the step, by hand and by minnet:

# %%
others = {
    "y3": (y3, step.steps[2].y),
    "y1": (y1, step.steps[0].y),
    "y2": (y2, step.steps[1].y),
    "dy3": (dy3, step.steps[2].dy),
    "db2": (db2, step.weights["dense_2.b"].gradient),
    "dy2": (dy2, step.steps[2].dx),
    "dy1": (dy1, step.steps[1].dx),
    "db1": (db1, step.weights["dense_1.b"].gradient),
}
for name, (by_hand, by_minnet) in others.items():
    gap = np.abs(by_hand - by_minnet).max()
    print(f"{name:4} {by_hand.shape!s:7} largest difference {gap:.0e}")
    assert gap < 1e-12
assert step.steps[0].dx is None
print("and dx of the first layer:", step.steps[0].dx)

# %% [markdown]
# `print(step)` writes the whole step out with its numbers: pages of it, made for reading along
# with pencil and paper. Here is its part on the curve (⊙ is our `*`):

# %%
pages = str(step)
assert 200 < len(pages.splitlines()) < 350
start, end = pages.index("3.3 "), pages.index("3.4 ")
print(pages[start:end].rstrip())


# %% [markdown]
#
# If the loss were a straight line in every direction, a step would lower it by η times the sum of
# all squared slopes. Does it fall by more than that, or by less?

# %%
squares = sum((slopes**2).sum() for slopes in (dW1, db1, dW2, db2))
promised = L - rate * squares
print(f"before {L:.4f}, promised {promised:.4f}, after the step {new:.4f}")
assert promised < new < L
assert np.isclose(promised, step.predicted_loss)

# %% [markdown]
# By less. A slope is true *here*; on the way the loss bends upwards. Follow it for steps of several
# lengths. With η = 1 the gradient even promises a loss below zero, which no mean of squares can be.

# %%
rates = np.linspace(0, 1.5, 151)
reached = np.array([loss(W1 - r * dW1, b1 - r * db1, W2 - r * dW2, b2 - r * db2) for r in rates])
best = rates[reached.argmin()]
print(f"the lowest loss in this direction is at η = {best:.2f}")
assert L - 1.0 * squares < 0
assert 0.5 < best < 0.7
assert reached[-1] > L

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
ax.plot(rates, reached, color=BLUE, linewidth=2, label="the loss after the step")
ax.plot(
    rates, L - rates * squares, "--", color=RED, linewidth=2, label="what the gradient promises"
)
ax.plot(best, reached.min(), "o", color=GREEN, markersize=9, label=f"lowest, at η = {best:.2f}")
ax.axhline(L, color="0.6", linewidth=1, linestyle=":")
ax.text(0.75, L, "loss before the step", ha="left", va="bottom", color="0.4")
ax.set(
    xlabel="learning rate η",
    ylabel="loss L (mean squared error)",
    ylim=(-0.3, 1.15 * reached.max()),
    title="The gradient is right at the start of the step, and only there",
)
ax.legend(loc="upper left")
fig.savefig(pictures / "04_promise.png", dpi=120)

# %% [markdown]
# ## 11.* A whole training, from twenty starts
#
# You have derived each of its lines:


# %%
def train(W1, b1, W2, b2, rate=0.3, steps=1000):
    """Gradient descent by the formulas above; the weights at the end, and all losses."""
    losses = []
    for _ in range(steps):
        _, y2, y3 = forward(W1, b1, W2, b2)
        losses.append(((y3 - t) ** 2).mean())
        dy3 = 2 * (y3 - t) / (N * M)
        dW2, db2 = y2.T @ dy3, dy3.sum(axis=0)
        dy1 = (dy3 @ W2.T) * (1 - y2**2)
        dW1, db1 = x.T @ dy1, dy1.sum(axis=0)
        W1, b1 = W1 - rate * dW1, b1 - rate * db1
        W2, b2 = W2 - rate * dW2, b2 - rate * db2
    return (W1, b1, W2, b2), losses


weights, losses = train(W1, b1, W2, b2)
prediction = forward(*weights)[-1]
print(f"loss {losses[0]:.4f} at first, {losses[-1]:.1e} after {len(losses):,} steps")
for bits, answer in zip(x, prediction, strict=True):
    carry, right = np.abs(answer.round())
    print(f"{bits[0]:.0f} + {bits[1]:.0f} = {carry:.0f}{right:.0f}")
assert losses[-1] < 1e-6
assert np.array_equal(np.abs(prediction.round()), t)

# %% [markdown]
# It can add. Did our choice of weights help? Try twenty random starts. (Now and then a start leads
# to a dip that is lower than everything around it but not low enough, and gradient descent stays
# there.)

# %%
learned = 0
for seed in range(20):
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(2, 3)), np.zeros(3), rng.normal(size=(3, 2)), np.zeros(2)
    learned += train(*start)[1][-1] < 0.01
print(f"{learned} of 20 random starts learn to add")
assert learned >= 15
print(f"Pictures: 04_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. In `train`, replace tanh with the ReLU y2 = max(y1, 0): one line of `forward`, and one
#    factor on the way back. Does it still learn? From how many of the 20 random starts?
# 2. Start with all weights 0. Predict first which of dW1, db1, dW2, db2 are 0, then print them.
#    What will the network never learn?
# 3. Make a mistake in `train`: first forget the factor (1 − y2²); then, instead of that, one of the
#    two paths, with `dy3[:, :1] @ W2[:, :1].T` for `dy3 @ W2.T`. Does the loss still fall? How many
#    of the 20 starts get there? Which of the two mistakes would you have noticed?
