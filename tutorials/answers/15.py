# %% [markdown]
# # Answers to tutorial 15, when transfer hurts

# %%
import numpy as np

import minnet
from minnet import transfer
from minnet.course import reading
from minnet.layers import Dense

reading.aloud(globals())

LOW, HIGH = [0, 1, 2, 3, 4], [5, 6, 7, 8, 9]


def trained(x, y):
    """The network of the tutorial, trained on these digits."""
    layers = [Dense(128, activation="relu", input_dim=64), Dense(64, activation="relu")]
    model = minnet.Sequential([*layers, Dense(y.max() + 1, activation="softmax")], seed=0)
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(x, y, batch_size=64, epochs=20, verbose=0, seed=0)
    return model


def compare(base, classes, labels):
    """The verdicts on the head alone and on the head and then all, with so many labels a class."""
    report = transfer.compare(
        base,
        *minnet.datasets.digits(classes=classes),
        per_class=[labels],
        seeds=3,
        arms=["scratch", "head only", "head then all"],
        verbose=0,
    )
    verdicts = [report.verdict(labels, arm) for arm in ("head only", "head then all")]
    for arm, verdict in zip(("head only", "head then all"), verdicts, strict=True):
        print(f"    {arm:13} {verdict.word}, {100 * verdict.difference:+.1f} points")
    return verdicts


# %% [markdown]
# ## 1. Labels drawn at random
#
# The head alone hurts. There was no rule to learn, so the base learned what tells these images
# apart one by one, and nothing about digits. If all layers learn on, they repair it, and transfer
# makes no difference: it begins from a strange place, but it begins.

# %%
x, y, _, _ = minnet.datasets.digits()
print("from random labels to 5–9, ten labels a class:")
head, both = compare(trained(x, np.random.default_rng(0).permutation(y)), HIGH, 10)
assert head.word == "HURTS"
assert abs(both.difference) < 0.05

# %% [markdown]
# ## 2. The other way round
#
# It is the same: the head alone loses about ten points, and training all layers repairs nearly all
# of it. To tell 5 to 9 apart a network need not know what makes a 3 a 3.

# %%
print("from 5–9 to 0–4, ten labels a class:")
head, both = compare(trained(*minnet.datasets.digits(classes=HIGH)[:2]), LOW, 10)
assert head.word == "HURTS"
assert head.difference < -0.04
assert both.difference > head.difference + 0.03

# %% [markdown]
# ## 3. How many labels?
#
# With fifty labels a class it is as good as scratch, and no better. So it never pays here: with few
# labels the wrong features are in the way, and with many nobody needs them.

# %%
print("from 0–4 to 5–9, fifty labels a class:")
_, both = compare(trained(*minnet.datasets.digits(classes=LOW)[:2]), HIGH, 50)
assert abs(both.difference) < 0.02
