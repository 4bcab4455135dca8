# 전이 학습: 두 단계 학습과 콜백
import numpy as np
import keras
from keras import layers, callbacks
rng = np.random.default_rng(0)
x1, y1, x2, y2 = rng.normal(size=(90, 6)), rng.integers(0, 4, 90), rng.normal(size=(30, 6)), rng.integers(0, 2, 30)
원본 = keras.Sequential([layers.Input(shape=(6,)), layers.Dense(12, activation='relu', name='은닉1'), layers.Dense(8, activation='relu', name='은닉2'), layers.Dense(4, activation='softmax', name='출력')])
원본.compile(optimizer='rmsprop', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
원본.fit(x1, y1, epochs=2, batch_size=16, verbose=0)
새모델 = keras.Sequential([layer for layer in 원본.layers[:-1]] + [layers.Dense(1, activation='sigmoid', name='새출력')])
for layer in 새모델.layers[:-1]: layer.trainable = False
새모델.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])
cb = [callbacks.EarlyStopping(monitor='val_accuracy', mode='max', patience=3, restore_best_weights=True, verbose=1), callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.2, patience=1, min_lr=1e-5, verbose=1), callbacks.TerminateOnNaN()]
h = 새모델.fit(x2, y2, epochs=3, validation_split=0.3, callbacks=cb, verbose=0)
print(새모델.get_layer('은닉1').get_weights()[0].shape, h.history['val_accuracy'])
