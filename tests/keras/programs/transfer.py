import numpy as np, os, tempfile
from types import SimpleNamespace
import keras as _k; tf = SimpleNamespace(keras=_k)
os.chdir(tempfile.mkdtemp())
r = np.random.default_rng(0)
X = r.random((400, 28, 28)); y = r.integers(8, size=400)
tf.keras.utils.set_random_seed(42)
model_A = tf.keras.Sequential([tf.keras.layers.Flatten(input_shape=[28, 28]), tf.keras.layers.Dense(100, activation="relu", kernel_initializer="he_normal"),
    tf.keras.layers.Dense(100, activation="relu", kernel_initializer="he_normal"), tf.keras.layers.Dense(8, activation="softmax")])
model_A.compile(loss="sparse_categorical_crossentropy", optimizer=tf.keras.optimizers.SGD(learning_rate=0.001), metrics=["accuracy"])
model_A.fit(X, y, epochs=1, validation_data=(X, y), verbose=0)
model_A.save("my_model_A.keras")
model_A = tf.keras.models.load_model("my_model_A.keras")
model_A_clone = tf.keras.models.clone_model(model_A)
model_A_clone.set_weights(model_A.get_weights())
model_B_on_A = tf.keras.Sequential(model_A_clone.layers[:-1])
model_B_on_A.add(tf.keras.layers.Dense(1, activation="sigmoid"))
for layer in model_B_on_A.layers[:-1]:
    layer.trainable = False
optimizer = tf.keras.optimizers.SGD(learning_rate=0.001)
model_B_on_A.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
yb = (y > 3).astype(int)
history = model_B_on_A.fit(X, yb, epochs=2, validation_data=(X, yb), verbose=0)
for layer in model_B_on_A.layers[:-1]:
    layer.trainable = True
model_B_on_A.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
model_B_on_A.fit(X, yb, epochs=2, validation_data=(X, yb), verbose=0)
print(model_B_on_A.evaluate(X, yb, verbose=0), len(model_B_on_A.trainable_variables), len(model_B_on_A.trainable_weights))
