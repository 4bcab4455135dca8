# %% [markdown]
# # Answers to tutorial 06, activations

# %%
import numpy as np

import minnet
from minnet.course import reading
from minnet.initializers import RandomNormal
from minnet.layers import Dense
from minnet.optimizers import SGD, Adam
from minnet.regularizers import L2

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits()
targets = minnet.datasets.one_hot(y, 10)


def network(depth, activation="sigmoid", scale=1.0, bias=1.0, seed=0, optimizer=None):
    """`depth` hidden layers of 30, weights of standard deviation scale / √n."""
    layers, n = [], x.shape[1]
    for units, kind, size in [(30, activation, scale)] * depth + [(10, "sigmoid", 1.0)]:
        layers.append(
            Dense(
                units,
                activation=kind,
                input_dim=n,
                kernel_initializer=RandomNormal(0, size / np.sqrt(n)),
                bias_initializer=RandomNormal(0, bias),
                kernel_regularizer=L2(5e-6),
            )
        )
        n = units
    model = minnet.Sequential(layers, seed=seed)
    model.compile(optimizer or SGD(1.0), "binary_crossentropy")
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
    return np.array(reached)


# %% [markdown]
# ## 1. Slow, or stuck?
#
# Slow. With four layers nothing happens for about 25 epochs, and then it learns like any other.
# With three layers the wait is about a third as long. So a fair guess for five layers is three
# times the wait of four: each layer divides the gradient of the first one by about the same factor.

# %%
curves = {depth: train(network(depth), epochs) for depth, epochs in ((3, 16), (4, 50))}
wait = {depth: int(np.argmax(reached > 0.2)) + 1 for depth, reached in curves.items()}
for depth, reached in curves.items():
    print(f"{depth} hidden layers, every 5 epochs:", np.round(100 * reached[4::5], 1))
print("above 20 % after so many epochs:", wait)
assert curves[4][:15].max() < 0.2
assert curves[4][-1] > 0.5
assert 2 < wait[4] / wait[3] < 6

# %% [markdown]
# ## 2. Adam, and a rate ten times as large
#
# Adam(0.01) reads most of the digits after four epochs, SGD(10.0) goes on guessing. Look at how far
# the first update moves the weights of each layer. SGD's steps are in proportion to the gradient:
# the last layer moves hundreds of times as far as the first, and a larger rate keeps that ratio. So
# before the first layers get going, the last one is thrown about. Adam divides by the size of the
# gradient, so all layers move equally far.

# %%
reached, moved = {}, {}
for name, optimizer in {"Adam": Adam(0.01), "SGD": SGD(10.0)}.items():
    reached[name] = train(network(4, optimizer=optimizer), 4)[-1]
    model = network(4, optimizer=optimizer)
    before = [layer.W.copy() for layer in model.layers]
    model.train_on_batch(x[:10], targets[:10])
    layers = zip(model.layers, before, strict=True)
    moved[name] = np.array([np.abs(layer.W - W).mean() for layer, W in layers])
    print(f"{name:4} {reached[name]:.1%}; first update, layer by layer: {moved[name].round(5)}")
assert reached["Adam"] > 0.6
assert reached["SGD"] < 0.2
assert moved["Adam"].max() < 1.1 * moved["Adam"].min()
assert moved["SGD"][-1] > 100 * moved["SGD"][0]

# %% [markdown]
# ## 3. ReLU from three sizes
#
# 1 and √2 learn. With 8 the loss leaves the finite numbers, and the error names the first output
# that did. ReLU has no upper end: each layer makes the numbers several times as large, the next one
# again, and the same happens to the gradients on the way back. tanh can do no worse than ±1, where
# its slope is nearly 0: it saturates, and stays there.

# %%
for scale in (1, 2**0.5):
    share = train(network(4, "relu", scale, bias=0, seed=2))[0]
    print(f"ReLU × {scale:.2f}: {share:.1%}")
    assert share > 0.4
model = network(4, "relu", 8, bias=0, seed=2)
sizes = [np.abs(a).mean() for a in model.forward(x[:100])[2:-2:2]]
print("outputs of the hidden layers, × 8:", np.round(sizes))
assert sizes[-1] > 50 * sizes[0]
try:
    train(model)
except minnet.DivergedError as error:
    print(error)
else:
    raise AssertionError("weights of 8/√n did not diverge")
