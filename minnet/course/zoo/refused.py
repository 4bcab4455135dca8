"""Mistakes that compile and fit refuse, or warn of: nothing has to be searched for.

Each is a program of a few lines. The name is what a list of mistakes calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

_BEGIN = """\
import numpy as np
from minnet import Sequential, datasets
from minnet.layers import BatchNormalization, Dense, Softmax
from minnet.losses import CrossEntropy

x, y, _, _ = datasets.blobs(120, classes=3, seed=0)
"""


@dataclass(frozen=True)
class Refused:
    """A mistake that does not get as far as training.

    Attributes
    ----------
    name
        As in the zoo.
    title
        The mistake in one line.
    code
        The few lines with the mistake in them.
    says
        A part of what minnet answers, word for word.
    question
        What reveals it.
    cure
        What to write instead.
    source
        Where it was met.
    """

    name: str
    title: str
    code: str
    says: str
    question: str
    cure: str
    source: str

    @property
    def program(self) -> str:
        """The code with what comes before it, as it can be run."""
        return _BEGIN + self.code


REFUSED = (
    Refused(
        "one-sigmoid-for-many",
        "One sigmoid, and more than two classes.",
        'model = Sequential([Dense(8, "relu"), Dense(1, "sigmoid")])\n'
        'model.compile("adam", "binary_crossentropy")\nmodel.fit(x, y)',
        "For more than two classes use softmax and cross_entropy",
        "How many different answers can one output give?",
        'Dense(3, "softmax"), loss="cross_entropy"',
        "datascience.stackexchange.com/q/38604",
    ),
    Refused(
        "softmax-of-one",
        "A softmax over a single unit, which is always 1.",
        'model = Sequential([Dense(8, "relu"), Dense(1, "softmax")])\n'
        'model.compile("adam", "binary_crossentropy")\nmodel.fit(x, y > 0)',
        "Softmax over one output is always 1",
        "What is e^z / e^z?",
        'Dense(1, "sigmoid")',
        "CS231n notes, “Linear classification”: softmax classifier",
    ),
    Refused(
        "softmax-twice",
        "Two softmaxes, one after the other.",
        'model = Sequential([Dense(3, "softmax"), Softmax()])\n'
        'model.compile("adam", "cross_entropy")\nmodel.fit(x, y)',
        "Softmax is applied twice",
        "What is the largest output that a softmax of probabilities can give?",
        "Drop one.",
        "PyTorch documentation, CrossEntropyLoss: it takes logits",
    ),
    Refused(
        "softmax-and-logits",
        "A softmax in the model, and from_logits=True in the loss.",
        'model = Sequential([Dense(3, "softmax")])\n'
        'model.compile("adam", CrossEntropy(from_logits=True))',
        "so it would be applied twice",
        "Who applies the softmax: the model or the loss?",
        'Dense(3) without an activation, or loss="cross_entropy"',
        "Keras documentation, SparseCategoricalCrossentropy: from_logits",
    ),
    Refused(
        "logits-as-probabilities",
        "No activation at the end, and a loss that takes probabilities.",
        'model = Sequential([Dense(3)])\nmodel.compile("adam", "cross_entropy")',
        "CrossEntropy takes probabilities",
        "Can an output be negative?",
        'Dense(3, "softmax"), or CrossEntropy(from_logits=True)',
        "Keras documentation, SparseCategoricalCrossentropy: from_logits",
    ),
    Refused(
        "cross-entropy-of-prices",
        "A cross-entropy for a regression.",
        'model = Sequential([Dense(8, "relu"), Dense(1)])\n'
        'model.compile("adam", "binary_crossentropy")\nmodel.fit(x, 1e5 + 1e4 * x[:, 0])',
        "For a regression, whose y are numbers of any size, use loss='mse'",
        "What is the probability of 100,000?",
        'loss="mse"',
        "github.com/keras-team/keras/issues/1917",
    ),
    Refused(
        "relu-before-the-log",
        "A ReLU at the end, and a binary cross-entropy.",
        'model = Sequential([Dense(8, "relu"), Dense(1, "relu")])\n'
        'model.compile("adam", "binary_crossentropy")',
        "not in sigmoid",
        "What is log 0, and what is log (1 − 3)?",
        'Dense(1, "sigmoid")',
        "geeksmental.com, “Why does accuracy remain the same”",
    ),
    Refused(
        "labels-from-one",
        "Labels from 1 to K, and K outputs.",
        'model = Sequential([Dense(3, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "model.fit(x, y + 1)",
        "Labels start at 0: use y - 1",
        "Which output is for class 0?",
        "y - 1",
        "community.deeplearning.ai/t/436298",
    ),
    Refused(
        "too-few-outputs",
        "More classes than outputs.",
        'model = Sequential([Dense(2, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "model.fit(x, y)",
        "y takes labels 0 to 1, since the model has 2 classes",
        "len(np.unique(y))",
        'Dense(3, "softmax")',
        "community.deeplearning.ai/t/436298",
    ),
    Refused(
        "a-hole-in-the-data",
        "One NaN among the inputs.",
        'model = Sequential([Dense(3, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "x[17, 1] = np.nan\nmodel.fit(x, y)",
        "x takes finite numbers. Got nan in row 17, column 1",
        "np.isfinite(x).all()",
        "Drop or fill the row.",
        "github.com/keras-team/keras/issues/2134",
    ),
    Refused(
        "accuracy-of-prices",
        "Accuracy as the metric of a regression.",
        'model = Sequential([Dense(8, "relu"), Dense(1)])\n'
        'model.compile("adam", "mse", metrics=["accuracy"])\nmodel.fit(x, 10 * x[:, 0])',
        'For a regression use "mae" or "r2_score"',
        "When is a prediction of 3.7 right?",
        'metrics=["mae"]',
        "github.com/keras-team/keras/issues/6260",
    ),
    Refused(
        "signs-for-answers",
        "Labels of −1 and 1, and a sigmoid.",
        'model = Sequential([Dense(1, "sigmoid")])\n'
        'model.compile("adam", "binary_crossentropy")\nmodel.fit(x, np.where(y > 0, 1, -1))',
        "(y + 1) / 2",
        "Can a sigmoid say −1?",
        "(y + 1) / 2, or a tanh with loss='mse'",
        "C. Bishop, “Pattern recognition and machine learning”, section 4.1.7",
    ),
    Refused(
        "one-image-alone",
        "One sample without the axis of the samples.",
        'model = Sequential([Dense(3, "softmax", input_dim=2)])\nmodel.predict(x[0])',
        "(N, 2)",
        "What is x.shape?",
        "model.predict(x[:1])",
        "github.com/aymericdamien/TensorFlow-Examples/issues/284",
    ),
    Refused(
        "x-longer-than-y",
        "x and y of different lengths.",
        'model = Sequential([Dense(3, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "model.fit(x, y[1:])",
        "take one row for each sample",
        "len(x) == len(y)",
        "Filter both by the same rows.",
        "github.com/tensorflow/tensorflow/issues/48660",
    ),
    Refused(
        "not-compiled",
        "fit before compile.",
        'model = Sequential([Dense(3, "softmax")])\nmodel.fit(x, y)',
        "The model is not compiled",
        "Which loss should it make small?",
        'model.compile("adam", "cross_entropy")',
        "Keras documentation, FAQ",
    ),
    Refused(
        "the-last-rows-are-one-class",
        "validation_split of rows that are sorted by class.",
        "order = np.argsort(y)\n"
        'model = Sequential([Dense(3, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "model.fit(x[order], y[order], validation_split=0.4, verbose=0)",
        "have classes that no training row has: 2",
        "np.unique(y[-len(y) * 2 // 5:])",
        "Shuffle x and y together first.",
        "rocuku.github.io/keras-validation-split-shuffle",
    ),
    Refused(
        "pixels-in-fit",
        "Inputs up to 255.",
        'model = Sequential([Dense(3, "softmax")])\nmodel.compile("adam", "cross_entropy")\n'
        "model.fit(255 * np.abs(x), y, verbose=0)",
        "networks learn badly from such numbers",
        "x.max()",
        "x / 255",
        "github.com/keras-team/keras/issues/6914",
    ),
    Refused(
        "softmax-inside",
        "A softmax as a hidden layer's activation.",
        'model = Sequential([Dense(16, "softmax", input_dim=2), Dense(3, "softmax")])\n'
        'model.compile("adam", "cross_entropy")',
        "is a softmax inside the network",
        "How large is each of sixteen outputs that sum to 1?",
        'Dense(16, "relu")',
        "Keras documentation, softmax: for the last layer of a classifier",
    ),
    Refused(
        "softmax-and-squares",
        "Softmax with the mean squared error.",
        'model = Sequential([Dense(3, "softmax", input_dim=2)])\nmodel.compile("adam", "mse")',
        "Softmax with the mean squared error learns slowly",
        "How large is the gradient where it is sure, and wrong?",
        'loss="cross_entropy"',
        "M. Nielsen, “Neural networks and deep learning”, chapter 3",
    ),
    Refused(
        "relu-before-the-softmax",
        "A ReLU on the last layer of weights, and a softmax above it.",
        'model = Sequential([Dense(3, "relu", input_dim=2), Softmax()])\n'
        'model.compile("adam", "cross_entropy")',
        "cuts off the negative ones",
        "How small can a probability become if no logit is below 0?",
        "Dense(3), Softmax()",
        "CS231n notes, “Neural networks part 1”: output layer",
    ),
    Refused(
        "weights-of-another-shape",
        "Weights of another model.",
        'model = Sequential([Dense(3, "softmax", input_dim=2)])\n'
        "model.set_weights([np.zeros(2), np.zeros(3)])",
        "(2, 3)",
        "[w.shape for w in model.get_weights()]",
        "One W of shape (inputs, units) and one b of shape (units,) for each Dense.",
        "Keras documentation, Layer.set_weights: as many arrays, of these shapes",
    ),
)
"""Mistakes that are refused or warned of, with the words."""
