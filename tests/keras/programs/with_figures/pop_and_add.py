"""Take the head off, put another on."""
import numpy as np
import keras
from keras import layers, models, optimizers

def table(seed, rows, columns, classes=2):
    """Clouds of points about one centre for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    return rng.normal(size=(classes, columns))[labels] * 1.5 + rng.normal(size=(rows, columns)) * 2, labels

x, y = table(21, 400, 10, 4)
x = ((x - x.mean(0)) / x.std(0)).astype("float32")
model = models.Sequential([keras.Input((10,)), layers.Dense(30, activation="relu", name="a"), layers.Dense(15, activation="relu", name="b"), layers.Dense(2, activation="softmax", name="c")])
model.compile(optimizer=optimizers.RMSprop(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y // 2, epochs=3, batch_size=40, verbose=0)
model.pop()
print(len(model.layers), model.layers[-1].output.shape)
for layer in model.layers:
    layer.trainable = False
model.add(layers.Dense(4, activation="softmax", name="c"))
model.compile(optimizer=optimizers.SGD(learning_rate=0.1), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
print(sum(np.prod(w.shape) for w in model.trainable_weights))
h = model.fit(x, y, epochs=4, batch_size=40, verbose=0, validation_split=0.1)
print(sorted(h.history))
model.layers[-2].trainable = True
model.compile(optimizer=optimizers.SGD(learning_rate=0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=2, batch_size=40, verbose=0)
model.summary()
