# Prédire la consommation (régression) — normalisation et arrêt anticipé
import numpy as np
import pandas as pd
import keras
from keras import layers
from keras.callbacks import EarlyStopping, ModelCheckpoint, CSVLogger
rng = np.random.default_rng(0)
données = pd.DataFrame({"cylindres": rng.integers(3, 9, 90), "poids": rng.normal(3000, 500, 90), "origine": rng.choice(["Europe", "Japon", "USA"], 90), "mpg": rng.normal(23, 5, 90)})
données = pd.get_dummies(données, columns=["origine"], prefix="", prefix_sep="")
entraînement = données.sample(frac=0.8, random_state=0); test = données.drop(entraînement.index)
stats = entraînement.describe().transpose(); 
étiquettes = entraînement.pop("mpg"); étiquettes_test = test.pop("mpg")
normaliseur = layers.Normalization(axis=-1)
normaliseur.adapt(np.array(entraînement).astype("float32"))
print(normaliseur.mean.numpy())
modèle = keras.Sequential([normaliseur, layers.Dense(16, activation="relu"), layers.Dense(1)])
modèle.compile(loss="mean_absolute_error", optimizer=keras.optimizers.Adam(0.01), metrics=["mse"])
historique = modèle.fit(entraînement.astype("float32"), étiquettes, validation_split=0.2, verbose=0, epochs=3, callbacks=[EarlyStopping("val_loss", patience=10), CSVLogger("journal.csv"), ModelCheckpoint("meilleur.keras", save_best_only=True)])
hist = pd.DataFrame(historique.history); hist["époque"] = historique.epoch; print(hist.tail())
erreur = modèle.predict(test.astype("float32")).flatten() - étiquettes_test; print(erreur.abs().mean())
