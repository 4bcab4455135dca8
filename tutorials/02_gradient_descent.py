# %% [markdown]
# # Gradient descent: a line, a bowl and a ravine
#
# *Before this one: 01 (one neuron). Reading time: 5 minutes.*
#
# Training a network means walking downhill on its loss. Here the hill is simple enough that we can
# know everything about it. By the end you will be able to say *before* training which learning rate
# is too large, and why people standardise their inputs. (And, from 7.* on, what momentum does, and
# when it does harm.)

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.course import reading
from minnet.layers import Dense

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. A line
#
# Forty points near a line that we know, y = 2x + 1, with some noise. The model is a neuron without
# the sigmoid, p = w x + b, and the loss is the mean of the squared errors:
#
# $$L(w, b) = \mathrm{mean}\,(w x + b - y)^2$$
#
# The chain rule (tutorial 01) gives its gradient, error times input once more:
#
# $$\frac{∂L}{∂w} = \mathrm{mean}\; 2 (w x + b - y)\, x, \qquad
# \frac{∂L}{∂b} = \mathrm{mean}\; 2 (w x + b - y)$$

# %%
rng = np.random.default_rng(0)
x = rng.uniform(0, 5, 40)
y = 2 * x + 1 + rng.normal(0, 0.5, 40)


def loss(theta, x):
    """The mean squared error of the line with theta = (w, b)."""
    w, b = theta
    return np.mean((w * x + b - y) ** 2)


def gradient(theta, x):
    """(∂L/∂w, ∂L/∂b)."""
    w, b = theta
    error = w * x + b - y
    return np.array([np.mean(2 * error * x), np.mean(2 * error)])


def descend(x, learning_rate, steps, momentum=0.0, start=(0.0, 0.0)):
    """The way downhill, (steps + 1, 2), the start included. Momentum is 0 until part 7."""
    theta, v = np.array(start), np.zeros(2)
    path = [theta]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(theta, x)
        theta = theta + v
        path.append(theta)
    return np.array(path)


# %% [markdown]
# (*theta* holds all that is learned, in one array.) **Guess:** will the walk end at w = 2, b = 1?

# %%
path = descend(x, learning_rate=0.05, steps=400)
for step in (0, 1, 2, 20, 100, 400):
    w, b = path[step]
    print(f"step {step:3}: w = {w:.4f}, b = {b:.4f}, loss {loss(path[step], x):.4f}")

# %% [markdown]
# Near it, but not there, because of the noise. Why is the slope w nearly right at once, while b
# creeps? And why a rate of 0.05? Look at the hill.
#
# ## 2.* Where the walk ends
#
# For a line there is also a formula for the best w and b, *least squares*.

# %%
best = np.polyfit(x, y, 1)
print(f"least squares: w = {best[0]:.4f}, b = {best[1]:.4f}, loss {loss(best, x):.4f}")
assert np.allclose(path[-1], best, atol=1e-3)
assert np.abs(best - (2, 1)).max() > 0.01
assert loss(best, x) < loss((2, 1), x)

# %% [markdown]
# It ends at the least-squares line, which is near the true line but not on it: for these forty
# noisy points it is better than the true one.

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4), layout="constrained")
left.plot(x, y, "o", color="0.6", markersize=5, label="data")
ends = np.array([0.0, 5.0])
for step, look in ((0, ":"), (1, "--"), (400, "-")):
    w, b = path[step]
    name = {0: "at the start", 1: "after 1 step", 400: "after 400 steps"}[step]
    colour = plots.COLOURS[0] if step else "black"
    left.plot(ends, w * ends + b, look, color=colour, linewidth=2.5, label=name)
left.set(xlabel="x", ylabel="y", title="The first step does most of it …")
left.legend()
left.grid(alpha=0.3)
for k, (name, look) in enumerate((("w", "-"), ("b", "--"))):
    right.plot(path[:, k] - path[-1, k], look, color=plots.COLOURS[k], linewidth=2.5)
    right.text(1.3, path[1, k] - path[-1, k], f"{name} ", color=plots.COLOURS[k], fontsize=14)
right.set_xscale("symlog", linthresh=1)
right.set_xticks([0, 1, 10, 100, 400], ["0", "1", "10", "100", "400"])
right.set(xlabel="step", ylabel="distance from where it ends", title="… and b creeps for hundreds")
right.axhline(0, color="0.6", linewidth=1)
right.grid(alpha=0.3)
figure.savefig(pictures / "02_line.png", dpi=120)
falls = [loss(path[step], x) - loss(best, x) for step in (0, 1, 20, 100)]
assert falls[1] < 0.2 * falls[0]
assert np.abs(path[100] - best).max() > 0.01

# %% [markdown]
# ## 3. A bowl
#
# An easier hill first. *Standardise* x: subtract its mean, divide by its standard deviation. Now
# mean(x) = 0 and mean(x²) = 1. Multiply out the square in L: with (w*, b*) for the best weights and
# L* for the loss there,
#
# $$L(w, b) = L^\star + (w - w^\star)^2 + (b - b^\star)^2$$
#
# A round bowl: the loss is the squared distance from the bottom.

# %%
standard = (x - x.mean()) / x.std()
bottom = np.polyfit(standard, y, 1)  # NumPy's formula for the best w and b, least squares
assert np.isclose(loss((0.0, 0.0), standard) - loss(bottom, standard), np.sum(bottom**2))

# %% [markdown]
# The derivative of (w − w*)² is 2 (w − w*), so one step of gradient descent is
#
# $$w ← w - η · 2 (w - w^\star), \quad \text{that is,} \quad w - w^\star ← (1 - 2η) (w - w^\star)$$
#
# Every step multiplies the distance from the bottom by the same number, 1 − 2η. **Guess** what
# happens for each of these η: 0.05, 0.45, 0.5, 0.95, 1, 1.05.

# %%
print("    η   factor   distance after 1, 2, 10 steps, from 1")
for rate in (0.05, 0.45, 0.5, 0.95, 1.0, 1.05):
    path = descend(standard, rate, 10)
    distance = np.linalg.norm(path - bottom, axis=1) / np.linalg.norm(bottom)
    shown = "  ".join(f"{distance[step]:.3f}" for step in (1, 2, 10))
    print(f"{rate:5.2f}   {1 - 2 * rate:6.2f}   {shown}")
    assert np.allclose(distance, np.abs(1 - 2 * rate) ** np.arange(11), atol=1e-12)

# %% [markdown]
# - 0.05: too small. 0.45: a tenth of the distance is left after each step, fine.
# - 0.5: at the bottom in *one* step.
# - 0.95: every step jumps across to the other side, a little nearer; as slow as 0.05.
# - 1: jumps back and forth for ever. 1.05: farther away with every step; it *diverges*.
#
# It works if −1 < 1 − 2η < 1, which means η < 1. The 2 in this formula is the bowl's *curvature* λ,
# the second derivative of the loss. For any curvature the factor is 1 − ηλ, and the limit is
#
# $$η < \frac{2}{λ}$$
#
# (In the picture: a cut through the bowl.)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.6), layout="constrained", sharey=True)
cases = (
    (0.05, "too small: it creeps"),
    (0.4, "right: done in a few steps"),
    (1.05, "too large: it climbs"),
)
for ax, (rate, words) in zip(axes, cases, strict=True):
    factor = f"{1 - 2 * rate:.1f}".replace("-", "−")
    walk = 2.0 * (1 - 2 * rate) ** np.arange(9)
    u = np.linspace(-5, 5, 201)
    ax.plot(u, u**2, color="0.5", linewidth=2)
    ax.plot(walk, walk**2, "o--", color=plots.COLOURS[1], linewidth=1.2, markersize=5)
    ax.plot(walk[0], walk[0] ** 2, "s", color="black", markersize=8, label="start")
    ax.set(xlabel="w − w*", title=f"η = {rate}, factor {factor}\n{words}")
    ax.set(xlim=(-4.9, 4.9), ylim=(-1, 20))
    ax.grid(alpha=0.3)
axes[0].set_ylabel("loss − L*")
axes[0].legend(loc="upper center")
figure.savefig(pictures / "02_rates.png", dpi=120)

# %% [markdown]
# ## 4. A ravine
#
# Now x as it came, from 0 to 5. The hill is a stretched bowl, a ravine: in the direction of w its
# curvature is $2 \cdot \mathrm{mean}(x^2)$, in the direction of b it is only 2. One rate has to do
# for both.

# %%
along_w, along_b = 2 * np.mean(x**2), 2.0
print(f"curvature along w {along_w:.1f}, along b {along_b:.1f}")
print(f"the largest rate that w bears is about 2/{along_w:.1f} = {2 / along_w:.3f}")
print(
    f"with it the distance of b shrinks by a factor of only {1 - 2 / along_w * along_b:.2f} a step"
)
assert along_w > 7 * along_b

# %% [markdown]
# That is why w was right at once in part 1, while b crept: the steep direction sets the limit, and
# the flat one has to live with it. For standardised x both curvatures are 2, and *one* step is
# enough. This is why the inputs of a network are standardised (`minnet.datasets.standardize`), or
# at least brought to 0 … 1.
#
# ## 5.* The two directions exactly
#
# Really the ravine lies a little askew in the plane of w and b. Along one direction it is steepest,
# at right angles to it flattest, and a walk along one of them stays on it. They are the
# *eigenvectors* of the table of L's second derivatives, the *Hessian*, and the curvatures along
# them, λmax and λmin, its *eigenvalues*.


# %%
def curvatures(x):
    """λmin, λmax, and the two directions as columns."""
    hessian = 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]])
    return np.linalg.eigh(hessian)


(flat, steep), directions = curvatures(x)
limit, kappa = 2 / steep, steep / flat
print(f"λmax = {steep:.2f} along (w, b) = {np.round(directions[:, 1], 2)}")
print(f"λmin = {flat:.2f} along (w, b) = {np.round(directions[:, 0], 2)}")
print(f"limit of the learning rate 2/λmax = {limit:.4f}; λmax/λmin = {kappa:.0f}")
assert np.allclose(curvatures(standard)[0], 2)
assert abs(directions[0, 1]) > 0.9
assert limit > 0.05
assert 30 < kappa < 80

# %% [markdown]
# A ravine, more than 30 times as curved across as along. Steep is nearly the direction of w, flat
# nearly that of b. Each direction has its own factor, 1 − ηλmax and 1 − ηλmin, and the steep one
# sets the limit, 2/λmax.
#
# But that is far too small for the flat one: its factor is 1 − 2/κ even at the limit, with the
# *condition number* κ (kappa) = λmax/λmin. The number of steps grows with κ. For standardised x
# κ is 1.
#
# ## 6.* Is the limit exact?
#
# Here is the Hessian once more:
#
# $$H = \begin{pmatrix} ∂^2L/∂w^2 & ∂^2L/∂w∂b \\ ∂^2L/∂w∂b & ∂^2L/∂b^2 \end{pmatrix}
# = 2 \begin{pmatrix} \mathrm{mean}(x^2) & \mathrm{mean}(x) \\ \mathrm{mean}(x) & 1 \end{pmatrix}$$
#
# And the limit? Go to it, and to 2 % on either side. **Guess** the last column, roughly.

# %%
bottom = np.polyfit(x, y, 1)
print("       η                across the ravine after 300 steps, from 1")
for share in (0.98, 1.0, 1.02):
    path = descend(x, share * limit, 300)
    across = np.abs((path - bottom) @ directions[:, 1])
    ratio = across[-1] / across[0]
    print(f"{share:.2f} · 2/λmax = {share * limit:.4f}   {ratio:.6g}")
    assert np.isclose(ratio, np.abs(1 - share * limit * steep) ** 300, rtol=1e-6)
    if share == 1.0:
        assert abs(ratio - 1) < 1e-6

# %% [markdown]
# Exact. 2 % below the limit it converges, at the limit it goes back and forth for ever, and 2 %
# above it explodes.
#
# ## 7.* Momentum
#
# Hidden layers make ravines of their own, so we need a better walk. Think of a heavy ball: it has a
# velocity v, keeps a part β of it (the *momentum*), and the slope only pushes:
#
# $$v ← β v - η \frac{∂L}{∂θ}, \qquad θ ← θ + v$$
#
# Across the ravine the pushes change sign and partly cancel; along it they agree and add up. For
# "tuned", β and η are those that theory (Polyak, 1964) gives for known λmin and λmax. We start on
# the wall, with a level line.


# %%
def polyak(values):
    """The learning rate and the momentum that are best for these two curvatures."""
    low, high = np.sqrt(values)
    return (2 / (low + high)) ** 2, ((high - low) / (high + low)) ** 2


bottom, level, best_rate = np.polyfit(x, y, 1), np.array([0.0, 6.0]), 2 / (steep + flat)
tuned_rate, tuned_momentum = polyak((flat, steep))
plans = {"plain": (best_rate, 0.0), "0.9": (best_rate, 0.9), "tuned": (tuned_rate, tuned_momentum)}
print("from the bottom after 30 steps, in the ravine:")
for name, (rate, beta) in plans.items():
    end = descend(x, rate, 30, beta, start=level)[-1]
    print(f"{name:6} {np.linalg.norm(end - bottom):.2f}")
assert np.linalg.norm(end - bottom) < 0.1
print("in the round bowl:")
for beta, steps in ((0.0, 1), (0.9, 30)):
    end = descend(standard, 0.5, steps, beta, start=level)[-1]
    away = np.linalg.norm(end - np.polyfit(standard, y, 1))
    print(f"momentum {beta}, steps {steps}: {away:.2f}")
assert away > 0.1
assert tuned_rate > limit

# %% tags=["hide-input"]
walks = {
    "a tenth of the limit: it creeps": (0.1 * limit, 0.0),
    "0.95 of the limit: it zig-zags": (0.95 * limit, 0.0),
    "momentum 0.9: it swings past": (best_rate, 0.9),
    f"tuned momentum {tuned_momentum:.2f}: it arrives": (tuned_rate, tuned_momentum),
}
figure, axes = plt.subplots(2, 2, figsize=(10, 5.2), layout="constrained", sharex=True, sharey=True)
bs, ws = np.meshgrid(np.linspace(-3.4, 6.9, 207), np.linspace(-1.0, 3.9, 99))
heights = np.mean((ws[..., None] * x + bs[..., None] - y) ** 2, axis=-1) - loss(bottom, x)
for ax, (words, (rate, beta)) in zip(axes.ravel(), walks.items(), strict=True):
    walk = descend(x, rate, 30, beta, start=level)
    shades = ax.contourf(bs, ws, np.sqrt(heights), levels=12, cmap="cividis")
    ax.plot(walk[:, 1], walk[:, 0], ".-", color="white", linewidth=1.3, markersize=6)
    ax.plot(level[1], level[0], "s", color="white", mec="black", markersize=9, label="start")
    ax.plot(bottom[1], bottom[0], "*", color="white", mec="black", markersize=15, label="bottom")
    ax.set(title=words, aspect="equal")
for ax in axes[1]:
    ax.set_xlabel("b")
for ax in axes[:, 0]:
    ax.set_ylabel("w")
axes[0, 0].legend(loc="upper right", facecolor="0.8", framealpha=0.9, fontsize=9)
figure.colorbar(shades, ax=axes, label="square root of (loss − L*)", shrink=0.8)
figure.suptitle("Thirty steps in the same ravine: tuned momentum gets to the bottom")
figure.savefig(pictures / "02_ravine.png", dpi=120)
left = [
    np.linalg.norm(descend(x, rate, 30, beta, start=level)[-1] - bottom)
    for rate, beta in walks.values()
]
print("distance from the bottom after 30 steps:", "  ".join(f"{d:.2f}" for d in left))
assert left[3] < 0.1 < min(left[:3])

# %% [markdown]
# The tuned walk zig-zags, too, and with a rate at which a plain one would explode: momentum moves
# the limit. But it is much faster along the ravine. In the round bowl momentum does harm: one plain
# step is enough, but the ball swings about the bottom. Nobody knows λmin of a real network, so 0.9
# is a good habit and not a law.
#
# ## 8.* Zig-zag
#
# Back to the plain walk. Below the limit it zig-zags between the walls and hardly moves along the
# ravine. We start on the wall again, at w = 0, b = 6. **Guess** the angle between "straight
# downhill" and "straight to the bottom" there.

# %%
downhill, to_bottom = -gradient(level, x), bottom - level
cosine = downhill @ to_bottom / np.linalg.norm(downhill) / np.linalg.norm(to_bottom)
print(f"downhill and to the bottom differ by {np.degrees(np.arccos(cosine)):.0f}°")
assert 50 < np.degrees(np.arccos(cosine)) < 90

zigzag = descend(x, 0.95 * limit, 30, start=level)
sides = np.sign((zigzag - bottom) @ directions[:, 1])
crossings = np.count_nonzero(np.diff(sides))
print(f"η at 0.95 of the limit: {crossings} of 30 steps cross the ravine")
assert crossings == 30

# %% [markdown]
# So which rate is the best one? The steep direction wants it small and the flat one large. They are
# equally fast at η = 2/(λmax + λmin), with the factor ±(κ − 1)/(κ + 1) for both. The loss goes with
# the square of the distance, so to bring it (what is above its lowest) down to a millionth takes
# about κ/4 · log(10⁶) steps. Count:


# %%
def steps_needed(x, learning_rate, momentum=0.0, most=4000):
    """After how many steps the loss above its lowest stays below a millionth of the start's."""
    values, directions = curvatures(x)
    walk = descend(x, learning_rate, most, momentum, start=level)
    along_each = (walk - np.polyfit(x, y, 1)) @ directions
    above = along_each**2 @ values / 2  # the bowl in its own directions
    return 1 + int(np.flatnonzero(above > 1e-6 * above[0])[-1])


counts = {}
for share in (0.05, 0.2, 0.5, 0.9, best_rate / limit, 0.995):
    counts[share] = steps_needed(x, share * limit, most=6000)
    note = "  ← 2/(λmax + λmin)" if share == best_rate / limit else ""
    print(f"η = {share:.3f} of the limit: {counts[share]:5,} steps{note}")
formula = kappa / 4 * np.log(1e6)
print(f"κ/4 · log(10⁶) = {formula:.0f}")
assert abs(counts[best_rate / limit] - formula) < 3
assert min(counts.values()) == counts[best_rate / limit]
assert counts[0.05] > 15 * formula

# %% [markdown]
# The best rate stands right before the cliff: just above it, the walls are too slow, and then comes
# the limit. And no rate does better than the formula, which has nothing in it but κ. So the way to
# be faster is a better κ. Where does κ come from? **Guess** what happens to it if we add 2 or 5 to
# every x, or count x from the year 2000. (The line stays the same; only its b changes.)

# %%
terrains = {
    "standardised": standard,
    "x, from 0 to 5": x,
    "x + 2": x + 2,
    "x + 5": x + 5,
}
print("                       κ    steps at the best rate")
for name, inputs in terrains.items():
    low, high = curvatures(inputs)[0]
    rate, most = 2 / (low + high), 300 + int(4 * high / low)
    count = steps_needed(inputs, rate, most=most)
    print(f"{name:15} {high / low:8.0f}   {count:8,}")
    if name == "standardised":
        assert count == 1
    else:
        assert abs(count - high / low / 4 * np.log(1e6)) < 3
assert high / low > 1000

years = 2000 + x
mean, variance = years.mean(), years.var()
trace, determinant = 2 * (variance + mean**2 + 1), 4 * variance  # λmax + λmin and λmax · λmin
kappa_of_years = trace**2 / determinant
days = kappa_of_years / 4 * np.log(1e6) / 1e6 / 86400
print(f"years           {kappa_of_years:8.1e}   at a million steps a second: {days:.0f} days")
assert 100 < days < 1000

# %% [markdown]
# That is months for a line through forty points, or one step if x is standardised.
#
# ## 9.* Momentum in numbers
#
# Now in numbers, on three terrains. 0.9 is the usual choice; here it gets the best rate of the
# plain walk. **Guess** the row of the round bowl.

# %%
print("                 plain   momentum 0.9   tuned (β)")
table = {}
for name in ("standardised", "x, from 0 to 5", "x + 5"):
    values = curvatures(terrains[name])[0]
    rate, most = 2 / values.sum(), 300 + int(4 * values[1] / values[0])
    tuned_rate, tuned_momentum = polyak(values)
    table[name] = [
        steps_needed(terrains[name], rate, 0.0, most),
        steps_needed(terrains[name], rate, 0.9, most),
        steps_needed(terrains[name], tuned_rate, tuned_momentum, most),
    ]
    plain, usual, tuned = table[name]
    print(f"{name:15} {plain:6,}   {usual:12,}   {tuned:5,} ({tuned_momentum:.2f})")
assert table["standardised"][0] == 1
assert table["standardised"][1] > 100
plain, usual, tuned = table["x, from 0 to 5"]
assert 0.4 < usual / plain < 1.2
assert plain / tuned > 3
plain, usual, tuned = table["x + 5"]
assert plain / usual > 8
assert plain / tuned > 15
growth = table["x + 5"][2] / table["x, from 0 to 5"][2]
assert 0.8 < growth / np.sqrt(values[1] / values[0] / kappa) < 1.3

# %% [markdown]
# Momentum is no magic. In the round bowl it makes one step into more than a hundred, because the
# ball swings about the bottom. In our ravine 0.9 gains little, and with other points it may lose a
# little, or gain more; the tuned value is more than three times as fast. In the deep ravine
# 0.9 is more than eight times as fast, and the tuned value more than fifteen times. With the best
# β the steps grow as √κ, and no longer as κ: compare the last two rows.

# %% tags=["hide-input"]
figure, ax = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
tuned_rate, tuned_momentum = polyak((flat, steep))
runs = {  # the words on a line, and where they stand: the step, and above or below
    "plain, best rate": (best_rate, 0.0, 100, 8),
    "momentum 0.9": (best_rate, 0.9, 84, 1 / 400),
    f"tuned,\nmomentum\n{tuned_momentum:.2f}": (tuned_rate, tuned_momentum, 1, 4e-6),
}
for i, (name, (rate, beta, at, times)) in enumerate(runs.items()):
    along_each = (descend(x, rate, 175, beta, start=level) - bottom) @ directions
    above = along_each**2 @ (flat, steep)
    above /= above[0]
    colour = plots.COLOURS[i]
    ax.plot(above, color="0.75" if beta == 0.9 else colour, linewidth=1 if beta == 0.9 else 2.4)
    if beta == 0.9:  # it swings: what counts is how high it still comes
        highest = np.maximum.accumulate(above[::-1])[::-1]
        ax.plot(highest, color=colour, linestyle="--", linewidth=2.4)
    arrived = int(np.flatnonzero(above > 1e-6)[-1]) + 1
    if arrived <= 175:
        ax.plot(arrived, 1e-6, "o", color=colour, markersize=8)
        ax.annotate(f"step {arrived}", (arrived, 1e-6), (arrived + 2, 1.5e-6), color=colour)
    ax.text(at, above[at] * times, name, color=colour, fontsize=11)
ax.axhline(1e-6, color="0.4", linewidth=1, zorder=0)
ax.text(1, 1.3e-6, "a millionth", va="bottom", color="0.3")
ax.set(yscale="log", ylim=(3e-8, 8), xlim=(0, 182))
ax.set(xlabel="step", ylabel="(loss − L*), share of the start")
ax.set_title(f"In a ravine of κ = {kappa:.0f}, the right momentum is far ahead")
ax.grid(alpha=0.3)
figure.savefig(pictures / "02_momentum.png", dpi=120)

# %% [markdown]
# ## 10.* The same by minnet
#
# A line is a Dense layer of one unit without an activation. `SGD` is the formula above, with
# `momentum` for β. We begin at the same place, take all forty points in each step, and compare.

# %%
column = x.reshape(-1, 1)  # minnet wants a row for each sample, a column for each input
for rate, beta in ((best_rate, 0.0), (best_rate, 0.9)):
    model = minnet.Sequential([Dense(1, input_dim=1)], dtype="float64")
    model.set_weights([np.array([[level[0]]]), np.array([level[1]])])
    model.compile(minnet.optimizers.SGD(rate, momentum=beta), loss="mean_squared_error")
    walk = [model.theta.copy()]
    for _ in range(200):
        model.train_on_batch(column, y)
        walk.append(model.theta.copy())
    gap = np.abs(np.array(walk) - descend(x, rate, 200, beta, start=level)).max()
    print(f"momentum {beta}: largest difference of any w or b in 200 steps {gap:.0e}")
    assert gap < 1e-10

# %% [markdown]
# And beyond the limit? The loss grows until it is `inf`, more than a computer can write down. Then
# minnet stops, and says why:

# %%
model.compile(minnet.optimizers.SGD(2 * limit), loss="mean_squared_error")
try:
    model.fit(column, y, batch_size=40, epochs=1000, verbose=0)
except minnet.DivergedError as error:
    print("DivergedError:", error)
else:
    raise AssertionError("twice the limit did not diverge")
print(f"Pictures: 02_*.png in {pictures.resolve()}")

# %% [markdown]
# ## Exercises
#
# 1. Multiply x by 100, as if it were in centimetres and not in metres. Work out the new limit and
#    the new κ first, on paper, then by `curvatures`. What does η = 0.05 do now?
# 2. With momentum the limit is different. Find it for β = 0.5 and for β = 0.9 by trial, with
#    `descend`, in units of 2/λmax. Can you guess the formula?
# 3. Take one point at a time: `model.fit(column, y, batch_size=1, epochs=50)` with SGD(0.02). Is it
#    at the bottom in the end? And after 50 more epochs with a tenth of the rate (`fit` takes
#    `learning_rate=0.002`)?
