"""What a class below `Sequential` may not override, since every step uses it as it is."""

from __future__ import annotations

import inspect
from typing import Any

from minnet.foundation.checks import short
from minnet.foundation.strict import check_called, is_minnets

NOT_OVERRIDDEN = {
    **dict.fromkeys(
        ("forward", "backward", "run"), "Write a Layer with formulas of its own, and add it."
    ),
    "penalty": "Write a Regularizer, and give it to a layer.",
    "train_on_batch": "Override loss_and_gradient or apply_gradient.",
    **dict.fromkeys(("run_batch", "checked_data", "plan"), "Override loss_and_gradient."),
    **dict.fromkeys(("run_update", "update_groups"), "Override apply_gradient."),
    **dict.fromkeys(
        ("compiled", "is_compiled", "train_as", "optimizer", "loss", "metrics", "updates"),
        "Override compile.",
    ),
    **dict.fromkeys(("built", "built_for", "input_shape", "output_shape"), "Override build."),
    **dict.fromkeys(
        ("require_built", "require_trainable", "training_alone", "refuse_in_fit"), "Override fit."
    ),
    "add_all": "Override add.",
    "trainable": "Override freeze and unfreeze.",
    "named_arrays": "Write a Layer with weights of its own, and add it.",
    **dict.fromkeys(
        ("layers", "steps", "theta", "grad", "state", "outputs"), "Give it another name."
    ),
}
"""What every step and every fit uses and no class below `Sequential` overrides → what to do."""

NOT_CALLED = {
    **dict.fromkeys(("train_step", "compute_loss"), "Override loss_and_gradient."),
    **dict.fromkeys(("test_step", "predict_step"), "Override evaluate or predict, with super()."),
    "call": "Write a Layer with formulas of its own, and add it.",
}
"""What a class below Keras' model overrides, and no fit of minnet's calls → what to do."""


def check_class(cls: Any, base: Any) -> None:
    """Refuse a class that overrides what a training step uses as it is.

    minnet's own classes may: those behind a door put another tool's words before the same steps.

    Parameters
    ----------
    cls, base
        The class that is being made, and `Sequential`.
    """
    if is_minnets(cls):
        return
    base = next(above for above in cls.__mro__ if is_minnets(above))
    for name, instead in NOT_OVERRIDDEN.items():
        if getattr(cls, name) is not getattr(base, name):
            raise TypeError(
                f"A class below {base.__name__} takes what a training step uses as it is. Got "
                f"{cls.__name__}.{name}. {instead}"
            )
    check_called(cls, base.not_called)
    try:
        inspect.signature(cls.loss_and_gradient).bind(cls, [], [], None)
    except TypeError as error:
        raise TypeError(
            f"{cls.__name__}.loss_and_gradient takes (self, x, y, sample_weight=None, *, "
            f"seed=None), as {base.__name__}'s. Got another signature: {error}. Take these."
        ) from None


def check_set(model: Any, name: str, value: Any) -> None:
    """Refuse to put something else in the place of such a method of one object."""
    if name in NOT_OVERRIDDEN and (callable(value) or callable(getattr(type(model), name))):
        raise AttributeError(
            f"{type(model).__name__}'s {name} is the same for every caller. Got {short(value)}. "
            f"{NOT_OVERRIDDEN[name]}"
        )
