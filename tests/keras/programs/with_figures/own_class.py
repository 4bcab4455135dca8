"""A class of one's own on top of Sequential."""
import numpy as np
import keras
from keras import layers

def table(seed, rows, columns, classes=2):
    """Clouds of points about one centre for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    return rng.normal(size=(classes, columns))[labels] * 1.5 + rng.normal(size=(rows, columns)) * 2, labels

class Classifier(keras.Sequential):
    def __init__(self, hidden, classes, **kwargs):
        super().__init__(**kwargs)
        for i, units in enumerate(hidden):
            self.add(layers.Dense(units, activation="relu", name=f"hidden_{i}"))
        self.add(layers.Dense(classes, activation="softmax", name="out"))
    def labels(self, x):
        return self.predict(x, verbose=0).argmax(axis=-1)

x, y = table(5, 240, 4, 3)
net = Classifier([16, 8], 3, name="my_classifier")
net.build((None, 4))
net.summary()
net.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.8), loss=keras.losses.SparseCategoricalCrossentropy(), metrics=[keras.metrics.SparseCategoricalAccuracy()])
hist = net.fit(x, y, epochs=6, verbose=0)
print(list(hist.history), net.labels(x[:4]).shape)
print([w.path.split("/")[-2:] for w in net.trainable_weights])
print(net.name, [l.name for l in net.layers], net.input_shape, net.output_shape)
