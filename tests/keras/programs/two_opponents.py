import keras
import numpy as np
from keras.models import Sequential
from keras.layers import Dense, LeakyReLU, Dropout
latent = 5
def define_discriminator(n_inputs=2):
    model = Sequential()
    model.add(Dense(25, activation='relu', kernel_initializer='he_uniform', input_dim=n_inputs))
    model.add(Dense(1, activation='sigmoid'))
    model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
    return model
def define_generator(latent_dim, n_outputs=2):
    model = Sequential()
    model.add(Dense(15, activation='relu', kernel_initializer='he_uniform', input_dim=latent_dim))
    model.add(Dense(n_outputs, activation='linear'))
    return model
def define_gan(generator, discriminator):
    discriminator.trainable = False
    model = Sequential()
    model.add(generator)
    model.add(discriminator)
    model.compile(loss='binary_crossentropy', optimizer='adam')
    return model
g, d = define_generator(latent), define_discriminator(); gan = define_gan(g, d)
for i in range(5):
    real = np.random.rand(16, 2); fake = g.predict(np.random.randn(16, latent), verbose=0)
    d.trainable = True
    d.train_on_batch(real, np.ones((16, 1))); d.train_on_batch(fake, np.zeros((16, 1)))
    d.trainable = False
    gan.train_on_batch(np.random.randn(16, latent), np.ones((16, 1)))
print(d.evaluate(real, np.ones((16, 1)), verbose=0)); gan.summary()
