"""One training step, explained with its own numbers.

`explain_step` is in `run.py`. To have a class of layers, losses or optimizers explained, minnet's
or your own, write a function under `explains`, as its docstring in `formulas.py` shows.
"""

from minnet.teaching.explain.blocks import Math, Worked
from minnet.teaching.explain.explanation import Explanation
from minnet.teaching.explain.formulas import (
    Computation,
    LayerFormulas,
    LossFormulas,
    OptimizerFormulas,
    explains,
)
from minnet.teaching.explain.numbers import Numbers, State, Step, UpdatedNumber, Weight
from minnet.teaching.explain.run import explain_step
from minnet.teaching.explain.typesetting import formula

__all__ = [
    "Computation",
    "Explanation",
    "LayerFormulas",
    "LossFormulas",
    "Math",
    "Numbers",
    "OptimizerFormulas",
    "State",
    "Step",
    "UpdatedNumber",
    "Weight",
    "Worked",
    "explain_step",
    "explains",
    "formula",
]
