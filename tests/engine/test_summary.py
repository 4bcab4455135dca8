"""What the summary says: counts, what is frozen, what is new, and which came from where."""

from __future__ import annotations

import numpy as np

import minnet
from minnet.layers import BatchNormalization, Dense, Dropout, Flatten
from minnet.models import Sequential


def text(model):
    lines = []
    model.summary(print_fn=lines.append)
    assert len(lines) == 1
    return lines[0]


def base():
    return Sequential(
        [
            Flatten(input_shape=(28, 28)),
            Dense(32, "relu"),
            BatchNormalization(),
            Dropout(0.2),
            Dense(10, "softmax"),
        ],
        seed=0,
        name="mnist",
    )


def test_the_summary_of_a_transfer():
    model = base().replace_head(Dense(5, "softmax"), seed=0)
    model.freeze("all_but_head")
    assert text(model) == "\n".join(
        [
            "Model 'mnist'",
            "layer                  kind                output    parameters  training   "
            "weights from",
            "─────────────────────  ──────────────────  ────────  ──────────  ─────────  "
            "─────────────",
            "flatten_1              Flatten             (N, 784)           0  frozen",
            "dense_1                Dense, ReLU         (N, 32)       25,120  frozen     "
            "copy of mnist",
            "batch_normalization_1  BatchNormalization  (N, 32)          128  frozen     "
            "copy of mnist",
            "dropout_1              Dropout             (N, 32)            0  frozen",
            "head                   Dense, Softmax      (N, 5)           165  trainable  new",
            "25,413 parameters: 165 trainable, 25,184 frozen, 64 running statistics",
            "Frozen layers run in inference mode: no dropout, fixed running statistics.",
        ]
    )


def test_the_counts_add_up():
    model = base()
    assert model.count_params() == 784 * 32 + 32 + 4 * 32 + 32 * 10 + 10
    assert "25,578 parameters: 25,514 trainable, 0 frozen, 64 running statistics" in text(model)
    model.freeze("batch_normalization_1")
    assert "25,578 parameters: 25,450 trainable, 64 frozen, 64 running statistics" in text(model)


def test_a_model_without_statistics_does_not_speak_of_them():
    model = Sequential([Dense(3, input_dim=2), Dense(1)])
    assert text(model).endswith("\n13 parameters: 13 trainable, 0 frozen")
    model.freeze(0)
    assert text(model).endswith("\n13 parameters: 4 trainable, 9 frozen")


def test_layers_without_weights_are_neither_new_nor_trainable():
    lines = text(Sequential([Flatten(input_shape=(2,)), Dense(1)])).split("\n")
    assert lines[3].split() == ["flatten_1", "Flatten", "(N,", "2)", "0"]
    assert lines[4].split()[-2:] == ["trainable", "new"]


def test_what_is_not_built_is_not_counted():
    model = Sequential([Dense(3), Dropout(0.5), Dense(2, "tanh")])
    model.freeze("dense_2")
    lines = text(model).split("\n")
    assert lines[3].split() == ["dense_1", "Dense", "not", "built", "?", "trainable"]
    assert lines[4].split() == ["dropout_1", "Dropout", "not", "built", "0"]
    assert lines[5].split()[-3:] == ["built", "?", "frozen"]
    assert lines[6] == (
        "Not built, so not counted: build((784,)) or data tells the shape of the input."
    )
    assert len(lines) == 7
    model.build(4)
    assert "not built" not in text(model).lower()


def test_a_model_without_layers_has_a_summary():
    assert text(Sequential(name="none")).startswith("Model 'none'\nlayer")


def test_where_weights_came_from(tmp_path):
    model = base()
    model.save_weights(tmp_path / "weights.npz")
    model.load_weights(tmp_path / "weights.npz")
    assert text(model).count("weights.npz") == 3
    top = Sequential([*model.layers[:-1], Dense(3)])
    assert text(top).count("weights.npz") == 2
    popped = model.pop()
    assert "weights.npz" in text(Sequential([popped]))


def test_a_loaded_summary_says_the_same(tmp_path):
    model = base().replace_head(Dense(5), seed=0)
    model.freeze("dense_1")
    model.save(tmp_path / "model.npz")
    assert text(minnet.load(tmp_path / "model.npz")) == text(model)


def test_a_shipped_model_says_where_it_came_from():
    model = minnet.load_pretrained("mnist-8x8")
    assert "mnist-8x8" in text(model)


def test_a_reset_model_is_new():
    model = Sequential(base().layers, seed=1)
    assert "copy of mnist" in text(model)
    model.reset()
    assert "copy of" not in text(model)


def test_summary_prints(capsys):
    model = Sequential([Dense(1, input_dim=1)])
    assert model.summary() is None
    assert capsys.readouterr().out == text(model) + "\n"


def test_html_has_every_cell_and_escapes_names():
    model = base()
    model.name = "<script>alert('&')</script>"
    model.layers[1].__dict__["name"] = "<b>"
    html = model._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;" in html
    for part in ("25,120", "Dense, ReLU", "(N, 784)", "running statistics"):
        assert part in html
    assert html.count("<tr>") == 6


def test_a_students_own_layer_is_shown_by_its_class():
    class Halve(Flatten):
        pass

    assert "Halve" in text(Sequential([Halve(input_shape=(2, 2)), Dense(1)]))
    assert np.isfinite(Sequential([Halve(input_shape=(2, 2))]).predict(np.ones((1, 2, 2)))).all()
