"""What a player may look at: the mistake itself, and never its name."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from minnet.course.zoo import ZOO, gradient_mistakes
from minnet.course.zoo.game import bar_chart, train
from minnet.course.zoo.showing import code, hidden, look, weights

CLASSES = [
    name
    for name, kind in vars(gradient_mistakes).items()
    if inspect.isclass(kind) and kind.__module__ == gradient_mistakes.__name__
]


@pytest.mark.parametrize("name", ZOO)
def test_the_code_is_shown_and_not_the_name_of_the_class(name) -> None:
    case = ZOO[name].plant(2)
    symptoms = train(case, np.random.default_rng(0))
    shown = code(case)
    assert shown
    text = shown + hidden(symptoms.trained + bar_chart(symptoms), case)
    for forbidden in (*CLASSES, name):
        assert forbidden not in text


def test_the_wrong_line_itself_is_there_without_types_and_docstring() -> None:
    assert code(ZOO["relu-mask-of-dy"].plant(0)) == (
        "# your own ReLU\n"
        "def backward(self, x, y, dy, memo=None):\n"
        "    dx = dy * (dy > 0)\n"
        "    return dx"
    )
    assert "self.l2 * weights" in code(ZOO["half-the-penalty"].plant(0))
    assert "2 * x.T @ (x @ w - y)" in code(ZOO["least-squares"].plant(0))


def test_settings_are_shown_as_the_program_that_made_them() -> None:
    shown = code(ZOO["class-by-class"].plant(0))
    assert "SGD(learning_rate=0.1)" in shown
    assert "model.fit(x, y, shuffle=False)" in shown
    assert "Constant(value=-10.0)" in code(ZOO["dead-on-arrival"].plant(0))
    assert "# trainable = False" in code(ZOO["frozen-whole"].plant(0))


def test_x_y_and_the_weights_can_be_looked_at() -> None:
    case = ZOO["metres-and-millimetres"].plant(0)
    assert "largest by column: " in look("x", case.x)
    assert "how often each: 0: 100, 1: 100, 2: 100" in look("y", case.y)
    assert "from 0 to nan" not in look("x", np.array([[1.0, np.nan]]))
    assert weights(ZOO["confident-from-the-start"].plant(0).target).count("size") == 4
    assert "no model" in weights(np.tanh)
