"""Networks to and from other tools: PyTorch, Keras, scikit-learn, safetensors and ONNX.

`from_…` makes a minnet model of another tool's network, with its weights; `to_…` makes the other
tool's network of a model. What differs between the two (the layout of weights, LeakyReLU's slope,
batch norm's ε and momentum) is carried over, or refused by its name; predictions are the same to
float32's last digits. `report` is the table of what was done.

Each tool is imported when it is first used, and `import minnet` imports nothing of this.
"""

from minnet.exchange.keras_models import from_keras, to_keras
from minnet.exchange.onnx_files import to_onnx
from minnet.exchange.pytorch import from_torch, to_torch
from minnet.exchange.record import report
from minnet.exchange.safetensors import load_safetensors, save_safetensors
from minnet.exchange.scikit_learn import from_sklearn, to_sklearn

__all__ = [
    "from_keras",
    "from_sklearn",
    "from_torch",
    "load_safetensors",
    "report",
    "save_safetensors",
    "to_keras",
    "to_onnx",
    "to_sklearn",
    "to_torch",
]
