"""What the tests of pictures share: no window opens, and no figure is left over."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from tests.browser import chromium, opened


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """A call of show fails, and no figure is left open."""

    def show(*args, **kwargs):
        raise AssertionError("show was called")

    monkeypatch.setattr(plt, "show", show)
    plt.close("all")
    yield
    plt.close("all")


__all__ = ["chromium", "no_window", "opened"]
