"""What a fit says it moved and did not."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from minnet import Sequential
from minnet.callbacks import LambdaCallback
from minnet.layers import BatchNormalization, Dense
from minnet.training.receipts import digest

X, Y = np.random.default_rng(0).standard_normal((12, 4)), np.arange(12) % 3


def network() -> Sequential:
    model = Sequential(
        [
            Dense(5, input_dim=4, name="low"),
            BatchNormalization(name="norm"),
            Dense(3, activation="softmax", name="head"),
        ],
        seed=0,
    )
    model.compile("adam", "cross_entropy")
    return model


def test_what_is_frozen_is_proved_by_its_hash_and_the_rest_shown_by_its_way() -> None:
    model = network()
    model.freeze(["low", "norm"])
    old = model.get_layer("head").get_weights()
    receipt = model.fit(X, Y, epochs=2, verbose=0).receipt
    assert receipt is not None
    low, norm, head = receipt.layers
    assert low.same
    assert norm.same
    expected = hashlib.sha256(model.layers[0].W.tobytes() + model.layers[0].b.tobytes()).hexdigest()
    assert low.after == digest(model.layers[0]) == expected
    new = model.get_layer("head").get_weights()
    gap = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(new, old, strict=True)))
    assert np.isclose(head.change, gap / np.sqrt(sum((a**2).sum() for a in old)))
    assert not head.same
    assert "same bits, SHA-256" in str(receipt)
    assert "moved by" in str(receipt)
    assert "<table>" in receipt._repr_html_()


def test_a_frozen_layer_that_was_changed_by_hand_is_not_called_the_same() -> None:
    model = network()
    model.freeze("low")
    meddle = LambdaCallback(on_epoch_end=lambda e, logs: setattr(model.layers[0], "b", [9.0] * 5))
    receipt = model.fit(X, Y, verbose=0, callbacks=[meddle]).receipt
    assert receipt is not None
    assert not receipt.layers[0].same
    assert receipt.layers[0].change > 0


def test_a_layer_that_could_have_moved_and_did_not_is_told_from_a_frozen_one() -> None:
    receipt = network().fit(X, Y, verbose=0, learning_rate=0.0).receipt
    assert receipt is not None
    assert receipt.layers[0].trainable
    assert receipt.layers[0].change == 0
    assert "did not move" in str(receipt)


def test_there_is_a_receipt_however_the_training_ended() -> None:
    model = network()

    def stop(batch: int, logs: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=stop)])
    assert model.history is not None
    assert model.history.receipt is not None
    assert model.history.receipt.layers[0].change > 0
