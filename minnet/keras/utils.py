"""Small tools."""

from __future__ import annotations

from minnet.keras import words
from minnet.keras.backend import set_random_seed as set_random_seed

__getattr__ = words.answering(__name__)
