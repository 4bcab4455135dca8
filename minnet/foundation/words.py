"""Which word was meant: slips of the pen are put right, and no other formula is ever suggested.

Most names of formulas are near others. `selu` is one letter from `elu`, `msle` from `mse`, and
`bias_regularizer` shares half of itself with `kernel_regularizer`, so a suggestion by likeness
alone would hand a user other mathematics. Here a word is compared part by part, each part has to be
the same but for a slip, and a word that has a meaning of its own is no slip of another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SAME_THING = {
    "bce": ("binary_crossentropy",),
    "log_loss": ("binary_crossentropy",),
    "identity": ("linear",),
    "logistic": ("sigmoid",),
    "xavier_uniform": ("glorot_uniform",),
    "xavier_normal": ("glorot_normal",),
    "kaiming_uniform": ("he_uniform",),
    "kaiming_normal": ("he_normal",),
    "on_batch_begin": ("on_train_batch_begin",),
    "on_batch_end": ("on_train_batch_end",),
    "on_validation_begin": ("on_test_begin",),
    "on_validation_end": ("on_test_end",),
    "on_epoch_start": ("on_epoch_begin",),
    "on_train_start": ("on_train_begin",),
    "on_training_begin": ("on_train_begin",),
    "on_training_end": ("on_train_end",),
}
"""Other names of the same formula, or of the same moment of a fit."""

_FORMULAS = """
    celu crelu elu gelu glu geglu hardshrink hardsigmoid hardsilu hardswish hardtanh logsigmoid
    logsoftmax maxout mish prelu reglu relu relu6 rrelu selu sigmoid silu softmax softmin softplus
    softshrink softsign sparsemax sparseplus squareplus swiglu swish tanh tanhshrink
    acc mae mape mase mda mde mre mse msle nll nmae nmse nrmse rae rmse rmsle rse smape hinge huber
    kld logcosh poisson focal auc roc prc iou gini
    adabelief adabound adadelta adafactor adagrad adam adamax adamp adamw amsgrad asgd ftrl lamb
    lars lbfgs lion muon nadam nadamw nag qhadam radam rmsprop rprop sgd sgdm sgdr sgdw yogi
    lecunnormal lecununiform henormal heuniform glorotnormal glorotuniform
    l1 l2 l1l2 maxnorm minmaxnorm nonneg unitnorm clipnorm clipvalue globalclipnorm
    alpha beta gamma delta
    """
OTHER_FORMULAS = frozenset(_FORMULAS.split())
"""Names that mean a formula or a number of its own, without their marks: no slips of others."""

ABBREVIATED = 3
"""Letters with which a part may be abbreviated, and from which on one may be mistyped."""
LONG = 7
"""Letters of a part in which two may be mistyped."""
LONGEST = 100
"""Letters of a word that is compared at all: comparing takes time as the square of them."""


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return a suggestion to append to an error, or nothing.

    >>> did_you_mean("rleu", ["relu", "tanh"])
    ' Did you mean "relu"?'
    >>> did_you_mean("adma", ["adamax", "adam"])
    ' Did you mean "adam"?'
    >>> did_you_mean("val_split", ["validation_split", "validation_data"])
    ' Did you mean "validation_split"?'
    >>> did_you_mean("selu", ["elu", "relu"])
    ''
    >>> did_you_mean("bias_regularizer", ["kernel_regularizer"])
    ''
    """
    word, names = str(name).replace("×", "x"), list(dict.fromkeys(names))
    if len(word) > LONGEST:
        return ""
    for known in SAME_THING.get(word.lower(), ()):
        if known in names:
            return f' Did you mean "{known}"?'
    ranked: dict[tuple[float, bool], dict[str, str]] = {}
    for known in names:
        rank = _slip(word, known)
        if rank is not None:  # letters that changed places come first
            moved = sorted(_letters(word)) == sorted(_letters(known))
            ranked.setdefault((rank, not moved), {}).setdefault(_letters(known), known)
    if not ranked:
        return ""
    best = min(ranked)
    nearest = list(ranked[best].values())
    if len(nearest) > 1 and (best[0] >= SHORT_FOR or len(nearest) > 2):
        return ""  # short for several, or near to too many
    return " Did you mean " + " or ".join(f'"{known}"' for known in nearest) + "?"


SHORT_FOR = 10.0
"""The rank of an abbreviation, behind all that are mistyped."""


def _letters(word: str) -> str:
    """Return a word without case and marks: `MaxNorm` and `max_norm` are one."""
    return "".join(filter(str.isalnum, word.lower()))


def _parts(word: str) -> list[str]:
    """Return the parts of a word: those of `BatchNormalization` and of `batch_normalization`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
    return re.findall(r"[^\W\d_]+|\d+", apart)


def _slip(word: str, known: str) -> float | None:
    """Return how far a word is from a known one that it may be a slip of, or None."""
    written, meant = _letters(word), _letters(known)
    if written == meant:
        return 0.0
    if written in OTHER_FORMULAS or re.findall(r"\d+", word) != re.findall(r"\d+", known):
        return None  # `beta_1` is no slip of `beta_2`
    parts, wanted = _parts(word), _parts(known)
    if len(parts) == len(wanted):
        ranks = [_slip_of_piece(*pair) for pair in zip(parts, wanted, strict=True)]
        if None not in ranks:
            return sum(rank for rank in ranks if rank is not None)
    if len(parts) < len(wanted) and parts == wanted[: len(parts)] and len(parts) > 1:
        return SHORT_FOR + len(wanted) - len(parts)
    if len(parts) == len(wanted) and len(parts) > 1:
        return None  # a part is another word
    distance = _distance(written, meant)  # a mark may be missing, or too many, but no part
    shortest = min(map(len, [*parts, *wanted]), default=0)
    may_differ = min(_may_differ(min(len(written), len(meant))), shortest - 1)
    return distance + 0.5 if distance <= may_differ else None


def _slip_of_piece(piece: str, whole: str) -> float | None:
    """Return how far a part of a word is from the part that may be meant, or None."""
    distance = _distance(piece, whole)
    if distance <= _may_differ(min(len(piece), len(whole))):
        return float(distance)
    if len(piece) >= ABBREVIATED and whole.startswith(piece):
        return SHORT_FOR
    return None


def _may_differ(length: int) -> int:
    """Return how many letters of so many may be mistyped."""
    return 0 if length < ABBREVIATED else 1 if length < LONG else 2


def _distance(a: str, b: str) -> int:
    """Return how many letters are wrong, missing, too many or exchanged with their neighbour.

    Source: Damerau (1964), "A technique for computer detection and correction of spelling errors".
    """
    above, row = [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, above, row = above, row, [i]
        for j, other in enumerate(b, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                best = min(best, before[j - 2] + 1)
            row.append(best)
    return row[-1]
