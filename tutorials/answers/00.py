# %% [markdown]
# # Answers to tutorial 00, real digits in fifteen lines

# %%
import minnet
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits()


def trained(units=64, epochs=20):
    """The network of the tutorial, trained."""
    layers = [Dense(units, activation="relu", input_dim=64), Dense(10, activation="softmax")]
    model = minnet.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0, seed=0)
    return model


def right(model, images):
    """The share of test images that are read correctly."""
    return model.evaluate(images, y_test)["accuracy"]


# %% [markdown]
# ## 1. Fewer epochs
#
# One epoch already brings the network to more than three in four, and five epochs to more than nine
# in ten. The last 15 epochs add only a few more. Training is quick at first and slow at the end.

# %%
by_epochs = {epochs: right(trained(epochs=epochs), x_test) for epochs in (1, 5, 20)}
for epochs, share in by_epochs.items():
    print(f"{epochs:2} epochs: {share:.1%}")
assert 0.75 < by_epochs[1] < 0.92
assert by_epochs[5] > 0.9
assert 0 < by_epochs[20] - by_epochs[5] < 0.06

# %% [markdown]
# ## 2. Fewer units
#
# Two units are too few: everything that the network knows about an image has to pass through two
# numbers. It still reads far more than one digit in ten. With eight units it is nearly as good as
# with 64.

# %%
by_units = {units: right(trained(units=units), x_test) for units in (2, 8)}
for units, share in by_units.items():
    print(f"{units} units: {share:.1%}")
assert 0.3 < by_units[2] < 0.75
assert 0.85 < by_units[8] < by_epochs[20]

# %% [markdown]
# ## 3. White on black
#
# It cannot, and it is worse than guessing. It has learned where ink is, not what a shape is, and a
# white 8 on black has its ink in all the other places. A network knows nothing of what its examples
# did not show.

# %%
turned = right(trained(), 1 - x_test)
print(f"white on black: {turned:.1%}")
assert turned < 0.1
