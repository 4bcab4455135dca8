"""What one sees of each mistake of the zoo, what cures it, and where it was met."""

from __future__ import annotations

from typing import NamedTuple

from minnet.teaching.doctor import KINDS


class Facts(NamedTuple):
    """What is known of a mistake beside its story.

    Attributes
    ----------
    sees
        What one sees.
    cure
        What to write instead.
    source
        Where it was met, or what explains it.
    """

    sees: str
    cure: str
    source: str


MEANINGS = {
    **KINDS,
    "sign": "the gradient points the other way",
    "factor": "every entry is off by one and the same factor",
    "sum-vs-mean": "the factor is N, or 1/N: a sum was taken for a mean, or the other way round",
    "transposed": "rows and columns have changed places",
    "detached": "a gradient is 0 that should not be",
    "diagonal-jacobian": "each output is taken to depend on its own input alone",
    "bias-not-summed": "the rows' gradients of the bias are not added up",
    "stale-input": "the derivative is taken at another input than the one that came",
    "wrong-mask": "the way back blocks other entries than the way there",
    "not-filled": "the gradient's buffer still has in it what was there before",
    "wrong": "the derivative is that of another formula",
}
"""Kind of a finding → what it means, of both tools."""

_BACKPROPAGATION = "CS231n notes, “Backpropagation, intuitions”"
_CASE_STUDY = "CS231n notes, “Putting it together: minimal neural network case study”"
_RECIPE = "A. Karpathy, “A recipe for training neural networks” (2019)"
_SANITY = "CS231n notes, “Learning and evaluation”: sanity checks"
_CHECKS = "CS231n notes, “Learning and evaluation”: gradient checks"
_GLOROT = "X. Glorot and Y. Bengio, “Understanding the difficulty of training…” (2010)"
_DATA = "CS231n notes, “Setting up the data and the model”"
_KERAS_FAQ = "Keras documentation, FAQ and “Transfer learning and fine-tuning”"

FACTS: dict[str, Facts] = {
    # --- gradients --------------------------------------------------------------------------------
    "softmax-diagonal": Facts(
        "The loss that is shown is not the one that falls; it trains, and badly.",
        "dx = p * (dy - (dy * p).sum(axis=1, keepdims=True))",
        "E. Bendersky, “The softmax function and its derivative” (2016)",
    ),
    "softmax-in-place": Facts(
        "Alone the layer checks out; under it the gradients are wrong.",
        "z = x - x.max(axis=1, keepdims=True), a new array",
        "NumPy documentation, “Copies and views”",
    ),
    "relu-mask-of-dy": Facts(
        "Units that were off learn, and half of those that were on do not.",
        "dx = dy * (x > 0)",
        _BACKPROPAGATION,
    ),
    "sigmoid-at-x": Facts(
        "The loss leaps about, the more so the larger x is.",
        "dx = dy * y * (1 - y)",
        "M. Nielsen, “Neural networks and deep learning”, chapter 2",
    ),
    "weights-swapped": Facts(
        "No error in a square layer; ValueError in any other.",
        "dW = x.T @ dy",
        _BACKPROPAGATION,
    ),
    "weights-not-transposed": Facts(
        "The top layer learns; all below it get a gradient of something else.",
        "dx = dy @ W.T",
        _BACKPROPAGATION,
    ),
    "bias-not-summed": Facts(
        "b becomes a matrix, or NumPy cannot broadcast.",
        "db = dy.sum(axis=0)",
        _BACKPROPAGATION,
    ),
    "bias-averaged": Facts(
        "Biases learn N times too slowly, and slower with larger batches.",
        "db = dy.sum(axis=0): the loss's 1/N is in dy",
        _CASE_STUDY,
    ),
    "adds-up": Facts(
        "Fine for a step, then faster and faster away.",
        "dW = x.T @ dy, or clear dW before each step",
        "PyTorch documentation, Optimizer.zero_grad",
    ),
    "bias-forgotten": Facts(
        "b stays what it was at the beginning.",
        "db = dy.sum(axis=0)",
        _CHECKS,
    ),
    "weights-detached": Facts(
        "W stays what it was at the beginning.",
        "dW = x.T @ dy",
        _CHECKS,
    ),
    "first-batch-kept": Facts(
        "The check with one batch is perfect, and training is not.",
        "Keep x anew in every forward pass, or use the x that backward is handed.",
        _CHECKS,
    ),
    "dropout-redrawn": Facts(
        "It trains, more slowly than without dropout.",
        "Keep the mask of the forward pass, and multiply dy by it.",
        "N. Srivastava and others, “Dropout” (2014)",
    ),
    "dropout-unscaled": Facts(
        "Layers below the dropout learn at a smaller rate than those above.",
        "dx = dy * mask / (1 - rate)",
        "CS231n notes, “Neural networks part 2”: inverted dropout",
    ),
    "batch-norm-constants": Facts(
        "The gradient's size is right, its direction is not.",
        "dx = gamma / s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))",
        "S. Ioffe and C. Szegedy, “Batch normalization” (2015)",
    ),
    "uphill": Facts(
        "The loss rises from the first step on.",
        "2 * (prediction - target) / N",
        "M. Nielsen, “Neural networks and deep learning”, chapter 1: v → v − η ∇C",
    ),
    "half-the-square": Facts(
        "All is well at half the rate.",
        "2 * (prediction - target) / N, or a loss with ½ in front",
        _CHECKS,
    ),
    "sum-of-losses": Facts(
        "The best rate depends on the batch size.",
        "(p - t) / N",
        _CASE_STUDY,
    ),
    "mean-of-means": Facts(
        "It learns N times too slowly.",
        "(p - t) / N, once",
        _CASE_STUDY,
    ),
    "mean-over-classes": Facts(
        "The loss and the gradient do not belong together, by a factor K.",
        "Sum over the classes, then take the mean over the rows.",
        _CHECKS,
    ),
    "half-the-penalty": Facts(
        "The check is off by λ w and right where λ = 0.",
        "2 * l2 * w, for a penalty of l2 * (w ** 2).sum()",
        "Keras documentation, regularizers; M. Nielsen, chapter 3, has λ/2",
    ),
    "least-squares": Facts(
        "The best rate falls as the data grow.",
        "2 * x.T @ (x @ w - y) / N",
        _CHECKS,
    ),
    # --- data and settings ------------------------------------------------------------------------
    "raw-pixels": Facts(
        "The loss begins high and stands still, or jumps.",
        "x = x / 255",
        "github.com/keras-team/keras/issues/6914",
    ),
    "one-typing-error": Facts(
        "A huge loss in one batch of each epoch.",
        "Look at the row; drop it, correct it, or np.clip the column.",
        _DATA,
    ),
    "metres-and-millimetres": Facts(
        "Only one column seems to matter.",
        "x, x_val = minnet.datasets.standardize(x, x_val)",
        _DATA,
    ),
    "prices-in-euros": Facts(
        "A loss of many millions, which hardly falls.",
        "Train on (y - y.mean()) / y.std(), and turn predictions back.",
        "stackoverflow.com/questions/52800582",
    ),
    "the-same-answer-always": Facts(
        "The loss falls to 0, and every prediction is the same.",
        "Look at how y was made: y.min(), y.max().",
        "github.com/keras-team/keras/issues/6260",
    ),
    "hits-of-a-regression": Facts(
        "The loss falls, and the accuracy stays where it is.",
        'metrics=["mae"], or "r2_score"',
        "github.com/keras-team/keras/issues/6260",
    ),
    "decay-without-mercy": Facts(
        "The loss is that of guessing, ln K, from the first epoch to the last.",
        "weight_decay=1e-4",
        "I. Loshchilov and F. Hutter, “Decoupled weight decay regularization” (2019)",
    ),
    "sigmoid-at-the-end": Facts(
        "Predictions stop at 0 and at 1.",
        "Dense(1) without an activation",
        "datascience.stackexchange.com/q/19365",
    ),
    "dead-on-arrival": Facts(
        "The loss is that of guessing, and never moves.",
        'Biases from 0, kernel_initializer="he_normal", or "leaky_relu".',
        "CS231n notes, “Neural networks part 1”: dying ReLUs",
    ),
    "weights-of-ten": Facts(
        "The loss falls slowly: only the last layer learns.",
        'kernel_initializer="glorot_uniform"',
        _GLOROT,
    ),
    "eight-sigmoids": Facts(
        "The loss is that of guessing after a hundred epochs.",
        'activation="relu", kernel_initializer="he_normal"',
        "M. Nielsen, “Neural networks and deep learning”, chapter 5",
    ),
    "unscaled-start": Facts(
        "The first loss is in the hundreds.",
        'kernel_initializer="he_normal"',
        "K. He and others, “Delving deep into rectifiers” (2015)",
    ),
    "the-same-for-all": Facts(
        "A network of many units learns as one of one unit would.",
        'Random weights: kernel_initializer="glorot_uniform".',
        "CS231n notes, “Setting up the data and the model”: all zero initialization",
    ),
    "rate-of-ten": Facts(
        "The loss jumps in the first epoch.",
        "minnet.find_learning_rate(model, x, y).suggestion",
        "datascience.stackexchange.com/q/28481",
    ),
    "rate-of-a-millionth": Facts(
        "The loss falls in the fourth digit.",
        "minnet.find_learning_rate(model, x, y).suggestion",
        _SANITY,
    ),
    "too-few-updates": Facts(
        "It trains well and predicts badly, the same rows too.",
        "BatchNormalization(momentum=0.9), or more updates",
        "S. Ioffe and C. Szegedy, “Batch normalization” (2015)",
    ),
    "confident-from-the-start": Facts(
        "The first loss is far above ln K.",
        "Start the last layer from glorot_uniform, its bias from 0.",
        _SANITY,
    ),
    "a-neck-of-one": Facts(
        "It cannot learn twenty samples by heart.",
        "A wider layer: Dense(16).",
        _RECIPE,
    ),
    "counted-from-one": Facts(
        "One output is never predicted.",
        "y - 1, and K outputs",
        "community.deeplearning.ai/t/436298",
    ),
    "a-needle-in-the-hay": Facts(
        "98 % accuracy from the first epoch on.",
        "fit(…, class_weight={0: 0.5, 1: 25}), and minnet.confusion_matrix",
        "datascience.stackexchange.com/q/16840",
    ),
    "the-answer-in-x": Facts(
        "Nearly everything is right, on the validation data too, and nothing on new data.",
        "x = np.delete(x, column, axis=1)",
        "S. Kaufman and others, “Leakage in data mining” (2011)",
    ),
    "copied-rows": Facts(
        "Validation is as good as training, new data are not.",
        "_, kept = np.unique(x, axis=0, return_index=True), before the split",
        _RECIPE,
    ),
    "two-opinions": Facts(
        "The loss stops far above 0, even on the training data.",
        "Find the rows with np.unique(x, axis=0, return_inverse=True), and decide.",
        "C. Northcutt and others, “Pervasive label errors in test sets” (2021)",
    ),
    "shuffled-alone": Facts(
        "Training improves by heart, validation stays at guessing.",
        "order = rng.permutation(len(x)); x, y = x[order], y[order]",
        "scikit-learn documentation, utils.shuffle: arrays in a consistent way",
    ),
    "the-same-exam": Facts(
        "Validation is as good as training, to the digit.",
        "Split first, and never look at the other part.",
        "T. Hastie and others, “The elements of statistical learning”, section 7.10.2",
    ),
    "only-the-training-data-scaled": Facts(
        "Training improves, validation gets worse.",
        "x, x_val = minnet.datasets.standardize(x, x_val)",
        "scikit-learn documentation, “Common pitfalls”: inconsistent preprocessing",
    ),
    "class-by-class": Facts(
        "The loss jumps up and down within an epoch.",
        "fit(…, shuffle=True)",
        "rocuku.github.io/keras-validation-split-shuffle",
    ),
    "frozen-whole": Facts(
        "fit refuses: nothing would change.",
        'model.unfreeze("dense_2")',
        _KERAS_FAQ,
    ),
    "a-base-that-knows-nothing": Facts(
        "A new head on a good base should do better than this.",
        "Load the base first: minnet.load_pretrained(name), model.load_weights(path).",
        _KERAS_FAQ,
    ),
}
"""Name in the zoo → what is known of it."""
