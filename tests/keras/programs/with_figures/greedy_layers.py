"""Greedy stacking: each new model holds the layers of the one before, frozen."""
import numpy as np
from keras.models import Sequential
from keras.layers import Dense
from keras.optimizers import RMSprop

def table(seed, rows, columns, classes=2):
    """Clouds of points about one centre for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    return rng.normal(size=(classes, columns))[labels] * 1.5 + rng.normal(size=(rows, columns)) * 2, labels

x, y = table(17, 260, 6, 3)
def base_model():
    m = Sequential()
    m.add(Dense(10, input_dim=6, activation='relu', kernel_initializer='he_uniform'))
    m.add(Dense(3, activation='softmax'))
    m.compile(loss='sparse_categorical_crossentropy', optimizer=RMSprop(learning_rate=0.005), metrics=['accuracy'])
    m.fit(x, y, epochs=4, verbose=0)
    return m
def add_layer(model):
    output_layer = model.layers[-1]
    model.pop()
    for layer in model.layers:
        layer.trainable = False
    model.add(Dense(10, activation='relu', kernel_initializer='he_uniform'))
    model.add(output_layer)
    model.compile(loss='sparse_categorical_crossentropy', optimizer=RMSprop(learning_rate=0.005), metrics=['accuracy'])
    model.fit(x, y, epochs=3, verbose=0)
model = base_model()
scores = {len(model.layers): model.evaluate(x, y, verbose=0)[1]}
for i in range(3):
    add_layer(model)
    scores[len(model.layers)] = model.evaluate(x, y, verbose=0)[1]
print(sorted(scores), [l.trainable for l in model.layers])
