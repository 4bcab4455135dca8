# %% [markdown]
# # From Keras to minnet, line by line
#
# An article on transfer learning with tf.keras builds a small network, trains it on random numbers
# and then sets its weights. Here is its program; only the two import lines differ.

# %%
import numpy as np

from minnet.layers import Dense
from minnet.models import Sequential

model = Sequential()
model.add(Dense(32, activation="relu", input_dim=784))
model.add(Dense(10, activation="softmax"))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

x_train = np.random.default_rng(0).random((100, 784))
y_train = np.random.default_rng(1).integers(10, size=(100, 1))
model.fit(x_train, y_train, epochs=10, verbose=2)

# %% [markdown]
# (The article draws from `np.random.rand`; that works too. minnet itself never touches NumPy's
# global generator: give `Sequential(seed=0)` to have the same run again.)
#
# ## The line that cannot work
#
# Then the article calls `model.set_weights([np.random.rand(32), np.random.rand(10)])`. Two vectors
# cannot be the weights of this network, and Keras refuses them too. Read what minnet says:

# %%
try:
    model.set_weights([np.random.default_rng(2).random(32), np.random.default_rng(3).random(10)])
except ValueError as error:
    print(error)
else:
    raise AssertionError("two vectors are not the weights of two Dense layers")

# %% [markdown]
# A Dense layer of 32 units on 784 inputs has a *matrix* W of shape (784, 32), one column for each
# unit, and one bias b for each unit; the next layer has (32, 10) and (10,). So four arrays are
# wanted. The order and layout are Keras', so `keras_model.set_weights(model.get_weights())` and the
# way back work as they are.

# %%
before = model.predict(x_train[:5])
weights = [np.zeros_like(w) if w.ndim == 1 else w for w in model.get_weights()]
model.set_weights(weights)
print([w.shape for w in model.get_weights()])
assert not np.array_equal(before, model.predict(x_train[:5]))

# %% [markdown]
# ## What the article is about: keep the body, change the head
#
# In Keras:
#
# ```python
# for layer in model.layers[:-1]:
#     layer.trainable = False
# new = Sequential(model.layers[:-1] + [Dense(5, activation="softmax")])
# new.compile(...)                        # again, or freezing does nothing
# ```
#
# The same lines run here, with two differences that prevent two common accidents. The layers are
# *copied* with their weights, so the first model stays as it is. And freezing acts at once, before
# or after `compile`.

# %%
for layer in model.layers[:-1]:
    layer.trainable = False
new = Sequential(model.layers[:-1] + [Dense(5, activation="softmax", name="head")], seed=0)
new.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
new.summary()

y_new = y_train % 5
frozen = new.layers[0].W.copy()
new.fit(x_train, y_new, epochs=10, verbose=0)
assert np.array_equal(new.layers[0].W, frozen)
print("after ten epochs the frozen layer is the same to the last bit")

# %% [markdown]
# In minnet's own words it is two lines:

# %%
short = model.replace_head(Dense(5, activation="softmax"), seed=0)
short.freeze("all_but_head")
assert [layer.name for layer in short.layers] == [layer.name for layer in new.layers]

# %% [markdown]
# ## Where minnet departs from Keras
#
# | | Keras | minnet |
# |---|---|---|
# | `evaluate` | a list of numbers | a dict, by name |
# | a change of `trainable` | acts after the next `compile` | acts at once |
# | layers put into a second model | are shared | are copied; in `minnet.keras` kept equal |
# | `EarlyStopping(restore_best_weights=)` | False | True |
# | Adam's ε | 1e-7, beside √v | 1e-8, beside √v̂, as in the paper |
# | a loss's arguments | (y_true, y_pred) | (prediction, target) |
# | `train_on_batch` | the loss, or a list with the metrics | the loss |
#
# ## Exercises
#
# 1. Take out `input_dim=784`. When does the network get its weights now, and what does `summary`
#    say before that?
# 2. Call `model.set_weights` with the four arrays in the wrong order, and read the message.
# 3. Freeze every layer and call `fit`. What would Keras do?
