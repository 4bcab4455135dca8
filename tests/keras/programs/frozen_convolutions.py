import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.random((60, 10, 10, 1)).astype("float32"); y = rng.integers(0, 5, 60)
base = keras.Sequential([
    keras.Input((10, 10, 1)),
    layers.Conv2D(4, 3, activation="relu", name="block1_conv1"),
    layers.MaxPooling2D(2, name="block1_pool"),
    layers.Flatten(),
    layers.Dense(5, activation="softmax", name="top")], name="base")
base.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
base.fit(x, y, epochs=1, verbose=0)
conv_base = keras.Sequential(base.layers[:-1], name="conv_base")
conv_base.trainable = False
features = conv_base.predict(x)
print(features.shape)
model = keras.Sequential([conv_base, layers.Dense(8, activation="relu"), layers.Dropout(0.5), layers.Dense(1, activation="sigmoid")])
print('trainable weights before:', len(model.trainable_weights))
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=2e-5), metrics=["acc"])
before = [w.copy() for w in conv_base.get_weights()]
model.fit(x, (y > 2).astype(int), epochs=1, verbose=0)
assert all((a == b).all() for a, b in zip(before, conv_base.get_weights()))
conv_base.trainable = True
set_trainable = False
for layer in conv_base.layers:
    if layer.name == 'block1_pool':
        set_trainable = True
    layer.trainable = set_trainable
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=1e-5), metrics=["acc"])
model.fit(x, (y > 2).astype(int), epochs=1, verbose=0)
print(len(model.trainable_weights), model.layers[0].name)
for i, layer in enumerate(base.layers): print(i, layer.name, layer.trainable)
