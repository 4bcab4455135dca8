import numpy as np
from keras.models import Sequential
from keras.layers import InputLayer, Dense, GaussianNoise, BatchNormalization, Activation, Dropout, LeakyReLU
from keras import regularizers
from keras.callbacks import LambdaCallback, CSVLogger, TerminateOnNaN
import os, tempfile; os.chdir(tempfile.mkdtemp())
r = np.random.default_rng(0); x = r.random((200, 64)).astype('float32')
# ノイズ除去オートエンコーダ
ae = Sequential()
ae.add(InputLayer(input_shape=(64,)))
ae.add(GaussianNoise(0.2))
ae.add(Dense(32, kernel_regularizer=regularizers.l2(1e-4)))
ae.add(BatchNormalization()); ae.add(LeakyReLU(alpha=0.2)); ae.add(Dropout(0.1))
ae.add(Dense(64)); ae.add(Activation('sigmoid'))
ae.compile(optimizer='adadelta', loss='binary_crossentropy')
失 = []
ae.fit(x, x, epochs=3, batch_size=50, shuffle=True, verbose=0, validation_data=(x, x),
       callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: 失.append(logs['val_loss']), on_batch_end=lambda batch, logs: 失.append(logs['loss'])), CSVLogger('log.csv'), TerminateOnNaN()])
print(失[-1], open('log.csv').read())
print(ae.layers[-1].output.shape, ae.output.shape, ae.count_params())
