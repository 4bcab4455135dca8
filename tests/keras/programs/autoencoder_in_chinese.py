# 自编码器
import numpy as np
from keras.models import Sequential, Model
from keras.layers import Dense, Input
X = np.random.rand(60, 20).astype('float32') - 0.5
autoencoder = Sequential([Dense(12, activation='relu', input_shape=(20,)), Dense(2, name='encoded'), Dense(12, activation='relu'), Dense(20, activation='tanh')])
autoencoder.compile(optimizer='adam', loss='mse')
autoencoder.fit(X, X, epochs=2, batch_size=16, shuffle=True, verbose=0)
encoder = Model(inputs=autoencoder.input, outputs=autoencoder.get_layer('encoded').output)
encoded_imgs = encoder.predict(X)
print(encoded_imgs.shape, encoder.summary())
import matplotlib.pyplot as plt
plt.scatter(encoded_imgs[:, 0], encoded_imgs[:, 1], c=np.arange(60)); plt.colorbar(); plt.show()
