import numpy as np
import keras
from keras.layers import Dense, Dropout
rng = np.random.RandomState(7)
Xa, ya = rng.randn(120, 20), rng.randint(0, 6, 120); Xb, yb = rng.randn(40, 20), rng.randint(0, 3, 40)
source = keras.Sequential([Dense(32, 'relu', input_dim=20), Dense(16, 'relu'), Dense(6, 'softmax')])
source.compile(loss='sparse_categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
source.fit(Xa, ya, epochs=2, verbose=0)
source.save_weights('pretrained.weights.h5')
model = keras.models.clone_model(source)
model.load_weights('pretrained.weights.h5')
model.pop()
for layer in model.layers: layer.trainable = False
model.add(Dense(3, activation='softmax', name='new_head'))
model.compile(loss=keras.losses.SparseCategoricalCrossentropy(), optimizer=keras.optimizers.Adam(1e-2), metrics=['sparse_categorical_accuracy'])
h1 = model.fit(Xb, yb, epochs=2, verbose=0, validation_split=0.25)
model.trainable = True
print([l.trainable for l in model.layers])
model.compile(loss='sparse_categorical_crossentropy', optimizer=keras.optimizers.Adam(1e-4), metrics=['sparse_categorical_accuracy'])
h2 = model.fit(Xb, yb, epochs=4, initial_epoch=h1.epoch[-1] + 1, verbose=0, validation_split=0.25)
acc = h1.history['sparse_categorical_accuracy'] + h2.history['sparse_categorical_accuracy']
assert len(acc) == 4, acc
print(model.evaluate(Xb, yb, verbose=0, return_dict=True))
