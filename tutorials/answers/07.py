# %% [markdown]
# # Answers to tutorial 07, losses

# %%
import warnings

import numpy as np

import minnet
from minnet.course import reading
from minnet.datasets import one_hot
from minnet.layers import Dense
from minnet.optimizers import SGD, Adam

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits()

# %% [markdown]
# ## 1. From further away
#
# At weight 4 and bias 4, z is 8. The cross-entropy needs less than twice as many steps as from z =
# 4: its slope is p, nearly 1, wherever it starts, so z falls at a steady pace. The squared error
# needs about forty times as many. Its slope is 2 p (1 − p) p, and for p near 1 that is 2 (1 − p),
# about 2 e⁻ᶻ. One more in z makes the slope e times smaller, and the time about e times longer: e⁴
# is 55.


# %%
def steps_to_half(loss, start, most):
    """How many steps a neuron needs to get below p = 0.5, with input 1 and target 0."""
    neuron = minnet.Sequential([Dense(1, activation="sigmoid", input_dim=1)])
    neuron.set_weights([[[start]], [start]])
    neuron.compile(SGD(0.15), loss)
    for step in range(most):
        if neuron.predict([[1.0]]).item() < 0.5:
            return step
        neuron.train_on_batch([[1.0]], [[0.0]])
    raise AssertionError(f"not below 0.5 in {most:,} steps")


needed = {}
for start in (2.0, 4.0):
    for loss in ("mse", "binary_crossentropy"):
        needed[loss, start] = steps_to_half(loss, start, 10_000)
        print(f"start {start:g}, {loss:20} {needed[loss, start]:5,} steps")
assert needed["binary_crossentropy", 4.0] < 2 * needed["binary_crossentropy", 2.0]
assert 30 < needed["mse", 4.0] / needed["mse", 2.0] < 60

# %% [markdown]
# ## 2. Rates for the squared error
#
# η = 10 helps from a bias of 12, if not from every seed as well. From 20 the slope is e⁸, 3,000
# times smaller again, and no rate that we tried gets away. Those that would be large enough ruin
# the fresh start long before: η = 30 does worse there, and η = 100 is near guessing. So no rate
# helps from every start. The loss has to be changed, not the rate.


# %%
def train(rate, bias, seed, epochs=4):
    """Test accuracy after each epoch."""
    layers = [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")]
    model = minnet.Sequential(layers, seed=seed)
    model.layers[-1].b = np.r_[bias, np.zeros(9)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of softmax with a squared error: it is what we look at
        model.compile(SGD(rate), "mse")
    reached = []
    for _ in range(epochs):
        model.fit(x, one_hot(y, 10), epochs=1, verbose=0)
        reached.append(np.mean(model.predict(x_test).argmax(axis=1) == y_test))
    return reached


reached = {
    (rate, bias): [train(rate, bias, seed)[-1] for seed in (0, 1)]
    for rate in (3.0, 10.0, 30.0, 100.0)
    for bias in (0.0, 12.0, 20.0)
}
for (rate, bias), shares in reached.items():
    print(f"η = {rate:<3g} bias {bias:<2g}", " ".join(f"{share:6.1%}" for share in shares))
assert min(reached[10.0, 0.0]) > 0.85
assert np.mean(reached[10.0, 12.0]) > np.mean(reached[3.0, 12.0]) + 0.2
assert all(max(reached[rate, 20.0]) < 0.2 for rate in (3.0, 10.0, 30.0, 100.0))
assert np.mean(reached[30.0, 0.0]) < np.mean(reached[10.0, 0.0]) - 0.1
assert max(reached[100.0, 0.0]) < 0.4

# %% [markdown]
# ## 3. The trap
#
# About 4.5, the mean of the labels, for every image. Each prediction is compared with *all* targets
# of its batch, and the number with the smallest mean squared distance to those is their mean.
# Nothing says which target belongs to which image, so there is nothing else to learn.


# %%
class Trap(minnet.losses.Loss):
    """The squared error of every prediction with every target."""

    def per_sample(self, prediction, target):
        return ((prediction - target.ravel()) ** 2).mean(axis=1)

    def gradient(self, prediction, target):
        return 2 * (prediction - target.ravel()).mean(axis=1, keepdims=True) / len(prediction)


model = minnet.Sequential([Dense(32, activation="relu", input_dim=64), Dense(1)], seed=0)
model.compile(Adam(3e-3), Trap())
model.fit(x, y, epochs=10, verbose=0, seed=0)
answer = model.predict(x_test)[:, 0]
print(f"mean label {y.mean():.2f}; it predicts {answer.mean():.2f} ± {answer.std():.2f}")
print(f"the labels themselves have a standard deviation of {y.std():.2f}")
assert abs(answer.mean() - y.mean()) < 0.5
assert answer.std() < y.std() / 3
