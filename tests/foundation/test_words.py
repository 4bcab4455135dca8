"""Slips of the pen are put right, and no other formula is ever suggested."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.constraints import CONSTRAINTS
from minnet.foundation.words import did_you_mean
from minnet.initializers import INITIALIZERS
from minnet.layers import ACTIVATIONS, BatchNormalization, Dense, Dropout
from minnet.losses import LOSSES
from minnet.metrics import METRICS
from minnet.models import Sequential
from minnet.optimizers import OPTIMIZERS, SGD, Adam
from minnet.regularizers import REGULARIZERS

TABLES = {
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "loss": LOSSES,
    "metric": METRICS,
    "optimizer": OPTIMIZERS,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
}

OTHERS = {
    "activation": "celu glu prelu crelu rrelu hard_tanh hard_shrink log_softmax log_sigmoid "
    "softmin sparsemax squareplus tanh_shrink soft_shrink maxout selu_2",
    "initializer": "lecun_normal_2 xavier he glorot random truncated scaled_normal orthonormal_x",
    "loss": "msle mape nmse rmse huber hinge squared_hinge log_cosh kld poisson "
    "mean_squared_logarithmic_error mean_absolute_percentage_error binary_focal_crossentropy "
    "categorical_focal_crossentropy categorical_hinge cosine_similarity mean_bias_error",
    "metric": "f1_score fbeta_score rmse mape msle root_mean_squared_error precision_at_recall "
    "binary_iou mean_iou accuracy_at_k d2_score true_positive_rate false_discoveries",
    "optimizer": "adabelief adafactor amsgrad asgd ftrl lamb lars lion muon nadamw rprop sgdw",
    "regularizer": "l3 l0 l1_2 orthogonal group_l1",
    "constraint": "max_abs min_norm unit_sum radial_constraint",
}
"""Names of other formulas than minnet's."""


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in OTHERS.items() for name in names.split()]
)
def test_the_name_of_another_formula_gets_no_suggestion(kind, name):
    known = [word for word in TABLES[kind] if word != name]
    assert did_you_mean(name, known) == ""


@pytest.mark.parametrize("kind", TABLES)
def test_no_formula_is_suggested_for_another_that_minnet_has(kind):
    table = TABLES[kind]
    for name in table:
        others = [word for word in table if table[word] is not table[name]]
        suggested = re.findall('"(.*?)"', did_you_mean(name, others))
        same = [word for word in suggested if repr(table[word]()) == repr(table[name]())]
        assert [s for s in suggested if letters(s) != letters(name)] in ([], same), name


def letters(word):
    return word.replace("_", "").lower()


@pytest.mark.parametrize("kind", TABLES)
@given(data=st.data())
def test_a_slip_in_a_long_name_is_put_right(kind, data):
    """One letter left out, doubled, or exchanged with its neighbour."""
    long = [word for word in TABLES[kind] if max(map(len, word.split("_"))) >= 7]
    if not long:
        return
    word = data.draw(st.sampled_from(long))
    start = word.index(max(word.split("_"), key=len))
    i = start + data.draw(st.integers(1, len(max(word.split("_"), key=len)) - 2))
    slips = [word[:i] + word[i + 1 :], word[:i] + word[i] + word[i:]]
    slips += [word[:i] + word[i + 1] + word[i] + word[i + 2 :]]
    for slip in slips:
        if slip in TABLES[kind]:
            continue
        near = did_you_mean(slip, TABLES[kind])
        assert f'"{word}"' in near or letters(word) in letters(near), (slip, near)


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("AUC", ["acc", "auc"], "auc"),
        ("BinaryAccuracy", ["binary_accuracy"], "binary_accuracy"),
        ("L1L2", ["l1", "l2", "l1_l2"], "l1_l2"),
        ("clip_norm", ["global_clipnorm", "clipnorm"], "clipnorm"),
        ("val_data", ["validation_split", "validation_data"], "validation_data"),
        ("restore_best", ["restore_best_weights"], "restore_best_weights"),
        ("mie", ["mse", "mae"], 'mse" or "mae'),
        ("xavier_uniform", ["he_uniform", "glorot_uniform"], "glorot_uniform"),
        ("identity", ["linear"], "linear"),
        ("mnist-8×8", ["mnist-8x8"], "mnist-8x8"),
    ],
)
def test_the_same_thing_in_other_letters(name, known, answer):
    assert did_you_mean(name, known) == f' Did you mean "{answer}"?'


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("beta_1", ["beta_2"]),
        ("dense_7", ["dense_1", "dense_2"]),
        ("AUC", ["acc"]),
        ("clipnorm", ["global_clipnorm", "clipvalue"]),
        ("bias_regularizer", ["kernel_regularizer", "bias_constraint"]),
        ("weight_initializer", ["bias_initializer", "kernel_initializer"]),
        ("validation_freq", ["validation_data", "validation_split"]),
        ("clip", ["clipnorm", "clipvalue"]),
        ("noise_shape", ["input_shape"]),
        ("ema_momentum", ["momentum"]),
        ("val_loss", ["loss"]),
        ("", ["loss"]),
        ("…", ["loss"]),
    ],
)
def test_another_thing_gets_no_suggestion(name, known):
    assert did_you_mean(name, known) == ""


def built():
    model = Sequential([Dense(1, input_dim=2)], seed=0)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("call", "end"),
    [
        (lambda: Adam(amsgrad=True), "AMSGrad is another optimizer, and minnet has none."),
        (lambda: SGD(decay=1e-6), r"a schedule: InverseTimeDecay\(learning_rate, 1, decay\)."),
        (lambda: Dense(1, bias_regularizer="l2"), "Only W can be penalised, by kernel_regularizer"),
        (lambda: Dropout(0.5, noise_shape=(1, 2)), "Dropout drops each number for itself."),
        (lambda: BatchNormalization(axis=1), "It acts on the last axis."),
        (lambda: built().fit([[1, 2]], [1], validation_freq=2), "fit validates after every epoch."),
        (lambda: built().fit([[1, 2]], [1], steps_per_epoch=2), "fewer rows, or more epochs."),
        (lambda: built().compile("sgd", "mse", learning_rate=1), "It belongs to the optimizer"),
        (lambda: built().compile("sgd", "mse", weighted_metrics=["mae"]), "metrics=.Weighted"),
    ],
)
def test_keywords_of_keras_that_are_not_there_say_what_to_write(call, end):
    with pytest.raises(TypeError, match=end):
        call()


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("kernel", 'Did you mean "W"'),
        ("bias", 'Did you mean "b"'),
        ("frozen", "Set the opposite: trainable = False"),
        ("requires_grad", 'Did you mean "trainable"'),
    ],
)
def test_attributes_of_other_libraries_on_a_layer(name, end):
    with pytest.raises(AttributeError, match=end):
        setattr(Dense(1), name, True)


def test_a_models_learning_rate_belongs_to_its_optimizer():
    with pytest.raises(AttributeError, match=r"model\.optimizer\.learning_rate = …"):
        built().learning_rate = 0.1


def test_a_word_without_end_is_compared_with_nothing():
    assert did_you_mean("relu" * 100_000, ["relu"] * 1_000) == ""
