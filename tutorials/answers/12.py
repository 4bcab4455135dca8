# %% [markdown]
# # Answers to tutorial 12, the doctor

# %%
import warnings

import numpy as np

import minnet
from minnet import diagnose
from minnet.course import reading
from minnet.layers import Dense
from minnet.optimizers import SGD, Adam

reading.aloud(globals())

x, y, x_test, y_test = minnet.datasets.digits(per_class=100, seed=0)


def network(activation="relu", optimizer="adam", start="glorot_uniform"):
    """One hidden layer of 32, and ten outputs."""
    layers = [Dense(32, activation=activation, kernel_initializer=start)]
    layers.append(Dense(10, activation="softmax", kernel_initializer=start))
    model = minnet.Sequential(layers, seed=0)
    model.build((64,))
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    return model


def curves(model, images=x, labels=y, images_test=x_test):
    """The losses of 15 epochs, and the accuracy on other people's digits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(images, labels, epochs=15, verbose=0, seed=0).history
    return history["loss"], model.evaluate(images_test, y_test)["accuracy"]


# %% [markdown]
# ## 1. A seventh patient
#
# Both curves are flat lines. With zeros the line is at ln 10 and stays there: the doctor calls it
# "symmetric-weights". With Adam(1e-6) it starts a little above, falls by a hundredth, and would
# fall on for weeks: "step-too-small".

# %%
PATIENTS = {
    "zeros": ({"start": "zeros"}, "symmetric-weights"),
    "Adam(1e-6)": ({"optimizer": Adam(1e-6)}, "step-too-small"),
}
for name, (how, kind) in PATIENTS.items():
    kinds = diagnose(network(**how), x, y).kinds
    losses, accuracy = curves(network(**how))
    print(f"{name:10} {kinds}; loss {losses[0]:.2f} → {losses[-1]:.2f}, {accuracy:.1%} right")
    assert list(kinds) == [kind]
    assert abs(losses[-1] - losses[0]) < 0.1
    assert accuracy < 0.2

# %% [markdown]
# ## 2. Two sicknesses
#
# Of the two it names only the scale of the inputs. Once that is treated, it names the rate. With
# inputs this large every experiment about the rate would be spoilt: which rate is too large depends
# on the size of the inputs. So what comes first in the network is treated first, and then one asks
# again.

# %%
named = {
    (scale, rate): list(diagnose(network("tanh", SGD(rate)), scale * x, y).kinds)
    for scale, rate in ((255, 10.0), (1, 10.0), (1, 0.1))
}
for (scale, rate), kinds in named.items():
    print(f"pixels up to {scale}, SGD({rate:g}): {', '.join(kinds) or 'healthy'}")
assert named[255, 10.0] == ["input-scale"]
assert named[1, 10.0] == ["step-too-large"]
assert named[1, 0.1] == []

# %% [markdown]
# ## 3. Random labels
#
# It notices at 90 %, and at nothing less: while nearly half of the labels are right there is a lot
# to learn, and the doctor looks for labels that have nothing to do with the images. Until then the
# accuracy goes down slowly. Even with 30 % of random labels only two or three points are lost,
# since wrong labels contradict each other and the right ones do not.

# %%
rng, accuracy = np.random.default_rng(0), {}
for share in (0.0, 0.1, 0.3, 0.6, 0.9):
    labels = y.copy()
    rows = rng.choice(len(y), round(share * len(y)), replace=False)
    labels[rows] = rng.integers(0, 10, len(rows))
    kinds, accuracy[share] = diagnose(network(), x, labels).kinds, curves(network(), x, labels)[1]
    print(f"{share:.0%} random: {', '.join(kinds) or 'healthy'}, {accuracy[share]:.1%} right")
    assert list(kinds) == (["labels-unrelated"] if share == 0.9 else [])
assert accuracy[0.0] - accuracy[0.3] < 0.06
assert accuracy[0.6] > 0.7
assert accuracy[0.9] < 0.6
