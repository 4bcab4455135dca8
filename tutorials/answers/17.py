# %% [markdown]
# # Answers to tutorial 17, from Keras and back

# %%
import numpy as np

from minnet import keras
from minnet.course import reading
from minnet.layers import Dense
from minnet.models import Sequential

reading.aloud(globals())

x = np.random.default_rng(0).random((100, 784))
y = np.random.default_rng(1).integers(10, size=(100, 1))


def article(**first):
    """The article's network."""
    model = Sequential(seed=0)
    model.add(Dense(32, activation="relu", **first))
    model.add(Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


# %% [markdown]
# ## 1. Without `input_dim`
#
# When `fit` sees the first data: only then is it known that a row has 784 numbers. Before that the
# summary says "not built", and has a question mark for the number of parameters. Afterwards it is
# the network that it was, with its 25,450 parameters.

# %%
model = article()
model.summary()
model.fit(x, y, epochs=1, verbose=0)
model.summary()
assert model.count_params() == article(input_dim=784).count_params() == 25_450

# %% [markdown]
# ## 2. A pasted program
#
# What you see depends on your program. Here are two that stop: one with a recurrent layer, and one
# that joins two branches. Each sentence says what is not there and what to write instead: fixed
# windows as rows of x, and the columns of x joined beforehand. A chain of layers that are called
# one on another runs: it is a stack.


# %%
def recurrent():
    """A layer that remembers the rows before."""
    return keras.layers.LSTM(32)


def branched():
    """Two layers on one input, joined."""
    pixels = keras.Input(shape=(784,))
    branches = keras.layers.Dense(32)(pixels), keras.layers.Dense(8)(pixels)
    return keras.layers.Concatenate()(branches)


for program, advice in ((recurrent, "windows"), (branched, "Join the columns")):
    sentence = "it ran"
    try:
        program()
    except NotImplementedError as error:
        sentence = str(error)
    print(sentence)
    assert advice in sentence

# %% [markdown]
# ## 3. All frozen
#
# minnet refuses: such a fit would change nothing, so it cannot be what you want, and the sentence
# says how to go on. Keras at most warns, and goes on: the loss is shown epoch after epoch and stays
# where it is.

# %%
model, sentence = article(input_dim=784), "it ran"
model.trainable = False
try:
    model.fit(x, y, epochs=1, verbose=0)
except ValueError as error:
    sentence = str(error)
print(sentence)
assert "would change nothing" in sentence
