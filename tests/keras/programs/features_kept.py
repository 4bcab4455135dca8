# transfer: bottleneck features from the last pooling, new head
import numpy as np
import keras
from keras.models import Sequential, Model
from keras.layers import *
from keras import optimizers
src = Sequential()
src.add(Conv2D(6, (3, 3), activation='relu', input_shape=(12, 12, 3)))
src.add(MaxPooling2D((2, 2)))
src.add(Flatten(name='flat'))
src.add(Dense(10, activation='relu', name='fc1'))
src.add(Dense(4, activation='softmax', name='predictions'))
src.compile('sgd', 'sparse_categorical_crossentropy')
X = np.random.rand(40, 12, 12, 3); y = np.random.randint(0, 4, 40)
src.fit(X, y, verbose=0)
src.save('src.h5')
src = keras.models.load_model('src.h5')
bottleneck = Model(src.input, src.layers[-3].output)
f = bottleneck.predict(X); np.save('features.npy', f)
top = Sequential([Dense(8, activation='relu', input_shape=f.shape[1:]), Dropout(0.5), Dense(1, activation='sigmoid')])
top.compile(optimizer=optimizers.RMSprop(), loss='binary_crossentropy', metrics=['accuracy'])
top.fit(np.load('features.npy'), (y > 1) * 1, epochs=2, verbose=0)
top.save_weights('top.weights.h5')
full = Sequential(bottleneck.layers + top.layers)
full.layers[0].trainable = False
full.compile(loss='binary_crossentropy', optimizer=optimizers.SGD(learning_rate=1e-4, momentum=0.9), metrics=['accuracy'])
full.fit(X, (y > 1) * 1, epochs=1, verbose=0)
assert np.allclose(full.predict(X[:3]), top.predict(bottleneck.predict(X[:3])), atol=1e-5)
for l in full.layers: print(l.name, l.trainable, l.output.shape)
