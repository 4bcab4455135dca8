import numpy as np
import keras
from keras import layers
from keras.preprocessing.image import ImageDataGenerator
from keras.preprocessing.text import Tokenizer
r = np.random.default_rng(0)
# (1, 7): one row
model = keras.Sequential([layers.Dense(8, activation='relu', input_shape=(7,)), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(), loss=keras.losses.Huber(), metrics=[keras.metrics.MeanAbsoluteError()])
x = r.random((1, 7)); model.fit(x, np.array([[1.0]]), epochs=2, verbose=0)
print(model.predict(x).shape, model.predict(x.tolist()).shape)
print(model(x).numpy())
# tuple/list batches
model.fit([x], [np.array([1.0])], verbose=0)
h = model.fit(x, np.array([1.0]), validation_data=[x, np.array([1.0])], verbose=2)
print(h.history.keys(), h.epoch, h.params)
# Sequential list pop
model.pop(); model.add(layers.Dense(2, name="neu")); model.compile("sgd", "mse"); model.fit(x, np.zeros((1, 2)), verbose=0)
for layer in model.layers: print(layer.name, layer.trainable, [w.shape for w in layer.get_weights()], layer.count_params(), layer.get_config()["name"])
model.trainable = False
model.trainable = True
model.save_weights("w.weights.h5"); model.load_weights("w.weights.h5")
m = keras.metrics.AUC(); m.update_state([0, 1, 1], [0.1, 0.8, 0.4]); print(m.result().numpy()); m.reset_state()
p = keras.metrics.Precision(); p.update_state([0, 1, 1], [0.6, 0.8, 0.4]); print(float(p.result()))
y = keras.utils.to_categorical(np.array([[0], [2], [1]])); print(y, y.shape)
print(keras.activations.sigmoid(np.array([0.0])), keras.losses.categorical_crossentropy([[0, 1.]], [[.2, .8]]))
print(keras.optimizers.get("adam").get_config())
print(keras.__version__)
opt = keras.optimizers.SGD(learning_rate=0.1); opt.learning_rate.assign(0.01); print(opt.learning_rate)
l = layers.Dense(3); print(l(np.ones((2, 4))).shape, [w.shape for w in l.weights])
s = keras.Sequential(); s.add(layers.Dense(2, input_shape=(3,), kernel_initializer=keras.initializers.RandomNormal(stddev=0.01), bias_initializer=keras.initializers.Zeros(), kernel_regularizer=keras.regularizers.L1(0.01)))
s.compile(optimizer="rmsprop", loss="mse"); print(s.losses, s.get_config()["name"], s.name)
s.evaluate(np.ones((3, 3)), np.ones((3, 2)), batch_size=1)
keras.models.save_model(s, "s.h5"); t = keras.models.load_model("s.h5"); print(t.summary())
