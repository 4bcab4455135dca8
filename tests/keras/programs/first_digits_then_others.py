'''Transfer learning toy example, after keras' mnist_transfer_cnn: train on 0..4, fine-tune on 5..9'''
import datetime
import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, Dropout, Activation, Flatten, Conv2D, MaxPooling2D
from keras import backend as K
now = datetime.datetime.now
batch_size, num_classes, epochs = 32, 5, 1
img_rows, img_cols = 14, 14
filters, pool_size, kernel_size = 8, 2, 3
if K.image_data_format() == 'channels_first':
    input_shape = (1, img_rows, img_cols)
else:
    input_shape = (img_rows, img_cols, 1)
def train_model(model, train, test, num_classes):
    x_train = train[0].reshape((train[0].shape[0],) + input_shape)
    x_test = test[0].reshape((test[0].shape[0],) + input_shape)
    x_train = x_train.astype('float32'); x_test = x_test.astype('float32')
    x_train /= 255; x_test /= 255
    y_train = keras.utils.to_categorical(train[1], num_classes)
    y_test = keras.utils.to_categorical(test[1], num_classes)
    model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
    t = now()
    model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(x_test, y_test))
    print('Training time: %s' % (now() - t))
    score = model.evaluate(x_test, y_test, verbose=0)
    print('Test score:', score[0]); print('Test accuracy:', score[1])
rng = np.random.default_rng(0)
x_train, y_train = rng.integers(0, 256, (120, 14, 14)).astype('uint8'), rng.integers(0, 10, 120)
x_test, y_test = rng.integers(0, 256, (60, 14, 14)).astype('uint8'), rng.integers(0, 10, 60)
x_train_lt5 = x_train[y_train < 5]; y_train_lt5 = y_train[y_train < 5]
x_test_lt5 = x_test[y_test < 5]; y_test_lt5 = y_test[y_test < 5]
x_train_gte5 = x_train[y_train >= 5]; y_train_gte5 = y_train[y_train >= 5] - 5
x_test_gte5 = x_test[y_test >= 5]; y_test_gte5 = y_test[y_test >= 5] - 5
feature_layers = [Conv2D(filters, kernel_size, padding='valid', input_shape=input_shape), Activation('relu'), Conv2D(filters, kernel_size), Activation('relu'), MaxPooling2D(pool_size=pool_size), Dropout(0.25), Flatten()]
classification_layers = [Dense(32), Activation('relu'), Dropout(0.5), Dense(num_classes), Activation('softmax')]
model = Sequential(feature_layers + classification_layers)
train_model(model, (x_train_lt5, y_train_lt5), (x_test_lt5, y_test_lt5), num_classes)
for l in feature_layers:
    l.trainable = False
train_model(model, (x_train_gte5, y_train_gte5), (x_test_gte5, y_test_gte5), num_classes)
