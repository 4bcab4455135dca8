"""Settings, under the name that Keras 3 gives the module."""

from __future__ import annotations

from minnet.keras import words
from minnet.keras.backend import backend, epsilon, floatx, image_data_format, set_floatx

__all__ = ["backend", "epsilon", "floatx", "image_data_format", "set_floatx"]

__getattr__ = words.answering(__name__)
