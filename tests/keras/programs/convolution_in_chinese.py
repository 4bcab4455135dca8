# 卷积神经网络 识别手写数字 (Keras 中文文档风格)
import numpy as np
np.random.seed(1337)
from keras.models import Sequential
from keras.layers import Dense, Activation, Convolution2D, MaxPooling2D, Flatten
from keras.utils import np_utils
from keras.optimizers import Adam
X_train = np.random.rand(64, 784); y_train = np.random.randint(0, 10, 64)
X_train = X_train.reshape(-1, 28, 28, 1)
y_train = np_utils.to_categorical(y_train, num_classes=10)
# 另一种搭建方法
model = Sequential()
model.add(Convolution2D(8, (5, 5), strides=1, padding='same', input_shape=(28, 28, 1)))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=2, strides=2, padding='same'))
model.add(Convolution2D(16, 5, strides=1, padding='same'))
model.add(Activation('relu'))
model.add(MaxPooling2D(2, 2, 'same'))
model.add(Flatten())
model.add(Dense(32)); model.add(Activation('relu'))
model.add(Dense(10)); model.add(Activation('softmax'))
adam = Adam(learning_rate=1e-4)
model.compile(optimizer=adam, loss='categorical_crossentropy', metrics=['accuracy'])
model.fit(X_train, y_train, epochs=1, batch_size=32)
loss, accuracy = model.evaluate(X_train, y_train)
print('\ntest loss: ', loss, '\ntest accuracy: ', accuracy)
