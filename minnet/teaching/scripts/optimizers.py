"""Update rules that stand alone in a file, driven over a few steps to see what they do."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts import rules
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.inputs import arguments_of, returned_names
from minnet.teaching.scripts.programs import Program, define
from minnet.teaching.scripts.values import slots

STEPS = 5

RULE = r"moment|adam|rms|adagrad|nesterov|sgd|optimi[sz]|update"
METHOD = r"^(step|update\w*|apply\w*|optimi[sz]e|__call__|minimi[sz]e)$"
PARAMS = r"(params?|parameters|weights|w|theta|x|p|var|variables|model)"
GRADS = r"(grads?|gradients?|dw|g|d_?theta|dx|grad_\w+|d_?params|gradient)"
STATE = r"(v|s|m|h|vel|velocity|cache|moment\w*|mom|sq\w*|ms|r|grad_squared|state)"

Forms = list[tuple[Callable[[Array, Array], Any], Callable[[Array, Array], Any]]]

FORMS: Forms = [
    (lambda w, b: {"W1": w, "b1": b}, lambda w, b: {"W1": w, "b1": b}),
    (lambda w, b: {"W1": w, "b1": b}, lambda w, b: {"dW1": w, "db1": b}),
    (lambda w, b: [w, b], lambda w, b: [w, b]),
    (lambda w, b: w, lambda w, b: w),
]


def verdicts(
    program: Program, names: Sequence[str] = ()
) -> Iterator[tuple[str, str, BlockFinding | None]]:
    """For each rule of the file: where it is, what it is, and what is wrong with it."""
    made = define(program.definitions())
    numbers = [
        float(node.value)
        for node in ast.walk(program.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    for statement in program.tree.body:
        if isinstance(statement, ast.ClassDef) and (not names or statement.name in names):
            methods = {s.name: s for s in statement.body if isinstance(s, ast.FunctionDef)}
            step = next((m for m in methods if re.match(METHOD, m)), None)
            if step is None or "forward" in methods or "backward" in methods:
                continue
            yield from _verdict(
                f"{statement.name}.{step}",
                statement.name,
                numbers,
                (_object(made, statement, methods, step, form) for form in FORMS),
            )
        elif isinstance(statement, ast.FunctionDef) and (not names or statement.name in names):
            if not re.search(RULE, statement.name, re.I):
                continue
            yield from _verdict(
                statement.name,
                statement.name,
                numbers,
                (_function(made, statement, form) for form in FORMS),
            )


Driven = tuple[list[Array], list[Array], bool]


def _verdict(
    where: str, name: str, numbers: list[float], ways: Iterator[Driven | None]
) -> Iterator[tuple[str, str, BlockFinding | None]]:
    for driven in ways:
        if driven is None:
            continue
        moves, gradients, remembers = driven
        verdict = rules.judge(moves, gradients, [*numbers, 0.9, 0.99, 0.05], name, remembers)
        if verdict is not None:
            rule, finding = verdict
            yield where, rule, finding
            return
        if re.search("adam|moment|rms|adagrad|nesterov", name, re.I):
            yield (
                where,
                name,
                BlockFinding(
                    "wrong",
                    "its steps are those of no formula that is known for such a rule, with the "
                    "numbers that stand in the code. Hold it to its formula line by line.",
                ),
            )
            return


def _start() -> tuple[Array, Array, np.random.Generator]:
    rng = np.random.default_rng(8)
    return rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), rng


def _value(name: str, t: int) -> Any:
    """A hyper-parameter by its name."""
    table = [
        (r"lr|learning_?rate|alpha|eta|step_?size|rate", 0.05),
        (r"beta_?1|b1|momentum|mu|beta|gamma|decay_?1", 0.9),
        (r"beta_?2|b2|rho|decay(_?rate)?|decay_?2", 0.99),
        (r"eps(ilon)?", 1e-8),
        (r"t|step|it\w*|i|epoch|k", t),
        (r"weight_?decay|wd|reg|lam\w*", 0.0),
    ]
    return next((v for pattern, v in table if re.fullmatch(pattern, name.lower())), None)


def _drive(
    call: Callable[[Any, Any, int], Any], form: tuple[Any, Any], owner: Any = None
) -> Driven | None:
    w, b, rng = _start()
    make, make_gradient = form
    params = make(w.copy(), b.copy())
    moves, gradients = [], []
    for t in range(1, STEPS + 1):
        before = _first(params).copy()
        gradient, other = rng.normal(size=w.shape), rng.normal(size=b.shape)
        try:
            with np.errstate(all="ignore"):
                result = call(params, make_gradient(gradient.copy(), other.copy()), t)
        except Exception:  # it takes them in another form
            return None
        for candidate in result if isinstance(result, tuple) else (result,):
            if type(candidate) is type(params) and _like(candidate, params):
                if not _same(candidate, before) or _same(params, before):
                    params = candidate
                break
        after = _first(params)
        if after.shape != w.shape:
            return None
        moves.append(before - after)
        gradients.append(gradient)
    if not any(np.any(m) for m in moves):
        return None
    return moves, gradients, False


def _like(candidate: Any, params: Any) -> bool:
    if isinstance(candidate, np.ndarray):
        return bool(candidate.shape == params.shape)
    return len(candidate) == len(params) and bool(
        np.shape(_first(candidate)) == _first(params).shape
    )


def _same(params: Any, before: Array) -> bool:
    return bool(np.array_equal(_first(params), before, equal_nan=True))


def _first(params: Any) -> Array:
    if isinstance(params, dict):
        params = next(iter(params.values()), np.zeros(0))
    elif isinstance(params, (list, tuple)):
        params = params[0] if params else np.zeros(0)
    return np.asarray(params, float) if not isinstance(params, np.ndarray) else params


def _object(
    made: dict[str, Any],
    cls: ast.ClassDef,
    methods: dict[str, Any],
    step: str,
    form: tuple[Any, Any],
) -> Driven | None:
    w, b, _ = _start()
    held = None
    given = []
    for argument in arguments_of(methods["__init__"]) if "__init__" in methods else []:
        if re.fullmatch(PARAMS, argument.lower()):
            held = form[0](w.copy(), b.copy())
            given.append(held)
        else:
            value = _value(argument, 1)
            if value is None:
                return None
            given.append(value)
    try:
        one = made[cls.name](*given)
    except Exception:  # it is made in another way
        return None
    arguments = arguments_of(methods[step])

    def call(params: Any, grads: Any, t: int, owner: Any = one) -> Any:
        values = []
        for argument in arguments:
            if re.fullmatch(GRADS, argument.lower()):
                values.append(grads)
            elif re.fullmatch(PARAMS, argument.lower()):
                values.append(params)
            else:
                value = _value(argument, t)
                if value is None:
                    raise TypeError(argument)
                values.append(value)
        return getattr(owner, step)(*values)

    if held is not None and not any(re.fullmatch(PARAMS, a.lower()) for a in arguments):
        form = (lambda w, b: held, form[1])
    driven = _drive(call, form)
    if driven is None:
        return None
    return driven[0], driven[1], _remembers(one, held, form, call)


def _remembers(one: Any, held: Any, form: tuple[Any, Any], call: Callable[..., Any]) -> bool:
    """Whether an object keeps something of the gradients, or its step goes by what it keeps.

    Arrays that lie there unused are no memory, nor what is multiplied by a factor of 0.
    """
    w, b, rng = _start()
    params, grads = form[0](w, b), form[1](rng.normal(size=w.shape), rng.normal(size=b.shape))

    def after_step(path: str, content: Any) -> tuple[Array, Array]:
        """The weights and the array at a path after a step that it began with some content."""
        own, weights, kept = copy.deepcopy((one, params, held))
        slot = next(s for s in slots({"one": own}) if s.path == path)
        slot.value[...] = content
        weights = weights if held is None else kept
        result = call(weights, copy.deepcopy(grads), STEPS + 1, own)
        for candidate in result if isinstance(result, tuple) else (result,):
            if type(candidate) is type(weights) and _like(candidate, weights):
                weights = candidate
                break
        end = next((s.value for s in slots({"one": own}) if s.path == path), np.zeros(0))
        return _first(weights), np.asarray(end, float)

    own_weights = {id(slot.value) for slot in slots({"held": held})} if held is not None else set()
    for slot in slots({"one": one}):
        value = slot.value
        if not isinstance(value, np.ndarray) or value.shape != w.shape or id(value) in own_weights:
            continue
        try:
            with np.errstate(all="ignore"):
                here, there = (after_step(slot.path, c) for c in (value, 1.1 * value + 0.01))
                lost = after_step(slot.path, np.nan)
        except Exception:  # noqa: S112 - it takes no other content
            continue
        if not np.array_equal(here[0], there[0], equal_nan=True):
            return True  # it is read, and not kept
        unused = not np.any(value)
        faded = np.array_equal(here[1], there[1], equal_nan=True) and np.isnan(lost[1]).any()
        if not unused and not faded:
            return True
    return False


def _function(
    made: dict[str, Any], function: ast.FunctionDef, form: tuple[Any, Any]
) -> Driven | None:
    w, b, _ = _start()
    arguments = [a.arg for a in function.args.args]
    needed = arguments_of(function)
    results = returned_names(function)
    zeros = form[1](np.zeros_like(w), np.zeros_like(b))
    states: dict[str, Any] = {}
    for argument in arguments:
        if re.fullmatch(STATE, argument.lower()):
            states[argument] = copy.deepcopy(zeros)
        elif argument == "config":
            states[argument] = {}
    roles = {a: "params" for a in needed if re.fullmatch(PARAMS, a.lower()) and a not in states}
    if not roles or not any(re.fullmatch(GRADS, a.lower()) for a in needed):
        return None

    def call(params: Any, grads: Any, t: int) -> Any:
        values = {}
        for argument in arguments:
            if argument in states:
                values[argument] = states[argument]
            elif argument in roles:
                values[argument] = params
            elif re.fullmatch(GRADS, argument.lower()):
                values[argument] = grads
            elif argument in needed or argument == "t":
                value = _value(argument, t)
                if value is None:
                    raise TypeError(argument)
                values[argument] = value
        result = made[function.name](**values)
        given = result if isinstance(result, tuple) else (result,)
        for name, value in zip(results, given, strict=False):
            if name in states:
                states[name] = value
        if not states.keys() & set(results) and len(given) == 1 + len(states):
            states.update(zip(states, given[1:], strict=True))  # by names of their own
        if isinstance(result, tuple) and "config" in states:
            states["config"] = result[-1]
        return result

    driven = _drive(call, form)
    kept = any(isinstance(slot.value, np.ndarray) for slot in slots(states))
    return None if driven is None else (driven[0], driven[1], kept)
