"""A loss of validation is computed of the data for validation."""

from __future__ import annotations

import pytest

from minnet.teaching.scripts import validated
from minnet.teaching.scripts.programs import Program

FILE = """
x_train, y_train, x_val, y_val = load()
for epoch in range(10):
    train_loss = mse(predict(w, x_train), y_train)
    {line}
"""


def test_a_validation_loss_of_the_data_for_training_is_named() -> None:
    line = "val_loss = mse(predict(w, x_train), y_train)"
    section = validated.verdict(Program(FILE.format(line=line)))
    assert section is not None
    text = str(section)
    assert "WRONG  val_loss: it is computed of the data for training, x_train, y_train" in text
    assert "`val_loss = mse(predict(w, x_val), y_val)` belongs there" in text
    line = "acc_val = evaluate(w, x_train, y_train)"
    assert "x_val, y_val" in str(validated.verdict(Program(FILE.format(line=line))))


@pytest.mark.parametrize(
    "line",
    [
        "val_loss = mse(predict(w, x_val), y_val)",
        "val_loss = mse(predict(w, x_train[val_rows]), y_train[val_rows])",
        "test_loss = mse(predict(w, x_train), y_train)",  # there is no x_test
        "value = mse(predict(w, x_train), y_train)",
        "val_loss = []",
    ],
)
def test_other_lines_are_no_fault(line: str) -> None:
    assert validated.verdict(Program(FILE.format(line=line))) is None
