# %% [markdown]
# # Answers to tutorial 02, gradient descent

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

rng = np.random.default_rng(0)
x = rng.uniform(0, 5, 40)
y = 2 * x + 1 + rng.normal(0, 0.5, 40)


def descend(x, learning_rate, steps, momentum=0.0, start=(0.0, 6.0)):
    """The way downhill, (steps + 1, 2)."""
    theta, v = np.array(start), np.zeros(2)
    path = [theta]
    for _ in range(steps):
        error = theta[0] * x + theta[1] - y
        v = momentum * v - learning_rate * 2 * np.array([np.mean(error * x), np.mean(error)])
        theta = theta + v
        path.append(theta)
    return np.array(path)


def curvatures(x):
    """λmin, λmax, and the two directions as columns."""
    return np.linalg.eigh(2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]]))


(flat, steep), directions = curvatures(x)
limit, bottom = 2 / steep, np.polyfit(x, y, 1)

# %% [markdown]
# ## 1. Centimetres
#
# mean(x²) grows by 10⁴, and nearly all of λmax is 2 mean(x²). So the limit becomes about 10⁴ times
# smaller. λmin hardly changes, since it is nearly the curvature along b, which x does not change.
# So κ grows by about 10⁴, too. η = 0.05 is now far beyond the limit, and the walk explodes.

# %%
low, high = curvatures(100 * x)[0]
print(f"limit {limit:.4f} → {2 / high:.2e}; κ {steep / flat:.0f} → {high / low:,.0f}")
assert 0.8e4 < limit / (2 / high) < 1.2e4
assert 0.5e4 < (high / low) / (steep / flat) < 2e4
walk = descend(100 * x, 0.05, 5)
print("η = 0.05: w after each step", [f"{w:.0e}" for w in walk[:, 0]])
assert np.all(np.diff(np.abs(walk[1:, 0])) > 0)
assert abs(walk[-1, 0]) > 1e15

# %% [markdown]
# ## 2. The limit with momentum
#
# It is 1.5 times 2/λmax for β = 0.5 and 1.9 times for β = 0.9: the limit is (1 + β) · 2/λmax. (With
# v₊ = β v − ηλ u and u₊ = u + v₊ for the distance u, one of the two factors of the walk is −1
# exactly where ηλ = 2 (1 + β).)


# %%
def stays(share, beta):
    """Whether a walk at this share of 2/λmax comes nearer to the bottom across the ravine."""
    across = np.abs((descend(x, share * limit, 600, beta) - bottom) @ directions[:, 1])
    return across[-20:].max() < across[:20].max()


for beta in (0.5, 0.9):
    low, high = 0.5, 4.0
    for _ in range(20):  # halve the interval that holds the limit
        middle = (low + high) / 2
        low, high = (middle, high) if stays(middle, beta) else (low, middle)
    print(f"β = {beta}: the limit is {low:.3f} · 2/λmax")
    assert abs(low - (1 + beta)) < 0.02

# %% [markdown]
# ## 3. One point at a time
#
# Not quite. Each step goes downhill for *one* point, and every point, with its noise, has a
# different bottom. So the walk ends up wandering around the common one. The smaller the rate, the
# smaller the wandering: after 50 more epochs at a tenth of the rate it is nearer.

# %%
column, far, near = x.reshape(-1, 1), [], []
for seed in range(3):
    model = minnet.Sequential([Dense(1, input_dim=1)], seed=seed, dtype="float64")
    model.compile(minnet.optimizers.SGD(0.02), "mean_squared_error")
    model.fit(column, y, batch_size=1, epochs=50, verbose=0, seed=seed)
    far.append(np.linalg.norm(model.theta - bottom))
    model.fit(column, y, batch_size=1, epochs=50, verbose=0, seed=seed, learning_rate=0.002)
    near.append(np.linalg.norm(model.theta - bottom))
print("from the bottom, three seeds:", np.round(far, 3))
print("and with a tenth of the rate: ", np.round(near, 3))
assert min(far) > 0.01
assert np.mean(near) < np.mean(far) / 2
