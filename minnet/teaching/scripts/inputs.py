"""Small inputs for a student's functions, and the calls that make a gradient of them.

Where a file has functions only, or a loop that cannot be run, its functions are called in the order
in which they belong together: make the weights, forward, loss, backward. What a function is handed
is found by the name of its argument: what an earlier one returned under that name, or something
small that is made for it. Samples are rows or columns, targets labels or rows of 0 and 1: each way
is tried, and the one that runs is taken.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.teaching.scripts.analysis import analyse
from minnet.teaching.scripts.blocks import Analysis, proportional
from minnet.teaching.scripts.making import (
    CONVENTIONS,
    IMAGES,
    SLIDING,
    Convention,
    D,
    Maker,
    N,
    ways_of,
)
from minnet.teaching.scripts.names import likeness, plain
from minnet.teaching.scripts.programs import Program, define
from minnet.teaching.scripts.replays import Unit
from minnet.teaching.scripts.running import execute


@dataclass
class CallTrial:
    """Calls that belong together, the variables that they begin with, and their gradients."""

    title: str
    lines: list[str]
    variables: dict[str, Any]
    targets: dict[str, str] | None = None


def arguments_of(function: ast.FunctionDef) -> list[str]:
    """The arguments that have to be given."""
    names = [a.arg for a in function.args.args if a.arg != "self"]
    defaults = len(function.args.defaults)
    return names[: len(names) - defaults] if defaults else names


def returned_names(function: ast.FunctionDef) -> list[str]:
    """The names under which a function returns its results, "" where it has none."""
    for node in reversed(list(_own_nodes(function))):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            return [getattr(p, "id", getattr(p, "attr", "")) for p in parts]
    return []


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    yield from ast.walk(function)


FORWARD = r"forward|feed_?forward|fprop|predict|hypothesis|propagate"
BACKWARD = (
    r"back(ward|prop(agat\w*|agation)?|pass)?|bprop|compute_?grad\w*|gradients?|calc\w*_?grad\w*"
)
LOSS = r"loss|cost|objective|error|nll|cross_?entropy|mse|j"
INIT = r"init"


class Caller:
    """Writes calls whose arguments are known by name."""

    def __init__(self, program: Program, convention: Convention) -> None:
        self.program, self.make = program, Maker(convention)
        self.variables: dict[str, Any] = {}
        self.known: dict[str, None] = {}  # names that exist when the next line is run
        self.lines: list[str] = []

    def value(self, argument: str) -> str | None:
        """An expression for an argument, or None."""
        if argument in self.known:
            return argument
        for name in self.known:
            if plain(name) == plain(argument):
                return name
        for group in (
            ("parameters", "params", "model", "weights", "theta"),
            ("cache", "caches", "memory", "store"),
            (
                "a2",
                "al",
                "yhat",
                "ypred",
                "probs",
                "out",
                "output",
                "p",
                "predictions",
                "pred",
                "scores",
                "h",
                "a",
            ),
            ("grads", "gradients"),
        ):
            if plain(argument) in group:
                for name in self.known:
                    if plain(name) in group:
                        return name
        made = self.make(argument)
        if made is None:
            return None
        self.variables[argument] = made
        self.known[argument] = None
        return argument

    def call(self, name: str, function: ast.FunctionDef, prefix: str = "") -> bool:
        """Add a call; whether all of its arguments are known."""
        texts = []
        for argument in arguments_of(function):
            text = self.value(argument)
            if text is None:
                return False
            texts.append(text)
        results = returned_names(function)
        targets = [r or f"{name.split('.')[-1]}_{i}" for i, r in enumerate(results)]
        targets = [t if t not in self.variables else f"{t}_out" for t in targets]
        left = ", ".join(targets)
        text = f"{prefix}{name.split('.')[-1]}({', '.join(texts)})"
        self.lines.append(f"{left} = {text}" if targets else text)
        for target in targets:
            self.known[target] = None
        return True


def trials(program: Program, names: Sequence[str] = ()) -> Iterator[list[CallTrial]]:
    """Groups of trials; of each group the best is taken."""
    functions = {
        n: f
        for n, f in program.functions().items()
        if "." not in n and isinstance(f, ast.FunctionDef)
    }
    wanted = {n: f for n, f in functions.items() if not names or n in names}
    used: set[str] = set()
    for forward, backward in _pairs(functions):
        if names and not {forward, backward} & set(names):
            continue
        ways = [*(IMAGES if re.search(SLIDING, forward, re.I) else []), *_ways()]
        ways += [Convention(norm=True)] if "norm" in forward.lower() else []
        group = [t for way in ways for t in _with_cache(functions, forward, backward, way)]
        used |= {forward, backward}
        yield group
    for name, function in wanted.items():
        likely = name not in used and re.search(rf"{LOSS}|grad|fn|func|step|net", name, re.I)
        if likely and len(returned_names(function)) > 1 and arguments_of(function):
            yield [t for way in CONVENTIONS for t in _with_gradient(program, name, function, way)]
    if not names or set(names) & set(functions):
        yield [t for way in CONVENTIONS for t in _chain(program, functions, way)]
    for name, function in wanted.items():
        for other in functions:
            if _is_derivative_of(other, name):
                yield [
                    t
                    for way in CONVENTIONS
                    for t in _two(program, name, function, other, functions[other], way)
                ]
    for cls in [s for s in program.tree.body if isinstance(s, ast.ClassDef)]:
        if not names or cls.name in names:
            yield [t for way in ways_of(cls.name) for t in _of_class(program, cls, way)]


def _ways() -> list[Convention]:
    return [
        Convention(),
        Convention(bias="row"),
        Convention(columns=True, bias="column"),
        Convention(target="one-hot"),
        Convention(columns=True, bias="flat"),
        Convention(square=True),
        Convention(columns=True, bias="column", square=True),
    ]


def _pairs(functions: Mapping[str, ast.FunctionDef]) -> list[tuple[str, str]]:
    pairs = []
    for name in functions:
        if "forward" in name.lower():
            for other in functions:
                if other.lower() == name.lower().replace("forward", "backward"):
                    count = len(arguments_of(functions[other]))
                    first = arguments_of(functions[other])[:1]
                    if count in (1, 2) and first and re.match(r"d|grad|up", first[0]):
                        pairs.append((name, other))
    return pairs


def _with_cache(
    functions: Mapping[str, ast.FunctionDef], forward: str, backward: str, way: Convention
) -> Iterator[CallTrial]:
    """`out, cache = forward(x, w, b)` and `dx, dw, db = backward(dout, cache)`."""
    f, g = functions[forward], functions[backward]
    make = Maker(way)
    variables: dict[str, Any] = {}
    attends = {"q", "k", "v"} <= {a.lower() for a in arguments_of(f)}
    for argument in arguments_of(f):
        value = None if attends and len(argument) == 1 else make(argument)
        if value is None:
            value = make.normal(D, N) if way.columns else make.normal(N, D)
        variables[argument] = value
    results = returned_names(f)
    arrays = [a for a, v in variables.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    back = returned_names(g)
    names = [f"d_{i}" for i in range(max(1, len(back)))]
    cache = "cache" if len(arguments_of(g)) == 2 else ""
    outs = ["out", "cache", *(f"more_{i}" for i in range(len(results) - 2))][: max(1, len(results))]
    call = f"{forward}({', '.join(variables)})"
    lines = [
        f"{', '.join(outs)} = {call}",
        "upstream = np_cos(out)",
        "loss = float((out * upstream).sum())",
        f"{', '.join(names)} = {backward}(upstream{', ' + cache if cache else ''})",
    ]
    targets = {}
    for i, (name, word) in enumerate(zip(names, back or [""], strict=False)):
        like = [a for a in arrays if word and likeness(a, ":" + word) >= 5]
        if like:
            targets[like[0]] = ":" + name
        elif i < len(arrays) and not word:
            targets[arrays[i]] = ":" + name
    if not targets:
        targets = {a: ":" + n for a, n in zip(arrays, names, strict=False)}
    yield CallTrial(f"{forward} and {backward}", lines, variables, targets)


def _with_gradient(
    program: Program, name: str, function: ast.FunctionDef, way: Convention
) -> Iterator[CallTrial]:
    """`loss, dW = f(W, X, y)`."""
    caller = Caller(program, way)
    if not caller.call(name, function):
        return
    variables = caller.variables
    results = returned_names(function)
    targets: dict[str, str] = {}
    arrays = [a for a, v in variables.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    lines = caller.lines
    left = lines[0].split(" = ")[0].split(", ")
    for target, word in zip(left[1:], results[1:], strict=True):
        best = sorted(arrays, key=lambda a: -likeness(a, ":" + (word or target)))
        if best and likeness(best[0], ":" + (word or target)):
            targets.setdefault(best[0], ":" + target)
    if not targets and len(left) == 2 and arrays:
        targets = {arrays[0]: ":" + left[1]}
    lines = [*lines, f"loss = float(np_sum({left[0]}))"]
    yield CallTrial(name, lines, variables, targets or None)


def _is_derivative_of(other: str, name: str) -> bool:
    a, b = other.lower(), name.lower()
    if a == b:
        return False
    if re.search(LOSS, b) and re.search("grad|deriv|prime", a):
        stem = re.sub(r"compute_?|calc\w*_|get_|loss|cost|function|fn|_", "", b)
        return stem == re.sub(
            r"compute_?|calc\w*_|get_|gradients?|grad|derivative|deriv|prime|loss|cost|function|fn|_",
            "",
            a,
        )
    a, b = a.replace("_", ""), re.escape(b.replace("_", ""))
    before = r"(d|der|deriv|derivative|derivada|grad|gradient|ableitung)(of|de)?"
    after = r"(prime|grad|gradient|derivative|derivada|deriv|der|d|ableitung)"
    return bool(re.fullmatch(f"{before}{b}|{b}{after}", a))


def _two(
    program: Program,
    name: str,
    f: ast.FunctionDef,
    other: str,
    g: ast.FunctionDef,
    way: Convention,
) -> Iterator[CallTrial]:
    """A cost and its gradient, or a function of one array and its derivative."""
    caller = Caller(program, way)
    if not caller.call(name, f):
        return
    value = caller.lines[0].split(" = ")[0]
    if not caller.call(other, g):
        return
    results = caller.lines[1].split(" = ")[0].split(", ")
    arguments = [a for a in arguments_of(g) if a in caller.variables]
    arrays = [a for a in arguments if isinstance(caller.variables[a], (np.ndarray, float))]
    words = returned_names(g)
    targets = {}
    if len(arguments_of(f)) == 1 and len(arguments_of(g)) == 1 and len(results) == 1:
        variable = arguments_of(f)[0]
        caller.lines.insert(1, f"upstream = np_cos({value})")
        caller.lines.append(f"d_{variable} = {results[0]} * upstream")
        caller.lines.append(f"loss = float(np_sum({value} * upstream))")
        targets = {variable: f":d_{variable}"}
        lines = list(caller.lines)
        lines[2] = f"{results[0]} = {other}({value})"  # it is written in what the function gave
        ways = [lines, caller.lines]
        if re.search(rf"\b({name}|exp|tanh)\(", ast.unparse(g)):  # or in what goes in
            ways.reverse()
        for each in ways:
            yield CallTrial(f"{name} and {other}", each, caller.variables, targets)
        return
    for result, word in zip(results, words or [""], strict=False):
        like = [a for a in arrays if word and likeness(a, ":" + word) >= 4]
        if like:
            targets[like[0]] = ":" + result
    if not targets:
        weights = [a for a in arrays if re.match(r"w|theta|param|coef|b(ias)?$", a, re.I)]
        predictions = [a for a in arrays if re.search(r"pred|hat|out|prob|^p$|^a", a, re.I)]
        chosen = weights or predictions or arrays
        targets = {a: ":" + r for a, r in zip(chosen, results, strict=False)}
    caller.lines.append(f"loss = float(np_sum({value}))")
    yield CallTrial(f"{name} and {other}", caller.lines, caller.variables, targets)


def _chain(
    program: Program, functions: Mapping[str, ast.FunctionDef], way: Convention
) -> Iterator[CallTrial]:
    """Make the weights, go forward, take the loss, go back: each by its own function."""
    caller = Caller(program, way)
    order: list[str] = []
    for pattern in (INIT, FORWARD, LOSS, BACKWARD):
        fitting = [
            n
            for n in functions
            if re.search(rf"(^|_|[a-z])({pattern})", n, re.I)
            and n not in order
            and not (pattern != BACKWARD and re.search(rf"{BACKWARD}|deriv|prime", n, re.I))
            and not (pattern == FORWARD and re.search(LOSS, n, re.I))
        ]
        fitting.sort(
            key=lambda n: (-_calls_others(functions[n], functions), list(functions).index(n))
        )
        order += fitting[:1]
    kinds = [n for n in order if re.search(BACKWARD, n, re.I)]
    if not kinds or len(order) < 2:
        return
    begun = 0
    for name in order:
        if not caller.call(name, functions[name]):
            return
        if re.search(INIT, name, re.I):
            begun = len(caller.lines)
    yield CallTrial(
        " and ".join(order[-3:]), caller.lines, {**caller.variables, "__begin__": begun}
    )


def _calls_others(function: ast.FunctionDef, functions: Mapping[str, Any]) -> int:
    return sum(
        isinstance(n, ast.Name)
        and n.id in functions
        and re.search("forward|backward", n.id) is not None
        for n in ast.walk(function)
    )


def _of_class(program: Program, cls: ast.ClassDef, way: Convention) -> Iterator[CallTrial]:
    """An object that is made, goes forward and back; a loss if it has one."""
    methods = {s.name: s for s in cls.body if isinstance(s, ast.FunctionDef)}
    forward = _first(methods, rf"^(__call__|{FORWARD})")
    backward = _first(methods, rf"^({BACKWARD})")
    if forward is None or backward is None:
        return
    caller = Caller(program, way)
    texts = []
    if "__init__" in methods:
        for argument in arguments_of(methods["__init__"]):
            text = caller.value(argument)
            if text is None:
                return
            texts.append(text)
    start = f"net = {cls.name}({', '.join(texts)})"
    for name in texts:  # the sizes are no arguments of what comes
        caller.known.pop(name, None)
    if not caller.call(forward, methods[forward], "net."):
        return
    value = caller.lines[0].split(" = ")[0].split(", ")[0] if " = " in caller.lines[0] else ""
    if not value:
        return
    loss = _first(methods, rf"({LOSS})")
    if loss is not None and loss not in (forward, backward):
        for argument in arguments_of(methods[loss]):
            if re.search(r"pred|hat|out|prob|^p$|^a$|score", argument, re.I):
                caller.lines.append(f"{argument} = {value}")
                caller.known[argument] = None
        if not caller.call(loss, methods[loss], "net."):
            return
        scalar = caller.lines[-1].split(" = ")[0].split(", ")[0]
        caller.lines.append(f"loss = float(np_sum({scalar}))")
        if not caller.call(backward, methods[backward], "net."):
            return
        yield CallTrial(cls.name, [start, *caller.lines], {**caller.variables, "__begin__": 1})
        return
    arguments = arguments_of(methods[backward])
    if len(arguments) != 1:
        return
    x = arguments_of(methods[forward])[:1]
    caller.lines += [
        f"upstream = np_cos({value})",
        f"loss = float(np_sum({value} * upstream))",
        f"back = net.{backward}(upstream)",
    ]
    for name in x:
        caller.lines.append(f"d_{name} = back[0] if isinstance(back, tuple) else back")
        caller.lines.append(f"d_{name} = {name} * 0 if d_{name} is None else d_{name}")
    yield CallTrial(
        cls.name, [start, *caller.lines], {**caller.variables, "__begin__": 1, "__also__": x}
    )


def _first(methods: Mapping[str, Any], pattern: str) -> str | None:
    return next((m for m in methods if re.search(pattern, m, re.I)), None)


def _cos(value: Any) -> Any:
    """Numbers of a shape, of both signs and none like another."""
    flat = np.arange(np.size(value), dtype=float)
    return (np.cos(1.7 * flat + 0.3) + 0.2 * np.sin(flat)).reshape(np.shape(value))


def unit_of(program: Program, trial: CallTrial) -> Unit | None:
    """The unit of a trial: what has to be run once is run, the rest is its body."""
    variables = dict(trial.variables)
    begin = variables.pop("__begin__", 0)
    variables.pop("__also__", None)
    helpers = {"np_cos": _cos, "np_sum": np.sum}
    old = define(program.definitions())
    if begin:
        names = {**old, **helpers, **variables}
        try:
            for line in trial.lines[:begin]:
                execute(line, names)
        except Exception:  # it takes other arguments
            return None
        kept = {k for line in trial.lines[:begin] for k in line.split(" = ")[0].split(", ")}
        variables |= {k: names[k] for k in kept if k in names}
    body = ast.parse("\n".join(trial.lines[begin:])).body
    for node in body:
        ast.increment_lineno(node, 1_000_000)
    return Unit(trial.title, program.definitions(), body, variables, old, base=helpers)


def best_of(program: Program, group: Sequence[CallTrial]) -> Analysis | None:
    """The analysis of the trial that runs, and of several the one with the most that is right."""
    best: tuple[tuple[int, int, int], Analysis] | None = None
    seen = set()
    for i, trial in enumerate(group):
        key = str((trial.lines, [(k, np.shape(v)) for k, v in trial.variables.items()]))
        if key in seen:
            continue
        seen.add(key)
        unit = unit_of(program, trial)
        if unit is None:
            continue
        targets = trial.targets
        first = unit.run()
        if first.error is not None:
            continue
        if targets is not None:
            targets = {p: k for p, k in targets.items() if first.get(k) is not None}
            if not targets:
                continue
        analysis = analyse(unit, targets)
        if analysis is None or not analysis.blocks or not analysis.explicit:
            continue
        if "upstream" in trial.lines[min(1, len(trial.lines) - 1)]:
            _take_the_mean(analysis)
        right = sum(b.right for b in analysis.blocks)
        whole = right == len(analysis.blocks)
        score = (int(whole), right, -i)
        if best is None or score > best[0]:
            best = (score, analysis)
        if whole:
            break
    return None if best is None else best[1]


def _take_the_mean(analysis: Analysis) -> None:
    """Count as right weights that all have the 1/N of the mean over the samples in their gradient.

    A course puts it there where the gradient comes back from a loss that has none.
    """
    data = [
        b for b in analysis.blocks if re.match(r"x|inputs?|data|a(_?prev)?(_|\d|$)", b.path, re.I)
    ]
    weights = [b for b in analysis.blocks if b not in data]
    ratios = [proportional(b) for b in weights]
    mean = all(c is not None and abs(c * N - 1.0) < 1e-4 for c in ratios)
    if weights and mean and all(b.right for b in data):
        for block in weights:
            block.right = True


def analyses(program: Program, names: Sequence[str] = ()) -> Iterator[Analysis]:
    """What can be checked with inputs that are made for it."""
    for group in trials(program, names):
        analysis = best_of(program, group)
        if analysis is not None:
            yield analysis
