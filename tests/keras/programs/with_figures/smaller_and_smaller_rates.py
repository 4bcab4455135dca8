"""Gradual unfreezing with smaller and smaller rates."""
import numpy as np
import keras
from keras import layers

def table(seed, rows, columns, classes=2):
    """Clouds of points about one centre for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    return rng.normal(size=(classes, columns))[labels] * 1.5 + rng.normal(size=(rows, columns)) * 2, labels

x, y = table(31, 300, 12, 5)
x = ((x - x.mean(0)) / x.std(0)).astype("float32")
model = keras.Sequential([layers.Input(shape=(12,)), layers.Dense(32, activation="relu"), layers.Dense(32, activation="relu"), layers.Dense(5)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9), loss=loss, metrics=["accuracy"])
model.fit(x[:150], y[:150], epochs=4, verbose=0)
stages = [(-1, 1e-2), (-2, 1e-3), (-3, 1e-4)]
for upto, rate in stages:
    for layer in model.layers[:upto]:
        layer.trainable = False
    for layer in model.layers[upto:]:
        layer.trainable = True
    model.compile(optimizer=keras.optimizers.SGD(rate, momentum=0.9), loss=loss, metrics=["accuracy"])
    h = model.fit(x[150:], y[150:], epochs=2, verbose=0, validation_data=(x[:150], y[:150]))
    print(rate, len(model.trainable_variables))
    model.optimizer.learning_rate = rate / 10
    model.fit(x[150:], y[150:], epochs=1, verbose=0)
    print(round(float(model.optimizer.learning_rate.numpy()), 6))
print(model.predict(x[:3], verbose=0).shape)
