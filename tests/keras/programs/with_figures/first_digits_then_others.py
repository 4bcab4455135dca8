"""Digits 0-4 first, then 5-9 with the body of the first."""
import numpy as np
from keras.models import Sequential
from keras.layers import Dense
from keras.optimizers import SGD

_rng = np.random.default_rng(0)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

(x, y), (xt, yt) = drawn(300), drawn(100)
x, xt = x.reshape(-1, 784).astype("float32") / 255, xt.reshape(-1, 784).astype("float32") / 255
low, high = y < 5, y >= 5
base = Sequential([Dense(50, activation="relu", input_shape=(784,)), Dense(25, activation="relu"), Dense(5, activation="softmax")])
base.compile(optimizer=SGD(0.05), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
base.fit(x[low], y[low], epochs=3, verbose=0)
new = Sequential(base.layers[:-1])
new.add(Dense(5, activation="softmax"))
for layer in base.layers[:-1]:
    layer.trainable = False
new.compile(optimizer=SGD(0.05), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
before = [w.copy() for w in base.layers[0].get_weights()]
new.fit(x[high], y[high] - 5, epochs=3, verbose=0)
assert all(np.array_equal(a, b) for a, b in zip(before, base.layers[0].get_weights()))
for layer in new.layers:
    layer.trainable = True
new.compile(optimizer=SGD(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
h = new.fit(x[high], y[high] - 5, epochs=2, verbose=0)
moved = not np.array_equal(before[0], base.layers[0].get_weights()[0])
print("the base moved with it:", moved)
assert moved
print(len(new.layers), [l.trainable for l in base.layers], h.history["accuracy"][-1] >= 0)
