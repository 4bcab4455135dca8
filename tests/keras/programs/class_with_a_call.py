"""An autoencoder and a classifier as classes with a `call`, as in tutorials."""

import keras
import numpy as np
from keras import layers, losses
from keras.models import Model

rng = np.random.default_rng(0)
x_train = rng.random((96, 6, 6)).astype("float32")
y_train = rng.integers(3, size=96)


class Autoencoder(Model):
    def __init__(self, latent_dim, shape):
        super().__init__()
        self.latent_dim, self.shape = latent_dim, shape
        self.encoder = keras.Sequential(
            [layers.Flatten(), layers.Dense(latent_dim, activation="relu")]
        )
        self.decoder = keras.Sequential(
            [layers.Dense(int(np.prod(shape)), activation="sigmoid"), layers.Reshape(shape)]
        )

    def call(self, x):
        encoded = self.encoder(x)
        return self.decoder(encoded)


autoencoder = Autoencoder(4, x_train.shape[1:])
autoencoder.compile(optimizer="adam", loss=losses.MeanSquaredError())
autoencoder.fit(x_train, x_train, epochs=2, validation_data=(x_train, x_train), verbose=0)
codes = autoencoder.encoder(x_train).numpy()
images = autoencoder.decoder(codes).numpy()
assert (codes.shape, images.shape) == ((96, 4), (96, 6, 6))
np.testing.assert_allclose(images, autoencoder.predict(x_train, verbose=0), atol=1e-6)


class Classifier(keras.Model):
    def __init__(self, num_classes=3, use_bn=True, **kwargs):
        super().__init__(**kwargs)
        self.flatten = layers.Flatten()
        self.hidden = [layers.Dense(8), layers.Dense(8)]
        self.norms = [layers.BatchNormalization(), layers.BatchNormalization()]
        self.relu = layers.ReLU()
        self.dropout = layers.Dropout(0.2)
        self.out = layers.Dense(num_classes)
        self.use_bn = use_bn

    def call(self, inputs, training=False):
        x = self.flatten(inputs)
        for dense, norm in zip(self.hidden, self.norms, strict=True):
            x = dense(x)
            if self.use_bn:
                x = norm(x, training=training)
            x = layers.Activation("relu")(x)
        if training:
            x = self.dropout(x, training=training)
        return self.out(x)


model = Classifier(name="classifier")
model.build(input_shape=(None, 6, 6))
model.summary()
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x_train, y_train, epochs=2, validation_split=0.25, verbose=0)
loss, accuracy = model.evaluate(x_train, y_train, verbose=0)
assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
model.save_weights("classifier.weights.h5")
again = Classifier()
again(x_train[:1])
again.load_weights("classifier.weights.h5")
np.testing.assert_array_equal(again.predict(x_train), model.predict(x_train))

model.hidden[0].trainable = False  # then a new task
model.out.set_weights([w * 0 for w in model.out.get_weights()])
model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
before = model.hidden[0].get_weights()[0]
model.fit(x_train, (y_train + 1) % 3, epochs=1, verbose=0)
assert np.array_equal(before, model.hidden[0].get_weights()[0])
