import numpy as np
import keras
def get_model():
    model = keras.Sequential()
    model.add(keras.layers.Dense(1))
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.1), loss="mean_squared_error", metrics=["mean_absolute_error"])
    return model
r = np.random.default_rng(0)
x, y = r.random((200, 20)), r.random(200)
class CustomCallback(keras.callbacks.Callback):
    def __init__(self): super().__init__(); self.n = {}
    def count(self, k): self.n[k] = self.n.get(k, 0) + 1
    def on_train_begin(self, logs=None): print("Starting training; got log keys: {}".format(list(logs.keys())))
    def on_train_end(self, logs=None): print("Stop training; got log keys: {}".format(list(logs.keys())))
    def on_epoch_begin(self, epoch, logs=None): self.count("eb")
    def on_epoch_end(self, epoch, logs=None): self.count("ee")
    def on_test_begin(self, logs=None): self.count("tb")
    def on_test_end(self, logs=None): self.count("te")
    def on_predict_begin(self, logs=None): self.count("pb")
    def on_predict_end(self, logs=None): self.count("pe")
    def on_train_batch_begin(self, batch, logs=None): self.count("tbb")
    def on_train_batch_end(self, batch, logs=None):
        self.count("tbe"); assert "mean_absolute_error" in logs
    def on_test_batch_begin(self, batch, logs=None): self.count("ttb")
    def on_test_batch_end(self, batch, logs=None): self.count("tte")
    def on_predict_batch_begin(self, batch, logs=None): self.count("ppb")
    def on_predict_batch_end(self, batch, logs=None): self.count("ppe")
c = CustomCallback()
model = get_model()
model.fit(x, y, batch_size=64, epochs=1, verbose=0, validation_split=0.5, callbacks=[c])
res = model.evaluate(x, y, batch_size=64, verbose=0, callbacks=[c])
res = model.predict(x, batch_size=64, callbacks=[c])
print(c.n)
assert c.n["ppe"] == 4 and c.n["pb"] == 1 and c.n["tte"] >= 4 and c.n["tbe"] == 2
class EarlyStoppingAtMinLoss(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__(); self.patience = patience; self.best_weights = None
    def on_train_begin(self, logs=None):
        self.wait = 0; self.stopped_epoch = 0; self.best = np.inf
    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best = current; self.wait = 0; self.best_weights = self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch; self.model.stop_training = True
                self.model.set_weights(self.best_weights)
    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0: print("Epoch %05d: early stopping" % (self.stopped_epoch + 1))
class CustomLearningRateScheduler(keras.callbacks.Callback):
    def __init__(self, schedule): super().__init__(); self.schedule = schedule
    def on_epoch_begin(self, epoch, logs=None):
        lr = self.model.optimizer.learning_rate
        scheduled_lr = self.schedule(epoch, lr)
        self.model.optimizer.learning_rate = scheduled_lr
        print("\nEpoch %05d: Learning rate is %6.4f." % (epoch, scheduled_lr))
model = get_model()
model.fit(x, y, batch_size=64, epochs=5, verbose=0, callbacks=[EarlyStoppingAtMinLoss(), CustomLearningRateScheduler(lambda e, lr: lr if e < 2 else 0.01)])
