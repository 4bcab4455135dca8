"""The door to scikit-learn: its `MLPClassifier` and `MLPRegressor`, on minnet's networks.

A scikit-learn program runs when its one import line changes::

    from minnet.sklearn import MLPClassifier, MLPRegressor

Both have scikit-learn's arguments, methods and attributes, and what its own have not: dropout, an
activation for each layer, layers of your own, class weights, other losses and optimizers,
callbacks, and a pre-trained network to start from. They are classes below scikit-learn's, so this
room needs it (`pip install scikit-learn`), and `import minnet` alone does not.
"""

import importlib.util

if importlib.util.find_spec("sklearn") is None:
    raise ModuleNotFoundError(
        "minnet.sklearn takes scikit-learn, which is not installed. Install it: "
        "python -m pip install scikit-learn",
        name="sklearn",
    )

from minnet.sklearn.classifier import MLPClassifier
from minnet.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
