"""XOR with two units: some networks learn it, and some do not."""

from __future__ import annotations

import numpy as np
import pytest

from minnet.course.reproductions import REPRODUCTIONS, xor


@pytest.mark.parametrize("setup", xor.SETUPS)
def test_some_networks_learn_it_and_some_do_not(setup):
    said = []
    found = xor.count(setup, 0, said.append, networks=8, steps=300)
    assert 1 <= found <= 7
    assert said[-1] == f"{setup}: {found} of 8 networks have learned XOR"


def test_learned_means_that_all_four_are_right(monkeypatch):
    outputs = {
        "0 and 1, sigmoid, cross-entropy": ([0.4, 0.6, 0.6, 0.4], [0.4, 0.6, 0.6, 0.6]),
        "±1, tanh, squared error": ([-0.1, 0.1, 0.1, -0.1], [-0.1, 0.1, 0.1, 0.1]),
    }
    for setup, (right, three) in outputs.items():
        for output, wanted in ((right, True), (three, False)):
            monkeypatch.setattr(
                xor.Sequential, "predict", lambda self, x, p=output: np.array(p)[:, None]
            )
            assert xor.learned(setup, np.random.default_rng(0), steps=1) is wanted


def test_each_seed_counts_other_networks():
    seen = []

    def learned(setup, rng, steps):
        seen.append(rng.random())
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xor, "learned", learned)
        for seed in (0, 1):
            run = REPRODUCTIONS["xor"].run(seed, None, str)
            assert run.values == dict.fromkeys(xor.SETUPS, 40.0)
    assert len(set(seen[:40])) == 40
    assert set(seen[:40]).isdisjoint(seen[80:])
