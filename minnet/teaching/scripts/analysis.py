"""Which weights a piece of a program learns, its loss, its gradients, and what is measured.

Nothing here goes by one style of program. A weight is what a pass of the loop changes and the loss
depends on; the loss is a number that is seen in a pass; the gradient of a weight is an array of its
shape and of a name like dW, or what the pass subtracted from the weight. All are held against
central differences of the loss, from runs in which no weight is changed on the way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts import faint, resets
from minnet.teaching.scripts.averages import without_averages
from minnet.teaching.scripts.blocks import Analysis, Block, differs, fits, proportional, ratio
from minnet.teaching.scripts.choosing import (
    MANY,
    by_any_name,
    is_inside,
    movers,
    proves,
    score_of,
)
from minnet.teaching.scripts.common import of_mean, penalized, rate_of, same_as
from minnet.teaching.scripts.names import (
    VALUES,
    arrays_in,
    everything,
    everything_value,
    label_of,
    leaf,
    likeness,
    loss_rank,
    rates_of,
    scalars_of,
)
from minnet.teaching.scripts.rates import rates_for, written_rates
from minnet.teaching.scripts.replays import Run, Unit, changing_lines
from minnet.teaching.scripts.roles import (
    carried,
    clipped,
    is_handed_on,
    is_history,
    is_setting,
    is_state,
    is_watched,
)
from minnet.teaching.scripts.values import is_number, is_numeric

STEP = 1e-5


ENTRIES = 20
"""Entries of a block that are measured."""

SUSPECTS = 6
"""Things called like a velocity that are looked at."""

BLOCKS = 24
"""Blocks that are looked at."""


def analyse(
    unit: Unit,
    targets: Mapping[str, str] | None = None,
    *,
    stay: bool = False,
    whole: bool = False,
) -> Analysis | None:
    """The weights, the loss and the gradients of a unit, or None if it has none.

    `targets` has the keys of gradients by the paths of their weights, where they are known; `stay`
    says that the weights are to be those that are given, as long as none is all 0; `whole`, that
    all entries are measured.
    """
    first = unit.run()
    if first.error is not None:
        return None
    start = {p: s for p, s in unit.slots().items() if is_numeric(s.value)}
    weights = weights_of(unit, first) if targets is None else [p for p in targets if p in start]
    if not weights:
        return None
    moved = _generic_point(unit, {p: start[p].array for p in weights}, frozenset()) or {}
    second = unit.run(moved)  # at the start a gradient may be 0 by chance
    if second.error is None and targets is None:
        more = [p for p in _weights(unit, second, start, moved) if p not in weights]
        weights = [*weights, *more]
    last = first if second.error is not None else second
    changed = [
        p
        for p in weights
        if differs(start[p].value, first.get(":" + p))
        or differs(moved.get(p, start[p].value), last.get(":" + p))
    ]
    updates, most = changing_lines(unit, changed, moved) if changed else ({}, 0)
    if most > 1 and targets is None:  # the weights move within a pass: the loop inside is the one
        return None
    updates = {p: lines for p, lines in updates.items() if lines}
    stop = frozenset().union(*updates.values()) if updates else frozenset()
    again = resets.behind_the_step(unit, first, updates, stop)
    if again:  # a pass that ends with its gradients is looked at in its place
        return analyse(unit.leaving_out(again), targets, stay=stay, whole=whole)
    put = _generic_point(unit, {p: start[p].array for p in weights}, stop)
    if put is None:  # a state that the line hands on which computes the loss: h of a sequence
        weights = [
            p
            for p in weights
            if p not in updates or unit.run(without=frozenset(updates[p])).error is None
        ]
        updates = {p: lines for p, lines in updates.items() if p in weights}
        stop = frozenset().union(*updates.values()) if updates else frozenset()
        put = _generic_point(unit, {p: start[p].array for p in weights}, stop)
    if stay and all(np.any(start[p].array) for p in weights):
        put = {p: np.asarray(start[p].value, float) for p in weights}
    if put is None:
        return None
    most = 400 if whole else ENTRIES
    keys, slopes, bends = _slopes(unit, put, stop, most)
    kept = [] if targets is not None else carried(unit, weights, put, keys, slopes)
    put = {p: value for p, value in put.items() if p not in kept}
    depends = [p for p in put if any(np.any(s != 0) for s in slopes[p].T)]
    if not depends:
        return None
    run, still = unit.run(put), unit.run(put, without=stop)
    if still.error is not None:
        return None
    analysis = _choose(
        unit,
        {p: put[p] for p in depends},
        put,
        updates,
        (keys, slopes, bends),
        run,
        still,
        targets,
        most,
    )
    larger = None if stay or analysis is None else faint.with_larger_weights(analysis)
    if analysis is not None and larger is not None:
        there = analyse(larger, targets, stay=True, whole=whole)
        if there is not None and faint.shows(there, analysis):
            return there
    return analysis


def weights_of(unit: Unit, run: Run) -> list[str]:
    """The paths of what a unit learns, by a run; a weight may be called like a velocity."""
    start = {p: s for p, s in unit.slots().items() if is_numeric(s.value)}
    weights = _weights(unit, run, start)
    return [*weights, *_no_states(unit, run, start, weights)] if weights else []


def _weights(
    unit: Unit,
    run: Run,
    start: Mapping[str, Any],
    put: Mapping[str, Array] | None = None,
) -> list[str]:
    """The paths that may be weights: those that change, and those with a gradient by name."""
    changed = []
    for path, slot in start.items():
        if not np.size(slot.value) or slot.array.dtype.kind not in "fiu":
            continue
        if isinstance(slot.value, np.ndarray) and slot.value.dtype.kind != "f":
            after = run.get(":" + path)
            if after is None or not isinstance(after, np.ndarray) or after.dtype.kind != "f":
                continue
        if differs(slot.value, run.get(":" + path)):
            changed.append(path)
    named = []
    keys = arrays_in(run)
    for path, slot in start.items():
        if path in changed or not isinstance(slot.value, np.ndarray) or not slot.value.size:
            continue
        of = {slot.value.shape, _grown(slot.value, run.get(":" + path))}
        shapes = [k for k in keys if np.shape(keys[k]) in of | {()}]
        if any(likeness(path, key) >= 9 for key in shapes) or len(of) > 1:
            named.append(path)
    if not changed and not named:  # numbers with a gradient that is always 0
        named = [p for p in start if is_number(start[p].value) and _beside(p, run)]
        named = named if len(named) > 1 else []
    states = [p for p in changed if is_state(p)]
    rest = [p for p in changed if p not in states]
    gradient_like = {
        p for p in [*rest, *named] if any(likeness(o, ":" + p) >= 6 for o in start if o != p)
    }
    rest = [p for p in rest if p not in gradient_like and not is_history(p)]
    rest = [p for p in rest if not (is_number(start[p].value) and is_setting(p))]
    rest = [p for p in rest[: 2 * BLOCKS] if not _is_made_anew(unit, run, p, start[p].array, put)]
    rest = [p for p in rest if not (is_number(start[p].value) and _is_sum(unit, run, p, put))]
    named = [p for p in named if not is_state(p) and p not in gradient_like]
    named = (
        [p for p in named if not re.match(r"^(x|y|t)(_|$|train|batch|b$)", p, re.I)]
        if rest
        else named
    )
    return (rest + named)[:BLOCKS]


def _grown(before: Array, after: Any) -> tuple[int, ...]:
    """The shape that an array has behind a pass, where what was subtracted has more rows."""
    shape = np.shape(after) if is_numeric(after) else ()
    fits_it = before.shape == shape[len(shape) - before.ndim :] or before.shape[:1] == (1,)
    return shape if len(shape) >= before.ndim and fits_it else before.shape


def _no_states(
    unit: Unit, first: Run, start: Mapping[str, Any], weights: Sequence[str]
) -> list[str]:
    """What is called like a velocity and is a weight: the loss depends on it before any update."""
    named = [p for p, s in start.items() if is_state(p) and p not in weights]
    keys = arrays_in(first)
    named = [
        p
        for p in named
        if differs(start[p].value, first.get(":" + p))
        and any(likeness(p, k) >= 9 and fits(v, start[p].array) for k, v in keys.items())
    ][:SUSPECTS]
    if not named:  # a velocity that looks ahead has no gradient of its own
        return []
    changed = [p for p in weights if differs(start[p].value, first.get(":" + p))]
    lines, _ = changing_lines(unit, [*changed, *named], {})
    stop = frozenset().union(*lines.values()) if lines else frozenset()
    losses = _losses(unit.run(without=stop))
    real = []
    for path in named:
        other = 1.1 * np.asarray(start[path].value, float) + 0.01
        there = _losses(unit.run({path: other}, without=stop))
        if losses and any(there.get(k) != v for k, v in losses.items()):
            real.append(path)
    return real


def _losses(run: Run) -> dict[str, float]:
    """The numbers that may be a loss, and those that are implied; nothing after an error."""
    if run.error is not None:
        return {}
    numbers = {k: v for k, v in everything(run).items() if math.isfinite(v)}
    return {k: v for k, v in numbers.items() if k.startswith(("½ Σ (", "−Σ")) or loss_rank(k)}


def _is_made_anew(
    unit: Unit, run: Run, path: str, value: Array, put: Mapping[str, Array] | None
) -> bool:
    """Whether a pass computes it without its old value, as outputs and gradients are."""
    after = run.get(":" + path)
    if after is None or np.shape(after) != value.shape or not np.isfinite(after).any():
        return False  # or a step leaves no number, as an Adam with t = 0
    other = unit.run({**(put or {}), path: 1.01 * np.asarray(value, float) + 0.01})
    return other.error is None and not differs(after, other.get(":" + path))


def _is_sum(unit: Unit, run: Run, path: str, put: Mapping[str, Array] | None) -> bool:
    """Whether a number is only added to: nothing but itself is another with another start.

    The line that adds a loss to a total computes that loss, and is no update.
    """
    if "[" in path or VALUES.fullmatch(leaf(path)[0]):  # a weight among others
        return False
    value = (put or {}).get(path, unit.slots()[path].value)
    other = unit.run({**(put or {}), path: np.asarray(value, float) + 1.0})
    if other.error is not None or run.error is not None:
        return False
    own = re.compile(rf"(?<![\w.]){re.escape(path)}(²|(?!\w))")
    here, there = scalars_of(run), scalars_of(other)
    if any(there.get(k) != v for k, v in here.items() if not own.search(k) and v == v):
        return False
    arrays = arrays_in(other)
    return not any(
        differs(v, arrays.get(k)) for k, v in arrays_in(run).items() if not own.search(k)
    )


def _generic_point(
    unit: Unit, weights: Mapping[str, Array], stop: frozenset[int]
) -> dict[str, Array] | None:
    """Weights where nothing is 0 or equal by chance, and where the program still runs."""
    rng = np.random.default_rng(5)
    for size in (0.3, 0.05, 0.0):
        put = {}
        for path, value in weights.items():
            array = np.asarray(value, float)
            spread = float(array.std()) if array.size > 1 else 0.0
            scale = max(spread, 0.3 if not np.any(array) else 0.2 * float(np.abs(array).max()))
            scale = min(scale, 2.0) if size else 0.0
            noise = (
                size * scale * rng.standard_normal(array.shape) / (0.3 if not np.any(array) else 1)
            )
            put[path] = array + noise
        run = unit.run(put, without=stop)
        if run.error is None:
            numbers = [v for k, v in scalars_of(run).items() if loss_rank(k) >= 2]
            if all(math.isfinite(v) for v in numbers):
                return put
    return None


def _slopes(
    unit: Unit, put: Mapping[str, Array], stop: frozenset[int], most: int = ENTRIES
) -> tuple[list[str], dict[str, Array], dict[str, Array]]:
    """Slopes of every number that a run shows: for each weight (entries, numbers), and bends."""
    middle = everything(unit.run(put, without=stop))
    aside = {
        p: value + STEP * np.cos(np.arange(value.size).reshape(value.shape))
        for p, value in put.items()
    }
    beside = everything(unit.run(aside, without=stop))
    # numbers that no weight changes are not gone through for each entry
    keys = [k for k in middle if math.isfinite(middle[k]) and middle[k] != beside.get(k)]
    among = frozenset(keys)
    slopes, bends = {}, {}
    for path, value in put.items():
        rows, curved = [], []
        for index in entries_of(value, most):
            h = STEP * max(1.0, abs(float(value.reshape(-1)[index])))
            sides = []
            for side in (h, -h):
                moved = value.copy().reshape(-1)
                moved[index] += side
                there = {**put, path: moved.reshape(value.shape)}
                other = everything(unit.run(there, without=stop), among=among)
                sides.append(np.array([other.get(k, math.nan) for k in keys]))
            here = np.array([middle[k] for k in keys])
            rows.append((sides[0] - sides[1]) / (2 * h))
            curved.append(np.abs(sides[0] - 2 * here + sides[1]) / h)
        slopes[path], bends[path] = np.array(rows), np.array(curved)
    return keys, slopes, bends


def entries_of(value: Array, most: int = ENTRIES) -> Array:
    """The flat indices of a block that are measured."""
    if value.size <= most:
        return np.arange(value.size)
    rng = np.random.default_rng(value.size)
    chosen: Array = np.sort(rng.choice(value.size, most, replace=False))
    chosen[0], chosen[-1] = 0, value.size - 1  # a bias may be the first or the last
    return chosen


def _choose(
    unit: Unit,
    weights: Mapping[str, Array],
    put: dict[str, Array],
    updates: dict[str, set[int]],
    table: tuple[list[str], dict[str, Array], dict[str, Array]],
    run: Run,
    still: Run,
    targets: Mapping[str, str] | None,
    most: int,
) -> Analysis | None:
    keys, slopes, bends = table
    start = {":" + p: slot.value for p, slot in unit.slots().items()}
    arrays = {k: v for k, v in arrays_in(still).items() if not _is_data(start.get(k), v)}
    candidates = {}
    for path, value in weights.items():
        if targets is not None:
            candidates[path] = [targets[path]]
        else:
            candidates[path] = _by_name(path, value, arrays, list(weights)) or _beside(path, still)
    rates = rates_of(still)

    def by_loss(column: int, explicit: bool) -> Analysis | None:
        """The analysis by one of the numbers, if a weight changes it."""
        key = keys[column]
        if not any(np.any(slopes[p][:, column]) for p in weights):
            return None
        blocks = []
        for path, value in weights.items():
            n = slopes[path][:, column]
            bend = bends[path][:, column]
            loss = abs(float(everything_value(still, key)))
            bent = bend > 1e-3 * (np.abs(n).max() + 1e-12) + 1e-7 * (loss + 1)
            label = label_of(path, list(weights))
            block = Block(path, label, value, entries_of(value, most), n, bent=bent, bend=bend)
            if np.isfinite(n).all() and (np.any(n) or path in updates):
                blocks.append(block)
        if not blocks:
            return None
        analysis = Analysis(unit, put, blocks, key, updates, explicit=explicit, scalars=keys)
        settle(analysis, candidates, rates, run, still)
        analysis.blocks = _learned(analysis.blocks)
        return analysis

    best: dict[bool, tuple[Any, Analysis]] = {}
    for column, key in enumerate(keys):
        explicit = not key.startswith(("½", "−"))
        rank = loss_rank(key) if explicit else 0
        if explicit and (rank == 0 or f"½ Σ |{key}|²" in keys or is_inside(key, keys, slopes)):
            continue  # no loss, a difference whose square is one, or a part of one
        analysis = by_loss(column, explicit)
        if analysis is None:
            continue
        score = score_of(analysis, rank, movers(slopes, column))
        if explicit not in best or score > best[explicit][0]:
            best[explicit] = (score, analysis)
    for column in by_any_name(keys, best[True][1] if True in best else None):
        analysis = by_loss(column, True)
        if analysis is not None and proves(analysis, MANY if True in best else 2):
            best[True] = (score_of(analysis, 0, len(weights)), analysis)
            break
    for _, analysis in best.values():
        analysis.slopes = {p: slopes[p] for p in weights}
        if targets is None:
            analysis.blocks = without_averages(analysis)
    if True not in best:
        return best[False][1] if best else None
    analysis = best[True][1]
    analysis.implied = best[False][1] if False in best else None
    return analysis


def _learned(blocks: list[Block]) -> list[Block]:
    """The blocks without the state of a recurrent network, which moves by no gradient."""
    learned = []
    for block in blocks:
        handed = is_handed_on(block.path) and block.update is not None and not block.right
        if (
            handed
            and block.key
            and block.analytic is not None
            and fits(block.analytic, block.value)
        ):
            move = np.asarray(block.update, float).reshape(-1)
            handed = ratio(move, np.asarray(block.analytic, float).reshape(-1)) is None
        if not handed:
            learned.append(block)
    return learned or blocks


def _is_data(before: Any, after: Any) -> bool:
    """Whether a pass leaves numbers as they were before, which gradients are not."""
    return (
        is_numeric(before)
        and is_numeric(after)
        and bool(np.any(np.asarray(after) != 0))
        and np.array_equal(np.asarray(before), np.asarray(after))
    )


def _by_name(path: str, value: Array, arrays: Mapping[str, Any], weights: list[str]) -> list[str]:
    """Keys of arrays that are called the gradient of what is at a path, the best first."""
    candidates = []
    for i, (key, array) in enumerate(arrays.items()):
        if key.startswith(":") and key[1:] in weights:
            continue
        alike = likeness(path, key)
        same = fits(array, value)
        if alike and same:
            candidates.append((alike, i, key))
        elif alike >= 9 and np.size(array) and not any(f[0] >= 9 for f in candidates):
            candidates.append((2, i, key))  # of another shape: not summed, or transposed
    top = max((alike for alike, _, _ in candidates), default=0)
    return [key for alike, _, key in sorted(candidates, reverse=True) if alike >= top - 1]


def _beside(path: str, run: Run) -> list[str]:
    """The gradient in the same object as a number, where it was reached by another name."""
    name, around = leaf(path)
    key = f":{around}.grad"
    return [key] if VALUES.fullmatch(name) and is_number(run.get(key)) else []


def settle(
    analysis: Analysis,
    candidates: Mapping[str, list[str]],
    rates: list[float],
    run: Run,
    still: Run,
) -> None:
    """Decide for each block what the code's gradient is, and whether it is right."""
    ratios, known = [], list(rates)
    for block in analysis.blocks:
        after = run.get(":" + block.path) if run.error is None else None
        if after is not None and np.shape(after) == block.value.shape:
            moved = block.value - np.asarray(after, float)
            block.update = moved if np.any(moved) else None
        elif _grown(block.value, after) != block.value.shape:
            block.analytic = block.value - np.asarray(after, float)
        if block.update is not None and block.value.size > 1:
            c = ratio(block.at(block.update), block.measured)
            if c is not None:
                ratios.append(c)
    if not ratios and not known:  # nothing is a multiple: by the number that stands in the line
        known = written_rates(analysis.unit, analysis.updates, still)
    if not ratios and not known:  # single numbers, and a rate that stands in the line alone
        moves = [(b, b.update) for b in analysis.blocks if b.update is not None]
        ratios = [c for b, move in moves if (c := ratio(b.at(move), b.measured)) is not None]
    usual = None
    if ratios:
        usual = sorted(ratios, key=lambda c: (-same_as(c, ratios), -c))[0]
    for block in analysis.blocks:
        _by_key(block, candidates[block.path], (run, still), known)
    _from_one_call(analysis, candidates, (run, still), known)
    for block in analysis.blocks:
        if block.key:
            moved = block.update  # perhaps a penalty is in it
            if not block.right and moved is not None:
                fitting = [r for r in known if r > 0 and block.agrees(moved / r)]
                if fitting:
                    block.right, block.note, block.rate = True, "update", fitting[0]
                    block.analytic = moved / block.rate
        elif block.update is not None:
            likely = rates_for(block, analysis.blocks, known)
            rate = rate_of(block, likely, analysis.blocks)
            if rate is None and usual and (not analysis.explicit or not known):
                rate = abs(usual)
            block.rate = likely[0] if rate is None else rate
            block.analytic = block.update / block.rate
            block.right = block.agrees(block.analytic)
    _as_the_others(analysis)
    if not analysis.explicit or _has_no_factor(analysis):
        common_factor(analysis)
    if not analysis.explicit:
        penalized(analysis)
    _clip(analysis)


def _from_one_call(
    analysis: Analysis,
    candidates: Mapping[str, list[str]],
    runs: Sequence[Run],
    rates: list[float],
) -> None:
    """Take wrong gradients from the call that the right ones are from, not another sample's."""
    calls = {b.key.rpartition(":")[0] for b in analysis.blocks if b.key and b.right}
    if len(calls) != 1:
        return
    call = calls.pop()
    for block in analysis.blocks:
        if block.key and not block.right and block.key.rpartition(":")[0] != call:
            there = [k for k in candidates[block.path] if k.rpartition(":")[0] == call]
            if there:
                _by_key(block, there, runs, rates)


def _as_the_others(analysis: Analysis) -> None:
    """Take wrong gradients from the update, where all that are right are right by theirs.

    Then the arrays that are called gradients are those of one sample, and the update has sums.
    """
    named = [block for block in analysis.blocks if block.key]
    right = [block for block in named if block.right]
    if not right or any(block.note != "update" for block in right):
        return
    for block in named:
        if not block.right and block.update is not None:
            block.key, block.sign, block.rate = "", 1.0, right[0].rate or 1.0
            block.analytic = block.update / block.rate


def _has_no_factor(analysis: Analysis) -> bool:
    """Whether the loss is only looked at: what is shown, or a sum of squares for a half of it."""
    watched = is_watched(analysis.loss, any(block.key for block in analysis.blocks))
    ratios = [proportional(block) for block in analysis.blocks]
    alike = sum(c is not None and abs(c - 0.5) < 1e-4 for c in ratios)
    halves = alike == len(ratios) or (alike > 1 and 2 * alike > len(ratios))
    return loss_rank(analysis.loss) < 2 or (watched and halves)


def _clip(analysis: Analysis) -> None:
    """Count gradients as right that are so but for a bound that the code has."""
    pairs = []
    for block in analysis.blocks:
        if block.analytic is not None and fits(block.analytic, block.value):
            whole = np.asarray(block.analytic, float)
            pairs.append((whole, block.at(whole), block.measured))
    if len(pairs) == len(analysis.blocks) and clipped(pairs, analysis.unit.numbers()):
        for block in analysis.blocks:
            block.right = True


def _by_key(block: Block, keys: Sequence[str], runs: Sequence[Run], rates: list[float]) -> None:
    """Choose the array that is the block's gradient: one that is right, or that the update uses."""
    chosen = None
    for key in keys:
        values = [r.get(key) for r in runs if r.error is None]
        values = [v for v in values if v is not None and is_numeric(v)]
        if not values:
            continue
        sign, proportion = 1.0, None
        first = np.asarray(values[0], float)
        if block.update is not None and not np.any(first) and np.any(block.measured):
            continue  # it was set back to 0 behind the step
        if block.update is not None and fits(first, block.value):
            proportion = ratio(block.update.reshape(-1), first.reshape(-1))
            if proportion is not None and proportion < 0:
                sign = -1.0
        memory = is_state(key.split(":")[-1])  # β v + (1 − β) dW is no gradient, where dW is there
        quality = (block.agrees(sign * first), proportion is not None, not memory)
        if chosen is None or quality > chosen[0]:
            chosen = (quality, key, sign, sign * first, proportion)
    if chosen is None:
        return
    _, block.key, block.sign, block.analytic, proportion = chosen
    if proportion is not None and block.value.size > 1:
        rates.insert(0, abs(proportion))
    block.right = block.agrees(block.analytic)


def common_factor(analysis: Analysis) -> None:
    """Right are those that are the same positive number of times what was measured."""
    constants = []
    for block in analysis.blocks:
        constants.append(proportional(block) if block.value.size > 1 else None)
    known = [c for c in constants if c is not None]
    if not known:
        known = [c for c in map(proportional, analysis.blocks) if c is not None]
    if not known:
        return
    c = sorted(known, key=lambda c: (-same_as(c, known), -c))[0]
    c = of_mean(analysis.unit, c, known)
    if c < 0 and all(k < 0 for k in known):
        c = -c
    analysis.common = abs(c)
    for block in analysis.blocks:
        block.measured = block.measured * abs(c)
        block.right = block.agrees(block.analytic)
