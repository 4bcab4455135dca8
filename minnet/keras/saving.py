"""Files, under the name that Keras gives the module."""

from __future__ import annotations

from minnet.keras import words
from minnet.keras.models import load_model, save_model
from minnet.keras.utils import register_keras_serializable

__all__ = ["load_model", "register_keras_serializable", "save_model"]

__getattr__ = words.answering(__name__)
