# %% [markdown]
# # Answers to tutorial 11, initialisation and normalisation

# %%
import warnings

import numpy as np

import minnet
from minnet.course import reading
from minnet.initializers import Constant
from minnet.layers import Activation, BatchNormalization, Dense
from minnet.optimizers import SGD

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits()


# %% [markdown]
# ## 1. Zeros in one layer
#
# Both learn. The layer with random weights breaks the symmetry. If it is the second one, it hands a
# different slope down to each hidden unit, and they part in the first step. If it is the first one,
# the hidden units compute different numbers, so the weights of the second layer get different
# slopes; the first layer waits one step, until those are no longer 0.
#
# With 0.02 in both layers a larger rate does not help: 32 units remain one unit. Differences of
# 10⁻⁷ are enough. Equal units are in balance like a pencil on its tip: the slightest difference
# grows with every step, and after four epochs the units are as different as any.


# %%
def two(first, second, rate=0.1, noise=0.0):
    """Test accuracy after four epochs, and how far the hidden units are apart."""
    model = minnet.Sequential(
        [
            Dense(32, activation="tanh", kernel_initializer=first, input_dim=64),
            Dense(10, activation="softmax", kernel_initializer=second),
        ],
        seed=0,
        dtype="float64",
    )
    model.layers[0].W = model.layers[0].W + noise * np.random.default_rng(0).normal(size=(64, 32))
    model.compile(SGD(rate), "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=4, verbose=0)
    return model.evaluate(x_test, y_test)["accuracy"], np.ptp(model.layers[0].W, axis=1).max()


random, equal = "glorot_uniform", Constant(0.02)
CASES = {
    "first layer 0": ("zeros", random),
    "second layer 0": (random, "zeros"),
    "all 0.02": (equal, equal, 0.3),
    "0.02 and 1e-7": (equal, equal, 0.3, 1e-7),
}
results = {name: two(*case) for name, case in CASES.items()}
for name, (accuracy, apart) in results.items():
    print(f"{name:14} {accuracy:.1%}, units differ by {apart:.1e}")
assert min(results[name][0] for name in ("first layer 0", "second layer 0")) > 0.9
assert results["all 0.02"][0] < 0.6
assert results["0.02 and 1e-7"][0] > 0.75
assert results["0.02 and 1e-7"][1] > 0.1

# %% [markdown]
# ## 2. A rate for 0 to 255
#
# 0.001 works, a hundredth of the rate. (One might expect more: numbers 255 times as large make the
# curvature 65,000 times as large.) But it is not as good as standardising, which needs no search
# and reads several digits more in a hundred. Still smaller rates are too slow for three epochs.


# %%
def after_three(images, images_test, rate):
    """Test accuracy after three epochs, mean of two seeds; 10 % where it diverged."""
    results = []
    for seed in range(2):
        layers = [Dense(64, activation="relu", input_dim=64), Dense(10, activation="softmax")]
        model = minnet.Sequential(layers, seed=seed)
        model.compile(SGD(rate), "cross_entropy", ["accuracy"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers as large as 255, which is the point
            model.fit(images, y, batch_size=64, epochs=3, verbose=0)
        results.append(model.evaluate(images_test, y_test)["accuracy"])
    return float(np.mean(results))


large = {rate: after_three(255 * x, 255 * x_test, rate) for rate in (1e-1, 1e-3, 1e-4, 1e-5, 1e-6)}
standardised = after_three(*minnet.datasets.standardize(x, x_test), 0.1)
for rate, accuracy in large.items():
    print(f"η = {rate:g}: {accuracy:.1%}")
print(f"standardised, η = 0.1: {standardised:.1%}")
assert max(large, key=large.get) == 1e-3
assert 0.75 < large[1e-3] < standardised - 0.01
assert large[1e-1] < 0.2
assert large[1e-6] < large[1e-4] < large[1e-3]

# %% [markdown]
# ## 3. Sizes of batches
#
# From about 8 rows on it pays. With one row the variance is 0 and every normalised number is 0: the
# network sees nothing, and guesses. With 2 rows mean and variance are mostly luck. With 64 there
# are only 24 updates in three epochs, too few for either at this rate, but the normalised network
# is ahead.


# %%
x_standard, x_test_standard = minnet.datasets.standardize(x, x_test)


def by_batch(size, *, normalize):
    """Test accuracy after three epochs on 500 digits."""
    model = minnet.Sequential(seed=0)
    for _ in range(2):
        model.add(Dense(64, use_bias=not normalize))
        if normalize:
            model.add(BatchNormalization(momentum=0.9))
        model.add(Activation("relu"))
    model.add(Dense(10, activation="softmax"))
    model.build(64)
    model.compile(SGD(0.01), "cross_entropy", ["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x_standard[:500], y[:500], batch_size=size, epochs=3, verbose=0, seed=0)
    return model.evaluate(x_test_standard, y_test)["accuracy"]


table = {}
for size in (1, 2, 4, 8, 64):
    table[size] = by_batch(size, normalize=False), by_batch(size, normalize=True)
    print(f"batches of {size:2}: plain {table[size][0]:.1%}, normalised {table[size][1]:.1%}")
assert table[1][1] < 0.2
assert table[2][1] < table[2][0] - 0.1
assert table[8][1] > table[8][0] - 0.02
assert table[64][1] > table[64][0]
