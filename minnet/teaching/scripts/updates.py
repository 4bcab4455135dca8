"""The update of a loop held to the formulas, by the passes that were seen."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts import rules, steps
from minnet.teaching.scripts.blocks import Analysis, Block, differs, fits, gradient_of, tells
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.mending import statements
from minnet.teaching.scripts.names import arrays_in, rates_of, scalars_of
from minnet.teaching.scripts.repairs import replaced_in
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.scopes import evaluated, parsed
from minnet.teaching.scripts.values import is_numeric

FIRST = 6
"""Passes whose steps are looked at."""

BLOCKS = 8
"""Weights whose steps are held to each other."""

MANY = 200
"""Entries of a block whose steps are looked at: a rule is the same for all."""


def verdicts(analysis: Analysis, snapshots: Sequence[Any]) -> dict[str, list[BlockFinding]]:
    """What is said of the update by a label; nothing where it is right, or cannot be seen."""
    if len(snapshots) < 4 or not analysis.updates or analysis.cut:
        return {}
    unit = analysis.unit
    block = _one_with_update(analysis)
    if block is None or not block.key:
        return {}
    alike = [b for b in analysis.blocks if b.key and b.right and b.path in analysis.updates]
    alike = [b for b in alike if not b.note and b is not block][: BLOCKS - 1]
    remembering = remembers(analysis, block)
    words = " ".join(s.name for s in unit.definitions if isinstance(s, ast.ClassDef))
    for way in WAYS:
        seen, run = _steps(analysis, [block, *alike], snapshots, way)
        if run is None or block.path not in seen:
            continue
        scalars = scalars_of(run)
        numbers = [*_numbers_in(unit), *scalars.values()]
        named = {k.split(":")[-1].split(".")[-1]: v for k, v in scalars.items()}
        verdict = rules.judge(*seen[block.path], numbers, words, remembering, named)
        if verdict is None:
            mixed = _mixed(block, alike, seen, numbers)
            if mixed is not None:
                return {block.label: [mixed]}
            continue
        rule, finding = verdict
        if rule == "SGD" and finding is None:
            rule, finding = "momentum", _set_back(unit)
        if finding is not None:
            at = f"{rule}, line {min(analysis.updates[block.path])}"
            return {f"update{f' in {unit.owner}' if unit.owner else ''} ({at})": [finding]}
        plain = verdict[0] == "SGD"
        told: dict[str, list[BlockFinding]] = {} if plain else {f"update ({rule})": []}
        if not block.right or block.note:
            return told
        told |= _paces(analysis, [block, *alike], seen, numbers, rates_of(run))
        return told | _of_others(analysis, [block, *alike], seen, numbers)
    return {}


def followed(analysis: Analysis, snapshots: Sequence[Any]) -> Analysis:
    """The analysis with the gradients that steps by a rule follow, whatever these are called.

    Such a step is no multiple of its gradient, so that nothing was known of one that has no name
    like dW, as where a method for each layer takes it. What is measured tells which array it is.
    """
    nameless = [b for b in analysis.blocks if not b.key and not b.right]
    nameless = [b for b in nameless if b.path in analysis.updates]
    if not nameless or len(snapshots) < 4:
        return analysis
    arrays = arrays_in(analysis.unit.run(analysis.put))
    keys = _measured(nameless, {k: np.asarray(v, float) for k, v in arrays.items() if np.any(v)})
    blocks = list(analysis.blocks)
    for i, block in enumerate(blocks):
        if block.path in keys:
            analytic = np.asarray(arrays[keys[block.path]], float)
            known = replace(block, key=keys[block.path], rate=None, analytic=analytic)
            blocks[i] = replace(known, right=block.agrees(analytic))
    other = replace(analysis, blocks=blocks)
    return other if keys and verdicts(other, snapshots) else analysis


def _measured(blocks: Sequence[Block], arrays: Mapping[str, Array]) -> dict[str, str]:
    """The keys of arrays that are what was measured of blocks, and of those called like these."""
    keys: dict[str, str] = {}
    for block in filter(tells, blocks):  # one number is another's by chance
        agree = [k for k, v in arrays.items() if fits(v, block.value) and block.agrees(v)]
        if agree:
            keys[block.path] = agree[0]
    names = {_without_indices(key) for key in keys.values()}
    for block in blocks:
        left = [k for k, v in arrays.items() if fits(v, block.value) and k not in keys.values()]
        left = [k for k in left if _without_indices(k) in names]
        left = [k for k in left if block.agrees(arrays[k])] or left
        if block.path not in keys and len(left) == 1:
            keys[block.path] = left[0]
    return keys


def _without_indices(key: str) -> str:
    return re.sub(r"#\d+|\[\d+\]", "", key)


def _steps(
    analysis: Analysis, blocks: Sequence[Block], snapshots: Sequence[Any], way: str
) -> tuple[dict[str, tuple[list[Array], list[Array]]], Run | None]:
    """The moves and the gradients of weights by their paths, pass by pass, and the last run."""
    unit = analysis.unit
    seen: dict[str, tuple[list[Array], list[Array]]] = {b.path: ([], []) for b in blocks}
    run: Run | None = None
    for snapshot in snapshots[:FIRST]:
        one = unit.beginning_with(snapshot.variables, snapshot.state)
        run = one.run()
        if run.error is not None:
            return {}, None
        for block in [b for b in blocks if b.path in seen]:
            # a variable that is left of a loop over the layers may name the weight, too
            before = evaluated(parsed(block.path), one.variables)
            after = run.get(":" + block.path)
            gradient = _over_calls(block, run, way)
            start = np.asarray(before, float) if is_numeric(before) else None
            if (
                start is None
                or gradient is None
                or np.shape(after) != start.shape
                or not fits(gradient, start)
            ):
                del seen[block.path]
            else:
                some = _some(start.size)
                seen[block.path][0].append((start - np.asarray(after, float)).reshape(-1)[some])
                seen[block.path][1].append(np.asarray(gradient, float).reshape(-1)[some])
    return seen, run


WAYS = ("one call", "sum", "mean")
"""What an update may take of gradients that a function gives for one sample after the other."""


def _over_calls(block: Block, run: Run, way: str) -> Array | None:
    """The gradient of a block by the first call, or by all of a pass."""
    first = gradient_of(block, run, {})
    if way == WAYS[0] or first is None:
        return first
    if block.key.startswith(":"):  # a variable of the loop itself
        return None
    total, calls = first, 1
    while (more := run.get(re.sub(r"^([^:(#]+)", rf"\1#{calls + 1}", block.key))) is not None:
        if np.shape(more) != first.shape:
            return None
        total, calls = total + block.sign * np.asarray(more, float), calls + 1
    if calls == 1:
        return None
    return total / calls if way == "mean" else total


def _some(size: int) -> Array:
    """The entries that are looked at."""
    if size <= MANY:
        return np.arange(size)
    return np.sort(np.random.default_rng(size).choice(size, MANY, replace=False))


# --- one rule for all -----------------------------------------------------------------------------


def _of_others(
    analysis: Analysis,
    blocks: Sequence[Block],
    seen: dict[str, tuple[list[Array], list[Array]]],
    numbers: Sequence[float],
) -> dict[str, list[BlockFinding]]:
    """What is wrong with the steps of single weights, where the first block's are right.

    A weight may have another rule on purpose; one with a mistake in it is none.
    """
    usual = rules.right(*seen[blocks[0].path], numbers)
    told: dict[str, list[BlockFinding]] = {}
    for block in [b for b in blocks[1:] if b.path in seen]:
        if any(rules.pace(fitted, *seen[block.path]) is not None for fitted in usual):
            continue
        verdict = rules.judge(*seen[block.path], numbers, usual[0].rule.name)
        mixed = _mixed(block, blocks, seen, numbers) if verdict is None else None
        if verdict is not None and verdict[1] is not None and verdict[0] != "SGD":
            text = f"{verdict[1].text} (Line {min(analysis.updates[block.path])}.)"
            told[f"update of {block.label} ({verdict[0]})"] = [verdict[1]._replace(text=text)]
        elif mixed is not None:
            told[block.label] = [mixed]
    return told


def _mixed(
    block: Block,
    others: Sequence[Block],
    seen: dict[str, tuple[list[Array], list[Array]]],
    numbers: Sequence[float],
) -> BlockFinding | None:
    """Whether a weight shares what is remembered with another of its shape."""
    for other in others:
        if other is block or other.path not in seen or other.value.shape != block.value.shape:
            continue
        for pair in ((block, other), (other, block)):
            both = [seen[b.path] for b in pair]
            moves, gradients = (
                [a for step in zip(*(one[k] for one in both), strict=True) for a in step]
                for k in (0, 1)
            )
            fits = rules.right(moves, gradients, numbers)
            if fits and fits[0].rule.name != "SGD" and fits[0].rate > 0:
                return BlockFinding(
                    "wrong",
                    f"its steps are those of {fits[0].rule.name} over the gradients of "
                    f"{block.label} and {other.label} in turn: both keep what they remember in "
                    "one array. Give each a velocity, or means, of its own. The gradient is right.",
                )
    return None


# --- one rate for all -----------------------------------------------------------------------------


def _paces(
    analysis: Analysis,
    blocks: Sequence[Block],
    seen: dict[str, tuple[list[Array], list[Array]]],
    numbers: Sequence[float],
    known: Sequence[float],
) -> dict[str, list[BlockFinding]]:
    """Weights whose steps have the learning rate in them once more than the others', or not at all.

    Rates that differ on purpose stand in the code.
    """
    blocks = [b for b in blocks if b.path in seen]
    if len(blocks) < 2:
        return {}
    for fitted in rules.right(*seen[blocks[0].path], numbers):
        rates = {b.path: rules.pace(fitted, *seen[b.path]) for b in blocks}
        if None not in rates.values():
            break
    else:
        return {}
    usual = [r for r in rates.values() if r is not None and _is_one_of(r, known)]
    told: dict[str, list[BlockFinding]] = {}
    for block in blocks:
        rate = rates[block.path]
        if rate is None or not usual or abs(rate - usual[0]) <= 1e-5 * usual[0]:
            continue
        lr = usual[0]
        if abs(lr - 1.0) < 1e-5 or rate <= 0:
            continue
        twice = abs(rate - lr * lr) <= 1e-5 * lr * lr and not _is_one_of(rate, numbers)
        if twice or abs(rate - 1.0) <= 1e-5:
            text = _told(analysis, block, lr) if twice else _without(analysis, block, lr)
            told[block.label] = [BlockFinding("factor", text)]
    return told


def _is_one_of(rate: float, numbers: Sequence[float]) -> bool:
    return any(abs(rate - n) <= 1e-5 * abs(n) for n in numbers)


def _without(analysis: Analysis, block: Block, lr: float) -> str:
    return (
        f"its step is {1 / lr:.4g} times as large as it is with the rate of the others, {lr:.4g}: "
        f"the learning rate is missing in it (line {min(analysis.updates[block.path])}). The "
        "gradient is right."
    )


def _told(analysis: Analysis, block: Block, lr: float) -> str:
    """What is said of a learning rate that is in a step twice, and the line without it."""
    text = (
        f"its step is {lr:.4g} times as large as it is with the rate of the others, and that is "
        "the learning rate itself: it is multiplied in twice. The gradient is right."
    )
    unit, put = analysis.unit, analysis.put
    names = {
        re.split(r"[:.]", k)[-1]
        for k, v in scalars_of(unit.run(put)).items()
        if _is_one_of(v, [lr])
    }
    moves = steps.moves(analysis, unit.run(put))
    own = analysis.updates[block.path]
    for statement, new in sorted(_fewer(unit, names), key=lambda s: s[0].lineno not in own):
        edited: Any = tuple(
            replaced_in(body, statement, new) for body in (unit.definitions, unit.body)
        )
        run = unit.run(put, edited=edited)
        after = steps.moves(analysis, run)
        if run.error is not None or block.path not in after:
            continue
        others = all(
            np.array_equal(after.get(p, m), m) for p, m in moves.items() if p != block.path
        )
        if others and np.allclose(after[block.path] * lr, moves[block.path], rtol=1e-6, atol=0.0):
            return (
                f"{text} Line {statement.lineno}: the line is `{ast.unparse(statement)}`; with "
                f"`{ast.unparse(new)}` the step is as those of the others are."
            )
    return text


def _fewer(unit: Unit, names: set[str]) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Statements with a factor of one of these names, each without it."""

    def factors(tree: ast.AST) -> list[ast.BinOp]:
        return [
            n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)
        ]

    for _, statement in statements(unit):
        for number, product in enumerate(factors(statement)):
            for side in ("left", "right"):
                if ast.unparse(getattr(product, side)).split(".")[-1] not in names:
                    continue
                new = copy.deepcopy(statement)
                gone = factors(new)[number]
                stays = gone.right if side == "left" else gone.left
                fresh = _Replaced(gone, stays).visit(new)
                yield statement, ast.fix_missing_locations(fresh)


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else super().visit(node)


def _one_with_update(analysis: Analysis) -> Block | None:
    known = [b for b in analysis.blocks if b.path in analysis.updates and b.key]
    return max(known, key=lambda b: b.value.size, default=None)


def _numbers_in(unit: Unit) -> list[float]:
    """The numbers that stand in the code."""
    values = []
    for statement in [*unit.definitions, *unit.body]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                values.append(node.value)
    return values


# --- what an update remembers ---------------------------------------------------------------------


def remembers(analysis: Analysis, block: Block) -> bool:
    """Whether a pass keeps something of a weight's gradient, or its step goes by what is kept.

    By its name alone nothing is a memory: a number called momentum is none, nor are the running
    averages of a layer, which know nothing of the layers after it. What an update remembers depends
    on all that the gradient depends on.
    """
    unit, put = analysis.unit, analysis.put
    weights = {b.path for b in analysis.blocks}
    named = [(p, s) for p, s in unit.slots().items() if p not in weights and _is_memory(p)]
    if not named:
        return False
    here = unit.run(put)
    for path, slot in named:
        after = here.get(":" + path)
        if not is_numeric(slot.value) or after is None or not is_numeric(after):
            continue
        if not (fits(after, block.value) or fits(slot.value, block.value)):
            continue
        value = np.asarray(slot.value, float)
        there = unit.run({**put, path: 1.1 * value + 0.01})
        if there.error is not None:
            continue
        if differs(here.get(":" + block.path), there.get(":" + block.path)):
            return True  # it is read, and not kept
        if not differs(slot.value, after) and np.shape(slot.value) == np.shape(after):
            continue  # it lies there unused
        if not differs(after, there.get(":" + path)) and _is_read(analysis, path, value):
            continue  # with a factor of 0
        if _is_of_gradient(analysis, block, path, here):
            return True
    return False


def _set_back(unit: Unit) -> BlockFinding | None:
    """A velocity that each pass makes of zeros and then takes on: it has nothing to remember."""
    made: dict[str, int] = {}
    for _, node in statements(unit):
        if not isinstance(node, ast.Assign):
            continue
        name = re.match(r"[\w.]+", ast.unparse(node.targets[0]))
        root = name[0] if name is not None else ""
        products = [n for n in ast.walk(node.value) if isinstance(n, ast.BinOp)]
        products = [n for n in products if isinstance(n.op, ast.Mult)]
        if root in made and any(re.search(rf"\b{root}\b", ast.unparse(n)) for n in products):
            return BlockFinding(
                "wrong",
                f"{root} is set back to 0 in each pass (line {made[root]}), so that nothing is "
                "remembered and momentum does nothing: it is to be made once, before the loop.",
            )
        if _is_memory(root) and re.search(r"zeros|\* 0\b|\[0", ast.unparse(node.value)):
            made[root] = node.lineno
    return None


def _is_memory(path: str) -> bool:
    """Whether it, or what it lies in, is called like a velocity."""
    return any(
        re.match(r"^(v|vel|velocity|velocities|moment\w*|v_?[wWbdt]\w*|m_?[wWbdt]\w*)$", name)
        for name in re.findall(r"\w+", path)
    )


def _is_read(analysis: Analysis, path: str, value: Array) -> bool:
    """Whether its new value is made with the old one, be it with a factor of 0."""
    lost = analysis.unit.run({**analysis.put, path: np.full_like(value, np.nan)})
    after = lost.get(":" + path)
    return after is not None and bool(np.isnan(np.asarray(after, float)).any())


def _is_of_gradient(analysis: Analysis, block: Block, path: str, here: Run) -> bool:
    """Whether it is another wherever the gradient is."""
    gradient = gradient_of(block, here, analysis.put)
    for other in analysis.blocks:
        put = {**analysis.put, other.path: 1.1 * other.value + 0.01}
        there = analysis.unit.run(put)
        if there.error is not None:
            continue
        moved = differs(gradient, gradient_of(block, there, put))
        if moved and not differs(here.get(":" + path), there.get(":" + path)):
            return False
    return True
