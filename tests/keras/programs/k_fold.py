import numpy as np
from keras import models, layers
r = np.random.default_rng(0)
train_data = r.normal(size=(120, 13)) * 5 + 3; train_targets = 20 + train_data[:, 0]
mean = train_data.mean(axis=0); train_data -= mean; std = train_data.std(axis=0); train_data /= std
def build_model():
    model = models.Sequential()
    model.add(layers.Dense(64, activation='relu', input_shape=(train_data.shape[1],)))
    model.add(layers.Dense(64, activation='relu'))
    model.add(layers.Dense(1))
    model.compile(optimizer='rmsprop', loss='mse', metrics=['mae'])
    return model
k = 4; num_val_samples = len(train_data) // k; all_scores = []; all_mae = []
for i in range(k):
    val_data = train_data[i * num_val_samples: (i + 1) * num_val_samples]
    val_targets = train_targets[i * num_val_samples: (i + 1) * num_val_samples]
    pd_ = np.concatenate([train_data[:i * num_val_samples], train_data[(i + 1) * num_val_samples:]], axis=0)
    pt = np.concatenate([train_targets[:i * num_val_samples], train_targets[(i + 1) * num_val_samples:]], axis=0)
    model = build_model()
    h = model.fit(pd_, pt, validation_data=(val_data, val_targets), epochs=2, batch_size=1, verbose=0)
    all_mae.append(h.history['val_mae'])
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
    all_scores.append(val_mae)
print(np.mean(all_scores), [np.mean([x[i] for x in all_mae]) for i in range(2)])
