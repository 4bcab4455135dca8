"""The teaching tools' public names."""

from __future__ import annotations

import minnet
from minnet import teaching


def test_the_tools_are_where_users_look_for_them():
    for name in teaching.__all__:
        assert hasattr(teaching, name)
    assert minnet.check_gradients is teaching.check_gradients
