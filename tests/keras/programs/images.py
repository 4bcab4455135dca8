import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten
from keras.layers import Conv2D, MaxPooling2D
r = np.random.default_rng(0)
x, y = r.random((64, 28, 28, 1)).astype("float32"), keras.utils.to_categorical(r.integers(10, size=64), 10)
model = Sequential()
model.add(Conv2D(8, kernel_size=(3, 3), activation='relu', input_shape=(28, 28, 1)))
model.add(Conv2D(8, (3, 3), activation='relu', padding='same'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25)); model.add(Flatten()); model.add(Dense(32, activation='relu')); model.add(Dropout(0.5)); model.add(Dense(10, activation='softmax'))
model.compile(loss=keras.losses.categorical_crossentropy, optimizer=keras.optimizers.Adadelta(), metrics=['accuracy'])
model.fit(x, y, batch_size=32, epochs=1, verbose=1, validation_data=(x, y))
print(model.evaluate(x, y, verbose=0), model.layers[0].kernel.shape)
model.summary()
