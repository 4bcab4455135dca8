"""Update rules from their steps alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.teaching.scripts.optimizers import verdicts
from minnet.teaching.scripts.programs import Program
from minnet.teaching.scripts.rules import RIGHT, WRONG, Rule, directions, judge

NUMBERS = [0.9, 0.99, 1e-8, 0.05]


def steps(rule: Rule, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The moves and the gradients of five steps by a rule."""
    rng = np.random.default_rng(seed)
    gradients = [rng.normal(size=(3, 2)) for _ in range(5)]
    with np.errstate(all="ignore"):
        return [0.05 * u for u in directions(rule, gradients, 0.9, 0.99, 1e-8)], gradients


@given(st.sampled_from(RIGHT), st.integers(0, 1000))
def test_right_rules_are_right(rule: Rule, seed: int) -> None:
    moves, gradients = steps(rule, seed)
    verdict = judge(moves, gradients, NUMBERS)
    assert verdict is not None
    assert verdict[1] is None


@pytest.mark.parametrize("rule", WRONG, ids=lambda rule: f"{rule.name}: {rule.words[:40]}")
def test_one_mistake_is_wrong(rule: Rule) -> None:
    moves, gradients = steps(rule, 0)
    verdict = judge(moves, gradients, NUMBERS, name=rule.name, remembers=True)
    assert verdict is not None
    # without ε nothing changes here, and a v of before is a momentum of another size
    if not rule.no_epsilon:
        assert verdict[1] is not None, verdict


@given(st.sampled_from(RIGHT), st.integers(0, 1000))
def test_a_step_uphill_is_wrong(rule: Rule, seed: int) -> None:
    moves, gradients = steps(rule, seed)
    verdict = judge([-move for move in moves], gradients, NUMBERS)
    assert verdict is not None
    assert verdict[1] is not None
    assert verdict[1].kind == "sign"


ADAM = """
import numpy as np

class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t, self.m, self.v = 0, {}, {}

    def step(self, params, grads):
        for k in params:
            self.t += 1
            g = grads[k]
            self.m[k] = self.beta1 * self.m.get(k, 0.0) + (1 - self.beta1) * g
            self.v[k] = self.beta2 * self.v.get(k, 0.0) + (1 - self.beta2) * g**2
            m = self.m[k] / (1 - self.beta1**self.t)
            v = self.v[k] / (1 - self.beta2**self.t)
            params[k] -= self.lr * m / (np.sqrt(v) + self.eps)
"""


ONCE = ADAM.replace("            self.t += 1\n", "").replace(
    "        for k", "        self.t += 1\n        for k"
)


def test_a_count_of_steps_that_goes_up_with_each_weight_is_named() -> None:
    ((_, rule, finding),) = verdicts(Program(ONCE))
    assert (rule, finding) == ("Adam", None)
    ((where, _, finding),) = verdicts(Program(ADAM))
    assert where == "Adam.step"
    assert finding is not None
    assert "t is counted up once for each weight" in finding.text


@pytest.mark.parametrize("names", ["m", "v", "m and v"])
def test_means_that_are_overwritten_with_their_correction_are_named(names: str) -> None:
    source = ONCE
    for name in names.split(" and "):
        source = source.replace(f"            {name} = ", f"            {name} = self.{name}[k] = ")
    ((_, _, finding),) = verdicts(Program(source))
    assert finding is not None
    assert f"the bias correction overwrites {names}, and so" in finding.text


@pytest.mark.parametrize("updates", [3, 5])
def test_a_count_of_steps_that_goes_up_once_in_some_updates_is_named(updates: int) -> None:
    source = ONCE.replace("self.t += 1", "self.n += 1").replace(
        "{}, {}", "{}, {}\n        self.n = 0"
    )
    source = source.replace("**self.t", f"**(1 + (self.n - 1) // {updates})")
    ((_, _, finding),) = verdicts(Program(source))
    assert finding is not None
    assert "an epoch" in finding.text


NESTEROV = """
def nesterov(params, grads, state, lr=0.02, mu=0.9):
    new_params, new_state = {}, {}
    for k in params:
        before = state[k]
        new_state[k] = mu * before - lr * grads[k]
        new_params[k] = params[k] - mu * before + (1 + mu) * new_state[k]
    return new_params, new_state
"""


def test_a_state_that_a_function_gives_under_another_name_is_handed_on() -> None:
    ((_, rule, finding),) = verdicts(Program(NESTEROV))
    assert (rule, finding) == ("Nesterov", None)
